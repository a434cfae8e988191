/*
 * link - the messages between broker and worker, one a datagram of a SOCK_SEQPACKET pair.
 *
 * Threads:  one user on either side.
 * Memory:   none; a descriptor that came along is the receiver's to close.
 * Errors:   0 or -errno. -EAGAIN: the other side is behind; nothing was sent. -EPIPE: it is gone.
 * The worker trusts the broker; the broker believes of the worker only that it says hello, is
 * serving, or wants the files that a watched process executes, snapshots of its stacks, or where it
 * waits: a worker taken over by somebody gains no more than reading those.
 */
#ifndef CAPTURE_LINK_H
#define CAPTURE_LINK_H

#include "cause.h"
#include "facility.h"
#include "mapped.h"
#include "proc.h"
#include "runtime.h"
#include "secret.h"
#include "strain.h"
#include "target.h"

#include <stdint.h>

#define LINK_CLASSES 5 /* 1xx … 5xx */

enum link_kind {
	LINK_HELLO = 1, /* worker: I am new; send everything (again) */
	LINK_SERVING,   /* worker: the API answers */
	LINK_TARGET,    /* broker: watch this one; its segment comes along */
	LINK_ATTACHED,  /* broker: watch this one, which has no segment */
	LINK_KIN,     /* broker: the segment that this key's shares with its children comes along */
	LINK_DIED,    /* broker: the process of this key ended, or runs another program; its CPU */
	LINK_READING, /* broker: what only the broker may read */
	LINK_WAITS,   /* broker: what its threads waited for, since it was watched */
	LINK_RUNTIME, /* broker: what its runtime tells of itself, or why it does not */
	LINK_STRAIN,  /* broker: its connections and disks, since it was watched */
	LINK_KILLED,  /* broker: the kernel kills the process of this key for want of memory */
	LINK_PART,    /* broker: the health of one of its parts */
	LINK_FACILITY, /* broker: how one of the kernel's facilities stands */
	LINK_COMPLETE, /* broker: all that was known has been sent; reason when not ready */
	LINK_RELOAD,   /* broker: the configuration's file comes along */
	LINK_PASSWORD, /* broker: that of the Redis, when it was read again */
	LINK_RULES,    /* broker: the files of alert rules come along, in one */
	LINK_RING,     /* broker: the kernel's ring of samples comes along */
	LINK_SAMPLES,  /* broker: how many there were */
	LINK_HTTP,     /* broker: the kernel's ring of HTTP comes along */
	LINK_NO_HTTP,  /* broker: it is over */
	LINK_LOST,     /* broker: answers of this key's that found no room in it */
	LINK_FILES, /* worker: wants the files that this key's process executes; answered by … */
	LINK_FILE,  /* broker: … one of them, which comes along */
	LINK_NO_FILE,   /* broker: … one that was not opened */
	LINK_FILES_END, /* broker: … that was all */
	LINK_UNWIND, /* worker: wants snapshots of this key's stacks, or no more; answered by … */
	LINK_SNAPSHOTS,    /* broker: … their slots, which come along */
	LINK_NO_SNAPSHOTS, /* broker: … why there are none */
	LINK_OFFCPU, /* worker: wants this key's waits summed, or what they were; answered by … */
	LINK_ROWS,   /* broker: … what they were, which comes along */
	LINK_NO_ROWS, /* broker: … that it began, or why not */
	LINK_KINDS,
};

struct link_part {
	char name[32];
	char reason[160];
	uint32_t status; /* enum health_status */
};

struct link_samples {
	uint64_t taken, dropped;
	uint32_t ring_bytes; /* of LINK_RING and LINK_HTTP */
};

struct link_snapshots {
	uint32_t seconds; /* of LINK_UNWIND and LINK_OFFCPU; 0: no more */
	int32_t error;    /* of LINK_NO_SNAPSHOTS and LINK_NO_ROWS, -errno */
};

/* What an ended process used in all; run_ns 0: that is not known. */
struct link_end {
	uint64_t run_ns;             /* exact */
	uint64_t user_ns, system_ns; /* shares of it, as ticks found them */
	uint64_t major_faults;
	uint64_t read_bytes, write_bytes;
	uint64_t at_ns; /* since boot; 0: it did not end, but runs another program, or is let go */
	struct strain strain;
	uint64_t lost[LINK_CLASSES]; /* as of LINK_LOST, since the last one */
	struct cause_waits waits;    /* as of LINK_WAITS */
	uint64_t waited;             /* 1: … which are known */
};

struct link_message {
	uint32_t kind; /* enum link_kind */
	uint32_t reserved;
	uint64_t key; /* of those that name a process */
	union {
		struct capture_target target;
		struct proc_usage usage;
		struct link_part part;
		struct link_samples samples;
		struct link_snapshots snapshots;
		struct mapped_file file;
		struct link_end end;
		struct cause_waits waits;
		struct strain strain;
		uint64_t lost[LINK_CLASSES]; /* more than before, by the class of the status */
		struct runtime_state runtime;
		struct facility facility;
		char password[SECRET_TEXT];
	};
};

int link_open(int out[2]); /* broker's end, worker's end; both non-blocking, close-on-exec */
int link_send(int fd, const struct link_message *message, int passed); /* passed: -1 for none */

/*
 * 1: got one, *passed a descriptor or -1; 0: the other side closed; -EAGAIN; -EBADMSG: ignored.
 * passed NULL: descriptors are never taken in, since the mere closing of one can block for good.
 */
int link_receive(int fd, struct link_message *out, int *passed);
/* The same, but it stays: who asks next gets it too, with a descriptor of his own. */
int link_peek(int fd, struct link_message *out, int *passed);

#endif
