#!/usr/bin/env python3
"""A server behaves with the shim as it does without, and its requests are counted exactly.

usage: test_compat.py SERVER...      (--list prints the table)

The same client talks to the server twice, bare and preloaded. Compared are every reply, the
client's tally, the server's own log, what it prints and its exit code; and the agent's count by
class of status is compared with the tally and with the log.
"""
import collections
import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
from client import SCENES, SMALL, Client, trusting
from languages import LANGUAGES
from secured import SECURED
from servers import PATH, SERVERS, Place, missing, nginx_config
from uncommon import UNCOMMON

TABLE = {**SERVERS, **LANGUAGES, **SECURED, **UNCOMMON}
LOAD = 9000 if live.FULL else 1000  # requests of each run beside the scenes, times the share

Run = collections.namedtuple("Run", "replies classes load logged output code counted rows first")


def site(folder):
    """The files that are served; their date is fixed, and with it ETag and Last-Modified."""
    www = folder / "www"
    www.mkdir()
    (www / "small.txt").write_bytes((b"ringside seat\n" * 44)[:612])
    (www / "big.bin").write_bytes(b"".join(i.to_bytes(4, "little") for i in range(8 << 18)))
    for file in www.iterdir():
        os.utime(file, (1577836800, 1577836800))
    return www


def certify(folder):
    """A certificate that nobody has signed, and its key."""
    key, path = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", path],
                   check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())


def listens(port):
    """Somebody listens there; looked at without a connection, which a server would see."""
    wanted = f":{port:04X} "
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            if (words[1] + " ").endswith(wanted) and words[3] == "0A":
                return True
    return False


def backend(stage, folder, www):
    """A bare nginx behind a server that only passes on; its port."""
    place = Place(folder / "backend", www, live.free_port())
    place.folder.mkdir()
    config = nginx_config(place, "nginx.conf", place.port, workers=1)
    live.Process(stage, ["nginx", "-c", config], place.folder / "output.log")
    live.wait_for("the server behind", lambda: listens(place.port), 10)
    return place.port


def load(recipe, client, requests):
    """Requests in bulk, counted by ab; its connections are kept where the server keeps them."""
    if not requests:
        return {}
    scheme = "https" if recipe.tls else "http"
    said = live.ab(f"{scheme}://127.0.0.1:{client.port}{SMALL}", requests, "-l",
                   *["-k"] * recipe.keeps, connections=recipe.connections, timeout=280)
    client.classes["2xx"] += said["complete"] - said["non_2xx"]
    client.logged["GET", 200] += said["complete"] - said["non_2xx"]
    return said


def talk(recipe, client, requests):
    """(replies by scene, what the load said)"""
    replies = {}
    for scene in SCENES:
        if scene not in recipe.without:
            replies[scene] = getattr(client, scene)()
    return replies, load(recipe, client, requests)


def first_answer(client):
    """The server is up once it answers; who is not ready yet refuses, or says 502 or 503."""
    def answers():
        with client.connection() as connection:
            connection.send(client.request("GET", SMALL))
            return client.reply(connection).status == 200
    live.wait_for("a first answer", answers, 20, 0.2)
    return client.logged.copy()


def logged(recipe, place, output):
    """(Counter of (method, status) in the server's own log, all other lines that it printed)"""
    form = re.compile(recipe.form)
    lines = output.splitlines()
    source = lines
    if recipe.log not in (None, "output"):
        source = (place.folder / recipe.log).read_text(errors="replace").splitlines()
    found = [form.search(x) for x in source] if recipe.log else []
    rest = [x for x in lines if not (recipe.log == "output" and form.search(x))]
    return collections.Counter((m["method"], int(m["status"])) for m in found if m), rest


def plain(recipe, place, lines):
    """Printed lines without what differs by nature: numbers and the port."""
    out = collections.Counter()
    for line in lines:
        if recipe.noise and re.search(recipe.noise, line):
            continue
        line = re.sub(r"\x1b\[[0-9;]*m", "", line)
        out[re.sub(r"0x[0-9a-f]+|[0-9]+", "N", line).strip()] += 1
    return out


def unseen(agent):
    """The ways of moving bytes that are said to be in use and not seen."""
    return {way for process in agent.get("/api/capture")["processes"] for way in process["unseen"]}


def counted(agent, recipe, client):
    """What the agent counted for each of its services, once that is what the client tallied."""
    wanted = sum(client.classes.values())
    reasons = collections.Counter()
    queries = [f"?service={x}" for x in recipe.services] or [""]
    documents = [agent.wait_for_count(wanted if recipe.visible else 0, 8, x) for x in queries]
    for process in agent.get("/api/capture")["processes"]:
        reasons.update(process["unparsed"])
    with contextlib.suppress(TimeoutError):  # what only the list of its memory says comes late
        live.wait_for("what is unseen", lambda: set(recipe.unseen) <= unseen(agent), 8, 0.1)
    return {"services": [x["status"] for x in documents], "reasons": reasons,
            "unseen": unseen(agent)}


