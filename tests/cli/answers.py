"""Energies of the program against exact values, on any number of ranks.

usage: answers.py few|all
"""

import math
import sys

import program

HOW_MANY = sys.argv.pop(1)  # `all` is run beside `few`: it has the other numbers of ranks, and the large sizes
RANKS = (0, 3) if HOW_MANY == "few" else (1, 2, 4, 5)
SIZES = (4, 6, 8, 10, 12)
LARGE = () if HOW_MANY == "few" else ((14, (0, 3, 5)), (16, (0, 2)), (18, (0, 2)), (20, (0, 2)))

PERIODIC = {4: -2, 6: -2.8027756377319946, 8: -3.6510934089371753, 10: -4.5154463544920429, 12: -5.3873909174452059,
            14: -6.2635495335470370, 16: -7.1422963606167799, 18: -8.0227490870337570, 20: -8.9043865298764423}
OPEN = {4: -1.6160254037844386, 6: -2.4935771338879261, 8: -3.3749325986878902, 10: -4.2580352072828812,
        12: -5.1420906328405305, 14: -6.0267246618621705, 16: -6.9117371455751025, 18: -7.7970110685365142,
        20: -8.6824733343989656}

TO_EXACT = 1e-10  # asked of every energy
BETWEEN_RANKS = 1e-12


