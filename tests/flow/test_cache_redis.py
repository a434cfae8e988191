#!/usr/bin/env python3
"""The cache with a Redis behind it, shared by two agents: what one writes the other reads, what one
takes out is gone from the other within a second; a Redis that is stopped, killed, flapping, full, evicting;
values that are damaged, of another kind or another key's; and other programs' keys left alone.
"""
import concurrent.futures
import json
import os
import random
import signal
import subprocess
import sys
import time

from redis_live import Failed, Server, check, live
from test_cache import TEXT, Client, entry

COHERENT = 1.0  # seconds, as promised
SHOWN = 3.0
BACK = 2.0
NOISE = 2.0     # so much longer each may take on a busy machine


class Node(Client):
    """An agent of its own stage, and its client; it keeps one Redis."""
    def __init__(self, stage, server, **cache):
        self.stage, self.server = stage, server
        (stage.folder / "ringside.json").write_text(json.dumps(
            {"redis": {"url": server.url()}, "cache": cache, "log": {"level": "debug"}}))
        self.start()

    def start(self):
        self.agent = self.stage.agent().wait("/readyz")
        super().__init__(self.agent.port, (self.stage.run_dir / "token").read_text().strip())
        self.ready()

    def redis(self, what="stats"):
        return self.agent.get(f"/api/cache/{what}")["redis"]

    def ready(self, seconds=10):
        """How long until Redis is there, and listened to."""
        return self.until("Redis is there", lambda: self.redis("health")["status"] == "healthy", seconds)

    def until(self, what, fact, seconds):
        began = time.monotonic()
        try:
            live.wait_for(what, fact, seconds, 0.01)
        except TimeoutError:
            raise Failed(f"{what}: not within {seconds} s: {self.redis('health')}") from None
        return time.monotonic() - began

    def put(self, key, value, query=""):
        status, _, body = self.ask("PUT", entry(key) + query, value, TEXT)
        if status != 200:
            raise Failed(f"PUT {key}: {status} {body}")

    def get(self, key):
        """(where from, value); None for both where there is none."""
        status, headers, body = self.ask("GET", entry(key))
        if status not in (200, 404):
            raise Failed(f"GET {key}: {status} {body}")
        return (headers["X-Cache"], body) if status == 200 else (None, None)

    def settle(self):
        """All writes are in Redis."""
        self.until("all is written", lambda: self.redis()["pendingWrites"] == 0, 10)

    def gone(self, key):
        return self.until(f"{key} is gone", lambda: self.get(key)[0] is None, 5)


def in_time(took, limit, what):
    check(took <= limit * NOISE, f"{what} after {took:.2f} s (promised {limit} s)")


def written(server, key):
    return server.cli("exists", f"ringside:v:{key}") == "1"


def shared(one, two, server):
    words = b"ringside seat\n" * 5000
    for key, value in ((b"a", b"one"), (b"\0\xff{x} *", os.urandom(300)), (b"k" * 2048, b""),
                       (b"packed", words)):
        one.put(key, value, "?ttl=60&tags=s,t")
        one.settle()
        first, second = two.ask("GET", entry(key)), two.ask("GET", entry(key))
        check(first[1]["X-Cache"] == "redis" and second[1]["X-Cache"] == "memory" and
              first[2] == second[2] == value, f"{key[:8]!r}: what one writes the other reads, and keeps")
        mine = one.ask("GET", entry(key))[1]
        check(all(first[1][h] == mine[h] for h in ("ETag", "Content-Type", "Surrogate-Key")) and
              first[1]["Cache-Control"] in ("max-age=60", "max-age=59", "max-age=58"),
              "with the same type, tags and ETag, for the rest of its time")
    check(0 < int(server.cli("pttl", "ringside:v:a")) <= 60000, "in Redis it lives as long")
    check(int(server.cli("strlen", "ringside:v:packed")) < len(words) / 10, "and is kept packed")
    check(server.cli("sismember", "ringside:t:t", "a") == "1", "its tag knows it")
    told = two.redis()
    check(told["hits"] == 4 and told["misses"] == 0 and told["hitRate"] == "100.00" and
          told["available"] and told["circuit"] == "closed", f"counted: {told}")
    stats = two.stats()
    check(stats["overall"]["hits"] == stats["memory"]["hits"] + 4, f"each look once: {stats['overall']}")
    check(two.get(b"none") == (None, None) and two.redis()["misses"] == 1, "what none has is a miss")
    one.put(b"short", b"1", "?ttl=1")
    one.settle()
    check(two.get(b"short")[0] == "redis", "one of a second")
    time.sleep(1.1)
    check(two.get(b"short") == one.get(b"short") == (None, None), "is gone from both after it")


