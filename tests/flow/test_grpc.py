#!/usr/bin/env python3
"""gRPC servers, of node's own HTTP/2 and of gRPC's C core: each call counts once, by its status."""
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from bare import attach, wrong

PYTHON = "/usr/bin/python3"  # Debian's, for which Debian's modules are
CALLS = 50000 if live.FULL else 2000
NPM = live.BIN.parent / "npm" / "node_modules"  # by tools/setup npm

# Unary fails when it is asked to; Watch sends ten; Echo sends back; Slow never answers in time.
SERVERS = {
    "grpc-core": (PYTHON, """\
import sys, time
from concurrent import futures
import grpc
def unary(request, context):
    if request == b"fail":
        context.abort(grpc.StatusCode.NOT_FOUND, "no")
    return b"ok"
def watch(request, context):
    for i in range(10):
        yield b"x" * 1000 * i
def echo(requests, context):
    yield from requests
def slow(request, context):
    time.sleep(2)
    return b"late"
server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("ringside.Seat", {
    "Unary": grpc.unary_unary_rpc_method_handler(unary),
    "Watch": grpc.unary_stream_rpc_method_handler(watch),
    "Echo": grpc.stream_stream_rpc_method_handler(echo),
    "Slow": grpc.unary_unary_rpc_method_handler(slow)}),))
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
"""),
    "grpc-js": ("node", """\
const grpc = require(process.argv[3]);
const same = x => x;
const method = (name, requestStream, responseStream) => ({
  path: "/ringside.Seat/" + name, requestStream, responseStream, requestSerialize: same,
  requestDeserialize: same, responseSerialize: same, responseDeserialize: same});
const server = new grpc.Server();
server.addService({Unary: method("Unary", false, false), Watch: method("Watch", false, true),
                   Echo: method("Echo", true, true), Slow: method("Slow", false, false)}, {
  Unary: (call, done) => call.request.toString() === "fail" ?
    done({code: grpc.status.NOT_FOUND, details: "no"}) : done(null, Buffer.from("ok")),
  Watch: call => {
    for (let i = 0; i < 10; i++) call.write(Buffer.alloc(1000 * i));
    call.end();
  },
  Echo: call => { call.on("data", x => call.write(x)); call.on("end", () => call.end()); },
  Slow: (call, done) => setTimeout(() => done(null, Buffer.from("late")), 2000),
});
server.bindAsync("127.0.0.1:" + process.argv[2], grpc.ServerCredentials.createInsecure(),
                 () => undefined);
"""),
}

# Prints how many calls there were by method, and how many failed by the server's word.
CLIENT = """\
import collections, json, sys
import grpc
calls, failed, codes = collections.Counter(), 0, collections.Counter()
channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
def method(kind, name):
    return getattr(channel, kind)("/ringside.Seat/" + name)
unary, watch = method("unary_unary", "Unary"), method("unary_stream", "Watch")
echo, slow = method("stream_stream", "Echo"), method("unary_unary", "Slow")
def settle(open_calls):
    global failed
    for call in open_calls:
        codes[call.code().name] += 1
        failed += call.code() == grpc.StatusCode.NOT_FOUND
    open_calls.clear()
open_calls = []
for i in range(int(sys.argv[2])):  # many at once; what fails is answered by trailers alone
    open_calls.append(unary.future(b"fail" if i % 100 == 7 else b"x"))
    calls["Unary"] += 1
    if len(open_calls) == 100:
        settle(open_calls)
settle(open_calls)
for i in range(20):
    assert len(list(watch(b""))) == 10
    assert list(echo(iter([b"a", b"b" * 70000]))) == [b"a", b"b" * 70000]
    calls["Watch"] += 1
    calls["Echo"] += 1
for i in range(5):
    try:
        slow(b"", timeout=0.1)
    except grpc.RpcError as error:
        codes[error.code().name] += 1
    calls["Slow"] += 1
    left = watch(b"")
    next(left)
    left.cancel()
    calls["Watch"] += 1
    try:
        method("unary_unary", "Nobody")(b"")
    except grpc.RpcError as error:
        codes[error.code().name] += 1
        failed += 1
    calls["Nobody"] += 1
print(json.dumps({"calls": calls, "failed": failed, "codes": codes}))
"""


