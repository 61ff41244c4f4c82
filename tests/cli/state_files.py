"""State files are untrusted input: damaged ones, and whole ones that were made to do harm."""

import json
import os
import pathlib
import random
import shutil
import sys

import h5py
import numpy

import program

CHAIN = ("--model", "heisenberg", "--sites", 6)
WORD = (1 << 64) - 1
ARGUMENTS = tuple(sys.argv)
DAMAGES = 10000 if "all" in ARGUMENTS else 60


def seal(path: pathlib.Path):
    """Puts the right checksum at the end of what may be no state at all."""
    data = path.read_bytes()
    lanes, padded = [1, 2, 3, 4], data + bytes(-len(data) % 8)
    for i in range(len(data) // 8):
        word = int.from_bytes(padded[8 * i:8 * i + 8], "little")
        turned = ((lanes[i % 4] ^ word) * 0x9e3779b97f4a7c15) & WORD
        lanes[i % 4] = ((turned << 29) | (turned >> 35)) & WORD
    total = len(data) ^ (int.from_bytes(padded[-8:], "little") if len(data) % 8 else 0)
    for lane in lanes:
        total = ((total ^ lane) * 0xff51afd7ed558ccd) & WORD
        total ^= total >> 32
    path.write_bytes(data + b"kronsolve checksum %016x of %018d bytes\n" % (total, len(data)))


class StateFiles(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.saved = self.folder / "saved.h5"
        self.solve("evolve", *CHAIN, "--state", "neel", "--time", 1, "--save", self.saved)
        self.state = self.folder / "state.h5"

    def read(self, ranks=0, env=None) -> program.Done:
        return program.run("evolve", *CHAIN, "--state", self.state, "--time", 1, ranks=ranks, timeout=20, env=env)

    def test_damage_is_seen(self):
        seed = int(os.environ.get("KRONSOLVE_FUZZ_SEED", random.randrange(1 << 32)))
        print(f"KRONSOLVE_FUZZ_SEED={seed}", file=sys.stderr)
        source = random.Random(seed)
        whole = self.saved.read_bytes()
        for _ in range(DAMAGES):
            damaged = bytearray(whole)
            if source.random() < 0.3:
                del damaged[source.randrange(len(whole)):]
            else:
                for _ in range(source.choice((1, 1, 2, 10))):
                    damaged[source.randrange(len(whole))] ^= 1 << source.randrange(8)
            self.state.write_bytes(damaged)
            self.assert_refused(self.read(), 2, "state.h5")
        self.state.write_bytes(b"")
        self.assert_refused(self.read(2), 2, "not an HDF5 file")
        self.state.write_bytes(whole)
        self.assertEqual(self.read().status, 0)

    def hostile(self, change):
        """The saved file after change(file), with a checksum as it should be."""
        shutil.copyfile(self.saved, self.state)
        data = self.state.read_bytes()
        self.state.write_bytes(data[:-64])
        with h5py.File(self.state, "r+") as file:
            change(file)
        seal(self.state)

    def test_hostile_files_are_refused(self):
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        secret = self.folder / "secret"
        secret.write_bytes(numpy.full(64, 0.125).tobytes())
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["state"] = numpy.full(64, 0.125)

        def attribute(value, **more):
            def change(file):
                del file.attrs["basis"]
                file.attrs.create("basis", value, **more)
            return change

        def state(**how):
            def change(file):
                del file["state"]
                file.create_dataset("state", **how)
            return change

        def link(to):
            def change(file):
                del file["state"]
                file["state"] = to
            return change

        def virtual(file):
            layout = h5py.VirtualLayout((64,), "f8")
            layout[:] = h5py.VirtualSource(self.folder / "other.h5", "state", (64,))
            del file["state"]
            file.create_virtual_dataset("state", layout)

        def group(file):
            del file["state"]
            file.create_group("state")

        cases = {
            "a text that is an array": attribute(["6 spin-1/2, full space"] * 1000),
            "a text of fixed length": attribute(numpy.bytes_("6 spin-1/2, full space")),
            "a text that is a number": attribute(7),
            "a text that is a large array of numbers": attribute(numpy.arange(7000.0)),
            "no text": lambda file: file.attrs.__delitem__("basis"),
            "a huge text": attribute("x" * 5_000_000),
            "texts": state(data=["a"] * 64),
            "whole numbers": state(data=numpy.arange(64)),
            "single precision": state(data=numpy.ones(64, "f4")),
            "pairs of other names": state(data=numpy.zeros(64, [("re", "f8"), ("im", "f8")])),
            "pairs of whole numbers": state(data=numpy.zeros(64, [("r", "i8"), ("i", "i8")])),
            "a matrix": state(data=numpy.zeros((8, 8))),
            "three dimensions": state(data=numpy.zeros((4, 4, 4))),
            "one number": state(data=1.0),
            "nothing": state(data=h5py.Empty("f8")),
            "huge dimensions, chunked": state(shape=(1 << 60,), dtype="f8", chunks=(1 << 20,)),
            "huge dimensions": state(shape=(1 << 40,), dtype="f8", external=[(str(secret), 0, 512), ("/dev/zero", 0, 1 << 43)]),
            "unwritten": state(shape=(64,), dtype="f8"),
            "compressed": state(data=numpy.ones(64), compression="gzip"),
            "external storage": state(shape=(64,), dtype="f8", external=[(str(secret), 0, 512)]),
            "external storage in a FIFO": state(shape=(64,), dtype="f8", external=[(str(fifo), 0, 512)]),
            "an external link": link(h5py.ExternalLink(str(self.folder / "other.h5"), "/state")),
            "an external link to a FIFO": link(h5py.ExternalLink(str(fifo), "/state")),
            "a soft link to nothing": link(h5py.SoftLink("/nothing")),
            "a soft link to itself": link(h5py.SoftLink("/state")),
            "a group": group,
            "a virtual data set": virtual,
            "a norm far from 1": state(data=numpy.full(64, 0.1)),
            "NaN": state(data=numpy.full(64, numpy.nan)),
            "zeros": state(data=numpy.zeros(64)),
        }
        for name, change in cases.items():
            with self.subTest(name):
                self.hostile(change)
                for ranks in (0, 2) if "FIFO" in name or "text" in name or "all" in ARGUMENTS else (0,):
                    done = self.read(ranks)
                    self.assert_refused(done, 2, "state")
                    self.assertLess(len(done.err), 700)
        self.hostile(state(data=numpy.full(64, 0.125)))  # the checksum of this test is the right one
        self.assertEqual(self.read().status, 0)

    def test_hostile_descriptions_are_refused(self):
        with h5py.File(self.saved) as file:
            whole = json.loads(file.attrs["description"])

        def description(text):
            def change(file):
                del file.attrs["description"]
                file.attrs["description"] = text
            return change

        cases = ["not JSON", "[]", "{}", "[" * 100_000, "7", json.dumps(whole)[:-20]]
        for key, value in (("local", 7), ("local", ["spin-1/2"] * 60), ("local", ["dim:99999999"]), ("local", []), ("operator", "Sz_9"),
                           ("operator", 7), ("operator", "Sz_0 *"), ("define", [1]), ("define", {"M": [[1, 0], [2, 0]]}),
                           ("define", {"M": [[1]]}), ("sector", "sz=0"), ("sector", ["sz=0"]), ("sector", ["momentum=0"]),
                           ("lattice", {}), ("lattice", {"size": [1 << 40], "name": "chain", "cyclic": "none"}),
                           ("lattice", {"size": [6], "name": "x", "cyclic": "none"}),
                           ("lattice", {"size": [], "sites": 6, "edges": [[0, 99]]})):
            cases.append(json.dumps(whole | {key: value}))
        for case in cases:
            with self.subTest(case[:200]):
                self.hostile(description(case))
                done = program.run("measure", self.state, "--observe", "energy", timeout=20)
                self.assert_refused(done, 2)
                self.assertLess(len(done.err), 700)
        self.hostile(description(json.dumps(whole)))
        self.assertEqual(program.run("measure", self.state, "--observe", "energy").status, 0)

    def test_no_other_file_is_opened(self):
        # A soft link at the path is followed, what it leads to must be a file.
        self.state.symlink_to(self.saved)
        self.assertEqual(self.read().status, 0)
        self.state.unlink()
        os.mkfifo(self.state)
        self.assert_refused(self.read(), 5, "not a regular file")
        self.assert_refused(self.read(2), 5, "not a regular file")


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "all"]
    program.main()
