#!/usr/bin/env python3
"""Every stream that a server logs is counted once: 100 streams on each of 10 connections.

usage: test_multiplexed.py SERVER      (--list prints the table)

A route may be unknown where the agent came too late, and that is told; none is wrong.
"""
import collections
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from client import SMALL
from multiplexed import MULTIPLEXED
from test_compat import Place, backend, certify, listens, logged, missing, site

TOTAL = 100000 if live.FULL else 5000
STREAMS, CONNECTIONS = 100, 10


def h2load(recipe, port, requests):
    """Runs it to its end; (replies by class of their status, how many got none)."""
    scheme = "https" if recipe.tls else "http"
    urls = [f"{scheme}://127.0.0.1:{port}{path}" for path in (SMALL, "/missing")]
    out = subprocess.run(["h2load", "-n", str(requests), "-c", str(CONNECTIONS),
                          "-m", str(STREAMS), *urls], capture_output=True, text=True, timeout=280,
                         check=True).stdout
    classes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
    errored = re.search(r"(\d+) errored", out)
    if not classes:
        raise RuntimeError(out)
    return collections.Counter({f"{c}xx": int(n) for c, n in zip(range(2, 6), classes.groups())
                                if int(n)}), int(errored.group(1))


def main():
    name = sys.argv[1]
    if name == "--list":
        print("\n".join(MULTIPLEXED))
        return 0
    recipe = MULTIPLEXED[name]
    live.need_root_and("openssl", "h2load")
    if missing(recipe):
        live.skip(f"needs {', '.join(missing(recipe))}")
    with live.Stage() as stage:
        certify(stage.folder)
        www = site(stage.folder)
        place = Place(stage.folder / name, www, live.free_port())
        place.folder.mkdir()
        place.folder.chmod(0o777)
        if recipe.backend:
            place.backend = backend(stage, stage.folder, www)
        agent = stage.agent().wait("/readyz")
        server = live.Process(stage, recipe.command(place), place.folder / "printed.log", {
            **stage.environment, "SITE_WWW": str(www),
            "LD_PRELOAD": str(live.find_program("libringside.so"))})
        live.wait_for("listening", lambda: listens(place.port), 20)
        time.sleep(1)
        answered, errored = h2load(recipe, place.port, TOTAL)
        time.sleep(0.5)
        document = agent.wait_for_count(sum(answered.values()), 10)
        routes = {row["route"]: row["count"]
                  for row in agent.get("/api/routes?limit=1000")["routes"] if row["count"]}
        reasons = collections.Counter()
        for process in agent.get("/api/capture")["processes"]:
            reasons.update({k: v for k, v in process["unparsed"].items() if v})
        server.stop(recipe.stop, 15)
        lines, _ = logged(recipe, place, server.said())
    classes = collections.Counter()
    for (method, status), times in lines.items():
        if method == "PRI":
            continue  # lighttpd takes the preface for a request
        classes[f"{status // 100}xx"] += times
    counted = {k: v for k, v in document["status"].items() if v}
    print(f"{name}: answered {dict(answered)}, {errored} not; counted {counted}, "
          f"{document['throughput']['inFlight']} in flight; logged {dict(classes)}; "
          f"unparsed {dict(reasons)}; routes {routes}")
    known = {SMALL: answered["2xx"], "/missing": answered["4xx"]}
    wrong = [x for x, n in routes.items() if x not in (None, "_other") and n > known.get(x, 0)]
    same = counted == dict(answered) and not document["throughput"]["inFlight"]
    # HAProxy drops lines of its log when it is busy, bare too: there the client is the witness
    same &= not classes - answered if recipe.backend else classes == answered
    return 0 if same and not errored and not wrong and set(reasons) <= {"hpackGap"} else 1


if __name__ == "__main__":
    sys.exit(main())
