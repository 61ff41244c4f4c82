"""`kronsolve selftest`: everything installed here is tried; what is not here is said together with what to install."""

import os
import resource

import program


def results(answer: dict) -> dict[str, set[str]]:
    """The parts that were tried, with how it went."""
    parts: dict[str, set[str]] = {}
    for check in answer["checks"]:
        parts.setdefault(check["part"], set()).add(check["result"])
    return parts


class SelfTest(program.ProgramTest):
    def assert_everything_works(self, done: program.Done, ranks: int):
        self.assertEqual(done.status, 0, done.out + done.err)
        answer = done.json()
        self.assertTrue(answer["ok"])
        self.assertEqual(answer["ranks"], ranks)
        engines = self.solve("info")["engines"]
        for scalar, engine in engines.items():
            if engine["available"]:
                self.assertEqual(results(answer).get(f"{scalar} engine"), {"ok"})
        for part in ("own methods", "files", "workers"):
            self.assertEqual(results(answer).get(part), {"ok"}, part)

    def test_all_that_is_installed_works(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = program.run("selftest", "--json", env={"TMPDIR": self.folder}, timeout=180)

        self.assert_everything_works(done, 1)
        if not os.environ.get("KRONSOLVE_SANITIZE"):  # a minute on two cores; of processor time, which other work does not change much
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.assertLess(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 60)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_on_ranks(self):
        self.assert_everything_works(program.run("selftest", "--json", ranks=3, timeout=180), 3)

    def test_without_engines_it_says_what_to_install(self):
        done = program.run("selftest", "--json", env={"KRONSOLVE_ENGINE_DIR": self.folder}, timeout=180)

        self.assertEqual(done.status, 0, done.err)
        answer = done.json()
        self.assertNotIn("real engine", results(answer))
        said = " ".join(lack["what"] + lack["install"] for lack in answer["cannot"])
        for word in ("factors", "libslepc-real-dev", "libpetsc-complex-dev"):
            self.assertIn(word, said)

    def test_an_engine_that_cannot_be_loaded_fails(self):
        (self.folder / "kronsolve_engine_real.so").write_bytes(b"no library")
        done = program.run("selftest", env={"KRONSOLVE_ENGINE_DIR": self.folder}, timeout=180)

        self.assertEqual(done.status, 1)
        self.assertIn("FAILED", done.out)
        self.assertIn("kronsolve_engine_real.so", done.out)

    def test_without_gnuplot_pictures_are_missing(self):
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "gnuplot").write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")  # what a shell says of what it does not find
        (tools / "gnuplot").chmod(0o755)
        done = program.run("selftest", env={"PATH": f"{tools}:{os.environ['PATH']}"}, timeout=180)

        self.assertEqual(done.status, 0, done.out + done.err)
        self.assertRegex(done.out, "missing +a picture")
        self.assertIn("gnuplot", done.out.partition("install")[2])

    def test_no_line_is_longer_than_a_terminal(self):
        done = program.run("selftest", timeout=180)

        self.assertEqual([line for line in done.out.splitlines() if len(line) > 80], [])


if __name__ == "__main__":
    program.main()
