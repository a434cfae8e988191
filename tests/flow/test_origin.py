#!/usr/bin/env python3
"""Read-through origins against real HTTP servers: each fetch has one answer, in time, and is one of
its key, whatever the server does: 404, 500, no answer, a byte at a time, too much, a wrong length,
a redirect, nobody there, and back.
"""
import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from origin_live import Handler, Server

NOISE = 2.0   # so much longer each may take on a busy machine
TURN_MS = 50  # of the loop, whatever goes on


class Failed(Exception):
    pass


def check(fact, what):
    if not fact:
        raise Failed(what)
    print(f"ok    {what}")


class Driver:
    """origin_driver: what is asked, and each answer by its kind and key."""
    def __init__(self, stage, rules, fds=()):
        config = Path(stage.folder) / f"origins-{len(stage.things)}.json"
        config.write_text(json.dumps({"cache": {"origins": rules}}))
        own = [x for fd in fds for x in ("-o", str(fd))]
        self.popen = subprocess.Popen([str(live.find_program("origin_driver")), *own, str(config)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      bufsize=1, pass_fds=fds, preexec_fn=live.dies_with_us)
        self.pid = self.popen.pid
        stage.things.append(self)
        self.answers, self.lock = {}, threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()

    def box(self, what, key):
        with self.lock:
            return self.answers.setdefault((what, key), queue.Queue())

    def read(self):
        for line in self.popen.stdout:
            answer = json.loads(line)
            self.box(answer["what"], answer["key"]).put(answer)

    def say(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def get(self, what, key, seconds=10):
        try:
            return self.box(what, key).get(timeout=seconds)
        except queue.Empty:
            raise Failed(f"no answer to {what} {key} within {seconds} s") from None

    def fetch(self, key):
        self.say(f"fetch {key}")
        return self.get("fetch", key)

    def state(self):
        self.say("state")
        return self.get("state", "")

    def stop(self, *_):
        self.popen.stdin.close()
        try:
            code = self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            code = self.popen.wait()
        return code

    def family(self):
        return [self.pid] if self.popen.poll() is None else []


def rule(port, **more):
    return {"prefix": "u:", "url": f"http://127.0.0.1:{port}/{{rest}}", "timeout": "500ms", **more}


def by_path(port, **more):
    """The path is of the key, kind and rest: kind/rest would be escaped."""
    return [{"prefix": f"{kind}:", "url": f"http://127.0.0.1:{port}/{kind}/{{rest}}",
             "timeout": "500ms", **more}
            for kind in ("ok", "late", "none", "broken", "hang", "slow", "huge", "endless", "short",
                         "longer", "redirect", "zipped")]


def answers(stage):
    server = Server(stage)
    driver = Driver(stage, by_path(server.port, negative_ttl="5s"))
    got = driver.fetch("ok:1/2 3".replace(" ", "+"))
    check(got["fault"] == "fine" and got["value"] == "value of /ok/1%2F2%2B3", f"a value: {got}")
    check((got["ttl"], got["type"], got["tags"]) == (7, "text/plain", "a b"),
          "with the time, type and tags that it has")
    got = driver.fetch("none:1")
    check(got["fault"] == "fine" and not got["found"] and got["status"] == 404 and got["ttl"] == 5,
          f"404 is an answer, kept for its time: {got}")
    check(driver.fetch("nobody:1")["text"] == "ENOENT", "a key of no origin")
    check(driver.fetch("ok:..")["text"] == "EINVAL", "a key that would climb")
    for key, fault, words in (("broken:1", "failing", "500"), ("huge:1", "too large", "1048576"),
                              ("endless:1", "too large", "1048576"), ("short:1", "cut short", ""),
                              ("redirect:1", "redirect", "302"),
                              ("zipped:1", "odd answer", "encoding")):
        got = driver.fetch(key)
        check(got["fault"] == fault and words in got["text"], f"{key}: {fault}: {got['text']}")
    check(server.hits("/ok/secret") == 0, "nobody followed the redirect")
    for i in range(5):
        check(driver.fetch(f"longer:{i}")["value"] == "abc", "no more than it says is its value")
        got = driver.fetch(f"ok:{i}")
        check(got["value"] == f"value of /ok/{i}", f"and what follows is nobody's answer: {got}")
    for key in ("hang:1", "slow:1"):
        began = time.monotonic()
        check(driver.fetch(key)["fault"] == "timeout", f"{key}: a timeout")
        took = time.monotonic() - began
        check(0.45 < took < 0.5 + 0.5 * NOISE, f"of all that it takes: {took:.2f} s")
    longest = driver.state()["longestMs"]
    check(longest < TURN_MS, f"no turn of the loop waited: {longest} ms")


def one_fetch(stage):
    server = Server(stage)
    driver = Driver(stage, by_path(server.port, timeout="5s"))
    driver.say("many late:x 200")
    time.sleep(0.1)
    driver.say("fetch late:x")
    got = driver.get("many", "late:x")
    check(got["fine"] == 200 and got["first"] == 1 and got["value"] == "value of /late/x",
          f"200 who ask for one key are told: {got}")
    check(driver.get("fetch", "late:x")["first"] == 0, "and who came later, with them")
    check(server.hits("/late/x") == 1, "by one fetch")
    driver.fetch("late:x")
    check(server.hits("/late/x") == 2, "later it is another")


def bounds(stage):
    server = Server(stage)
    driver = Driver(stage, [rule(server.port, url=f"http://127.0.0.1:{server.port}/late/{{rest}}",
                                 concurrency=3, queue=12, timeout="5s")])
    for i in range(15):
        driver.say(f"fetch u:{i}")
        time.sleep(0.01)
    for i in range(15):
        check(driver.get("fetch", f"u:{i}")["fault"] == "fine", "those in the queue are fetched")
    check(server.server.most == 3, f"three at a time: {server.server.most}")
    for i in range(100, 200):
        driver.say(f"fetch u:{i}")
    told = Counter(driver.get("fetch", f"u:{i}")["text"] for i in range(100, 200))
    check(told["ENOBUFS"] == 100 - told["200"] and 12 <= told["200"] <= 20,
          f"and no more wait than may: {told}")
    check(driver.state()["crowded"] == told["ENOBUFS"], "which is counted")


def away(stage):
    server = Server(stage)
    driver = Driver(stage, [rule(server.port, url=f"http://127.0.0.1:{server.port}/ok/{{rest}}")])
    check(driver.fetch("u:0")["fault"] == "fine", "it is there")
    server.stop()
    for i in range(5):
        got = driver.fetch(f"u:{i}")
        check(got["fault"] in ("not there", "cut short"), f"nobody is there: {got['text']}")
    state = driver.state()
    check(state["circuit"] == "open" and state["fault"] == "not there",
          f"it is left alone: {state}")
    check(driver.fetch("u:9")["text"] == "EHOSTDOWN", "and not asked")
    server.start()
    began = time.monotonic()
    while driver.fetch("u:9")["fault"] != "fine":
        check_quietly(time.monotonic() - began < 5 * NOISE, "it does not come back")
        time.sleep(0.05)
    state = driver.state()
    check(state["circuit"] == "closed" and state["fault"] == "fine",
          f"back after {time.monotonic() - began:.2f} s")
    check(sum(server.server.hits.values()) == 1, "the probe was one request")


def failing(stage):
    server = Server(stage)
    driver = Driver(stage, by_path(server.port, timeout="300ms"))
    for i in range(8):
        driver.fetch(f"broken:{i}")
    check(sum(server.server.hits.values()) == 5, "five answers 500, and it is left alone")
    check(driver.fetch("ok:1")["fault"] == "fine", "by its own circuit: another origin is asked")
    for i in range(8):
        driver.say(f"fetch hang:{i}")
    for i in range(8):
        check(driver.get("fetch", f"hang:{i}")["fault"] == "timeout", "one that hangs")
    check(driver.fetch("hang:9")["text"] == "EHOSTDOWN", "is left alone too, though it accepts")


def ourselves(stage):
    with socket.create_server(("127.0.0.1", 0)) as mine:
        mine.settimeout(0.3)
        driver = Driver(stage, [rule(mine.getsockname()[1])], (mine.fileno(),))
        got = driver.fetch("u:1")
        check(got["fault"] == "our own address", f"our own API is no origin: {got['text']}")
        try:
            mine.accept()
            raise Failed("it was connected to")
        except TimeoutError:
            check(True, "nobody connected")


def secrets(stage):
    server = Server(stage)
    token = Path(stage.folder) / "token"
    token.write_text("Bearer geheim\n")
    token.chmod(0o600)
    url = f"http://localhost:{server.port}/headers_of?{{rest}}"
    driver = Driver(stage, [rule(server.port, url=url, headers={"X-One": "1"}, timeout="5s",
                                 header_files={"Authorization": str(token)})])
    got = driver.fetch("u:1")
    check(got["fault"] == "fine", f"by name: {got['text']}")
    check(server.hits("/headers_of?1") == 1, "a query is of the key")
    seen = server.server.seen
    check((seen["Authorization"], seen["X-One"]) == ("Bearer geheim", "1"),
          "the headers are sent, the secret of its file")
    check(seen["Accept-Encoding"] == "identity", "and nothing encoded is asked for")
    missing = Driver(stage, [rule(server.port, header_files={"Authorization": str(token) + "x"})])
    check(missing.fetch("u:1")["text"] == "EHOSTDOWN", "without its secret it is not asked")
    check("No such file" in missing.state()["text"], f"and says so: {missing.state()['text']}")


def warming(stage):
    server = Server(stage)
    driver = Driver(stage, [rule(server.port, url=f"http://127.0.0.1:{server.port}/ok/{{rest}}",
                                 warm_rate=20)])
    began = time.monotonic()
    driver.say("warm 60 " + " ".join(f"u:{i}" for i in range(20)))
    for i in range(20):
        got = driver.get("warm", f"u:{i}")
        check(got["fault"] == "fine" and got["for"] == 60, "a key is warmed")
    took = time.monotonic() - began
    check(0.95 * 0.95 < took < 0.95 + NOISE, f"20 at 20 a second: {took:.2f} s")
    check(driver.state()["turns"] < 400, "and the loop sleeps between them")


def nginx(stage):
    server = stage.nginx(shim=False)
    base = {"timeout": "5s", "queue": 1000}
    driver = Driver(stage, [
        {"prefix": "l:", "url": f"http://127.0.0.1:{server.port}/index.html?{{rest}}", **base},
        {"prefix": "u:", "url": f"http://127.0.0.1:{server.port}/{{rest}}?{{key}}", **base}])
    got = driver.fetch("u:index.html")
    check(got["length"] == live.PAGE and got["type"] == "text/html" and got["ttl"] == 300,
          f"a page: {got}")
    check(driver.fetch("u:big.bin")["length"] == 300000, "a large one")
    check(not driver.fetch("u:nothing")["found"], "none")
    check(driver.fetch("u:error")["fault"] == "failing", "503")
    began = time.monotonic()
    for i in range(2000):
        driver.say(f"many l:{i} 3")
        if i % 500 == 499:  # no more than may wait
            told = [driver.get("many", f"l:{k}") for k in range(i - 499, i + 1)]
            check(all(got["fine"] == 3 and got["length"] == live.PAGE for got in told),
                  f"{i + 1} pages, each for three, after {time.monotonic() - began:.2f} s")
    state = driver.state()
    print(f"      {state}")
    check(state["fetches"] == 2000 == len(server.lines()) - 4, "each fetch is one line of its log")
    check(state["coalesced"] == 4000, "the others joined one")
    check(state["underWay"] == state["queued"] == 0, "and none is left")
    check(state["longestMs"] < TURN_MS * NOISE, f"no turn waited: {state['longestMs']} ms")


def check_quietly(fact, what):
    if not fact:
        raise Failed(what)


def main():
    live.need_root_and("nginx")
    parts = (answers, one_fetch, bounds, away, failing, ourselves, secrets, warming, nginx)
    wanted = sys.argv[1:]
    try:
        for part in parts:
            if wanted and part.__name__ not in wanted:
                continue
            print(f"{part.__name__}:")
            with live.Stage() as stage:
                part(stage)
                left = [t.stop() for t in stage.things if isinstance(t, Driver)]
                check(not any(left), f"every driver ended well: {left}")
    except Failed as failure:
        print(f"WRONG {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
