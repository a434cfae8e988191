#!/usr/bin/env python3
"""Each rule of tools/check_style.py finds its fault in a small tree made for it, and nothing else."""
import importlib.util
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_style.py"
spec = importlib.util.spec_from_file_location("check_style", TOOL)
check_style = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_style)

HEAD = "/*\n * {} - a thing.\n */\n"


class Rules(unittest.TestCase):
    def findings(self, files, exceptions=None):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
                if name.endswith(".c"):
                    test = root / "tests/unit" / f"test_{Path(name).stem}.c"
                    test.parent.mkdir(parents=True, exist_ok=True)
                    test.write_text("")
            return [f.split(": ")[1] for f in
                    check_style.Checker(root, exceptions or {}).run()]

    def source(self, body, name="agent/drain/lane.c"):
        return {name: HEAD.format(Path(name).stem) + body}

    def test_clean_source_has_no_findings(self):
        self.assertEqual(self.findings(self.source("int f(void)\n{\n\treturn 0;\n}\n")), [])

    def test_sixty_lines_pass_and_sixty_one_do_not(self):
        body = "int f(void)\n{{\n{}\treturn 0;\n}}\n"
        self.assertEqual(self.findings(self.source(body.format("\tg();\n" * 56))), [])
        self.assertEqual(self.findings(self.source(body.format("\tg();\n" * 57))),
                         ["function-length"])

    def test_braces_in_strings_comments_and_macros_do_not_count(self):
        body = "#define X(a) \\\n\tdo { \\\n\t} while (0)\nint f(void)\n{\n\t/* { */\n\tg(\"{{\", '{');\n}\n"
        self.assertEqual(self.findings(self.source(body)), [])

    def test_fourth_nested_block_is_found(self):
        open3 = "int f(void)\n{\n\tif (a) {\n\t\tfor (;;) {\n\t\t\twhile (b) {\n"
        close3 = "\t\t\t}\n\t\t}\n\t}\n}\n"
        self.assertEqual(self.findings(self.source(open3 + close3)), [])
        self.assertEqual(self.findings(self.source(open3 + "\t\t\t\tdo {\n\t\t\t\t} while (c);\n" + close3)),
                         ["nesting"])

    def test_initialisers_are_not_nesting(self):
        body = ("int f(void)\n{\n\tif (a) {\n\t\tfor (;;) {\n\t\t\twhile (b) {\n"
                "\t\t\t\tx = (struct y){ .z = { 1, { 2 } } };\n\t\t\t}\n\t\t}\n\t}\n}\n")
        self.assertEqual(self.findings(self.source(body)), [])

    def test_long_source_long_line_and_blanks_are_found(self):
        self.assertEqual(self.findings(self.source("int x;\n" * 498)), ["source-length"])
        self.assertEqual(self.findings(self.source("int x; /* " + "y" * 100 + " */\n")), ["columns"])
        self.assertEqual(self.findings(self.source("int x; \n")), ["blanks"])

    def test_switched_off_code_and_notes_to_self_are_found(self):
        self.assertEqual(self.findings(self.source("#if 0\n#endif\n")), ["if-0"])
        self.assertEqual(self.findings(self.source("/* TO" + "DO */\n")), ["todo"])

    def test_source_without_head_is_found_unless_its_header_has_one(self):
        self.assertEqual(self.findings({"agent/drain/lane.c": "int x;\n"}), ["head"])
        self.assertEqual(self.findings({"agent/drain/lane.c": "int x;\n",
                                        "agent/drain/lane.h": HEAD.format("lane")}), [])

    def test_stage_to_the_right_is_refused_and_to_the_left_is_not(self):
        files = {"agent/drain/event.h": HEAD.format("event"),
                 "agent/web/page.h": HEAD.format("page")}
        self.assertEqual(self.findings(
            {**files, **self.source('#include "event.h"\n', "agent/web/serve.c")}), [])
        self.assertEqual(self.findings(
            {**files, **self.source('#include "page.h"\n', "agent/drain/lane.c")}), ["direction"])

    def test_agent_takes_only_the_pure_part_of_the_shim(self):
        files = {"shim/emit.h": HEAD.format("emit"), "shim/protocol/http1.h": HEAD.format("http1")}
        self.assertEqual(self.findings({**files, **self.source('#include "http1.h"\n')}), [])
        self.assertEqual(self.findings({**files, **self.source('#include "emit.h"\n')}), ["direction"])

    def test_system_header_of_the_same_name_is_not_ours(self):
        files = {"agent/web/link.h": HEAD.format("link")}
        self.assertEqual(self.findings({**files, **self.source("#include <link.h>\n")}), [])

    def test_second_user_of_a_library_is_found(self):
        one = self.source("#include <jansson.h>\n", "agent/base/config.c")
        two = self.source("#include <jansson.h>\n", "agent/web/body.c")
        self.assertEqual(self.findings(one), [])
        self.assertEqual(self.findings({**one, **two}), ["one-user"])

    def test_shim_words_are_found_only_as_calls_and_only_there(self):
        call = "void f(void)\n{\n\tmalloc(1);\n}\n"
        self.assertEqual(self.findings(self.source(call, "shim/emit.c")), ["shim-words"])
        self.assertEqual(self.findings(self.source(call)), [])
        harmless = "void f(void)\n{\n\treal.malloc(1); /* malloc(2) */\n\t_Static_assert(1, \"\");\n}\n"
        self.assertEqual(self.findings(self.source(harmless, "shim/emit.c")), [])

    def test_module_without_test_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "agent/drain/lane.c"
            source.parent.mkdir(parents=True)
            source.write_text(HEAD.format("lane"))
            self.assertIn("no tests/unit/test_lane.c",
                          check_style.Checker(Path(folder), {}).run()[0])

    def test_exception_hides_its_finding_and_is_found_when_not_needed(self):
        rule = {("columns", "agent/drain/lane.c"): "a table"}
        self.assertEqual(self.findings(self.source("/* " + "y" * 100 + " */\n"), rule), [])
        self.assertEqual(self.findings(self.source("int x;\n"), rule), ["exception"])


if __name__ == "__main__":
    unittest.main()
