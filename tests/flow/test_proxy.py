#!/usr/bin/env python3
"""cache.proxy as clients and upstreams see it: every method and framing passes as it would without
it, in front of nginx, node and Python's http.server; hits and misses by the upstream's own count;
what a shared cache may keep; purges; one request for a crowd; upstreams that fail; tunnels;
requests that could be read in two ways; 10,000 connections; what a wrong configuration is told.
"""
import concurrent.futures
import contextlib
import json
import os
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

HERE = Path(__file__).resolve().parent
CROWD = 100
CONNECTIONS = 10000
CALM_KIB = 16 * 1024  # of memory that 10,000 idle connections may take
# what is of one connection alone, or of the moment
OWN = (b"connection", b"keep-alive", b"date", b"x-cache", b"age")
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what, flush=True)
    if not fact:
        wrong.append(what)


def read_all(link, until=None):
    """Everything up to the end of the connection, or until it has come."""
    got = b""
    with contextlib.suppress(ConnectionResetError, socket.timeout):
        while until is None or not until(got):
            more = link.recv(1 << 16)
            if not more:
                break
            got += more
    return got


def connect(port):
    link = socket.create_connection(("127.0.0.1", port), timeout=10)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def raw(port, *pieces, pause=0.02):
    """What is answered to these bytes, sent one after the other."""
    with connect(port) as link:
        for i, piece in enumerate(pieces):
            if i:
                time.sleep(pause)
            with contextlib.suppress(ConnectionError):  # it may have been refused already
                link.sendall(piece)
        return read_all(link)


def unchunked(body):
    """What its chunks hold, and its trailers; as far as it is well-formed."""
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if not length:
            return whole + body.removesuffix(b"\r\n")
        whole, body = whole + body[:length], body[length + 2:]
    return whole + b" cut short"


def parted(reply):
    """Its status, its fields but those of one connection, and its body without chunks."""
    head, _, body = reply.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1") and not head.startswith(b"HTTP/1.1 101"):
        head, _, body = body.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    fields = [line for line in lines if line.split(b":")[0].lower() not in OWN]
    if body and any(line.lower() == b"transfer-encoding: chunked" for line in fields):
        body = unchunked(body)
    return status.split(b" ", 1)[1:], fields, body


def field(reply, name):
    for line in reply.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name.encode():
            return value.strip().decode()
    return None


def request(method, target, headers=(), body=None, version="1.1", close=True):
    lines = [f"{method} {target} HTTP/{version}", "Host: h"]
    lines += [f"{name}: {value}" for name, value in headers]
    if close and version == "1.1":
        lines.append("Connection: close")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def get(port, target, *headers, method="GET"):
    return raw(port, request(method, target, headers))


class Upstream(live.Process):
    def __init__(self, stage, port):
        self.port = port
        super().__init__(stage, [shutil.which("node"), HERE / "proxy_upstream.js", port],
                         stage.folder / "node.log")
        live.wait_for("node", lambda: live.fetch(port, "/seen")[0] == 200, 15)

    def seen(self, path):
        return json.loads(live.fetch(self.port, "/seen")[2]).get(path, 0)


class Python(live.Process):
    def __init__(self, stage, port, folder):
        super().__init__(stage, [sys.executable, "-m", "http.server", "--bind", "127.0.0.1",
                                 "--directory", folder, port], stage.folder / "python.log")
        live.wait_for("http.server", lambda: live.fetch(port, "/index.html")[0] == 200, 15)


def same(name, through, port, *pieces):
    """The same answer directly and through the proxy, but for what is of a connection."""
    plain, passed = parted(raw(port, *pieces)), parted(raw(through, *pieces))
    if plain != passed:
        print("      direct: ", plain[:2], len(plain[2]), plain[2][:200])
        print("      through:", passed[:2], len(passed[2]), passed[2][:200])
    expect(plain == passed and plain[0], f"{name}: {pieces[0][:60]!r}")


def passes(name, through, port):
    for target in ("/index.html", "/big.bin", "/missing", "/index.html?a=b&c", "//", "/%41/../x"):
        for method in ("GET", "HEAD"):
            same(name, through, port, request(method, target))
    same(name, through, port, request("GET", "/index.html", version="1.0"))
    same(name, through, port, request("OPTIONS", "*"))
    for method in ("POST", "PUT", "DELETE", "PATCH", "ODD"):
        same(name, through, port, request(method, "/post", [("X-A", "b")], b"some body"))
    same(name, through, port, request("GET", "/big.bin", [("Range", "bytes=5-99")]))
    same(name, through, port, request("GET", "/index.html", [("If-Modified-Since",
                                                             "Sun, 06 Nov 2094 08:49:37 GMT")]))


