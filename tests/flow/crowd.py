"""crowd - many keep-alive connections of one thread, held open at once, each asking in turn.

They come from several addresses of the loopback network, so that neither the range of ports nor
sockets that wait for their end are a limit.
"""
import resource
import select
import socket
import time

REQUEST = b"GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n"
SOURCES = 8        # 127.0.1.1, 127.0.1.2 …
OPENING = 200      # connections being made at a time: less than nginx's backlog
PATIENCE_S = 60    # without any progress


def raise_limits(files):
    """Room for so many descriptors in this process and its children; False: not to be had."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= files:
        return True
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(hard, files)))
    except (OSError, ValueError):
        return False
    return True


class Visitor:
    """One connection; left: requests that it will still make, None: until it is told to stop."""

    def __init__(self, port, number, left):
        self.number = number
        self.left = left
        self.buffer = b""
        self.wanted = None  # bytes of the reply under way, once its head is there
        self.asked = False
        self.closing = False  # the server said that it closes
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        self.socket.bind((f"127.0.1.{1 + number % SOURCES}", 0))
        self.socket.connect_ex(("127.0.0.1", port))

    def ask(self):
        self.socket.send(REQUEST)
        self.asked = True

    def hear(self):
        """How many replies came whole (0 or 1); ConnectionError: it failed."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("closed by the server")
        self.buffer += piece
        if self.wanted is None:
            head, end, _ = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return 0
            if not head.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(head.split(b"\r\n")[0].decode("latin-1"))
            head = head.lower()
            length = head.partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0]
            self.closing = b"\r\nconnection: close" in head
            self.wanted = len(head) + 4 + int(length)
        if len(self.buffer) < self.wanted:
            return 0
        self.buffer, self.wanted, self.asked = b"", None, False
        return 1


class Crowd:
    def __init__(self, port, count, requests=None):
        self.port = port
        self.count = count
        self.requests = requests
        self.visitors = {}
        self.poll = select.epoll()
        self.answered = 0
        self.waiting = 0  # replies under way
        self.reasons = []  # of every failure

    def errors(self):
        return len(self.reasons)

    def share(self):
        """Failures in percent of what was tried."""
        tried = self.answered + self.errors()
        return 100 * self.errors() / tried if tried else 0.0

    def fail(self, number, reason):
        visitor = self.visitors.pop(number)
        self.waiting -= visitor.asked
        self.reasons.append(str(reason))
        visitor.socket.close()

    def open(self):
        """Makes all connections; they stay."""
        opening, made = 0, 0
        end = time.monotonic() + PATIENCE_S
        while (made < self.count or opening) and time.monotonic() < end:
            while made < self.count and opening < OPENING:
                visitor = Visitor(self.port, made, self.requests)
                self.visitors[visitor.socket.fileno()] = visitor
                self.poll.register(visitor.socket, select.EPOLLOUT)
                made += 1
                opening += 1
            for number, _ in self.poll.poll(1):
                failed = self.visitors[number].socket.getsockopt(socket.SOL_SOCKET,
                                                                 socket.SO_ERROR)
                self.poll.modify(number, select.EPOLLIN)
                opening -= 1
                if failed:
                    self.fail(number, f"connect: {failed}")
                end = time.monotonic() + PATIENCE_S
        return self

    def ask(self, seconds=None, limit_percent=None):
        """Asks on all at once, until each had its requests or the time is over."""
        begin = last = time.monotonic()
        for number in list(self.visitors):
            self.step(number, self.begin)
        while self.waiting and time.monotonic() - last < PATIENCE_S:
            if limit_percent is not None and self.share() > limit_percent:
                break
            before = self.answered + self.errors()
            over = seconds and time.monotonic() - begin >= seconds
            for number, _ in self.poll.poll(1):
                self.step(number, self.last if over else self.next)
            if self.answered + self.errors() != before:
                last = time.monotonic()
        for number in [n for n, visitor in self.visitors.items() if visitor.asked]:
            self.fail(number, "no reply")
        return self

    def begin(self, visitor):
        visitor.ask()
        self.waiting += 1

    def last(self, visitor):
        """Hears a reply and asks no more."""
        heard = visitor.hear()
        self.answered += heard
        self.waiting -= heard
        return heard

    def next(self, visitor):
        if not self.last(visitor):
            return
        if visitor.left is not None:
            visitor.left -= 1
        if visitor.left != 0:
            self.begin(self.again(visitor) if visitor.closing else visitor)

    def again(self, visitor):
        """The same visitor on a new connection: a server may end one after so many requests."""
        del self.visitors[visitor.socket.fileno()]
        visitor.socket.close()
        fresh = Visitor(self.port, visitor.number, visitor.left)
        self.visitors[fresh.socket.fileno()] = fresh
        select.select([], [fresh.socket], [], 5)
        self.poll.register(fresh.socket, select.EPOLLIN)
        return fresh

    def step(self, number, act):
        if number not in self.visitors:
            return
        try:
            act(self.visitors[number])
        except BlockingIOError:
            pass
        except OSError as error:
            self.fail(number, error)

    def close(self):
        for visitor in self.visitors.values():
            visitor.socket.close()
        self.visitors.clear()
        self.poll.close()
