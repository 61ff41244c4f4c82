"""What a worker does with the functions of Python that are sent to it."""

from __future__ import annotations

import io
import pickle
import runpy
import sys
import traceback
import types
from typing import Any

from .errors import InvalidArgument

_main_of: str | None = None


def main_of_this_process() -> tuple[list[str], str | None, str | None]:
    """What another process needs to find the functions of this one: the path, and the main program by module or file."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return (sys.path, spec.name, None)
    return (sys.path, None, getattr(main, "__file__", None))


def _prepare(place: tuple[list[str], str | None, str | None]) -> None:
    """In a worker: runs the main program of its owner up to ``if __name__ == "__main__"``, once, so that its functions are here."""
    global _main_of
    from .parallel import _serving

    if not _serving:
        return
    path, module, file = place
    wanted = module or file or ""
    if _main_of == wanted:
        return
    sys.path[:] = path
    main = types.ModuleType("__mp_main__")
    # Seen by what the program imports, as multiprocessing does it.
    sys.modules["__main__"] = sys.modules["__mp_main__"] = main
    if module:
        main.__dict__.update(runpy.run_module(module, run_name="__mp_main__", alter_sys=True))
    elif file:
        main.__dict__.update(runpy.run_path(file, run_name="__mp_main__"))
    _main_of = wanted


class _Pickler(pickle.Pickler):
    """Refuses what no other process can look up: functions and classes that were typed at a prompt or in a notebook."""

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, (types.FunctionType, type)) and thing.__module__ == "__main__":
            if main_of_this_process()[1:] == (None, None):
                raise pickle.PicklingError(f"{thing.__qualname__} is in no file")
        return NotImplemented


def _pickled(value: Any) -> bytes:
    text = io.BytesIO()
    _Pickler(text).dump(value)
    return text.getvalue()


def dumped(value: Any) -> bytes:
    """A pickle, by cloudpickle where pickle cannot and it is installed."""
    try:
        return _pickled(value)
    except Exception as error:
        try:
            import cloudpickle
        except ImportError:
            raise InvalidArgument(
                f"this cannot be sent to a worker ({error}); give functions of a module, or install cloudpickle"
            ) from error
        text: bytes = cloudpickle.dumps(value)
        return text


def packed(value: Any) -> bytes:
    """A pickle that another process can read: it says where the functions of this one are."""
    return pickle.dumps((main_of_this_process(), dumped(value)))


def unpacked(text: bytes) -> Any:
    """What `packed` was given."""
    place, payload = pickle.loads(text)
    _prepare(place)
    return pickle.loads(payload)


class RemoteTraceback(Exception):
    """Where an exception was raised in a worker; the cause of what its owner gets."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def run(call: bytes) -> bytes:
    """Runs a pickled call; its pickled answer: (True, result) or (False, exception, where)."""
    try:
        function, args, kwargs = unpacked(call)
        return pickle.dumps((True, function(*args, **kwargs)))
    except BaseException as error:
        where = traceback.format_exc()
        try:
            return pickle.dumps((False, error, where))
        except Exception:
            return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}"), where))


def answer_of(text: bytes) -> Any:
    """The result of an answer.

    Raises
    ------
    What the function raised.
    """
    answer = pickle.loads(text)
    if answer[0]:
        return answer[1]
    raise answer[1] from RemoteTraceback(answer[2])
