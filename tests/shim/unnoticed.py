#!/usr/bin/env python3
"""unnoticed - larger programs that must not notice the shim: the same output and exit code.

usage: unnoticed.py LIBRARY      exit 0, or 1 with the first difference

With RINGSIDE_TEST_FULL also a Go program and parts of Python's own core tests. What is not
installed is said and left out.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FULL = bool(os.environ.get("RINGSIDE_TEST_FULL"))
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
EXECS = 2000
UNITS = 20
SANITIZERS = ("address", "leak", "thread", "undefined")
unbuilt = []
SOURCE = """#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static void *ask(void *end) {
	int fd = *(int *)end;
	write(fd, "GET / HTTP/1.0\\r\\n\\r\\n", 18);
	return NULL;
}
static void serve(void) {
	char head[18];
	int ends[2];
	pthread_t thread;
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	pthread_create(&thread, NULL, ask, &ends[1]);
	read(ends[0], head, sizeof(head));
	write(ends[0], "HTTP/1.0 200 OK\\r\\n\\r\\n", 19);
	pthread_join(thread, NULL);
	close(ends[0]);
	close(ends[1]);
}
int main(int argc, char **argv) {
	char **texts = calloc(1000, sizeof(*texts));
	for (int i = 0; i < 1000; i++) {
		texts[i] = malloc((size_t)i + 30);
		snprintf(texts[i], 30, "text %d", i);
		texts[i] = realloc(texts[i], (size_t)i * 2 + 30);
	}
	for (int i = 0; i < 1000; i++)
		free(texts[i]);
	if (argc > 1)
		free(texts[strlen(argv[1])]);
	free(texts);
	serve();
	puts("done");
	return 3;
}
"""
JAVA = """public class Hello {
	public static void main(String[] arguments) throws Exception {
		Thread[] all = new Thread[20];
		long[] sums = new long[20];
		for (int i = 0; i < 20; i++) {
			int mine = i;
			all[i] = new Thread(() -> { for (int k = 0; k < 100000; k++) sums[mine] += new int[k % 50].length; });
			all[i].start();
		}
		for (Thread one : all)
			one.join();
		System.out.println(java.util.Arrays.stream(sums).sum());
		System.exit(7);
	}
}
"""
GO = """package main
import ("fmt"; "net"; "os")
func main() {
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	go func() { c, _ := net.Dial("tcp", l.Addr().String()); c.Write([]byte("hello")); c.Close() }()
	c, _ := l.Accept()
	b := make([]byte, 8)
	n, _ := c.Read(b)
	fmt.Println(string(b[:n]))
	os.Exit(4)
}
"""
PYTHON_TESTS = ("test_socket", "test_subprocess", "test_os", "test_select", "test_signal",
                "test_threading", "test_fork1", "test_posix", "test_socketserver")


def build(command, product):
    """The product; what cannot be built here is a failure, said and counted."""
    done = subprocess.run([str(a) for a in command], capture_output=True, check=False, timeout=300)
    if done.returncode == 0:
        return product
    unbuilt.append(product)
    print(f"not built: {product.name}: {done.stderr.decode(errors='replace')[-2000:]}")
    return None


def with_checkers(folder, source):
    """Programs that look for errors, without one and with one: a block freed twice."""
    plain = folder / "texts"
    programs = [("valgrind", "valgrind", build(["gcc", "-g", source, "-o", plain], plain))]
    for compiler in ("gcc", "clang"):
        for kind in SANITIZERS:
            product = folder / f"{compiler}-{kind}"
            if not shutil.which(compiler):
                print(f"not tried: {compiler}, {kind}: {compiler} is missing")
                continue
            # its runtime wants to be first, with or without others
            programs.append((f"{compiler}'s {kind} sanitizer", "env", build(
                [compiler, "-g", f"-fsanitize={kind}", source, "-o", product], product)))
    for name, first, product in programs:
        begin = ["valgrind", "-q"] if first == "valgrind" else \
            ["env", "ASAN_OPTIONS=verify_asan_link_order=0"]
        if product:
            yield name, [*begin, product]
            yield f"{name}, a double free", [*begin, product, "abc"]


def with_compilers(folder):
    source = folder / "texts.c"
    source.write_text(SOURCE)
    yield from with_checkers(folder, source)
    for i in range(UNITS):
        (folder / f"unit{i}.c").write_text(SOURCE.replace("main", f"unit{i}"))
    yield "gcc", ["sh", "-c", f"cd {folder} && for i in unit*.c; do gcc -O2 -c $i -o $i.o; done && "
                  "cat unit*.o | cksum"]
    (folder / "Hello.java").write_text(JAVA)
    yield "a JVM", ["java", "-XX:TieredStopAtLevel=1", folder / "Hello.java"]
    if not FULL:
        return
    (folder / "hello.go").write_text(GO)
    for mode in ("exe", "pie"):
        program = folder / f"go-{mode}"
        if not shutil.which("go"):
            print("not tried: Go: go is missing")
        elif build(["env", f"GOCACHE={folder}/cache", "go", "build", f"-buildmode={mode}", "-o",
                    program, folder / "hello.go"], program):
            yield f"Go, {mode}", [program]


def with_ssh(folder):
    """Its check of a configuration, which starts nothing; with its own key, whatever is in /etc."""
    server = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin") or "sshd"
    if not shutil.which(server) or not shutil.which("ssh-keygen"):
        print("not tried: sshd: sshd or ssh-keygen is missing")
        return
    key, config = folder / "host_key", folder / "sshd_config"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True,
                   timeout=60)
    config.write_text(f"HostKey {key}\nPidFile none\nUsePAM no\n")
    locked = Path("/run/sshd")  # where it locks its children up; it looks for it all the same
    ours = not locked.exists() and os.geteuid() == 0
    if ours:
        locked.mkdir(mode=0o755)
    yield "sshd -t", [server, "-t", "-f", config]
    yield "sshd -T", [server, "-T", "-f", config]
    key.with_name("bad_config").write_text("Nonsense yes\n")
    yield "sshd -t, refused", [server, "-t", "-f", key.with_name("bad_config")]
    if ours:
        locked.rmdir()


def programs(folder):
    yield "bash and thousands of execs", \
        ["bash", "-c", f"for ((i = 0; i < {EXECS}; i++)); do /bin/true; done; "
         "for i in {1..100}; do echo $(echo $i | sed s/1/x/); done"]
    yield "a script of pipes", ["bash", "-c", "seq 20000 | tee >(cksum >&2) | sort -rn | "
                                "awk '{s+=$1} END {print s}'; wait"]
    for program in ("su", "mount", "passwd"):
        yield f"{program}, set-user-id, as nobody", \
            [*NOBODY, program, "--help" if program == "passwd" else "--version"]
    yield from with_ssh(folder)
    yield "static", ["/bin/busybox", "sh", "-c", "echo $((6 * 7)); exit 9"]
    yield "perl", ["perl", "-MIO::Socket::INET", "-MIO::Select", "-e",
                   "$l = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1'); "
                   "if (!fork) { $c = IO::Socket::INET->new($l->sockhost . ':' . $l->sockport); "
                   "print $c 'hello'; exit } $a = $l->accept; print <$a>; wait; exit 6"]
    yield from with_compilers(folder)
    if FULL:
        for test in PYTHON_TESTS:
            yield f"python's {test}", ["/usr/bin/python3", "-B", "-m", "test", "-j1", test]


# What a program must have found, so that its report is one.
TOLD = {"valgrind, a double free": b"Invalid free",
        "gcc's address sanitizer, a double free": b"double-free",
        "clang's address sanitizer, a double free": b"double-free"}

# What differs from run to run.
CHANGING = ((rb"==\d+==", b"==PID=="), (rb"0x[0-9a-f]+", b"ADDRESS"), (rb"\d+:\d\d:\d\d", b"TIME"),
            (rb"[\d.]+ (m?s|sec|seconds|min)\b", b"TIME"), (rb"load avg: [\d.]+", b"LOAD"),
            (rb"(BuildId|seed|pid)[:= ]+[0-9a-f]+", b"SOME"), (rb"T\d+\b", b"THREAD"),
            (rb"/tmp/[^\s:)]+", b"FILE"))


def run(arguments, preload, folder):
    environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    if preload:
        environment["LD_PRELOAD"] = preload
    done = subprocess.run([str(a) for a in arguments], env=environment, capture_output=True,
                          timeout=600, check=False, stdin=subprocess.DEVNULL, cwd=folder)
    texts = [done.stdout, done.stderr]
    for pattern, word in CHANGING:
        texts = [re.sub(pattern, word, text) for text in texts]
    return done.returncode, *texts


def needs_nothing(library):
    """No DT_NEEDED: a program of another C library starts with it."""
    dynamic = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True)
    return "(NEEDED)" not in dynamic.stdout


def absent(arguments):
    """The first program of a command line that is not there."""
    names = [a for a in arguments[:1] + arguments[len(NOBODY):len(NOBODY) + 1] *
             (arguments[:1] == NOBODY[:1])]
    return next((n for n in names if not shutil.which(str(n))), None)


def main():
    if len(sys.argv) != 2:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    if not needs_nothing(sys.argv[1]):
        print("the library has a DT_NEEDED")
        return 1
    compared, differ = 0, 0
    with tempfile.TemporaryDirectory(prefix="ringside-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for name, arguments in programs(folder):
            if missing := absent(arguments):
                print(f"not tried: {name}: {missing} is missing")
                continue
            bare, watched = run(arguments, None, folder), run(arguments, sys.argv[1], folder)
            compared += 1
            if TOLD.get(name, b"") not in bare[2]:
                print(f"{name}: it found nothing: {bare}")
                differ += 1
            if bare != watched and bare != run(arguments, None, folder):
                print(f"not judged: {name}: it differs from itself")
            elif bare != watched:
                print(f"{name}: without {bare}\nwith the shim {watched}")
                differ += 1
    print(f"{compared} programs, {differ} differences")
    return 1 if differ or unbuilt else 0


if __name__ == "__main__":
    sys.exit(main())
