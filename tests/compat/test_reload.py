#!/usr/bin/env python3
"""A server that is told to reload under load, again and again, loses no request and no count.

usage: test_reload.py SERVER SIGNAL
"""
import collections
import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from test_compat import TABLE, Place, listens, logged, missing, site

REQUESTS = 100000 if live.FULL else 10000
FIRST, EVERY = 0.1, 0.4  # s: in every load there is one; old workers and new ones overlap


def reload(server, number, over, times):
    pause = FIRST
    while not over.wait(pause):
        os.kill(server.pid, number)
        times.append(1)
        pause = EVERY


def main():
    name, number = sys.argv[1], getattr(signal, "SIG" + sys.argv[2])
    recipe = TABLE[name]
    live.need_root_and("ab")
    if missing(recipe):
        live.skip(f"needs {', '.join(missing(recipe))}")
    with live.Stage() as stage:
        place = Place(stage.folder / name, site(stage.folder), live.free_port())
        place.folder.mkdir()
        place.folder.chmod(0o777)
        agent = stage.agent().wait("/readyz")
        server = live.Process(stage, recipe.command(place), place.folder / "printed.log", {
            **stage.environment, "LD_PRELOAD": str(live.find_program("libringside.so"))})
        live.wait_for("listening", lambda: listens(place.port), 10)
        over, times = threading.Event(), []
        reloader = threading.Thread(target=reload, args=(server, number, over, times))
        reloader.start()
        said = live.ab(f"http://127.0.0.1:{place.port}/small.txt", REQUESTS)
        over.set()
        reloader.join()
        document = agent.wait_for_count(REQUESTS, 10)
        lines, _ = logged(recipe, place, "")
        parts = {x["name"]: x["reason"] for x in agent.get("/api/health")["parts"]}
    counted = {k: v for k, v in document["status"].items() if v}
    print(f"{name}: {said['complete']} answered, {said['failed']} failed, {len(times)} reloads, "
          f"counted {counted}, logged {dict(lines)}")
    print(f"      segments: {parts['segments']}\n      intake: {parts['intake']}")
    return 0 if (said == {"complete": REQUESTS, "non_2xx": 0, "failed": 0} and times and
                 counted == {"2xx": REQUESTS} and
                 lines == collections.Counter({("GET", 200): REQUESTS})) else 1


if __name__ == "__main__":
    sys.exit(main())
