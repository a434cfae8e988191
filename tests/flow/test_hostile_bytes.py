#!/usr/bin/env python3
"""Bytes that are no good HTTP, at a real nginx and at a server that answers what it is told.

Each case has a connection of its own. nginx's log says what it made of it; the agent must count as
many requests, with the same status where one was sent, and say under unparsed what it did not follow.
"""
import collections
import contextlib
import functools
import signal
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

HOST = b"Host: localhost\r\n"
GET = b"GET /index.html HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /post HTTP/1.1\r\n" + HOST
V1 = b"PROXY TCP4 127.0.0.1 127.0.0.1 9 80\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([127, 0, 0, 1, 127, 0, 0, 1, 9, 9, 0, 80])
TLS = bytes.fromhex("16030100c8010000c40303") + bytes(range(190))
wrong = []
LANES = 3  # servers of a kind that share the cases: a case takes as long as the agent's next look
EDGES = (2**63 - 1, 2**63, 2**64 - 1, 2**64)
SINGLY = b"\xff"  # ahead of what the told server shall write byte by byte

# what a client sends to nginx: name, bytes, the reasons that may be given (none: it is followed)
CLIENTS = [
    ("good", GET, ()),
    ("a TLS hello", TLS, ("garbage",)),
    ("SMTP", b"EHLO localhost\r\n", ("garbage",)),
    ("RESP inline", b"PING\r\n", ("garbage",)),
    ("memcached", b"get key\r\n", ("garbage",)),
    ("PostgreSQL", b"\0\0\0\x21\0\3\0\0user\0root\0database\0x\0\0\0\0", ("garbage",)),
    ("MySQL", b"\x20\0\0\1\x85\xa6\x0f\0\0\0\0\1\x21" + bytes(23), ("garbage",)),
    ("FastCGI", b"\1\1\0\1\0\x08\0\0\0\1\0\0\0\0\0\0\1\4\0\1\0\0\0\0", ("garbage",)),
    ("HTTP/2 frames without a preface", b"\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\x82",
     ("garbage",)),
    ("FastCGI, request 256", b"\1\1\1\0\0\x08\0\0\0\1\0\0\0\0\0\0", ("garbage",)),
    ("HTTP/2 data at once", b"\0\0\5\0\1\0\0\0\1hello", ("garbage",)),
    ("a WebSocket frame", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", ("garbage",)),
    ("RESP", b"*1\r\n$4\r\nPING\r\n", ("garbage",)),
    ("an SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n", ("garbage",)),
    ("HTTP/2 unasked", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ("garbage",)),
    ("no such version", b"GET / HTTP/7.5\r\n\r\n", ("garbage",)),
    ("nothing but NULs", bytes(64) + b"\r\n\r\n", ("garbage",)),
    ("NULs in a field", b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", ()),
    ("PROXY 1 unasked", V1 + GET, ()),
    ("no Host", b"GET / HTTP/1.1\r\n\r\n", ()),
    ("two lengths", POST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", ("ambiguous",)),
    ("CL and TE", POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     ("ambiguous",)),
    ("TE and CL", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + GET,
     ("ambiguous",)),
    ("an unknown coding", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", ("ambiguous",)),
    ("two codings", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ()),
    ("a negative length", POST + b"Content-Length: -5\r\n\r\n", ("ambiguous",)),
    ("a length that is none", POST + b"Content-Length: 0x5\r\n\r\nabcde", ("ambiguous",)),
    ("a length too long", POST + b"Content-Length: 99999999999999999999\r\n\r\n", ("ambiguous",)),
    ("a chunk that is none", POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", ("garbage",)),
    ("a chunk too long", POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
     ("ambiguous", "garbage")),
    ("bare line feeds", GET.replace(b"\r\n", b"\n"), ()),
    ("a blank ahead of the colon", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", ()),
    ("a head too long", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 60000 + b"\r\n\r\n", ()),
    ("a path too long", b"GET /" + b"x" * 60000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", ()),
    ("many fields", b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 5000 + b"\r\n", ()),
    *((f"a chunk of {size}", POST + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nabc",
       ("ambiguous",)) for size in (b"%x" % n for n in EDGES)),
    *((f"a length of {size}", POST + b"Content-Length: " + size + b"\r\n\r\nabc", ("ambiguous",))
      for size in (b"%d" % n for n in EDGES)),
    ("half a request", b"GET /index.html HTT", ()),
    ("half a head", b"GET /index.html HTTP/1.1\r\nHos", ()),
    ("half a body", POST + b"Content-Length: 500\r\n\r\nabc", ()),
    ("a good one, then rubbish", GET + b"\x01\x02\x03 rubbish\r\n\r\n", ("garbage",)),
]

# what the told server answers to a good request: name, answer, reasons, class of status counted
SERVERS = [
    ("good", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (), "2xx"),
    ("good, byte by byte", SINGLY + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (), "2xx"),
    ("chunked, byte by byte", SINGLY + b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"2\r\nok\r\n0\r\n\r\n", (), "2xx"),
    *((f"a chunk of {n:x}", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\nok" % n,
       ("ambiguous",), "2xx") for n in EDGES),
    *((f"a length of {n}", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nok" % n,
       ("ambiguous",), "2xx") for n in EDGES),
    ("SMTP", b"220 mail ESMTP\r\n", ("garbage",), "aborted"),
    ("RESP", b"-ERR unknown command 'GET'\r\n", ("garbage",), "aborted"),
    ("memcached", b"ERROR\r\n", ("garbage",), "aborted"),
    ("MySQL", b"J\0\0\0\n8.0.30\0" + bytes(60), ("garbage",), "aborted"),
    ("PostgreSQL", b"E\0\0\0\x20SFATAL\0\0", ("garbage",), "aborted"),
    ("FastCGI", b"\1\6\0\1\0\2\0\0ok", ("garbage",), "aborted"),
    ("HTTP/2 frames", b"\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0", ("garbage",), "aborted"),
    ("a WebSocket frame", b"\x81\5hello", ("garbage",), "aborted"),
    ("no HTTP", b"\x15\x03\x03\0\x02\x02\x28" * 50, ("garbage",), "aborted"),
    ("an odd status", b"HTTP/1.1 2000 OK\r\n\r\n", ("garbage",), "aborted"),
    ("status 99", b"HTTP/1.1 099 OK\r\n\r\n", ("garbage",), "aborted"),
    ("CL and TE", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"2\r\nok\r\n0\r\n\r\n", ("ambiguous",), "2xx"),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
     ("ambiguous",), "2xx"),
    ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le", (), "2xx"),
    ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nok", (), "2xx"),
    ("two answers", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 2, ("unasked",), "2xx"),
    ("an endless head", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400000, ("headLimit",), "2xx"),
    ("an endless line", b"HTTP/1.1 200 " + b"x" * 400000, ("headLimit",), "aborted"),
    ("nothing", b"", (), "aborted"),
]


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def talk(port, data):
    """Sends, says that it is all, and reads to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, \
            contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def drip(port, data, whole=0):
    """As talk, each byte a packet, but for the first ones."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, \
            contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(data[:whole])
        for byte in data[whole:]:
            time.sleep(0.001)  # or the kernel makes one read of many
            connection.send(bytes([byte]))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


class Counts:
    """What the agent has of a service, and what came since it was last asked."""

    def __init__(self, agent, service):
        self.agent, self.service = agent, service
        self.before = self.now()

    def now(self):
        counts = collections.Counter()
        with contextlib.suppress(RuntimeError):
            query = f"?service={self.service}"
            counts.update(self.agent.metrics(query)["status"])
            for process in self.agent.get("/api/capture" + query)["processes"]:
                counts.update({"unparsed." + k: v for k, v in process["unparsed"].items()})
        return counts

    def since(self, wanted):
        """Once there are so many requests more, or after a while."""
        new = collections.Counter()

        def there():
            new.clear()
            new.update(self.now() - self.before)
            return sum(v for k, v in new.items() if "." not in k) >= wanted
        with contextlib.suppress(TimeoutError):
            live.wait_for("counts", there, 3, 0.05)
        time.sleep(0.3)  # what comes besides
        there()
        self.before += new
        return ({k: v for k, v in new.items() if "." not in k},
                {k.split(".")[1]: v for k, v in new.items() if "." in k})


def same_status(logged, counted):
    """A request to which nginx sent nothing has a status in its log all the same."""
    sent = {k: v for k, v in counted.items() if k != "aborted"}
    return sum(logged.values()) == sum(counted.values()) and \
        all(logged.get(k, 0) >= v for k, v in sent.items())


def an_nginx(agent, stage, service):
    """With a worker and a name of its own; its own requests are counted."""
    counts = Counts(agent, service)
    nginx = stage.nginx(service, workers=1, service=service)
    counts.since(nginx.own_requests)
    return nginx, counts


def at_nginx(agent, stage, lane):
    nginx, counts = an_nginx(agent, stage, f"plain{lane}")
    for name, data, reasons in CLIENTS[lane::LANES]:
        before = nginx.classes()
        talk(nginx.port, data)
        time.sleep(0.1)
        logged = dict(nginx.classes() - before)
        counted, unparsed = counts.since(sum(logged.values()))
        expect(same_status(logged, counted) and set(unparsed) <= set(reasons) and
               bool(unparsed) == bool(reasons),
               f"nginx, {name}: logged {logged}, counted {counted}, unparsed {unparsed}")
    return nginx


def byte_by_byte(agent, stage):
    """Each byte a packet: whole heads, bodies and chunks all the same."""
    nginx, counts = an_nginx(agent, stage, "dripped")
    data = GET + POST + b"Content-Length: 3\r\n\r\nabc" + POST + \
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + GET
    before = nginx.classes()
    drip(nginx.port, data)
    logged = dict(nginx.classes() - before)
    counted, unparsed = counts.since(4)
    expect(sum(logged.values()) == 4 and logged == counted and not unparsed,
           f"byte by byte: logged {logged}, counted {counted}, unparsed {unparsed}")
    return nginx


def unasked_balancer(agent, stage):
    """A PROXY header to who wants none: one bad request, however it comes and what follows."""
    nginx, counts = an_nginx(agent, stage, "unasked")
    for name, data in (("PROXY 1", V1 + GET), ("PROXY 1 alone", V1), ("PROXY 2", V2 + GET),
                       ("PROXY 2 alone", V2), ("PROXY 1, its address unknown", b"PROXY UNKNOWN\r\n"),
                       ("a PROXY 1 without end", b"PROXY TCP4 " + b"1" * 200)):
        reasons = {"garbage"} if "without end" in name else set()
        for how, send in (("whole", talk), ("byte by byte", drip)):
            before = nginx.classes()
            send(nginx.port, data)
            time.sleep(0.1)
            logged = dict(nginx.classes() - before)
            counted, unparsed = counts.since(1)
            expect(logged == counted == {"4xx": 1} and set(unparsed) <= reasons,
                   f"{name} to nginx, {how}: logged {logged}, counted {counted}, unparsed {unparsed}")
    return nginx


def behind_a_balancer(agent, stage):
    """nginx that wants the PROXY protocol: what stands behind it is counted as ever."""
    nginx, counts = an_nginx(agent, stage, "proxied")
    config = nginx.folder / "nginx.conf"
    port = live.free_port()
    text = config.read_text().replace(f"listen 127.0.0.1:{nginx.port};",
                                      f"listen 127.0.0.1:{nginx.port};\n"
                                      f"\t\tlisten 127.0.0.1:{port} proxy_protocol;")
    config.write_text(text)
    nginx.popen.send_signal(signal.SIGHUP)
    live.wait_for("the second port", lambda: socket.create_connection(("127.0.0.1", port)), 5)
    for name, preface in (("PROXY 1", V1), ("PROXY 2", V2)):
        # nginx wants a header in one piece: it hangs up on another
        for how, send, wanted in (("whole", talk, {"2xx": 3}), ("byte by byte", drip, {}),
                                  ("then byte by byte", lambda port, data, head=len(preface):
                                   drip(port, data, head), {"2xx": 3})):
            before = nginx.classes()
            send(port, preface + GET * 3)
            time.sleep(0.1)
            logged = dict(nginx.classes() - before)
            counted, unparsed = counts.since(sum(wanted.values()))
            expect(logged == counted == wanted and not unparsed,
                   f"nginx behind {name}, {how}: logged {logged}, counted {counted}, "
                   f"unparsed {unparsed}")
    return nginx


TOLD = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        head = b""
        while b"\\r\\n\\r\\n" not in head and (piece := connection.recv(65536)):
            head += piece
        if b"GET" in head:
            with open(sys.argv[2], "rb") as answer:
                said = answer.read()
            if said[:1] == b"\\xff":
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in said[1:]:
                    connection.send(bytes([byte]))
            else:
                connection.sendall(said)
"""


def at_the_told(agent, stage, lane):
    port, answer, service = live.free_port(), stage.folder / f"answer{lane}", f"told{lane}"
    server = live.Process(stage, [sys.executable, "-c", TOLD, port, answer],
                          stage.folder / f"{service}.log",
                          {**stage.environment, "RINGSIDE_SERVICE": service,
                           "LD_PRELOAD": str(live.find_program("libringside.so"))})
    live.wait_for("the server", lambda: talk(port, b"") or True, 5)
    counts = Counts(agent, service)
    for name, data, reasons, status in SERVERS[lane::LANES]:
        answer.write_bytes(data)
        talk(port, GET)
        counted, unparsed = counts.since(1)
        expect(counted == {status: 1} and set(unparsed) == set(reasons),
               f"a server, {name}: counted {counted}, unparsed {unparsed}")
    expect(server.popen.poll() is None, f"the server runs on: {server.said()[-300:]}")


def flood(nginx):
    """Many connections at once, each with an endless head: memory stays what it was."""
    def one():
        for _ in range(40):
            talk(nginx.port, b"GET / HTTP/1.1\r\n" + b"A" * 30000)
    worker = nginx.workers()[0]
    before = live.proc_own_kib(worker)
    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = live.proc_own_kib(worker)
    expect(after < before + 2048, f"320 endless heads: {before} KiB, then {after} KiB")


def endless_line(agent, stage):
    """One header line of 64 MB, at a server that reads all of it: the shim keeps none of it."""
    port, answer = live.free_port(), stage.folder / "short"
    answer.write_bytes(SERVERS[0][1])
    line = b"GET / HTTP/1.1\r\nX: " + b"x" * (64 << 20) + b"\r\n\r\n"
    swallow = TOLD.replace("head += piece", "head = (head + piece)[-99:]") \
        .replace('if b"GET" in head:', "if head:")
    server = live.Process(stage, [sys.executable, "-c", swallow, port, answer],
                          stage.folder / "long.log",
                          {**stage.environment, "RINGSIDE_SERVICE": "long",
                           "LD_PRELOAD": str(live.find_program("libringside.so"))})
    live.wait_for("the server", lambda: talk(port, b"") or True, 5)
    counts = Counts(agent, "long")
    talk(port, GET)
    counts.since(1)
    before = live.proc_own_kib(server.popen.pid)
    talk(port, line)
    after = live.proc_own_kib(server.popen.pid)
    counted, unparsed = counts.since(1)
    expect(sum(counted.values()) == 1 and unparsed == {"headLimit": 1},
           f"a line of 64 MB: counted {counted}, unparsed {unparsed}")
    expect(after < before + 2048, f"a line of 64 MB: {before} KiB, then {after} KiB")


def main():
    live.need_root_and("nginx")
    signal.alarm(280)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        lanes = [functools.partial(at, agent, stage, lane)
                 for at in (at_nginx, at_the_told) for lane in range(LANES)]
        servers = stage.at_once(*lanes, *(functools.partial(at, agent, stage) for at in
                                          (byte_by_byte, unasked_balancer, behind_a_balancer)))
        flood(servers[0])
        for nginx in filter(None, servers):
            expect(nginx.popen.poll() is None and len(nginx.workers()) == 1, "nginx runs on")
            expect("signal" not in (nginx.folder / "error.log").read_text(), "no worker died")
        endless_line(agent, stage)
        expect(agent.popen.poll() is None, "the agent runs on")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
