#!/usr/bin/env python3
"""Off-CPU profiles of a process whose threads wait in known places, for known things and times."""
import gzip
import json
import os
import signal
import subprocess
import sys
import time
import xml.dom.minidom
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live
import schema
from test_profile import Failed, check, ringside

SECONDS = 10
POINTS = 3      # how far a share may be from what the process itself measured
PERCENT = 2     # and all waits from threads times seconds
THREADS = 5

# call stands between each waiting function and the library: what calls code without a frame pointer
# of its own is not in the stack.
SLEEPER = r"""
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PLACE __attribute__((noinline, noclone))

static int ends[2], socks[2], word;
static const char *share_file, *next_file;

PLACE long call(long number, long a, long b, long c)
{
	return syscall(number, a, b, c, 0, 0, 0);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

PLACE void rest_much(void)
{
	struct timespec t = { 0, 7000000 };

	call(SYS_nanosleep, (long)&t, 0, 0);
}

PLACE void rest_little(void)
{
	struct timespec t = { 0, 3000000 };

	call(SYS_nanosleep, (long)&t, 0, 0);
}

PLACE void *resting(void *ctx)
{
	double much = 0, little = 0;

	for (int i = 0;; i++) {
		double a = now(), b, c;

		rest_much();
		b = now();
		rest_little();
		c = now();
		much += b - a;
		little += c - b;
		send(socks[1], "x", 1, MSG_DONTWAIT);
		if (i % 50 == 0) {
			FILE *out = fopen(next_file, "we");

			fprintf(out, "%.4f\n", 100 * much / (much + little));
			fclose(out);
			rename(next_file, share_file);
		}
	}
	return ctx;
}

PLACE void *reading(void *ctx)
{
	char byte;

	call(SYS_read, ends[0], (long)&byte, 1);
	return ctx;
}

PLACE void *receiving(void *ctx)
{
	char byte;

	for (;;)
		call(SYS_read, socks[0], (long)&byte, 1);
	return ctx;
}

PLACE void *locking(void *ctx)
{
	call(SYS_futex, (long)&word, FUTEX_WAIT_PRIVATE, 0);
	return ctx;
}

int main(int argc, char **argv)
{
	void *(*const run[])(void *) = { resting, reading, receiving, locking };
	struct timespec t = { 200, 0 };
	pthread_t thread;

	alarm(200);
	share_file = argv[argc - 2];
	next_file = argv[argc - 1];
	if (pipe(ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, socks))
		return 1;
	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, run[i], NULL);
	nanosleep(&t, NULL);
	return 0;
}
"""


class Sleeper(live.Process):
    def __init__(self, stage, shim=True):
        self.share_file = stage.folder / f"share{time.monotonic_ns()}"
        environment = dict(stage.environment)
        if shim:
            environment["LD_PRELOAD"] = str(live.find_program("libringside.so"))
        super().__init__(stage, [str(stage.folder / "sleeper"), str(self.share_file),
                                 f"{self.share_file}.next"], stage.folder / "sleeper.out",
                         environment)

    def share(self):
        """Percent of its rest that it spent in rest_much, by its own clock."""
        return float(self.share_file.read_text())


def build(stage):
    source = stage.folder / "sleeper.c"
    source.write_text(SLEEPER)
    built = subprocess.run(["cc", "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls",
                            "-pthread", "-o", str(stage.folder / "sleeper"), str(source)],
                           capture_output=True, text=True, check=False)
    if built.returncode:
        live.skip(f"no compiler for the sleeper: {built.stderr}")


def state(agent):
    return next((row["state"] for row in agent.get("/api/health")["facilities"]
                 if row["name"] == "offcpu"), None)


def in_the_kernel(agent):
    """How many programs, maps and links of the kernel the agent holds."""
    count = 0
    for pid in live.proc_children(agent.pid):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            try:
                count += "bpf" in os.readlink(fd)
            except OSError:
                pass
    return count


