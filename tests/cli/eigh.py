"""The command eigh: intervals, targets, the filter and the certificate, against the whole spectrum."""

import json

import jsonschema
import program

CHAIN = ("--model", "mbl", "--sites", "10", "-p", "dh=2", "-p", "seed=3", "--sector", "sz=0")


class Eigh(program.ProgramTest):
    def checked(self, *arguments, **more) -> dict:
        result = self.solve("eigh", *arguments, **more)
        with open(program.SOURCE / "docs" / "schema" / "eigenpairs.json", encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(result)
        return result

    def assert_values(self, result: dict, expected: list[float]):
        self.assertEqual(len(result["eigenvalues"]), len(expected), result["reason"])
        for got, exact in zip(result["eigenvalues"], expected, strict=True):
            self.assertAlmostEqual(got, exact, delta=1e-9)

    def test_every_pair_of_an_interval_by_each_method(self):
        spectrum = self.checked(*CHAIN, "-k", "all")["eigenvalues"]
        inside = [v for v in spectrum if -0.5 <= v <= 0.4]
        self.assertGreater(len(inside), 10)
        for method in ("auto", "dense", "slepc", "filter", "ciss"):
            for ranks in (0,) if method == "ciss" else (0, 2):
                result = self.checked(*CHAIN, "--interval", "-0.5,0.4", "--method", method, ranks=ranks)

                self.assert_values(result, inside)
                self.assertTrue(result["converged"] and result["certified"], result["certificate"])
                if method != "auto":
                    self.assertEqual(result["method"], method)

    def test_the_filter_finds_the_nearest_pairs(self):
        spectrum = self.checked(*CHAIN, "-k", "all")["eigenvalues"]
        nearest = sorted(sorted(spectrum, key=lambda v: abs(v - 0.2))[:6])

        for form in ("matrix-free", "assembled"):
            result = self.checked(*CHAIN, "-k", "6", "--sigma", "0.2", "--method", "filter", "--operator", form)

            self.assert_values(result, nearest)
            self.assertEqual((result["method"], result["operator"]), ("filter", form))
            self.assertTrue(result["certified"])
            self.assertGreater(result["certify_products"], 0)

    def test_a_target_by_its_place_in_the_spectrum(self):
        spectrum = self.checked(*CHAIN, "-k", "all")["eigenvalues"]
        target = spectrum[0] + 0.4 * (spectrum[-1] - spectrum[0])
        nearest = sorted(sorted(spectrum, key=lambda v: abs(v - target))[:5])
        ways = (
            ("--method", "filter", "--operator", "matrix-free"),
            ("--method", "filter"),
            ("--method", "slepc"),
            ("--method", "slepc", "--factors", "superlu_dist"),
            (),
        )
        for way in ways:
            for ranks in (0, 2):
                result = self.checked(*CHAIN, "-k", "5", "--position", "0.4", *way, ranks=ranks)

                self.assert_values(result, nearest)
                self.assertTrue(result["certified"], result["certificate"])
                self.assertIn("at position 0.4", result["reason"])

    def test_an_empty_interval_is_an_answer(self):
        result = self.checked(*CHAIN, "--interval=-90,-80")

        self.assertEqual(result["eigenvalues"], [])
        self.assertTrue(result["converged"] and result["certified"])

    def test_no_certify_leaves_the_check_out(self):
        for method in ("slepc", "lanczos"):
            arguments = ("--model", "heisenberg", "--sites", "10", "-k", "4", "--method", method)
            checked, unchecked = self.checked(*arguments), self.checked(*arguments, "--no-certify")

            self.assertTrue(checked["certified"])
            self.assertGreater(checked["certify_products"], 0)
            self.assertNotIn("certified", unchecked)
            self.assertNotIn("certify_products", unchecked)

    def test_the_certificate_comes_back_from_workers(self):
        result = self.checked("--model", "heisenberg", "--sites", "10", "-k", "3", "--method", "slepc", "--ranks", "2")

        self.assertTrue(result["certified"])
        self.assertEqual(result["ranks"], 2)

    def test_a_target_on_an_eigenvalue_is_moved_and_said_so(self):
        # Three sites, open: -1, 0 and 1/2 exactly; the matrix minus 1/2 has no inverse.
        path = self.file("d.mtx", "%%MatrixMarket matrix coordinate real symmetric\n5 5 5\n1 1 2\n2 2 3\n3 3 5\n4 4 8\n5 5 9\n")

        result = self.checked("--matrix", path, "-k", "2", "--sigma", "5", "--method", "slepc")

        self.assert_values(result, [3, 5])
        self.assertIn("moved", result["reason"])

    def test_not_converged_is_exit_3_with_what_there_is(self):
        for method in ("slepc", "lanczos", "lobpcg"):
            done = program.run("eigh", "--model", "heisenberg", "--sites", "12", "-k", "3", "--method", method, "--max-iterations", "2",
                               "--tol", "1e-12", "--json")

            self.assertEqual(done.status, 3, method + done.err)
            result = done.json()
            self.assertFalse(result["converged"])
            self.assertLess(result["converged_pairs"], 3)
            self.assertEqual(len(result["residuals"]), len(result["eigenvalues"]))
        done = program.run("eigh", *CHAIN, "-k", "6", "--sigma", "0.2", "--method", "filter", "--ncv", "8", "--json")
        self.assertEqual(done.status, 3, done.err)
        self.assertFalse(done.json()["converged"])


if __name__ == "__main__":
    program.main()
