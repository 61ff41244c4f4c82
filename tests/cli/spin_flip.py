"""Spin flips on mixtures of electrons, t-J sites, spinless fermions and spins: the two sectors together are the
full spectrum, and the ground state of a sector has the observables and entropies that it has outside."""

import itertools
import random

import program

ELECTRONS = {"electron", "tj"}


def partners(kind: str) -> list[tuple[str, str]]:
    """Pairs of creation and destruction operators that a flip exchanges, or the one pair of a spinless site."""
    return [("Cup+", "Cup-"), ("Cdn+", "Cdn-")] if kind in ELECTRONS else [("C+", "C-")]


def hops(local: list[str], i: int, j: int) -> list[list]:
    """What moves a particle between two sites with fermions, the same for both spins."""
    a, b = partners(local[i]), partners(local[j])
    pairs = zip(a, b) if len(a) == len(b) else itertools.product(a, b)
    return [term for (up_i, down_i), (up_j, down_j) in pairs
            for term in ([up_i, i, down_j, j], [up_j, j, down_i, i])]


def flip_symmetric(local: list[str], rng: random.Random) -> list[list]:
    """Terms of a random Hermitian operator that does not change when all spins are turned over."""
    terms = []
    for i, j in itertools.combinations(range(len(local)), 2):
        value = round(rng.uniform(-1, 1), 3)
        if "spin-1/2" not in (local[i], local[j]):
            terms += [[value, *hop] for hop in hops(local, i, j)]
        if "fermion" not in (local[i], local[j]):
            terms.append([value, "Sz", i, "Sz", j])
    for i, kind in enumerate(local):
        if kind != "spin-1/2":
            terms.append([round(rng.uniform(-1, 1), 3), "N", i])
        if kind == "electron":
            terms.append([round(rng.uniform(0, 2), 3), "Nup", i, "Ndn", i])
    return terms


def write_operator(test: program.ProgramTest, local: list[str], terms: list[list]):
    """An operator file in the folder of the test."""
    rows = ",\n".join("  [" + ", ".join(f'"{x}"' if isinstance(x, str) else str(x) for x in term) + "]"
                      for term in terms)
    names = ", ".join(f'"{kind}"' for kind in local)
    return test.file("mixture.toml", f"sites = {len(local)}\nlocal = [{names}]\nterms = [\n{rows},\n]\n")


class SpinFlip(program.ProgramTest):
    def levels(self, path, *sectors: str) -> list[float]:
        asked = [word for sector in sectors for word in ("--sector", sector)]
        return self.solve("eigh", "--terms", path, "-k", "all", *asked)["eigenvalues"]

    def test_both_sectors_together_are_the_full_spectrum(self):
        rng = random.Random(3)
        for local in (["electron", "fermion"], ["fermion", "electron"], ["tj", "fermion", "fermion", "tj"],
                      ["fermion", "tj", "electron"], ["electron", "fermion", "spin-1/2", "fermion"],
                      ["fermion", "electron", "fermion", "tj"]):
            with self.subTest(local=local):
                path = write_operator(self, local, flip_symmetric(local, rng))
                parts = sorted(self.levels(path, "spinflip=1") + self.levels(path, "spinflip=-1"))
                whole = self.levels(path)
                self.assertEqual(len(parts), len(whole))
                for a, b in zip(parts, whole):
                    self.assertAlmostEqual(a, b, places=10)

    def test_a_ground_state_looks_the_same_in_its_sector_and_outside(self):
        # Two t-J sites at the ends of a chain of two spinless ones: levels -3 and -sqrt(3) of two particles.
        local = ["tj", "fermion", "fermion", "tj"]
        terms = [[-1.0, *hop] for i, j in ((0, 1), (1, 2), (3, 2)) for hop in hops(local, i, j)]
        path = write_operator(self, local, terms)
        wanted = ["entropy:1", "entropy:2", "entropy:3", "corr:N,N", "variance"]
        asked = [word for name in wanted for word in ("--observe", name)]
        alone, inside = (self.solve("ground", "--terms", path, "--sector", "n=2", *sector, *asked)
                         for sector in ([], ["--sector", "spinflip=1"]))
        self.assertAlmostEqual(alone["energy"], -3, places=12)
        self.assertAlmostEqual(inside["energy"], -3, places=12)
        odd = self.solve("ground", "--terms", path, "--sector", "n=2", "--sector", "spinflip=-1")
        self.assertAlmostEqual(odd["energy"], -(3 ** 0.5), places=12)
        for name in wanted:
            self.same(alone["observables"][name], inside["observables"][name], name)

    def same(self, a, b, name: str):
        if isinstance(a, list):
            for x, y in zip(a, b, strict=True):
                self.same(x, y, name)
        else:
            self.assertAlmostEqual(a, b, places=10, msg=name)


if __name__ == "__main__":
    program.main()
