#!/usr/bin/env python3
"""TLS of servers without the library, attached: each request counted once, as client and log have it."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import test_http2
from bare import (attach, dropped, expect, facilities, ringside, start_agent, states, told,
                  wait_states, wrong)

TOTAL = 100000 if live.FULL else 10000
SET = "tls"
RATES = (1000, 2500, 5000)  # requests a second
STEADY_S = 5 if live.FULL else 2
CLIENTS = 10
LET_GO_S = 0.5
REACHED = 0.9  # of a rate; where a machine does less, more is not tried

CONFIG = """\
{user}
worker_processes 2;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
	sendfile on;
	log_format line '$status $request_method $uri';
	access_log {folder}/access.log line;
	keepalive_requests 1000000;
	ssl_certificate {certificate};
	ssl_certificate_key {key};
	server {{
		listen 127.0.0.1:{port} ssl http2;
		listen 127.0.0.1:{plain};
		root {folder};
		location /made {{ return 200 "made\\n"; }}
		location /moved {{ return 301 /made; }}
		location /up {{ access_log off; return 200 "up\\n"; }}
		location /inner {{ proxy_pass https://127.0.0.1:{port}/made; }}
	}}
}}
"""

NODE = """\
const [port, key, certificate] = process.argv.slice(2);
const fs = require("fs");
const options = { key: fs.readFileSync(key), cert: fs.readFileSync(certificate) };
require("https").createServer(options, (request, response) => {
  if (request.url === "/long") {
    response.write("x".repeat(20000));
    setImmediate(() => response.end("y".repeat(20000)));
    return;
  }
  request.on("data", () => {});
  request.on("end", () => {
    response.statusCode = request.url === "/no" ? 404 : 200;
    response.end("ringside seat\\n");
  });
}).listen(+port, "127.0.0.1");
"""


def certify(folder):
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True,
                   timeout=30)
    for path in (key, certificate):
        path.chmod(0o644)
    return key, certificate


def answers(port, path="/up"):
    """By curl, which asks for HTTP/2 where it is to be had."""
    out = subprocess.run(["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}",
                          f"https://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                         timeout=10, check=False)
    return out.stdout


class Nginx(live.Process):
    def __init__(self, stage, name, key, certificate):
        self.folder = stage.folder / name
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.port, self.plain = live.free_port(), live.free_port()
        (self.folder / "index.html").write_bytes(b"x" * live.PAGE)
        (self.folder / "big.bin").write_bytes(b"ringside seat\n" * 20000)
        config = self.folder / "nginx.conf"
        config.write_text(CONFIG.format(user="user www-data;" if os.geteuid() == 0 else "",
                                        folder=self.folder, port=self.port, plain=self.plain,
                                        key=key, certificate=certificate))
        super().__init__(stage, [shutil.which("nginx") or "/usr/sbin/nginx", "-c", config],
                         self.folder / "nginx.out", stage.environment)
        live.wait_for("nginx", lambda: answers(self.port) == "200", 10)

    def workers(self):
        return live.proc_children(self.pid)[1:]

    def lines(self):
        return (self.folder / "access.log").read_text().splitlines()


def attach_tls(stage, agent, pids):
    attach(stage, agent, pids)
    live.wait_for("the probes of TLS", lambda: states(agent, SET) != {"notNeeded"}, 8, 0.1)
    if "refused" in states(agent, SET):
        live.skip(f"the kernel refuses: {facilities(agent, SET)}")
    time.sleep(1.5)  # each process is looked at within a second


def unparsed(rows):
    return sum(row["capture"]["unparsed"] for row in rows)


def counted(agent, pids, before, sent, what):
    count, classes, rows = told(agent, pids, before + sent, what)
    print(f"      {what}: {sent} sent, {count - before} counted {classes}, unparsed "
          f"{unparsed(rows)}, dropped {dropped(agent)}")
    expect(count - before == sent, f"{what}: {count - before} of {sent}")
    expect(dropped(agent) == 0, f"{what}: no event was dropped")
    expect(unparsed(rows) == 0, f"{what}: {unparsed(rows)} unparsed")
    return count, classes, rows


def steady(agent, pids, count, url, what):
    """HTTP/1.1 at a steady rate, exact whether the machine reaches it or not."""
    if not shutil.which("h2load"):
        print("skipped: no h2load here")
        return count
    for rate in RATES:
        sent = rate * STEADY_S
        out = subprocess.run(["h2load", "--h1", "-n", str(sent), "-c", str(CLIENTS),
                              f"--rps={rate // CLIENTS}", url], capture_output=True, text=True,
                             timeout=60, check=False).stdout
        expect(f"{sent} succeeded" in out, f"h2load: {out[-300:]}")
        reached = re.search(r"finished in .*?, ([\d.]+) req/s", out)
        reached = float(reached[1]) if reached else 0
        count, _, _ = counted(agent, pids, count, sent, f"{what} at {rate}/s, {reached:.0f} reached")
        if reached < REACHED * rate:
            print("      this machine does no more")
            break
    return count


def nginx_part(stage, agent, key, certificate):
    nginx = Nginx(stage, "bare-tls", key, certificate)
    pids = nginx.workers()
    attach_tls(stage, agent, pids)
    base = f"https://127.0.0.1:{nginx.port}"
    for path, options in (("/index.html", ("-k",)), ("/big.bin", ("-k",)), ("/made", ("-k",)),
                          ("/no", ("-k",))):
        done = live.ab(base + path, TOTAL // 4, *options)
        expect(done["failed"] == 0, f"nginx {path}: {done}")
    live.ab(base + "/made", TOTAL // 20)  # a handshake each
    lines = test_http2.lines_at_rest([nginx])
    count, classes, rows = counted(agent, pids, 0, len(lines), "nginx with TLS")
    logged = live.collections.Counter(line[0] + "xx" for line in lines)
    expect(classes == dict(logged), f"nginx with TLS: {classes}, logged {dict(logged)}")
    medians = [row["responseTimes"]["p50"] for row in rows if row["responseTimes"]["count"]]
    expect(all(0 < x < 100 for x in medians), f"medians: {medians} ms")
    return nginx, steady(agent, pids, count, base + "/index.html", "nginx with TLS")


def nginx_http2(agent, nginx, count):
    if not shutil.which("h2load"):
        print("skipped: no h2load here")
        return count
    pids = nginx.workers()
    before = len(nginx.lines())
    out = subprocess.run(["h2load", "-n", str(TOTAL), "-c", "10", "-m", "20",
                          f"https://127.0.0.1:{nginx.port}/index.html",
                          f"https://127.0.0.1:{nginx.port}/made"], capture_output=True, text=True,
                         timeout=120, check=False)
    expect(f"{TOTAL} succeeded" in out.stdout, f"h2load: {out.stdout[-300:]}")
    sent = len(test_http2.lines_at_rest([nginx])) - before
    count, _, _ = counted(agent, pids, count, sent, "HTTP/2 with TLS")
    return count


def nginx_inner(agent, nginx, count):
    """It is a client of itself, too: what it asks for is no request that it serves."""
    pids = nginx.workers()
    before = len(nginx.lines())
    live.ab(f"http://127.0.0.1:{nginx.plain}/inner", 300, "-k")
    live.ab(f"https://127.0.0.1:{nginx.port}/inner", 300, "-k")
    sent = len(test_http2.lines_at_rest([nginx])) - before
    expect(sent == 1200, f"each is logged twice: {sent}")
    return counted(agent, pids, count, sent, "a client of itself")[0]


def overload(agent, nginx, count):
    """The worker stands still: what was dropped is counted all the same."""
    pids = nginx.workers()
    worker = agent.family()[-1]
    url = f"https://127.0.0.1:{nginx.port}/index.html"
    os.kill(worker, signal.SIGSTOP)
    try:
        done = live.ab(url, 3 * TOTAL, "-k")
    finally:
        os.kill(worker, signal.SIGCONT)
    live.ab(url, 100, "-k")
    sent = done["complete"] + 100
    total, _, rows = told(agent, pids, count + sent, "what was dropped")
    said = unparsed(rows)
    print(f"      overload: {sent} sent, {total - count} counted, {said} unparsed, "
          f"{sum(row['capture']['detailDropped'] for row in rows)} without detail, "
          f"events dropped {dropped(agent)}")
    expect(dropped(agent) > 0, "events were dropped")
    expect(total - count + said == sent, "seen and dropped are what was sent")


def node_part(stage, agent, key, certificate):
    if not shutil.which("node"):
        print("skipped: no node here")
        return
    program = stage.folder / "seat.js"
    program.write_text(NODE)
    port = live.free_port()
    server = live.Process(stage, ["node", program, port, key, certificate],
                          stage.folder / "node.log")
    live.wait_for("node", lambda: answers(port) == "200", 10)
    attach_tls(stage, agent, [server.pid])
    body = stage.folder / "body"
    body.write_bytes(b"x" * 40000)
    sent = 0
    for path, options in (("/a", ("-k",)), ("/no", ("-k",)), ("/long", ("-k",)),
                          ("/post", ("-k", "-p", str(body))), ("/b", ())):
        done = live.ab(f"https://127.0.0.1:{port}{path}",
                       TOTAL // (5 if "-k" in options else 50), *options)
        expect(done["failed"] == 0, f"node {path}: {done}")
        sent += done["complete"]
    count, _, rows = counted(agent, [server.pid], 0, sent, "node")
    steady(agent, [server.pid], count, f"https://127.0.0.1:{port}/steady", "node")
    routes = {row["route"] for row in agent.get("/api/routes")["routes"]}
    expect({"/a", "/no", "/long", "/post", "/b"} <= routes, f"routes: {sorted(routes)[:12]}")
    for row in rows[0]["processes"]:
        expect(row["layers"] == ["ebpf"], f"layers: {row['layers']}")
    server.stop()


def detach(stage, agent, nginx):
    """Its probes go at once, and it serves on."""
    def links():
        return [kind for kind in live.kernel_links(agent.pid).values() if kind == "uprobe_multi"]
    many, began = len(links()), time.monotonic()
    ringside(stage, "detach", *nginx.workers())
    live.wait_for("their end", lambda: not links(), 10, 0.002)
    took = time.monotonic() - began
    expect(many and took <= LET_GO_S, f"{many} links in its code are gone within {took:.3f} s")
    wait_states(agent, {"notNeeded"}, "without a target nothing is loaded", SET)
    expect(answers(nginx.port) == "200", "and it serves on")


def killed(stage, agent, nginx):
    """An agent that is killed takes its probes along, and nobody notices."""
    attach_tls(stage, agent, nginx.workers())
    links = live.kernel_links(agent.pid)
    expect("uprobe_multi" in links.values(), f"{len(links)} links while it is watched")
    agent.popen.kill()
    agent.popen.wait()
    done = live.ab(f"https://127.0.0.1:{nginx.port}/made", 500, "-k")
    expect(done["complete"] == 500 and done["failed"] == 0, f"without its agent: {done}")
    try:
        live.wait_for("their end", lambda: not any(map(live.kernel_has_link, links)), 10, 0.1)
        expect(True, "and what was attached is gone")
    except TimeoutError:
        expect(False, f"still attached: {[x for x in links if live.kernel_has_link(x)]}")


def main():
    live.need_root_and("nginx", "ab", "openssl", "curl")
    signal.alarm(840 if live.FULL else 295)
    with live.Stage() as stage:
        key, certificate = certify(stage.folder)
        agent = start_agent(stage)
        expect(states(agent, SET) == {"notNeeded"}, "without a target nothing is loaded")
        node_part(stage, agent, key, certificate)
        nginx, count = nginx_part(stage, agent, key, certificate)
        count = nginx_http2(agent, nginx, count)
        count = nginx_inner(agent, nginx, count)
        overload(agent, nginx, count)
        detach(stage, agent, nginx)
        killed(stage, agent, nginx)
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
