#!/usr/bin/env python3
"""Clients of HTTP/2 and TLS that break the rules, beside one that keeps them: its numbers are right.

Each hostile connection ends as nginx wants it to; what it asked for is counted as nginx logs it, or
was never answered. The honest one's count is exact, and neither agent nor server grows without end.
"""
import collections
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

TIMES = 50 if live.FULL else 5
HONEST = 20000
RESETS = 1000
GROWTH_KIB = 16 * 1024

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
ASK = b"\x82\x86\x04\x05/post\x41\x01h"  # GET http /post of h, which is inserted

TLS = """\
	server {{
		listen 127.0.0.1:{tls} ssl http2;
		ssl_certificate {folder}/both.pem;
		ssl_certificate_key {folder}/both.pem;
		location = /post {{ return 200 "posted\\n"; }}
	}}
}}
"""


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def ask(stream, block=ASK, flags=5):
    return frame(1, flags, stream, block)


class Hostile:
    """One by one, what a client may do. Each method says how many requests must be counted, at
    the least: where the connection ends by an error, more may have been answered."""

    def __init__(self, port):
        self.port = port

    def talk(self, *parts, wait=True):
        """Sends the parts one by one, then reads to the end or until nothing comes."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for part in parts:
                    peer.sendall(part)
                peer.settimeout(0.3)
                while wait and peer.recv(65536):
                    pass
            except OSError:
                pass  # nginx may end it first

    def byte_by_byte(self):
        self.talk(*(bytes([b]) for b in PREFACE + SETTINGS + ask(1) + ask(3)))
        return 2

    def wrong_protocol(self):
        for text in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
                     b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", PREFACE + b"GET / HTTP/1.1\r\n\r\n",
                     os.urandom(500)):
            self.talk(text)
        return 0

    def frames_at_their_limit(self):
        body = frame(0, 0, 1, b"x" * 16384) + frame(0, 1, 1)
        self.talk(PREFACE + SETTINGS + ask(1, flags=4) + body)
        return 1

    def frames_over_it(self):
        for kind in (0, 1, 4, 6, 9):
            self.talk(PREFACE + SETTINGS + ask(1), frame(kind, 0, 1, b"x" * 16385))
        self.talk(PREFACE + SETTINGS + ask(1), b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 100000)
        return 6

    def rapid_resets(self):
        requests = (ask(1 + 2 * i) + frame(3, 0, 1 + 2 * i, b"\0\0\0\x08") for i in range(RESETS))
        self.talk(PREFACE + SETTINGS, b"".join(requests))
        return 0

    def header_bombs(self):
        large = b"\x40\x01b\x7f\xa1\x1e" + b"b" * 4000  # inserted, and named again and again
        self.talk(PREFACE + SETTINGS + ask(1, ASK + large + b"\xbe" * 12000))
        endless = frame(1, 1, 1, ASK) + b"".join(
            frame(9, 0, 1, b"\x00\x01a\x7f\xa1\x1e" + b"a" * 4000) for _ in range(100))
        self.talk(PREFACE + SETTINGS, endless)
        self.talk(PREFACE + SETTINGS, frame(1, 1, 1, ASK) + frame(9, 0, 1) * 20000)
        return 0

    def bad_indexes(self):
        for block in (b"\x80", b"\xff\xff\xff\xff\xff\xff\x0f", b"\xfe", b"\x3f\xff\xff\xff\x0f",
                      b"\x40\xff\xff\xff\xff\xff", b"\x00\x83\xff\xff\xff\x00", b"\x82\x41"):
            self.talk(PREFACE + SETTINGS + ask(1), ask(3, block), ask(5))
        return 7

    def streams_out_of_order(self):
        self.talk(PREFACE + SETTINGS + ask(5), ask(3), ask(2), ask(0))
        self.talk(PREFACE + SETTINGS + frame(9, 4, 1, ASK))
        self.talk(PREFACE + SETTINGS + frame(1, 0, 1, ASK) + frame(0, 1, 1, b"x"))
        return 1

    def left_in_the_middle(self):
        for cut in range(1, 30, 3):
            whole = ask(1) + ask(3)
            self.talk(PREFACE + SETTINGS + whole[:cut], wait=False)
        return 0


def records_cut(port):
    """TLS in pieces of every size, both ways of ending it; how many were answered."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    for i in range(TIMES):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="h")
        with socket.create_connection(("127.0.0.1", port), 5) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def flush():
                data = outgoing.read()
                for at in range(0, len(data), 1 + 7 * i):
                    peer.sendall(data[at:at + 1 + 7 * i])
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    flush()
                    incoming.write(peer.recv(1 + 30 * i))
            tls.write(PREFACE + SETTINGS + ask(1) + ask(3))
            flush()
            peer.settimeout(1)
            got = b""
            while got.count(b"posted\n") < 2:
                try:
                    got += tls.read(65536)
                except ssl.SSLWantReadError:
                    incoming.write(peer.recv(65536))
    renegotiate = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{port}"],
                                 input=b"R\n", capture_output=True, timeout=20, check=False)
    if b"RENEGOTIATING" not in renegotiate.stdout + renegotiate.stderr:
        raise RuntimeError(renegotiate.stderr.decode())
    return 2 * TIMES


