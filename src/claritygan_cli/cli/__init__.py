"""The command line: parses, builds a frozen set of options, calls one function, exits.

Nothing here imports torch, numpy or Pillow before a command runs, so that help is instant.
"""

import sys
import warnings

import typer

from claritygan_cli import __version__
from claritygan_cli.cli import dehaze, demo, eval, hazify, models, options, train
from claritygan_cli.errors import ClarityganError

INTERRUPTED = 130  # what typer makes of Ctrl-C
HELP = "Take haze out of photos and videos, put haze in, and measure the result."

app = typer.Typer(
    help=HELP,
    epilog=options.EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("dehaze", epilog=options.EXIT_CODES)(dehaze.dehaze)
app.command("hazify", epilog=options.EXIT_CODES)(hazify.hazify)
app.command("eval", epilog=options.EXIT_CODES)(eval.evaluate)
app.command("demo", epilog=options.EXIT_CODES)(demo.demo)
app.command("train", epilog=options.EXIT_CODES)(train.train)
app.add_typer(models.app, name="models")


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
    """Take haze out of photos and videos, put haze in, and measure the result."""
    context.obj = debug


def main() -> None:
    """Entry point: errors become one line on stderr and an exit code."""
    debug = sys.argv[1:2] == ["--debug"]
    if not debug:
        warnings.simplefilter("ignore")  # libraries' remarks on damaged metadata and the like
    try:
        app()
    except ClarityganError as error:
        if debug:
            raise
        typer.echo(f"claritygan: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if debug:
            raise
        typer.echo(f"claritygan: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        sys.exit(ClarityganError.exit_code)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            typer.echo("claritygan: interrupted", err=True)
        raise
