#!/usr/bin/env python3
"""CPU per request of an nginx without the library while it is attached, and of one beside it.

The probes look at every connection of the machine, for as long as one process is attached. So there
are two times, which take turns of a quarter of a second: with none attached, when two bare servers
take theirs, and with one attached, when that one does, and a bystander. Within them it is as in
server_cpu: all share one core with their loads, in turns of 20 ms, in an order by lot; in each
round all are started anew. A packet's arrival is on the account of who sends it, on one machine:
"whole" is with what the load's own CPU time grew by.

It is measured once more with what stands in where the kernel refuses the probes of sockets, those of
system calls: dearer, and judged by nothing.

The profile is judged by the kernel's own count of its programs' run time, at the clock's usual
rate, over the CPU time of who is profiled.
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import server_cpu
from served import SERVERS, lacking

NAME = "nginx"
ENOUGH = 9  # rounds
TURNS = 6   # of a side in its time
WARM_S = 2
SETTLED_S = 0.1  # since the last of what is attached came
SEEN = 0.9  # of the requests: those under way when it is attached are not
TIMES = {"without": ("bare", "again"), "with": ("attached", "bystander")}
LINES = {"again": "bare/bare", "attached": "attached/bare", "whole": "attached, whole",
         "bystander": "bystander/bare"}
GATES = {"attached/bare": 1.15, "bystander/bare": 1.10, "profile": 0.01}
PROBES = {"sockets": {"tcp_probe", "tcp_sendmsg_locked", "sock_recv_length", "sock_send_length"},
          "syscalls": {"sys_exit"}}
STATS = Path("/proc/sys/kernel/bpf_stats_enabled")


def ringside(stage, verb, *words):
    live.subprocess.run([live.find_program("ringside"), verb, *map(str, words)], check=True,
                        timeout=30, stdout=live.subprocess.DEVNULL,
                        env={**os.environ, **stage.environment})


def settle(agent):
    """Until the broker has nothing more to attach, and what is open is marked."""
    links = {}
    while links != (links := live.kernel_links(agent.pid)):
        time.sleep(SETTLED_S)


@contextlib.contextmanager
def attached(stage, agent, pids):
    def probes():
        return agent.probes & set(live.kernel_links(agent.pid).values())
    ringside(stage, "attach", *pids)
    live.wait_for("the probes", lambda: probes() == agent.probes, 10, 0.002)
    settle(agent)
    yield
    ringside(stage, "detach", *pids)
    live.wait_for("their end", lambda: not probes(), 10, 0.002)


@contextlib.contextmanager
def agent_of(stage, source):
    stage.environment["RINGSIDE_CAPTURE_HTTP"] = source
    agent = stage.agent().wait("/readyz")
    agent.probes = PROBES[source]
    yield agent
    agent.stop()
    stage.things.remove(agent)


def turns_by_time(stage, agent):
    def some(loaders, when):
        for _ in range(TURNS):
            for side in server_cpu.by_lot(TIMES[when]):
                loaders[side].turn()

    def turns(loaders):
        for when in server_cpu.by_lot([*TIMES]):
            if when == "without":
                some(loaders, when)
                continue
            with attached(stage, agent, loaders["attached"].server.family()):
                some(loaders, when)
                time.sleep(0.005)  # what was asked before the load was stopped
    return turns


def seen(agent, server):
    """A ratio of probes that see nothing would be 1."""
    pids = server.family()
    rows = [agent.metrics(f"?pid={pid}") for pid in pids]
    counted = sum(row["responseTimes"]["count"] for row in rows)
    if not SEEN * server.served <= counted <= server.served + server_cpu.SLACK:
        raise RuntimeError(f"{counted} of {server.served} requests were seen")


def round_of(stage, agent, options):
    """ns per request by side."""
    sides = [side for when in TIMES.values() for side in when]
    servers = {side: server_cpu.Server(stage, NAME, side, None)
               for side in server_cpu.by_lot(sides)}
    turns, core = turns_by_time(stage, agent), server_cpu.CORES[0]
    server_cpu.in_turns(stage, servers, core, WARM_S, turns)
    costs, loads = server_cpu.in_turns(stage, servers, core, options.seconds, turns)
    costs["whole"] = costs["attached"] + loads["attached"] - (loads["bare"] + loads["again"]) / 2
    seen(agent, servers["attached"])
    for server in servers.values():
        server.stop()
        shutil.rmtree(server.log.parent)
    return costs


def measure(stage, agent, options):
    rounds = [round_of(stage, agent, options) for _ in range(options.rounds)]
    return server_cpu.ratios({side: [costs[side] for costs in rounds] for side in rounds[0]}, LINES)


@contextlib.contextmanager
def run_times_counted():
    before = STATS.read_text()
    STATS.write_text("1")
    try:
        yield
    finally:
        STATS.write_text(before)


def profiled(agent):
    """Runs of the clock's program, and ns of them."""
    told = [x for x in live.kernel_programs(agent.pid) if x["prog_type"] == live.BPF_PERF_EVENT]
    if not told:
        raise RuntimeError("no profile is taken")
    return sum(x["run_cnt"] for x in told), sum(x["run_time_ns"] for x in told)


