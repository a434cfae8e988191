#!/usr/bin/env python3
"""Processes without the library are watched from outside, by pid, name, port, rule, and let go."""
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

wrong = []

# Burns what it is told to, and forks when it is told to.
SEAT = """
import os, sys, time
for line in sys.stdin:
    word, amount = line.split()
    end = time.process_time() + float(amount)
    if word == "fork" and os.fork():
        continue
    while time.process_time() < end:
        sum(range(1000))
    if word == "fork":
        time.sleep(60)
"""


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def ringside(stage, *words, code=0):
    done = subprocess.run([live.find_program("ringside"), *map(str, words)], text=True,
                          capture_output=True, timeout=30, check=False,
                          env={**os.environ, **stage.environment})
    expect(done.returncode == code,
           f"ringside {' '.join(map(str, words))}: {done.returncode} {done.stderr.strip()}")


class Seat:
    """A program of its own name, which nobody preloads anything into."""

    def __init__(self, stage, name):
        script = stage.folder / name
        script.write_text(SEAT)
        self.name = str(script)
        self.popen = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE,
                                      preexec_fn=live.dies_with_us)
        self.pid = self.popen.pid
        stage.things.append(self)

    def say(self, line):
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()

    def stop(self):
        for pid in live.proc_children(self.pid)[1:]:
            os.kill(pid, 9)
        self.popen.kill()
        self.popen.wait()


def row(agent, pid):
    """What the agent knows of a process; None: nothing."""
    status, _, body = live.fetch(agent.port, f"/api/capture?pid={pid}")
    rows = json.loads(body)["data"]["processes"] if status == 200 else []
    return rows[0] if rows else None


def alive(agent, pid):
    known = row(agent, pid)
    return bool(known and known["alive"])


def wait_alive(agent, pid, wanted, what, seconds=5):
    try:
        live.wait_for(what, lambda: alive(agent, pid) == wanted, seconds, 0.1)
        expect(True, what)
    except TimeoutError:
        expect(False, what)


def by_pid(stage, agent):
    seat = Seat(stage, "seat")
    ringside(stage, "attach", 999999999, code=1)
    ringside(stage, "attach", 2, code=1)  # a kernel thread
    time.sleep(1.5)
    expect(row(agent, seat.pid) is None, "nobody is watched unasked")
    ringside(stage, "attach", seat.pid)
    wait_alive(agent, seat.pid, True, "attached by pid")
    known = row(agent, seat.pid)
    expect(known["service"] == seat.name and known["serviceFrom"] == "script",
           f"its name: {known['service']} by {known['serviceFrom']}")
    expect("preload" not in known["layers"], f"layers: {known['layers']}")
    expect(known["state"] is None, "it has no segment, and no state of one")
    return seat


def numbers(agent, seat):
    live.wait_for("its first numbers",
                  lambda: agent.metrics(f"?pid={seat.pid}")["cpu"]["userMs"] is not None, 5, 0.1)
    time.sleep(1.2)
    before = live.proc_cpu_ns(seat.pid)
    then = agent.metrics(f"?pid={seat.pid}")["cpu"]
    seat.say("burn 1.5")
    live.wait_for("the end of it", lambda: live.proc_cpu_ns(seat.pid) - before > 1.499e9, 30)
    time.sleep(2.5)
    burned = (live.proc_cpu_ns(seat.pid) - before) / 1e6
    now = agent.metrics(f"?pid={seat.pid}")
    told = sum(now["cpu"][x] - then[x] for x in ("userMs", "systemMs"))
    expect(abs(told - burned) < burned * 0.01 + 15, f"CPU: {told:.1f} ms told, {burned:.1f} burned")
    expect(now["memory"]["rss"] > 1 << 20, f"memory: {now['memory']['rss']} bytes resident")
    expect(now["responseTimes"]["count"] == 0, "no request is made up")
    rows = agent.get(f"/api/processes?pid={seat.pid}")["processes"]
    expect(len(rows) == 1 and rows[0]["service"] == seat.name, "it stands in /api/processes")
    names = [x["service"] for x in agent.get("/api/services")["services"]]
    expect(seat.name in names, f"its service stands in /api/services: {names}")


