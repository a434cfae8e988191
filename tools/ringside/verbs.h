/*
 * verbs - the words that may follow `ringside`, a file each.
 *
 * Threads:  one.
 * Memory:   argv is borrowed for the life of the program.
 * Errors:   an exit code: 0, 1 the answer is bad or there is none, 2 wrong use.
 */
#ifndef RINGSIDE_VERBS_H
#define RINGSIDE_VERBS_H

#define VERBS_BAD 1
#define VERBS_USAGE 2

/* argv[0] is the verb itself. */
int run_verb(int argc, char **argv); /* returns only when it could not become the command */
int ps_verb(int argc, char **argv);
int profile_verb(int argc, char **argv);
int doctor_verb(int argc, char **argv);
int enable_verb(int argc, char **argv);
int disable_verb(int argc, char **argv);
int off_verb(int argc, char **argv);
int on_verb(int argc, char **argv);
int attach_verb(int argc, char **argv);
int detach_verb(int argc, char **argv);
int cache_verb(int argc, char **argv);
int fleet_verb(int argc, char **argv);
int alerts_verb(int argc, char **argv);
int rules_verb(int argc, char **argv);

#endif
