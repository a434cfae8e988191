#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

void request_header(struct request *r, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **field;
	} wanted[] = {
		{ "Host", &r->host },
		{ "Origin", &r->origin },
		{ "Accept", &r->accept },
		{ "Accept-Encoding", &r->accept_encoding },
		{ "Authorization", &r->authorization },
		{ "If-Match", &r->if_match },
		{ "If-None-Match", &r->if_none_match },
		{ "Content-Type", &r->content_type },
		{ "Last-Event-ID", &r->last_event_id },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strcasecmp(wanted[i].name, name) != 0)
			continue;
		if (!i && r->host)
			r->host_twice = true;
		if (!*wanted[i].field)
			*wanted[i].field = value;
	}
}

int refuse(struct refusal *out, unsigned int status, const char *code, const char *format, ...)
{
	va_list args;

	out->status = status;
	out->code = code;
	va_start(args, format);
	vsnprintf(out->message, sizeof(out->message), format, args);
	va_end(args);
	return -EINVAL;
}
