#!/usr/bin/env python3
"""Notices of alerts reach real receivers: a webhook that fails, redirects, hangs and recovers,
Alertmanager, a mail server with STARTTLS and a password, DogStatsD; each level its own channels.
"""
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

SECRET, PASSWORD = "a secret of the hook", "a password of the mail"
PYTHON = "/usr/bin/python3"  # the one that Debian's modules are for
RULE = {"name": "too-large", "metric": "agent.memory", "window": "2s", "interval": "1s",
        "cooldown": "1s", "warning": {"above": "1MiB"}, "service_impacting": True}


class Failed(Exception):
    pass


def check(fact, what):
    if not fact:
        raise Failed(what)


class Webhook:
    """It answers as `mode` says, and keeps what came: (path, headers, document)."""
    def __init__(self):
        outer = self
        self.mode, self.got, self.tried, self.over = "good", [], 0, threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.tried += 1
                if outer.mode == "hang":
                    outer.over.wait(30)
                    return
                if outer.mode == "good":
                    outer.got.append((self.path, self.headers, body))
                status = {"good": 200, "fail": 503, "redirect": 307, "refuse": 400}[outer.mode]
                self.send_response(status)
                self.send_header("Location", f"http://127.0.0.1:{outer.port}/elsewhere")
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(outer.mode[:6].ljust(6).encode())

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def documents(self, path):
        return [json.loads(body) for at, _, body in self.got if at == path]

    def stop(self):
        self.over.set()
        self.server.shutdown()


def configure(stage, channels, **more):
    folder = stage.folder / "rules.d"
    folder.mkdir(exist_ok=True)
    (folder / "test.json").write_text(json.dumps([RULE]))
    (stage.folder / "ringside.json").write_text(json.dumps(
        {"alerts": {"rules_dir": str(folder), "channels": channels, **more}}))


def over(stage):
    """The rule is as good as gone: what fires recovers."""
    (stage.folder / "rules.d" / "test.json").write_text(json.dumps(
        [{**RULE, "warning": {"above": "1TiB"}}]))


def channel(agent, name):
    return next(c for c in agent.get("/api/alerts/channels")["channels"] if c["name"] == name)


def part(agent, name):
    return next(p for p in agent.get("/api/health")["parts"] if p["name"] == name)


def ringside(stage, *arguments):
    return subprocess.run([live.find_program("ringside"), "alerts", *arguments], text=True,
                          capture_output=True, timeout=70, check=False,
                          env={**os.environ, **stage.environment})


def signed(headers, body):
    said = dict(pair.split("=", 1) for pair in headers["Ringside-Signature"].split(","))
    good = hmac.new(SECRET.encode(), said["t"].encode() + b"." + body, hashlib.sha256)
    return said["v1"] == good.hexdigest() and abs(time.time() - int(said["t"])) < 30


