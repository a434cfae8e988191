#!/usr/bin/env python3
"""cache.proxy beside nginx's proxy_cache: hits a second, and the CPU of a miss, in one run.

Both stand in front of the same nginx, hold the same replies and are asked by the same load (wrk), in
turns that change places each round; what asks runs on one core, who answers on the other. A hit is
judged by requests a second at full speed, as each side has the core for itself then; a miss, each of
an address of its own, by the CPU time that its process takes for one, the upstream's left out. The
line nginx/nginx compares it with itself, started a second time: this machine's noise. Its cache lies
in memory too (/dev/shm), so that no disk is measured; the line plain is its proxy without any cache,
which keeps nothing of what passes.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

GATES = {"hit": 0.8, "miss": 1.15}  # of nginx's requests a second, at least; of its CPU, at most
CORES = sorted(os.sched_getaffinity(0))
SIDES = ("nginx", "again", "ringside", "plain")
CONNECTIONS = 50

NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/temp;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	keepalive_requests 100000000;
	proxy_cache_path {cache} levels=1:2 keys_zone=c:64m max_size=1g use_temp_path=off;
	open_file_cache max=10000;
	upstream behind {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
	server {{
		listen 127.0.0.1:{port};
		location / {{
			proxy_pass http://behind;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			proxy_cache c;
			proxy_cache_valid 200 1h;
			proxy_cache_lock on;
			add_header X-Cache $upstream_cache_status;
		}}
	}}
	server {{
		listen 127.0.0.1:{plain};
		location / {{
			proxy_pass http://behind;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
		}}
	}}
}}
"""

LUA = """\
local n = {seed} * 100000000
request = function()
	n = n + 1
	return wrk.format("GET", "/index.html?" .. n)
end
"""


class Proxy(live.Process):
    """An nginx in front of another one."""
    def __init__(self, stage, name, upstream):
        folder = stage.folder / name
        folder.mkdir()
        folder.chmod(0o777)
        self.port, self.plain = live.free_port(), live.free_port()
        self.cache = tempfile.mkdtemp(prefix="ringside-", dir="/dev/shm")
        os.chmod(self.cache, 0o777)
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, cache=self.cache, port=self.port,
                                       plain=self.plain, upstream=upstream))
        super().__init__(stage, ["taskset", "-c", str(CORES[0]), shutil.which("nginx"), "-c", config],
                         folder / "output")
        live.wait_for(name, lambda: live.fetch(self.port, "/index.html")[0] == 200, 10)

    def cpu_ns(self):
        return sum(map(live.proc_cpu_ns, live.proc_children(self.pid)))

    def stop(self, *arguments):
        try:
            return super().stop(*arguments)
        finally:
            shutil.rmtree(self.cache)


class Asked:
    """A process, and the port of it that is asked."""
    def __init__(self, cpu_ns, port):
        self.cpu_ns, self.port = cpu_ns, port


def load(port, seconds, script=None):
    """Requests a second and how many there were; all of them answered 200."""
    command = ["taskset", "-c", str(CORES[-1]), "wrk", "-t", "1", "-c", str(CONNECTIONS),
               "-d", f"{seconds}s", "-H", "Connection: keep-alive"]
    if script:
        command += ["-s", str(script)]
    out = subprocess.run([*command, f"http://127.0.0.1:{port}/index.html"], capture_output=True,
                         text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(out)
    count = int(re.search(r"(\d+) requests in", out).group(1))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), count


def measure(sides, seconds, rounds, folder):
    hits, misses = ({side: [] for side in SIDES} for _ in range(2))
    script = folder / "miss.lua"
    for turn in range(rounds):
        order = SIDES[turn % len(SIDES):] + SIDES[:turn % len(SIDES)]
        for side in order:
            if side == "plain":
                continue
            hits[side].append(load(sides[side].port, seconds)[0])
        for side in order:
            script.write_text(LUA.format(seed=turn * len(SIDES) + SIDES.index(side) + 1))
            before = sides[side].cpu_ns()
            count = load(sides[side].port, seconds, script)[1]
            misses[side].append((sides[side].cpu_ns() - before) / count)
    return hits, misses


def ratio(of, over):
    return statistics.median(a / b for a, b in zip(of, over))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=9 if live.FULL else 3)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    live.need_root_and("nginx", "wrk", "taskset")
    if len(CORES) < 2:
        live.skip("needs two cores")
    with live.Stage() as stage:
        upstream = stage.nginx(shim=False, log=False, workers=1, keepalive=100000000)
        os.sched_setaffinity(0, CORES)
        port = live.free_port()
        (stage.folder / "ringside.json").write_text(json.dumps({"cache": {
            "max_memory_items": 1000000, "max_memory_bytes": "1GiB", "proxy": [{
                "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream.port}",
                "rules": [{"match": "*", "ttl": "1h"}]}]}}))
        agent = stage.agent().wait("/readyz")
        for pid in [*live.proc_children(agent.pid)]:
            subprocess.run(["taskset", "-a", "-c", "-p", str(CORES[0]), str(pid)], check=False,
                           stdout=subprocess.DEVNULL)
        one, two = Proxy(stage, "one", upstream.port), Proxy(stage, "two", upstream.port)
        sides = {"nginx": one, "again": two, "plain": Asked(one.cpu_ns, one.plain),
                 "ringside": Asked(lambda: sum(map(live.proc_cpu_ns,
                                                   live.proc_children(agent.pid))), port)}
        time.sleep(1)
        hits, misses = measure(sides, arguments.seconds, arguments.rounds, stage.folder)
    for side in SIDES:
        rate = f"{statistics.median(hits[side]):.0f}" if hits[side] else "-"
        print(f"{side:9} {rate:>9} hits/s  {statistics.median(misses[side]) / 1000:7.2f} us a miss")
    print(f"nginx/nginx    hits {ratio(hits['again'], hits['nginx']):.3f}  "
          f"miss {ratio(misses['again'], misses['nginx']):.3f}")
    of_plain = ratio(misses["ringside"], misses["plain"])
    print(f"ringside/plain              miss {of_plain:.3f} (at most {GATES['miss']})")
    of_hit = ratio(hits["ringside"], hits["nginx"])
    of_miss = ratio(misses["ringside"], misses["nginx"])
    print(f"ringside/nginx hits {of_hit:.3f} (at least {GATES['hit']})  "
          f"miss {of_miss:.3f} (at most {GATES['miss']})")
    good = of_hit >= GATES["hit"] and max(of_miss, of_plain) <= GATES["miss"]
    return 0 if good or not live.FULL else 1


if __name__ == "__main__":
    sys.exit(main())
