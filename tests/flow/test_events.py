#!/usr/bin/env python3
"""Server-sent events: figures each second and a real alert by curl, coming back where one left off,
a thousand clients of whom so many are served, and one that does not read.
"""
import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import schema
import test_alerts

CLIENTS, MANY = 64, 1000  # as events.h has it; who all come at once


def check(fact, what):
    if not fact:
        raise test_alerts.Failed(what)


class Curl(live.Process):
    def __init__(self, stage, agent, name, *options):
        self.out = stage.folder / f"{name}.events"
        url = f"http://127.0.0.1:{agent.port}/api/events"
        super().__init__(stage, ["curl", "-sN", *options, url], self.out)

    def events(self, kind=None):
        """(id, kind, data) of each whole event, oldest first."""
        found = []
        for frame in self.said().split("\n\n")[:-1]:
            fields = dict(re.findall(r"^(\w+): (.*)$", frame, re.M))
            if "data" in fields and kind in (None, fields["event"]):
                found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
        return found


def described(agent, name, data):
    document = json.loads(live.fetch(agent.port, "/api/openapi.json")[2])
    return schema.findings(document, {"$ref": f"#/components/schemas/{name}"}, data, name)


def a_real_alert(stage):
    test_alerts.setup(stage, test_alerts.RULES)
    agent = stage.agent().wait("/readyz")
    server = test_alerts.Server(stage)
    curl = Curl(stage, agent, "first")

    def alerts(client=curl):
        return [e for e in client.events("alert") if e[2]["rule"] == "slow-handler"]
    server.ask_until("figures of the service", lambda: any(
        row["service"] == test_alerts.SERVICE and row["count"] and row["p95"]
        for _, _, data in curl.events("metrics") for row in data["services"]), 10)
    server.flag.touch()
    begun = time.monotonic()
    server.ask_until("the alert", alerts, test_alerts.INTERVAL + test_alerts.GRACE)
    print(f"      an alert is told {time.monotonic() - begun:.1f} s after the first slow request")
    number, _, fired = alerts()[0]
    check((fired["state"], fired["severity"], fired["level"]) == ("firing", "warning", 1), fired)
    check(not described(agent, "Alert", fired), described(agent, "Alert", fired))
    figures = curl.events("metrics")[-1][2]
    check(not described(agent, "LiveFigures", figures), described(agent, "LiveFigures", figures))
    check(figures["alerts"]["firing"] >= 0, figures)
    curl.stop()
    server.flag.unlink()  # it ends while nobody listens
    server.ask_until("the end", lambda: test_alerts.alerts(agent, "?state=resolved"), 15)
    again = Curl(stage, agent, "again", "-H", f"Last-Event-ID: {number}")
    live.wait_for("what was missed", lambda: [e for e in alerts(again)
                                              if e[2]["state"] == "resolved"], 5)
    check(number not in [e[0] for e in again.events()], "what it had seen is not told again")
    check(not again.events("lost"), again.events("lost"))
    stranger = Curl(stage, agent, "stranger", "-H", "Last-Event-ID: 1-1")
    live.wait_for("the loss", lambda: stranger.events("lost"), 5)
    check(stranger.events("lost")[0][2] == {"events": None}, stranger.events("lost"))
    numbers = [int(e[0].rsplit("-")[-1]) for e in curl.events()]
    check(numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers)
    server.stop()
    agent.stop()


def connect(agent, receive=None):
    client = socket.socket()
    if receive:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.settimeout(5)
    client.connect(("127.0.0.1", agent.port))
    client.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


def heads(clients):
    """The heads of those that were answered until now."""
    found = []
    for client in clients:
        client.settimeout(0)
        with contextlib.suppress(OSError):
            found.append(client.recv(4096, socket.MSG_PEEK).decode(errors="replace"))
    return found


def a_crowd(stage):
    agent = stage.agent().wait("/readyz")
    worker = max(live.proc_children(agent.pid))
    before = live.proc_pss_kib(worker)
    clients = []
    for _ in range(MANY):
        with contextlib.suppress(OSError):
            clients.append(connect(agent))

    def answered():
        said = heads(clients)
        return said if sum(" 200 " in s for s in said) >= CLIENTS else None
    said = live.wait_for("all seats are taken", answered, 20)
    time.sleep(3)
    said = heads(clients)
    served = [s for s in said if " 200 " in s]
    refused = [s for s in said if " 503 " in s]
    check(len(served) == CLIENTS, f"{len(served)} served")
    check(len(refused) >= 100 and all("Retry-After: 5" in s for s in refused), len(refused))
    took = live.proc_pss_kib(worker) - before
    print(f"      of {len(clients)} clients {len(served)} are served, {len(refused)} told to come "
          f"back, {len(clients) - len(said)} not heard; {took} KiB more memory")
    check(took < 16 * 1024, f"{took} KiB more")
    for client in clients:
        client.close()
    live.wait_for("others are served again", lambda: agent.get("/api/alerts") is not None, 10)

    def free():
        with connect(agent) as client:
            return b" 200 " in client.recv(64)
    live.wait_for("a seat is free again", free, 10, 0.5)
    agent.stop()


def one_that_does_not_read(stage):
    """It holds what a socket holds, is cut off after 20 s, and nobody else waits for it."""
    agent = stage.agent().wait("/readyz")
    curl = Curl(stage, agent, "reader")
    with connect(agent, receive=2048):
        cut = re.compile(r'ringside_web_connections_cut_total\{reason="unread"\} (\d+)')

        def counted():
            return cut.search(live.fetch(agent.port, "/metrics")[2].decode()).group(1) != "0"
        deaf = time.monotonic()
        live.wait_for("it is cut off", counted, 120, 1)
        print(f"      a client that reads nothing is cut off after {time.monotonic() - deaf:.0f} s")
    figures = len(curl.events("metrics"))
    check(figures >= 15 and not curl.events("lost"), f"{figures} figures of the one who reads")
    agent.stop()


def run(tests):
    failed = 0
    for test in tests:
        with live.Stage() as stage:
            try:
                test(stage)
                print(f"ok    {test.__name__}")
            except (test_alerts.Failed, TimeoutError) as why:
                print(f"WRONG {test.__name__}: {why}")
                failed += 1
    return failed


def main():
    live.need_root_and("curl")
    return live.side_by_side(run, ((a_real_alert, a_crowd), (one_that_does_not_read,)))


if __name__ == "__main__":
    sys.exit(main())
