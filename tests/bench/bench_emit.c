/*
 * bench_emit - what a request costs inside the shim, as ratios to things that everybody knows.
 *
 * usage: bench_emit            one whole event <= 1.3 x two clock reads;
 *                              one guarded push of a slot <= 2 x memcpy of 64 bytes
 *        bench_emit malloc     prints the nanoseconds of a malloc/free pair of 64 bytes
 *        bench_emit pair LIB   such a pair with LIB preloaded <= 1.5 x without
 * Each figure is the least of several repeats. Exit 1: a gate is exceeded.
 */
#include "../../shim/emit.c" /* white box: the push alone */
#include "clock.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 1000000
#define REPEATS 15
#define TRIES 5
#define EVENT_GATE 1.3
#define PUSH_GATE 2.0
#define PAIR_GATE 1.5
#define KEEP(x) __asm__ volatile("" : : "r"(x) : "memory")

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The least time of one call over several repeats; body is inlined into the loop. */
static inline __attribute__((always_inline)) double least_ns(void (*body)(uint64_t))
{
	double least = 1e9;

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		double from = now_ns();
		double each;

		for (uint64_t i = 0; i < ROUNDS; i++)
			body(i);
		each = (now_ns() - from) / ROUNDS;
		least = each < least ? each : least;
	}
	return least;
}

static _Alignas(64) uint8_t lines[1024][64];
static _Alignas(64) uint8_t source[64];

static inline void two_clocks(uint64_t i)
{
	uint64_t a = clock_ticks();
	uint64_t b = clock_ticks();

	KEEP(a);
	KEEP(b + i);
}

static void *(*libc_memcpy)(void *, const void *, size_t); /* memcpy itself is the shim's here */

static inline void copy_64(uint64_t i)
{
	libc_memcpy(lines[i % 1024], source, 64);
	KEEP(lines);
}

/* The body of a slot in the widest stores that every x86-64 and arm64 has. */
static inline void copy_body(uint8_t *to, const uint8_t *from)
{
	typedef uint64_t pair_t __attribute__((vector_size(16), aligned(8), may_alias));

	for (int k = 0; k < 48; k += 16)
		*(pair_t *)(void *)(to + k) = *(const pair_t *)(const void *)(from + k);
	*(uint64_t *)(void *)(to + 48) = *(const uint64_t *)(const void *)(from + 48);
}

/* A lane that the agent always keeps empty. */
static inline void drained(void)
{
	here.lane->tail = atomic_load_explicit(&here.lane->head, memory_order_relaxed);
}

static inline void push(uint64_t i)
{
	uint64_t position;

	KEEP(i);
	if (!guard_enter())
		exit(2);
	drained();
	if (emit_claim(1, &position)) {
		struct rs_head *head = emit_slot(position);

		copy_body((uint8_t *)&head->t0, source);
		emit_publish(false, position, 1);
	}
	guard_leave();
}

static inline void event(uint64_t i)
{
	struct emit_request r = { .bytes_in = 41,
				  .bytes_out = 850,
				  .connection = (uint32_t)i | 1,
				  .shape = 2048,
				  .status = 200,
				  .method = RS_METHOD_GET,
				  .protocol = RS_PROTOCOL_HTTP1 };

	if (!guard_enter())
		exit(2);
	drained();
	r.t0 = clock_ticks();
	r.end = clock_ticks();
	r.first_byte = r.end;
	emit_request(&r);
	guard_leave();
}

static inline void pair(uint64_t i)
{
	void *block = malloc(64);

	KEEP(block);
	KEEP(i);
	free(block);
}

static double pair_in_child(const char *self, const char *library)
{
	char command[1024];
	char line[64] = "";
	FILE *child;

	snprintf(command, sizeof(command), "LD_PRELOAD='%s' '%s' malloc", library, self);
	child = popen(command, "re");
	if (!child || !fgets(line, sizeof(line), child) || pclose(child))
		exit(2);
	return strtod(line, NULL);
}

static int gate(const char *what, double ns, const char *unit, double unit_ns, double most)
{
	printf("%-24s %6.2f ns = %.2f x %s (%.2f ns), at most %.1f\n", what, ns, ns / unit_ns, unit,
	       unit_ns, most);
	return ns / unit_ns > most;
}

static int bench_pair(const char *self, const char *library)
{
	double bare = 1e9;
	double watched = 1e9;

	for (int i = 0; i < 5; i++) {
		double without = pair_in_child(self, "");
		double with = pair_in_child(self, library);

		bare = without < bare ? without : bare;
		watched = with < watched ? with : watched;
	}
	printf("counting adds %.2f ns to a pair\n", watched - bare);
	return gate("malloc and free", watched, "glibc's pair", bare, PAIR_GATE);
}

static int bench_events(void)
{
	int tries = 0;
	int failed;

	*(void **)&libc_memcpy = dlsym(RTLD_NEXT, "memcpy");
	home.clock = clock_choose();
	if (!libc_memcpy || !home_make() || !guard_enter())
		return 2;
	guard_leave();
	atomic_store(&home.header->agent.epoch, 1);
	atomic_store(&home.header->agent.slow_warning, UINT64_C(1) << 40);
	atomic_store(&home.header->agent.slow_critical, UINT64_C(1) << 41);
	/* A neighbour on the same core can double a figure: the best of a few tries counts. */
	do {
		failed = gate("whole event", least_ns(event), "two clock reads",
			      least_ns(two_clocks), EVENT_GATE);
		failed |= gate("guarded push", least_ns(push), "memcpy of 64 bytes",
			       least_ns(copy_64), PUSH_GATE);
	} while (failed && ++tries < TRIES);
	return failed;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "pair"))
		return bench_pair(argv[0], argv[2]);
	if (argc == 2 && !strcmp(argv[1], "malloc"))
		return printf("%.3f\n", least_ns(pair)) < 0;
	return argc == 1 ? bench_events() : 2;
}
