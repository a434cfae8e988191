#!/usr/bin/env python3
"""Every stream that nginx logs is counted once, by route and status, also past a drain that stops."""
import collections
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


def h2load(port, requests, paths, *options):
    """Runs h2load to its end; how many requests did not succeed at all."""
    urls = [f"http://127.0.0.1:{port}{path}" for path in paths]
    out = subprocess.run(["h2load", "-n", str(requests), "-c", str(CONNECTIONS), "-m", str(STREAMS),
                          *options, *urls], capture_output=True, text=True, timeout=120)
    found = re.search(r"(\d+) total, \d+ started, (\d+) done", out.stdout)
    if not found:
        print(out.stdout, out.stderr)
        return requests
    return requests - int(found.group(2))


def lines_at_rest(nginx):
    """Its log once it does not grow any more."""
    lines = nginx.lines()
    while True:
        time.sleep(0.5)
        if len(nginx.lines()) == len(lines):
            return lines
        lines = nginx.lines()


def routes(agent):
    rows = agent.get("/api/routes?limit=1000")["routes"]
    return {row["route"]: row["count"] for row in rows if row["count"]}


def check(what, agent, nginx, gaps):
    """Totals by status always; by route too where no header block was lost."""
    lines = lines_at_rest(nginx)
    logged = collections.Counter(line[0] + "xx" for line in lines)
    logged["2xx"] += nginx.own_requests
    by_route = collections.Counter(line.split()[2] for line in lines)
    by_route["/nginx_status"] += nginx.own_requests
    document = agent.wait_for_count(sum(logged.values()), 10)
    counted = {k: v for k, v in document["status"].items() if v}
    told = routes(agent)
    print(f"{what}: logged {dict(logged)}, counted {counted}, routes {told}, "
          f"capture {document['capture']}")
    same = counted == dict(logged) and document["responseTimes"]["count"] == sum(logged.values())
    if not gaps:
        return same and told == dict(by_route) and document["capture"]["unparsed"] == 0
    # what is known of a route is true, and what is not was said
    return (same and all(n <= by_route[route] for route, n in told.items() if route in by_route) and
            document["capture"]["unparsed"] > 0)


def stalled(agent, nginx):
    """The agent stands still while load goes on: lanes run full."""
    family = agent.family()
    for pid in family:
        live.os.kill(pid, signal.SIGSTOP)
    failed = h2load(nginx.port2, 20000, ("/index.html", "/error"))
    for pid in family:
        live.os.kill(pid, signal.SIGCONT)
    return failed + h2load(nginx.port2, 2000, ("/index.html",))


def main():
    live.need_root_and("nginx")
    if not shutil.which("h2load"):
        live.skip("h2load is not installed (package nghttp2-client)")
    signal.alarm(280)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx()
        failed = h2load(nginx.port2, TOTAL,
                        ("/index.html", "/missing", "/error", "/post", "/big.bin")[:4])
        failed += h2load(nginx.port2, 500, ("/big.bin",))
        same = check("load", agent, nginx, gaps=False)
        failed += stalled(agent, nginx)
        same &= check("agent stopped", agent, nginx, gaps=True)
    print(f"{failed} requests failed")
    return 0 if same and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
