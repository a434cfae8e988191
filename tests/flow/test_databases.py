#!/usr/bin/env python3
"""What a database's own statistics count is what is counted, by command: Redis, memcached, PostgreSQL."""
import collections
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
import live

REQUESTS = 20000
SECRET = "s3cretw0rd"  # in keys, values, unknown commands: nothing of it may be told


class Server(live.Process):
    """A server under the library, on a port of its own."""

    def __init__(self, stage, name, command, port):
        self.port = port
        super().__init__(stage, command, stage.folder / f"{name}.log",
                         {**stage.environment, "RINGSIDE_SERVICE": name,
                          "LD_PRELOAD": str(live.find_program("libringside.so"))})
        live.wait_for(name, lambda: socket.create_connection(("127.0.0.1", port), 1), 10).close()


def ask(port, text, wanted, seconds=5):
    """Writes the text in one piece and reads until that many bytes, or a pattern, are there."""
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        connection.sendall(text)
        return hear(connection, wanted)


def hear(connection, wanted):
    got = b""
    while not re.search(wanted, got, re.S):
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    return got


def array(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in
                                              (x if isinstance(x, bytes) else str(x).encode()
                                               for x in words))


def redis_stats(port):
    """Calls and rejected calls by command, the asking INFO left out."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(array("INFO", "commandstats"))
        text = hear(connection, rb"\r\n\r\n$|(cmdstat_[^\n]*\r\n)\r\n").decode()
    found = {}
    for name, calls, rejected in re.findall(
            r"cmdstat_([^:]+):calls=(\d+),.*?rejected_calls=(\d+)", text):
        found[name.upper()] = int(calls) + int(rejected)
    return {name: n for name, n in found.items() if n}


def routes(agent, service):
    return {row["route"]: row["count"]
            for row in agent.get(f"/api/routes?limit=1000&service={service}")["routes"]
            if row["count"]}


def redis_load(port):
    """Of everything some, and what is unknown to the server: how much of that."""
    tests = "ping,set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100,mset"
    for pipeline in (1, 16):
        subprocess.run(["redis-benchmark", "-p", str(port), "-q", "-n", str(REQUESTS), "-c", "20",
                        "-r", "1000", "-P", str(pipeline), "-t", tests],
                       check=True, stdout=subprocess.DEVNULL, timeout=120)
    ask(port, b"PING\r\nSET inline " + SECRET.encode() + b"\r\nget inline\r\n\r\nconfig get save\r\n",
        rb"\*2\r\n\$4\r\nsave.*\r\n")
    # a deep pipeline of different commands, in one write
    deep = b"".join(array("HSET", SECRET, i, SECRET) + array("EXPIRE", SECRET, 100)
                    for i in range(5000))
    ask(port, deep + array("ECHO", "end"), rb"\$3\r\nend\r\n")
    redis_transactions(port)
    redis_errors(port)
    redis_blocks(port)
    redis_streams(port)


def redis_transactions(port):
    ask(port, array("MULTI") + array("SET", "a", 1) + array("INCR", "a") + array("LPUSH", "a", 1) +
        array("EXEC"), rb"\*3\r\n.*WRONGTYPE[^\n]*\n")
    ask(port, array("MULTI") + array("SET", "a", 1) + array("DISCARD"), rb"QUEUED\r\n\+OK\r\n")
    ask(port, array("MULTI") + array("GET") + array("SET", "a", 1) + array("EXEC"), rb"EXECABORT")
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.sendall(array("WATCH", "a"))
        hear(one, rb"\+OK\r\n")
        ask(port, array("SET", "a", 5), rb"\+OK\r\n")
        one.sendall(array("MULTI") + array("SET", "a", 7) + array("EXEC"))
        hear(one, rb"\*-1\r\n")


def redis_errors(port):
    ask(port, array("LPUSH", "list", 1) + array("INCR", "list") + array("GET") +
        array(SECRET, SECRET) + array("CONFIG", SECRET) + array("OBJECT", "ENCODING", "list") +
        array("EVAL", "return redis.call('type', KEYS[1])", 1, "list") + array("ECHO", "end"),
        rb"\$3\r\nend\r\n")
    return 2


def redis_blocks(port):
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.sendall(array("BLPOP", "queue", 5))
        time.sleep(0.2)
        ask(port, array("RPUSH", "queue", SECRET), rb":1\r\n")
        hear(one, SECRET.encode())
        one.sendall(array("BLPOP", "queue", "0.1"))
        hear(one, rb"\*-1\r\n")


def redis_streams(port):
    """RESP3 pushes leave commands paired; subscriptions of RESP2 do not, and it is said."""
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.sendall(array("HELLO", 3) + array("CLIENT", "TRACKING", "ON") + array("GET", "a"))
        hear(one, rb"OK\r\n.*\$1\r\n")
        ask(port, array("SET", "a", 9), rb"\+OK\r\n")
        hear(one, rb"invalidate")
        one.sendall(array("GET", "a"))
        hear(one, rb"\$1\r\n9\r\n")
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.sendall(array("SUBSCRIBE", "news"))
        hear(one, rb":1\r\n")
        ask(port, array("PUBLISH", "news", SECRET), rb":1\r\n")
        hear(one, SECRET.encode())
        one.sendall(array("PING"))
        hear(one, rb"pong")
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.sendall(array("MONITOR"))
        hear(one, rb"\+OK\r\n")
        ask(port, array("ECHO", SECRET), rb"\$\d+\r\n")
        hear(one, SECRET.encode())


def test_redis(stage, agent):
    port = live.free_port()
    server = Server(stage, "redis", ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save",
                                     "", "--dir", stage.folder, "--daemonize", "no"], port)
    live.wait_for("the agent", lambda: agent.get("/api/processes?service=redis")["processes"], 5)
    time.sleep(1.2)
    redis_load(port)
    wanted = redis_stats(port)
    wanted["_unknown"] = 2
    wanted["INFO"] = wanted.get("INFO", 0) + 1  # the one that told
    wanted["TYPE"] -= 1  # a script called it
    wanted["PING"] -= 1  # on a connection of messages
    wanted = {name: n for name, n in wanted.items() if n}
    agent.wait_for_count(sum(wanted.values()), 10, "?service=redis")
    told = routes(agent, "redis")
    document = agent.metrics("?service=redis")
    print(f"redis:\n its own {wanted}\n counted {told}\n {document['status']} "
          f"{document['capture']} {document['throughput']['inFlight']} in flight")
    unpaired = agent.get("/api/capture")["processes"]
    unpaired = [p["unparsed"]["unpaired"] for p in unpaired if p["pid"] == server.pid]
    same = told == wanted and unpaired == [1] and not document["throughput"]["inFlight"]
    if told != wanted:
        print(" differs:", {k: (wanted.get(k), told.get(k)) for k in {*wanted, *told}
                            if wanted.get(k) != told.get(k)})
    return same and document["responseTimes"]["count"] == sum(wanted.values()) and \
        secret_is_kept(agent, server)


def memcached_stats(port):
    text = ask(port, b"stats\r\n", rb"END\r\n").decode()
    return {name: int(value) for name, value in re.findall(r"STAT (\w+) (\d+)\r", text)}


def memcached_text(port):
    """A mixture by text; what was sent, by command, and how many keys its gets had beyond one."""
    sent, keys = collections.Counter(), 0
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        for turn in range(200):
            batch, ends = [], 0
            for i in range(20):
                key = f"{SECRET}{i}".encode()
                batch += [b"set %s 0 0 10\r\n%s\r\n" % (key, SECRET.encode()),
                          b"get %s\r\n" % key, b"gets %s %s nokey\r\n" % (key, key),
                          b"add %s 0 0 1 noreply\r\nx\r\n" % key,
                          b"set n 0 0 1\r\n%d\r\n" % (i % 10), b"incr n 2\r\n",
                          b"decr n 1\r\n", b"append %s 0 0 2\r\nyz\r\n" % key,
                          b"touch %s 100\r\n" % key, b"delete %s\r\n" % key,
                          b"ms %s 4\r\nmeta\r\n" % key, b"mg %s v\r\n" % key,
                          b"mg nokey v q\r\n", b"mg %s v q\r\n" % key, b"mn\r\n"]
                sent.update(("set", "get", "gets", "add", "set", "incr", "decr", "append", "touch",
                             "delete", "ms", "mg", "mg", "mg", "mn"))
                keys += 2
            one.sendall(b"".join(batch) + b"version\r\n")
            sent["version"] += 1
            hear(one, rb"VERSION [^\n]*\n$")
        one.sendall(b"hunter2 x\r\nset k 0 0 abc\r\nset big 0 0 3000000\r\n" + b"x" * 3000000 +
                    b"\r\nversion\r\n")
        hear(one, rb"VERSION [^\n]*\n$")
        sent.update(("_unknown", "set", "set", "version"))
        one.sendall(b"quit\r\n")
        sent["quit"] += 1
    return sent, keys


def binary(opcode, key=b"", extras=b"", value=b""):
    body = extras + key + value
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(body), 0,
                       0) + body


def memcached_binary(port):
    key, sent = SECRET.encode(), collections.Counter()
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        for turn in range(200):
            one.sendall(binary(0x01, key, b"\0" * 8, key) + binary(0x09, key) +
                        binary(0x09, b"nokey") + binary(0x11, key, b"\0" * 8, b"v") +
                        binary(0x00, key) + binary(0x10) + binary(0x0a))
            sent.update(("set", "getq", "getq", "setq", "get", "stat", "noop"))
            hear(one, rb"\x81\x0a.{22}$")
    return sent


def test_memcached(stage, agent):
    port = live.free_port()
    server = Server(stage, "memcached", ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", port,
                                         "-t", "2"], port)
    live.wait_for("the agent", lambda: agent.get("/api/processes?service=memcached")["processes"], 5)
    time.sleep(1.2)
    (wanted, keys), quiet = memcached_text(port), memcached_binary(port)
    wanted += quiet
    own = memcached_stats(port)
    wanted["stats"] += 1
    agent.wait_for_count(sum(wanted.values()), 10, "?service=memcached")
    told = routes(agent, "memcached")
    document = agent.metrics("?service=memcached")
    sums = {"cmd_set": sum(told.get(x, 0) for x in ("set", "setq", "add", "append", "ms")) - 2,
            "cmd_get": sum(told.get(x, 0) for x in ("get", "getq", "gets", "mg")) + keys,
            "cmd_touch": told.get("touch"), "delete_hits": told.get("delete"), "incr_hits": told.get("incr"),
            "decr_hits": told.get("decr")}
    print(f"memcached:\n sent {dict(wanted)}\n counted {told}\n its own "
          f"{ {k: own.get(k) for k in sums} }\n by routes {sums}\n {document['status']} "
          f"{document['capture']} {document['throughput']['inFlight']} in flight")
    return told == dict(wanted) and all(own.get(k) == n for k, n in sums.items()) and \
        document["status"]["4xx"] == 2 and document["status"]["5xx"] == 1 and \
        not document["capture"]["unparsed"] and not document["throughput"]["inFlight"] and \
        secret_is_kept(agent, server)


def postgres_programs():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres(Server):
    """A cluster of its own, as the user postgres, with pg_stat_statements."""

    def __init__(self, stage):
        self.bin = postgres_programs()
        self.data = stage.folder / "postgres"
        self.data.mkdir()
        shutil.chown(self.data, "postgres", "postgres")
        self.as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run([*self.as_postgres, self.bin / "initdb", "-D", self.data, "-A", "trust", "-N",
                        "-U", "postgres"], check=True, stdout=subprocess.DEVNULL, timeout=60)
        port = live.free_port()
        settings = ("shared_preload_libraries=pg_stat_statements", "fsync=off", "autovacuum=off",
                    "listen_addresses=127.0.0.1", *self.certificate(), f"port={port}", "pg_stat_statements.max=5000",
                    f"unix_socket_directories={self.data}")
        super().__init__(stage, "postgres", [*self.as_postgres, self.bin / "postgres", "-D", self.data,
                                             *(x for s in settings for x in ("-c", s))], port)

    def certificate(self):
        """Settings for TLS, which libpq takes where it is offered; none without openssl."""
        if not shutil.which("openssl"):
            return ()
        subprocess.run([*self.as_postgres, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                        "-subj", "/CN=localhost", "-days", "2", "-keyout", self.data / "server.key",
                        "-out", self.data / "server.crt"], check=True, capture_output=True, timeout=60)
        return ("ssl=on",)

    def run(self, program, *arguments, check=True, text=None, mode="disable"):
        return subprocess.run([self.bin / program, "-h", "127.0.0.1", "-p", str(self.port), "-U",
                               "postgres", *arguments], check=check, input=text,
                              capture_output=True, text=True, timeout=120,
                              env={**os.environ, "PGSSLMODE": mode}).stdout

    def sql(self, text):
        return self.run("psql", "-X", "-A", "-t", "-F", "|", "-d", "postgres", text=text)


def postgres_shape(text):
    """A statement, ours or pg_stat_statements', in a form in which both are the same."""
    text = re.sub(r"/\*.*?\*/|--.*$", " ", text)
    return re.sub(r"\?|\$\d+", "?", re.sub(r"\s+", " ", text)).strip()[:100]


