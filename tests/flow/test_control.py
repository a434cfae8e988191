#!/usr/bin/env python3
"""Off by pid, by service, by file, with and without an agent; and the governor's steps."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from segment import Segment

STATE_AT, WHY_AT = 384, 388
OFF, ON, ASKED = 0, 1, 1
SERVICE = "seat"


class Failed(Exception):
    pass


def check(fact, what):
    if not fact:
        raise Failed(what)


def ringside(stage, *words, code=0):
    done = subprocess.run([live.find_program("ringside"), *map(str, words)], text=True,
                          capture_output=True, timeout=30, check=False,
                          env={**os.environ, **stage.environment})
    check(done.returncode == code, f"ringside {words}: {done.returncode}, not {code}: "
          f"{done.stdout}{done.stderr}")
    return done.stdout


def state(pid):
    """(state, why) as the process's own segment says; None: it has none."""
    try:
        segment = Segment(pid)
    except OSError:
        return None
    return segment.word(STATE_AT, "<I"), segment.word(WHY_AT, "<I")


def all_off(pids):
    return all(state(pid) == (OFF, ASKED) for pid in pids)


def ask(nginx, requests=400):
    """New connections all the time, so that each worker gets some."""
    numbers = live.ab(f"http://127.0.0.1:{nginx.port}/index.html", requests)
    check(numbers["complete"] == requests and not numbers["failed"] and not numbers["non_2xx"],
          f"requests failed: {numbers}")


def ask_until(nginx, what, condition):
    def asked():
        ask(nginx, 200)
        return condition()
    live.wait_for(what, asked, 20)


def off_by_pid(stage):
    nginx = stage.nginx("by_pid")
    first, second = nginx.workers()
    ringside(stage, "off", 999999999, code=1)
    ringside(stage, "off", os.getpid(), code=1)
    told = json.loads(ringside(stage, "off", "--json", first))
    check(told["processes"][0]["result"] == "off" and told["keptIn"] is None, told)
    ask_until(nginx, "one worker is off", lambda: state(first) == (OFF, ASKED))
    check(state(second)[0] == ON, "the other worker is on")
    check("already off" in ringside(stage, "off", first), "it is told that it was off")
    ringside(stage, "on", first, code=2)
    nginx.stop(signal.SIGQUIT)


def off_by_service(stage):
    nginx = stage.nginx("by_service")
    before = nginx.workers()
    ringside(stage, "off", "other", code=0)
    check(state(before[0])[0] == ON, "another service is off, not this one")
    ringside(stage, "on", "other")
    check(not (stage.run_dir / "off").exists(), "the last name goes with its file")
    ringside(stage, "off", SERVICE)
    ask_until(nginx, "both workers are off", lambda: all_off(before))
    os.kill(nginx.pid, signal.SIGHUP)  # the master serves nothing: it looks when it forks
    live.wait_for("new workers", lambda: len(nginx.workers()) == 2 and
                  not set(nginx.workers()) & set(before), 10)
    ask(nginx)
    check([state(pid) for pid in nginx.workers()] == [None, None], "new workers are silent too")
    later = stage.nginx("later")
    check([state(pid) for pid in later.family()] == [None] * 3, "what starts later is silent")
    ringside(stage, "on", "nobody", code=1)
    ringside(stage, "on", SERVICE)
    again = stage.nginx("again")
    check([state(pid)[0] for pid in again.workers()] == [ON, ON], "and watched again after on")
    for one in (nginx, later, again):
        one.stop(signal.SIGQUIT)


