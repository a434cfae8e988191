/*
 * registers - those of a call in a process: arguments and results, as C and Go (from 1.17 on) pass
 *             them.
 *
 * Includers: the probes on functions of processes, behind kernel.h.
 */
#ifndef BPF_REGISTERS_BPF_H
#define BPF_REGISTERS_BPF_H

#if defined(__TARGET_ARCH_x86)
#define REGISTERS_FIRST(of) ((of)->di)
#define REGISTERS_SECOND(of) ((of)->si)
#define REGISTERS_FOURTH(of) ((of)->cx)
#define REGISTERS_RESULT(of) ((of)->ax)
#define REGISTERS_GO_FIRST(of) ((of)->ax) /* its first result, too */
#define REGISTERS_GO_SECOND(of) ((of)->bx)
#define REGISTERS_GOROUTINE(of) ((of)->r14)
#else
#define REGISTERS_FIRST(of) ((of)->regs[0])
#define REGISTERS_SECOND(of) ((of)->regs[1])
#define REGISTERS_FOURTH(of) ((of)->regs[3])
#define REGISTERS_RESULT(of) ((of)->regs[0])
#define REGISTERS_GO_FIRST(of) ((of)->regs[0])
#define REGISTERS_GO_SECOND(of) ((of)->regs[1])
#define REGISTERS_GOROUTINE(of) ((of)->regs[28])
#endif

#endif
