#!/usr/bin/env python3
"""check_style - the house rules that a compiler cannot hold.

usage: check_style.py [ROOT]      exit 0: clean; 1: findings, one a line; 2: could not run

Lengths (a function 60 lines, a source 500, nesting 3, a line 100), a test of the same name for each
module, file heads, who may include whom, third-party headers in one file each, and the words that
the shim may not say. An exception is a line in EXCEPTIONS with its reason; one that is no longer
needed is a finding too.
"""
import re
import sys
from pathlib import Path

FUNCTION_LINES, SOURCE_LINES, NESTING, COLUMNS, FAN_OUT = 60, 500, 3, 100, 12
SOURCES = ("shim", "agent", "bpf", "include", "tools", "tests")
STAGES = ("base", "redis", "transfer", "capture", "drain", "metrics", "profile", "rules", "send", "store",
          "fleet", "cache", "origin", "proxy", "web")

# A library is used in one file, so that replacing it, or reading how we use it, is one file's work.
LIBRARIES = {
    "libmicrohttpd": r"microhttpd\.h",
    "jansson": r"jansson\.h",
    "libbpf": r"bpf/(libbpf|bpf|btf)\.h",
    "zlib": r"zlib\.h",
    "zstd": r"zstd\.h",
    "hiredis": r"(hiredis/)?(hiredis|async)\.h",
    "libcurl": r"curl/.*",
    "libsystemd": r"systemd/.*",
    "nghttp2": r"nghttp2/.*",
    "libelf": r"(libelf\.h|gelf\.h)",
    "libdw": r"(elfutils/.*|dwarf\.h)",
    "capstone": r"capstone/.*",
}
SHIM_WORDS = re.compile(
    r"(?<![\w.>])(v?[fsd]?n?printf|malloc|calloc|realloc|free|strdup|pthread_mutex_\w+|abort|assert"
    r"|exit|dlopen)\s*\(")

# (check, path): reason
EXCEPTIONS = {
    ("one-user", "agent/base/tree.c"):
        "config_file walks a document by its own keys; this one shows any document to whoever asks",
    ("one-user", "agent/web/stream.c"):
        "front has requests; this one replies that go on for hours",
    ("one-user", "agent/web/response.c"):
        "front has requests; this one what they are answered with",
    ("one-user", "agent/profile/inlined.c"):
        "cfi unwinds stacks, in another process; this one asks what debug information says of code",
    ("shim-words", "shim/hook_alloc.c"): "it is the malloc family",
    ("shim-words", "shim/hooks.h"): "it declares the malloc family",
    ("one-user", "tools/ringside/client.c"):
        "the command asks the agent; the agent tells the receivers of notices",
    ("one-user", "tools/ringside/envelope.c"):
        "the command reads what the agent writes; the agent reads but its configuration",
}


