#!/usr/bin/env python3
"""The client of a Redis Cluster of six nodes: slots, redirections, a master killed under load, slots
that move under load, and a cluster that is down. No value is ever another key's.
"""
import signal
import subprocess
import sys
import time

from redis_live import Driver, Failed, Server, check, live

BACK = 1.0   # seconds, as promised, once the new master serves
NOISE = 2.0
NODE_TIMEOUT_MS = 1000
BUS = 10000  # so far above a node's port
LOAD = "load 3000 3"  # keys, questions each ms


class Cluster:
    def __init__(self, stage, masters=3, replicas=1):
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", NODE_TIMEOUT_MS,
                   "--appendonly", "no", "--repl-diskless-sync-delay", "0")
        count = masters * (1 + replicas)
        ports = []
        while len(ports) < count:
            port = live.free_port(beside=BUS)
            if not {port, port + BUS, port - BUS} & set(ports):
                ports.append(port)
        self.nodes = [Server(stage, *options, port=port) for port in ports]
        made = subprocess.run(["redis-cli", "--cluster", "create",
                               *(f"127.0.0.1:{n.port}" for n in self.nodes), "--cluster-replicas",
                               str(replicas), "--cluster-yes"], capture_output=True, text=True,
                              timeout=60)
        if made.returncode:
            raise Failed(made.stdout + made.stderr)
        self.settle()

    def settle(self):
        """Every node says ok, and every replica is in sync: else its failover is none."""
        live.wait_for("the cluster", lambda: all("cluster_state:ok" in n.cli("cluster", "info")
                                                 for n in self.nodes), 20)
        live.wait_for("replicas", lambda: all(
            "role:master" in said or "master_link_status:up" in said
            for said in (n.cli("info", "replication") for n in self.nodes)), 20)

    def master_of(self, slot, but=None):
        """The node that says that it has this slot and serves it; None: nobody does."""
        for node in self.nodes:
            if node is but or node.process.popen.poll() is not None:
                continue
            info, said = node.cli("cluster", "info"), node.cli("cluster", "nodes")
            own = [x for x in said.splitlines() if "myself,master" in x]
            ranges = [w.split("-") for x in own for w in x.split()[8:] if "[" not in w]
            if "cluster_state:ok" in info and any(int(r[0]) <= slot <= int(r[-1]) for r in ranges):
                return node
        return None

    def urls(self, count=2):
        return [n.url() for n in self.nodes[:count]]


def ready(driver, masters):
    """They are connected by the slots that the first one told."""
    driver.wait("all masters", lambda s: s["cluster"] and s["nodes_ready"] >= masters, 10)


def shares(stage):
    cluster = Cluster(stage)
    driver = Driver(stage, cluster.nodes[5].url())  # one node is enough, a replica too
    ready(driver, 3)
    for i in range(60):
        check(driver.ask(f"set k{i} v{i} 60000")[0] == "fine", f"k{i}") if i % 20 == 0 else \
            driver.ask(f"set k{i} v{i} 60000")
    got = [driver.ask(f"get k{i}") for i in range(60)]
    check(got == [("fine", f"v{i}") for i in range(60)], "60 keys over all nodes: each has its own")
    state = driver.state()
    check(state["redirected"] == 0, f"none went to a wrong node: {state}")
    sizes = [int(n.cli("dbsize")) for n in cluster.nodes if "role:master" in n.cli("info", "replication")]
    check(all(sizes), f"each master has some: {sizes}")
    found = driver.ask("scan *")[1].strip(",").split(",")
    check(len(set(found)) == 60, "a scan goes over all masters")
    driver.ask("set {t}1 a 60000")
    check(driver.ask("get {t}1") == ("fine", "a"), "a hash tag")
    two = Driver(stage, *cluster.urls())
    ready(two, 3)
    two.wait("listening", lambda s: s["listening"], 5)
    driver.wait("listening", lambda s: s["listening"], 5)
    while two.heard() != "gap":
        pass
    driver.say("publish news")
    check(two.heard() == "news", "what is published anywhere is heard everywhere")


