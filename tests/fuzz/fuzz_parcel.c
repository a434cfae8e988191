/*
 * fuzz_parcel - parcels of any bytes, their sums put right: what is taken can be read within
 * bounds, is of a slot of ours, and goes into a block and out of it.
 */
#include "parcel_key.h"
#include "stock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool fuzz_slot(void *ctx, uint32_t second, const struct slot *slot)
{
	const struct parcel_label *label = ctx;

	if (second != label->second || slot->second != second)
		abort();
	return true;
}

static void fuzz_run(struct block *b, const struct parcel_label *label)
{
	static struct slot scratch;
	const struct run_span span = { .from_s = label->second,
				       .step_s = series_step_s[label->step],
				       .is_wide = label->step == SERIES_WIDE };
	const struct run_reader reader = { &scratch, fuzz_slot, (void *)(uintptr_t)label };

	if (b->run.count > 1)
		abort();
	if (!b->is_gauges && b->run.count && b->runs.size)
		run_unpack(b->runs.at, b->runs.size, &span, &reader);
}

static void fuzz_stock(const struct parcel_label *label, const uint8_t *bytes, size_t size)
{
	const struct export_span span = { .step = label->step,
					  .from_s = label->second,
					  .until_s = label->second + series_step_s[label->step] };
	static struct block_names names;
	struct block b = { .error = 0 };
	struct stock_window w;
	struct stock k;

	memset(&names, 0, sizeof(names));
	stock_init(&k, label->step);
	if (!stock_add(&k, label, bytes, size) && stock_window(&k, 0, &w)) {
		block_begin(&b, &names, &span);
		if (!stock_put(&k, &w, &b) && !block_end(&b))
			fuzz_run(&b, label);
	}
	block_fini(&b);
	stock_fini(&k);
}

static void fuzz_text(const char *text, size_t size)
{
	if (strnlen(text, size) == size)
		abort();
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			abort();
}

static void fuzz_member(const char *text, size_t size)
{
	struct parcel_label label;
	char again[PARCEL_MEMBER];

	if (parcel_member_get(text, size, &label))
		return;
	fuzz_text(label.service, sizeof(label.service));
	fuzz_text(label.environment, sizeof(label.environment));
	if (parcel_member_put(label.service, label.environment, again) != size ||
	    memcmp(again, text, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parcel_label label;
	char key[PARCEL_KEY];
	uint8_t *bytes;
	uint64_t sum;

	fuzz_member((const char *)data, size);
	if (size < 13 || !(bytes = malloc(size)))
		return 0;
	memcpy(bytes, data, size);
	memcpy(bytes, "RSP1", 4);
	sum = block_sum(size, bytes + 12, size - 12);
	memcpy(bytes + 4, &sum, sizeof(sum));
	if (!parcel_check(bytes, size, &label, NULL)) {
		if (label.step == SERIES_FINE || label.second % series_step_s[label.step])
			abort();
		fuzz_text(label.host, sizeof(label.host));
		fuzz_text(label.boot, sizeof(label.boot));
		fuzz_text(label.service, sizeof(label.service));
		fuzz_text(label.environment, sizeof(label.environment));
		parcel_key_put(&label, 1, key);
		fuzz_stock(&label, bytes, size);
	}
	free(bytes);
	return 0;
}