def off_by_file(stage):
    """A file that was written by hand, with an agent that looks at it."""
    agent = stage.agent().wait("/readyz")
    nginx = stage.nginx("by_file")
    ask(nginx)
    agent.wait_for_count(400)
    (stage.run_dir / "off").write_text("# by hand\n/nonexistent/*\n")
    time.sleep(1.5)
    check(state(nginx.workers()[0])[0] == ON, "a file that names others changes nothing")
    (stage.run_dir / "off").write_text(f"{SERVICE}\n")
    ask_until(nginx, "both workers are off", lambda: all_off(nginx.workers()))
    time.sleep(1)  # what was counted before that is drained
    counted = agent.metrics()["responseTimes"]["count"]
    ask(nginx)
    time.sleep(1)
    check(agent.metrics()["responseTimes"]["count"] == counted, "nothing is counted any more")
    rows = {row["pid"]: row for row in agent.get("/api/capture")["processes"]}
    for pid in nginx.workers():
        row = rows[pid]
        check((row["state"], row["why"], row["detail"]["level"]) == ("off", "asked", "off"), row)
    check("switched off for good" in agent.said(), agent.said())
    parts = {part["name"]: part for part in agent.get("/api/health")["parts"]}
    check(parts["switch"]["status"] == "info", parts["switch"])
    ringside(stage, "on", "--all")
    nginx.stop(signal.SIGQUIT)
    agent.stop()


def load(nginx, seconds):
    return subprocess.Popen(["ab", "-q", "-k", "-t", str(seconds), "-n", "50000000", "-c", "16",
                             f"http://127.0.0.1:{nginx.port}/index.html"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            preexec_fn=live.dies_with_us)


def governor(stage):
    (stage.folder / "ringside.json").write_text('{"capture": {"budget": 0.0001}}\n')
    agent = stage.agent().wait("/readyz")
    nginx = stage.nginx("governed", workers=1)
    client = load(nginx, 120)

    def sampled():
        rows = [r for r in agent.get("/api/capture")["processes"] if r["seen"] > 1]
        return rows[0] if rows and rows[0]["detail"]["level"] == "sampled" else None
    row = live.wait_for("detail is sampled", sampled, 110, 0.5)
    check(row["detail"]["why"] == "budget" and row["detail"]["cpuPercent"] > 0.0001, row)
    time.sleep(3)
    client.send_signal(signal.SIGINT)
    client.wait(30)
    logged = len(nginx.lines()) + nginx.own_requests
    document = agent.wait_for_count(logged, 10)
    capture = document["capture"]
    row = next(r for r in agent.get("/api/capture")["processes"] if r["seen"] > 1)
    print(f"{logged} logged; {document['status']}, {capture}, {row['cost']}, {row['detail']}, "
          f"{row['kinds']['request']}")
    check(document["responseTimes"]["count"] == logged, "counters stay exact")
    check(document["status"]["2xx"] == logged, "status too")
    check(capture["detailDropped"] > 0 and capture["completeness"] < 100, "and the rest says so")
    kinds = row["kinds"]["request"]
    check(kinds["counted"] == kinds["delivered"] + kinds["folded"] + kinds["dropped"], kinds)
    check(row["cost"]["nsPerRequest"] > 0 and row["cost"]["cpuPercent"] > 0, row["cost"])
    routes = agent.get("/api/routes?service=" + SERVICE)["routes"]
    check(routes and all(r["detailDropped"] > 0 for r in routes), routes)
    check("more than the budget of 0.0001 %" in agent.said(), agent.said())
    nginx.stop(signal.SIGQUIT)
    agent.stop()


def run(tests):
    failed = 0
    for test in tests:
        with live.Stage() as stage:
            stage.environment["RINGSIDE_SERVICE"] = SERVICE
            stage.run_dir.mkdir()
            try:
                test(stage)
                print(f"{test.__name__}: good")
            except (Failed, TimeoutError) as failure:
                print(f"{test.__name__}: {failure}")
                failed += 1
    return failed


def main():
    live.need_root_and("nginx", "ab")
    signal.alarm(280)
    return live.side_by_side(run, ((off_by_pid, off_by_service, off_by_file), (governor,)))


if __name__ == "__main__":
    sys.exit(main())
