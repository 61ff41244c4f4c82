"""`plan` counts the states of a symmetry sector without listing them: sizes against a count of its own."""

import itertools
import math
import pathlib
import platform

import program


def cycles(image: list[int]) -> list[int]:
    """Lengths of the cycles of a permutation."""
    seen, lengths = set(), []
    for first in range(len(image)):
        length, at = 0, first
        while at not in seen:
            seen.add(at)
            length, at = length + 1, image[at]
        if length:
            lengths.append(length)
    return lengths


def fixed(image: list[int]) -> int:
    """Configurations with Sz = 0 that a permutation of spins 1/2 maps on themselves."""
    ways = {0: 1}
    for length in cycles(image):
        ways = {m: ways.get(m - length, 0) + ways.get(m + length, 0)
                for m in {m + s * length for m in ways for s in (1, -1)}}
    return ways.get(0, 0)


def fixed_flipped(image: list[int]) -> int:
    """The same if all spins are turned over as well: spins alternate along each cycle."""
    lengths = cycles(image)
    return 2 ** len(lengths) if all(length % 2 == 0 for length in lengths) else 0


def trivial_sector(images: list[list[int]]) -> int:
    """Orbits of the Sz = 0 configurations under the permutations and the flip (Burnside)."""
    total, rest = divmod(sum(fixed(p) + fixed_flipped(p) for p in images), 2 * len(images))
    assert rest == 0
    return total


def ring(n: int) -> list[list[int]]:
    return [[(s * i + shift) % n for i in range(n)] for shift in range(n) for s in (1, -1)]


def torus(length: int) -> list[list[int]]:
    """Translations and the eight symmetries of the square."""
    def image(a, b, c, d, tx, ty):
        return [((a * x + b * y + tx) % length) * length + (c * x + d * y + ty) % length
                for x in range(length) for y in range(length)]
    turns = [(s, 0, 0, t) for s in (1, -1) for t in (1, -1)] + [(0, s, t, 0) for s in (1, -1) for t in (1, -1)]
    return [image(*turn, tx, ty) for turn in turns for tx in range(length) for ty in range(length)]


def sectors(*conditions: str) -> list[str]:
    return [word for condition in conditions for word in ("--sector", condition)]


