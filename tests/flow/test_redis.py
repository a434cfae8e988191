#!/usr/bin/env python3
"""The client of a Redis against real servers that are killed, stopped, slow, full, read-only, loading,
protected, flapping, and against fakes that are out of step: each question has one answer, in time.
"""
import signal
import sys
import time

from redis_live import Driver, Failed, Fake, Server, Slow, check, live

BACK = 2.0    # seconds, as promised, once it is back
SHOWN = 3.0   # seconds until the state says it
NOISE = 2.0   # so much longer each may take on a busy machine


def in_time(took, limit, what):
    check(took <= limit * NOISE, f"{what} after {took:.2f} s (promised {limit} s)")


def keys(stage):
    server = Server(stage)
    server.cli("set", "ringsidex", "foreign")
    server.cli("set", "other:a", "foreign")
    driver = Driver(stage, server.url(db="/3"))
    server.cli("-n", "3", "set", "other:a", "foreign")
    server.cli("-n", "3", "set", "xringside:a", "foreign")
    driver.ready()
    check(driver.ask("set a one 60000") == ("fine", "OK"), "a value is set")
    check(driver.ask("get a") == ("fine", "one"), "and got")
    check(driver.ask("get b") == ("fine", "-"), "what is not there is nothing")
    check(server.cli("-n", "3", "get", "ringside:a") == "one", "it is in our database, prefixed")
    check(0 < int(server.cli("-n", "3", "pttl", "ringside:a")) <= 60000, "and for its time")
    for name in ("a[b]c", "ab", "a*c", "a\\c", "x?"):
        driver.ask(f"set {name} v 60000")
    for pattern, found in (("*", 6), ("a[b]c", 1), ("a?", 1), ("a\\*c", 1), ("a\\\\c", 1), ("[ab]", 0),
                           ("a[*", 1), ("x\\?", 1), ("../*", 0), ("other:*", 0), ("\\", 0), ("a*", 5)):
        got = driver.ask(f"scan {pattern}")
        check(got[0] == "fine" and len([k for k in got[1].split(",") if k.strip("-")]) == found,
              f"the pattern {pattern} finds {found} of our keys: {got}")
    check(server.cli("-n", "3", "dbsize") == "8", "nothing is lost of another program")
    check(driver.ask("unlink a") == ("fine", "1") and driver.ask("get a") == ("fine", "-"), "unlinked")
    driver.ask("add t one")
    driver.ask("add t two")
    check(sorted(driver.ask("members t")[1].split(",")) == ["", "one", "two"], "a set has members")
    check(int(server.cli("-n", "3", "pttl", "ringside:t")) > 0, "which do not stay for ever")
    server.cli("-n", "3", "pexpire", "ringside:t", 10**9)
    driver.ask("add t three")
    check(int(server.cli("-n", "3", "pttl", "ringside:t")) > 10**8, "nor go before another of them does")
    server.cli("-n", "3", "persist", "ringside:t")
    driver.ask("add t three")
    check(0 < int(server.cli("-n", "3", "pttl", "ringside:t")) <= 60000, "one that has no time gets one")
    check(driver.ask("add a[b]c one")[0] == "WRONGTYPE", "what is no set is told")
    check(driver.ask("get t")[0] == "WRONGTYPE", "WRONGTYPE is named")
    check(driver.state()["fault"] == "fine", "and is of its key alone")
    state = driver.state()
    print(f"      {state}")
    check(state["persistence"] == "none", "persistence: none")
    server.cli("config", "set", "save", "3600 1")
    driver.say("suspect a")
    driver.wait("rdb", lambda s: s["persistence"] == "rdb", 5)
    server.cli("config", "set", "appendonly", "yes")
    driver.say("suspect a")
    driver.wait("aof", lambda s: s["persistence"] == "aof", 5)
    check(True, "persistence: rdb, aof, at the next connection")