def profile(stage, agent, options):
    """The share of the CPU time of a watched server that its profile takes."""
    server = server_cpu.Server(stage, NAME, "profiled", live.find_program("libringside.so"))
    live.wait_for("it", lambda: live.fetch(
        agent.port, f"/api/performance/metrics?pid={server.family()[-1]}")[0] == 200, 10, 0.1)
    load = live.Process(stage, server.kind.load.command(server.port, options.seconds + 2),
                        stage.folder / "load")
    with run_times_counted():
        time.sleep(0.5)
        before, cpu = profiled(agent), server.cpu_ns()
        time.sleep(options.seconds)
        after, used = profiled(agent), server.cpu_ns() - cpu
    load.stop()
    server.stop()
    runs, run_ns = after[0] - before[0], after[1] - before[1]
    if not runs:
        raise RuntimeError("the kernel counted no run")
    return {"share": run_ns / used, "runs": runs, "runNs": run_ns, "cpuNs": used}


def asked():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=ENOUGH if live.FULL else 1,
                        help=f"judged from {ENOUGH} on")
    parser.add_argument("--seconds", type=int, default=4, help="of a round, all sides together")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def broken(table, share, judged):
    lines = [line for line in LINES.values()
             if judged and line in GATES and table[line]["ratio"] > GATES[line]]
    return lines + (["profile"] if share["share"] > GATES["profile"] else [])


def main():
    options = asked()
    live.need_root_and("taskset")
    os.environ["PATH"] += ":/usr/sbin"
    if missing := lacking(SERVERS[NAME]):
        live.skip(f"needs {', '.join(missing)}")
    signal.alarm((2 * options.rounds + 1) * (60 + 4 * options.seconds))
    with live.Stage() as stage:
        with agent_of(stage, "sockets") as agent:
            states = {x["name"]: x["state"] for x in agent.get("/api/health")["facilities"]}
            if "refused" in states.values():
                live.skip(f"the kernel refuses: {states}")
            table = measure(stage, agent, options) | {"gate": GATES}
            share = profile(stage, agent, options)
        with agent_of(stage, "syscalls") as agent:
            dearer = measure(stage, agent, options)
    judged = options.rounds >= ENOUGH
    bad = broken(table, share, judged)
    if options.json:
        print(json.dumps({"judged": judged, "broken": bad, "rounds": options.rounds,
                          "seconds": options.seconds, "attached": table, "syscalls": dearer, "profile": share}))
        return 1 if bad else 0
    wanted = ", ".join(f"{line} {most}" for line, most in GATES.items() if line in table)
    server_cpu.show(NAME, table | {"gate": wanted, "rounds": options.rounds}, LINES, "")
    server_cpu.show(f"{NAME} by system calls", dearer | {"gate": "nothing", "rounds": options.rounds},
                    LINES, "")
    print(f"profile, wanted {GATES['profile']:.0%}: {share['share']:.3%} of the CPU time, "
          f"{share['runNs'] / share['runs']:.0f} ns each of {share['runs']} ticks")
    print("gates: " + (f"BROKEN by {', '.join(bad)}" if bad else "held" if judged else
                       f"not judged but the profile's, {options.rounds} rounds are too few"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
