#!/usr/bin/env python3
"""System alerts' inputs: disks, page faults, TCP, kills for want of memory, restarts; each exact."""
import contextlib
import ctypes
import functools
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

MIB = 1024 * 1024
PAGE = 4096
PAGES = 64
GROUPS = Path("/sys/fs/cgroup")
wrong = []

# Does as it is told, a word a line, and answers with what it knows of it itself.
SEAT = """
import ctypes, mmap, os, resource, socket, struct, sys
PAGE = 4096
libc = ctypes.CDLL(None, use_errno=True)
connections, kept = [], []

def read_bytes():
    return int(open("/proc/self/io").read().split("\\nread_bytes: ")[1].split()[0])

def direct(path, pages):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    buffer = mmap.mmap(-1, PAGE)
    for i in range(pages):
        assert os.preadv(fd, [buffer], (pages - 1 - i) * PAGE) == PAGE
    os.close(fd)
    return read_bytes()

def fault(path, pages):
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    where = mmap.mmap(fd, pages * PAGE, prot=mmap.PROT_READ)
    where.madvise(mmap.MADV_RANDOM)
    sum(where[i * PAGE] for i in range(pages))
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt

def info(connection):
    raw = connection.getsockopt(socket.IPPROTO_TCP, 11, 256)  # TCP_INFO
    return struct.unpack_from("I", raw, 100)[0], struct.unpack_from("I", raw, 68)[0]

def send(port, count):
    if not connections:
        connections.append(socket.create_connection(("127.0.0.1", port)))
        connections[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(count):
        connections[0].sendall(b"x")
        connections[0].recv(1)
    return "%d %d" % info(connections[0])

for line in sys.stdin:
    word, *rest = line.split()
    if word == "direct":
        said = direct(rest[0], int(rest[1]))
    elif word == "fault":
        said = fault(rest[0], int(rest[1]))
    elif word == "last":
        direct(rest[0], int(rest[1]))
        major = fault(rest[0], int(rest[1]))
        said = "%d %d" % (read_bytes(), major)
    elif word == "send":
        said = send(int(rest[0]), int(rest[1]))
    elif word == "eat":
        kept.append(bytearray(b"x" * int(rest[0])))
        said = "alive"
    print(said, flush=True)
    if word == "last":
        os._exit(0)
"""


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


