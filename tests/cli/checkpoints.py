"""Solves that are killed or asked to end, and go on: the same digits on any number of ranks and threads."""

import os
import random
import signal
import subprocess
import sys
import time

import program

QUICK = "all" not in sys.argv
# Long enough to be met in the middle: some hundred products of some milliseconds.
GROUND = ("ground", "--model", "heisenberg", "--sites", 18, "-k", 2)
ENERGY = ("ground", "--model", "xxz", "-p", "delta=0.3", "--sites", 20, "--observe", "corr:Sz,Sz:0,9")
INSIDE = ("eigh", "--model", "mbl", "-p", "dh=2", "--sites", 13, "--sector", "sz=1/2", "-k", 5, "--position", 0.4)
WINDOW = ("eigh", "--model", "xxz", "-p", "delta=0.3", "--sites", 12, "--interval=-0.31,-0.25")
LARGEST = ("svds", "--model", "heisenberg", "--sites", 14, "-k", 6)
SMALLEST = ("svds", "--model", "mbl", "-p", "dh=3", "--sites", 9, "-k", 2, "--which", "smallest", "--ncv", 120)
EVOLVE = ("evolve", "--model", "heisenberg", "--sites", 16, "--state", "neel", "--time", 12, "--steps", 60, "--observe", "sz",
          "--observe", "entropy:half")
SECTORS = ("ground", "--model", "xxz", "-p", "delta=0.3", "--sites", 16, "--sector", "sz=0..3", "-k", 2)
LEVELS = ("levels", "--model", "mbl", "--sites", 14, "--sector", "sz=0..4", "-k", 3)
KRYLOV_SCHUR = ("ground", "--model", "heisenberg", "--sites", 16, "-k", 6, "--method", "slepc")  # another solve goes on: not the same bits
ALL = (GROUND, ENERGY, INSIDE, WINDOW, LARGEST, SMALLEST, EVOLVE, SECTORS, LEVELS, KRYLOV_SCHUR)
VARIANTS = [(ranks, threads) for ranks in ((0, 2, 3) if QUICK else (0, 2, 3, 5)) for threads in (1, 2)]


def numbers(found: dict) -> list[float]:
    """All that was computed, as one list."""
    lists = [found.get(name, []) for name in ("eigenvalues", "singular_values", "energies", "norms")]

    def flat(value):
        return [one for part in value for one in flat(part)] if isinstance(value, list) else [value]

    levels = [[level["energy"], level["residual"], level.get("spin", 0)] for level in found.get("levels", [])]
    return flat(lists) + flat(levels) + flat(list(found["observables"].values()) if "observables" in found else [])


def inside(found: dict) -> bool:
    return found.get("method") == "filter"


