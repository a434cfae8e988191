#!/usr/bin/env python3
"""CPU profiles of a process that knows its own shares: 70 to 30, in every form, and of nobody else."""
import ctypes
import gzip
import json
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.dom.minidom
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

SECONDS = 20
POINTS = 3  # how far a share may be from what the process itself measured

# Both loops are the same instructions at the same alignment: their time goes by their number alone.
INLINES = r"""
static inline __attribute__((always_inline)) void innermost(volatile long *x)
{
	for (long i = 0; i < 1000; i++)
		*x += i * i;
}
static inline __attribute__((always_inline)) void middle(volatile long *x)
{
	for (int i = 0; i < 100; i++)
		innermost(x);
}
__attribute__((noinline)) void outer(volatile long *x)
{
	*x -= 1;
	middle(x);
	*x += 1;
}
int main(void)
{
	volatile long x = 0;
	for (;;)
		outer(&x);
}
"""

BURNER = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BURN __attribute__((noinline, noclone, aligned(64))) void

BURN burn_much(unsigned long n)
{
	for (; n; n--)
		__asm__ volatile("" : "+r"(n));
}

BURN burn_little(unsigned long n)
{
	for (; n; n--)
		__asm__ volatile("" : "+r"(n));
}

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noinline)) void outer(double *much, double *little)
{
	double a = cpu(), b, c;

	burn_much(7000000);
	b = cpu();
	burn_little(3000000);
	c = cpu();
	*much += b - a;
	*little += c - b;
}

#ifdef __x86_64__
static void jit(void)
{
	static const unsigned char code[] = { 0xff, 0xcf, 0x75, 0xfc, 0xc3 }; /* counts edi down */
	unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void (*call)(unsigned int);
	char path[64];
	FILE *map;

	memcpy(at, code, sizeof(code));
	memcpy(&call, &at, sizeof(call));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	map = fopen(path, "wx");
	if (!map)
		return;
	fprintf(map, "%lx %x my jitted function\n", (unsigned long)at, 16);
	fclose(map);
	for (;;)
		call(100000000);
}
#endif

int main(int argc, char **argv)
{
	double much = 0, little = 0;

	alarm(120);
#ifdef __x86_64__
	if (argc > 1 && strcmp(argv[1], "jit") == 0)
		jit();
#endif
	for (int i = 0;; i++) {
		outer(&much, &little);
		if (i % 200 == 0) {
			FILE *out = fopen(argv[argc - 1], "we");

			if (!out)
				return 1;
			fprintf(out, "%.4f\n", 100 * much / (much + little));
			fclose(out);
		}
	}
}
"""

# Twelve functions deep, each with a frame of its own size and registers to keep.
DEEP = r"""
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEP(n, next)                                                                              \
	__attribute__((noinline, noclone)) unsigned long deep##n(unsigned long x)                  \
	{                                                                                          \
		volatile unsigned char room[16 * (n) + 8];                                         \
		unsigned long y;                                                                   \
												   \
		room[0] = (unsigned char)x;                                                        \
		y = next(x + n);                                                                   \
		return y * (x | 1) + room[0];                                                      \
	}

__attribute__((noinline, noclone)) unsigned long deep12(unsigned long x)
{
	struct timespec t;

	for (unsigned long i = 0; i < 100000; i++)
		__asm__ volatile("" : "+r"(x));
	for (int i = 0; i < 1000; i++)
		clock_gettime(CLOCK_MONOTONIC, &t); /* in the kernel's own code, the vDSO's */
	return x;
}

STEP(11, deep12)
STEP(10, deep11)
STEP(9, deep10)
STEP(8, deep9)
STEP(7, deep8)
STEP(6, deep7)
STEP(5, deep6)
STEP(4, deep5)
STEP(3, deep4)
STEP(2, deep3)
STEP(1, deep2)

