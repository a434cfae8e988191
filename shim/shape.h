/*
 * shape - the segment's table of paths whose obvious variable parts became {id} and the like.
 *
 * Threads:  any, inside a guard; insertion is by compare and swap, nobody waits.
 * Memory:   the segment's shape region, populated in steps; entries are never removed.
 * Errors:   0 when the table is full or cannot grow (counted RS_LOST_SHAPE_FULL).
 * Cost:     folding, a hash and one comparison: some 15 ns for a short path.
 */
#ifndef SHIM_SHAPE_H
#define SHIM_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The id of the path's shape. fresh: the record must carry the raw path too, because the shape is
 * new or has no entry.
 */
uint16_t shape_intern(const uint8_t *path, size_t length, bool *fresh);

/* Of a name that is no path: it stays as it is. known: 0 where the table does not have it yet. */
uint16_t shape_name(const uint8_t *name, size_t length);
uint16_t shape_known(const uint8_t *name, size_t length);

bool shape_prepare(void);            /* populates the first step */
uint16_t shape_cell(uint16_t shape); /* the number of its overflow cell */
bool shape_prepare_kin(void);
uint16_t shape_cell_kin(uint16_t shape); /* of one of ours, in the segment of kin.h */
void shape_forget(void);                 /* in a new process */

#endif
