"""The JSON of the program: valid by its schema, and names that do not change."""

import json

import jsonschema
import program

# Frozen: scripts rely on these. Add names when fields are added; never take one away.
EIGENPAIRS = {
    "command", "model", "sites", "dimension", "scalar", "sector", "method", "operator", "ranks", "threads", "eigenvalues",
    "residuals", "residual_kind", "converged", "converged_pairs", "iterations", "products", "seconds", "peak_rss_bytes",
    "peak_rss_rank_bytes", "memory_estimate_bytes",
}
SECONDS = {"setup", "solve", "measure", "total"}


def strict(schema):
    """The same schema, and no field besides those that it names: what is printed is documented."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    return closed | {key: strict(value) for key, value in schema.items()}


def check(document: dict, schema: str):
    with open(program.SOURCE / "docs" / "schema" / schema, encoding="utf-8") as file:
        jsonschema.Draft202012Validator(strict(json.load(file))).validate(document)


class JsonOutput(program.ProgramTest):
    def test_ground_and_eigh_have_the_frozen_names(self):
        for command, names in (("ground", EIGENPAIRS | {"energy"}), ("eigh", EIGENPAIRS)):
            for ranks in (0, 2):
                result = self.solve(command, "--model", "heisenberg", "--sites", "8", "-k", "3", ranks=ranks)

                check(result, "eigenpairs.json")
                self.assertLessEqual(names, set(result))
                self.assertLessEqual(SECONDS, set(result["seconds"]))
                self.assertEqual(result["command"], command)
                self.assertEqual(result["model"], "heisenberg")
                self.assertEqual(result["sites"], 8)
                self.assertEqual(result["dimension"], 256)
                self.assertEqual(result["sector"], [])
                self.assertEqual(result["ranks"], max(1, ranks))
                self.assertEqual(result["eigenvalues"], sorted(result["eigenvalues"]))
                self.assertEqual(len(result["eigenvalues"]), 3)
                self.assertEqual(len(result["residuals"]), 3)
                self.assertTrue(result["converged"])
                self.assertGreaterEqual(result["peak_rss_bytes"], result["peak_rss_rank_bytes"])
        self.assertNotIn("energy", result)

    def test_stdout_is_one_object_and_stderr_is_silent(self):
        done = program.run("ground", "--model", "ising", "--sites", "6", "--json", ranks=3)

        self.assertEqual(done.status, 0)
        self.assertIsInstance(json.loads(done.out), dict)
        self.assertEqual(done.err, "")

    def test_files_have_their_path_as_model_and_matrices_no_sites(self):
        terms = self.file("h.toml", "sites = 2\nterms = [[[1, 0], 'Sx', 0], [1, 'Sy', 1]]\n")
        matrix = self.file("a.mtx", "%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n1 1 2\n3 2 1\n")

        of_terms = self.solve("ground", "--terms", terms)
        of_matrix = self.solve("ground", "--matrix", matrix)

        check(of_terms, "eigenpairs.json")
        check(of_matrix, "eigenpairs.json")
        self.assertEqual((of_terms["model"], of_terms["sites"], of_terms["scalar"]), (str(terms), 2, "complex"))
        self.assertEqual((of_matrix["model"], of_matrix["sites"], of_matrix["scalar"]), (str(matrix), None, "real"))
        self.assertAlmostEqual(of_terms["energy"], -1, delta=1e-12)
        self.assertAlmostEqual(of_matrix["energy"], -1, delta=1e-12)

    def test_results_say_what_was_computed_and_can_be_run_again(self):
        h5 = self.folder / "it's a file.h5"
        runs = [("ground", "--model", "xxz", "--sites", 6, "--cyclic", "-p", "delta=0.25", "--seed", 3, "--save", h5),
                ("levels", "--model", "heisenberg", "--sites", 6, "-k", 1),
                ("svds", "--model", "ising", "--sites", 4), ("plan", "--model", "heisenberg2d", "--size", "3x2", "--cyclic=y"),
                ("evolve", "--model", "mbl", "--sites", 4, "--state", "neel", "--time", 1)]
        for run in runs:
            first = self.solve(*run)
            self.assertRegex(first["version"], r"^\d+\.\d+")
            self.assertRegex(first["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            kept = self.file("run.json", json.dumps(first))
            again = self.solve("rerun", kept)
            for changing in ("seconds", "date", "peak_rss_bytes", "peak_rss_rank_bytes", "memory_estimate_bytes", "memory_rank_bytes",
                             "sectors"):
                first.pop(changing, None), again.pop(changing, None)
            self.assertEqual(first, again)
        self.assertEqual(self.solve("rerun", h5)["parameters"], {"D": "0", "E": "0", "bz": "0", "delta": "0.25", "jxy": "1", "twist": "0"})
        plan = self.solve(*runs[3])
        self.assertEqual(plan["lattice"], {"name": "square", "size": [3, 2], "cyclic": [False, True]})
        self.assertIn("bz", plan["parameters"])
        for text in ("{}", "nonsense", '{"command_line": "kronsolve rerun x"}', '{"command_line": "rm -r x"}'):
            self.assert_refused(program.run("rerun", self.file("bad.json", text)), 2, "does not say how it was made")
        self.assert_refused(program.run("rerun"), 2, "which run?")
        self.assert_refused(program.run("rerun", "/no/file.json"), 5, "/no/file.json")

    def test_the_phases_add_up_to_the_total(self):
        for run in (("ground", "--model", "heisenberg", "--sites", 14, "--sector", "sz=0", "--observe", "entropy:half"),
                    ("eigh", "--model", "heisenberg", "--sites", 10, "--cyclic", "--sector", "momentum=1", "-k", 3),
                    ("ground", "--model", "heisenberg", "--sites", 12, "--cyclic", "--all-sectors"),
                    ("svds", "--model", "ising", "--sites", 8), ("levels", "--model", "heisenberg", "--sites", 8),
                    ("evolve", "--model", "heisenberg", "--sites", 10, "--state", "neel", "--time", 3)):
            seconds = self.solve(*run)["seconds"]
            parts = sum(value for name, value in seconds.items() if name != "total")
            self.assertAlmostEqual(parts, seconds["total"], delta=1e-6)

    def test_not_converged_is_exit_3_with_the_json_printed(self):
        done = program.run("ground", "--model", "heisenberg", "--sites", "14", "--method", "lanczos", "--max-iterations", "5",
                           "--json")

        self.assertEqual(done.status, 3, done.err)
        result = done.json()
        check(result, "eigenpairs.json")
        self.assertFalse(result["converged"])

    def test_energy_only_has_bounds(self):
        result = self.solve("ground", "--model", "heisenberg", "--sites", "14", "--cyclic", "--energy-only")

        check(result, "eigenpairs.json")
        self.assertEqual(result["residual_kind"], "bound")
        self.assertAlmostEqual(result["energy"], -6.2635495335470370, delta=1e-10)

    def test_plan_runs_nothing_and_says_whether_it_fits(self):
        fits = self.solve("plan", "--model", "heisenberg", "--sites", "12")
        huge = self.solve("plan", "--model", "heisenberg", "--sites", "36", "--cyclic", "--sector", "sz=0")

        for result in (fits, huge):
            check(result, "plan.json")
        self.assertEqual((fits["fits"], huge["fits"]), (True, False))
        self.assertEqual(fits["suggested_sector"], {"sector": ["sz=0"], "dimension": 924})
        self.assertEqual(huge["dimension"], 9075135300)
        self.assertNotIn("suggested_sector", huge)

    def test_sectors_and_observables_are_listed(self):
        for ranks in (0, 3):
            result = self.solve("ground", "--model", "heisenberg", "--sites", "8", "--cyclic", "--sector", "sz=0", "--observe", "energy",
                                "--observe", "sz", "--observe", "corr:Sz,Sz:0,1", "--observe", "amplitude:01010101", ranks=ranks)

            check(result, "eigenpairs.json")
            self.assertEqual((result["sector"], result["dimension"]), (["sz=0"], 70))
            seen = result["observables"]
            self.assertEqual(set(seen), {"energy", "sz", "corr:Sz,Sz:0,1", "amplitude:01010101"})
            self.assertAlmostEqual(seen["energy"], -3.6510934089371753, delta=1e-10)
            self.assertEqual(len(seen["sz"]), 8)
            self.assertAlmostEqual(seen["corr:Sz,Sz:0,1"], -3.6510934089371753 / 24, delta=1e-8)
            self.assertEqual(len(seen["amplitude:01010101"]), 2)

    def test_several_pairs_have_a_list_of_values(self):
        result = self.solve("ground", "--model", "heisenberg", "--sites", "6", "-k", "2", "--observe", "energy")

        self.assertEqual(len(result["observables"]["energy"]), 2)
        for value, eigenvalue in zip(result["observables"]["energy"], result["eigenvalues"]):
            self.assertAlmostEqual(value, eigenvalue, delta=1e-10)

    def test_info(self):
        for ranks in (0, 2):
            result = self.solve("info", ranks=ranks)

            check(result, "info.json")
            self.assertEqual(result["ranks"], max(1, ranks))

    def test_version_and_help_are_printed_once_on_stdout(self):
        for ranks in (0, 2):
            self.assertRegex(program.run("--version", ranks=ranks).out, r"\Akronsolve \d+\.\d+\.\d+\n\Z")
            helped = program.run("ground", "--help", ranks=ranks)
            self.assertEqual((helped.status, helped.out.count("Usage:")), (0, 1))


if __name__ == "__main__":
    program.main()
