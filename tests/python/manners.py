"""The lock of the interpreter, Ctrl-C, leaks, imports, documentation."""

import concurrent.futures
import gc
import inspect
import io
import re
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import kronsolve as ks
from support import run_python


def test_python_goes_on_while_a_solve_runs():
    ticks, over = 0, threading.Event()
    h = ks.model("heisenberg", sites=16, cyclic=True)

    def count():
        nonlocal ticks
        while not over.is_set():
            ticks += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    began = time.perf_counter()
    ks.eigh(h, k=2, method="lanczos")
    seconds = time.perf_counter() - began
    over.set()
    counter.join()

    assert ticks > 20 * min(seconds, 1) and ticks > 2


def test_two_threads_solve_at_once():
    h = [ks.model("heisenberg", sites=12, cyclic=True, bz=0.1 * i) for i in range(2)]
    alone = [ks.ground_state(x).energy for x in h]
    found = [0.0, 0.0]

    def work(i):
        for _ in range(5):
            found[i] = ks.ground_state(h[i]).energy
            h[i].matvec(np.ones(4096))

    workers = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for t in workers:
        t.start()
    for t in workers:
        t.join()

    np.testing.assert_allclose(found, alone, atol=1e-11)


def test_a_solve_waits_for_no_other():
    """Two solves that go on together or not at all: each waits in its first report for one of the other."""
    h = [ks.model("heisenberg", sites=16, bz=0.1 * i) for i in range(2)]
    together, met = threading.Barrier(2, timeout=60), [False, False]

    def work(i):
        def tell(progress):
            if not met[i]:
                together.wait()
                met[i] = True

        ks.eigh(h[i], k=4, method="lanczos", progress=tell)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(work, i) for i in range(2)]:
            future.result(120)

    assert met == [True, True]


COUNTED = """
import os, threading
import kronsolve as ks
ks.set_threads(1)
h = ks.model("heisenberg", sites=18, cyclic=True)
def work():
    ks.evolve(h, "neel", [0.2], workers=1)
    print(len(os.listdir("/proc/self/task")))
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_the_number_of_threads_is_that_of_every_thread_of_python():
    """OpenMP keeps it for each thread apart: without our doing there would be five threads in place of two."""
    done = run_python(COUNTED, environment={"OMP_NUM_THREADS": "4"})

    assert done.stdout.split() == ["2"], done.stdout + done.stderr


INTERRUPTED = """
import os, signal, sys, threading, time
import kronsolve as ks
h = ks.model("heisenberg", sites=18, cyclic=True)
small = ks.model("heisenberg", sites=8)
def soon():
    time.sleep(1.0)
    global sent
    sent = time.perf_counter()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=soon).start()
try:
    CALL
    print("not interrupted")
except KeyboardInterrupt:
    print("after", time.perf_counter() - sent)
print(ks.ground_state(small).energy)
"""


@pytest.mark.parametrize(
    "call",
    [
        "ks.eigh(h, k=12, method='lanczos', tol=1e-14, max_iterations=10**7)",
        "ks.eigh(h, k=60, method='slepc', tol=1e-14)",
        "ks.evolve(h, 'neel', [1e5])",
        "ks.expm_multiply(h, -1e5j, 'neel')",
        "ks.eigh(h, k=20, workers=2, method='lanczos', tol=1e-14, max_iterations=10**7)",
    ],
)
def test_ctrl_c_ends_a_solve_and_leaves_a_session(call):
    done = run_python(INTERRUPTED.replace("CALL", call), timeout=120)

    lines = done.stdout.split()
    assert lines[0] == "after", done.stdout + done.stderr
    assert float(lines[1]) < 3.0  # a second on a quiet machine
    assert float(lines[2]) == pytest.approx(ks.ground_state(ks.model("heisenberg", sites=8)).energy, abs=1e-10)


def test_progress_is_told():
    seen = []

    ks.eigh(ks.model("heisenberg", sites=16), k=4, method="lanczos", progress=seen.append)

    assert all(p.wanted == 4 for p in seen)
    assert seen and "pairs" in repr(seen[-1])


class Stream(io.StringIO):
    """What standard error is in a file, a terminal, a notebook."""

    terminal = False

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize("kind", ["file", "terminal", "notebook"])
def test_a_bar_is_shown(kind, monkeypatch):
    stream = type("OutStream", (Stream,), {"__module__": "ipykernel.iostream" if kind == "notebook" else "io"})()
    stream.terminal = kind == "terminal"
    monkeypatch.setattr(sys, "stderr", stream)

    ks.eigh(ks.model("heisenberg", sites=16), k=4, method="lanczos", progress=True)

    shown = stream.getvalue()
    lines = shown.rstrip("\n").split("\n" if kind == "file" else "\r")
    bars = [line for line in lines if line]
    assert len(bars) > 1 and all(re.match(r"\[#*-*\] \d of 4 pairs, value ", bar) for bar in bars)
    assert all(bar.index("]") == 21 for bar in bars)
    parts = [bar.count("#", 0, 22) for bar in bars]
    assert parts[0] <= parts[-1] == 20 and "] 4 of 4 pairs, value " in bars[-1]
    assert shown.endswith("\n") and (kind == "file" or shown.count("\n") == 1)


def test_loops_leak_nothing():
    h = ks.model("heisenberg", sites=8, cyclic=True)
    lazy = ks.Lazy(lambda ownership: np.eye(64)[ownership[0] : ownership[1]], (64, 64))

    def loop(times):
        for _ in range(times):
            r = ks.eigh(h, k=2)
            r.state(0).entanglement_entropy(4)
            ks.eigh(lazy)
            h.in_sector(sz=0).matvec(np.ones(70))
            try:
                ks.eigh(h, k=0)
            except ks.Error:
                pass
        gc.collect()

    loop(100)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loop(1000)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert after - before < 4096  # KiB: a vector a turn would be 3 MiB and more


def test_import_takes_little_beyond_numpy():
    def user_seconds(code):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    extra = statistics.median(
        user_seconds("import numpy, kronsolve") - user_seconds("import numpy") for _ in range(5)
    )

    assert extra < 0.3  # of processor time; 0.15 s on a quiet machine


def test_import_brings_neither_scipy_nor_mpi():
    done = run_python(
        "import sys, kronsolve; print('scipy' in sys.modules, 'mpi4py' in sys.modules, kronsolve._core.mpi_running())"
    )

    assert done.stdout.split() == ["False", "False", "False"], done.stderr


def public():
    for name in ks.__all__:
        yield name, getattr(ks, name)
        if inspect.isclass(getattr(ks, name)) and getattr(ks, name).__module__.startswith("kronsolve."):
            for part, member in vars(getattr(ks, name)).items():
                if not part.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                    yield f"{name}.{part}", member


def test_everything_public_is_documented():
    missing = [name for name, thing in public() if not inspect.getdoc(thing)]

    assert missing == ["KeptVector"] or not missing
    assert "Parameters\n" in (ks.eigh.__doc__ or "")


def test_completion_finds_what_there_is():
    import rlcompleter

    names = {"ks": ks, "h": ks.model("ising", sites=3), "S": ks.spins(2)}
    completer = rlcompleter.Completer(names)

    for text, wanted in [("ks.eig", "ks.eigh("), ("h.in_", "h.in_sector("), ("S.", "S.z"), ("h.mat", "h.matvec(")]:
        found = []
        while (match := completer.complete(text, len(found))) is not None:
            found.append(match)
        assert any(f.startswith(wanted) for f in found), (text, found)


def test_handlers_of_signals_stay_pythons():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