def postgres_load(server):
    """What is run, beside what pgbench does, is counted by pg_stat_statements too."""
    server.sql("CREATE EXTENSION pg_stat_statements")
    server.run("pgbench", "-i", "-q", "-s", "1", "postgres")
    server.sql("SELECT pg_stat_statements_reset()")
    for mode in ("simple", "extended", "prepared"):
        server.run("pgbench", "-n", "-M", mode, "-c", "4", "-t", "250", "postgres",
                   mode="prefer" if mode == "extended" else "disable")  # TLS where it can be had
    server.run("psql", "-X", "-d", "postgres", check=False, text=f"""
        CREATE TABLE t (a int primary key, b text);
        INSERT INTO t VALUES (1, '{SECRET}'), (2, E'it\\'s {SECRET}'), (3, $x$ {SECRET} ' $x$);
        INSERT INTO t VALUES (1, '{SECRET}');
        SELECT {SECRET} FROM t;
        SELECT count(*) /* {SECRET} */ FROM t WHERE b = '{SECRET}' AND a > 0 -- {SECRET}
        ;
        COPY t FROM STDIN;
4	{SECRET}
5	{SECRET}
\\.
        COPY t TO STDOUT;
        SELECT 1/0;
        """)
    if shutil.which("openssl"):
        server.run("psql", "-X", "-d", "postgres", "-c", "SELECT current_user", mode="require")
    server.run("psql", "-X", "-d", "postgres", "-c", "SELECT 1 AS a; SELECT version(); SELECT now()")


