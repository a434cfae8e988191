#!/usr/bin/env python3
"""compare - one list of calls without the shim and with it: results, errno, side effects.

usage: compare.py LIBRARY PROGRAM [CALLS]      exit 0, or 1 with the differences

The program of this folder is built again for musl, where there is musl-gcc, and compared too. CALLS
is how many another program makes at least.
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CALLS = 150
HERE = Path(__file__).resolve().parent


def run(program, preload=None):
    environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    if preload:
        environment["LD_PRELOAD"] = preload
    # by timeout(1), so that what was printed until then shows where it stands
    done = subprocess.run(["timeout", "-k", "1", "20", program], env=environment,
                          capture_output=True, check=False, stdin=subprocess.DEVNULL,
                          encoding="latin-1")
    return [*done.stdout.splitlines(), "stderr:", *done.stderr.splitlines(),
            f"exit {done.returncode}"]


def differences(name, one, other, which):
    found = [line for line in difflib.unified_diff(one, other, *which, lineterm="", n=2)]
    if found:
        print(f"{name}: {' and '.join(which)} differ", *found[:60], sep="\n")
    return bool(found)


def compare(name, program, library, least=CALLS):
    """Twice without first: what differs by itself is no difference of ours."""
    bare, again, watched = run(program), run(program), run(program, library)
    if differences(name, bare, again, ("without the shim", "without the shim again")) or \
            differences(name, bare, watched, ("without the shim", "with it")):
        return False
    calls = next((int(m[1]) for line in bare if (m := re.fullmatch(r"(\d+) calls", line))), 0)
    print(f"{name}: {calls} calls, {len(bare)} lines, 0 differences")
    return calls >= least and bare[-1] == "exit 0"


def build_musl(folder):
    program = folder / "calls"
    subprocess.run(["musl-gcc", "-D_GNU_SOURCE", "-idirafter", "/usr/include", "-idirafter",
                    f"/usr/include/{os.uname().machine}-linux-gnu", "-I", HERE.parents[2] / "include",
                    *sorted(HERE.glob("*.c")), HERE.parent / "host.c", "-o", program], check=True)
    return program


def main():
    if len(sys.argv) == 4:
        return 0 if compare("glibc", sys.argv[2], sys.argv[1], int(sys.argv[3])) else 1
    if len(sys.argv) != 3:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    good = compare("glibc", sys.argv[2], sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="ringside-") as folder:
        if shutil.which("musl-gcc"):
            good &= compare("musl", build_musl(Path(folder)), sys.argv[1])
        else:
            print("skipped: musl: musl-gcc is missing")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
