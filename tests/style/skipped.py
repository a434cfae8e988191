#!/usr/bin/env python3
"""Prints which tests of a JUnit file were skipped, each with the last line that it wrote."""
import sys
import xml.etree.ElementTree as ElementTree


def main():
    count = 0
    for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
        lines = (case.findtext("system-out") or "").strip().splitlines()
        whole = case.get("status") in ("notrun", "disabled") or case.find("skipped") is not None
        if whole:
            parts = [lines[-1] if lines else "it gave no reason"]
        else:  # single facts of a program whose others ran
            parts = [line for line in lines if line.startswith("skipped: ")]
        for reason in parts:
            print(f"Skipped {'' if whole else 'in '}{case.get('name')}: "
                  f"{reason.removeprefix('skipped: ')}")
        count += len(parts)
    if not count:
        print("Skipped: none")


if __name__ == "__main__":
    main()
