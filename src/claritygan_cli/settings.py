"""Settings declared once, as dataclass fields: type, default, range and help stand together.

The command line makes its options of them, recipe files are read into them, and the checks follow from them. Light on
purpose: nothing here imports torch, numpy or Pillow.
"""

import math
import types
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from claritygan_cli.errors import SettingError

KEY = "claritygan"
"""Where a field's :class:`Declaration` lies in its metadata."""


@dataclass(frozen=True)
class Declaration:
    """What is said of a setting beside its type and default.

    Attributes:
        help: one sentence for the user.
        minimum, maximum: bounds of a number, both allowed; None for no bound.
        panel: heading under which the command line's help lists it; empty for the plain options.
        flags: names on the command line, like ``("--out", "-o")``; empty for the field's own name.
        metavar: placeholder in the help, like ``WxH``; empty for the type's own.
        shown_default: what the help says of the default where the value itself says little; empty shows the value.
        changes_results: whether another value can lead to other results, and not only to another way of working.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    panel: str = ""
    flags: tuple[str, ...] = ()
    metavar: str = ""
    shown_default: str = ""
    changes_results: bool = True


def setting(
    default: Any = MISSING,
    *,
    help: str,
    factory: Callable[[], Any] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    panel: str = "",
    flags: tuple[str, ...] = (),
    metavar: str = "",
    shown_default: str = "",
    changes_results: bool = True,
) -> Any:
    """A dataclass field that is a setting; arguments as in :class:`Declaration`.

    Args:
        default: its default; left out for a setting that must be given.
        factory: makes the default, instead.
    """
    metadata = {KEY: Declaration(help, minimum, maximum, panel, flags, metavar, shown_default, changes_results)}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


def declared(owner: Any) -> list[tuple[Field[Any], Declaration]]:
    """The settings of a dataclass or of one of its instances, in order."""
    return [(f, f.metadata[KEY]) for f in fields(owner) if KEY in f.metadata]


def without_none(kind: Any) -> tuple[Any, bool]:
    """A type without its ``None``, and whether it had one: ``int | None`` is (int, True)."""
    if get_origin(kind) in (Union, types.UnionType):
        others = [part for part in get_args(kind) if part is not type(None)]
        if len(others) == 1:
            return others[0], len(others) < len(get_args(kind))
    return kind, False


def choices(kind: Any) -> tuple[Any, ...]:
    """The values that a ``Literal`` type allows; none for other types."""
    kind, _ = without_none(kind)
    return get_args(kind) if get_origin(kind) is Literal else ()


def check(settings: Any) -> None:
    """See that every setting of a dataclass instance is one of its choices and within its bounds.

    Called from ``__post_init__``.

    Raises:
        SettingError: one is not; it carries the field's name.
    """
    hints = get_type_hints(type(settings))
    for f, declaration in declared(settings):
        value = getattr(settings, f.name)
        if value is None and without_none(hints[f.name])[1]:
            continue
        allowed = choices(hints[f.name])
        if allowed and value not in allowed:
            raise SettingError(f.name, value, f"choose {', '.join(map(str, allowed))}")
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and not isinstance(number, bool):
                _check_number(f.name, number, declaration)


def _check_number(name: str, value: float, declaration: Declaration) -> None:
    low, high = declaration.minimum, declaration.maximum
    if not math.isfinite(value):
        raise SettingError(name, value, "must be a finite number")
    if (low is None or value >= low) and (high is None or value <= high):
        return
    if low is not None and high is not None:
        wanted = f"must lie between {low:g} and {high:g}"
    elif low is not None:
        wanted = f"must be {low:g} or more"
    else:
        wanted = f"must be {high:g} or less"
    raise SettingError(name, value, wanted)
