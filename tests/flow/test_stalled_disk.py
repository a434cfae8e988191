#!/usr/bin/env python3
"""A disk that stalls holds up nothing but the notices that have to be on it: the agent looks on and
answers, sends none meanwhile and each once when the disk goes on, over the agent's violent end too.
"""
import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from test_channels import RULE, Failed, Webhook, check, configure, over, part
from test_channels_killed import keys, kill

LATE = "the disk has not taken the state for"


class Stall:
    """The file that the state is written to next is a pipe that nobody reads: who opens it waits."""
    def __init__(self, stage):
        folder = stage.state_dir / "worker"
        self.path, owner = folder / "alerts.state.next", folder.stat()
        live.wait_for("room between two files", self.make, 5, 0.001)
        os.chown(self.path, owner.st_uid, owner.st_gid)

    def make(self):
        try:
            os.mkfifo(self.path, 0o600)
            return True
        except FileExistsError:
            return False

    def over(self):
        """Who waits goes on, and is refused: it tries again, and has a file then."""
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        live.wait_for("the end of the pipe", lambda: not self.path.exists(), 10, 0.01)
        os.close(reader)


def alerts(agent):
    return [a for a in agent.get("/api/alerts")["alerts"] if a["rule"] == RULE["name"]]


def fire(stage):
    (stage.folder / "rules.d" / "test.json").write_text(json.dumps([RULE]))


def answers(agent):
    begun = time.monotonic()
    check(live.fetch(agent.port, "/api/alerts")[0] == 200, "the API answers")
    return time.monotonic() - begun


def it_looks_on_and_sends_when_it_may(stage, hook):
    configure(stage, {"ops": {"type": "webhook", "url": hook.url("/ops")}}, notify=["ops"])
    agent = stage.agent().wait("/readyz")
    live.wait_for("a notice", lambda: hook.documents("/ops"), 15)
    stall = Stall(stage)
    live.wait_for("its word on the disk", lambda: LATE in part(agent, "alerts")["reason"], 20)
    time.sleep(1)  # what was on its way arrives
    told = len(hook.got)
    over(stage)
    os.kill(agent.pid, signal.SIGHUP)
    live.wait_for("the end of the alert", lambda: not alerts(agent), 10)
    check(answers(agent) < 1, "the API is held up")
    check(len(hook.got) == told, "told before it is on disk")
    stall.over()
    live.wait_for("the end is told", lambda: hook.documents("/ops")[-1]["status"] == "resolved", 15)
    live.wait_for("health", lambda: part(agent, "alerts")["status"] == "healthy", 10)
    return agent


def a_kill_meanwhile_costs_nothing(stage, hook, agent):
    stall = Stall(stage)
    begun = len(hook.got)
    fire(stage)
    os.kill(agent.pid, signal.SIGHUP)
    live.wait_for("an alert", lambda: alerts(agent), 10)
    live.wait_for("its word on the disk", lambda: LATE in part(agent, "alerts")["reason"], 20)
    kill(agent)
    stall.path.unlink()
    check(len(hook.got) == begun, "told before it is on disk")
    agent = stage.agent().wait("/readyz")
    live.wait_for("notices", lambda: len(hook.got) >= begun + 2, 15)
    over(stage)
    os.kill(agent.pid, signal.SIGHUP)
    live.wait_for("the end is told", lambda: hook.documents("/ops")[-1]["status"] == "resolved", 15)
    time.sleep(1)
    agent.stop()


def main():
    live.need_root_and()
    signal.alarm(200)
    hook = Webhook()
    with live.Stage() as stage:
        try:
            agent = it_looks_on_and_sends_when_it_may(stage, hook)
            a_kill_meanwhile_costs_nothing(stage, hook, agent)
            check(len(set(keys(hook))) == len(hook.got), "one came twice")
            said, runs = hook.documents("/ops"), [[]]
            for document in said:
                if document["status"] == "firing":
                    runs[-1].append(document["notice"])
                else:
                    runs.append([])
            check(len(runs) == 3 and not runs[2], f"not two alerts, each with its end: {runs}")
            check(all(run == list(range(1, len(run) + 1)) for run in runs), f"lost: {runs}")
            print(f"{len(said)} notices of two alerts, none lost and none twice")
        except (Failed, TimeoutError) as failure:
            print(f"{failure}\n{(stage.folder / 'agent.log').read_text()}")
            return 1
        finally:
            hook.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
