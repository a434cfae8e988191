"""live - an agent and an nginx of our own, started for a demo, a test or a benchmark.

Everything lives in one temporary folder with its own run directory and ports the kernel chose;
leaving the `with Stage()` block ends every process and removes the folder, whatever happened.
Programs come from RINGSIDE_BIN (a build directory), by default build/release of this tree.
"""
import collections
import concurrent.futures
import contextlib
import ctypes
import errno
import functools
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(os.environ.get("RINGSIDE_BIN") or ROOT / "build" / "release")
FULL = bool(os.environ.get("RINGSIDE_TEST_FULL"))
SKIPPED = 77  # what ctest takes for "skipped"
SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_LINK_GET_FD_BY_ID = 30
BPF_PERF_EVENT = 7  # a program's type
PAGE = 612    # bytes: nginx's own welcome page, the smallest usual reply

NGINX_CONF = """\
{user}
worker_processes {workers};
worker_shutdown_timeout 2s;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{
	worker_connections {connections};
}}
http {{
	sendfile {sendfile};
	tcp_nopush on;
	types_hash_max_size 2048;
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	log_format line '$status $request_method $uri';
	access_log {log};
	keepalive_requests {keepalive};
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{port};
		listen 127.0.0.1:{port2} http2; # prior knowledge
		root {folder}/www;
		location = /nginx_status {{ stub_status; access_log off; }}
		location /post {{ return 200 "posted\\n"; }}
		location /zip/ {{ alias {folder}/www/; gzip on; gzip_types *; gzip_min_length 1; }}
		location /proxy/ {{ proxy_pass http://127.0.0.1:{port}/; proxy_http_version 1.1; }}
		location /error {{ return 503; }}
	}}
}}
"""


@functools.cache
def find_program(name):
    """A program of ours in the build directory, which is large: sought once."""
    for candidate in (BIN / name, *sorted(BIN.rglob(name))):
        if candidate.is_file() and os.access(candidate, os.R_OK):
            return candidate
    raise FileNotFoundError(f"{name} is not in {BIN}: build first, or set RINGSIDE_BIN")


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need_root_and(*programs):
    if os.geteuid() != 0:
        skip("needs root")
    for program in programs:
        if not shutil.which(program):
            skip(f"needs {program}")


def free_port(beside=0):
    """Five digits, since requests are compared that name it. And none of those that the kernel gives
    to clients: one of another test may have it by then. The port so many above it is free, too.
    """
    first_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10000, max(first_of_clients, 30000) - beside)
        with socket.socket() as probe, socket.socket() as other, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + beside if beside else 0))
            return port


def wait_for(what, condition, seconds, every=0.02):
    """The condition's first true value; it may fail with OSError until then."""
    end = time.monotonic() + seconds
    value = None
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            value = condition()
            if value:
                return value
        time.sleep(every)
    raise TimeoutError(f"{what}: not within {seconds} s (last: {value!r})")


def fetch(port, path, headers=None, timeout=5):
    """(status, headers, body bytes) of a GET."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read()


def proc_children(pid):
    """Every descendant of a process, itself first."""
    family, queue = [], [pid]
    while queue:
        one = queue.pop(0)
        family.append(one)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                queue += [int(x) for x in (task / "children").read_text().split()]
    return family


def proc_cpu_ns(pid):
    """CPU time of the live threads of a process, from the scheduler."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total


def proc_pss_kib(pid, *parts):
    """Its share of the memory, or of some parts of that, as Anon, Shmem, File."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(re.search(rf"^Pss{part}:\s+(\d+)", text, re.M).group(1))
               for part in [f"_{part}" for part in parts] or [""])


def proc_own_kib(pid):
    """Without files, of which a share grows as others end who have them too."""
    return proc_pss_kib(pid, "Anon", "Shmem")


def dies_with_us():
    """In the child: a killed parent takes its children along, as does a thread that ends."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    os.setsid()


def side_by_side(work, lanes):
    """work(lane) of all lanes at a time, in a process each that has stages of its own; how many of
    them failed: what one returns is its exit code. It ends, and cleans up, with whoever runs it.
    Where one has skipped and none has failed, all is skipped.
    """
    def one(lane):
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM, 0, 0, 0)
        sys.exit(work(lane))
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=one, args=(lane,)) for lane in lanes]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    codes = [process.exitcode for process in processes]
    if set(codes) <= {0, SKIPPED} and SKIPPED in codes:
        sys.exit(SKIPPED)
    return sum(code != 0 for code in codes)


