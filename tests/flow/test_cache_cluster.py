#!/usr/bin/env python3
"""The cache with a Redis Cluster of six nodes behind it, shared by two agents: tags and clears reach
what lies on other nodes, and a master that is killed under load costs no wrong value.
"""
import signal
import sys
import time

from redis_live import Failed, check, live
from test_cache import entry
from test_cache_redis import Node, in_time
from test_redis_cluster import BACK, Cluster

KEYS = 120


def masters(cluster):
    return [n for n in cluster.nodes if n.process.popen.poll() is None and
            "role:master" in n.cli("info", "replication")]


def left(cluster, pattern):
    return [k for n in masters(cluster) for k in n.cli("--scan", "--pattern", pattern).split()]


def spread(one, two, cluster):
    for n in range(KEYS):
        one.put(b"q:%d" % n, b"v%d" % n, "?tags=g%d,h" % (n % 4))
    one.settle()
    check(one.redis()["mode"] == "cluster", "it is a cluster")
    sizes = [int(n.cli("dbsize")) for n in masters(cluster)]
    check(len(sizes) == 3 and all(sizes), f"each master has some: {sizes}")
    wrong = [n for n in range(KEYS) if two.get(b"q:%d" % n) != ("redis", b"v%d" % n)]
    check(not wrong, f"what one writes the other reads: {wrong[:3]}")


def taken_out(one, two, cluster):
    two.post("/api/cache/invalidate", {"tags": ["g1"]})
    two.settle()
    gone = [n for n in range(KEYS) if one.get(b"q:%d" % n)[0] is None]
    check(gone == list(range(1, KEYS, 4)), f"a tag takes what carries it, and nothing else: {len(gone)}")
    one.post("/api/cache/clear", {"pattern": "q:?"})
    one.settle()
    some = left(cluster, "ringside:v:q:*")
    check(not [k for k in some if len(k) == len("ringside:v:q:0")] and
          len(some) == KEYS - KEYS // 4 - 7, f"a clear takes the rest of them: {len(some)} left")
    two.post("/api/cache/invalidate", {"tags": ["h"]})
    two.settle()
    check(not left(cluster, "ringside:v:q:*") and not left(cluster, "ringside:t:h"), "the last tag all")


def killed(one, two, cluster):
    key, now = "r:%d", {}
    for n in range(KEYS):
        one.put(b"r:%d" % n, b"%d before" % n)
    one.settle()
    slot = int(cluster.nodes[0].cli("cluster", "keyslot", "ringside:v:" + key % 0))
    victim = cluster.master_of(slot)
    victim.kill()
    for n in range(KEYS):
        one.put(b"r:%d" % n, b"%d after" % n)
        now[n] = two.get(b"r:%d" % n)[1]
    asked, odd = 0, [n for n, v in now.items() if v not in (None, b"%d before" % n, b"%d after" % n)]
    began = time.monotonic()
    while cluster.master_of(slot, but=victim) is None:
        for n in range(0, KEYS, 5):
            value = two.get(b"r:%d" % n)[1]
            odd += [n] if value not in (None, b"%d before" % n, b"%d after" % n) else []
            asked += 1
        if time.monotonic() - began > 20:
            raise Failed("nobody takes over")
    check(asked > KEYS and not odd, f"meanwhile {asked} look-ups have no wrong value")
    in_time(one.until("all is written", lambda: one.redis()["pendingWrites"] == 0, 10), BACK,
            "the new master serves: all that waited is written")
    check(one.redis()["lostWrites"] == 0, "nothing was lost")
    two.until("the new values", lambda: all(two.get(b"r:%d" % n)[1] == b"%d after" % n
                                            for n in range(KEYS)), 5)
    check(True, "and the other reads them")
    one.ask("DELETE", entry(b"r:0"))
    two.gone(b"r:0")


def main():
    live.need_root_and("redis-server", "redis-cli")
    signal.alarm(280)
    try:
        with live.Stage() as stage, live.Stage() as other:
            cluster = Cluster(stage)
            one, two = Node(stage, cluster.nodes[0]), Node(other, cluster.nodes[1])
            spread(one, two, cluster)
            taken_out(one, two, cluster)
            killed(one, two, cluster)
    except Failed as failure:
        print(f"WRONG {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
