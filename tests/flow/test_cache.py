#!/usr/bin/env python3
"""The cache as a client sees it: entries of every kind of key, what is refused and why, who may, the
guide's own commands, the command `ringside cache`, what /metrics and the rules are told; clients
that stop in the middle, and many that clear at once.
"""
import concurrent.futures
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


class Client:
    """Asks as the privileged, unless token is ""."""
    def __init__(self, port, token):
        self.port, self.token = port, token

    def ask(self, method, path, body=None, headers=None, token=None):
        """(status, headers, body bytes)"""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        token = self.token if token is None else token
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        link.putrequest(method, path, skip_accept_encoding=True)
        if body is not None or method in ("PUT", "POST"):
            sent.setdefault("Content-Length", str(len(body or b"")))
        for name, value in sent.items():
            link.putheader(name, value)
        link.endheaders(body)
        reply = link.getresponse()
        answer = reply.status, reply.headers, reply.read()
        link.close()
        return answer

    def post(self, path, document, **more):
        status, _, body = self.ask("POST", path, json.dumps(document).encode(), JSON, **more)
        return status, json.loads(body)

    def stats(self):
        return json.loads(self.ask("GET", "/api/cache/stats", token="")[2])["data"]


def entry(key):
    return "/api/cache/entries/" + "".join(f"%{byte:02x}" for byte in key)


def code(answer):
    return answer[0], json.loads(answer[2])["error"]["code"]


def entries(client):
    for key in (b"a", b"\0", b"a\0b", bytes(range(256)), b"k" * 2048, b"\xff" * 2048, b"a/b?c=d&e",
                b"[*?\\]", b"%41"):
        value = os.urandom(20) + key
        put = client.ask("PUT", entry(key) + "?ttl=60&tags=x,y", value, TEXT)
        status, headers, body = client.ask("GET", entry(key))
        head = client.ask("HEAD", entry(key))
        good = put[0] == status == head[0] == 200 and body == value and not head[2] and \
            headers["Content-Type"] == "text/plain" and headers["X-Cache"] == "memory" and \
            headers["Surrogate-Key"] == "x y" and headers["Cache-Control"] in \
            ("max-age=60", "max-age=59") and head[1]["Content-Length"] == str(len(value))
        expect(good, f"a key of {len(key)} bytes: {key[:12]!r}")
        unchanged = client.ask("GET", entry(key), headers={"If-None-Match": headers["ETag"]})
        other = client.ask("GET", entry(key), headers={"If-None-Match": '"x"'})
        expect(unchanged[0] == 304 and not unchanged[2] and other[0] == 200, "If-None-Match")
        gone = client.ask("DELETE", entry(key)), client.ask("DELETE", entry(key))
        expect([json.loads(x[2])["data"]["deleted"] for x in gone] == [1, 0] and
               code(client.ask("GET", entry(key))) == (404, "not_cached"), "deleted once")
    # as long as it gets: every byte of the longest key and of the most and longest tags as %XX
    names = [f"{n:x}" * 128 for n in range(16)]
    query = "?ttl=31536000&tags=" + "%2c".join(entry(name.encode())[19:] for name in names)
    put = client.ask("PUT", entry(b"\xff" * 2048) + query, b"1", TEXT)
    got = client.ask("GET", entry(b"\xff" * 2048))
    expect(put[0] == got[0] == 200 and got[1]["Surrogate-Key"] == " ".join(names),
           f"16 tags of 128 bytes: {put[0]} {put[2][:80]}")
    gone = client.post("/api/cache/invalidate", {"tags": names[15:]})[1]
    expect(gone["data"] == {"invalidated": 1}, f"… each of which invalidates: {gone}")
    literal = "/api/cache/entries/a/b[c]\\d+e"  # what need not be encoded need not be
    client.ask("PUT", literal, b"1", TEXT)
    expect(client.ask("GET", entry(b"a/b[c]\\d+e"))[2] == b"1", "literal bytes in a path")