int main(int argc, char **argv)
{
	static volatile unsigned long sum;
	volatile char secret[32];

	for (int i = 0; argc > 1 && i < 31; i++) /* on its stack, as it is nowhere else */
		secret[i] = argv[1][i] ^ 1;
	alarm(120);
	for (;;)
		sum += deep1(sum);
}
"""
DEEP_NAMES = ["main", *(f"deep{n}" for n in range(1, 13))]

# Field numbers of pprof's profile.proto, as far as they are written.
PROTO = """syntax = "proto3";
message Type { int64 type = 1; int64 unit = 2; }
message Sample { repeated uint64 location_id = 1; repeated int64 value = 2; }
message Mapping { uint64 id = 1; int64 filename = 5; bool has_functions = 7; }
message Line { uint64 function_id = 1; }
message Location { uint64 id = 1; uint64 mapping_id = 2; repeated Line line = 4; }
message Function { uint64 id = 1; int64 name = 2; int64 system_name = 3; int64 filename = 4; }
message Profile {
  repeated Type sample_type = 1; repeated Sample sample = 2; repeated Mapping mapping = 3;
  repeated Location location = 4; repeated Function function = 5;
  repeated string string_table = 6; int64 time_nanos = 9; int64 duration_nanos = 10;
  Type period_type = 11; int64 period = 12;
}
"""


class Failed(Exception):
    pass


def check(fact, what):
    if not fact:
        raise Failed(what)


def ringside(stage, *words, code=0):
    done = subprocess.run([live.find_program("ringside"), *map(str, words)], capture_output=True,
                          timeout=60, check=False, env={**os.environ, **stage.environment})
    check(done.returncode == code, f"ringside {words}: {done.returncode}, not {code}: "
          f"{done.stdout}{done.stderr}")
    return (done.stdout if code == 0 else done.stderr).decode()


class Burner(live.Process):
    def __init__(self, stage, *arguments, shim=True):
        self.share_file = stage.folder / f"share{time.monotonic_ns()}"
        environment = dict(stage.environment)
        if shim:
            environment["LD_PRELOAD"] = str(live.find_program("libringside.so"))
        super().__init__(stage, [str(stage.folder / "burner"), *arguments, str(self.share_file)],
                         stage.folder / "burner.out", environment)

    def share(self):
        """Percent of its time that it spent in burn_much, by its own clock."""
        return float(self.share_file.read_text())


def build(stage):
    source = stage.folder / "burner.c"
    source.write_text(BURNER)
    built = subprocess.run(["cc", "-O1", "-fno-omit-frame-pointer", "-o",
                            str(stage.folder / "burner"), str(source)],
                           capture_output=True, text=True, check=False)
    if built.returncode:
        live.skip(f"no compiler for the burner: {built.stderr}")


def health(agent, name):
    parts = agent.get("/api/health")["parts"]
    return next((part for part in parts if part["name"] == name), None)


def watched(agent, pid):
    rows = agent.get(f"/api/processes?pid={pid}")["processes"]
    return bool(rows)


def stacks(text):
    """[(frames, samples)] of collapsed stacks."""
    return [(line.rsplit(" ", 1)[0].split(";"), int(line.rsplit(" ", 1)[1]))
            for line in text.splitlines()]


def shares_are_right(stage, burner):
    text = ringside(stage, "profile", "cpu", burner.pid, "--seconds", SECONDS)
    told = stacks(text)
    much = sum(n for frames, n in told if "burn_much" in frames)
    little = sum(n for frames, n in told if "burn_little" in frames)
    both, everything = much + little, sum(n for _, n in told)
    real = burner.share()
    check(both > 100 and both >= 0.9 * everything, f"the two are most of it: {text}")
    check(abs(100 * much / both - real) <= POINTS,
          f"{100 * much / both:.1f} % of {both} samples, the process says {real:.1f} %")
    print(f"ok    {100 * much / both:.2f} % of {both} samples; the process says {real:.2f} %")
    check(all(frames[-1 - frames[::-1].index("burn_much")] for frames, _ in told
              if "burn_much" in frames), "innermost last")
    check(any("main" in frames and frames.index("main") < frames.index("burn_much")
              for frames, _ in told if "burn_much" in frames), f"main calls: {text}")


def inlined_functions_are_frames(stage):
    """Where debug information tells of them, in every form; as they were put into one another."""
    source, program = stage.folder / "inlines.c", stage.folder / "inlines"
    source.write_text(INLINES)
    subprocess.run(["cc", "-O2", "-g", "-fno-omit-frame-pointer", "-o", str(program), str(source)],
                   check=True)
    shim = {"LD_PRELOAD": str(live.find_program("libringside.so"))}
    process = live.Process(stage, [program], stage.folder / "inlines.out",
                           {**stage.environment, **shim})
    live.wait_for("it is watched", lambda: watched(stage.the_agent, process.pid), 10)
    text = ringside(stage, "profile", "cpu", process.pid, "--seconds", 3)
    wanted = ["outer", "middle (inlined)", "innermost (inlined)"]
    seen = sum(n for frames, n in stacks(text) if frames[-3:] == wanted)
    check(seen > 0.8 * sum(n for _, n in stacks(text)) > 20, text)
    frames = json.loads(ringside(stage, "profile", "cpu", process.pid, "--past", "--format",
                                 "json"))["data"]["frames"]
    check({"outer", *wanted} <= {frame["name"] for frame in frames}, frames)
    for name in ("inlines.svg", "inlines.pb.gz"):
        ringside(stage, "profile", "cpu", process.pid, "--past", "-o", stage.folder / name)
    check("innermost (inlined)" in (stage.folder / "inlines.svg").read_text(), "svg")
    check(b"innermost (inlined)" in gzip.decompress((stage.folder / "inlines.pb.gz").read_bytes()),
          "pprof")
    process.stop()
    print(f"ok    {seen} samples are of what was put into another function")


def go_reads(stage, burner, packed):
    """Debian's go tool pprof, the file and what it asks for itself."""
    if not shutil.which("go"):
        print("skipped: go tool pprof: no go here (golang-go)")
        return
    url = f"http://localhost:{stage.the_agent.port}/debug/pprof/profile?pid={burner.pid}&seconds=1"
    for source in (packed, url):
        done = subprocess.run(["go", "tool", "pprof", "-top", source], capture_output=True, text=True,
                              check=False, timeout=60,
                              env={**os.environ, "PPROF_TMPDIR": str(stage.folder),
                                   "GOCACHE": str(stage.folder / "go")})
        check(done.returncode == 0 and re.search(r"%\s+burn_much$", done.stdout, re.M),
              f"go tool pprof {source}: {done.stdout}{done.stderr}")
    print("ok    go tool pprof reads the file, and asks the agent")


