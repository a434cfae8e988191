#!/usr/bin/env python3
"""unnoticed - larger programs that must not notice the shim: the same output and exit code.

usage: unnoticed.py LIBRARY      exit 0, or 1 with the first difference

With RINGSIDE_TEST_FULL also a Go program and parts of Python's own core tests. What is not
installed is said and left out, but for some that always are.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

FULL = bool(os.environ.get("RINGSIDE_TEST_FULL"))
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
EXECS = 2000
UNITS = 20
SOURCE = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
COMPILERS = ("gcc", "clang", "go")
SANITIZERS = ("address", "leak", "thread", "undefined", "memory")
SSHD = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
"""
# $1: the folder, $2: the port; sshd wants a directory of root's, which nobody else shall see
LOGIN = """mount -t tmpfs none /run && mkdir /run/sshd && sshd -t -f $1/sshd && echo fine || exit 1
rm -f $1/log; $(command -v sshd) -D -e -f $1/sshd 2>$1/log &
told() { for i in $(seq 200); do grep -qs "$1" $2/log && return; sleep 0.05; done; echo "no '$1'"; }
told listening $1
seq 20000 | ssh -F none -i $1/key -p $2 -o StrictHostKeyChecking=no \\
	-o UserKnownHostsFile=/dev/null -o BatchMode=yes -o LogLevel=ERROR root@127.0.0.1 \\
	'cksum; echo $((6 * 7)); exit 5'
echo $?
told 'Disconnected from' $1
kill $!
wait $!
sort $1/log
"""
# what Debian's own packages of any machine that builds this have
NEEDED = ("bash and thousands of execs", "a script of pipes", "su, set-user-id, as nobody", "static",
          "perl", "gcc", "valgrind", "valgrind, a double free")
# What is written in Perl; Perl's own tests are in tests/compat/test_perl.py.
MOJO = Path("/usr/share/doc/libmojolicious-perl/examples/login")
PYTHON_TESTS = ("test_socket", "test_subprocess", "test_os", "test_select", "test_signal",
                "test_threading", "test_fork1", "test_posix", "test_socketserver")


def build(name, command, product):
    """The program; None, and said, where it cannot be had."""
    if missing := next((c for c in COMPILERS if c in command and not shutil.which(c)), None):
        print(f"skipped: {name}: {missing} is missing")
        return None
    done = subprocess.run([str(a) for a in command], capture_output=True, text=True, check=False,
                          timeout=300)
    if done.returncode == 0:
        return product
    print(f"skipped: {name}: it cannot be built: {(done.stderr.splitlines() or ['?'])[-1]}")
    return None


def sanitized(folder, source):
    """All is well, and one block is freed twice."""
    for compiler in ("gcc", "clang"):
        for kind in SANITIZERS:
            if (compiler, kind) == ("gcc", "memory"):
                continue  # only clang has it
            name, program = f"{compiler} -fsanitize={kind}", folder / f"{compiler}-{kind}"
            if not build(name, [compiler, "-g", "-fno-omit-frame-pointer", f"-fsanitize={kind}",
                                source, "-o", program], program):
                continue
            # its runtime wants to be first, with or without others
            start = ["env", "ASAN_OPTIONS=verify_asan_link_order=0", program]
            yield name, start
            yield f"{name}, a double free", [*start, "xx"]


def with_compilers(folder):
    source = folder / "texts.c"
    source.write_text(SOURCE)
    plain = folder / "texts"
    if build("valgrind", ["gcc", "-g", source, "-o", plain], plain):
        yield "valgrind", ["valgrind", "-q", "--error-exitcode=9", plain]
        yield "valgrind, a double free", ["valgrind", "-q", "--error-exitcode=9", plain, "xx"]
    yield from sanitized(folder, source)
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
        if build(f"Go, {mode}", ["env", f"GOCACHE={folder}/cache", "go", "build",
                                 f"-buildmode={mode}", "-o", program, folder / "hello.go"],
                 program):
            yield f"Go, {mode}", [program]


def with_sshd(folder):
    """Its check of a configuration, and a login: own keys, own port, own /run."""
    if not shutil.which("sshd") or os.geteuid() != 0:
        print("skipped: sshd: openssh-server is missing, or this is not root")
        return
    for key in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key],
                       check=True, stdin=subprocess.DEVNULL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "sshd").write_text(SSHD.format(port=port, folder=folder))
    yield "sshd and a login", ["unshare", "-m", "sh", "-c", LOGIN, "login", folder, port]


