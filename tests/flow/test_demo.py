#!/usr/bin/env python3
"""The demo's own part: it prints what both sides counted, the same number, and leaves nothing."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import live

wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def demo(folder, *options):
    return subprocess.Popen([sys.executable, "-B", TOOLS / "demo.py", *options], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={**os.environ, "TMPDIR": str(folder)},
                            preexec_fn=live.dies_with_us)


def once(folder):
    run = demo(folder, "--seconds", "1")
    said = run.communicate(timeout=120)[0]
    expect(run.returncode == 0, f"exit code {run.returncode}")
    counted = re.search(r"requests\s+([\d,]+)\s+nginx's own log: ([\d,]+)", said)
    expect(counted and counted.group(1) == counted.group(2) and counted.group(1) != "0",
           f"counted and logged: {counted.groups() if counted else said[-2000:]}")
    for fact in ("p50 / p95 / p99", "errors", "CPU", "memory", "wrk counted", "bare", "ns watched",
                 "curl http://127.0.0.1:"):
        expect(fact in said, f"it prints '{fact}'")
    expect("unknown" not in said, "every value is known")


def kept(folder):
    run = demo(folder, "--keep", "--seconds", "1")
    url = None
    for line in run.stdout:
        found = re.search(r"The API is at (http://127\.0\.0\.1:(\d+))", line)
        url = url or found
        if "Ctrl-C ends it" in line:
            break
    expect(url and live.fetch(int(url.group(2)), "/api/performance/metrics")[0] == 200,
           "--keep: the API answers")
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    run.stdout.read()
    expect(run.wait(30) == 130, f"--keep: Ctrl-C ends it with {run.returncode}")


def main():
    live.need_root_and("nginx", "wrk", "curl")
    signal.alarm(200)
    with live.Stage() as stage:
        folder = stage.folder / "tmp"
        folder.mkdir()
        for part in (once, kept):
            part(folder)
            left = [str(x) for x in folder.iterdir()]
            expect(not left, f"nothing is left: {left}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
