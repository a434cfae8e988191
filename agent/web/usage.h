/*
 * usage - what this process itself uses.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   a value that could not be had is -1.
 */
#ifndef WEB_USAGE_H
#define WEB_USAGE_H

struct usage {
	double cpu_s;
	double resident_bytes, virtual_bytes;
	double descriptors, descriptors_most;
};

void usage_read(struct usage *out);

#endif
