#!/usr/bin/env python3
"""What is no HTTP/1.x any more: h2c by Upgrade, WebSockets, tunnels of a proxy; a request each."""
import base64
import collections
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

PYTHON = "/usr/bin/python3"  # Debian's, for which Debian's modules are
UPGRADES = 200 if live.FULL else 20
SOCKETS = 200 if live.FULL else 20
MESSAGES = 30

APACHE = """\
ServerRoot {folder}
PidFile {folder}/apache.pid
Listen 127.0.0.1:{port}
ServerName localhost
User www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_connect_module /usr/lib/apache2/modules/mod_proxy_connect.so
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
ProxyRequests On
AllowCONNECT {backend}
DocumentRoot {folder}/www
ErrorLog {folder}/error.log
LogFormat "%>s %m %U %H" line
CustomLog {folder}/access.log line
"""

# /echo sends each message back; a text "close" ends the connection from the server's side.
ECHO = """\
import asyncio, sys, websockets
async def echo(peer, path=None):
    async for message in peer:
        if message == "close":
            return
        await peer.send(message)
async def main():
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1])):
        await asyncio.Future()
asyncio.run(main())
"""

TINYPROXY = """\
Port {port}
Listen 127.0.0.1
Timeout 60
Allow 127.0.0.1
ConnectPort {backend}
LogFile "{folder}/tinyproxy.log"
"""

# WebSockets by HTTP/2 (RFC 8441) for a server that has them by HTTP/1.1 alone.
HAPROXY = """\
defaults
	mode http
	timeout client 60s
	timeout server 60s
	timeout connect 5s
	timeout tunnel 60s
frontend f
	bind 127.0.0.1:{port} proto h2
	default_backend b
backend b
	server s 127.0.0.1:{backend}
"""


def preload(stage):
    return {**stage.environment, "LD_PRELOAD": str(live.find_program("libringside.so"))}


