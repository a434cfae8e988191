#!/usr/bin/env python3
"""ringside run becomes its command and says when the library is not in; ps and doctor answer.

What needs an agent is left out, with a word, where ringsided is not built.
"""
import contextlib
import http.server
import json
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import live

RINGSIDE = str(live.find_program("ringside"))
SHIM = str(live.find_program("libringside.so"))
NOBODY = 65534
SETTINGS = tempfile.NamedTemporaryFile("w", prefix="ringside-", suffix=".json")
SETTINGS.write("{}\n")
SETTINGS.flush()  # whatever the machine's own file says


def start(*words, environment=None, **named):
    """The command, with no run directory but the one given, in a session of its own."""
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith("RINGSIDE") and name != "LD_PRELOAD"}
    named = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
             "preexec_fn": live.dies_with_us, **named}
    return subprocess.Popen([RINGSIDE, *map(str, words)], text=True,
                            env={**clean, "RINGSIDE_CONFIG": SETTINGS.name, **(environment or {})},
                            **named)


def ringside(*words, given=None, **named):
    """(exit code, standard output, standard error)"""
    with start(*words, stdin=subprocess.PIPE, **named) as process:
        out, err = process.communicate(given, timeout=30)
    return process.returncode, out, err


def watchers(session_of):
    """Processes named ringside that are neither that process nor its ancestors."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "comm").read_text() == "ringside\n" and folder.name != str(session_of):
                found.append(int(folder.name))
    return found


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ringside-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def compile_static(self):
        source, program = self.folder / "static.c", self.folder / "static"
        source.write_text("int main(void)\n{\n\treturn 7;\n}\n")
        built = subprocess.run(["cc", "-static", "-o", program, source], capture_output=True,
                               check=False)
        if built.returncode:
            self.skipTest("no static C library here")
        return program

    def test_exit_codes_are_the_commands_own(self):
        for code in (0, 3, 255):
            self.assertEqual(ringside("run", "--", "sh", "-c", f"exit {code}")[0], code)

    def test_death_by_a_signal_is_seen_as_such(self):
        self.assertEqual(ringside("run", "--", "sh", "-c", "kill -TERM $$")[0], -signal.SIGTERM)

    def test_command_that_cannot_run_has_the_codes_of_a_shell(self):
        code, _, err = ringside("run", "--", "no-such-command-here")
        self.assertEqual((code, err), (127, "ringside run: no-such-command-here: no such command\n"))
        text = self.folder / "text"
        text.write_text("#!/nonexistent/interpreter\n")
        self.assertEqual(ringside("run", "--", text)[0], 126)
        text.chmod(0o755)
        code, _, err = ringside("run", "--", text)
        self.assertEqual(code, 126)
        self.assertIn("interpreter", err)
        self.assertEqual(ringside("run", "--", self.folder)[0], 126)

    def test_wrong_use_is_two_with_a_hint(self):
        for words, hint in ((("run",), "which command"), (("run", "--srevice=x", "true"), "--service"),
                            (("rnu",), "'run'"), (("--versoin",), "'--version'"), ((), "usage"),
                            (("run", "--run-dir", "relative", "true"), "absolute"),
                            (("run", "--run-dir", "/" + "x" * 200, "true"), "111 bytes"),
                            (("run", "--service", "", "true"), "--service"),
                            (("ps", "thing"), "unexpected"), (("doctor", "--json=x"), "no value")):
            code, out, err = ringside(*words)
            self.assertEqual((code, out), (2, ""), words)
            self.assertIn(hint, err, words)

    def test_help_and_version_go_to_standard_output(self):
        for words in (("--help",), ("run", "--help"), ("ps", "--help"), ("doctor", "--help"),
                      ("--version",)):
            code, out, err = ringside(*words)
            self.assertEqual((code, err), (0, ""), words)
            self.assertIn("ringside", out)

    def test_library_is_in_under_the_same_pid(self):
        with start("run", "--", "cat", stdin=subprocess.PIPE) as process:
            maps = Path(f"/proc/{process.pid}/maps")
            live.wait_for("the segment", lambda: "/memfd:ringside" in maps.read_text(), 10)
            self.assertIn(SHIM, maps.read_text())
            self.assertEqual(Path(f"/proc/{process.pid}/comm").read_text(), "cat\n")
            out, err = process.communicate("through\n", timeout=30)
        self.assertEqual((out, err, process.returncode), ("through\n", "", 0))

    def test_arguments_and_environment_pass_unchanged(self):
        words = ["a b", "", "--json", "ä*", "'\"\\"]
        code, out, err = ringside("run", "--", "sh", "-c", 'printf "%s|" "$@"; echo "$X"', "sh",
                                  *words, environment={"X": "y z"})
        self.assertEqual((code, out, err), (0, "|".join(words) + "|y z\n", ""))

    def test_signals_reach_the_command(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1,
                       signal.SIGWINCH):
            script = f"trap 'exit 40' {number.value}; echo ready; while :; do sleep 0.05; done"
            with start("run", "--", "sh", "-c", script) as process:
                self.assertEqual(process.stdout.readline(), "ready\n")
                process.send_signal(number)
                process.communicate(timeout=30)
            self.assertEqual(process.returncode, 40, number)

    def test_ignored_signals_stay_ignored_and_nothing_is_pending(self):
        def prepare():
            live.dies_with_us()
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        _, out, _ = ringside("run", "--", "cat", "/proc/self/status", preexec_fn=prepare)
        status = dict(line.split(":\t") for line in out.splitlines() if ":\t" in line)
        self.assertTrue(int(status["SigIgn"], 16) >> (signal.SIGUSR1 - 1) & 1)
        self.assertEqual(int(status["SigBlk"], 16), 1 << (signal.SIGCHLD - 1))
        self.assertEqual(int(status["SigPnd"], 16) | int(status["ShdPnd"], 16), 0)

    def test_descriptors_are_those_that_were_given(self):
        bare = subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True, check=True,
                              stdin=subprocess.DEVNULL).stdout
        self.assertEqual(ringside("run", "--", "ls", "/proc/self/fd")[1], bare)

    def test_no_child_comes_with_the_command(self):
        script = ("import os,time\n"
                  "time.sleep(0.1)\n"
                  "try:\n os.waitpid(-1, os.WNOHANG)\n"
                  "except ChildProcessError:\n print('none')\n")
        self.assertEqual(ringside("run", "--", sys.executable, "-c", script)[1], "none\n")

    def test_no_child_comes_with_a_first_process_either(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        script = "import os,time; time.sleep(0.1); print(os.getpid()); os.waitpid(-1, os.WNOHANG)"
        done = subprocess.run(["unshare", "--pid", "--fork", RINGSIDE, "run", "--", sys.executable,
                               "-c", script], capture_output=True, text=True, check=False,
                              env={**os.environ, "RINGSIDE_CONFIG": SETTINGS.name})
        self.assertEqual(done.stdout, "1\n")
        self.assertIn("ChildProcessError", done.stderr)

    def test_no_process_is_left(self):
        with start("run", "--", "cat", stdin=subprocess.PIPE) as process:
            maps = Path(f"/proc/{process.pid}/maps")
            live.wait_for("the segment", lambda: "/memfd:ringside" in maps.read_text(), 10)
            live.wait_for("the watcher to end", lambda: not watchers(process.pid), 10)
            process.communicate("", timeout=30)

    def test_other_preloads_are_kept_and_no_copy_is_doubled(self):
        other = self.folder / "libother.so"
        shutil.copy(SHIM, self.folder / "libringside.so")
        subprocess.run(["cc", "-shared", "-o", other, "-xc", "/dev/null"], check=True)
        preload = f"{self.folder}/libringside.so {other}"
        _, out, err = ringside("run", "--", "sh", "-c", 'echo "$LD_PRELOAD"',
                               environment={"LD_PRELOAD": preload})
        self.assertEqual((out, err), (f"{SHIM}:{other}\n", ""))

    def test_service_and_run_directory_are_handed_on(self):
        script = 'echo "$RINGSIDE_SERVICE $RINGSIDE_RUN_DIR"'
        _, out, _ = ringside("run", "--service", "shop", "--run-dir", "/x/run", "--", "sh", "-c",
                             script)
        self.assertEqual(out, "shop /x/run\n")
        self.assertEqual(ringside("run", "--", "sh", "-c", script)[1], " \n")
        config = self.folder / "ringside.json"
        config.write_text('{"run_dir": "/y/run"}')
        self.assertEqual(ringside("run", "--", "sh", "-c", script,
                                  environment={"RINGSIDE_CONFIG": str(config)})[1], " /y/run\n")

    def test_library_is_found_by_option_and_variable_or_refused(self):
        copy = self.folder / "libringside.so"
        shutil.copy(SHIM, copy)
        script = 'echo "$LD_PRELOAD"'
        self.assertEqual(ringside("run", "--shim", copy, "sh", "-c", script)[1], f"{copy}\n")
        self.assertEqual(ringside("run", "sh", "-c", script,
                                  environment={"RINGSIDE_SHIM": str(copy)})[1], f"{copy}\n")
        code, out, err = ringside("run", "--shim", "/nonexistent.so", "--", "echo", "ran")
        self.assertEqual((code, out), (125, ""))
        self.assertIn("/nonexistent.so", err)

    def test_installed_library_is_found_beside_the_program(self):
        (self.folder / "bin").mkdir()
        (self.folder / "lib").mkdir()
        shutil.copy(RINGSIDE, self.folder / "bin")
        shutil.copy(SHIM, self.folder / "lib")
        out = subprocess.run([self.folder / "bin/ringside", "run", "sh", "-c", 'echo "$LD_PRELOAD"'],
                             capture_output=True, text=True, check=True).stdout
        self.assertEqual(out, f"{self.folder}/lib/libringside.so\n")

    def test_static_program_is_warned_of_and_runs(self):
        program = self.compile_static()
        code, _, err = ringside("run", "--", program)
        self.assertEqual(code, 7)
        self.assertIn("will not be watched", err)
        self.assertIn("statically linked", err)
        script = self.folder / "script"
        script.write_text(f"#!{program}\n")
        script.chmod(0o755)
        code, _, err = ringside("run", "--", script)
        self.assertEqual(code, 7)
        self.assertIn("statically linked", err)

    def test_setuid_program_is_warned_of_and_runs(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        program = self.folder / "id"
        shutil.copy(shutil.which("id"), program)
        os.chown(program, NOBODY, NOBODY)
        program.chmod(0o4755)
        if os.statvfs(self.folder).f_flag & os.ST_NOSUID:
            self.skipTest("the temporary folder honours no setuid")
        code, out, err = ringside("run", "--", program, "-u")
        self.assertEqual((code, out), (0, f"{NOBODY}\n"))
        self.assertIn("is setuid", err)

    def test_what_only_the_maps_can_tell_is_said_by_the_watcher(self):
        # env itself is watched for its millisecond: a watcher that looked just then is content
        for _ in range(8):
            with start("run", "--", "env", "-u", "LD_PRELOAD", "sleep", "3") as process:
                said = process.stderr.readline()
                process.kill()
                process.communicate(timeout=30)
            if said:
                break
        self.assertIn(f"env (pid {process.pid}) is not watched", said)
        self.assertIn("sleep", said)

    def test_library_that_is_switched_off_is_said(self):
        for environment, word in (({"RINGSIDE": "disabled"}, "RINGSIDE=disabled"),
                                  ({"RINGSIDE_RUN_DIR": str(self.folder)}, "/off switches it off")):
            (self.folder / "off").touch()
            code, _, err = ringside("run", "--", "true", environment=environment)
            self.assertEqual(code, 0)
            self.assertIn(word, err)

    def test_list_names_a_script_and_not_its_interpreter(self):
        if ".service" in Path("/proc/self/cgroup").read_text():
            self.skipTest("in a systemd unit all goes by that")
        script = self.folder / "quick.py"
        script.touch()
        python = Path(sys.executable).resolve()
        for line, said in ((script, True), (python, True), (python.name, False), ("sh", False)):
            (self.folder / "off").write_text(f"{line}\n")
            code, _, err = ringside("run", "--", sys.executable, script,
                                    environment={"RINGSIDE_RUN_DIR": str(self.folder)})
            self.assertEqual(code, 0)
            self.assertEqual("/off switches it off" in err, said, f"{line}: {err}")

    def test_pipeline_ends_with_its_command(self):
        with start("run", "--", "true", stderr=subprocess.STDOUT) as process:
            self.assertEqual(process.stdout.read(), "")


class Answers(http.server.BaseHTTPRequestHandler):
    documents = {}

    def do_GET(self):
        document = self.documents.get(self.path.split("?")[0])
        body = json.dumps(document or {"success": False, "error": {"message": "no such thing"}})
        self.send_response(200 if document else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Ps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ringside-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def serve(self, documents):
        Answers.documents = documents
        server = UnixServer(str(self.folder / "api.sock"), Answers)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def test_no_agent_is_one_with_the_cure(self):
        code, out, err = ringside("ps", "--run-dir", self.folder)
        self.assertEqual((code, out), (1, ""))
        self.assertIn(f"no agent answers on {self.folder}/api.sock", err)
        self.assertIn("sudo ringsided", err)

    def test_table_and_json_show_what_the_agent_says(self):
        row = {"service": "shop\u001b[2J", "pid": 812, "count": 200, "requestsPerSecond": 1234.56,
               "errorRate": 0.5, "p50": 0.101, "p95": 2.5, "p99": None, "processPercent": 12.3,
               "rss": 5 << 20}
        self.serve({"/api/processes": {"success": True, "data": {"processes": [row]}}})
        code, out, err = ringside("ps", "--run-dir", self.folder)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out.splitlines()[1].split(),
                         ["812", "shop?[2J", "-", "1234.6", "0.10", "2.50", "-", "0.50", "12.3",
                          "5.0M", "-"])
        code, out, _ = ringside("ps", "--json", "--socket", self.folder / "api.sock")
        shown = json.loads(out)["processes"][0]
        self.assertEqual((shown["pid"], shown["p99"], shown["state"], shown["completeness"]),
                         (812, None, None, None))

    def test_ledger_tells_state_and_completeness(self):
        self.serve({"/api/processes": {"success": True, "data": {"processes": [
                        {"pid": 1, "service": "a"}, {"pid": 2, "service": "b"}]}},
                    "/api/capture": {"success": True, "data": {"processes": [
                        {"pid": 2, "state": "countersOnly", "why": "seccomp", "seen": 380,
                         "recorded": 300, "folded": 20, "unparsed": {"race": 20, "binary": 0}}]}}})
        shown = json.loads(ringside("ps", "--json", "--run-dir", self.folder)[1])["processes"]
        self.assertEqual([(p["state"], p["why"], p["completeness"]) for p in shown],
                         [(None, None, None), ("countersOnly", "seccomp", 80)])
        out = ringside("ps", "--run-dir", self.folder)[1]
        self.assertIn("countersOnly:seccomp", out)

    def test_refusal_is_told_in_the_agents_words(self):
        self.serve({})
        code, _, err = ringside("ps", "--run-dir", self.folder)
        self.assertEqual(code, 1)
        self.assertIn("no such thing", err)

    def test_nothing_watched_is_no_error(self):
        self.serve({"/api/processes": {"success": True, "data": {"processes": []}}})
        code, out, err = ringside("ps", "--run-dir", self.folder)
        self.assertEqual((code, out), (0, ""))
        self.assertIn("nothing is watched yet", err)


class Doctor(unittest.TestCase):
    def test_machine_without_agent_is_judged(self):
        with tempfile.TemporaryDirectory(prefix="ringside-") as folder:
            code, out, err = ringside("doctor", "--json", "--run-dir", f"{folder}/run")
            document = json.loads(out)
            found = {check["name"]: check for check in document["checks"]}
            self.assertEqual(err, "")
            self.assertEqual(code, int(document["status"] == "bad"), out)
            self.assertEqual(found["preload"]["status"], "ok", out)
            self.assertEqual(found["library"]["found"], SHIM)
            self.assertEqual(found["agent"]["status"], "warn")
            self.assertIn("sudo ringsided", found["agent"]["found"])
            lines = ringside("doctor", "--run-dir", f"{folder}/run")[1].splitlines()
            self.assertEqual([x.split()[1] for x in lines if not x.startswith(" ")],
                             [check["name"] for check in document["checks"]])

    def test_missing_library_is_bad(self):
        code, out, _ = ringside("doctor", "--shim", "/nonexistent.so")
        self.assertEqual(code, 1)
        self.assertIn("bad   library", out)

    def test_trial_leaves_no_process(self):
        before = set(live.proc_children(os.getpid()))
        ringside("doctor")
        self.assertEqual(set(live.proc_children(os.getpid())) - before, set())


class WithAgent(unittest.TestCase):
    def facilities(self, agent, checks):
        """Each set of probes in the doctor's words: whether it loads, and how the agent's own stand."""
        told = {c["found"].partition(":")[0] for c in checks if c["name"] == "probes"}
        self.assertEqual(told, {f["set"] for f in agent.get("/api/health")["facilities"]})
        tried = {c["found"].partition(":")[0] for c in checks if c["name"] == "ebpf"}
        self.assertLessEqual({"profile", "snapshot", "runtime"}, tried)

    def test_watched_process_is_listed_and_the_agent_is_well(self):
        try:
            live.find_program("ringsided")
        except FileNotFoundError:
            self.skipTest("ringsided is not built")
        if os.geteuid() != 0 or not shutil.which("nginx"):
            self.skipTest("needs root and nginx")
        with live.Stage() as stage:
            agent = stage.agent().wait("/readyz")
            nginx = stage.nginx()
            for _ in range(200):
                live.fetch(nginx.port, "/index.html")
            agent.wait_for_count(200)

            def busy():
                code, out, err = ringside("ps", "--json", environment=stage.environment)
                self.assertEqual((code, err), (0, ""))
                return [p for p in json.loads(out)["processes"]
                        if p["service"] == "nginx" and p["requestsPerSecond"]]
            rows = live.wait_for("nginx in the list", busy, 10, 0.2)
            self.assertLessEqual({row["pid"] for row in rows},
                                 {nginx.pid, *nginx.workers()})
            # what comes before the agent has found it is counted, not recorded
            self.assertGreaterEqual(rows[0]["completeness"], 80)
            out = ringside("doctor", "--json", environment=stage.environment)[1]
            found = [c for c in json.loads(out)["checks"] if c["name"] == "agent"]
            self.assertEqual(found[0]["status"], "ok", found)
            self.facilities(agent, json.loads(out)["checks"])
            agent.stop()
            self.assertEqual(ringside("ps", environment=stage.environment)[0], 1)


if __name__ == "__main__":
    signal.alarm(200)
    unittest.main()
