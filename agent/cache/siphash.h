/*
 * siphash - a hash whose values nobody can foresee without its key: SipHash-2-4.
 *
 * Threads:  any; pure.
 * Memory:   none.
 * Source:   Aumasson, Bernstein: SipHash: a fast short-input PRF, INDOCRYPT 2012.
 * Keys of the cache come from clients: with a hash that they can compute they would fill one chain.
 */
#ifndef CACHE_SIPHASH_H
#define CACHE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t length);

#endif
