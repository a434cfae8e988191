#!/usr/bin/env python3
"""CPU per request of real servers with the shim over without it, on the smallest usual reply.

Each server runs four times: bare, bare again, with a library whose hooks only pass through (what any
preload costs), and watched. All four share one core with their loads and take turns of 20 ms, in an
order by lot: so that what this machine does beside, which is worth ten percent from one second to the
next, is done to all alike, and yet none has to share its caches. In each round all four are started
anew, since where a process lies in memory alone is worth some percent. Ratios are of one round, and
to the mean of its bare sides. The bare/bare line is this machine's noise. CPU is
the server's own by the kernel's clock, requests are the load's. That runs on the servers' core: then
nothing but the server and its hooks is in the figure. On another core (--apart, not judged) each
reply may have to wake that core, which in a virtual machine costs the server 2 us or nothing, by
whether it sleeps or polls just then.
"""
import argparse
import contextlib
import errno
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from served import SERVERS, lacking

ENOUGH = 8  # rounds: fewer cannot tell 1.04 from 1.05
MOST = 2 * ENOUGH
SLACK = 200  # requests: of a load that is ended in their middle, and what it asks by itself
WARM_S = 4  # caches, branch predictors, compilers
TURN_S = 0.02
CORES = sorted(os.sched_getaffinity(0))
SIDES = ("bare", "again", "null", "watched")
LINES = {"again": "bare/bare", "null": "null/bare", "watched": "watched/bare"}


class Server(live.Process):
    def __init__(self, stage, name, side, library):
        folder = stage.folder / f"{name}-{side}"
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "index.html").write_bytes(b"x" * live.PAGE)
        self.port = live.free_port()
        self.kind = SERVERS[name]
        self.service = f"{name}-{side}-{self.port}"
        self.served = 0
        environment = dict(stage.environment, RINGSIDE_SERVICE=self.service)
        if library:
            environment["LD_PRELOAD"] = str(library)
        command = ["taskset", "-c", str(CORES[0]), *self.kind.make(folder, self.port)]
        super().__init__(stage, command, folder / "output", environment)
        live.wait_for(name, lambda: self.kind.answers(self.port), 30)

    def cpu_ns(self):
        """Again where one of its processes ended in the middle."""
        while True:
            try:
                return self.cpu_ns_of_all()
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ESRCH) or self.popen.poll() is not None:
                    raise

    def cpu_ns_of_all(self):
        """Of all its processes and the threads and children that they had: a process's clock, by
        its pid, and what ended children left to the first one."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ended = (int(stat[13]) + int(stat[14])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        return ended + sum(time.clock_gettime_ns(~pid << 3 | 2) for pid in self.family())


class Loader(live.Process):
    """Makes a server's load, while it is its turn."""

    def __init__(self, stage, server, core, seconds):
        self.server, self.seconds, self.before = server, seconds, server.cpu_ns()
        self.own_ns = 0  # its own CPU, without the turn in which it ends
        said = Path(tempfile.mkstemp(dir=stage.folder)[1])
        super().__init__(stage, ["taskset", "-c", str(core), *server.kind.load.command(
            server.port, seconds)], said)
        self.stop_turn()

    def turn(self):
        self.popen.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(TURN_S)
        with contextlib.suppress(OSError):
            self.own_ns = time.clock_gettime_ns(~self.pid << 3 | 2)
        self.stop_turn()

    def stop_turn(self):
        self.popen.send_signal(signal.SIGSTOP)  # nothing happens to one that has ended

    def cost(self):
        """ns of CPU per request: the server's, the load's own."""
        if self.popen.returncode:
            raise RuntimeError(f"{self.popen.args}: {self.said()}")
        requests = self.server.kind.load.tally(self.said(), self.seconds)
        self.server.served += requests
        return (self.server.cpu_ns() - self.before) / requests, self.own_ns / requests


def checked(agent, server):
    """A ratio of a shim that is off would be 1: the agent must have counted what was loaded."""
    wanted = server.served + 1  # the first answer was ours
    document = agent.wait_for_count(wanted, 10, f"?service={server.service}")
    got = document["responseTimes"]["count"]
    if not wanted <= got <= wanted + SLACK:
        raise RuntimeError(f"{server.service}: {got} counted, {wanted} made")


def by_lot(sides=SIDES):
    return random.sample(sides, len(sides))


def turns_of_all(loaders):
    for side in by_lot():
        loaders[side].turn()


def in_turns(stage, servers, core, seconds, turns=turns_of_all):
    """ns per request by side, of servers and of loads; turns lets each have some."""
    loaders = {side: Loader(stage, servers[side], core, seconds) for side in by_lot([*servers])}
    while any(loader.popen.poll() is None for loader in loaders.values()):
        turns(loaders)
    for loader in loaders.values():
        stage.things.remove(loader)
    costs = {side: loader.cost() for side, loader in loaders.items()}
    return tuple({side: cost[i] for side, cost in costs.items()} for i in range(2))


