#!/usr/bin/env python3
"""Secrets of many kinds by HTTP/1, HTTP/2 and TLS: none comes where we could show it.

No secret is in the segment, be it that no agent ever came, that it stands still and takes nothing
out, or that it is at work; nor in any reply of the API, the metrics, the logs, the saved state, or
what the command prints. Secrets are looked for as they are, and as HTTP/2 packs them. Paths are no
secret: they are what is shown.
"""
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

SECRET = "sEcReT"  # each secret begins with it, and has a word of its own
LONG = "x" * 140   # of a path only so much is kept as 128 bytes hold
TAIL = "-0123456789abcdef"

# The codes of RFC 7541 appendix B that our secrets need: by length, the first one and its symbols.
CODES = {char: f"{first + i:0{length}b}" for length, first, chars in (
    (5, 0, "012aceiost"), (6, 0x14, " %-./3456789=A_bdfghlmnpru"),
    (7, 0x5c, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz")) for i, char in enumerate(chars)}

CONFIG = """\
	server {{
		listen 127.0.0.1:{tls} ssl http2;
		ssl_certificate {folder}/both.pem;
		ssl_certificate_key {folder}/both.pem;
		root {folder}/www;
		location = /post {{ return 200 "posted\\n"; }}
		location /error {{ return 503; }}
	}}
}}
"""

PATHS = ("/api/health", "/api/capture", "/api/services", "/api/processes", "/api/routes?limit=1000",
         "/api/requests/slow", "/api/requests/inflight", "/api/performance/metrics",
         "/api/performance/timeseries?metric=requests.rate", "/api/memory", "/api/config",
         "/api/openapi.json", "/metrics", "/healthz", "/readyz")


def secret(word):
    return f"{SECRET}-{word}{TAIL}"


def packed(text):
    """The bytes that lie within its code, wherever that begins."""
    bits = "".join(CODES[char] for char in text)
    for skip in range(8):
        whole = bits[skip:len(bits) - (len(bits) - skip) % 8]
        if len(whole) >= 32:  # shorter ones may be anything
            yield int(whole, 2).to_bytes(len(whole) // 8, "big")


NEEDLES = [SECRET.encode(), *packed(SECRET), *packed(TAIL)]


def fields(way):
    """Header fields with a secret each; short ones travel in a record's head."""
    return {"Cookie": f"session={secret(way + 'cookie')}", "Authorization": f"Bearer {secret(way)}",
            "X-Password": secret(way + "password"), "X-S": SECRET,
            "Referer": f"http://h/?q={secret(way + 'referer')}"}


def curl(*arguments):
    """It may not like the answer: what nginx has logged was sent."""
    subprocess.run(["curl", "-sk", "-o", os.devnull, *arguments], timeout=20, check=False)


def load(nginx, tls):
    """Every kind of place, by each protocol."""
    for way, options, url in (("plain", (), f"http://127.0.0.1:{nginx.port}"),
                              ("h2c", ("--http2-prior-knowledge",), f"http://127.0.0.1:{nginx.port2}"),
                              ("tls", ("--http1.1",), f"https://127.0.0.1:{tls}"),
                              ("h2", ("--http2",), f"https://127.0.0.1:{tls}")):
        headers = [x for k, v in fields(way).items() for x in ("-H", f"{k}: {v}")]
        for _ in range(3):
            curl(*options, *headers, f"{url}/index.html?token={secret(way + 'query')}")
            curl(*options, *headers, f"{url}/index.html?token={SECRET}")
            curl(*options, *headers, "-u", f"user:{secret(way + 'basic')}", "-d",
                 f"password={secret(way + 'body')}", f"{url}/post")
            curl(*options, f"{url}/{LONG}{secret(way + 'tail')}")
            curl(*options, f"{url}/error#{secret(way + 'fragment')}")
            if "2" in way:
                curl(*options, *headers, f"{url}/http2/only?token={secret(way + 'only')}")
    raw_http2(nginx.port2)
    with socket.create_connection(("127.0.0.1", nginx.port), 5) as peer:  # no HTTP at all
        peer.sendall(f"AUTH {secret('garbage')}\r\n\r\n".encode())
        peer.recv(100)


def raw_http2(port):
    """Literals that no code hides: by Huffman's a search would find nothing."""
    def literal(name, value):
        return (b"\x10" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode())
    block = b"\x82\x86\x41\x01h\x04" + bytes([len(f"/raw?{SECRET}")]) + f"/raw?{SECRET}".encode()
    for k, v in fields("raw").items():
        block += literal(k.lower(), v)
    head = len(block).to_bytes(3, "big") + b"\1\5\0\0\0\1"
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + head + block)
        for stream in (3, 5):  # short: its bytes lie in the record's head
            short = b"\x82\x86\x84\x00\x01k" + bytes([len(SECRET)]) + SECRET.encode()
            peer.sendall(len(short).to_bytes(3, "big") + b"\1\5" + stream.to_bytes(4, "big") + short)
        peer.settimeout(1)
        try:
            while peer.recv(65536):
                pass
        except TimeoutError:
            pass


def segments(pid):
    """The bytes of each segment that a process has mapped."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        place, _, offset, _, _, *name = line.split(None, 5)
        if name and name[0].startswith("/memfd:ringside") and int(offset, 16) == 0:
            yield Path(f"/proc/{pid}/map_files/{place}").read_bytes()


def look(stage, agent, nginx):
    """Where a secret is: names of places."""
    def places():
        for pid in proc_pids(nginx):
            for i, data in enumerate(segments(pid)):
                yield f"segment {i} of {pid}", data
        for path in PATHS:
            yield path, live.fetch(agent.port, path)[2]
        for file in (*stage.state_dir.rglob("*"), stage.folder / "agent.log",
                     stage.folder / "ringside.json", *stage.run_dir.rglob("*")):
            if file.is_file():
                yield str(file), file.read_bytes()
        for verb in ("ps", "doctor"):
            done = subprocess.run([live.find_program("ringside"), verb], capture_output=True,
                                  env={**os.environ, **stage.environment}, timeout=20, check=False,
                                  stdin=subprocess.DEVNULL)
            yield f"ringside {verb}", done.stdout + done.stderr
    seen, paths = 0, 0
    for place, data in places():
        seen += len(data)
        paths += b"/index.html" in data and place.startswith("segment")
        for needle in NEEDLES:
            if needle in data:
                at = data.index(needle)
                yield f"{place}: {data[max(0, at - 40):at + 60]!r}"
    print(f"{seen} bytes were looked through; a path is in {paths} segments")
    if not paths:
        yield "nothing: no segment has what it must have"


def look_at_segments(what, nginx):
    """Of what moves by HTTP/2 alone, with nobody who would take it out."""
    found, paths = [], 0
    for pid in proc_pids(nginx):
        for i, data in enumerate(segments(pid)):
            paths += b"/http2/only" in data
            found += [f"{what}: segment {i} of {pid} at {data.index(needle)}: {needle!r}"
                      for needle in NEEDLES if needle in data]
    print(f"{what}: a path of HTTP/2 is in {paths} segments, {len(found)} secrets")
    return found, paths


def look_without_agent(stage, tls):
    """It never ran: nothing is told."""
    nginx = stage.nginx("alone")
    load(nginx, tls)
    found, _ = look_at_segments("no agent", nginx)
    nginx.stop()
    return found


def look_at_stopped_agent(agent, nginx, tls):
    """What is told stays where it is."""
    family = agent.family()
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        load(nginx, tls)
        found, paths = look_at_segments("stopped", nginx)
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
    return found if paths else [*found, "stopped: no segment has what it must have"]


def proc_pids(nginx):
    return [nginx.pid, *nginx.workers()]


def main():
    live.need_root_and("nginx", "curl", "openssl")
    signal.alarm(120)
    with live.Stage() as stage:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=h", "-keyout", stage.folder / "key.pem",
                        "-out", stage.folder / "cert.pem"], capture_output=True, check=True)
        tls = live.free_port()
        pattern = re.compile(r"\}\}\n$")
        live.NGINX_CONF = pattern.sub("", live.NGINX_CONF) + CONFIG.replace("{tls}", str(tls))
        for name in ("alone", "nginx"):
            (stage.folder / name).mkdir()
            (stage.folder / name / "both.pem").write_bytes(
                (stage.folder / "key.pem").read_bytes() + (stage.folder / "cert.pem").read_bytes())
        kept = look_without_agent(stage, tls)
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx()
        time.sleep(1.5)
        kept += look_at_stopped_agent(agent, nginx, tls)
        load(nginx, tls)
        lines = len(nginx.lines())
        document = agent.wait_for_count(lines, 6)
        count = document["responseTimes"]["count"]
        time.sleep(2)  # until it was saved
        found = kept + list(look(stage, agent, nginx))
    print(f"{lines} logged, {count} counted, {len(found)} places have a secret")
    print("\n".join(found))
    return 0 if count >= lines > 50 and not found else 1


if __name__ == "__main__":
    sys.exit(main())
