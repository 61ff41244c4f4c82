"""arrays.h5 of a sweep: what xarray finds in it is what the records say."""

import json
import math
import pathlib
import re
import subprocess
import sys

import numpy
import xarray

import program


class SweepArrays(program.ProgramTest):
    def sweep(self, text: str, status=0) -> tuple[xarray.Dataset, list[dict]]:
        done = program.run("sweep", self.file("s.toml", text), "--threads", 1)
        self.assertEqual(done.status, status, done.err)
        records = [json.loads(line) for line in (self.folder / "s.out" / "points.jsonl").read_text(encoding="utf-8").splitlines()]
        data = xarray.open_dataset(self.folder / "s.out" / "arrays.h5", engine="h5netcdf")
        self.addCleanup(data.close)
        return data, records

    def test_correlations_and_temperatures_are_axes(self):
        data, records = self.sweep("command = 'spectral'\nmodel = 'heisenberg'\ncyclic = true\nenergies = '0:4:41'\n[vary]\nsites = [4, 6]\n")
        self.assertEqual(data["spectrum"].dims, ("sites", "correlation", "frequency"))
        self.assertEqual(data["line_weights"].dims, ("sites", "correlation", "line"))
        self.assertEqual(data["momentum"].dims, ("sites", "correlation", "direction"))
        self.assertAlmostEqual(float(data["frequency"][-1]), 4)
        for record in records:
            there = data.sel(sites=record["sites"])
            n = record["sites"]
            self.assertEqual(there["spectrum"].values[:n].tolist(), record["spectrum"])
            self.assertAlmostEqual(float(there["total"].sum()), n / 4, delta=1e-10)
            one = self.solve("spectral", "--model", "heisenberg", "--cyclic", "--sites", n, "--energies", "0:4:41")
            for q in range(n):
                for a, b in zip(one["correlations"][q]["spectrum"], record["spectrum"][q], strict=True):
                    self.assertAlmostEqual(a, b, delta=1e-8)

    def test_conductivities(self):
        data, _ = self.sweep("command = 'spectral'\nmodel = 'xxz'\nsites = 6\ncyclic = true\nsector = 'sz=0'\ncorrelation = 'conductivity'\n"
                             "energies = '0:4:41'\n[vary]\ndelta = [0, 1]\n")
        self.assertEqual(data["spectrum"].dims, ("delta", "frequency"))
        self.assertEqual(data["drude_weight"].dims, ("delta",))
        self.assertAlmostEqual(float(data["drude_weight"].sel(delta=0)), 1 / 6, delta=1e-10)

    def test_quasi_energies(self):
        driven = self.file("d.toml", "sites = 2\nterms = [[1, 'Sz', 0, 'Sz', 1]]\n[parameters]\nw = 3\n[[drive]]\nfunction = '0.5*cos(w*t)'\n"
                                     "terms = [[1, 'Sx', 0], [1, 'Sx', 1]]\n")
        data, records = self.sweep(f"command = 'floquet'\nterms = '{driven}'\nperiod = '2*pi/w'\nobserve = ['sz']\n[vary]\nw = [2, 3]\n")
        self.assertEqual((data["quasi_energies"].dims, data["sz"].dims), (("w", "mode"), ("w", "mode", "site")))
        for record in records:
            one = self.solve("floquet", "--terms", driven, "--period", "2*pi/w", "-p", f"w={record['w']}")
            for a, b in zip(one["quasi_energies"], data["quasi_energies"].sel(w=record["w"]).values, strict=True):
                self.assertAlmostEqual(a, b, delta=1e-10)

    def test_drives(self):
        driven = self.file("d.toml", "sites = 1\nterms = [[0, 'Sz', 0]]\n[parameters]\nw = 1\n[[drive]]\nfunction = 'w'\nterms = [[1, 'Sx', 0]]\n")
        data, _ = self.sweep(f"command = 'evolve'\nterms = '{driven}'\nstate = 'up'\ntime = 2\nsteps = 4\nobserve = ['sz']\n[vary]\nw = [1, 2]\n")
        for w in (1, 2):  # a spin turns about x
            for t in data["time"].values:
                self.assertAlmostEqual(float(data["sz"].sel(w=w, time=t)[0]), 0.5 * math.cos(w * t), delta=1e-9)
        done = program.run("batch", f"evolve --terms {driven} --state up --time 2", cwd=self.folder)
        self.assertEqual(done.status, 0, done.err)

    def test_means_at_temperatures(self):
        data, records = self.sweep("command = 'thermal'\nmodel = 'xxz'\nsites = 4\ntemperature = '0.5,1,2'\nmethod = 'ftlm'\n"
                                   "observe = ['sz', 'corr:Sz,Sz:0,1']\n[vary]\ndelta = [0.5, 1]\n")
        self.assertEqual(data["sz"].dims, ("delta", "temperature", "site"))
        self.assertEqual(data["sz_error"].dims, ("delta", "temperature", "site"))
        self.assertEqual(data["corr:Sz,Sz:0,1_error"].dims, ("delta", "temperature"))
        self.assertEqual(data["temperature"].values.tolist(), [0.5, 1, 2])
        for record in records:
            self.assertEqual(data.sel(delta=record["delta"])["sz_error"].values.tolist(), record["sz_error"])

    def test_a_grid_has_an_axis_for_all_that_varies(self):
        data, records = self.sweep('command = "ground"\nmodel = "ising"\nk = 2\nobserve = ["sz", "corr:Sz,Sz", "entropy:half"]\n[vary]\n'
                                   'sites = [6, 4]\nbx = {from = 0.2, to = 1, count = 5}\n[derive]\n'
                                   'gap = "eigenvalues[1] - eigenvalues[0]"\n')
        self.assertEqual(data["gap"].dims, ("sites", "bx"))
        self.assertEqual(list(data["sites"].values), [4, 6])
        self.assertEqual(data["eigenvalues"].dims, ("sites", "bx", "level"))
        self.assertEqual(data["sz"].dims, ("sites", "bx", "level", "site"))
        self.assertEqual(data["corr:Sz,Sz"].dims, ("sites", "bx", "level", "site", "other_site"))
        self.assertEqual(data["entropy:half"].dims, ("sites", "bx", "level"))
        self.assertEqual(len(records), 10)
        for record in records:
            there = data.sel(sites=record["sites"], bx=record["bx"])
            self.assertEqual(float(there["gap"]), record["gap"])
            self.assertEqual(list(there["eigenvalues"].values), record["eigenvalues"])
            n = record["sites"]
            self.assertEqual(there["sz"].values[:, :n].tolist(), record["sz"])
            self.assertEqual(there["corr:Sz,Sz"].values[:, :n, :n].tolist(), record["corr:Sz,Sz"])
            self.assertTrue(numpy.isnan(there["sz"].values[:, n:]).all())

    def test_complex_numbers_and_times(self):
        data, records = self.sweep('command = "evolve"\nmodel = "heisenberg"\nsites = 4\nstate = "neel"\ntime = 2\nsteps = 4\n'
                                   'observe = ["overlap", "sz", "local:S+", "corr:S+,Sz", "sz:0"]\n[vary]\njz = [0.5, 1, 2]\n')
        self.assertEqual(data["overlap"].dims, ("jz", "time"))
        self.assertEqual(data["overlap"].dtype, complex)
        self.assertEqual(list(data["time"].values), [0, 0.5, 1, 1.5, 2])
        self.assertEqual(data["sz"].dims, ("jz", "time", "site"))
        self.assertEqual(data["corr:S+,Sz"].dims, ("jz", "time", "site", "other_site"))
        for record in records:
            there = data.sel(jz=record["jz"])
            for name in ("overlap", "local:S+", "corr:S+,Sz", "sz", "sz:0", "energies"):
                recorded = numpy.array(record[name])
                if data[name].dtype == complex:
                    recorded = recorded[..., 0] + 1j * recorded[..., 1]
                self.assertEqual(there[name].values.tolist(), recorded.tolist(), name)

    def test_other_sets_of_points_have_one_axis(self):
        data, records = self.sweep('command = "ground"\nobserve = ["amplitude:0101"]\nsites = 4\n[[together]]\nmodel = ["ising", "xxz", "xy"]\n'
                                   '[[together]]\nk = [1, 2]\n')
        self.assertEqual(data["energy"].dims, ("point",))
        self.assertEqual(len(data["point"]), 6)
        self.assertEqual(sorted(data["energy"].values), sorted(record["energy"] for record in records))
        self.assertNotIn("model", data)

    def test_failed_points_are_nan(self):
        data, _ = self.sweep('command = "ground"\nmodel = "heisenberg"\nsector = "sz=0"\n[vary]\nsites = [3, 4]\nj = [1, 2]\n', status=1)
        self.assertTrue(numpy.isnan(data["energy"].sel(sites=3).values).all())
        numpy.testing.assert_allclose(data["energy"].sel(sites=4).values, [-1.6160254037844386, -3.232050807568877])

    def test_it_is_made_again_for_new_points_and_checked(self):
        text = 'command = "ground"\nmodel = "ising"\nsites = 4\n[vary]\nbx = [0.5, 1]\n'
        self.assertEqual(self.sweep(text)[0].sizes["bx"], 2)
        path = self.folder / "s.out" / "arrays.h5"
        before = path.read_bytes()
        self.sweep(text)
        self.assertEqual(path.read_bytes(), before)
        self.assertEqual(self.sweep(text.replace("1]", "1, 1.5]"))[0].sizes["bx"], 3)
        self.assertEqual(program.run("results", self.folder / "s.out", "--check").status, 0)
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(damaged)
        self.assert_refused(program.run("results", self.folder / "s.out", "--check"), 2, "arrays.h5", "damaged")
        path.unlink()
        self.assertEqual(self.sweep(text.replace("1]", "1, 1.5]"))[0].sizes["bx"], 3)

    def test_the_lines_of_the_document(self):
        page = (pathlib.Path(program.SOURCE) / "docs" / "campaigns.md").read_text(encoding="utf-8")
        text = re.search(r"\$ cat gap.toml\n(.*?)\$ ", page, re.S).group(1)
        block = next(block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "xarray" in block)
        self.assertEqual(program.run("sweep", self.file("gap.toml", text), cwd=self.folder).status, 0)
        done = subprocess.run([sys.executable, "-c", block.replace("print(", "print(float(").rstrip() + ")\n"], cwd=self.folder, check=True,
                              capture_output=True, text=True)
        self.assertAlmostEqual(float(done.stdout), 0.00380246773956, delta=1e-11)


if __name__ == "__main__":
    program.main()
