"""Saved files: what h5py and xarray find in them, and what the program makes of them on any number of ranks."""

import json
import os
import re

import h5py
import numpy
import xarray

import program

RING = ("--model", "heisenberg", "--sites", 10, "--cyclic", "--sector", "sz=0")


class SavedFiles(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "levels.h5"

    def measure(self, *arguments, **more) -> dict:
        result = self.solve("measure", *arguments, **more)
        return result["observables"] | {"states": result["states"]}

    def assert_close(self, a, b, tol=1e-9):
        numpy.testing.assert_allclose(a, b, rtol=0, atol=tol)

    def test_the_lines_of_the_document(self):
        page = (program.SOURCE / "docs" / "files.md").read_text(encoding="utf-8")
        command = re.search(r"after `kronsolve (.*? --save levels.h5)`", page).group(1).split()
        self.assertEqual(program.run(*command, cwd=self.folder).status, 0)
        os.chdir(self.folder)
        blocks = re.findall(r"```python\n(.*?)```", page, re.S)
        self.assertEqual(len(blocks), 2)
        self.assertLessEqual(max(block.count("\n") for block in blocks), 3)
        found = {}
        for block in blocks:
            exec(block, found)  # pylint: disable=exec-used
        self.assert_close(found["energies"], [-3.374932598687889, -2.982240487762])
        self.assertEqual(found["vectors"].shape, (2, 256))
        self.assert_close(found["gap"].values, [0.392692110926])
        found["levels"].close()

    def test_eigenpairs_with_all_that_says_where_they_come_from(self):
        for ranks in (0, 3):
            result = self.solve("ground", *RING, "-k", 3, "--observe", "sz", "--observe", "corr:Sz,Sz", "--observe", "schmidt:half",
                                "--save", self.path, ranks=ranks)
            self.assertEqual(result["saved"], str(self.path))
            with h5py.File(self.path) as file, xarray.open_dataset(self.path, engine="h5netcdf") as data:
                vectors = file["vectors"][:]
                self.assert_close(vectors @ vectors.T, numpy.eye(3))
                self.assert_close(file["eigenvalues"][:], result["eigenvalues"], 0)
                self.assertEqual(file.attrs["layout"], "kronsolve 1")
                self.assertIn("ground --model heisenberg --sites 10 --cyclic --sector sz=0 -k 3", file.attrs["command_line"])
                description = json.loads(file.attrs["description"])
                self.assertEqual((description["sector"], description["local"]), (["sz=0"], ["spin-1/2"] * 10))
                facts = json.loads(file.attrs["result"])
                self.assertEqual((facts["dimension"], facts["converged"], facts["ranks"]), (252, True, max(1, ranks)))
                self.assertEqual(data["vectors"].dims, ("level", "row"))
                self.assertEqual(data["sz"].dims, ("level", "site"))
                self.assertEqual(data["corr:Sz,Sz"].dims, ("level", "site", "other_site"))
                self.assertEqual(data["schmidt:half"].dims[0], "level")
                self.assert_close(data["corr:Sz,Sz"].sel(level=0, site=2, other_site=3),
                                  result["observables"]["corr:Sz,Sz"][0][2][3])

    def test_complex_eigenvectors_and_a_matrix_file(self):
        self.solve("eigh", *RING, "--sector", "momentum=1", "-k", 2, "--save", self.path, ranks=2)
        with h5py.File(self.path) as file, xarray.open_dataset(self.path, engine="h5netcdf") as data:
            vectors = file["vectors"][:]
            self.assertEqual(vectors.dtype, complex)
            self.assert_close(vectors.conj() @ vectors.T, numpy.eye(2))
            self.assert_close(data["vectors"].values, vectors, 0)
        energies = self.measure(self.path, "--observe", "energy")["energy"]
        with h5py.File(self.path) as file:
            self.assert_close(energies, file["eigenvalues"][:])

        matrix = self.file("a.mtx", "%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n1 1 1.0\n2 2 -2.0\n3 1 0.5\n")
        self.solve("ground", "--matrix", matrix, "--save", self.path)
        with h5py.File(self.path) as file:
            self.assert_close(abs(file["vectors"][0]), [0, 1, 0])
            self.assertEqual(file.attrs["description"], "")
        self.assert_refused(program.run("measure", self.path, "--observe", "norm"), 2, "matrix")
        self.solve("ground", "--model", "ising", "--sites", 4, "--energy-only", "--save", self.path)
        self.assert_refused(program.run("measure", self.path, "--observe", "norm"), 2, "holds no states")

    def test_singular_triplets(self):
        matrix = self.file("a.mtx", "%%MatrixMarket matrix coordinate complex general\n3 2 3\n1 1 0 1\n2 2 -2 0\n3 1 0.5 0\n")
        for ranks in (0, 2):
            self.solve("svds", "--matrix", matrix, "-k", "all", "--save", self.path, ranks=ranks)
            with h5py.File(self.path) as file, xarray.open_dataset(self.path, engine="h5netcdf") as data:
                dense = numpy.array([[1j, 0], [0, -2], [0.5, 0]])
                left, right, values = file["left"][:], file["right"][:], file["singular_values"][:]
                self.assert_close((left.T * values) @ right.conj(), dense)
                self.assertEqual((data["left"].dims, data["right"].dims), (("triplet", "row"), ("triplet", "column")))

    def test_singular_vectors_of_an_operator_are_states(self):
        chain = ("--model", "xxz", "--sites", 6, "-p", "delta=0.3", "-p", "bz=0.2")
        for ranks in (0, 2):
            values = self.solve("svds", *chain, "-k", 3, "--save", self.path, ranks=ranks)["singular_values"]
            # A Hermitian operator: they are its eigenvectors, largest in magnitude first.
            self.assert_close(numpy.abs(self.measure(self.path, "--observe", "energy")["energy"]), values)
            evolved = self.solve("evolve", *chain, "--state", f"{self.path}:1", "--time", 1, "--observe", "overlap")
            self.assert_close(abs(complex(*evolved["observables"]["overlap"][1])), 1)
            self.assert_close(numpy.abs(evolved["energies"]), [values[1]] * 2)
        self.solve("svds", *chain, "-k", 3, "--values-only", "--save", self.path)
        self.assert_refused(program.run("measure", self.path, "--observe", "norm"), 2, "holds no states")

    def test_evolutions(self):
        self.solve("evolve", *RING, "--state", "neel", "--time", 1, "--steps", 2, "--observe", "sz", "--observe", "overlap",
                   "--observe", "sq:Sz,Sz", "--observe", "distance:Sz,Sz", "--save", self.path)
        with xarray.open_dataset(self.path, engine="h5netcdf") as data:
            self.assertEqual((data["sz"].dims, data["state"].dims), (("time", "site"), ("row",)))
            self.assertEqual(list(data["time"].values), [0, 0.5, 1])
            self.assertEqual(data["overlap"].dtype, complex)
            self.assertEqual(data["sq:Sz,Sz"].dims, ("time", "sq:Sz,Sz momentum"))
            self.assertEqual(data["distance:Sz,Sz"].dims, ("time", "distance:Sz,Sz distance"))
        one = self.measure(self.path, "--observe", "energy", "--observe", "norm")
        self.assert_close([one["energy"], one["norm"]], [-2.5, 1])

    def test_measured_as_while_it_was_solved(self):
        terms = self.file("t.toml", "sites = 4\nlocal = ['spin-1', 'spin-1/2', 'electron', 'dim:3']\ndefine.M = [[1, [0, 1], 0], [[0, -1], 2, 0], "
                          "[0, 0, 3]]\nterms = [[0.3, 'Sz', 0, 'Sz', 1], [-0.7, 'N', 2], [1.1, 'M', 3], [0.4, 'Sz', 1, 'M', 3]]\n")
        edges = self.file("edges", "0 1\n1 2\n2 3\n3 0\n0 2\n")
        asked = ("--observe", "energy", "--observe", "variance", "--observe", "entropy:half")
        for problem in (RING, (*RING, "--sector", "momentum=0", "--sector", "reflection=-1"), ("--terms", terms),
                        ("--model", "heisenberg", "--lattice", f"edges:{edges}"),
                        ("--model", "hubbard", "--size", "2x2", "--cyclic=x", "--sector", "nup=2", "--sector", "ndown=1"),
                        ("--model", "mbl", "--sites", 6, "-p", "dh=3", "-p", "axes=xyz")):
            with self.subTest(problem):
                there = self.solve("ground", *problem, "-k", 2, *asked, "--save", self.path)["observables"]
                for ranks in (0, 3):
                    here = self.measure(self.path, *asked, ranks=ranks)
                    for name, values in there.items():
                        self.assert_close(here[name], values)
                second = self.measure(f"{self.path}:1", *asked)
                self.assertEqual(second["states"], 1)
                self.assert_close(second["energy"], there["energy"][1])

    def test_a_state_goes_on_and_starts_a_solve(self):
        cold = self.solve("ground", *RING, "-k", 2, "--method", "lanczos", "--save", self.path)
        evolved = self.solve("evolve", *RING, "--state", f"{self.path}:1", "--time", 1, "--observe", "overlap", ranks=2)
        self.assert_close(evolved["energies"], [cold["eigenvalues"][1]] * 2)
        for ranks in (0, 3):
            warm = self.solve("ground", *RING, "--start", self.path, "--method", "slepc", ranks=ranks)
            self.assert_close(warm["energy"], cold["energy"])
        other = ("ground", "--model", "heisenberg", "--sites", 12)
        self.assert_refused(program.run(*other, "--start", self.path), 2, "10 spin-1/2", "12 spin-1/2")
        self.assert_refused(program.run("evolve", *RING, "--state", f"{self.path}:2", "--time", 1), 2, "2 states")
        self.assert_refused(program.run("measure", f"{self.path}:x", "--observe", "sz"), 2, "FILE.h5:")
        self.assert_refused(program.run("measure", self.path), 2, "--observe")
        self.assert_refused(program.run("measure", "--observe", "sz"), 2, "FILE.h5")
        self.assert_refused(program.run(*other, "--save", "a.txt"), 2, "--save", "'a.txt'")
        self.assert_refused(program.run(*other, "--save", "/no/such/a.h5"), 5, "/no/such/a.h5")


if __name__ == "__main__":
    program.main()
