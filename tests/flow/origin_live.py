"""An HTTP server as the origin of a cache, with all that one may do to who asks it."""
import contextlib
import http.server
import socket
import threading
import time
from collections import Counter

import live


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.open.append(self.connection)

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content_Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with self.server.lock:
            self.server.hits[self.path] += 1
            self.server.under_way += 1
            self.server.most = max(self.server.most, self.server.under_way)
        try:
            kind = self.path.split("/")[1].split("?")[0]
            getattr(self, kind)()
        except OSError:
            self.close_connection = True
        finally:
            with self.server.lock:
                self.server.under_way -= 1

    def ok(self):
        self.reply(200, b"value of " + self.path.encode(), Content_Type="text/plain",
                   Cache_Control="max-age=7", Surrogate_Key="a b")

    def turn(self):
        """As the test wants it now: a status, or a value that is another each time."""
        status = self.server.turns.get(self.path, 200)
        if status != 200:
            return self.reply(status)
        return self.reply(200, f"{self.server.hits[self.path]}".encode(),
                          Content_Type="text/plain")

    def late(self):
        time.sleep(0.3)
        self.ok()

    def none(self):
        self.reply(404)

    def broken(self):
        self.reply(500, b"oh")

    def hang(self):
        self.server.over.wait(20)

    def slow(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        while not self.server.over.wait(0.1):
            self.wfile.write(b"x")
            self.wfile.flush()

    def huge(self):
        self.reply(200, b"x" * (1 << 20) + b"y")

    def endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.over.is_set():
            self.wfile.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")

    def short(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"x" * 99)
        self.close_connection = True

    def longer(self):
        """More than it says, and what follows looks like the next answer."""
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"abcHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")

    def redirect(self):
        self.reply(302, Location=f"http://127.0.0.1:{self.server.server_port}/ok/secret")

    def zipped(self):
        self.reply(200, b"\x1f\x8b\x08", Content_Encoding="gzip")

    def headers_of(self):
        self.server.seen = dict(self.headers)
        self.reply(200)


class Server:
    """Real HTTP, on a port of its own, that may stop and start again."""
    def __init__(self, stage):
        self.port = live.free_port()
        stage.things.append(self)
        self.server = None
        self.start()

    def start(self):
        http.server.ThreadingHTTPServer.allow_reuse_address = True
        http.server.ThreadingHTTPServer.request_queue_size = 128
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.hits, self.server.lock = Counter(), threading.Lock()
        self.server.under_way = self.server.most = 0
        self.server.open, self.server.turns = [], {}
        self.server.over = threading.Event()
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self, *_):
        if self.server:
            self.server.over.set()
            self.server.shutdown()
            self.server.server_close()
            for connection in self.server.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server = None

    def hits(self, path):
        return self.server.hits[path]

    def family(self):
        return []
