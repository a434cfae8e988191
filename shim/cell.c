/*
 * cell - requests that found their lane full, added up by shape.
 *
 * Threads:  any, inside a guard.
 * Memory:   the segment's cells, each populated at its first fold.
 * Errors:   false, counted.
 * Cost:     seventeen locked adds.
 */
#include "cell.h"

#include "hot.h"
#include "kin.h"
#include "shape.h"
#include "tally.h"

#include <ringside/histogram.h>

/* Those of this process's own segment, or of the one that it shares. */
struct cell_table {
	uint8_t *base; /* of the segment */
	struct rs_header *header;
	_Atomic uint64_t *populated;
};

static _Atomic uint64_t cell_populated[KIN_CELL_WORDS];

static struct cell_table cell_own(void)
{
	return (struct cell_table){ home.base, home.header, cell_populated };
}

static struct cell_table cell_shared(void)
{
	return (struct cell_table){ kin.base, kin.header, kin.cells };
}

static struct rs_cell *cell_at(const struct cell_table *table, uint32_t number)
{
	return (struct rs_cell *)(void *)(table->base + RS_CELLS_AT) + number;
}

static bool cell_ready(const struct cell_table *table, uint32_t number)
{
	_Atomic uint64_t *word = &table->populated[number / 64];
	uint64_t bit = UINT64_C(1) << number % 64;

	if (atomic_load_explicit(word, memory_order_relaxed) & bit)
		return true;
	if (home_populate((uint8_t *)cell_at(table, number), sizeof(struct rs_cell)))
		return false;
	atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
	if (number != RS_OTHER_CELL)
		atomic_fetch_or_explicit(&table->header->cells[number / 64], bit,
					 memory_order_relaxed);
	return true;
}

static uint64_t cell_ns(const struct rs_agent *agent, uint64_t ticks)
{
	uint64_t rate = atomic_load_explicit(&agent->ns_per_tick, memory_order_relaxed);

	return (uint64_t)((unsigned __int128)ticks * rate >> 32);
}

static void cell_add_sizes(struct rs_cell *cell, const struct served *request)
{
	tally_add_shared(&cell->bytes_in, request->bytes_in);
	tally_add_shared(&cell->bytes_out, request->bytes_out);
	if (request->flags & RS_FLAG_CUT_BY_SERVER)
		tally_add_shared(&cell->cut_by_server, 1);
	if (request->flags & RS_FLAG_CUT_BY_CLIENT)
		tally_add_shared(&cell->cut_by_client, 1);
}

static void cell_add_span(struct rs_cell *cell, const struct rs_agent *agent, uint64_t span)
{
	uint64_t warning = atomic_load_explicit(&agent->slow_warning, memory_order_relaxed);
	uint64_t critical = atomic_load_explicit(&agent->slow_critical, memory_order_relaxed);

	tally_add_shared(&cell->span, span);
	tally_min_shared(&cell->span_min, span + 1);
	tally_max_shared(&cell->span_max, span);
	if (critical && span > critical)
		tally_add_shared(&cell->slow_critical, 1);
	else if (warning && span > warning)
		tally_add_shared(&cell->slow_warning, 1);
	atomic_fetch_add_explicit(&cell->buckets[rs_hist_slot(cell_ns(agent, span))], 1,
				  memory_order_relaxed);
}

RARE bool cell_fold(const struct served *request, uint64_t span)
{
	const struct cell_table table = here.kin ? cell_shared() : cell_own();
	const struct rs_agent *agent = &table.header->agent;
	struct rs_cell *cell;
	uint32_t number;

	if (!atomic_load_explicit(&agent->ns_per_tick, memory_order_relaxed))
		return false;
	number = here.kin ? shape_cell_kin(request->shape) : shape_cell(request->shape);
	if (!cell_ready(&table, number))
		number = RS_OTHER_CELL; /* its page may be there when no new one can be had */
	if (!cell_ready(&table, number)) {
		emit_lost(RS_LOST_CELL);
		return false;
	}
	cell = cell_at(&table, number);
	if (request->flags & RS_FLAG_ABORTED)
		tally_add_shared(&cell->aborted, 1);
	else
		tally_add_shared(&cell->status[emit_status_class(request->status)], 1);
	cell_add_sizes(cell, request);
	cell_add_span(cell, agent, span);
	atomic_fetch_or_explicit(&cell->methods, 1u << request->method, memory_order_relaxed);
	tally_add_shared(&cell->count, 1);
	/* H: release puts the sums ahead of the number of folds; pairs with the agent's look. */
	atomic_fetch_add_explicit(&table.header->folded, 1, memory_order_release);
	return true;
}

void cell_forget(void)
{
	for (uint32_t i = 0; i < KIN_CELL_WORDS; i++)
		atomic_store_explicit(&cell_populated[i], 0, memory_order_relaxed);
}

void cell_prepare_kin(void)
{
	const struct cell_table table = cell_shared();

	cell_ready(&table, RS_OTHER_CELL);
}
