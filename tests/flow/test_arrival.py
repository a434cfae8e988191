#!/usr/bin/env python3
"""How long a request lies there until its server has accepted it and reads, with the library and without."""
import http.client
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from bare import expect, facilities, ringside, states, wait_states, wrong

LATE_MS = 40
ROUNDS = 20
MEAN_MS = 1.5 * LATE_MS  # the first request of a connection waits to be accepted, and to be read
EARLY_MS = 2   # it hears of a connection ahead of the request
SLACK_MS = 15  # of a mean, on a machine that others use
SET = "arrival"

# Accepts late, and reads late.
SERVER = """
import select, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    select.select([listener], [], [])
    time.sleep(float(sys.argv[2]))
    connection = listener.accept()[0]
    while True:
        select.select([connection], [], [])
        if connection.recv(1, socket.MSG_PEEK) == b"":
            break
        time.sleep(float(sys.argv[2]) if connection.recv(5, socket.MSG_PEEK) == b"GET /" else 0)
        request = connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    connection.close()
"""


class Late(live.Process):
    def __init__(self, stage, name, shim):
        program = stage.folder / f"{name}.py"
        program.write_text(SERVER)
        self.port = live.free_port()
        environment = dict(stage.environment)
        if shim:
            environment |= {"LD_PRELOAD": str(live.find_program("libringside.so")),
                            "RINGSIDE_SERVICE": name}
        super().__init__(stage, [sys.executable, program, self.port, LATE_MS / 1e3],
                         stage.folder / f"{name}.log", environment)
        live.wait_for(name, lambda: live.fetch(self.port, "/up")[0] == 200, 10)

    def ask(self):
        """A connection each, of two requests."""
        for _ in range(ROUNDS):
            client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            for _ in range(2):
                client.request("GET", "/late")
                client.getresponse().read()
            client.close()
        return 2 * ROUNDS


def network(agent, pid):
    return agent.metrics(f"?pid={pid}")["network"]


def watched(agent, pid):
    live.wait_for(f"{pid} watched", lambda: live.fetch(
        agent.port, f"/api/performance/metrics?pid={pid}")[0] == 200, 20, 0.1)


def told(agent, pid, asked, what):
    reads = lambda: network(agent, pid)["reads"] or 0
    try:
        live.wait_for(what, lambda: reads() >= asked, 8, 0.1)
    except TimeoutError:
        pass
    time.sleep(2.5)  # the longest is told a little later
    said = network(agent, pid)
    print(f"      {what}: {said['reads']} reads, mean {said['readDelayMs']} ms, "
          f"longest {said['readDelayMaxMs']} ms")
    expect(said["reads"] == asked, f"{what}: {said['reads']} reads of {asked}")
    expect(MEAN_MS - EARLY_MS <= (said["readDelayMs"] or -1) <= MEAN_MS + SLACK_MS,
           f"{what}: {said['readDelayMs']} ms, {MEAN_MS} and a little wanted")
    expect(2 * LATE_MS - EARLY_MS <= (said["readDelayMaxMs"] or -1),
           f"{what}: {said['readDelayMaxMs']} ms the longest")


def preloaded(stage, agent):
    server = Late(stage, "late-shim", True)
    watched(agent, server.pid)
    server.ask()
    time.sleep(1.5)
    said = network(agent, server.pid)
    expect(said["reads"] is None and said["readDelayMs"] is None, "not asked for, it is not told")
    expect("ringside attach" in said["unknown"]["readDelayMs"], "and why")
    expect(states(agent, SET) == {"notNeeded"}, "nor is anything loaded for it")
    ringside(stage, "attach", server.pid)
    live.wait_for("its probes", lambda: states(agent, SET) <= {"loaded", "refused"}, 8, 0.1)
    if "refused" in states(agent, SET):
        live.skip(f"the kernel refuses: {facilities(agent, SET)}")
    time.sleep(1.2)
    expect(states(agent) == {"notNeeded"}, "the probes of who has no library are not needed")
    told(agent, server.pid, server.ask(), "with the library")
    ringside(stage, "detach", server.pid)
    wait_states(agent, {"notNeeded"}, "let go, its probes go", SET)
    server.stop()


def bare(stage, agent):
    server = Late(stage, "late-bare", False)
    ringside(stage, "attach", server.pid)
    watched(agent, server.pid)
    live.wait_for("its probes", lambda: states(agent) <= {"loaded", "refused"}, 8, 0.1)
    time.sleep(1.2)
    expect(states(agent, SET) == {"notNeeded"}, "what the library needs is not needed")
    told(agent, server.pid, server.ask(), "without the library")
    server.stop()


def run(part):
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        live.wait_for("facilities", lambda: facilities(agent, SET), 8, 0.1)
        part(stage, agent)
    return len(wrong)


def main():
    live.need_root_and()
    os.environ["PATH"] += ":/usr/sbin"
    sys.exit(live.side_by_side(run, (preloaded, bare)))


main()