def refused(stage, sleeper):
    """Why the kernel does not take it, by trying; None: it does."""
    subprocess.run([live.find_program("ringside"), "profile", "offcpu", str(sleeper.pid),
                    "--seconds", "1"], capture_output=True, timeout=60, check=False,
                   env={**os.environ, **stage.environment})
    parts = stage.the_agent.get("/api/health")["parts"]
    part = next(part for part in parts if part["name"] == "ebpf.offcpu")
    return part["reason"] if state(stage.the_agent) == "refused" else None


def watched(agent, pid):
    return bool(agent.get(f"/api/processes?pid={pid}")["processes"])


def profile(stage, pid, seconds=SECONDS):
    said = json.loads(ringside(stage, "profile", "offcpu", pid, "--seconds", seconds,
                               "--format", "json"))["data"]
    names = [frame["name"] for frame in said["frames"]]
    return said, [([names[i] for i in one["frames"]], one) for one in said["stacks"]]


def waited_ns(told, place, cause=None):
    return sum(one["waitedNs"] for frames, one in told
               if place in frames and cause in (None, one["cause"]))


def shares_and_causes_are_right(stage, sleeper):
    said, told = profile(stage, sleeper.pid)
    real = sleeper.share()
    check(said["kind"] == "offcpu" and said["processes"] == 1, said["kind"])
    check(abs(said["spanNs"] / 1e9 - SECONDS) < 0.5, said["spanNs"])
    much, little = (waited_ns(told, place, "sleep") for place in ("rest_much", "rest_little"))
    check(much + little > 0, told)
    share = 100 * much / (much + little)
    check(abs(share - real) <= POINTS, f"{share:.1f} %, the process says {real:.1f} %")
    for place, cause in (("reading", "other"), ("locking", "lock"), ("receiving", "socket")):
        all_of_it, right = waited_ns(told, place), waited_ns(told, place, cause)
        check(right > 0.95 * said["spanNs"], f"{place}: {right} of {said['spanNs']} ns {cause}")
        check(right + waited_ns(told, place, "run queue") == all_of_it,
              f"{place} waits for {cause} alone")
    # a preempted thread waits for a processor; the rest of its second it is on one
    all_of_it = said["waitedNs"] / (THREADS * said["spanNs"])
    check(sum(one["waitedNs"] for _, one in told) == said["waitedNs"], "the sum is the sum")
    check(abs(100 * all_of_it - 100) <= PERCENT, f"{100 * all_of_it:.2f} % of threads x seconds")
    print(f"ok    {share:.2f} % of {(much + little) / 1e9:.3f} s; the process says {real:.2f} %; "
          f"{100 * all_of_it:.2f} % of {THREADS} threads' time, {said['lost']} waits lost")
    check(all(frames[-1] == f"[{one['cause']}]" for frames, one in told), "the cause is innermost")
    check(not any("bpf" in name or name == "__schedule" for frames, _ in told for name in frames),
          "our own look at it is not in it")
    check(any("resting" in frames and frames.index("resting") < frames.index("rest_much")
              for frames, _ in told if "rest_much" in frames), f"resting calls: {told}")


def forms_agree(stage, sleeper):
    document = json.loads(live.fetch(stage.the_agent.port, "/api/openapi.json")[2])
    said, _ = profile(stage, sleeper.pid, 1)
    shape = {"$ref": "#/components/schemas/WaitProfile"}
    found = schema.findings(document, shape, said, "offcpu")
    check(not found, found)

    text = ringside(stage, "profile", "offcpu", sleeper.pid, "--seconds", 2)
    lines = [line.rsplit(" ", 1) for line in text.splitlines()]
    slept = sum(int(n) for frames, n in lines if ";locking;" in frames and
                frames.endswith(";[lock]"))
    check(abs(slept / 2e9 - 1) < 0.1, f"nanoseconds: {text}")

    svg = stage.folder / "out.svg"
    ringside(stage, "profile", "offcpu", sleeper.pid, "--seconds", 1, "-o", svg)
    titles = [node.firstChild.data for node in
              xml.dom.minidom.parse(str(svg)).getElementsByTagName("title")]
    check(any(title.startswith("[lock] ") and " s, " in title for title in titles), titles)

    packed = stage.folder / "out.pb.gz"
    ringside(stage, "profile", "offcpu", sleeper.pid, "--seconds", 1, "-o", packed)
    raw = gzip.decompress(packed.read_bytes())
    for word in (b"rest_much", b"offcpu", b"nanoseconds", b"contentions", b"cause", b"lock"):
        check(word in raw, f"pprof's strings have {word}")


