#!/usr/bin/env python3
"""What a MariaDB server counts itself is what is counted, by statement; one thread a connection and a pool."""
import collections
import functools
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import live
import test_databases as databases

SECRET = databases.SECRET
AS_MYSQL = ("setpriv", "--reuid=mysql", "--regid=mysql", "--clear-groups")
PREPARED = 60  # executions by hand
BIG = 10 << 20  # bytes of a statement


def make_data(folder):
    """A data directory of the user mysql, with a certificate."""
    folder.parent.chmod(0o755)
    folder.mkdir()
    shutil.chown(folder, "mysql", "mysql")
    subprocess.run(["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={folder}",
                    "--auth-root-authentication-method=normal", "--skip-test-db"],
                   check=True, capture_output=True, timeout=100)
    subprocess.run([*AS_MYSQL, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                    "/CN=localhost", "-days", "2", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem"], check=True, capture_output=True, timeout=60)


class Mariadb(databases.Server):
    def __init__(self, stage, data, name, handling):
        port, self.data, self.socket = live.free_port(), data, data / "mysql.sock"
        super().__init__(stage, name, [
            *AS_MYSQL, "mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={self.socket}",
            f"--port={port}", "--bind-address=127.0.0.1", "--skip-log-bin", "--local-infile=1",
            f"--pid-file={data}/pid", f"--ssl-cert={data}/cert.pem", f"--ssl-key={data}/key.pem",
            f"--thread-handling={handling}", "--max-allowed-packet=64M",
            "--innodb-flush-log-at-trx-commit=0"], port)

    def at(self):
        return ["--no-defaults", "-h127.0.0.1", f"-P{self.port}", "-uroot"]

    def sql(self, text, *options, check=True):
        return subprocess.run(["mariadb", *self.at(), "-N", "-f", *options], input=text, text=True,
                              check=check, capture_output=True, timeout=60).stdout

    def status(self):
        rows = self.sql("SHOW GLOBAL STATUS", "--skip-ssl").splitlines()
        return {k: int(v) for k, v in (row.split("\t") for row in rows if row.count("\t") == 1)
                if v.isdigit()}


class Client:
    """The protocol by hand: what no tool of Debian's sends."""

    def __init__(self, port, flags=0):
        self.peer = socket.create_connection(("127.0.0.1", port), 20)
        self.hear()
        self.send(1, struct.pack("<IIB23x", 0x3a285 | flags, 1 << 24, 33) + b"root\0\0")
        self.flags = flags
        assert self.hear()[:1] in (b"\0", b"\xfe")

    def send(self, number, payload):
        while True:
            part, payload = payload[:0xffffff], payload[0xffffff:]
            self.peer.sendall(struct.pack("<I", len(part) | number << 24) + part)
            number = (number + 1) & 255
            if len(part) < 0xffffff:
                return number

    def exactly(self, n):
        got = b""
        while len(got) < n:
            piece = self.peer.recv(n - len(got))
            if not piece:
                raise EOFError
            got += piece
        return got

    def hear(self):
        packet, size = b"", 0xffffff
        while size == 0xffffff:
            size = int.from_bytes(self.exactly(4)[:3], "little")
            packet += self.exactly(size)
        return packet

    def rows(self):
        """To the end of a result: the first packet."""
        first = self.hear()
        ends = 2 if first[0] not in (0, 0xff, 0xfb) else 0
        if self.flags & 1 << 24 and ends:
            ends = 1
        while ends:
            packet = self.hear()
            ends = 0 if packet[0] == 0xff else ends - (packet[0] == 0xfe and len(packet) < 0xffffff)
        return first

    def query(self, text):
        self.send(0, b"\3" + (text if isinstance(text, bytes) else text.encode()))
        return self.rows()

    def prepare(self, text, answer=True):
        self.send(0, b"\x16" + text.encode())
        return self.prepared() if answer else None

    def prepared(self):
        first = self.hear()
        if first[0] == 0xff:
            return None
        number, columns, parameters = struct.unpack("<IHH", first[1:9])
        end = not self.flags & 1 << 24
        for n in (columns, parameters):
            for _ in range(n + end if n else 0):
                self.hear()
        return number

    def execute(self, number, text, answer=True):
        """With one parameter, a string."""
        value = text.encode()
        self.send(0, struct.pack("<BIBI", 0x17, number, 0, 1) + b"\0\1\xfd\0" + bytes([len(value)]) +
                  value)
        return self.rows() if answer else None

    def end(self):
        self.send(0, b"\1")
        self.peer.close()


def by_hand(port, flags):
    """What is sent, by the route that it must have."""
    sent = collections.Counter()
    one = Client(port, flags)
    for i in range(PREPARED):
        number = one.prepare(f"SELECT a, b FROM test.t WHERE b = ? AND a <> {i}")
        one.execute(number, SECRET)
        one.execute(number, "x")
        one.send(0, struct.pack("<BIH", 0x18, number, 0) + SECRET.encode())  # no answer
        one.send(0, struct.pack("<BI", 0x1a, number))
        one.hear()
        one.send(0, struct.pack("<BI", 0x19, number))
    sent["SELECT a, b FROM test.t WHERE b = ? AND a <> ?"] = 2 * PREPARED
    for _ in range(5):  # all in one go, the second by the number of the last prepared
        for i in range(20):
            one.prepare("SELECT a + ? FROM test.t LIMIT 1", False)
            one.execute(0xffffffff, "1", False)
            one.send(0, b"\x0e")
            one.send(0, b"\3SELECT 'piped'")
        for i in range(20):
            one.prepared(), one.rows(), one.hear(), one.rows()
    sent["SELECT a + ? FROM test.t LIMIT ?"] = sent["SELECT ?"] = 100
    one.query(f"SELECT length('{'x' * BIG}'), '{SECRET}'")
    sent["SELECT length(?), ?"] += 1
    one.query("SELECT length('" + "x" * (0xffffff - len("\3SELECT length('')")) + "')")
    one.query(b"SELECT repeat('x', 20000000)")
    sent["SELECT length(?)"] += 1
    sent["SELECT repeat(?, ?)"] += 1
    assert one.prepare(f"SELECT {SECRET} FROM nowhere") is None
    one.send(0, b"\2mysql")
    one.hear()
    one.end()
    return sent


TEXT = """
CREATE DATABASE IF NOT EXISTS test; USE test;
CREATE TABLE t (a int primary key, b text);
INSERT INTO t VALUES (1, '{0}'), (2, "it's {0}"), (3, 'it\\'s {0}');
INSERT INTO t VALUES (1, '{0}');
SELECT {0} FROM t;
SELECT count(*) FROM t WHERE b = "{0}" AND a > 0 # {0}
;
START TRANSACTION; UPDATE t SET b = '{0}' WHERE a = 2; ROLLBACK;
SELECT 1 FROM t FOR UPDATE;
DELIMITER //
CREATE PROCEDURE p() BEGIN SELECT 1; SELECT '{0}'; END//
CALL p()//
SELECT 1 FROM t; SELECT 2 FROM nowhere; SELECT 3//
/*!40101 SET NAMES utf8 */; SELECT a FROM t; SELECT b FROM t//
DELIMITER ;
LOAD DATA LOCAL INFILE '{1}' INTO TABLE t (a, b);
"""


def load(server, stage):
    """Of everything some; the routes that are known to the number."""
    rows = stage.folder / f"{server.port}.txt"
    rows.write_text("".join(f"{i}\t{SECRET}{'x' * 500}\n" for i in range(10, 20010)))
    rows.chmod(0o644)
    server.sql(TEXT.format(SECRET, rows), "--local-infile=1", "--skip-ssl", "--comments")
    server.sql("SELECT 'tls', current_user(); SELECT now() AS tls;", "--ssl")
    server.sql("SELECT 'socket' AS socket;", "--skip-ssl", f"--socket={server.socket}", "--protocol=socket")
    subprocess.run(["mysqlslap", *server.at(), "--skip-ssl", "--concurrency=4", "--iterations=3",
                    "--auto-generate-sql", "--number-of-queries=400"], check=True,
                   capture_output=True, timeout=60)
    if shutil.which("sysbench"):
        sysbench(server)
    return by_hand(server.port, 0) + by_hand(server.port, 1 << 24)


def sysbench(server):
    command = ["sysbench", "oltp_read_write", "--mysql-host=127.0.0.1", "--mysql-user=root",
               f"--mysql-port={server.port}", "--mysql-db=test", "--tables=1", "--table-size=500",
               "--mysql-ssl=off", "--threads=4", "--events=200", "--time=0"]
    for verb in ("prepare", "run"):
        subprocess.run([*command, verb], check=True, capture_output=True, timeout=100)


def killed(server):
    """One in the middle of a statement, one between two; the statement was a request."""
    one = Client(server.port)
    one.send(0, b"\3SELECT sleep(20) AS killed")
    number = live.wait_for("the query", lambda: server.sql(
        "SELECT id FROM information_schema.processlist WHERE info LIKE '%AS killed' AND id <> "
        "connection_id()", "--skip-ssl").strip(), 5)
    server.sql(f"KILL {number}", "--skip-ssl")
    try:
        one.rows()
        one.hear()
    except (EOFError, OSError):
        pass
    one.peer.close()
    Client(server.port).peer.close()


def compressed(server):
    """Its statements are not seen, which is said."""
    server.sql("SELECT 'compressed';", "--skip-ssl", "--compress")


def run(stage, agent, data, name, handling):
    server = Mariadb(stage, data, name, handling)
    live.wait_for("the agent", lambda: agent.get(f"/api/processes?service={name}")["processes"], 5)
    time.sleep(1.2)
    server.sql("DROP DATABASE IF EXISTS test", "--skip-ssl")
    before = server.status()
    time.sleep(1)
    base = sum(databases.routes(agent, name).values())
    wanted = load(server, stage)
    killed(server)
    after = server.status()
    grown = {k: after[k] - before.get(k, 0) for k in after}
    wanted["(init db)"] = grown["Com_change_db"]
    refused = 2  # prepares that failed: no question of the server's, a request of ours
    # its own counts the ends of sessions too, of those that said so, and long parameters
    quits = grown["Connections"] - 2
    questions = grown["Questions"] - quits - grown["Com_stmt_send_long_data"] + refused
    agent.wait_for_count(base + questions, 10, f"?service={name}")
    time.sleep(1)
    told = databases.routes(agent, name)
    document = agent.metrics(f"?service={name}")
    series = agent.get(f"/api/performance/timeseries?metric=database.duration&service={name}&window=15m")["summary"]
    differs = {k: (n, told.get(k)) for k, n in wanted.items() if told.get(k) != n}
    counted = sum(told.values()) - base
    print(f"{name}:\n its own questions {questions} ({grown['Questions']}), counted {counted}\n differs {differs}\n "
          f"told {told}\n {document['status']} {document['capture']} {document['throughput']['inFlight']} in flight")
    print(f" over time {series['count']} of {sum(told.values())} statements, {series['value']} ms the mean")
    good = not differs and counted == questions and series["count"] == sum(told.values()) and not document["throughput"]["inFlight"] and \
        not document["capture"]["unparsed"]
    compressed(server)
    time.sleep(1)
    unparsed = [{k: v for k, v in p["unparsed"].items() if v}
                for p in agent.get("/api/capture")["processes"] if p["pid"] == server.pid]
    print(f" of a compressed session: {unparsed}")
    kept = databases.secret_is_kept(agent, server)
    server.stop(seconds=30)
    return good and unparsed == [{"unpaired": 1}] and kept


def main():
    live.need_root_and("mariadbd", "mariadb", "mariadb-install-db", "mysqlslap", "openssl")
    signal.alarm(280)
    with live.Stage() as stage:
        folders = stage.folder / "mysql", stage.folder / "mysql-pool"
        make_data(folders[0])
        subprocess.run(["cp", "-a", *folders], check=True, timeout=60)
        agent = stage.agent().wait("/readyz")
        same = stage.at_once(*(functools.partial(run, stage, agent, *one) for one in zip(
            folders, ("mariadb", "mariadb-pool"), ("one-thread-per-connection", "pool-of-threads"))))
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