def moving(stage):
    """A slot moves from one master to another while it is asked: ASK, TRYAGAIN, MOVED."""
    cluster = Cluster(stage, replicas=0)
    driver = Driver(stage, *cluster.urls())
    ready(driver, 3)
    keys = [f"{{m}}{i}" for i in range(40)]
    for key in keys:
        driver.ask(f"set {key} v-{key} 60000")
    slot = int(cluster.nodes[0].cli("cluster", "keyslot", "ringside:{m}"))
    source = cluster.master_of(slot)
    target = next(n for n in cluster.nodes if n is not source)
    ids = {n: n.cli("cluster", "myid") for n in cluster.nodes}
    target.cli("cluster", "setslot", slot, "importing", ids[source])
    source.cli("cluster", "setslot", slot, "migrating", ids[target])
    whole = [f"ringside:{k}" for k in keys]
    source.cli("migrate", "127.0.0.1", target.port, "", 0, 1000, "keys", *whole[:20])
    check([driver.ask(f"get {k}") for k in keys] == [("fine", f"v-{k}") for k in keys],
          "half of a slot has moved: each key is found where it is")
    state = driver.state()
    check(state["redirected"] == 20, f"by ASK, which is asked each time: {state['redirected']}")
    driver.ask(f"get {keys[0]}")
    check(driver.state()["redirected"] == 21, "and changes no slot")
    source.cli("migrate", "127.0.0.1", target.port, "", 0, 1000, "keys", *whole[20:])
    for node in (target, source):
        node.cli("cluster", "setslot", slot, "node", ids[target])
    before = driver.state()["redirected"]
    check([driver.ask(f"get {k}") for k in keys] == [("fine", f"v-{k}") for k in keys], "all have moved")
    check(driver.state()["redirected"] <= before + 1, "MOVED is told once, and changes the slot")
    target.cli("cluster", "delslots", slot)
    source.cli("cluster", "delslots", slot)
    began = time.monotonic()
    fault = driver.ask(f"get {keys[0]}")[0]
    check(fault == "CLUSTERDOWN", f"a slot that nobody has: {fault}")
    check(time.monotonic() - began < 0.5 * NOISE, "in time")
    check(driver.state()["again"] > 0, "after it was asked again")


def calm(driver):
    """Half a second without a failure, soon: a node that joins again may say CLUSTERDOWN once more."""
    driver.tally()
    for _ in range(20):
        time.sleep(0.5)
        tally = driver.tally()
        check(tally["wrong"] == 0, "no wrong value")
        if all(tally[f"third{i}"]["failed"] == 0 for i in range(3)):
            return True
        print(f"      {tally}")
    return False


def killed(stage):
    cluster = Cluster(stage)
    driver = Driver(stage, *cluster.urls(6))
    ready(driver, 3)
    driver.say(LOAD)
    time.sleep(1)
    tally = driver.tally()
    print(f"      {tally}")
    check(all(tally[f"third{i}"]["fine"] > 100 for i in range(3)), "three masters under load")
    for third in range(3):
        slot = third * 5461 + 100
        master = cluster.master_of(slot)
        driver.tally()
        master.kill()
        began = time.monotonic()
        live.wait_for("a new master", lambda: cluster.master_of(slot, master), 15, every=0.01)
        serves = time.monotonic()
        driver.tally()
        live.wait_for("it is used", lambda: driver.tally()[f"third{third}"]["fine"] > 0, 10)
        back = time.monotonic()
        check(back - serves <= BACK * NOISE, f"master {third} killed: a new one serves after "
              f"{serves - began:.2f} s, and is used {back - serves:.2f} s later (promised {BACK} s)")
        master.start()
        cluster.settle()
        check(calm(driver), "and all is well")


def others(stage):
    """While one is stopped, the slots of the others are asked as before."""
    cluster = Cluster(stage, replicas=0)
    driver = Driver(stage, *cluster.urls(3))
    ready(driver, 3)
    for node in cluster.nodes:  # a cluster with a hole serves the rest
        node.cli("config", "set", "cluster-require-full-coverage", "no")
    driver.say(LOAD)
    time.sleep(0.5)
    driver.tally()
    cluster.master_of(100).signal(signal.SIGSTOP)
    time.sleep(2.5)
    tally = driver.tally()
    print(f"      {tally}")
    check(tally["third0"]["failed"] > 0 and tally["third1"]["failed"] == 0 and
          tally["third2"]["failed"] == 0, "a master is stopped: its slots fail, no others")
    check(max(tally[f"third{i}"]["gap_ms"] for i in (1, 2)) < 250, "which wait for nothing")
    state = driver.state()
    check(state["circuit"] != "closed" and state["ready"], f"its circuit is open: {state}")


def main():
    live.need_root_and("redis-server", "redis-cli")
    wanted = sys.argv[1:]
    try:
        for part in (shares, moving, killed, others):
            if wanted and part.__name__ not in wanted:
                continue
            print(f"{part.__name__}:")
            with live.Stage() as stage:
                part(stage)
    except Failed as failure:
        print(f"WRONG {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