def run(name, recipe, stage, folder, www, agent):
    """One run of the server, to its end."""
    place = Place(folder / name, www, live.free_port())
    place.folder.mkdir(exist_ok=True)
    if recipe.user:
        place.folder.chmod(0o777)
    if recipe.log not in (None, "output"):
        (place.folder / recipe.log).unlink(missing_ok=True)
    if recipe.backend:
        place.backend = stage.behind
    environment = {**stage.environment, **recipe.environment, "SITE_WWW": str(www),
                   "HOME": str(place.folder), "PATH": PATH}
    if recipe.tls:
        environment["SITE_CERTIFICATE"] = str(place.certificate)
    if agent:
        environment["LD_PRELOAD"] = str(live.find_program("libringside.so"))
    log = place.folder / "printed.log"
    log.unlink(missing_ok=True)
    client = Client(place.port, recipe.shuts, recipe.streams, trusting() if recipe.tls else None)
    server = live.Process(stage, recipe.command(place), log, environment)
    live.wait_for(f"{name} listens", lambda: listens(place.port) or server.popen.poll() is not None,
                  60)
    try:
        first = first_answer(client)
        replies, bulk = talk(recipe, client, LOAD * recipe.share)
    except Exception:
        print(f"{name} printed:\n{server.said()[-4000:]}")
        raise
    time.sleep(0.3)  # logs are written behind the reply
    document = counted(agent, recipe, client) if agent else None
    rows = agent.get("/api/processes")["processes"] if agent else None
    code = server.stop(recipe.stop, 15)
    entries, rest = logged(recipe, place, server.said())
    printed = plain(recipe, place, rest)
    return Run(replies, client, bulk, entries, printed, code, document, rows, first)


def differences(what, bare, preloaded):
    if bare == preloaded:
        return []
    if isinstance(bare, collections.Counter):
        bare, preloaded = dict(bare - preloaded), dict(preloaded - bare)
    return [f"{what} differs:\n  bare      {bare}\n  preloaded {preloaded}"]


def compare_replies(bare, preloaded):
    out = []
    for scene, replies in bare.replies.items():
        others = preloaded.replies[scene]
        for i, pair in enumerate(zip(replies, others)):
            out += differences(f"{scene}, reply {i + 1}", *pair)
        out += differences(f"{scene}, how many", len(replies), len(others))
    return out


def compare_counts(recipe, preloaded):
    """The agent's numbers against the client's and the server's own."""
    document, client = preloaded.counted, preloaded.classes
    tally = dict(client.classes) if recipe.visible else {}
    out = []
    for status in document["services"]:
        classes = {k: v for k, v in status.items() if v}
        aborted = classes.pop("aborted", 0)
        if classes != tally:
            out.append(f"counted {classes}, the client was answered {tally}")
        if aborted > client.unanswered:
            out.append(f"{aborted} counted as aborted, the client saw {client.unanswered}")
    if recipe.visible and document["unseen"] != set(recipe.unseen):
        out.append(f"said to be unseen: {document['unseen'] or 'nothing'}")
    unparsed = {k: v for k, v in document["reasons"].items() if v}
    if recipe.unlinked and not unparsed.pop("tlsUnlinked", 0):
        out.append("no connection is said to be unlinked")
    if unparsed and not recipe.bodies:
        out.append(f"unparsed: {unparsed}")
    if out:
        out.append(f"of these processes: {preloaded.rows}")
    return out


def compare_log(recipe, one, which):
    """The server's own log against the client."""
    if not recipe.log:
        return []
    answered = one.classes.logged - collections.Counter({("GET", 200): recipe.silent})
    if answered == one.logged:
        return []
    return [f"{which}: its log has {dict(one.logged)}, the client was answered {dict(answered)}"]


def unanswered(one):
    """Where."""
    scenes = [k for k, v in one.replies.items() if any(not x.status for x in v)]
    return f" ({', '.join(scenes)})" if scenes else ""


def check(name, recipe):
    with live.Stage() as stage:
        www = site(stage.folder)
        if recipe.tls:
            certify(stage.folder)
        stage.behind = backend(stage, stage.folder, www) if recipe.backend else 0
        bare = run(name, recipe, stage, stage.folder, www, None)
        agent = stage.agent().wait("/readyz")
        preloaded = run(name, recipe, stage, stage.folder, www, agent)
    wrong = compare_replies(bare, preloaded)
    wrong += differences("the tally", bare.classes.logged - bare.first,
                         preloaded.classes.logged - preloaded.first)
    wrong += differences("unanswered", bare.classes.unanswered, preloaded.classes.unanswered)
    wrong += differences("the load", bare.load, preloaded.load)
    wrong += differences("its log", bare.logged - bare.first, preloaded.logged - preloaded.first)
    wrong += differences("what it prints", bare.output, preloaded.output)
    wrong += differences("its exit code", bare.code, preloaded.code)
    wrong += compare_log(recipe, bare, "bare") + compare_log(recipe, preloaded, "preloaded")
    wrong += compare_counts(recipe, preloaded)
    if preloaded.load.get("failed"):
        wrong.append(f"{preloaded.load['failed']} requests of the load failed")
    print(f"{name}: {sum(preloaded.classes.classes.values())} answered "
          f"{dict(sorted(preloaded.classes.classes.items()))}, "
          f"{preloaded.classes.unanswered} dropped"
          f"{unanswered(preloaded)}, counted "
          f"{' and '.join(str({k: v for k, v in x.items() if v}) for x in preloaded.counted['services'])}"
          f"{', log the same' if recipe.log else ''}, exit code {preloaded.code}, "
          f"{len(wrong)} differences")
    for line in wrong:
        print("  " + line)
    return not wrong


def has_modules(recipe):
    """The modules of Debian's Python that are not there."""
    for module in recipe.modules:
        if subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], capture_output=True,
                          check=False).returncode:
            yield f"Python's {module}"


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(k + ("" if v.default else " full") for k, v in TABLE.items()))
        return 0
    live.need_root_and("ab")
    good = True
    for name in sys.argv[1:]:
        recipe = TABLE[name]
        lacking = [*missing(recipe), *has_modules(recipe)]
        if lacking:
            live.skip(f"{name}: needs {', '.join(lacking)}")
        good &= check(name, recipe)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
