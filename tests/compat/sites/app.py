"""The site of the suite as a WSGI and an ASGI application, and by Python's own server classes."""
import http.server
import os
import sys

WWW = os.environ.get("SITE_WWW", ".")
CERTIFICATE = os.environ.get("SITE_CERTIFICATE")  # with its key; then it speaks TLS


def read(name):
    with open(os.path.join(WWW, name), "rb") as file:
        return file.read()


def wsgi(environ, start):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if method == "POST":
        stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH")
        got = 0
        if length or environ.get("wsgi.input_terminated"):
            got = len(stream.read(int(length)) if length else stream.read())
        body = b"got %d" % got
    elif path == "/chunk":
        start("200 OK", [("Content-Type", "text/plain")])
        return iter((b"a", b"bc", b"def"))
    elif path == "/big.bin" and "wsgi.file_wrapper" in environ:
        file = open(os.path.join(WWW, "big.bin"), "rb")
        start("200 OK", [("Content-Length", str(os.fstat(file.fileno()).st_size)),
                         ("Content-Type", "application/octet-stream")])
        return environ["wsgi.file_wrapper"](file, 65536)
    elif path in ("/small.txt", "/big.bin"):
        body = read(path[1:])
    else:
        start("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"none\n"]
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [b"" if method == "HEAD" else body]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    path, method, status = scope["path"], scope["method"], 200
    parts, headers = [b"none\n"], [(b"content-type", b"text/plain")]
    if method == "POST":
        got, more = 0, True
        while more:
            message = await receive()
            got += len(message.get("body", b""))
            more = message.get("more_body", False)
        parts = [b"got %d" % got]
    elif path == "/chunk":
        parts = [b"a", b"bc", b"def"]
    elif path in ("/small.txt", "/big.bin"):
        body = read(path[1:])
        parts = [body[i:i + 65536] for i in range(0, len(body), 65536)]
    else:
        status = 404
    if path != "/chunk":
        headers.append((b"content-length", str(sum(map(len, parts))).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for part in [] if method == "HEAD" else parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=WWW)

    def do_POST(self):
        if "Content-Length" not in self.headers:
            self.close_connection = True
            self.send_error(411)
            return
        body = b"got %d" % len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path != "/chunk":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (b"1\r\na\r\n", b"2\r\nbc\r\n", b"0\r\n\r\n"):
            self.wfile.write(part)


class Server(http.server.HTTPServer):
    request_queue_size = 64

    def server_activate(self):
        if CERTIFICATE:
            import ssl
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        super().server_activate()

    def handle_error(self, request, client_address):
        pass  # a client that left


class ThreadingServer(http.server.ThreadingHTTPServer, Server):
    request_queue_size = 64


def by_name(name, port):
    """Servers that are begun by a program, not by a command of theirs."""
    if name == "bottle":
        import bottle
        bottle.run(app=wsgi, host="127.0.0.1", port=port)
    elif name == "cherrypy":
        import cheroot.wsgi
        cheroot.wsgi.Server(("127.0.0.1", port), wsgi).safe_start()
    elif name == "eventlet":
        import eventlet
        import eventlet.wsgi
        eventlet.wsgi.server(eventlet.listen(("127.0.0.1", port)), wsgi)
    elif name == "werkzeug":
        from werkzeug.serving import run_simple
        run_simple("127.0.0.1", port, wsgi, threaded=True)
    elif name == "tornado":
        import tornado.httpserver
        import tornado.ioloop
        import tornado.wsgi
        tornado.httpserver.HTTPServer(tornado.wsgi.WSGIContainer(wsgi)).listen(port, "127.0.0.1")
        tornado.ioloop.IOLoop.current().start()
    elif name == "aiohttp":
        from aiohttp import web
        app = web.Application()
        app.router.add_post("/post", posted)
        app.router.add_get("/chunk", chunked)
        app.router.add_static("/", WWW)
        web.run_app(app, host="127.0.0.1", port=port)
    elif name == "threading":
        ThreadingServer(("127.0.0.1", port), Handler).serve_forever()
    else:
        Server(("127.0.0.1", port), Handler).serve_forever()


async def posted(request):
    from aiohttp import web
    return web.Response(body=b"got %d" % len(await request.read()))


async def chunked(request):
    from aiohttp import web
    answer = web.StreamResponse()
    await answer.prepare(request)
    for part in (b"a", b"bc", b"def"):
        await answer.write(part)
    return answer


if __name__ == "__main__":
    by_name(sys.argv[1], int(sys.argv[2]))
