#!/usr/bin/env python3
"""The guide's own curl commands work as printed, and answer with the keys and types it prints.

guide_curls.md holds the guide's command blocks, word for word; only the port is replaced. A command
whose path the agent's own description does not list has not landed: it must answer 404 in JSON.
"""
import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

GUIDE = Path(__file__).with_name("guide_curls.md")
LANDED = {"/api/performance/metrics", "/api/cache/stats", "/api/cache/clear", "/api/cache/health",
          "/api/database/cache/clear"}  # grows with the issues, never shrinks


def commands():
    """(curl command, the reply printed behind it or None) of every command in the guide."""
    for block in re.findall(r"```bash\n(.*?)```", GUIDE.read_text(), re.S):
        text = block.replace("\\\n", " ")
        for found in re.finditer(r"^curl (.*)$", text, re.M):
            rest = text[found.end():]
            nearest = re.match(r"\s*# Response[^\n]*\n(\{.*?^\})", rest, re.S | re.M)
            yield found.group(0), json.loads(nearest.group(1)) if nearest else None


def kind(value):
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else \
        type(value).__name__


def differences(printed, answered, path="reply"):
    """Where the answer lacks a key of the printed reply or has another type; more keys are fine."""
    if kind(printed) != kind(answered):
        return [f"{path}: {kind(printed)} in the guide, {kind(answered)} here"]
    if not isinstance(printed, dict):
        return []
    found = []
    for key, value in printed.items():
        if key in answered:
            found += differences(value, answered[key], f"{path}.{key}")
        else:
            found.append(f"{path}.{key}: in the guide, not here")
    return found


def check(command, printed, port, paths):
    """What is wrong with the answer to one command."""
    path = re.search(r"localhost:3000(/[^\s?]*)", command).group(1)
    mine = command.replace("localhost:3000", f"localhost:{port}")
    out = subprocess.run(shlex.split(mine) + ["-s", "-w", "\n%{http_code}"], capture_output=True,
                         text=True, timeout=10, check=True).stdout
    body, _, status = out.rpartition("\n")
    answer = json.loads(body)
    print(f"{status} {command}")
    if path not in paths:
        return [] if status == "404" and answer["success"] is False and path not in LANDED else \
            [f"{path} is not described, and answers {status}"]
    if status != "200":
        return [f"{path} answers {status}: {body}"]
    return differences(printed, answer) if printed else []


def main():
    live.need_root_and("nginx", "curl", "ab")
    signal.alarm(60)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        nginx = stage.nginx()
        live.ab(f"http://127.0.0.1:{nginx.port}/index.html", 150, "-k")
        agent.wait_for_count(151)
        paths = set(json.loads(live.fetch(agent.port, "/api/openapi.json")[2])["paths"])
        wrong = [f"{p} is not described any more" for p in LANDED - paths]
        for command, printed in commands():
            wrong += check(command, printed, agent.port, paths)
    print("\n".join(wrong) or "all as printed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
