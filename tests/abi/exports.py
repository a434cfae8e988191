#!/usr/bin/env python3
"""exports - the shim gives out exactly the names of its map, and needs none.

usage: exports.py MAP LIBRARY      exit 0, or 1 with every difference
"""
import re
import subprocess
import sys
from pathlib import Path


TLS_MOST = 512  # of the static room that the C library keeps for libraries; other preloads want some


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    if len(sys.argv) != 3:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    text = re.sub(r"/\*.*?\*/", "", Path(sys.argv[1]).read_text(), flags=re.S)
    wanted = set(re.findall(r"(\w+)\s*;", text.split("global:")[1].split("local:")[0]))
    findings = []
    given, strong = set(), set()
    for line in output("nm", "-D", sys.argv[2]).splitlines():
        kind, name = line.split()[-2:]
        if kind in "wv":
            continue
        (strong if kind == "U" else given).add(name.split("@")[0])
    findings += [f"{name} is in the map and not exported" for name in sorted(wanted - given)]
    findings += [f"{name} is exported and not in the map" for name in sorted(given - wanted)]
    findings += [f"{name} is needed: a program without it would not start" for name in sorted(strong)]
    dynamic = output("readelf", "-dW", sys.argv[2])
    findings += [line.strip() for line in dynamic.splitlines() if "(NEEDED)" in line]
    if "TEXTREL" in dynamic or "SYMBOLIC)" in dynamic:
        findings.append("text relocations or a scope of its own")
    segments = output("readelf", "-lW", sys.argv[2])
    if re.search(r"GNU_STACK.*\bRWE\b", segments):
        findings.append("its stack is executable")
    storage = re.search(r"^ +TLS +\S+ \S+ \S+ \S+ (0x[0-9a-f]+)", segments, flags=re.M)
    if not storage or int(storage.group(1), 16) >= TLS_MOST:
        findings.append(f"its thread-local storage is not below {TLS_MOST} bytes")
    if "INITFIRST" not in dynamic:
        findings.append("its constructor is not the first of all")
    notes = output("readelf", "-nW", sys.argv[2])
    if "Build ID" not in notes:
        findings.append("it has no build id")
    if "X86-64" in output("readelf", "-hW", sys.argv[2]) and "IBT, SHSTK" not in notes:
        findings.append("a host that loads it loses its shadow stacks")
    print("\n".join(findings) or f"{len(given)} names, as the map has them; nothing needed")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
