/*
 * stock - parcels of one step that came from elsewhere, to be put into the history as blocks.
 *
 * Threads:  one owner at a time.
 * Memory:   stock_fini frees; parcels are copied.
 * Errors:   -ENOSPC: no more of them at once; -ENOMEM.
 */
#ifndef STORE_STOCK_H
#define STORE_STOCK_H

#include "parcel.h"

#define STOCK_MOST ((size_t)32 << 20) /* bytes */

struct stock_parcel {
	struct parcel_label label;
	uint32_t size;
	uint8_t bytes[];
};

struct stock {
	enum series_step step;
	struct stock_parcel **at;
	uint32_t count, capacity;
	size_t bytes;
};

void stock_init(struct stock *k, enum series_step step);
void stock_fini(struct stock *k);

/* One that parcel_check found good, of this step. */
int stock_add(struct stock *k, const struct parcel_label *label, const uint8_t *bytes, size_t size);

/*
 * Throws away those that the archive of its step has, or memory: it has those of the archive's boot
 * from memory_from_s on. How many.
 */
uint32_t stock_drop(struct stock *k, const struct archive *a, uint32_t memory_from_s);

/* By boots and seconds; then windows of one boot, each as long as a block may be, can be taken. */
void stock_sort(struct stock *k);
struct stock_window {
	const struct parcel_label *first, *last;
	uint32_t from, count; /* of k->at */
};
/* The window that begins with parcel `from`. False: there is none. */
bool stock_window(const struct stock *k, uint32_t from, struct stock_window *out);

/* Their series, between block_begin and block_end; the window's parcels change their order. */
int stock_put(struct stock *k, const struct stock_window *w, struct block *b);

#endif
