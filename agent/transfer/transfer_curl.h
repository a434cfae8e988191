/*
 * transfer_curl - one transfer as libcurl has it: of transfer and its two kinds alone, and the only
 *                 place that names the library.
 *
 * Threads:  as transfer.
 * Memory:   as transfer.
 * Errors:   0 or -ENOMEM.
 */
#ifndef TRANSFER_CURL_H
#define TRANSFER_CURL_H

#include "transfer.h"

#define CURL_DISABLE_TYPECHECK /* its functions are called by pointer */
#include <curl/curl.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#define TRANSFER_ADDRESS 256

/* Filled by transfers_open. */
struct transfer_functions {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_setopt) *set;
	__typeof__(curl_easy_getinfo) *get;
	__typeof__(curl_easy_strerror) *error;
	__typeof__(curl_slist_append) *append;
	__typeof__(curl_slist_free_all) *free_all;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
	__typeof__(curl_multi_setopt) *multi_set;
	__typeof__(curl_multi_add_handle) *add;
	__typeof__(curl_multi_remove_handle) *take;
	__typeof__(curl_multi_socket_action) *action;
	__typeof__(curl_multi_info_read) *read;
};

extern struct transfer_functions transfer_curl;

/* What a GET has of its answer so far. */
struct transfer_kept {
	char *head;
	size_t head_length;
	size_t heard;   /* of all heads, those on the way to this one too */
	bool head_over; /* its last line was there */
	char *bytes;
	size_t length, room, most;
	bool large;
};

struct transfer {
	struct transfer *next, **link; /* of those under way */
	void *who;
	CURL *easy;
	struct curl_slist *list; /* headers, or who gets a mail */
	char *body;
	size_t length, sent;      /* of a mail */
	char said[TRANSFER_TEXT]; /* of what the receiver answered */
	size_t said_length;
	char error[CURL_ERROR_SIZE];
	const struct own *own;
	bool ours; /* an address that it has is one of these */
	struct transfer_kept kept;
	/* of a mail: */
	char asked[TRANSFER_ADDRESS]; /* whom the server was asked for just now; "": nobody */
	char refused[TRANSFER_TEXT];  /* whom it does not take, and why; the last of them */
	char later[TRANSFER_LIST];    /* whom it may take another time */
};

int transfer_list(struct transfer *one, const char *text);

int transfer_get(struct transfer *one, const struct transfer_request *r);
int transfer_mail(struct transfer *one, const struct transfer_request *r);

#endif
