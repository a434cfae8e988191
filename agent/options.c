#include "options.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The value of a flag, "--flag VALUE" or "--flag=VALUE"; NULL: there is none. */
static const char *options_value(const struct options *o, int *i)
{
	const char *equals = strchr(o->argv[*i], '=');

	if (equals)
		return equals + 1;
	if (*i + 1 >= o->argc)
		return NULL;
	return o->argv[++*i];
}

/* A flag without dashes and value. */
static void options_name(const char *argument, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
}

static bool options_switch(struct options *o, const char *argument)
{
	if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
		o->help = true;
	else if (strcmp(argument, "--version") == 0)
		o->version = true;
	else if (strcmp(argument, "--check-config") == 0)
		o->check = true;
	else
		return false;
	return true;
}

static int options_one(struct options *o, int *i, struct config_error *error)
{
	const char *argument = o->argv[*i];
	const char *value;
	char name[64];

	if (options_switch(o, argument))
		return 0;
	if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0') {
		snprintf(error->text, sizeof(error->text), "unexpected argument '%s'; see --help",
			 argument);
		return -EINVAL;
	}
	options_name(argument, name, sizeof(name));
	if (strcmp(name, "config") != 0 && config_key_find_flag(name) < 0) {
		snprintf(error->text, sizeof(error->text), "unknown option '--%s'; see --help",
			 name);
		return -EINVAL;
	}
	value = options_value(o, i);
	if (!value) {
		snprintf(error->text, sizeof(error->text), "option '--%s' needs a value", name);
		return -EINVAL;
	}
	if (strcmp(name, "config") == 0) {
		o->file = value;
		o->file_named = true;
	}
	return 0;
}

int options_read(struct options *o, int argc, char **argv, struct config_error *error)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	const char *named = getenv("RINGSIDE_CONFIG");
	int result = 0;

	*o = (struct options){ .argc = argc, .argv = argv, .file = OPTIONS_FILE };
	if (named && *named) {
		o->file = named;
		o->file_named = true;
	}
	for (int i = 1; i < argc && result == 0; i++)
		result = options_one(o, &i, error);
	return result;
}

int options_file_open(const struct options *o, int *fd, struct config_error *error)
{
	*fd = open(o->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd >= 0 || (errno == ENOENT && !o->file_named))
		return 0;
	snprintf(error->text, sizeof(error->text), "%s cannot be read: %s", o->file,
		 strerror(errno)); /* NOLINT(concurrency-mt-unsafe): one thread */
	return -errno;
}

bool options_file_is_ours(int fd)
{
	return fd < 0 || file_is_ours(fd);
}

static int options_flags(const struct options *o, struct config *c, struct config_error *error)
{
	char name[64];
	int result = 0;

	for (int i = 1; i < o->argc && result == 0; i++) {
		const char *argument = o->argv[i];
		struct options seen = { 0 };

		if (options_switch(&seen, argument))
			continue;
		options_name(argument, name, sizeof(name));
		argument = options_value(o, &i);
		if (strcmp(name, "config") != 0)
			result = config_flag(c, name, argument, error);
	}
	return result;
}

int options_config(const struct options *o, int fd, struct config **out, struct config_error *error)
{
	int result = config_open(out);

	if (result) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return result;
	}
	if (fd >= 0)
		result = config_read_fd(*out, o->file, fd, error);
	if (result == 0)
		result = config_environment(*out, environ, error);
	if (result == 0)
		result = options_flags(o, *out, error);
	if (result == 0)
		result = config_check(*out, error);
	if (result) {
		config_close(*out);
		*out = NULL;
	}
	return result;
}

void options_help(FILE *out)
{
	fprintf(out, "usage: ringsided [OPTION]...\n\n"
		     "Watches servers that run under libringside.so and answers over HTTP.\n\n"
		     "  --config FILE        configuration (" OPTIONS_FILE ")\n"
		     "  --check-config       read the configuration, say what is wrong, end\n"
		     "  --help, --version\n");
	for (int key = 0; key < CONFIG_KEYS; key++) {
		const struct config_info *info = config_info((enum config_key)key);

		if (info->flag)
			fprintf(out, "  --%-18s %s (%s)\n", info->flag, info->help,
				*info->initial ? info->initial : "none");
	}
	fprintf(out,
		"\nOnly in the configuration, or as RINGSIDE_HTTP_READ_TOKEN and the like:\n\n");
	for (int key = 0; key < CONFIG_KEYS; key++) {
		const struct config_info *info = config_info((enum config_key)key);

		if (!info->flag)
			fprintf(out, "  %-22s %s (%s)\n", info->path, info->help,
				*info->initial ? info->initial : "none");
	}
	fprintf(out, "\nSIGTERM ends it, SIGHUP reads the configuration again.\n");
}
