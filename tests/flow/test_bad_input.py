#!/usr/bin/env python3
"""Each kind of bad input has its own clear message or counter, and loses nothing else."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

wrong = []

# A process that carries something that only looks like a segment.
IMPOSTOR = """
import ctypes, fcntl, mmap, os, sys, time
fd = os.memfd_create("ringside", os.MFD_ALLOW_SEALING)
os.ftruncate(fd, int(sys.argv[1]))
if sys.argv[2] == "seal":
    fcntl.fcntl(fd, 1033, 1 | 2 | 4)
kept = mmap.mmap(fd, 4096)
kept[:8] = b"RNGSIDE1"
os.close(fd)
time.sleep(60)
"""

# A server that answers garbage to a path, and properly to any other.
SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        request = connection.recv(4096)
        if b"/garbage" in request:
            connection.sendall(b"\\x16\\x03\\x01 this is no HTTP\\r\\n\\r\\n" * 20)
        else:
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
"""


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def run(stage, *arguments, code, says):
    """ringsided with these arguments ends with this code and says this."""
    out = subprocess.run([live.find_program("ringsided"), "--run-dir", stage.folder / "other-run",
                          "--state-dir", stage.folder / "other-state", *map(str, arguments)],
                         capture_output=True, text=True, timeout=10, check=False,
                         env={k: v for k, v in os.environ.items() if k != "RINGSIDE_RUN_DIR"})
    said = out.stdout + out.stderr
    expect(out.returncode == code and re.search(says, said),
           f"{' '.join(map(str, arguments))[-60:]}: {out.returncode}, {said.strip()[:200]}")


def command_line(stage, agent):
    run(stage, "--nonsense", code=2, says="unknown option '--nonsense'.*--help")
    run(stage, "extra", code=2, says="unexpected argument 'extra'")
    run(stage, "--listen", code=2, says="needs a value")
    run(stage, "--listen", "nowhere", code=1, says=r"--listen: http\.listen: must be an address and port")
    run(stage, "--listen", f"127.0.0.1:{agent.port}", "--socket", "none", code=1,
        says=f"cannot listen on 127.0.0.1:{agent.port}: Address already in use")
    run(stage, "--user", "no-such-user", code=1, says="no such user: no-such-user")
    out = subprocess.run([live.find_program("ringsided"), "--run-dir", stage.run_dir, "--state-dir",
                          stage.state_dir, "--listen", "none"], capture_output=True, text=True,
                         timeout=10, check=False)
    expect(out.returncode == 1 and "another agent runs in" in out.stderr,
           f"a second agent in the same run directory: {out.returncode}, {out.stderr.strip()}")


def configuration(stage):
    file = stage.folder / "bad.json"

    def read(text, code, says):
        file.write_text(text)
        run(stage, "--check-config", "--config", file, code=code, says=says)
    read('{"http": {"listen": "none"}}\n', 0, "configuration is good")
    read('{\n "http": {\n  "lisen": "none"\n }\n}', 1,
         r"bad\.json:3: http\.lisen: unknown key.*http\.listen")
    read('{\n "log": {"level": "loud"}}', 1, r"bad\.json:2: log\.level: ")
    read('{\n "requests": {"slow_warning": "10s"}}', 1, r"bad\.json:2: requests\.slow_warning: ")
    read('{\n "cpu": {"warning": 170}}', 1, r"bad\.json:2: cpu\.warning: ")
    read('{\n "http": \n', 1, r"bad\.json:\d+: ")
    read("[]", 1, r"bad\.json:1: ")
    run(stage, "--check-config", "--config", stage.folder / "absent.json", code=1,
        says=r"absent\.json cannot be read: No such file")
    run(stage, "--check-config", "--config", stage.folder, code=1, says="directory")


def unprivileged(stage):
    """Without a capability it runs as far as it can, and says what is missing."""
    home = stage.folder / "unprivileged"
    home.mkdir()
    os.chown(home, 65534, 65534)
    port = live.free_port()
    other = live.Process(stage, [
        "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
        live.find_program("ringsided"), "--listen", f"127.0.0.1:{port}", "--config",
        stage.folder / "ringside.json", "--run-dir", home / "run", "--state-dir", home / "state"],
        stage.folder / "unprivileged.log")
    try:
        live.wait_for("an agent without privileges",
                      lambda: live.fetch(port, "/readyz")[0] == 200, 5)
        parts = json.loads(live.fetch(port, "/api/health")[2])["data"]["parts"]
        part = next((p for p in parts if p["name"] == "privileges"), {})
        expect(part.get("status") == "degraded" and "CAP_BPF" in part.get("reason", ""),
               f"without capabilities: {part}")
    except TimeoutError:
        expect(False, f"without capabilities: {other.said()[-300:]}")
    other.stop()


