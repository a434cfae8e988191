#!/usr/bin/env python3
"""CPU per request of real servers with the shim over without it, on the smallest usual reply.

Each server runs four times: bare, bare again, with a library whose hooks only pass through (what any
preload costs), and watched. All four share one core and serve at once, 50 connections each, so that
what this machine does beside, which is worth ten percent from one second to the next, is done to all
alike. In each round all four are started anew, since where a process lies in memory alone is worth
some percent. Ratios are of one round, and to the mean of its bare sides. The bare/bare line is this
machine's noise. CPU is the server's own by the kernel's clock, requests are wrk's. wrk runs on the
servers' core: then nothing but the server and its hooks is in the figure. On another core (--apart,
not judged) each reply may have to wake that core, which in a virtual machine costs the server 2 us
or nothing, by whether it sleeps or polls just then.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

GATE = 1.05
ENOUGH = 8  # rounds: fewer cannot tell 1.04 from 1.05
CONNECTIONS = 50
WARM_S = 4  # caches, branch predictors, compilers
CORES = sorted(os.sched_getaffinity(0))
SIDES = ("bare", "again", "null", "watched")
LINES = {"again": "bare/bare", "null": "null/bare", "watched": "watched/bare"}
MODULES = "/usr/lib/apache2/modules/mod_"

APACHE = """\
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LoadModule mpm_event_module {modules}mpm_event.so
LoadModule authz_core_module {modules}authz_core.so
DocumentRoot {folder}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 64
MaxSpareThreads 64
KeepAlive On
MaxKeepAliveRequests 0
"""

NODE = """\
const page = 'x'.repeat({page});
require('http').createServer((request, reply) => reply.end(page)).listen({port}, '127.0.0.1');
"""

PYTHON = """\
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "{page}")
        self.end_headers()
        self.wfile.write(b"x" * {page})

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer.request_queue_size = 64
http.server.ThreadingHTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""

NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
	sendfile on;
	tcp_nopush on;
	access_log off;
	keepalive_requests 1000000000;
	server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


def configured(name, text, *command):
    """A server whose command ends with its own file."""
    def make(folder, port):
        file = folder / name
        file.write_text(text.format(folder=folder, port=port, page=live.PAGE, modules=MODULES))
        return [*command, file]
    return make


SERVERS = {
    "nginx": (configured("nginx.conf", NGINX, "nginx", "-c"), "nginx"),
    "node": (configured("site.js", NODE, "node"), "node"),
    "apache-event": (configured("apache.conf", APACHE, "apache2", "-DFOREGROUND", "-f"), "apache2"),
    "python-threading": (configured("site.py", PYTHON, "/usr/bin/python3"), "/usr/bin/python3"),
}


class Server(live.Process):
    def __init__(self, stage, name, side, library):
        folder = stage.folder / f"{name}-{side}"
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "index.html").write_bytes(b"x" * live.PAGE)
        self.port = live.free_port()
        self.served = 0
        environment = dict(stage.environment, RINGSIDE_SERVICE=f"{name}-{side}")
        if library:
            environment["LD_PRELOAD"] = str(library)
        command = ["taskset", "-c", str(CORES[0]), *SERVERS[name][0](folder, self.port)]
        super().__init__(stage, command, folder / "output", environment)
        live.wait_for(name, lambda: live.fetch(self.port, "/index.html")[0] == 200, 20)

    def cpu_ns(self):
        """Of all its processes and all the threads they had: the clock of a process, by its pid."""
        return sum(time.clock_gettime_ns(~pid << 3 | 2) for pid in self.family())

    def worker(self):
        return self.family()[-1]  # nginx and Apache: the child

    def round(self, core, seconds):
        """ns of CPU per request."""
        before = self.cpu_ns()
        done = subprocess.run(
            ["taskset", "-c", str(core), "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d",
             f"{seconds}s", f"http://127.0.0.1:{self.port}/index.html"],
            capture_output=True, text=True, check=True, timeout=seconds + 30)
        used = self.cpu_ns() - before
        requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
        if re.search(r"Socket errors|Non-2xx", done.stdout):
            raise RuntimeError(f"{self.log}: wrk: {done.stdout}")
        self.served += requests
        return used / requests


