#!/usr/bin/env python3
"""With Redis stopped, and a command on its way to it, the API answers 10,000 requests: the system
calls of the thread that serves have none of Redis's sockets, and nothing that waits but its own poll.
"""
import collections
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from redis_live import Failed, Server, check, live
from test_cache import entry
from test_cache_redis import Node

REQUESTS = 10000
LONGEST_S = 1.0  # of a call that does not wait, on a busy machine and under strace
CALL = re.compile(r"^(\d+) +[\d.]+ (?:<\.\.\. )?(\w+)(?: resumed>|\().*?(?:<([\d.]+)>)?$")


def worker_of(agent):
    """The process that has the API's socket."""
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
              if line.split()[1].endswith(f":{agent.port:04X}") and line.split()[3] == "0A"}
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in reversed(agent.family()):
        links = (Path(f"/proc/{pid}/fd") / x.name for x in Path(f"/proc/{pid}/fd").iterdir())
        if wanted & {str(x.readlink()) for x in links if x.is_symlink()} and \
                len(list(Path(f"/proc/{pid}/task").iterdir())) > 1:
            return pid
    raise Failed("no process serves the API")


def sockets_to(pid, port):
    """Those of a process that are connected to a port, as strace names them."""
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
              if line.split()[2].endswith(f":{port:04X}")}
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = str(link.readlink())
        except OSError:
            continue
        if name.startswith("socket:[") and name[8:-1] in inodes:
            found.add(f"<{name}>")
    return found


def traced(stage, pid, work):
    """What work returns, and of each thread its calls that ended meanwhile, (name, seconds), and the
    lines of its trace: where a call was interrupted by another thread's, arguments and time are in
    two of them.
    """
    out = stage.folder / "trace"
    tracer = live.Process(stage, ["strace", "-f", "-ttt", "-T", "-y", "-o", out, "-p", pid],
                          stage.folder / "strace")
    live.wait_for("strace", lambda: "attached" in tracer.said(), 10)
    try:
        result = work()
    finally:
        tracer.stop(signal.SIGINT)
    calls, lines = collections.defaultdict(list), collections.defaultdict(list)
    for line in out.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        lines[line.split(" ", 1)[0]].append(line)
        if match and match[3]:
            calls[match[1]].append((match[2], float(match[3])))
    return result, calls, lines


def asked_meanwhile(node, server):
    """Redis is stopped; what ab says of its requests while entries wait for it, and how long each of
    these took.
    """
    server.signal(signal.SIGSTOP)
    ended = threading.Event()
    waits = []

    def look():
        number = 0
        while not ended.is_set():
            number += 1
            begun = time.monotonic()
            node.ask("GET", entry(b"nobody has %d" % number))
            waits.append(time.monotonic() - begun)
    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    said = live.ab(f"http://127.0.0.1:{node.agent.port}/healthz", REQUESTS, "-k", timeout=200)
    ended.set()
    for looker in lookers:
        looker.join()
    return said, waits


def judge(calls, lines, sockets):
    serving = max(calls, key=lambda tid: sum(name == "sendmsg" for name, _ in calls[tid]))
    mine = calls[serving]
    names = collections.Counter(name for name, _ in mine)
    print(f"      the thread that serves: {dict(names.most_common(12))}")
    check(names["sendmsg"] + names["sendto"] + names["writev"] >= REQUESTS,
          "the trace has its answers")
    others = [line for tid, of in lines.items() if tid != serving for line in of]
    check(any(s in line for s in sockets for line in others),
          "another thread has Redis's sockets")
    touched = [line for line in lines[serving] if any(s in line for s in sockets)]
    check(not touched, f"none of its calls is for a socket of Redis: {touched[:3]}")
    slow = [x for x in mine if x[0] != "epoll_wait" and x[1] > LONGEST_S]
    check(not slow, f"and none waits but epoll_wait: {slow[:3]}")
    waits = {name for name in names if name in ("poll", "ppoll", "select", "pselect6", "nanosleep",
                                               "clock_nanosleep", "epoll_pwait", "connect")}
    check(not waits, f"it has no other call that could wait for a peer: {waits}")


def main():
    live.need_root_and("redis-server", "redis-cli", "strace", "ab")
    signal.alarm(280)
    with live.Stage() as stage:
        server = Server(stage)
        node = Node(stage, server)
        node.put(b"k", b"v")
        node.settle()
        pid = worker_of(node.agent)
        sockets = sockets_to(pid, server.port)
        check(sockets, f"the worker has sockets to Redis: {sockets}")
        (said, waits), calls, lines = traced(stage, pid, lambda: asked_meanwhile(node, server))
        server.signal(signal.SIGCONT)
        check(said["complete"] == REQUESTS and said["non_2xx"] == 0,
              f"{said['complete']} requests were answered while Redis was stopped")
        check(waits and max(waits) >= 0.05, f"a command was outstanding meanwhile: an entry's look took "
              f"{max(waits):.2f} s, {len(waits)} looks")
        judge(calls, lines, sockets)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"WRONG {failure}")
        sys.exit(1)
