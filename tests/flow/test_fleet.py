#!/usr/bin/env python3
"""A fleet: three agents that share a Redis, or a Cluster of six nodes, each with an nginx under load.

What any of them tells of all is exactly what the servers logged; a host that is killed is told as
gone within the time that it gave itself, and what it had told stays counted; while the Redis is away
the answer says so and since when, and no other answer waits for it; a master of the cluster that is
killed costs nothing but the time of the failover. Both fleets are there at once, as they mostly wait.
"""
import contextlib
import datetime
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time

from redis_live import Failed, Server, check, live
import schema
from test_redis_cluster import Cluster

GONE_AFTER = 6  # seconds, as configured
SLOT = 10 + 4   # seconds until what is counted now is in a slot that is complete
PATIENCE = 60   # … for what comes sooner where nothing else is to be done
AT_ONCE = 3     # seconds: who waits for a Redis waits longer than whoever waits for the processor
PATHS = ("/api/fleet/hosts", "/api/fleet/services", "/api/fleet/performance/metrics",
         "/api/fleet/alerts")
RULE = [{"name": "any-error", "metric": "requests.errors", "window": "1m", "scope": {"service": "*"},
         "warning": {"above": 0.1, "clear": 0.05}, "for": "1 of 1", "min_count": 1}]


class Host:
    """An agent of its own stage and name, and its nginx."""
    def __init__(self, stage, name, urls, nginx=True):
        self.stage, self.name, self.urls = stage, name, urls
        rules = stage.folder / "rules"
        rules.mkdir(exist_ok=True)
        (rules / "own.json").write_text(json.dumps(RULE))
        (stage.folder / "ringside.json").write_text(json.dumps({
            "redis": {"url": urls, "aggregates": True},
            "alerts": {"rules_dir": str(rules), "check_interval": "1s"},
            "fleet": {"host": name, "gone_after": f"{GONE_AFTER}s"}}))
        self.agent = stage.agent().wait("/readyz")
        self.nginx = stage.nginx() if nginx else None

    def load(self, count, path="/index.html"):
        live.ab(f"http://127.0.0.1:{self.nginx.port}{path}", count, "-k", connections=4)

    def ask(self, path, seconds=10):
        """(status, document, how long it took)"""
        began = time.monotonic()
        status, _, body = live.fetch(self.agent.port, path, timeout=seconds)
        return status, json.loads(body), time.monotonic() - began

    def get(self, path):
        status, document, _ = self.ask(path)
        if status != 200:
            raise Failed(f"{path}: {status} {document}")
        return document["data"]

    def counted(self):
        """Requests that its server had, those that it does not log included."""
        return len(self.nginx.lines()) + self.nginx.own_requests

    def kill(self):
        for pid in self.agent.family():
            os.kill(pid, signal.SIGKILL)
        self.agent.stop()


