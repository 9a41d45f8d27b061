from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from claritygan_cli.cli.from_settings import was_given, with_settings
from claritygan_cli.settings import check, setting


@dataclass(frozen=True)
class Look:
    kind: Literal["a", "b"] = setting("a", help="Which kind.", panel="Looks")
    mode: Literal["x", "y"] | None = setting(None, help="Which mode.", shown_default="the input's")
    folders: tuple[Path, ...] = setting((), help="Folders; may repeat.", flags=("--folder",))


@dataclass(frozen=True)
class Amount:
    max_count: int = setting(2, help="How many.", minimum=1, maximum=9)
    quick: bool = setting(False, help="Hurry.", flags=("--quick", "-q"))

    def __post_init__(self) -> None:
        check(self)


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def app(seen: list[Any]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @with_settings
    def go(context: typer.Context, name: str, look: Look, amount: Amount) -> None:
        seen.append((name, look, amount, was_given(context, "max_count")))

    return app


def test_options_become_instances(app: typer.Typer, seen: list[Any]) -> None:
    words = "n --kind b --mode y --folder p --folder q --max-count 3 -q"
    assert CliRunner().invoke(app, words.split()).exit_code == 0
    assert seen == [("n", Look("b", "y", (Path("p"), Path("q"))), Amount(3, True), True)]


def test_defaults_are_the_dataclass_own(app: typer.Typer, seen: list[Any]) -> None:
    assert CliRunner().invoke(app, ["n"]).exit_code == 0
    assert seen == [("n", Look(), Amount(), False)]


@pytest.mark.parametrize("words", ["n --kind c", "n --max-count 10", "n --max-count 0", "n --mode z"])
def test_what_cannot_be_is_wrong_use(app: typer.Typer, seen: list[Any], words: str) -> None:
    assert CliRunner().invoke(app, words.split()).exit_code == 2
    assert not seen
