/*
 * fuzz_mysql - a MySQL connection's moves tell the same story however each of them is cut.
 *
 * Input: a byte that seeds the cuts (odd: inside TLS), then moves: a byte whose lowest bit is the
 * direction and whose others are the length, and so many bytes. It ends as if the client was gone.
 */
#include "fuzz_pairs.h"
#include "mysql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool move(void *of, struct pairs_call *call, bool out, const uint8_t *bytes, size_t n)
{
	return out ? mysql_write(of, call, bytes, n) : mysql_read(of, call, &bytes, n);
}

static uint64_t play(const uint8_t *data, size_t size, bool cut)
{
	static struct mysql m;
	struct pairs_call call = { 0 };

	story_begin(data[0]);
	story.no_bytes = true;
	mysql_init(&m, data[0] & 1);
	story_moves(&m, move, data + 1, size - 1, cut);
	mysql_close(&m, &call, true);
	return story_end(&m.pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 && play(data, size, false) != play(data, size, true))
		abort();
	return 0;
}
