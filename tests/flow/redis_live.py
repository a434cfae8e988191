"""redis_live - real Redis servers, fakes where a real one cannot do it, and the client that asks.

Everything is started on a live.Stage, which ends it by its pid, whatever happened.
"""
import json
import queue
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live


class Failed(Exception):
    pass


def check(fact, what):
    if not fact:
        raise Failed(what)
    print(f"ok    {what}")


class Server:
    """A redis-server of our own; it keeps its port over stop and start."""
    def __init__(self, stage, *options, port=None, host="127.0.0.1"):
        self.stage, self.options, self.host = stage, options, host
        self.port = port or live.free_port()
        self.folder = Path(stage.folder) / f"redis-{self.port}"
        self.folder.mkdir()
        self.start()

    def start(self):
        self.process = live.Process(
            self.stage, ["redis-server", "--port", self.port, "--bind", self.host, "--dir",
                         self.folder, "--save", "", *self.options], self.folder / "log")
        live.wait_for("redis", lambda: b"PONG" in self.raw(b"PING\r\n") or
                      b"NOAUTH" in self.raw(b"PING\r\n"), 10)

    def raw(self, line):
        with socket.create_connection((self.host, self.port), 1) as s:
            s.sendall(line)
            return s.recv(65536)

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-h", self.host, "-p", str(self.port), *map(str, words)],
                              capture_output=True, text=True, timeout=10).stdout.strip()

    def signal(self, number):
        self.process.popen.send_signal(number)

    def kill(self):
        self.process.popen.kill()
        self.process.popen.wait()

    def url(self, who="", db=""):
        return f"redis://{who}{self.host}:{self.port}{db}"


class Driver:
    """redis_driver: what is asked, and each answer, in order of the question's kind and key."""
    def __init__(self, stage, *arguments, before=()):
        program = str(live.find_program("redis_driver"))
        self.popen = subprocess.Popen([*before, program, *arguments],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      bufsize=1, preexec_fn=live.dies_with_us)
        self.pid = self.popen.pid
        stage.things.append(self)
        self.answers = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()

    def box(self, what):
        with self.lock:
            return self.answers.setdefault(what, queue.Queue())

    def read(self):
        for line in self.popen.stdout:
            what, key, fault, value = line.rstrip("\n").split("\t", 3)
            self.box((what, None if what in ("state", "tally", "heard") else key)).put(
                (fault, value, key))

    def say(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def ask(self, line, seconds=5):
        """(fault, value) of the one answer to it."""
        self.say(line)
        words = line.split(" ")
        try:
            return self.box((words[0], words[1])).get(timeout=seconds)[:2]
        except queue.Empty:
            raise Failed(f"no answer to {line} within {seconds} s") from None

    def state(self):
        self.say("state")
        return json.loads(self.box(("state", None)).get(timeout=5)[2])

    def tally(self):
        self.say("tally")
        return json.loads(self.box(("tally", None)).get(timeout=5)[2])

    def heard(self, seconds=5):
        return self.box(("heard", None)).get(timeout=seconds)[2]

    def wait(self, what, fact, seconds=5):
        """How long it took until its state is so, in seconds."""
        began = time.monotonic()
        try:
            live.wait_for(what, lambda: fact(self.state()), seconds)
        except TimeoutError:
            raise Failed(f"{what}: not within {seconds} s: {self.state()}") from None
        return time.monotonic() - began

    def ready(self, seconds=5):
        return self.wait("ready", lambda s: s["ready"] and s["circuit"] == "closed" and
                         s["listening"], seconds)

    def stop(self, *_):
        self.popen.stdin.close()
        try:
            code = self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            code = self.popen.wait()
        return code

    def family(self):
        return [self.pid] if self.popen.poll() is None else []


GREETINGS = {"INFO": b"$28\r\nredis_version:9\r\nloading:%d\r\n\r\n",
             "CONFIG": b"*2\r\n$4\r\nsave\r\n$0\r\n\r\n", "PING": b"+PONG\r\n",
             "SUBSCRIBE": b"*3\r\n$9\r\nsubscribe\r\n$13\r\nringside:news\r\n:1\r\n"}


class Fake:
    """A server that greets as Redis does, and answers other questions as `answer(words)` says."""
    def __init__(self, answer, loading=0):
        self.answer, self.loading, self.asked, self.open = answer, loading, [], []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection, connection.makefile("rb") as lines:
                while (head := lines.readline()):
                    words = []
                    for _ in range(int(head[1:])):
                        length = int(lines.readline()[1:])
                        words.append(lines.read(length + 2)[:-2].decode())
                    self.asked.append(words)
                    said = GREETINGS.get(words[0])
                    if words[0] == "INFO":
                        said = said % self.loading
                    connection.sendall(self.answer(words) if said is None else said)
        except (OSError, ValueError):
            pass

    def stop(self, *_):
        self.listening.close()
        for connection in self.open:
            connection.close()

    def family(self):
        return []

    def url(self):
        return f"redis://127.0.0.1:{self.port}"


class Slow:
    """A way to a server that lets one byte of its answers through each 100 ms once it is slow."""
    def __init__(self, port):
        self.to, self.slow = port, False
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                here, _ = self.listening.accept()
                there = socket.create_connection(("127.0.0.1", self.to), 1)
            except OSError:
                return
            there.settimeout(None)
            for ends in ((here, there, False), (there, here, True)):
                threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source, to, answers):
        try:
            while (some := source.recv(65536)):
                while answers and self.slow and some:
                    to.sendall(some[:1])
                    some = some[1:]
                    time.sleep(0.1)
                to.sendall(some)
        except OSError:
            pass
        for end in (source, to):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self, *_):
        self.listening.close()

    def family(self):
        return []

    def url(self):
        return f"redis://127.0.0.1:{self.port}"
