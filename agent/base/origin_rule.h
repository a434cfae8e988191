/*
 * origin_rule - where the values of a prefix of keys come from when nobody has them, and what is
 *               kept of them, as the configuration describes it.
 *
 * Threads:  a value.
 * Memory:   none.
 * Errors:   -EINVAL, with the key at fault and the reason.
 * As text: "key=value" each, parted by newlines or, where there are none, by blanks; what holds
 * several stands there as often: "prefix=users: url=http://127.0.0.1:8080/users/{rest} ttl=60s".
 */
#ifndef BASE_ORIGIN_RULE_H
#define BASE_ORIGIN_RULE_H

#include "channel.h"

#define ORIGIN_MAX 16 /* of a configuration */
#define ORIGIN_PREFIX 128
#define ORIGIN_URL 512
#define ORIGIN_KEY 256
#define ORIGIN_PATH 256
#define ORIGIN_HEADERS 8
#define ORIGIN_HEADER 512 /* "Name: value" */
#define ORIGIN_TYPES 8
#define ORIGIN_TYPE 96
#define ORIGIN_TAGS 8
#define ORIGIN_TAG 128
#define ORIGIN_TEXT CHANNEL_TEXT

struct origin_header {
	char text[ORIGIN_HEADER];
	bool from_file; /* what stands for the value is the path of a file that has it */
};

struct origin_rule {
	char prefix[ORIGIN_PREFIX];
	char url[ORIGIN_URL];      /* as origin_template.h has them, … */
	char key[ORIGIN_KEY];      /* … "": a key as it is asked for */
	char ca_file[ORIGIN_PATH]; /* "": the system's */
	struct origin_header headers[ORIGIN_HEADERS];
	char types[ORIGIN_TYPES][ORIGIN_TYPE]; /* media types that are kept, * in them; none: all */
	char tags[ORIGIN_TAGS][ORIGIN_TAG];    /* of all that comes from there */
	uint32_t header_count, type_count, tag_count;
	bool kept[100];                /* statuses from 200 on */
	bool honours;                  /* what the answer says in Cache-Control */
	uint64_t ttl_s;                /* of what does not say; 0: the cache's usual one */
	uint64_t negative_s;           /* so long it is known that there is none; 0: it is not */
	uint64_t revalidate_s;         /* so long it is served while a new one is fetched, … */
	uint64_t error_s;              /* … and so long when there is none to be had */
	uint32_t timeout_ms;           /* of one fetch, all in all */
	uint32_t concurrency, queue;   /* fetches under way, and those that wait */
	uint64_t warm_every_s;         /* 0: only when asked */
	uint32_t warm_top, warm_per_s; /* so many of the hottest keys, at that rate */
};

int origin_rule_parse(const char *text, struct origin_rule *out, struct channel_error *error);

/* As text for people: without the values of headers, and of the URL what stands before a ?. */
void origin_rule_show(const char *text, char *out, size_t size);

#endif
