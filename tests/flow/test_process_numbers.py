#!/usr/bin/env python3
"""CPU, memory and their limits are what the kernel says: quota, cgroup, RLIMIT_AS, machine."""
import contextlib
import functools
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

MB = 1000 * 1000
MIB = 1024 * 1024
GROUPS = Path("/sys/fs/cgroup")
wrong = []

# Burns and allocates when it is told to, and serves nothing: a process is watched all the same.
BURNER = """
import sys, time
kept = []
for line in sys.stdin:
    word, amount = line.split()
    if word == "burn":
        end = time.process_time() + float(amount)
        while time.process_time() < end:
            sum(range(1000))
    else:
        kept.append(bytearray(int(amount)))
    print("done", flush=True)
"""


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def near(value, wanted, share, least=0.0):
    return value is not None and abs(value - wanted) <= max(abs(wanted) * share, least)


def look(agent, service, part, field):
    """Waits until the agent has seen the service and knows this of it."""
    def known():
        status, _, body = live.fetch(agent.port, f"/api/performance/metrics?service={service}")
        return status == 200 and json.loads(body)["data"][part][field] is not None
    live.wait_for(f"{part}.{field} of {service}", known, 10, 0.2)


class Burner:
    def __init__(self, stage, name, prefix=()):
        self.inside, outside = os.pipe()
        self.said, answer = os.pipe()
        environment = {**os.environ, **stage.environment, "RINGSIDE_SERVICE": name,
                       "LD_PRELOAD": str(live.find_program("libringside.so"))}
        self.popen = live.subprocess.Popen(
            [*prefix, sys.executable, "-c", BURNER], stdin=self.inside, stdout=answer,
            env=environment, preexec_fn=live.dies_with_us)
        self.name, self.pid, self.write, self.stage = name, self.popen.pid, outside, stage
        stage.things.append(self)

    def say(self, line):
        os.write(self.write, line.encode() + b"\n")

    def done(self):
        os.read(self.said, 64)

    def stop(self):
        self.popen.kill()
        self.popen.wait()


@contextlib.contextmanager
def group(controller, name, settings, pid):
    """A cgroup (v1) of our own that holds one process."""
    folder = GROUPS / controller / f"ringside-{name}-{os.getpid()}"
    folder.mkdir()
    try:
        for key, value in settings.items():
            (folder / key).write_text(str(value))
        (folder / "cgroup.procs").write_text(str(pid))
        yield folder
    finally:
        (GROUPS / controller / "cgroup.procs").write_text(str(pid))
        folder.rmdir()


def cpu(agent, stage):
    burner = Burner(stage, "burner")
    look(agent, "burner", "cpu", "processPercent")
    before = live.proc_cpu_ns(burner.pid)
    then = agent.metrics("?service=burner")["cpu"]
    burner.say("burn 2")
    burner.done()
    time.sleep(2.2)
    burned = (live.proc_cpu_ns(burner.pid) - before) / 1e6
    now = agent.metrics("?service=burner")["cpu"]
    told = now["userMs"] + now["systemMs"] - then["userMs"] - then["systemMs"]
    expect(near(told, burned, 0.01, 15), f"CPU: {told:.1f} ms told, {burned:.1f} ms burned")
    threads = agent.metrics(f"?pid={burner.pid}")["cpu"]["threads"]
    expect(threads and threads[0]["tid"] == burner.pid and threads[0]["name"].startswith("python")
           and near(sum(x["cpuMs"] for x in threads), live.proc_cpu_ns(burner.pid) / 1e6, 0.01, 15),
           f"threads: {threads}")
    expect(all(x["userMs"] is None or near(x["userMs"] + x["systemMs"], x["cpuMs"], 0.001, 0.01)
               for x in threads) and threads[0]["userMs"] > 0.7 * threads[0]["cpuMs"],
           f"threads: mostly user time, {threads[0]['userMs']:.0f} of {threads[0]['cpuMs']:.0f} ms")
    expect(now["threads"] is None, "threads: of one process alone")
    share = now["systemMs"] / (now["userMs"] + now["systemMs"])
    expect(share < 0.3, f"CPU: mostly user time, {share:.2f} is the system's")
    if (GROUPS / "cpu").is_dir():
        quota(agent, burner)
    else:
        print("skipped: there is no v1 cpu controller")


