"""Pools of workers for functions of Python."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Optional

from . import _core, _remote
from .errors import Cancelled, InvalidArgument


class Future(concurrent.futures.Future):  # type: ignore[type-arg]
    """A result that is there or still to come, as in `concurrent.futures`.

    In syncro mode `result` and `exception` are collective: every rank asks for the same futures in the same order.
    """

    _task: Optional[_core.PickledTask] = None
    _collective = False

    def _finish(self) -> None:
        if self.done():
            return
        assert self._task is not None
        value, error = None, None
        try:
            value = _remote.answer_of(self._task.get())
        except Cancelled:
            super().cancel()
        except BaseException as thrown:
            error = thrown
        if not self.set_running_or_notify_cancel():
            return
        if error is None:
            self.set_result(value)
        else:
            self.set_exception(error)

    def result(self, timeout: float | None = None) -> Any:
        if self._collective:
            self._finish()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        if self._collective:
            self._finish()
        return super().exception(timeout)

    def cancel(self) -> bool:
        if self._task is None or self.done():
            return super().cancel()
        return self._task.cancel() and (self.cancelled() or super().cancel())

    def running(self) -> bool:
        return not self.done() and self._task is not None and self._task.running()


class Pool(concurrent.futures.Executor):
    """Workers that run functions of Python: an executor of `concurrent.futures`.

    Made by `pool`. In a plain process they are processes that this one starts at the first task; under mpirun the other
    ranks. Functions and arguments are pickled; a program's own functions are found if it can be imported, with what it
    does behind ``if __name__ == "__main__":``.
    """

    def __init__(self, workers: int = 0, *, threads: int = 1) -> None:
        self._core = _core.PythonPool(workers, threads)
        self._collective = _core.session_mode() == "syncro"
        self.is_open = True

    @property
    def workers(self) -> int:
        """How many workers there are; starts them."""
        return self._core.workers()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """``fn(*args, **kwargs)`` on a worker."""
        return self.submit_with({}, fn, *args, **kwargs)

    def submit_with(self, options: dict[str, Any], fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """As `submit`, with options: ``retries`` (2) after a worker died, ``timeout_seconds`` (0: none) of an attempt."""
        unknown = set(options) - {"retries", "timeout_seconds"}
        if unknown:
            raise InvalidArgument(f"submit_with: unknown option {sorted(unknown)[0]}; retries, timeout_seconds")
        call = _remote.packed((fn, args, kwargs))
        future = Future()
        future._collective = self._collective
        future._task = self._core.submit(
            call, options.get("retries", 2), float(options.get("timeout_seconds", 0))
        )
        if not self._collective:
            future._task.on_done(future._finish)
        return future

    def starmap(self, fn: Callable[..., Any], tuples: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """``fn(*t)`` for each tuple, in order; all are submitted at once."""
        futures = [self.submit(fn, *t) for t in tuples]
        return (future.result() for future in futures)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No further tasks; those submitted are finished, or with `cancel_futures` those not begun cancelled."""
        self.is_open = False
        self._core.shutdown(wait, cancel_futures)


def as_completed(futures: Iterable[Future], timeout: float | None = None) -> Iterator[Future]:
    """The futures as they end; in syncro mode in their order."""
    listed = list(dict.fromkeys(futures))
    if listed and listed[0]._collective:
        for future in listed:
            future.exception()
            yield future
        return
    yield from concurrent.futures.as_completed(listed, timeout)  # type: ignore[misc]
