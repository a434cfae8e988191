#!/usr/bin/env python3
"""Every reply is as /api/openapi.json says: each endpoint with each of its parameters, with traffic
and without, and each refusal that it lists and that can be provoked.
"""
import copy
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import schema

wrong = []


def expect(findings, what):
    print(("ok    " if not findings else "WRONG ") + what)
    for each in findings:
        print(f"      {each}")
    wrong.extend(findings)


def ask(port, path, headers=None, method="GET", body=None):
    """(status, headers, body bytes)"""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers or {},
                                     method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            endless = reply.headers["Content-Type"].startswith("text/event-stream")
            return reply.status, reply.headers, reply.read1() if endless else reply.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read()


def described(document, path, status, method="get"):
    """The content that an endpoint's description gives for a status; None: it does not list it."""
    reply = document["paths"][path][method]["responses"].get(str(status))
    if reply and "$ref" in reply:
        reply = schema.resolve(document, reply["$ref"])
    return reply.get("content", {}) if reply else None


def read(document):
    """The paths that can be read: the others change something, or are of one thing."""
    return [path for path, methods in document["paths"].items()
            if "get" in methods and "{" not in path]


def check(document, path, reply, method="get"):
    """Is a reply one that the endpoint's description lists, in media type and in shape?"""
    status, headers, body = reply
    content = described(document, path, status, method)
    if content is None:
        return [f"{path}: status {status} is not described"]
    if not content:
        return [f"{path}: a body with {status}"] if body else []
    kind = headers["Content-Type"]
    form = content.get(kind) or content.get(kind.split(";")[0]) or content.get("*/*")
    if form is None:
        return [f"{path}: {kind} is not described"]
    if "json" not in kind or "schema" not in form:  # of any type, as it was put in
        return []
    return schema.findings(document, form["schema"], json.loads(body), f"{path} {status}")


def bare_status(document, path):
    """The status without any parameter: one may be required."""
    parameters = [schema.resolve(document, reference["$ref"]) for reference in
                  document["paths"][path]["get"].get("parameters", [])]
    if path.startswith("/api/fleet/"):  # it is in none: test_fleet has one
        return 503
    return 400 if any(parameter.get("required") for parameter in parameters) else 200


def queries(document, path):
    """The query strings to try: none, then each parameter with each value of a closed set."""
    yield "", bare_status(document, path)
    values = {"service": ["nginx"], "route": ["/index.html"], "pid": ["1"], "limit": ["1", "1000"],
              "cursor": ["0", "1000"], "seconds": ["1", "300"], "state": [], "from": ["1"], "to": []}
    for reference in document["paths"][path]["get"].get("parameters", []):
        parameter = schema.resolve(document, reference["$ref"])
        name, closed = parameter["name"], parameter["schema"].get("enum")
        if parameter["in"] != "query":
            continue
        for value in closed or values[name]:
            yield f"?{name}={value}", None
        yield f"?{name}=%01&{name}=%01", 400
    if path == "/api/performance/timeseries":  # its other parameters need a metric
        for more in ("", "&format=heatmap&step=10s&p=50,99.9", "&compare=1m&step=10s&pid=1"):
            yield f"?metric=requests.duration{more}", 404 if "pid" in more else 200
        for metric in ("requests.rate", "requests.errors", "cpu.percent", "cache.hitrate"):
            yield f"?metric={metric}&window=1m&compare=1m&step=10s", 200
    yield "?nonsense=1", None


def check_all(document, port, headers):
    for path in read(document):
        found = []
        for query, wanted in queries(document, path):
            reply = ask(port, path + query, headers)
            found += check(document, path, reply)
            if wanted and reply[0] != wanted:
                found.append(f"{path}{query}: {reply[0]}, not {wanted}")
        head = ask(port, path, headers, "HEAD")
        if head[0] != bare_status(document, path) or head[2]:
            found.append(f"{path}: HEAD answers {head[0]} with {len(head[2])} bytes")
        expect(found, f"{path}: every parameter")


def no_token(document, port, path):
    """Refused; where root may ask by TCP, anybody else is."""
    if "root may by loopback TCP" in document["paths"][path]["get"]["summary"]:
        said = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "curl",
                               "-s", "-o", "/dev/null", "-w", "%{http_code}",
                               f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                              timeout=30, check=False).stdout
        return [] if said == "401" else [f"{path}: {said} for nobody without a token"]
    reply = ask(port, path)
    found = check(document, path, reply)
    return found + ([] if reply[0] == 401 else [f"{path}: {reply[0]} without a token"])