def children(stage, agent, seat):
    seat.say("fork 0.2")
    live.wait_for("a child", lambda: len(live.proc_children(seat.pid)) > 1, 5)
    child = live.proc_children(seat.pid)[1]
    wait_alive(agent, child, True, "a child of it is watched")
    ringside(stage, "detach", child, code=1)  # it was not attached by that name
    ringside(stage, "detach", seat.pid)
    wait_alive(agent, seat.pid, False, "let go by pid")
    wait_alive(agent, child, False, "and its child with it")
    expect(seat.popen.poll() is None, "it runs on")
    ringside(stage, "detach", seat.pid, code=1)


def by_name(stage, agent):
    early = Seat(stage, "early")
    ringside(stage, "attach", f"{stage.folder}/*arly")
    wait_alive(agent, early.pid, True, "attached by the name of its service")
    late = Seat(stage, "nearly")
    wait_alive(agent, late.pid, True, "one that starts later too")
    early.stop()
    wait_alive(agent, early.pid, False, "its end is seen")
    ringside(stage, "detach", "--all")
    wait_alive(agent, late.pid, False, "all are let go")
    expect(not (stage.run_dir / "attach").exists(), "the file goes with its last line")


def listening(stage, name, port):
    return live.Process(stage, [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port],
                        stage.folder / f"{name}.log")


def slow_to_listen(stage, port):
    """With the library, and watched long before it listens."""
    program = ("import sys, time, http.server as h; time.sleep(4); "
               "h.test(h.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')")
    return live.Process(stage, [sys.executable, "-c", program, port], stage.folder / "slow.log",
                        {**stage.environment,
                         "LD_PRELOAD": str(live.find_program("libringside.so"))})


def waits_are_asked_for(agent):
    """Of no one but who is attached; refused means asked for too."""
    return any(row["name"] == "sched_switch" and row["state"] != "notNeeded"
               for row in agent.get("/api/health")["facilities"])


def by_port(stage, agent):
    """Who listens on it now, and who listens on it later."""
    port = live.free_port()
    early = listening(stage, "early-port", port)
    other = listening(stage, "other-port", live.free_port())
    live.wait_for("a listener", lambda: live.fetch(port, "/")[0] == 200, 10)
    ringside(stage, "attach", ":http", code=1)
    ringside(stage, "attach", f":{port}")
    wait_alive(agent, early.pid, True, "attached by its port")
    early.stop()
    wait_alive(agent, early.pid, False, "its end is seen")
    late = listening(stage, "late-port", port)
    wait_alive(agent, late.pid, True, "one that listens there later too", 20)
    expect(row(agent, other.pid) is None, "who listens elsewhere is not watched")
    ringside(stage, "detach", f":{port}")
    wait_alive(agent, late.pid, False, "let go by its port")
    late.stop()
    expect(not waits_are_asked_for(agent), "nobody's waits are asked for")
    ringside(stage, "attach", f":{port}")
    time.sleep(1.5)  # the line is known before it comes
    carrier = slow_to_listen(stage, port)
    wait_alive(agent, carrier.pid, True, "one with the library is watched before it listens")
    expect(not waits_are_asked_for(agent), "and not asked for yet")
    try:
        live.wait_for("its port", lambda: waits_are_asked_for(agent), 30, 0.2)
        expect(True, "and asked for by its port")
    except TimeoutError:
        expect(False, "and asked for by its port")
    ringside(stage, "detach", f":{port}")


def by_rule(stage, agent):
    """By the path of an executable that nobody else can run, and by a port."""
    agent.stop()
    program = stage.folder / "ruled"
    port = live.free_port()
    shutil.copy("/bin/sleep", program)
    (stage.folder / "ringside.json").write_text(json.dumps(
        {"targets": {"attach": [{"exe": str(program)}, {"port": port}],
                     "names": [{"exe": str(program), "service": "by-rule"}]}}))
    ruled = live.Process(stage, [program, "60"], stage.folder / "ruled.log")
    other = live.Process(stage, ["/bin/sleep", "60"], stage.folder / "other.log")
    server = listening(stage, "ruled-port", port)
    agent = stage.agent().wait("/readyz")
    wait_alive(agent, ruled.pid, True, "attached by a rule")
    expect(row(agent, ruled.pid)["serviceFrom"] == "targets.names", "and named by one")
    wait_alive(agent, server.pid, True, "attached by a rule of its port", 20)
    expect(row(agent, other.pid) is None, "what no rule names is not watched")


def main():
    live.need_root_and()
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        seat = by_pid(stage, agent)
        numbers(agent, seat)
        children(stage, agent, seat)
        by_name(stage, agent)
        by_port(stage, agent)
        by_rule(stage, agent)
    if wrong:
        sys.exit(1)


main()
