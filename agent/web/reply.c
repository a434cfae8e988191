#include "reply.h"

#include "negotiate.h"

#include <stdlib.h>
#include <string.h>

void reply_fini(struct reply *r)
{
	body_put(r->body);
	r->body = NULL;
	cache_value_put(r->value);
	r->value = NULL;
	free(r->expanded);
	r->expanded = NULL;
	if (r->stream.read)
		r->stream.close(r->stream.ctx);
	r->stream.read = NULL;
}

void reply_bytes(struct reply *out, const char *type, char *bytes, size_t length)
{
	memset(out, 0, sizeof(*out));
	out->status = 200;
	out->type = type;
	if (body_open(&out->body, bytes, length)) {
		out->body = NULL;
		out->status = 503;
	}
}

void reply_json(struct reply *out, unsigned int status, struct json *j)
{
	char *bytes;

	if (json_finish(j)) {
		json_fini(j);
		*out = (struct reply){ .status = 503 };
		return;
	}
	bytes = j->bytes;
	reply_bytes(out, REPLY_JSON, bytes, j->length);
	json_init(j);
	if (out->body)
		out->status = status;
}

void reply_refuse(struct reply *out, const struct refusal *no)
{
	struct json j;

	json_init(&j);
	json_object_begin(&j, NULL);
	json_bool(&j, "success", false);
	json_object_begin(&j, "error");
	json_string(&j, "code", no->code);
	json_string(&j, "message", no->message);
	json_string(&j, "field", no->field[0] ? no->field : NULL);
	json_object_end(&j);
	json_object_end(&j);
	reply_json(out, no->status, &j);
	out->allow = no->allow;
	out->challenge = no->status == 401;
	out->retry_after_s = no->retry_after_s;
}

void reply_negotiate(struct reply *r, const struct request *request)
{
	if (!r->body)
		return;
	if (r->kept && r->status == 200 && request->if_none_match &&
	    negotiate_has(request->if_none_match, r->body->etag))
		r->status = 304;
	r->gzip = negotiate_gzip(request->accept_encoding) && !body_compress(r->body);
}
