#!/usr/bin/env python3
"""TLS connections that are resumed, half closed, left, or never come to a request.

usage: test_handshakes.py SERVER

What the server logs by class of status is what is counted, and no connection is unlinked: not one
whose handshake fails, and not one whose client speaks plain HTTP, or nothing that is known. The
handshakes are counted by their end, and the host that a client asks for is told.
"""
import collections
import contextlib
import socket
import ssl
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from client import BIG, SMALL, trusting
from test_compat import TABLE, Place, certify, listens, logged, missing, site

TIMES = 200 if live.FULL else 20


class Wrong:
    """One by one, what a client may do; each method says how many replies it got."""

    def __init__(self, port):
        self.port = port

    def plain(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=3)

    def secure(self, context=None, **more):
        return (context or trusting()).wrap_socket(self.plain(), **more)

    def ask(self, connection, path=SMALL, more=""):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n{more}\r\n".encode())

    def answer(self, connection):
        """(status, whole body) of a reply with a length."""
        stream = connection.makefile("rb")
        status = int(stream.readline().split()[1])
        length = 0
        for line in iter(stream.readline, b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, len(stream.read(length)) == length

    def resumed(self, version):
        context, session, reused = trusting(), None, 0
        context.maximum_version = version
        for _ in range(TIMES):
            with self.secure(context, session=session) as connection:
                reused += connection.session_reused
                for _ in range(3):
                    self.ask(connection)
                    assert self.answer(connection) == (200, True)
                session = connection.session
        assert reused == TIMES - 1, f"{reused} of {TIMES} were resumed"
        return {"2xx": 3 * TIMES}

    def half_closed(self):
        for _ in range(TIMES):
            with self.secure(server_hostname="Seat.Example") as connection:
                self.ask(connection, more="Connection: close\r\n")
                assert self.answer(connection) == (200, True)
                with contextlib.suppress(OSError):
                    connection.unwrap()
        return {"2xx": TIMES}

    def left(self):
        for _ in range(TIMES):
            connection = self.secure()
            self.ask(connection, BIG)
            connection.recv(1000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        return {"2xx": TIMES}

    def silent(self):
        for _ in range(TIMES):
            self.secure().close()
        return {}

    def refused(self):
        """No cipher in common: the certificate's key is of another kind."""
        context = trusting()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        for _ in range(TIMES):
            with self.plain() as connection, contextlib.suppress(OSError):
                context.wrap_socket(connection)
        return {}

    def in_the_clear(self):
        for _ in range(TIMES):
            with self.plain() as connection:
                self.ask(connection)
                assert connection.recv(100).startswith(b"HTTP/1.1 400")
        return {"4xx": TIMES}

    def cut(self):
        """The beginning of a hello, and no more."""
        for n in (1, 5, 11, 43, 60):
            with self.plain() as connection:
                connection.sendall((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
                                    b"r" * 200)[:n])
        return {}


def talk(port):
    client, total = Wrong(port), collections.Counter()
    for scene in (lambda: client.resumed(ssl.TLSVersion.TLSv1_2),
                  lambda: client.resumed(ssl.TLSVersion.TLSv1_3), client.half_closed, client.left,
                  client.silent, client.refused, client.in_the_clear, client.cut):
        total.update(scene())
    return total


def main():
    name = sys.argv[1]
    recipe = TABLE[name]
    live.need_root_and("openssl")
    if missing(recipe):
        live.skip(f"needs {', '.join(missing(recipe))}")
    with live.Stage() as stage:
        certify(stage.folder)
        place = Place(stage.folder / name, site(stage.folder), live.free_port())
        place.folder.mkdir()
        place.folder.chmod(0o777)
        agent = stage.agent().wait("/readyz")
        server = live.Process(stage, recipe.command(place), place.folder / "printed.log", {
            **stage.environment, "LD_PRELOAD": str(live.find_program("libringside.so"))})
        live.wait_for("listening", lambda: listens(place.port), 10)
        total = talk(place.port)
        document = agent.wait_for_count(sum(total.values()), 10)
        counted = {k: v for k, v in document["status"].items() if v}
        reasons = collections.Counter()
        for process in agent.get("/api/capture")["processes"]:
            reasons.update({k: v for k, v in process["unparsed"].items() if v})
        tls = [(row["tls"], {x["name"]: x["handshakes"] for x in row["tlsNames"]})
               for row in agent.get("/api/capture")["services"] if row["tls"]["handshakes"]]
        server.stop(recipe.stop, 15)
        lines, _ = logged(recipe, place, "")
    classes = collections.Counter()
    for (_, status), times in lines.items():
        classes[f"{status // 100}xx"] += times
    print(f"{name}: answered {dict(total)}, counted {counted}, logged {dict(classes)}, "
          f"unparsed {dict(reasons)}, handshakes {tls}")
    shaken = [(row["handshakes"], row["failed"], names) for row, names in tls]
    same = shaken == [(5 * TIMES, TIMES, {"seat.example": TIMES})]
    return 0 if same and counted == dict(total) == dict(classes) and not reasons else 1


if __name__ == "__main__":
    sys.exit(main())
