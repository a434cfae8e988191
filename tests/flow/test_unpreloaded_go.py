#!/usr/bin/env python3
"""TLS of Go programs, attached, however they were built: each request counted once; and the names of
their functions, where their symbols were stripped."""
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from bare import GO_SEAT, build_go, expect, facilities, states, wrong
from test_unpreloaded_tls import SET, TOTAL, answers, attach_tls, certify, counted

STRIP = ("-ldflags", "-s -w")


def without_sections(program):
    """What is left is what the kernel loads."""
    bare = program.with_name(program.name + "-loaded")
    image = bytearray(program.read_bytes())
    image[0x28:0x30] = bytes(8)  # where they are
    image[0x3a:0x40] = bytes(6)  # and how many
    bare.write_bytes(image)
    bare.chmod(0o755)
    return bare


def builds(stage):
    """(what it is, program): another file each, which is looked into on its own."""
    program = build_go(stage, "seat", GO_SEAT)
    if not program:
        live.skip("no Go here")
    yield "as it is", program
    stripped = build_go(stage, "seat-stripped", GO_SEAT, *STRIP)
    yield "stripped", stripped
    yield "stripped, and without sections", without_sections(stripped)
    yield "stripped, and put anywhere", build_go(stage, "seat-pie", GO_SEAT, *STRIP, "-buildmode=pie")


def load(stage, port, total):
    """How many were sent."""
    body = stage.folder / "go-body"
    body.write_bytes(b"x" * 40000)
    sent = 0
    for path, options in (("/go/a", ("-k",)), ("/no", ("-k",)), ("/long", ("-k",)),
                          ("/go/p", ("-k", "-p", str(body))), ("/go/b", ())):
        done = live.ab(f"https://127.0.0.1:{port}{path}",
                       total // (5 if "-k" in options else 20), *options)
        expect(done["failed"] == 0, f"Go {path}: {done}")
        sent += done["complete"]
    if shutil.which("h2load"):
        out = subprocess.run(["h2load", "-n", str(total), "-c", "10", "-m", "10",
                              f"https://127.0.0.1:{port}/go/2"], capture_output=True, text=True,
                             timeout=120, check=False)
        expect(f"{total} succeeded" in out.stdout, f"h2load: {out.stdout[-300:]}")
        sent += total
    return sent


def named(stage, port, server, what):
    """Its stacks, while it works, are those of Go's functions."""
    work = subprocess.Popen(["ab", "-q", "-t", "30", "-n", "1000000", "-c", "4",
                             f"https://127.0.0.1:{port}/go/a"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, preexec_fn=live.dies_with_us)
    try:
        done = subprocess.run([live.find_program("ringside"), "profile", "cpu", str(server.pid),
                               "--seconds", "3", "--format", "collapsed"], text=True,
                              capture_output=True, timeout=60, check=False,
                              env={**os.environ, **stage.environment})
    finally:
        work.kill()
        work.wait()
    names = {name.partition(".abi0")[0] for line in done.stdout.splitlines()
             for name in line.rpartition(" ")[0].split(";")}
    missing = {"runtime.goexit", "net/http.(*conn).serve",
               "crypto/tls.(*Conn).handshakeContext"} - names
    expect(done.returncode == 0 and not missing,
           f"Go, {what}: its frames have names {done.stderr}{missing or ''}")


def part(stage, agent, what, program, files):
    port = live.free_port()
    server = live.Process(stage, [program, port, *files], stage.folder / f"{program.name}.log")
    live.wait_for("the Go server", lambda: answers(port, "/go/up") == "200", 10)
    attach_tls(stage, agent, [server.pid])
    sent = load(stage, port, TOTAL if what == "as it is" else TOTAL // 4)
    _, classes, _ = counted(agent, [server.pid], 0, sent, f"Go, {what}")
    expect("aborted" not in classes, "none of them was aborted")
    names = {name for name, row in facilities(agent, SET).items() if row["state"] == "loaded"}
    expect({"go_call", "go_return"} <= names, f"loaded: {sorted(names)}")
    named(stage, port, server, what)
    server.stop()


def main():
    live.need_root_and("ab", "openssl", "curl")
    signal.alarm(840 if live.FULL else 290)
    with live.Stage() as stage:
        key, certificate = certify(stage.folder)
        agent = stage.agent().wait("/readyz")
        live.wait_for("facilities", lambda: states(agent, SET), 8, 0.1)
        for what, program in builds(stage):
            part(stage, agent, what, program, (certificate, key))
    if wrong:
        sys.exit(1)


main()
