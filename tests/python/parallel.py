"""Workers, ranks, communicators."""

import concurrent.futures
import multiprocessing
import os
import pathlib
import subprocess
import sys
import textwrap
import time

import joblib
import numpy as np
import pytest

import kronsolve as ks
from support import HERE, run_python

LAUNCHER = pathlib.Path(os.environ["KRONSOLVE_SOURCE"]) / "scripts" / "kronsolve-mpi"
ENERGY = "-5.387390917445"


def square(x):
    return x * x


def fails(x):
    raise LookupError(f"no {x}")


def sleeps(seconds):
    time.sleep(seconds)
    return seconds


def leaves(x):
    os._exit(3)


def energy_of(h):
    return ks.ground_state(h).energy


@pytest.fixture(scope="module")
def pool():
    yield ks.pool(2)


def test_futures_are_those_of_python(pool):
    futures = [pool.submit(square, i) for i in range(8)]

    assert isinstance(futures[0], concurrent.futures.Future)
    assert sorted(f.result(60) for f in ks.as_completed(futures)) == [i * i for i in range(8)]
    assert list(pool.map(square, range(5))) == [0, 1, 4, 9, 16]
    assert list(pool.starmap(pow, [(2, 3), (3, 2)])) == [8, 9]
    done, left = concurrent.futures.wait([pool.submit(square, 3)], timeout=60)
    assert not left and done.pop().result() == 9
    assert pool.workers == 2


def test_what_no_worker_has_begun_can_be_cancelled(pool):
    busy = [pool.submit(sleeps, 0.5) for _ in range(4)]
    waiting = pool.submit(square, 1)

    assert waiting.cancel() and waiting.cancelled()
    assert [f.result(60) for f in busy] == [0.5] * 4
    with pytest.raises(concurrent.futures.CancelledError):
        waiting.result()


def test_a_pool_that_was_shut_down_is_followed_by_another():
    with ks.pool(1) as first:
        assert first.submit(square, 2).result(60) == 4
    with pytest.raises(ks.InvalidArgument, match="shut down"):
        first.submit(square, 2)

    with ks.pool(1) as second:
        assert second.submit(square, 3).result(60) == 9


def test_exceptions_come_back(pool):
    with pytest.raises(LookupError, match="no 7") as caught:
        pool.submit(fails, 7).result(60)

    assert "in fails" in str(caught.value.__cause__)


def test_solves_run_in_workers(pool):
    h = ks.model("heisenberg", sites=12, cyclic=True)

    assert pool.submit(energy_of, h).result(60) == pytest.approx(float(ENERGY), abs=1e-9)


def test_what_cannot_be_sent_is_refused(pool):
    lock = multiprocessing.Lock()
    with pytest.raises(ks.InvalidArgument, match="cannot be sent to a worker"):
        pool.submit(square, lock).result(60)


def test_functions_that_were_typed_need_cloudpickle():
    """At a prompt, in a notebook: no worker finds them in a file."""
    code = """
import sys
import kronsolve as ks
sys.modules["cloudpickle"] = None
def typed(x):
    return x
try:
    ks.pool(1).submit(typed, 1)
except ks.InvalidArgument as error:
    print(error)
"""
    done = run_python(code)

    assert done.stdout.startswith("this cannot be sent to a worker (typed is in no file); give functions of a module, or install cloudpickle"), done.stderr


def test_a_worker_that_dies_is_told(pool):
    with pytest.raises(ks.WorkerDied):
        pool.submit_with({"retries": 0}, leaves, 1).result(60)

    assert pool.submit(square, 5).result(60) == 25


def test_solves_on_workers_are_those_of_this_process():
    h = ks.model("heisenberg", sites=12, cyclic=True).in_sector(sz=0)

    there = ks.eigh(h, k=2, workers=2, method="lanczos")
    here = ks.eigh(h, k=2, workers=1, method="lanczos")

    assert (there.ranks, here.ranks) == (2, 1)
    assert there.eigenvalues == pytest.approx(here.eigenvalues, abs=1e-12)
    assert there.state(0).fidelity(here.state(0)) == pytest.approx(1, abs=1e-9)


def test_vectors_stay_where_they_are():
    h = ks.model("heisenberg", sites=12, cyclic=True).in_sector(sz=0)

    kept = ks.eigh(h, workers=2, vectors="keep", method="lanczos").kept[0]

    assert kept.ranks == 2 and kept.size == 924
    assert kept.expectation(h).real == pytest.approx(float(ENERGY), abs=1e-9)
    assert kept.norm() == pytest.approx(1)
    moved = ks.evolve(h, kept, [0.5], observe=[h])
    assert moved.expectations[0, 0] == pytest.approx(float(ENERGY), abs=1e-9)