def coherent(one, two):
    for n in range(8):
        one.put(b"c:%d" % n, b"1", "?tags=even" if n % 2 == 0 else "?tags=odd")
    one.settle()
    check(all(two.get(b"c:%d" % n)[1] == b"1" for n in range(8)), "both have them in memory")
    one.put(b"c:0", b"2", "?tags=even")
    took = two.until("the new value", lambda: two.get(b"c:0")[1] == b"2", 5)
    in_time(took, COHERENT, "overwritten: the other has it")
    check(one.get(b"c:0") == ("memory", b"2"), "who wrote it has it in memory still")
    one.ask("DELETE", entry(b"c:1"))
    in_time(two.gone(b"c:1"), COHERENT, "deleted: gone from the other")
    for document, key, kept in (({"tags": ["even"]}, b"c:2", b"c:3"), ({"keys": ["c:3"]}, b"c:3", b"c:5"),
                                ({"prefix": "c:5"}, b"c:5", b"c:7")):
        two.post("/api/cache/invalidate", document)
        in_time(one.gone(key), COHERENT, f"{document}: gone from the other")
        two.settle()
        check(one.get(kept)[1] == two.get(kept)[1] == b"1", "and nothing else")
        check(two.get(key)[0] is None, "it does not come back from Redis")
    two.post("/api/cache/clear", {"pattern": "c:?"})
    in_time(one.gone(b"c:7"), COHERENT, "cleared: gone from the other")
    for n in range(3):
        one.put(b"db:%d" % n, b"1")
    one.settle()
    two.get(b"db:0")
    one.ask("POST", "/api/database/cache/clear")
    in_time(two.gone(b"db:0"), COHERENT, "query results cleared: gone from the other")
    one.put(b"r", b"1")
    one.ask("DELETE", entry(b"r"))
    check(one.get(b"r")[0] is None, "who deletes does not get it back")
    one.post("/api/cache/set", {"key": "r", "value": "x", "tags": ["now"]})
    one.post("/api/cache/invalidate", {"tags": ["now"]})
    check(one.get(b"r")[0] is None, "nor who invalidates")


def many_tagged(one, two, server):
    """More than are taken out of a set at a time."""
    count = 2500
    for n in range(count):
        one.put(b"m:%d" % n, b"1", "?tags=many")
    one.until("written", lambda: one.redis()["pendingWrites"] == 0, 30)
    check(server.cli("scard", "ringside:t:many") == str(count), f"{count} keys of one tag")
    two.post("/api/cache/invalidate", {"tags": ["many"]})
    two.until("taken out", lambda: server.cli("exists", "ringside:t:many") == "0", 20)
    two.settle()
    left = [k for k in server.cli("--scan", "--pattern", "ringside:v:m:*").split() if k]
    check(not left and one.get(b"m:0")[0] is None, f"are all gone by it: {len(left)} left")


def left_alone(one, server):
    theirs = ("leads:1", "v:leads:1", "ringsidex:v:leads:1", "ringside", "ringside:other",
              "xringside:v:leads:1", "ringside:agg:{host}:leads:live:10:1")  # the last: not the cache's
    for key in theirs:
        server.cli("set", key, "theirs")
    for pattern in ("leads:*", "*", "*leads*", "?*", "ringside:*", "../*", "\\*", "[a-z]*", "*]*"):
        one.put(b"leads:1", b"ours")
        one.settle()
        one.post("/api/cache/clear", {"pattern": pattern})
        one.post("/api/cache/invalidate", {"prefix": "leads:"})
        one.settle()
        check(all(server.cli("get", key) == "theirs" for key in theirs) and not written(
            server, "leads:1"), f"clear {pattern}: others' keys stay")
    for key in theirs:
        server.cli("del", key)


