#!/usr/bin/env python3
"""A server in each process model: every request that its clients had answered is counted once.

What no preload can see (stdio on a socket, io_uring, Go's own system calls) is not counted, and is
said so.
"""
import contextlib
import math
import resource
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from bare import build_go

REQUEST = b"GET /model HTTP/1.1\r\nHost: localhost\r\n\r\n"
ROUNDS = 20  # of requests, until the agent must have counted them
THREADS = 2000  # connections at once, each with a thread of its own
wrong = []

# model: connections at once, requests of each, and how often so, one behind the other
MODELS = {
    "prefork": (4, 80, 1), "restart": (4, 50, 1), "again": (1, 200, 1), "pass": (4, 80, 1),
    "inetd": (4, 40, 1), "share": (1, 5, 16), "activated": (1, 8, 10), "over": (1, 8, 10),
    "high": (1, 8, 10), "drop": (4, 80, 1), "filter": (1, 8, 10), "threads": (THREADS, 3, 1),
    "churn": (1, 400, 1), "events": (40, 10, 1), "peek": (1, 8, 10), "spawn": (1, 20, 1),
    "module": (1, 8, 10),
}
LEFT_OPEN = {"over": 1}  # of connections that are over: the last, over which none has come to lie
HIGH = 65536  # beyond which descriptors are high
HIGH_LIMIT = 100000  # of open descriptors, so that they can be
UNSEEN = {"stdio": "stdio", "ring": "io_uring", "ring-raw": "io_uring", "go": "system_calls"}
GO = """package main

// #include <stdlib.h>
import "C"
import ("bufio"; "fmt"; "net"; "os")

func serve(c net.Conn) {
	for in := bufio.NewReader(c); ; {
		for line := "x"; line != "\\r\\n"; {
			var err error
			if line, err = in.ReadString('\\n'); err != nil {
				return
			}
		}
		fmt.Fprint(c, "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
	}
}

func main() {
	C.free(nil) // a C library is there, as a preload needs it
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		if c, err := listener.Accept(); err == nil {
			go serve(c)
		}
	}
}
"""


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