def round_of(stage, agent, name, options):
    """ns per request by side, of processes that live for this round alone."""
    libraries = {"null": live.find_program("libnull_shim.so"),
                 "watched": live.find_program("libringside.so")}
    core = CORES[-1 if options.apart else 0]
    servers = {side: Server(stage, name, side, libraries.get(side)) for side in by_lot()}
    in_turns(stage, servers, core, WARM_S)
    costs, _ = in_turns(stage, servers, core, options.seconds)
    checked(agent, servers["watched"])
    for server in servers.values():
        server.stop()
        shutil.rmtree(server.log.parent)
    return costs


def measure(stage, agent, name, options):
    """Goes on, within bounds, while the error leaves open on which side of the gate the ratio is."""
    rounds = []
    while len(rounds) < options.rounds or (options.more and len(rounds) < MOST and near_gate(
            rounds, SERVERS[name].gate)):
        rounds.append(round_of(stage, agent, name, options))
    return by_side(rounds)


def by_side(rounds):
    return {side: [costs[side] for costs in rounds] for side in SIDES}


def near_gate(rounds, gate):
    row = ratios(by_side(rounds), LINES)["watched/bare"]
    return abs(row["ratio"] - gate) < 2 * row["error"]


def ratios(costs, lines):
    """Per line: median, standard error, least and most of the ratios, median ns per request."""
    table = {}
    bases = {"again": costs["bare"]}
    both = [(bare + again) / 2 for bare, again in zip(costs["bare"], costs["again"])]
    for side, line in lines.items():
        values = [cost / base for cost, base in zip(costs[side], bases.get(side, both))]
        error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
        table[line] = {"ratio": statistics.median(values), "error": error, "min": min(values),
                       "max": max(values), "nsPerRequest": statistics.median(costs[side])}
    return table


def show(name, table, lines, where):
    print(f"{name}, wanted {table['gate']}, {table['rounds']} rounds{where}\n{'':16} ratio   error     min     max  ns/request")
    for line in lines.values():
        row = table[line]
        error = "      -" if row["error"] is None else f"{row['error']:7.4f}"
        print(f"  {line:12} {row['ratio']:7.4f} {error} {row['min']:7.4f} {row['max']:7.4f} "
              f"{row['nsPerRequest']:9.0f}", flush=True)


def asked():
    full = live.FULL
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("servers", nargs="*", metavar="SERVER", help=" ".join(SERVERS))
    parser.add_argument("--rounds", type=int, help=(
        f"of each server; in the full form {ENOUGH}, and up to {MOST} while the gate lies within two "
        "standard errors; else 1"))
    parser.add_argument("--seconds", type=int, default=6 if full else 3,
                        help="of a round, all sides together")
    parser.add_argument("--apart", action="store_true", help="the load on another core; not judged")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    unknown = set(options.servers) - set(SERVERS)
    if unknown:
        parser.error(f"no such server: {', '.join(sorted(unknown))}; there are {', '.join(SERVERS)}")
    if options.apart and len(CORES) < 2:
        parser.error("--apart needs two cores")
    options.servers = options.servers or list(SERVERS)
    options.more = full and not options.rounds
    options.rounds = options.rounds or (ENOUGH if full else 1)
    return options


def main():
    options = asked()
    live.need_root_and("taskset")
    os.environ["PATH"] += ":/usr/sbin"
    signal.alarm(len(options.servers) * (MOST if options.more else options.rounds) *
                 (90 + 4 * options.seconds))
    tables = {}
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        for name in options.servers:
            if missing := lacking(SERVERS[name]):
                print(f"{name}: not measured, {', '.join(missing)} is missing", file=sys.stderr)
                continue
            costs = measure(stage, agent, name, options)
            tables[name] = ratios(costs, LINES)
            tables[name] |= {"gate": SERVERS[name].gate, "rounds": len(costs["bare"])}
            if not options.json:
                show(name, tables[name], LINES, ", the load on another core" if options.apart else "")
    if not tables:
        live.skip("nothing could be measured")
    judged = options.rounds >= ENOUGH and not options.apart
    broken = [name for name, table in tables.items()
              if judged and table["watched/bare"]["ratio"] > SERVERS[name].gate]
    if options.json:
        print(json.dumps({"judged": judged, "broken": broken, "seconds": options.seconds,
                          "servers": tables}))
    elif judged:
        print("gates: " + (f"BROKEN by {', '.join(broken)}" if broken else "held"))
    else:
        print("gates: not judged" + ("" if options.apart else
              f", {options.rounds} rounds cannot tell 1.04 from 1.05"))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
