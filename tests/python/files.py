"""Files of states, written and read by the program and by Python; sweeps."""

import json
import os
import subprocess

import numpy as np
import pytest

import kronsolve as ks


def run(*arguments):
    done = subprocess.run([os.environ["KRONSOLVE_PROGRAM"], *map(str, arguments)], check=True, capture_output=True, timeout=120, text=True)
    return done.stdout


@pytest.mark.parametrize(
    "operator",
    [
        ["--model", "heisenberg", "--sites", "8", "--cyclic", "--sector", "sz=0"],
        ["--model", "xxz", "--sites", "8", "-p", "delta=0.3", "-p", "bz=0.1"],
        ["--model", "heisenberg", "--sites", "9", "--cyclic", "--sector", "momentum=2", "--sector", "sz=1/2"],
        ["--model", "hubbard", "--size", "2x2", "--cyclic", "--sector", "nup=2", "--sector", "ndown=2"],
        ["--model", "heisenberg", "--cluster", "3,1;-1,3", "--sector", "sz=0", "--sector", "momentum=0,0"],
    ],
)
def test_saved_pairs_are_those_of_the_operator(tmp_path, operator):
    path = tmp_path / "levels.h5"
    run("ground", *operator, "-k", 3, "--save", path)

    saved = ks.load(path)

    assert len(saved) == 3 and "--save" in saved.command_line and "3 states" in repr(saved)
    h = saved.operator
    assert h.sector == saved.result["sector"]
    for k, energy in enumerate(saved["eigenvalues"]):
        psi = saved.state(k)
        assert psi.norm() == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(h @ psi.amplitudes, energy * psi.amplitudes, atol=1e-8)
        np.testing.assert_array_equal(saved["vectors"][k], psi.amplitudes)
    assert saved.state(-1).energy() == pytest.approx(saved["eigenvalues"][2], abs=1e-10)
    with pytest.raises(IndexError, match="there is no 3"):
        saved.state(3)


def test_operators_of_a_file_with_matrices_of_its_own(tmp_path):
    text = 'sites = 3\nterms = [[0.7, "M", 0], [1, "Sz", 0, "M", 2]]\ndefine.M = [[0, [0, -1]], [[0, 1], 0.5]]\n'
    (tmp_path / "h.toml").write_text(text)
    run("eigh", "--terms", tmp_path / "h.toml", "-k", 2, "--save", tmp_path / "a.h5")

    saved = ks.load(tmp_path / "a.h5")

    direct = ks.read_operator(str(tmp_path / "h.toml"))
    np.testing.assert_allclose(saved.operator.to_dense(), direct.to_dense(), atol=1e-14)
    assert saved.state(0).energy() == pytest.approx(saved["eigenvalues"][0], abs=1e-10)


def test_evolutions(tmp_path):
    path = tmp_path / "e.h5"
    run("evolve", "--model", "heisenberg", "--sites", 6, "--state", "neel", "--time", 2, "--steps", 4, "--observe", "sz", "--save", path)

    saved = ks.load(path)

    np.testing.assert_allclose(saved["time"], [0, 0.5, 1, 1.5, 2])
    assert saved["sz"].shape == (5, 6)
    np.testing.assert_allclose(saved.state(0).site_profile("Sz"), saved["sz"][-1], atol=1e-9)


