"""Servers without the library, attached: what several tests ask of the agent about them.

With the argument "syscalls" the agent watches them by system calls, as where the kernel refuses the
probes of sockets.
"""
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

SYSCALLS = "syscalls" in sys.argv[1:]
HTTP = "calls" if SYSCALLS else "http"
GO_CACHE = live.BIN.parent / "go"  # one for all: Go's own library takes longer than any test here
wrong = []

# Its arguments: a port, and a certificate with its key where TLS is wanted.
GO_SEAT = """\
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/go/", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d bytes, ringside seat\\n", n)
	})
	http.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 8; i++ {
			fmt.Fprintf(w, "%02000d", i)
			w.(http.Flusher).Flush()
		}
	})
	http.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(204)
	})
	at := "127.0.0.1:" + os.Args[1]
	if len(os.Args) > 2 { // certificate and key
		panic(http.ListenAndServeTLS(at, os.Args[2], os.Args[3], nil))
	}
	panic(http.ListenAndServe(at, nil))
}
"""


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def ringside(stage, *words):
    done = subprocess.run([live.find_program("ringside"), *map(str, words)], text=True,
                          capture_output=True, timeout=30, check=False,
                          env={**os.environ, **stage.environment})
    expect(done.returncode == 0, f"ringside {words[0]}: {done.returncode} {done.stderr.strip()}")


def start_agent(stage):
    if SYSCALLS:
        (stage.folder / "ringside.json").write_text('{"capture": {"http": "syscalls"}}\n')
    agent = stage.agent().wait("/readyz")
    live.wait_for("facilities", lambda: facilities(agent), 8, 0.1)
    return agent


def facilities(agent, of=HTTP):
    return {row["name"]: row for row in agent.get("/api/health")["facilities"]
            if row["set"] == of}


def dropped(agent):
    return max(row["dropped"] or 0 for row in facilities(agent).values())


def states(agent, of=HTTP):
    return {row["state"] for row in facilities(agent, of).values()}


def wait_states(agent, wanted, what, of=HTTP):
    try:
        live.wait_for(what, lambda: states(agent, of) <= wanted, 8, 0.1)
        expect(True, what)
    except TimeoutError:
        expect(False, f"{what}: {facilities(agent, of)}")


def build_go(stage, name, source, *options, libc=False):
    """A program; without a C library nothing can be preloaded into it. None: there is no Go here."""
    if not shutil.which("go"):
        print("skipped: no Go here")
        return None
    text, program = stage.folder / f"{name}.go", stage.folder / name
    text.write_text(source)
    subprocess.run(["go", "build", *options, "-o", program, text], check=True, timeout=280,
                   env={**os.environ, "CGO_ENABLED": str(int(libc)), "GOCACHE": str(GO_CACHE),
                        "GO111MODULE": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"})
    return program


def attach(stage, agent, pids):
    for pid in pids:
        ringside(stage, "attach", pid)
    for pid in pids:  # a child of an unwatched process is found within 11 seconds
        live.wait_for(f"{pid} watched", lambda p=pid: live.fetch(
            agent.port, f"/api/performance/metrics?pid={p}")[0] == 200, 20, 0.1)
    live.wait_for("the probes", lambda: states(agent) <= {"loaded", "refused"}, 8, 0.1)
    if "refused" in states(agent):
        live.skip(f"the kernel refuses: {facilities(agent)}")
    time.sleep(1.2)  # what was open before is marked, and the worker reads the ring


def told(agent, pids, count, what):
    """The numbers of some processes, together."""
    documents = lambda: [agent.metrics(f"?pid={p}&window=1h") for p in pids]
    count_of = lambda: sum(row["responseTimes"]["count"] for row in documents())
    try:
        live.wait_for(what, lambda: count_of() >= count, 8, 0.1)
    except TimeoutError:
        pass
    time.sleep(1.2)  # a request counted twice shows now
    rows = documents()
    classes = live.collections.Counter()
    for row in rows:
        classes.update({k: v for k, v in row["status"].items() if v})
    return sum(row["responseTimes"]["count"] for row in rows), dict(classes), rows