def check_refusals(document, port):
    for path in read(document):
        found = check(document, path, ask(port, path, {"Host": "example.org"}))
        found += check(document, path, ask(port, path, {"Origin": "http://example.org"}))
        reply = ask(port, path, method="POST")
        found += check(document, path, reply)
        if reply[0] != 405 or reply[1]["Allow"] != "GET, HEAD":
            found.append(f"{path}: POST answers {reply[0]} {reply[1]['Allow']}")
        if "token" in str(document["paths"][path]["get"].get("security")):
            found += no_token(document, port, path)
        expect(found, f"{path}: refusals")
    for path in ("/nowhere", "/api/cache/clean", "/%00"):
        status, headers, body = ask(port, path)
        found = schema.findings(document, {"$ref": "#/components/schemas/Error"}, json.loads(body))
        expect(found + ([] if status in (400, 404) else [f"{status}"]), f"{path}: {status} in JSON")


def cache_cases(port, headers):
    path, text = "/api/cache/entries/{key}", {**headers, "Content-Type": "text/plain"}
    one, long = path.format(key="a%00b"), path.format(key="k" * 2049)

    def post(name, body, wanted, how=headers):
        return (name, "post", ask(port, name, how, "POST", body.encode()), wanted)
    return [(path, "put", ask(port, one + "?ttl=60&tags=x", text, "PUT", b"v"), 200),
            (path, "put", ask(port, one + "?ttl=0", text, "PUT", b"v"), 400),
            (path, "put", ask(port, one, None, "PUT", b"v"), 401),
            (path, "put", ask(port, long, text, "PUT", b"v"), 414),
            (path, "get", ask(port, one, headers), 200),
            (path, "get", ask(port, one, {**headers, "If-None-Match": "*"}), 304),
            (path, "get", ask(port, one, {**headers, "If-Match": '"x"'}), 412),
            (path, "put", ask(port, one, {**text, "If-None-Match": "*"}, "PUT", b"v"), 412),
            (path, "delete", ask(port, one, {**headers, "If-Match": '"x"'}, "DELETE"), 412),
            (path, "get", ask(port, one), 401),
            (path, "get", ask(port, path.format(key="none"), headers), 404),
            (path, "get", ask(port, long, headers), 414),
            (path, "delete", ask(port, one, headers, "DELETE"), 200),
            (path, "delete", ask(port, one, None, "DELETE"), 401),
            post("/api/cache/set", '{"key": "a", "value": {"b": 1}, "tags": ["t"]}', 200),
            post("/api/cache/set", '{"key": "a"}', 400),
            post("/api/cache/set", '{"key": "a", "value": 1}', 412, {**headers, "If-Match": '"x"'}),
            post("/api/cache/get", '{"key": "a"}', 412, {**headers, "If-Match": '"x"'}),
            post("/api/cache/get", '{"key": "a"}', 200),
            post("/api/cache/get", '{"key": "b"}', 404),
            post("/api/cache/get", '{"key": "b"}', 415, text),
            post("/api/cache/invalidate", '{"tags": ["t"]}', 200),
            post("/api/cache/invalidate", '{}', 400),
            post("/api/cache/clear", '{"pattern": "*"}', 200),
            post("/api/cache/clear", '{}', 400),
            post("/api/cache/clear", '{"pattern": "*"}', 415, text),
            post("/api/database/cache/clear", "", 200),
            post("/api/cache/warm", '{"keys": ["a"]}', 422)]


