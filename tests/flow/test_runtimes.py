#!/usr/bin/env python3
"""How often and how long runtimes stop to collect garbage, against what each of them counts itself;
the statements that a PostgreSQL server finishes."""
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

STATEMENTS = 400
one_works = threading.Lock()  # so that what a program measures of itself is not how long it waited
wrong = []

# Each works off a line of its standard input, and answers with its own counts: collections so far,
# of them those of the whole heap (null: it does not tell them apart), and the time they took, in ms.
NODE = """
const { PerformanceObserver } = require('perf_hooks');
let all = 0, full = 0, ms = 0;
new PerformanceObserver(list => {
	for (const e of list.getEntries()) {
		if (e.detail.kind > 4) continue; // a step of a collection, not one
		all++; full += e.detail.kind == 4; ms += e.duration;
	}
}).observe({ entryTypes: ['gc'] });
function work() {
	let keep = [];
	for (let i = 0; i < 300000; i++) { keep.push({ a: i, b: [i] }); if (keep.length > 60000) keep = []; }
	gc();
}
require('readline').createInterface({ input: process.stdin }).on('line', line => {
	if (line == 'work') work();
	setTimeout(() => console.log(JSON.stringify([all, full, ms])), 50);
});
"""
PYTHON = """
import gc, json, sys, time
count, began, ms = [0, 0, 0], 0, 0
def told(phase, info):
    global began, ms
    if phase == 'start':
        began = time.perf_counter()
    else:
        count[info['generation']] += 1
        ms += (time.perf_counter() - began) * 1e3
gc.callbacks.append(told)
for line in sys.stdin:
    if line == 'work\\n':
        keep = []
        for i in range(100000):
            keep.append([i])
            if len(keep) > 30000:
                keep = []
        gc.collect()
    print(json.dumps([sum(count), count[2], ms]), flush=True)
"""
RUBY = """
STDOUT.sync = true
while line = STDIN.gets
  if line == "work\\n"
    keep = []
    100000.times { |i| keep << [i.to_s]; keep = [] if keep.size > 50000 }
    GC.start
  end
  puts "[#{GC.count}, null, null]"
end
"""
PHP = """<?php
while (($line = fgets(STDIN)) !== false) {
	for ($i = 0; $line == "work\\n" && $i < 50000; $i++) {
		$a = new stdClass; $b = new stdClass; $a->b = $b; $b->a = $a;
	}
	fwrite(STDOUT, json_encode([gc_status()['runs'], null, null])."\\n");
}
"""
JAVA = """
import java.io.*;
import java.lang.management.*;
import java.util.*;
public class Churn {
	public static void main(String[] a) throws Exception {
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		for (String line; (line = in.readLine()) != null;) {
			if (line.equals("work")) {
				List<byte[]> keep = new ArrayList<>();
				for (int i = 0; i < 2000; i++) {
					keep.add(new byte[100000]);
					if (keep.size() > 100) keep.clear();
				}
				System.gc();
			}
			long all = 0, full = 0;
			for (GarbageCollectorMXBean b : ManagementFactory.getGarbageCollectorMXBeans()) {
				all += b.getCollectionCount();
				if (b.getName().equals("MarkSweepCompact")) full += b.getCollectionCount();
			}
			System.out.println("[" + all + ", " + full + ", null]");
			System.out.flush();
		}
	}
}
"""


def expect(fact, what):
    print(("ok    " if fact else "WRONG ") + what)
    if not fact:
        wrong.append(what)


class Churn:
    """A program that makes garbage when it is told to."""

    def __init__(self, stage, name, command, shim):
        environment = {**os.environ, **stage.environment, "RINGSIDE_SERVICE": name}
        if shim:
            environment["LD_PRELOAD"] = str(live.find_program("libringside.so"))
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      env=environment, preexec_fn=live.dies_with_us)
        self.name, self.pid = name, self.popen.pid
        stage.things.append(self)

    def say(self, order):
        self.popen.stdin.write(order.encode() + b"\n")
        self.popen.stdin.flush()
        return json.loads(self.popen.stdout.readline())

    def stop(self):
        self.popen.kill()
        self.popen.wait()


