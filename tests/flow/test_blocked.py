#!/usr/bin/env python3
"""Processes that keep whoever reads of their memory waiting: the others are served all the same."""
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

BLOCKERS = 4
COLLECTS = "import gc, time\nwhile True: gc.collect(); time.sleep(0.05)"
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


class Blocker:
    def __init__(self, stage, count, *maps):
        self.popen = subprocess.Popen([live.find_program("blocker"), str(count), *map(str, maps)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stage.things.append(self)
        self.pids = [int(x) for x in self.popen.stdout.readline().split()]

    def stop(self):
        if self.popen.poll() is None:
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


class Collector:
    """A Python of a file of its own, which collects its garbage time and again."""

    def __init__(self, stage, name):
        self.file = stage.folder / name / "python3"
        self.file.parent.mkdir()
        shutil.copy(Path("/usr/bin/python3").resolve(), self.file)
        self.process = live.Process(stage, [self.file, "-c", COLLECTS], stage.folder / f"{name}.log")
        self.pid = self.process.pid


def facility(agent):
    return next(row for row in agent.get("/api/health")["facilities"]
                if (row["set"], row["name"]) == ("runtime", "python"))


def is_told(agent, pid):
    reply = agent.metrics(f"?pid={pid}&window=5m")["memory"]
    return reply["gc"] is not None and reply["gc"]["count"] > 0


def settle(agent, state, seconds, what):
    try:
        live.wait_for(what, lambda: facility(agent)["state"] == state, seconds, 0.05)
        expect(True, f"{what}: {facility(agent)}")
    except TimeoutError:
        expect(False, f"{what}: {facility(agent)}")


def wait_told(agent, pid, what):
    try:
        live.wait_for(what, lambda: is_told(agent, pid), 10, 0.1)
        expect(True, what)
    except TimeoutError:
        expect(False, f"{what}: {agent.metrics(f'?pid={pid}&window=5m')['memory']}")


def probes_wait_for_who_is_suspected(stage, agent, blocker):
    """Its file is nobody's but its own: but what the suspected ones map cannot be known."""
    python = Collector(stage, "first")
    ringside(stage, "attach", python.pid)
    settle(agent, "refused", 5, "no probe is put into a file meanwhile")
    expect("it is tried again" in facility(agent)["reason"], "and that is said to be for now")
    said = part(agent, "keeper")
    expect(said["status"] == "degraded" and "no probe is put into a file" in said["reason"],
           f"that is told: {said}")
    blocker.stop()
    settle(agent, "loaded", 8, "they are put there when those are over")
    wait_told(agent, python.pid, "its collections are told then")
    ringside(stage, "detach", python.pid)
    settle(agent, "notNeeded", 2, "and no more when it is let go")


def who_was_not_suspected_stalls_the_keeper_alone(stage, agent, nginx):
    """While it does no process of the machine can fork: nothing here may need to."""
    python = Collector(stage, "second")
    other = live.Process(stage, ["sleep", "60"], stage.folder / "other.log")
    blocker = Blocker(stage, 1, python.file)
    expect(not blocks(blocker.pids[0]), "a read of its arguments does not wait")
    ringside(stage, "attach", python.pid)
    settle(agent, "refused", 4, "the kernel waits for it")
    said = part(agent, "keeper")
    expect(said["status"] == "degraded" and "nobody can fork" in said["reason"], f"told: {said}")
    live.fetch(nginx.port, "/index.html")
    before = len(nginx.lines()) + nginx.own_requests
    expect(agent.wait_for_count(before)["responseTimes"]["count"] == before,
           "requests are counted meanwhile")
    ringside(stage, "attach", other.pid)
    wait_alive(agent, other.pid, True, 2, "another is attached meanwhile")
    blocker.stop()
    settle(agent, "loaded", 8, "it is loaded when that lets go")
    wait_told(agent, python.pid, "its collections are told then")
    expect(part(agent, "keeper")["status"] == "healthy", "all is well")


def main():
    live.need_root_and("nginx")
    with live.Stage() as stage:
        blocker = Blocker(stage, BLOCKERS)
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
        if facility(agent)["state"] == "refused":
            print(f"skipped: probes in files: {facility(agent)}")
        else:
            probes_wait_for_who_is_suspected(stage, agent, blocker)
            who_was_not_suspected_stalls_the_keeper_alone(stage, agent, nginx)
        began = time.monotonic()
        expect(agent.stop() == 0 and time.monotonic() - began < 4, "it ends in time")
    return 1 if wrong else 0


sys.exit(main())
