"""client - the one HTTP/1.1 client of the suite, by raw sockets, and the requests that it makes.

Every scene gives what it got back, word for word, as a list of replies; and the client tallies
each answered request by the class of its status, whatever was wrong with the rest of it.
"""
import collections
import contextlib
import hashlib
import re
import socket
import ssl
import struct
import time

SMALL, BIG, CHUNK, POST = "/small.txt", "/big.bin", "/chunk", "/post"
BODY = b"0123456789abcdef" * 6250  # 100,000 bytes
VARYING = {"date", "x-varnish", "age", "x-request-id", "x-timer", "expires", "via", "set-cookie"}
FRAMING = {"content-length", "transfer-encoding"}

Reply = collections.namedtuple("Reply", "status head body")


class Ended(Exception):
    """The server closed where a reply was expected."""


BROKEN = (ConnectionError, ssl.SSLError)


def trusting():
    """What makes a client's TLS; whose certificate it is does not matter here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    def __init__(self, port, patience, tls=None):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket)
        self.stream = self.socket.makefile("rb")

    def close(self):
        self.stream.close()
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_as_far_as_it_goes(self, data):
        """A server may answer and close before it has read a body; its answer still counts."""
        with contextlib.suppress(*BROKEN):
            self.socket.sendall(data)

    def head(self):
        """(status, lines) of the next reply's head."""
        try:
            line = self.stream.readline()
        except BROKEN as error:
            raise Ended from error
        if not line.startswith(b"HTTP/1."):
            raise Ended
        lines = [line.rstrip(b"\r\n").decode("latin-1")]
        for more in iter(self.stream.readline, b"\r\n"):
            if not more:
                raise Ended
            lines.append(more.rstrip(b"\r\n").decode("latin-1"))
        return int(line.split()[1]), lines

    def is_open(self):
        """Behind a whole reply: with TLS there may be tickets to read, but no byte of it."""
        secure = isinstance(self.socket, ssl.SSLSocket)
        before = self.socket.gettimeout()
        self.socket.settimeout(0)
        try:
            return bool(self.socket.recv(1) if secure else self.socket.recv(1, socket.MSG_PEEK))
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        finally:
            self.socket.settimeout(before)

    def body(self, status, fields, method):
        """(bytes, how they ended): by length, chunks, or the end of the connection."""
        if method == "HEAD" or status in (204, 304):
            return b"", "none"
        if "chunked" in fields.get("transfer-encoding", "").lower():
            return self.chunks(), "chunked"
        if "content-length" in fields:
            length = int(fields["content-length"])
            return self.stream.read(length), f"length {length}"
        return self.stream.read(), "close"

    def chunks(self):
        parts = []
        while True:
            size = int(self.stream.readline().split(b";")[0], 16)
            parts.append(self.stream.read(size))
            self.stream.readline()
            if not size:
                return b"".join(parts)


def known(lines, port, streams):
    """What is compared of a head: all but what differs from one second, or port, to the next.

    A server that streams frames a body by its length or in chunks, as its threads race."""
    kept, framed = [lines[0]], []
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if streams and name.lower() in FRAMING:
            framed = ["framed some way"]
            continue
        if name.lower() in VARYING:
            value = " varying"
        kept.append(f"{name}:{re.sub(rf':{port}(?![0-9])', ':PORT', value)}")
    return "\n".join(kept + framed)