class Seat:
    def __init__(self, stage, name, command=(sys.executable, "-c", SEAT)):
        environment = {**os.environ, **stage.environment, "RINGSIDE_SERVICE": name,
                       "LD_PRELOAD": str(live.find_program("libringside.so"))}
        self.popen = subprocess.Popen(command, text=True, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, env=environment,
                                      preexec_fn=live.dies_with_us)
        self.pid, self.name = self.popen.pid, name
        stage.things.append(self)

    def tell(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def say(self, line):
        self.tell(line)
        return [int(x) if x.isdigit() else x for x in self.popen.stdout.readline().split()]

    def stop(self):
        self.popen.kill()
        self.popen.wait()


def facility(agent, name):
    rows = [row for row in agent.get("/api/health")["facilities"]
            if (row["set"], row["name"]) == ("inputs", name)]
    return rows[0] if rows else {"state": None}


def known(agent, query):
    return live.fetch(agent.port, f"/api/performance/metrics?{query}")[0] == 200


def watched(agent, seat):
    """Until its connections and disks are told, which is a second or two after it was found."""
    live.wait_for("numbers of it", lambda: known(agent, f"service={seat.name}") and
                  agent.metrics(f"?service={seat.name}")["network"]["segments"] is not None, 15, 0.2)


def settled(agent, seat, seconds=2.6):
    time.sleep(seconds)
    return agent.metrics(f"?service={seat.name}&window=15m")


def disk_file(folder):
    path = folder / "pages"
    with open(path, "wb") as file:
        file.write(os.urandom(PAGES * PAGE))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        return None
    return path


def disks(agent, seat, path):
    own = seat.say(f"direct {path} 1")[0]
    before = settled(agent, seat)["io"]
    more = seat.say(f"direct {path} {PAGES}")[0] - own
    after = settled(agent, seat)["io"]
    if more == 0:
        print("skipped: this file system has no disk of its own")
        return
    told = after["readBytes"] - before["readBytes"]
    expect(told == more == PAGES * PAGE,
           f"direct reads: {told} bytes told, {PAGES * PAGE} asked for, {more} by the kernel")
    expect(after["reads"] - before["reads"] == PAGES,
           f"direct reads: {after['reads'] - before['reads']} told of {PAGES}")
    expect(0 < after["readLatencyMs"] < 1000 and after["latencyMs"] is not None,
           f"direct reads: {after['readLatencyMs']} ms each, {after['latencyMs']} of all")
    expect(after["waitPercent"] is None and "attach" in after["unknown"]["waitPercent"],
           f"waits for disks: {after['unknown']}")
    row = agent.get(f"/api/processes?pid={seat.pid}&window=15m")["processes"][0]
    expect(row["readBytes"] == after["readBytes"] and row["ioLatencyMs"] == after["latencyMs"],
           f"direct reads: the process's row {row}")
    subprocess.run([live.find_program("ringside"), "attach", str(seat.pid)], check=True, timeout=30,
                   stdout=subprocess.DEVNULL, env={**os.environ, **stage_environment(agent)})
    time.sleep(3)
    seat.say(f"direct {path} {PAGES}")
    wait = settled(agent, seat)["io"]["waitPercent"]
    expect(wait is not None and wait > 0, f"waits for disks, attached: {wait} % of its time")


def stage_environment(agent):
    return agent.stage.environment


def faults(agent, seat, path):
    own = seat.say(f"fault {path} 1")[0]
    before = settled(agent, seat)["faults"]["major"]
    more = seat.say(f"fault {path} {PAGES}")[0] - own
    after = settled(agent, seat)["faults"]["major"]
    # a page of the program itself may have gone meanwhile, told with the next look or not counted
    expect(abs(after - before - more) <= 1, f"major faults: {after - before} told, {more} by itself")
    expect(more >= PAGES // 2, f"major faults: {more} of {PAGES} pages")


class Echo:
    """The other end of a connection, which can be made not to take anything in."""
    NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF: return 0 bytes of the packet

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connection = None

    def answer(self, count):
        self.connection = self.connection or self.listener.accept()[0]
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            self.connection.sendall(self.connection.recv(1))

    def deaf(self):
        code = ctypes.create_string_buffer(self.NOTHING)
        program = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
        self.connection.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER

    def hears(self):
        self.connection.setsockopt(socket.SOL_SOCKET, 27, 0)  # SO_DETACH_FILTER


def network(agent, stage):
    seat, echo = Seat(stage, "talker"), Echo()
    watched(agent, seat)
    before = settled(agent, seat, 6)["network"]
    seat.tell(f"send {echo.port} 50")
    echo.answer(50)
    seat.popen.stdout.readline()
    echo.deaf()
    seat.tell(f"send {echo.port} 1")
    time.sleep(1.5)
    echo.hears()
    echo.answer(1)
    retransmits, rtt_us = (int(x) for x in seat.popen.stdout.readline().split())
    after = settled(agent, seat, 7.6)["network"]  # a walk is each fifth second
    more = after["retransmits"] - before["retransmits"]
    expect(more == retransmits > 0, f"retransmits: {more} told, {retransmits} by the socket")
    # 51 and those again, and nothing else of it has a connection
    expect(after["segments"] - before["segments"] == 51 + retransmits,
           f"segments: {after['segments'] - before['segments']} told, {51 + retransmits} sent")
    expect(after["rttMs"] is not None and after["rttMinMs"] <= after["rttMs"] < 500,
           f"round trip: {after['rttMs']} ms, the shortest {after['rttMinMs']}, the socket's last "
           f"{rtt_us / 1000}")
    row = agent.get(f"/api/services?service={seat.name}&window=15m")["services"][0]
    expect(row["retransmits"] == after["retransmits"], f"retransmits: the service's row {row}")
    seat.stop()


# Both ends of a connection; one of them takes nothing in for a while.
BOTH = """
import ctypes, socket, struct, sys, time
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
server = socket.create_server(("127.0.0.1", 7000))
sys.stdin.readline()
ends = [socket.create_connection(("127.0.0.1", 7000))]
ends.append(server.accept()[0])
ends[1].setsockopt(socket.SOL_SOCKET, 26, struct.pack("HxxxxxxP", 1, ctypes.addressof(code)))
ends[0].sendall(b"x")
time.sleep(1)
ends[1].setsockopt(socket.SOL_SOCKET, 27, 0)
ends[1].recv(1)
print(sum(struct.unpack_from("I", end.getsockopt(socket.IPPROTO_TCP, 11, 256), 100)[0]
          for end in ends), flush=True)
for end in ends:
    end.close()
sys.stdin.readline()
"""


def elsewhere(agent, stage):
    """In a network of its own, and closed before the next walk."""
    inside = 'ip link set lo up && exec "$0" -c "$1"'
    tried = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True,
                           text=True, check=False)
    if tried.returncode:
        print(f"skipped: a network of its own: {tried.stderr.strip()}")
        return
    seat = Seat(stage, "elsewhere", ("unshare", "-n", "sh", "-c", inside, sys.executable, BOTH))
    watched(agent, seat)
    time.sleep(1.5)  # until its listener is marked
    own = seat.say("go")[0]
    told = settled(agent, seat)["network"]
    expect(told["retransmits"] == own > 0,
           f"in a network of its own: {told['retransmits']} retransmits told, {own} by its sockets")
    seat.stop()


@contextlib.contextmanager
def small_group():
    """A memory cgroup of our own, v1 or v2, of 64 MiB."""
    v1 = GROUPS / "memory" / "memory.limit_in_bytes"
    parent = v1.parent if v1.exists() else GROUPS
    folder = parent / f"ringside-oom-{os.getpid()}"
    folder.mkdir()
    try:
        limit = "memory.limit_in_bytes" if v1.exists() else "memory.max"
        (folder / limit).write_text(str(64 * MIB))
        yield folder
    finally:
        for _ in range(50):
            with contextlib.suppress(OSError):
                folder.rmdir()
                break
            time.sleep(0.1)


def kills(agent, stage):
    seat = Seat(stage, "hungry")
    watched(agent, seat)
    row = agent.get("/api/services?service=hungry")["services"][0]
    expect(row["oomKills"] == 0, f"before it is killed: {row['oomKills']}")
    try:
        with small_group() as group:
            (group / "cgroup.procs").write_text(str(seat.pid))
            seat.tell(f"eat {200 * MIB}")
            code = seat.popen.wait(20)
    except OSError as refusal:
        print(f"skipped: a kill for want of memory: {refusal}")
        return
    expect(code == -signal.SIGKILL, f"the kernel killed it: {code}")
    time.sleep(2)
    told = agent.metrics("?service=hungry")["incidents"]
    expect(told["oomKills"] == 1 and told["ended"] == 1, f"killed, of the service: {told}")
    rows = agent.get("/api/services")["services"]
    expect({row["service"]: row["oomKills"] for row in rows if row["oomKills"]} == {"hungry": 1},
           "killed: nobody else was")
    row = agent.get(f"/api/processes?pid={seat.pid}")["processes"]
    expect(row and row[0]["oomKills"] == 1, f"killed, of the process that has ended: {row}")
    text = live.fetch(agent.port, "/metrics")[2].decode()
    expect(re.search(r'^ringside_service_oom_kills_total\{service="hungry"\} 1$', text, re.M),
           "killed: the counter of /metrics")


def journal(folder):
    """Thousands of small blocks, that the file system's journal writes by hundreds in a request."""
    for i in range(6000):
        (folder / f"j{i}").mkdir()
    os.sync()


def last_second(agent, stage, path):
    """What it did in the second in which it ended."""
    seat = Seat(stage, "brief")
    watched(agent, seat)
    own, major = seat.say(f"last {path} {PAGES}")
    seat.popen.wait(10)
    time.sleep(2.2)
    document = agent.metrics("?service=brief")
    told, faults_told = document["io"], document["faults"]["major"]
    expect(faults_told == major >= PAGES // 2,
           f"major faults of its last second: {faults_told} told, {major} by itself")
    expect(told["readBytes"] == own >= PAGES * PAGE,
           f"read in its last second: {told['readBytes']} told, {own} by itself")
    expect(told["reads"] >= PAGES, f"read in its last second: {told['reads']} of {PAGES}")


def of_disks(agent, stage, seat):
    path = disk_file(stage.folder)
    if not path:
        print("skipped: no direct I/O on this file system")
        return
    faults(agent, seat, path)
    disks(agent, seat, path)
    last_second(agent, stage, path)
    journal(path.parent)


def incidents(agent):
    return agent.metrics("?service=nginx")["incidents"]


def restarts(agent, stage):
    nginx = stage.nginx(workers=2)
    live.wait_for("nginx", lambda: known(agent, "service=nginx") and
                  incidents(agent)["started"] == 3, 15, 0.2)
    expect(incidents(agent)["restarts"] == 0, f"nginx: {incidents(agent)}")
    os.kill(nginx.workers()[0], signal.SIGKILL)
    live.wait_for("another worker", lambda: incidents(agent)["started"] == 4, 15, 0.2)
    told = incidents(agent)
    expect(told["ended"] == 1 and told["restarts"] == 0, f"a worker anew: {told}")
    nginx.stop()
    stage.things.remove(nginx)
    nginx = stage.nginx("again", workers=2)
    live.wait_for("nginx again", lambda: incidents(agent)["started"] == 7, 15, 0.2)
    time.sleep(1)
    told = incidents(agent)
    expect(told["restarts"] == 1 and told["ended"] == 4, f"the server anew: {told}")
    row = agent.get("/api/services?service=nginx")["services"][0]
    expect(row["restarts"] == 1, f"the server anew: its row says {row['restarts']}")
    nginx.stop()
    stage.things.remove(nginx)


class Daemon:
    """An nginx that goes into the background."""

    def __init__(self, stage, name):
        self.folder = stage.folder / name
        self.folder.mkdir()
        config = self.folder / "nginx.conf"
        config.write_text(f"user www-data;\nworker_processes 1;\npid {self.folder}/nginx.pid;\n"
                          f"error_log {self.folder}/error.log;\nevents {{}}\nhttp {{ access_log off;\n"
                          f"server {{ listen 127.0.0.1:{live.free_port()}; }} }}\n")
        subprocess.run(["nginx", "-c", str(config)], check=True, timeout=20,
                       env={**os.environ, **stage.environment, "RINGSIDE_SERVICE": "daemon",
                            "LD_PRELOAD": str(live.find_program("libringside.so"))})
        stage.things.append(self)
        self.pid = int(live.wait_for("its pid", lambda: (self.folder / "nginx.pid").read_text(), 5))

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
            live.end_process(self.pid, 5)


def daemons(agent, stage):
    """Its parent is over at once: that is no end, and its child no restart."""
    for i in range(4):
        daemon = Daemon(stage, f"daemon{i}")
        live.wait_for("it", lambda: known(agent, "service=daemon"), 15, 0.2)
        time.sleep(2.2)
        told = agent.metrics("?service=daemon")["incidents"]
        expect(told["restarts"] == i, f"a daemon, {i} times anew: {told}")
        daemon.stop()
        time.sleep(0.5)


def main():
    live.need_root_and("nginx")
    signal.alarm(250)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        state = facility(agent, "mark_victim")
        expect(state["state"] == "notNeeded", f"without a target: {state}")
        seat = Seat(stage, "seat")
        with contextlib.suppress(TimeoutError):
            watched(agent, seat)
        state = facility(agent, "block_bio_queue")
        if state["state"] == "refused":
            live.skip(f"the kernel refuses: {state['errno']}, {state['reason']}")
        expect(state["state"] == "loaded", f"with a target: {state}")
        # services of their own each, and they mostly wait for the next look
        stage.at_once(lambda: of_disks(agent, stage, seat), *(functools.partial(part, agent, stage) for
                      part in (network, elsewhere, kills, restarts, daemons)))
        dropped = [facility(agent, x)["dropped"] for x in ("mark_victim", "block_rq_complete")]
        expect(dropped == [0, 0], f"lost: {dropped}")
        seat.stop()
        try:
            live.wait_for("the end", lambda: facility(agent, "block_bio_queue")["state"]
                          == "notNeeded", 25, 0.2)
            expect(True, "some seconds after the last target the probes go again")
        except TimeoutError:
            expect(False, f"without a target: {facility(agent, 'block_bio_queue')}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
