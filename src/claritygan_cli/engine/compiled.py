"""Python functions made into machine code when they are first called."""

from collections.abc import Callable
from typing import Any

from numba import njit

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz", "arcp"}}
"""Other threads may run; dividing by zero is no error; sums keep their order, but multiplications and additions may be
fused."""


def compiled(function: Callable[..., None]) -> Any:
    """The function, compiled.

    The machine code is kept beside the source, or else in the user's cache; where neither can be written to, each run
    compiles anew, for some seconds. It is made anew where the function's file has changed, but not where another file
    has that the function calls into: then ``__pycache__`` is to be deleted by hand. (Installing changes all files.)
    """
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # numba: no place for the cache
        return njit(**OPTIONS)(function)
