#!/usr/bin/env python3
"""/metrics reads well in both of its forms, counts what nginx counts, and never goes back."""
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import prometheus

OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
DURATION = "http_server_request_duration_seconds"
REQUESTS = 1000
wrong = []


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


def scrape(port, accept=None):
    """The samples of a scrape; a malformed one is told and empty."""
    status, headers, body = live.fetch(port, "/metrics", {"Accept": accept} if accept else None)
    is_open = headers["Content-Type"].startswith("application/openmetrics-text")
    expect(status == 200 and is_open == (accept == OPEN), f"{accept}: {headers['Content-Type']}")
    try:
        return prometheus.parse(body.decode(), is_open)
    except prometheus.Malformed as why:
        expect(False, f"{accept}: {why}")
        return {}


def total(samples, name, **labels):
    return sum(value for (found, has), value in samples.items()
               if found == name and labels.items() <= dict(has).items())


def served(port):
    samples = prometheus.parse(live.fetch(port, "/metrics")[2].decode())
    return total(samples, "ringside_requests_total")


def check_the_checker():
    """A reader that takes everything would pass everything."""
    head = "# HELP a_total A.\n# TYPE a_total counter\n"
    assert prometheus.parse(head + 'a_total{x="\\\\\\"\\n"} 1\n') == {
        ("a_total", (("x", '\\"\n'),)): 1}
    bad = ("a_total 1\n", head + "a_total 1", head + "a_total 1\na_total 1\n", head + "b 1\n",
           head + 'a_total{x="\\x"} 1\n', head + 'a_total{x="1",} 1\n', head + "a_total one\n",
           head + 'a_total{x="1" } 1\n', head + "a_total -1\n", head + head + "a_total 1\n",
           "# HELP a A.\n# TYPE a counter\na 1\n", head + "a_total  1\n", head + "\n",
           '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
           '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\n'
           "a_sum 1\na_count 1\n")
    for text in bad:
        try:
            prometheus.parse(text)
        except prometheus.Malformed:
            continue
        raise AssertionError(f"the checker takes {text!r}")


def promtool(port):
    """Prometheus's own opinion, where it is installed."""
    if not shutil.which("promtool"):
        print("      promtool is not installed: its opinion is not asked for")
        return
    out = subprocess.run(["promtool", "check", "metrics"], input=live.fetch(port, "/metrics")[2],
                         capture_output=True, timeout=20, check=False)
    # 3: lint, such as a name it would choose otherwise; those names are OpenTelemetry's
    expect(out.returncode in (0, 3), f"promtool: {out.stdout.decode()}{out.stderr.decode()}")


def check_counts(samples, nginx):
    counted = nginx.classes()
    for status in ("2xx", "4xx", "5xx"):
        own = nginx.own_requests if status == "2xx" else 0
        expect(total(samples, "ringside_requests_total", status=status) == counted[status] + own,
               f"{status}: {counted[status] + own} as nginx logged")
    served = sum(counted.values()) + nginx.own_requests
    # its own first requests may come before the agent has found it: counted, not timed
    expect(served - nginx.own_requests <= total(samples, DURATION + "_count") <= served,
           f"{served} durations")
    expect(total(samples, DURATION + "_count", http_route="/index.html",
                 http_request_method="GET") == REQUESTS, f"{REQUESTS} of them of /index.html")
    expect(total(samples, "ringside_process_cpu_seconds_total") >= 0, "CPU of the targets")
    expect(total(samples, "process_resident_memory_bytes") > 0, "memory of the agent")


def never_back(before, after):
    """Every counter of the first scrape stands in the second and is no less."""
    kinds = ("_total", "_count", "_sum", "_bucket")
    return [key for key, value in before.items() if key[0].endswith(kinds)
            and "ringside_process_" not in key[0] and after.get(key, -1) < value]


def main():
    live.need_root_and("nginx", "ab")
    signal.alarm(120)
    check_the_checker()
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        scrape(agent.port)
        nginx = stage.nginx()
        for path, count in (("/index.html", REQUESTS), ("/missing", 20), ("/error", 10)):
            live.ab(f"http://127.0.0.1:{nginx.port}{path}", count, "-k")
        # by the scrape itself: another document may be of another tick
        wanted = nginx.own_requests + REQUESTS + 30
        live.wait_for("all in the scrape", lambda: served(agent.port) >= wanted, 10, 0.2)
        first = scrape(agent.port)
        check_counts(first, nginx)
        scrape(agent.port, OPEN)
        scrape(agent.port, BROWSER)
        promtool(agent.port)
        nginx.stop()
        live.wait_for("the ended processes to leave the list",
                      lambda: not agent.get("/api/processes")["processes"], 15, 0.2)
        expect(not never_back(first, scrape(agent.port)), "no counter goes back as targets end")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
