/*
 * seal - HMAC-SHA256 of a text, by the library that carries HTTPS too.
 *
 * Threads:  one.
 * Memory:   the library is opened at first use, and stays.
 * Errors:   -ELIBACC: there is no libcrypto.
 */
#ifndef SEND_SEAL_H
#define SEND_SEAL_H

#include <stddef.h>

#define SEAL_TEXT 65 /* 64 hexadecimal digits */

int seal_hmac(const char *secret, const char *bytes, size_t length, char out[SEAL_TEXT]);

#endif
