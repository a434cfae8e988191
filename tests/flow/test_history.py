#!/usr/bin/env python3
"""The time series add up to nginx's own log, in whatever steps, and over kill -9 of the agent.

Each point of a series is exact, the percentiles of the whole window are within 1.1 % of the
nearest-rank values of the very same requests, and what is asked wrongly is told what there is.
"""
import json
import math
import os
import signal
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import live
from segment import Segment

BATCH, TOLERANCE = 400, 0.011
wrong = []


def expect(good, what):
    print(("ok    " if good else "WRONG ") + what)
    if not good:
        wrong.append(what)


def series(agent, **query):
    return agent.get("/api/performance/timeseries?" + urllib.parse.urlencode(query))


def total(document):
    return sum(point["count"] for point in document["points"])


def batches(stage, agent):
    """The durations of every request, as the shim recorded them; some seconds apart."""
    nginx, spans = stage.nginx_server, []
    base = f"http://127.0.0.1:{nginx.port}"
    segments = live.wait_for("both workers to be watched", lambda: [
        s for s in map(Segment, nginx.workers()) if s.watched()][1:] and
        list(map(Segment, nginx.workers())), 5)
    for path, connections in (("/index.html", 1), ("/big.bin", 16), ("/error", 2)):
        for pid in agent.family():
            os.kill(pid, signal.SIGSTOP)
        live.ab(base + path, BATCH, "-k", connections=connections)
        time.sleep(0.05)
        for segment in segments:
            spans += segment.spans_ns()
        for pid in agent.family():
            os.kill(pid, signal.SIGCONT)
        agent.wait_for_count(len(spans))
        time.sleep(1)
    return sorted(spans)


def check_points(agent, count, failed):
    for step in ("1s", "10s", "1m", "5m", "1h"):
        points = series(agent, metric="requests.rate", service="nginx", window="15m", step=step)
        expect(total(points) == count == points["summary"]["count"] and not points["cut"],
               f"in steps of {step} {total(points)} of {count} requests")
    for route in ("/index.html", "/big.bin"):
        points = series(agent, metric="requests.rate", route=route, window="5m")
        expect(total(points) == BATCH, f"{route}: {total(points)} of {BATCH}")
    errors = series(agent, metric="requests.errors", window="5m", step="10s")
    expect(total(errors) == failed, f"{total(errors)} of {failed} errors")
    rates = [p["value"] for p in series(agent, metric="requests.rate", window="5m")["points"]]
    known = [rate for rate in rates if rate is not None]
    expect(None in rates and max(known) > 0, "what was before the agent is null, not 0")


def check_percentiles(agent, spans):
    document = series(agent, metric="requests.duration", window="5m", step="10s", p="50,90,95,99")
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        exact = spans[math.ceil(share * len(spans)) - 1] / 1e6
        told = document["summary"]["percentiles"][name]
        expect(abs(told / exact - 1) <= TOLERANCE, f"{name}: {exact:.4f} ms, told {told:.4f} ms")
    heat = series(agent, metric="requests.duration", window="5m", step="10s", format="heatmap")
    expect(sum(n for p in heat["points"] for _, n in p["buckets"]) == len(spans),
           "the heat map holds every request")


def check_gauges(agent):
    def sampled():
        return series(agent, metric="memory.rss", window="10s", step="1s")["summary"]["value"]
    live.wait_for("a sample of the memory", sampled, 5)
    expect(sampled() > 1e6, "memory.rss is that of nginx")
    flight = series(agent, metric="requests.inflight", window="10s")
    expect(flight["summary"]["value"] is not None, "requests.inflight is known")


def check_refusals(agent):
    for query, field, part in (
            ("metric=nonsense", "metric", "requests.rate, requests.errors"), ("", "metric", "one of"),
            ("metric=requests.rate&step=3s", "step", "1s, 10s"),
            ("metric=requests.rate&window=6h&step=1s", "step", "1500"),
            ("metric=requests.duration&p=101", "p", "99.9")):
        status, _, body = live.fetch(agent.port, "/api/performance/timeseries?" + query)
        error = json.loads(body)["error"]
        expect(status == 400 and error["field"] == field and part in error["message"],
               f"{query!r}: {status} {error['field']}: {error['message']}")


def part(agent, name):
    return next(p for p in agent.get("/api/health")["parts"] if p["name"] == name)


def check_killed(stage, agent, count):
    """kill -9 of all of the agent: what is on disk or in the checkpoint is told by the next one."""
    live.wait_for("a look of the store", lambda: part(agent, "history")["status"] == "healthy", 15)
    time.sleep(6)  # … and one more: all seconds with requests are over and on disk
    for pid in agent.family():
        os.kill(pid, signal.SIGKILL)
    agent.stop()
    history = next(stage.state_dir.rglob("1s-*.history"))
    expect(history.stat().st_size > 100, f"{history.name} has {history.stat().st_size} bytes")
    with history.open("ab") as torn:
        torn.write(b"RBLK and then the power went")
    checkpoint = next(stage.state_dir.rglob("checkpoint"))
    checkpoint.write_bytes(b"")  # the disk alone
    began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 1))
    agent = stage.agent().wait("/readyz")
    live.wait_for("the history to be read", lambda: part(agent, "history")["status"] != "info", 15)
    health = part(agent, "history")
    expect(health["status"] == "degraded" and history.name in health["reason"] and
           "byte" in health["reason"], f"a torn end is told: {health['reason']}")
    points = series(agent, metric="requests.rate", service="nginx", window="5m", step="1s")
    # what the shim counted before is booked anew to the second of the attach, for want of a
    # checkpoint, so the seconds before it are looked at
    old = [p for p in points["points"] if p["count"] and p["at"] < began]
    expect(sum(p["count"] for p in old) == count,
           f"{sum(p['count'] for p in old)} of {count} requests are told after kill -9")
    for metric, least in (("memory.rss", 1e6), ("cpu.percent", 0), ("requests.inflight", 0)):
        for window, step in (("5m", "1s"), ("15m", "10s"), ("24h", "5m")):
            document = series(agent, metric=metric, service="nginx", window=window, step=step)
            old = [p["value"] for p in document["points"]
                   if p["at"] < began and p["value"] is not None]
            expect(len(old) >= (3 if step == "1s" else 1) and min(old) >= least and
                   not document["cut"],
                   f"{metric} in steps of {step}: {len(old)} points from before kill -9")


def main():
    live.need_root_and("nginx", "ab")
    signal.alarm(200)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        stage.nginx_server = stage.nginx()
        agent.wait_for_count(1)  # nginx_status, while it started
        first = live.wait_for("its record, which may come behind its count",
                              lambda: agent.metrics()["responseTimes"]["slowest"], 5)
        spans = sorted(batches(stage, agent) + [first * 1e6])
        time.sleep(0.5)  # nginx writes its log behind the reply
        count = len(stage.nginx_server.lines()) + stage.nginx_server.own_requests
        expect(len(spans) == count, f"{len(spans)} requests in the lanes, {count} logged")
        check_points(agent, count, BATCH)
        check_percentiles(agent, spans)
        check_gauges(agent)
        check_refusals(agent)
        check_killed(stage, agent, count)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
