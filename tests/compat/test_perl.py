#!/usr/bin/env python3
"""Perl's own core tests say the same, line by line, with the shim and an agent as without.

usage: test_perl.py      with RINGSIDE_TEST_FULL all of them, else the parts that use files and sockets

Perl's source (tools/setup perl-source) is laid out around the installed perl as around one that was
built there, once for each worker. Each file runs bare, then preloaded, as nobody, in namespaces of
its own: nothing outside is reached, nothing is left behind. Where the two differ it runs again, so
that what differs by itself is told apart, and named.
"""
import collections
import concurrent.futures
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

# What waits comes first, and what only computes comes last.
SHORT = ("cpan/Socket", "dist/IO", "t/io", "ext/IPC-Open3", "cpan/IO-Socket-IP", "ext/POSIX", "t/run",
         "t/base", "t/cmd", "t/opbasic")
PARTS = (*SHORT, "cpan/HTTP-Tiny", "cpan/IPC-Cmd", "cpan/IPC-SysV", "dist/Tie-File", "dist/threads",
         "dist/threads-shared", "ext/PerlIO-encoding", "ext/PerlIO-scalar", "ext/PerlIO-via",
         "t/op", "t/comp", "lib", "t/re", "t/uni", "t/mro") if live.FULL else SHORT
# Many seconds of computing alone; and what measures time instead of looking at results.
LEFT_OUT = re.compile(r"t/re/(uniprops|anyof|fold_grind|pat_psycho|user_prop_race|speed|.*_thr\.)|"
                      r"t/run/runenv_hashseed|t/comp/utf\.|lib/(Benchmark|charnames|perl5db|warnings|"
                      r"B/Deparse.*|Unicode/UCD)\.t|dist/threads-shared/t/(stress|wait)")
if not live.FULL:
    LEFT_OUT = re.compile(LEFT_OUT.pattern + "|t/io/(crlf_through|through|pipe)|"
                          "ext/POSIX/t/(mb|termios|waitpid)|cpan/IO-Socket-IP/t/2")
WORKERS = 2 * (os.cpu_count() or 1)  # many of them sleep
NOBODY = 65534
ONE = 120                              # s: for one run of one file
ALL = 360 if live.FULL else 60         # s: what was not reached by then is said
AGAIN = 3                              # further runs of each kind where the two differ
UNSTEADY = 3                           # files that may differ in one of these runs
WITHIN = ["unshare", "-i", "-n", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c",
          'ip link set lo up && "$@"; exit', "sh"]  # no exec: its first process reaps what is orphaned
# What differs from run to run and says nothing: addresses, names of temporary files and of children.
CHANGING = ((rb"\b(0x)?[0-9a-f]{8,}\b", b"ADDRESS"), (rb"\btmp_[A-Z]+_", b"tmp_"),
            (rb"(?m)^ *# .*", lambda found: re.sub(rb"\d+", b"N", found[0])))

Said = collections.namedtuple("Said", "code output errors")
Verdict = collections.namedtuple("Verdict", "file kind detail said")


