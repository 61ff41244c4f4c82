"""Which process this is, where solves run, communicators of mpi4py, the pool."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _core, _mpi
from .errors import InvalidArgument

if TYPE_CHECKING:
    from ._pool import Pool
    from .linear_map import LinearMap

_package_parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_start_worker = f"import sys; sys.path.insert(0, {_package_parent!r}); import kronsolve"
_serving = False  # this process is a worker, or about to become one
_pools: dict[int, Pool] = {}
_inherited: list[dict[int, Pool]] = []


def configure(*, mode: str = "auto", workers: int = 0) -> None:
    """Says before the first solve or pool how this process works.

    Parameters
    ----------
    mode : str
        ``serial``, ``threads``, ``dynamic`` in a plain process; under mpirun it is decided while kronsolve is imported,
        by ``KRONSOLVE_MODE``.
    workers : int
        Of pools and solves that are not told. 0: ``KRONSOLVE_NUM_WORKERS``, else the cores of this process.
    """
    _core.begin_session(_command(), mode, workers)


class SessionInfo(NamedTuple):
    """How this process works."""

    mode: str
    rank: int
    size: int
    is_root: bool
    default_workers: int


def session() -> SessionInfo:
    """How this process works; begins the session."""
    return SessionInfo(
        _core.session_mode(),
        _core.session_rank(),
        _core.session_size(),
        _core.session_is_root(),
        _core.default_workers(),
    )


def pool(workers: int = 0) -> Pool:
    """The pool of that many workers for functions of Python: made when first asked for, then kept until it is shut down. 0: the default."""
    from ._pool import Pool

    if _serving:
        raise InvalidArgument("pool: a task cannot use a pool; ask where main runs")
    if workers not in _pools or not _pools[workers].is_open:
        _pools[workers] = Pool(workers)
    return _pools[workers]


def threads() -> int:
    """Threads that computations of this process use."""
    return _core.num_threads()


def set_threads(n: int) -> None:
    """Sets the threads of this process's computations (1 to 1024)."""
    _core.set_threads(n)


def _command() -> list[str]:
    return [sys.executable, "-c", _start_worker]


def _handle(comm: Any) -> _core.Comm | None:
    """A communicator of mpi4py as one of ours, duplicated. Collective on it."""
    if comm is None:
        return None
    if isinstance(comm, _core.Comm):
        return comm
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None or not isinstance(comm, mpi.Comm):
        raise InvalidArgument(f"comm must be a communicator of mpi4py, got {type(comm).__name__}")
    if comm == mpi.COMM_NULL:
        raise InvalidArgument("comm: it is MPI.COMM_NULL; give a communicator of this process")
    if comm.Is_inter():
        raise InvalidArgument("comm: it joins two groups of ranks; give one of ranks that solve together, such as comm.Merge()")
    if comm.Get_size() > 1 and _serving:
        raise InvalidArgument("comm: a task runs on one worker alone; give MPI.COMM_SELF, or solve where main runs")
    if comm.Get_size() > 1 and _core.launched_by_mpi() and _core.session_mode() == "futures":
        raise InvalidArgument(
            "comm: the other ranks of this job are workers (futures mode) and will not take part; import mpi4py.MPI "
            "before kronsolve, or set KRONSOLVE_MODE=syncro"
        )
    return _core.comm_at(mpi._addressof(comm), mpi._sizeof(comm))


def _place(comm: Any, operator: LinearMap, workers: int = 1) -> tuple[_core.Comm | None, bool]:
    """The communicator to solve on, and whether the session solves instead.

    Rows of the user that are solved in this process go past the session, which would pickle them.
    """
    if comm is not None or _serving:
        return _handle(comm), False
    if operator._core.is_sum:
        return None, True
    return None, _core.workers_of(max(operator.shape), workers) > 1


def _begin() -> None:
    """Called when the package has been imported: ranks that are workers do not come back."""
    global _serving
    launched = _core.launched_by_mpi()  # asked before MPI starts
    mode = "serial" if _mpi.missing else "auto"
    mpi = sys.modules.get("mpi4py.MPI")
    if not _mpi.missing and mpi is not None and mpi.Is_initialized() and os.environ.get("KRONSOLVE_MODE", "auto") in ("", "auto"):
        # Who has imported mpi4py before has a program that every rank runs.
        mode = "syncro" if mpi.COMM_WORLD.Get_size() > 1 else "dynamic"
    _core.begin_session(_command(), mode, 0)
    atexit.register(_end)
    os.register_at_fork(after_in_child=_forked)
    if _mpi.missing or not launched and "KRONSOLVE_WORKER" not in os.environ:
        return
    _serving = True
    _core.open_session()
    _serving = False
    if _core.session_size() > 1:
        sys.excepthook = _ends_the_job(sys.excepthook)


Hook = Callable[[type[BaseException], BaseException, "TracebackType | None"], Any]


def _ends_the_job(usual: Hook) -> Hook:
    """An exception that nobody catches on one rank would leave the others waiting: it ends all, as in C++."""

    def hook(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        if _core.session_rank() > 0:  # when all raise the same, rank 0 says so and ends the others here
            time.sleep(0.3)
        usual(kind, error, where)
        sys.stdout.flush()
        sys.stderr.flush()
        _core.abort(1)

    return hook


def _forked() -> None:
    """A process that was forked off has neither the threads of OpenMP, for which it would wait for ever, nor the workers."""
    _core.set_threads(1)
    _inherited.append(dict(_pools))  # not ended: they are the parent's
    _pools.clear()


def _end() -> None:
    for kept in _pools.values():
        kept.shutdown()
    _pools.clear()
    _core.end_session()


__all__ = ["SessionInfo", "configure", "pool", "session", "set_threads", "threads"]
