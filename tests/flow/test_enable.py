#!/usr/bin/env python3
"""enable and disable: a drop-in that systemd takes, and /etc/ld.so.preload for real, in a private
mount namespace over a copy of /etc that is thrown away."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

LIBRARY = "/opt/ringside-trial/libringside.so"
UNIT = """[Unit]
Description=a server
[Service]
ExecStart=/bin/true
Environment="LD_PRELOAD=/first.so" OTHER=1
"""


class Failed(Exception):
    pass


def check(fact, what):
    if not fact:
        raise Failed(what)


def ringside(*words, code=0):
    done = subprocess.run([live.find_program("ringside"), *map(str, words)], text=True,
                          capture_output=True, timeout=120, check=False)
    check(done.returncode == code, f"ringside {words}: {done.returncode}, not {code}: "
          f"{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def verify(unit):
    """What systemd says of our drop-in."""
    done = subprocess.run(["systemd-analyze", "--man=no", "verify", unit], text=True,
                          capture_output=True, timeout=60, check=False)
    return [line for line in done.stderr.splitlines() if "50-ringside" in line]


def dropin(folder):
    root = folder / "root"
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "web.service").write_text(UNIT)
    library = root / "usr/lib/libringside.so"
    library.parent.mkdir(parents=True)
    shutil.copy(live.find_program("libringside.so"), library)
    file = units / "web.service.d/50-ringside.conf"
    for nonsense in ("../web", "web.socket", "no-such-unit", "a b"):
        ringside("enable", "--root", root, nonsense, code=1)
    check(not file.exists(), "nonsense writes nothing")
    told = json.loads(ringside("enable", "--json", "--root", root, "web"))
    check(told["library"] == "/usr/lib/libringside.so" and told["units"][0]["changed"], told)
    text = file.read_text()
    check('Environment="LD_PRELOAD=/usr/lib/libringside.so:/first.so"\n' in text, text)
    check("nothing to do" in ringside("enable", "--root", root, "web"), "a second time")
    check(file.read_text() == text, "the same file")
    if shutil.which("systemd-analyze"):
        check(verify(units / "web.service") == [], "systemd has nothing to say of it")
        file.write_text(text + "Nonsense\n")
        check(verify(units / "web.service"), "and it would")
        ringside("enable", "--root", root, "web", code=1)
        ringside("disable", "--root", root, "web", code=1)  # it was edited
        file.write_text(text)
    else:
        print("systemd-analyze is missing: the drop-in was not shown to it")
    check("removed" in ringside("disable", "--root", root, "web"), "it is gone")
    check(not file.parent.exists(), "and its folder with it")
    check("nothing to do" in ringside("disable", "--root", root, "web"), "a second time")
    check((units / "web.service").read_text() == UNIT, "the unit itself was not touched")
    ringside("enable", "--root", root, "--now", "web", code=2)
    ringside("enable", "--root", root, "--host-wide", "/usr/sbin/nginx", code=2)  # without --yes


def maps(pid):
    return Path(f"/proc/{pid}/maps").read_text()


def started(program, *words):
    """A program that waits, with its maps once it has come to rest."""
    process = subprocess.Popen([program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               preexec_fn=live.dies_with_us)
    process.stdin.write(b"x\n")
    process.stdin.flush()
    process.stdout.readline()
    text = maps(process.pid)
    process.stdin.close()
    process.wait(10)
    return text


def inside():
    """In the namespace: everything here is for real."""
    preload, allow = Path("/etc/ld.so.preload"), Path("/etc/ringside/preload.allow")
    before = preload.read_text() if preload.exists() else None
    check("name the executables" in ringside("enable", "--host-wide", "--yes", "--shim", LIBRARY,
                                             code=1), "nobody is allowed yet")
    check(not preload.exists() or preload.read_text() == before, "and nothing was written")
    os.chmod(LIBRARY, 0o777)
    ringside("enable", "--host-wide", "--yes", "--shim", LIBRARY, "/usr/bin/sed", code=1)
    os.chmod(LIBRARY, 0o755)
    print(ringside("enable", "--host-wide", "--yes", "--shim", LIBRARY, "/usr/bin/sed").strip())
    check(preload.read_text() == LIBRARY + "\n" + (before or ""), preload.read_text())
    check(allow.read_text().endswith("/usr/bin/sed\n"), allow.read_text())
    text = started("/usr/bin/sed", "-u", "p")
    check(LIBRARY in text and "memfd:ringside" in text, "what is allowed is watched")
    text = started("/usr/bin/cat")
    check(LIBRARY in text and "memfd:ringside" not in text, "what is not is left alone")
    check("nothing to do" in ringside("enable", "--host-wide", "--yes", "--shim", LIBRARY),
          "a second time")
    print(ringside("disable", "--host-wide").strip())
    check((preload.read_text() if preload.exists() else None) == before, "as it was")
    check(LIBRARY not in started("/usr/bin/cat"), "and no program has it any more")
    ringside("disable", "--host-wide")


PREPARE = """
mount --make-rprivate / && mount -t tmpfs none {folder} && mkdir {folder}/up {folder}/work &&
mount -t overlay overlay -o lowerdir=/etc,upperdir={folder}/up,workdir={folder}/work /etc &&
mount -t tmpfs -o mode=755 none /opt && mkdir -m 755 /opt/ringside-trial &&
install -m 755 {library} {wanted} || exit 77
exec {python} -B {self} inside
"""


def host_wide(folder):
    if not shutil.which("unshare"):
        print("skipped: the preload of every program: unshare is missing")
        return
    private = folder / "private"
    private.mkdir()
    words = PREPARE.format(folder=private, library=live.find_program("libringside.so"),
                           wanted=LIBRARY, python=sys.executable, self=Path(__file__).resolve())
    done = subprocess.run(["unshare", "-m", "sh", "-c", words], timeout=200, check=False)
    if done.returncode == live.SKIPPED:
        print("skipped: the preload of every program: no private /etc could be had")
    else:
        check(done.returncode == 0, "the preload of every program")


def main():
    if sys.argv[1:] == ["inside"]:
        tests = [lambda _: inside()]
    else:
        live.need_root_and()
        tests = [dropin, host_wide]
    with tempfile.TemporaryDirectory(prefix="ringside-") as folder:
        try:
            for test in tests:
                test(Path(folder))
        except Failed as failure:
            print(failure)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