def odd_values(one, two, server):
    before = two.redis()
    server.cli("set", "ringside:v:odd:1", "garbage")
    server.cli("lpush", "ringside:v:odd:2", "a", "b")
    one.put(b"odd:3", b"x" * 100)
    one.settle()
    server.cli("setrange", "ringside:v:odd:3", "100", "y")
    server.cli("set", "ringside:v:odd:4", "")
    for n in range(1, 5):
        check(two.get(b"odd:%d" % n) == (None, None), "what is no value of ours is a miss")
    two.until("all four are counted", lambda: two.redis()["corrupted"] - before["corrupted"] == 4, 3)
    one.put(b"odd:5", b"five")
    one.settle()
    server.cli("copy", "ringside:v:odd:5", "ringside:v:odd:6")
    check(two.get(b"odd:6") == (None, None), "nor is another key's")
    two.until("counted", lambda: two.redis()["foreign"] - before["foreign"] == 1, 3)
    two.ready()
    check(two.get(b"odd:5") == ("redis", b"five"), "then it goes on with another connection")
    two.put(b"odd:1", b"good")
    two.settle()
    check(one.get(b"odd:1") == ("redis", b"good"), "what is written over it is good")


def restarted(one, two):
    one.put(b"stays", b"1", "?ttl=60")
    one.settle()
    one.agent.stop()
    one.start()
    check(one.get(b"stays") == ("redis", b"1"), "what was written survives a restart of the agent")


def stopped(one, two, server):
    for n in range(50):
        one.put(b"s:%d" % n, b"1")
    one.settle()
    two.get(b"s:0")
    server.signal(signal.SIGSTOP)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        misses = [pool.submit(two.get, b"s:%d" % n) for n in range(1, 9)]
        time.sleep(0.05)
        hits, slowest = 0, 0.0
        while not all(m.done() for m in misses):
            at = time.monotonic()
            hits += two.get(b"s:0") == ("memory", b"1")
            slowest = max(slowest, time.monotonic() - at)
    waited = time.monotonic() - began
    check({m.result() for m in misses} == {(None, None)}, "stopped: what only Redis has is a miss")
    in_time(waited, 0.6, "told")
    check(hits > 20 and slowest < 0.2, f"meanwhile {hits} from memory, the slowest {1000 * slowest:.1f} ms")
    took = two.until("shown", lambda: two.redis("health")["status"] == "degraded", 10)
    in_time(took, SHOWN, "stopped: shown")
    count = 10000 if live.FULL else 3000
    ran = live.ab(f"http://127.0.0.1:{two.port}/api/cache/stats", count, "-k", connections=16)
    check(ran["complete"] == count and not ran["failed"] and not ran["non_2xx"],
          f"{count} API requests are answered")
    at = time.monotonic()
    for n in range(20):
        two.get(b"s:%d" % (20 + n))
    check(time.monotonic() - at < 2, f"20 misses in {time.monotonic() - at:.2f} s: nobody is asked")
    two.put(b"s:0", b"2")
    two.ask("DELETE", entry(b"s:10"))
    check(two.get(b"s:0") == ("memory", b"2") and two.get(b"s:10")[0] is None, "written, deleted")
    told = live.wait_for("counted", lambda: two.redis()["pendingWrites"] == 2 and two.redis(), 3)
    check(told["lostWrites"] == 0 and told["unasked"] >= 1, f"both wait: {told}")
    server.signal(signal.SIGCONT)
    in_time(two.ready(), BACK, "stopped: back")
    two.settle()
    one.ready()
    check(one.get(b"s:0")[1] == b"2" and one.get(b"s:10")[0] is None, "what waited has arrived")


def killed(one, two, server):
    server.kill()
    two.until("shown", lambda: not two.redis("health")["available"], 5)
    for n in range(300):
        two.put(b"k:%d" % n, b"old %d" % n, "?tags=k")
    for n in range(300):
        two.put(b"k:%d" % n, b"new %d" % n, "?tags=k%d" % (n % 2))
    for n in range(10):
        two.ask("DELETE", entry(b"k:%d" % n))
    two.post("/api/cache/invalidate", {"prefix": "k:29"})
    pending = 300 - 11 + 1  # without k:29 and k:290 to k:299; the invalidation is one
    told = live.wait_for("counted", lambda: two.redis()["pendingWrites"] == pending and two.redis(), 3)
    check(told["pendingBytes"] > 0, f"killed: the newest of each key waits: {told['pendingWrites']}")
    for n in range(10, 290):
        if n != 29 and two.get(b"k:%d" % n)[1] != b"new %d" % n:
            raise Failed(f"k:{n} is not served from memory")
    server.start()
    in_time(two.ready(), BACK, "killed: back")
    in_time(two.until("written", lambda: two.redis()["pendingWrites"] == 0, 10), BACK, "all is written")
    one.ready()
    wrong = [n for n in range(300) if one.get(b"k:%d" % n)[1] !=
             (None if n < 10 or n == 29 or n >= 290 else b"new %d" % n)]
    check(not wrong, f"and the other reads it: {wrong[:5]} wrong")
    check(server.cli("scard", "ringside:t:k1") == "139", "with its tags")
    told = two.redis()
    check(told["lostWrites"] == told["lostDeletes"] == 0, "nothing was lost")
    check(two.redis()["gaps"] >= 2, f"and what may have been missed was dropped: {told['gaps']} gaps")


