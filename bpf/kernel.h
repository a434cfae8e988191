/*
 * kernel - the few kernel types that our programs look into; the loader finds the real offsets.
 *
 * Includers: bpf/ alone. A whole vmlinux.h would make an object 40 times the size, and need BTF at
 * build time.
 */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __le16;
typedef __u32 __le32;
typedef __u64 __le64;
typedef __u32 __wsum;

/* Numbers of include/uapi/linux/bpf.h. */
enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_RINGBUF = 27 };
typedef _Bool bool;
enum { false, true };
enum { BPF_ANY, BPF_NOEXIST };
enum { BPF_RB_NO_WAKEUP = 1 };

typedef struct {
	int counter;
} atomic_t;

struct task_io_accounting {
	__u64 read_bytes, write_bytes;
} __attribute__((preserve_access_index));

/* Totals are those of threads that ended. */
struct signal_struct {
	atomic_t live;
	__u64 utime, stime, sum_sched_runtime;
	unsigned long maj_flt;
	struct task_io_accounting ioac;
} __attribute__((preserve_access_index));

struct sched_entity {
	__u64 sum_exec_runtime;
} __attribute__((preserve_access_index));

struct inode {
	unsigned short i_mode;
} __attribute__((preserve_access_index));

struct file {
	struct inode *f_inode;
	void *private_data;
} __attribute__((preserve_access_index));

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} __attribute__((preserve_access_index));

struct files_struct {
	struct fdtable *fdt;
} __attribute__((preserve_access_index));

/* As a thread entered the kernel. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r14, bx, r10, ax, cx, dx, si, di, orig_ax;
} __attribute__((preserve_access_index));
#else
struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
	__s32 syscallno;
} __attribute__((preserve_access_index));
#endif

struct thread_info {
	unsigned long flags;
#if defined(__TARGET_ARCH_x86)
	__u32 status;
#endif
} __attribute__((preserve_access_index));

struct bio_list;

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	struct sched_entity se;
	__u64 utime, stime;
	unsigned in_iowait : 1;
	unsigned long maj_flt;
	struct task_io_accounting ioac;
	struct signal_struct *signal;
	struct files_struct *files;
	struct bio_list *bio_list; /* set while one I/O is made into others */
} __attribute__((preserve_access_index));

#endif
