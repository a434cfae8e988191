#!/usr/bin/env python3
"""CPU seconds are what the process itself says at its exit, threads coming and going."""
import json
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def ended(agent, pid):
    """CPU of the window, once the agent knows that the process is over."""
    def over():
        status, _, body = live.fetch(agent.port, f"/api/capture?pid={pid}")
        rows = json.loads(body)["data"]["processes"] if status == 200 else []
        return rows and not rows[0]["alive"]
    live.wait_for(f"the end of {pid}", over, 10, 0.1)
    time.sleep(1.2)  # a process that just came and went is booked at the next look
    return agent.metrics(f"?pid={pid}&window=1m")["cpu"]


def burn(stage, agent, name, *arguments):
    told = stage.folder / f"{name}.cpu"
    environment = {**stage.environment, "RINGSIDE_SERVICE": name,
                   "LD_PRELOAD": str(live.find_program("libringside.so"))}
    burner = live.Process(stage, [live.find_program("burner"), told, *arguments],
                          stage.folder / f"{name}.log", environment)
    code = burner.popen.wait(60)
    user, system = (int(x) / 1000 for x in told.read_text().split())
    cpu = ended(agent, burner.pid)
    expect(code == 0, f"{name}: ended with {code}")
    seen = cpu["userMs"] + cpu["systemMs"]
    own = user + system
    # what it used after it looked, and its end, are no part of its own word: 5 ms
    expect(abs(seen - own) <= max(own * 0.01, 5), f"{name}: {seen:.1f} ms told, {own:.1f} ms used")
    return own, cpu, user


def many_short_threads(stage, agent):
    own, cpu, user = burn(stage, agent, "short", 4000, 4, 3)
    share, wanted = cpu["userMs"] / (cpu["userMs"] + cpu["systemMs"]), user / own
    expect(abs(share - wanted) < 0.05, f"short: user share {share:.3f}, its own {wanted:.3f}")


def facilities(agent):
    rows = agent.get("/api/health")["facilities"]
    states = {row["name"]: row["state"] for row in rows}
    expect(all(states.get(f"sched_process_{x}") for x in ("exec", "exit", "fork")),
           f"facilities: {states}")
    if states.get("sched_process_exit") != "loaded":
        live.skip(f"the kernel refuses: {rows[0]['errno']}, {rows[0]['reason']}")
    expect(all(row["dropped"] == 0 for row in rows), "no event was lost")


def main():
    live.need_root_and()
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        facilities(agent)
        many_short_threads(stage, agent)
        burn(stage, agent, "brief", 500, 2, 20)  # it lives less than the time between two looks
        burn(stage, agent, "abrupt", 1700, 8, 60000, "abrupt")  # it ends while all its threads run
        burn(stage, agent, "crowd", 2500, 16, 40)
        log = agent.said()
        expect(not re.search(r"error", log), "the agent logged no error")
    if wrong:
        sys.exit(1)


main()
