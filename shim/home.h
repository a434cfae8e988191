/*
 * home - this process's segment: its mapping, its state, the word that every hook looks at first.
 *
 * Threads:  made by the constructor or by the atfork child handler while they are alone in the
 *           process; afterwards all fields but the atomic ones are read only.
 * Memory:   the segment is a shared mapping without a descriptor; it does not cross a fork.
 * Errors:   whatever cannot be had leaves the shim inert; the host never notices.
 * Cost:     looking at control.live is one load.
 */
#ifndef SHIM_HOME_H
#define SHIM_HOME_H

#include "hot.h"

#include <ringside/segment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A page of its own that the kernel wipes in every child that got a copy of our memory. */
struct control {
	_Alignas(RS_PAGE) _Atomic uint32_t live; /* 0: do not touch the segment */
	uint8_t rest[RS_PAGE - sizeof(uint32_t)];
};

extern struct control control;

struct home {
	uint8_t *base; /* RS_START_BYTES of the segment */
	struct rs_header *header;
	uint32_t generation; /* 1, 2 …: the how-manieth segment, counted from the first process */
	_Atomic uint32_t clock;    /* enum rs_clock, the one in use */
	_Atomic uint32_t active;   /* a server's work was seen */
	_Atomic uint32_t prepared; /* what a request needs was populated */
	_Atomic uint32_t frozen; /* sandboxes of the host: no system call for our own sake; or 0 */
	_Atomic uint32_t connections; /* ids given so far */
	_Atomic uint32_t accepted;    /* this process took a connection from its listener */
	_Atomic uint32_t listens;     /* it called listen, or a parent or predecessor did */
	bool expected;                /* control.live was raised in this process or in its parent */
	uint64_t heap_blocks; /* live in the parent at its last fork: the child begins with them */
	uint64_t heap_bytes;
};

extern HOT_DATA struct home home;

/* What the constructor found out; children of a fork write it into their own headers. */
struct home_claims {
	char run_dir[112];
	char service[72];
	char environment[40];
	char arguments[RS_ARGUMENTS_BYTES];
	uint8_t build_id[20];
	uint32_t unseen;      /* enum rs_unseen, of what the program is */
	uint8_t service_from; /* enum rs_service_from */
	uint8_t allocator;    /* enum rs_allocator */
	bool named_run_dir;   /* by the environment */
};

extern struct home_claims home_claims;

bool home_make(void);     /* creates, maps and announces the segment; false: stays inert */
void home_child(void);    /* the first call in a fork child, or in none at all */
void home_activate(void); /* listen: a server's work begins; wakes the agent up, once */
void home_prepare(void);  /* populates what requests need, once */
void home_freeze(void);   /* the host is about to sandbox itself: prepare, then never again */
void home_unfreeze(void); /* its call failed */
void home_clock_off(enum rs_why why);
void home_clock_on(enum rs_clock clock); /* the call that made us stop it failed */
void home_leave(enum rs_why why);        /* silent for good */

/* Both for kin.c too: a descriptor, sealed before anybody can see it, or -errno; all but agent. */
long home_create(const char *name);
void home_write_header(struct rs_header *header);

/*
 * Maps bytes of the segment from offset on, in a place of their own. near is an address whose page
 * holds the offset near_at <= offset, mapped already. NULL: no.
 */
uint8_t *home_map(const uint8_t *near, uint32_t near_at, uint32_t offset, uint32_t bytes);

/* Makes the pages under bytes at an address writable without a fault; 0 or -errno. */
long home_populate(uint8_t *at, size_t bytes);

#endif