def bounded(server):
    """Beyond the write buffer: what is lost is counted, and beyond its bytes nothing older comes back."""
    for limit, values in (({"write_buffer_items": 20}, [b"new"] * 40),
                          ({"write_buffer_bytes": "64KiB"}, [os.urandom(30000) for _ in range(5)])):
        with live.Stage() as stage:
            node = Node(stage, server, **limit)
            for n in range(len(values)):
                node.put(b"b:%d" % n, b"old")
            node.settle()
            server.signal(signal.SIGSTOP)
            node.until("shown", lambda: not node.redis("health")["available"], 10)
            for n, value in enumerate(values):
                node.put(b"b:%d" % n, value)
            lost = len(values) - (20 if len(values) == 40 else 2)
            told = live.wait_for("counted", lambda: node.redis()["lostWrites"] == lost and node.redis(), 3)
            check(told["lostDeletes"] == 0 and told["pendingBytes"] <= 65536 and
                  told["pendingWrites"] == min(20, len(values)), f"{limit}: {lost} are lost: {told}")
            server.signal(signal.SIGCONT)
            node.ready()
            node.settle()
            for n in range(20, 40) if len(values) == 40 else (3, 4):
                check(written(server, f"b:{n}"), "the newest are written")
            if len(values) == 5:
                check(not any(written(server, f"b:{n}") for n in range(3)),
                      "nothing older is found where one was lost")
            node.post("/api/cache/clear", {"pattern": "b:*"})
            node.settle()


def refused(one, two, server):
    one.put(b"full", b"old")
    one.settle()
    before = one.redis()
    server.cli("config", "set", "maxmemory-policy", "noeviction")
    server.cli("config", "set", "maxmemory", "1")
    one.put(b"full", b"new")
    one.until("given up", lambda: one.redis()["lostWrites"] == before["lostWrites"] + 1, 5)
    one.settle()
    check(one.get(b"full") == ("memory", b"new"), "full: memory serves what was written")
    check(not written(server, "full"), "and nothing older is found in Redis")
    server.cli("config", "set", "maxmemory", "0")
    other = Server(server.stage)
    server.cli("replicaof", "127.0.0.1", other.port)
    one.put(b"readonly", b"1")
    told = live.wait_for("it waits", lambda: one.redis()["pendingWrites"] == 1 and one.redis(), 3)
    check(told["lostWrites"] == before["lostWrites"] + 1, f"read-only: it waits: {told['reason']}")
    server.cli("replicaof", "no", "one")
    one.settle()
    check(written(server, "readonly"), "and is written when it is a master again")


def evicting(one, two, server):
    def info(section, name):
        return int(server.cli("info", section).partition(f"{name}:")[2].split()[0])

    server.cli("config", "set", "maxmemory-policy", "allkeys-lru")
    server.cli("config", "set", "maxmemory", info("memory", "used_memory") + (2 << 20))
    values = {b"e:%d" % n: os.urandom(2000) for n in range(2000)}
    for key, value in values.items():
        one.put(key, value, "?tags=all")
    one.settle()
    found = {key: two.get(key) for key in values}
    lost = sum(where is None for where, _ in found.values())
    check(info("stats", "evicted_keys") >= lost > 0 and lost < len(values) and
          all(where is None or value == values[key] for key, (where, value) in found.items()),
          f"a Redis that gives up keys: {lost} of {len(values)} are misses, and none is wrong")
    one.put(b"lost", b"1", "?tags=lost")
    one.settle()
    server.cli("del", "ringside:t:lost")  # as it may go before its values: they are asked for, it is not
    one.put(b"later", b"1", "?tags=lost")
    one.settle()
    check(server.cli("smembers", "ringside:t:lost") == "later", "the set of a tag is given up")
    two.post("/api/cache/invalidate", {"tags": ["lost"]})
    two.settle()
    check(not written(server, "lost") and not written(server, "later"),
          "and the tag takes all that carries it")
    in_time(one.gone(b"lost"), COHERENT, "from the other agent too")
    two.post("/api/cache/clear", {"pattern": "e:*"})
    two.settle()
    server.cli("config", "set", "maxmemory", "0")
    server.cli("config", "set", "maxmemory-policy", "noeviction")


