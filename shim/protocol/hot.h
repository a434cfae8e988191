/*
 * hot - marks what every request passes through, so that the linker puts it all in one place.
 *
 * Threads:  any.
 * Memory:   8 pages of code a request instead of 15. Each call of the kernel leaves the processor's
 *           tables of pages to others, so that a page costs more than what is read in it.
 * Errors:   none.
 * Cost:     none.
 */
#ifndef PROTOCOL_HOT_H
#define PROTOCOL_HOT_H

#define HOT __attribute__((hot))

/* What hardly any request passes through: kept out of the way, and so is what leads to it. */
#define RARE __attribute__((noinline, cold))

/* What a start passes through and nothing else: behind all, beside the constants it looks at. */
#define START __attribute__((section(".text.start")))

/* And what every request looks at. */
#define HOT_DATA __attribute__((section(".data.hot")))

/* What is larger, and looked at in its beginning: behind that, so that both are in one page. */
#define HOT_LEAF __attribute__((section(".data.leaf")))

/* What of it does not change: beside the addresses that every call goes by. */
#define HOT_TABLE __attribute__((section(".data.rel.ro.hot")))

/* What requests of other protocols pass through beside: a place of its own each, sorted by name. */
#define HOT_IN(place) __attribute__((hot, section(".text.sorted." #place)))

#endif
