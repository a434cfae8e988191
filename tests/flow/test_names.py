#!/usr/bin/env python3
"""Every server goes by its name, its workers with it; who opted out or is ruled out is not seen."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

GROUPS = Path("/sys/fs/cgroup")
SHIM = str(live.find_program("libringside.so").resolve())
PYTHON = os.path.realpath(sys.executable)
REQUESTS = 40
wrong = []

NODE_SERVER = """
require('http').createServer((q, s) => s.end('hello')).listen(+process.argv[2], '127.0.0.1');
"""

# Two workers, each by a spawn: the code of their command lines has no name.
SPAWNING_SERVER = """
import http.server, multiprocessing, socket, sys

def serve(listener):
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler, False)
    server.socket.close()
    server.socket = listener
    server.serve_forever()

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    start = multiprocessing.get_context("spawn").Process
    workers = [start(target=serve, args=(listener,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""

GUNICORN_APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
"""


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def own_unit():
    """The unit that this test runs in: all its children would go by that name."""
    return re.search(r"/[^/]+\.service$", Path("/proc/self/cgroup").read_text(), re.M)


class Server:
    def __init__(self, stage, name, command, environment=None, port=None):
        self.name = name
        self.port = port or live.free_port()
        folder = stage.folder / f"server-{name}"
        folder.mkdir()
        (folder / "index.html").write_text("hello")
        self.folder = folder
        command = [str(x).format(port=self.port, folder=folder) for x in command]
        self.process = live.Process(
            stage, ["env", "-C", folder, *command], stage.folder / f"{name}.log",
            {**stage.environment, "LD_PRELOAD": SHIM, **(environment or {})})
        live.wait_for(name, lambda: live.fetch(self.port, "/index.html")[0] == 200, 20)
        for _ in range(REQUESTS - 1):
            live.fetch(self.port, "/index.html")


def python_server(stage, name, environment=None, port=None, **named):
    return Server(stage, name, [PYTHON, "-m", "http.server", "--bind", "127.0.0.1", "{port}"],
                  environment, port, **named)


def start_named(stage, group, procs):
    """(server, the service's name, its environment, who named it, its processes)"""
    python = [PYTHON, "-m", "http.server", "--bind", "127.0.0.1", "{port}"]
    attributes = "a=b,service.name=my%20shop,deployment.environment=staging"
    yield (Server(stage, "otel", python, {"OTEL_RESOURCE_ATTRIBUTES": attributes,
                                          "NODE_ENV": "development"}),
           "my%20shop", "staging", "OTEL_RESOURCE_ATTRIBUTES", 1)
    yield (Server(stage, "explicit", python, {"RINGSIDE_SERVICE": "explicit",
                                              "OTEL_SERVICE_NAME": "less so",
                                              "OTEL_RESOURCE_ATTRIBUTES": attributes}),
           "explicit", "staging", "RINGSIDE_SERVICE", 1)
    yield (Server(stage, "otel-name", python, {"OTEL_SERVICE_NAME": "named",
                                               "OTEL_RESOURCE_ATTRIBUTES": "service.name=%"}),
           "named", None, "OTEL_SERVICE_NAME", 1)
    if group:  # a name of its own comes first there, too
        yield (Server(stage, "unit", in_group(procs) + python), Path(group).stem, None, "unit", 1)
        yield (Server(stage, "named-unit", in_group(procs) + python,
                      {"OTEL_SERVICE_NAME": "named-in-a-unit"}),
               "named-in-a-unit", None, "OTEL_SERVICE_NAME", 1)
    if own_unit():
        print("skipped: programs' names: this test runs in a systemd unit")
        return
    yield Server(stage, "module", python), "http.server", None, "script", 1
    spawning = stage.folder / "spawning.py"
    spawning.write_text(SPAWNING_SERVER)
    # the parent, its resource tracker and two workers
    yield (Server(stage, "spawning", [PYTHON, spawning, "{port}"]), str(spawning), None, "script",
           4)
    yield from start_node(stage)
    yield from start_gunicorn(stage)


def start_node(stage):
    if not shutil.which("node"):
        print("skipped: node is not installed")
        return
    for shop in ("a", "b"):
        script = stage.folder / shop / "app.js"
        script.parent.mkdir()
        script.write_text(NODE_SERVER)
        server = Server(stage, f"node-{shop}", ["node", "--no-warnings", script, "{port}"],
                        {"NODE_ENV": "production"}) if shop == "a" else \
            Server(stage, f"node-{shop}", ["node", script, "{port}"])
        yield server, str(script), "production" if shop == "a" else None, "script", 1


def start_gunicorn(stage):
    if not os.path.exists("/usr/bin/gunicorn"):
        print("skipped: gunicorn is not installed")
        return
    folder = stage.folder / "app"
    folder.mkdir()
    (folder / "shop.py").write_text(GUNICORN_APP)
    yield (Server(stage, "gunicorn", ["/usr/bin/gunicorn", "-w", "2", "-b", "127.0.0.1:{port}",
                                      "--chdir", folder, "shop:app"]),
           "gunicorn", None, "script", 3)


def check_service(agent, row):
    """What the agent says of one server, everywhere where its name stands."""
    server, service, environment, source, processes = row

    def rows():
        return [(x["environment"], x["count"]) for x in agent.get("/api/services")["services"]
                if x["service"] == service]

    def ledger():
        return [x for x in agent.get("/api/capture")["processes"] if x["service"] == service]
    with contextlib.suppress(TimeoutError):  # a fork's child is looked at when it is a second old
        live.wait_for(service, lambda: rows() == [(environment, REQUESTS)] and
                      len(ledger()) == processes, 8, 0.2)
    expect(rows() == [(environment, REQUESTS)], f"{server.name} is {service}: {rows()}")
    ledger = ledger()
    expect(len(ledger) == processes and {x["serviceFrom"] for x in ledger} == {source},
           f"{service}: {len(ledger)} processes, named by {[x['serviceFrom'] for x in ledger]}")
    labels = f'service="{service}"' + (f',environment="{environment}"' if environment else "")
    text = live.fetch(agent.port, "/metrics")[2].decode()
    found = re.findall(r"^\w*requests_total\{" + re.escape(labels) + r"[,}].*", text, re.M)
    expect(found, f"{labels} stands in /metrics")


def check_names():
    with own_group("a unit's name", ".service") as group, live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx("nginx", workers=2)
        for _ in range(REQUESTS):
            live.fetch(nginx.port, "/index.html")
        silent = [python_server(stage, f"silent-{i}", environment) for i, environment in
                  enumerate(({"RINGSIDE": "disabled"}, {"PERFORMANCE_MONITORING_ENABLED": "false"}))]
        rows = list(start_named(stage, *group))
        for row in rows:
            check_service(agent, row)
        if not own_unit():
            services = {x["service"]: x for x in agent.get("/api/services")["services"]}
            expect(services["nginx"]["count"] == REQUESTS + nginx.own_requests and
                   services["nginx"]["processes"] == 3, f"nginx is one: {services['nginx']}")
        family = [pid for server in silent for pid in server.process.family()]
        pids = {x["pid"] for x in agent.get("/api/processes")["processes"]}
        maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in family)
        expect(not pids & set(family) and "memfd:ringside" not in maps and SHIM in maps,
               "who opted out runs with the library, has no segment and is not listed")


@contextlib.contextmanager
def own_group(what, ending=""):
    """(path as the agent has it, file to join it) of a control group, in the hierarchy in which the
    agent looks; Nones where none can be made, and what was not tried is reported.
    """
    root = GROUPS / "memory" if (GROUPS / "memory").is_dir() else GROUPS
    text = Path("/proc/self/cgroup").read_text()
    own = re.search(r"^\d+:(?:.*,)?memory(?:,.*)?:(.*)$" if root != GROUPS else r"^0::(.*)$", text,
                    re.M)
    try:
        group = Path(tempfile.mkdtemp(ending, "ringside-names-", f"{root}{own.group(1)}"))
    except (OSError, AttributeError):
        print(f"skipped: {what}: no control group can be made here")
        yield None, None
        return
    try:
        yield f"{own.group(1).rstrip('/')}/{group.name}", group / "cgroup.procs"
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.05)


def in_group(procs):
    return ["sh", "-c", f'echo $$ >{procs} && exec "$@"', "sh"]


def check_rules():
    wanted_port, refused_port = live.free_port(), live.free_port()
    with own_group("a rule for one") as (group, procs), live.Stage() as stage:
        include = [{"exe": "nginx"}, {"port": wanted_port}, {"service": "kept-*"}]
        if group:
            include.append({"cgroup": f"*{Path(group).name}"})
        (stage.folder / "ringside.json").write_text(json.dumps({"targets": {
            "include": include,
            "exclude": [{"service": "kept-not"}, {"port": refused_port}],
            "names": [{"exe": "*/nginx", "service": "edge"},
                      {"port": wanted_port, "service": "by-port"}]}}))
        agent = stage.agent().wait("/readyz")
        stage.nginx("nginx", workers=2)
        python_server(stage, "ported", port=wanted_port)
        python_server(stage, "kept", {"RINGSIDE_SERVICE": "kept-a"})
        python_server(stage, "kept-not", {"RINGSIDE_SERVICE": "kept-not"})
        python_server(stage, "refused", {"OTEL_SERVICE_NAME": "kept-b"}, refused_port)
        python_server(stage, "other", {"OTEL_SERVICE_NAME": "other"})
        wanted = {"edge", "by-port", "kept-a"}
        if group:
            python = [PYTHON, "-m", "http.server", "--bind", "127.0.0.1", "{port}"]
            Server(stage, "grouped", in_group(procs) + python, {"OTEL_SERVICE_NAME": "grouped"})
            wanted.add("grouped")

        def services():
            return {x["service"] for x in agent.get("/api/services")["services"]}
        with contextlib.suppress(TimeoutError):
            live.wait_for("services", lambda: wanted <= services(), 8, 0.2)
        time.sleep(2)  # two rounds of the scan: whoever would come late is here now
        expect(services() == wanted, f"of all servers these are watched: {sorted(services())}")
        parts = {x["name"]: x for x in agent.get("/api/health")["parts"]}
        said = re.search(r"(\d+) left out by targets", parts["segments"]["reason"] or "")
        expect(said and int(said.group(1)) >= 3,
               f"health says so: {parts['segments']}")
        for thing in stage.things:
            if thing is not agent:
                thing.stop()  # ahead of its group


def starts_silent(stage, name, line, command, environment=None):
    """Does a server stay silent that starts with this line in the off file, without an agent?"""
    (stage.run_dir / "off").write_text(f"{line}\n")
    server = Server(stage, name, command, environment)
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in server.process.family()]
    silent = {"memfd:ringside" not in text for text in maps}
    server.process.stop()
    expect(len(silent) == 1 and all(SHIM in text for text in maps),
           f"{name}: all of {len(maps)} processes have the library, and the same answer")
    return silent == {True}


def check_off():
    """A line silences at its start whom the agent would call so, and nobody else."""
    with own_group("a unit in the off file", ".service") as (group, procs), live.Stage() as stage:
        stage.run_dir.mkdir()
        spawning = stage.folder / "spawning.py"
        spawning.write_text(SPAWNING_SERVER)
        script = stage.folder / "app.js"
        script.write_text(NODE_SERVER)
        python = [PYTHON, spawning, "{port}"]
        node = ["node", script, "{port}"]
        claim = {"OTEL_SERVICE_NAME": "my shop"}
        cases = [("claimed", "my%20shop", python, claim, True),
                 ("said", "my shop", python, claim, True),
                 ("others", spawning, python, claim, False)]
        if not own_unit():
            cases += [("script", spawning, python, None, True),
                      ("interpreter", os.path.basename(PYTHON), python, None, False),
                      ("executable", PYTHON, python, None, True)]
        if not own_unit() and shutil.which("node"):
            cases += [("app", script, node, None, True), ("node", "node", node, None, False)]
        if group:
            unit = Path(group).name.removesuffix(".service")
            inner = procs.parent / "x.scope"  # as of a container: not the unit's own
            inner.mkdir()
            cases += [("unit", unit, in_group(procs) + python, None, True),
                      ("in-unit", spawning, in_group(procs) + python, None, False),
                      ("scope", unit, in_group(inner / "cgroup.procs") + python, None, False)]
        for name, line, command, environment, wanted in cases:
            expect(starts_silent(stage, name, line, command, environment) == wanted,
                   f"off {line}: {name} starts {'silent' if wanted else 'watched'}")
        if group:
            live.wait_for("an empty group", lambda: inner.rmdir() is None, 5)


def check_configuration():
    text = '{"targets": {\n"include": [{"exe": "a"},\n {"prot": 80}]}}'
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        for content, code, said in ((text, 1, ":3: targets.include[1].prot: unknown key; did you "
                                              "mean port?"),
                                    (text.replace("prot", "port"), 0, "good")):
            file.seek(0)
            file.truncate()
            file.write(content)
            file.flush()
            out = subprocess.run([live.find_program("ringsided"), "--check-config", "--config",
                                  file.name], capture_output=True, text=True, check=False)
            expect(out.returncode == code and said in out.stdout + out.stderr,
                   f"--check-config: {(out.stdout + out.stderr).strip()}")


def main():
    live.need_root_and("nginx", "env")
    check_configuration()
    check_names()
    check_off()
    check_rules()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