def instruction_sets() -> list[str]:
    """Kernels that this processor can run, the best last."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return ["baseline"]
    flags = set(next(line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")).split())
    needs = {"avx2": {"avx2", "fma"}, "avx512": {"avx512f", "avx512dq", "avx512vl", "avx512bw"}}
    return ["baseline", *(name for name, need in needs.items() if need <= flags)]


class Plan(program.ProgramTest):
    def test_36_sites_are_counted_not_listed(self):
        all_of_it = sectors("sz=0", "momentum=0", "reflection=1", "spinflip=1")
        for n in (12, 32, 36):
            plan = self.solve("plan", "--model", "heisenberg", "--sites", n, "--cyclic", *all_of_it, timeout=20)
            self.assertEqual(plan["dimension"], trivial_sector(ring(n)))
            self.assertEqual(plan["scalar"], "real")
        square = self.solve("plan", "--model", "heisenberg2d", "--size", "6x6", "--cyclic", timeout=20,
                            *sectors("sz=0", "momentum=0,0", "rotation=0", "reflection-x=1", "spinflip=1"))
        self.assertEqual(square["dimension"], trivial_sector(torus(6)))

    def test_known_sizes(self):
        ring_of_32 = ("plan", "--model", "heisenberg", "--sites", 32, "--cyclic")
        self.assertEqual(self.solve(*ring_of_32, *sectors("sz=0", "momentum=0"))["dimension"], 18784170)
        self.assertEqual(self.solve(*ring_of_32, *sectors("sz=0"))["dimension"], math.comb(32, 16))

    def test_the_plan_is_what_the_solve_does(self):
        case = ("--model", "heisenberg", "--sites", 16, "--cyclic", *sectors("sz=0", "momentum=3"))
        plan, ground = self.solve("plan", *case), self.solve("ground", *case)
        for field in ("dimension", "scalar", "method", "operator", "sector"):
            self.assertEqual(plan[field], ground[field], field)
        ratio = plan["memory_estimate_bytes"] / ground["memory_estimate_bytes"]
        self.assertTrue(0.7 < ratio < 1.4, ratio)

    def test_ranks_are_planned_for_and_not_started(self):
        case = ("plan", "--model", "heisenberg", "--sites", 30, "--cyclic", "--ranks", 64, *sectors("sz=0"))
        plan = self.solve(*case, timeout=30)
        self.assertEqual(plan["ranks"], 64)
        states = math.comb(30, 15)
        self.assertLess(plan["memory_rank_bytes"], 0.2 * 16 * states)
        exchange = plan["exchange"]
        self.assertTrue(exchange["counted"])
        # At least each bond between the first three sites, which ranks divide, moves half of the rows.
        self.assertGreater(exchange["bytes_per_state"], 8)
        self.assertLess(exchange["bytes_per_state"], 64)
        self.assertAlmostEqual(exchange["received_bytes"], exchange["bytes_per_state"] * states, delta=1)
        text = program.run(*case).out
        for words in ("exchange", "bytes a state", "messages from", "balance", "64 ranks"):
            self.assertIn(words, text)
        orbits = self.solve(*case, *sectors("momentum=0"), timeout=30)["exchange"]
        self.assertFalse(orbits["counted"])
        self.assertLess(orbits["received_bytes"], exchange["received_bytes"] / 10)
        self.assertNotIn("exchange", self.solve(*case[:-4], *sectors("sz=0")))

    def test_ranks_under_mpirun_are_those_that_are_there(self):
        case = ("plan", "--model", "heisenberg", "--sites", 20, "--cyclic", *sectors("sz=0"))
        there, planned = self.solve(*case, ranks=3), self.solve(*case, "--ranks", 3)
        self.assertEqual(there["exchange"], planned["exchange"])
        self.assertEqual(there["ranks"], planned["ranks"])

    def test_symmetries_of_a_graph_are_found(self):
        """A cube: sizes of its sectors against orbits under all 48 automorphisms, found by trying every permutation."""
        edges = sorted({tuple(sorted((v, v ^ bit))) for v in range(8) for bit in (1, 2, 4)})
        path = self.file("cube.txt", "".join(f"{i} {j}\n" for i, j in edges))
        automorphisms = [p for p in itertools.permutations(range(8)) if {tuple(sorted((p[i], p[j]))) for i, j in edges} == set(edges)]
        cube = ("--model", "heisenberg", "--lattice", f"edges:{path}")
        plan = self.solve("plan", *cube)
        found = plan["found_symmetries"]
        self.assertEqual(found["group"], len(automorphisms))
        self.assertEqual(found["dimension"], trivial_sector(automorphisms))
        images = {}
        for g in found["generators"]:
            image = tuple(int(i) for i in g["sector"].removeprefix("permutation=").split(","))
            images[g["name"]] = image
            self.assertIn(image, automorphisms)
            powers = [tuple(range(8))]
            while len(powers) == 1 or powers[-1] != powers[0]:
                powers.append(tuple(image[i] for i in powers[-1]))
            self.assertEqual(len(powers) - 1, g["order"])
            self.assertEqual(g["dimension"], trivial_sector(powers[:-1]))
        for relation in found["relations"]:
            words, right = relation.split(" = ")
            if right != "1":
                a, b = words
                self.assertEqual([images[a][i] for i in images[b]], [images[b][i] for i in images[a]])
                continue
            (a, b), power = words[1:3], int(words.split("^")[1])
            product = at = tuple(images[b][i] for i in images[a])
            for _ in range(power - 1):
                self.assertNotEqual(at, tuple(range(8)))
                at = tuple(product[i] for i in at)
            self.assertEqual(at, tuple(range(8)))
        # What is printed can be pasted.
        ground = self.solve("ground", *cube, *sectors(*found["sector"]))
        self.assertEqual(ground["dimension"], found["dimension"])
        text = program.run("plan", *cube).out
        for words in ("a group of 48 elements", *(f"--sector {g['sector']}" for g in found["generators"]), "relations"):
            self.assertIn(words, text)
        # A ring has names for all of its symmetries, a graph without any symmetry has none.
        self.assertNotIn("found_symmetries", self.solve("plan", "--model", "heisenberg", "--sites", 8, "--cyclic"))
        lone = self.file("lone.txt", "0 1\n0 2\n2 3\n0 4\n4 5\n5 6\n")
        self.assertNotIn("found_symmetries", self.solve("plan", "--model", "heisenberg", "--lattice", f"edges:{lone}"))

    def test_the_product_is_described(self):
        case = ("plan", "--model", "heisenberg", "--sites", 20, "--cyclic", *sectors("sz=0"))
        self.assertNotIn("register", program.run(*case).out)
        text = program.run(*case, "--verbose").out
        for words in ("Kronecker-block product of 184756 rows", "split: ", "blocks of", "mixed", "register operations"):
            self.assertIn(words, text)
        self.assertNotIn("Kronecker", program.run(*case, "--operator", "assembled", "--method", "slepc", "--verbose").out)

    def test_instruction_sets_are_chosen_and_refused(self):
        case = ("--model", "heisenberg", "--sites", 14, "--cyclic", *sectors("sz=0"))
        sets = instruction_sets()
        for asked, used in [*((name, name) for name in sets), ("", sets[-1])]:
            env = {"KRONSOLVE_SIMD": asked}
            self.assertIn(f"kernels: {used};", program.run("plan", *case, "--verbose", env=env).out)
            ground = self.solve("ground", *case, "--operator", "matrix-free", env=env)
            self.assertAlmostEqual(ground["eigenvalues"][0], -6.263549533547, delta=1e-10)
        missing = [name for name in ("avx2", "avx512") if name not in sets]
        for name in ("sse2", "AVX2", *missing):
            for command, ranks in (("plan", 0), ("ground", 0), ("ground", 2)):
                self.assert_refused(program.run(command, *case, ranks=ranks, env={"KRONSOLVE_SIMD": name}), 2,
                                    "KRONSOLVE_SIMD", "baseline, avx2 or avx512", f"up to {sets[-1]}", f"'{name}'")

    def test_rows_of_a_symmetry_sector_that_do_not_fit_are_computed_anew(self):
        case = ("--model", "heisenberg", "--sites", 24, "--cyclic", "--sector", "sz=0", "--sector", "momentum=0", "--sector", "reflection=1",
                "--energy-only")
        energies = []
        for form, limit, ranks, expected in (("auto", "8G", 0, "assembled"), ("auto", "40M", 0, "matrix-free"), ("auto", "55M", 2, "matrix-free"),
                                             ("assembled", "40M", 0, None)):
            with self.subTest(form=form, limit=limit, ranks=ranks):
                env = {"KRONSOLVE_MEMORY_LIMIT": limit}
                done = program.run("ground", *case, "--operator", form, "--json", ranks=ranks, env=env)
                if expected is None:
                    self.assert_refused(done, 2, "MiB", "available")
                    continue
                self.assertEqual(done.status, 0, done.err)
                self.assertEqual(done.json()["operator"], expected)
                energies.append(done.json()["eigenvalues"][0])
                if ranks == 0:
                    self.assertEqual(self.solve("plan", *case, "--operator", form, env=env)["operator"], expected)
        for energy in energies:
            self.assertAlmostEqual(energy, energies[0], delta=1e-11)
        for method in ("lobpcg", "jd", "gd"):
            self.assert_refused(program.run("ground", *case[:-1], "--operator", "matrix-free", "--method", method), 4, method,
                                "needs the diagonal of stored rows in this sector")

    def test_where_vectors_do_not_fit_a_larger_machine_is_planned_for(self):
        for sites in (32, 34):
            case = ("plan", "--model", "heisenberg", "--sites", sites, "--cyclic", *sectors("sz=0"))
            for form in ((), ("--operator", "matrix-free")):
                plan = self.solve(*case, *form, env={"KRONSOLVE_MEMORY_LIMIT": "1G"})
                vectors = 3 * 8 * math.comb(sites, sites // 2)
                self.assertEqual((plan["operator"], plan["fits"]), ("matrix-free", False))
                self.assertTrue(vectors <= plan["memory_estimate_bytes"] < 1.2 * vectors, plan["reason"])

    def test_suggests_every_symmetry(self):
        chain = self.solve("plan", "--model", "heisenberg", "--sites", 32, "--cyclic")
        self.assertEqual(chain["suggested_symmetries"],
                         {"sector": ["sz=0", "momentum=0", "reflection=1", "spinflip=1"], "dimension": 4707969})
        square = self.solve("plan", "--model", "heisenberg2d", "--size", "4x4", "--cyclic")["suggested_symmetries"]
        self.assertEqual(square["dimension"], trivial_sector(torus(4)))
        # What the suggestion says is taken as it stands.
        again = self.solve("plan", "--model", "heisenberg2d", "--size", "4x4", "--cyclic", *sectors(*square["sector"]))
        self.assertEqual(again["dimension"], square["dimension"])
        self.assertNotIn("suggested_symmetries", again)
        self.assertNotIn("suggested_symmetries",
                         self.solve("plan", "--model", "mbl", "--sites", 12, "--cyclic", "-p", "axes=xz"))

    def test_empty_and_broken_sectors_are_refused_as_by_a_solve(self):
        case = ("--model", "heisenberg", "--sites", 4, "--cyclic", *sectors("sz=2", "momentum=1"))
        plan, ground = program.run("plan", *case), program.run("ground", *case)
        self.assert_refused(plan, 2, "no states", "momentum can be 0")
        self.assertEqual(plan.err, ground.err)
        self.assert_refused(program.run("plan", "--model", "ising", "--sites", 4, *sectors("sz=0")), 2, "changes sz")


if __name__ == "__main__":
    program.main()
