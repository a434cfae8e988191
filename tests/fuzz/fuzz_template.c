/*
 * fuzz_template - whatever paths are learned: bounds hold, each node hangs in the tree once, and a
 * name is its own name. The input is a path a line; one that begins with ? is only asked for.
 */
#include "template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t fuzz_reachable(const struct template *t, uint16_t at)
{
	const struct template_node *node = &t->nodes[at];
	uint32_t count = 1, words = 0;

	for (uint16_t word = node->first; word; word = t->nodes[word].next, words++)
		count += fuzz_reachable(t, word);
	if (words != node->words || words > TEMPLATE_WIDTH)
		abort();
	return count + (node->variable ? fuzz_reachable(t, node->variable) : 0);
}

static void fuzz_check(const struct template *t)
{
	uint32_t spare = 0;

	if (!t->nodes)
		return;
	for (uint16_t node = t->spare; node; node = t->nodes[node].next)
		spare++;
	if (t->used > TEMPLATE_NODES || fuzz_reachable(t, 0) + spare != t->used)
		abort();
}

static void fuzz_path(struct template *t, const char *path)
{
	char name[RS_PATH_BYTES + 1], again[RS_PATH_BYTES + 1];

	template_name(t, path, path[0] != '?', name);
	/* At the limit the last segment was cut, and what is left of it may be another. */
	if (strlen(name) >= RS_PATH_BYTES)
		return;
	template_name(t, name, false, again);
	if (strcmp(name, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct template t = { 0 };
	size_t from = 0;

	while (from < size) {
		const uint8_t *end = memchr(data + from, '\n', size - from);
		size_t n = (end ? (size_t)(end - data) : size) - from;
		char path[RS_PATH_BYTES + 1] = { 0 };

		memcpy(path, data + from, n < RS_PATH_BYTES ? n : RS_PATH_BYTES);
		fuzz_path(&t, path);
		from += n + 1;
	}
	fuzz_check(&t);
	template_fini(&t);
	return 0;
}