class Checkpoints(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "c.h5"
        seed = int(os.environ.get("KRONSOLVE_FUZZ_SEED", random.randrange(1 << 32)))
        print(f"KRONSOLVE_FUZZ_SEED={seed}", file=sys.stderr)
        self.random = random.Random(seed)

    def disturb(self, number, seconds, *arguments, ranks=0) -> tuple[int, str, str]:
        """Runs with a signal so many seconds after the solve has begun."""
        said = self.folder / "stderr"
        with open(said, "w", encoding="utf-8") as err:
            process = subprocess.Popen(program.command(*arguments, "--json", ranks=ranks), stdout=subprocess.PIPE, stderr=err, text=True)
        self.addCleanup(process.kill)
        while process.poll() is None and "starting from the beginning" not in said.read_text():
            time.sleep(0.001)
        time.sleep(seconds)
        process.send_signal(number)
        out, _ = process.communicate(timeout=120)
        return process.returncode, out, said.read_text()

    def stop_in_the_middle(self, number, seconds, *arguments) -> tuple[int, str, str]:
        """Asks a run of so many seconds to end, sooner each time until it is met before its end."""
        for part in (0.5, 0.3, 0.1, 0, 0, 0):
            self.forget()
            said = self.disturb(number, part * seconds, *arguments, "--checkpoint", self.path)
            if said[0] == 75:
                break
        return said

    def assert_same(self, found: dict, undisturbed: dict, exactly: bool):
        now, before = numbers(found), numbers(undisturbed)
        self.assertEqual(len(now), len(before))
        if exactly:
            self.assertEqual(now, before)
        for a, b in zip(now, before):
            self.assertAlmostEqual(a, b, delta=1e-10)
        names = [name for name in ("eigenvalues", "singular_values", "energies") if name in undisturbed]
        scale = max((abs(b) for name in names for b in undisturbed[name]), default=1)  # small levels have digits of the large ones
        for name in names:
            for a, b in zip(found[name], undisturbed[name]):
                self.assertAlmostEqual(a, b, delta=1e-13 * (scale if "singular" in name or inside(undisturbed) else abs(b)))

    def length(self, arguments) -> tuple[dict, float]:
        """The undisturbed answer on one thread, and how long it takes."""
        self.forget()
        done = program.run(*arguments, "--json", "--threads", 1, "--checkpoint", self.path, timeout=120)
        self.assertEqual(done.status, 0, done.err)
        self.assertIn(f"nothing at '{self.path}': starting from the beginning", done.err)
        self.forget()
        return done.json(), done.seconds

    def forget(self):
        for path in self.folder.glob("c.h5*"):
            path.unlink()

    def go_on(self, arguments, undisturbed, variant, exactly=True):
        ranks, threads = variant
        done = program.run(*arguments, "--json", "--threads", threads, "--checkpoint", self.path, ranks=ranks, timeout=240)
        self.assertEqual(done.status, 0, done.err)
        self.assertIn("going on from" if self.path.exists() else "nothing at", done.err)
        # With as many ranks and threads every sum is the same sum.
        self.assert_same(done.json(), undisturbed, exactly=exactly and variant == (0, 1) and "slepc" not in arguments)

    def test_killed_at_any_moment_it_goes_on(self):
        met = 0
        for arguments in ALL:
            undisturbed, seconds = self.length(arguments)
            variants = VARIANTS if not QUICK else [(0, 1), self.random.choice(VARIANTS[1:])]
            for variant in variants * (1 if QUICK else 4):
                with self.subTest(arguments=arguments, variant=variant):
                    self.forget()
                    self.disturb(signal.SIGKILL, self.random.uniform(0, 0.8) * seconds, *arguments, "--threads", 1, "--checkpoint",
                                 self.path, "--every", "0.02s")
                    met += self.path.exists()
                    self.go_on(arguments, undisturbed, variant)
        self.assertGreater(met, 0)

    def test_asked_to_end_it_writes_a_checkpoint_and_goes_on(self):
        for arguments, number, ranks in ((GROUND, signal.SIGTERM, ()), (ENERGY, signal.SIGUSR1, ()), (EVOLVE, signal.SIGTERM, ()),
                                         (INSIDE, signal.SIGTERM, ()), (WINDOW, signal.SIGUSR1, ()), (LARGEST, signal.SIGTERM, ()),
                                         (SMALLEST, signal.SIGUSR1, ("--ranks", 2)), (ENERGY, signal.SIGUSR1, ("--ranks", 2)),
                                         (KRYLOV_SCHUR, signal.SIGTERM, ()), (SECTORS, signal.SIGTERM, ()), (LEVELS, signal.SIGUSR1, ("--ranks", 2))):
            undisturbed, seconds = self.length(arguments)
            status, out, err = self.stop_in_the_middle(number, seconds, *arguments, *ranks, "--threads", 1)
            with self.subTest(arguments=arguments, number=number, ranks=ranks):
                self.assertEqual((status, out), (75, ""), err)
                self.assertIn(f"stopped after writing '{self.path}': the same command goes on from it", err)
                self.assertEqual([path.name for path in self.folder.glob("c.h5*")], ["c.h5"])
                self.go_on(arguments, undisturbed, (0, 1), exactly=not ranks)
                done = program.run(*arguments, "--json", "--threads", 2, "--resume", self.path, timeout=120)
                self.assertEqual(done.status, 0, done.err)
                self.assert_same(done.json(), undisturbed, exactly=False)
            self.forget()

    def test_a_signal_at_any_moment_has_it_run_again_or_end_well(self):
        """The end of a run listens as well: a scheduler's signal must not spoil an answer that is on its way out."""
        for ranks in ((), ("--ranks", 2)):
            seen = set()
            arguments = ("evolve", "--model", "heisenberg", "--sites", 13, "--state", "neel", "--time", 4, "--steps", 200, *ranks)
            _, seconds = self.length(arguments)
            for part in range(4 if QUICK else 40):
                self.forget()
                status, out, err = self.disturb(signal.SIGUSR1, self.random.uniform(0.1, 1.3) * seconds if part else 0, *arguments,
                                                "--checkpoint", self.path)
                seen.add(status)
                with self.subTest(ranks=ranks, status=status):
                    self.assertIn(status, (0, 75), err)
                    self.assertEqual(out != "", status == 0, err)
            self.assertIn(75, seen)

    def test_the_end_of_a_job_is_seen(self):
        begun = int(time.time())
        done = program.run(*EVOLVE[:7], "--time", 400, "--steps", 40000, "--json", "--checkpoint", self.path, timeout=120,
                           env={"SLURM_JOB_END_TIME": begun + 45})
        self.assertEqual((done.status, done.out), (75, ""), done.err)
        self.assertLess(time.time(), begun + 45)
        self.assertTrue(self.path.exists())
        done = program.run(*EVOLVE, "--checkpoint", self.path, env={"SLURM_JOB_END_TIME": int(time.time()) + 20})
        self.assert_refused(done, 1, "before anything could be done; give it more time")

    def test_anything_else_is_one_line_and_touches_nothing(self):
        status, _, err = self.stop_in_the_middle(signal.SIGTERM, 0.5, *ENERGY)
        self.assertEqual(status, 75, err)
        before = self.path.read_bytes()
        chain = ("ground", "--model", "xxz", "-p", "delta=0.3", "--sites", 20)
        for arguments, words in ((("-k", 2), "k is '1' there, '2' here"), (("--tol", 1e-8), "tol is"), (("--seed", 3), "seed is"),
                                 (("-p", "bz=0.5"), "-p bz is '0' there, '0.5' here"), (("--sector", "sz=0"), "sector is"),
                                 (("--energy-only",), "vectors is"), (("--cyclic",), "model is")):
            with self.subTest(words):
                self.assert_refused(program.run(*chain, *arguments, "--checkpoint", self.path), 2, "of another problem", words,
                                    "nothing was touched")
        self.assert_refused(program.run(*EVOLVE, "--resume", self.path), 2, "command is 'eigh' there, 'evolve' here")
        for method in ("jd", "dense", "lobpcg"):
            self.assert_refused(program.run("ground", "--model", "xxz", "--sites", 8, "--method", method, "--checkpoint", self.folder / "new"),
                                4, "needs method lanczos")
        saved = self.folder / "saved.h5"
        self.solve("ground", "--model", "xxz", "--sites", 4, "--save", saved)
        other = saved.read_bytes()
        self.assert_refused(program.run(*chain, "--checkpoint", saved), 2, "is no checkpoint", "nothing was touched")
        self.assert_refused(program.run("measure", self.path, "--observe", "sz"), 2, "layout")
        self.assertEqual((self.path.read_bytes(), saved.read_bytes()), (before, other))

    def test_of_a_damaged_file_the_older_one_is_taken(self):
        arguments = ("ground", "--model", "xxz", "--sites", 18)
        undisturbed, _ = self.length(arguments)
        done = program.run(*arguments, "--checkpoint", self.path, "--every", "0.001s")
        self.assertEqual(done.status, 0, done.err)
        whole = self.path.read_bytes()
        older = self.folder / "c.h5.previous"
        self.assertTrue(older.exists())
        damages = [b"", whole[:-1], whole[:len(whole) // 2]]
        for _ in range(3 if QUICK else 40):
            at = self.random.randrange(len(whole))
            damages.append(whole[:at] + bytes([whole[at] ^ 1 << self.random.randrange(8)]) + whole[at + 1:])
        for damage in damages:
            self.path.write_bytes(damage)
            done = program.run(*arguments, "--json", "--threads", 1, "--checkpoint", self.path)
            self.assertEqual(done.status, 0, done.err)
            self.assertIn(f"going on from the older '{older}'", done.err)
            self.assert_same(done.json(), undisturbed, exactly=False)
        older.write_bytes(b"damaged, too")
        self.path.write_bytes(damages[1])
        self.assert_refused(program.run(*arguments, "--checkpoint", self.path), 2, "c.h5", "nothing was touched")
        self.assertEqual(self.path.read_bytes(), damages[1])


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "all"]
    program.main()
