/*
 * target_process - a child process that does as it is told over a pipe: makes a segment as the shim
 * does, becomes another program, ends.
 */
#ifndef TARGET_PROCESS_H
#define TARGET_PROCESS_H

#include "capture_fixture.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Orders, a byte each; all but WATCHED_EXEC and WATCHED_END are answered when done. */
#define WATCHED_SEGMENT 's' /* a segment, in the place of the one before */
#define WATCHED_KIN 'k'     /* one for its children */
#define WATCHED_EARLY 'e'   /* one whose header has no magic yet … */
#define WATCHED_MAGIC 'm'   /* … and now it has */
#define WATCHED_WRONG 'w'   /* one of another version */
#define WATCHED_NAME 'n'    /* another name */
#define WATCHED_SHIM 'p'    /* maps the file watched.shim */
#define WATCHED_LEADER 'l'  /* its first thread ends (after the answer), another carries on */
#define WATCHED_LISTEN 'b'  /* on watched.port of 127.0.0.1 */
#define WATCHED_EXEC 'x'    /* /bin/sleep: the answer's pipe ends */
#define WATCHED_END 'q'

struct watched {
	pid_t pid;
	int orders, answers;
	const char *run_dir;
	const char *shim;
	uint16_t port;
	struct rs_header *header; /* the child's own */
};

static inline void watched_segment(struct watched *w, bool early, uint32_t abi)
{
	struct rs_header h = capture_header(w->run_dir, (uint32_t)getpid());
	int fd = capture_memfd(RS_SEGMENT_BYTES, CAPTURE_SEALS);

	if (early)
		h.magic = 0;
	h.abi = abi;
	capture_write(fd, &h);
	if (w->header)
		munmap(w->header, RS_START_BYTES);
	w->header = mmap(NULL, RS_START_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
}

static inline void watched_kin(const struct watched *w)
{
	struct rs_header h = capture_header(w->run_dir, (uint32_t)getpid());
	int fd = capture_memfd_named(RS_KIN_NAME, RS_SEGMENT_BYTES, CAPTURE_SEALS);

	capture_write(fd, &h);
	if (mmap(NULL, RS_LANES_AT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(3);
	close(fd);
}

static inline void watched_map_shim(const struct watched *w)
{
	int fd = open(w->shim, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		_exit(3);
	close(fd);
}

static inline void watched_listen(const struct watched *w)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(w->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 1))
		_exit(5);
}

static void *watched_loop(void *watched);

static inline void watched_obey(struct watched *w, char order)
{
	pthread_t thread;

	if (order == WATCHED_SEGMENT)
		watched_segment(w, false, RS_ABI_VERSION);
	else if (order == WATCHED_KIN)
		watched_kin(w);
	else if (order == WATCHED_EARLY)
		watched_segment(w, true, RS_ABI_VERSION);
	else if (order == WATCHED_WRONG)
		watched_segment(w, false, RS_ABI_VERSION + 1);
	else if (order == WATCHED_MAGIC)
		w->header->magic = RS_MAGIC;
	else if (order == WATCHED_NAME)
		prctl(PR_SET_NAME, "renamed");
	else if (order == WATCHED_SHIM)
		watched_map_shim(w);
	else if (order == WATCHED_LISTEN)
		watched_listen(w);
	else if (order == WATCHED_EXEC)
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
	else if (order == WATCHED_END)
		_exit(0);
	if (order != WATCHED_LEADER)
		return;
	pthread_create(&thread, NULL, watched_loop, w);
	if (write(w->answers, &order, 1) != 1)
		_exit(4);
	syscall(SYS_exit, 0); /* of this thread alone */
}

static void *watched_loop(void *watched)
{
	struct watched *w = watched;
	char order;

	while (read(w->orders, &order, 1) == 1) {
		watched_obey(w, order);
		if (write(w->answers, &order, 1) != 1)
			break;
	}
	_exit(0);
}

static inline void watched_start(struct watched *w)
{
	int orders[2], answers[2];

	assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	w->pid = fork();
	if (w->pid == 0) {
		close(orders[1]);
		close(answers[0]);
		w->orders = orders[0];
		w->answers = answers[1];
		watched_loop(w);
	}
	assert_true(w->pid > 0);
	close(orders[0]);
	close(answers[1]);
	w->orders = orders[1];
	w->answers = answers[0];
}

/* Tells the child, and waits until it has done so: by its answer, or by the end of its pipe. */
static inline void watched_tell(const struct watched *w, char order)
{
	char answer;

	assert_int_equal(write(w->orders, &order, 1), 1);
	assert_int_equal(read(w->answers, &answer, 1),
			 order != WATCHED_EXEC && order != WATCHED_END);
}

/* Ends it whatever it is by now, and waits for that. */
static inline void watched_end(struct watched *w)
{
	if (!w->pid)
		return;
	kill(w->pid, SIGKILL);
	assert_int_equal(waitpid(w->pid, NULL, 0), w->pid);
	close(w->orders);
	close(w->answers);
	w->pid = 0;
}

/* May a segment be opened by its mapping here? */
static inline bool may_open_mappings(const char *run_dir)
{
	int fd = capture_segment(run_dir, (uint32_t)getpid());
	void *at = mmap(NULL, RS_START_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct accept_segment got = { .fd = -1 };
	struct proc_maps maps;
	struct accept a;
	bool yes = accept_open(&a, run_dir) == 0 && proc_maps_read(getpid(), &maps) == 0 &&
		   accept_mapping(&a, getpid(), maps.range[0], 0, &got) == ACCEPT_OK;

	munmap(at, RS_START_BYTES);
	close(fd);
	if (got.fd >= 0)
		close(got.fd);
	accept_close(&a);
	return yes;
}

#endif
