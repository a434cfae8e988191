#!/usr/bin/env python3
"""After start-up nginx makes the same system calls in the same numbers, with and without the shim.

The one exception is an mmap for a leaf of the descriptor table: at most one for each 256
descriptors, none here, where all of them were in use before the tracing began. Of epoll_wait the
events are counted: on a busy machine two of them may come with one call.
"""
import collections
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

REQUESTS = 2000
# one connection at a time: with more, the number of events that one epoll_wait returns is chance
LOADS = (("-k",), "/index.html"), ((), "/index.html"), (("-k",), "/big.bin"), (("-k",), "/missing")
WARM = 50


def calls_of(stage, name, shim):
    """How often each system call was made by the worker during the load."""
    nginx = stage.nginx(name, workers=1, shim=shim)
    base = f"http://127.0.0.1:{nginx.port}"
    for options, path in LOADS:
        live.ab(base + path, WARM, *options, connections=1)
    time.sleep(1.5)  # the agent has seen it, and has set its words
    trace = stage.folder / f"{name}.strace"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", str(trace), "-p",
                               str(nginx.workers()[0])], stderr=subprocess.PIPE, text=True,
                              preexec_fn=live.dies_with_us)
    live.wait_for("strace to attach", lambda: "TracerPid:\t0" not in Path(
        f"/proc/{nginx.workers()[0]}/status").read_text(), 10)
    time.sleep(0.2)
    for options, path in LOADS:
        live.ab(base + path, REQUESTS // len(LOADS), *options, connections=1)
    time.sleep(0.2)
    tracer.send_signal(signal.SIGINT)
    tracer.wait(10)
    nginx.stop()
    calls = re.findall(r"^\d+ +(\w+)\(.*?(?: = (\d+))?$", trace.read_text(), re.M)
    counts = collections.Counter(name for name, _ in calls if name != "epoll_wait")
    counts["events"] = sum(int(result or 0) for name, result in calls if name == "epoll_wait")
    return counts


def main():
    live.need_root_and("nginx", "ab", "strace")
    signal.alarm(120)
    with live.Stage() as stage:
        stage.agent().wait("/readyz")
        bare = calls_of(stage, "bare", False)
        again = calls_of(stage, "again", False)
        shim = calls_of(stage, "shim", True)
    print(f"{'call':16} {'bare':>7} {'bare':>7} {'shim':>7}")
    for name in sorted(bare | again | shim):
        print(f"{name:16} {bare[name]:7} {again[name]:7} {shim[name]:7}")
    # two bare runs were the same here in every run; where they are not, the shim may lie between
    differs = sorted(name for name in bare | again | shim if not
                     min(bare[name], again[name]) <= shim[name] <= max(bare[name], again[name]))
    print(f"differs with the shim: {differs or 'none'}")
    return 1 if differs or sum(bare.values()) < REQUESTS else 0


if __name__ == "__main__":
    sys.exit(main())
