"""What kronsolve raises: the classes of the C++ library, with its texts.

Every text is one line: where, what was given and expected, then the remedy.
"""

from __future__ import annotations

__all__ = [
    "BrokenPool",
    "Cancelled",
    "DimensionError",
    "EngineError",
    "Error",
    "InvalidArgument",
    "IoError",
    "MpiError",
    "NotConverged",
    "NotSupported",
    "TaskTimeout",
    "TimeoutError",
    "WorkerDied",
]

_builtin_timeout = TimeoutError


class Error(RuntimeError):
    """Base of everything that the library raises."""


class InvalidArgument(Error, ValueError):
    """A value that was given is not admissible."""


class DimensionError(InvalidArgument):
    """Shapes do not fit together; the text names both."""


class NotSupported(Error):
    """A sound request that this installation cannot serve."""


class NotConverged(Error):
    """Raised by ``result.require_converged()`` alone."""


class EngineError(Error):
    """PETSc, SLEPc or LAPACK failed; in its own words."""


class MpiError(Error):
    """A call of MPI failed."""


class IoError(Error, OSError):
    """A file cannot be opened, read or written."""


class Cancelled(Error):
    """The result of a task that was cancelled was asked for."""


class TimeoutError(Error, _builtin_timeout):
    """Something was not there when the given time had passed."""


class TaskTimeout(TimeoutError):
    """A task ran longer than its limit; its worker was ended."""


class BrokenPool(Error):
    """The pool cannot serve: its workers cannot be started, or kept dying."""


class WorkerDied(BrokenPool):
    """The worker that ran a task died in every attempt."""
