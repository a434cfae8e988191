#!/usr/bin/env python3
"""Hits of the cache's entries, a second and in CPU: from memory beside the same bytes as a file of
nginx's, and from Redis beside redis-benchmark, in one run.

What asks (wrk, redis-benchmark) runs on one core, and who answers on the other, by turns that change
places each round; the agent answers a hit from Redis with both of them on its core. The line
nginx/nginx compares it with itself, started a second time: this machine's noise. Each hit from Redis
is of another key than the thousands before, and memory has room for one.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flow"))
import live
from redis_live import Server

GATES = {"rate": 0.9, "cpu": 2, "redis": 0.7}
CORES = sorted(os.sched_getaffinity(0))
CONNECTIONS, KEYS = 50, 20000

LUA = """\
local n = {seed} * 4999
request = function()
	n = n + 1
	return wrk.format("GET", "/api/cache/entries/k" .. n % {keys})
end
"""


def pin(pid):
    for one in live.proc_children(pid):
        subprocess.run(["taskset", "-a", "-c", "-p", str(CORES[0]), str(one)], check=True,
                       stdout=subprocess.DEVNULL)


def load(port, path, seconds, script=None, token=None):
    """Requests a second, and how many; all of them answered 200."""
    command = ["taskset", "-c", str(CORES[-1]), "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d",
               f"{seconds}s", *(["-s", str(script)] if script else []),
               *(["-H", f"Authorization: Bearer {token}"] if token else [])]
    out = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True,
                         text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(out)
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
            int(re.search(r"(\d+) requests in", out).group(1)))


def redis_rate(port, seconds):
    """redis-benchmark's, of values as long as ours."""
    out = subprocess.run(["taskset", "-c", str(CORES[-1]), "redis-benchmark", "-p", str(port), "-P",
                          "1", "-c", str(CONNECTIONS), "-n", str(60000 * seconds), "-d",
                          str(live.PAGE), "-r", "100000", "-t", "get", "--csv"],
                         capture_output=True, text=True, check=True).stdout
    return float(out.splitlines()[-1].split(",")[1].strip('"'))


def configured(stage, name, redis, items):
    folder = stage.folder / name
    folder.mkdir()
    port = live.free_port()
    file = folder / "ringside.json"
    file.write_text(json.dumps({"redis": {"url": redis.url()}, "cache": {"max_memory_items": items}}))
    agent = live.Process(stage, [live.find_program("ringsided"), "--listen", f"127.0.0.1:{port}",
                                 "--config", file, "--run-dir", folder / "run", "--state-dir",
                                 folder / "state"], folder / "log")
    agent.port = port
    live.wait_for(name, lambda: live.fetch(port, "/readyz")[0] == 200, 10)
    agent.token = (folder / "run" / "token").read_text().strip()
    pin(agent.pid)
    return agent


def put(agent, key, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{agent.port}/api/cache/entries/{key}?ttl=3600", data=body, method="PUT",
        headers={"Authorization": f"Bearer {agent.token}", "Content-Type": "text/plain"})
    urllib.request.urlopen(request, timeout=5).read()


def agent_turn(agent, path, seconds, script=None):
    """Hits a second, ns of the agent's CPU for each."""
    def cpu():
        return sum(map(live.proc_cpu_ns, live.proc_children(agent.pid)))
    before = cpu()
    rate, count = load(agent.port, path, seconds, script, agent.token)
    return rate, (cpu() - before) / count


def tiers_of(agent):
    """Hits from Redis, and from memory."""
    stats = json.loads(live.fetch(agent.port, "/api/cache/stats")[2])["data"]
    return stats["redis"]["hits"], stats["memory"]["hits"]


def fill(stage, redis):
    """By an agent of its own, so that the values are as an agent writes them."""
    writer = configured(stage, "writer", redis, 10)
    body = b"r" * live.PAGE
    for number in range(KEYS):
        put(writer, f"k{number}", body)
    live.wait_for("all to be in Redis", lambda: int(redis.cli("dbsize")) >= KEYS, 20)
    writer.stop()


def measure(sides, redis, script, rounds, seconds):
    got = {name: [] for name in ("nginx", "again", "memory", "redis", "benchmark")}
    for turn in range(rounds):
        script.write_text(LUA.format(seed=turn, keys=KEYS))
        turns = [("nginx", lambda: load(sides["nginx"].port, "/index.html", seconds)),
                 ("again", lambda: load(sides["again"].port, "/index.html", seconds)),
                 ("memory", lambda: agent_turn(sides["memory"], "/api/cache/entries/hot", seconds)),
                 ("redis", lambda: agent_turn(sides["redis"], "/", seconds, script)),
                 ("benchmark", lambda: (redis_rate(redis.port, seconds), 0))]
        for name, work in turns[turn % len(turns):] + turns[:turn % len(turns)]:
            got[name].append(work())
    return got


def ratio(of, over, which=0):
    return statistics.median(a[which] / b[which] for a, b in zip(of, over))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=9 if live.FULL else 3)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    live.need_root_and("nginx", "wrk", "taskset", "redis-server", "redis-benchmark")
    if len(CORES) < 2:
        live.skip("needs two cores")
    with live.Stage() as stage:
        redis = Server(stage)
        pin(redis.process.pid)
        sides = {name: stage.nginx(name, shim=False, log=False, workers=1, keepalive=100000000)
                 for name in ("nginx", "again")}
        for side in sides.values():
            pin(side.pid)
        fill(stage, redis)
        sides["memory"] = configured(stage, "memory", redis, 1000)
        put(sides["memory"], "hot", b"r" * live.PAGE)
        sides["redis"] = configured(stage, "redis", redis, 1)
        got = measure(sides, redis, stage.folder / "keys.lua", arguments.rounds, arguments.seconds)
        tiers = tiers_of(sides["redis"])
    for name, turns in got.items():
        rate, cpu = (statistics.median(x[i] for x in turns) for i in (0, 1))
        print(f"{name:9} {rate:9.0f}/s" + (f"  {cpu / 1000:6.2f} us a hit" if name in ("memory", "redis")
                                           else ""))
    rate, cpu = ratio(got["memory"], got["nginx"]), ratio(got["redis"], got["memory"], 1)
    through = ratio(got["redis"], got["benchmark"])
    print(f"nginx/nginx             {ratio(got['again'], got['nginx']):.3f}")
    print(f"memory/nginx            {rate:.3f} (at least {GATES['rate']})")
    print(f"redis/memory, CPU       {cpu:.3f} (at most {GATES['cpu']})")
    print(f"redis/redis-benchmark   {through:.3f} (at least {GATES['redis']})")
    print(f"of the last agent's hits {tiers[0]} from Redis, {tiers[1]} from memory")
    if tiers[1] > tiers[0] / 100:
        print("these were not hits from Redis")
        return 1
    good = rate >= GATES["rate"] and cpu <= GATES["cpu"] and through >= GATES["redis"]
    return 0 if good or not live.FULL else 1


if __name__ == "__main__":
    sys.exit(main())
