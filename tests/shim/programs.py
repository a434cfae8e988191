#!/usr/bin/env python3
"""programs - ordinary programs under the shim: the same output, the same exit code as without it.

usage: programs.py LIBRARY [PROGRAM...]      exit 0, or 1 with the first difference
"""
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HELLO = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
	char *text = malloc(20);
	strcpy(text, "hello");
	text = realloc(text, 1000);
	printf("%s %d\\n", text, argc);
	free(text);
	return argc > 1 ? atoi(argv[1]) : 0;
}
"""
NO_COUNTER = """#include <sys/prctl.h>
#include <unistd.h>
int main(int argc, char **argv) {
	(void)argc;
	prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
	execv(argv[1], argv + 1);
	return 126;
}
"""
NO_LIBC = """
__asm__(".globl _start\\n_start:\\n\\tmov $1, %eax\\n\\tmov $1, %edi\\n\\tlea text(%rip), %rsi\\n"
        "\\tmov $6, %edx\\n\\tsyscall\\n\\tmov $60, %eax\\n\\tmov $3, %edi\\n\\tsyscall\\n");
const char text[] = "alone\\n";
"""
SUBPROCESSES = """
import subprocess, threading
def run():
    for i in range(10):
        done = subprocess.run(["sh", "-c", f"echo {i}; exit {i}"], capture_output=True, close_fds=True)
        assert done.returncode == i and done.stdout == b"%d\\n" % i, done
threads = [threading.Thread(target=run) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print("forty children")
"""


def programs(folder, own):
    """(name, arguments) of what is run, each with and without the shim."""
    for program in own:
        yield Path(program).name, [program]
    source = folder / "hello.c"
    source.write_text(HELLO)
    compilers = (("glibc", "gcc", []), ("static", "gcc", ["-static"]), ("musl", "musl-gcc", []),
                 ("musl static", "musl-gcc", ["-static"]))
    for name, compiler, options in compilers:
        program = folder / name.replace(" ", "-")
        if not shutil.which(compiler):
            print(f"skipped: {name}: {compiler} is missing")
        elif subprocess.run([compiler, *options, source, "-o", program], check=False).returncode == 0:
            for code in ("0", "1", "77", "255"):
                yield f"{name} {code}", [program, code]
    if shutil.which("musl-gcc") and platform.machine() == "x86_64":
        source.with_name("counter.c").write_text(NO_COUNTER)
        launcher = folder / "counter"
        subprocess.run(["musl-gcc", folder / "counter.c", "-o", launcher], check=True)
        yield "born without a time stamp counter", [launcher, folder / "musl", "5"]
    if platform.machine() == "x86_64":
        source.with_name("alone.c").write_text(NO_LIBC)
        alone = folder / "alone"
        subprocess.run(["gcc", "-nostdlib", "-fPIE", "-pie", "-Wl,--no-as-needed", "-rdynamic",
                        folder / "alone.c", "-o", alone], check=True)
        yield "an interpreter and no libc", [alone]
    yield "true", ["true"]
    yield "false", ["false"]
    yield "killed by a signal", ["sh", "-c", "kill -9 $$"]
    yield "bash", ["bash", "-c", "for i in 1 2 3; do (echo $i | cat; exit $i); echo $?; done"]
    yield "pipes", ["sh", "-c", "seq 1 100000 | sort -n | tail -1"]
    yield "compile", ["gcc", "-O2", "-c", source, "-o", "/dev/null"]
    yield "python", [sys.executable, "-c", SUBPROCESSES]
    yield "perl", ["perl", "-e", "print join(',', map { $_ * 2 } 1..1000), \"\\n\"; exit 3"]
    yield "nginx", ["/usr/sbin/nginx", "-v"]
    yield "node", ["node", "-e", "console.log([1,2,3].map(x => x + 1))"]
    yield "close every descriptor", [sys.executable, "-c",
                                     "import os; os.closerange(3, 65536); print(os.dup(0))"]


def run(arguments, preload):
    environment = dict(os.environ)
    environment.pop("LD_PRELOAD", None)
    if preload:
        environment["LD_PRELOAD"] = preload
    done = subprocess.run([str(a) for a in arguments], env=environment, capture_output=True,
                          timeout=60, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def main():
    if len(sys.argv) < 2:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    compared = 0
    with tempfile.TemporaryDirectory(prefix="ringside-") as folder:
        for name, arguments in programs(Path(folder), sys.argv[2:]):
            if not shutil.which(str(arguments[0])):
                print(f"skipped: {name}: {arguments[0]} is missing")
                continue
            bare, watched = run(arguments, None), run(arguments, sys.argv[1])
            if bare != watched:
                print(f"{name}: without {bare}, with the shim {watched}")
                return 1
            compared += 1
    print(f"{compared} programs do the same with and without the shim")
    return 0


if __name__ == "__main__":
    sys.exit(main())
