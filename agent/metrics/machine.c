#include "machine.h"

#include "procfs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double machine_memory_line(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? (double)strtoull(line + strlen(name), NULL, 10) * 1024 : METRICS_UNKNOWN;
}

static void machine_memory(struct machine *machine, const char *root, struct metrics_system *out)
{
	char text[4096];
	double available;

	if (procfs_file_read(root, "/proc/meminfo", text, sizeof(text)) <= 0)
		return;
	machine->memory_total = machine_memory_line(text, "MemTotal:");
	available = machine_memory_line(text, "MemAvailable:");
	if (machine->memory_total > 0 && available >= 0)
		out->memory_used_percent = 100 - available * 100 / machine->memory_total;
}

static uint32_t machine_cpu_count(const char *text)
{
	uint32_t count = 0;

	while ((text = strstr(text, "\ncpu"))) {
		text += 4;
		count++;
	}
	return count;
}

static void machine_cpu(struct machine *machine, const char *root, struct metrics_system *out)
{
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal, busy, all;
	char text[16384];

	if (procfs_file_read(root, "/proc/stat", text, sizeof(text)) <= 0)
		return;
	if (sscanf(text,
		   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64,
		   &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal) != 8)
		return;
	busy = user + nice + system + irq + softirq + steal;
	all = busy + idle + iowait;
	machine->cpus = machine_cpu_count(text);
	if (machine->all && all > machine->all && busy >= machine->busy)
		out->cpu_percent =
			(double)(busy - machine->busy) * 100 / (double)(all - machine->all);
	machine->busy = busy;
	machine->all = all;
}

static double machine_pressure(const char *root, const char *path)
{
	char text[256];
	double average;

	if (procfs_file_read(root, path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "some avg10=%lf", &average) != 1)
		return METRICS_UNKNOWN;
	return average;
}

void machine_read(struct machine *machine, const char *root, struct metrics_system *out)
{
	char text[128];

	out->memory_used_percent = out->cpu_percent = out->load1 = METRICS_UNKNOWN;
	machine_memory(machine, root, out);
	machine_cpu(machine, root, out);
	if (procfs_file_read(root, "/proc/loadavg", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%lf", &out->load1) != 1)
		out->load1 = METRICS_UNKNOWN;
	out->pressure_cpu = machine_pressure(root, "/proc/pressure/cpu");
	out->pressure_memory = machine_pressure(root, "/proc/pressure/memory");
	out->pressure_io = machine_pressure(root, "/proc/pressure/io");
}
