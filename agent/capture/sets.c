#include "sets.h"

#include "arrival.skel.h"
#include "calls.skel.h"
#include "census.skel.h"
#include "http.skel.h"
#include "inputs.skel.h"
#include "life.skel.h"
#include "offcpu.skel.h"
#include "tls.skel.h"
#include "wait.skel.h"

static const struct probe_set sets[SETS] = {
	[SETS_LIFE] = { "life",
			"processes are found by a scan each second; what one used in its last "
			"second is not seen",
			life_bpf__elf_bytes },
	[SETS_WAIT] = { "wait", "what threads wait for is not told", wait_bpf__elf_bytes },
	[SETS_CENSUS] = { "census",
			  "what threads of processes that are not attached wait for is not told",
			  census_bpf__elf_bytes },
	[SETS_HTTP] = { "http",
			"requests of processes without the library are seen by their system calls, "
			"which costs more; those of io_uring are not",
			http_bpf__elf_bytes },
	[SETS_CALLS] = { "calls",
			 "requests of processes without the library are not seen where http is "
			 "refused too",
			 calls_bpf__elf_bytes },
	[SETS_INPUTS] = { "inputs",
			  "kills for want of memory, TCP retransmits and the latency of block I/O "
			  "are not told",
			  inputs_bpf__elf_bytes },
	[SETS_OFFCPU] = { "offcpu", "there are no off-CPU profiles", offcpu_bpf__elf_bytes },
	[SETS_TLS] = { "tls", "requests inside TLS of processes without the library are not seen",
		       tls_bpf__elf_bytes },
	[SETS_ARRIVAL] = { "arrival", "how long a request waits to be read is not told",
			   arrival_bpf__elf_bytes },
};

const struct probe_set *sets_at(enum sets which)
{
	return &sets[which];
}