def listens(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return True


def serve(stage, name, command, port):
    """A watched server of our own, once it listens and the agent listens to it."""
    server = live.Process(stage, command, stage.folder / f"{name}.out", {
        **preload(stage), "RINGSIDE_SERVICE": name})
    live.wait_for(name, lambda: listens(port), 15)
    time.sleep(1.5)
    return server


def told(agent, name, wanted):
    """(count by class, in flight, unparsed by reason, routes) of a service."""
    document = agent.wait_for_count(wanted, 6, f"?service={name}")
    reasons = collections.Counter()
    for process in agent.get("/api/capture")["processes"]:
        if process["service"] == name:
            reasons.update({k: v for k, v in process["unparsed"].items() if v})
    routes = {(row["method"], row["route"]): row["count"]
              for row in agent.get(f"/api/routes?service={name}&limit=1000")["routes"]}
    return ({k: v for k, v in document["status"].items() if v},
            document["throughput"]["inFlight"], dict(reasons), routes)


def check(agent, name, expected, at_most=()):
    counted, flight, reasons, routes = told(agent, name, sum(expected.values()))
    print(f"{name}: expected {dict(expected)}, counted {counted}, {flight} in flight, "
          f"unparsed {reasons}, routes {routes}")
    return counted == dict(expected) and not flight and set(reasons) <= set(at_most)


def upgrade_to_h2c(port):
    """By two clients; each begins as HTTP/1.1 and asks twice. Replies by class."""
    replies = collections.Counter()
    url = f"http://127.0.0.1:{port}"
    for _ in range(UPGRADES):
        out = subprocess.run(["nghttp", "-u", "-v", f"{url}/index.html", f"{url}/missing"],
                             capture_output=True, text=True, timeout=20, check=True).stdout
        for line in out.splitlines():
            if "recv (stream_id" in line and ":status: " in line:
                replies[line.split(":status: ")[1][0] + "xx"] += 1
        out = subprocess.run(["curl", "-s", "--http2", "-o", os.devnull, "-w", "%{http_code}",
                              f"{url}/missing"], capture_output=True, text=True, timeout=20,
                             check=True).stdout
        replies[out[0] + "xx"] += 1
    return replies


def frame(payload, opcode=1):
    """A masked one, as clients send them."""
    mask = os.urandom(4)
    head = bytes([0x80 | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    else:
        head += bytes([0xfe]) + len(payload).to_bytes(2, "big")
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def receive(peer, n):
    got = b""
    while len(got) < n:
        part = peer.recv(n - len(got))
        if not part:
            raise EOFError(f"{len(got)} of {n} bytes")
        got += part
    return got


def talk(port, chance):
    """One connection: messages that look like requests, cut anywhere, and their echoes."""
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        peer.sendall(f"GET /echo?x=y HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += receive(peer, 1)
        if b" 101 " not in head:
            raise RuntimeError(head)
        for _ in range(MESSAGES):
            text = b"GET /inside HTTP/1.1\r\nHost: b\r\n\r\n" * chance.randint(1, 20)
            message = frame(text)
            while message:
                cut = chance.randint(1, len(message))
                peer.sendall(message[:cut])
                message = message[cut:]
            echo = receive(peer, len(text) + (2 if len(text) < 126 else 4))
            if not echo.endswith(text):
                raise RuntimeError(echo)
        if chance.random() < 0.5:
            peer.sendall(frame(b"close"))
            receive(peer, 4)


def websockets(stage, agent):
    program = stage.folder / "echo.py"
    program.write_text(ECHO)
    port = live.free_port()
    serve(stage, "websockets", [PYTHON, program, port], port)
    chance = random.Random(7)
    for _ in range(SOCKETS):
        talk(port, chance)
    live.fetch(port, "/plain")  # not what it expects: 426
    same = check(agent, "websockets", {"1xx": SOCKETS, "4xx": 1})
    return same & haproxy(stage, agent, port) if shutil.which("haproxy") else same


def h2_frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def h2_receive(peer, kind):
    """The payload of the next frame of this kind on the first stream."""
    while True:
        head = receive(peer, 9)
        payload = receive(peer, int.from_bytes(head[:3], "big"))
        if head[3] == kind and head[8] == 1:
            return payload


def h2_websocket(port, path):
    """A stream that is one, spoken through once and left open."""
    peer = socket.create_connection(("127.0.0.1", port), 10)
    fields = ((":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
              (":path", path), (":authority", "a"), ("sec-websocket-version", "13"))
    block = b"".join(b"\x40" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
                     for name, value in fields)
    peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(4, 0, 0) + h2_frame(1, 4, 1, block))
    status = h2_receive(peer, 1)
    if b"\x88" in status:  # 200 of the static table
        peer.sendall(h2_frame(0, 0, 1, frame(b"hello")))
        if not h2_receive(peer, 0).endswith(b"hello"):
            raise RuntimeError("no echo")
    return peer


def haproxy(stage, agent, backend):
    """Each is a request that is over while the socket is open."""
    port = live.free_port()
    config = stage.folder / "haproxy.conf"
    config.write_text(HAPROXY.format(port=port, backend=backend))
    serve(stage, "haproxy", ["haproxy", "-db", "-f", config], port)
    peers = [h2_websocket(port, "/echo?token=x") for _ in range(SOCKETS)]
    same = check(agent, "haproxy", {"2xx": SOCKETS})
    routes = told(agent, "haproxy", SOCKETS)[3]
    for peer in peers:
        peer.close()
    time.sleep(0.5)
    return same & check(agent, "haproxy", {"2xx": SOCKETS}) & (
        routes == {("CONNECT", "/echo"): SOCKETS})


def connect(port, backend, chance):
    """HTTP inside of a tunnel, twice, cut anywhere; then a tunnel that is refused."""
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(f"CONNECT 127.0.0.1:{backend} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += receive(peer, 1)
        if b" 200 " not in head:
            raise RuntimeError(head)
        for _ in range(2):
            request = b"GET /index.html HTTP/1.1\r\nHost: b\r\n\r\n"
            cut = chance.randint(1, len(request) - 1)
            peer.sendall(request[:cut])
            peer.sendall(request[cut:])
            reply = b""
            while b"\r\n\r\n" not in reply:
                reply += receive(peer, 1)
            receive(peer, live.PAGE)
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n\r\n")
        return head.split()[1], receive(peer, 12).split()[1]


def tunnels(agent, name, port, backend, before=()):
    """Through a proxy that is watched, to a server that is not."""
    expected = collections.Counter(dict(before))
    chance = random.Random(8)
    for _ in range(SOCKETS):
        for status in connect(port, backend, chance):
            expected[status.decode()[0] + "xx"] += 1
    return check(agent, name, expected)


def apache(stage, agent, backend):
    folder = stage.folder / "apache"
    (folder / "www").mkdir(parents=True)
    (folder / "www" / "index.html").write_text("ringside\n")
    folder.chmod(0o777)
    config = folder / "apache.conf"
    port = live.free_port()
    config.write_text(APACHE.format(folder=folder, port=port, backend=backend))
    serve(stage, "apache", ["apache2", "-DFOREGROUND", "-f", config], port)
    replies = upgrade_to_h2c(port)
    same = check(agent, "apache", replies)
    time.sleep(0.5)
    lines = (folder / "access.log").read_text().splitlines()
    logged = collections.Counter(line[0] + "xx" for line in lines if not line.startswith("101"))
    print(f" logged {dict(logged)}, and {sum(x.startswith('101') for x in lines)} switches")
    return same & (logged == replies) & tunnels(agent, "apache", port, backend, replies)


def nghttpx(stage, agent, backend):
    port = live.free_port()
    serve(stage, "nghttpx", ["nghttpx", f"--frontend=127.0.0.1,{port};no-tls",
                             f"--backend=127.0.0.1,{backend}", "--no-ocsp", "--workers=1",
                             f"--conf={os.devnull}", "--errorlog-file=/dev/stderr"], port)
    return check(agent, "nghttpx", upgrade_to_h2c(port))


def tinyproxy(stage, agent, backend):
    port = live.free_port()
    config = stage.folder / "tinyproxy.conf"
    config.write_text(TINYPROXY.format(port=port, folder=stage.folder, backend=backend))
    serve(stage, "tinyproxy", ["tinyproxy", "-d", "-c", config], port)
    return tunnels(agent, "tinyproxy", port, backend)


def main():
    live.need_root_and("nginx", "apache2", "nghttp", "curl", "tinyproxy")
    if subprocess.run([PYTHON, "-c", "import websockets"], capture_output=True).returncode:
        live.skip("needs python3-websockets")
    signal.alarm(280)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        behind = stage.nginx("behind", shim=False)
        same = websockets(stage, agent)
        same &= apache(stage, agent, behind.port)
        same &= tinyproxy(stage, agent, behind.port)
        if shutil.which("nghttpx"):
            same &= nghttpx(stage, agent, behind.port)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
