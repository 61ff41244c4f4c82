"""kronsolve: eigenpairs, singular values and time evolution of operators with Kronecker structure.

>>> import kronsolve as ks
>>> h = ks.model("heisenberg", sites=10, cyclic=True)
>>> ks.ground_state(h.in_sector(sz=0)).energy  # doctest: +ELLIPSIS
-4.5154463544...

An operator is a description: small, exact, pickled in bytes. It is applied without being stored, solvers choose how, and
SciPy takes it wherever it takes a LinearOperator. docs/python.md is the tutorial.
"""

from . import _mpi  # isort: skip  (before what is linked with it)
from . import _core, errors, parallel
from ._pool import Future, Pool, as_completed
from .drives import Driven, read_driven
from .errors import (
    BrokenPool,
    Cancelled,
    DimensionError,
    EngineError,
    Error,
    InvalidArgument,
    IoError,
    MpiError,
    NotConverged,
    NotSupported,
    TaskTimeout,
    TimeoutError,
    WorkerDied,
)
from .files import Saved, Sweep, load, read_sweep, run_sweep
from .kronecker import ikron, kron, pkron
from .lazy import Lazy, as_operator, read_matrix_market
from .linear_map import LinearMap
from .models import ModelInfo, model, models
from .operators import (
    Operator,
    anticommutator,
    commutator,
    pauli_decomposition,
    read_operator,
)
from .parallel import configure, pool, session, set_threads, threads
from .results import EighResult, EigResult, EvolutionResult, ExpmResult, Progress, SvdsResult
from .sites import Sites, bosons, electrons, fermions, spins
from .solvers import (
    bound_spectrum,
    count_eigenvalues,
    density_of_states,
    eig,
    eigh,
    evolve,
    expm_multiply,
    ground_state,
    out_of_time_order,
    plan,
    sector_levels,
    solve,
    spectral_function,
    svds,
    thermodynamics,
)
from .states import KeptVector, State, apply_operator

__version__ = _core.version()

__all__ = [
    "BrokenPool",
    "Cancelled",
    "DimensionError",
    "Driven",
    "EigResult",
    "EighResult",
    "EngineError",
    "Error",
    "EvolutionResult",
    "ExpmResult",
    "InvalidArgument",
    "Future",
    "Saved",
    "Sweep",
    "load",
    "read_sweep",
    "run_sweep",
    "IoError",
    "KeptVector",
    "Lazy",
    "LinearMap",
    "ModelInfo",
    "MpiError",
    "NotConverged",
    "NotSupported",
    "Operator",
    "Pool",
    "Progress",
    "Sites",
    "State",
    "SvdsResult",
    "TaskTimeout",
    "TimeoutError",
    "WorkerDied",
    "anticommutator",
    "apply_operator",
    "as_completed",
    "as_operator",
    "bosons",
    "bound_spectrum",
    "commutator",
    "configure",
    "count_eigenvalues",
    "density_of_states",
    "eig",
    "eigh",
    "electrons",
    "errors",
    "evolve",
    "expm_multiply",
    "fermions",
    "ground_state",
    "ikron",
    "kron",
    "model",
    "models",
    "out_of_time_order",
    "parallel",
    "pauli_decomposition",
    "pkron",
    "plan",
    "pool",
    "read_driven",
    "read_matrix_market",
    "read_operator",
    "sector_levels",
    "session",
    "set_threads",
    "solve",
    "spectral_function",
    "spins",
    "svds",
    "thermodynamics",
    "threads",
]

parallel._begin()  # last: a rank that is a worker does not come back