def forms_agree(stage, burner):
    said = json.loads(ringside(stage, "profile", "--past", "--format", "json", "cpu", burner.pid))
    data = said["data"]
    check(data["hz"] == 99 and data["processes"] == 1 and data["seconds"] == 10, data)
    check(sum(s["samples"] for s in data["stacks"]) == data["samples"] > 0, data)
    check(all(0 <= i < len(data["frames"]) for s in data["stacks"] for i in s["frames"]), data)
    check(data["problem"] is None, data["problem"])
    names = {frame["name"]: frame for frame in data["frames"]}
    check(names["burn_much"]["module"].endswith("/burner"), names["burn_much"])

    svg = stage.folder / "out.svg"
    ringside(stage, "profile", "cpu", burner.pid, "--past", "-o", svg)
    titles = [node.firstChild.data for node in
              xml.dom.minidom.parse(str(svg)).getElementsByTagName("title")]
    check(any(title.startswith("burn_much ") for title in titles), titles)

    packed = stage.folder / "out.pb.gz"
    ringside(stage, "profile", "cpu", burner.pid, "--past", "-o", packed)
    raw = gzip.decompress(packed.read_bytes())
    check(b"burn_much" in raw and b"nanoseconds" in raw, "pprof's strings")
    go_reads(stage, burner, packed)
    if not shutil.which("protoc"):
        print("skipped: pprof's fields: protoc is not installed (protobuf-compiler)")
        return
    (stage.folder / "profile.proto").write_text(PROTO)
    text = subprocess.run(["protoc", "--decode=Profile", "-I", str(stage.folder), "profile.proto"],
                          input=raw, capture_output=True, check=True).stdout.decode()
    check('string_table: "burn_much"' in text and "period: 10101010" in text, text[:2000])
    check("\n  1: " not in text and "\n99: " not in text, "no field that is not known")