def segments(agent, stage):
    """A segment that fails its acceptance is refused with its reason; its process goes on."""
    impostors = [live.Process(stage, [sys.executable, "-c", IMPOSTOR, size, seal],
                              stage.folder / "impostor.log", stage.environment)
                 for size, seal in ((8192, "seal"), (1 << 23, "no"))]

    def refused():
        part = next(p for p in agent.get("/api/health")["parts"] if p["name"] == "segments")
        return re.search(r"[1-9]\d* refused", part["reason"] or "")
    try:
        live.wait_for("a refusal", refused, 10, 0.2)
        expect(True, "a false segment is refused")
    except TimeoutError:
        expect(False, f"a false segment is refused: {agent.get('/api/health')['parts']}")
    expect(all(i.popen.poll() is None for i in impostors), "the impostors go on")
    for impostor in impostors:
        impostor.stop()


def talk(port, data, seconds=7):
    """The reply to raw bytes, until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        reply = b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                reply += piece
        return reply


def requests(agent):
    head = b"GET /healthz HTTP/1.1\r\nConnection: close\r\n"
    for name, data, status in (
            ("no request", b"nonsense\r\n\r\n", rb"400|^$"),
            ("no Host", head + b"\r\n", rb" 40[03]"),
            ("a foreign Host", head + b"Host: evil.example\r\n\r\n", rb" 403"),
            ("two Hosts", head + b"Host: localhost\r\nHost: evil.example\r\n\r\n", rb" 40[03]"),
            ("a foreign Origin", head + b"Host: localhost\r\nOrigin: http://evil.example\r\n\r\n",
             rb" 403"),
            ("a head too long", head + b"Host: localhost\r\nX: " + b"x" * 100000 + b"\r\n\r\n",
             rb" 4(31|13|14)|^$"),
            ("half a head", b"GET /healthz HT", rb"^$| 408")):
        reply = talk(agent.port, data)
        first = reply.split(b"\r\n", 1)[0]
        expect(re.search(status, first), f"{name}: {first[:80]!r}")
        if b" 403" in first:
            body = json.loads(reply.split(b"\r\n\r\n", 1)[1])
            expect(body["success"] is False and body["error"]["message"],
                   f"{name}: {body['error']}")
    for path, code in (("/api/performance/metrics?window=5x", 400), ("/api/nothing", 404),
                       ("/api/performance/metrics?windw=5m", 400),
                       ("/api/performance/metrics?service=nobody", 404),
                       ("/api/services?limit=100000", 400), ("/api/requests/slow", 401)):
        status, _, body = live.fetch(agent.port, path)
        error = json.loads(body)["error"]
        expect(status == code and error["message"], f"{path}: {status} {error}")
    expect(live.fetch(agent.port, "/healthz")[0] == 200, "the API answers on")


def garbage(agent, stage):
    """What a server answers that is no HTTP is counted as not parsed, the rest as ever."""
    port = live.free_port()
    server = live.Process(stage, [sys.executable, "-c", SERVER, port], stage.folder / "server.log",
                          {**stage.environment, "RINGSIDE_SERVICE": "garbage",
                           "LD_PRELOAD": str(live.find_program("libringside.so"))})
    request = "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    live.wait_for("the server", lambda: talk(port, request.format("/good").encode()), 5)
    for path in ("/garbage", "/good", "/good"):
        talk(port, request.format(path).encode())

    def seen():
        with contextlib.suppress(RuntimeError):
            document = agent.metrics("?service=garbage")
            return document if document["capture"]["unparsed"] >= 1 and \
                document["status"]["2xx"] == 3 else None
        return None
    try:
        document = live.wait_for("the garbage to be counted", seen, 5, 0.2)
        expect(document["status"]["5xx"] == 0, f"garbage: {document['capture']}")
    except TimeoutError as error:
        expect(False, f"garbage: {error} {live.fetch(agent.port, '/api/capture')[2][:2000]}")
    server.stop()


def main():
    live.need_root_and("setpriv")
    signal.alarm(120)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        command_line(stage, agent)
        configuration(stage)
        unprivileged(stage)
        segments(agent, stage)
        requests(agent)
        garbage(agent, stage)
        expect(agent.popen.poll() is None, "the agent runs on")
        time.sleep(0.1)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
