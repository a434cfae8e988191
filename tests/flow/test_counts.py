#!/usr/bin/env python3
"""Every request that nginx logs is counted once, with its status: 100,000 of them, of every kind."""
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

TOTAL = 200000 if live.FULL else 100000
PIPELINE_DEPTH = 16  # nginx's own read buffer holds some 20 of these


def read_replies(connection, count):
    """Reads so many replies, each with Content-Length, chunked or without a body."""
    stream = connection.makefile("rb")
    for _ in range(count):
        length, chunked = 0, False
        status = int(stream.readline().split()[1])
        for line in iter(stream.readline, b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            chunked |= name.lower() == b"transfer-encoding" and b"chunked" in value
        if status == 304:
            length = 0
        while chunked:
            size = int(stream.readline(), 16)
            stream.read(size + 2)
            chunked = size > 0
        stream.read(length)


def converse(port, request, total, depth):
    """Sends a request so many times over keep-alive connections, some of them at a time."""
    done = 0
    while done < total:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            for _ in range(min(800, total - done) // depth):  # nginx closes after 1,000
                connection.sendall(request * depth)
                read_replies(connection, depth)
                done += depth
            if total - done < depth:
                connection.sendall(request * (total - done))
                read_replies(connection, total - done)
                done = total


def split_request(port, request, times):
    """The same request in two packets, cut at every place."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(times):
            cut = 1 + i % (len(request) - 1)
            connection.sendall(request[:cut])
            connection.sendall(request[cut:])
            read_replies(connection, 1)


def load(nginx, share, folder):
    """About so many requests of every kind; what ab says went wrong."""
    base = f"http://127.0.0.1:{nginx.port}"
    body = folder / "body"
    body.write_bytes(b"x" * 5000)
    failed = 0
    for part, options, path in (
            (0.40, ("-k",), "/index.html"), (0.05, (), "/index.html"), (0.02, ("-k",), "/big.bin"),
            (0.10, ("-k", "-i"), "/index.html"), (0.10, ("-k",), "/missing"),
            (0.10, ("-k", "-p", str(body)), "/post"), (0.02, ("-k",), "/error"),
            (0.08, ("-k", "-H", "If-None-Match: *"), "/index.html"),
            (0.02, ("-k",), "/proxy/index.html")):
        failed += live.ab(base + path, int(share * part), *options)["failed"]
    host = b"Host: localhost\r\n"
    converse(nginx.port, b"GET /index.html HTTP/1.1\r\n" + host + b"\r\n", int(share * 0.06),
             PIPELINE_DEPTH)
    converse(nginx.port, b"GET /zip/index.html HTTP/1.1\r\n" + host +
             b"Accept-Encoding: gzip\r\n\r\n", int(share * 0.03), 1)
    converse(nginx.port, b"POST /post HTTP/1.1\r\n" + host +
             b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a;x=y\r\n" + b"z" * 26 +
             b"\r\n0\r\n\r\n", int(share * 0.02), 1)
    split_request(nginx.port, b"GET /index.html HTTP/1.1\r\n" + host + b"\r\n", 200)
    return failed


def compare(agent, nginx_servers):
    time.sleep(0.5)  # nginx writes its log behind the reply
    logged = sum((n.classes() for n in nginx_servers), start=live.collections.Counter())
    # our own looks at nginx_status are not logged, and are real requests all the same
    logged["2xx"] += sum(n.own_requests for n in nginx_servers)
    document = agent.wait_for_count(sum(logged.values()), 10)
    counted = {k: v for k, v in document["status"].items() if v}
    print(f"logged  {sum(logged.values())} {dict(sorted(logged.items()))}")
    print(f"counted {document['responseTimes']['count']} {dict(sorted(counted.items()))}")
    print(f"capture {document['capture']}")
    return (document["responseTimes"]["count"] == sum(logged.values()) and
            counted == dict(logged) and document["capture"]["seen"] == sum(logged.values()))


def main():
    live.need_root_and("nginx", "ab")
    signal.alarm(280)  # the window asked for is 5 minutes: what is older would be missing
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        servers = [stage.nginx(f"sendfile-{x}", sendfile=x) for x in ("on", "off")]
        failed = sum(load(nginx, TOTAL // 2, stage.folder) for nginx in servers)
        same = compare(agent, servers)
    print(f"{failed} requests failed")
    return 0 if same and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
