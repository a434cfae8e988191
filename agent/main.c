/*
 * main - ringsided: opens what needs root, splits, and runs the broker.
 *
 * Threads:  one.
 * Memory:   all until the end of the process.
 * Errors:   exit code 0 after SIGTERM, 1 where it cannot run, 2 for wrong usage; one line says why.
 */
#include "broker.h"
#include "child.h"
#include "folders.h"
#include "listen.h"
#include "log.h"
#include "moment.h"
#include "options.h"
#include "split.h"
#include "token.h"
#include "wake.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAIN_DESCRIPTORS 65536 /* two a target, ACCEPT_IN_ALL of them, and some */
#define MAIN_USAGE 2
#define MAIN_MAPPED (128 * 1024) /* blocks of this size and more are mapped each for itself */
#define MAIN_PORT_TRIES 20 /* … 10 ms apart: an agent that was killed leaves its port as it goes */

struct main_agent {
	struct options options;
	struct config *config;
	bool trusted;        /* nobody but root can have written it */
	struct rlimit files; /* as we were started, for what actions run */
	struct config_error error;
	struct privilege_user user;
	struct folders folders;
	struct broker_config broker;
	struct worker_config worker;
	int sockets[WORKER_SOCKETS];
	char token[TOKEN_TEXT];
	char socket_path[FOLDERS_PATH];
	char wake_path[FOLDERS_PATH];
};

static int main_fail(struct main_agent *m, int result, const char *what, const char *name)
{
	snprintf(m->error.text, sizeof(m->error.text), "%s %s: %s", what, name,
		 strerror(-result)); /* NOLINT(concurrency-mt-unsafe): one thread */
	return result;
}

static int main_configure(struct main_agent *m)
{
	int fd;
	int result = options_file_open(&m->options, &fd, &m->error);

	if (result)
		return result;
	m->trusted = options_file_is_ours(fd);
	result = options_config(&m->options, fd, &m->config, &m->error);
	if (fd >= 0)
		close(fd);
	return result;
}

static int main_listen_one(struct main_agent *m, const char *address)
{
	int fd = -EINVAL;

	if (m->worker.socket_count == WORKER_SOCKETS)
		return main_fail(m, -E2BIG, "too many addresses: cannot listen on", address);
	for (int i = 0; i < MAIN_PORT_TRIES; i++) {
		fd = *address == '/' ? listen_unix(address) : listen_tcp(address);
		if (fd != -EADDRINUSE)
			break;
		usleep(10000);
	}
	if (fd < 0)
		return main_fail(m, fd, "cannot listen on", address);
	m->sockets[m->worker.socket_count++] = fd;
	return 0;
}

static int main_listen_proxies(struct main_agent *m)
{
	const char *proxy = "";
	int result = proxying_listen(m->config, &m->worker.proxies, &proxy);

	return result ? main_fail(m, result, "cannot listen for cache.proxy", proxy) : 0;
}

static int main_listen(struct main_agent *m)
{
	const char *named = config_text(m->config, CONFIG_HTTP_SOCKET);
	int result = 0;

	for (size_t i = 0; i < config_count(m->config, CONFIG_HTTP_LISTEN) && result == 0; i++)
		result = main_listen_one(m, config_item(m->config, CONFIG_HTTP_LISTEN, i));
	if (result == 0)
		result = main_listen_proxies(m);
	if (result || strcmp(named, "none") == 0)
		return result;
	result = config_socket_path(m->config, m->socket_path, sizeof(m->socket_path));
	if (result)
		return main_fail(m, result, "cannot listen on", named);
	result = main_listen_one(m, m->socket_path);
	if (result)
		m->socket_path[0] = '\0'; /* somebody else's */
	return result;
}

/* Fewer targets where that is refused. */
static void main_descriptors(struct main_agent *m)
{
	struct rlimit files = { .rlim_cur = MAIN_DESCRIPTORS, .rlim_max = MAIN_DESCRIPTORS };

	getrlimit(RLIMIT_NOFILE, &m->files);
	if (m->files.rlim_max > files.rlim_max)
		files.rlim_max = m->files.rlim_max; /* nobody could give it back */
	setrlimit(RLIMIT_NOFILE, &files);
}