def test_rows_of_python_on_workers():
    from solvers import chain_values, rows_of_chain

    there = ks.eigh(ks.Lazy(rows_of_chain, (300, 300), 300), k=2, workers=2)

    assert there.ranks == 2
    assert there.eigenvalues == pytest.approx(chain_values(300)[:2], abs=1e-10)


def solved(h):
    """Everything that a process may want back."""
    return h, ks.eigh(h, k=2), ks.evolve(h, "neel", [0.5], observe=["sz", h]), ks.svds(h), ks.expm_multiply(h, -0.1, "neel")


def check_solved(h, again, levels, moved, triplet, cooled):
    assert again == h
    assert levels.state(0).expectation(h).real == pytest.approx(levels.energy, abs=1e-9)
    assert moved.observables["sz"].shape == (1, h.sites)
    assert moved.expectations[0, 0] == pytest.approx(moved.energies[0], abs=1e-9)
    assert triplet.singular_values[0] == pytest.approx(ks.svds(h).singular_values[0], abs=1e-9)
    assert cooled.state.norm() == pytest.approx(np.linalg.norm(cooled.vector))


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_operators_and_results_go_through_multiprocessing(start):
    h = ks.model("heisenberg", sites=12, cyclic=True)

    with multiprocessing.get_context(start).Pool(1) as workers:
        assert workers.apply_async(energy_of, (h,)).get(60) == pytest.approx(float(ENERGY), abs=1e-9)
        check_solved(h, *workers.apply_async(solved, (h,)).get(60))


FORKED = """
import multiprocessing
import kronsolve as ks
h = ks.model("heisenberg", sites=16, cyclic=True)
def energy(workers):
    return ks.ground_state(h, workers=workers).energy
if __name__ == "__main__":
    ks.set_threads(2)
    alone = energy(1), ks.pool(2).submit(abs, -1).result(60)
    with multiprocessing.get_context("fork").Pool(1) as child:
        print(abs(child.apply_async(energy, (1,)).get(60) - alone[0]) < 1e-12)
        print(child.apply_async(ks.threads).get(60), child.apply_async(pool_of_its_own).get(60))
    print(ks.threads(), ks.pool(2).submit(abs, -3).result(60))
"""


def test_a_process_that_is_forked_off_has_threads_and_pools_of_its_own(tmp_path):
    """OpenMP would wait for threads that are not there; tasks would go to workers of the parent."""
    text = FORKED.replace("if __name__", "def pool_of_its_own():\n    return ks.pool(2).submit(abs, -2).result(60)\nif __name__")

    done = run_python(script(tmp_path, text), environment={"KRONSOLVE_NUM_THREADS": "2"}, timeout=200)

    assert done.stdout.split() == ["True", "1", "2", "2", "3"], done.stdout + done.stderr


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_operators_and_results_go_through_joblib(backend, tmp_path):
    hs = [ks.model("xxz", sites=12, cyclic=True, delta=delta).in_sector(sz=0) for delta in (0.5, 1.0)]

    with joblib.parallel_backend(backend, n_jobs=2):
        there = joblib.Parallel(timeout=100)(joblib.delayed(solved)(h) for h in hs)

    assert there[1][1].energy == pytest.approx(float(ENERGY), abs=1e-9)
    for h, found in zip(hs, there):
        check_solved(h, *found)
    joblib.dump(hs, tmp_path / "operators")
    assert joblib.load(tmp_path / "operators") == hs
    assert joblib.hash(hs[0]) == joblib.hash(ks.model("xxz", sites=12, cyclic=True, delta=0.5).in_sector(sz=0))


# ---- mpirun ------------------------------------------------------------------------------------------


def script(tmp_path, text):
    path = pathlib.Path(tmp_path) / "program.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


