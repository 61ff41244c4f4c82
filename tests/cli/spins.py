"""Dense operators of spins 1/2, site 0 the leftmost factor."""

import numpy as np

SX, SY, SZ = (np.array(m) / 2 for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))
UP = np.array([[0, 1], [0, 0]])


def on_site(matrix, site: int, sites: int):
    """The matrix of one site among others."""
    return np.kron(np.kron(np.eye(2**site), matrix), np.eye(2 ** (sites - site - 1)))