/* Everything that an agent without privileges could not make any more. */
static int main_open(struct main_agent *m)
{
	const char *user = config_text(m->config, CONFIG_USER);
	int result = privilege_user_find(user, &m->user);

	if (result)
		return main_fail(m, result, "no such user:", user);
	if (m->user.fallback && geteuid() == 0)
		log_info("there is no user " PRIVILEGE_USER ": the worker runs as %d",
			 PRIVILEGE_NOBODY);
	main_descriptors(m);
	result = folders_open(&m->folders, m->config, m->user.uid, m->user.gid, &m->error);
	if (result)
		return result;
	result = main_listen(m);
	if (result)
		return result;
	result = token_make(m->folders.run_fd, m->user.group, m->token);
	if (result)
		return main_fail(m, result, "cannot write a token into", m->folders.run);
	if (snprintf(m->wake_path, sizeof(m->wake_path), "%s/" FOLDERS_KNOCK, m->folders.run) >=
	    (int)sizeof(m->wake_path))
		return main_fail(m, -ENAMETOOLONG, "cannot open", m->wake_path);
	result = wake_open(m->wake_path, &m->broker.wake);
	return result ? main_fail(m, result, "cannot open", m->wake_path) : 0;
}

static void main_clean(const struct main_agent *m)
{
	if (m->socket_path[0])
		unlink(m->socket_path);
	if (m->wake_path[0])
		unlink(m->wake_path);
	if (m->folders.run_fd >= 0)
		unlinkat(m->folders.run_fd, TOKEN_FILE, 0);
}

static int main_agent(struct main_agent *m)
{
	const struct split split = { .config = m->config,
				     .user = &m->user,
				     .trusted = m->trusted,
				     .files = &m->files,
				     .folders = &m->folders,
				     .broker = &m->broker,
				     .worker = &m->worker,
				     .error = &m->error };
	int code = 1;

	log_open("ringsided",
		 (enum log_level)log_level_parse(config_text(m->config, CONFIG_LOG_LEVEL)));
	if (main_open(m)) {
		log_error("%s", m->error.text);
		main_clean(m);
		return code;
	}
	m->worker.options = &m->options;
	m->worker.config = m->config;
	m->worker.sockets = m->sockets;
	m->worker.token = m->token;
	m->worker.group = m->user.group;
	m->worker.broker = getpid();
	/* who opens it decides whether it has addresses: root, not the worker */
	m->worker.kallsyms = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	snprintf(m->worker.state_dir, sizeof(m->worker.state_dir), "%s/" FOLDERS_WORKER,
		 m->folders.state);
	m->broker.options = &m->options;
	m->broker.config = m->config;
	m->broker.run_dir = m->folders.run;
	if (split_agent(&split))
		log_error("%s", m->error.text);
	else
		code = broker_run(&m->broker);
	main_clean(m);
	return code;
}

int main(int argc, char **argv)
{
	static struct main_agent m = { .folders = { .run_fd = -1, .state_fd = -1 } };
	int code = argc == 2 ? child_main(argv[1]) : -1;

	if (code >= 0)
		return code;
	/*
	 * Said, it stays: else it grows with what is freed, the kernel's BTF above all, and tables
	 * that are hardly used are made of used memory, which calloc clears page by page: 1.2 MB.
	 */
	mallopt(M_MMAP_THRESHOLD, MAIN_MAPPED); /* NOLINT(concurrency-mt-unsafe): one thread */
	m.worker.started_ns = moment_monotonic_ns();
	log_open("ringsided", LOG_LEVEL_INFO);
	if (options_read(&m.options, argc, argv, &m.error)) {
		log_error("%s", m.error.text);
		return MAIN_USAGE;
	}
	if (m.options.help) {
		options_help(stdout);
		return 0;
	}
	if (m.options.version) {
		printf("ringsided " RS_VERSION "\n");
		return 0;
	}
	if (main_configure(&m)) {
		log_error("%s", m.error.text);
		return 1;
	}
	if (m.options.check) {
		printf("the configuration is good\n");
		return 0;
	}
	umask(022);
	return main_agent(&m);
}
