/*
 * number - the system calls that move bytes of a descriptor: where their arguments are, and where
 *          their bytes.
 *
 * Includers: the probes that look at system calls, behind kernel.h.
 */
#ifndef BPF_NUMBER_BPF_H
#define BPF_NUMBER_BPF_H

#if defined(__TARGET_ARCH_x86)
#include <asm/unistd_64.h>
#define NUMBER_OF(of) ((of)->orig_ax)
#define NUMBER_FIRST(of) ((of)->di)
#define NUMBER_SECOND(of) ((of)->si)
#define NUMBER_THIRD(of) ((of)->dx)
#define NUMBER_FOURTH(of) ((of)->r10)
#else
#include <asm-generic/unistd.h>
#define NUMBER_OF(of) ((of)->syscallno)
#define NUMBER_FIRST(of) ((of)->orig_x0) /* at its end the result is where it was */
#define NUMBER_SECOND(of) ((of)->regs[1])
#define NUMBER_THIRD(of) ((of)->regs[2])
#define NUMBER_FOURTH(of) ((of)->regs[3])
#endif

enum number_shape {
	NUMBER_OTHER,
	NUMBER_ACCEPT,   /* its result is the descriptor */
	NUMBER_TEXT,     /* (descriptor, text, bytes) */
	NUMBER_FROM,     /* as NUMBER_TEXT; flags are fourth */
	NUMBER_VECTOR,   /* (descriptor, pieces, how many) */
	NUMBER_MESSAGE,  /* (descriptor, struct msghdr *, flags) */
	NUMBER_MESSAGES, /* (descriptor, messages, how many, flags): its result is how many */
	NUMBER_FILE,     /* (descriptor, …): the bytes are in none of the process's memory */
};

struct number {
	__u8 shape; /* enum number_shape */
	bool writes;
	bool last; /* its descriptor is the third argument */
};

static __always_inline struct number number_of(__s64 number)
{
	switch (number) {
	case __NR_accept:
	case __NR_accept4:
		return (struct number){ NUMBER_ACCEPT };
	case __NR_read:
		return (struct number){ NUMBER_TEXT };
	case __NR_recvfrom:
		return (struct number){ NUMBER_FROM };
	case __NR_readv:
	case __NR_preadv2:
		return (struct number){ NUMBER_VECTOR };
	case __NR_recvmsg:
		return (struct number){ NUMBER_MESSAGE };
	case __NR_recvmmsg:
		return (struct number){ NUMBER_MESSAGES };
	case __NR_write:
	case __NR_sendto:
		return (struct number){ NUMBER_TEXT, .writes = true };
	case __NR_writev:
	case __NR_pwritev2:
		return (struct number){ NUMBER_VECTOR, .writes = true };
	case __NR_sendmsg:
		return (struct number){ NUMBER_MESSAGE, .writes = true };
	case __NR_sendmmsg:
		return (struct number){ NUMBER_MESSAGES, .writes = true };
	case __NR_sendfile:
		return (struct number){ NUMBER_FILE, .writes = true };
	case __NR_splice:
		return (struct number){ NUMBER_FILE, .writes = true, .last = true };
	default:
		return (struct number){ NUMBER_OTHER };
	}
}

#endif