class Server(live.Process):
    """One of ours; activated: its listener is opened by us, as systemd does it."""

    def __init__(self, stage, model, program=None):
        self.model, self.port = model, None
        log = stage.folder / f"{model}.log"
        command = [program or live.find_program("host_server"), model]
        environment = {**stage.environment, "RINGSIDE_SERVICE": model,
                       "LD_PRELOAD": str(live.find_program("libringside.so"))}
        if model == "module":
            command.append(live.find_program("librs_server_module.so"))
        if model == "activated":
            listener = socket.create_server(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
            command = ["bash", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "${@:2}" 3<&"$1"', "-",
                       listener.fileno(), *command]
            super().__init__(stage, command, log, environment, [listener.fileno()])
            listener.close()
        else:
            super().__init__(stage, command, log, environment)

    def wait(self):
        """Its port, which is the first line that it says."""
        def said():
            return self.said().split("\n")[0] if "\n" in self.said() else None
        self.port = self.port or int(live.wait_for(f"{self.model}'s port", said, 5))
        return self


def answered(connection):
    """Reads one reply; false: the connection ended."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return False
        head += piece
    head, body = head.split(b"\r\n\r\n", 1)
    left = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]) - len(body)
    while left:
        piece = connection.recv(min(left, 65536))
        if not piece:
            return False
        left -= len(piece)
    return head.startswith(b"HTTP/1.1 200")


def load(port, connections, each, times, counted_so_far):
    """So many connections at once, so many rounds, so many times; the requests that were answered.

    A process that ends before the agent saw it is a known gap: none ends here ahead of that.
    """
    done = rounds = 0
    for _ in range(times):
        pool = [socket.create_connection(("127.0.0.1", port), timeout=20)
                for _ in range(connections)]
        for _ in range(each):
            for connection in pool:
                connection.sendall(REQUEST)
            done += sum(answered(connection) for connection in pool)
            rounds += 1
            if rounds % ROUNDS == 0 or rounds == each * times:
                counted_so_far(done)
        for connection in pool:
            connection.close()
    return done


def rows(agent, service):
    """What the ledger has of a service; nothing while it does not know it."""
    with contextlib.suppress(RuntimeError):
        return agent.get(f"/api/capture?service={service}&limit=500")["processes"]
    return []


def counted(agent, model, wanted):
    with contextlib.suppress(TimeoutError):
        live.wait_for(f"{wanted} of {model}",
                      lambda: sum(p["seen"] for p in rows(agent, model)) >= wanted, 8, 0.1)


def judge(agent, model, wanted):
    found = rows(agent, model)
    seen = sum(p["seen"] for p in found)
    unparsed = {k: v for p in found for k, v in p["unparsed"].items() if v}
    lost = {k: v for p in found for k, v in p["lost"].items() if v and k != "laneFull"}
    expect(seen == wanted and not unparsed and not sum(p["inFlight"] for p in found),
           f"{model}: {wanted} answered, {seen} counted in {len(found)} processes; "
           f"unparsed {unparsed}, lost {lost}")


def judge_sequence(agent, model, times):
    """Of connections one behind the other each was opened, and has ended with its descriptor."""
    found = rows(agent, model)
    opened, closed = (sum(p["connections" + x] for p in found) for x in ("Opened", "Closed"))
    expect(opened == times and closed == times - LEFT_OPEN.get(model, 0),
           f"{model}: {times} connections, {opened} opened and {closed} closed")


def judge_share(agent):
    seen = [p["seen"] for p in rows(agent, "share")]
    expect(sum(x > 0 for x in seen) > 1, f"share: its processes served {seen}")


def judge_high(server, most):
    """Where its connections lay: each where the one before did, which close_range had closed."""
    fds = {int(x) for x in server.said().split()[1:]}
    expect(len(fds) == 1, f"high: its connections were descriptor {fds}")
    if most < HIGH_LIMIT:
        print(f"skipped: high: descriptors beyond {HIGH:,} need an RLIMIT_NOFILE of {HIGH_LIMIT:,}, "
              f"{most:,} may be open here")
    else:
        expect(min(fds) > HIGH, f"high: beyond {HIGH:,}")


def judge_unseen(agent, model, way, wanted):
    def told():
        return any(way in p["unseen"] for p in rows(agent, model))
    with contextlib.suppress(TimeoutError):
        live.wait_for(f"{way} of {model}", told, 8, 0.1)
    found = rows(agent, model)
    expect(any(way in p["unseen"] for p in found) and not sum(p["seen"] for p in found),
           f"{model}: {wanted} answered, not counted, and said: "
           f"{[(p['unseen'], p['unparsed']['unseenIo']) for p in found]}")


def allow_many_open():
    """How many descriptors a process may have: as many as we were given, or may take."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < HIGH_LIMIT:
        with contextlib.suppress(ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (HIGH_LIMIT, HIGH_LIMIT))
            return HIGH_LIMIT
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def main():
    live.need_root_and("bash", "true")
    most = allow_many_open()
    if most < THREADS + 200:
        MODELS["threads"] = (most // 2, 3, 1)
    signal.alarm(240)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        programs = {"go": build_go(stage, "go", GO, libc=True)}
        servers = [Server(stage, model, programs.get(model)).wait()
                   for model in (*MODELS, *UNSEEN) if programs.get(model, True)]
        done = {}
        for server in servers:
            model = server.model
            watch = partial(counted, agent, model) if model in MODELS else lambda done: None
            done[model] = load(server.port, *MODELS.get(model, (1, 20, 1)), watch)
        time.sleep(1)  # what was counted twice shows now
        for model, wanted in done.items():
            if model in UNSEEN:
                judge_unseen(agent, model, UNSEEN[model], wanted)
                continue
            expect(wanted == math.prod(MODELS[model]), f"{model}: {wanted} requests were answered")
            judge(agent, model, wanted)
            if MODELS[model][2] > 1:
                judge_sequence(agent, model, MODELS[model][2])
        judge_share(agent)
        judge_high(next(x for x in servers if x.model == "high"), most)
        for server in servers:
            expect(server.popen.poll() is None, f"{server.model} runs on")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
