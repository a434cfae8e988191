#!/usr/bin/env python3
"""Applications behind a web server: php-fpm and uWSGI by FastCGI, SCGI and uwsgi.

nginx in front is not watched; its log says what each application was asked and how it was answered.
"""
import collections
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

REQUESTS = 20000 if live.FULL else 2000
UWSGI = Path("/usr/lib/uwsgi/plugins/python3_plugin.so")
wrong = []

PHP = """<?php
$code = (int) ($_GET['code'] ?? 200);
http_response_code($code);
$body = file_get_contents('php://input');
echo str_repeat('x', (int) ($_GET['bytes'] ?? 10)), strlen($body);
"""

PYTHON = """
from urllib.parse import parse_qs

def application(environ, start_response):
    asked = parse_qs(environ.get("QUERY_STRING", ""))
    code = asked.get("code", ["200"])[0]
    body = environ["wsgi.input"].read()
    reply = b"x" * int(asked.get("bytes", ["10"])[0]) + str(len(body)).encode()
    start_response(f"{code} Said", [("Content-Type", "text/plain")])
    return [reply]
"""

FPM = """\
[global]
daemonize = no
error_log = {folder}/fpm.log
[www]
user = www-data
listen = {listen}
pm = static
pm.max_children = 8
pm.max_requests = 700
"""

NGINX = """\
daemon off;
user www-data;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
	log_format line '$uri $request_method $upstream_status $upstream_bytes_received';
	access_log {folder}/access.log line;
	client_body_temp_path {folder}/body;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	proxy_temp_path {folder}/proxy;
	client_max_body_size 8m;
	upstream kept {{ server {kept}; keepalive 8; }}
	server {{
		listen 127.0.0.1:{port};
		fastcgi_param SCRIPT_FILENAME {folder}/site.php;
		include {folder}/params;
		location /unix/ {{ fastcgi_pass unix:{folder}/fpm.sock; }}
		location /kept/ {{ fastcgi_pass kept; fastcgi_keep_conn on; }}
		location /uwsgi/ {{ uwsgi_pass {uwsgi}; }}
		location /scgi/ {{ scgi_pass {scgi}; }}
		location /fastcgi/ {{ fastcgi_pass {fastcgi}; }}
		location = /up {{ return 200; }}
	}}
}}
"""
VARIABLES = ("QUERY_STRING", "REQUEST_METHOD", "CONTENT_TYPE", "CONTENT_LENGTH", "REQUEST_URI",
             "SERVER_PROTOCOL")
PROTOCOLS = {"uwsgi": "uwsgi", "scgi": "scgi", "fastcgi": "fastcgi"}


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def params():
    """Of each protocol the same: the path behind nginx's own, so that it is the application's."""
    return "".join(f"{kind}_param {name} ${name.lower()};\n"
                   for kind in PROTOCOLS for name in VARIABLES)


def watched(stage, name, command):
    return live.Process(stage, command, stage.folder / f"{name}.out",
                        {**stage.environment, "RINGSIDE_SERVICE": name,
                         "LD_PRELOAD": str(live.find_program("libringside.so"))})


def fpm(stage, name, listen):
    pool = stage.folder / f"{name}.conf"
    pool.write_text(FPM.format(folder=stage.folder, listen=listen) + "listen.mode = 0666\n")
    return watched(stage, name, ["php-fpm8.2", "--nodaemonize", "--fpm-config", pool])


def uwsgi(stage, name, option, address):
    return watched(stage, name, [
        "uwsgi", "--plugin", "python3", option, address, "--wsgi-file", stage.folder / "site.py",
        "--master", "--processes", "2", "--die-on-term", "--uid", "www-data"])


def front(stage, ports):
    folder = stage.folder / "front"
    folder.mkdir()
    for path in (stage.folder, folder):
        path.chmod(0o777)
    (folder / "params").write_text(params())
    (folder / "site.php").write_text(PHP)
    port = live.free_port()
    config = folder / "nginx.conf"
    text = NGINX.format(folder=folder, port=port, **ports)
    config.write_text(text.replace(f"unix:{folder}/fpm.sock", f"unix:{stage.folder}/fpm.sock"))
    live.Process(stage, ["nginx", "-c", config], folder / "output")
    live.wait_for("nginx", lambda: live.fetch(port, "/up")[0] == 200, 10)
    return port, folder / "access.log"


def curl(port, path, *options):
    subprocess.run(["curl", "-s", "-o", "/dev/null", *options, f"http://127.0.0.1:{port}{path}"],
                   timeout=60, check=False)


