#!/usr/bin/env python3
"""Steps of the wall clock by an hour, forwards and back, under a running agent with load and a
firing alert: nothing fires nor resolves for that, no notice comes again, and the history is whole.

The clock is that of the agent alone: a preloaded library adds what a file says (clock_step.c).
"""
import datetime
import json
import os
import signal
import struct
import sys
import threading
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import live
from test_alerts import SERVICE, Failed, Server, check

HOUR, SETTLE = 3600, 8  # seconds
# Where the clock is, one after the other; at the last the alert recovers.
STEPS = (0, HOUR, 0, -HOUR, 0, -HOUR) if live.FULL else (HOUR, -HOUR, 0)
FIRES = "slow-handler"
RULES = [
    {"name": FIRES, "metric": "requests.duration", "function": "max", "window": "4s",
     "warning": {"above": "100ms", "clear": "50ms"}},
    {"name": "quiet", "metric": "requests.duration", "function": "max", "window": "4s",
     "warning": {"above": "20s"}},
    {"name": "quiet-rate", "metric": "requests.rate", "function": "rate", "window": "4s",
     "nodata": "alert", "warning": {"below": 0.5}},
    {"name": "quiet-absent", "metric": "requests.rate", "function": "absent", "window": "4s",
     "warning": {"above": 0.5}},
    {"name": "quiet-against", "metric": "requests.rate", "function": "delta", "window": "4s",
     "against": "5s", "nodata": "keep", "critical": {"below": -99}},
    {"name": "quiet-count", "metric": "requests.rate", "function": "delta", "window": "10m",
     "warning": {"above": 100000}},
]


class Load(threading.Thread):
    """Asks all the time; how often it was answered."""
    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.answered, self.ending = server, 0, False

    def run(self):
        while not self.ending:
            self.answered += self.server.ask()
            time.sleep(0.02)


class Clock:
    """The wall clock of the agent; a file that its library looks at."""
    def __init__(self, stage):
        self.file = stage.folder / "clock"
        self.step(0)
        stage.environment.update(LD_PRELOAD=str(live.find_program("clock_step.so")),
                                 CLOCK_STEP=str(self.file))

    def step(self, seconds):
        """In place: who has it mapped sees it."""
        self.seconds = seconds
        fd = os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, struct.pack("q", seconds), 0)
        os.close(fd)

    def is_told(self, text):
        """Is this moment, in the agent's words, about now by the agent's clock?"""
        told = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        return abs(told - (time.time() + self.seconds)) < 5


def rules(stage):
    folder = stage.folder / "rules.d"
    folder.mkdir()
    for rule in RULES:
        rule.update(scope={"service": SERVICE}, interval="1s", cooldown="1h")
    (folder / "test.json").write_text(json.dumps(RULES))
    (stage.folder / "ringside.json").write_text(json.dumps(
        {"alerts": {"rules_dir": str(folder)}}))


def notices(agent):
    """What was told of our rules, in order."""
    names = {rule["name"] for rule in RULES}
    lines = [line.split(" alert ", 1)[1].split() for line in agent.said().splitlines()
             if " alert " in line]
    return [(kind, rule.partition("=")[2]) for kind, rule, *_ in lines
            if rule.partition("=")[2] in names]


def check_history(agent, clock, before):
    """All that was answered before is told, in seconds that follow each other and end now."""
    query = urllib.parse.urlencode({"metric": "requests.rate", "service": SERVICE,
                                    "window": "5m", "step": "1s"})
    document = agent.get("/api/performance/timeseries?" + query)
    points = document["points"]
    times = [datetime.datetime.fromisoformat(p["at"].replace("Z", "+00:00")) for p in points]
    steps = {(b - a).total_seconds() for a, b in zip(times, times[1:])}
    count = sum(p["count"] for p in points)
    check(steps == {1.0}, f"steps of {steps}")
    check(clock.is_told(points[-1]["at"]), f"the last point is of {points[-1]['at']}")
    check(before <= count, f"{count} requests are told of at least {before}")
    began = next(i for i, p in enumerate(points) if p["count"])
    silent = [p["at"] for p in points[began:-3] if not p["count"] and p["value"] == 0]
    check(len(silent) < 3, f"seconds without requests: {silent}")


def check_still(agent, clock, load, what):
    """Some seconds later all is as it was."""
    before = load.answered
    time.sleep(SETTLE)
    told = notices(agent)
    check(told == [("firing", FIRES)], f"{what}: told {told}")
    rows = [a for a in agent.get("/api/alerts")["alerts"] if a["labels"]["service"] == SERVICE]
    check([(a["rule"], a["state"]) for a in rows] == [(FIRES, "firing")], f"{what}: {rows}")
    check_history(agent, clock, before)
    parts = {p["name"]: p for p in agent.get("/api/health")["parts"]}
    check(parts["history"]["status"] == "healthy" and parts["alerts"]["status"] == "healthy", parts)


def main():
    live.need_root_and()
    signal.alarm(200)
    with live.Stage() as stage:
        try:
            clock = Clock(stage)
            rules(stage)
            agent = stage.agent().wait("/readyz")
            server = Server(stage)
            load = Load(server)
            load.start()
            time.sleep(12)  # all windows are known
            check(not notices(agent), "nothing is slow yet")
            server.flag.touch()
            live.wait_for("the notice", lambda: notices(agent), 10)
            begun = time.monotonic()
            for seconds in STEPS[:-1]:
                clock.step(seconds)
                check_still(agent, clock, load, f"the clock is {seconds} s off")
            clock.step(STEPS[-1])
            server.flag.unlink()
            live.wait_for("the recovery", lambda: len(notices(agent)) > 1, 15)
            lasted = time.monotonic() - begun
            check(notices(agent) == [("firing", FIRES), ("recovered", FIRES)], notices(agent))
            past = [a for a in agent.get("/api/alerts?state=resolved")["alerts"]
                    if a["rule"] == FIRES]
            check(len(past) == 1 and abs(past[0]["durationMs"] / 1000 - lasted) < 10,
                  f"it lasted {lasted} s: {past}")
            load.ending = True
            load.join()
            print("clock steps: good")
        except (Failed, TimeoutError) as failure:
            print(failure)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
