/*
 * identity - what a process is called: by its claim, its unit, its script or its executable.
 *
 * Threads:  any; pure.
 * Memory:   the caller's. What goes out, and cgroup, exe and comm that come in, are in canonical
 *           form (<ringside/canonical.h>) and end with a NUL.
 * Errors:   none; what is not known is "".
 * Cost:     by bytes; in the shim once a start, where there is a list of names.
 * The shim, which looks its own name up in the files of <ringside/list.h>, and the agent and the
 * command, which name everybody, call a process what this says.
 */
#ifndef PROTOCOL_IDENTITY_H
#define PROTOCOL_IDENTITY_H

#include <stddef.h>

#define IDENTITY_BYTES 72u       /* of a name */
#define IDENTITY_PATH_BYTES 256u /* of a cgroup, of an executable: where the two below are cut */
#define IDENTITY_TEXT 4096u      /* read of a file of /proc, with its NUL */

enum identity_by {
	IDENTITY_CLAIM,
	IDENTITY_UNIT,    /* of systemd: name.service */
	IDENTITY_SCRIPT,  /* that an interpreter runs: script.h */
	IDENTITY_PROGRAM, /* the executable's base name, else comm */
};

/* What it was started with, or the ancestor that was gone up to last: see script_name. */
typedef const char *(*identity_arguments_fn)(void *ctx, size_t *bytes);

/* Goes up to the parent, then to its parent …: that one's executable. */
typedef const char *(*identity_above_fn)(void *ctx);

struct identity {
	const char *claim; /* as the environment has it; "": none */
	const char *cgroup;
	const char *exe;
	const char *comm;
	identity_arguments_fn arguments; /* both only where neither claim nor unit names it */
	identity_above_fn above;
	void *ctx;
};

/*
 * Code without a name, as a worker's that was spawned, goes by the script of the nearest ancestor
 * that has one, where all between run the same executable.
 */
enum identity_by identity_name(const struct identity *of, char out[IDENTITY_BYTES]);

/* From the text of /proc/PID/cgroup: the memory controller's path (v1), else the unified one. */
void identity_cgroup(const char *text, char *out, size_t size);

/* From the n bytes that /proc/PID/exe points to; an upgraded program goes by the name it had. */
void identity_exe(const char *link, size_t n, char *out, size_t size);

#endif
