"""demo - the part of tools/demo that runs once everything is built."""
import argparse
import re
import signal
import statistics
import subprocess
import sys
import time

import live

ROUNDS = 3
CONNECTIONS = 50
MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def say(text):
    print(f"demo: {text}", flush=True)


def wrk(port, seconds):
    """One round of load: what wrk itself counted and timed."""
    out = subprocess.run(["wrk", "--latency", "-t", "1", "-c", str(CONNECTIONS), "-d",
                          f"{seconds}s", f"http://127.0.0.1:{port}/index.html"],
                         capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    latency = {share: float(value) * MS[unit] for share, value, unit in
               re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", out, re.M)}
    errors = sum(int(x) for line in re.findall(r"Socket errors:.*|Non-2xx.*", out)
                 for x in re.findall(r"\d+", line.replace("2xx or 3xx", "")))
    return {"requests": int(re.search(r"(\d+) requests in", out).group(1)),
            "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
            "p50": latency.get("50"), "p99": latency.get("99"), "errors": errors}


def measure(nginx, seconds):
    """A round of load, with the CPU that the workers spent on each request."""
    workers = nginx.workers()
    requests, cpu = nginx.served(), sum(map(live.proc_cpu_ns, workers))
    result = wrk(nginx.port, seconds)
    result["cpu_ns"] = (sum(map(live.proc_cpu_ns, workers)) - cpu) / (nginx.served() - requests)
    return result


def number(value, unit="", digits=0):
    return "unknown" if value is None else f"{value:,.{digits}f}{unit}"


def table(rows):
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:{width}}  {value}" if name else "")


def report(document, nginx, rounds, agent_cost):
    times, status = document["responseTimes"], document["status"]
    watched, bare = rounds["watched"], rounds["bare"]

    def middle(side, key):
        return statistics.median(r[key] for r in side)
    ratio = statistics.median(w["cpu_ns"] / b["cpu_ns"] for w, b in zip(watched, bare))
    logged = len(nginx.lines()) + nginx.own_requests
    print("\nWhat Ringside saw of nginx (two workers, sendfile on, keep-alive)")
    table([
        ("requests", f"{times['count']:,}    nginx's own log: {logged:,}"),
        ("", ""),
        ("p50 / p95 / p99", " / ".join(number(times[k], "", 3) for k in ("p50", "p95", "p99"))
         + " ms"),
        ("slowest", number(times["slowest"], " ms", 3)),
        ("errors", number((status["5xx"] or 0) + (status["aborted"] or 0)) +
         f"    4xx: {number(status['4xx'])}"),
        ("CPU", f"{number(document['cpu']['userMs'])} ms user, "
         f"{number(document['cpu']['systemMs'])} ms system"),
        ("memory", number((document["memory"]["rss"] or 0) / 1e6, " MB resident", 1)),
        ("capture", f"{number(document['capture']['completeness'], ' %', 2)} complete, "
         f"{number(document['capture']['folded'])} folded, "
         f"{number(document['capture']['unparsed'])} not parsed"),
    ])
    print(f"\nWhat wrk counted in {len(watched)} rounds ({CONNECTIONS} connections; it leaves what "
          "is under way at its end)")
    table([
        ("requests", f"{sum(r['requests'] for r in watched):,}"),
        ("rate", f"{middle(watched, 'rate'):,.0f} /s    bare nginx: {middle(bare, 'rate'):,.0f} /s"),
        ("p50 / p99", f"{middle(watched, 'p50'):.3f} / {middle(watched, 'p99'):.3f} ms    bare: "
         f"{middle(bare, 'p50'):.3f} / {middle(bare, 'p99'):.3f} ms"),
        ("errors", f"{sum(r['errors'] for r in watched)}"),
    ])
    print("\nWhat it cost")
    table([
        ("nginx, CPU a request", f"{middle(watched, 'cpu_ns'):,.0f} ns watched, "
         f"{middle(bare, 'cpu_ns'):,.0f} ns bare: {ratio:.3f} x (median of {len(bare)} pairs)"),
        ("the agent", f"{agent_cost['cpu']:.1f} % of a core under this load, "
         f"{agent_cost['pss'] / 1000:.1f} MB over all its processes"),
    ])


def run(stage, seconds):
    say("starting the agent")
    agent = stage.agent().wait("/readyz")
    say("starting nginx twice: watched and bare")
    servers = {"watched": stage.nginx("watched"), "bare": stage.nginx("bare", shim=False)}
    rounds = {"watched": [], "bare": []}
    agent_cpu = 0
    for i in range(ROUNDS):
        # turns change, so that what warms up or cools down does not favour one side
        for side in ("watched", "bare")[::1 if i % 2 else -1]:
            say(f"round {i + 1} of {ROUNDS}: {seconds} s of wrk on nginx, {side}")
            before = sum(map(live.proc_cpu_ns, agent.family()))
            rounds[side].append(measure(servers[side], seconds))
            if side == "watched":
                agent_cpu += sum(map(live.proc_cpu_ns, agent.family())) - before
    cost = {"cpu": agent_cpu / (ROUNDS * seconds * 1e7),
            "pss": sum(map(live.proc_pss_kib, agent.family()))}
    logged = len(servers["watched"].lines()) + servers["watched"].own_requests
    report(agent.wait_for_count(logged), servers["watched"], rounds, cost)
    return agent, servers["watched"]


def keep(agent, nginx):
    """A light load until Ctrl-C, so that there is something to look at."""
    say("running on with some 50 requests a second; Ctrl-C ends it")
    paths = ("/index.html", "/index.html", "/big.bin", "/missing", "/zip/index.html", "/error")
    i = 0
    while agent.popen.poll() is None and nginx.popen.poll() is None:
        live.fetch(nginx.port, paths[i % len(paths)])
        time.sleep(0.02)
        i += 1
    say(f"the agent or nginx ended by itself:\n{agent.said()}{nginx.said()}")
    return 1


def main():
    parser = argparse.ArgumentParser(prog="tools/demo")
    parser.add_argument("--keep", action="store_true", help="run on until Ctrl-C")
    parser.add_argument("--seconds", type=int, default=3, help="length of a round of load")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & has it ignored
    with live.Stage() as stage:
        agent, nginx = run(stage, arguments.seconds)
        url = f"http://127.0.0.1:{agent.port}"
        print(f"\nThe API{' is' if arguments.keep else ''} at {url}:\n"
              f"  $ curl {url}/api/performance/metrics\n  "
              f"{live.fetch(agent.port, '/api/performance/metrics')[2].decode()[:300]} ...")
        if not arguments.keep:
            print("\nAll of it ends now. To keep it running and ask it yourself: tools/demo --keep")
            return 0
        print(f"\nMore to try:\n  curl '{url}/api/routes?sort=p99'\n  curl {url}/metrics\n"
              f"  curl --unix-socket {stage.run_dir}/api.sock http://localhost/api/requests/slow",
              flush=True)
        return keep(agent, nginx)


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    except (OSError, RuntimeError, subprocess.SubprocessError) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        code = 1
    sys.exit(code)
