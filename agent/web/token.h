/*
 * token - the secret that stands for a member of the group where no credentials come along.
 *
 * Threads:  any.
 * Memory:   the caller's.
 * Errors:   0 or -errno.
 */
#ifndef WEB_TOKEN_H
#define WEB_TOKEN_H

#include <stdbool.h>
#include <sys/types.h>

#define TOKEN_FILE "token"
#define TOKEN_TEXT 65 /* 256 bits in hex, and a NUL */

/* Makes a new one and stores it as dir/token, 0640, of that group ((gid_t)-1: leave it). */
int token_make(int dir_fd, gid_t group, char out[TOKEN_TEXT]);

/* In a time that tells nothing of how much was right. "" matches nothing. */
bool token_matches(const char *expected, const char *given);

#endif
