#!/usr/bin/env python3
"""CPU per nginx request with the shim over without it, on the smallest usual reply.

One worker, 50 connections, a 612-byte file, no access log: nothing to hide behind. The sides take
turns; CPU is the worker's scheduler time, requests are nginx's own count. Workers stay on one core
and wrk on another, where there are two. The A/A line puts two bare servers through the same: what
it differs from 1 is this machine's noise.

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


def cpu_per_request(nginx, seconds):
    """ns of the worker's CPU per request over one round of wrk."""
    worker = nginx.workers()[0]
    requests, cpu = nginx.served(), live.proc_cpu_ns(worker)
    subprocess.run(["taskset", "-c", str(CORES[-1]), "wrk", "-t", "1", "-c", "50", "-d",
                    f"{seconds}s",
                    f"http://127.0.0.1:{nginx.port}/index.html"],
                   stdout=subprocess.DEVNULL, check=True, timeout=seconds + 30)
    return (live.proc_cpu_ns(worker) - cpu) / (nginx.served() - requests)


def pair(one, two, seconds, swap):
    """two over one; every second pair begins with two, so that drift cancels out."""
    if swap:
        later = cpu_per_request(two, seconds)
        return later / cpu_per_request(one, seconds), later
    first = cpu_per_request(one, seconds)
    later = cpu_per_request(two, seconds)
    return later / first, later


def row(name, ratios, cost):
    low, high = min(ratios), max(ratios)
    print(f"{name:12} {statistics.median(ratios):7.4f} {low:7.4f} {high:7.4f} "
          f"{statistics.median(cost):9.0f}")


def main():
    live.need_root_and("nginx", "wrk", "taskset")
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 15 if live.FULL else 5
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    signal.alarm(pairs * seconds * 6 + 120)
    with live.Stage() as stage:
        stage.agent().wait("/readyz")
        sides = {name: stage.nginx(name, workers=1, log=False, shim=name == "shim")
                 for name in ("bare", "same", "shim")}
        for nginx in sides.values():
            os.sched_setaffinity(nginx.workers()[0], {CORES[0]})
            cpu_per_request(nginx, 1)  # caches and branch predictors
        same, shim = [], []
        for i in range(pairs):
            same.append(pair(sides["bare"], sides["same"], seconds, i % 2))
            shim.append(pair(sides["bare"], sides["shim"], seconds, i % 2))
            if os.isatty(1):
                print(f"pair {i + 1} of {pairs}: A/A {same[-1][0]:.4f}, shim {shim[-1][0]:.4f}")
    print(f"{pairs} pairs of {seconds} s  ratio     min     max  ns/request")
    row("bare/bare", *zip(*same))
    row("shim/bare", *zip(*shim))
    ratio = statistics.median(r for r, _ in shim)
    if pairs < 15:
        print(f"gate {GATE}: not judged, {pairs} pairs cannot tell 1.02 from 1.05")
        return 0
    print(f"gate {GATE}: {'held' if ratio <= GATE else 'BROKEN'}")
    return 0 if ratio <= GATE else 1


if __name__ == "__main__":
    sys.exit(main())
