/*
 * layout - offsets that the assembly sources need; thread.c and fork.c assert that they are right.
 */
#ifndef SHIM_LAYOUT_H
#define SHIM_LAYOUT_H

#define HERE_BUSY 0
#define HERE_BUSY_BEFORE 8
#define HERE_VFORK_RETURN 16
#define HERE_IN_VFORK 1

#define REAL_VFORK 312
#define REAL_SYSCALL 328

#endif
