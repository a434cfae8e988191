#!/usr/bin/env python3
"""A disk that fills up under a running agent, in a mount namespace of the test's own: it goes on
from memory, says so once and in its health, fires and resolves meanwhile, and takes up the disk
again when there is room; the state of alerts is lost by nobody but who was told so.
"""
import ctypes
import errno
import itertools
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import live
from test_alerts import RULES, SERVICE, Failed, Server, alerts, check, notices, setup

CLONE_NEWNS = 0x20000
SIZE = "2m"
FULL = "No space left on device"


ROUTES = itertools.cycle(f"{x}{y}/list" for x in "abcdefgh" for y in "abcdefgh")


class Busy(Server):
    """Asked by many routes, so that a look of the store takes more than what a page has left."""
    def ask(self):
        for _ in range(3):
            url = f"http://127.0.0.1:{self.port}/{next(ROUTES)}"
            with urllib.request.urlopen(url, timeout=5) as reply:
                reply.read()
        return True


def own_mounts():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        live.skip(f"needs a mount namespace: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, timeout=10)


class Disk:
    """A small one, as the agent's state folder."""
    def __init__(self, folder):
        self.folder, self.filler = folder, folder / "filler"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "none", folder],
                       check=True, timeout=10)

    def fill(self):
        """To the last page."""
        with self.filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError as error:
                check(error.errno == errno.ENOSPC, error)

    def free(self):
        self.filler.unlink()

    def gone(self):
        subprocess.run(["umount", "-l", self.folder], check=False, timeout=10)


def part(agent, name):
    return next(p for p in agent.get("/api/health")["parts"] if p["name"] == name)


def is_degraded(agent, name):
    found = part(agent, name)
    return found["status"] == "degraded" and FULL in found["reason"]


def told(agent):
    """The lines of the log that speak of the disk."""
    return [line for line in agent.said().splitlines() if FULL in line]


def answered(agent):
    document = agent.get("/api/performance/timeseries?metric=requests.rate&window=5m&step=1s"
                         f"&service={SERVICE}")
    return sum(p["count"] for p in document["points"])


def on_disk(stage):
    return sum(f.stat().st_size for f in stage.state_dir.rglob("1s-*.history"))


def fills_up(stage, disk):
    setup(stage, RULES)
    agent = stage.agent().wait("/readyz")
    server = Busy(stage)
    server.ask_until("a look of the store", lambda: on_disk(stage) > 200, 20)
    check(part(agent, "history")["status"] == "healthy", part(agent, "history"))

    disk.fill()
    kept = on_disk(stage)
    server.flag.touch()
    server.ask_until("the notice", lambda: notices(agent), 15)
    server.ask_until("the alerts say so", lambda: is_degraded(agent, "alerts"), 15)
    server.ask_until("the history says so", lambda: is_degraded(agent, "history"), 60)
    check(agent.get("/api/health")["status"] == "degraded", "all of it is degraded")
    begun, lines = time.monotonic(), told(agent)
    check(lines, "it is logged")
    while time.monotonic() - begun < 12:
        server.ask()
        time.sleep(0.1)
    check(told(agent) == lines, "\n".join(told(agent)))
    check(len({line.split(" ", 1)[1] for line in lines}) == len(lines), "\n".join(lines))
    check(alerts(agent)[0]["state"] == "firing", alerts(agent))
    check(answered(agent) > 50, f"memory tells of {answered(agent)} requests")
    check(on_disk(stage) >= kept, "nothing of the history was deleted")

    disk.free()
    for name in ("alerts", "history"):
        server.ask_until(f"{name}: healthy again",
                         lambda name=name: part(agent, name)["status"] == "healthy", 20)
    server.ask_until("a further look", lambda: on_disk(stage) > kept + 100, 20)
    count = answered(agent)
    said = len(notices(agent))

    # What was not written while there was no room is there now: the next agent has all of it.
    for pid in agent.family():
        os.kill(pid, signal.SIGKILL)
    agent.stop()
    agent = stage.agent().wait("/readyz")
    server.ask_until("the alert fires on", lambda: alerts(agent), 10)
    numbers = [int(n["notice"]) for n in notices(agent)]
    check(len(numbers) >= said and numbers == sorted(set(numbers)), f"lost or doubled: {numbers}")
    live.wait_for("the history to be read", lambda: part(agent, "history")["status"] != "info", 15)
    check(answered(agent) >= count - 30 * 3, f"{answered(agent)} of {count} requests are told")
    server.flag.unlink()
    server.ask_until("the recovery", lambda: notices(agent, "recovered"), 15)
    check(len(notices(agent, "recovered")) == 1, notices(agent, "recovered"))
    server.stop()
    agent.stop()


def main():
    live.need_root_and("mount")
    signal.alarm(200)
    own_mounts()
    with live.Stage() as stage:
        disk = Disk(stage.state_dir)
        try:
            fills_up(stage, disk)
            print("full disk: good")
        except (Failed, TimeoutError) as failure:
            print(failure)
            return 1
        finally:
            for thing in reversed(stage.things):
                thing.stop()
            disk.gone()
    return 0


if __name__ == "__main__":
    sys.exit(main())