class Process:
    def __init__(self, stage, command, log, environment=None, fds=()):
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(x) for x in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                pass_fds=fds, env={**os.environ, **(environment or {})}, preexec_fn=dies_with_us)
        self.began = time.monotonic()  # Popen comes back when its child is at exec
        self.pid = self.popen.pid
        stage.things.append(self)  # before anything can interrupt: the stage ends it

    def family(self):
        return proc_children(self.pid) if self.popen.poll() is None else []

    def stop(self, number=signal.SIGTERM, seconds=5):
        """Its exit code; descendants that outlive it are killed too."""
        family = self.family()
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        for pid in family[1:]:
            end_process(pid, 2)
        return self.popen.returncode

    def said(self):
        return Path(self.log).read_text(errors="replace")


def end_process(pid, grace):
    """Waits for a process to end, then ends it."""
    def ended():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        return True
    with contextlib.suppress(TimeoutError):
        return wait_for("end", ended, grace)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def descriptors_told(pid, word):
    """What the kernel says of a process's descriptors, of those of which it says this."""
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            said = dict(re.findall(r"^(\w+):\s+(\S+)$", info.read_text(), re.M))
            if word in said:
                yield said


def kernel_links(pid):
    """What a process and its children have attached: kind, tracepoint or walk by link id."""
    links = {}
    for one in proc_children(pid):
        with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile
            for said in descriptors_told(one, "link_id"):
                kind = said.get("tp_name") or said.get("target_name") or said["link_type"]
                links[int(said["link_id"])] = kind
    return links


def kernel_programs(pid):
    """The numbers of its programs; their runs are counted while kernel.bpf_stats_enabled is 1."""
    return [{name: int(value) for name, value in said.items() if value.isdigit()}
            for said in descriptors_told(pid, "run_time_ns")]


def kernel_has_link(number):
    """Whoever holds it."""
    attribute = (ctypes.c_uint32 * 8)(number)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_BPF[os.uname().machine], BPF_LINK_GET_FD_BY_ID, attribute,
                      ctypes.sizeof(attribute))
    if fd >= 0:
        os.close(fd)
        return True
    if ctypes.get_errno() != errno.ENOENT:
        raise OSError(ctypes.get_errno(), "bpf")
    return False


class Agent(Process):
    def __init__(self, stage):
        self.port = stage.agent_port
        self.stage = stage
        super().__init__(stage, [find_program("ringsided"), "--listen", f"127.0.0.1:{self.port}",
                          "--config", stage.folder / "ringside.json",
                          "--run-dir", stage.run_dir, "--state-dir", stage.state_dir],
                         stage.folder / "agent.log", stage.environment)

    def wait(self, path="/healthz", seconds=10):
        def answers():
            if self.popen.poll() is not None:
                raise RuntimeError(f"ringsided ended with {self.popen.returncode}:\n{self.said()}")
            return fetch(self.port, path, timeout=2)[0] == 200
        wait_for(f"{path} of the agent", answers, seconds, 0.001)
        return self

    def get(self, path):
        status, _, body = fetch(self.port, path)
        document = json.loads(body)
        if status != 200 or document.get("success") is not True:
            raise RuntimeError(f"{path}: {status} {body[:400]!r}")
        return document["data"]

    def metrics(self, query=""):
        return self.get("/api/performance/metrics" + query)

    def wait_for_count(self, wanted, seconds=6, query=""):
        """The metrics once they count at least so many requests; exactness is for the caller."""
        def counted():
            return self.metrics(query)["responseTimes"]["count"] >= wanted
        try:
            wait_for(f"{wanted} requests", counted, seconds, 0.1)
        except TimeoutError:
            got = self.metrics(query)["responseTimes"]["count"]
            print(f"      gave up after {seconds} s: {got} of {wanted} requests counted{query}")
        time.sleep(0.6)  # one tick more: a request counted twice shows now
        return self.metrics(query)


