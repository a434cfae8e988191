#include "runtime_files.h"

#include "log.h"
#include "returns.h"
#include "uprobes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNTIME_FILES_AGAIN_NS UINT64_C(2000000000)

void runtime_files_init(struct runtime_files *f, int targets)
{
	memset(f, 0, sizeof(*f));
	f->targets = targets;
}

static void runtime_file_free(struct runtime_files *f, uint32_t i)
{
	struct runtime_file *file = &f->at[i];

	if (f->about == i)
		places_end(&f->asking);
	if (file->why == RUNTIME_ATTACHED)
		pauses_detach(&file->links);
	if (file->again_ns)
		f->errors[file->runtime] = 0; /* that was for now */
	close(file->fd);
	memset(file, 0, sizeof(*file));
}

/* The programs go with the last file. */
static void runtime_files_rest(struct runtime_files *f)
{
	for (uint32_t i = 0; i < RUNTIME_FILES; i++)
		if (f->at[i].users && f->at[i].why == RUNTIME_ATTACHED)
			return;
	pauses_close(f->pauses);
	f->pauses = NULL;
}

void runtime_files_fini(struct runtime_files *f)
{
	for (uint32_t i = 0; i < RUNTIME_FILES; i++)
		if (f->at[i].users)
			runtime_file_free(f, i);
	runtime_files_rest(f);
}

static uint32_t runtime_files_place(const struct runtime_files *f, const struct stat *s,
				    enum runtime runtime)
{
	uint32_t free = RUNTIME_FILES;

	for (uint32_t i = 0; i < RUNTIME_FILES; i++) {
		const struct runtime_file *file = &f->at[i];

		if (!file->users)
			free = free == RUNTIME_FILES ? i : free;
		else if (file->device == s->st_dev && file->inode == s->st_ino &&
			 file->runtime == runtime)
			return i;
	}
	return free;
}

int runtime_files_get(struct runtime_files *f, int fd, enum runtime runtime)
{
	struct runtime_file *file;
	struct stat s;
	uint32_t i;

	if (fstat(fd, &s))
		return -errno;
	i = runtime_files_place(f, &s, runtime);
	if (i == RUNTIME_FILES)
		return -ENOSPC;
	file = &f->at[i];
	if (file->users++)
		return (int)i;
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->fd < 0) {
		file->users = 0;
		return -errno;
	}
	file->device = s.st_dev;
	file->inode = s.st_ino;
	file->runtime = runtime;
	return (int)i;
}

void runtime_files_put(struct runtime_files *f, uint32_t i)
{
	if (--f->at[i].users)
		return;
	runtime_file_free(f, i);
	runtime_files_rest(f);
}

static bool runtime_files_returns(struct runtime_files *f)
{
	if (!f->asked)
		f->returns = returns_are_safe();
	f->asked = true;
	return f->returns;
}

static int runtime_file_link(struct runtime_files *f, struct runtime_file *file)
{
	if (!f->refused && !f->pauses)
		f->refused = f->targets < 0 ? f->targets : pauses_open(&f->pauses, f->targets);
	if (f->refused)
		return f->refused;
	return pauses_attach(f->pauses, file->fd, &file->sites, &file->links);
}

/* Its sites are known. */
static uint32_t runtime_file_attach(struct runtime_files *f, struct runtime_file *file,
				    uint64_t now_ns)
{
	int *error = &f->errors[file->runtime], before = *error;
	bool wait = uprobes_wait();

	file->again_ns = 0;
	if (!wait && file->sites.returns && !runtime_files_returns(f)) {
		*error = -EOPNOTSUPP;
		return RUNTIME_UNSAFE;
	}
	*error = wait ? -ETIMEDOUT : runtime_file_link(f, file);
	if (!*error)
		return RUNTIME_ATTACHED;
	if (*error == -ETIMEDOUT)
		file->again_ns = now_ns + RUNTIME_FILES_AGAIN_NS;
	if (*error != before)
		log_warning("probes of %s are not used: %s", runtime_name(file->runtime),
			    strerrorname_np(-*error));
	return RUNTIME_REFUSED;
}

static void runtime_files_answer(struct runtime_files *f, uint64_t now_ns)
{
	struct runtime_file *file = &f->at[f->about];
	int result = places_take(&f->asking, now_ns, &file->sites);

	if (result == -EAGAIN)
		return;
	file->why = result ? RUNTIME_UNREADABLE : file->sites.why;
	if (file->why == RUNTIME_ATTACHED)
		file->why = runtime_file_attach(f, file, now_ns);
	runtime_files_rest(f);
}

void runtime_files_again(struct runtime_files *f)
{
	for (uint32_t i = 0; i < RUNTIME_FILES; i++) {
		struct runtime_file *file = &f->at[i];

		if (!file->users || file->why != RUNTIME_ATTACHED)
			continue;
		pauses_detach(&file->links);
		file->why = RUNTIME_REFUSED;
		file->again_ns = 1;
	}
}

static void runtime_files_retry(struct runtime_files *f, uint64_t now_ns)
{
	for (uint32_t i = 0; i < RUNTIME_FILES; i++) {
		struct runtime_file *file = &f->at[i];

		if (file->users && file->again_ns && file->again_ns <= now_ns)
			file->why = runtime_file_attach(f, file, now_ns);
	}
	runtime_files_rest(f);
}

void runtime_files_step(struct runtime_files *f, uint64_t now_ns)
{
	runtime_files_retry(f, now_ns);
	if (f->asking.pid)
		runtime_files_answer(f, now_ns);
	for (uint32_t i = 0; i < RUNTIME_FILES && !f->asking.pid; i++) {
		if (!f->at[i].users || f->at[i].why != RUNTIME_UNKNOWN)
			continue;
		f->about = i;
		if (places_begin(&f->asking, f->at[i].fd, f->at[i].runtime, now_ns))
			return; /* again in the next step */
	}
}

bool runtime_files_attached(const struct runtime_files *f, enum runtime runtime)
{
	for (uint32_t i = 0; i < RUNTIME_FILES; i++)
		if (f->at[i].users && f->at[i].runtime == runtime &&
		    f->at[i].why == RUNTIME_ATTACHED)
			return true;
	return false;
}