def serve(stage, name, port, library=True):
    program, text = SERVERS[name]
    file = stage.folder / f"{name}.{'js' if program == 'node' else 'py'}"
    file.write_text(text)
    environment = {**stage.environment, "RINGSIDE_SERVICE": name}
    if library:
        environment["LD_PRELOAD"] = str(live.find_program("libringside.so"))
    server = live.Process(stage, [program, file, port, NPM / "@grpc" / "grpc-js"],
                          stage.folder / f"{name}.out", environment)

    def listens():
        if server.popen.poll() is not None:
            raise RuntimeError(server.said())
        with live.socket.create_connection(("127.0.0.1", port), 1):
            return True
    live.wait_for(name, listens, 15)
    time.sleep(1.5)
    return server.pid


def without_library(stage, agent):
    """The same server, started without and attached: probes read the frames."""
    port = live.free_port()
    SERVERS["grpc-bare"] = SERVERS["grpc-core"]
    pid = serve(stage, "grpc-bare", port, library=False)
    attach(stage, agent, [pid])
    name = next(x["service"] for x in agent.get("/api/processes")["processes"] if x["pid"] == pid)
    return exact(stage, agent, name, port)


def check(stage, agent, name):
    port = live.free_port()
    serve(stage, name, port)
    return exact(stage, agent, name, port)


def exact(stage, agent, name, port):
    client = stage.folder / "client.py"
    client.write_text(CLIENT)
    said = subprocess.run([PYTHON, client, str(port), str(CALLS)], capture_output=True, text=True,
                          timeout=200, check=False)
    if said.returncode:
        raise RuntimeError(said.stderr)
    asked = json.loads(said.stdout)
    total = sum(asked["calls"].values())
    time.sleep(2.5)  # what is slow is answered meanwhile, or not
    document = agent.wait_for_count(total, 10, f"?service={quote(name)}")
    rows = {row["route"]: row for row in
            agent.get(f"/api/routes?service={quote(name)}&limit=1000")["routes"]}
    routes = {route: row["count"] for route, row in rows.items()}
    failures = {route: round(row["count"] * row["errorRate"] / 100) for route, row in rows.items()}
    reasons = [process["unparsed"] for process in agent.get("/api/capture")["processes"]
               if process["service"] == name]
    unparsed = {k: v for process in reasons for k, v in process.items() if v}
    print(f"{name}: asked {asked}\n counted {document['status']}, "
          f"{document['throughput']['inFlight']} in flight, unparsed {unparsed}, routes {routes}, "
          f"failed {failures}")
    wanted = {f"/ringside.Seat/{method}": n for method, n in asked["calls"].items()}
    failed = {route: failures.get(route, 0) for route in ("/ringside.Seat/Unary",
                                                          "/ringside.Seat/Nobody")}
    classes = document["status"]
    if document["capture"]["folded"]:  # their number is known, not their path: none is wrong
        failed = {"all": round(total * document["throughput"]["errorRate"] / 100)}
        asked["failed"] += failures.get("/ringside.Seat/Slow", 0)
        routes = {k: wanted[k] if n <= wanted[k] else n for k, n in routes.items() if k != "_other"}
    # what was left in its middle has a status or, by node, none
    return (document["responseTimes"]["count"] == total and not unparsed and routes == wanted and
            classes["2xx"] + classes["aborted"] == total and
            classes["aborted"] <= asked["calls"]["Slow"] and
            not document["throughput"]["inFlight"] and sum(failed.values()) == asked["failed"])


def main():
    live.need_root_and("node")
    if subprocess.run([PYTHON, "-c", "import grpc"], capture_output=True).returncode:
        live.skip("needs python3-grpcio")
    signal.alarm(290)
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        same = check(stage, agent, "grpc-core")
        if (NPM / "@grpc" / "grpc-js").is_dir():
            same &= check(stage, agent, "grpc-js")
        else:
            print("skipped: grpc-js is not installed (tools/setup npm)")
        same = same and without_library(stage, agent) and not wrong  # it may skip the rest
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
