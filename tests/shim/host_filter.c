/*
 * A host that installs a seccomp filter which kills whatever it does not name: nothing may be
 * mapped or populated for our sake, and the requests still count. And one whose filter is against
 * calls that are none of ours (as that of Apache's mpm_itk): its children are seen as any.
 */
#include "host.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALLOW(number)                                                                              \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),                                         \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter only_io[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	ALLOW(SYS_read),
	ALLOW(SYS_write),
	ALLOW(SYS_exit_group),
	ALLOW(SYS_exit),
	ALLOW(SYS_prctl),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

static struct sock_filter against_setuid[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setuid, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

/* The child's own header: its requests are counted there, behind whatever its parent has. */
static void a_child_counts(const struct rs_header *parent)
{
	const struct rs_header *header;
	struct host_pair pair;
	pid_t child = fork();
	int status;

	HOST_CHECK(child >= 0);
	if (!child) {
		header = host_segment_wanted();
		HOST_CHECK(header->pid == (uint32_t)getpid() && !header->frozen);
		host_connect(&pair);
		HOST_CHECK(host_serve(&pair, "/child"));
		HOST_CHECK(HOST_SUM(header, requests) == 1);
		_exit(0);
	}
	HOST_CHECK(waitpid(child, &status, 0) == child && !status);
	HOST_CHECK(!(parent->unseen & RS_UNSEEN_CHILDREN));
}

static void be_against_setuid(const struct rs_header *header)
{
	struct sock_fprog program = { .len = sizeof(against_setuid) / sizeof(against_setuid[0]),
				      .filter = against_setuid };

	HOST_CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	HOST_CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	HOST_CHECK(!header->frozen);
	HOST_CHECK(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	HOST_CHECK(!header->frozen && setuid(getuid()) == -1);
	a_child_counts(header);
}

/* Inside one sandbox a second is asked for and refused: the first one still kills. */
static void a_second_one_is_refused(const struct rs_header *header)
{
	HOST_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) == -1);
	HOST_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == -1);
	HOST_CHECK(header->frozen == 1 && header->clock_now == header->clock);
}

/* One that lets our calls through lifts nothing of the one that does not. */
static void a_second_one_opens_no_door(const struct rs_header *header)
{
	struct sock_fprog program = { .len = sizeof(against_setuid) / sizeof(against_setuid[0]),
				      .filter = against_setuid };

	HOST_CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	HOST_CHECK(header->frozen == 1);
}

int main(int argc, char **argv)
{
	struct sock_fprog program = { .len = sizeof(only_io) / sizeof(only_io[0]),
				      .filter = only_io };
	struct rs_header *header = host_segment_wanted();
	char path[160] = "/";
	struct host_pair pair;

	(void)argv;
	if (argc > 2)
		be_against_setuid(header);
	host_listen_as_agent(header);
	host_connect(&pair);
	HOST_CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (argc > 1)
		HOST_CHECK(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	else
		HOST_CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	HOST_CHECK(header->frozen == 1);
	a_second_one_is_refused(header);
	a_second_one_opens_no_door(header);
	/* Long and all different: more shapes than one step of the table holds. */
	memset(path + 1, 'x', 100);
	for (int i = 0; i < 2000; i++) {
		path[1] = (char)('g' + i / 400);
		path[2] = (char)('g' + i / 20 % 20);
		path[3] = (char)('g' + i % 20);
		HOST_CHECK(host_serve(&pair, path));
	}
	HOST_CHECK(HOST_SUM(header, requests) == 2000);
	HOST_CHECK(HOST_SUM(header, lost[RS_LOST_SHAPE_FULL]) > 0);
	HOST_CHECK(HOST_SUM(header, counted[RS_KIND_REQUEST]) ==
		   HOST_SUM(header, pushed[RS_KIND_REQUEST]) +
			   HOST_SUM(header, folded[RS_KIND_REQUEST]) +
			   HOST_SUM(header, dropped[RS_KIND_REQUEST]));
	HOST_CHECK(header->clock_now != RS_CLOCK_NONE);
	HOST_CHECK(!(header->unseen & RS_UNSEEN_CHILDREN));
	HOST_CHECK(fork() == -1 && errno == EPERM);
	HOST_CHECK(header->unseen & RS_UNSEEN_CHILDREN);
	_exit(0);
}
