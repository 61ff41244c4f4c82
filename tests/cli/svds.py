"""The command svds: exact singular values of small matrices, JSON, exit codes."""

import json
import math
import random

import jsonschema
import program


def matrix_market(rows, cols, entries, field="real") -> str:
    lines = [f"%%MatrixMarket matrix coordinate {field} general", f"{rows} {cols} {len(entries)}"]
    return "\n".join(lines + [" ".join(map(str, entry)) for entry in entries]) + "\n"


class Svds(program.ProgramTest):
    def solve_svds(self, *arguments, ranks=0) -> dict:
        done = program.run("svds", *arguments, "--json", ranks=ranks)
        self.assertEqual((done.status, done.err), (0, ""))
        result = json.loads(done.out)
        with open(program.SOURCE / "docs" / "schema" / "svds.json", encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(result)
        return result

    def test_rectangular_files_both_ways(self):
        # Scaled permutations: the singular values are the moduli of the entries, one of them twice.
        values = [5, -4, 4, 3, 2, 1.5, 1]
        for rows, cols in ((7, 12), (12, 7)):
            entries = [((3 * i) % 7 + 1 + 2 * (rows == 12), (5 * i) % 7 + 1, v) for i, v in enumerate(values)]
            path = self.file(f"a{rows}.mtx", matrix_market(rows, cols, entries))
            for ranks in (0, 3):
                for method in ("auto", "bidiagonal"):
                    result = self.solve_svds("--matrix", path, "-k", 4, "--method", method, ranks=ranks)

                    self.assertEqual(result["shape"], [rows, cols])
                    self.assertEqual(result["scalar"], "real")
                    for got, exact in zip(result["singular_values"], [5, 4, 4, 3], strict=True):
                        self.assertAlmostEqual(got, exact, delta=1e-10)
                    self.assertLess(max(result["residuals"]), 1e-9)
                    self.assertTrue(result["converged"] and result["certified"])
            low = self.solve_svds("--matrix", path, "-k", 2, "--which", "smallest")
            self.assertAlmostEqual(low["singular_values"][1], 1, delta=1e-10)

    def test_complex_files_and_whole_decompositions(self):
        entries = [(1, 1, 3, 4), (2, 3, 0, 2), (3, 2, -1, 0)]
        path = self.file("c.mtx", matrix_market(3, 4, entries, "complex"))

        result = self.solve_svds("--matrix", path, "-k", "all")

        self.assertEqual(result["scalar"], "complex")
        for got, exact in zip(result["singular_values"], [5, 2, 1], strict=True):
            self.assertAlmostEqual(got, exact, delta=1e-12)

    def test_on_workers_and_values_only(self):
        rows = [(i + 1, (7 * i) % 450 + 1, 1 + i / 100) for i in range(450)]
        path = self.file("w.mtx", matrix_market(500, 450, rows))
        exact = sorted((v for _, _, v in rows), reverse=True)[:3]

        whole = self.solve_svds("--matrix", path, "-k", 3, "--ranks", 2)
        values = self.solve_svds("--matrix", path, "-k", 3, "--values-only", "--method", "bidiagonal")
        unchecked = self.solve_svds("--matrix", path, "-k", 3, "--no-certify", "--method", "bidiagonal")

        for result in (whole, values, unchecked):
            for got, value in zip(result["singular_values"], exact, strict=True):
                self.assertAlmostEqual(got, value, delta=1e-9)
        self.assertEqual((whole["ranks"], whole["residual_kind"]), (2, "explicit"))
        self.assertEqual(values["residual_kind"], "bound")
        self.assertTrue(whole["certified"])
        self.assertEqual((unchecked["certified"], unchecked["certify_products"]), (False, 0))

    def test_models(self):
        # Four sites with all bonds: energies -2 ... 1, so that |E| = 2 is the largest.
        result = self.solve_svds("--model", "heisenberg", "--sites", 4, "--cyclic", "-k", 1)

        self.assertAlmostEqual(result["singular_values"][0], 2, delta=1e-12)
        self.assertEqual((result["model"], result["shape"]), ("heisenberg", [16, 16]))

    def test_text_for_people(self):
        path = self.file("a.mtx", matrix_market(2, 3, [(1, 1, 3), (2, 3, 4)]))

        done = program.run("svds", "--matrix", path, "-k", 2)

        self.assertEqual(done.status, 0)
        for words in ("singular value", "residual", "converged  2 of 2 triplets", "dense"):
            self.assertIn(words, done.out)

    def test_not_converged_is_told(self):
        numbers = random.Random(1)
        entries = [(i, j, numbers.gauss(0, 1)) for i in range(1, 61) for j in range(1, 61)]
        path = self.file("r.mtx", matrix_market(60, 60, entries))

        done = program.run("svds", "--matrix", path, "-k", 2, "--which", "smallest", "--method", "bidiagonal",
                           "--max-iterations", 5, "--ncv", 10, "--json")

        self.assertEqual(done.status, 3)
        result = json.loads(done.out)
        self.assertFalse(result["converged"])
        self.assertEqual(len(result["singular_values"]), 2)
        self.assertTrue(all(math.isfinite(r) for r in result["residuals"]))

    def test_bad_input_is_one_line_and_exit_code_2(self):
        path = self.file("a.mtx", matrix_market(2, 3, [(1, 1, 3), (2, 3, 4)]))
        for arguments, word in ((("-k", 3), "[1, 2]"), (("-k", 0), "-k"), (("--which", "SA"), "--which"),
                                (("--method", "slepc"), "--method"), (("--tol", 2), "--tol"), (("--sigma", 1), "--sigma")):
            done = program.run("svds", "--matrix", path, *arguments)
            self.assertEqual((done.status, done.out), (2, ""), arguments)
            self.assertEqual(len(done.err.strip().splitlines()), 1)
            self.assertIn(word, done.err)


if __name__ == "__main__":
    program.main()