COMM = """
    from mpi4py import MPI
    import numpy as np
    import kronsolve as ks
    comm = MPI.COMM_WORLD
    h = comm.bcast(ks.model("heisenberg", sites=12, cyclic=True).in_sector(sz=0) if comm.rank == 0 else None)
    r = ks.eigh(h, k=2, comm=comm)
    mine = ks.eigh(h, k=1, comm=comm, gather=False)
    psi = mine.state(0)
    S = ks.spins(12)
    facts = [r.ranks, r.vectors.shape[0], abs(psi.expectation(h).real - r.energy) < 1e-9, abs(psi.norm() - 1) < 1e-12]
    half = comm.Split(comm.rank % 2)
    facts.append(abs(ks.ground_state(h, comm=half).energy - r.energy) < 1e-10)
    half.Free()
    t = ks.evolve(h, "neel", [0.5], comm=comm, observe=["sz:0"])
    alone = ks.evolve(h, "neel", [0.5], comm=MPI.COMM_SELF, observe=["sz:0"])
    facts.append(bool(np.allclose(t.vector, alone.vector, atol=1e-10)))
    total = comm.allgather(len(mine.vector(0)))
    facts.append(sum(total))
    def throws(ownership):
        if ownership[0] > 0:
            raise RuntimeError("not here")
        return np.eye(300)[ownership[0]:ownership[1]]
    def too_few(ownership):
        return np.eye(300)[ownership[0]:ownership[1] - (ownership[0] > 0)]
    for rows, words in ((throws, "not here"), (too_few, "must have shape")):
        try:
            ks.eigh(ks.Lazy(rows, (300, 300)), comm=comm)
        except ks.Error as error:
            facts.append(words in str(error))
    x = np.ones(924)
    if comm.rank == 1:
        x[400] = np.nan  # a row of this rank
    for use in (lambda: ks.evolve(h, x, [1.0], comm=comm), lambda: ks.State(h, x[slice(*mine.row_range)], comm=comm)):
        try:
            use()
        except ks.InvalidArgument as error:
            facts.append("NaN" in str(error))
    ours = comm.Split(comm.rank > 0)
    joined = ours.Create_intercomm(0, comm, 0 if comm.rank else 1)
    try:
        ks.eigh(h, comm=joined)
    except ks.InvalidArgument as error:
        facts.append("two groups" in str(error))
    facts = [all(column) if column[0] is True else column[0] for column in zip(*comm.allgather(facts))]
    print(f"{r.energy:.12f}", *facts, flush=True) if comm.rank == 0 else None
"""


def test_a_communicator_of_mpi4py(tmp_path):
    done = run_python(script(tmp_path, COMM), ranks=3, timeout=120)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [ENERGY, "3", "924", *["True"] * 4, "924", *["True"] * 5]


WORKERS = """
    import kronsolve as ks
    def square(x):
        return x * x
    if __name__ == "__main__":
        h = ks.model("heisenberg", sites=12, cyclic=True)
        r = ks.eigh(h, workers=2)
        print(ks.session().mode, f"{r.energy:.12f}", r.ranks, *ks.pool().map(square, range(4)), flush=True)
"""


def test_ranks_as_workers(tmp_path):
    done = run_python(script(tmp_path, WORKERS), ranks=3, timeout=120)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["futures", ENERGY, "2", "0", "1", "4", "9"]


def test_the_same_program_in_one_process(tmp_path):
    done = run_python(script(tmp_path, WORKERS), environment={"KRONSOLVE_NUM_WORKERS": "2"}, timeout=120)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["dynamic", ENERGY, "2", "0", "1", "4", "9"]


SYNCRO = """
    import kronsolve as ks
    def square(x):
        return x * x
    if __name__ == "__main__":
        r = ks.ground_state(ks.model("heisenberg", sites=12, cyclic=True))
        futures = [ks.pool().submit(square, i) for i in range(4)]
        answers = [f.result() for f in futures]
        info = ks.session()
        print(info.mode, f"{r.energy:.12f}", r.ranks, *answers, flush=True) if info.is_root else None
"""


@pytest.mark.parametrize("launcher", ["mpirun", "kronsolve-mpi"])
def test_every_rank_runs_the_program(launcher, tmp_path):
    program = script(tmp_path, SYNCRO)
    if launcher == "mpirun":
        done = run_python(program, ranks=3, environment={"KRONSOLVE_MODE": "syncro"}, timeout=120)
    else:
        command = [LAUNCHER, "-n", "3", "--syncro", sys.executable, program]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["syncro", ENERGY, "3", "0", "1", "4", "9"]


