#!/usr/bin/env python3
"""HTTP/2 of a server without the library, attached: each stream counted once, by its route."""
import collections
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import test_http2
from bare import attach, dropped, expect, start_agent, told, wrong

TOTAL = 200000 if live.FULL else 20000
PACED = ("--rps=500",)  # of each connection; 5,000 a second is what the ring surely has room for
FOUND = 3000 if live.FULL else 1600  # 200 a second, of which some come before all is attached


def slowly(stage, agent):
    """A page that is sent as a file, others from memory, and long ones: statuses and routes."""
    nginx = stage.nginx("h2", keepalive=1000000, shim=False)
    pids = nginx.workers()
    attach(stage, agent, pids)
    failed = test_http2.h2load(nginx, 2000, (*test_http2.PATHS, "/big.bin"), 10, 4, ("--rps=100",))
    compare(agent, nginx, pids, failed, "slowly", paced=True)
    return nginx


def compare(agent, nginx, pids, failed, what, paced=False):
    """Paced: each by its route. At full speed the machine may be too slow; then by what was lost."""
    lines = test_http2.lines_at_rest([nginx])
    logged = collections.Counter(line[0] + "xx" for line in lines)
    by_route = collections.Counter(line.split()[2] for line in lines)
    count, classes, rows = told(agent, pids, len(lines), what)
    routes = {row["route"]: row["count"] for row in agent.get("/api/routes?limit=1000")["routes"]
              if row["count"]}
    unparsed = sum(row["capture"]["unparsed"] for row in rows)
    print(f"      {what}: logged {dict(logged)} {dict(by_route)}, told {classes} {routes}; "
          f"unparsed {unparsed}, dropped {dropped(agent)}")
    expect(failed == 0, f"{what}: {failed} requests of the client failed")
    if dropped(agent) and not paced:
        said = lost(agent, pids)
        expect(count <= len(lines) <= count + said,
               f"{what}: {count} and {said} lost of {len(lines)}")
        return
    expect(count == len(lines) and classes == dict(logged), f"{what}: {count} of {len(lines)}")
    expect(unparsed == 0 and dropped(agent) == 0, f"{what}: {unparsed} unparsed")
    expect(routes == dict(by_route), f"{what}: routes")


def crowded(agent, nginx):
    """A hundred streams on each connection: answers in many pieces of one writev."""
    pids = nginx.workers()
    failed = test_http2.h2load(nginx, 20000, test_http2.PATHS, 100, 10, PACED)
    compare(agent, nginx, pids, failed, "100 streams, paced", paced=True)
    failed = test_http2.h2load(nginx, TOTAL, test_http2.PATHS, 100, 10)
    compare(agent, nginx, pids, failed, "100 streams")


def lost(agent, pids):
    """Streams whose answer was not seen; where only the path was not, it was."""
    return sum(row["unparsed"]["unseenIo"] for row in agent.get("/api/capture")["processes"]
               if row["pid"] in pids)


def overload(agent, nginx):
    """The worker stands still, the kernel's ring fills: behind the gap streams count again."""
    pids = nginx.workers()
    rows = [agent.metrics(f"?pid={p}&window=1h") for p in pids]
    before = sum(row["responseTimes"]["count"] for row in rows)
    said = lost(agent, pids)
    client = subprocess.Popen(
        ["h2load", "-n", "300000", "-c", "10", "-m", "20", f"http://127.0.0.1:{nginx.port2}/post"],
        stdout=subprocess.DEVNULL)
    worker = agent.family()[-1]
    time.sleep(0.3)
    os.kill(worker, signal.SIGSTOP)
    time.sleep(2.5)
    os.kill(worker, signal.SIGCONT)
    client.wait(120)
    sent = 300000
    so_far = lambda: sum(agent.metrics(f"?pid={p}&window=1h")["responseTimes"]["count"] for p in pids)
    with contextlib.suppress(TimeoutError):
        live.wait_for("each of them", lambda: so_far() - before + lost(agent, pids) - said >= sent, 8, 0.1)
    count, _, rows = told(agent, pids, 0, "overload")
    count -= before
    said = lost(agent, pids) - said
    flying = sum(row["throughput"]["inFlight"] for row in rows)
    print(f"      overload: {sent} sent, {count} counted, {said} lost, {flying} in flight, "
          f"events dropped {dropped(agent)}")
    expect(dropped(agent) > 0, "events were dropped")
    expect(count <= sent <= count + said, "seen and lost are what was sent")
    expect(count + said <= sent * 1.01, "and not much more")
    expect(flying == 0, "none is in flight")


def found(stage, agent):
    """Attached in the middle of its connections: answers count, paths are not known."""
    nginx = stage.nginx("found", keepalive=1000000, shim=False)
    client = subprocess.Popen(
        ["h2load", "-n", str(FOUND), "-c", "2", "-m", "1", "--rps=100",
         f"http://127.0.0.1:{nginx.port2}/post"], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    attach(stage, agent, nginx.workers())
    at_least = len(nginx.lines())
    client.wait(60)
    sent = len(test_http2.lines_at_rest([nginx]))
    count, classes, rows = told(agent, nginx.workers(), sent - at_least, "found")
    print(f"      found: {sent} sent, {at_least} before all was attached, {count} counted")
    expect(sent - at_least <= count <= sent and classes == {"2xx": count}, f"found: {classes}")
    nginx.stop()


def upgrade(agent, nginx):
    """From HTTP/1.1: nginx does not, nghttpd does not either; what asks is answered as before."""
    out = subprocess.run(["curl", "-s", "-o", "/dev/null", "--http2", "-w", "%{http_code}",
                          f"http://127.0.0.1:{nginx.port}/index.html"], capture_output=True,
                         text=True, timeout=10, check=False)
    expect(out.stdout == "200", f"a client that would upgrade: {out.stdout}")
    compare(agent, nginx, nginx.workers(), 0, "no upgrade")


def main():
    live.need_root_and("nginx", "curl")
    if not shutil.which("h2load"):
        live.skip("h2load is not installed (package nghttp2-client)")
    signal.alarm(280)
    with live.Stage() as stage:
        agent = start_agent(stage)
        nginx = slowly(stage, agent)
        crowded(agent, nginx)
        upgrade(agent, nginx)
        found(stage, agent)
        overload(agent, nginx)
        nginx.stop()
    if wrong:
        sys.exit(1)


main()
