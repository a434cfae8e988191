#!/usr/bin/env python3
"""Servers that fork a child for each connection: each request is counted, however short the child.

Also while the agent is killed and started again, of children that outlive their parent, and of
workers that end before the agent looks for them.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from segment import Segment

REQUESTS = 20000 if live.FULL else 3000
AHEAD = 20000 if live.FULL else 1000  # the same come again over the agent's restart
AT_ONCE = 20
RESTART_S = 6  # the agent is killed and is back before so many seconds of load are over
PYTHON = """
import http.server, socketserver, sys
class Server(socketserver.ForkingMixIn, http.server.HTTPServer):
    request_queue_size = 128
    max_children = 100
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
# Its parent only listens; a worker ends after EACH connections, and the next one comes.
EACH = 4
WORKERS = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    if os.fork() == 0:
        for _ in range(int(sys.argv[2])):
            connection = listener.accept()[0]
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
            connection.close()
        os._exit(0)
    os.wait()
"""
# Its child answers when it is told to, by a file: its parent is dead by then.
ORPHAN = """
import os, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection = listener.accept()[0]
    if os.fork() == 0:
        connection.recv(65536)
        while not os.path.exists("go"):
            time.sleep(0.01)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        os._exit(0)
    connection.close()
"""
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


class Server(live.Process):
    def __init__(self, stage, name, command):
        self.name, self.port = name, live.free_port()
        self.www = stage.folder / name
        self.www.mkdir(mode=0o755)
        (self.www / "index.html").write_text("a seat\n" * 20)
        (self.www / "other.html").write_text("another seat\n" * 20)
        words = [str(x).format(port=self.port, www=self.www) for x in command]
        super().__init__(stage, ["sh", "-c", 'cd "$1" && shift && exec "$@"', "-", self.www, *words],
                         stage.folder / f"{name}.log",
                         {**stage.environment, "RINGSIDE_SERVICE": name,
                          "LD_PRELOAD": str(live.find_program("libringside.so"))})
        self.served = self.rate = 0

    def wait(self):
        live.wait_for(f"{self.name}", lambda: self.fetch("/index.html")[0] == 200, 10)
        return self

    def fetch(self, path):
        answer = live.fetch(self.port, path)
        self.served += 1
        return answer

    def load(self, path, requests):
        begun = time.monotonic()
        done = live.ab(f"http://127.0.0.1:{self.port}{path}", requests, connections=AT_ONCE,
                       timeout=400 if live.FULL else 120)
        self.rate = requests / (time.monotonic() - begun)
        expect(done["complete"] == requests and not done["failed"],
               f"{self.name}: {done} of {requests} were answered")
        self.served += done["complete"]


def commands():
    """name: command; of what this machine has."""
    found = {"forking": [sys.executable, "-c", quoted(PYTHON),
                         "{port}"]}
    if shutil.which("busybox"):
        found["busybox"] = ["busybox", "httpd", "-f", "-p", "127.0.0.1:{port}", "-h", "{www}"]
    if shutil.which("mini_httpd"):
        found["mini-httpd"] = ["mini_httpd", "-D", "-h", "127.0.0.1", "-p", "{port}", "-d", "{www}"]
    return found


def totals(agent, service):
    """What is counted of a service, and how; nothing while it is not known."""
    with contextlib.suppress(RuntimeError):
        document = agent.metrics(f"?service={service}&window=1h")
        return document["responseTimes"]["count"], document["capture"]
    return 0, {}


def unseen(agent):
    """How many died unseen, as the health of the segments says."""
    parts = agent.get("/api/health")["parts"]
    reason = next(part["reason"] for part in parts if part["name"] == "segments")
    return int(reason.split(" died unseen")[0].split()[-1])


def judge(agent, server, when):
    with contextlib.suppress(TimeoutError):
        live.wait_for(f"{server.served} of {server.name}",
                      lambda: totals(agent, server.name)[0] >= server.served, 8, 0.1)
    time.sleep(0.6)  # what was counted twice shows now
    counted, capture = totals(agent, server.name)
    expect(counted == server.served,
           f"{server.name}, {when}: {server.served} answered, {counted} counted; {capture}")


def quoted(program):
    return program.replace("{", "{{").replace("}", "}}")


def over_the_death_of_its_parent(stage, agent):
    """Children that outlive it go on counting for it until they are found themselves."""
    server = Server(stage, "orphan", [sys.executable, "-c", quoted(ORPHAN), "{port}"])
    live.wait_for("orphan", lambda: socket.create_connection(("127.0.0.1", server.port)), 10).close()
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(AT_ONCE)]
    for client in clients:
        client.sendall(b"GET /orphan HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.2)
    os.kill(server.pid, signal.SIGKILL)
    server.popen.wait()
    (server.www / "go").touch()
    for client in clients:
        server.served += client.recv(65536).startswith(b"HTTP/1.1 200")
        client.close()
    expect(server.served == AT_ONCE, f"orphan: {server.served} were answered")
    judge(agent, server, "its parent killed meanwhile")


def of_workers_that_nobody_saw(stage, agent):
    """The broker is stopped while workers come, serve and go, as on a machine that is too busy."""
    server = Server(stage, "workers", [sys.executable, "-c", quoted(WORKERS), "{port}", EACH]).wait()
    live.wait_for("all of it watched", lambda: Segment(server.pid, "ringside-kin").watched() and
                  all(Segment(pid).watched() for pid in server.family()), 10)
    os.kill(agent.pid, signal.SIGSTOP)
    try:
        while server.served < 10 * EACH:
            server.fetch("/")
    finally:
        os.kill(agent.pid, signal.SIGCONT)
    judge(agent, server, "its workers gone before the agent looked")


def without_forks(stage):
    """It accepts and does not fork: nothing is made for children that never come."""
    server = Server(stage, "alone", [sys.executable, "-m", "http.server", "--bind", "127.0.0.1",
                                     "{port}"]).wait()
    maps = Path(f"/proc/{server.pid}/maps").read_text()
    expect("/memfd:ringside (deleted)" in maps and "ringside-kin" not in maps,
           "a server that does not fork has no segment for children")


def kill(agent):
    for pid in agent.family():
        with contextlib.suppress(ProcessLookupError):  # each takes the next one along
            os.kill(pid, signal.SIGKILL)
    agent.popen.wait()


def over_a_restart(stage, agent, server):
    requests = REQUESTS if live.FULL else min(REQUESTS, int(RESTART_S * server.rate))
    client = subprocess.Popen(["ab", "-q", "-n", str(requests), "-c", str(AT_ONCE),
                               f"http://127.0.0.1:{server.port}/index.html"],
                              stdout=subprocess.PIPE, text=True, preexec_fn=live.dies_with_us)
    time.sleep(0.3)
    kill(agent)
    time.sleep(0.2)
    agent = stage.agent().wait("/readyz")
    out = client.communicate(timeout=700 if live.FULL else 200)[0]
    done = [line.split()[-1] for line in out.splitlines() if line.startswith("Complete requests")]
    server.served += int(done[0])
    judge(agent, server, "the agent killed and started again meanwhile")
    return agent


def main():
    live.need_root_and("ab", "sh")
    signal.alarm(1500 if live.FULL else 290)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        servers = [Server(stage, *one).wait() for one in commands().items()]
        for server in servers:
            server.load("/index.html", AHEAD)
            judge(agent, server, "the agent ahead of it")
        expect(not unseen(agent), f"{unseen(agent)} died unseen")
        over_the_death_of_its_parent(stage, agent)
        of_workers_that_nobody_saw(stage, agent)
        without_forks(stage)
        for server in servers:
            agent = over_a_restart(stage, agent, server)
        for server in servers:
            expect(server.popen.poll() is None, f"{server.name} runs on")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
