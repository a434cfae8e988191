"""served - the table of server_cpu: how a server is started, loaded and judged.

A load is a command, and how many requests it was answered. What is wanted of a server is its gate: the issue
says how much more CPU a request may take with the shim.
"""
import collections
import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

CONNECTIONS = 50
MODULES = "/usr/lib/apache2/modules/mod_"
POSTGRES = Path("/usr/lib/postgresql/15/bin")
AS_POSTGRES = ("setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups")

APACHE = """\
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LoadModule mpm_event_module {modules}mpm_event.so
LoadModule authz_core_module {modules}authz_core.so
DocumentRoot {folder}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 64
MaxSpareThreads 64
KeepAlive On
MaxKeepAliveRequests 0
"""

NODE = """\
const page = 'x'.repeat({page});
require('http').createServer((request, reply) => reply.end(page)).listen({port}, '127.0.0.1');
"""

PYTHON = """\
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "{page}")
        self.end_headers()
        self.wfile.write(b"x" * {page})

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer.request_queue_size = 64
http.server.ThreadingHTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""

NGINX = """\
worker_processes 1;
daemon off;
pid {{folder}}/nginx.pid;
error_log {{folder}}/error.log;
events {{{{ worker_connections 768; }}}}
http {{{{
	sendfile on;
	tcp_nopush on;
	access_log off;
	keepalive_requests 1000000000;
	server {{{{ listen 127.0.0.1:{{port}}{how}; root {{folder}}; {more} }}}}
}}}}
"""

SECURE = ("ssl_certificate {folder}/pair.pem; ssl_certificate_key {folder}/pair.pem; "
          "ssl_protocols TLSv1.3;")


def configured(name, text, *command):
    """A server whose command ends with its own file."""
    def make(folder, port):
        file = folder / name
        file.write_text(text.format(folder=folder, port=port, page=live.PAGE, modules=MODULES))
        return [*command, file]
    return make


def nginx(how="", more=""):
    return configured("nginx.conf", NGINX.format(how=how, more=more), "nginx", "-c")


def nginx_tls(folder, port):
    pair = folder / "pair.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-keyout", folder / "key", "-out", folder / "cert"],
                   check=True, capture_output=True, timeout=60)
    pair.write_text((folder / "cert").read_text() + (folder / "key").read_text())
    return nginx(" ssl", SECURE)(folder, port)


def redis(folder, port):
    return ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]


def postgres_on(data, port):
    return [*AS_POSTGRES, POSTGRES / "postgres", "-D", data, "-p", port, "-k", data,
            "-c", "listen_addresses=127.0.0.1", "-c", "autovacuum=off", "-c", "fsync=off"]


@functools.cache
def cluster(root):
    """A small database, made once and copied for each server."""
    data, port = root / "cluster", live.free_port()
    data.mkdir()
    shutil.chown(data, "postgres", "postgres")
    subprocess.run([*AS_POSTGRES, POSTGRES / "initdb", "-D", data, "-A", "trust", "-U", "postgres"],
                   check=True, capture_output=True, timeout=120)
    with subprocess.Popen([str(x) for x in postgres_on(data, port)], stderr=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL) as server:
        try:
            live.wait_for("PostgreSQL", lambda: answers_postgres(port), 30)
            subprocess.run(["pgbench", "-i", "-q", *postgres_at(port)], check=True,
                           capture_output=True, timeout=120)
        finally:
            server.terminate()
    return data


def postgresql(folder, port):
    data = folder / "data"
    subprocess.run(["cp", "-a", cluster(folder.parent), data], check=True)
    return postgres_on(data, port)


def postgres_at(port):
    return ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "postgres"]


def mariadb(folder, port):
    """A database of its own, with a table that sysbench reads."""
    data = folder / "data"
    data.mkdir()
    shutil.chown(data, "mysql", "mysql")
    subprocess.run(["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}",
                    "--auth-root-authentication-method=normal"],
                   check=True, capture_output=True, timeout=120)
    return ["setpriv", "--reuid=mysql", "--regid=mysql", "--clear-groups", "mariadbd",
            "--no-defaults", f"--datadir={data}", f"--socket={data}/sock", f"--port={port}",
            "--bind-address=127.0.0.1", "--skip-log-bin"]


def sysbench_at(port):
    return ["sysbench", "oltp_point_select", "--mysql-host=127.0.0.1", f"--mysql-port={port}",
            "--mysql-user=root", "--mysql-db=test", "--mysql-ssl=off", "--table-size=10000"]


def answers_mariadb(port):
    """And has its table: whoever asks first makes it."""
    asked = subprocess.run(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-uroot",
                            "--skip-ssl", "-e", "SELECT count(*) FROM test.sbtest1"],
                           capture_output=True, text=True, timeout=10, check=False)
    if "ERROR 1146" in asked.stderr:
        subprocess.run([*sysbench_at(port), "prepare"], capture_output=True, timeout=60, check=True)
        return True
    return not asked.returncode


def answers_http(port):
    return live.fetch(port, "/index.html")[0] == 200


def answers_tls(port):
    return not subprocess.run(["curl", "-sko", "/dev/null", f"https://127.0.0.1:{port}/index.html"],
                              timeout=10, check=False).returncode


def answers_http2(port):
    return not subprocess.run(["curl", "-so", "/dev/null", "--http2-prior-knowledge",
                               f"http://127.0.0.1:{port}/index.html"],
                              timeout=10, check=False).returncode


def answers_redis(port):
    return "PONG" in subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True,
                                    text=True, timeout=10, check=False).stdout


def answers_postgres(port):
    return not subprocess.run(["psql", "-qtc", "select 1", *postgres_at(port)],
                              capture_output=True, timeout=10, check=False).returncode


def number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        raise RuntimeError(f"no {pattern} in: {text}")
    return int(found.group(1))


# command: of a port and seconds; tally: of what it said and of the seconds, the requests made.
Load = collections.namedtuple("Load", "command tally")


def wrk(scheme="http"):
    def tally(text, _seconds):
        if re.search(r"Socket errors|Non-2xx", text):
            raise RuntimeError(f"wrk: {text}")
        return number(r"(\d+) requests in", text)
    # it may have to stand still for longer than it would wait for an answer
    return Load(lambda port, seconds: ["wrk", "-t", 1, "-c", CONNECTIONS, "-d", f"{seconds}s",
                                       "--timeout", "60s", f"{scheme}://127.0.0.1:{port}/index.html"], tally)


def h2load_tally(text, _seconds):
    if number(r"(\d+) failed", text):
        raise RuntimeError(f"h2load: {text}")
    return number(r"(\d+) succeeded", text)


H2LOAD = Load(lambda port, seconds: ["h2load", "-t", 1, "-c", 5, "-m", 10, "-D", seconds,
                                     f"http://127.0.0.1:{port}/index.html"], h2load_tally)


def redis_benchmark(pipeline, per_second):
    """It knows no time; so many a second are some seconds' work of four servers on a core."""
    return Load(lambda port, seconds: ["redis-benchmark", "-p", port, "-c", CONNECTIONS, "-n",
                                       per_second * seconds, "-P", pipeline, "-t", "get", "-q"],
                lambda _text, seconds: per_second * seconds)


