#include "client.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A macro there checks arguments at compile time; what is called through a pointer has none. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

struct client {
	void *library;
	CURL *handle;
	const char *socket, *address;
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_setopt) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *getinfo;
	__typeof__(curl_easy_strerror) *strerror;
	__typeof__(curl_easy_cleanup) *cleanup;
	__typeof__(curl_slist_append) *append;
	__typeof__(curl_slist_free_all) *free_all;
};

static int client_fail(struct client_error *error, int result, const char *what)
{
	snprintf(error->text, sizeof(error->text), "%s", what);
	return result;
}

static int client_load(struct client *c)
{
	const struct {
		const char *name;
		void *to;
	} functions[] = {
		{ "curl_easy_init", &c->init },         { "curl_easy_setopt", &c->setopt },
		{ "curl_easy_perform", &c->perform },   { "curl_easy_getinfo", &c->getinfo },
		{ "curl_easy_strerror", &c->strerror }, { "curl_easy_cleanup", &c->cleanup },
		{ "curl_slist_append", &c->append },    { "curl_slist_free_all", &c->free_all },
	};

	c->library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; c->library && i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *found = dlsym(c->library, functions[i].name);

		if (!found)
			return -ELIBACC;
		memcpy(functions[i].to, &found, sizeof(found));
	}
	return c->library ? 0 : -ELIBACC;
}

static size_t client_take(char *bytes, size_t size, size_t count, void *ctx)
{
	struct client_answer *a = ctx;
	size_t more = size * count;
	char *grown;

	if (more > CLIENT_BYTES_MAX - a->length)
		return 0;
	grown = realloc(a->bytes, a->length + more + 1);
	if (!grown)
		return 0;
	a->bytes = grown;
	memcpy(a->bytes + a->length, bytes, more);
	a->length += more;
	a->bytes[a->length] = '\0';
	return more;
}

/* What the environment says of proxies is not meant for the agent of this machine. */
static void client_configure(struct client *c)
{
	c->setopt(c->handle, CURLOPT_NOSIGNAL, 1L);
	c->setopt(c->handle, CURLOPT_PROXY, "");
	c->setopt(c->handle, CURLOPT_TIMEOUT, CLIENT_SECONDS);
	c->setopt(c->handle, CURLOPT_FOLLOWLOCATION, 0L);
	c->setopt(c->handle, CURLOPT_USERAGENT, "ringside/" RS_VERSION);
	c->setopt(c->handle, CURLOPT_WRITEFUNCTION, client_take);
	if (c->socket)
		c->setopt(c->handle, CURLOPT_UNIX_SOCKET_PATH, c->socket);
}

int client_open(struct client **out, const char *socket, const char *address,
		struct client_error *error)
{
	struct client *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return client_fail(error, -ENOMEM, "out of memory");
	c->socket = socket;
	c->address = address;
	if (client_load(c)) {
		client_close(c);
		return client_fail(error, -ELIBACC,
				   "libcurl.so.4 cannot be loaded: apt-get install libcurl4");
	}
	c->handle = c->init();
	if (!c->handle) {
		client_close(c);
		return client_fail(error, -ENOMEM, "libcurl cannot be started");
	}
	client_configure(c);
	*out = c;
	return 0;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	if (c->handle)
		c->cleanup(c->handle);
	if (c->library)
		dlclose(c->library);
	free(c);
}

static int client_explain(struct client *c, CURLcode code, struct client_error *error)
{
	long number = 0;

	c->getinfo(c->handle, CURLINFO_OS_ERRNO, &number);
	client_fail(error, 0, c->strerror(code));
	if (code == CURLE_OPERATION_TIMEDOUT)
		return -ETIMEDOUT;
	if (code == CURLE_WRITE_ERROR)
		return -EMSGSIZE;
	if (code != CURLE_COULDNT_CONNECT || number <= 0)
		return -EIO;
	client_fail(error, 0, strerrordesc_np((int)number));
	return (int)-number;
}

void client_wait(struct client *c, long seconds)
{
	c->setopt(c->handle, CURLOPT_TIMEOUT, seconds);
}

static int client_ask(struct client *c, const char *path, struct client_answer *out,
		      struct client_error *error)
{
	long status = 0;
	CURLcode code;
	char *url;

	memset(out, 0, sizeof(*out));
	if (asprintf(&url, "http://%s%s", c->socket ? "localhost" : c->address, path) < 0)
		return client_fail(error, -ENOMEM, "out of memory");
	c->setopt(c->handle, CURLOPT_URL, url);
	free(url);
	c->setopt(c->handle, CURLOPT_WRITEDATA, out);
	code = c->perform(c->handle);
	if (code != CURLE_OK) {
		client_answer_free(out);
		return client_explain(c, code, error);
	}
	c->getinfo(c->handle, CURLINFO_RESPONSE_CODE, &status);
	out->status = (int)status;
	return 0;
}

int client_get(struct client *c, const char *path, struct client_answer *out,
	       struct client_error *error)
{
	c->setopt(c->handle, CURLOPT_HTTPGET, 1L);
	return client_ask(c, path, out, error);
}

int client_post(struct client *c, const char *path, struct client_answer *out,
		struct client_error *error)
{
	c->setopt(c->handle, CURLOPT_POST, 1L);
	c->setopt(c->handle, CURLOPT_POSTFIELDS, "");
	return client_ask(c, path, out, error);
}

int client_send(struct client *c, const struct client_request *request, struct client_answer *out,
		struct client_error *error)
{
	struct curl_slist *headers = NULL;
	char text[320];
	int result;

	if (request->type) {
		snprintf(text, sizeof(text), "Content-Type: %s", request->type);
		headers = c->append(NULL, text);
		if (!headers)
			return client_fail(error, -ENOMEM, "out of memory");
		c->setopt(c->handle, CURLOPT_POSTFIELDSIZE, (long)request->length);
		c->setopt(c->handle, CURLOPT_POSTFIELDS, request->body);
	}
	c->setopt(c->handle, CURLOPT_HTTPHEADER, headers);
	c->setopt(c->handle, CURLOPT_CUSTOMREQUEST, request->method);
	result = client_ask(c, request->path, out, error);
	c->setopt(c->handle, CURLOPT_CUSTOMREQUEST, NULL);
	c->setopt(c->handle, CURLOPT_HTTPHEADER, NULL);
	c->setopt(c->handle, CURLOPT_POSTFIELDSIZE, -1L);
	c->setopt(c->handle, CURLOPT_HTTPGET, 1L);
	c->free_all(headers);
	return result;
}

void client_answer_free(struct client_answer *a)
{
	free(a->bytes);
	memset(a, 0, sizeof(*a));
}
