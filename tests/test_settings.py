from dataclasses import dataclass
from typing import Literal

import pytest

from claritygan_cli.errors import SettingError
from claritygan_cli.settings import check, choices, setting, without_none


@dataclass(frozen=True)
class Example:
    strength: float = setting(1.0, help="How much.", minimum=0, maximum=4)
    kind: Literal["a", "b"] = setting("a", help="Which.")
    count: int | None = setting(None, help="How many.", minimum=1)
    sizes: tuple[int, ...] = setting((1, 2), help="Sizes.", minimum=1)

    def __post_init__(self) -> None:
        check(self)


def test_good_settings_pass() -> None:
    Example(0, "b", 3, (4,))
    Example(4)


@pytest.mark.parametrize(
    ("values", "field", "problem"),
    [
        ({"strength": -0.1}, "strength", "between 0 and 4"),
        ({"strength": float("nan")}, "strength", "finite"),
        ({"strength": float("inf")}, "strength", "finite"),
        ({"kind": "c"}, "kind", "choose a, b"),
        ({"count": 0}, "count", "1 or more"),
        ({"sizes": (1, 0)}, "sizes", "1 or more"),
    ],
)
def test_bad_settings_name_their_field(values: dict[str, object], field: str, problem: str) -> None:
    with pytest.raises(SettingError, match=problem) as caught:
        Example(**values)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} ")
    assert caught.value.described("--name").startswith("--name ")


def test_types_without_none() -> None:
    assert without_none(int | None) == (int, True)
    assert without_none(float) == (float, False)
    assert choices(Literal["x", "y"] | None) == ("x", "y")
    assert choices(str) == ()