def values(client):
    noise, words = os.urandom(1 << 20), b"ringside seat\n" * 70000
    for what, value in (("nothing", b""), ("1 MiB of noise", noise), ("980 kB of words", words)):
        put = client.ask("PUT", entry(b"v"), value, TEXT)
        status, headers, body = client.ask("GET", entry(b"v"))
        expect(put[0] == status == 200 and body == value and
               headers["Content-Length"] == str(len(value)), f"a value: {what}")
    packed = client.stats()["compression"]
    expect(packed["entries"] == 1 and packed["rawBytes"] == len(words) and
           packed["storedBytes"] < len(words) / 100, f"what pays is compressed: {packed}")
    longer = {**TEXT, "Content-Length": str(len(noise) + 1)}  # told at once, before it is sent
    expect(code(client.ask("PUT", entry(b"w"), None, longer)) == (413, "body_too_large"),
           "a value past cache.max_value: 413")
    expect(client.ask("GET", entry(b"w"))[0] == 404, "… and nothing is kept")
    big = "x" * (1 << 20) + "x"
    expect(client.post("/api/cache/set", {"key": "w", "value": big})[0] == 413, "… nor by POST")


def conditions(client):
    path = entry(b"cas")
    first = client.ask("PUT", path, b"1", {**TEXT, "If-None-Match": "*"})
    second = client.ask("PUT", path, b"2", {**TEXT, "If-None-Match": "*"})
    expect(first[0] == 200 and code(second) == (412, "precondition_failed"),
           "If-None-Match: * keeps what is there")
    etag = client.ask("GET", path)[1]["ETag"]
    swapped = [client.ask("PUT", path, b"3", {**TEXT, "If-Match": etag})[0] for _ in range(2)]
    expect(swapped == [200, 412] and client.ask("GET", path)[2] == b"3", "If-Match: one of two wins")
    expect(code(client.ask("DELETE", path, headers={"If-Match": etag})) ==
           (412, "precondition_failed"), "DELETE of what was changed meanwhile")
    etag = client.ask("GET", path)[1]["ETag"]
    expect(client.ask("GET", path, headers={"If-Match": f"W/{etag}"})[0] == 412 and
           client.ask("DELETE", path, headers={"If-Match": etag})[0] == 200 and
           client.ask("PUT", path, b"4", {**TEXT, "If-Match": "*"})[0] == 412 and
           client.ask("GET", path)[0] == 404, "If-Match")


def posted(client):
    key = "k\0\u00e4" * 16000  # 64,000 bytes
    status, made = client.post("/api/cache/set", {"key": key, "value": {"a": [1, None]}, "ttl": 9})
    got = client.ask("POST", "/api/cache/get", json.dumps({"key": key}).encode(), JSON)
    expect(status == 200 and made["data"] == {"stored": True, "ttl": 9, "bytes": 16} and
           got[0] == 200 and json.loads(got[2]) == {"a": [1, None]} and
           got[1]["Content-Type"] == "application/json", "a key of 64,000 bytes by POST")
    for value in (b"1.0", b"1e5", b"0.1", b"[1.50, 12345678901234567890]", b'{"a" : -0.0}'):
        sent = b'{"key": "json", "value": ' + value + b'}'
        client.ask("POST", "/api/cache/set", sent, JSON)
        client.ask("PUT", entry(b"put"), value, JSON)
        got = [client.ask("GET", entry(key))[2] for key in (b"json", b"put")]
        expect(got == [value, value], f"JSON comes back as it was written: {value} {got}")
    client.post("/api/cache/set", {"key": "short", "value": "text"})
    expect(client.ask("GET", entry(b"short"))[2] == b"text", "a text is kept as its bytes")
    too_long = client.post("/api/cache/set", {"key": "k" * 65537, "value": 1})
    expect(too_long[0] == 413 and too_long[1]["error"]["code"] == "key_too_long",
           "a key of more than 65,536 bytes: 413")