def a_service_is_profiled_whole(stage, burner):
    other = Burner(stage)
    live.wait_for("the second burner is watched", lambda: watched(stage.the_agent, other.pid), 10)
    time.sleep(2)
    said = json.loads(ringside(stage, "profile", "cpu", "burner", "--past", "--seconds", 2,
                               "--format", "json"))["data"]
    check(said["processes"] == 2, said["processes"])
    check(burner.pid != other.pid, "two of them")
    other.stop()
    # it has ended, and what it did is known all the same, by address
    ended = json.loads(ringside(stage, "profile", "cpu", "burner", "--past", "--seconds", 30,
                                "--format", "json"))["data"]
    check(ended["samples"] > 0 and ended["problem"], ended["problem"])


def nobody_else_is_sampled(stage, burner):
    stranger = Burner(stage, shim=False)
    time.sleep(2)
    check("is not watched" in ringside(stage, "profile", "cpu", stranger.pid, code=1), "told so")
    said = json.loads(ringside(stage, "profile", "cpu", burner.pid, "--past", "--seconds", 2,
                               "--format", "json"))["data"]
    check(said["lost"] == 0, f"nothing was lost, and no stranger came in: {said['lost']}")
    stranger.stop()


def files_are_those_that_the_process_runs(stage):
    """In a mount namespace of its own, from a file that is gone: no path leads to it from here."""
    inside = stage.folder / "inside"
    inside.mkdir()
    share = stage.folder / "share_inside"
    script = (f"mount -t tmpfs none {inside} && cp {stage.folder}/burner {inside}/boxed && "
              f"(sleep 1; rm {inside}/boxed) & sleep 0.3; exec {inside}/boxed {share}")
    boxed = live.Process(stage, ["unshare", "-m", "sh", "-c", script], stage.folder / "boxed.out",
                         {**stage.environment,
                          "LD_PRELOAD": str(live.find_program("libringside.so"))})
    live.wait_for("it runs", share.exists, 10)
    live.wait_for("it is watched", lambda: watched(stage.the_agent, boxed.pid), 10)
    time.sleep(1.5)
    check(not (inside / "boxed").exists(), "it cannot be seen from here")
    text = ringside(stage, "profile", "cpu", boxed.pid, "--seconds", 2)
    check("burn_much" in text, text)
    boxed.stop()


def jitted_code_has_its_runtimes_names(stage):
    if platform.machine() != "x86_64":
        print("skipped: jitted code: written for x86_64")
        return
    jit = Burner(stage, "jit")
    path = Path(f"/tmp/perf-{jit.pid}.map")
    try:
        live.wait_for("it is watched", lambda: watched(stage.the_agent, jit.pid), 10)
        live.wait_for("its map is there", path.exists, 10)
        text = ringside(stage, "profile", "cpu", jit.pid, "--seconds", 2)
        check("my jitted function" in text, text)
        path.unlink()
        said = json.loads(ringside(stage, "profile", "cpu", jit.pid, "--past", "--format", "json"))
        why = [frame["unnamedBecause"] for frame in said["data"]["frames"]
               if frame["name"] == "[anonymous]"]
        check(why and "perf map" in why[0], said["data"]["frames"])
    finally:
        path.unlink(missing_ok=True)
        jit.stop()