def node_passes(through, port):
    """What nginx does not tell: the request as the upstream got it."""
    chunked = [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")]
    for wait in ("", "&wait=30"):
        same("node", through, port, request("POST", "/echo?a" + wait, chunked),
             b"5;x=y\r\nabc", b"de\r\n", b"3\r\nfgh\r\n0\r\nX-Sum: 8\r\n\r\n")
        same("node", through, port, request("POST", "/echo?b" + wait, [("Content-Length", "6")]),
             b"ab", b"cdef")
    same("node", through, port, request("PUT", "/echo", [("Expect", "100-continue"),
                                                       ("Content-Length", "3")]), b"abc")
    same("node", through, port, request("GET", "/echo?chunked&size=100000"))
    same("node", through, port, request("HEAD", "/echo?size=100000"))
    same("node", through, port, request("GET", "/echo?status=204"))
    same("node", through, port, request("GET", "/echo?status=304&h-etag=x"))
    same("node", through, port, request("GET", "/echo?size=3000000"))
    same("node", through, port, request("POST", "/echo?size=10", body=b"x" * 2000000))
    both = request("GET", "/echo?one", close=False) + request("GET", "/echo?two")
    plain, passed = raw(port, both), raw(through, both)
    expect(plain.count(b"HTTP/1.1 200") == passed.count(b"HTTP/1.1 200") == 2 and
           passed.index(b"/echo?one") < passed.index(b"/echo?two"), "two requests at once")
    with connect(through) as link:  # a client that says no more is answered all the same
        link.sendall(request("GET", "/echo?wait=100", close=False))
        link.shutdown(socket.SHUT_WR)
        expect(b"/echo?wait=100" in read_all(link), "half-closed")
    with connect(through) as link:
        link.sendall(request("GET", "/echo?size=3000000", close=False))
        link.recv(1000)
    expect(live.fetch(through, "/echo")[0] == 200, "a client that leaves")
    hops = request("GET", "/echo?all", [("Connection", "close, X-Hop"), ("X-Hop", "1"),
                                    ("Keep-Alive", "9"), ("Proxy-Connection", "x"),
                                    ("X-Forwarded-For", "1.2.3.4"), ("Via", "1.1 z")], close=False)
    told = json.loads(parted(raw(through, hops))[2])["headers"]
    told = dict(zip([name.lower() for name in told[::2]], told[1::2]))
    expect(set(told) == {"host", "x-forwarded-for", "via"} and told["via"] == "1.1 z" and
           told["x-forwarded-for"] == "1.2.3.4", f"nothing of the connection, nothing added: {told}")


def tunnels(through):
    with connect(through) as link:
        link.sendall(request("GET", "/", [("Upgrade", "websocket"), ("Connection", "Upgrade"),
                                          ("Sec-WebSocket-Key", "x")], close=False) + b"early")
        got = read_all(link, lambda got: b"early" in got)
        expect(got.startswith(b"HTTP/1.1 101 ") and field(got, "upgrade") == "websocket",
               "an upgrade becomes a tunnel")
        for i in range(50):
            piece = os.urandom(i * 700 + 1)
            link.sendall(piece)
            back = read_all(link, lambda got, n=len(piece): len(got) >= n)
            if back != piece:
                expect(False, f"the tunnel's piece {i}")
        link.shutdown(socket.SHUT_WR)
        expect(read_all(link) == b"bye", "each way of it ends by itself")
    got = raw(through, request("GET", "/echo?all", [("Upgrade", "h2c"),
                                                    ("Connection", "Upgrade, HTTP2-Settings"),
                                                    ("HTTP2-Settings", "AAMAAABk")], close=False) +
              b"GET /echo HTTP/1.0\r\n\r\n")
    expect(got.startswith(b"HTTP/1.1 200") and b"h2c" not in got, "h2c is not asked for")


def cache(through, node):
    first, second = (get(through, "/k/one?count") for _ in range(2))
    expect((field(first, "x-cache"), field(second, "x-cache")) == ("MISS", "HIT") and
           parted(first)[2] == parted(second)[2] and node.seen("/k/one") == 1, "a hit is one")
    head = get(through, "/k/one?count", method="HEAD")
    expect(field(head, "x-cache") == "HIT" and not parted(head)[2] and
           field(head, "content-length") == field(second, "content-length"), "HEAD is a hit too")
    for i, (reply, kept) in enumerate((
            ("h-cache-control=max-age%3D60", True), ("h-cache-control=no-store", False),
            ("h-cache-control=private,max-age%3D60", False), ("h-cache-control=no-cache", False),
            ("h-cache-control=max-age%3D0", False), ("h-cache-control=s-maxage%3D60", True),
            ("h-set-cookie=a%3Db", False), ("h-vary=*", False), ("h-expires=0", False),
            ("h-age=61&h-cache-control=max-age%3D60", False), ("status=404", False),
            ("status=404&h-cache-control=max-age%3D60", True), ("status=500", False),
            ("status=503&h-cache-control=max-age%3D60", False), ("chunked&size=5000", True),
            ("size=900000", True), ("size=1500000", False), ("chunked&size=1500000", False))):
        target = f"/k/{i}?{reply}"
        verdicts = [field(get(through, target), "x-cache") for _ in range(2)]
        expect(verdicts == ["MISS", "HIT" if kept else "MISS"] and
               node.seen(f"/k/{i}") == (1 if kept else 2), f"{reply}: {verdicts}")
    for sent, verdict in ((("Cookie", "a=b"), "BYPASS"), (("Range", "bytes=0-1"), "BYPASS"),
                          (("Cache-Control", "no-store"), "BYPASS"), (("Pragma", "no-cache"), "MISS"),
                          (("Cache-Control", "max-age=30"), "HIT"), (("Authorization", "x"), "MISS"),
                          (("X-Forwarded-Host", "evil"), "MISS"), (("X-Tenant", "7"), "MISS")):
        get(through, "/k/asked")
        got = field(get(through, "/k/asked", sent), "x-cache")
        expect(got == verdict, f"{sent}: {got}")
    vary = "/k/vary?h-vary=Accept-Language&count"
    for language in ("de", "en", "de", "en"):
        get(through, vary, ("Accept-Language", language))
    expect(node.seen("/k/vary") == 2 and
           b'"de"' in get(through, vary, ("Accept-Language", "de")), "Vary: one of each")
    tagged = "/k/etag?h-etag=%22e%22&h-last-modified=Sun,%2006%20Nov%201994%2008:49:37%20GMT"
    for sent, status in ((("If-None-Match", '"e"'), b"304"), (("If-None-Match", '"x"'), b"200"),
                         (("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), b"304"),
                         (("If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"), b"200")):
        got = get(through, tagged, sent)
        expect(got.split(b" ")[1] == status and field(got, "x-cache") == "HIT",
               f"{sent}: {got[:20]!r}")
    expect(node.seen("/k/etag") == 1, "conditions are answered from the cache")
    expect(get(through, "/k/cached", ("Cache-Control", "only-if-cached")).startswith(
        b"HTTP/1.1 504 ") and not node.seen("/k/cached"), "only-if-cached")
    get(through, "/k/old?h-cache-control=max-age%3D1")
    time.sleep(2.1)
    expect(field(get(through, "/k/old?h-cache-control=max-age%3D1"), "x-cache") == "MISS",
           "what is old is asked for anew")


def purges(through, node, agent, token):
    def post(path, document):
        body = json.dumps(document).encode()
        got = raw(agent.port, request("POST", path, [("Authorization", f"Bearer {token}"),
                                                     ("Content-Type", "application/json")],
                                      body).replace(b"Host: h", b"Host: localhost"))
        return json.loads(parted(got)[2])["data"]

    def fill():
        get(through, "/k/p1?h-surrogate-key=red%20blue")
        get(through, "/k/p2?h-cache-tag=blue,green")
        get(through, "/k/p3")

    def kept():
        return [field(get(through, target), "x-cache") for target in (
            "/k/p1?h-surrogate-key=red%20blue", "/k/p2?h-cache-tag=blue,green", "/k/p3")]
    fill()
    expect(post("/api/cache/invalidate", {"tags": ["red"]}) == {"invalidated": 1} and
           kept() == ["MISS", "HIT", "HIT"], "a purge by tag")
    expect(post("/api/cache/invalidate", {"tags": ["blue", "none"]}) == {"invalidated": 2} and
           kept() == ["MISS", "MISS", "HIT"], "… by another one")
    expect(post("/api/cache/clear", {"pattern": "kept:h/k/p?\\?*"}) == {"cleared": 3} and
           kept() == ["MISS"] * 3, "… by a pattern")
    expect(post("/api/cache/invalidate", {"prefix": "kept:h/k/p1"}) == {"invalidated": 1} and
           kept() == ["MISS", "HIT", "HIT"], "… by a prefix")
    expect(post("/api/cache/invalidate", {"keys": ["kept:h/k/p3", "kept:h/k/p"]}) ==
           {"invalidated": 1} and kept() == ["HIT", "HIT", "MISS"], "… by a key")
    expect(post("/api/cache/clear", {"pattern": "nothing:*"}) == {"cleared": 0} and
           kept() == ["HIT"] * 3, "what does not fit stays")
    raw(through, request("POST", "/k/p3?x", body=b""))
    expect(kept() == ["HIT", "HIT", "MISS"], "what is written to is forgotten")
    expect(node.seen("/k/p3") > 0, "the upstream was asked")


def crowds(through, node):
    def one(_):
        return get(through, "/k/crowd?wait=300&count")
    with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(one, range(CROWD)))
    expect(len({parted(a)[2] for a in answers}) == 1 and node.seen("/k/crowd") == 1,
           f"{CROWD} clients, {node.seen('/k/crowd')} request")
    with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(lambda _: get(through, "/k/own?wait=300&h-set-cookie=a"),
                                range(CROWD)))
    expect(node.seen("/k/own") == CROWD and all(b"200 OK" in a[:20] for a in answers),
           f"what is not kept is asked for by each: {node.seen('/k/own')}")


def smuggling(through, node):
    evil = b"GET /evil HTTP/1.1\r\nHost: h\r\n\r\n"
    host = b"Host: h\r\n"
    for bad in (
            b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 0\r\nContent-Length: 32\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 0, 32\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Content-Length: +32\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked, identity\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"X: y\nTransfer-Encoding: chunked\r\n\r\n" + evil,
            b"POST / HTTP/1.1\n" + host + b"\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n5\nabcde\r\n0\r\n\r\n" + evil,
            b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n"
            b"fffffffffffffffff\r\n" + evil,
            b"GET http://h/evil HTTP/1.1\r\n" + host + b"\r\n",
            b"GET / HTTP/1.1\r\n" + host + host + b"\r\n" + evil,
            b"GET / HTTP/1.1\r\n\r\n" + evil,
            b"GET / HTTP/1.1\r\n" + host + b"Connection: Content-Length\r\nContent-Length: 32\r\n\r\n"
            + evil):
        got = raw(through, bad)
        expect(got.startswith(b"HTTP/1.1 400 ") and field(got, "connection") == "close" and
               got.count(b"HTTP/1.1") == 1, f"refused: {bad[:90]!r}")
    expect(node.seen("/evil") == 0, "nothing was smuggled")
    got = raw(through, b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + host + b"\r\n")
    expect(got.startswith(b"HTTP/1.1 431 "), "a head of 20 kB: 431")


def failing(through, node, stage):
    targets = ("/k/stale?h-cache-control=max-age%3D1,stale-if-error%3D60", "/k/fresh")
    for target in targets:
        get(through, target)
    time.sleep(2.1)
    node.stop(signal.SIGKILL)
    expect(field(get(through, targets[0]), "x-cache") == "STALE", "stale while the upstream is gone")
    expect(field(get(through, targets[1]), "x-cache") == "HIT", "fresh too")
    began = time.monotonic()
    expect(get(through, "/k/new").startswith(b"HTTP/1.1 502 ") and time.monotonic() - began < 2,
           "what is not there is 502")
    back = Upstream(stage, node.port)
    expect(get(through, "/k/new").startswith(b"HTTP/1.1 200 "), "it is back")
    os.kill(back.pid, signal.SIGSTOP)
    began = time.monotonic()
    expect(field(get(through, targets[0]), "x-cache") == "STALE", "stale while it hangs")
    expect(get(through, "/k/hangs").startswith(b"HTTP/1.1 504 "), "what is not there is 504")
    expect(field(get(through, targets[1]), "x-cache") == "HIT" and time.monotonic() - began < 12,
           "and the rest goes on")
    os.kill(back.pid, signal.SIGCONT)
    live.wait_for("node", lambda: live.fetch(back.port, "/seen")[0] == 200, 10)
    expect(get(through, "/k/hangs").startswith(b"HTTP/1.1 200 "), "it is back once more")
    return back


def many(through, agent):
    """So many at once, each asking again and again on its connection."""
    def memory():
        return sum(map(live.proc_pss_kib, live.proc_children(agent.pid)))
    get(through, "/k/many")
    before = memory()
    links = []
    asks = request("GET", "/k/many", close=False)
    try:
        for _ in range(CONNECTIONS):
            links.append(connect(through))
        answered = [0] * CONNECTIONS
        with selectors.DefaultSelector() as selector:
            for i, link in enumerate(links):
                selector.register(link, selectors.EVENT_READ, i)
            for _ in range(3):
                for link in links:
                    link.sendall(asks)
                waiting = set(range(CONNECTIONS))
                end = time.monotonic() + 60
                while waiting and time.monotonic() < end:
                    for key, _ in selector.select(1):
                        got = key.fileobj.recv(1 << 16)
                        if got.startswith(b"HTTP/1.1 200 ") and b"X-Cache: HIT" in got:
                            answered[key.data] += 1
                        waiting.discard(key.data)
        expect(sum(answered) == 3 * CONNECTIONS, f"{CONNECTIONS} connections, {sum(answered)} hits")
        more = memory() - before
        expect(more < CALM_KIB, f"they take {more} kB when they are idle")
    finally:
        for link in links:
            link.close()


def told(agent):
    parts = {part["name"]: part for part in agent.get("/api/health")["parts"]}
    expect("listeners" in parts["proxy"]["reason"], f"health: {parts['proxy']}")
    text = live.fetch(agent.port, "/metrics")[2].decode()
    for name in ("requests", "hits", "misses", "bypasses", "stale", "stored", "waits", "refused",
                 "tunnels", "purged", "upstream_failed", "upstream_slow", "upstream_odd"):
        value = [line.split()[1] for line in text.splitlines()
                 if line.startswith(f"ringside_proxy_{name}_total ")]
        expect(bool(value) and (float(value[0]) > 0 or name == "upstream_odd"),
               f"metrics: {name} {value}")


def refused(stage):
    """What a wrong configuration is told."""
    for proxies, said in (
            ('[{"listen": "127.0.0.1:1"}]', "cache.proxy[0].upstream: is missing"),
            ('[{"listen": "x", "upstream": "127.0.0.1:2"}]', "cache.proxy[0].listen: must be"),
            ('[{"listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "rules": [{"ttl": "5s"}]}]',
             "cache.proxy[0].rules[0].match: is missing"),
            ('[{"listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "rules": [{"match": "/", '
             '"ttl": 5}]}]', "cache.proxy[0].rules[0].ttl: must be"),
            ('[{"listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "colour": "red"}]',
             "cache.proxy[0].colour: unknown key")):
        path = stage.folder / "bad.json"
        path.write_text('{"cache":\n {"proxy": ' + proxies + "}}\n")
        run = subprocess.run([live.find_program("ringsided"), "--check-config", "--config", path],
                             capture_output=True, text=True, check=False)
        expect(run.returncode == 1 and "bad.json:2: " + said in run.stderr,
               f"{said}: {run.stderr.strip()}")


def main():
    live.need_root_and("nginx", "node")
    signal.alarm(290)
    resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + 1000, CONNECTIONS + 1000))
    with live.Stage() as stage:
        nginx = stage.nginx(shim=False)
        python_port, node_port = live.free_port(), live.free_port()
        Python(stage, python_port, nginx.folder / "www")
        node = Upstream(stage, node_port)
        listens = {name: live.free_port() for name in ("nginx", "python", "node")}
        ports = {"nginx": nginx.port, "python": python_port, "node": node_port}
        rules = [{"match": "/k/*", "name": "kept", "ttl": "60s", "headers": ["X-Tenant"]}]
        proxies = [{"listen": f"127.0.0.1:{listens[name]}", "upstream": f"127.0.0.1:{ports[name]}",
                    "timeout": "3s", "connections": CONNECTIONS + 500, "rules": rules}
                   for name in listens]
        (stage.folder / "ringside.json").write_text(json.dumps({"cache": {
            "proxy": proxies, "max_memory_items": 10000}}))
        agent = stage.agent().wait("/readyz")
        token = (stage.run_dir / "token").read_text().strip()
        for name in listens:
            passes(name, listens[name], ports[name])
        through = listens["node"]
        node_passes(through, node_port)
        tunnels(through)
        cache(through, node)
        purges(through, node, agent, token)
        crowds(through, node)
        smuggling(through, node)
        failing(through, node, stage)
        many(through, agent)
        told(agent)
        refused(stage)
        expect(agent.stop() == 0, "the agent ends as it should")
    print("\n".join(wrong) or "all as it should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
