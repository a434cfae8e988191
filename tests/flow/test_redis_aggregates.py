#!/usr/bin/env python3
"""The agent's own aggregates in a real Redis, with nginx under load.

Slots of ten seconds appear, each once, with a time to live and within their size, and hold exactly
what the agent tells; an agent whose state directory was emptied tells them again, whatever else
stands in their place; while the Redis is away nothing breaks, and what was not put is put then. The
password is in a file that root alone can read, and may change.
"""
import json
import os
import shutil
import signal
import socket
import sys
import time
import urllib.parse

from redis_live import Failed, Server, check, live

HOST = "".join(c if c.isalnum() and c.isascii() or c in ".-_" else "_" for c in socket.gethostname())
PREFIX = f"ringside:agg:{{{HOST}}}"
MOST = 256 << 10
SOLD = ("/index.html", "/error")


class Redis(Server):
    """One with a password."""
    secret = "s3cret"

    def cli(self, *words):
        return super().cli("--no-auth-warning", "-a", self.secret, *words)

    def keys(self, step=10):
        return sorted(k for k in self.cli("--scan", "--pattern", f"{PREFIX}:*:{step}:*").split()
                      if k.startswith(PREFIX + ":"))

    def value(self, key):
        """Its bytes."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as s, s.makefile("rb") as lines:
            for words in (("AUTH", self.secret), ("GET", key)):
                s.sendall(b"*2\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode())
                                               for w in words))
            lines.readline()
            return lines.read(int(lines.readline()[1:]))


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text(self):
        length = self.data[self.at]
        text = self.data[self.at + 1:self.at + 1 + length].decode()
        self.at += length + 2
        return text


def parcel(data):
    """Step, second, service, and requests by (kind, route)."""
    r = Reader(data)
    r.at = 12
    step, second = r.number(), r.number()
    r.number()
    host, _, service, _ = r.text(), r.text(), r.text(), r.text()
    check_quiet(data[:4] == b"RSP1" and host == HOST, f"a parcel of {host}")
    series = {}
    while r.at < len(data):
        kind = data[r.at]
        r.at += 2
        route, size = r.text(), r.number()
        packed = Reader(data[r.at:r.at + size])
        r.at += size
        if kind in (1, 3, 6):
            series[kind, route] = packed.number() if packed.number() & 1 else 0
    return step, second, service, series


def check_quiet(fact, what):
    if not fact:
        raise Failed(what)


def configure(stage, server, **more):
    (stage.folder / "ringside.json").write_text(json.dumps({"redis": {
        "url": server.url(), "password_file": str(stage.folder / "redis.pw"), "aggregates": True,
        **more}}))


def password(stage, text, mode=0o600):
    path = stage.folder / "redis.pw"
    path.write_text(text + "\n")
    path.chmod(mode)


def part(agent, name):
    return next((p for p in agent.get("/api/health")["parts"] if p["name"] == name), None)


def reason(agent, name="redis.aggregates"):
    found = part(agent, name)
    return found["reason"] if found else ""


def counter(agent, name):
    text = live.fetch(agent.port, "/metrics")[2].decode()
    for line in text.splitlines():
        if line.startswith(name + "_total ") or line.startswith(name + " "):
            return float(line.split()[1])
    raise Failed(f"{name} is not among the metrics")


def counts(agent, before=None, **query):
    """Requests of each ten seconds in which there were some, the oldest first."""
    query = {"metric": "requests.rate", "service": "nginx", "window": "15m", "step": "10s", **query}
    try:
        points = agent.get("/api/performance/timeseries?" + urllib.parse.urlencode(query))["points"]
    except RuntimeError:  # it does not know nginx yet
        return []
    return [p["count"] for p in points if p["count"] and (before is None or p["at"] < before)]


def old():
    """What is before lies in slots that were over when the agent was: the next one books anew what
    it finds counted, to the second in which it finds it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 12))


def load(nginx, seconds):
    """As many requests as fit, of two routes by turns; how many."""
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for path in SOLD:
            live.ab(f"http://127.0.0.1:{nginx.port}{path}", 20, "-k", connections=2)
            done += 20
        time.sleep(0.3)
    return done


def slots_appear(stage, server, agent, nginx):
    done = load(nginx, 25)
    total = agent.wait_for_count(done, query="?window=5m")["responseTimes"]["count"]
    live.wait_for("all slots to be put", lambda: sum(
        parcel(server.value(k))[3].get((1, ""), 0) for k in server.keys()) >= total, 20, 1)
    keys = server.keys()
    parcels = [parcel(server.value(k)) for k in keys]
    parcels = [p for p in parcels if p[2] == "nginx"]
    told = counts(agent)
    sums = [p[3].get((1, ""), 0) for p in sorted(parcels, key=lambda p: p[1])]
    check([s for s in sums if s] == told, f"each slot has the requests that the API tells: {told}")
    for path in SOLD:
        routes = [p[3][k] for p in sorted(parcels, key=lambda p: p[1])
                  for k in p[3] if k == (3, path)]
        check(routes == counts(agent, route=path), f"and of {path}: {routes}")
    check(len({(p[1], p[2]) for p in parcels}) == len(parcels), "none is there twice")
    for key in keys:
        ttl, size = int(server.cli("pttl", key)), int(server.cli("strlen", key))
        check_quiet(0 < ttl <= 7200000 and 0 < size <= MOST, f"{key}: {ttl} ms, {size} bytes")
    check(True, f"{len(keys)} parcels have a time to live and are within their size")
    check("nginx:" in server.cli("smembers", PREFIX).split() and
          int(server.cli("pttl", PREFIX)) > 7200000, "the index names nginx, for longer")
    before = {k: server.value(k) for k in keys}
    time.sleep(2)
    check(all(server.value(k) == v for k, v in before.items()), "what is put stays as it is")
    check(counter(agent, "ringside_redis_parcels") >= len(keys), "they are counted")
    check(part(agent, "redis.aggregates")["status"] == "healthy", reason(agent))
    seconds = 30
    check(counter(agent, "ringside_redis_parcel_bytes") < 65536 * seconds, "within the budget")
    return told