def webhook_fails_and_recovers(stage):
    hook = Webhook()
    secret = stage.folder / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)  # root's alone: the runner reads it before it is nobody
    configure(stage, {"ops": {"type": "webhook", "url": hook.url("/ops"), "timeout": "1s",
                              "secret_file": str(secret)},
                      "other": {"type": "slack", "url": hook.url("/other")}},
              notify=["log", "ops", "other"])
    hook.mode = "fail"
    agent = stage.agent().wait("/readyz")
    live.wait_for("a failure", lambda: channel(agent, "ops")["failures"] >= 1, 10, 0.1)
    row = channel(agent, "ops")
    check(row["lastError"].startswith("503: fail") and row["waiting"] >= 1, row)
    live.wait_for("health", lambda: "503: fail" in part(agent, "channel.ops")["reason"], 3, 0.1)
    for mode, word in (("redirect", "307, a redirect, which is not followed"),
                       ("hang", "timed out")):
        hook.mode = mode
        live.wait_for(mode, lambda: word in channel(agent, "ops")["lastError"], 15, 0.1)
        begun = time.monotonic()
        check(live.fetch(agent.port, "/api/alerts")[0] == 200, "the API answers")
        check(time.monotonic() - begun < 1, "the API is held up")
    check(not hook.got, hook.got)
    done = ringside(stage, "channels")
    check(done.returncode == 1 and "failing" in done.stdout, done)
    hook.mode = "good"
    hook.over.set()
    live.wait_for("recovery", lambda: channel(agent, "ops")["state"] == "ok", 25, 0.1)
    live.wait_for("recovery", lambda: channel(agent, "other")["state"] == "ok", 25, 0.1)
    over(stage)
    for path in ("/ops", "/other"):
        live.wait_for("the end", lambda: b"RESOLVED" in hook.got[-1][2] or
                      b'"resolved"' in hook.got[-1][2], 10, 0.1)
    live.wait_for("the end", lambda: hook.documents("/ops")[-1]["status"] == "resolved", 5, 0.1)
    check(all(signed(headers, body) for path, headers, body in hook.got if path == "/ops"),
          "a signature is wrong")
    documents = hook.documents("/ops")
    check([d["notice"] for d in documents[:-1]] == list(range(1, len(documents))), documents)
    check(len({h["Idempotency-Key"] for p, h, _ in hook.got if p == "/ops"}) == len(documents),
          "keys are not of one notice each")
    check(documents[-1]["durationMs"] > 0 and documents[-1]["peak"] > 1 << 20, documents[-1])
    hook.mode = "refuse"
    done = ringside(stage, "test", "ops")
    check(done.returncode == 1 and "failed: 400: refuse" in done.stdout, done)
    check(ringside(stage, "test", "opps").returncode == 1, "an unknown channel")
    said = agent.said() + live.fetch(agent.port, "/api/config")[2].decode()
    check(SECRET not in said, "a secret was told")
    agent.stop()
    hook.stop()


def runner_of(agent):
    """The one that speaks with the network."""
    for pid in agent.family():
        with contextlib.suppress(OSError):
            if "libcurl" in Path(f"/proc/{pid}/maps").read_text():
                return pid
    return None


def a_runner_that_dies_is_started_anew(stage):
    hook = Webhook()
    configure(stage, {"ops": {"type": "webhook", "url": hook.url("/ops")}}, notify=["ops"])
    agent = stage.agent().wait("/readyz")
    live.wait_for("a notice", lambda: hook.got, 10, 0.1)
    runner = runner_of(agent)
    status = dict(line.split(":", 1) for line in
                  Path(f"/proc/{runner}/status").read_text().splitlines())
    check(status["Uid"].split() == ["65534"] * 4 and status["NoNewPrivs"].strip() == "1" and
          all(int(status[cap], 16) == 0 for cap in ("CapPrm", "CapEff", "CapBnd")), status)
    check(Path(f"/proc/{runner}/mem").stat().st_uid == 0, "its memory is open to its user")
    check(not [link for link in Path(f"/proc/{runner}/fd").iterdir()
               if "ringside" in os.readlink(link) and "agent.log" not in os.readlink(link)],
          "it holds files of the agent")
    sockets = [link for link in Path(f"/proc/{runner}/fd").iterdir()
               if os.readlink(link).startswith("socket:")]
    check(len(sockets) <= 4, f"{len(sockets)} sockets: its link, the receiver's, a pair of curl's")
    hook.mode = "hang"
    live.wait_for("one under way", lambda: hook.tried > len(hook.got), 10, 0.05)
    os.kill(runner, signal.SIGKILL)
    hook.mode = "good"
    count = len(hook.got)
    live.wait_for("the next notice", lambda: len(hook.got) > count + 1, 10, 0.05)
    check(runner_of(agent) != runner, "another one")
    check("the runner was killed by signal 9; starting another" in agent.said(), agent.said())
    numbers = [d["notice"] for d in hook.documents("/ops")]
    check(numbers == list(range(1, len(numbers) + 1)), numbers)
    family = agent.family()
    os.kill(agent.pid, signal.SIGKILL)
    agent.popen.wait()
    live.wait_for("the end of all", lambda: not [p for p in family if alive(p)], 4, 0.05)
    hook.stop()


