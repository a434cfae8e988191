#!/usr/bin/env python3
"""Processes that keep whoever reads of their memory waiting: the others are served all the same."""
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

BLOCKERS = 4
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


class Blocker:
    def __init__(self, stage):
        self.popen = subprocess.Popen([live.find_program("blocker"), str(BLOCKERS)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stage.things.append(self)
        self.pids = [int(x) for x in self.popen.stdout.readline().split()]

    def stop(self):
        self.popen.stdin.close()
        self.popen.wait(10)


def ringside(stage, *words):
    began = time.monotonic()
    done = subprocess.run([live.find_program("ringside"), *map(str, words)], text=True,
                          capture_output=True, timeout=30, check=False,
                          env={**os.environ, **stage.environment})
    took = time.monotonic() - began
    expect(done.returncode == 0 and took < 2,
           f"ringside {' '.join(map(str, words))}: {took:.2f} s {done.stderr.strip()}")


def alive(agent, pid):
    status, body = live.fetch(agent.port, f"/api/capture?pid={pid}")[::2]
    return status == 200 and b'"alive":true' in body.replace(b" ", b"")


def wait_alive(agent, pid, wanted, seconds, what):
    began = time.monotonic()
    try:
        live.wait_for(what, lambda: alive(agent, pid) == wanted, seconds, 0.05)
        expect(True, f"{what}: {time.monotonic() - began:.2f} s")
    except TimeoutError:
        expect(False, what)


def blocks(pid):
    """Does a read of its arguments wait?"""
    reader = subprocess.Popen(["cat", f"/proc/{pid}/cmdline"], stdout=subprocess.DEVNULL)
    try:
        reader.wait(0.5)
        return False
    except subprocess.TimeoutExpired:
        reader.kill()
        reader.wait()
        return True


def part(agent, name):
    return next(p for p in agent.get("/api/health")["parts"] if p["name"] == name)


def main():
    live.need_root_and("nginx")
    with live.Stage() as stage:
        blocker = Blocker(stage)
        if len(blocker.pids) < BLOCKERS:
            live.skip("FUSE cannot be mounted")
        expect(all(map(blocks, blocker.pids)), "a read of their arguments waits")
        agent = stage.agent().wait("/readyz")
        ringside(stage, "attach", blocker.pids[0])
        nginx = stage.nginx()  # with the library
        live.ab(f"http://127.0.0.1:{nginx.port}/index.html", 200)
        count = agent.wait_for_count(len(nginx.lines()) + nginx.own_requests)
        expect(count["responseTimes"]["count"] == len(nginx.lines()) + nginx.own_requests,
               "every request of a server with the library is counted")
        bare = live.Process(stage, ["sleep", "60"], stage.folder / "bare.log")
        ringside(stage, "attach", bare.pid)
        wait_alive(agent, bare.pid, True, 2, "another process is attached")
        ringside(stage, "detach", bare.pid)
        wait_alive(agent, bare.pid, False, 2, "and let go")
        said = part(agent, "scout")
        expect(said["status"] == "degraded" and f"{BLOCKERS} times" in said["reason"],
               f"they are told of: {said}")
        began = time.monotonic()
        expect(agent.stop() == 0 and time.monotonic() - began < 4, "it ends in time")
    return 1 if wrong else 0


sys.exit(main())
