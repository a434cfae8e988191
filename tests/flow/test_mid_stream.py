#!/usr/bin/env python3
"""A connection that is taken over in its middle is told as that, and what follows on it is counted.

One process reads a request, or a part of it, and hands the connection to a watched one by
SCM_RIGHTS, which answers; or it turns into another program by exec. Files and pipes that get the
same bytes are no connections at all.
"""
import array
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"

CUT, EXECS, EXECED = 1, 2, 3  # how it goes on: an answer in pieces, by exec, and behind it

# what the first process reads, what comes later, requests behind it; counted, told
SCENES = {
    "no connection": (None, b"", 0, 0, 0),
    "answer first": (HEAD, b"", 0, 0, 1),
    "half a head": (HEAD[:18], HEAD[18:], 0, 0, 1),
    "the end of a head": (HEAD[:-2], HEAD[-2:], 2, 2, 1),
    "half a body": (POST + b"01234", b"56789", 0, 0, 1),
    "more behind": (HEAD, b"", 3, 3, 1),
    "not begun": (b"", HEAD, 2, 3, 0),
    "a cut answer": (HEAD, b"", 0, 0, 1),
    "exec": (HEAD, b"", 0, 0, 1),
    "exec, half a head": (HEAD[:18], HEAD[18:], 0, 0, 1),
    "exec, more behind": (HEAD, b"", 3, 3, 1),
    "exec, not begun": (b"", HEAD, 2, 3, 0),
    "a file": ("file", b"", 0, 0, 0),
    "a pipe": ("pipe", b"", 0, 0, 0),
}


def work(link, later, more, cut):
    """The watched process: takes a connection over, or writes to what is none."""
    if cut == EXECED:
        answer(link, later, more, cut)
    elif link < 0:
        fd = os.open("answer", os.O_WRONLY | os.O_CREAT)
        os.write(fd, ANSWER)
        os.write(os.pipe()[1], ANSWER)
    else:
        _, messages, _, _ = socket.socket(fileno=link).recvmsg(1, socket.CMSG_SPACE(4))
        fd = array.array("i", messages[0][2])[0]
        if cut == EXECS:
            os.set_inheritable(fd, True)
            os.execv(sys.executable, [sys.executable, "-B", __file__, str(fd), str(later),
                                      str(more), str(EXECED)])
        answer(fd, later, more, cut)
    print("done", flush=True)
    sys.stdin.read()


def answer(fd, later, more, cut):
    got = b""
    while len(got) < later:
        got += os.read(fd, 1000)
    os.writev(fd, [ANSWER[:3], ANSWER[3:]] if cut == CUT else [ANSWER])
    for _ in range(more):
        os.read(fd, 1000)
        os.write(fd, ANSWER)
    os.close(fd)


def send(ends, fd):
    ends.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])


def hand_over(ends, what, folder):
    """What is no connection, and gets an answer written all the same."""
    fds = os.pipe() if what == "pipe" else [os.open(folder / "kept", os.O_RDWR | os.O_CREAT)]
    send(ends, fds[-1])
    if what == "pipe":
        os.read(fds[0], len(ANSWER))
    for fd in fds:
        os.close(fd)


def converse(ends, scene):
    first, later, more, _, _ = scene
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname(), timeout=10)
    served, _ = listener.accept()
    client.sendall(first)
    got = b""
    while len(got) < len(first):
        got += served.recv(len(first) - len(got))
    client.sendall(later)
    send(ends, served.fileno())
    served.close()
    for turn in range(1 + more):
        if turn:
            client.sendall(HEAD)
        reply = b""
        while len(reply) < len(ANSWER):
            reply += client.recv(1000)
        if reply != ANSWER:
            raise RuntimeError(f"answered {reply!r}")
    client.close()


def told_of(agent, pid):
    """(requests counted, connections said to be in their middle) of a process, None: not seen yet"""
    for row in agent.get("/api/capture")["processes"]:
        if row["pid"] == pid:
            others = sum(row["unparsed"].values()) - row["unparsed"]["midStream"]
            if others:
                raise RuntimeError(f"other reasons: {row['unparsed']}")
            return agent.metrics(f"?pid={pid}")["responseTimes"]["count"], \
                row["unparsed"]["midStream"]
    return None


def play(stage, agent, name, scene):
    """True: it was counted and told as it should be."""
    first, later, more, counted, told = scene
    ends, link = socket.socketpair()
    service = name.replace(" ", "-")
    environment = {**os.environ, **stage.environment, "RINGSIDE_SERVICE": service,
                   "LD_PRELOAD": str(live.find_program("libringside.so"))}
    process = subprocess.Popen(
        [sys.executable, "-B", __file__, str(-1 if first is None else link.fileno()),
         str(len(later)), str(more),
         str(CUT if "cut" in name else EXECS if "exec" in name else 0)], env=environment, pass_fds=[link.fileno()], cwd=stage.folder,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=live.dies_with_us)
    try:
        if isinstance(first, str):
            hand_over(ends, first, stage.folder)
        elif first is not None:
            converse(ends, scene)
        process.stdout.readline()
        live.wait_for(service, lambda: told_of(agent, process.pid) is not None, 10, 0.1)
        for _ in range(30):
            time.sleep(0.1)
            if told_of(agent, process.pid) == (counted, told):
                break
        time.sleep(0.6)  # one tick more: what is counted twice shows now
        got = told_of(agent, process.pid)
    finally:
        process.stdin.close()
        process.wait(10)
    print(f"{'ok   ' if got == (counted, told) else 'WRONG'} {name}: {got[0]} counted, "
          f"{got[1]} told (wanted {counted}, {told})")
    return got == (counted, told)


def main():
    if len(sys.argv) == 5:
        return work(*map(int, sys.argv[1:]))
    live.need_root_and()
    signal.alarm(120)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        good = [play(stage, agent, name, scene) for name, scene in SCENES.items()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
