#include "revive.h"

#include "library.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define REVIVE_LIBRARY "libsystemd.so.0"
#define REVIVE_NAME "org.freedesktop.systemd1"
#define REVIVE_PATH "/org/freedesktop/systemd1"
#define REVIVE_MANAGER "org.freedesktop.systemd1.Manager"

static struct {
	__typeof__(sd_bus_open_system) *open_system;
	__typeof__(sd_bus_match_signal) *match_signal;
	__typeof__(sd_bus_call_method) *call;
	__typeof__(sd_bus_message_read) *read;
	__typeof__(sd_bus_process) *process;
	__typeof__(sd_bus_wait) *wait;
} revive_bus;

struct revive {
	sd_bus *bus;
	const char *job;
	char result[32]; /* of the job; "": it is under way */
};

static int revive_library(void)
{
	static const struct library_function functions[] = {
		{ "sd_bus_open_system", &revive_bus.open_system },
		{ "sd_bus_match_signal", &revive_bus.match_signal },
		{ "sd_bus_call_method", &revive_bus.call },
		{ "sd_bus_message_read", &revive_bus.read },
		{ "sd_bus_process", &revive_bus.process },
		{ "sd_bus_wait", &revive_bus.wait },
	};

	return library_open(REVIVE_LIBRARY, functions, sizeof(functions) / sizeof(functions[0]));
}

static int revive_removed(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	const char *job = NULL, *unit, *result = NULL;
	struct revive *r = ctx;
	unsigned int id;

	(void)error;
	if (revive_bus.read(m, "uoss", &id, &job, &unit, &result) >= 0 && !strcmp(job, r->job))
		snprintf(r->result, sizeof(r->result), "%s", result);
	return 0;
}

/* The job that systemd made of it; the message that it is in lives as long as the process. */
static int revive_order(struct revive *r, const char *unit, char *text, size_t size)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int ret = revive_bus.match_signal(r->bus, NULL, REVIVE_NAME, REVIVE_PATH, REVIVE_MANAGER,
					  "JobRemoved", revive_removed, r);

	if (ret >= 0) /* else it keeps its signals to itself */
		ret = revive_bus.call(r->bus, REVIVE_NAME, REVIVE_PATH, REVIVE_MANAGER, "Subscribe",
				      &error, NULL, "");
	if (ret >= 0)
		ret = revive_bus.call(r->bus, REVIVE_NAME, REVIVE_PATH, REVIVE_MANAGER,
				      "RestartUnit", &error, &reply, "ss", unit, "replace");
	if (ret >= 0)
		ret = revive_bus.read(reply, "o", &r->job);
	if (ret < 0)
		snprintf(text, size, "systemd: %s",
			 error.message ? error.message : strerrordesc_np(-ret));
	return ret;
}

int revive_unit(const char *unit, char *text, size_t size)
{
	struct revive r = { 0 };
	int ret;

	if (revive_library()) {
		snprintf(text, size, REVIVE_LIBRARY " cannot be opened");
		return 1;
	}
	ret = revive_bus.open_system(&r.bus);
	if (ret < 0) {
		snprintf(text, size, "no system bus: %s", strerrordesc_np(-ret));
		return 1;
	}
	if (revive_order(&r, unit, text, size) < 0)
		return 1;
	while (!*r.result) {
		ret = revive_bus.process(r.bus, NULL);
		if (ret == 0)
			ret = revive_bus.wait(r.bus, UINT64_MAX);
		if (ret < 0) {
			snprintf(text, size, "%.64s: systemd is gone: %s", unit,
				 strerrordesc_np(-ret));
			return 1;
		}
	}
	snprintf(text, size, "%.100s: %s", unit, r.result);
	return strcmp(r.result, "done") != 0;
}