class Answers(program.ProgramTest):
    def energies(self, *arguments, on=RANKS) -> list[float]:
        """The ground-state energy on every number of ranks; they agree to rounding."""
        results = [self.solve("ground", *arguments, ranks=ranks)["energy"] for ranks in on]
        self.assertLess(max(results) - min(results), BETWEEN_RANKS * max(1, abs(results[0])), arguments)
        return results

    def assert_energy(self, exact: float, *arguments, on=RANKS):
        with self.subTest(arguments=arguments):
            self.assertAlmostEqual(self.energies(*arguments, on=on)[0], exact, delta=TO_EXACT)

    def test_heisenberg(self):
        for sites, ranks in (*((n, RANKS) for n in SIZES), *LARGE):
            self.assert_energy(PERIODIC[sites], "--model", "heisenberg", "--sites", sites, "--cyclic", on=ranks)
            self.assert_energy(OPEN[sites], "--model", "heisenberg", "--sites", sites, on=ranks)

    def test_ising(self):
        n, jz, bx = 10, 4.0, 1.5  # J = jz/4, h = bx/2 in Pauli matrices
        j, h = jz / 4, bx / 2
        exact = -sum(math.sqrt(j * j + h * h + 2 * j * h * math.cos((2 * m + 1) * math.pi / n)) for m in range(n))
        self.assert_energy(exact, "--model", "ising", "--sites", n, "--cyclic", "-p", f"jz={-jz}", "-p", f"bx={bx}")
        self.assert_energy(exact, "--model", "ising", "--sites", n, "--cyclic", "-p", f"jz={jz}", "-p", f"bx={bx}")
        self.assert_energy(1 - 1 / math.sin(math.pi / (4 * n + 2)), "--model", "ising", "--sites", n, "-p", "jz=4", "-p", "bx=2")

    def test_xx(self):
        n = 10
        self.assert_energy(-1 / math.sin(math.pi / n), "--model", "xy", "--sites", n, "--cyclic")
        cosines = (math.cos(math.pi * k / (n + 1)) for k in range(1, n + 1))
        self.assert_energy(sum(c for c in cosines if c < 0), "--model", "xy", "--sites", n)

    def test_j1j2(self):
        self.assert_energy(-3 * 10 / 8, "--model", "j1j2", "--sites", 10, "--cyclic", "-p", "j2=0.5")
        if HOW_MANY == "all":
            self.assert_energy(-6.852168029274, "--model", "j1j2", "--sites", 16, "--cyclic", "-p", "j2=0.1", on=(0, 2))
            self.assert_energy(-7.766621405432, "--model", "j1j2", "--sites", 16, "--cyclic", "-p", "j2=1", on=(0, 2))

    def test_spin_1(self):
        self.assert_energy(-6, "--model", "heisenberg", "--sites", 4, "--cyclic", "--spin", "1")
        self.assert_energy(-7.370274969425, "--model", "heisenberg", "--sites", 6, "--spin", "1")
        if HOW_MANY == "all":
            self.assert_energy(-11.336956077897, "--model", "heisenberg", "--sites", 8, "--cyclic", "--spin", "1", on=(0, 2))

    def test_sectors(self):
        ring = ("--model", "heisenberg", "--sites", 12, "--cyclic")
        self.assert_energy(PERIODIC[12], *ring, "--sector", "sz=0")
        self.assert_energy(PERIODIC[12], *ring, "--sector", "sz=0", "--sector", "momentum=0", "--sector", "reflection=1",
                           "--sector", "spinflip=1")
        self.assert_energy(3, *ring, "--sector", "sz=6")  # all up

    def test_more_ranks_than_rows(self):
        self.assert_energy(-0.75, "--model", "heisenberg", "--sites", 2)
        one = self.file("one.mtx", "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 -3\n")
        self.assert_energy(-3, "--matrix", one)
        self.assert_energy(-0.5, "--terms", self.file("h.toml", "sites = 1\nterms = [[1, 'Sx', 0]]\n"))

    def test_matrix_file_on_both_scalars(self):
        n = 50  # the discrete Laplacian, and the same after a gauge transformation
        real = "".join(f"{i} {i} 2\n" + (f"{i + 1} {i} -1\n" if i < n else "") for i in range(1, n + 1))
        gauged = "".join(f"{i} {i} 2 0\n" + (f"{i + 1} {i} 0 1\n" if i < n else "") for i in range(1, n + 1))
        exact = 2 - 2 * math.cos(math.pi / (n + 1))
        head = f"{n} {n} {2 * n - 1}\n"
        self.assert_energy(exact, "--matrix", self.file("r.mtx", "%%MatrixMarket matrix coordinate real symmetric\n" + head + real))
        self.assert_energy(exact, "--matrix", self.file("c.mtx", "%%MatrixMarket matrix coordinate complex hermitian\n" + head + gauged))

    def test_a_large_coupling_does_not_blur_what_it_does_not_touch(self):
        one = ("--model", "hubbard", "--sites", 2, "--sector", "nup=1", "--sector", "ndown=0", "-k", 2)
        projectors = self.file("p.toml", """
            sites = 2
            local = "dim:2"
            terms = [[1e12, "P1", 0, "P1", 1], [0.1, "P1", 0], [0.1, "P1", 1], [-1, "M", 0, "Md", 1], [-1, "Md", 0, "M", 1]]
            define.M = [[0, 1], [0, 0]]
            define.Md = [[0, 0], [1, 0]]""")
        penalty = self.file("q.toml", """
            sites = 2
            local = "dim:3"
            terms = [[1e12, "P2", 0], [1e12, "P2", 1], [0.1, "P1", 0], [0.1, "P1", 1], [-1, "M", 0, "Md", 1], [-1, "Md", 0, "M", 1]]
            define.M = [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
            define.Md = [[0, 0, 0], [1, 0, 0], [0, 0, 0]]""")
        field = self.file("f.toml", "sites = 2\nterms = [[1, 'Sz', 0, 'Sz', 1], [1e-15, 'Sz', 0], [1e-15, 'Sz', 1]]\n")
        cases = [
            ((*one, "-p", "U=1e15"), [-1, 1]),
            ((*one, "-p", "U=1e10", "-p", "mu=0.1"), [-1.1, 0.9]),
            ((*one, "-p", "U=1e12", "-p", "mu=0.1"), [-1.1, 0.9]),
            (("--model", "hubbard", "--sites", 3, "--sector", "nup=1", "--sector", "ndown=0", "-p", "U=1e14"), [-math.sqrt(2)]),
            (("--model", "hubbard-hardcore", "--sites", 4, "--sector", "n=1", "-p", "V=1e12", "-p", "t=0.5", "-p", "mu=1"),
             [-1 - math.cos(math.pi / 5)]),
            (("--model", "bose-hubbard", "--sites", 2, "--sector", "n=1", "-p", "U=1e15", "-p", "t=1"), [-1]),
            (("--model", "heisenberg", "--sites", 4, "--sector", "sz=0", "-p", "bz=1e14"), [-1.616025403784438]),
        ]
        # Stored rows show what is joined to what: what a huge coupling does not touch is known as well as without it.
        # A product shows only that there is something huge.
        stored = [
            (("--terms", projectors, "-k", 3), [-0.9, 0, 1.1]),
            (("--terms", penalty, "-k", 3), [-0.9, 0, 0.2]),
            (("--terms", field, "-k", 4), [-0.25, -0.25, 0.249999999999999, 0.250000000000001]),
        ]
        forms = ("assembled", "matrix-free")
        for arguments, exact, form in [(*case, form) for case in cases for form in forms] + [(*c, forms[0]) for c in stored]:
            # LAPACK's rounding differs from processor to processor; nothing is rounded in a diagonal matrix.
            delta = 2e-16 if field in arguments else 4e-15
            with self.subTest(arguments=arguments, form=form):
                result = self.solve("ground", *arguments, "--operator", form)
                for got, expected in zip(result["eigenvalues"], exact, strict=True):
                    self.assertAlmostEqual(got, expected, delta=delta * max(1, abs(expected)))

    def test_numbers_below_the_range_are_read(self):
        tiny = self.file("t.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 3\n1 1 2\n2 2 2\n2 1 1e-400\n")
        self.assertEqual(self.solve("eigh", "--matrix", tiny, "-k", "all")["eigenvalues"], [2, 2])
        terms = self.file("t.toml", "sites = 1\nterms = [[1.0, 'Sz', 0], [1e-400, 'Sz', 0]]\n")
        self.assertEqual(self.solve("ground", "--terms", terms)["energy"], -0.5)
        weak = self.solve("ground", "--model", "heisenberg", "--sites", 2, "-p", "bx=1e-400")
        self.assertAlmostEqual(weak["energy"], -0.75, delta=4e-16)

    def test_whole_spectrum_counts_every_level(self):
        result = self.solve("eigh", "--model", "heisenberg", "--sites", 4, "--cyclic", "-k", "all")
        expected = sorted([-2] + [-1] * 3 + [0] * 7 + [1] * 5)
        self.assertEqual(len(result["eigenvalues"]), 16)
        for value, exact in zip(result["eigenvalues"], expected):
            self.assertAlmostEqual(value, exact, delta=1e-12)

    def test_complex_model_runs_complex(self):
        field = ("--model", "heisenberg", "--sites", 8, "-p", "by=0.3")
        real = self.solve("ground", "--model", "heisenberg", "--sites", 8, "-p", "bx=0.3")
        complex_ = self.solve("ground", *field)
        self.assertEqual((real["scalar"], complex_["scalar"]), ("real", "complex"))
        self.assertAlmostEqual(real["energy"], complex_["energy"], delta=TO_EXACT)
        self.assert_energy(real["energy"], *field)


if __name__ == "__main__":
    program.main()
