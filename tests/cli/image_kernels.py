"""Sectors of symmetries with the loops of every instruction set: together they are the full spectrum."""

import itertools

import program
import spin_flip

SETS = ("baseline", "avx2", "avx512")


class ImageKernels(program.ProgramTest):
    def each_set(self):
        """Environments with the sets that this machine has."""
        for name in SETS:
            env = {"KRONSOLVE_SIMD": name}
            if program.run("ground", "--model", "ising", "--sites", 2, env=env).status == 0:
                with self.subTest(set=name):
                    yield env

    def levels(self, env: dict, *args: str) -> list[float]:
        return self.solve("eigh", "-k", "all", *args, env=env)["eigenvalues"]

    def expect_union(self, env: dict, system: list, charges: list[str], symmetries: list[list[str]]):
        def asked(conditions):
            return [word for c in conditions for word in ("--sector", c)]
        parts = sorted(level for values in itertools.product(*symmetries)
                       for level in self.levels(env, *system, *asked([*charges, *values])))
        whole = self.levels(env, *system, *asked(charges))
        self.assertEqual(len(parts), len(whole))
        for a, b in zip(parts, whole):
            self.assertAlmostEqual(a, b, places=9)

    def test_a_permutation_of_a_mixture(self):
        local, image = ["electron", "fermion", "tj", "electron", "fermion", "tj"], [3, 4, 5, 0, 1, 2]
        terms = []
        for i, j in itertools.combinations(range(6), 2):
            for a, b in ((i, j), (image[i], image[j])):
                terms += [[0.1 * (i + 1) + 0.37 * j, *hop] for hop in spin_flip.hops(local, a, b)]
        terms += [[0.3 + site % 3, "N", site] for site in range(6)]
        path = spin_flip.write_operator(self, local, terms)
        swap = "permutation=" + ",".join(map(str, image))
        for env in self.each_set():
            self.expect_union(env, ["--terms", path], ["n=2"],
                              [[swap, swap + ":1/2"], ["spinflip=1", "spinflip=-1"]])

    def test_configurations_of_more_than_32_bits(self):
        signs = [[f"{name}={sign}" for sign in (1, -1)] for name in ("reflection", "spinflip")]
        for env in self.each_set():
            self.expect_union(env, ["--model", "heisenberg", "--sites", 34], ["sz=15"], signs[:1])
            self.expect_union(env, ["--model", "hubbard", "--sites", 17], ["nup=1", "ndown=1"], signs)


if __name__ == "__main__":
    program.main()
