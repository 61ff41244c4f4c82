"""When a pair has converged: units, huge couplings and what rounding leaves open, as commands show it."""

import program

RING = ("--model", "heisenberg", "--sites", "14", "--cyclic", "--sector", "sz=0")
LOWEST = (-6.263549533547038, -5.956443823978618)
FIVE = """%%MatrixMarket matrix coordinate real symmetric
5 5 6
1 1 2e+17
2 1 1e+17
2 2 2e+17
3 1 1
4 3 1
5 5 0.5
"""
ALONE = 'sites = 2\nterms = [[{0}, "Sz", 0, "Sz", 1], [{0}, "Sx", 0]]\n'


class Tolerance(program.ProgramTest):
    def assert_levels(self, result: dict, unit: float, *levels: float):
        self.assertTrue(result["converged"], result["reason"])
        self.assertEqual(len(result["eigenvalues"]), len(levels), result["reason"])
        for got, exact in zip(result["eigenvalues"], levels, strict=True):
            self.assertAlmostEqual(got / unit, exact, delta=1e-9, msg=result["reason"])

    def test_the_unit_does_not_matter_at_the_ends(self):
        for unit in ("1e-12", "1e-9", "1e-6", "1e12"):
            for method in ("auto", "lanczos", "slepc", "lobpcg", "gd", "jd"):
                result = self.solve("ground", *RING, "-k", "2", "-p", f"j={unit}", "--method", method)

                self.assert_levels(result, float(unit), *LOWEST)
                self.assertTrue(result["certified"], result["certificate"])

    def test_the_unit_does_not_matter_at_the_upper_end_and_for_the_largest(self):
        upper = self.solve("eigh", *RING, "-k", "3", "--which", "LA")["eigenvalues"]
        largest = self.solve("eigh", *RING, "-k", "3", "--which", "LM")["eigenvalues"]

        for unit in (1e-12, 1e12):
            self.assert_levels(self.solve("eigh", *RING, "-k", "3", "--which", "LA", "-p", f"j={unit}"), unit, *upper)
            self.assert_levels(self.solve("eigh", *RING, "-k", "3", "--which", "LM", "-p", f"j={unit}"), unit, *largest)

    def test_the_unit_does_not_matter_inside(self):
        four = self.solve("eigh", *RING, "-k", "4", "--sigma", "-5.9")["eigenvalues"]
        middle = self.solve("eigh", *RING, "-k", "3", "--position", "0.5")["eigenvalues"]
        inside = self.solve("eigh", *RING, "--interval", "-6.3,-5.7")["eigenvalues"]
        tiny = ("-p", "j=1e-12")

        result = self.solve("eigh", *RING, *tiny, "-k", "4", "--sigma", "-5.9e-12")
        self.assert_levels(result, 1e-12, *four)
        self.assertNotIn("are copies", result["certificate"])
        self.assert_levels(self.solve("eigh", *RING, *tiny, "-k", "4", "--sigma=-5.9e-12", "--method", "filter"), 1e-12, *four)
        self.assert_levels(self.solve("eigh", *RING, *tiny, "-k", "3", "--position", "0.5"), 1e-12, *middle)
        for method in ("auto", "filter", "ciss"):
            result = self.solve("eigh", *RING, *tiny, "--interval", "-6.3e-12,-5.7e-12", "--method", method)
            self.assert_levels(result, 1e-12, *inside)

    def test_numbers_near_the_ends_of_the_range(self):
        level = 0.5590169943749475
        for unit in ("1e200", "1e-15", "1e-200"):
            terms = self.file("alone.toml", ALONE.format(unit))
            result = self.solve("eigh", "--terms", terms, "-k", "all")
            self.assert_levels(result, float(unit), -level, -level, level, level)
            for method in ("dense", "lanczos", "lobpcg", "slepc", "gd", "jd"):
                result = self.solve("ground", "--terms", terms, "--method", method)
                self.assert_levels(result, float(unit), -level)

    def test_a_residual_of_zero_proves_no_ground_state(self):
        hubbard = ("--model", "hubbard", "--sites", "2", "--sector", "nup=1", "--sector", "ndown=1", "-p", "U=1e10")
        five = ("--matrix", self.file("five.mtx", FIVE))
        for problem, right in ((hubbard, -4e-10), (five, -1.0)):
            for method in ("auto", "dense", "lanczos", "lobpcg", "slepc"):
                done = program.run("ground", *problem, "--method", method, "--json")
                result = done.json()
                wrong = abs(result["energy"] - right) > 1e-10
                self.assertEqual(done.status, 0 if result["converged"] else 3)
                self.assertFalse(wrong and result["converged"], f"{method}: {result['energy']} {result['reason']}")
                self.assertFalse(wrong and result.get("certified"), method)

    def test_what_rounding_leaves_open_is_said(self):
        done = program.run("ground", "--matrix", self.file("five.mtx", FIVE))

        self.assertEqual(done.status, 3)
        self.assertIn("limited by rounding of |H| = 3e+17", done.out + done.err)
        self.assertNotIn("certified  yes", done.out)

    def test_small_problems_of_davidson_methods_and_contours(self):
        two = ("--model", "heisenberg", "--sites", "2", "--sector", "sz=0")
        for method in ("gd", "jd"):
            self.assert_levels(self.solve("ground", *two, "-k", "2", "--method", method), 1, -0.75, 0.25)
        three = ("--model", "heisenberg", "--sites", "3", "--method", "ciss")
        self.assert_levels(self.solve("eigh", *three, "--interval=0.3,0.8"), 1, 0.5, 0.5, 0.5, 0.5)
        diagonal = "%%MatrixMarket matrix coordinate real symmetric\n8 8 8\n"
        diagonal += "".join(f"{i} {i} {i}\n" for i in range(1, 9))
        eight = ("--matrix", self.file("diag8.mtx", diagonal), "--method", "ciss")
        for ranks in (0, 2):
            self.assert_levels(self.solve("eigh", *eight, "--interval=0.9,1.1", ranks=ranks), 1, 1)
            self.assert_levels(self.solve("eigh", *eight, "--interval=1.5,3.5", ranks=ranks), 1, 2, 3)


if __name__ == "__main__":
    program.main()
