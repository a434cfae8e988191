#!/usr/bin/env python3
"""Prints what the totals of a JUnit file do not say: what was skipped, each with its reason, and how
fast each fuzz target ran. A test says "skipped: REASON", on its last line if it is skipped whole.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree


def skipped(case, output):
    lines = [line.strip() for line in output.strip().splitlines()]
    if case.get("status") in ("notrun", "disabled") or case.find("skipped") is not None:
        yield "", lines[-1] if lines else "it gave no reason"
        return
    for line in lines:
        if line.startswith("skipped: "):
            yield "in ", line


def main():
    count = 0
    for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
        output = case.findtext("system-out") or ""
        for where, reason in skipped(case, output):
            print(f"Skipped {where}{case.get('name')}: {reason.removeprefix('skipped: ')}")
            count += 1
        if rate := re.search(r"^stat::average_exec_per_sec:\s*(\d+)$", output, re.M):
            print(f"{case.get('name')}: {rate[1]} runs a second")
    if not count:
        print("Skipped: none")


if __name__ == "__main__":
    main()
