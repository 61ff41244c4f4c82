#!/usr/bin/env python3
"""What Python costs: products and solves beside those of C++, two solves in two threads, the import. One JSON line a case.

usage: python_package.py BUILD [CASE ...]     BUILD: a build folder with the package and the benchmarks; CASE: product, eigh, threads, import

C++ and Python are measured in turn, several times each, on one thread; a case compares the shortest times, which other work on the
machine disturbs least. Answers are checked first.
"""

import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import threading
import time

if len(sys.argv) < 2:
    sys.exit("usage: python_package.py BUILD [product|eigh|threads|import ...]")
BUILD = pathlib.Path(sys.argv[1]).resolve()
ENVIRONMENT = {**os.environ, "KRONSOLVE_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(BUILD / "python")}
ENERGIES = {20: -8.9043865298764423, 24: -10.670014516537236}  # of the ring


def run(*command):
    """What a program prints, as JSON."""
    done = subprocess.run([str(c) for c in command], env=ENVIRONMENT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def in_python(function, *arguments):
    """A function of this file in a process of its own."""
    return run(sys.executable, __file__, BUILD, "--run", function, *arguments)


def in_turn(times, *measures):
    """The shortest times, and the ratio of the last to the first; its spread over the turns."""
    turns = [[measure() for measure in measures] for _ in range(times)]
    best = [min(column) for column in zip(*turns)]
    ratios = sorted(turn[-1] / turn[0] for turn in turns)
    return {"seconds": best, "ratio": round(best[-1] / best[0], 3), "ratios": [round(r, 3) for r in ratios]}


def tell(case, facts):
    print(json.dumps({"case": case, **facts, "load": round(os.getloadavg()[0], 1)}), flush=True)


# ---- what runs in processes of its own ---------------------------------------------------------------


def product_here(sector):
    """The shortest of at least three products within about a second: the rule of benchmark_product."""
    import numpy as np

    import kronsolve as ks

    h = ks.model("heisenberg", sites=24, cyclic=True)
    h = h.in_sector(sz=0) if sector == "sz=0" else h
    x = h.matvec(np.random.default_rng(1).normal(size=h.shape[0]))  # lies as the library's vectors do
    y = h.matvec(x)
    assert abs(np.vdot(x, h.matvec(y)) / np.vdot(y, y) - 1) < 1e-12
    best = spent = count = 0.0
    while count < 3 or (count < 20 and spent < 1):
        began = time.perf_counter()
        h.matvec(x, out=y)
        seconds = time.perf_counter() - began
        best = min(best or seconds, seconds)
        spent, count = spent + seconds, count + 1
    return best


def eigh_here(sites):
    import kronsolve as ks

    h = ks.model("heisenberg", sites=int(sites), cyclic=True).in_sector(sz=0)
    began = time.perf_counter()
    energy = ks.ground_state(h, workers=1).energy
    seconds = time.perf_counter() - began
    assert abs(energy - ENERGIES[int(sites)]) < 1e-9
    return seconds


def threads_here(sites, times):
    """Two solves one after the other, and in two threads: seconds, processor seconds, and how often a thread waited.

    A lock would show as waits, memory and caches in common as processor time, on a busy machine as well.
    """
    import kronsolve as ks

    ks.set_threads(1)
    hs = [ks.model("heisenberg", sites=int(sites), cyclic=True, bz=0.1 * i).in_sector(sz=0) for i in range(2)]

    def work(h, told):
        before = resource.getrusage(resource.RUSAGE_THREAD)
        for _ in range(int(times)):
            ks.ground_state(h, workers=1)
        after = resource.getrusage(resource.RUSAGE_THREAD)
        told.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_nvcsw - before.ru_nvcsw))

    def timed(run):
        told = []
        began = time.perf_counter()
        run(told)
        return [time.perf_counter() - began, sum(t[0] for t in told), sum(t[1] for t in told)]

    def together(told):
        threads = [threading.Thread(target=work, args=(h, told)) for h in hs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def alone(told):
        for h in hs:
            work(h, told)

    alone([])
    return [(timed(alone), timed(together)) for _ in range(3)]


# ---- cases -------------------------------------------------------------------------------------------


def product():
    for sector in ("sz=0", "full"):
        program = [BUILD / "benchmarks" / "benchmark_product", "--no-plain", "heisenberg", 24, sector]
        tell(f"product, ring of 24 sites, {sector}", in_turn(5, lambda: run(*program)["product"], lambda: in_python("product_here", sector)))


def eigh():
    for sites in (20, 24):
        program = [BUILD / "bin" / "kronsolve", "ground", "--model", "heisenberg", "--sites", sites, "--cyclic", "--sector", "sz=0", "--json"]

        def by_program():
            told = run(*program)
            assert abs(told["energy"] - ENERGIES[sites]) < 1e-9
            return told["seconds"]["setup"] + told["seconds"]["solve"]

        tell(f"eigh, ring of {sites} sites, sz=0", in_turn(7, by_program, lambda: in_python("eigh_here", sites)))


def threads():
    for sites, repetitions in ((12, 10), (16, 20), (20, 3), (22, 1)):
        turns = [turn for _ in range(3) for turn in in_python("threads_here", sites, repetitions)]
        facts = {
            "ratios": sorted(round(one[0] / two[0], 2) for one, two in turns),
            "processor_seconds": [statistics.median(turn[i][1] for turn in turns) for i in range(2)],
            "waits": statistics.median(two[2] for _, two in turns),
        }
        tell(f"two solves in two threads, ring of {sites} sites, sz=0", facts)


def importing():
    def seconds(code):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=True)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    turns = [(seconds("import numpy"), seconds("import numpy, kronsolve")) for _ in range(15)]
    wall, processor = (round(statistics.median(b[i] - a[i] for a, b in turns), 3) for i in range(2))
    tell("import beyond NumPy", {"seconds": wall, "processor_seconds": processor})


CASES = {"product": product, "eigh": eigh, "threads": threads, "import": importing}

if __name__ == "__main__":
    if sys.argv[2:3] == ["--run"]:
        print(json.dumps(globals()[sys.argv[3]](*sys.argv[4:])))
    else:
        for name in sys.argv[2:] or CASES:
            if name not in CASES:
                sys.exit(f"python_package.py: unknown case '{name}'; known are {', '.join(CASES)}")
            CASES[name]()
