/*
 * parcel_key - under which keys of a Redis parcels are, and the list of a host's services.
 *
 * Threads:  pure functions.
 * Memory:   the caller's.
 * Errors:   -EBADMSG: it is no member that parcel_member_put wrote; a reason, a constant.
 * Keys:     agg:{host} is a set of members service:environment; of each slot there is
 *           agg:{host}:service:environment:step:number, the step in seconds. What is no letter,
 *           digit, dot, dash or underscore is %XX in them. All of a host is in one slot of a
 *           cluster.
 *
 * The number is that of a slot of the wall clock in which the parcel's begins, so that who knows
 * the time knows the key, and slots of several hosts have the same. Slots are cut by
 * CLOCK_MONOTONIC all the same: of one offset to the wall clock each has its own number.
 */
#ifndef STORE_PARCEL_KEY_H
#define STORE_PARCEL_KEY_H

#include "parcel.h"

#define PARCEL_MEMBER (3 * (PARCEL_SERVICE + PARCEL_ENVIRONMENT))
#define PARCEL_KEY (3 * PARCEL_HOST + PARCEL_MEMBER + 48)

int64_t parcel_number(enum series_step step, uint32_t second, int64_t wall_offset_ms);
int64_t parcel_number_at(enum series_step step, int64_t wall_ms); /* that holds this moment */
int64_t parcel_number_ms(enum series_step step, int64_t number);  /* where it begins */

/* Lengths, NULs not among them. */
size_t parcel_key_put(const struct parcel_label *label, int64_t number, char out[PARCEL_KEY]);
size_t parcel_index_put(const char *host, char out[PARCEL_KEY]);
size_t parcel_member_put(const char *service, const char *environment, char out[PARCEL_MEMBER]);

/* Service and environment of the label. */
int parcel_member_get(const char *text, size_t length, struct parcel_label *label);

/*
 * A sound parcel's label as it was read: is it what has to be at this place? wanted: step, host,
 * service and environment of the key. NULL: it is.
 */
const char *parcel_key_check(const struct parcel_label *label, const struct parcel_label *wanted,
			     int64_t number);

/* A host's name as parcels have it: "localhost" where it has none. */
void parcel_host(const char *name, char out[PARCEL_HOST]);

#endif