def stamp(text):
    """Seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def count_of(host, query="?window=5m"):
    status, document, _ = host.ask("/api/fleet/performance/metrics" + query)
    return document["data"]["responseTimes"]["count"] if status == 200 else -1


def wait_for_sum(hosts, asked, query="?window=5m&service=nginx", seconds=2 * SLOT + PATIENCE):
    wanted = sum(h.counted() for h in hosts)
    try:
        live.wait_for("all to be told", lambda: count_of(asked, query) >= wanted, seconds, 0.5)
    except TimeoutError:
        raise Failed(f"{count_of(asked, query)} of {wanted} requests: {asked.get(PATHS[2])}") from None
    check(count_of(asked, query) == wanted,
          f"{asked.name} tells {wanted} requests of {len(hosts)} hosts: exactly what they logged")
    return wanted


def states(host):
    return {h["host"]: h["state"] for h in host.get(PATHS[0])["hosts"]}


def sums(hosts):
    for host, count in zip(hosts, (3000, 2000, 700)):
        host.load(count)
    hosts[1].load(40, "/error")
    for host in hosts:
        wait_for_sum(hosts, host)
    data = hosts[0].get(PATHS[2] + "?service=nginx")
    classes = sum((h.nginx.classes() for h in hosts), start=type(hosts[0].nginx.classes())())
    classes["2xx"] += sum(h.nginx.own_requests for h in hosts)
    got = {k: v for k, v in data["status"].items() if v}
    check(got == dict(classes), f"by class of status, too: {got}")
    own = [h.agent.metrics("?window=5m&service=nginx") for h in hosts]
    check(data["responseTimes"]["slowest"] == max(o["responseTimes"]["slowest"] for o in own) and
          data["responseTimes"]["min"] == min(o["responseTimes"]["min"] for o in own),
          "the slowest and the fastest of all are those of one of them")
    mids = sorted(o["responseTimes"]["p50"] for o in own)
    check(mids[0] <= data["responseTimes"]["p50"] <= mids[-1] and
          data["responseTimes"]["p50"] <= data["responseTimes"]["p95"], "p50 lies among theirs")
    check(data["capture"]["completeness"] == 100 and data["fleet"]["cut"] is None,
          f"all of it is there: {data['capture']}, cut: {data['fleet']['cut']}")
    rows = hosts[2].get(PATHS[1])["services"]
    check([(r["service"], r["hosts"]) for r in rows if r["service"] == "nginx"] == [("nginx", 3)],
          "one row for the service of three hosts")
    each = {h["host"]: h["count"] for h in data["hosts"]}
    check(each == {h.name: h.counted() for h in hosts}, f"and what is of which host: {each}")
    route = count_of(hosts[1], "?service=nginx&route=/error")
    check(route == 40, f"of one route: {route}")
    check(hosts[0].ask(PATHS[2] + "?service=none")[0] == 404, "404 for a service that nobody has")


def shapes(hosts):
    document = json.loads(live.fetch(hosts[0].agent.port, "/api/openapi.json")[2])
    for path in PATHS:
        for query in ("", "?window=1h", "?window=7d") if path != PATHS[3] else ("", "?limit=1"):
            form = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
            status, reply, _ = hosts[0].ask(path + query)
            found = schema.findings(document, form["schema"], reply, path)
            check(status == 200 and not found, f"{path}{query}: as described {found or ''}")
    past = f"?from={int(time.time()) - 60}&to={int(time.time())}"
    check(hosts[0].ask(PATHS[0] + past)[0] == 400, "400 for a window of the past")


def alerts(hosts):
    def fired():
        return [a for a in hosts[0].get(PATHS[3])["alerts"] if a["rule"] == "any-error"]
    hosts[1].load(40, "/error")
    live.wait_for("the alert", fired, PATIENCE, 0.5)
    found = fired()[0]
    check(found["host"] == hosts[1].name and found["labels"]["service"] == "nginx",
          f"an alert of {found['host']} is told by {hosts[0].name}: {found['summary'][:60]}")


def command(stage, *words):
    return subprocess.run([live.find_program("ringside"), "fleet", *words, "--run-dir", stage.run_dir],
                          capture_output=True, text=True, timeout=20)


def commands(hosts, code):
    def ended():
        said = command(hosts[0].stage, "hosts")
        return said.stdout if said.returncode == code else None
    told = live.wait_for(f"ringside fleet hosts to end with {code}", ended, PATIENCE, 0.5)
    check(all(h.name in told for h in hosts), f"ringside fleet hosts ends with {code}:\n{told}")
    said = command(hosts[0].stage, "services", "--json")
    check(json.loads(said.stdout)["data"]["services"], "ringside fleet services --json")
    check("nginx" in command(hosts[0].stage, "services", "--window", "1h").stdout, "and as a table")


def row_of(asked, host, path=PATHS[0]):
    return next(h for h in asked.get(path)["hosts"] if h["host"] == host.name)


def a_host_is_killed(hosts):
    asked, killed = hosts[0], hosts[2]
    killed.kill()
    began = time.monotonic()

    def gone():
        row = row_of(asked, killed)
        if (row["state"] == "gone") != (row["ageMs"] > GONE_AFTER * 1000):
            raise Failed(f"{row}")
        return row if row["state"] == "gone" else None
    row = live.wait_for("it to be gone", gone, PATIENCE, 0.2)
    check(True, f"a killed host is told as gone after {time.monotonic() - began:.1f} s")
    live.wait_for("the others to live", lambda: sorted(states(asked).values()) ==
                  ["gone", "live", "live"], PATIENCE, 0.2)

    def later():
        data = asked.get(PATHS[2] + "?window=15m&service=nginx")
        return data if stamp(data["timestamp"]) > stamp(row["goneSince"]) else None
    data = live.wait_for("a view of later", later, PATIENCE, 0.5)
    counts = {h["host"]: h["count"] for h in data["hosts"]}
    check(counts[killed.name] == killed.counted(), f"what it told is counted still: {counts}")


def its_window_goes_on(hosts):
    """Of what is after its end a host has told nothing."""
    live.wait_for("it to be incomplete", lambda:
                  row_of(hosts[0], hosts[2], PATHS[1] + "?window=10s")["completeness"] == 0 and
                  row_of(hosts[0], hosts[0], PATHS[1] + "?window=10s")["completeness"] == 100,
                  PATIENCE + 30, 0.5)
    check(True, "of a window after its end it has told nothing, and the others all")


def a_name_twice(hosts):
    """Whoever starts with the name of a host that lives is told so, and so is the host."""
    twin = Host(hosts[2].stage, hosts[1].name, hosts[2].urls, nginx=False)

    def told(host):
        return any(p["name"] == "fleet" and "another agent" in p["reason"]
                   for p in host.agent.get("/api/health")["parts"])
    live.wait_for("both to say so", lambda: told(twin) and told(hosts[1]), PATIENCE, 0.2)
    check(True, "two agents of one name: both say so in health")
    twin.agent.stop()


def redis_away(hosts, server):
    server.kill()
    host = hosts[0]
    live.wait_for("503", lambda: host.ask(PATHS[2])[0] == 503, PATIENCE, 0.2)
    status, document, took = host.ask(PATHS[0])
    error = document["error"]
    check(status == 503 and error["code"] == "redis_away" and " since 20" in error["message"],
          f"Redis killed: {error['message']}")
    check(took < AT_ONCE, f"told after {took * 1000:.0f} ms")
    slowest = max(host.ask("/healthz")[2] for _ in range(200))
    check(slowest < AT_ONCE, f"no other answer waits: {slowest * 1000:.1f} ms at most")
    check(command(host.stage, "hosts").returncode == 1, "ringside fleet hosts says so, too")
    server.start()
    began = time.monotonic()
    live.wait_for("the hosts", lambda: host.ask(PATHS[0])[0] == 200 and
                  list(states(host).values()) == ["live", "live"], PATIENCE, 0.2)
    check(True, f"back, and empty: the hosts that live are there after {time.monotonic() - began:.1f} s")
    server.signal(signal.SIGSTOP)
    live.wait_for("503", lambda: host.ask(PATHS[2])[0] == 503, PATIENCE, 0.2)
    check(host.ask("/healthz")[2] < AT_ONCE, "Redis stopped: 503, and nothing else waits")
    server.signal(signal.SIGCONT)
    live.wait_for("200", lambda: host.ask(PATHS[2])[0] == 200, PATIENCE, 0.2)


def fleet_of(stages, name, urls):
    hosts = [Host(s, f"{name}-{i + 1}", urls) for i, s in enumerate(stages)]
    live.wait_for("all hosts", lambda: list(states(hosts[0]).values()) == ["live"] * 3, PATIENCE, 0.2)
    return hosts


def single(stages):
    server = Server(stages[0])
    hosts = fleet_of(stages, "web", server.url())
    sums(hosts)
    alerts(hosts)
    shapes(hosts)
    commands(hosts, 0)
    a_host_is_killed(hosts)
    commands(hosts, 1)
    if live.FULL:
        its_window_goes_on(hosts)
    a_name_twice(hosts)
    redis_away(hosts, server)


def replicas_have_all(master):
    def offsets(name):
        return [int(x) for x in re.findall(name + r"(\d+)", master.cli("info", "replication"))]
    written = offsets("master_repl_offset:")[0]
    live.wait_for("the replica", lambda: all(x >= written for x in offsets(",offset=")), PATIENCE, 0.1)


def cluster(stages):
    """The list of hosts, and the parcels of each, are on different masters."""
    six = Cluster(stages[0])
    hosts = fleet_of(stages, "node", six.urls())
    for host, count in zip(hosts, (900, 500, 300)):
        host.load(count)
    wanted = wait_for_sum(hosts, hosts[1])
    slot = int(six.nodes[0].cli("cluster", "keyslot", "ringside:fleet:hosts"))
    master = six.master_of(slot)
    replicas_have_all(master)
    master.kill()
    killed, answers = time.time(), []

    def ask(path):
        answers.append(hosts[1].ask(path, PATIENCE))
        return answers[-1][1].get("data") if answers[-1][0] == 200 else None

    def right():
        all_live = ask(PATHS[0])
        data = ask(PATHS[2] + "?window=5m&service=nginx")
        return all_live and all_live["fleet"]["live"] == 3 and data and \
            stamp(data["timestamp"]) > killed + 1 and \
            data["responseTimes"]["count"] == wanted and data["fleet"]["valuesUnread"] == 0
    live.wait_for("the new master", lambda: right() or six.master_of(slot, master), PATIENCE, 0.1)
    serves = time.time() - killed
    try:
        live.wait_for("the whole sum again", right, PATIENCE, 0.2)
    except TimeoutError:
        raise Failed(f"{answers[-2:]}") from None
    check(True, f"a master is killed: its replica serves after {serves:.1f} s, the sum is whole "
          f"after {time.time() - killed:.1f} s")
    refused = {a[1]["error"]["code"] for a in answers if a[0] != 200}
    slowest = max(took for _, _, took in answers)
    check(slowest < 2 * AT_ONCE and refused <= {"redis_away", "redis_fault"},
          f"{len(answers)} answers meanwhile, the slowest after {slowest:.2f} s, refused: {refused}")


def main():
    live.need_root_and("redis-server", "redis-cli", "nginx", "ab")
    signal.alarm(280)
    parts = {"single": single, "cluster": cluster}
    with contextlib.ExitStack() as stack:
        called = []
        for name in sys.argv[1:] or parts:
            stages = [stack.enter_context(live.Stage()) for _ in range(3)]
            called.append(functools.partial(parts[name], stages))
        stages[0].at_once(*called)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"WRONG {failure}")
        sys.exit(1)