def an_ended_process_is_told_of(stage, _):
    """What was seen of it until then, with its names."""
    short = Sleeper(stage)
    live.wait_for("it is watched", lambda: watched(stage.the_agent, short.pid), 10)
    asks = subprocess.Popen([live.find_program("ringside"), "profile", "offcpu", str(short.pid),
                             "--seconds", "5"], stdout=subprocess.PIPE,
                            env={**os.environ, **stage.environment})
    live.wait_for("it is looked at", lambda: state(stage.the_agent) == "loaded", 10)
    time.sleep(1)
    os.kill(short.pid, signal.SIGKILL)
    short.stop()
    text, _ = asks.communicate(timeout=30)
    check(b"rest_much" in text, text)


def it_ends_with_who_asked(stage, sleeper):
    """The client goes away: nothing stays in the kernel, and the next one does not wait for it."""
    before = in_the_kernel(stage.the_agent)
    asks = subprocess.Popen([live.find_program("ringside"), "profile", "offcpu", str(sleeper.pid),
                             "--seconds", "300"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env={**os.environ, **stage.environment})
    live.wait_for("waits are looked at", lambda: state(stage.the_agent) == "loaded", 10)
    check(in_the_kernel(stage.the_agent) > before, "something is loaded")
    check("another profile" in ringside(stage, "profile", "offcpu", sleeper.pid, code=1),
          "one at a time")
    asks.kill()
    asks.wait()
    live.wait_for("waits are not looked at any more",
                  lambda: state(stage.the_agent) == "notNeeded", 10)
    check(in_the_kernel(stage.the_agent) == before, "all of it is gone")
    _, told = profile(stage, sleeper.pid, 1)
    check(waited_ns(told, "rest_much"), told)
    check(in_the_kernel(stage.the_agent) == before, "after one that was waited for, too")


def nobody_else_is_looked_at(stage, _):
    stranger = Sleeper(stage, shim=False)
    time.sleep(1)
    check("is not watched" in ringside(stage, "profile", "offcpu", stranger.pid, code=1), "told so")
    check(state(stage.the_agent) == "notNeeded", "nothing was loaded for it")
    stranger.stop()


def wrong_use_is_told(stage, sleeper):
    for words, why in ((("--past", sleeper.pid), "passed"), (("--unwind", sleeper.pid), "unwound"),
                       (("sleeper",), "one process")):
        check(why in ringside(stage, "profile", "offcpu", *words, code=2), why)
    status, _, body = live.fetch(stage.the_agent.port, f"/api/profile/offcpu?pid={sleeper.pid}")
    check(status == 401, f"without a token: {status} {body}")


def run(steps):
    """Each with a sleeper that is watched, and has rested."""
    with live.Stage() as stage:
        build(stage)
        stage.the_agent = stage.agent()
        sleeper = Sleeper(stage)
        live.wait_for("the sleeper is watched", lambda: watched(stage.the_agent, sleeper.pid), 10)
        live.wait_for("waits are decided on", lambda: state(stage.the_agent), 10)
        live.wait_for("it has rested", sleeper.share_file.exists, 10)
        why = refused(stage, sleeper)
        if why:
            live.skip(f"waits cannot be looked at here: {why}")
        try:
            for step in steps:
                step(stage, sleeper)
                print(f"ok    {step.__name__}")
        except Failed as failure:
            print(f"WRONG {failure}")
            return 1
    return 0


def main():
    live.need_root_and("cc")
    return live.side_by_side(run, (
        (shares_and_causes_are_right, it_ends_with_who_asked, wrong_use_is_told),
        (forms_agree, an_ended_process_is_told_of, nobody_else_is_looked_at)))


if __name__ == "__main__":
    sys.exit(main())