def attach(stage, word):
    subprocess.run([live.find_program("ringside"), "attach", str(word)], check=True, timeout=30,
                   stdout=subprocess.DEVNULL, env={**os.environ, **stage.environment})


def facility(agent, name):
    rows = [row for row in agent.get("/api/health")["facilities"]
            if (row["set"], row["name"]) == ("runtime", name)]
    return rows[0] if rows else None


def memory(agent, pid):
    try:
        return agent.metrics(f"?pid={pid}&window=5m")["memory"]
    except RuntimeError:  # not seen yet
        return {"gc": None, "gcReason": "not seen"}


def settled(agent, pid, part="memory"):
    """What is told once everything that happened before is in it: samples are a second apart."""
    time.sleep(2.5)
    data = agent.metrics(f"?pid={pid}&window=5m")
    return data["memory"]["gc"] if part == "memory" else data[part]


def tells(agent, pid, what):
    """True once it does; the kernel's refusal is a reason to skip."""
    def told():
        return memory(agent, pid)["gc"] is not None or facility(agent, what)["state"] == "refused"
    try:
        live.wait_for("its collections", told, 30, 0.2)
    except TimeoutError:
        expect(False, f"{what}: {memory(agent, pid)}, {facility(agent, what)}")
        return False
    state = facility(agent, what)
    if state["state"] == "refused":
        live.skip(f"the kernel refuses: {state['errno']}, {state['reason']}")
    expect(state["state"] == "loaded", f"{what}: its probes are in place")
    return True


def collections(stage, agent, what, command, shim):
    """Exactly as many as it counts itself; each in less time than it took as seen from outside."""
    churn = Churn(stage, f"{what}-app", command, shim)
    churn.say("nothing")
    if not shim:
        attach(stage, churn.pid)
    if not tells(agent, churn.pid, what):
        return churn
    own, before = churn.say("nothing"), settled(agent, churn.pid)
    with one_works:
        for _ in range(4):
            churn.say("work")
        now = churn.say("nothing")
    after = settled(agent, churn.pid)
    wanted = [None if x is None else y - x for x, y in zip(own, now)]
    got = after["count"] - before["count"]
    expect(got == wanted[0] > 4, f"{what}: {got:.0f} collections told, {wanted[0]} by itself")
    if wanted[1] is not None:
        got = after["full"] - before["full"]
        expect(got == wanted[1] >= 4, f"{what}: {got:.0f} of the whole heap, {wanted[1]} by itself")
    else:
        expect(after["full"] is None, f"{what}: whole heap or not is not told")
    ms = after["pauseMs"] - before["pauseMs"]
    expect(ms > 0 and (wanted[2] is None or ms <= wanted[2] + 1),
           f"{what}: {ms:.3f} ms told, {wanted[2]} by itself")
    expect(0 < after["maxPauseMs"] <= after["pauseMs"] + 1e-3 and 0 < after["pausePercent"] <= 100,
           f"{what}: {after}")
    return churn