def test_what_is_no_saved_file_is_refused(tmp_path):
    with pytest.raises(ks.IoError, match="nothing.h5"):
        ks.load(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("no HDF5 at all")
    with pytest.raises(ks.InvalidArgument, match="text.h5"):
        ks.load(tmp_path / "text.h5")
    run("ground", "--model", "ising", "--sites", 4, "--save", tmp_path / "a.h5")
    whole = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    with pytest.raises(ks.InvalidArgument, match="a.h5"):
        ks.load(tmp_path / "a.h5")
    (tmp_path / "a.h5").write_bytes(whole)
    with pytest.raises(ks.InvalidArgument, match="no_such_array"):
        ks.load(tmp_path / "a.h5")["no_such_array"]
    (tmp_path / "drive.toml").write_text('sites = 1\n[[drive]]\nfunction = "t"\nterms = [[1, "Sx", 0]]\n')
    with pytest.raises(ks.InvalidArgument, match=r"has a \[\[drive\]\]"):
        ks.read_operator(str(tmp_path / "drive.toml"))


# ---- written here ------------------------------------------------------------------------------------


def ring(**values):
    return ks.model("heisenberg", sites=8, cyclic=True, **values)


OPERATORS = [
    lambda: ring(),
    lambda: ring(bz=0.3).in_sector(sz=1),
    lambda: ring().in_sector(sz=0, momentum=1),
    lambda: ks.model("hubbard", size=(2, 2), cyclic=True, U=3.0).in_sector(nup=2, ndown=1),
    lambda: ks.model("heisenberg", cluster=((3, 1), (-1, 3))).in_sector("sz=0", "momentum=0,0"),
    lambda: ks.spins(3).parse("Sz_0 Sz_1 + 0.4 Sx_2 Sy_0"),
]


@pytest.mark.parametrize("make", OPERATORS, ids=range(len(OPERATORS)))
def test_pairs_that_python_saves_are_read_by_both(tmp_path, make):
    h, path = make(), tmp_path / "pairs.h5"
    found = ks.eigh(h, k=3)

    found.save(path, observe=["energy", "variance"])

    saved = ks.load(path)
    assert len(saved) == 3 and saved.operator == h and saved.operator.sector == h.sector
    np.testing.assert_array_equal(saved["eigenvalues"], found.eigenvalues)
    np.testing.assert_array_equal(saved["vectors"], found.vectors.T)
    np.testing.assert_allclose(saved["energy"], found.eigenvalues, atol=1e-10)
    assert saved.result["command"] == "eigh" and saved.result["method"] == found.method
    told = json.loads(run("measure", path, "--observe", "energy", "--json"))
    np.testing.assert_allclose(told["observables"]["energy"], found.eigenvalues, atol=1e-10)
    assert told["sector"] == h.sector and told["sites"] == h.sites


@pytest.mark.parametrize("kind", ["state", "pairs", "evolution"])
def test_the_program_goes_on_from_what_python_saves(tmp_path, kind):
    h, path = ring().in_sector(sz=0), tmp_path / "a.h5"
    neel, end = h.state("neel"), ks.evolve(h, "neel", [1.5]).state
    if kind == "state":
        end.save(path)
    elif kind == "pairs":
        ks.eigh(h, k=3).save(path)
    else:
        ks.evolve(h, neel, [0, 0.5, 1.5], observe=["sz"]).save(path)
    name = f"{path}:1" if kind == "pairs" else path

    told = json.loads(
        run("evolve", "--model", "heisenberg", "--sites", 8, "--cyclic", "--sector", "sz=0", "--state", name,
            "--time", 0.5, "--observe", "overlap", "--save", tmp_path / "b.h5", "--json")
    )  # fmt: skip

    start = ks.eigh(h, k=3).state(1) if kind == "pairs" else end
    wanted = ks.evolve(h, start, [0.5]).state
    assert ks.load(tmp_path / "b.h5").state().fidelity(wanted) == pytest.approx(1, abs=1e-12)
    assert told["start_time"] == (1.5 if kind == "evolution" else 0)


def test_evolutions_that_python_saves(tmp_path):
    h, times = ring(), [0, 0.25, 1]
    S = ks.spins(8)
    found = ks.evolve(h, "neel", times, observe=["sz", "corr:Sz,Sz", "entropy:half", "sq:Sz,Sz", S.z[0], h])
    found.save(tmp_path / "e.h5")

    saved = ks.load(tmp_path / "e.h5")

    assert {name: saved[name].shape for name in ("time", "sz", "corr:Sz,Sz", "entropy:half", "expectations", "state")} == {
        "time": (3,), "sz": (3, 8), "corr:Sz,Sz": (3, 8, 8), "entropy:half": (3,), "expectations": (3, 2), "state": (256,)
    }  # fmt: skip
    for name, values in found.observables.items():
        np.testing.assert_array_equal(saved[name], values)
    np.testing.assert_array_equal(saved["expectations"], found.expectations)
    np.testing.assert_array_equal(saved["energies"], found.energies)
    np.testing.assert_array_equal(saved.state().amplitudes, found.vector)
    assert saved.result["end_time"] == 1 and saved.result["imaginary"] is False
    cooled = ks.evolve(h, "neel", [2.0], imaginary=True)
    cooled.save(tmp_path / "i.h5")
    np.testing.assert_array_equal(ks.load(tmp_path / "i.h5")["log_norm"], cooled.log_norms)


def test_both_write_the_same_layout(tmp_path):
    h5py = pytest.importorskip("h5py")
    arguments = ["--model", "heisenberg", "--sites", 6, "--sector", "sz=0"]
    h = ks.model("heisenberg", sites=6).in_sector(sz=0)
    run("eigh", *arguments, "-k", 2, "--observe", "sz", "--save", tmp_path / "eigh.h5")
    ks.eigh(h, k=2).save(tmp_path / "eigh-py.h5", observe=["sz"])
    run("evolve", *arguments, "--state", "neel", "--time", 1, "--observe", "corr:Sz,Sz", "--save", tmp_path / "evolve.h5")
    ks.evolve(h, "neel", [0, 1], observe=["corr:Sz,Sz"]).save(tmp_path / "evolve-py.h5")
    run("svds", *arguments, "-k", 2, "--save", tmp_path / "svds.h5")
    ks.svds(h, k=2).save(tmp_path / "svds-py.h5")

    def layout(path):
        with h5py.File(path) as file:
            arrays = {}
            for name, a in file.items():
                axes = [tuple(a.dims[i].keys()) for i in range(a.ndim)] if a.attrs.get("CLASS") != b"DIMENSION_SCALE" else None
                arrays[name] = (a.shape, a.dtype, axes)
            texts = {name: file.attrs[name] for name in ("layout", "program", "basis", "states")}
            description = json.loads(file.attrs["description"])
            description.pop("model")  # a name there, a count of terms here
            return arrays, sorted(file.attrs), texts, description, json.loads(file.attrs["result"]).keys()

    for kind in ("eigh", "evolve", "svds"):
        *program, told = layout(tmp_path / f"{kind}.h5")
        *python, also = layout(tmp_path / f"{kind}-py.h5")
        assert python == program
        assert also >= told - {"tol", "saved", "version", "date", "command_line", "lattice", "parameters", "state",
                               "shape", "certify_products", "threads", "operator", "start_time"}  # fmt: skip


@pytest.mark.parametrize("kind", ["float", "complex"])
def test_triplets_and_vectors_of_matrices(tmp_path, kind):
    rng = np.random.default_rng(3)
    a = rng.normal(size=(7, 4)) + (1j * rng.normal(size=(7, 4)) if kind == "complex" else 0)
    found = ks.svds(a, k=2)
    found.save(tmp_path / "svds.h5")
    hermitian = a.conj().T @ a
    ks.eigh(hermitian, k=1).save(tmp_path / "eigh.h5")

    saved, of_matrix = ks.load(tmp_path / "svds.h5"), ks.load(tmp_path / "eigh.h5")

    np.testing.assert_array_equal(saved["left"].T, found.left)
    np.testing.assert_array_equal(saved["right"].T, found.right)
    assert saved["left"].dtype.kind == kind[0] and len(saved) == 0
    one = ks.svds(a, k=1)
    one.save(tmp_path / "one.h5")
    assert ks.load(tmp_path / "one.h5")["left"].shape == (1, 7)  # no axis is lost
    assert ks.load(tmp_path / "one.h5")["singular_values"].shape == (1,)
    with pytest.raises(ks.InvalidArgument, match="matrix"):
        of_matrix.operator


def test_what_cannot_be_saved_is_refused(tmp_path):
    found = ks.eigh(ring())
    with pytest.raises(ks.InvalidArgument, match=r"ends with \.h5"):
        found.save(tmp_path / "pairs.txt")
    with pytest.raises(ks.IoError, match="nowhere"):
        found.save("/nowhere/pairs.h5")
    with pytest.raises(ks.InvalidArgument, match="warmth"):
        found.save(tmp_path / "a.h5", observe=["warmth"])
    with pytest.raises(ks.InvalidArgument, match="no sites"):
        ks.eigh(np.eye(4)).save(tmp_path / "a.h5", observe=["sz"])
    assert list(tmp_path.iterdir()) == []
    found.save(tmp_path / "a.h5")
    before = (tmp_path / "a.h5").read_bytes()
    with pytest.raises(ks.InvalidArgument, match="warmth"):
        found.save(tmp_path / "a.h5", observe=["warmth"])
    assert (tmp_path / "a.h5").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_values_alone_and_vectors_that_were_kept(tmp_path):
    h = ks.model("heisenberg", sites=12, cyclic=True).in_sector(sz=0)
    ks.eigh(h, k=2, vectors=False).save(tmp_path / "values.h5")
    kept = ks.eigh(h, k=2, vectors="keep", workers=2, method="lanczos")
    kept.save(tmp_path / "kept.h5")

    values, states = ks.load(tmp_path / "values.h5"), ks.load(tmp_path / "kept.h5")

    assert len(values) == 0 and values["eigenvalues"].shape == (2,)
    assert states.state(1).energy() == pytest.approx(kept.eigenvalues[1], abs=1e-9)
    with pytest.raises(IndexError):
        values.state(0)


SWEEP = {
    "command": "ground",
    "model": "ising",
    "cyclic": True,
    "k": 2,
    "vary": {"sites": [4, 6], "bx": {"from": 0.2, "to": 0.8, "count": 4}},
    "derive": {"gap": "eigenvalues[1] - eigenvalues[0]"},
}


def test_a_sweep_from_a_mapping(tmp_path):
    sweep = ks.run_sweep(SWEEP, tmp_path / "ising", workers=2)

    assert len(sweep) == 8 and sweep.folder == str(tmp_path / "ising")
    table = sweep.table()
    assert sorted(set(table["sites"])) == [4, 6]
    for point in sweep:
        h = ks.model("ising", sites=point["sites"], cyclic=True, bx=point["bx"])
        np.testing.assert_allclose(point["eigenvalues"], ks.eigh(h, k=2).eigenvalues, atol=1e-9)
    np.testing.assert_allclose(sweep.column("gap"), [p["eigenvalues"][1] - p["eigenvalues"][0] for p in sweep])
    with pytest.raises(KeyError, match="no point has 'gp'"):
        sweep.column("gp")
    again = ks.run_sweep(tmp_path / "ising.toml", tmp_path / "ising")
    assert json.dumps(again.points) == json.dumps(ks.read_sweep(tmp_path / "ising").points) == json.dumps(sweep.points)


def test_together_and_only(tmp_path):
    sweep = ks.run_sweep(
        {"command": "ground", "model": "j1j2", "sites": 6, "together": [{"j2": [0.1, 0.2], "bz": np.array([0.0, 0.5])}]},
        tmp_path / "j",
        only="j2 < 0.15",
    )
    assert [p["j2"] for p in sweep] == [0.1]


def test_what_the_program_refuses_is_an_exception_with_its_line(tmp_path):
    with pytest.raises(ks.InvalidArgument, match="modell"):
        ks.run_sweep({**SWEEP, "modell": "xy"}, tmp_path / "a")
    with pytest.raises(ks.InvalidArgument, match="give a folder"):
        ks.run_sweep(SWEEP)
    with pytest.raises(ks.InvalidArgument, match="complex has no place in a sweep"):
        ks.run_sweep({**SWEEP, "bx": 1j}, tmp_path / "a")
    with pytest.raises(ks.Error, match="nowhere"):
        ks.read_sweep(tmp_path / "nowhere")
    with pytest.raises(ks.Error, match="nothing.toml"):
        ks.run_sweep(tmp_path / "nothing.toml")
