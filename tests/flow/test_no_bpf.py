#!/usr/bin/env python3
"""An agent that the kernel gives no probes does everything else: preloaded servers are counted exactly,
processes that are attached tell CPU and memory, and health and the doctor say what is refused, and why.
"""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

WITHOUT = ["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin"]
TOTAL = 3000
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what, flush=True)
    if not fact:
        wrong.append(what)


class Confined(live.Agent):
    def __init__(self, stage):
        self.port, self.stage = stage.agent_port, stage
        live.Process.__init__(self, stage, [
            *WITHOUT, live.find_program("ringsided"), "--listen", f"127.0.0.1:{self.port}",
            "--config", stage.folder / "ringside.json", "--run-dir", stage.run_dir,
            "--state-dir", stage.state_dir], stage.folder / "agent.log", stage.environment)


def ringside(stage, *words):
    return subprocess.run([*WITHOUT, live.find_program("ringside"), *map(str, words)], text=True,
                          capture_output=True, timeout=60, check=False,
                          env={**os.environ, **stage.environment})


def refused(agent):
    known = live.wait_for("facilities", lambda: agent.get("/api/health")["facilities"], 10, 0.1)
    states = {f["state"] for f in known}
    expect("loaded" not in states and "refused" in states, f"facilities: {states}")
    expect(all(f["errno"] in ("EPERM", "EACCES") and "CAP_BPF" in f["reason"]
               for f in known if f["state"] == "refused"), "each with errno and the likely reason")


def preloaded(stage, agent):
    nginx = stage.nginx()
    for pid in nginx.workers():
        live.wait_for("its ledger", lambda p=pid: any(
            x["pid"] == p for x in agent.get("/api/capture")["processes"]), 10, 0.1)
    sent = live.ab(f"http://127.0.0.1:{nginx.port}/index.html", TOTAL, "-k")["complete"]
    wanted = sent + nginx.own_requests
    count = agent.wait_for_count(wanted, 10, "?service=nginx")["responseTimes"]["count"]
    expect(count == wanted, f"preloaded: {count} of {wanted} are counted")
    told = live.wait_for("their CPU and memory", lambda: (m := agent.metrics("?service=nginx")) and
                         m["memory"]["rss"] and m["cpu"]["userMs"] and m, 10, 0.2)
    expect(told["memory"]["rss"] > 1 << 20, f"with their CPU, {told['cpu']['userMs']} ms, and memory")


def attached(stage, agent):
    bare = live.Process(stage, [sys.executable, "-c", "while True: sum(range(100000))"],
                        stage.folder / "bare.log")
    done = ringside(stage, "attach", bare.pid)
    expect(done.returncode == 0, f"attach: {done.returncode} {done.stdout}{done.stderr}")

    def numbers():
        if live.fetch(agent.port, f"/api/performance/metrics?pid={bare.pid}")[0] != 200:
            return None
        told = agent.metrics(f"?pid={bare.pid}")
        return told if (told["cpu"]["userMs"] or 0) > 100 else None
    told = live.wait_for("its CPU time", numbers, 15, 0.2)
    expect(told["memory"]["rss"] > 1 << 20, f"attached: {told['cpu']['userMs']} ms of CPU, and memory")
    bare.stop()


def doctor(stage):
    checks = json.loads(ringside(stage, "doctor", "--json").stdout)["checks"]
    probes = [c for c in checks if c["name"] == "ebpf"]
    expect(probes and all(c["status"] == "warn" and "refused" in c["found"] and c["advice"]
                          for c in probes), f"the doctor: {[c['found'][:60] for c in probes][:3]}")
    expect({"profile", "snapshot", "runtime"} <= {c["found"].partition(":")[0] for c in probes},
           "of profiles and runtimes too")


def main():
    live.need_root_and("nginx", "ab", "setpriv")
    signal.alarm(150)
    with live.Stage() as stage:
        agent = Confined(stage).wait("/readyz")
        refused(agent)
        preloaded(stage, agent)
        attached(stage, agent)
        doctor(stage)
        expect(not [p for p in agent.get("/api/health")["parts"] if p["status"] == "unhealthy"],
               "no part of it is unhealthy")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
