#include "siphash.h"

#include <endian.h>
#include <string.h>

struct siphash {
	uint64_t a, b, c, d;
};

static inline uint64_t siphash_turn(uint64_t value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void siphash_round(struct siphash *s)
{
	s->a += s->b;
	s->b = siphash_turn(s->b, 13) ^ s->a;
	s->a = siphash_turn(s->a, 32);
	s->c += s->d;
	s->d = siphash_turn(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = siphash_turn(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = siphash_turn(s->b, 17) ^ s->c;
	s->c = siphash_turn(s->c, 32);
}

static inline void siphash_word(struct siphash *s, uint64_t word)
{
	s->d ^= word;
	siphash_round(s);
	siphash_round(s);
	s->a ^= word;
}

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t length)
{
	struct siphash s = { key[0] ^ UINT64_C(0x736f6d6570736575),
			     key[1] ^ UINT64_C(0x646f72616e646f6d),
			     key[0] ^ UINT64_C(0x6c7967656e657261),
			     key[1] ^ UINT64_C(0x7465646279746573) };
	const unsigned char *at = bytes;
	size_t left = length;
	uint64_t word;

	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		siphash_word(&s, le64toh(word));
	}
	word = (uint64_t)length << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)at[i] << 8 * i;
	siphash_word(&s, word);
	s.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}
