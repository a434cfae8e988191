#!/usr/bin/env python3
"""First numbers within 2 s of the first request; a clean end; nothing left behind.

Both orders of starting are tried, and a server that serves on while its agent leaves.
"""
import os
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

FIRST_NUMBERS_S = 2.0
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def first_numbers(agent, nginx, order):
    before = agent.metrics()["responseTimes"]["count"]
    began = time.monotonic()
    live.fetch(nginx.port, "/index.html")
    try:
        live.wait_for("a number", lambda: agent.metrics()["responseTimes"]["count"] > before, 5)
    except TimeoutError:
        expect(False, f"{order}: a first number at all")
        return
    took = time.monotonic() - began
    expect(took <= FIRST_NUMBERS_S, f"{order}: first number after {took:.2f} s")


def clean_end(stage, agent):
    family = agent.family()
    expect(len(family) >= 3, f"broker, nursery and worker run: {len(family)} processes")
    began = time.monotonic()
    code = agent.stop(signal.SIGTERM, 5)
    expect(code == 0, f"SIGTERM: exit code {code} after {time.monotonic() - began:.2f} s")
    left = [pid for pid in family if Path(f"/proc/{pid}").exists()]
    expect(not left, f"no process is left: {left}")
    files = [str(p.relative_to(stage.run_dir)) for p in stage.run_dir.rglob("*") if not p.is_dir()]
    expect(not files, f"no socket and no token is left: {files}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        expect(probe.connect_ex(("127.0.0.1", agent.port)) != 0, "the port is closed")


def main():
    live.need_root_and("nginx")
    signal.alarm(90)
    with live.Stage() as stage:
        shared = set(os.listdir("/dev/shm"))
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx()
        first_numbers(agent, nginx, "agent before server")
        clean_end(stage, agent)
        expect(live.fetch(nginx.port, "/index.html")[0] == 200, "the server serves on alone")

        agent = stage.agent().wait("/readyz")
        first_numbers(agent, nginx, "server before agent")
        nginx.stop()
        live.wait_for("the ended processes to leave the list",
                      lambda: not agent.get("/api/processes")["processes"], 15, 0.2)
        expect(True, "an ended server leaves the list of processes")
        agent.stop()
        expect(set(os.listdir("/dev/shm")) <= shared, "nothing is left in /dev/shm")
        folder = stage.folder
    expect(not folder.exists(), "the test cleans up behind itself")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
