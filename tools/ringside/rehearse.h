/*
 * rehearse - programs that a machine cannot do without, run with and without the library.
 *
 * Threads:  one.
 * Memory:   none is left, and no process.
 * Errors:   0 or -errno where the trial itself could not be made.
 */
#ifndef RINGSIDE_REHEARSE_H
#define RINGSIDE_REHEARSE_H

#define REHEARSE_SECONDS 10 /* a program's time */

struct rehearse {
	int tried;     /* programs that are installed */
	char why[256]; /* "": each did the same, with as without */
};

/* preload: an entry of LD_PRELOAD, with $LIB where it has one. */
int rehearse_run(const char *preload, struct rehearse *out);

#endif
