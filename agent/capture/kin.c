#include "kin.h"

#include <unistd.h>

void kin_init(struct kin *k)
{
	*k = (struct kin){ .fd = -1 };
}

void kin_fini(struct kin *k)
{
	if (k->fd >= 0)
		close(k->fd);
	kin_init(k);
}

bool kin_find(struct kin *k, const struct accept *a, int32_t pid, const struct proc_maps *maps,
	      uint32_t own_pid)
{
	struct accept_segment segment;

	for (uint32_t i = 0; own_pid && i < maps->kins; i++) {
		if (accept_mapping(a, pid, maps->kin[i], own_pid, &segment))
			continue;
		*k = (struct kin){ .fd = segment.fd, .inode = segment.inode };
		return true;
	}
	return false;
}
