/*
 * sites - where in a runtime's file its probes stand: by its notes (stapsdt), or functions by name.
 *
 * Threads:  one, in a locked-down child: files are hostile, and are read by pread alone.
 * Memory:   the caller's, taken before: nothing is allocated here.
 * Errors:   told as enum runtime_why.
 */
#ifndef CAPTURE_SITES_H
#define CAPTURE_SITES_H

#include "runtime.h"

#include <elf.h>
#include <stdbool.h>

#define SITES 16u
#define SITES_ROOM_BYTES (1u << 20)
#define SITES_SECTIONS 1024u
#define SITES_SEGMENTS 128u

enum sites_end {
	SITES_BEGIN,
	SITES_END,
	SITES_RETURN
}; /* a return is told by a function's entry */

struct site {
	uint64_t offset;    /* in the file, of its instruction */
	uint64_t semaphore; /* in the file too; 0: none */
	uint64_t cookie;    /* bits of bpf/pause_event.h */
	uint32_t end;       /* enum sites_end */
	uint32_t reserved;
};

/* Both ends of what it says are there; a value, which goes through a pipe as it is. */
struct sites {
	uint32_t why;   /* enum runtime_why: RUNTIME_ATTACHED: they are worth attaching */
	uint32_t count; /* 0 unless it is that */
	uint8_t collections, statements; /* which of them are told */
	uint8_t full;                    /* and which collections are of the whole heap */
	uint8_t returns;                 /* some end is a return probe */
	uint32_t reserved;
	struct site at[SITES];
};

struct sites_room {
	Elf64_Ehdr head;
	Elf64_Shdr sections[SITES_SECTIONS];
	Elf64_Phdr segments[SITES_SEGMENTS];
	char bytes[SITES_ROOM_BYTES];
};

void sites_read(int fd, enum runtime runtime, struct sites_room *room, struct sites *out);

/* What another process claims to have found: may it be acted on? */
bool sites_sane(const struct sites *s);

#endif