def alive(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def each_level_has_its_channels(stage):
    hook = Webhook()
    configure(stage, {name: {"type": "webhook", "url": hook.url(f"/{name}")}
                      for name in ("team", "phone", "boss")},
              notify=["team"],
              escalation=[{"after": 3, "notify": ["phone"]},
                          {"after": 5, "notify": ["boss"], "when": "service-impacting"}])
    agent = stage.agent().wait("/readyz")
    live.wait_for("level 3", lambda: hook.documents("/boss"), 25, 0.1)
    over(stage)
    live.wait_for("the end", lambda: hook.documents("/boss")[-1]["status"] == "resolved", 10, 0.1)
    live.wait_for("the end", lambda: hook.documents("/team")[-1]["status"] == "resolved", 5, 0.1)
    told = {name: [(d["notice"], d["level"]) for d in hook.documents(f"/{name}")
                   if d["status"] == "firing"] for name in ("team", "phone", "boss")}
    check(told["team"][:5] == [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)], told)
    check(told["phone"] == told["team"][2:] and told["boss"] == told["team"][4:], told)
    for name in told:
        ends = [d for d in hook.documents(f"/{name}") if d["status"] == "resolved"]
        check(len(ends) == 1, f"{name}: {ends}")
    check("alert firing" not in agent.said(), "the log was not among the channels")
    began = time.monotonic()
    agent.stop()
    took = time.monotonic() - began
    check(took < 1.5, f"the end took {took:.1f} s: somebody waits for another's end")
    hook.stop()


def pagerduty_has_one_incident(stage):
    """In the form of its Events API v2; our receiver stands for it, who is asked for nothing."""
    hook, key = Webhook(), stage.folder / "routing"
    key.write_text("a routing key\n")
    key.chmod(0o600)
    configure(stage, {"phone": {"type": "pagerduty", "url": hook.url("/v2/enqueue"),
                                "routing_key_file": str(key)}}, notify=["phone"])
    agent = stage.agent().wait("/readyz")
    live.wait_for("three notices", lambda: len(hook.got) >= 3, 15, 0.1)
    over(stage)
    live.wait_for("the end", lambda: hook.documents("/v2/enqueue")[-1]["event_action"] == "resolve", 10,
                  0.1)
    events = hook.documents("/v2/enqueue")
    check({e["routing_key"] for e in events} == {"a routing key"}, events[0])
    check(len({e["dedup_key"] for e in events}) == 1, "one incident")
    check([e["event_action"] for e in events] == ["trigger"] * (len(events) - 1) + ["resolve"],
          [e["event_action"] for e in events])
    payload = events[0]["payload"]
    check(payload["severity"] == "warning" and payload["class"] == "too-large" and
          payload["source"] == socket.gethostname() and "too-large" in payload["summary"], payload)
    check("a routing key" not in agent.said(), "a secret was told")
    agent.stop()
    hook.stop()


class Alertmanager(live.Process):
    def __init__(self, stage):
        self.port = live.free_port()
        config = stage.folder / "alertmanager.yml"
        config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
        super().__init__(stage, ["prometheus-alertmanager", f"--config.file={config}",
                                 f"--storage.path={stage.folder / 'alertmanager'}",
                                 f"--web.listen-address=127.0.0.1:{self.port}",
                                 "--cluster.listen-address="], stage.folder / "alertmanager.log")
        live.wait_for("Alertmanager", lambda: live.fetch(self.port, "/-/ready")[0] == 200, 15)

    def alerts(self):
        _, _, body = live.fetch(self.port, "/api/v2/alerts")
        return [a for a in json.loads(body) if a["labels"]["alertname"] == "too-large"]


