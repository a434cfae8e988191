#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct privilege_kept {
	const char *name;
	uint32_t number;
};

static const struct privilege_kept privilege_kept[] = {
	{ "CAP_BPF", CAP_BPF },
	{ "CAP_PERFMON", CAP_PERFMON },
	{ "CAP_SYS_PTRACE", CAP_SYS_PTRACE },
	{ "CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH },
	{ "CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE },
};

#define PRIVILEGE_KEPT (sizeof(privilege_kept) / sizeof(privilege_kept[0]))

/* To become somebody else without any of these, and to end what that one began. */
#define PRIVILEGE_RUNNER                                                                           \
	(UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETPCAP |      \
	 UINT64_C(1) << CAP_KILL)

static uint64_t privilege_broker_mask(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < PRIVILEGE_KEPT; i++)
		mask |= UINT64_C(1) << privilege_kept[i].number;
	return mask;
}

static int privilege_get(uint64_t *effective, uint64_t *permitted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	*permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

/* Permitted and effective become mask, as far as they were permitted; inheritable becomes empty. */
static int privilege_set(uint64_t mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	uint64_t effective = 0, permitted = 0;
	int result = privilege_get(&effective, &permitted);

	if (result)
		return result;
	mask &= permitted;
	data[0].effective = data[0].permitted = (uint32_t)mask;
	data[1].effective = data[1].permitted = (uint32_t)(mask >> 32);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int privilege_cut_bounding(uint64_t keep)
{
	for (uint32_t i = 0; i < 64; i++) {
		int has = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (has < 0)
			break; /* the last one that this kernel knows was before */
		if (has && !(keep >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0))
			return -errno;
	}
	return 0;
}

/* For those who hold CAP_SETPCAP: root means nothing any more, and nothing can be regained. */
static int privilege_lock(uint64_t keep)
{
	uint64_t effective = 0, permitted = 0;
	int result = privilege_get(&effective, &permitted);

	if (result || !(effective >> CAP_SETPCAP & 1))
		return result;
	result = privilege_cut_bounding(keep);
	if (result)
		return result;
	return prctl(PR_SET_SECUREBITS,
		     SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
		     0, 0, 0)
		       ? -errno
		       : 0;
}

static int privilege_keep(uint64_t mask)
{
	int result = privilege_lock(mask);

	if (result == 0)
		result = privilege_set(mask);
	if (result)
		return result;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

int privilege_broker(void)
{
	return privilege_keep(privilege_broker_mask());
}

int privilege_runner(void)
{
	return privilege_keep(PRIVILEGE_RUNNER);
}

int privilege_nursery(const struct privilege_user *user)
{
	int result = 0;

	if (geteuid() == 0) {
		if (setgroups(0, NULL) || setresgid(user->gid, user->gid, user->gid))
			return -errno;
		result = privilege_cut_bounding(0);
		if (result)
			return result;
		if (setresuid(user->uid, user->uid, user->uid))
			return -errno;
	}
	result = privilege_set(0);
	if (result)
		return result;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

void privilege_missing(char *out, size_t size)
{
	uint64_t effective = 0, permitted;
	size_t n = 0;

	out[0] = '\0';
	if (privilege_get(&effective, &permitted))
		return;
	for (size_t i = 0; i < PRIVILEGE_KEPT && n < size; i++)
		if (!(effective >> privilege_kept[i].number & 1))
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "",
					      privilege_kept[i].name);
}

static bool privilege_number(const char *name, uid_t *out)
{
	char *end;
	unsigned long value = strtoul(name, &end, 10);

	if (*name < '0' || *name > '9' || *end || value >= UINT32_MAX)
		return false;
	*out = (uid_t)value;
	return true;
}

int privilege_user_find(const char *name, struct privilege_user *out)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	const struct group *group = getgrnam(PRIVILEGE_USER);
	const struct passwd *user;

	out->fallback = false;
	out->group = group ? group->gr_gid : (gid_t)-1;
	if (privilege_number(name, &out->uid)) {
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
		user = getpwuid(out->uid);
		out->gid = user ? user->pw_gid : (gid_t)out->uid;
		return 0;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	user = getpwnam(*name ? name : PRIVILEGE_USER);
	if (user) {
		out->uid = user->pw_uid;
		out->gid = user->pw_gid;
		return 0;
	}
	if (*name && strcmp(name, PRIVILEGE_USER) != 0)
		return -ENOENT;
	out->uid = PRIVILEGE_NOBODY;
	out->gid = PRIVILEGE_NOBODY;
	out->fallback = true;
	return 0;
}
