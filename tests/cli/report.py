"""Reports of sweeps: one page that needs nothing else."""

import html.parser
import re
import shutil
import subprocess
import unittest

import program

GAP = """command = "ground"
model = "ising"
k = 2
observe = ["sz"]
[vary]
sites = [4, 6]
bx = {from = 0.2, to = 1, count = 5}
[derive]
gap = "eigenvalues[1] - eigenvalues[0]"
"""


class Page(html.parser.HTMLParser):
    """What a page asks for, its words and its tags."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.addresses, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                self.addresses.append(value)


class Report(program.ProgramTest):
    def sweep(self, text: str) -> str:
        path = self.file("gap.toml", text)
        done = program.run("sweep", path)
        self.assertIn(done.status, (0, 1), done.err)
        return str(path.with_suffix(".out"))

    def report(self, text: str, *arguments) -> str:
        page = self.folder / "gap.html"
        done = program.run("report", self.sweep(text), "-o", page, *arguments)
        self.assertEqual(done.status, 0, done.err)
        self.assertLess(page.stat().st_size, 2_000_000)
        return page.read_text(encoding="utf-8")

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_pictures_tables_and_origin(self):
        text = self.report(GAP)
        page = Page(text)
        self.assertEqual([one for one in page.addresses if not one.startswith("#")], [])
        self.assertNotRegex(text, r"url\((?!#)|@import|<script|<link|<img|<iframe")
        self.assertGreaterEqual(text.count("<svg"), 2)  # the gap, the energy
        self.assertIn("figure { display: inline-block; width: 28em;", text)  # drawings have no size of their own, and were not seen
        self.assertEqual(text.count("<tr>"), 1 + 10)
        for words in ("gap", "sites = 4", "sites = 6", "10 of 10 done", "eigenvalues[1] - eigenvalues[0]", "kronsolve report"):
            self.assertIn(words, text)
        row = re.search(r"<td>6</td><td>1</td>(<td>[^<]*</td>)+", text)
        self.assertIsNotNone(row)

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_texts_of_others_stay_texts(self):
        text = self.report(GAP + '"<b>&" = "gap"\n' + "# <script>alert(1)</script>\n")
        self.assertNotIn("<script>", text)
        self.assertNotIn("<b>", text)
        self.assertIn("&lt;script&gt;alert(1)", text)
        self.assertIn("<th>&lt;b&gt;&amp;</th>", text)

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_a_part_and_failures(self):
        text = self.report(GAP.replace("k = 2", 'k = 2\nsector = "sz=0"').replace("ising", "xxz").replace("bx =", "delta =")
                           .replace("[4, 6]", "[4, 5]"), "--where", "delta < 0.5")
        self.assertIn("Failed points", text)
        self.assertIn("sites=5", text)
        self.assertEqual(text.split("Failed points")[0].count("<tr>"), 1 + 2)

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_evolutions_run_across_time(self):
        text = self.report('command = "evolve"\nmodel = "heisenberg"\nsites = 4\nstate = "neel"\ntime = 2\nsteps = 8\n'
                           'observe = ["entropy:half"]\n[vary]\n"jz" = [0.5, 1]\n')
        self.assertIn("times", text)
        self.assertGreaterEqual(text.count("<svg"), 1)

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_a_large_sweep_stays_small(self):
        text = self.report(GAP.replace("[4, 6]", "[2]").replace("count = 5", "count = 12000"))
        self.assertIn("of 12000 rows; all of them are in points.jsonl", text)

    def test_a_folder_that_cannot_be_written_to(self):
        self.assert_refused(program.run("report", self.sweep(GAP), "-o", "/none/x.html"), 5, "/none/x.html")


if __name__ == "__main__":
    program.main()
