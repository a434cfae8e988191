#!/usr/bin/env python3
"""Prints which tests of a JUnit file were skipped, each with the last line that it wrote."""
import sys
import xml.etree.ElementTree as ElementTree


def main():
    skipped = [case for case in ElementTree.parse(sys.argv[1]).iter("testcase")
               if case.get("status") in ("notrun", "disabled") or case.find("skipped") is not None]
    for case in skipped:
        lines = (case.findtext("system-out") or "").strip().splitlines()
        print(f"Skipped {case.get('name')}: {lines[-1] if lines else 'it gave no reason'}")
    if not skipped:
        print("Skipped: none")


if __name__ == "__main__":
    main()