def test_postgres(stage, agent):
    server = Postgres(stage)
    live.wait_for("the agent", lambda: agent.get("/api/processes?service=postgres")["processes"], 5)
    time.sleep(1.2)
    postgres_load(server)
    own = collections.Counter()
    rows = server.sql("SELECT calls || '|' || replace(query, chr(10), ' ') FROM pg_stat_statements "
                      "WHERE query NOT LIKE '%pg_stat_statements%'")
    for row in rows.splitlines():
        calls, text = row.split("|", 1)
        own[postgres_shape(text)] += int(calls)
    own["BEGIN"] = own["END"] = 3 * 4 * 250  # it forgets utility statements that were prepared
    time.sleep(3)
    told = collections.Counter()
    for name, count in routes(agent, "postgres").items():
        told[postgres_shape(name)] += count
    document = agent.metrics("?service=postgres")
    differs = {k: (n, told.get(k)) for k, n in own.items() if told.get(k) != n}
    more = {k: n for k, n in told.items() if k not in own}
    print(f"postgres:\n its own {dict(own)}\n differs {differs}\n beside {more}\n "
          f"{document['status']} {document['capture']} {document['throughput']['inFlight']} in flight")
    return not differs and secret_is_kept(agent, server)


def secret_is_kept(agent, server):
    """Nothing of keys, values and words that are no commands: neither in the API nor in memory."""
    places = {path: agent.get(path) for path in
              ("/api/routes?limit=1000", "/api/services", "/api/performance/metrics")}
    where = [path for path, text in places.items() if SECRET in str(text).lower()]
    memory = Path(f"/proc/{server.pid}/mem").open("rb", 0)
    for line in Path(f"/proc/{server.pid}/maps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw-s .*memfd:ringside[^ ]* \(", line)
        if not found:
            continue
        start, end = (int(x, 16) for x in found.groups())
        memory.seek(start)
        if SECRET.encode() in memory.read(end - start).lower():
            where.append("shared memory")
    print(f" the secret is in: {where}")
    return not where


TESTS = {"redis": test_redis, "memcached": test_memcached, "postgres": test_postgres}


def main():
    live.need_root_and("redis-server", "redis-benchmark", "memcached")
    signal.alarm(280)
    only = sys.argv[1:] or ["redis", "memcached", "postgres"]
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        same = all([TESTS[name](stage, agent) for name in only])
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
