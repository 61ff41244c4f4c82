"""Pictures of sweeps: what is drawn is what was computed; bad requests draw nothing."""

import re
import xml.etree.ElementTree

import program

SWEEP = """
command = "ground"
model = "ising"
k = 2
[vary]
sites = [4, 6]
bx = [0.5, 1.0, 1.5]
seed = {from = 0, to = 2}
[derive]
gap = "eigenvalues[1] - eigenvalues[0]"
twice = "2 * seed"
"""


class Plot(program.ProgramTest):
    def setUp(self):
        super().setUp()
        path = self.file("s.toml", SWEEP)
        self.assertEqual(program.run("sweep", path, cwd=self.folder).status, 0)

    def plot(self, *args, status=0):
        return program.run("plot", "s.out", *args, "-o", "p.svg", cwd=self.folder)

    def texts(self) -> list[str]:
        return [e.text.strip() for e in xml.etree.ElementTree.parse(self.folder / "p.svg").iter() if e.text and e.text.strip()]

    def test_lines_have_legends_labels_and_all_points(self):
        done = self.plot("--x", "bx", "--y", "gap", "--series", "sites", "--where", "seed = 0")
        self.assertEqual((done.status, done.out), (0, "p.svg: 6 points of s.out\n"), done.err)
        texts = self.texts()
        for text in ("bx", "gap", "sites = 4", "sites = 6"):
            self.assertIn(text, texts)
        # A circle for each of three points and of the legend, and squares for the others.
        marks = re.findall(r"<use xlink:href='(#gpPt\d+)' transform='translate", (self.folder / "p.svg").read_text(encoding="utf-8"))
        self.assertEqual(sorted(marks.count(mark) for mark in set(marks)), [4, 4], marks)

    def test_averages_have_error_bars(self):
        done = self.plot("--x", "bx", "--y", "twice", "--series", "sites", "--average", "seed", "--y-label", "mean of it")
        self.assertEqual((done.status, done.out), (0, "p.svg: 6 points of s.out\n"), done.err)
        self.assertIn("mean of it", self.texts())

    def test_lists_maps_and_formulas(self):
        for args, points in ((("--x", "bx", "--y", "eigenvalues", "--where", "seed = 0 and sites = 4"), 6),
                             (("--x", "bx", "--y", "sites", "--z", "gap", "--where", "seed = 0"), 6),
                             (("--x", "bx", "--y", "energy/sites", "--log", "x", "--kind", "scatter", "--where", "seed = 1"), 6)):
            done = self.plot(*args)
            self.assertEqual((done.status, done.out), (0, f"p.svg: {points} points of s.out\n"), (args, done.err))
        for name, magic in (("a.pdf", b"%PDF"), ("a.png", b"\x89PNG")):
            done = program.run("plot", self.folder / "s.out", "--x", "bx", "--y", "gap", "-o", self.folder / name)
            self.assertEqual(done.status, 0, done.err)
            self.assertTrue((self.folder / name).read_bytes().startswith(magic))

    def test_tables_as_maps_and_lists_over_what_they_count(self):
        path = self.file("q.toml", "command = 'evolve'\nmodel = 'xxz'\nsites = 5\nstate = 'neel'\ntime = 2\nsteps = 3\n"
                                   "observe = ['sz', 'entropy:cuts', 'corr:Sz,Sz']\n[vary]\ndelta = [0.5, 2]\n")
        self.assertEqual(program.run("sweep", path, cwd=self.folder).status, 0)
        one = ("--where", "delta = 2")
        for args, points in ((("--x", "site", "--y", "times", "--z", "sz", *one), 20),
                             (("--x", "times", "--y", "site", "--z", "sz", *one), 20),
                             (("--x", "site", "--y", "other_site", "--z", "{corr:Sz,Sz}[-1]", *one), 25),
                             (("--x", "site", "--y", "delta", "--z", "sz[-1]"), 10),
                             (("--x", "site", "--y", "sz[1]", "--series", "delta"), 10),
                             (("--x", "cut", "--y", "{entropy:cuts}[-1]", "--series", "delta"), 12),
                             (("--x", "site", "--y", "sz", "--series", "times", *one), 20),
                             (("--x", "delta", "--y", "sz[-1]", "--series", "site"), 10),
                             (("--x", "times", "--y", "sz", "--series", "delta,site"), 40)):
            done = program.run("plot", "q.out", *args, "-o", "p.svg", cwd=self.folder)
            self.assertEqual((done.status, done.out), (0, f"p.svg: {points} points of q.out\n"), (args, done.err))
        texts = self.texts()
        for label in ("delta = 0.5, site = 0", "delta = 2, site = 4"):
            self.assertIn(label, texts)
        # Which way round: rows of the map are times, columns sites. Five sites from -0.5 to 4.5.
        for x, y, width, height in (("site", "times", 5, 4), ("times", "site", 4, 5)):
            program.run("plot", "q.out", "--x", x, "--y", y, "--z", "sz", *one, "-o", "p.svg", cwd=self.folder)
            boxes = {tuple(float(n) for n in re.findall(r"-?[0-9.]+", box)[:2])
                     for box in re.findall(r"<polygon[^>]*points = '([^']*)'", (self.folder / "p.svg").read_text(encoding="utf-8"))}
            self.assertGreaterEqual(len(boxes), width * height)
        self.assert_refused(program.run("plot", "q.out", "--x", "times", "--y", "site", "-o", "p.svg", cwd=self.folder), 2, "--y site")
        self.assert_refused(program.run("plot", "q.out", "--x", "site", "--y", "delta", "--z", "sz", "-o", "r.svg", cwd=self.folder), 2,
                            "no point has numbers")

    def test_levels_have_a_line_for_each_sector(self):
        path = self.file("l.toml", "command = 'levels'\nmodel = 'xxz'\nsites = 4\ncyclic = true\nk = 1\nsector = ['sz=0', 'momentum=all']\n"
                                   "[vary]\ndelta = [0.5, 1, 2]\n")
        self.assertEqual(program.run("sweep", path, cwd=self.folder).status, 0)
        done = program.run("plot", "l.out", "--x", "delta", "--y", "levels_energy", "--series", "levels_sector", "-o", "p.svg", cwd=self.folder)
        self.assertEqual((done.status, done.out), (0, "p.svg: 9 points of l.out\n"), done.err)
        legends = [text for text in self.texts() if "momentum" in text]
        self.assertEqual(legends, ["sz=0 momentum=0", "sz=0 momentum=2", "sz=0 momentum=1"])

    def test_lines_that_cannot_be_told_apart_are_refused(self):
        def sweep(steps):
            path = self.file("m.toml", f"command = 'evolve'\nmodel = 'xxz'\nsites = 3\nstate = 'neel'\ntime = 2\nsteps = {steps}\n"
                                       "observe = ['sz']\n[vary]\ndelta = [1]\n")
            self.assertEqual(program.run("sweep", path, "--output", f"m{steps}", cwd=self.folder).status, 0)
            return program.run("plot", f"m{steps}", "--x", "site", "--y", "sz", "--series", "times", "-o", "p.svg", cwd=self.folder)

        self.assertEqual(sweep(20).status, 0)  # 21 lines
        lines = set(re.findall(r"<path stroke='([^']*)'( stroke-dasharray='[^']*')?", (self.folder / "p.svg").read_text(encoding="utf-8")))
        self.assertGreaterEqual(len({line for line in lines if "rgb" in line[0]}), 21)  # colour and dashes of each
        (self.folder / "p.svg").unlink()
        self.assert_refused(sweep(21), 2, "22 lines are too many", "--where", "--z")
        self.assertFalse((self.folder / "p.svg").exists())

    def test_fits_say_what_is_at_zero(self):
        path = self.file("f.toml", "command = 'ground'\nmodel = 'ising'\ncyclic = true\n[parameters]\njz = 0\n[vary]\nsites = [4, 5, 6, 8]\nbx = [1, 2]\n")
        self.assertEqual(program.run("sweep", path, cwd=self.folder).status, 0)

        def fit(*args):
            return program.run("plot", "f.out", *args, "-o", "p.svg", cwd=self.folder)

        # Free spins: the energy is -sites bx/2 exactly.
        done = fit("--x", "1/sites", "--y", "energy/sites + 1/sites^2", "--series", "bx", "--fit", 2, "--guide", "-0.6")
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(done.out.splitlines()[0], "p.svg: 8 points of f.out")
        for line, bx in zip(done.out.splitlines()[1:], (1, 2), strict=True):
            self.assertRegex(line, rf"^at 0 +-{bx / 2:g} +bx = {bx}$")
        # The dotted line has room: its place is an arrow inside of the frame.
        self.assertIn("-0.6", self.texts())
        done = fit("--x", "1/sites", "--y", "energy/sites + 1/sites^2", "--where", "bx = 1", "--fit", 1)
        self.assertRegex(done.out, r"\nat 0 +-0\.\d+\(\d\d\)\s*$")
        self.assert_refused(fit("--x", "1/sites", "--y", "energy", "--where", "bx = 1", "--fit", 4), 2, "needs 5 different places, there are 4")
        self.assert_refused(fit("--x", "1/sites", "--y", "energy", "--fit", 1, "--log", "x"), 2, "leave out --log")
        self.assert_refused(fit("--x", "sites", "--y", "bx", "--z", "energy", "--fit", 1), 2, "--fit")
        self.assert_refused(fit("--x", "sites", "--y", "energy", "--guide", "here"), 2, "--guide")

    def test_refusals(self):
        for args, status, said in ((("--x", "bx"), 2, "--y"), (("--x", "bx", "--y", "gapp"), 2, "did you mean gap?"),
                                   (("--x", "bx", "--y", "gap", "--where", "bx > 9"), 2, "holds for no point"),
                                   (("--x", "bx", "--y", "gap", "--average", "gap"), 2, "does not vary"),
                                   (("--x", "bx", "--y", "gap", "--kind", "pie"), 2, "--kind"),
                                   (("--x", "bx", "--y", "gap", "--kind", "heat"), 2, "--z"),
                                   (("--x", "bx", "--y", "sites", "--z", "gap", "--series", "sites"), 2, "--z"),
                                   (("--x", "bx", "--y", "gap", "--log", "z"), 2, "--log"),
                                   (("--x", "bx", "--y", "command"), 2, "no point has numbers"),
                                   (("--x", "bx +", "--y", "gap"), 2, "bx +")):
            self.assert_refused(self.plot(*args), status, said)
            self.assertFalse((self.folder / "p.svg").exists())
        self.assert_refused(program.run("plot", "--x", "bx", "--y", "gap", "-o", "a.svg"), 2, "plot of what?")
        self.assert_refused(program.run("plot", self.folder, "--x", "bx", "--y", "gap", "-o", "a.svg"), 5, "not the folder of a sweep")
        self.assert_refused(program.run("plot", self.folder / "s.out", "--x", "bx", "--y", "gap"), 2, "-o")
        self.assert_refused(program.run("plot", self.folder / "s.out", "--x", "bx", "--y", "gap", "-o", "/no/such/a.svg"), 5, "/no/such")


if __name__ == "__main__":
    program.main()