def alertmanager_knows_what_fires(stage):
    if not shutil.which("prometheus-alertmanager"):
        print("skipped: needs prometheus-alertmanager")
        return
    manager = Alertmanager(stage)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    datagrams.settimeout(10)
    configure(stage, {"am": {"type": "alertmanager", "url": f"http://127.0.0.1:{manager.port}"},
                      "dog": {"type": "dogstatsd",
                              "address": f"127.0.0.1:{datagrams.getsockname()[1]}"}},
              notify=["am", "dog"])
    agent = stage.agent().wait("/readyz")
    alert = live.wait_for("the alert", manager.alerts, 10, 0.2)[0]
    check(alert["labels"]["severity"] == "warning" and alert["status"]["state"] == "active", alert)
    check(alert["annotations"]["limit"] == "1 MiB", alert)
    ends = time.mktime(time.strptime(alert["endsAt"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    check(200 < ends - time.time() < 310, alert)
    over(stage)
    live.wait_for("the end", lambda: not manager.alerts(), 10, 0.2)  # it lists what fires alone
    first = datagrams.recv(4096).decode()
    check(first.startswith("_e{") and "too-large" in first and "|t:warning|" in first, first)
    live.wait_for("the end", lambda: "|t:success|" in datagrams.recv(4096).decode(), 10, 0)
    check(channel(agent, "am")["state"] == "ok", channel(agent, "am"))
    agent.stop()
    manager.stop()
    datagrams.close()


SMTP = """
import json, ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[2], "a") as out:
            out.write(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos,
                                  "tls": session.ssl is not None, "login": session.auth_data,
                                  "body": envelope.content.decode()}) + chr(10))
        return "250 thanks"
def login(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"ringside", sys.argv[3].encode())
    return AuthResult(success=good, handled=False, auth_data=data.login.decode())
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[4], sys.argv[5])
Controller(Sink(), hostname="127.0.0.1", port=int(sys.argv[1]), tls_context=tls,
           require_starttls=True, authenticator=login, auth_required=True,
           ready_timeout=10).start()
while True:
    time.sleep(60)
"""


class MailServer(live.Process):
    def __init__(self, stage):
        self.port, self.box = live.free_port(), stage.folder / "mails"
        self.certificate, key = stage.folder / "mail.crt", stage.folder / "mail.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        super().__init__(stage, [PYTHON, "-c", SMTP, self.port, self.box, PASSWORD,
                                 self.certificate, key], stage.folder / "smtp.log")
        live.wait_for("the mail server", self.listens, 15)

    def listens(self):
        with socket.create_connection(("127.0.0.1", self.port), 2):
            return True

    def mails(self):
        return [json.loads(line) for line in self.box.read_text().splitlines()] \
            if self.box.exists() else []


def mail_by_starttls_with_a_password(stage):
    found = subprocess.run([PYTHON, "-c", "import aiosmtpd"], check=False, capture_output=True)
    if found.returncode:
        print("skipped: needs python3-aiosmtpd")
        return
    server = MailServer(stage)
    password = stage.folder / "password"
    password.write_text("not the password")
    mail = {"type": "email", "smtp": f"smtp://localhost:{server.port}",
            "from": "ringside@site.example", "username": "ringside",
            "password_file": str(password),
            "to": ["ops@site.example", "gone@site.example", "dev@site.example"]}
    configure(stage, {"email": mail}, notify=["log", "email"])
    agent = stage.agent().wait("/readyz")
    # nobody vouches for its certificate
    live.wait_for("a failure", lambda: "certificate" in channel(agent, "email")["lastError"].lower()
                  if channel(agent, "email")["lastError"] else None, 15, 0.2)
    agent.stop()
    configure(stage, {"email": {**mail, "ca_file": str(server.certificate)}},
              notify=["log", "email"])
    agent = stage.agent().wait("/readyz")
    live.wait_for("a failure", lambda: "535" in (channel(agent, "email")["lastError"] or ""),
                  15, 0.2)
    check(not server.mails(), server.mails())
    agent.stop()
    password.write_text(PASSWORD)
    agent = stage.agent().wait("/readyz")
    live.wait_for("a mail", server.mails, 15, 0.2)
    over(stage)
    live.wait_for("the end", lambda: "Subject: [RESOLVED]" in server.mails()[-1]["body"], 15, 0.2)
    mails = server.mails()
    check(all(m["tls"] and m["login"] == "ringside" for m in mails), mails)
    check(mails[0]["from"] == "ringside@site.example" and
          mails[0]["to"] == ["ops@site.example", "dev@site.example"], mails[0])
    check("Subject: [WARNING] too-large: " in mails[0]["body"] and
          "\r\nMessage-ID: <" in mails[0]["body"], mails[0])
    ids = [line for m in mails for line in m["body"].splitlines() if line.startswith("Message-ID")]
    check(len(set(ids)) == len(mails), ids)
    check("thanks" in channel(agent, "email")["lastReply"], channel(agent, "email"))
    check(PASSWORD not in agent.said(), "the password was told")
    agent.stop()
    server.stop()


REFUSING = """
import json, sys, time
from aiosmtpd.controller import Controller
class Sink:
    busy = 2
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 nobody of that name"
        if address.startswith("busy@") and self.busy:
            self.busy -= 1
            return "450 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[2], "a") as out:
            out.write(json.dumps({"to": envelope.rcpt_tos,
                                  "body": envelope.content.decode()}) + chr(10))
        return "250 thanks"
Controller(Sink(), hostname="127.0.0.1", port=int(sys.argv[1]), ready_timeout=10).start()
while True:
    time.sleep(60)
"""


class RefusingServer(MailServer):
    def __init__(self, stage):  # pylint: disable=super-init-not-called
        self.port, self.box = live.free_port(), stage.folder / "mails"
        live.Process.__init__(self, stage, [PYTHON, "-c", REFUSING, self.port, self.box],
                              stage.folder / "smtp.log")
        live.wait_for("the mail server", self.listens, 15)


def who_refuses_a_mail_is_asked_again_or_not(stage):
    """A refusal for good is; who has a mail gets it once, however often another is asked."""
    if subprocess.run([PYTHON, "-c", "import aiosmtpd"], check=False, capture_output=True).returncode:
        print("skipped: needs python3-aiosmtpd")
        return
    server = RefusingServer(stage)
    mail = {"type": "email", "smtp": f"smtp://127.0.0.1:{server.port}", "starttls": "none",
            "from": "ringside@site.example"}
    configure(stage, {"never": {**mail, "to": "gone@site.example"},
                      "some": {**mail, "to": ["ops@site.example", "busy@site.example",
                                              "gone@site.example"]}}, notify=["never", "some"])
    (stage.folder / "rules.d" / "test.json").write_text(json.dumps([{**RULE, "cooldown": "1h"}]))
    agent = stage.agent().wait("/readyz")
    live.wait_for("a refusal", lambda: channel(agent, "never")["refused"] == 1, 10, 0.1)
    row = channel(agent, "never")
    check("550" in row["lastError"] and not row["waiting"] and row["state"] == "lossy", row)
    live.wait_for("a failure", lambda: channel(agent, "some")["failures"], 10, 0.1)
    row = channel(agent, "some")
    check(row["waiting"] == 1 and "@site.example: 5" in row["lastError"], row)
    row = live.wait_for("the rest", lambda: (r := channel(agent, "some"))["delivered"] and r, 20, 0.1)
    mails = server.mails()
    check([m["to"] for m in mails] == [["ops@site.example"], ["busy@site.example"]], mails)
    ids = {line for m in mails for line in m["body"].splitlines() if line.startswith("Message-ID")}
    check(len(ids) == 1 and row["refused"] == 0, ids)
    agent.stop()
    server.stop()


def channels_are_read_again(stage):
    """A reload brings another address, a secret and a new channel; what waits is not lost; a bad one
    and a worker that dies change nothing."""
    hook, other = Webhook(), Webhook()
    secret = stage.folder / "secret"
    secret.write_text("not " + SECRET)
    secret.chmod(0o600)
    ops = {"type": "webhook", "url": hook.url("/ops"), "secret_file": str(secret)}
    configure(stage, {"ops": ops}, notify=["ops"])
    hook.mode = "fail"
    agent = stage.agent().wait("/readyz")
    live.wait_for("two that wait", lambda: channel(agent, "ops")["waiting"] >= 2, 10, 0.1)
    config = stage.folder / "ringside.json"
    config.write_text('{"alerts": {"channels": {\n"ops": {"type": "webhok"}}}}')
    os.kill(agent.pid, signal.SIGHUP)
    live.wait_for("a refusal", lambda: "not reloaded: " in agent.said(), 5, 0.05)
    check("ringside.json:2" in agent.said() and "did you mean webhook?" in agent.said(), agent.said())
    check(channel(agent, "ops")["waiting"] >= 2 and not other.got, "the last good one is in force")
    secret.write_text(SECRET)
    configure(stage, {"new": {"type": "webhook", "url": other.url("/new")},
                      "ops": {**ops, "url": other.url("/ops")}}, notify=["ops", "new"])
    os.kill(agent.pid, signal.SIGHUP)
    live.wait_for("the new channel", lambda: len(other.documents("/new")) >= 2, 15, 0.1)
    live.wait_for("all that waited", lambda: not channel(agent, "ops")["waiting"], 15, 0.1)
    numbers = [d["notice"] for d in other.documents("/ops")]
    check(numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 2, numbers)
    check(all(signed(headers, body) for path, headers, body in other.got if path == "/ops"),
          "a signature is wrong")
    other.mode = "fail"
    live.wait_for("two that wait", lambda: channel(agent, "new")["waiting"] >= 2, 15, 0.1)
    worker = next(pid for pid in agent.family()
                  if "/history" in " ".join(os.readlink(fd) for fd in
                                            Path(f"/proc/{pid}/fd").iterdir()))
    os.kill(worker, signal.SIGKILL)
    agent.wait("/readyz")
    count = len(other.documents("/new"))
    other.mode = "good"
    live.wait_for("more of it", lambda: len(other.documents("/new")) > count + 1, 15, 0.1)
    for path in ("/ops", "/new"):
        numbers = [d["notice"] for d in other.documents(path)]
        wanted = list(range(numbers[0], numbers[0] + len(numbers)))
        check(numbers == wanted, f"{path}: {numbers}")
    check(SECRET not in agent.said() and not hook.got, "a secret, or the former address")
    check("takes effect when the agent is started again" not in agent.said(), agent.said())
    agent.stop()
    hook.stop()
    other.stop()


def it_never_tells_itself(stage):
    urls = {"self": "http://127.0.0.1", "name": "http://localhost", "any": "http://0.0.0.0"}
    configure(stage, {name: {"type": "webhook", "url": f"{url}:{stage.agent_port}/api/alerts"}
                      for name, url in urls.items()}, notify=list(urls))
    agent = stage.agent().wait("/readyz")
    for name in urls:
        live.wait_for(name, lambda n=name: channel(agent, n)["failures"], 10, 0.1)
        check("an address of this agent itself" in channel(agent, name)["lastError"],
              channel(agent, name))
    agent.stop()


def run(tests):
    failed = 0
    for test in tests:
        begun = time.monotonic()
        with live.Stage() as stage:
            try:
                test(stage)
                print(f"{test.__name__}: good, {time.monotonic() - begun:.1f} s")
            except (Failed, TimeoutError) as failure:
                print(f"{test.__name__}: {failure}")
                print((stage.folder / "agent.log").read_text())
                failed += 1
    return failed


def main():
    live.need_root_and("openssl")
    signal.alarm(280)
    return live.side_by_side(run, (
        (webhook_fails_and_recovers, each_level_has_its_channels, it_never_tells_itself),
        (a_runner_that_dies_is_started_anew, mail_by_starttls_with_a_password, pagerduty_has_one_incident),
        (alertmanager_knows_what_fires, who_refuses_a_mail_is_asked_again_or_not,
         channels_are_read_again)))


if __name__ == "__main__":
    sys.exit(main())
