"""Options of commands, made of the settings' dataclasses.

A command names the dataclasses that it takes; typer sees one option for each of their fields, and the command gets
instances::

    @with_settings
    def dehaze(context: typer.Context, inputs: Inputs, task: DehazeSettings, batch: BatchOptions) -> None: ...
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, is_dataclass
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import typer

from claritygan_cli.cli.arguments import complete_model
from claritygan_cli.settings import Declaration, choices, declared, without_none

Outcome = TypeVar("Outcome")
COMPLETIONS = {"model": complete_model}
"""What the shell's completion offers for settings of these names, beside the choices of some."""


def option_name(field: str) -> str:
    """What a setting is called on the command line: ``max_minutes`` is ``--max-minutes``."""
    return "--" + field.replace("_", "-")


def _option_type(kind: Any) -> Any:
    """What typer is to parse: an enumeration for a ``Literal``, a list for a tuple; ``None`` stays possible."""
    inner, optional = without_none(kind)
    if allowed := choices(inner):
        names = {str(value): str(value) for value in allowed}
        inner = Enum("Choice", names, type=str)  # type: ignore[misc, no-redef]
    elif get_origin(inner) is tuple:
        inner, optional = list[get_args(inner)[0]], True  # type: ignore[misc]
    return Union[inner, None] if optional else inner  # noqa: UP007 - built at run time


def _option_default(field: "Field[Any]", kind: Any) -> Any:
    if field.default_factory is not MISSING:
        default = field.default_factory()
    elif field.default is not MISSING:
        default = field.default
    else:
        return inspect.Parameter.empty
    if isinstance(default, tuple):
        return list(default) or None
    if default is not None and choices(kind):
        return str(default)
    return default


def _option(field: "Field[Any]", kind: Any, declaration: Declaration) -> inspect.Parameter:
    flags = declaration.flags or (option_name(field.name),)
    default = _option_default(field, kind)
    shown: bool | str = declaration.shown_default or default not in (None, False, inspect.Parameter.empty)
    extra: dict[str, Any] = {}
    inner, _ = without_none(kind)
    number = get_args(inner)[0] if get_origin(inner) is tuple else inner
    if number in (int, float):  # a bound of an int is an int, or typer refuses it
        extra = {
            name: number(bound)
            for name, bound in (("min", declaration.minimum), ("max", declaration.maximum))
            if bound is not None
        }
    option = typer.Option(
        *flags,
        help=declaration.help,
        rich_help_panel=declaration.panel or None,
        metavar=declaration.metavar or None,
        show_default=shown,
        autocompletion=COMPLETIONS.get(field.name),
        **extra,
    )
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[_option_type(kind), option]
    )


def _as_declared(value: Any, kind: Any) -> Any:
    """What typer parsed, as the dataclass wants it."""
    if isinstance(value, Enum):
        return value.value
    if get_origin(without_none(kind)[0]) is tuple:
        return tuple(value or ())
    return value


def with_settings(command: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """A command whose parameters that are settings' dataclasses have become options.

    Options stand in the order of the parameters, and of the fields within each. Two dataclasses of one command may not
    have a field of the same name.
    """
    hints = get_type_hints(command, include_extras=True)
    plain: list[inspect.Parameter] = []
    groups: dict[str, tuple[Any, dict[str, Any]]] = {}
    options: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if is_dataclass(hints[name]):
            kinds = get_type_hints(hints[name])
            options += [_option(field, kinds[field.name], declaration) for field, declaration in declared(hints[name])]
            groups[name] = hints[name], {field.name: kinds[field.name] for field, _ in declared(hints[name])}
        else:
            plain.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def wrapped(**given: Any) -> Outcome:
        arguments = {
            name: cls(**{field: _as_declared(given.pop(field), kind) for field, kind in kinds.items()})
            for name, (cls, kinds) in groups.items()
        }
        return command(**given, **arguments)

    wrapped.__signature__ = inspect.Signature([*plain, *options])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in (*plain, *options)}
    return wrapped


def was_given(context: typer.Context, field: str) -> bool:
    """Whether a setting stands on the command line, and not only in its default."""
    source = context.get_parameter_source(field)
    return source is not None and source.name != "DEFAULT"