class Postgres(live.Process):
    def __init__(self, stage, folder):
        self.data = stage.folder / "postgres"
        self.data.mkdir()
        shutil.chown(self.data, "postgres", "postgres")
        drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run([*drop, folder / "initdb", "-D", self.data, "-A", "trust", "-N", "-U", "postgres"],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)
        self.session = None
        super().__init__(stage, [*drop, folder / "postgres", "-D", self.data, "-c", "fsync=off", "-c",
                                 "listen_addresses=", "-c", f"unix_socket_directories={self.data}"],
                         stage.folder / "postgres.log", {**stage.environment})
        live.wait_for("postgres", lambda: list(self.data.glob(".s.PGSQL.*[0-9]")), 10)

    def connect(self, folder):
        self.session = subprocess.Popen(
            [folder / "psql", "-X", "-A", "-t", "-h", self.data, "-U", "postgres", "postgres"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=live.dies_with_us)
        return int(self.ask("SELECT pg_backend_pid();"))

    def ask(self, text):
        """The last line of the answer to all of it."""
        self.session.stdin.write(text + "\n\\echo over\n")
        self.session.stdin.flush()
        line = last = ""
        while line != "over\n":
            last, line = line, self.session.stdout.readline()
        return last.strip()

    def stop(self, number=signal.SIGINT, seconds=5):
        if self.session:
            self.session.kill()
            self.session.wait()
        return super().stop(number, seconds)


# A root of its own, in mounts of its own: empty, in layers as containers have it, or a mere folder.
CONTAINER = """
set -e
kind=$1 root=$2 program=$3 script=$4 library=$5
case $kind in
empty) mount -t tmpfs none $root ;;
layers)
	mount -t tmpfs none $root
	mkdir $root/upper $root/work $root/root
	mount -t overlay -o lowerdir=/,upperdir=$root/upper,workdir=$root/work none $root/root
	root=$root/root ;;
esac
mkdir -p $root/own $root$library
ldd $program | grep -o '/[^ ]*' | while read -r file; do
	test -e $root$file || install -D $file $root$file
done
cp $program $root/own/python3
cp $script $root/own/script
mount --bind $library $root$library
exec chroot $root /own/python3 -S /own/script
"""


def container(stage, agent, kind):
    """Its files are reached through it: under the paths that they have, there are none outside."""
    program = Path("/usr/bin/python3").resolve()
    library = Path("/usr/lib", program.name)
    if not program.exists() or not library.exists():
        print("      left out: no Python of Debian's is installed")
        return
    root = stage.folder / kind
    root.mkdir()
    churn = Churn(stage, f"python-{kind}",
                  ["unshare", "--mount", "--propagation", "private", "sh", "-c", CONTAINER,
                   "container", kind, root, program, stage.folder / "c.py", library], False)
    churn.say("nothing")
    expect(not Path("/own/python3").exists() and (kind == "folder" or not any(root.iterdir())),
           f"{kind}: what it runs has no such path outside")
    attach(stage, churn.pid)
    if tells(agent, churn.pid, "python"):
        own, before = churn.say("nothing"), settled(agent, churn.pid)
        churn.say("work")
        now, after = churn.say("nothing"), settled(agent, churn.pid)
        expect(after["count"] - before["count"] == now[0] - own[0] > 4,
               f"{kind}: {after['count'] - before['count']:.0f} collections told, "
               f"{now[0] - own[0]} by itself")
    churn.stop()


def statements(stage, agent):
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        print("      left out: no PostgreSQL is installed")
        return
    server = Postgres(stage, found[-1].parent)
    attach(stage, server.pid)
    backend = server.connect(found[-1].parent)

    def told():
        return agent.metrics(f"?pid={backend}")["statements"]
    try:
        live.wait_for("its statements", lambda: live.fetch(
            agent.port, f"/api/performance/metrics?pid={backend}")[0] == 200 and told(), 15, 0.2)
    except TimeoutError:
        expect(False, f"postgres: {facility(agent, 'postgres')}")
        return
    before = settled(agent, backend, "statements")
    server.ask("SELECT 1;\n" * STATEMENTS + "SELECT pg_sleep(0.1);\n" * 3 + "SELECT 1/0;")
    after = settled(agent, backend, "statements")
    got, ms = after["count"] - before["count"], after["totalMs"] - before["totalMs"]
    # one that fails ends without its probe
    expect(got == STATEMENTS + 3, f"postgres: {got:.0f} statements, {STATEMENTS + 3} were finished")
    expect(ms >= 300 and after["maxMs"] >= 100, f"postgres: {ms:.1f} ms, of them 300 asleep: {after}")
    data = agent.metrics(f"?pid={backend}")["memory"]
    expect(data["gc"] is None and data["gcReason"] == "it has no collector of garbage",
           f"postgres: {data['gcReason']}")
    server.stop()


def java(stage):
    homes = [home for home in sorted(Path("/usr/lib/jvm").glob("*"))
             if (home / "bin" / "javac").exists() and not home.is_symlink()]
    if not homes:
        return None
    source = stage.folder / "Churn.java"
    source.write_text(JAVA)
    subprocess.run([homes[0] / "bin" / "javac", "-d", stage.folder, source], check=True, timeout=120)
    return [homes[0] / "bin" / "java", "-XX:+UseSerialGC", "-XX:-UsePerfData",
            "-Xmx256m", "-cp", stage.folder, "Churn"]


def commands(stage):
    """(runtime, command, under the library?) of what is installed, Debian's own."""
    node, python, ruby, php = (stage.folder / name for name in ("c.js", "c.py", "c.rb", "c.php"))
    for file, text in ((node, NODE), (python, PYTHON), (ruby, RUBY), (php, PHP)):
        file.write_text(text)
    for what, program, arguments, shim in (
            ("node", "/usr/bin/node", ("--expose-gc", node), True),
            ("python", "/usr/bin/python3", ("-S", python), True),
            ("python", "/usr/bin/python3", ("-S", python), False),
            ("ruby", "/usr/bin/ruby", (ruby,), True), ("php", "/usr/bin/php", ("-n", php), False)):
        if Path(program).exists():
            yield what, [program, *arguments], shim
        else:
            print(f"      left out: {program} is not there")
    command = java(stage)
    if command:
        yield "jvm", command, False
    else:
        print("      left out: no JDK is installed")


def without(stage, agent):
    """Who has no such runtime says why there is nothing."""
    plain = Churn(stage, "plain", ["/bin/cat"], True)
    try:
        live.wait_for("its reason", lambda: memory(agent, plain.pid)["gcReason"] ==
                      "no runtime that tells its collections is known in it", 15, 0.2)
        expect(memory(agent, plain.pid)["gc"] is None, "a program without one: null, with the reason")
    except TimeoutError:
        expect(False, f"a program without one: {memory(agent, plain.pid)}")


def exposed(agent, last):
    text = live.fetch(agent.port, "/metrics")[2].decode()
    got = re.search(rf'^ringside_process_gc_pauses_total{{.*pid="{last.pid}".*}} (\S+)$',
                    text, re.M)
    wanted = memory(agent, last.pid)["gc"]["count"]
    expect(got and float(got.group(1)) == wanted > 0, f"/metrics: {got and got.group(1)} of {wanted:.0f}")


def not_needed(agent):
    what = "what nobody runs on any more is not attached"
    try:
        live.wait_for(what, lambda: facility(agent, "python")["state"] == "notNeeded", 10, 0.1)
        expect(True, what)
    except TimeoutError:
        expect(False, f"{what}: {facility(agent, 'python')}")


def killed(agent, last):
    """Nothing stays attached, and who was probed never notices."""
    attached = [x for x, kind in live.kernel_links(agent.pid).items() if kind == "uprobe_multi"]
    expect(len(attached) >= 2, f"{len(attached)} links while a program runs on {last.name}")
    agent.popen.kill()  # the nursery goes with it
    agent.popen.wait()
    expect(last.say("work")[0] > 0, "the program goes on when the agent is killed")
    try:
        live.wait_for("their end", lambda: not any(map(live.kernel_has_link, attached)), 10, 0.1)
        expect(True, "and what was attached is gone")
    except TimeoutError:
        expect(False, f"still attached: {attached}")


def main():
    live.need_root_and()
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        state = facility(agent, "python")
        expect(state and state["state"] == "notNeeded", f"without a target: {state}")
        part = functools.partial
        _, *churns = stage.at_once(part(without, stage, agent), *(
            part(collections, stage, agent, *one) for one in commands(stage)))
        if not churns:
            live.skip("no runtime is installed")
        *others, last = churns
        for churn in others:
            churn.stop()
        exposed(agent, last)
        not_needed(agent)
        expect(facility(agent, "jvm")["dropped"] == 0, "nothing found no room")
        stage.at_once(part(statements, stage, agent), *(
            part(container, stage, agent, kind) for kind in ("empty", "layers", "folder")))
        killed(agent, last)
    if wrong:
        sys.exit(1)


main()
