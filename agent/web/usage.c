#include "usage.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double usage_seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void usage_memory(struct usage *out)
{
	FILE *f = fopen("/proc/self/statm", "re");
	double page = (double)sysconf(_SC_PAGESIZE);
	unsigned long total, resident;

	out->resident_bytes = out->virtual_bytes = -1;
	if (!f)
		return;
	if (fscanf(f, "%lu %lu", &total, &resident) == 2) { /* NOLINT(cert-err34-c): the kernel's */
		out->virtual_bytes = (double)total * page;
		out->resident_bytes = (double)resident * page;
	}
	fclose(f);
}

static double usage_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	double count = -3; /* ".", ".." and the folder itself */

	if (!folder)
		return -1;
	while (readdir(folder)) /* NOLINT(concurrency-mt-unsafe): nobody else has this folder */
		count++;
	closedir(folder);
	return count;
}

void usage_read(struct usage *out)
{
	struct rlimit most;
	struct rusage used;

	out->cpu_s = getrusage(RUSAGE_SELF, &used)
			     ? -1
			     : usage_seconds(&used.ru_utime) + usage_seconds(&used.ru_stime);
	usage_memory(out);
	out->descriptors = usage_descriptors();
	out->descriptors_most = getrlimit(RLIMIT_NOFILE, &most) ? -1 : (double)most.rlim_cur;
}