def checked(agent, server, rounds):
    """A ratio of a shim that is off would be 1: the agent must have counted what wrk did."""
    name = server.log.parent.name
    wanted = server.served + 1  # the first answer was ours
    got = agent.wait_for_count(wanted, 10, f"?pid={server.worker()}")["responseTimes"]["count"]
    # wrk leaves in the middle of a request on each of its connections
    if not wanted <= got <= wanted + CONNECTIONS * rounds:
        raise RuntimeError(f"{name}: {got} counted, {wanted} made")


def by_lot():
    return random.sample(SIDES, len(SIDES))


def at_once(servers, core, seconds):
    """ns per request by side."""
    costs = {}

    def one(side):
        costs[side] = servers[side].round(core, seconds)
    threads = [threading.Thread(target=one, args=(side,)) for side in by_lot()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(costs) < len(servers):
        raise RuntimeError(f"no figure of {', '.join(servers.keys() - costs.keys())}")
    return costs


def round_of(stage, agent, name, options):
    """ns per request by side, of processes that live for this round alone."""
    libraries = {"null": live.find_program("libnull_shim.so"),
                 "watched": live.find_program("libringside.so")}
    core = CORES[-1 if options.apart else 0]
    servers = {side: Server(stage, name, side, libraries.get(side)) for side in by_lot()}
    at_once(servers, core, WARM_S)
    costs = at_once(servers, core, options.seconds)
    checked(agent, servers["watched"], 2)
    for server in servers.values():
        server.stop()
        shutil.rmtree(server.log.parent)
    return costs


def measure(stage, agent, name, options):
    rounds = [round_of(stage, agent, name, options) for _ in range(options.rounds)]
    return {side: [costs[side] for costs in rounds] for side in SIDES}


def ratios(costs):
    """Per line: median, standard error, least and most of the ratios, median ns per request."""
    table = {}
    bases = {"again": costs["bare"]}
    both = [(bare + again) / 2 for bare, again in zip(costs["bare"], costs["again"])]
    for side, line in LINES.items():
        values = [cost / base for cost, base in zip(costs[side], bases.get(side, both))]
        error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None
        table[line] = {"ratio": statistics.median(values), "error": error, "min": min(values),
                       "max": max(values), "nsPerRequest": statistics.median(costs[side])}
    return table


def show(name, table, where):
    print(f"{name}{where}\n{'':16} ratio   error     min     max  ns/request")
    for line, row in table.items():
        error = "      -" if row["error"] is None else f"{row['error']:7.4f}"
        print(f"  {line:12} {row['ratio']:7.4f} {error} {row['min']:7.4f} {row['max']:7.4f} "
              f"{row['nsPerRequest']:9.0f}", flush=True)


def asked():
    full = live.FULL
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("servers", nargs="*", metavar="SERVER", help=" ".join(SERVERS))
    parser.add_argument("--rounds", type=int, default=12 if full else 1)
    parser.add_argument("--seconds", type=int, default=6 if full else 3,
                        help="of a round, all sides at once")
    parser.add_argument("--apart", action="store_true", help="the load on another core; not judged")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    unknown = set(options.servers) - set(SERVERS)
    if unknown:
        parser.error(f"no such server: {', '.join(sorted(unknown))}; there are {', '.join(SERVERS)}")
    if options.apart and len(CORES) < 2:
        parser.error("--apart needs two cores")
    options.servers = options.servers or list(SERVERS)
    return options


def main():
    options = asked()
    live.need_root_and("wrk", "taskset")
    os.environ["PATH"] += ":/usr/sbin"
    signal.alarm(len(options.servers) * options.rounds * (60 + options.seconds))
    tables = {}
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        for name in options.servers:
            if not shutil.which(SERVERS[name][1]):
                print(f"{name}: not measured, {SERVERS[name][1]} is missing", file=sys.stderr)
                continue
            tables[name] = ratios(measure(stage, agent, name, options))
            if not options.json:
                show(name, tables[name], ", the load on another core" if options.apart else "")
    judged = options.rounds >= ENOUGH and not options.apart
    broken = [name for name, table in tables.items()
              if judged and table["watched/bare"]["ratio"] > GATE]
    if options.json:
        print(json.dumps({"gate": GATE, "judged": judged, "broken": broken, "rounds":
                          options.rounds, "seconds": options.seconds, "servers": tables}))
    elif judged:
        print(f"gate {GATE}: " + (f"BROKEN by {', '.join(broken)}" if broken else "held"))
    else:
        print(f"gate {GATE}: not judged" + ("" if options.apart else
              f", {options.rounds} rounds cannot tell 1.04 from 1.05"))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
