/*
 * filter - the numbers of the map of targets, which all probes share.
 *
 * Includers: bpf/filter.bpf.h and agent/capture/probe.c.
 */
#ifndef BPF_FILTER_H
#define BPF_FILTER_H

#define FILTER_MAP "targets"
#define FILTER_TARGETS 16384 /* the agent's own quota of segments */
#define FILTER_NO_PREALLOC 1 /* BPF_F_NO_PREALLOC: an idle agent pays nothing */

/* Why a process is a target: bits of the map's value. */
enum filter_why {
	FILTER_WATCHED = 1,  /* the agent said so */
	FILTER_FOLLOWED = 2, /* one that was forked it: in the map before its first instruction */
	FILTER_ASKED = 4,    /* what costs more is wanted of it, and of those that it forks */
	FILTER_BARE = 8,     /* so it is, and it has no shim: its connections are looked at */
};

#endif
