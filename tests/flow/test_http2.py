#!/usr/bin/env python3
"""Every stream that nginx logs is counted once: by route, past a GOAWAY, and with a stopped agent."""
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

TOTAL = 100000
STREAMS, CONNECTIONS = 100, 10
PATHS = ("/index.html", "/missing", "/error", "/post")


def h2load(nginx, requests, paths, streams=STREAMS, connections=CONNECTIONS, options=()):
    """Runs h2load to its end; how many requests were not answered."""
    urls = [f"http://127.0.0.1:{nginx.port2}{path}" for path in paths]
    out = subprocess.run(["h2load", "-n", str(requests), "-c", str(connections), "-m", str(streams),
                          *options, *urls], capture_output=True, text=True, timeout=120)
    found = re.search(r"requests: (\d+) total, \d+ started, \d+ done, \d+ succeeded, "
                      r"\d+ failed, (\d+) errored", out.stdout)
    if not found:
        raise RuntimeError(out.stdout + out.stderr)
    return int(found.group(2))


def lines_at_rest(servers):
    """Their logs once they do not grow any more."""
    lines, before = [], None
    while len(lines) != before:
        before = len(lines)
        time.sleep(0.5)
        lines = [line for nginx in servers for line in nginx.lines()]
    return lines


def check(what, agent, servers, routes):
    """Totals by status; routes: none of their header blocks may be lost, or few, or some must be told so."""
    lines = lines_at_rest(servers)
    logged = collections.Counter(line[0] + "xx" for line in lines)
    by_route = collections.Counter(line.split()[2] for line in lines)
    for nginx in servers:
        logged["2xx"] += nginx.own_requests
        by_route["/nginx_status"] += nginx.own_requests
    document = agent.wait_for_count(sum(logged.values()), 10)
    counted = {k: v for k, v in document["status"].items() if v}
    told = {row["route"]: row["count"]
            for row in agent.get("/api/routes?limit=1000")["routes"] if row["count"]}
    print(f"{what}:\n logged  {dict(sorted(logged.items()))} {dict(by_route)}\n"
          f" counted {dict(sorted(counted.items()))} {told}\n capture {document['capture']}, "
          f"{document['throughput']['inFlight']} in flight")
    known = sum(told.get(route, 0) for route in by_route)
    same = (counted == dict(logged) and not document["throughput"]["inFlight"] and
            document["responseTimes"]["count"] == sum(logged.values()))
    if routes == "whole":
        return same and told == dict(by_route) and not document["capture"]["unparsed"]
    if routes == "most":
        since, check.known = known - check.known, known
        print(f" {since} of {TOTAL} have their route")
        return same and since >= TOTAL * 0.9  # a block that comes again needs no room of its own
    check.known = known
    # what is known of a route is true, and what is not was said
    wrong = [route for route, n in told.items() if route not in (None, "_other") and
             n > by_route[route]]
    said = document["capture"]["unparsed"] + document["capture"]["folded"]
    return same and not wrong and (routes != "gap" or said > 0)


def load_a_stopped_agent(agent, nginx):
    """Lanes run full, and header blocks are lost."""
    family = agent.family()
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        return h2load(nginx, 20000, PATHS)
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)


def main():
    live.need_root_and("nginx")
    if not shutil.which("h2load"):
        live.skip("h2load is not installed (package nghttp2-client)")
    signal.alarm(280)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx(keepalive=1000000)
        time.sleep(1.5)  # until its workers are listened to: what came before is a gap
        failed = h2load(nginx, 1000, (*PATHS, "/big.bin"), 10, 2, ("--rps=100",))
        same = check("slowly", agent, [nginx], "whole")
        failed += h2load(nginx, TOTAL, PATHS)
        same &= check("100 streams on 10 connections", agent, [nginx], "any")
        failed += h2load(nginx, TOTAL, PATHS)
        same &= check("the same, now that the agent is awake", agent, [nginx], "most")
        failed += load_a_stopped_agent(agent, nginx)
        same &= check("with a stopped agent", agent, [nginx], "gap")
        leaving = stage.nginx("leaving", keepalive=1000)
        h2load(leaving, 12000, PATHS)  # its connections end with a GOAWAY, h2load opens no more
        same &= check("with GOAWAY", agent, [nginx, leaving], "gap")
    print(f"{failed} requests failed")
    return 0 if same and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
