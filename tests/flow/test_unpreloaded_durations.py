#!/usr/bin/env python3
"""Durations of servers without the library are the client's view of the same requests, minus the transport.

The server sleeps for a time that its path names; the transport is what an answer that is made at
once takes, on the same connection and in turns with the others, beyond what its server took.
"""
import shutil
import socket
import ssl
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from bare import attach, build_go, dropped, expect, facilities, told, wrong
from test_unpreloaded_tls import attach_tls, certify

SLEEPS_MS = {"now": 0, "one": 1, "five": 5, "twenty": 20, "fifty": 50}
TIMES = {"now": 400, "one": 400, "five": 200, "twenty": 100, "fifty": 60}
SHARE = 0.05  # wanted: within it, or within what the transport takes (see compare)
BUCKET = 1.011  # what a percentile is told within
ROUNDS = 3
PAUSE_S = 0.001  # each request finds its server asleep, those too that are answered at once

GO = """
package main

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	for _, pair := range os.Args[2:] {
		name, ms, _ := strings.Cut(pair, "=")
		n, _ := strconv.Atoi(ms)
		http.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Duration(n) * time.Millisecond)
			io.WriteString(w, "ringside seat\\n")
		})
	}
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], nil); err != nil {
		panic(err)
	}
}
"""

NODE = """\
const [port, key, cert, ...pairs] = process.argv.slice(2);
const sleeps = new Map(pairs.map((pair) => pair.split("=")).map(([name, ms]) => ["/" + name, +ms]));
const read = require("fs").readFileSync;
const tls = key ? {key: read(key), cert: read(cert)} : null;
require(tls ? "https" : "http").createServer(tls || {}, (request, response) => {
  const answer = () => response.end("ringside seat\\n");
  const ms = sleeps.get(request.url);
  if (ms) setTimeout(answer, ms);
  else answer();
}).listen(+port, "127.0.0.1");
"""

NGINX = """\
{user}
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
	access_log off;
	keepalive_requests 100000;
	upstream inner {{ server 127.0.0.1:{inner}; keepalive 4; keepalive_requests 100000; }}
	server {{
		listen 127.0.0.1:{port};
		location / {{
			proxy_pass http://inner;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}}
	}}
}}
"""


class Client:
    """One connection, requests one after the other."""
    def __init__(self, port, tls):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            trusting = ssl.create_default_context()
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            self.socket = trusting.wrap_socket(self.socket)

    def ask(self, name):
        """ms until the whole answer is there; they come in one piece."""
        request = f"GET /{name} HTTP/1.1\r\nHost: seat\r\n\r\n".encode()
        begun = time.perf_counter_ns()
        self.socket.sendall(request)
        answer = self.socket.recv(4096)
        took = time.perf_counter_ns() - begun
        if not answer.startswith(b"HTTP/1.1 200") or not answer.rstrip().endswith(b"seat"):
            raise RuntimeError(f"/{name} answered {answer!r}")
        return took / 1e6

    def ask_all(self, times):
        """In turns, so that all have the machine alike."""
        took = {name: [] for name in times}
        most = max(times.values())
        for turn in range(most):
            for name, count in times.items():
                if turn * count // most != (turn + 1) * count // most:
                    time.sleep(PAUSE_S)
                    took[name].append(self.ask(name))
        return took


