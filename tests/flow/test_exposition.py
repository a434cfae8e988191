#!/usr/bin/env python3
"""/metrics reads well in both of its forms, counts what nginx counts, and never goes back; the agent
says how late it is itself.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
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
    """Prometheus's own opinion of the text that it is given."""
    if not shutil.which("promtool"):
        print("skipped: promtool's opinion: needs prometheus")
        return
    out = subprocess.run(["promtool", "check", "metrics"], input=live.fetch(port, "/metrics")[2],
                         capture_output=True, timeout=20, check=False)
    # not even lint (3): the names are OpenTelemetry's and ours, and it takes them all
    expect(out.returncode == 0,
           f"promtool: {out.returncode} {(out.stdout + out.stderr).decode()}".rstrip())


class Prometheus(live.Process):
    def __init__(self, stage, agent):
        self.port = live.free_port()
        config = stage.folder / "prometheus.yml"
        config.write_text("global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
                          "scrape_configs:\n"
                          "- job_name: ringside\n"
                          f"  static_configs: [{{targets: ['127.0.0.1:{agent.port}']}}]\n")
        super().__init__(stage, ["prometheus", f"--config.file={config}",
                                 f"--storage.tsdb.path={stage.folder / 'prometheus'}",
                                 f"--web.listen-address=127.0.0.1:{self.port}"],
                         stage.folder / "prometheus.log")
        live.wait_for("Prometheus", lambda: live.fetch(self.port, "/-/ready")[0] == 200, 15)

    def get(self, path, **query):
        _, _, body = live.fetch(self.port, f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
        return json.loads(body)["data"]

    def asked(self, query):
        """The values of the series that it has, or that an expression makes of them."""
        return [float(series["value"][1]) for series in self.get("query", query=query)["result"]]

    def why(self):
        return [target["lastError"] for target in self.get("targets")["activeTargets"]]


def check_prometheus(stage, agent, nginx):
    """What it scrapes by itself, in the form that it asks for, is what nginx logged."""
    if not shutil.which("prometheus"):
        print("skipped: a real Prometheus scrapes: needs prometheus")
        return
    server = Prometheus(stage, agent)
    for query, wanted in (("up", [1]),
                          ('sum(ringside_requests_total{status="4xx"})', [nginx.classes()["4xx"]]),
                          (f'sum({DURATION}_count{{http_route="/index.html"}})', [REQUESTS])):
        try:
            live.wait_for(query, lambda: server.asked(query) == wanted, 20, 0.2)
            expect(True, f"Prometheus: {query} is {wanted}")
        except TimeoutError:
            expect(False, f"Prometheus: {query} is {server.asked(query)}, "
                          f"not {wanted}: {server.why()}")
    server.stop()


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


def lags(port):
    samples = prometheus.parse(live.fetch(port, "/metrics")[2].decode())
    return [total(samples, "ringside_loop_lag_seconds", loop=loop) for loop in ("worker", "drain")]


def check_lag(agent):
    """An agent that stood still for a while says so."""
    live.wait_for("a calm agent", lambda: all(lag < 1 for lag in lags(agent.port)), 30, 0.5)
    family = agent.family()
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2.5)
    for pid in reversed(family):
        os.kill(pid, signal.SIGCONT)

    def part():
        parts = {part["name"]: part for part in agent.get("/api/health")["parts"]}
        return parts["agent"]["status"] == "degraded" and parts["agent"]["reason"]
    print(f"      {live.wait_for('a degraded agent', part, 10, 0.2)}")
    expect(all(1 < lag < 10 for lag in lags(agent.port)), f"stopped: late by {lags(agent.port)} s")


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
        # a proxy and an origin that nobody asks: their rows are read too
        (stage.folder / "ringside.json").write_text(json.dumps({"cache": {
            "proxy": [{"listen": f"127.0.0.1:{live.free_port()}", "upstream": "127.0.0.1:1"}],
            "origins": [{"prefix": "a:", "url": "http://127.0.0.1:1/{rest}"}]}}))
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
        check_prometheus(stage, agent, nginx)
        nginx.stop()
        live.wait_for("the ended processes to leave the list",
                      lambda: not agent.get("/api/processes")["processes"], 15, 0.2)
        expect(not never_back(first, scrape(agent.port)), "no counter goes back as targets end")
        check_lag(agent)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
