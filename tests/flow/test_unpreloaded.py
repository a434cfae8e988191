#!/usr/bin/env python3
"""Servers without the library, attached: each request counted once, as client and log have it."""
import concurrent.futures
import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import test_counts
from bare import (GO_SEAT, SYSCALLS, attach, build_go, dropped, expect, facilities, ringside, start_agent,
                  states, told, wait_states, wrong)

TOTAL = 20000
LET_GO_S = 2 if SYSCALLS else 0.5
TIMES = 5 if live.FULL else 3
LINKS = {"sys_exit", "inet_sock_set_state"} if SYSCALLS else {
    "tcp_probe", "sock_recv_length", "tcp_sendmsg_locked", "sock_send_length", "inet_sock_set_state"}

NODE = """
require("http").createServer((request, response) => {
  let bytes = 0;
  request.on("data", (piece) => { bytes += piece.length; });
  request.on("end", () => {
    if (request.url === "/no") response.statusCode = 404;
    if (request.url !== "/long") return response.end(bytes + " bytes, ringside seat\\n");
    response.write("x".repeat(20000));
    setImmediate(() => response.end("y".repeat(20000)));
  });
}).listen(+process.argv[2], "127.0.0.1");
"""


def nginx_part(stage, agent, sendfile):
    nginx = stage.nginx(f"bare-{sendfile}", sendfile=sendfile, shim=False)
    pids = nginx.workers()
    attach(stage, agent, pids)
    failed = test_counts.load(nginx, TOTAL, stage.folder)
    expect(failed == 0, f"{failed} requests of the client failed")
    time.sleep(0.5)  # nginx writes its log behind the reply
    logged = dict(nginx.classes())
    count, classes, rows = told(agent, pids, sum(logged.values()), "nginx")
    unparsed = sum(row["capture"]["unparsed"] for row in rows)
    lost = dropped(agent)
    print(f"      sendfile {sendfile}: logged {logged}, told {classes}; unparsed {unparsed}, "
          f"events dropped {lost}")
    expect(lost == 0, "no event was dropped")
    expect(count == sum(logged.values()) and classes == logged,
           f"counted {count} of {sum(logged.values())}")
    expect(unparsed == 0, f"{unparsed} unparsed")
    medians = [row["responseTimes"]["p50"] for row in rows if row["responseTimes"]["count"]]
    expect(all(0 < x < 100 for x in medians), f"medians: {medians} ms")
    return nginx


def unseen(agent, pid):
    return next(row["unseen"] for row in agent.get("/api/capture")["processes"]
                if row["pid"] == pid)


def uring_is_told(agent, server):
    """By system calls nothing of it is seen, which is said; a look at memory tells it."""
    try:
        live.wait_for("io_uring", lambda: unseen(agent, server.pid) == ["io_uring"], 15, 0.2)
        expect(True, "that io_uring is not seen is said")
    except TimeoutError:
        expect(False, f"io_uring: unseen is {unseen(agent, server.pid)}")
    count, _, _ = told(agent, [server.pid], 0, "io_uring")
    expect(count == 0, f"io_uring: {count} counted")
    server.stop()