class Tree:
    """The source around the installed perl, for one worker."""

    def __init__(self, source, folder, library):
        self.folder = folder
        (folder / "tmp").mkdir(parents=True)
        (folder / "lib").symlink_to(library)
        for part in {"t", "regen", *(x for x in PARTS if not x.startswith(("t/", "lib")))}:
            shutil.copytree(source / part, folder / part, symlinks=True)
        for file in ("TestInit.pm", "MANIFEST"):
            shutil.copy(source / file, folder)
        for where in (folder, folder / "t"):
            (where / "perl").symlink_to(shutil.which("perl"))
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder], check=True)

    def command(self, file):
        """(folder, command line) as Perl's own t/TEST has them."""
        first = (self.folder / file).open("rb").readline()
        taint = re.match(rb"#!.*perl.*\s-\w*([tT])", first)
        switches = [f"-{taint[1].decode()}"] if taint else []
        top = file.parts[0]
        if top == "t":
            plain = file.parts[1] in ("base", "comp", "run")
            return self.folder / "t", ["./perl", *([] if plain else ["-I..", "-MTestInit"]),
                                       *switches, file.relative_to("t")]
        if top == "lib":
            return self.folder / "t", ["./perl", "-I..", "-MTestInit=U1", *switches, f"../{file}"]
        absolute = ",A" if file.parts[1] in ("IPC-Cmd", "IPC-SysV", "Tie-File") else ""
        return self.folder.joinpath(*file.parts[:2]), \
            ["../../t/perl", "-I../..", f"-MTestInit=U2T{absolute}", *switches,
             Path(*file.parts[2:])]

    def run(self, file, environment):
        folder, command = self.command(file)
        before = set(folder.iterdir())
        output, errors = self.folder / "output", self.folder / "errors"
        with output.open("wb") as out, errors.open("wb") as err:
            child = subprocess.Popen([str(x) for x in command], cwd=folder, stdin=subprocess.DEVNULL,
                                     env={**environment, "HOME": str(self.folder),
                                          "TMPDIR": str(self.folder / "tmp")},
                                     stdout=out, stderr=err, user=NOBODY, group=NOBODY,
                                     extra_groups=[], process_group=0)
            try:
                code = child.wait(ONE)
            except subprocess.TimeoutExpired:
                code = f"none within {ONE} s"
            end_group(child)
        for left in set(folder.iterdir()) - before:
            remove(left)
        for left in (self.folder / "tmp").iterdir():
            remove(left)
        return Said(code, self.same(output.read_bytes()), self.same(errors.read_bytes()))

    def same(self, text):
        text = re.sub(re.escape(bytes(self.folder / "tmp")) + rb"/[\w.]+", b"FILE", text)
        for pattern, word in CHANGING:
            text = re.sub(pattern, word, text)
        return text.decode("latin-1").splitlines()


def end_group(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def ask_perl(code):
    return subprocess.run(["perl", "-MConfig", "-e", code], capture_output=True, text=True,
                          check=True).stdout


def lay_library(source, folder):
    """The source's modules with their tests, and over them those that the installed perl has.

    Copied: nobody may not read what is in somebody's home.
    """
    own = ask_perl('print join "\\n", grep { m{/perl-base$} } @INC; '
                   'print "\\n$_" for @Config{qw(privlibexp archlibexp)}').split("\n")
    shutil.copytree(source / "lib", folder, symlinks=True)
    for part in (Path(x).resolve() for x in own if x):
        subprocess.run(["cp", "-rsf", f"{part}/.", folder], check=True)
    return folder


def files(source):
    for part in PARTS:
        for path in sorted((source / part).rglob("*.t")):
            file = path.relative_to(source)
            if not LEFT_OUT.match(str(file)):
                yield file


def verdicts(said):
    """Exit code and what was ok, without the words, which may hold anything."""
    found = (re.match(r"(not )?ok\b ?(\d*)(?:.*(# ?(?:TODO|skip)))?|1\.\.\d+", x, re.I)
             for x in said.output)
    return said.code, [x[0] if x[0].startswith("1..") else x.groups() for x in found if x]


def first_difference(one, other):
    for name, mine, its in zip(Said._fields, one, other):
        if mine == its:
            continue
        if name == "code":
            return f"exit code {mine}, with the shim {its}"
        line = next((i for i, pair in enumerate(zip(mine, its)) if pair[0] != pair[1]),
                    min(len(mine), len(its)))
        return (f"line {line + 1} of its {name}: {mine[line:line + 1]}, with the shim "
                f"{its[line:line + 1]}")
    return "none"


def judge(bare, watched, again):
    """(kind, detail) of a file; again(preloaded) runs it once more."""
    if bare == watched:
        return "same", ""
    more = [again(False) for _ in range(AGAIN)]
    forms = (lambda x: x, verdicts)
    form = next((x for x in forms if all(x(y) == x(bare) for y in more)), None)
    if not form:
        return "noise", first_difference(bare, next(x for x in more if x != bare))
    if form(bare) == form(watched):
        return "verdicts", ""
    differ = [x for x in (again(True) for _ in range(AGAIN)) if form(x) != form(bare)]
    return "differs" if differ else "unsteady", first_difference(bare, watched)


def work(tree, todo, environment, preloaded, found, end):
    def run(file, watched):
        return tree.run(file, preloaded if watched else environment)
    while time.monotonic() < end:
        try:
            file = todo.get_nowait()
        except queue.Empty:
            return
        bare, watched = run(file, False), run(file, True)
        kind, detail = judge(bare, watched, lambda watched, file=file: run(file, watched))
        found.append(Verdict(file, kind, detail, bare))


def compare_all(source, stage, environment, shim):
    """Verdicts, and what was not reached."""
    todo, found = queue.Queue(), []
    for file in files(source):
        todo.put(file)
    preloaded = {**environment, "LD_PRELOAD": shim}
    library = lay_library(source, stage.folder / "lib")
    trees = [Tree(source, stage.folder / f"perl{i}", library) for i in range(WORKERS)]
    end = time.monotonic() + ALL
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(work, x, todo, environment, preloaded, found, end) for x in trees]:
            done.result()
    return found, list(todo.queue)