def refusals(client):
    path = entry(b"r")
    for query, wanted in (("?ttl=0", (400, "bad_ttl")), ("?ttl=-1", (400, "bad_ttl")),
                          ("?ttl=1e9", (400, "bad_ttl")), ("?ttl=31536001", (400, "bad_ttl")),
                          ("?ttl=5&ttl=6", (400, "repeated_parameter")),
                          ("?tags=a%20b", (400, "bad_tags")), ("?x=1", (400, "unknown_parameter"))):
        expect(code(client.ask("PUT", path + query, b"1", TEXT)) == wanted, f"PUT {query}: {wanted}")
    for bad, wanted in (("", (400, "bad_key")), ("%", (400, "bad_key")), ("%0", (400, "bad_key")),
                        ("%zz", (400, "bad_key")), ("k" * 2049, (414, "key_too_long")),
                        ("%41" * 2049, (414, "key_too_long"))):
        answer = code(client.ask("GET", "/api/cache/entries/" + bad))
        expect(answer == wanted, f"GET of key {bad[:8]!r}: {answer}")
    expect(code(client.ask("PUT", path, b"1")) == (415, "bad_type"), "a PUT without its type: 415")
    expect(code(client.ask("POST", "/api/cache/clear", b'{"pattern":"*"}', TEXT)) ==
           (415, "bad_type"), "a POST that is no JSON: 415")
    answer = client.ask("POST", path, b"{}", JSON)
    expect(answer[0] == 405 and answer[1]["Allow"] == "GET, HEAD, PUT, DELETE", "405 with Allow")
    for document, wanted in (({}, 400), ({"pattern": ""}, 400), ({"pattern": "x" * 1025}, 400)):
        expect(client.post("/api/cache/clear", document)[0] == wanted, f"clear: {wanted}")
    expect(client.ask("POST", "/api/cache/clear")[0] == 400, "clear without a pattern")
    status, answer = client.post("/api/cache/warm", {"keys": ["a"], "ttl": 3600})
    expect((status, answer["error"]["code"]) == (422, "no_origin"), "warm says that it has no origin")


def privileges(client):
    client.ask("PUT", entry(b"p"), b"1", TEXT)
    for method, path in (("GET", entry(b"p")), ("HEAD", entry(b"p")), ("PUT", entry(b"p")),
                         ("DELETE", entry(b"p")), ("POST", "/api/cache/get"),
                         ("POST", "/api/cache/set"), ("POST", "/api/cache/invalidate"),
                         ("POST", "/api/cache/warm")):
        expect(client.ask(method, path, token="")[0] == 401, f"{method} {path[:22]}: 401 without")
    for path in ("/api/cache/stats", "/api/cache/health"):
        expect(client.ask("GET", path, token="")[0] == 200, f"{path} is anybody's")
    # for the guide's two commands root's loopback connection is enough, anybody else's is not
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST",
            f"http://127.0.0.1:{client.port}/api/database/cache/clear"]
    for user, wanted in ((0, "200"), (65534, "401")):
        said = subprocess.run(curl, user=user, capture_output=True, text=True, timeout=10,
                              check=True).stdout
        expect(said == wanted, f"uid {user} clears over TCP without a token: {said}")
    # a large body of who may not is not even read, and its size is not what he is told of
    longer = {**TEXT, "Content-Length": "70000000"}
    expect(code(client.ask("PUT", entry(b"p"), None, longer, token="")) == (401, "privilege_needed"),
           "a large body without a token: 401")
    foreign = {**longer, "Origin": "http://example.org"}
    expect(code(client.ask("PUT", entry(b"p"), None, foreign)) == (403, "bad_origin"),
           "a large body from a foreign page: 403")
    link = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
    link.request("PUT", entry(b"p"), iter([b"x" * 1000] * 200), TEXT)
    expect(link.getresponse().status == 401, "a large body in chunks without a token: 401")
    link.close()


def guide(client):
    for key in (b"leads:1", b"leads:2", b"lead:3", b"db:q"):
        client.ask("PUT", entry(key), b"1", TEXT)
    text = Path(__file__).with_name("guide_curls.md").read_text().replace("\\\n", " ")
    for command in re.findall(r"^curl .*cache/\S+.*$", text, re.M):
        mine = command.replace("localhost:3000", f"localhost:{client.port}")
        out = subprocess.run(["sh", "-c", mine + " -s"], capture_output=True, text=True, timeout=10,
                             check=True).stdout
        answer = json.loads(out)
        cleared = answer["data"].get("cleared")
        wanted = 2 if "leads:" in command else 1 if "database" in command else None
        expect(answer["success"] is True and cleared == wanted, f"{command[:60]}: {out[:60]}")
    expect(client.ask("GET", entry(b"lead:3"))[0] == 200, "what was not meant is still there")


