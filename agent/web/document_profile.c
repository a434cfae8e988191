/*
 * document_profile - what the CPU's time went to, in the form that was asked for.
 */
#include "site.h"

#include "clerk.h"
#include "flame.h"
#include "pprof.h"
#include "reply.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE_SECONDS 30u /* pprof's own default */
#define PROFILE_OFFCPU "/api/profile/offcpu"

static const char *const profile_formats[] = { "pprof", "collapsed", "svg", "json" };
enum { PROFILE_PPROF, PROFILE_COLLAPSED, PROFILE_SVG, PROFILE_JSON, PROFILE_FORMATS };

struct profile_asked {
	struct profile_scope scope;
	int format;
};

static int profile_refuse(struct refusal *no, const char *field, const char *message)
{
	snprintf(no->field, sizeof(no->field), "%.*s", (int)sizeof(no->field) - 1, field);
	return refuse(no, 400, "bad_parameter", "%s", message);
}

static int profile_number(const struct params *p, const char *name, unsigned long most,
			  unsigned long *out)
{
	const char *text = params_get(p, name);

	if (!text)
		return 0;
	if (!*text || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	*out = strtoul(text, NULL, 10);
	return *out && *out <= most ? 0 : -EINVAL;
}

static int profile_names(const struct params *p, struct refusal *no)
{
	static const char *const known[] = { "pid", "service", "seconds", "format", "unwind" };

	for (unsigned int i = 0; i < p->count; i++) {
		bool found = false;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found = found || strcmp(p->items[i].name, known[k]) == 0;
		if (!found)
			return profile_refuse(no, p->items[i].name,
					      "this endpoint takes no such parameter");
		if (params_get(p, p->items[i].name) != p->items[i].value)
			return profile_refuse(no, p->items[i].name,
					      "this parameter was given twice");
	}
	return 0;
}

static int profile_ask(const struct params *p, struct profile_asked *out, struct refusal *no)
{
	const char *format = params_get(p, "format");
	unsigned long pid = 0, seconds = PROFILE_SECONDS, unwind = 0;

	if (profile_names(p, no))
		return -EINVAL;
	if (profile_number(p, "pid", INT32_MAX, &pid))
		return profile_refuse(no, "pid", "must be a process id");
	if (profile_number(p, "seconds", STACKS_SPAN_S, &seconds))
		return profile_refuse(no, "seconds", "must be a number from 1 to 300");
	if (profile_number(p, "unwind", 1, &unwind))
		return profile_refuse(no, "unwind", "must be 1, or left out");
	out->scope.offcpu = strcmp(p->path, PROFILE_OFFCPU) == 0;
	if (unwind && out->scope.offcpu)
		return profile_refuse(no, "unwind", "is for the CPU alone");
	if (unwind && (!pid || params_get(p, "service")))
		return profile_refuse(no, "unwind", "is for one process: give its pid");
	if (out->scope.offcpu && (!pid || params_get(p, "service")))
		return profile_refuse(no, "pid", "must be given, alone: this is of one process");
	out->format = PROFILE_PPROF;
	while (format && out->format < PROFILE_FORMATS &&
	       strcmp(format, profile_formats[out->format]) != 0)
		out->format++;
	if (out->format == PROFILE_FORMATS)
		return profile_refuse(no, "format", "must be one of pprof, collapsed, svg, json");
	out->scope = (struct profile_scope){ .pid = (int32_t)pid,
					     .service = params_get(p, "service"),
					     .seconds = (uint32_t)seconds,
					     .unwind = unwind,
					     .offcpu = out->scope.offcpu };
	return 0;
}

static int profile_json(const struct graph *g, struct reply *out)
{
	struct json j;

	json_init(&j);
	json_object_begin(&j, NULL);
	json_bool(&j, "success", true);
	json_raw(&j, "data", "", 0);
	j.comma = false; /* the document is the value of the key just written */
	report_json(g, &j);
	json_object_end(&j);
	reply_json(out, 200, &j);
	return 0;
}

static void profile_title(const struct profile_asked *asked, char *out, size_t size)
{
	if (asked->scope.pid)
		snprintf(out, size, "%s of pid %d, %u s", asked->scope.offcpu ? "off CPU" : "CPU",
			 asked->scope.pid, asked->scope.seconds);
	else
		snprintf(out, size, "CPU of %s, %u s",
			 asked->scope.service ? asked->scope.service : "all that is watched",
			 asked->scope.seconds);
}

static int profile_write(const struct graph *g, const struct profile_asked *asked,
			 struct reply *out)
{
	static const char *const types[] = { "application/octet-stream",
					     "text/plain; charset=utf-8", "image/svg+xml" };
	char title[128], *bytes = NULL;
	size_t length = 0;
	int result;

	if (asked->format == PROFILE_JSON)
		return profile_json(g, out);
	profile_title(asked, title, sizeof(title));
	if (asked->format == PROFILE_PPROF)
		result = pprof_write(g, &bytes, &length);
	else if (asked->format == PROFILE_SVG)
		result = flame_write(g, title, &bytes, &length);
	else
		result = report_collapsed(g, &bytes, &length);
	if (result)
		return result;
	reply_bytes(out, types[asked->format], bytes, length);
	return out->body && asked->format == PROFILE_PPROF ? body_pack(out->body) : 0;
}

static int profile_failed(const struct profile_asked *asked, int result, struct refusal *no)
{
	if (result == -ENOENT)
		return refuse(no, 404, "not_found", "no such process or service is watched");
	if (asked->scope.offcpu)
		return refuse(no, 503, "unavailable",
			      "waits cannot be looked at here: %s; /api/health (ebpf.offcpu)",
			      strerrorname_np(-result));
	if (asked->scope.unwind && result == -ELIBACC)
		return refuse(no, 503, "unavailable",
			      "libdw.so.1 is not installed: apt-get install libdw1");
	if (asked->scope.unwind)
		return refuse(no, 503, "unavailable", "stacks cannot be unwound here: %s",
			      strerrorname_np(-result));
	if (result == -ENOTSUP)
		return refuse(no, 503, "unavailable",
			      "nothing is sampled here: /api/health tells why (ebpf.profile)");
	return result;
}

int document_profile(struct site *site, const struct request *r, const struct params *p,
		     struct reply *out, struct refusal *no)
{
	struct profile_asked asked = { .format = PROFILE_PPROF };
	struct clerk *clerk;
	struct graph *g;
	int result;
	bool slow;

	if (profile_ask(p, &asked, no))
		return -EINVAL;
	slow = asked.scope.unwind || asked.scope.offcpu;
	clerk = slow ? site->unwinder : site->clerk;
	if (slow && clerk && clerk_is_busy(clerk, r->who))
		return refuse(no, 503, "busy", "another profile is being taken: ask again later");
	result = clerk ? clerk_ask(clerk, r->who, &asked.scope, r->now_ns, &g) : -ENOTSUP;
	if (result == -EAGAIN) {
		*out = (struct reply){ .later = true };
		return 0;
	}
	if (result)
		return profile_failed(&asked, result, no);
	g->at_ms = r->wall_ms;
	result = profile_write(g, &asked, out);
	graph_close(g);
	return result;
}