def percentile(values, share):
    """By nearest rank, as the agent tells it."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]


def route_times(agent, service, name):
    return agent.metrics(f"?service={service}&route=/{name}")["responseTimes"]


def compare(agent, pid, took, who):
    """What is to be, and whether it is so."""
    service = agent.metrics(f"?pid={pid}")["processes"][0]["service"]
    times = {name: route_times(agent, service, name) for name in took}
    now = times["now"]["p50"]
    transport = percentile(took["now"], 50) - now
    # The agent's share of a slow request is not known: it may be the transport that was slow. And who
    # waited longer wakes later: the transport of these is known no better than by its size.
    spread = {50: 0, 90: percentile(took["now"], 90) - percentile(took["now"], 50)}
    print(f"      {who}: transport {transport * 1e3:.1f} us, and {now * 1e3:.1f} us of the server's")
    yield 0 < now < percentile(took["now"], 50), f"{who}: an answer made at once took {now} ms"
    for name, mine in took.items():
        if name == "now":
            continue
        yield (times[name]["count"] == len(mine),
               f"{who} /{name}: {times[name]['count']} of {len(mine)} counted")
        for share in (50, 90):
            seen = percentile(mine, share)
            wanted, got = seen - transport, times[name][f"p{share}"]
            most = max(SHARE * wanted, transport) + spread[share]
            yield (abs(got - wanted) <= most and got <= seen * BUCKET,
                   f"{who} /{name} p{share}: {got:.3f} ms, {wanted:.3f} +- {most:.3f} wanted, "
                   f"{seen:.3f} for the client")


def measure(agent, port, pids, times, tls=False):
    """The same requests are those of one of these processes, or of each. What the transport takes
    is a guess from other requests: where something is not as it is to be, there are more of all.
    """
    client = Client(port, tls)
    took = {name: [] for name in times}
    for left in reversed(range(ROUNDS)):
        for name, mine in client.ask_all(times).items():
            took[name] += mine
        sent = sum(map(len, took.values()))
        found = []
        for pid, who in pids.items():
            count, _, _ = told(agent, [pid], sent, who)
            found += [(count == sent, f"{who}: {count} of {sent}"), *compare(agent, pid, took, who)]
        if all(good for good, _ in found):
            break
        if left:
            print(f"      once more: {[text for good, text in found if not good]}")
    for good, text in found:
        expect(good, text)
    expect(dropped(agent) == 0, "no event was dropped")


def pairs():
    return [f"{name}={ms}" for name, ms in SLEEPS_MS.items()]


def started(stage, name, command, port):
    server = live.Process(stage, command, stage.folder / f"{name}.log")
    live.wait_for(name, lambda: live.fetch(port, "/none")[0] in (200, 404), 10)
    return server


def nginx_before(stage, inner):
    """In front of another."""
    folder, port = stage.folder / "front", live.free_port()
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(user="user www-data;", folder=folder, port=port, inner=inner))
    server = started(stage, "front", [shutil.which("nginx") or "/usr/sbin/nginx", "-c", config], port)
    return server, port, live.proc_children(server.pid)[1]


def go_part(stage, agent):
    program = build_go(stage, "sleeper", GO)
    if not program:
        return
    port = live.free_port()
    server = started(stage, "sleeper", [program, port, *pairs()], port)
    attach(stage, agent, [server.pid])
    measure(agent, port, {server.pid: "Go"}, TIMES)
    front, front_port, worker = nginx_before(stage, port)
    attach(stage, agent, [worker])
    measure(agent, front_port, {worker: "nginx before Go"}, TIMES)
    front.stop()
    server.stop()


def node_part(stage, agent):
    if not shutil.which("node"):
        print("skipped: no node here")
        return
    program, port = stage.folder / "sleeper.js", live.free_port()
    program.write_text(NODE)
    server = started(stage, "node", ["node", program, port, "", "", *pairs()], port)
    attach(stage, agent, [server.pid])
    measure(agent, port, {server.pid: "node"}, TIMES)
    server.stop()
    sealed, port = stage.folder / "sealed.js", live.free_port()  # a service of its own
    sealed.write_text(NODE)
    server = live.Process(stage, ["node", sealed, port, *certify(stage.folder), *pairs()],
                          stage.folder / "node-tls.log")
    live.wait_for("node with TLS", lambda: Client(port, tls=True).ask("now"), 10)
    attach_tls(stage, agent, [server.pid])
    measure(agent, port, {server.pid: "node https"}, TIMES, tls=True)
    server.stop()


def uring_part(stage, agent):
    port = live.free_port()
    server = live.Process(stage, [live.find_program("uring"), port, *pairs()], stage.folder / "uring.log")
    try:
        live.wait_for("the io_uring server", lambda: live.fetch(port, "/up")[0] == 200, 8)
    except (TimeoutError, OSError):
        print("skipped: no io_uring here")
        return
    attach(stage, agent, [server.pid])
    measure(agent, port, {server.pid: "io_uring"}, TIMES)
    server.stop()


def main():
    live.need_root_and("nginx")
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        live.wait_for("facilities", lambda: facilities(agent), 8, 0.1)
        go_part(stage, agent)
        node_part(stage, agent)
        uring_part(stage, agent)
    if wrong:
        sys.exit(1)


main()