class Nginx(Process):
    def __init__(self, stage, name="nginx", workers=2, sendfile="on", log=True, shim=True,
                 connections=768, keepalive=1000, service=None):
        self.folder = stage.folder / name
        self.port, self.port2 = free_port(), free_port()
        www = self.folder / "www"
        www.mkdir(parents=True)
        for file, size in (("index.html", PAGE), ("big.bin", 300000)):
            (www / file).write_bytes((b"ringside seat\n" * (size // 14 + 1))[:size])
        config = self.folder / "nginx.conf"
        self.access = self.folder / "access.log"
        config.write_text(NGINX_CONF.format(
            user="user www-data;" if os.geteuid() == 0 else "", folder=self.folder,
            workers=workers, sendfile=sendfile, port=self.port,
            port2=self.port2, connections=connections, keepalive=keepalive,
            log=f"{self.access} line" if log else "off"))
        for path in (stage.folder, self.folder, www):
            path.chmod(0o755)
        environment = dict(stage.environment)
        if shim:
            environment["LD_PRELOAD"] = str(find_program("libringside.so"))
        if service:
            environment["RINGSIDE_SERVICE"] = service
        super().__init__(stage, [shutil.which("nginx") or "/usr/sbin/nginx", "-c", config],
                         self.folder / "nginx.out", environment)
        wait_for("nginx", lambda: fetch(self.port, "/nginx_status")[0] == 200, 10)
        wait_for("nginx's workers", lambda: len(self.workers()) == workers, 10)
        self.own_requests = 1  # what we asked of it ourselves, and it did not log

    def workers(self):
        return proc_children(self.pid)[1:]

    def lines(self):
        return self.access.read_text().splitlines() if self.access.exists() else []

    def classes(self):
        """Requests by class of their status, as its own access log has them."""
        return collections.Counter(line[0] + "xx" for line in self.lines())

    def served(self):
        """Requests since it started, as it counts them itself, the asking one included."""
        self.own_requests += 1
        body = fetch(self.port, "/nginx_status")[2].decode()
        return int(body.split("\n")[2].split()[2])


class Stage:
    def __init__(self):
        self.things = []
        self.folder = None

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, lambda n, _: sys.exit(128 + n))
        self.folder = Path(tempfile.mkdtemp(prefix="ringside-"))
        self.folder.chmod(0o755)
        self.run_dir = self.folder / "run"
        self.state_dir = self.folder / "state"
        (self.folder / "ringside.json").write_text("{}\n")
        self.agent_port = free_port()
        self.environment = {"RINGSIDE_RUN_DIR": str(self.run_dir)}
        self.threads = concurrent.futures.ThreadPoolExecutor(16)
        return self

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for thing in reversed(self.things):
            thing.stop()
        self.threads.shutdown(wait=False, cancel_futures=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def at_once(self, *parts):
        """Calls all of them at a time, a thread each, and waits for all: what they returned, or the
        first failure. The threads stay until the stage ends: whoever a thread started dies with it.
        """
        futures = [self.threads.submit(part) for part in parts]
        concurrent.futures.wait(futures)
        return [future.result() for future in futures]

    def agent(self):
        return Agent(self)

    def nginx(self, *arguments, **named):
        return Nginx(self, *arguments, **named)


def ab(url, requests, *options, connections=8, timeout=None):
    """Runs ab to its end; its numbers. Every request is answered before it ends, unlike wrk's."""
    out = subprocess.run(["ab", "-q", "-n", str(requests), "-c", str(connections), *options, url],
                         capture_output=True, text=True, timeout=timeout or 120 + requests / 50,
                         check=False)

    def number(name):
        found = re.search(rf"^{name}:\s+(\d+)", out.stdout, re.M)
        return int(found.group(1)) if found else 0
    if out.returncode:
        raise RuntimeError(f"ab failed: {out.stdout}\n{out.stderr}")
    # ab also calls a reply of another length than the first a failure: not one of ours
    lost = re.search(r"Connect: (\d+), Receive: (\d+), Length: \d+, Exceptions: (\d+)", out.stdout)
    return {"complete": number("Complete requests"), "non_2xx": number("Non-2xx responses"),
            "failed": sum(map(int, lost.groups())) if lost else 0}