DIGITS = """
    import os, sys
    if os.environ.get("COMM"):
        from mpi4py import MPI
    import numpy as np
    import kronsolve as ks
    def numbers(**where):
        real = ks.model("heisenberg", sites=12, cyclic=True)
        h = real.in_sector(sz=0)
        waves = real.in_sector(sz=0, momentum=2)  # complex
        yield from ks.eigh(h, k=3, method="lanczos", **where).eigenvalues
        yield from ks.eigh(waves, k=2, **where).eigenvalues
        yield from ks.eigh(h, k=2, method="slepc", **where).eigenvalues
        yield from ks.svds(waves, k=2, **where).singular_values
        moved = ks.evolve(h, "neel", [0.5, 1.0], observe=[ks.spins(12).z[0]], **where)
        yield from moved.expectations[:, 0]
        yield from moved.vector[:5].view(float)
        yield from ks.expm_multiply(h, -1.0, "neel", **where).vector[:5]
    if __name__ == "__main__":
        where = dict(comm=MPI.COMM_WORLD) if os.environ.get("COMM") else dict(workers=int(os.environ["ASKED"]))
        found = list(numbers(**where))
        if "COMM" not in os.environ or MPI.COMM_WORLD.rank == 0:
            if ks.session().is_root:
                print(*map(float, found), flush=True)
"""


def test_three_ranks_have_the_digits_of_one_process(tmp_path):
    program = script(tmp_path, DIGITS)

    def found(ranks, **environment):
        done = run_python(program, ranks=ranks, environment=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return np.array(done.stdout.split(), dtype=float)

    alone = found(0, ASKED="1")
    assert len(alone) > 20
    for job in (found(3, COMM="1"), found(3, ASKED="2"), found(3, KRONSOLVE_MODE="syncro", ASKED="0")):
        np.testing.assert_allclose(job, alone, rtol=1e-13, atol=1e-13)


COUNTED = """
    import gc
    from mpi4py import MPI
    import kronsolve as ks
    copies, frees = [], []
    def copied(comm, key, value):
        copies.append(value)
        return value
    key = MPI.Comm.Create_keyval(copied, lambda comm, key, value: frees.append(value))
    comm = MPI.COMM_WORLD.Dup()
    comm.Set_attr(key, 1)
    h = ks.model("heisenberg", sites=8).in_sector(sz=0)
    held = []
    for _ in range(3):
        r = ks.eigh(h, k=2, comm=comm, gather=False)
        held += [r.state(0), ks.evolve(h, "neel", [0.5], comm=comm, gather=False).state]
        del r
    try:
        ks.eigh(h, k=0, comm=comm)
    except ks.InvalidArgument:
        pass
    gc.collect()
    before = len(copies) - len(frees)
    held.clear()
    gc.collect()
    after = len(copies) - len(frees)
    comm.Free()
    facts = [len(copies) >= 7, before >= 1, after, len(frees) - len(copies)]
    print(*facts, flush=True) if MPI.COMM_WORLD.rank == 0 else None
"""


def test_communicators_are_freed_once(tmp_path):
    """MPI tells of each copy of a communicator, and of its end."""
    done = run_python(script(tmp_path, COUNTED), ranks=2, timeout=120)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "True", "0", "1"]


def test_a_communicator_whose_ranks_are_workers_is_refused(tmp_path):
    text = """
        import kronsolve as ks
        from mpi4py import MPI
        try:
            ks.eigh(ks.model("heisenberg", sites=4), comm=MPI.COMM_WORLD)
        except ks.InvalidArgument as error:
            print("before kronsolve" in str(error), flush=True)
    """

    done = run_python(script(tmp_path, text), ranks=2, timeout=60)

    assert done.stdout.split() == ["True"], done.stderr


def test_an_exception_on_one_rank_ends_all(tmp_path):
    text = """
        from mpi4py import MPI
        import kronsolve as ks
        if MPI.COMM_WORLD.rank == 1:
            raise ValueError("only here")
        ks.eigh(ks.model("heisenberg", sites=10), comm=MPI.COMM_WORLD)
    """

    done = run_python(script(tmp_path, text), ranks=2, timeout=60)

    assert done.returncode != 0
    assert "only here" in done.stderr


@pytest.mark.parametrize("first", ["from mpi4py import MPI; import kronsolve as ks", "import kronsolve as ks; from mpi4py import MPI"])
def test_mpi_may_be_imported_before_or_after(first):
    done = run_python(
        f"{first}; h = ks.model('heisenberg', sites=12, cyclic=True); "
        f"print(f'{{ks.ground_state(h, comm=MPI.COMM_WORLD).energy:.12f}}', ks.session().mode, "
        f"f'{{ks.eigh(h, method=\"slepc\").energy:.10f}}', MPI.COMM_WORLD.size)"
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [ENERGY, "dynamic", ENERGY[:-2], "1"]


def test_this_file_is_where_its_functions_are_found():
    assert (HERE / "solvers.py").exists()