def invalidation(client):
    for key, tags in ((b"u:1", "a"), (b"u:2", "a,b"), (b"w:1", "b")):
        client.ask("PUT", entry(key) + f"?tags={tags}", b"1", TEXT)
    for document, wanted in (({"tags": ["a"]}, 2), ({"tags": ["a"]}, 0), ({"keys": ["w:1", "x"]}, 1)):
        status, answer = client.post("/api/cache/invalidate", document)
        expect(status == 200 and answer["data"] == {"invalidated": wanted}, f"{document}: {wanted}")
    client.ask("PUT", entry(b"p\0q"), b"1", TEXT)
    expect(client.post("/api/cache/invalidate", {"prefix": "p\0"})[1]["data"] == {"invalidated": 1},
           "by a prefix with a NUL")
    for key in (b"[a]", b"zaz", b"\\"):
        client.ask("PUT", entry(key), b"1", TEXT)
    for pattern, wanted in (("[a]", 1), ("\\\\", 1), ("z?z", 1), ("[a", 0)):
        status, answer = client.post("/api/cache/clear", {"pattern": pattern})
        expect(answer["data"] == {"cleared": wanted}, f"clear {pattern}: {answer['data']}")


def cut_short(client):
    """A body that ends before its Content-Length is never kept, and holds nobody up."""
    link = socket.create_connection(("127.0.0.1", client.port))
    link.sendall(f"PUT {entry(b'cut')} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                 f"Authorization: Bearer {client.token}\r\nContent-Length: 1000\r\n\r\n".encode() +
                 b"x" * 999)
    expect(client.ask("GET", entry(b"cut"))[0] == 404, "others are served meanwhile")
    link.shutdown(socket.SHUT_WR)
    link.settimeout(10)
    answer = link.recv(65536)
    link.close()
    expect(b" 200 " not in answer and client.ask("GET", entry(b"cut"))[0] == 404,
           "a body shorter than its Content-Length is not kept")