def watched_perl(stage, agent, shim):
    """The agent sees a perl of nobody's that was started as the tests are."""
    process = subprocess.Popen(["perl", "-e", "sleep 60"], user=NOBODY, group=NOBODY, extra_groups=[],
                               env={**os.environ, **stage.environment, "LD_PRELOAD": shim})
    try:
        live.wait_for("a perl that the agent sees", lambda: any(
            x["pid"] == process.pid for x in agent.get("/api/processes")["processes"]), 10, 0.1)
    finally:
        process.kill()
        process.wait()


def report(found, missed):
    by_kind = collections.defaultdict(list)
    for one in found:
        by_kind[one.kind].append(one)
    failing = [x for x in found if x.said.code != 0]
    for kind, meaning in (("verdicts", "differ by themselves, compared by exit code and verdicts"),
                          ("noise", "not judged: verdicts that differ by themselves"),
                          ("unsteady", f"with the shim other in one of {AGAIN + 1} runs")):
        for one in by_kind[kind]:
            print(f"{one.file}: {meaning} {one.detail}".rstrip())
    if failing:
        print(f"fail in both: {', '.join(str(x.file) for x in failing)}")
    if missed:
        parts = collections.Counter(str(x.parent) for x in missed)
        print(f"not reached within {ALL} s: {', '.join(f'{v} of {k}' for k, v in parts.items())}")
    for one in by_kind["differs"]:
        print(f"{one.file}: {one.detail}")
    checks = sum(len(verdicts(x.said)[1]) for x in found)
    print(f"{len(found)} files of Perl's own tests, {checks} checks: {len(by_kind['same'])} files the "
          f"same line by line, {len(by_kind['verdicts'])} by their verdicts, "
          f"{len(by_kind['noise']) + len(by_kind['unsteady'])} not judged, "
          f"{len(by_kind['differs'])} differ; {len(failing)} fail in both, {len(missed)} not reached")
    judged = {str(x.file) for x in by_kind["same"] + by_kind["verdicts"] if x.said.code == 0}
    empty = [x for x in PARTS if not any(y.startswith(x + "/") for y in judged)]
    if empty and not missed:
        print(f"nothing was judged of {', '.join(empty)}")
    return not (by_kind["differs"] or len(by_kind["unsteady"]) > UNSTEADY or
                len(judged) < 0.9 * len(found) or len(missed) > len(found) or not checks or
                empty and not missed)


def run_within():
    """All of it again in namespaces of its own, and in a folder that goes whatever ends it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="ringside-") as folder:
        Path(folder).chmod(0o755)
        return subprocess.run([*WITHIN, sys.executable, "-B", __file__], check=False, env={
            **os.environ, "TMPDIR": folder, "RINGSIDE_WITHIN": "1"}).returncode


def main():
    if len(sys.argv) != 1:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    live.need_root_and("perl", "unshare", "ip")
    source = live.BIN.parent / f"perl-{ask_perl('printf q(%vd), $^V')}"
    if not (source / "t").is_dir():
        live.skip("Perl's source of the installed version is not there (tools/setup perl-source)")
    if "RINGSIDE_WITHIN" not in os.environ:
        if subprocess.run([*WITHIN, "true"], check=False).returncode:
            live.skip("namespaces cannot be made here")
        return run_within()
    with live.Stage() as stage:
        agent = stage.agent().wait("/readyz")
        shim = shutil.copy(live.find_program("libringside.so"), stage.folder)
        watched_perl(stage, agent, shim)
        # Perl orders hashes by chance, by default
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "dumb",
                       "PERL_CORE": "1", "PERL_HASH_SEED": "0", **stage.environment}
        found, missed = compare_all(source, stage, environment, shim)
        watched_perl(stage, agent, shim)
    return 0 if report(found, missed) else 1


if __name__ == "__main__":
    sys.exit(main())
