#!/usr/bin/env python3
"""The cache of a running agent in front of real origins: what nobody has is fetched once, however
many ask, kept, and served; what an origin does wrong costs those who wait for it and nobody else.
"""
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import schema
from origin_live import Server

NOISE = 3.0  # so much longer each may take on a busy machine
CROWD = 200
JSON = {"Content-Type": "application/json"}
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what, flush=True)
    if not fact:
        wrong.append(what)


def expect_quietly(fact, what):
    if not fact:
        expect(fact, what)


class Client:
    """Asks an agent as the privileged."""
    def __init__(self, agent, stage):
        self.port = agent.port
        self.token = (stage.run_dir / "token").read_text().strip()

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body)"""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        link.request(method, path, body, {"Authorization": f"Bearer {self.token}",
                                          **(headers or {})})
        reply = link.getresponse()
        answer = reply.status, reply.headers, reply.read()
        link.close()
        return answer

    def get(self, key, method="GET"):
        return self.ask(method, "/api/cache/entries/" + urllib.parse.quote(key, safe=""))

    def post(self, path, document):
        status, _, body = self.ask("POST", path, json.dumps(document).encode(), JSON)
        return status, json.loads(body)

    def data(self, path):
        return json.loads(self.ask("GET", path)[2])["data"]

    def stats(self):
        return self.data("/api/cache/stats")


def code(answer):
    return answer[0], json.loads(answer[2])["error"]["code"]


def timed(what, *arguments):
    began = time.monotonic()
    return what(*arguments), time.monotonic() - began


class Scene:
    """A server with one origin for each of its kinds of answers, and an agent before them."""
    def __init__(self, stage, rules=None, **more):
        self.stage = stage
        self.server = Server(stage)
        rules = rules or {}
        base = {"timeout": "1s"}
        origins = [{"prefix": kind + ":", "url": self.url(kind) + "/{rest}", **base,
                    **rules.get(kind, {})} for kind in rules]
        (stage.folder / "ringside.json").write_text(
            json.dumps({"cache": {"origins": origins, **more}}))
        self.agent = stage.agent().wait("/readyz")
        self.client = Client(self.agent, stage)

    def url(self, kind):
        return f"http://127.0.0.1:{self.server.port}/{kind}"


def plain(stage):
    scene = Scene(stage, {"ok": {}, "none": {}})
    client = scene.client
    status, headers, body = client.get("ok:1")
    expect((status, body) == (200, b"value of /ok/1"), "a miss is what its origin has")
    expect((headers["X-Cache"], headers["Content-Type"], headers["Cache-Control"],
            headers["Surrogate-Key"]) == ("origin", "text/plain", "max-age=7", "a b"),
           f"with its type, time and tags: {dict(headers)}")
    status, headers, again = client.get("ok:1")
    expect((status, headers["X-Cache"], again) == (200, "memory", body), "and then a hit")
    expect(headers["ETag"] and client.ask("GET", "/api/cache/entries/ok:1", None,
           {"If-None-Match": headers["ETag"]})[0] == 304, "whose ETag is good")
    expect(scene.server.hits("/ok/1") == 1, "fetched once")
    head = client.get("ok:2", "HEAD")
    expect((head[0], head[2], head[1]["X-Cache"]) == (200, b"", "origin"), "by HEAD too")
    expect(client.ask("POST", "/api/cache/get", b'{"key": "ok:3"}', JSON)[2] == b"value of /ok/3",
           "and with the key in a body")
    expect(code(client.get("other:1")) == (404, "not_cached"), "a key of no origin is a miss")
    expect(code(client.get("none:1")) == (404, "not_found_at_origin"), "and so is a 404")
    expect(code(client.get("ok:..")) == (400, "bad_key"), "a key that climbs has no URL")
    expect(client.get("ok:a/b?c#d")[2] == b"value of /ok/a%2Fb%3Fc%23d", "others are escaped")
    time.sleep(7.1)  # as its Cache-Control says
    expect(client.get("ok:1")[1]["X-Cache"] == "origin" and scene.server.hits("/ok/1") == 2,
           "when its time is over it is fetched anew")


def made(stage):
    """Keys that are made of parts of the request."""
    scene = Scene(stage, {"turn": {"key": "turn:{rest}:{query.page}:{header.Accept-Language}"}})

    def ask(query, language):
        return scene.client.ask("GET", "/api/cache/entries/turn:leads" + query, None,
                                {"Accept-Language": language})[1]["X-Cache"]
    asked = [("?page=1", "de"), ("?page=2", "de"), ("?page=1", "fr"), ("?page=1", "de"),
             ("?page=2&x=1", "de")]
    expect([ask(*one) for one in asked] == ["origin"] * 3 + ["memory"] * 2,
           "what differs in a part of the key is another entry")
    expect(scene.server.hits("/turn/leads%3A2%3Ade") == 1, "each has an URL of its own")
    expect(code(scene.client.ask("GET", "/api/cache/entries/other?page=1")) ==
           (400, "unknown_parameter"), "other keys take no parameters")


def crowd(stage):
    scene = Scene(stage, {"late": {}})
    answers = stage.at_once(*[lambda: scene.client.get("late:1") for _ in range(16)])
    links = []
    for _ in range(CROWD):
        link = http.client.HTTPConnection("127.0.0.1", scene.agent.port, timeout=30)
        link.request("GET", "/api/cache/entries/late:2", None,
                     {"Authorization": f"Bearer {scene.client.token}"})
        links.append(link)
    answers += [(link.getresponse().status,) for link in links]
    for link in links:
        link.close()
    expect({answer[0] for answer in answers} == {200}, "all of a crowd are answered")
    expect(scene.server.hits("/late/1") == scene.server.hits("/late/2") == 1, "by one fetch each")


def faults(stage):
    kinds = ("broken", "hang", "slow", "huge", "endless", "short", "redirect", "zipped")
    scene = Scene(stage, {kind: {} for kind in kinds} | {"ok": {}})
    client = scene.client
    client.ask("PUT", "/api/cache/entries/here", b"v", {"Content-Type": "text/plain"})
    over, longest = threading.Event(), [0.0]

    def others():
        while not over.is_set():
            longest[0] = max(longest[0], timed(client.get, "here")[1], timed(client.stats)[1])
    beside = threading.Thread(target=others)
    beside.start()
    try:
        for kind, why in zip(kinds, ("failing", "timeout", "timeout", "too large", "too large",
                                     "cut short", "redirect", "odd answer")):
            (status, _, body), took = timed(client.get, kind + ":1")
            error = json.loads(body)["error"]
            expect((status, error["code"]) == (502, "origin_failed") and why in error["message"]
                   and took < 1 + NOISE, f"{kind}: {error['message']} after {took:.2f} s")
        expect(client.get("ok:1")[0] == 200, "other origins answer as before")
    finally:
        over.set()
        beside.join()
    expect(longest[0] < 0.1 * NOISE, f"and nobody else waits: {longest[0] * 1e3:.1f} ms at most")


def circuit(stage):
    scene = Scene(stage, {"ok": {}})
    scene.server.stop()
    said = [code(scene.client.get(f"ok:{i}")) for i in range(6)]
    expect(said[:5] == [(502, "origin_failed")] * 5 and said[5] == (503, "origin_down"),
           f"after five faults an origin is left alone: {said[5]}")
    answer = scene.client.get("ok:9")
    expect(answer[1]["Retry-After"] == "1", "who asks is told when to come back")
    scene.server.start()
    live.wait_for("the probe", lambda: scene.client.get("ok:7")[0] == 200, 3 * NOISE)
    expect(scene.client.get("ok:8")[0] == 200, "and it comes back by itself")


def order(stage):
    """What is written or taken out while a fetch is under way is not undone by it."""
    scene = Scene(stage, {"late": {}})
    client = scene.client

    def beside(change, key):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(client.get(key)))
        thread.start()
        live.wait_for("the fetch", lambda: scene.server.server.under_way, 5)
        change()
        return thread, answers

    thread, answers = beside(lambda: client.ask("PUT", "/api/cache/entries/late:1", b"mine",
                                                {"Content-Type": "a/b"}), "late:1")
    thread.join()
    expect(answers[0][2] == b"value of /late/1" and answers[0][1]["Cache-Control"] == "no-store",
           "who asked before a PUT gets what was there before")
    expect(client.get("late:1")[2] == b"mine", "and what was put in stays")
    for key, change in (
            ("late:2", lambda: client.ask("DELETE", "/api/cache/entries/late:2")),
            ("late:3", lambda: client.post("/api/cache/clear", {"pattern": "late:*"})),
            ("late:4", lambda: client.post("/api/cache/invalidate", {"tags": ["a"]})),
            ("late:5", lambda: client.post("/api/cache/invalidate", {"keys": ["late:5"]})),
            ("late:6", lambda: client.post("/api/cache/invalidate", {"prefix": "late"}))):
        thread, answers = beside(change, key)
        (_, headers, _), took = timed(client.get, key)
        thread.join()
        expect(answers[0][0] == 200 and headers["X-Cache"] == "origin" and took > 0.3 and
               scene.server.hits("/late/" + key[5:]) == 2,
               f"{key}: who asks after it was taken out gets one that was fetched after that")


def negative(stage):
    scene = Scene(stage, {"turn": {"negative_ttl": "2s", "tags": ["group"]}})
    client, turns = scene.client, scene.server.server.turns
    for i in range(1, 5):
        turns[f"/turn/{i}"] = 404
        for _ in range(5):
            expect_quietly(client.get(f"turn:{i}")[0] == 404, "there is none")
    expect([scene.server.hits(f"/turn/{i}") for i in range(1, 5)] == [1] * 4,
           "that there is none is known: an origin is asked once")
    turns.clear()
    time.sleep(2.1)
    expect(client.get("turn:1")[2] == b"2", "for two seconds")
    for i, change in ((2, lambda: client.post("/api/cache/invalidate", {"tags": ["group"]})),
                      (3, lambda: client.post("/api/cache/clear", {"pattern": "turn:*"}))):
        turns[f"/turn/{i}"] = 404
        client.get(f"turn:{i}")
        turns.clear()
        change()
        expect(client.get(f"turn:{i}")[2] == b"3", f"or until it is taken out ({i})")
    turns["/turn/4"] = 404
    client.get("turn:4")
    client.ask("PUT", "/api/cache/entries/turn:4", b"mine", {"Content-Type": "text/plain"})
    expect(client.get("turn:4")[2] == b"mine", "or somebody puts one in")


def stale(stage):
    scene = Scene(stage, {"turn": {"ttl": "1s", "stale_while_revalidate": "3s",
                                   "stale_on_error": "8s", "timeout": "500ms"}})
    client, server = scene.client, scene.server
    began = time.monotonic()
    expect(client.get("turn:1")[2] == b"1", "a value")
    time.sleep(1.2)
    (_, headers, body), took = timed(client.get, "turn:1")
    expect((body, headers["X-Cache"], headers["Cache-Control"]) == (b"1", "memory", "max-age=0")
           and headers["Warning"].startswith("110") and took < 0.1 * NOISE,
           f"is served when its time is over: {headers['Warning']}")
    live.wait_for("the new one", lambda: client.get("turn:1")[2] == b"2", 2)
    expect(server.hits("/turn/1") == 2 and client.get("turn:1")[1]["Warning"] is None,
           "while one new one is fetched")
    server.server.turns["/turn/1"] = 500
    began = time.monotonic()
    while time.monotonic() - began < 6:
        status, headers, body = client.get("turn:1")
        expect_quietly((status, body) == (200, b"2"), "it is served on error")
        time.sleep(0.1)
    expect(headers["Warning"] is not None, "where its origin fails it is served for longer")
    live.wait_for("its end", lambda: client.get("turn:1")[0] in (502, 503), 5 * NOISE)
    expect(time.monotonic() - began > 7, "but not for ever")
    server.server.turns.clear()
    live.wait_for("a new one", lambda: client.get("turn:1")[0] == 200, 8 * NOISE)
    expect(client.get("turn:1")[1]["Warning"] is None, "until it is back")


def told(stage):
    """Each number of the stats, of health and of /metrics is that of what was asked."""
    scene = Scene(stage, {"turn": {"ttl": "1s", "negative_ttl": "60s", "stale_on_error": "60s"}})
    client, turns = scene.client, scene.server.server.turns
    document = json.loads(live.fetch(scene.agent.port, "/api/openapi.json")[2])

    def described(name, data):
        found = schema.findings(document, {"$ref": f"#/components/schemas/{name}"}, data)
        expect(not found, f"{name} is as it is described {found}")
    client.get("turn:1")
    turns["/turn/2"] = 404
    client.get("turn:2")
    client.get("turn:2")
    turns["/turn/1"] = 500
    time.sleep(1.1)
    statuses = [client.get("turn:1")[0] for _ in range(6)]
    expect(statuses == [200] * 6, "six look-ups are answered past its time")
    stats, health = client.stats(), client.data("/api/cache/health")
    described("CacheStats", stats)
    described("CacheHealth", health)
    one = stats["origin"]["origins"][0]
    wanted = {"fetches": 7, "errors": 5, "negative": 1, "absentServed": 1, "staleServed": 6,
              "refused": 1, "circuit": "open", "fault": "failing",
              "faults": [{"name": "failing", "count": 5}]}
    got = {name: one[name] for name in wanted}
    expect(got == wanted, f"each is counted: {got}")
    expect(stats["overall"]["staleServed"] == 6 and stats["overall"]["misses"] == 3 and
           stats["overall"]["hits"] == 6, f"in all of it, too: {stats['overall']}")
    expect(health["status"] == health["origin"]["status"] == "degraded", "the cache is degraded")
    parts = {part["name"]: part for part in client.data("/api/health")["parts"]}
    expect(parts["origins"]["status"] == "degraded" and "failing" in parts["origins"]["reason"],
           f"and health says why: {parts['origins']['reason']}")
    lines = live.fetch(scene.agent.port, "/metrics")[2].decode().splitlines()
    for line in ('ringside_cache_origin_fetches_total{prefix="turn:"} 7',
                 'ringside_cache_origin_faults_total{prefix="turn:",fault="failing"} 5',
                 'ringside_cache_origin_stale_total{prefix="turn:"} 6',
                 'ringside_cache_origin_circuit_open{prefix="turn:"} 1'):
        expect(line in lines, line)
    turns.clear()
    live.wait_for("it is back", lambda: client.get("turn:3")[0] == 200, 8 * NOISE)
    expect(client.data("/api/cache/health")["status"] == "healthy", "until it answers again")


def warming(stage):
    scene = Scene(stage, {"ok": {"warm_rate": 1000}, "none": {}, "turn":
                          {"ttl": "1s", "warm_every": "1s", "warm_top": 1, "warm_rate": 100}})
    client, server = scene.client, scene.server
    status, answer = client.post("/api/cache/warm", {"ttl": 3600, "keys": [
        "ok:1", "ok:2", "none:1", "other:1"]})
    failed = {one["key"]: one["reason"] for one in answer["data"]["failed"]}
    expect(status == 200 and answer["data"]["loaded"] == 2 and list(sorted(failed)) ==
           ["none:1", "other:1"], f"a list is loaded, and what is not is said: {answer}")
    expect(client.get("ok:1")[1]["X-Cache"] == "memory" and
           client.get("ok:1")[1]["Cache-Control"] in ("max-age=3600", "max-age=3599"),
           "for as long as it was wanted")
    done = subprocess.run([live.find_program("ringside"), "cache", "warm", "--run-dir",
                           stage.run_dir, "ok:3", "none:2"], capture_output=True, check=False)
    expect(done.returncode == 0 and b"1 loaded" in done.stdout and b"none:2: its origin has nothing"
           in done.stdout, f"by the command, too: {done.stdout}")
    for _ in range(3):
        client.get("ok:hot")
    client.ask("DELETE", "/api/cache/entries/ok:hot")
    answer = client.post("/api/cache/warm", {"prefix": "ok:", "top": 1})[1]["data"]
    expect(answer == {"loaded": 1, "failed": []} and server.hits("/ok/hot") == 2,
           "the hottest of a prefix")
    for _ in range(3):
        client.get("turn:1")
    client.get("turn:2")
    live.wait_for("the schedule", lambda: server.hits("/turn/1") >= 3, 6 * NOISE)
    expect(server.hits("/turn/2") == 1, "and by schedule the hottest alone")
    warm = client.stats()["origin"]["warm"]
    expect(warm["ordered"] == 7 and warm["scheduled"] >= 2 and warm["failed"] == 3,
           f"each is counted: {warm}")


def secrets(stage):
    secret = stage.folder / "secret"
    secret.write_text("of the origin\n")
    secret.chmod(0o600)
    scene = Scene(stage, {"headers_of": {"header_files": {"Authorization": str(secret)},
                                         "headers": {"X-Plain": "plainly"}}})
    expect(scene.client.get("headers_of:1")[0] == 200 and
           scene.server.server.seen["Authorization"] == "of the origin",
           "a secret of a file that root alone may read goes to its origin")
    shown = scene.client.ask("GET", "/api/config")[2]
    expect(b"of the origin" not in shown and b"plainly" not in shown and b"X-Plain" in shown,
           "and nobody else is told")
    worker = live.proc_children(scene.agent.pid)[-1]  # the nursery's only child
    os.kill(worker, signal.SIGKILL)
    secret.unlink()
    live.wait_for("the next worker", lambda: answers(scene.client, "headers_of:2"), 10)
    expect(scene.server.server.seen["Authorization"] == "of the origin",
           "the next worker has it too")
    expect("of the origin" not in scene.agent.said(), "it is in no log")


def answers(client, key):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return client.get(key)[0] == 200
    return False


def ourselves(stage):
    port = stage.agent_port
    (stage.folder / "ringside.json").write_text(json.dumps({"cache": {"origins": [
        {"prefix": "me:", "url": f"http://127.0.0.1:{port}/{{rest}}"}]}}))
    client = Client(stage.agent().wait("/readyz"), stage)
    status, _, body = client.get("me:healthz")
    expect(status == 502 and b"our own address" in body, f"the agent does not ask itself: {body}")


def main():
    live.need_root_and()
    parts = (plain, made, crowd, faults, circuit, order, negative, stale, told, warming, secrets, ourselves)
    wanted = sys.argv[1:]
    for part in parts:
        if wanted and part.__name__ not in wanted:
            continue
        print(f"{part.__name__}:")
        with live.Stage() as stage:
            part(stage)
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
