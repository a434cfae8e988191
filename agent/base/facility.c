#include "facility.h"

#include <errno.h>

const char *facility_state_name(uint32_t state)
{
	static const char *const names[FACILITY_STATES] = { "notNeeded", "loaded", "refused" };

	return state < FACILITY_STATES ? names[state] : "unknown";
}

const char *facility_error_text(int error)
{
	switch (error) {
	case 0:
		return "";
	case EPERM:
	case EACCES:
		return "CAP_BPF or CAP_PERFMON is missing, or the kernel forbids it";
	case ENOSYS:
		return "the kernel was built without bpf()";
	case EPFNOSUPPORT:
		return "the agent runs in a pid namespace, the kernel's pids are not its own";
	case ESRCH:
	case ENOENT:
		return "the kernel has no BTF, or not this tracepoint";
	case EINVAL:
	case EOPNOTSUPP:
		return "the kernel is too old for this kind of program";
	case ETIMEDOUT:
		return "a process keeps its memory from the kernel, which would wait; it is tried "
		       "again";
	case ENOMEM:
		return "no memory";
	default:
		return "refused by the kernel";
	}
}
