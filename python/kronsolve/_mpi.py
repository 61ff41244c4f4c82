"""MPI's library, or what a wheel brings to stand in for it where there is none (python/packaging/without_mpi.py)."""

from __future__ import annotations

import ctypes
import os
import pathlib


def _stand_in() -> bool:
    """Loads one of the two before the compiled part asks for it. True: this process has no MPI."""
    for path in (pathlib.Path(__file__).parent / "lib" / "without_mpi").glob("lib*"):
        try:
            if os.environ.get("KRONSOLVE_WITHOUT_MPI", "") in ("", "0"):
                ctypes.CDLL(path.name)
                return False
        except OSError:
            pass
        ctypes.CDLL(os.fspath(path))
        return True
    return False


missing = _stand_in()
