"""Files of the program in Python: saved states and sweeps."""

import json
import os
import subprocess

import numpy as np
import pytest

import kronsolve as ks


def run(*arguments):
    subprocess.run([os.environ["KRONSOLVE_PROGRAM"], *map(str, arguments)], check=True, capture_output=True, timeout=120)


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
