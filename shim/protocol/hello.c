#include "hello.h"

#define HELLO_HANDSHAKE 0x16
#define HELLO_MAJOR 3 /* of the versions, from SSL 3.0 on */
#define HELLO_RECORD_MINOR_MOST 4
#define HELLO_MINOR_MOST 3 /* TLS 1.3 calls itself 1.2 here */
#define HELLO_CLIENT 1

static bool hello_fits(size_t at, uint8_t byte)
{
	switch (at) {
	case 0:
		return byte == HELLO_HANDSHAKE;
	case 1:
	case 9:
		return byte == HELLO_MAJOR;
	case 2:
		return byte <= HELLO_RECORD_MINOR_MOST;
	case 5:
		return byte == HELLO_CLIENT;
	case 6: /* the high byte of a length that one record holds */
		return byte == 0;
	case 10:
		return byte <= HELLO_MINOR_MOST;
	default:
		return true;
	}
}

void hello_read(struct hello *h, const uint8_t *at, size_t n)
{
	uint8_t got = atomic_load_explicit(&h->got, memory_order_relaxed);

	for (size_t i = 0; i < n && got < HELLO_BYTES; i++) {
		if (!hello_fits(got, at[i])) {
			got = HELLO_NONE;
			break;
		}
		if (got >= HELLO_RANDOM_AT)
			h->random[got - HELLO_RANDOM_AT] = at[i];
		got++;
	}
	atomic_store_explicit(&h->got, got, memory_order_relaxed);
}

bool hello_begins(const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n && i < HELLO_RANDOM_AT; i++) {
		if (!hello_fits(i, at[i]))
			return false;
	}
	return n > 2; /* type and version */
}
