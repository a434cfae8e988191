#!/usr/bin/env python3
"""Distinct paths over forty real routes end as forty templates, exactly counted, in bounded memory.

A real nginx answers 200 to whatever it is asked for, 40,000 paths that are never the same (a
million with --full). A fifth of the routes have numbers in them, a fifth UUIDs, a fifth long
hexadecimal words, a fifth dates, which are known at once; the last fifth have words, which are
learned: what came before that is in _other, and told to be.
"""
import collections
import itertools
import json
import shutil
import signal
import socket
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

REAL = 40
TOTAL = 1000000 if live.FULL else 40000
CONNECTIONS = 32   # pipelined requests would share one place for a path that has no shape
WIDTH = 64         # words of a place before it is variable: template.h
RPC = [f"/shop.v1.Cart/Call{i}" for i in range(3)]
AGENT_KIB = 48 * 1024 # that the agent may grow by: its series, and the templates
SHIM_KIB = 4 * 1024   # of shared memory in the server

CONFIG = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
	access_log off;
	keepalive_requests 100000000;
	large_client_header_buffers 4 16k;
	server {{
		listen 127.0.0.1:{port};
		location / {{ return 200 "ok"; }}
		location /hole/ {{ return 404; }}
	}}
}}
"""


def path_of(n):
    """(path, the template that it belongs to)"""
    route, serial = n % REAL, n // REAL
    kind = route % 5
    if kind == 0:
        return f"/r{route}/{serial}", f"/r{route}/{{id}}"
    if kind == 1:
        value = uuid.UUID(int=n << 64 | 0xabcdef << 20 | n)
        return f"/r{route}/{value}/parts", f"/r{route}/{{uuid}}/parts"
    if kind == 2:
        return f"/r{route}/{serial:08x}fe", f"/r{route}/{{hex}}"
    if kind == 3:
        day = serial % 28 + 1
        return f"/r{route}/{1000 + serial // 28:04d}-01-{day:02d}", f"/r{route}/{{date}}"
    return f"/r{route}/some-word-{serial}", f"/r{route}/{{name}}"


class Site(live.Process):
    def __init__(self, stage):
        self.port = live.free_port()
        config = stage.folder / "site.conf"
        config.write_text(CONFIG.format(folder=stage.folder, port=self.port))
        environment = {**stage.environment, "RINGSIDE_SERVICE": "site",
                       "LD_PRELOAD": str(live.find_program("libringside.so"))}
        super().__init__(stage, [shutil.which("nginx") or "/usr/sbin/nginx", "-c", config],
                         stage.folder / "site.out", environment)
        live.wait_for("nginx", lambda: live.fetch(self.port, "/r0/0")[0] == 200, 10)

    def shared_kib(self):
        status = Path(f"/proc/{self.family()[-1]}/status").read_text()
        return int(status.split("RssShmem:")[1].split()[0])


def ask(port, paths):
    """One request for each path, over connections that each wait for their answer."""
    paths = iter(paths)
    connections = [socket.create_connection(("127.0.0.1", port), timeout=20)
                   for _ in range(CONNECTIONS)]
    while batch := list(itertools.islice(paths, CONNECTIONS)):
        for connection, path in zip(connections, batch):
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: s\r\n\r\n" % path.encode())
        for connection, path in zip(connections, batch):
            got = connection.recv(4096)
            while not got.endswith((b"\r\n\r\nok", b"</html>\r\n")):
                part = connection.recv(4096)
                if not part:
                    raise RuntimeError(f"{path}: {got!r}")
                got += part
    for connection in connections:
        connection.close()


def resident_kib(agent):
    worker = agent.family()[-1]
    return int(Path(f"/proc/{worker}/status").read_text().split("VmRSS:")[1].split()[0])


def rows_of(agent):
    """By route; what was folded does not know its method, and has a row of its own."""
    rows = {}
    for row in agent.get("/api/routes?service=site&window=1h&limit=1000")["routes"]:
        if row["route"] in rows:
            row["count"] += rows[row["route"]]["count"]
        rows[row["route"]] = row
    return rows


def check_templates(rows, wanted, folded):
    """What is wrong with the rows, in sentences. What was folded may be without a route too."""
    wrong = []
    lacking = 0
    other = rows.pop("_other", {"count": 0, "reasons": []})
    for route, count in wanted.items():
        got = rows.get(route, {"count": 0})["count"]
        most = folded + (WIDTH + 1 if "{name}" in route else 0)
        if not count - most <= got <= count:
            wrong.append(f"{route}: {got} counted of {count}")
        lacking += count - got
    if lacking != other["count"]:
        wrong.append(f"{lacking} are in no route, and _other has {other}")
    if other["reasons"] != ["route_limit"] + ["path_unknown"] * bool(folded and
                            "path_unknown" in other["reasons"]):
        wrong.append(f"_other does not say why: {other}")
    strange = set(rows) - set(wanted)
    if strange:
        wrong.append(f"{len(strange)} routes that are none: {sorted(strange)[:5]}")
    if any(row["reasons"] is not None for row in rows.values()):
        wrong.append("a route has a reason")
    return wrong


def main():
    live.need_root_and("nginx")
    signal.alarm(280)
    with live.Stage() as stage:
        (stage.folder / "ringside.json").write_text(json.dumps(
            {"routes": {"patterns": ["/files/*", "/r0/first"]}}))
        agent = stage.agent().wait("/readyz")
        site = Site(stage)
        wanted = collections.Counter({"/r0/{id}": 1})
        for n in range(TOTAL // 10):
            wanted[path_of(n)[1]] += 1
        ask(site.port, (path_of(n)[0] for n in range(TOTAL // 10)))
        before = resident_kib(agent)
        for n in range(TOTAL // 10, TOTAL):
            wanted[path_of(n)[1]] += 1
        ask(site.port, (path_of(n)[0] for n in range(TOTAL // 10, TOTAL)))
        ask(site.port, RPC * 100 + [f"/files/{i}/x{i}" for i in range(500)] + ["/r0/first"] * 7)
        wanted.update({**{name: 100 for name in RPC}, "/files/*": 500, "/r0/first": 7})
        agent.wait_for_count(wanted.total(), 20)
        rows = rows_of(agent)
        folded = agent.metrics()["capture"]["folded"]
        wrong = check_templates(dict(rows), wanted, folded)
        templates = len(rows) - len(RPC) - 2
        if not REAL - 2 <= templates <= REAL + 2:
            wrong.append(f"{templates} templates of {REAL} routes")
        # Whoever looks for holes spoils nothing.
        ask(site.port, (f"/hole/{n}-x/{n * 7}.php" for n in range(3000)))
        ask(site.port, (f"/r4/other-word-{n}" for n in range(10)))
        wanted["/r4/{name}"] += 10
        agent.wait_for_count(wanted.total() + 3000, 20)
        after = rows_of(agent)
        folded = agent.metrics()["capture"]["folded"]
        if after["/r4/{name}"]["count"] < rows["/r4/{name}"]["count"] + (0 if folded else 10):
            wrong.append("a template was lost")
        if sum(row["count"] for row in after.values()) != wanted.total() + 3000:
            wrong.append("the routes' sum is not the service's")
        grown, shared = resident_kib(agent) - before, site.shared_kib()
        if grown > AGENT_KIB or shared > SHIM_KIB:
            wrong.append(f"the agent grew by {grown} KiB, the server shares {shared} KiB")
        print(f"{wanted.total()} requests, {TOTAL} paths: {templates} templates, "
              f"{rows.get('_other', {'count': 0})['count']} in _other, {folded} folded; the agent grew by {grown} "
              f"KiB, the server shares {shared} KiB")
    for line in wrong:
        print("  " + line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
