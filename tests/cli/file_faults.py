"""Files when the system fails: every call of a save fails in turn, small disks, two writers, signals, links."""

import errno
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
import unittest

import program

SHIM = os.environ["KRONSOLVE_FAILING_CALLS"]
QUICK = "all" not in sys.argv
EVOLVE = ("evolve", "--model", "heisenberg", "--sites", 10, "--state", "neel", "--time", 1, "--observe", "sz", "--json")


class FileFaults(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.place = self.folder / "place"
        self.place.mkdir()
        self.target = self.place / "a.h5"

    def whole(self, *arguments, name="--save", ranks=0) -> bytes:
        """What an undisturbed run writes: the same each time on as many ranks, whose sums have an order of their own."""
        done = program.run(*arguments, name, self.target, ranks=ranks)
        self.assertEqual(done.status, 0, done.err)
        return self.target.read_bytes()

    def assert_no_wrong_file(self, old: bytes | None, new: bytes, what):
        """The old file or the new one, and nothing beside it."""
        names = [path.name for path in self.place.iterdir()]
        if names:
            self.assertEqual(names, ["a.h5"], what)
            self.assertTrue(self.target.read_bytes() in (old, new), what)
        else:
            self.assertIsNone(old, what)

    def fail_each_call(self, old: bytes | None, new: bytes, *arguments, ranks=0) -> int:
        """Runs with the n-th call failing for n = 1, 2, ... until nothing fails any more; the number of faults."""
        faults = 0
        kinds = [(errno.ENOSPC, "once"), (errno.EIO, "ever")]
        if not QUICK:
            kinds += [(errno.EIO, "once"), (errno.ENOSPC, "ever")]
        for number, how in kinds:
            for n in range(1, 1000):
                if old is None:
                    self.target.unlink(missing_ok=True)
                else:
                    self.target.write_bytes(old)
                mark = self.folder / "mark"
                mark.unlink(missing_ok=True)
                done = program.run(*arguments, ranks=ranks, env={"LD_PRELOAD": SHIM, "KRONSOLVE_FAIL_MARK": mark,
                                                                 "KRONSOLVE_FAIL": f"{self.place}:{n}:{number}:{how}"})
                what = f"call {n} fails {how} with {errno.errorcode[number]}: {done.err}"
                self.assert_no_wrong_file(old, new, what)
                if not mark.exists():
                    self.assertEqual(done.status, 0, what)
                    self.assertTrue(self.target.read_bytes() == new, what)
                    break
                faults += 1
                if done.status == 0:  # a call whose failure changes nothing, such as closing a file that was read
                    self.assertTrue(self.target.read_bytes() == new, what)
                else:
                    self.assert_refused(done, 5, os.strerror(number))
            else:
                self.fail("it never ends")
        return faults

    def test_every_call_of_a_save_fails_in_turn(self):
        new = self.whole(*EVOLVE)
        self.assertTrue(self.whole(*EVOLVE) == new)
        old = b"an older file"
        faults = self.fail_each_call(old, new, *EVOLVE, "--save", self.target)
        if not QUICK:
            faults += self.fail_each_call(None, new, *EVOLVE, "--save", self.target)
            of_two = self.whole(*EVOLVE, ranks=2)
            faults += self.fail_each_call(old, of_two, *EVOLVE, "--save", self.target, ranks=2)
        print(f"{faults} faults", file=sys.stderr)
        self.assertGreater(faults, 30)

    def test_every_call_of_a_checkpoint_fails_in_turn(self):
        run = (*EVOLVE, "--steps", 4, "--threads", 1, "--checkpoint", self.target, "--every", "0.000001s")
        undisturbed = self.solve(*run)["energies"]
        older = self.place / "a.h5.previous"
        old = older.read_bytes()  # of the time before the last one that is kept
        faults = 0
        for number, how in [(errno.ENOSPC, "once"), (errno.EIO, "once")] + ([] if QUICK else [(errno.EIO, "ever")]):
            for n in range(1, 1000):
                self.target.write_bytes(old)
                older.unlink(missing_ok=True)
                mark = self.folder / "mark"
                mark.unlink(missing_ok=True)
                done = program.run(*run, env={"LD_PRELOAD": SHIM, "KRONSOLVE_FAIL_MARK": mark,
                                              "KRONSOLVE_FAIL": f"{self.place}:{n}:{number}:{how}"})
                what = f"call {n} fails {how} with {errno.errorcode[number]}: {done.err}"
                names = {path.name for path in self.place.iterdir()}
                self.assertLessEqual(names, {"a.h5", "a.h5.previous"}, what)
                self.assertIn(old, [path.read_bytes() for path in self.place.iterdir()], what)
                if not mark.exists():
                    self.assertEqual(done.status, 0, what)
                    break
                faults += 1
                if done.status != 0:
                    self.assertEqual((done.status, done.out), (5, ""), what)
                    last = done.err.splitlines()[-1]  # before it stands where the run goes on from
                    self.assertIn(os.strerror(number), last, what)
                again = program.run(*run)
                self.assertIn("going on from", again.err, what)
                self.assertEqual(again.json()["energies"], undisturbed, what)
            else:
                self.fail("it never ends")
        print(f"{faults} faults", file=sys.stderr)
        self.assertGreater(faults, 10)

    def test_small_disks(self):
        new = self.whole(*EVOLVE)
        self.target.unlink()
        refused = 0
        for kilobytes in range(4, 200, 8 if QUICK else 4):
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", self.place],
                                     capture_output=True, check=False)
            if mounted.returncode != 0:
                self.skipTest(f"mount: {mounted.stderr.decode()}")
            try:
                done = program.run(*EVOLVE, "--save", self.target)
                self.assert_no_wrong_file(None, new, kilobytes)
                if done.status == 0:
                    self.assertTrue(self.target.read_bytes() == new)
                    break
                self.assert_refused(done, 5, os.strerror(errno.ENOSPC))
                refused += 1
            finally:
                subprocess.run(["umount", self.place], check=True)
        else:
            self.fail("it never fitted")
        self.assertGreater(refused, 0)

    def test_a_limit_of_file_sizes(self):
        done = subprocess.run(program.command(*EVOLVE, "--save", self.target), capture_output=True, text=True, check=False,
                              timeout=60, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)))
        self.assertEqual((done.returncode, done.stdout), (5, ""), done.stderr)
        self.assertIn(os.strerror(errno.EFBIG), done.stderr)
        self.assertEqual(list(self.place.iterdir()), [])

    def test_two_that_save_to_one_name_each_leave_a_whole_file(self):
        wholes = {self.whole(*EVOLVE, "-p", f"j={j}") for j in (1, 2)}
        for _ in range(3 if QUICK else 20):
            runs = [subprocess.Popen(program.command(*EVOLVE, "-p", f"j={j}", "--save", self.target),
                                     stdout=subprocess.DEVNULL) for j in (1, 2)]
            self.assertEqual([run.wait(60) for run in runs], [0, 0])
            self.assertTrue(self.target.read_bytes() in wholes)
            self.assertEqual([path.name for path in self.place.iterdir()], ["a.h5"])

    def test_links_are_replaced_and_not_followed(self):
        new = self.whole(*EVOLVE)
        victim = self.file("victim", "precious")
        self.target.unlink()
        self.target.symlink_to(victim)
        for number in range(3):  # names that were once taken
            (self.place / ("a.h5.part" + "." * number)).symlink_to(victim)
        self.assertTrue(self.whole(*EVOLVE) == new)
        self.assertFalse(self.target.is_symlink())
        self.assertEqual(victim.read_text(encoding="utf-8"), "precious")

        self.target.unlink()
        os.mkfifo(self.target)
        self.assert_refused(program.run(*EVOLVE, "--save", self.target), 5, "not a regular file")
        folder = self.folder / "folder.h5"
        folder.mkdir()
        self.assert_refused(program.run(*EVOLVE, "--save", folder), 5, "it is a directory")

    def test_signals_leave_nothing_behind(self):
        # 2^22 amplitudes: long enough in the writing to be met there.
        large = ("evolve", "--model", "ising", "-p", "bx=0", "--sites", 22, "--state", "neel", "--time", 0.01)
        met = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for ranks in (("--ranks", 2), ()) if number == signal.SIGTERM else ((),):
                process = subprocess.Popen(program.command(*large, *ranks, "--save", self.target),
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.addCleanup(process.kill)
                deadline = time.monotonic() + 50
                # The name is tried out at the beginning; what grows is the file itself.
                while process.poll() is None and time.monotonic() < deadline:
                    if any(size(path) > 0 for path in self.place.iterdir()):
                        break
                process.send_signal(number)
                met += process.wait(30) == -number
                deadline = time.monotonic() + 10  # a worker of --ranks ends a moment later
                while time.monotonic() < deadline and any(path.name != "a.h5" for path in self.place.iterdir()):
                    time.sleep(0.05)
                self.assertEqual([path.name for path in self.place.iterdir() if path.name != "a.h5"], [])
        self.assertGreater(met, 0)


def size(path: pathlib.Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "all"]
    program.main()
