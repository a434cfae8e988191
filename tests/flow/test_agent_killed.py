#!/usr/bin/env python3
"""Killing, stopping and restarting the agent under load fails no request and loses no count."""
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

ROUNDS = 20 if live.FULL else 3
SEED = 1809  # the moments at which it strikes: the same in every run


def disturb(stage, agent, how, chance):
    """One blow to the agent; the agent that goes on."""
    if how == "stop":
        family = agent.family()
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 1.5))
        for pid in family:
            os.kill(pid, signal.SIGCONT)
        return agent
    if how == "kill":
        for pid in agent.family():
            with contextlib.suppress(ProcessLookupError):  # each takes the next one along
                os.kill(pid, signal.SIGKILL)
        agent.popen.wait()
    else:
        agent.stop(signal.SIGTERM)
    time.sleep(chance.uniform(0, 1))
    return stage.agent().wait("/readyz")


def load(port, seconds):
    """A client that goes on until it is told to stop, in a process of its own."""
    return subprocess.Popen(["ab", "-q", "-k", "-t", str(seconds), "-n", "5000000", "-c", "8",
                             f"http://127.0.0.1:{port}/index.html"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, preexec_fn=live.dies_with_us)


def run(stage):
    chance = random.Random(SEED)
    agent = stage.agent().wait("/readyz")
    nginx = stage.nginx()
    seconds = ROUNDS * 5
    client = load(nginx.port, seconds)
    for i in range(ROUNDS):
        time.sleep(chance.uniform(0.5, 1.5))
        agent = disturb(stage, agent, ("kill", "stop", "restart")[i % 3], chance)
    time.sleep(1)
    client.send_signal(signal.SIGINT)  # ab then prints what it has
    out, err = client.communicate(timeout=30)
    time.sleep(0.2)
    # the requests that ab cut off when it was told to stop are nginx's and ours alike
    logged = len(nginx.lines()) + nginx.own_requests
    document = agent.wait_for_count(logged, 10)
    times = document["responseTimes"]
    print(f"{ROUNDS} blows: logged {logged}, counted {times['count']}, status "
          f"{document['status']}, {document['capture']}")
    bad = [line for line in (out + err).splitlines()
           if line.startswith(("Failed requests", "Non-2xx")) and not line.endswith(" 0")]
    bad += [x for x in nginx.lines() if not x.startswith("200 ")]
    print("\n".join(bad[:10]) or "no request failed")
    rows = {f"{row['method']} {row['route']}": row["count"]
            for row in agent.get("/api/routes?window=1h")["routes"]}
    print(f"routes: {rows}, folded {document['capture']['folded']}")
    if "_OTHER /index.html" in rows:
        bad.append("folded requests without their method")
    return times["count"] == logged and not bad


def main():
    live.need_root_and("nginx", "ab")
    signal.alarm(250)
    with live.Stage() as stage:
        return 0 if run(stage) else 1


if __name__ == "__main__":
    sys.exit(main())