def emptied_and_restored(stage, server, agent, told):
    """Some values are not what they were: the others are told all the same."""
    for pid in agent.family():
        os.kill(pid, signal.SIGKILL)
    agent.stop()
    shutil.rmtree(stage.state_dir)
    keys = [k for k in server.keys() if parcel(server.value(k))[3].get((1, ""), 0)]
    lost = parcel(server.value(keys[0]))[3][1, ""]
    server.cli("set", keys[0], "a value of somebody else")
    server.cli("lpush", f"{PREFIX}:nginx::10:{int(keys[0].rsplit(':', 1)[1]) - 1}", "no string")
    began = old()
    agent = stage.agent().wait("/readyz")
    live.wait_for("all to be fetched", lambda: "; fetched: " in reason(agent), 60, 0.2)
    live.wait_for("all to be written", lambda: counts(agent, began) == told[1:], 10, 0.5)
    check(sum(told) - sum(counts(agent, began)) == lost == told[0],
          f"after kill -9 and with an empty state directory: {counts(agent, began)} of {told}")
    for path in SOLD:
        check(len(counts(agent, began, route=path)) == len(told) - 1, f"and of {path}")
    check(counter(agent, "ringside_redis_parcels_not_taken") == 2, "what was none is counted")
    check(part(agent, "redis.aggregates")["status"] == "degraded" and "2 bad" in reason(agent),
          reason(agent))
    rss = agent.get("/api/performance/timeseries?" + urllib.parse.urlencode(
        {"metric": "memory.rss", "service": "nginx", "window": "15m", "step": "10s"}))["points"]
    check([p for p in rss if p["at"] < began and p["value"]], "the memory is told, too")
    return agent


def another_restart(stage, agent, told):
    """The history has them now: nothing is fetched twice, and nothing doubled."""
    agent.stop()
    began = old()
    agent = stage.agent().wait("/readyz")
    live.wait_for("the looks", lambda: "; fetched: " in reason(agent), 60, 0.2)
    live.wait_for("the history", lambda: counts(agent, began)[:len(told) - 1] == told[1:], 15, 0.5)
    check(True, f"another restart doubles nothing: {reason(agent)}")
    return agent


def away(server, agent, nginx):
    server.kill()
    done = load(nginx, 22)
    check(live.fetch(agent.port, "/healthz")[0] == 200 and done, "Redis away: the agent goes on")
    check(part(agent, "redis")["status"] == "degraded", reason(agent, "redis"))
    live.wait_for("what waits to be told", lambda: "; 0 s to go" not in reason(agent), 10, 0.2)
    check(True, reason(agent))
    waits = counter(agent, "ringside_redis_behind_seconds")
    check(waits >= 10, f"{waits:.0f} s of slots wait")
    server.start()  # it forgot all
    live.wait_for("it to be put", lambda: counter(agent, "ringside_redis_behind_seconds") == 0,
                  30, 0.5)
    keys = server.keys()
    check(len(keys) >= waits / 10, f"back: {len(keys)} parcels of the time without it are there")
    check("missed 0" in reason(agent), reason(agent))


def passwords(stage, server, agent):
    server.cli("config", "set", "requirepass", "another")
    server.secret = "another"
    password(stage, "another")
    agent.popen.send_signal(signal.SIGHUP)
    live.wait_for("the file to be read", lambda: "redis.password_file was read again" in agent.said(),
                  5, 0.1)
    server.cli("client", "kill", "type", "normal", "skipme", "yes")
    live.wait_for("it to be back", lambda: part(agent, "redis")["status"] == "healthy" and
                  int(server.cli("client", "list").count("cmd=")) > 1, 10, 0.2)
    time.sleep(2)
    check(part(agent, "redis")["status"] == "healthy", "a password that changed is read at SIGHUP")
    check("another" not in agent.said() and "s3cret" not in agent.said(), "and never told")
    agent.stop()
    password(stage, "another", 0o666)
    agent = stage.agent().wait("/readyz")
    live.wait_for("a refusal", lambda: "others than root may write it" in reason(agent, "redis"),
                  5, 0.1)
    check(part(agent, "redis.aggregates")["status"] == "degraded", reason(agent, "redis"))
    agent.stop()


def main():
    live.need_root_and("redis-server", "redis-cli", "nginx", "ab")
    signal.alarm(280)
    with live.Stage() as stage:
        server = Redis(stage, "--requirepass", "s3cret")
        password(stage, "s3cret")
        configure(stage, server)
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx()
        live.wait_for("the Redis", lambda: part(agent, "redis")["status"] == "healthy", 10, 0.1)
        told = slots_appear(stage, server, agent, nginx)
        agent = emptied_and_restored(stage, server, agent, told)
        agent = another_restart(stage, agent, told)
        away(server, agent, nginx)
        passwords(stage, server, agent)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"WRONG {failure}")
        sys.exit(1)
