#!/usr/bin/env python3
"""Each process of the agent may do what DESIGN allows it and no more; a dead worker comes back."""
import contextlib
import os
import re
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

# CAP_DAC_READ_SEARCH, SYS_PTRACE, PERFMON, BPF, CHECKPOINT_RESTORE
BROKER = 1 << 2 | 1 << 19 | 1 << 38 | 1 << 39 | 1 << 40
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def status(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    fields = dict(re.findall(r"^(\w+):[ \t]*(.*)$", text, re.M))
    return {"uid": fields["Uid"].split(), "groups": fields.get("Groups", "").split(),
            "no_new_privs": fields["NoNewPrivs"],
            **{k: int(fields[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}}


def descriptors(pid):
    """What they are of. One may be closed as we look."""
    links = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
    return links


def check(agent):
    broker, nursery, scout, worker = agent.family()
    for name, pid in (("broker", broker), ("scout", scout)):
        has = status(pid)
        expect(set(has["uid"]) == {"0"} and has["no_new_privs"] == "1" and
               {has[k] for k in ("CapPrm", "CapEff", "CapBnd")} == {BROKER} and
               has["CapInh"] == has["CapAmb"] == 0, f"{name}: {has}")
    for name, pid in (("nursery", nursery), ("worker", worker)):
        has = status(pid)
        expect("0" not in has["uid"] and not has["groups"] and has["no_new_privs"] == "1" and
               not any(v for k, v in has.items() if k.startswith("Cap")), f"{name}: {has}")
    # libbpf's and the broker's descriptors stay with the broker
    with contextlib.suppress(TimeoutError):  # the ring of samples is passed, mapped and closed
        live.wait_for("the ring's is closed",
                      lambda: not [x for x in descriptors(worker) if "bpf" in x], 2)
    links = descriptors(scout)
    expect(len(links) == 1 and "socket" in links[0], f"the scout holds its socket alone: {links}")
    links = descriptors(worker)
    expect(not [x for x in links if "bpf" in x], f"the worker holds no bpf descriptor: {links}")
    held = [os.readlink(f"/proc/{broker}/fd/{x}") for x in os.listdir(f"/proc/{broker}/fd")]
    sockets = {x[8:-1] for x in held if x.startswith("socket:")}
    listening = {line.split()[9] for line in
                 Path(f"/proc/{broker}/net/tcp").read_text().splitlines()[1:]}
    expect(listening and not sockets & listening, "the broker holds no TCP socket")
    return worker


def comes_back(agent, nginx, worker):
    for _ in range(50):
        live.fetch(nginx.port, "/index.html")
    os.kill(worker, signal.SIGKILL)
    for _ in range(50):
        live.fetch(nginx.port, "/index.html")
    live.wait_for("another worker", lambda: agent.family()[3:] not in ([], [worker]), 5)
    agent.wait("/readyz")
    time.sleep(0.3)
    logged = len(nginx.lines()) + nginx.own_requests
    counted = agent.wait_for_count(logged)["responseTimes"]["count"]
    expect(counted == logged, f"after a dead worker: logged {logged}, counted {counted}")
    expect(agent.family()[0] == agent.pid and len(agent.family()) == 4, "the others went on")


def main():
    live.need_root_and("nginx")
    signal.alarm(90)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx()
        worker = check(agent)
        comes_back(agent, nginx, worker)
        check(agent)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
