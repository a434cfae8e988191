#!/usr/bin/env python3
"""Crowds of keep-alive connections are served as without the library, and counted exactly.

1,000 and 10,000 at once; 200 that ask without a pause, for 60 s, or 600 s with --full;
with --full also artillery's 50 users with 10 requests each.
"""
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import crowd
import live

CROWDS = (1000, 10000)
REQUESTS = 5  # of each connection: its next one begins with its last reply
STEADY = 200
STEADY_S = (600,) if live.FULL else (60,)
STEADY_LIMIT = 5  # percent of failures, at which it is stopped
ALLOWED = 1       # percent of failures
FILES = 12000
ARTILLERY = live.BIN.parent / "npm" / "node_modules" / ".bin" / "artillery"  # by tools/setup
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what, flush=True)
    if not fact:
        wrong.append(what)


def highest_descriptor(nginx):
    """The highest descriptor that any worker holds."""
    highest = 0
    for pid in nginx.workers():
        with contextlib.suppress(OSError):
            highest = max(highest, *map(int, os.listdir(f"/proc/{pid}/fd")))
    return highest


def failures(visitors):
    return f"{visitors.errors()} failed ({visitors.share():.3f} %: {sorted(set(visitors.reasons))})"


class Count:
    """Every request of every nginx that was preloaded, by its own log and by the agent."""

    def __init__(self, agent):
        self.agent = agent
        self.servers = []

    def compare(self, what):
        logged = sum(len(n.lines()) + n.own_requests for n in self.servers)

        def counted():
            return self.agent.metrics("?window=1h")["responseTimes"]["count"]
        with contextlib.suppress(TimeoutError):
            live.wait_for("count", lambda: counted() >= logged, 10, 0.2)
        time.sleep(0.6)  # one counted twice shows now
        logged = sum(len(n.lines()) + n.own_requests for n in self.servers)
        expect(counted() == logged, f"{what}: {logged} logged, {counted()} counted")


def crowd_once(stage, count, shim):
    """(failures in percent, the server) of so many connections, all open before the first asks."""
    side = "preloaded" if shim else "bare"
    nginx = stage.nginx(f"crowd-{count}-{side}", workers=2, shim=shim, connections=count + 100)
    visitors = crowd.Crowd(nginx.port, count, REQUESTS).open()
    expect(len(visitors.visitors) >= count * (1 - ALLOWED / 100),
           f"{count} {side}: {len(visitors.visitors)} open at once")
    highest = highest_descriptor(nginx)
    visitors.ask()
    visitors.close()
    expect(visitors.share() < ALLOWED and visitors.answered >= count * REQUESTS * 0.99,
           f"{count} {side}: {visitors.answered} answered, {failures(visitors)}")
    if count > 4096:
        expect(highest > 2048, f"{count} {side}: descriptors up to {highest}")
    if not shim:
        nginx.stop()
    return visitors.share(), nginx


def crowds(stage, total):
    for count in CROWDS:
        bare, _ = crowd_once(stage, count, False)
        preloaded, nginx = crowd_once(stage, count, True)
        total.servers.append(nginx)
        total.compare(f"{count} connections")
        expect(abs(preloaded - bare) < 0.05, f"{count}: {bare:.3f} % bare, {preloaded:.3f} % with")


def steady(stage, total):
    nginx = stage.nginx("steady", workers=2)
    total.servers.append(nginx)
    for seconds in STEADY_S:
        visitors = crowd.Crowd(nginx.port, STEADY).open()
        visitors.ask(seconds, STEADY_LIMIT)
        visitors.close()
        expect(visitors.answered and visitors.share() < ALLOWED,
               f"{STEADY} for {seconds} s: {visitors.answered} answered, {failures(visitors)}")
        total.compare(f"{STEADY} for {seconds} s")


def artillery(stage, total):
    if not live.FULL:
        print("artillery was not run: it takes --full")
        return
    if not ARTILLERY.exists():
        print("skipped: artillery is not installed")
        return
    nginx = stage.nginx("artillery")
    total.servers.append(nginx)
    result = stage.folder / "artillery.json"
    subprocess.run([ARTILLERY.resolve(), "quick", "--count", "50", "--num", "10", "--output", result,
                    f"http://127.0.0.1:{nginx.port}/index.html"], check=True, timeout=120,
                   stdout=subprocess.DEVNULL, env={**os.environ, "HOME": str(stage.folder),
                                                   "ARTILLERY_DISABLE_TELEMETRY": "true"})
    told = json.loads(result.read_text())["aggregate"]["requestsCompleted"]
    expect(told == 500 == len(nginx.lines()),
           f"artillery: {told} completed, {len(nginx.lines())} logged")
    total.compare("artillery")


def main():
    live.need_root_and("nginx")
    if not crowd.raise_limits(FILES):
        live.skip(f"needs {FILES} descriptors")
    signal.alarm(280 + sum(STEADY_S))
    with live.Stage() as stage:
        total = Count(stage.agent().wait("/readyz"))
        crowds(stage, total)
        steady(stage, total)
        artillery(stage, total)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
