"""The command line: parses, builds a frozen set of options, calls one function, exits.

Nothing here imports torch, numpy or Pillow before a command runs, so that help is instant.
"""

import sys

import typer

from claritygan_cli import __version__
from claritygan_cli.cli import train
from claritygan_cli.errors import ClarityganError

HELP = """Takes haze out of photos, puts haze in, and measures the result.

Exit codes: 0 all done, 1 some files failed, 2 wrong use, 130 interrupted."""

app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.command("train")(train.train)


def show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"claritygan {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show the version."),
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks of errors."),
) -> None:
    """Options of every command; --debug is looked up by main()."""


def main() -> None:
    """Entry point: errors become one line on stderr and an exit code."""
    debug = "--debug" in sys.argv
    try:
        app()
    except ClarityganError as error:
        if debug:
            raise
        typer.echo(f"claritygan: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        if debug:
            raise
        typer.echo("claritygan: interrupted", err=True)
        sys.exit(130)
