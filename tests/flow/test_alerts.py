#!/usr/bin/env python3
"""Alerts of a real server with a handler that is made slow: one notice a cooldown, the third to
level 2, recovery once; the same while the agent is killed in between; rule files that are wrong.
"""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

SERVICE = "slowpoke"
INTERVAL, COOLDOWN, GRACE = 1, 4, 5  # seconds
RULES = [{"name": "slow-handler", "metric": "requests.duration", "function": "max", "window": "2s",
          "scope": {"service": SERVICE}, "interval": f"{INTERVAL}s", "cooldown": f"{COOLDOWN}s",
          "warning": {"above": "100ms", "clear": "50ms"}, "service_impacting": True,
          "summary": "{service} takes {value}"}]
SERVER = """
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if os.path.exists(sys.argv[2]):
            time.sleep(0.3)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Failed(Exception):
    pass


def check(fact, what):
    if not fact:
        raise Failed(what)


class Server(live.Process):
    """It answers at once, and slowly while a file is there; a client asks it all the time."""
    def __init__(self, stage):
        self.port, self.flag = live.free_port(), stage.folder / "slow"
        super().__init__(stage, [sys.executable, "-c", SERVER, str(self.port), str(self.flag)],
                         stage.folder / "server.log",
                         {**stage.environment, "RINGSIDE_SERVICE": SERVICE,
                          "LD_PRELOAD": str(live.find_program("libringside.so"))})
        live.wait_for("the server", self.ask, 10)

    def ask(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as reply:
            return reply.status == 200

    def ask_until(self, what, condition, seconds):
        def asked():
            self.ask()
            return condition()
        return live.wait_for(what, asked, seconds, 0.1)


def notices(agent, kind="firing"):
    """The lines of the log about our rule, as names and values, oldest first."""
    found = []
    for line in agent.said().splitlines():
        if f"alert {kind} rule=slow-handler " in line:
            pairs = re.findall(r'(\w+)=("[^"]*"|\S+)', line)
            found.append({name: value.strip('"') for name, value in pairs})
    return found


def alerts(agent, query=""):
    with contextlib.suppress(OSError, RuntimeError):
        return [a for a in agent.get("/api/alerts" + query)["alerts"] if a["rule"] == "slow-handler"]
    return []


def setup(stage, rules):
    folder = stage.folder / "rules.d"
    folder.mkdir()
    (folder / "test.json").write_text(json.dumps(rules))
    (stage.folder / "ringside.json").write_text(json.dumps(
        {"alerts": {"rules_dir": str(folder), "check_interval": "2s"}}))
    return folder


def one_notice_a_cooldown(stage):
    setup(stage, RULES)
    agent = stage.agent().wait("/readyz")
    server = Server(stage)
    server.ask_until("the service is known", lambda: any(
        row["service"] == SERVICE for row in agent.get("/api/services")["services"]), 10)
    time.sleep(2 * INTERVAL)
    check(not notices(agent), "nothing is slow yet")
    server.flag.touch()
    begun = time.monotonic()
    server.ask_until("the first notice", lambda: notices(agent), INTERVAL + GRACE)
    row = server.ask_until("the alert", lambda: alerts(agent), 2)[0]
    check((row["state"], row["severity"], row["level"]) == ("firing", "warning", 1), row)
    check(row["labels"]["service"] == SERVICE and row["threshold"] == 100, row)
    done = subprocess.run([live.find_program("ringside"), "rules", "explain", "slow-handler"],
                          text=True, capture_output=True, timeout=30, check=False,
                          env={**os.environ, **stage.environment})
    check(done.returncode == 0 and "): firing: a limit was passed" in done.stdout and
          f"firing, warning, since {row['since']}, {SERVICE}" in done.stdout, done)
    server.ask_until("the third notice", lambda: len(notices(agent)) == 3, 2 * COOLDOWN + GRACE)
    took = time.monotonic() - begun
    check(took > 2 * COOLDOWN - 1, f"three notices within {took} s")
    levels = [(n["level"], n["notice"]) for n in notices(agent)]
    check(levels == [("1", "1"), ("1", "2"), ("2", "3")], levels)
    server.flag.unlink()
    server.ask_until("the recovery", lambda: notices(agent, "recovered"), INTERVAL + GRACE)
    for _ in range(20):
        server.ask()
        time.sleep(0.1)
    over = notices(agent, "recovered")
    check(len(over) == 1 and len(notices(agent)) == 3, over)
    check(float(over[0]["lasted"].rstrip("s")) >= 2 * COOLDOWN - 1 and "ms" in over[0]["peak"], over)
    check(not alerts(agent), "none fires any more")
    past = alerts(agent, "?state=resolved")
    check(len(past) == 1 and past[0]["notices"] == 3 and past[0]["durationMs"] > 0, past)
    for _ in range(120):  # what is younger than ten seconds may not be on disk yet
        server.ask()
        time.sleep(0.1)
    server.stop()
    agent.stop()
    what_was_recorded_fires_again(stage)


def what_was_recorded_fires_again(stage):
    """By the history files alone: the same rule, and one that would have been too generous."""
    rules = stage.folder / "again.json"
    rules.write_text(json.dumps(RULES + [{**RULES[0], "name": "generous", "warning": {"above": "9s"}}]))

    def replayed(*options):
        return subprocess.run([live.find_program("ringside"), "rules", "test", "--history",
                               "--state-dir", stage.state_dir, *options, rules],
                              text=True, capture_output=True, timeout=60, check=False)
    done = replayed("--last", "10m")
    check(done.returncode == 0 and "in steps of 1 s" in done.stdout, done)
    done = replayed("--last", "10m", "--json")
    turns = [(t["rule"], t["state"]) for t in json.loads(done.stdout)["turns"]
             if t["state"] in ("firing", "resolved")]
    check(turns == [("slow-handler", "firing"), ("slow-handler", "resolved")], turns)
    done = replayed("--from", "2001-01-01T00:00:00Z", "--to", "2001-01-01T01:00:00Z")
    check(done.returncode == 1 and "no request was recorded in that time" in done.stderr, done)
    done = replayed("--last", "soon")
    check(done.returncode == 2 and "say --last SPAN" in done.stderr, done)


def killed_in_between(stage):
    """Whenever the agent is killed, each notice is there once, in its order."""
    setup(stage, RULES)
    agent = stage.agent().wait("/readyz")
    server = Server(stage)
    server.flag.touch()
    server.ask_until("the first notice", lambda: notices(agent), 15)
    for number in range(10 if live.FULL else 3):
        time.sleep(0.37 * (number % 7))
        os.kill(agent.popen.pid, signal.SIGKILL)
        agent.popen.wait()
        told = int(notices(agent)[-1]["notice"])  # one log for all agents
        agent = stage.agent()
        agent.wait("/readyz")
        server.ask_until("the alert fires on", lambda: alerts(agent), 10)
        check(alerts(agent)[0]["notices"] >= told, alerts(agent))
        server.ask_until("the next notice", lambda: int(notices(agent)[-1]["notice"]) > told,
                         COOLDOWN + 2 * GRACE)
    server.flag.unlink()
    server.ask_until("the recovery", lambda: notices(agent, "recovered"), 10)
    said = notices(agent)
    numbers, sequences = [int(n["notice"]) for n in said], [int(n["seq"]) for n in said]
    check(numbers == list(range(1, len(numbers) + 1)), f"lost or doubled: {numbers}")
    check(sequences == sorted(set(sequences)), f"doubled: {sequences}")
    check(len(notices(agent, "recovered")) == 1, notices(agent, "recovered"))
    server.stop()
    agent.stop()


def a_server_that_is_gone(stage):
    """That alert fires, and what else was wrong with it is no news any more."""
    gone = {"name": "gone", "metric": "service.processes", "window": "2m", "min_count": 1, "for": "2s",
            "scope": {"service": SERVICE}, "interval": "1s", "critical": {"below": 1}}
    setup(stage, [*RULES, gone])
    agent = stage.agent().wait("/readyz")
    server = Server(stage)
    server.flag.touch()
    server.ask_until("the first notice", lambda: notices(agent), 15)
    check("alert firing rule=gone " not in agent.said(), "it lives")
    server.popen.kill()
    server.popen.wait()
    live.wait_for("that it is gone", lambda: "alert firing rule=gone " in agent.said(), 15, 0.1)
    live.wait_for("the other is no news", lambda: alerts(agent)[0]["inhibited"], 5, 0.1)
    count = len(notices(agent))
    time.sleep(2 * COOLDOWN)
    check(len(notices(agent)) == count, "nobody is told of the other any more")
    check(agent.said().count("alert firing rule=gone ") >= 1, agent.said())
    agent.stop()


def bad_files(stage):
    folder = setup(stage, RULES)
    agent = stage.agent().wait("/readyz")

    def part(name):
        return next(p for p in agent.get("/api/health")["parts"] if p["name"] == name)

    def names():
        return {r["name"] for r in agent.get("/api/alerts/rules?limit=1000")["rules"]}
    live.wait_for("the rule", lambda: "slow-handler" in names(), 10, 0.2)
    (folder / "bad.json").write_text('[{"name": "x",\n "metric": "cpu.percnt"}]')
    live.wait_for("degraded", lambda: part("rules")["status"] == "degraded", 5, 0.2)
    check("slow-handler" in names(), "the last good set stays in force")
    check("bad.json:2: x: metric: unknown metric 'cpu.percnt'; did you mean cpu.percent?" in
          agent.said(), agent.said())
    done = subprocess.run([live.find_program("ringside"), "rules", "check", "--rules-dir", folder],
                          text=True, capture_output=True, timeout=30, check=False)
    check(done.returncode == 1 and "bad.json:2: x: metric:" in done.stderr, done)
    (folder / "bad.json").unlink()
    live.wait_for("healthy", lambda: part("rules")["status"] == "healthy", 5, 0.2)
    (folder / "test.json").unlink()
    live.wait_for("no rule of ours", lambda: "slow-handler" not in names(), 5, 0.2)
    states = {r["name"]: r["state"] for r in agent.get("/api/alerts/rules?limit=1000")["rules"]}
    check(states["upstream-down"] == states["pool-exhausted"] == "waiting", states)
    check(states["redis-lost"] == "ok", states)  # silent: none is configured
    agent.stop()


def turned_off(stage):
    (stage.folder / "ringside.json").write_text('{"alerts": {"enabled": false}}')
    agent = stage.agent().wait("/readyz")
    status, _, body = live.fetch(agent.port, "/api/alerts")
    check(status == 503 and b"alerts_off" in body, body)
    agent.stop()


def run(tests):
    failed = 0
    for test in tests:
        with live.Stage() as stage:
            try:
                test(stage)
                print(f"{test.__name__}: good")
            except (Failed, TimeoutError) as failure:
                print(f"{test.__name__}: {failure}")
                failed += 1
    return failed


def main():
    live.need_root_and()
    signal.alarm(280)
    return live.side_by_side(run, ((one_notice_a_cooldown, a_server_that_is_gone),
                                   (killed_in_between, bad_files, turned_off)))


if __name__ == "__main__":
    sys.exit(main())