def quota(agent, burner):
    """Half a core allowed: what is used is told of one core and of the half."""
    settings = {"cpu.cfs_period_us": 20000, "cpu.cfs_quota_us": 10000}
    with group("cpu", "quota", settings, burner.pid) as folder:
        burner.say("burn 8")
        time.sleep(14)
        told = agent.metrics("?service=burner&window=10s")["cpu"]
        row = agent.get("/api/processes?service=burner&window=10s")["processes"][0]
        said = dict(re.findall(r"^(\w+) (\d+)$", (folder / "cpu.stat").read_text(), re.M))
        burner.done()
    expect(near(told["usagePercent"], 2 * told["processPercent"], 0.02),
           f"quota: {told['processPercent']:.1f} % of a core, {told['usagePercent']:.1f} % of the "
           "half that it may use")
    # Of the window; the group's own file is of its whole life, and of a moment later.
    expect(0 < told["throttledPercent"] <= 100 and
           0 < told["throttledMs"] <= int(said["throttled_time"]) / 1e6,
           f"quota: throttled in {told['throttledPercent']} % of its periods for "
           f"{told['throttledMs']} ms, since it began {int(said['throttled_time']) / 1e6:.0f} ms")
    expect(all(near(row[a], told[b], 0.2) for a, b in (
        ("cpuPercent", "usagePercent"), ("processPercent", "processPercent"),
        ("throttledPercent", "throttledPercent"))), f"quota: the process's row {row}")
    level = "critical" if told["usagePercent"] > 85 else \
        "warning" if told["usagePercent"] > 70 else "ok"
    expect(told["level"] == level, f"quota: level {told['level']}")


def memory(agent, stage):
    burner = Burner(stage, "keeper")
    look(agent, "keeper", "memory", "rss")
    burner.say(f"take {60 * MB}")
    burner.done()
    time.sleep(6.5)  # the broker reads memory each fifth second
    rss = int(re.search(r"^Rss:\s+(\d+)", Path(f"/proc/{burner.pid}/smaps_rollup").read_text(),
                        re.M).group(1)) * 1024
    total = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1)) * 1024
    told = agent.metrics("?service=keeper")["memory"]
    expect(near(told["rss"], rss, 0.02), f"rss: {told['rss'] / MB:.1f} MB, kernel {rss / MB:.1f}")
    # a block of that size is mapped by malloc itself: heap all the same
    expect(60 * MB <= (told["heapUsed"] or 0) < 100 * MB, f"heap: {told['heapUsed']}")
    expect(near(told["usagePercent"], 100 * rss / total, 0.05, 0.05) and told["level"] == "ok",
           f"share of the machine: {told['usagePercent']} %, {100 * rss / total:.3f} % by hand")
    if (GROUPS / "memory" / "memory.limit_in_bytes").exists():
        memory_group(agent, burner)
    else:
        print("skipped: there is no v1 memory controller")


def memory_group(agent, burner):
    with group("memory", "limit", {"memory.limit_in_bytes": 160 * MIB}, burner.pid) as folder:
        burner.say(f"take {136 * MIB}")
        burner.done()
        time.sleep(12)  # limits are read each tenth second
        used = int((folder / "memory.usage_in_bytes").read_text())
        told = agent.metrics("?service=keeper&window=10s")["memory"]
    wanted = 100 * used / (160 * MIB)
    expect(near(told["usagePercent"], wanted, 0.03), f"cgroup: {told['usagePercent']:.1f} %, "
           f"{wanted:.1f} % by hand")
    expect(told["level"] in ("warning", "critical", "dump") and told["worst"]["pid"] == burner.pid,
           f"cgroup: level {told['level']}, worst {told['worst']}")


def limited(agent, stage):
    burner = Burner(stage, "limited", ("prlimit", f"--as={400 * MIB}", "--"))
    look(agent, "limited", "memory", "usagePercent")
    time.sleep(1.5)
    size = int(re.search(r"VmSize:\s+(\d+)", Path(f"/proc/{burner.pid}/status").read_text())
               .group(1)) * 1024
    told = agent.metrics("?service=limited")["memory"]["usagePercent"]
    expect(near(told, 100 * size / (400 * MIB), 0.01),
           f"RLIMIT_AS: {told} %, {100 * size / (400 * MIB):.2f} % by hand")


def system(agent):
    told = agent.metrics()["system"]
    info = dict(re.findall(r"^(\w+):\s+(\d+)", Path("/proc/meminfo").read_text(), re.M))
    used = 100 - 100 * int(info["MemAvailable"]) / int(info["MemTotal"])
    load = float(Path("/proc/loadavg").read_text().split()[0])
    expect(near(told["memoryUsedPercent"], used, 0.1, 1), f"machine: {told['memoryUsedPercent']} % "
           f"of memory used, {used:.1f} % by hand")
    expect(near(told["load1"], load, 0.2, 0.3), f"machine: load {told['load1']}, {load} by hand")
    expect(0 <= told["cpuPercent"] <= 100, f"machine: {told['cpuPercent']} % CPU")
    if Path("/proc/pressure/cpu").exists():
        expect(told["pressure"]["cpu"] is not None, f"machine: pressure {told['pressure']}")


def main():
    live.need_root_and("prlimit")
    signal.alarm(150)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        stage.at_once(*(functools.partial(part, agent, stage) for part in (cpu, memory, limited)))
        system(agent)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