class Client:
    def __init__(self, port, shuts=False, streams=False, tls=None, patience=3):
        self.port = port
        self.shuts = shuts
        self.streams = streams
        self.tls = tls
        self.patience = patience
        self.classes = collections.Counter()  # answered requests, by class of their status
        self.unanswered = 0                   # requests sent whole that got no status line
        self.logged = collections.Counter()   # (method, status) of each answer

    @contextlib.contextmanager
    def connection(self):
        one = Connection(self.port, self.patience, self.tls)
        try:
            yield one
        finally:
            one.close()

    def request(self, method, path, *headers):
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def reply(self, connection, method="GET"):
        """The next reply, tallied; interim ones belong to it and are no answer."""
        interim = []
        while True:
            try:
                status, lines = connection.head()
            except (Ended, OSError):
                self.unanswered += 1
                return Reply(0, "\n".join(interim + ["no answer"]), "")
            if status >= 200 or status == 101:
                break
            interim.append(lines[0])
        self.classes[f"{status // 100}xx"] += 1
        self.logged[method, status] += 1
        fields = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
        try:
            data, ending = connection.body(status, fields, method)
        except (OSError, ValueError):
            data, ending = b"", "cut off, close,"
        text = data
        if len(data) < 65536:  # an error's page may name the port, or (Varnish) the request
            text = re.sub(rb":%d(?![0-9])|XID: \d+" % self.port, b"VARYING", data)
        if self.streams and ending != "cut off, close,":
            ending = "some way"
        return Reply(status, "\n".join(interim + [known(lines, self.port, self.streams)]),
                     f"{len(text)} bytes, {ending}, {hashlib.sha256(text).hexdigest()[:16]}")

    def closes(self, reply, connection):
        head = reply.head.lower()
        if self.shuts or not reply.status or ", close, " in reply.body:
            return True
        if "connection: close" in head:
            return True
        if head.startswith("http/1.0") and "connection: keep-alive" not in head:
            return True
        return not connection.is_open()

    def again_and_again(self, method, path, times, *headers):
        """One request so many times, on one connection as long as the server keeps it."""
        replies = []
        while len(replies) < times:
            with self.connection() as connection:
                while len(replies) < times:
                    connection.send(self.request(method, path, *headers))
                    replies.append(self.reply(connection, method))
                    if self.closes(replies[-1], connection):
                        break
        return replies

    def keep_alive(self):
        return self.again_and_again("GET", SMALL, 20)

    def head(self):
        return self.again_and_again("HEAD", SMALL, 3) + self.again_and_again("GET", SMALL, 1)

    def missing(self):
        return self.again_and_again("GET", "/missing?x=1", 3)

    def conditional(self):
        return self.again_and_again("GET", SMALL, 2,
                                    "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT")

    def pipelined(self):
        """Five in one packet. Some servers answer the first and drop the others, by design."""
        with self.connection() as connection:
            connection.send(self.request("GET", SMALL) * 5)
            replies = []
            while len(replies) < 5 and (not replies or replies[-1].status):
                replies.append(self.reply(connection))
            self.unanswered += 5 - len(replies)
            return replies

    def cut(self):
        """The same request in two packets, cut at every place."""
        request = self.request("GET", SMALL)
        replies = []
        while len(replies) < len(request) - 1:
            with self.connection() as connection:
                while len(replies) < len(request) - 1:
                    at = len(replies) + 1
                    connection.send(request[:at])
                    time.sleep(0.0005)
                    connection.send_as_far_as_it_goes(request[at:])
                    replies.append(self.reply(connection))
                    if self.closes(replies[-1], connection):
                        break
        return replies

    def post(self):
        with self.connection() as connection:
            connection.send_as_far_as_it_goes(
                self.request("POST", POST, f"Content-Length: {len(BODY)}") + BODY)
            return [self.reply(connection, "POST")]

    def post_expecting(self):
        """The body goes out once the server says so, or has kept silent for a while."""
        with self.connection() as connection:
            connection.send(self.request("POST", POST, "Content-Length: 16",
                                         "Expect: 100-continue"))
            time.sleep(0.1)
            connection.send_as_far_as_it_goes(BODY[:16])
            return [self.reply(connection, "POST")]

    def post_chunked(self):
        with self.connection() as connection:
            connection.send_as_far_as_it_goes(
                self.request("POST", POST, "Transfer-Encoding: chunked") +
                b"5\r\nhello\r\n1a;x=y\r\n" + b"z" * 26 + b"\r\n0\r\n\r\n")
            return [self.reply(connection, "POST")]

    def chunked(self):
        return self.again_and_again("GET", CHUNK, 3, "Accept-Encoding: gzip")

    def big(self):
        return self.again_and_again("GET", BIG, 2)

    def range(self):
        return self.again_and_again("GET", BIG, 2, "Range: bytes=1000-99999")

    def old(self):
        """HTTP/1.0, whose reply ends with its connection."""
        with self.connection() as connection:
            connection.send(f"GET {SMALL} HTTP/1.0\r\n\r\n".encode())
            return [self.reply(connection)]

    def left(self):
        """A client that goes away in the middle of a download."""
        connection = Connection(self.port, self.patience, self.tls)
        connection.send(self.request("GET", BIG))
        try:
            status, lines = connection.head()
        except (Ended, OSError):
            self.unanswered += 1
            return [Reply(0, "no answer", "")]
        finally:
            connection.reset()
        self.classes[f"{status // 100}xx"] += 1
        self.logged["GET", status] += 1
        return [Reply(status, known(lines, self.port, self.streams), "left")]


SCENES = ("keep_alive", "head", "missing", "conditional", "pipelined", "cut", "post",
          "post_expecting", "post_chunked", "chunked", "big", "range", "old", "left")