def load(port, place):
    """Small and large, read and refused, with bodies, and clients that leave."""
    base = f"/{place}/"
    live.ab(f"http://127.0.0.1:{port}{base}users/7?secret=1", REQUESTS, "-l", connections=4)
    curl(port, base + "large?bytes=3000000")
    for code in (404, 403, 503, 500):
        curl(port, f"{base}refused?code={code}")
    curl(port, base + "post", "--data-binary", "x" * 90000)
    curl(port, base + "post", "-X", "PUT", "--data-binary", "@" + str(live.ROOT / "README.md"))
    curl(port, base + "head", "-I")
    curl(port, base + "slow?bytes=8000000", "--limit-rate", "2000000", "--max-time", "1")


def logged(access, place):
    """(classes, methods, retries) of what the application behind this place answered. A request that
    a worker took on and ended before it answered, nginx asks another one."""
    classes, methods, retries = collections.Counter(), collections.Counter(), 0
    lines = re.findall(r"^(\S+) (\S+) ([\d, ]+) ([\d, ]+)$", access.read_text(), re.M)
    for uri, method, statuses, sizes in lines:
        *before, status = statuses.split(", ")
        if uri.startswith(f"/{place}/") and int(sizes.split(", ")[-1]):  # 0: it was not up yet
            classes[status[0] + "xx"] += 1
            methods[method] += 1
            retries += len(before)
    return classes, methods, retries


def rows_of(agent, place, wanted):
    """Once they have all requests but those that a new worker served before it was found."""
    rows = agent.get(f"/api/routes?service={place}&window=1h&limit=100")["routes"]
    gap = agent.metrics(f"?service={place}&window=1h")["capture"]["gap"]
    return (rows, gap) if sum(row["count"] for row in rows) + gap >= wanted else None


def check(agent, access, place):
    classes, methods, retries = logged(access, place)
    wanted = sum(classes.values())
    document = agent.wait_for_count(wanted, 8, f"?service={place}")
    counted = {k: v for k, v in document["status"].items() if v}
    aborted = counted.pop("aborted", 0)
    expect(counted == dict(classes) and aborted <= retries and wanted >= REQUESTS + 9,
           f"{place}: logged {dict(classes)}, {retries} asked again; counted {counted}, {aborted} aborted")
    rows, gap = live.wait_for(f"{place}: its routes", lambda: rows_of(agent, place, wanted), 8, 0.2)
    by_method = collections.Counter()
    for row in rows:
        by_method[row["method"]] += row["count"]
    folded = by_method.pop("_OTHER", 0)  # a full lane keeps no method
    expect(methods.total() <= by_method.total() + folded + gap <= methods.total() + aborted,
           f"{place}: by method {dict(by_method)}, folded {folded}, before they were found {gap}, "
           f"logged {dict(methods)}")
    paths = {row["route"] for row in rows}
    expect(f"/{place}/users/{{id}}" in paths and not any("secret" in x for x in paths),
           f"{place}: routes {sorted(paths)}")
    unparsed = collections.Counter()
    for process in agent.get(f"/api/capture?service={place}")["processes"]:
        unparsed.update({k: v for k, v in process["unparsed"].items() if v})
    expect(not unparsed, f"{place}: unparsed {dict(unparsed)}")


def main():
    live.need_root_and("nginx", "ab", "curl", "php-fpm8.2", "uwsgi")
    if not UWSGI.exists():
        live.skip(f"needs {UWSGI}")
    signal.alarm(280)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        (stage.folder / "site.py").write_text(PYTHON)
        ports = {x: f"127.0.0.1:{live.free_port()}" for x in ("kept", "uwsgi", "scgi", "fastcgi")}
        fpm(stage, "unix", stage.folder / "fpm.sock")
        fpm(stage, "kept", ports["kept"])
        uwsgi(stage, "uwsgi", "--socket", ports["uwsgi"])
        uwsgi(stage, "scgi", "--scgi-socket", ports["scgi"])
        uwsgi(stage, "fastcgi", "--fastcgi-socket", ports["fastcgi"])
        port, access = front(stage, ports)
        for place in ("unix", *ports):
            live.wait_for(place, lambda at=place: live.fetch(port, f"/{at}/")[0] == 200, 20, 0.2)
            # what comes before that has no routes; a disk that stalls may make it seconds
            live.wait_for(f"{place} to be found", lambda at=place: any(
                process["service"] == at for process in agent.get("/api/capture")["processes"]), 20, 0.05)
            load(port, place)
        for place in ("unix", *ports):
            check(agent, access, place)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