def concurrent_clears(client):
    """Whoever clears takes each entry once: the numbers add up to what was put in."""
    for n in range(500):
        client.ask("PUT", entry(b"c:%d" % n), b"1", TEXT)

    def one(n):
        if n % 2:
            return client.post("/api/cache/clear", {"pattern": f"c:*{n % 10}"})[1]["data"]["cleared"]
        return client.post("/api/cache/invalidate", {"prefix": f"c:{n % 10}"})[1]["data"]["invalidated"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        total = sum(pool.map(one, range(40)))
    left = client.post("/api/cache/clear", {"pattern": "c:*"})[1]["data"]["cleared"]
    expect(total + left == 500, f"concurrent clears: {total} + {left}")


def model(client, calls):
    """Random calls over one connection, and a dictionary that must say the same."""
    link = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
    auth, known, odd = {"Authorization": f"Bearer {client.token}"}, {}, 0
    dice = random.Random(4)
    for _ in range(calls):
        key = b"m:%d" % dice.randrange(200)
        what = dice.randrange(10)
        if what < 4:
            value = dice.randbytes(dice.choice((0, 10, 3000)))
            link.request("PUT", entry(key), value, {**auth, **TEXT})
            known[key] = value
            wanted = 200, None
        elif what < 9:
            link.request("GET", entry(key), headers=auth)
            wanted = (200, known[key]) if key in known else (404, None)
        else:
            link.request("DELETE", entry(key), headers=auth)
            wanted = 200, None
            known.pop(key, None)
        reply = link.getresponse()
        body = reply.read()
        odd += reply.status != wanted[0] or (wanted[1] is not None and body != wanted[1])
    link.close()
    expect(not odd, f"{calls} random calls: {odd} odd answers")


def expiry(client):
    client.ask("PUT", entry(b"e") + "?ttl=1", b"1", TEXT)
    before = client.ask("GET", entry(b"e"))
    time.sleep(1.1)
    expect(before[0] == 200 and before[1]["Cache-Control"] == "max-age=0" and
           client.ask("GET", entry(b"e"))[0] == 404, "an entry of one second")


def counted(client, agent):
    before = client.stats()["overall"]
    client.ask("PUT", entry(b"n"), b"1", TEXT)
    for key in (b"n", b"n", b"n", b"none"):
        client.ask("GET", entry(key))
    client.ask("DELETE", entry(b"n"))
    after = client.stats()["overall"]
    grown = {name: after[name] - before[name] for name in ("hits", "misses", "sets", "deletes")}
    expect(grown == {"hits": 3, "misses": 1, "sets": 1, "deletes": 1}, f"counted: {grown}")
    rate = f"{100 * after['hits'] / (after['hits'] + after['misses']):.2f}"
    expect(after["hitRate"] == rate, f"hitRate {after['hitRate']}, {rate} by hand")
    told = live.fetch(agent.port, "/metrics")[2].decode()
    expect(f"ringside_cache_hits_total {after['hits']}\n" in told, "/metrics tells the same")

    def looked():
        rules = agent.get("/api/alerts/rules?limit=1000")["rules"]
        return {r["name"]: r for r in rules if r["name"].startswith("cache-") and
                r["value"] is not None}
    rules = live.wait_for("the rules", lambda: len(looked()) == 2 and looked(), 40, 0.5)
    expect(rules["cache-hit-rate"]["state"] != "waiting" and
           0 <= rules["cache-hit-rate"]["value"] <= 100 and
           rules["cache-memory"]["value"] == 0,
           f"the rules have data: {[(n, r['value']) for n, r in rules.items()]}")


def command(stage):
    def ringside(*words, given=None):
        return subprocess.run([live.find_program("ringside"), "cache", *words], input=given,
                              capture_output=True, timeout=10, check=False,
                              env={**os.environ, **stage.environment})
    done = ringside("set", "--ttl", "60", "--tags", "a,b", "cli:1", "hello")
    expect(done.returncode == 0 and done.stdout == b"5 bytes kept for 60 s\n", f"set: {done}")
    value = bytes(range(256)) * 100
    expect(ringside("set", "cli:2", given=value).returncode == 0 and
           ringside("get", "cli:2").stdout == value, "set from standard input, get")
    done = ringside("get", "cli:none")
    expect(done.returncode == 1 and b"nothing is cached" in done.stderr and not done.stdout, "a miss")
    expect(ringside("delete", "cli:1").stdout == b"1 deleted\n", "delete")
    done = ringside("clear", "--json", "cli:*")
    expect(json.loads(done.stdout)["data"] == {"cleared": 1}, f"clear --json: {done.stdout}")
    done = ringside("stats")
    expect(done.returncode == 0 and done.stdout.startswith(b"look-ups "), "stats")
    expect(json.loads(ringside("stats", "--json").stdout)["success"] is True, "stats --json")
    done = ringside("warm", "a")
    expect(done.returncode == 1 and b"no origin" in done.stderr, "warm")
    for words in (("set",), ("get",), ("get", "a", "b"), ("stats", "--ttl", "5"), ("clean", "*"),
                  ("warm",), ()):
        done = ringside(*words, given=b"")
        expect(done.returncode == 2, f"{words}: wrong use")
    done = ringside("--help")
    expect(done.returncode == 0 and b"usage: ringside cache" in done.stdout, "--help")


def fill(client, count):
    """So many entries big:N, over one connection that waits for nothing in between."""
    put = "".join(f"PUT /api/cache/entries/big:{n}?ttl=3600 HTTP/1.1\r\nHost: localhost\r\n"
                  f"Authorization: Bearer {client.token}\r\nContent-Type: text/plain\r\n"
                  "Content-Length: 1\r\n\r\n1" for n in range(count)).encode()
    link = socket.create_connection(("127.0.0.1", client.port))
    link.settimeout(60)
    sender = threading.Thread(target=link.sendall, args=(put,))
    sender.start()
    done, tail = 0, b""
    while done < count:
        tail += link.recv(1 << 20)
        done += tail.count(b"HTTP/1.1 200")
        tail = tail[-11:]  # less than what is looked for
    sender.join()
    link.close()


def begin_clear(client, body):
    """A connection on which it was asked for; the answer is not waited for."""
    link = socket.create_connection(("127.0.0.1", client.port))
    link.sendall(f"POST /api/cache/invalidate HTTP/1.1\r\nHost: localhost\r\n"
                 f"Content-Type: application/json\r\nAuthorization: Bearer {client.token}\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return link


def much(stage):
    """What is cleared in pieces: others are served meanwhile, and find nothing of it any more."""
    (stage.folder / "ringside.json").write_text('{"cache": {"max_memory_items": 100000}}')
    agent = stage.agent().wait("/readyz")
    client = Client(agent.port, (stage.run_dir / "token").read_text().strip())
    fill(client, 50000)
    expect(client.stats()["memory"]["items"] == 50000, "50,000 entries")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        cleared = pool.submit(client.post, "/api/cache/clear", {"pattern": "big:*"})
        served = [client.ask("GET", "/healthz", token="")[0] for _ in range(50)]
        answer = cleared.result()
    expect(answer[1]["data"] == {"cleared": 50000}, f"all of it, as it is told: {answer}")
    expect(set(served) == {200} and client.stats()["memory"]["items"] == 0, "nothing is left")
    # whoever asks and leaves at once has asked: nothing is found, though he is not told
    fill(client, 50000)
    for _ in range(9):  # nor does he hold a place
        begin_clear(client, '{"prefix": "none"}').close()
    live.wait_for("places to be free", lambda: client.post(
        "/api/cache/invalidate", {"prefix": "none"})[0] == 200, 10)
    link = begin_clear(client, '{"prefix": "big:"}')
    live.wait_for("the first to be gone", lambda: client.ask(
        "GET", "/api/cache/entries/big:49999")[0] == 404, 10)
    link.close()
    found = [n for n in range(0, 50000, 1000)
             if client.ask("GET", f"/api/cache/entries/big:{n}")[0] != 404]
    expect(not found, f"none is found: {found}")
    live.wait_for("all to be gone", lambda: client.stats()["memory"]["items"] == 0, 10)
    expect(client.stats()["overall"]["invalidations"] == 100000, "and each is counted once")
    agent.stop()
    (stage.folder / "ringside.json").write_text("{}\n")


def turned_off(stage):
    stage.environment["CACHE_ENABLED"] = "false"
    agent = stage.agent().wait("/readyz")
    status, _, body = live.fetch(agent.port, "/api/cache/stats")
    expect((status, json.loads(body)["error"]["code"]) == (503, "cache_off"), "CACHE_ENABLED=false")
    parts = {p["name"]: p for p in agent.get("/api/health")["parts"]}
    expect(parts["cache"]["status"] == "info", f"health: {parts['cache']['reason']}")
    agent.stop()
    stage.environment.update(CACHE_ENABLED="true", COMPRESSION_ENABLED="false")
    agent = stage.agent().wait("/readyz")
    client = Client(agent.port, (stage.run_dir / "token").read_text().strip())
    client.ask("PUT", entry(b"v"), b"x" * 100000, TEXT)
    expect(client.stats()["compression"]["entries"] == 0, "COMPRESSION_ENABLED=false")


def main():
    live.need_root_and("curl")
    signal.alarm(280)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        client = Client(agent.port, (stage.run_dir / "token").read_text().strip())
        for check in (entries, values, conditions, posted, refusals, privileges, guide, invalidation, cut_short,
                      concurrent_clears, expiry):
            check(client)
        model(client, 100000 if live.FULL else 5000)
        counted(client, agent)
        command(stage)
        agent.stop()
        much(stage)
        turned_off(stage)
    print("\n".join(wrong) or "all as it should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
