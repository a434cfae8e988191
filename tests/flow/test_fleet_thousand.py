#!/usr/bin/env python3
"""A fleet of a thousand: the parcels that as many agents would put into a Redis, and what one agent
tells of them: all requests exactly, in how long, and at what cost. Then four times as much, which may
be more than can be read in time: then the answer says so, and no other answer waits for it. And on a
cluster of which a master dies.
"""
import json
import os
import signal
import subprocess
import sys
import time

from redis_live import Failed, Server, check, live
from test_fleet import AT_ONCE, PATHS, PATIENCE, replicas_have_all, stamp
from test_redis_cluster import Cluster

HOSTS = int(os.environ.get("RINGSIDE_FLEET_HOSTS", "1000"))
SLOTS, ROUTES, REQUESTS = 30, 10, 100
FRESH = 5  # seconds that a view is good for


def fill(node, hosts, services, shared=False):
    """Bytes a second of one agent. shared: the node takes what is in its slots, and refuses the rest."""
    now_ms = int(node.cli("time").split()[0]) * 1000
    driver = subprocess.Popen([live.find_program("fleet_driver"), "0", str(hosts), str(services),
                               str(ROUTES), str(SLOTS), str(now_ms), "ringside:"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pipe = subprocess.run(["redis-cli", "-p", str(node.port), "--pipe"], stdin=driver.stdout,
                          capture_output=True, text=True, timeout=120)
    check(shared or "errors: 0" in pipe.stdout, pipe.stdout.strip().splitlines()[-1])
    return float(driver.stderr.read())


def agent_of(stage, urls):
    (stage.folder / "ringside.json").write_text(json.dumps({
        "redis": {"url": urls, "aggregates": True, "timeout": "2s"},
        "fleet": {"host": "asker"}}))
    return stage.agent().wait("/readyz")


def cpu(agent):
    total = 0
    for pid in agent.family():
        fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def ask(agent, path):
    began = time.monotonic()
    status, _, body = live.fetch(agent.port, path, timeout=20)
    return status, json.loads(body), time.monotonic() - began, len(body)


def tell(agent, path, what):
    before = cpu(agent)
    status, document, took, size = ask(agent, path)
    if status != 200:
        raise Failed(f"{path}: {status} {document}")
    fleet = document["data"]["fleet"]
    print(f"      {what}: answered after {took * 1000:.0f} ms ({fleet['tookMs']:.0f} ms of it "
          f"gathering {fleet['keysRead']} values, {fleet['bytesRead'] / 1e6:.1f} MB), "
          f"{cpu(agent) - before:.2f} s of CPU, {size / 1e3:.0f} kB, {fleet['live']} live, "
          f"{fleet['completeness']:.1f} % told, cut: {fleet['cut']}")
    return document["data"], took


def a_thousand(stage):
    server = Server(stage)
    rate = fill(server, HOSTS, 1)
    agent = agent_of(stage, server.url())
    live.wait_for("the Redis", lambda: ask(agent, PATHS[0])[0] == 200, PATIENCE, 0.1)
    keys = int(server.cli("dbsize"))
    used = int(next(x for x in server.cli("info", "memory").splitlines()
                    if x.startswith("used_memory:")).split(":")[1])
    print(f"      {HOSTS} agents, a service of {ROUTES} routes each: {rate:.0f} bytes a second each, "
          f"{keys} keys, {used / 1e6:.0f} MB in the Redis for five minutes")
    check(rate < 65536, "each within its budget")
    data, took = tell(agent, PATHS[0] + "?limit=1000", "hosts")
    check(data["fleet"]["live"] >= HOSTS, f"all live, {took * 1000:.0f} ms")
    wanted = HOSTS * SLOTS * REQUESTS

    def whole():
        """On a machine that is busy with something else the first one may be cut."""
        told = tell(agent, PATHS[2] + "?service=service-0&window=5m", "metrics")
        count = told[0]["responseTimes"]["count"]
        if (told[0]["fleet"]["cut"] is None) != (count == wanted):
            raise Failed(f"{count} of {wanted} requests, cut: {told[0]['fleet']['cut']}")
        return told if count == wanted else None
    data, took = live.wait_for("a whole view", whole, PATIENCE, FRESH + 0.5)
    check(took < 2 * AT_ONCE, f"{wanted} of {wanted} requests after {took:.2f} s")
    _, again, _, _ = ask(agent, PATHS[2] + "?service=service-0&window=5m")
    later = stamp(again["data"]["timestamp"]) - stamp(data["timestamp"])
    check(later == 0 or later >= FRESH, "who asks the same gets the same")
    agent.stop()
    server.kill()


def while_it_gathers(stage):
    """Other requests are answered while a view is gathered."""
    server = Server(stage)
    fill(server, HOSTS, 4)
    agent = agent_of(stage, server.url())
    live.wait_for("the Redis", lambda: ask(agent, PATHS[0])[0] == 200, PATIENCE, 0.1)
    body = stage.folder / "answer"
    asker = subprocess.Popen(["curl", "-s", "-o", str(body),
                              f"http://127.0.0.1:{agent.port}{PATHS[1]}"])
    slowest, count = 0.0, 0
    while asker.poll() is None:
        slowest, count = max(slowest, ask(agent, "/healthz")[2]), count + 1
    data = json.loads(body.read_text())["data"]
    print(f"      four services each: cut: {data['fleet']['cut']}, "
          f"{data['fleet']['completeness']:.0f} % told, {data['fleet']['tookMs']:.0f} ms")
    told = sum(h["toldSeconds"] for h in data["hosts"])
    check(data["fleet"]["cut"] in ("time", None) and data["fleet"]["tookMs"] < 10000 and
          (data["fleet"]["cut"] is None) == (told >= HOSTS * SLOTS * 10),
          "what is too much is cut in time, and says so")
    check(count > 20 and slowest < AT_ONCE,
          f"{count} other answers meanwhile: {slowest * 1000:.0f} ms at most")
    agent.stop()
    server.kill()


def a_master_dies(stage):
    """Every answer is the whole sum, or says that it is not, or that there is none."""
    six = Cluster(stage)
    masters = [n for n in six.nodes if "role:master" in n.cli("info", "replication")]
    for node in masters:
        fill(node, HOSTS, 1, shared=True)
    check(sum(int(n.cli("dbsize")) for n in masters) == HOSTS * (SLOTS + 2) + 1, "a cluster has it all")
    agent = agent_of(stage, six.urls())
    wanted, answers = HOSTS * SLOTS * REQUESTS, []

    def whole():
        """In 15 minutes there is room for what they told five minutes of, however long this takes."""
        status, document, took, _ = ask(agent, PATHS[2] + "?window=15m" + more)
        answers.append(took)
        if status != 200:
            return False
        data = document["data"]
        fleet, count = data["fleet"], data["responseTimes"]["count"]
        says = fleet["cut"] or fleet["unread"] or fleet["valuesUnread"] or fleet["valuesRefused"]
        if count > wanted or (count < wanted) != bool(says):
            raise Failed(f"{count} of {wanted} requests: {fleet}")
        seen.add(count)
        return count == wanted and stamp(data["timestamp"]) > since
    seen, since, more = set(), 0, ""
    live.wait_for("the whole sum", whole, PATIENCE, 0.5)
    check(True, f"{wanted} of {wanted} requests out of a cluster: {answers[-1]:.2f} s")
    index = six.master_of(int(masters[0].cli("cluster", "keyslot", "ringside:fleet:hosts")))
    master = next(n for n in masters if n is not index)
    replicas_have_all(master)
    master.kill()
    seen, since, answers = set(), time.time(), []
    more = "&service=service-0"  # the same otherwise, but for a view that was made before
    live.wait_for("the whole sum again", whole, PATIENCE, 0.5)
    check(max(answers) < 4 * AT_ONCE, f"a master dies: all of it again after {time.time() - since:.1f} s, "
          f"{len(answers)} answers meanwhile, {max(answers):.2f} s at most, of {sorted(seen)}")
    agent.stop()


def main():
    live.need_root_and("redis-server", "redis-cli", "curl")
    signal.alarm(280)
    with live.Stage() as stage:
        a_thousand(stage)
        while_it_gathers(stage)
        a_master_dies(stage)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"WRONG {failure}")
        sys.exit(1)