def check_changes(document, port, headers):
    """What changes something: by its own method, with a token, with JSON that it takes."""
    headers = {**headers, "Content-Type": "application/json"}
    silences, ack = "/api/alerts/silences", "/api/alerts/{id}/ack"
    tried = "/api/alerts/channels/{name}/test"
    good = json.dumps({"service": "nginx", "duration": "1m", "comment": "a test"}).encode()
    made = ask(port, silences, headers, "POST", good)
    number = json.loads(made[2]).get("data", {}).get("id", "0")
    listed = json.loads(ask(port, "/api/alerts", headers)[2])["data"]["silences"]
    cases = [(silences, "post", made, 200),
             (silences, "post", ask(port, silences, headers, "POST", b"{"), 400),
             (silences, "post", ask(port, silences, headers, "POST", b"{}"), 422),
             (silences, "post", ask(port, silences, {**headers, "Content-Type": "text/plain"},
                                    "POST", good), 415),
             (silences, "post", ask(port, silences, None, "POST", good), 401),
             (silences, "delete", ask(port, f"{silences}?id={number}", headers, "DELETE"), 200),
             (silences, "delete", ask(port, f"{silences}?id={number}", headers, "DELETE"), 404),
             (silences, "delete", ask(port, silences, headers, "DELETE"), 400),
             (silences, "delete", ask(port, f"{silences}?id=1", None, "DELETE"), 401),
             (ack, "post", ask(port, ack.format(id=99999), headers, "POST"), 404),
             (ack, "post", ask(port, ack.format(id=1), None, "POST"), 401),
             (ack, "post", ask(port, ack.format(id=1), headers), 405),
             (tried, "post", ask(port, tried.format(name="log"), headers, "POST"), 200),
             (tried, "post", ask(port, tried.format(name="pigeon"), headers, "POST"), 404),
             (tried, "post", ask(port, tried.format(name="email"), headers, "POST"), 422),
             (tried, "post", ask(port, tried.format(name="log"), None, "POST"), 401)]
    cases += cache_cases(port, headers)
    for path, method, reply, wanted in cases:
        found = check(document, path, reply, method)
        expect(found + ([] if reply[0] == wanted else [f"{reply[0]}, not {wanted}"]),
               f"{method} {path}: {wanted}")
    expect([] if [s["id"] for s in listed] == [number] else [f"{listed}"], "the silence is listed")


def check_the_checker(document):
    """A validator that finds nothing would pass everything."""
    shape = {"$ref": "#/components/schemas/SlowRequest"}
    good = {"id": 1, "at": "2026-01-01T00:00:00.000Z", "service": "a", "pid": 1, "method": "GET",
            "route": None, "path": "/", "status": None, "durationMs": 1, "firstByteMs": 0.5,
            "bytesIn": 0, "bytesOut": 0, "memoryDelta": -5, "aborted": False, "cutByServer": False,
            "cutByClient": False, "traceId": None, "breakdown": None, "calls": None}
    expect(schema.findings(document, shape, good), "the checker takes what is good")
    for key, value in (("id", "1"), ("id", -1), ("at", "now"), ("method", "get"), ("pid", None),
                       ("aborted", 0), ("surplus", 1)):
        bad = copy.deepcopy(good)
        bad[key] = value
        found = schema.findings(document, shape, bad)
        expect([] if found else [f"{key} = {value!r} was taken"], f"the checker finds a bad {key}")
    del good["calls"]
    expect([] if schema.findings(document, shape, good) else ["a missing member was taken"],
           "the checker finds a missing member")


def check_kept(port):
    _, headers, whole = ask(port, "/api/openapi.json")
    status, _, body = ask(port, "/api/openapi.json", {"If-None-Match": headers["ETag"]})
    expect([] if status == 304 and not body else [f"{status}"], "If-None-Match: 304")
    status, headers, packed = ask(port, "/api/openapi.json", {"Accept-Encoding": "gzip"})
    good = headers["Content-Encoding"] == "gzip" and len(packed) < len(whole) / 2
    expect([] if good else [f"{status} {headers} {len(packed)}"], "Accept-Encoding: gzip")


def check_server(port, token):
    document = json.loads(ask(port, "/api/openapi.json")[2])
    check_the_checker(document)
    check_all(document, port, {"Authorization": f"Bearer {token}"})
    check_refusals(document, port)
    check_changes(document, port, {"Authorization": f"Bearer {token}"})
    check_kept(port)


def main():
    live.need_root_and("nginx", "ab")
    signal.alarm(120)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        token = (stage.run_dir / "token").read_text().strip()
        check_server(agent.port, token)
        nginx = stage.nginx()
        live.ab(f"http://127.0.0.1:{nginx.port}/index.html", 500, "-k")
        live.ab(f"http://127.0.0.1:{nginx.port}/error", 10)
        agent.wait_for_count(511)
        check_server(agent.port, token)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
