"""The command line: parses, builds the settings' dataclasses, calls one function, exits.

Nothing here imports torch, numpy or Pillow before a command runs, so that help is instant.
"""

import atexit
import gc
import io
import sys
import warnings

import typer
from typer.core import TyperGroup

from claritygan_cli import __version__
from claritygan_cli.cli import (
    arguments,
    benchmark,
    dehaze,
    demo,
    eval,
    export,
    hazify,
    inspect,
    models,
    quantize,
    train,
)
from claritygan_cli.cli.from_settings import option_name
from claritygan_cli.errors import ClarityganError, SettingError

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""
HELP = "Take haze out of photos and videos, put haze in, train the networks that do it, and measure the result."
WrongUse: type[Exception] = typer.BadParameter.__mro__[1]
"""Click's ``UsageError``, which newer versions of typer bring along instead of importing it."""


class ModelsGroup(TyperGroup):
    """``claritygan models NAME`` is short for ``claritygan models show NAME``."""

    def parse_args(self, ctx, args):  # type: ignore[no-untyped-def] # noqa: D102, ANN - types are typer's own
        words = [word for word in args if not word.startswith("-")]
        if not words or words[0] not in self.commands:
            args = [*args] if "--help" in args and not words else ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help=HELP,
    epilog=arguments.EXIT_CODES,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for name, command in (
    ("dehaze", dehaze.dehaze),
    ("hazify", hazify.hazify),
    ("eval", eval.evaluate),
    ("inspect", inspect.inspect),
    ("demo", demo.demo),
    ("train", train.train),
    ("export", export.export),
    ("quantize", quantize.quantize),
    ("benchmark", benchmark.benchmark),
):
    app.command(name, epilog=arguments.EXIT_CODES)(command)
models_app = typer.Typer(cls=ModelsGroup, help="List the bundled models, print one model's card, import others.")
models_app.command("show")(models.models)
models_app.command("import")(models.import_model)
app.add_typer(models_app, name="models")


def show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"claritygan {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show the version."),
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks; comes before the command."),
) -> None:
    """Take haze out of photos and videos, put haze in, train the networks that do it, and measure the result."""
    context.obj = debug


def message_of(error: Exception) -> str:
    """One line for the user, in which settings are called by their options' names."""
    if isinstance(error, SettingError):
        return error.described(option_name(error.field))
    if isinstance(error, ClarityganError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    reason = " ".join(str(error).split())[:200]
    return f"unexpected {type(error).__name__}: {reason}; claritygan --debug COMMAND ... shows where"


GARBAGE_THRESHOLD = 100_000
"""Objects made between looks for garbage; importing PyTorch makes that many, and none of them is garbage."""


def main() -> None:
    """Entry point: errors become one line on stderr and an exit code."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    atexit.register(gc.freeze)  # nothing is looked through once more at the end: together half a second
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    debug = sys.argv[1] == "--debug"
    if not debug:
        warnings.simplefilter("ignore")  # libraries' remarks on damaged metadata and the like
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")  # names of files are any bytes, and come out as they are
    try:
        code = app(standalone_mode=False)
    except WrongUse as error:
        typer.echo(f"claritygan: {' '.join(error.format_message().split())}", err=True)  # type: ignore[attr-defined]
        sys.exit(2)
    except Exception as error:  # whatever it is, the user gets a line and not a traceback
        if debug:
            raise
        typer.echo(f"claritygan: {message_of(error)}", err=True)
        sys.exit(error.exit_code if isinstance(error, ClarityganError) else 1)
    if code == INTERRUPTED:
        typer.echo("claritygan: interrupted", err=True)
    sys.exit(code or 0)