def programs(folder):
    yield "bash and thousands of execs", \
        ["bash", "-c", f"for ((i = 0; i < {EXECS}; i++)); do /bin/true; done; "
         "for i in {1..100}; do echo $(echo $i | sed s/1/x/); done"]
    yield "a script of pipes", ["bash", "-c", "seq 20000 | tee >(cksum >&2) | sort -rn | "
                                "awk '{s+=$1} END {print s}'; wait"]
    for program in ("su", "mount", "passwd"):
        yield f"{program}, set-user-id, as nobody", \
            [*NOBODY, program, "--help" if program == "passwd" else "--version"]
    yield from with_sshd(folder)
    yield "static", ["/bin/busybox", "sh", "-c", "echo $((6 * 7)); exit 9"]
    yield "perl", ["perl", "-MIO::Socket::INET", "-MIO::Select", "-e",
                   "$l = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1'); "
                   "if (!fork) { $c = IO::Socket::INET->new($l->sockhost . ':' . $l->sockport); "
                   "print $c 'hello'; exit } $a = $l->accept; print <$a>; wait; exit 6"]
    if MOJO.exists():
        yield "Mojolicious and its server, tested", ["perl", f"-I{MOJO}/lib", MOJO / "t/login.t"]
    else:
        print("skipped: Mojolicious: libmojolicious-perl is missing")
    yield from with_compilers(folder)
    if FULL:
        # where they are missing both sides fail alike, which would be no difference
        if subprocess.run(["/usr/bin/python3", "-c", f"import test.{PYTHON_TESTS[0]}"],
                          capture_output=True, check=False).returncode:
            sys.exit("Python's own tests are missing: libpython3.11-testsuite")
        for test in PYTHON_TESTS:
            # sockets between machines need another machine, which some kernels wait for without end
            yield f"python's {test}", ["/usr/bin/python3", "-B", "-m", "test", "-j1", "--timeout", "300",
                                       "-i", "*VSOCK*", test]


# What differs from run to run.
CHANGING = ((rb"==\d+==", b"==PID=="), (rb"0x[0-9a-f]+", b"ADDRESS"), (rb"\d+:\d\d:\d\d", b"TIME"),
            (rb"[\d.]+ (m?s|sec|seconds|min)\b", b"TIME"), (rb"load avg: [\d.]+", b"LOAD"),
            (rb"(BuildId|seed|pid)[:= ]+[0-9a-f]+", b"SOME"), (rb"T\d+\b", b"THREAD"),
            (rb"port \d+", b"port SOME"), (rb"/tmp/[^\s:)]+", b"FILE"))


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


def verdicts(done):
    """The exit code, and what a program of tests says of them."""
    return done[0], [line for text in done[1:] for line in text.splitlines()
                     if re.match(rb"(Result: |Tests? result: |Total tests: |ok \d|not ok|OK\b|FAILED\b|All tests)", line)]


def needs_nothing(library):
    """No DT_NEEDED: a program of another C library starts with it."""
    dynamic = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True)
    return "(NEEDED)" not in dynamic.stdout


def absent(arguments):
    """The first program of a command line that is not there."""
    names = [a for a in arguments[:1] + arguments[len(NOBODY):len(NOBODY) + 1] *
             (arguments[:1] == NOBODY[:1])]
    return next((n for n in names if not shutil.which(str(n))), None)


def same(name, arguments, library, folder):
    """Output and exit code; of a program that differs from itself the exit code and its verdicts."""
    bare, watched = run(arguments, None, folder), run(arguments, library, folder)
    if bare == watched:
        return True
    again = run(arguments, None, folder)
    if bare != again:
        print(f"{name}: it differs from itself: by exit code and verdicts")
        if verdicts(watched) in (verdicts(bare), verdicts(again)):
            return True
    print(f"{name}: without {bare}\nwith the shim {watched}")
    return False


def main():
    if len(sys.argv) != 2:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    if not needs_nothing(sys.argv[1]):
        print("the library has a DT_NEEDED")
        return 1
    compared, differ = [], 0
    with tempfile.TemporaryDirectory(prefix="ringside-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for name, arguments in programs(folder):
            if missing := absent(arguments):
                print(f"skipped: {name}: {missing} is missing")
                continue
            compared.append(name)
            differ += not same(name, arguments, sys.argv[1], folder)
    print(f"{len(compared)} programs, {differ} differences")
    if lacking := [n for n in NEEDED if n not in compared]:
        print(f"not compared: {', '.join(lacking)}")
    return 1 if differ or lacking else 0


if __name__ == "__main__":
    sys.exit(main())