def agree(one, two, server, flaps=False):
    """Random writes on both, and in the end both say the same, which is what Redis says. A key that
    once had a tag goes from Redis with that tag, though its newest value has it no more: whose memory
    has that value may go on with it, but with none that was taken out."""
    dice = random.Random(7)
    taken = []  # (when, the key or None, the tag or None)
    for n in range(600):
        node, key = dice.choice((one, two)), dice.randrange(25)
        what = dice.randrange(10)
        if what < 5:
            node.put(b"x:%d" % key, b"%d" % n, "?tags=t%d" % (n % 3))
        elif what < 7:
            node.get(b"x:%d" % key)
        elif what < 9:
            node.ask("DELETE", entry(b"x:%d" % key))
            taken.append((n, key, None))
        else:
            node.post("/api/cache/invalidate", {"tags": ["t%d" % (n % 3)]})
            taken.append((n, None, n % 3))
        if flaps and n % 100 == 50:
            server.kill()
            time.sleep(0.1)
            server.start()
    for node in (one, two):
        node.ready()
        node.settle()
    time.sleep(COHERENT)

    def may_stay(key, value):
        return not any(at > int(value) and (key == k or int(value) % 3 == tag) for at, k, tag in taken)

    wrong = []
    for n in range(25):
        told = [node.get(b"x:%d" % n)[1] for node in (one, two)]
        values = {v for v in told if v is not None}
        shared = told[0] == told[1] and (not values or written(server, f"x:{n}"))
        alone = len(values) == 1 and not written(server, f"x:{n}") and may_stay(n, *values)
        if not shared and not alone:
            wrong.append((n, told))
    check(not wrong, f"{'with a Redis that flaps, ' if flaps else ''}both agree, and with Redis: {wrong[:3]}")


def told_everywhere(one):
    one.until("what was refused is no news any more", lambda: not one.redis()["reason"], 15)
    text = live.fetch(one.port, "/metrics")[2].decode()
    told = one.redis()
    check(f"ringside_cache_redis_hits_total {told['hits']}\n" in text and
          "ringside_cache_redis_pending_writes 0\n" in text, "/metrics tells of it")
    said = subprocess.run([live.find_program("ringside"), "cache", "stats"], capture_output=True, text=True,
                          timeout=10, check=True, env={**os.environ, **one.stage.environment}).stdout
    check("redis        single\n" in said and f"{told['hits']} hits" in said and "0 wait" in said,
          f"so does ringside cache stats: {said.splitlines()[-4:]}")
    rules = {r["name"]: r for r in one.agent.get("/api/alerts/rules?limit=1000")["rules"]}
    check(rules["redis-lost"]["waitingFor"] is None, "the rule of a lost Redis has data")
    status, answer = one.post("/api/cache/clear", {"pattern": "*"})
    check(status == 200 and answer["data"]["cleared"] >= 0, "cleared at last")


def main():
    live.need_root_and("redis-server", "redis-cli", "ab")
    signal.alarm(280)
    try:
        with live.Stage() as stage, live.Stage() as other:
            server = Server(stage)
            one, two = Node(stage, server), Node(other, server)
            shared(one, two, server)
            coherent(one, two)
            many_tagged(one, two, server)
            left_alone(one, server)
            odd_values(one, two, server)
            restarted(one, two)
            agree(one, two, server)
            stopped(one, two, server)
            killed(one, two, server)
            agree(one, two, server, flaps=True)
            refused(one, two, server)
            evicting(one, two, server)
            bounded(server)
            told_everywhere(one)
    except Failed as failure:
        print(f"WRONG {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
