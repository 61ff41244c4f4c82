"""A graph from a file of edges is the lattice that it describes, and a bad file is answered by its line."""

import program


class Edges(program.ProgramTest):
    def energy(self, *args, ranks=0) -> float:
        return self.solve("ground", "--model", "heisenberg", *args, ranks=ranks)["energy"]

    def test_a_ring_by_edges_is_the_ring(self):
        ring = self.file("ring.txt", "# eight sites\n" + "".join(f"{i} {(i + 1) % 8}  # bond\n\n" for i in range(8)))
        for ranks in (0, 2):
            self.assertAlmostEqual(self.energy("--lattice", f"edges:{ring}", ranks=ranks), -3.6510934089371753, delta=1e-10)

    def test_sites_may_be_more_than_the_edges_name(self):
        pair = self.file("pair.txt", "0 1\n")
        self.assertAlmostEqual(self.energy("--lattice", f"edges:{pair}", "--sites", "3"), -0.75, delta=1e-10)

    def test_weights_multiply_couplings(self):
        weighted = self.file("weighted.txt", "0 1 0.5\n1 2 0 -2  # kind and weight\n2 3 1.0\n")
        terms = ",".join(f"[{j}, 'Sz', {a}, 'Sz', {a + 1}], [{j / 2}, 'S+', {a}, 'S-', {a + 1}], [{j / 2}, 'S-', {a}, 'S+', {a + 1}]"
                         for a, j in enumerate((0.5, -2, 1)))
        file = self.file("chain.toml", f"sites = 4\nterms = [{terms}]\n")
        expected = self.solve("ground", "--terms", file)["energy"]
        for ranks in (0, 3):
            self.assertAlmostEqual(self.energy("--lattice", f"edges:{weighted}", ranks=ranks), expected, delta=1e-10)

    def test_bad_files_are_refused_by_line(self):
        for text, words in (("0 1\n1 x\n", ":2:"), ("0 1 x\n", ":1:"), ("0 1 1.5 2\n", ":1:"), ("0 1 1\n1 0 2\n", "given twice"), ("", "no edge"), ("0 0\n", "two different"), ("-1 0\n", ":1:")):
            path = self.file("bad.txt", text)
            done = program.run("ground", "--model", "heisenberg", "--lattice", f"edges:{path}")
            self.assertEqual(done.status, 2, done.err)
            self.assertIn(words, done.err)
            self.assertEqual(done.out, "")
        missing = program.run("ground", "--model", "heisenberg", "--lattice", f"edges:{self.folder}/none")
        self.assertEqual(missing.status, 5)


if __name__ == "__main__":
    program.main()
