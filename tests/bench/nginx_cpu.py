#!/usr/bin/env python3
"""CPU per nginx request with the shim over without it, on the smallest usual reply.

One worker, 50 connections, a 612-byte file, no access log: nothing to hide behind. The sides take
turns; CPU is the worker's scheduler time, requests are nginx's own count. The A/A line puts two bare
servers through the same: what it differs from 1 is this machine's noise.

wrk runs on the worker's core: then nothing but the server and its hooks is in the figure. On another
core each reply may have to wake that core, which in a virtual machine costs the worker 2 us or
nothing, by whether it sleeps or polls just then; that is measured too, and not judged.

usage: nginx_cpu.py [PAIRS [SECONDS]]
"""
import os
import signal
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

GATE = 1.05
CORES = sorted(os.sched_getaffinity(0))


def cpu_per_request(nginx, core, seconds):
    """ns of the worker's CPU per request over one round of wrk."""
    worker = nginx.workers()[0]
    requests, cpu = nginx.served(), live.proc_cpu_ns(worker)
    subprocess.run(["taskset", "-c", str(core), "wrk", "-t", "1", "-c", "50", "-d", f"{seconds}s",
                    f"http://127.0.0.1:{nginx.port}/index.html"],
                   stdout=subprocess.DEVNULL, check=True, timeout=seconds + 30)
    return (live.proc_cpu_ns(worker) - cpu) / (nginx.served() - requests)


def pair(one, two, load, swap):
    """two over one; every second pair begins with two, so that drift cancels out."""
    if swap:
        later = cpu_per_request(two, *load)
        return later / cpu_per_request(one, *load), later
    first = cpu_per_request(one, *load)
    later = cpu_per_request(two, *load)
    return later / first, later


def row(name, ratios, cost):
    low, high = min(ratios), max(ratios)
    print(f"{name:12} {statistics.median(ratios):7.4f} {low:7.4f} {high:7.4f} "
          f"{statistics.median(cost):9.0f}")


def measure(name, sides, pairs, load):
    """The median of shim over bare; prints both lines."""
    same, shim = [], []
    for i in range(pairs):
        same.append(pair(sides["bare"], sides["same"], load, i % 2))
        shim.append(pair(sides["bare"], sides["shim"], load, i % 2))
        if os.isatty(1):
            print(f"pair {i + 1} of {pairs}: A/A {same[-1][0]:.4f}, shim {shim[-1][0]:.4f}")
    print(f"{name}: {pairs} pairs of {load[1]} s\n{'':14} ratio     min     max  ns/request")
    row("bare/bare", *zip(*same))
    row("shim/bare", *zip(*shim))
    return statistics.median(ratio for ratio, _ in shim)


def main():
    live.need_root_and("nginx", "wrk", "taskset")
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 15 if live.FULL else 5
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 3 if live.FULL else 1
    signal.alarm(pairs * seconds * 12 + 120)
    with live.Stage() as stage:
        stage.agent().wait("/readyz")
        sides = {name: stage.nginx(name, workers=1, log=False, shim=name == "shim")
                 for name in ("bare", "same", "shim")}
        for nginx in sides.values():
            os.sched_setaffinity(nginx.workers()[0], {CORES[0]})
            cpu_per_request(nginx, CORES[0], 1)  # caches and branch predictors
        ratio = measure("wrk on the worker's core", sides, pairs, (CORES[0], seconds))
        if len(CORES) > 1:
            measure("wrk on another core, not judged", sides, pairs, (CORES[-1], seconds))
    if pairs < 15:
        print(f"gate {GATE}: not judged, {pairs} pairs cannot tell 1.02 from 1.05")
        return 0
    print(f"gate {GATE}: {'held' if ratio <= GATE else 'BROKEN'}")
    return 0 if ratio <= GATE else 1


if __name__ == "__main__":
    sys.exit(main())
