#include "worker.h"

#include "link.h"
#include "listen.h"
#include "nursery.h"
#include "rs_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 10000

struct stage {
	struct options options;
	struct config *config;
	int link; /* the broker's end */
	int sockets[1];
	uint16_t port;
	pid_t pid;
	char folder[64];
};

static uint16_t port_of(int fd)
{
	struct sockaddr_in where;
	socklen_t length = sizeof(where);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &length), 0);
	return ntohs(where.sin_port);
}

/* A worker of its own process, as the nursery forks it. */
static void stage_open(struct stage *s, int kept)
{
	struct worker_config config = {
		.options = &s->options, .token = "", .group = (gid_t)-1, .kept = kept
	};
	int link[2];

	memset(s, 0, sizeof(*s));
	strcpy(s->folder, "/tmp/ringside-worker-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	assert_int_equal(config_open(&s->config), 0);
	s->options.file = "/nowhere.json";
	s->sockets[0] = listen_tcp("127.0.0.1:0");
	assert_true(s->sockets[0] >= 0);
	s->port = port_of(s->sockets[0]);
	assert_int_equal(link_open(link), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		close(link[0]);
		config.config = s->config;
		config.sockets = s->sockets;
		config.socket_count = 1;
		config.link = link[1];
		config.broker = getppid();
		snprintf(config.state_dir, sizeof(config.state_dir), "%s", s->folder);
		_exit(worker_run(&config));
	}
	close(link[1]);
	close(s->sockets[0]);
	s->link = link[0];
}

static void stage_close(struct stage *s)
{
	char path[96];

	config_close(s->config);
	snprintf(path, sizeof(path), "%s/checkpoint", s->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/rules.good", s->folder);
	unlink(path);
	rmdir(s->folder);
}

/* The worker's exit code once its broker is gone. */
static int stage_end(struct stage *s)
{
	int status;

	close(s->link);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static uint32_t hear(const struct stage *s)
{
	struct pollfd link = { .fd = s->link, .events = POLLIN };
	struct link_message message;
	int passed;

	assert_int_equal(poll(&link, 1, WAIT_MS), 1);
	assert_int_equal(link_receive(s->link, &message, &passed), 1);
	return message.kind;
}

/* The status of a reply; what of it came. */
static int ask_for(const struct stage *s, const char *path, char *text, size_t size)
{
	struct sockaddr_in where = { .sin_family = AF_INET, .sin_port = htons(s->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t length = 0;
	int status = 0;
	ssize_t n;

	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	n = snprintf(text, size, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		     path);
	assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	while ((n = recv(fd, text + length, size - 1 - length, 0)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
	close(fd);
	return status;
}

static int ask(const struct stage *s, const char *path)
{
	char text[4096];

	return ask_for(s, path, text, sizeof(text));
}

static void it_answers_before_it_is_ready_and_says_so(void **state)
{
	struct link_message complete = { .kind = LINK_COMPLETE };
	struct stage s;
	int status = 503;

	(void)state;
	stage_open(&s, -1);
	assert_int_equal(hear(&s), LINK_HELLO);
	assert_int_equal(hear(&s), LINK_SERVING);
	assert_int_equal(ask(&s, "/healthz"), 200);
	assert_int_equal(ask(&s, "/readyz"), 503);
	assert_int_equal(link_send(s.link, &complete, -1), 0);
	for (int i = 0; i < WAIT_MS && status != 200; i++) {
		usleep(1000);
		status = ask(&s, "/readyz");
	}
	assert_int_equal(status, 200);
	assert_int_equal(stage_end(&s), 0);
	stage_close(&s);
}

static void a_checkpoint_stands_in_its_own_directory(void **state)
{
	char path[96];
	struct stage s;

	(void)state;
	stage_open(&s, -1);
	assert_int_equal(hear(&s), LINK_HELLO);
	assert_int_equal(stage_end(&s), 0);
	snprintf(path, sizeof(path), "%s/checkpoint", s.folder);
	assert_int_equal(access(path, R_OK), 0);
	stage_close(&s);
}

static void it_begins_with_the_channels_that_were_read_last(void **state)
{
	static const char text[] = "{\"alerts\": {\"channels\": {\"ops\": {\"type\": \"webhook\", "
				   "\"url\": \"http://127.0.0.1:1/\"}}}}";
	const struct link_message message = { .kind = LINK_RELOAD };
	int kept[2], fd = memfd_create("ringside.json", MFD_CLOEXEC);
	char answer[16384];
	struct stage s;

	(void)state;
	assert_int_equal(link_open(kept), 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1); /* and at its end */
	assert_int_equal(link_send(kept[0], &message, fd), 0);
	close(fd);
	for (int i = 0; i < 2; i++) { /* the one after it too */
		stage_open(&s, kept[1]);
		assert_int_equal(hear(&s), LINK_HELLO);
		assert_int_equal(ask_for(&s, "/api/alerts/channels", answer, sizeof(answer)), 200);
		assert_non_null(strstr(answer, "\"name\":\"ops\",\"type\":\"webhook\""));
		assert_int_equal(stage_end(&s), 0);
		stage_close(&s);
	}
	close(kept[0]);
	close(kept[1]);
}

static void without_a_socket_it_cannot_run_and_says_so_for_good(void **state)
{
	struct worker_config config = { .token = "", .link = -1, .state_dir = "/nowhere" };
	struct options options = { .file = "/nowhere.json" };
	struct config *c;

	(void)state;
	assert_int_equal(config_open(&c), 0);
	config.config = c;
	config.options = &options;
	assert_int_equal(worker_run(&config), NURSERY_CANNOT);
	config_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_answers_before_it_is_ready_and_says_so),
		cmocka_unit_test(a_checkpoint_stands_in_its_own_directory),
		cmocka_unit_test(it_begins_with_the_channels_that_were_read_last),
		cmocka_unit_test(without_a_socket_it_cannot_run_and_says_so_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