def build_deep(stage, name, *options):
    source = stage.folder / "deep.c"
    source.write_text(DEEP)
    subprocess.run(["cc", "-O2", *options, "-o", str(stage.folder / name), str(source)], check=True)


def unwound(stage, pid, seconds=3):
    said = json.loads(ringside(stage, "profile", "cpu", pid, "--unwind", "--seconds", seconds,
                               "--format", "json"))["data"]
    names = [frame["name"] for frame in said["frames"]]
    return said, [([names[i] for i in one["frames"]], one["samples"]) for one in said["stacks"]]


def unwinds_without(stage):
    """The reason why nothing is unwound here, or None."""
    if platform.machine() not in ("x86_64", "aarch64"):
        return "no unwinding on this kind of machine"
    try:
        ctypes.CDLL("libdw.so.1")
    except OSError:
        return "libdw.so.1 is not installed (libdw1)"
    return None


def depth_is_right_with_and_without_frame_pointers(stage):
    for name, option in (("bare", "-fomit-frame-pointer"), ("framed", "-fno-omit-frame-pointer")):
        build_deep(stage, name, option)
        deep = live.Process(stage, [str(stage.folder / name)], stage.folder / f"{name}.out",
                            {**stage.environment,
                             "LD_PRELOAD": str(live.find_program("libringside.so"))})
        live.wait_for(f"{name} is watched", lambda: watched(stage.the_agent, deep.pid), 10)
        said, told = unwound(stage, deep.pid)
        inside = [(frames, n) for frames, n in told if "deep12" in frames]
        right = sum(n for frames, n in inside
                    if frames[frames.index("main"):][:13] == DEEP_NAMES)
        print(f"ok    {name}: {right} of {said['samples']} samples are right, {said['lost']} lost")
        check(right > 0.95 * said["samples"] > 0, told)
        check("_start" in inside[0][0][:2], f"up to where it began: {inside[0]}")
        deep.stop()


