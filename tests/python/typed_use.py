"""Not run: checked by mypy --strict, as a user's program would be."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import kronsolve as ks


def energies(sites: int) -> NDArray[Any]:
    h: ks.Operator = ks.model("heisenberg", sites=sites, cyclic=True).in_sector(sz=0)
    S = ks.spins(sites)
    extra: ks.Operator = h.without_sector() + 0.5 * S.z[0]
    result: ks.EighResult = ks.eigh(extra, k=3, method="lanczos", progress=lambda p: p.products)
    psi: ks.State = result.state(0)
    entropy: float = psi.entanglement_entropy(sites // 2)
    moved = ks.evolve(h, "neel", np.linspace(0, 1, 3), observe=[S.z[0], "sz"])
    u, s, vh = ks.svds(ks.Lazy(lambda ownership: np.eye(4), (4, 4)), k=2)
    shape: tuple[int, int] = h.shape
    future: ks.Future = ks.pool(2).submit(abs, -1)
    end: ks.State = moved.state
    driven: ks.Driven = ks.Driven(h, [("sin(t)", S.x[0])])
    cooled: ks.ExpmResult = ks.expm_multiply(h, -1.0, end, vectors="keep")
    result.save("levels.h5", observe=["sz"])
    saved: ks.Saved = ks.load("levels.h5")
    print(ks.evolve(driven, end, 1.0).norms, cooled.kept[0].norm(), saved.state(0).fidelity(psi), ks.plan(h, k=2).fits)
    print(entropy, moved.expectations, s, shape, future.result())
    return result.eigenvalues
