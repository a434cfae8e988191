/*
 * config - the agent's settings: flags over environment over file over defaults.
 *
 * Threads:  filled by one thread; read by any once nobody fills it any more.
 * Memory:   config_open allocates, config_close frees; texts read from it live as long.
 * Errors:   0 or -errno, with a sentence for the user in config_error: where, what, why.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "config_key.h"

#include <stdbool.h>

enum config_from { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };

struct config;

int config_open(struct config **out); /* every key at its default */
void config_close(struct config *c);  /* NULL is allowed */

/* A JSON document that was read, or a descriptor to read it from; name is for messages. */
int config_read(struct config *c, const char *name, const char *text, size_t length,
		struct config_error *error);
int config_read_fd(struct config *c, const char *name, int fd, struct config_error *error);

/* NAME=value strings as in environ. Names that no key has are none of ours, unless nearly one. */
int config_environment(struct config *c, char *const *environment, struct config_error *error);

/* flag without dashes: "listen". -ENOENT: no key has it. A second one adds to a list. */
int config_flag(struct config *c, const char *flag, const char *value, struct config_error *error);

/* Keys that contradict each other, after everything was read. */
int config_check(const struct config *c, struct config_error *error);

size_t config_count(const struct config *c, enum config_key key);
const char *config_item(const struct config *c, enum config_key key, size_t index);
const char *config_text(const struct config *c, enum config_key key); /* "" where empty */
double config_number(const struct config *c, enum config_key key);    /* percent, count */
bool config_switch(const struct config *c, enum config_key key);
uint64_t config_span_ns(const struct config *c, enum config_key key);
uint64_t config_bytes(const struct config *c, enum config_key key);

/* Has the key the same items in both? Where they came from does not matter. */
bool config_equal(const struct config *a, const struct config *b, enum config_key key);

enum config_from config_from(const struct config *c, enum config_key key);
const char *config_where(const struct config *c, enum config_key key); /* "ringside.json:3" */

/* http.socket, or api.sock in the run directory; -ENAMETOOLONG. */
int config_socket_path(const struct config *c, char *out, size_t size);

#endif
