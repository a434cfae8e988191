/*
 * event - the site of the suite for libevent's evhttp, which sends a body to HEAD if it has one.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void event_file(struct evhttp_request *request, struct evbuffer *out, const char *path)
{
	char name[4096];
	struct stat found;
	int fd;

	snprintf(name, sizeof(name), "%s%s", getenv("SITE_WWW"), path);
	fd = open(name, O_RDONLY);
	if (fd < 0 || fstat(fd, &found) || evbuffer_add_file(out, fd, 0, found.st_size))
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
	else
		evhttp_send_reply(request, HTTP_OK, "OK", out);
}

static void event_chunks(struct evhttp_request *request, struct evbuffer *out)
{
	evhttp_send_reply_start(request, HTTP_OK, "OK");
	for (int i = 0; i < 3; i++) {
		evbuffer_add_printf(out, "part %d\n", i);
		evhttp_send_reply_chunk(request, out);
	}
	evhttp_send_reply_end(request);
}

static void event_answer(struct evhttp_request *request, void *context)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	const char *path = evhttp_request_get_uri(request);
	struct evbuffer *out = evbuffer_new();

	(void)context;
	if (method == EVHTTP_REQ_POST) {
		struct evbuffer *body = evhttp_request_get_input_buffer(request);

		evbuffer_add_printf(out, "got %zu", evbuffer_get_length(body));
		evhttp_send_reply(request, HTTP_OK, "OK", out);
	} else if (method == EVHTTP_REQ_HEAD) {
		evhttp_send_reply(request, HTTP_OK, "OK", NULL);
	} else if (!strcmp(path, "/chunk")) {
		event_chunks(request, out);
	} else if (!strcmp(path, "/small.txt") || !strcmp(path, "/big.bin")) {
		event_file(request, out, path);
	} else {
		evhttp_send_error(request, HTTP_NOTFOUND, NULL);
	}
	evbuffer_free(out);
}

int main(int count, char **words)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = evhttp_new(base);

	signal(SIGPIPE, SIG_IGN);
	if (count != 2 || evhttp_bind_socket(http, "127.0.0.1", (unsigned short)atoi(words[1])))
		return 1;
	evhttp_set_gencb(http, event_answer, NULL);
	return event_base_dispatch(base) < 0;
}