def without_comments(text):
    """The text with comments and the insides of strings blanked; line breaks stay."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] * 2 if len(found) < 3 else found[0] + "x" * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text,
                  flags=re.S)


def without_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  code, flags=re.M | re.S)


def opens_a_block(code, at):
    """Is the brace at this place that of a statement, not of an initialiser?"""
    before = code[:at].rstrip()
    if not before or before[-1] in ";{}:":
        return True
    if re.search(r"\b(else|do)$", before):
        return True
    if before[-1] != ")":
        return False
    depth, i = 0, len(before) - 1
    while i >= 0:
        depth += (before[i] == ")") - (before[i] == "(")
        if depth == 0:
            break
        i -= 1
    word = re.search(r"(\w+)\s*$", before[:i])
    return bool(word) and word.group(1) not in ("return", "sizeof")


def functions(code):
    """(name, first line, last line, deepest nesting) of each function; code is without comments."""
    depth, start, braces = 0, 0, []
    head = deepest = None
    for match in re.finditer(r"[{};]", code):
        at, char = match.start(), match.group(0)
        if char == "{":
            if depth == 0:
                text = code[start:at]
                named = re.search(r"(\w+)\s*\((?:[^()]|\([^()]*\)|\((?:[^()]|\([^()]*\))*\))*\)\s*"
                                  r"(?:__attribute__\s*\(\(.*?\)\)\s*)?$", text, re.S)
                head, deepest = None, 0
                if named and "=" not in text[:named.start()]:
                    lines = [m.start() for m in re.finditer(r"^(?=\w)", text, re.M)]
                    first = max([x for x in lines if x <= named.start()] or [named.start()])
                    head = (named.group(1), code.count("\n", 0, start + first) + 1)
                braces = []
            else:
                braces.append(opens_a_block(code, at))
                deepest = max(deepest, sum(braces)) if deepest is not None else sum(braces)
            depth += 1
        elif char == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                if head:
                    yield head[0], head[1], code.count("\n", 0, at) + 1, deepest
                head, start = None, at + 1
            elif braces:
                braces.pop()
        elif depth == 0:
            start = at + 1


class Checker:
    def __init__(self, root, exceptions):
        self.root = root
        self.exceptions = exceptions
        self.used = set()
        self.findings = []
        self.headers = {}
        self.libraries = {}

    def find(self, check, path, line, message):
        if (check, path) in self.exceptions:
            self.used.add((check, path))
        else:
            self.findings.append(f"{path}:{line}: {check}: {message}")

    def run(self):
        files = sorted(f for top in SOURCES for f in (self.root / top).rglob("*.[chS]"))
        for f in files:
            if f.suffix == ".h" and f.relative_to(self.root).parts[0] in ("agent", "shim"):
                self.headers.setdefault(f.name, []).append(f.relative_to(self.root))
        for f in files:
            self.check_file(f.relative_to(self.root), f.read_text(encoding="utf-8"))
        for library, users in sorted(self.libraries.items()):
            for path, line in users[1:]:
                if path != users[0][0]:  # one file may need several of its headers
                    self.find("one-user", path, line,
                              f"{library} is used in {users[0][0]} already")
        for check, path in sorted(set(self.exceptions) - self.used):
            self.findings.append(f"tools/check_style.py:1: exception: ({check}, {path}) is not needed")
        return self.findings

    def check_file(self, path, text):
        name = path.as_posix()
        code = without_comments(text)
        self.check_lines(name, text, code)
        if path.suffix == ".S":
            return
        bare = without_preprocessor(code)
        for function, first, last, nesting in functions(bare):
            if last - first + 1 > FUNCTION_LINES:
                self.find("function-length", name, first,
                          f"{function} has {last - first + 1} lines, {FUNCTION_LINES} are allowed")
            if nesting > NESTING:
                self.find("nesting", name, first,
                          f"{function} nests {nesting} deep, {NESTING} is allowed")
        self.check_head(path, text)
        self.check_includes(path, text)
        if path.parts[0] == "shim":
            for match in SHIM_WORDS.finditer(bare):
                self.find("shim-words", name, bare.count("\n", 0, match.start()) + 1,
                          f"{match.group(1)} has no place in the shim")
        if path.suffix == ".c":
            self.check_test(path)

    def check_lines(self, name, text, code):
        lines = text.split("\n")
        if len(lines) - 1 > SOURCE_LINES:
            self.find("source-length", name, SOURCE_LINES,
                      f"{len(lines) - 1} lines, {SOURCE_LINES} are allowed")
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > COLUMNS:
                self.find("columns", name, number, f"longer than {COLUMNS} columns")
            if line != line.rstrip():
                self.find("blanks", name, number, "blanks at the end of the line")
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                self.find("todo", name, number, "what is left to do is not for the source")
        if re.search(r"^\s*#\s*if\s+0\b", code, re.M):
            self.find("if-0", name, 1, "code that is switched off")

    def check_head(self, path, text):
        name = path.as_posix()
        stem = path.name.split(".")[0]
        own_header = path.suffix == ".c" and (self.root / path).with_suffix(".h").exists()
        if own_header or path.parts[0] == "tests":
            return
        if not re.match(r"/\*\n \* " + re.escape(stem) + r"(?:\.\w+)* - \S", text):
            self.find("head", name, 1, f"begins not with '/* {stem} - what it is in one sentence.'")

    def check_includes(self, path, text):
        name = path.as_posix()
        own = 0
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', text, re.M):
            line = text.count("\n", 0, match.start()) + 1
            target = match.group(2)
            own += match.group(1) == '"' or target.startswith("ringside/")
            for library, pattern in LIBRARIES.items():
                if re.fullmatch(pattern, target) and path.parts[0] in ("agent", "shim", "tools"):
                    self.libraries.setdefault(library, []).append((name, line))
            if path.parts[0] != "tests" and match.group(1) == '"':
                self.check_direction(path, line, target)
        if own > FAN_OUT:
            self.find("fan-out", name, 1, f"{own} of our headers, {FAN_OUT} are allowed")

    def check_direction(self, path, line, target):
        name = path.as_posix()
        if target.startswith("../"):
            self.find("direction", name, line, f"{target}: by plain name, through the build")
            return
        if (self.root / path).parent.joinpath(target).exists():
            return
        meant = self.headers.get(target.split("/")[-1], [])
        refused = [(header, self.refuse(path, header)) for header in meant]
        if meant and all(reason for _, reason in refused):
            header, reason = refused[0]
            self.find("direction", name, line, f"{header.as_posix()}: {reason}")

    @staticmethod
    def refuse(path, header):
        """Why this file may not include this header, None when it may."""
        pure = header.parts[:2] == ("shim", "protocol")
        if path.parts[0] == "agent" and header.parts[0] == "shim" and not pure:
            return "the agent takes shim/protocol alone from the shim"
        if path.parts[0] == "shim" and header.parts[0] == "agent":
            return "the shim knows nothing of the agent"
        if path.parts[:2] == ("shim", "protocol") and not pure:
            return "shim/protocol is pure"
        if path.parts[0] == "agent" and header.parts[0] == "agent" and len(path.parts) > 2:
            if path.parts[1] in STAGES and header.parts[1] in STAGES and \
                    STAGES.index(header.parts[1]) > STAGES.index(path.parts[1]):
                return "a stage never includes a stage to its right"
        return None

    def check_test(self, path):
        if path.parts[0] not in ("agent", "shim"):
            return
        for folder in ("unit", "shim", "abi"):
            if (self.root / "tests" / folder / f"test_{path.stem}.c").exists():
                return
        self.find("test", path.as_posix(), 1, f"no tests/unit/test_{path.stem}.c")


def main():
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    root = Path(sys.argv[1] if len(sys.argv) == 2 else Path(__file__).resolve().parent.parent)
    if not (root / "include").is_dir():
        print(f"check_style: {root} is not the top of the tree", file=sys.stderr)
        return 2
    findings = Checker(root, EXCEPTIONS).run()
    print("\n".join(findings + [f"check_style: {len(findings)} findings"]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