def uring_part(stage, agent):
    port = live.free_port()
    server = live.Process(stage, [live.find_program("uring"), port], stage.folder / "uring.log")
    try:
        live.wait_for("the io_uring server", lambda: live.fetch(port, "/up")[0] == 200, 8)
    except TimeoutError:
        if server.popen.poll() != 77:
            raise
        print("skipped: no io_uring here")
        return
    attach(stage, agent, [server.pid])
    done = live.ab(f"http://127.0.0.1:{port}/ring", TOTAL // 10, "-k", connections=1)
    if SYSCALLS:
        uring_is_told(agent, server)
        return
    expect(unseen(agent, server.pid) == [], f"unseen: {unseen(agent, server.pid)}")
    count, classes, rows = told(agent, [server.pid], done["complete"], "io_uring")
    expect(count == done["complete"], f"io_uring: {count} of {done['complete']}: {classes}, "
           f"unparsed {rows[0]['capture']['unparsed']}")
    server.stop()


def overload(agent, nginx):
    """The worker stands still, the kernel's ring fills: what was dropped is counted all the same."""
    pids = nginx.workers()
    worker = agent.family()[-1]
    rows = [agent.metrics(f"?pid={p}&window=1h") for p in pids]
    before = sum(row["responseTimes"]["count"] for row in rows)
    said = sum(row["capture"]["unparsed"] for row in rows)
    url = f"http://127.0.0.1:{nginx.port}/index.html"
    os.kill(worker, signal.SIGSTOP)
    try:
        done = live.ab(url, 2 * TOTAL, "-k")
    finally:
        os.kill(worker, signal.SIGCONT)
    live.ab(url, 100, "-k")
    sent = done["complete"] + 100
    count, _, rows = told(agent, pids, before + sent, "what was dropped")
    said = sum(row["capture"]["unparsed"] for row in rows) - said
    print(f"      overload: {sent} sent, {count - before} counted, {said} unparsed, "
          f"{sum(row['capture']['detailDropped'] for row in rows)} without detail, "
          f"events dropped {dropped(agent)}")
    expect(dropped(agent) > 0, "events were dropped")
    expect(count - before + said == sent, "seen and dropped are what was sent")


def layers(agent, pids):
    for row in agent.metrics()["processes"]:
        if row["pid"] in pids:
            expect(row["layers"] == ["ebpf"], f"layers of {row['service']}: {row['layers']}")


def both_layers(stage, agent):
    """With the library too: its own record is the one that counts."""
    nginx = stage.nginx("both")
    pids = nginx.workers()
    for pid in pids:
        ringside(stage, "attach", pid)
        live.wait_for("it", lambda p=pid: live.fetch(
            agent.port, f"/api/performance/metrics?pid={p}")[0] == 200, 20, 0.1)
    time.sleep(1.5)
    live.ab(f"http://127.0.0.1:{nginx.port}/index.html", 2000, "-k")
    count, _, _ = told(agent, pids, 2001, "nginx with both")
    expect(count == 2001, f"with both layers {count} of 2001")
    nginx.stop()


def go_part(stage, agent):
    program = build_go(stage, "seat", GO_SEAT)
    if not program:
        return
    port = live.free_port()
    server = live.Process(stage, [program, port], stage.folder / "seat.log")
    base = f"http://127.0.0.1:{port}"
    live.wait_for("the Go server", lambda: live.fetch(port, "/go/up")[0] == 200, 8)
    attach(stage, agent, [server.pid])
    body = stage.folder / "body"
    body.write_bytes(b"x" * 5000)
    wanted = 0
    for path, options in (("/go/a", ("-k",)), ("/go/b", ()), ("/empty", ("-k",)),
                          ("/long", ("-k",)), ("/go/p", ("-k", "-p", str(body))), ("/no", ("-k",))):
        done = live.ab(base + path, TOTAL // 10, *options)
        expect(done["failed"] == 0, f"Go {path}: {done}")
        wanted += done["complete"]
    count, classes, rows = told(agent, [server.pid], wanted, "Go")
    expect(count == wanted, f"Go, static: {count} of {wanted}: {classes}, "
           f"unparsed {rows[0]['capture']['unparsed']}, dropped {dropped(agent)}")
    layers(agent, [server.pid])
    server.stop()


def node_part(stage, agent):
    if not shutil.which("node"):
        print("skipped: no node here")
        return
    program = stage.folder / "seat.js"
    program.write_text(NODE)
    port = live.free_port()
    server = live.Process(stage, ["node", program, port], stage.folder / "node.log")
    live.wait_for("node", lambda: live.fetch(port, "/up")[0] == 200, 10)
    attach(stage, agent, [server.pid])
    body = stage.folder / "node-body"
    body.write_bytes(b"x" * 40000)
    wanted = live.collections.Counter()
    for path, options in (("/a", ("-k",)), ("/b", ()), ("/a", ("-k", "-i")), ("/long", ("-k",)),
                          ("/no", ("-k",)), ("/a", ("-k", "-p", str(body)))):
        done = live.ab(f"http://127.0.0.1:{port}{path}", TOTAL // 20, *options)
        expect(done["failed"] == 0, f"node {path}: {done}")
        wanted["4xx" if path == "/no" else "2xx"] += done["complete"]
    test_counts.converse(port, b"GET /p HTTP/1.1\r\nHost: localhost\r\n\r\n", TOTAL // 20,
                         test_counts.PIPELINE_DEPTH)
    wanted["2xx"] += TOTAL // 20
    count, classes, rows = told(agent, [server.pid], wanted.total(), "node")
    expect(classes == dict(wanted), f"node: {classes} of {dict(wanted)}, unparsed "
           f"{rows[0]['capture']['unparsed']}, dropped {dropped(agent)}")
    expect(rows[0]["capture"]["unparsed"] == 0 and count == wanted.total(), "none is unparsed")
    server.stop()


def watched_links(stage, agent, nginx, others):
    """What the broker has in the kernel for this server's sake; the seconds until it was there."""
    began = time.monotonic()
    ringside(stage, "attach", *nginx.workers())
    live.wait_for("the probes", lambda: LINKS <= set(live.kernel_links(agent.pid).values()), 15,
                  0.005)
    took = time.monotonic() - began
    attach(stage, agent, nginx.workers())
    return {x: kind for x, kind in live.kernel_links(agent.pid).items() if x not in others}, took


def remaining(links, lingering):
    """Kinds, of those that do not linger."""
    counter = live.collections.Counter
    return counter(kind for x, kind in links.items() if live.kernel_has_link(x)) - counter(lingering)


def wait_gone(links, seconds, lingering=()):
    live.wait_for("their end", lambda: not remaining(links, lingering), seconds, 0.005)


@contextlib.contextmanager
def loaded(nginx):
    """Requests are on their way, and none fails."""
    url = f"http://127.0.0.1:{nginx.port}/index.html"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        client = pool.submit(live.ab, url, TOTAL, "-k")
        time.sleep(0.1)
        yield
        done = client.result()
    expect(done["complete"] == TOTAL and not done["failed"] + done["non_2xx"], f"the client: {done}")


def let_go(stage, agent):
    """At once, the programs too."""
    nginx = stage.nginx("let-go", shim=False)
    others = live.kernel_links(agent.pid)
    lingering = [*facilities(agent, "inputs")]  # for some seconds, and they look at no request
    coming, going = [], []
    for _ in range(TIMES):
        links, took = watched_links(stage, agent, nginx, others)
        coming.append(took)
        with loaded(nginx):
            began = time.monotonic()
            ringside(stage, "detach", *nginx.workers())
            wait_gone(links, 10, lingering)
            going.append(time.monotonic() - began)
    went = statistics.median(going)
    print(f"      attached within {statistics.median(coming):.3f} s, mostly")
    expect(went <= LET_GO_S, f"detached within {went:.3f} s: {', '.join(f'{x:.3f}' for x in going)}")
    return nginx, others


def killed(stage, agent, nginx, others):
    """Nothing stays attached, and who was watched never notices."""
    links, _ = watched_links(stage, agent, nginx, others)
    expect(LINKS <= set(links.values()), f"{len(links)} links while it is watched")
    try:
        with loaded(nginx):
            agent.popen.kill()
            agent.popen.wait()
            wait_gone(links | others, 10)
        expect(True, "when the broker is killed what was attached is gone")
    except TimeoutError:
        expect(False, f"still attached: {remaining(links | others, ())}")


def main():
    live.need_root_and("nginx", "ab")
    with live.Stage() as stage:
        agent = start_agent(stage)
        expect(states(agent) == {"notNeeded"}, "without a target nothing is loaded")
        both_layers(stage, agent)
        expect(states(agent) == {"notNeeded"}, "nor for one that has the library")
        servers = [nginx_part(stage, agent, x) for x in ("on", "off")]
        layers(agent, servers[0].workers())
        other = "http" if SYSCALLS else "calls"
        expect(states(agent, other) == {"notNeeded"}, f"{other}: {states(agent, other)}")
        node_part(stage, agent)
        go_part(stage, agent)
        uring_part(stage, agent)
        overload(agent, servers[0])
        routes = {row["route"] for row in agent.get("/api/routes")["routes"]}
        expect("/index.html" in routes, f"routes: {sorted(routes)[:12]}")
        for server in servers:
            server.stop()
        wait_states(agent, {"notNeeded"}, "with the last of them the probes go")
        killed(stage, agent, *let_go(stage, agent))
    if wrong:
        sys.exit(1)


main()