def channels(stage):
    server = Server(stage)
    one, two = Driver(stage, server.url()), Driver(stage, f"redis://localhost:{server.port}")
    for driver in (one, two):
        driver.ready()
        check(driver.heard() == "gap", "who begins to listen may have missed some")
    one.say("publish k1")
    check(one.heard() == "k1" and two.heard() == "k1", "what one says both hear (one by name)")
    server.kill()
    server.start()
    check(two.heard(10) == "gap", "and after a loss they are told that they may have missed some")
    two.ready()
    one.ready()
    one.say("publish k2")
    check(two.heard() == "k2", "and hear again")


def addresses(stage):
    """A name of two, of which one has nobody: whichever the resolver puts first, both are tried."""
    hosts = stage.folder / "hosts"
    hosts.write_text("127.0.0.9 two.example\n127.0.0.1 two.example\n")
    before = ("unshare", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh")
    server = Server(stage, host="127.0.0.9")
    driver = Driver(stage, f"redis://two.example:{server.port}", before=before)
    driver.ready()
    check(driver.ask("set a one 60000") == ("fine", "OK"), "one of two addresses has a Redis")
    server.kill()
    server.host = "127.0.0.1"
    server.start()
    in_time(driver.ready(10), BACK, "it has moved to the other one: back")
    check(driver.ask("get a") == ("fine", "-"), "and is asked there")


def several(stage):
    servers = [Server(stage), Server(stage)]
    driver = Driver(stage, *(s.url() for s in servers))
    driver.wait("open", lambda s: s["circuit"] == "open" and "no node of a cluster" in s["text"], 5)
    time.sleep(1)

    def connections():
        stats = servers[0].cli("info", "stats")
        return int(stats.split("total_connections_received:")[1].split()[0])
    begun = connections()
    time.sleep(5)
    tries = connections() - begun - 1  # that one of them is this look
    check(tries <= 1, f"several that are no cluster: {tries} tries in 5 s")
    check(driver.ask("get a", 0.5)[0] == "EHOSTDOWN", "they are not asked")


def killed(stage):
    server = Server(stage)
    driver = Driver(stage, server.url())
    driver.ready()
    server.kill()
    took = driver.wait("open", lambda s: s["circuit"] != "closed", 10)
    in_time(took, SHOWN, "killed: shown")
    check(driver.state()["fault"] == "connection lost", "with its reason")
    check(driver.ask("get a", 0.5)[0] == "EHOSTDOWN", "it is not asked then")
    server.start()
    in_time(driver.ready(10), BACK, "killed: back")
    check(driver.ask("get a") == ("fine", "-"), "and asked")


def stopped(stage):
    server = Server(stage)
    driver = Driver(stage, server.url())
    driver.ready()
    server.signal(signal.SIGSTOP)
    began = time.monotonic()
    check(driver.ask("get a")[0] == "timeout", "stopped: a question is late")
    in_time(time.monotonic() - began, 0.5, "stopped: it is told")
    in_time(driver.wait("open", lambda s: s["circuit"] != "closed", 10), SHOWN,
            "stopped: shown, though it accepts still,")
    check(driver.ask("get a", 0.5)[0] == "EHOSTDOWN", "it is not asked then")
    server.signal(signal.SIGCONT)
    in_time(driver.ready(10), BACK, "stopped: back")
    check(driver.ask("set a one 60000")[0] == "fine", "and asked")
    server.signal(signal.SIGSTOP)
    in_time(driver.wait("open", lambda s: s["circuit"] != "closed", 10), SHOWN,
            "stopped while nothing was asked: shown")
    server.signal(signal.SIGCONT)


def slow(stage):
    server = Server(stage)
    way = Slow(server.port)
    stage.things.append(way)
    driver = Driver(stage, way.url())
    driver.ready()
    driver.ask("set a 0123456789 60000")
    way.slow = True
    began = time.monotonic()
    check(driver.ask("get a")[0] == "timeout", "a byte each 100 ms: late all the same")
    in_time(time.monotonic() - began, 0.5, "slow: it is told")
    in_time(driver.wait("open", lambda s: s["circuit"] != "closed", 10), SHOWN, "slow: shown")
    way.slow = False
    in_time(driver.ready(15), BACK, "slow: back")
    check(driver.ask("get a") == ("fine", "0123456789"), "and whole")


def refused(stage):
    server = Server(stage, "--maxmemory-policy", "noeviction")
    driver = Driver(stage, server.url())
    driver.ready()
    server.cli("config", "set", "maxmemory", "1")
    check(driver.ask("set a one 60000")[0] == "OOM", "full: OOM is named")
    check(driver.state()["fault"] == "OOM" and driver.state()["circuit"] == "closed", "and shown")
    check(driver.ask("get a") == ("fine", "-"), "reading goes on")
    server.cli("config", "set", "maxmemory", "0")
    check(driver.ask("set a one 60000")[0] == "fine", "and writing, with room")
    other = Server(stage)
    server.cli("replicaof", "127.0.0.1", other.port)
    check(driver.ask("set a one 60000")[0] == "READONLY", "a replica: READONLY is named")
    check(driver.state()["fault"] == "READONLY", "and shown")
    server.cli("replicaof", "no", "one")
    check(driver.ask("set a one 60000")[0] == "fine", "and over when it is a master")


def passwords(stage):
    server = Server(stage, "--requirepass", "p@ss:w")
    cli = ("--no-auth-warning", "-a", "p@ss:w")
    server.cli(*cli, "acl", "setuser", "reader", "on", ">secret", "~ringside:*", "&*", "+@all", "-set")
    for who, fault in (("", "wrong password"), (":wrong@", "wrong password"),
                       ("reader:wrong@", "wrong password"), ("nobody:secret@", "wrong password")):
        driver = Driver(stage, server.url(who))
        driver.wait("open", lambda s: s["circuit"] == "open" and s["fault"] == fault, 5)
        check(True, f"'{who}': {fault}: {driver.state()['text']}")
    driver = Driver(stage, server.url(":p%40ss%3Aw@"))
    driver.ready()
    check(driver.ask("set a one 60000") == ("fine", "OK"), "the right password, escaped")
    reader = Driver(stage, server.url("reader:secret@"))
    reader.ready()
    check(reader.ask("get a") == ("fine", "one"), "a user of an ACL")
    check(reader.ask("set a two 60000")[0] == "NOPERM", "who may not write: NOPERM is named")
    check(reader.state()["fault"] == "NOPERM", "and shown")


def loading(stage):
    fake = Fake(lambda words: b"-LOADING Redis is loading the dataset in memory\r\n", loading=1)
    stage.things.append(fake)
    driver = Driver(stage, fake.url())
    driver.wait("open", lambda s: s["circuit"] == "open" and s["fault"] == "LOADING", 5)
    check(True, "a Redis that loads is not asked, and says so")
    fake.loading = 0
    fake.answer = lambda words: b"$3\r\none\r\n" if len(fake.asked) % 4 == 0 else \
        b"-LOADING Redis is loading the dataset in memory\r\n"
    in_time(driver.ready(10), BACK, "loaded: back")
    check(driver.ask("get a") == ("fine", "one"), "and is asked again where it loads for a moment")


def out_of_step(stage):
    stray = {"now": False}

    def answer(words):
        said = b"$%d\r\n%s\r\n" % (len(words[1]) - 9, words[1][9:].encode())
        if stray["now"] and words[1].endswith("k9"):
            stray["now"] = False
            return b"+OK\r\n" + said
        return said
    fake = Fake(answer)
    stage.things.append(fake)
    driver = Driver(stage, fake.url())
    driver.ready()
    check(driver.ask("get a") == ("fine", "a"), "the fake tells each key its name")
    stray["now"] = True
    for i in range(200):
        driver.say(f"get k{i}")
    told = [driver.box(("get", f"k{i}")).get(timeout=5) for i in range(200)]
    wrong = [(i, t) for i, t in enumerate(told) if t[0] == "fine" and t[1] != f"k{i}"]
    faults = sorted({t[0] for t in told})
    check(not wrong, f"one stray answer among 200 questions: no wrong value ({faults})")
    check(told[9][0] == "out of step", "its own question is told so")
    time.sleep(0.2)
    check(all(driver.box(("get", f"k{i}")).empty() for i in range(200)), "each is told once")
    check(driver.ask("get b") == ("fine", "b"), "and then they are in step again")
    for what, said in (("a stray answer while nothing is asked", b"+OK\r\n"), ("no RESP", b"HTTP/1.1 400\r\n"),
                       ("the end", b"")):
        drops = driver.state()["drops"]
        for connection in list(fake.open):
            try:
                connection.sendall(said) if said else connection.shutdown(2)
            except OSError:
                pass
        driver.wait(what, lambda s: s["drops"] > drops and s["ready"], 5)
        check(driver.ask("get c") == ("fine", "c"), f"{what}: dropped, and made anew")
    fake.answer = lambda words: b"$3\r\nold\r\n$3\r\nnew\r\n"
    driver.ask("get d")
    driver.wait("in step", lambda s: s["drops"] > drops + 1 and s["ready"], 5)
    fake.answer = answer
    check(driver.ask("get e") == ("fine", "e"), "two answers to one question: dropped, and made anew")


def too_long(stage):
    fake = Fake(lambda words: b"$90000000\r\n" + b"x" * 3000000)
    stage.things.append(fake)
    driver = Driver(stage, fake.url())
    driver.ready()
    check(driver.ask("get a")[0] == "too long", "a text without end: too long")
    driver.ready()
    fake.answer = lambda words: b"*1000000\r\n" + b":1\r\n" * 100000
    check(driver.ask("members a")[0] == "too long", "an array without end: too long")
    driver.ready()
    fake.answer = lambda words: b"*9\r\n" * 40
    check(driver.ask("members a")[0] == "out of step", "one too deep: no answer")
    size = live.proc_pss_kib(driver.pid)
    check(size < 32768, f"in {size} KiB")


def flapping(stage):
    server = Server(stage)
    driver = Driver(stage, server.url())
    driver.ready()
    driver.say("load 100 2")
    began, asked = time.monotonic(), 0
    for _ in range(20):
        server.kill()
        time.sleep(0.1)
        server.start()
        for _ in range(20):
            driver.say(f"set f{asked} v 60000")
            asked += 1
            time.sleep(0.01)
    print(f"      20 times in {time.monotonic() - began:.1f} s: {driver.state()}")
    in_time(driver.ready(10), BACK, "flapping: back")
    told = [driver.box(("set", f"f{i}")).get(timeout=5)[0] for i in range(asked)]
    time.sleep(0.6)
    check(all(driver.box(("set", f"f{i}")).empty() for i in range(asked)),
          f"{asked} questions, as many answers: { {t: told.count(t) for t in set(told)} }")
    tally = driver.tally()
    check(told.count("fine") > asked / 10, "and some of them in each turn were good")
    check(tally["wrong"] == 0, f"no wrong value: {tally}")


def many(stage):
    server = Server(stage)
    driver = Driver(stage, "-q", "100", server.url())
    driver.ready()
    server.signal(signal.SIGSTOP)
    began = time.monotonic()
    for i in range(300):
        driver.say(f"get m{i}")
    told = [driver.box(("get", f"m{i}")).get(timeout=5)[0] for i in range(300)]
    check(told.count("ENOBUFS") >= 200, f"{told.count('ENOBUFS')} of 300 find 100 under way")
    check(set(told) <= {"ENOBUFS", "timeout", "connection lost"}, f"the others are late: {set(told)}")
    in_time(time.monotonic() - began, 0.5, "all are told")
    server.signal(signal.SIGCONT)
    driver.ready(10)
    server.signal(signal.SIGSTOP)
    for i in range(20):
        driver.say(f"big b{i} {10000 if i < 3 else 900000}")
    driver.state()
    server.kill()
    told = [driver.box(("big", f"b{i}")).get(timeout=5)[0] for i in range(20)]
    check(driver.popen.poll() is None, f"killed while much is written: {set(told)}")
    check("connection lost" in told, "which those under way are told")


def main():
    live.need_root_and("redis-server", "redis-cli")
    parts = (keys, channels, addresses, several, killed, stopped, slow, refused, passwords, loading,
             out_of_step, too_long, flapping, many)
    wanted = sys.argv[1:]
    try:
        for part in parts:
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
