#!/usr/bin/env python3
"""p50, p95 and p99 are within 1.1 % of the nearest-rank values of the very same requests.

The agent is stopped while a batch is served, the batch's records are read out of nginx's lanes by
a reader of our own, and then the agent goes on and drains them: both have the same requests.
"""
import math
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import live
from segment import Segment

BATCH = 900  # below the 1,024 slots of one worker's lane: nothing is folded
TOLERANCE = 0.011


def signal_all(agent, number):
    for pid in agent.family():
        os.kill(pid, number)


def batches(stage):
    base = f"http://127.0.0.1:{stage.nginx_server.port}"
    for path, connections in (("/index.html", 1), ("/index.html", 50), ("/proxy/big.bin", 8),
                              ("/zip/big.bin", 4), ("/big.bin", 16)) * (4 if live.FULL else 1):
        # a proxied request is two requests to nginx
        yield base + path, BATCH // 2 if "proxy" in path else BATCH, connections


def collect(stage, agent):
    """The durations of every request that was served, in ns, as the shim recorded them."""
    nginx = stage.nginx_server
    segments = live.wait_for("both workers to be watched", lambda: [
        s for s in map(Segment, nginx.workers()) if s.watched()][1:] and
        list(map(Segment, nginx.workers())), 5)
    first = agent.wait_for_count(1)["responseTimes"]  # nginx_status, while it started
    if first["count"] != 1:
        raise RuntimeError(f"one request was made so far, {first['count']} were counted")
    spans = [1e6 * live.wait_for("its record, which may come behind its count",
                                 lambda: agent.metrics()["responseTimes"]["slowest"], 5)]
    for url, requests, connections in batches(stage):
        signal_all(agent, signal.SIGSTOP)
        live.ab(url, requests, "-k", "-H", "Accept-Encoding: gzip", connections=connections)
        time.sleep(0.05)
        for segment in segments:
            spans += segment.spans_ns()
        signal_all(agent, signal.SIGCONT)
        agent.wait_for_count(len(spans))
    return spans


def main():
    live.need_root_and("nginx", "ab")
    signal.alarm(120)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        stage.nginx_server = stage.nginx()
        spans = sorted(collect(stage, agent))
        document = agent.metrics()
        logged = len(stage.nginx_server.lines()) + stage.nginx_server.own_requests
    times, capture = document["responseTimes"], document["capture"]
    good = times["count"] == len(spans) == logged and capture["folded"] == 0
    print(f"logged {logged}, in the lanes {len(spans)}, counted {times['count']}, {capture}")
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        exact = spans[math.ceil(share * len(spans)) - 1] / 1e6
        error = times[name] / exact - 1
        good = good and abs(error) <= TOLERANCE
        print(f"{name}: nearest rank {exact:.4f} ms, agent {times[name]:.4f} ms, {error:+.2%}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
