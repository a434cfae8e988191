#!/usr/bin/env python3
"""The agent is killed at every step of a notice's way to a webhook, be it of an alert that fires or
of its end: none is lost, and none comes twice but where the receiver alone could know, which sees
the same key then.
"""
import collections
import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from test_channels import RULE, Failed, Webhook, channel, check, configure, over

# The state has it; nothing else was written; in the outbox, not marked; marked; delivered, nobody
# heard so; the worker heard, and it is not on disk; it is.
PLACES = ("saved", "decided", "boxed", "marked", "sent", "heard", "done")
LANES = 5  # they wait more than they work
ROUNDS = 100 if live.FULL else 10  # of two kills each
HOUR_MS = 3600000
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


def fire(stage, **more):
    (stage.folder / "rules.d" / "test.json").write_text(json.dumps([{**RULE, **more}]))


def told(hook, status, alert=None):
    """The documents of this status, each once: of one alert, or of all."""
    return {d["id"]: d for d in hook.documents("/ops")
            if d["status"] == status and alert in (None, d["alert"])}


def killed_at(stage, place):
    log = stage.folder / "agent.log"
    before = log.read_text().count(f"stopped: {place}") if log.exists() else 0
    agent = StoppedAgent(stage, place)
    live.wait_for(f"the stop at {place}",
                  lambda: agent.said().count(f"stopped: {place}") > before, 20, 0.02)
    kill(agent)


def of_rule(rows, name):
    return next((row for row in rows if row[name] == RULE["name"]), {})


def quiet(stage, hook, agent):
    """It fires on, and all that is told of it has arrived: the next notice is of its end."""
    fire(stage, cooldown="1h")
    live.wait_for("the long cooldown", lambda: of_rule(agent.get("/api/alerts/rules?limit=100")[
        "rules"], "name").get("cooldownMs") == HOUR_MS, 15, 0.1)
    row = of_rule(agent.get("/api/alerts")["alerts"], "rule")
    live.wait_for("all its notices", lambda: len(told(hook, "firing", row["id"])) == row["notices"]
                  and not channel(agent, "ops")["waiting"], 15, 0.05)
    agent.stop()
    return row["id"]


def fires_and_is_killed(stage, hook, place):
    begun = set(told(hook, "firing"))
    killed_at(stage, place)
    agent = stage.agent().wait("/readyz")
    live.wait_for("two more notices", lambda: len(set(told(hook, "firing")) - begun) >= 2, 20, 0.05)
    return quiet(stage, hook, agent)


def ends_and_is_killed(stage, hook, place, alert):
    over(stage)
    killed_at(stage, place)
    state = (stage.state_dir / "worker" / "alerts.state").read_text().split("\n", 1)[1]
    check(int(alert) in [n["id"] for n in json.loads(state)["past"]], "killed before its end")
    agent = stage.agent().wait("/readyz")
    live.wait_for("its end", lambda: told(hook, "resolved", alert), 20, 0.05)
    return agent


def one_round(stage, hook, place):
    """How many came twice."""
    alert = fires_and_is_killed(stage, hook, place)
    agent = ends_and_is_killed(stage, hook, place, alert)
    begun = set(told(hook, "firing"))
    fire(stage)
    live.wait_for("another alert", lambda: set(told(hook, "firing")) - begun, 20, 0.05)
    hook.mode = "fail"  # from here on nothing arrives that could come again
    live.wait_for("a failure", lambda: channel(agent, "ops")["failures"], 20, 0.05)
    kill(agent)
    hook.mode = "good"
    return sum(n - 1 for n in collections.Counter(keys(hook)).values())


def check_all(hook):
    """Of each alert all notices that it fires, by their numbers, and one that it ended."""
    fired, ended = collections.defaultdict(list), collections.Counter()
    for document in told(hook, "firing").values():
        fired[document["alert"]].append(document["notice"])
    for document in told(hook, "resolved").values():
        ended[document["alert"]] += 1
    for alert, numbers in fired.items():
        check(sorted(numbers) == list(range(1, len(numbers) + 1)), f"lost: {alert}: {numbers}")
    check(ended == dict.fromkeys(fired, 1), f"ends: {ended} of {sorted(fired)}")
    return sum(map(len, fired.values())) + len(ended)


def run(places):
    hook, allowed = Webhook(), 0
    with live.Stage() as stage:
        try:
            configure(stage, {"ops": {"type": "webhook", "url": hook.url("/ops")}},
                      notify=["ops"])
            for place in places:
                twice = one_round(stage, hook, place)
                allowed += 2 * (place in TWICE)
                check(twice <= allowed, f"{place}: {twice} came twice, {allowed} may")
            agent = stage.agent().wait("/readyz")
            over(stage)
            live.wait_for("the end", lambda: hook.documents("/ops")[-1]["status"] == "resolved", 20)
            time.sleep(1)
            agent.stop()
            notices = check_all(hook)
            print(f"{len(places)} rounds, {notices} notices, {len(hook.got) - notices} of them "
                  "twice, none lost")
        except (Failed, TimeoutError) as failure:
            print(f"{failure}\n{(stage.folder / 'agent.log').read_text()}")
            return 1
        finally:
            hook.stop()
    return 0


def main():
    live.need_root_and()
    signal.alarm(1500)
    places = [PLACES[n % len(PLACES)] for n in range(ROUNDS)]
    return live.side_by_side(run, [places[n::LANES] for n in range(LANES)])


if __name__ == "__main__":
    sys.exit(main())
