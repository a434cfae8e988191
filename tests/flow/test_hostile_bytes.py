#!/usr/bin/env python3
"""Bytes that are no good HTTP, at a real nginx and at a server that answers what it is told.

Each case has a connection of its own. nginx's log says what it made of it; the agent must count as
many requests, with the same status where one was sent, and say under unparsed what it did not follow.
"""
import collections
import contextlib
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
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([127, 0, 0, 1, 127, 0, 0, 1, 9, 9, 0, 80])
TLS = bytes.fromhex("16030100c8010000c40303") + bytes(range(190))
EDGES = (2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1, 2 ** 64)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
STARTUP = b"\0\3\0\0user\0postgres\0database\0postgres\0\0"
LONG = 64 << 20
wrong = []

# what a client sends to nginx: name, bytes, the reasons that may be given (none: it is followed)
CLIENTS = [
    ("good", GET, ()),
    ("a TLS hello", TLS, ("garbage",)),
    ("RESP", b"*1\r\n$4\r\nPING\r\n", ("garbage",)),
    ("an SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n", ("garbage",)),
    ("HTTP/2 unasked", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ("garbage",)),
    ("no such version", b"GET / HTTP/7.5\r\n\r\n", ("garbage",)),
    ("nothing but NULs", bytes(64) + b"\r\n\r\n", ("garbage",)),
    ("NULs in a field", b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", ()),
    ("PROXY 1 unasked", b"PROXY TCP4 127.0.0.1 127.0.0.1 9 80\r\n" + GET, ()),
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
    ("half a request", b"GET /index.html HTT", ()),
    ("half a head", b"GET /index.html HTTP/1.1\r\nHos", ()),
    ("half a body", POST + b"Content-Length: 500\r\n\r\nabc", ()),
    ("SMTP", b"EHLO mail.example.org\r\n", ("garbage",)),
    ("Redis, inline", b"SET key value\r\n", ("garbage",)),
    ("memcached", b"set key 0 0 5\r\nhello\r\n", ("garbage",)),
    ("PostgreSQL", (len(STARTUP) + 4).to_bytes(4, "big") + STARTUP, ("garbage",)),
    ("FastCGI", b"\1\1\0\1\0\x08\0\0\0\1\0\0\0\0\0\0", ("garbage",)),
    ("FastCGI, request 256", b"\1\1\1\0\0\x08\0\0\0\1\0\0\0\0\0\0", ("garbage",)),
    ("HTTP/2 without its preface", b"\0\0\0\4\0\0\0\0\0\0\0\4\1\5\0\0\0\1\x82\x84\x87\x41",
     ("garbage",)),
    ("HTTP/2 data at once", b"\0\0\5\0\1\0\0\0\1hello", ("garbage",)),
    *((f"a length of {edge}", POST + f"Content-Length: {edge}\r\n\r\nab".encode(), ("ambiguous",))
      for edge in EDGES),
    *((f"a chunk of {edge}", POST + CHUNKED + f"{edge:x}\r\nab".encode(), ("ambiguous",))
      for edge in EDGES),
    ("a good one, then rubbish", GET + b"\x01\x02\x03 rubbish\r\n\r\n", ("garbage",)),
]

BYTEWISE = ("good", "PostgreSQL", "HTTP/2 data at once", "no such version", "two lengths")

# what the told server answers to a good request: name, answer, reasons, class of status counted
SERVERS = [
    ("good", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (), "2xx"),
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
    *((f"a length of {edge}", f"HTTP/1.1 200 OK\r\nContent-Length: {edge}\r\n\r\nab".encode(),
       ("ambiguous",), "2xx") for edge in EDGES),
    *((f"a chunk of {edge}", b"HTTP/1.1 200 OK\r\n" + CHUNKED + f"{edge:x}\r\nab".encode(),
       ("ambiguous",), "2xx") for edge in EDGES),
    ("PostgreSQL", b"R\0\0\0\x08\0\0\0\0", ("garbage",), "aborted"),
    ("SMTP", b"220 mail.example.org ESMTP\r\n", ("garbage",), "aborted"),
    ("memcached", b"STORED\r\n", ("garbage",), "aborted"),
    ("a line of 64 MB", b"HTTP/1.1 200 OK\r\nX: " + b"x" * LONG + b"\r\n\r\n", ("headLimit",), "2xx"),
]


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def talk(port, data, each=0):
    """Sends, in pieces of so many bytes, says that it is all, and reads to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, \
            contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), each or len(data) or 1):
            connection.sendall(data[at:at + each] if each else data)
            time.sleep(0.001 if each else 0)
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


def at_nginx(agent, nginx):
    counts = Counts(agent, "nginx")
    in_bytes = [(f"{name}, byte by byte", data, reasons) for name, data, reasons in CLIENTS
                if name in BYTEWISE]
    for name, data, reasons in CLIENTS + in_bytes:
        before = nginx.classes()
        bytewise = "byte by byte" in name  # nginx may refuse it ahead of the byte that told us why
        talk(nginx.port, data, int(bytewise))
        time.sleep(0.1)
        logged = dict(nginx.classes() - before)
        counted, unparsed = counts.since(sum(logged.values()))
        expect(same_status(logged, counted) and set(unparsed) <= set(reasons) and
               (bytewise or bool(unparsed) == bool(reasons)),
               f"nginx, {name}: logged {logged}, counted {counted}, unparsed {unparsed}")


def behind_a_balancer(agent, stage):
    """nginx that wants the PROXY protocol: what stands behind it is counted as ever."""
    nginx = stage.nginx("proxied", workers=1)
    config = nginx.folder / "nginx.conf"
    port = live.free_port()
    text = config.read_text().replace(f"listen 127.0.0.1:{nginx.port};",
                                      f"listen 127.0.0.1:{nginx.port};\n"
                                      f"\t\tlisten 127.0.0.1:{port} proxy_protocol;")
    config.write_text(text)
    nginx.popen.send_signal(signal.SIGHUP)
    live.wait_for("the second port", lambda: socket.create_connection(("127.0.0.1", port)), 5)
    counts = Counts(agent, "nginx")
    for name, preface in (("PROXY 1", b"PROXY TCP4 127.0.0.1 127.0.0.1 9 80\r\n"), ("PROXY 2", V2)):
        before = nginx.classes()
        talk(port, preface + GET * 3)
        time.sleep(0.1)
        logged = dict(nginx.classes() - before)
        counted, unparsed = counts.since(3)
        expect(logged == counted == {"2xx": 3} and not unparsed,
               f"nginx behind {name}: logged {logged}, counted {counted}, unparsed {unparsed}")
    nginx.stop(signal.SIGQUIT)


TOLD = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        first, last = b"", b""
        while b"\\r\\n\\r\\n" not in last and (piece := connection.recv(65536)):
            first, last = (first + piece)[:30], last[-3:] + piece
        if b"GET" not in first:
            continue
        each = 1 if b"bytes" in first else 65536
        with open(sys.argv[2], "rb") as answer:
            while piece := answer.read(each):
                connection.sendall(piece)
"""


def at_the_told(agent, stage):
    port, answer = live.free_port(), stage.folder / "answer"
    server = live.Process(stage, [sys.executable, "-c", TOLD, port, answer],
                          stage.folder / "told.log",
                          {**stage.environment, "RINGSIDE_SERVICE": "told",
                           "LD_PRELOAD": str(live.find_program("libringside.so"))})
    live.wait_for("the server", lambda: talk(port, b"") or True, 5)
    counts = Counts(agent, "told")
    for name, data, reasons, status in SERVERS:
        answer.write_bytes(data)
        talk(port, GET)
        counted, unparsed = counts.since(1)
        expect(counted == {status: 1} and set(unparsed) == set(reasons),
               f"a server, {name}: counted {counted}, unparsed {unparsed}")
        if len(data) < 1000:
            talk(port, GET.replace(b"index", b"bytes"), 1)
            counted, unparsed = counts.since(1)
            expect(counted == {status: 1} and set(unparsed) == set(reasons),
                   f"a server, {name}, byte by byte: counted {counted}, unparsed {unparsed}")
    answer.write_bytes(SERVERS[0][1])
    before = live.proc_pss_kib(server.pid)
    talk(port, GET[:-2] + b"X: " + b"x" * LONG + b"\r\n\r\n")
    counted, unparsed = counts.since(1)
    expect(counted == {"2xx": 1} and set(unparsed) == {"headLimit"},
           f"a server, a field of 64 MB: counted {counted}, unparsed {unparsed}")
    after = live.proc_pss_kib(server.pid)
    expect(after < before + 2048, f"its memory: {before} KiB, then {after} KiB")
    expect(server.popen.poll() is None, f"the server runs on: {server.said()[-300:]}")


def flood(nginx):
    """Many connections at once, each with an endless head: memory stays what it was."""
    def one():
        for _ in range(40):
            talk(nginx.port, b"GET / HTTP/1.1\r\n" + b"A" * 30000)
    worker = nginx.workers()[0]
    before = live.proc_pss_kib(worker)
    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(live.proc_pss_kib(worker) < before + 2048, f"320 endless heads: {before} KiB, then {live.proc_pss_kib(worker)} KiB")


def main():
    live.need_root_and("nginx")
    signal.alarm(280)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx("plain", workers=1)
        agent.wait_for_count(nginx.own_requests)
        at_nginx(agent, nginx)
        flood(nginx)
        expect(nginx.popen.poll() is None and len(nginx.workers()) == 1, "nginx runs on")
        expect("signal" not in (nginx.folder / "error.log").read_text(), "no worker died")
        nginx.stop()
        behind_a_balancer(agent, stage)
        at_the_told(agent, stage)
        expect(agent.popen.poll() is None, "the agent runs on")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
