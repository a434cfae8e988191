#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTINGS_FILE "/etc/ringside/ringside.json"

/* A file that only the agent may read is no problem: it holds secrets. */
static void settings_read_file(struct settings *s)
{
	const char *named = getenv("RINGSIDE_CONFIG");
	int fd;

	s->file = named && *named ? named : SETTINGS_FILE;
	fd = open(s->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		if (named && *named && errno == ENOENT)
			snprintf(s->problem.text, sizeof(s->problem.text),
				 "%s (RINGSIDE_CONFIG) does not exist", s->file);
		return;
	}
	config_read_fd(s->config, s->file, fd, &s->problem);
	close(fd);
}

/* Variables one by one, so that a wrong one leaves the others alone. */
static void settings_read_environment(struct settings *s)
{
	for (char **variable = environ; variable && *variable; variable++) {
		char *one[] = { *variable, NULL };
		struct config_error error = { "" };

		if (config_environment(s->config, one, &error))
			s->problem = error;
	}
}

static int settings_flag(struct settings *s, const char *flag, const char *value,
			 struct config_error *error)
{
	return value ? config_flag(s->config, flag, value, error) : 0;
}

/*
 * The TCP address may be that of another agent: it is asked too only where nobody said which
 * agent is meant, or where the address itself was said.
 */
static void settings_choose_tcp(struct settings *s, const struct settings_flags *flags)
{
	const char *listen = config_item(s->config, CONFIG_HTTP_LISTEN, 0);
	bool named = config_from(s->config, CONFIG_RUN_DIR) >= CONFIG_ENVIRONMENT &&
		     config_from(s->config, CONFIG_HTTP_LISTEN) < CONFIG_ENVIRONMENT;

	if (flags->socket || named || !listen || strcmp(listen, "none") == 0)
		return;
	s->tcp = listen;
}

int settings_open(struct settings *s, const struct settings_flags *flags,
		  struct config_error *error)
{
	int result;

	memset(s, 0, sizeof(*s));
	result = config_open(&s->config);
	if (result) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return result;
	}
	settings_read_file(s);
	settings_read_environment(s);
	result = settings_flag(s, "run-dir", flags->run_dir, error);
	if (result == 0)
		result = settings_flag(s, "socket", flags->socket, error);
	if (result == 0) {
		result = config_socket_path(s->config, s->socket, sizeof(s->socket));
		if (result)
			snprintf(error->text, sizeof(error->text),
				 "the path of the API's socket is too long");
	}
	if (result) {
		settings_close(s);
		return result;
	}
	if (strcmp(s->socket, "none") == 0)
		s->socket[0] = '\0';
	settings_choose_tcp(s, flags);
	return 0;
}

void settings_close(struct settings *s)
{
	config_close(s->config);
	s->config = NULL;
}

const char *settings_run_dir(const struct settings *s)
{
	return config_text(s->config, CONFIG_RUN_DIR);
}
