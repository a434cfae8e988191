#!/usr/bin/env python3
"""The agent is killed at every step of a notice's way to a webhook: none is lost, and none comes
twice but where the receiver alone could know, which sees the same key then.
"""
import collections
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from test_channels import Failed, Webhook, channel, check, configure, over

# Before anything is written; on disk, not marked; marked; delivered, nobody heard so; the worker
# heard, and it is not on disk; it is.
PLACES = ("decided", "boxed", "marked", "sent", "heard", "done")
LANES = 3
TWICE = {"sent", "heard"}  # whoever knew that it was delivered was killed


class StoppedAgent(live.Agent):
    def __init__(self, stage, place):
        self.port, self.stage = stage.agent_port, stage
        live.Process.__init__(
            self, stage, [live.find_program("ringsided_stops"), "--listen",
                          f"127.0.0.1:{self.port}", "--config", stage.folder / "ringside.json",
                          "--run-dir", stage.run_dir, "--state-dir", stage.state_dir],
            stage.folder / "agent.log", {**stage.environment, "RINGSIDE_STOP": place})


def keys(hook):
    return [headers["Idempotency-Key"] for _, headers, _ in hook.got]


def kill(agent):
    family = agent.family()
    os.kill(agent.pid, signal.SIGKILL)
    agent.popen.wait()
    for pid in family[1:]:
        live.end_process(pid, 5)


def one_round(stage, hook, place):
    """How many came twice."""
    begun, stopped = len(hook.got), (stage.folder / "agent.log")
    before = stopped.read_text().count(f"stopped: {place}") if stopped.exists() else 0
    agent = StoppedAgent(stage, place)
    live.wait_for(f"the stop at {place}",
                  lambda: agent.said().count(f"stopped: {place}") > before, 20, 0.02)
    kill(agent)
    agent = stage.agent().wait("/readyz")
    live.wait_for("two more notices", lambda: len(set(keys(hook)[begun:])) >= 2, 20, 0.05)
    hook.mode = "fail"  # from here on nothing arrives that could come again
    live.wait_for("a failure", lambda: channel(agent, "ops")["failures"], 20, 0.05)
    kill(agent)
    hook.mode = "good"
    return sum(n - 1 for n in collections.Counter(keys(hook)).values())


def run(places):
    hook, allowed = Webhook(), 0
    with live.Stage() as stage:
        try:
            configure(stage, {"ops": {"type": "webhook", "url": hook.url("/ops")}},
                      notify=["ops"])
            for place in places:
                twice = one_round(stage, hook, place)
                allowed += place in TWICE
                check(twice <= allowed, f"{place}: {twice} came twice, {allowed} may")
            agent = stage.agent().wait("/readyz")
            over(stage)
            live.wait_for("the end", lambda: hook.documents("/ops")[-1]["status"] == "resolved", 15)
            time.sleep(1)
            agent.stop()
            documents = {d["id"]: d for d in hook.documents("/ops")}
            numbers = sorted(d["notice"] for d in documents.values() if d["status"] == "firing")
            check(numbers == list(range(1, len(numbers) + 1)), f"lost: {numbers}")
            check(sum(d["status"] == "resolved" for d in documents.values()) == 1, "one end")
            print(f"{len(places)} rounds, {len(numbers)} notices, {len(hook.got) - len(documents)} "
                  "of them twice, none lost")
        except (Failed, TimeoutError) as failure:
            print(f"{failure}\n{(stage.folder / 'agent.log').read_text()}")
            return 1
        finally:
            hook.stop()
    return 0


def main():
    live.need_root_and()
    signal.alarm(1500)
    places = [PLACES[n % len(PLACES)] for n in range(100 if live.FULL else len(PLACES))]
    return live.side_by_side(run, [places[n::LANES] for n in range(LANES)])


if __name__ == "__main__":
    sys.exit(main())
