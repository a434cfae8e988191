#include "machine.h"

#include "procfs.h"

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

/* The columns of /proc/stat's first line. */
enum {
	MACHINE_USER,
	MACHINE_NICE,
	MACHINE_SYSTEM,
	MACHINE_IDLE,
	MACHINE_IOWAIT,
	MACHINE_IRQ,
	MACHINE_SOFTIRQ,
	MACHINE_STEAL,
	MACHINE_COLUMNS
};

static void machine_cpu(struct machine *machine, const char *root, struct metrics_system *out)
{
	uint64_t column[MACHINE_COLUMNS], busy, all = 0;
	char text[16384];

	if (procfs_file_read(root, "/proc/stat", text, sizeof(text)) <= 0 ||
	    strncmp(text, "cpu ", 4) != 0 ||
	    procfs_numbers(text + 4, column, MACHINE_COLUMNS) != MACHINE_COLUMNS)
		return;
	for (int i = 0; i < MACHINE_COLUMNS; i++)
		all += column[i];
	busy = all - column[MACHINE_IDLE] - column[MACHINE_IOWAIT];
	machine->cpus = machine_cpu_count(text);
	if (machine->all && all > machine->all && busy >= machine->busy)
		out->cpu_percent =
			(double)(busy - machine->busy) * 100 / (double)(all - machine->all);
	machine->busy = busy;
	machine->all = all;
}

/* The decimal behind a prefix. */
static double machine_decimal(const char *root, const char *path, const char *prefix)
{
	char text[256], *end;
	double value;

	if (procfs_file_read(root, path, text, sizeof(text)) <= 0 ||
	    strncmp(text, prefix, strlen(prefix)) != 0)
		return METRICS_UNKNOWN;
	value = strtod(text + strlen(prefix), &end);
	return end == text + strlen(prefix) ? METRICS_UNKNOWN : value;
}

void machine_read(struct machine *machine, const char *root, struct metrics_system *out)
{
	out->memory_used_percent = out->cpu_percent = METRICS_UNKNOWN;
	machine_memory(machine, root, out);
	machine_cpu(machine, root, out);
	out->load1 = machine_decimal(root, "/proc/loadavg", "");
	out->pressure_cpu = machine_decimal(root, "/proc/pressure/cpu", "some avg10=");
	out->pressure_memory = machine_decimal(root, "/proc/pressure/memory", "some avg10=");
	out->pressure_io = machine_decimal(root, "/proc/pressure/io", "some avg10=");
}
