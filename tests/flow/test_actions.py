#!/usr/bin/env python3
"""Actions of alerts: a command with its own user and nothing of ours, our cache cleared, a unit of
systemd restarted over a real bus, what is not done and why, and each at most once over the agent's
violent end.
"""
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from test_cache import TEXT, Client, entry
from test_channels import PYTHON, RULE, alive, channel, check, configure, ringside, run
from test_channels_killed import StoppedAgent, kill

WORDS = """#!/bin/sh
{
	echo "words:$#:$*"
	echo "id:$(/usr/bin/id -u):$(/usr/bin/id -G)"
	/usr/bin/sed -n 's/^/status:/p' /proc/$$/status
	/usr/bin/tr '\\0' '\\n' < /proc/$$/environ | /usr/bin/sed 's/^/environ:/'
	echo "files:$(ulimit -Sn):$(ulimit -Hn)"
	ls -l /proc/$$/fd | /usr/bin/sed 's/^/fd:/'
	echo end
} >> "$1"
echo nobody reads this
"""

# It and its child say who they are, and stay.
SLOW = "#!/bin/sh\necho $$ >> \"$1\"\nsleep 60 &\necho $! >> \"$1\"\nwait\n"

# org.freedesktop.systemd1 as far as RestartUnit goes: a job that ends a moment later.
SYSTEMD = """
import sys, dbus, dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib
DBusGMainLoop(set_as_default=True)
NAME, ROOT = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
class Manager(dbus.service.Object):
    subscribed = False
    @dbus.service.method(NAME + ".Manager")
    def Subscribe(self):
        self.subscribed = True
    @dbus.service.method(NAME + ".Manager", in_signature="ss", out_signature="o")
    def RestartUnit(self, unit, mode):
        with open(sys.argv[1], "a") as out:
            out.write(f"{unit} {mode}" + chr(10))
        if unit == "gone.service":
            raise dbus.DBusException("Unit gone.service not found.", name=NAME + ".NoSuchUnit")
        job = dbus.ObjectPath(ROOT + "/job/7")
        result = "failed" if unit == "bad.service" else "done"
        def over():
            self.JobRemoved(6, dbus.ObjectPath(ROOT + "/job/6"), unit, "canceled")
            self.JobRemoved(7, job, unit, result)
        if self.subscribed and unit != "stuck.service":
            GLib.timeout_add(200, over)
        return job
    @dbus.service.signal(NAME + ".Manager", signature="uoss")
    def JobRemoved(self, number, job, unit, result):
        pass
bus = dbus.bus.BusConnection(sys.argv[2])
name = dbus.service.BusName(NAME, bus)
Manager(bus, ROOT)
print("ready", flush=True)
GLib.MainLoop().run()
"""

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/><allow user="*"/></policy></busconfig>
"""


def fields(text, name):
    return [line[len(name) + 1:] for line in text.splitlines() if line.startswith(name + ":")]


def command(stage, text, name="fix"):
    """A program that its user may read, and a file that it may write."""
    stage.folder.chmod(0o755)
    program, said = stage.folder / name, stage.folder / f"{name}.said"
    program.write_text(text)
    program.chmod(0o755)
    said.touch()
    said.chmod(0o666)
    return program, said


def tried(stage, name):
    done = ringside(stage, "test", name)
    check(done.stdout.startswith(f"{name}: "), done)
    return done.stdout.strip()


def a_command_runs_as_its_user_with_nothing_of_ours(stage):
    program, said = command(stage, WORDS)
    configure(stage, {"fix": {"type": "exec", "user": "65533", "at_most_every": "1h",
                              "command": [str(program), str(said), "{rule}", "{severity} {value}",
                                          "{service}", "$(id); x", "{limit}"]}},
              notify=["log", "fix"])
    agent = stage.agent().wait("/readyz")
    live.wait_for("the command", lambda: "\nend\n" in said.read_text(), 10, 0.1)
    row = live.wait_for("its result", lambda: (r := channel(agent, "fix"))["delivered"] and r, 5, 0.1)
    check(row["lastReply"].startswith("exit code 0 after") and row["state"] == "ok", row)
    text = said.read_text()
    check(fields(text, "words") == [f"6:{said} too-large {{severity}} {{value}}  $(id); x 1 MiB"],
          fields(text, "words"))
    check(fields(text, "id") == ["65533:65533"], fields(text, "id"))
    status = dict(line.split(":\t", 1) for line in fields(text, "status") if ":\t" in line)
    check(status["Uid"].split() == ["65533"] * 4 and status["NoNewPrivs"] == "1", status)
    check(all(int(status[cap], 16) == 0 for cap in ("CapPrm", "CapEff", "CapBnd", "CapInh",
                                                    "CapAmb", "SigIgn")), status)
    limits = ":".join(map(str, resource.getrlimit(resource.RLIMIT_NOFILE)))
    check(fields(text, "files") == [limits], fields(text, "files") + [limits])
    check(fields(text, "environ") == [], fields(text, "environ"))
    targets = [line.split(" -> ")[1] for line in fields(text, "fd") if " -> " in line]
    check(set(targets) <= {"/dev/null", str(said), str(program), f"/proc/{status['Pid']}/fd"},
          targets)
    live.wait_for("another notice", lambda: channel(agent, "fix")["skipped"] >= 2, 10, 0.1)
    check(text.count("words:") == 1 and said.read_text() == text, "done more often than it may be")
    check("nobody reads this" not in agent.said(), "its output was not thrown away")
    runner = [pid for pid in agent.family() if
              "CapEff:\t00000000000001e0" in Path(f"/proc/{pid}/status").read_text()]
    check(len(runner) == 2, f"{runner}: the runner's nursery and the runner, with four capabilities")
    sockets = [os.readlink(link) for link in Path(f"/proc/{max(runner)}/fd").iterdir()]
    check(len([s for s in sockets if s.startswith("socket:")]) == 1, sockets)
    check("exit code 0 after" in ringside(stage, "channels").stdout, "its last result")
    done = ringside(stage, "test", "fix")
    check(done.returncode == 1 and "more often than at_most_every" in done.stdout, done)
    agent.stop()


def what_goes_wrong_is_told_and_not_tried_again(stage):
    program, said = command(stage, SLOW)
    fails, _ = command(stage, "#!/bin/sh\nexit 3\n", "fails")
    root = {"type": "exec", "user": "65533"}
    configure(stage, {"slow": {**root, "timeout": "1s", "command": [str(program), str(said)]},
                      "fails": {**root, "command": str(fails), "at_most_every": "1s"},
                      "none": {**root, "command": ["/there/is/no/such/program"]},
                      "who": {**root, "command": ["/bin/true"], "user": "no-such-user"}},
              notify=["log"])
    agent = stage.agent().wait("/readyz")
    check(tried(stage, "slow").startswith("slow: failed: killed after 1.0 s"), agent.said())
    pids = said.read_text().split()
    check(len(pids) == 2, pids)
    live.wait_for("the end of its group", lambda: not [p for p in pids if alive(p)], 3, 0.05)
    check(tried(stage, "fails").startswith("fails: failed: exit code 3 after"), "fails")
    check("/there/is/no/such/program: No such file" in tried(stage, "none"), "none")
    check("no such user" in tried(stage, "who"), "who")
    agent.stop()


def status_of(pid):
    return dict(line.split(":\t", 1) for line in
                Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def a_runner_that_is_killed_takes_what_it_runs_along(stage):
    program, said = command(stage, SLOW)
    configure(stage, {"slow": {"type": "exec", "user": "65533",
                               "command": [str(program), str(said)]}}, notify=["slow"])
    agent = stage.agent().wait("/readyz")
    live.wait_for("the command", lambda: len(said.read_text().split()) == 2, 10, 0.05)
    of = {pid: status_of(pid) for pid in agent.family()}
    ours = [pid for pid in of if of[pid]["CapEff"] == "00000000000001e0"]
    runner = next(pid for pid in ours if int(of[pid]["PPid"]) in ours and
                  any(int(of[p]["PPid"]) == pid for p in ours))
    os.kill(runner, signal.SIGKILL)
    live.wait_for("the end of all of it",
                  lambda: not [p for p in said.read_text().split() if alive(p)], 5, 0.05)
    live.wait_for("another runner", lambda: "the runner of actions was killed by signal 9"
                  in agent.said(), 5, 0.05)
    row = live.wait_for("its word", lambda: (r := channel(agent, "slow"))["refused"] and r, 10, 0.1)
    check("started anew, and may have begun it" in row["lastError"], row)
    agent.stop()


def a_configuration_that_others_may_write_does_nothing(stage):
    program, said = command(stage, WORDS)
    configure(stage, {"fix": {"type": "exec", "user": "65533", "command": [str(program), str(said)]}},
              notify=["log", "fix"])
    (stage.folder / "ringside.json").chmod(0o666)
    agent = stage.agent().wait("/readyz")
    live.wait_for("a refusal", lambda: "root's alone" in (channel(agent, "fix")["lastError"] or ""),
                  10, 0.1)
    check(said.read_text() == "" and "no action will be done" in agent.said(), agent.said())
    agent.stop()


def what_an_alert_says_is_taken_out_of_the_cache(stage):
    configure(stage, {"cache": {"type": "cache_clear", "pattern": "shop:*", "at_most_every": "1s"}},
              notify=["cache"])
    agent = stage.agent().wait("/readyz")
    client = Client(agent.port, (stage.run_dir / "token").read_text().strip())
    for key in (b"shop:1", b"shop:2", b"other:1"):
        check(client.ask("PUT", entry(key), b"x", TEXT)[0] in (200, 201, 204), key)
    live.wait_for("an empty shop", lambda: client.ask("GET", entry(b"shop:1"))[0] == 404 and
                  client.ask("GET", entry(b"shop:2"))[0] == 404, 10, 0.1)
    check(client.ask("GET", entry(b"other:1"))[0] == 200, "it took what it was not to")
    row = live.wait_for("its result",
                        lambda: (r := channel(agent, "cache"))["delivered"] and r, 5, 0.1)
    check(row["lastReply"].endswith(" entries cleared") and row["state"] == "ok", row)
    agent.stop()
    configure(stage, {"cache": {"type": "cache_clear", "pattern": "shop:*"}}, notify=["cache"])
    whole = json.loads((stage.folder / "ringside.json").read_text())
    (stage.folder / "ringside.json").write_text(json.dumps({**whole, "cache": {"enabled": False}}))
    for leftover in stage.folder.rglob("alerts.*"):
        leftover.unlink()  # else it pauses
    agent = stage.agent().wait("/readyz")
    row = live.wait_for("a refusal", lambda: (r := channel(agent, "cache"))["refused"] and r, 10, 0.1)
    check("turned off by cache.enabled" in row["lastError"], row)
    agent.stop()


class Bus:
    """A bus of its own with somebody on it who is called systemd."""
    def __init__(self, stage):
        self.address = f"unix:path={stage.folder / 'bus'}"
        self.log = stage.folder / "units"
        self.log.touch()
        config = stage.folder / "bus.conf"
        config.write_text(BUS.format(address=self.address))
        self.daemon = live.Process(stage, ["dbus-daemon", f"--config-file={config}", "--nofork",
                                           "--nopidfile"], stage.folder / "bus.log")
        live.wait_for("the bus", lambda: (stage.folder / "bus").exists(), 10, 0.05)
        self.stage, self.systemd = stage, None

    def boot(self):
        said = self.stage.folder / "systemd.log"
        self.systemd = live.Process(self.stage, [PYTHON, "-c", SYSTEMD, self.log, self.address], said)
        live.wait_for("systemd", lambda: "ready" in said.read_text(), 15, 0.05)

    def stop(self):
        self.systemd.stop()
        self.daemon.stop()

    def restarted(self):
        return self.log.read_text().splitlines()


def a_unit_is_restarted_over_the_bus(stage):
    found = subprocess.run([PYTHON, "-c", "import dbus.service, gi.repository.GLib"], check=False,
                           capture_output=True)
    if found.returncode:
        print("skipped: needs python3-dbus and python3-gi")
        return
    bus = Bus(stage)
    unit = {"type": "restart_unit", "at_most_every": "1s"}
    configure(stage, {"shop": {**unit, "units": "shop.service", "at_most_every": "1h"},
                      "bad": {**unit, "units": ["bad.service"]},
                      "gone": {**unit, "units": ["gone.service"]},
                      "stuck": {**unit, "units": ["stuck.service"], "timeout": "1s"},
                      "two": {**unit, "units": ["a.service", "b.service"]}},
              notify=["log", "shop"])
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.address
    try:
        agent = stage.agent().wait("/readyz")
        live.wait_for("a refusal", lambda: channel(agent, "shop")["refused"], 10, 0.1)
        check("org.freedesktop.systemd1" in channel(agent, "shop")["lastError"],
              channel(agent, "shop"))
        agent.stop()
        bus.boot()
        for leftover in stage.folder.rglob("alerts.*"):
            leftover.unlink()  # else it pauses
        agent = stage.agent().wait("/readyz")
        live.wait_for("a restart", lambda: channel(agent, "shop")["delivered"], 10, 0.1)
        check(channel(agent, "shop")["lastReply"] == "shop.service: done", channel(agent, "shop"))
        check(bus.restarted() == ["shop.service replace"], bus.restarted())
        check(tried(stage, "bad") == "bad: failed: bad.service: failed", "bad")
        check("Unit gone.service not found." in tried(stage, "gone"), "gone")
        check("killed after 1.0 s" in tried(stage, "stuck"), "stuck")
        check("is not among its units" in tried(stage, "two"), "two")
        check(bus.restarted()[1:] == [f"{u}.service replace" for u in ("bad", "gone", "stuck")],
              bus.restarted())
        bus.stop()
        check("system bus" in tried(stage, "bad") or "systemd" in tried(stage, "bad"), "no bus")
        agent.stop()
    finally:
        del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]


def none_is_done_twice(stage, steps):
    """The agent is killed at each step of an action's way: it is done once or, at one, not at all."""
    program, said = command(stage, "#!/bin/sh\necho \"$2\" >> \"$1\"\n")
    channels = {"fix": {"type": "exec", "user": "65533", "at_most_every": "1s",
                        "command": [str(program), str(said), "{rule}"]}}
    for place, least in steps:
        said.write_text("")
        for leftover in stage.folder.rglob("alerts.*"):
            leftover.unlink()
        configure(stage, channels, notify=["fix"])
        (stage.folder / "rules.d" / "test.json").write_text(json.dumps(
            [{**RULE, "cooldown": "1h"}]))
        (stage.folder / "agent.log").unlink(missing_ok=True)
        agent = StoppedAgent(stage, place)
        live.wait_for(place, lambda: f"stopped: {place}" in agent.said(), 15, 0.05)
        if place == "ordered":
            live.wait_for("the command", said.read_text, 5, 0.05)
        kill(agent)
        agent = stage.agent().wait("/readyz")
        time.sleep(3)
        count = len(said.read_text().splitlines())
        check(least <= count <= 1, f"killed where it {place}: done {count} times")
        agent.stop()


def none_is_done_twice_early(stage):
    none_is_done_twice(stage, (("decided", 1), ("boxed", 1)))


def none_is_done_twice_late(stage):
    none_is_done_twice(stage, (("begun", 0), ("ordered", 1)))


def main():
    live.need_root_and("dbus-daemon")
    signal.alarm(280)
    return live.side_by_side(run, (
        (a_command_runs_as_its_user_with_nothing_of_ours,
         what_goes_wrong_is_told_and_not_tried_again,
         a_configuration_that_others_may_write_does_nothing,
         what_an_alert_says_is_taken_out_of_the_cache),
        (a_runner_that_is_killed_takes_what_it_runs_along,
         a_unit_is_restarted_over_the_bus), (none_is_done_twice_early,), (none_is_done_twice_late,)))


if __name__ == "__main__":
    sys.exit(main())
