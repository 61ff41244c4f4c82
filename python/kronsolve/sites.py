"""Sites and the operators they have: what sums are written with."""

from __future__ import annotations

from collections.abc import Sequence

from . import _core
from .errors import InvalidArgument
from .operators import Operator


class LocalOperators:
    """One operator on every site: ``S.z[i]``."""

    def __init__(self, sites: Sites, name: str) -> None:
        self._sites, self._name = sites, name

    def __getitem__(self, site: int) -> Operator:
        n = len(self._sites)
        if not -n <= site < n:
            raise IndexError(f"{self._name}[{site}]: there are {n} sites, 0 to {n - 1}")
        return Operator._of(_core.term(self._sites.spaces, 1, [(self._name, site % n)]))

    def __len__(self) -> int:
        return len(self._sites)

    def __repr__(self) -> str:
        return f"<{self._name} on {len(self._sites)} sites>"


class Sites:
    """Sites and the operators they have: ``S = spins(24); S.z[0] * S.z[1]``.

    Attributes are the operators: x, y, z, p, m of spins (and X, Y, Z of spins 1/2), bp, bm, n of bosons, cp, cm, n of
    fermions, cup_p, cup_m, cdn_p, cdn_m, nup, ndn, n of electrons. `op` takes any name of `names`.
    """

    _short = {
        "x": "Sx",
        "y": "Sy",
        "z": "Sz",
        "p": "S+",
        "m": "S-",
        "bp": "B+",
        "bm": "B-",
        "cp": "C+",
        "cm": "C-",
        "cup_p": "Cup+",
        "cup_m": "Cup-",
        "cdn_p": "Cdn+",
        "cdn_m": "Cdn-",
        "n": "N",
        "nup": "Nup",
        "ndn": "Ndn",
    }

    def __init__(self, spaces: Sequence[str]) -> None:
        self.spaces = list(spaces)
        self.names: list[str] = []
        if not self.spaces:
            raise InvalidArgument("Sites: at least one site is needed")
        for space in dict.fromkeys(self.spaces):
            self.names += [n for n in _core.operator_names(space) if n not in self.names]

    def __len__(self) -> int:
        return len(self.spaces)

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *(s for s, name in self._short.items() if name in self.names)]

    def __getattr__(self, short: str) -> LocalOperators:
        name = self._short.get(short, short)
        if short.startswith("_") or name not in self.names:
            raise AttributeError(f"these sites have no operator '{short}'; they have {' '.join(self.names)}")
        return LocalOperators(self, name)

    def op(self, name: str, site: int) -> Operator:
        """The operator of that name on a site: ``S.op("P0", 3)``."""
        if name not in self.names:
            raise InvalidArgument(f"these sites have no operator '{name}'; they have {' '.join(self.names)}")
        return LocalOperators(self, name)[site]

    @property
    def identity(self) -> Operator:
        """The identity on these sites."""
        return Operator._of(_core.term(self.spaces, 1, []))

    def parse(self, text: str) -> Operator:
        """An operator on these sites from text."""
        return Operator(text, self.spaces)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{self.spaces.count(s)} {s}" for s in dict.fromkeys(self.spaces))
        return f"<Sites: {kinds}>"


def spins(n: int, spin: str | float = "1/2") -> Sites:
    """n spins."""
    if not isinstance(spin, str):
        twice = round(2 * spin)
        if twice != 2 * spin:
            raise InvalidArgument(f"spins: the spin must be a multiple of 1/2, got {spin}")
        spin = str(twice // 2) if twice % 2 == 0 else f"{twice}/2"
    return Sites([f"spin-{spin}"] * n)


def bosons(n: int, dim: int) -> Sites:
    """n sites with at most dim - 1 bosons each."""
    return Sites([f"boson:{dim}"] * n)


def fermions(n: int) -> Sites:
    """n sites of spinless fermions."""
    return Sites(["fermion"] * n)


def electrons(n: int) -> Sites:
    """n sites of electrons: empty, up, down, both."""
    return Sites(["electron"] * n)