PGBENCH = Load(lambda port, seconds: ["pgbench", "-S", "-n", "-c", 8, "-T", seconds,
                                      *postgres_at(port)],
               lambda text, _seconds: number(r"actually processed: (\d+)", text))

SYSBENCH = Load(lambda port, seconds: [*sysbench_at(port), "--threads=8", "--events=0",
                                       f"--time={seconds}", "run"],
                lambda text, _seconds: number(r"queries performed:(?:.*\n)*? +total: +(\d+)", text))


Served = collections.namedtuple("Served", "make programs load answers gate", defaults=(
    wrk(), answers_http, 1.05))

SERVERS = {
    "nginx": Served(nginx(), ("nginx", "wrk")),
    "node": Served(configured("site.js", NODE, "node"), ("node", "wrk")),
    "apache-event": Served(configured("apache.conf", APACHE, "apache2", "-DFOREGROUND", "-f"),
                           ("apache2", "wrk")),
    "python-threading": Served(configured("site.py", PYTHON, "/usr/bin/python3"),
                               ("/usr/bin/python3", "wrk")),
    "nginx-tls": Served(nginx_tls, ("nginx", "wrk", "openssl", "curl"), wrk("https"), answers_tls),
    "nginx-http2": Served(nginx(" http2"), ("nginx", "h2load", "curl"),
                          H2LOAD, answers_http2, 1.10),
    "redis": Served(redis, ("redis-server", "redis-benchmark"), redis_benchmark(1, 8000),
                    answers_redis, 1.10),
    "redis-pipelined": Served(redis, ("redis-server", "redis-benchmark"),
                              redis_benchmark(16, 60000), answers_redis, 1.5),
    "postgresql": Served(postgresql, ("pgbench", str(POSTGRES / "postgres")), PGBENCH,
                         answers_postgres),
    "mariadb": Served(mariadb, ("mariadbd", "mariadb-install-db", "sysbench"), SYSBENCH,
                      answers_mariadb),
}


def lacking(server):
    return [x for x in server.programs if not shutil.which(x)]
