/*
 * snapshot_event - registers and stack of a thread that was on a CPU, for whoever unwinds it.
 *
 * Includers: bpf/snapshot.bpf.c, agent/capture/snapshots.c and agent/profile.
 *
 *   array of SNAPSHOT_SLOTS + 1: [counts][slot] … [slot], mapped by its reader for writing
 *
 * A slot goes round: free, filling and full by the kernel; free again by the reader, which has
 * zeroed it before, since stacks hold secrets. Registers have DWARF's numbers, the place of the
 * code behind them.
 */
#ifndef BPF_SNAPSHOT_EVENT_H
#define BPF_SNAPSHOT_EVENT_H

#define SNAPSHOT_SLOTS                                                                             \
	128 /* 2 MiB; of two CPUs 0.6 s at 99 Hz: as long as a reader may need to come */
#define SNAPSHOT_STACK_BYTES 16384
#define SNAPSHOT_CHUNK 256 /* a stack's last piece is left out where it is shorter than this */
#define SNAPSHOT_REGISTERS 33
#define SNAPSHOT_KERNEL_FRAMES 64

enum { SNAPSHOT_FREE, SNAPSHOT_FILLING, SNAPSHOT_FULL };

struct snapshot {
	unsigned int state, stack_bytes;
	unsigned int kernel_count, register_count; /* without the place of the code */
	unsigned long long place, pointer;         /* of the code, of the stack */
	unsigned long long taken, dropped;         /* of the first one alone: in all */
	unsigned long long registers[SNAPSHOT_REGISTERS];
	unsigned long long kernel[SNAPSHOT_KERNEL_FRAMES];
	unsigned char stack[SNAPSHOT_STACK_BYTES];
};

#endif
