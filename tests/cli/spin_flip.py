"""Spin flips inside the blocks of the Kronecker product: half the vector, the exact energies of rings, the observables of the
sector without the flip, on any number of ranks. Spin flips on mixtures of electrons, t-J sites, spinless fermions and spins: the two sectors together are the
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


RING = ("--model", "heisenberg", "--cyclic", "--sites")
BETHE = {12: -5.3873909174452059, 20: -8.9043865298764423}  # Sz=0, even under the flip for N = 4 n


class Blocks(program.ProgramTest):
    def ground(self, sites: int, *more, flip: str = "spinflip=1", **how) -> dict:
        return self.solve("ground", *RING, sites, "--sector", "sz=0", "--sector", flip, *more, **how)

    def test_rings_have_the_exact_energy_on_any_number_of_ranks(self):
        for ranks in (0, 1, 2, 3, 5):
            answer = self.ground(20, "--method", "lanczos", ranks=ranks)
            self.assertEqual(answer["operator"], "matrix-free")
            self.assertEqual(answer["dimension"], 184756 // 2)
            self.assertAlmostEqual(answer["energy"], BETHE[20], places=9)
        self.assertAlmostEqual(self.ground(12, "--operator", "matrix-free")["energy"], BETHE[12], places=9)

    def test_the_plan_names_the_blocks_and_half_the_vector(self):
        flip, whole = (self.solve("plan", *RING, 28, "--sector", "sz=0", *sector)
                       for sector in (["--sector", "spinflip=1"], []))
        self.assertEqual(2 * flip["dimension"], whole["dimension"])
        self.assertEqual(flip["operator"], "matrix-free")
        self.assertIn("better than assembled", flip["reason"])
        self.assertLess(flip["memory_estimate_bytes"], 0.62 * whole["memory_estimate_bytes"])

    def test_both_forms_have_the_same_levels_for_spins_and_electrons(self):
        for model, sectors in ((["xxz", "--sites", "8", "--spin", "1", "--cyclic"], ["sz=0"]),
                               (["ising", "--sites", "12"], []),
                               (["hubbard", "--sites", "6", "--cyclic"], ["nup=3", "ndown=3"]),
                               (["hubbard", "--sites", "5"], ["n=4"])):
            charges = [word for sector in sectors for word in ("--sector", sector)]
            for flip in ("spinflip=1", "spinflip=-1"):
                free, stored = (self.solve("ground", "--model", *model, *charges, "--sector", flip, "--method", "lanczos",
                                           "--operator", form) for form in ("matrix-free", "assembled"))
                self.assertAlmostEqual(free["energy"], stored["energy"], places=9, msg=f"{model} {flip}")

    def test_states_are_measured_saved_read_and_evolved(self):
        wanted = [word for name in ("entropy:half", "corr:Sz,Sz", "variance", "sz") for word in ("--observe", name)]
        path = self.folder / "state.h5"
        flip = self.ground(14, *wanted, "--save", path, flip="spinflip=-1", ranks=2)
        whole = self.solve("ground", *RING, 14, "--sector", "sz=0", *wanted)
        self.assertAlmostEqual(flip["energy"], whole["energy"], places=9)
        for name in ("entropy:half", "corr:Sz,Sz", "sz"):
            self.same(flip["observables"][name], whole["observables"][name])
        self.assertLess(abs(flip["observables"]["variance"]), 1e-8)
        later = self.solve("evolve", *RING, 14, "--sector", "sz=0", "--sector", "spinflip=-1", "--state", path, "--time", 1,
                           "--observe", "overlap", "--observe", "energy", ranks=3)
        self.assertAlmostEqual(later["observables"]["energy"][-1], flip["energy"], places=8)
        re, im = later["observables"]["overlap"][-1]
        self.assertAlmostEqual(re ** 2 + im ** 2, 1, places=8)

    def same(self, a, b):
        if isinstance(a, list):
            for x, y in zip(a, b, strict=True):
                self.same(x, y)
        else:
            self.assertAlmostEqual(a, b, places=6)

    def test_beside_a_symmetry_of_the_lattice_rows_are_stored_or_computed_anew(self):
        case = ("ground", *RING, 12, "--sector", "sz=0", "--sector", "spinflip=1", "--sector", "momentum=0", "--method", "lanczos")
        stored, anew = (self.solve(*case, "--operator", form) for form in ("assembled", "matrix-free"))
        self.assertEqual((stored["operator"], anew["operator"]), ("assembled", "matrix-free"))
        self.assertAlmostEqual(stored["eigenvalues"][0], anew["eigenvalues"][0], delta=1e-11)


if __name__ == "__main__":
    program.main()