def nginx_is_deep(stage, shim):
    """Debian's has no frame pointers: what it does for requests is five frames deep and more."""
    server = stage.nginx(f"nginx{shim:d}", workers=1, shim=shim)
    worker = live.wait_for("nginx has a worker", server.workers, 10)[0]
    if not shim:
        ringside(stage, "attach", worker)
    live.wait_for("nginx is watched", lambda: watched(stage.the_agent, worker), 15)
    load = subprocess.Popen(["ab", "-q", "-k", "-c", "4", "-n", "100000000", "-t", "30",
                             f"http://127.0.0.1:{server.port}/"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    try:
        said, told = unwound(stage, worker, 4)
    finally:
        load.kill()
        load.wait()
    kernel = {frame["name"] for frame in said["frames"] if frame["module"] == "[kernel]"}
    depths = [(len([f for f in frames if f not in kernel]), n) for frames, n in told]
    deep = sum(n for depth, n in depths if depth >= 5)
    print(f"ok    nginx {'with' if shim else 'without'} the shim: {deep} of {said['samples']} "
          f"samples are 5 frames deep and more, {said['lost']} lost")
    check(said["samples"] > 0 and deep >= 0.95 * said["samples"],
          sorted((n, frames) for frames, n in told if len(frames) < 6)[-10:])
    server.stop()


def snapshot_state(agent):
    return next((row["state"] for row in agent.get("/api/health")["facilities"]
                 if row["name"] == "snapshot"), None)


def an_unwound_profile_ends_with_who_asked(stage, burner):
    """The client goes away: the next one does not wait for the rest of its seconds."""
    asks = subprocess.Popen([live.find_program("ringside"), "profile", "cpu", str(burner.pid),
                             "--unwind", "--seconds", "300"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL,
                            env={**os.environ, **stage.environment})
    live.wait_for("stacks are looked at",
                  lambda: snapshot_state(stage.the_agent) == "loaded", 10)
    check("another profile" in ringside(stage, "profile", "cpu", burner.pid, "--unwind", code=1),
          "one at a time")
    asks.kill()
    asks.wait()
    live.wait_for("stacks are not looked at any more",
                  lambda: snapshot_state(stage.the_agent) == "notNeeded", 10)
    said, told = unwound(stage, burner.pid, 2)
    check(said["samples"] > 0 and any("burn_much" in frames for frames, _ in told), told)


def memory_has(pid, bytes_wanted):
    """Do they stand anywhere in what the process may write?"""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, mode = line.split()[:2]
            start, end = (int(part, 16) for part in place.split("-"))
            if mode[:2] != "rw" or end - start > 1 << 28:
                continue
            try:
                memory.seek(start)
                if bytes_wanted in memory.read(end - start):
                    return True
            except (OSError, ValueError):
                continue  # not to be read, like the kernel's own pages
    return False


def no_stack_is_kept(stage):
    """What stands on a stack is in no process of the agent, while it is looked at or later."""
    build_deep(stage, "secretive", "-fomit-frame-pointer")
    told = "".join(random.choices("abcdefghijklmnop", k=31))
    secret = bytes(ord(letter) ^ 1 for letter in told)
    deep = live.Process(stage, [str(stage.folder / "secretive"), told],
                        stage.folder / "secretive.out",
                        {**stage.environment,
                         "LD_PRELOAD": str(live.find_program("libringside.so"))})
    live.wait_for("it is watched", lambda: watched(stage.the_agent, deep.pid), 10)
    check(memory_has(deep.pid, secret), "the secret would be found")
    worker = worker_of(stage.the_agent)
    family = live.proc_children(stage.the_agent.pid)
    asks = subprocess.Popen([live.find_program("ringside"), "profile", "cpu", str(deep.pid),
                             "--unwind", "--seconds", "3"], stdout=subprocess.PIPE,
                            env={**os.environ, **stage.environment})
    children = live.wait_for("it is unwound", lambda: live.proc_children(worker)[1:], 10)
    time.sleep(1)
    for pid in family:
        check(not memory_has(pid, secret), f"{pid} holds a stack meanwhile")
    text, _ = asks.communicate(timeout=30)
    check(b"deep12" in text and secret not in text, text)
    check(not live.proc_children(worker)[1:], f"{children}: the symbolizer has ended")
    for pid in family:
        check(not memory_has(pid, secret), f"{pid} holds a stack afterwards")
    deep.stop()


def worker_of(agent):
    """The pid of the process that does the work: of broker, nursery, scout, worker."""
    family = live.proc_children(agent.pid)
    return family[3] if len(family) > 3 else None


def a_new_worker_goes_on(stage, burner):
    old = worker_of(stage.the_agent)
    os.kill(old, signal.SIGKILL)
    live.wait_for("another worker", lambda: worker_of(stage.the_agent) not in (None, old), 10)
    live.wait_for("it watches the burner", lambda: watched(stage.the_agent, burner.pid), 10)
    text = ringside(stage, "profile", "cpu", burner.pid, "--seconds", 2)
    check("burn_much" in text, text)


def wrong_use_is_told(stage, burner):
    check("unexpected" in ringside(stage, "profile", "cpu", 1, 2, code=2), "too many words")
    check("only cpu" in ringside(stage, "profile", "gpu", 1, code=2), "another kind")
    check("1 to 300" in ringside(stage, "profile", "cpu", 1, "--seconds", 301, code=2), "seconds")
    check("one process" in ringside(stage, "profile", "cpu", "burner", "--unwind", code=2), "one")
    check("passed" in ringside(stage, "profile", "cpu", 1, "--unwind", "--past", code=2), "past")
    check("ending" in ringside(stage, "profile", "cpu", 1, "-o", "x.pdf", code=2), "ending")
    check("cannot write" in ringside(stage, "profile", "cpu", burner.pid, "-o", "/nowhere/x.svg",
                                     code=1), "a file that cannot be made")
    status, _, body = live.fetch(stage.the_agent.port, f"/api/profile/cpu?pid={burner.pid}")
    check(status == 401, f"without a token: {status} {body}")


def decided(agent):
    """With the first target it is loaded or refused; None before."""
    part = health(agent, "ebpf.profile")
    return part if part and part["reason"] != "notNeeded" else None


def begun(stage):
    """A burner, watched and sampled."""
    build(stage)
    stage.the_agent = stage.agent()
    burner = Burner(stage)
    live.wait_for("the burner is watched", lambda: watched(stage.the_agent, burner.pid), 10)
    part = live.wait_for("profiles are decided on", lambda: decided(stage.the_agent), 10)
    if part["status"] != "healthy":
        live.skip(f"nothing is sampled here: {part['reason']}")
    return burner


def the_burner(stage):
    burner = begun(stage)
    for step in (shares_are_right, forms_agree, a_service_is_profiled_whole, nobody_else_is_sampled,
                 a_new_worker_goes_on, wrong_use_is_told):
        step(stage, burner)
        print(f"ok    {step.__name__}")
    if not unwinds_without(stage):
        an_unwound_profile_ends_with_who_asked(stage, burner)
        print("ok    an_unwound_profile_ends_with_who_asked")
        a_killed_agent_takes_all_along(stage, burner)
        print("ok    a_killed_agent_takes_all_along")


def a_killed_agent_takes_all_along(stage, burner):
    """While stacks are unwound; who was profiled never notices."""
    agent = stage.the_agent
    asking = subprocess.Popen([live.find_program("ringside"), "profile", "cpu", "--unwind",
                               str(burner.pid), "--seconds", "60", "--format", "json"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, **stage.environment})
    live.wait_for("snapshots", lambda: any(
        f["name"] == "snapshot" and f["state"] == "loaded"
        for f in agent.get("/api/health")["facilities"]), 15, 0.1)
    links = live.kernel_links(agent.pid)
    check(links and all(map(live.kernel_has_link, links)), f"links: {links}")
    agent.popen.kill()
    agent.popen.wait()
    live.wait_for("their end", lambda: not any(map(live.kernel_has_link, links)), 10, 0.1)
    spent = live.proc_cpu_ns(burner.pid)
    live.wait_for("it goes on", lambda: live.proc_cpu_ns(burner.pid) > spent + 100_000_000, 10, 0.1)
    check(asking.wait(15) != 0, "who asked is told that there is no answer")


def others(stage):
    os.kill(begun(stage).pid, signal.SIGSTOP)  # a target that takes no processor from the others
    for step in (inlined_functions_are_frames, files_are_those_that_the_process_runs,
                 jitted_code_has_its_runtimes_names):
        step(stage)
        print(f"ok    {step.__name__}")
    why = unwinds_without(stage)
    if why:
        print(f"skipped: unwound profiles: {why}")
        return
    depth_is_right_with_and_without_frame_pointers(stage)
    no_stack_is_kept(stage)
    print("ok    no_stack_is_kept")
    if shutil.which("nginx") and shutil.which("ab"):
        nginx_is_deep(stage, shim=True)
        nginx_is_deep(stage, shim=False)
    else:
        print("skipped: nginx's stacks: nginx or ab is not installed")


def run(lane):
    with live.Stage() as stage:
        try:
            lane(stage)
        except Failed as failure:
            print(f"WRONG {failure}")
            return 1
    return 0


def main():
    live.need_root_and("cc")
    return live.side_by_side(run, (the_burner, others))


if __name__ == "__main__":
    sys.exit(main())