def honest(nginx):
    return subprocess.Popen(
        ["h2load", "-n", str(HONEST), "-c", "4", "-m", "20", "--rps=1000",
         f"http://127.0.0.1:{nginx.port2}/index.html"], stdout=subprocess.PIPE, text=True)


def rss_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def certify(stage):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=h", "-keyout", stage.folder / "key.pem",
                    "-out", stage.folder / "cert.pem"], capture_output=True, check=True)
    folder = stage.folder / "nginx"
    folder.mkdir()
    (folder / "both.pem").write_bytes((stage.folder / "key.pem").read_bytes() +
                                      (stage.folder / "cert.pem").read_bytes())


def main():
    live.need_root_and("nginx", "openssl", "h2load")
    signal.alarm(280)
    with live.Stage() as stage:
        certify(stage)
        tls = live.free_port()
        live.NGINX_CONF = live.NGINX_CONF.removesuffix("}}\n") + TLS.replace("{tls}", str(tls))
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx(keepalive=1000000)
        time.sleep(1.5)
        watched = [*agent.family(), *nginx.workers()]
        hostile = Hostile(nginx.port2)
        scenes = [hostile.byte_by_byte, hostile.wrong_protocol, hostile.frames_at_their_limit,
                  hostile.frames_over_it, hostile.rapid_resets, hostile.header_bombs,
                  hostile.bad_indexes, hostile.streams_out_of_order, hostile.left_in_the_middle]
        beside = honest(nginx)
        for scene in scenes:
            scene()
        before = {pid: rss_kib(pid) for pid in watched}
        least = 0
        for _ in range(TIMES):
            least += sum(scene() for scene in scenes)
        least += records_cut(tls)
        succeeded = f"{HONEST} succeeded" in beside.communicate(timeout=100)[0]
        grown = {pid: rss_kib(pid) - before[pid] for pid in watched}
        time.sleep(1)
        logged = collections.Counter(line.split()[2] for line in nginx.lines())
        document = agent.wait_for_count(sum(logged.values()) + 1, 6)
        routes = {row["route"]: row["count"] for row in agent.get("/api/routes?limit=1000")["routes"]}
        reasons = collections.Counter()
        for process in agent.get("/api/capture")["processes"]:
            reasons.update({k: v for k, v in process["unparsed"].items() if v})
    print(f"logged {dict(logged)}\ncounted {document['status']}, "
          f"{document['throughput']['inFlight']} in flight, routes {routes}\n"
          f"unparsed {dict(reasons)}, grown by {grown} KiB; at least {least} were answered")
    same = succeeded and not document["throughput"]["inFlight"]
    same &= routes.get("/index.html", 0) + routes.get("_other", 0) >= HONEST
    same &= routes.get("/index.html", 0) <= HONEST and document["status"]["2xx"] >= HONEST + least
    same &= set(reasons) <= {"garbage", "headLimit", "hpackGap", "unasked", "midStream", "depth"}
    return 0 if same and max(grown.values()) <= GROWTH_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
