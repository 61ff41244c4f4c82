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
