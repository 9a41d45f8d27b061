import os

import pytest

from claritygan_cli.batch.haze_parameters import Span, draw_parameters, parse_airlight, parse_span
from claritygan_cli.errors import UsageError


def test_numbers_and_ranges() -> None:
    assert parse_span("1.2", "density", 20) == Span(1.2, 1.2)
    assert parse_span("0.5:2", "density", 20) == Span(0.5, 2)
    assert parse_airlight("0.9") == (Span(0.9, 0.9),)
    assert parse_airlight("0.7,0.8:0.9,1") == (Span(0.7, 0.7), Span(0.8, 0.9), Span(1, 1))


@pytest.mark.parametrize("text", ["", "x", "1:2:3", "2:1", "-1", "21", "nan", "0.5:nan"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="density"):
        parse_span(text, "density", 20)


@pytest.mark.parametrize("text", ["0.1,0.2", "1,1,1,1", "1.5", "a,b,c"])
def test_nonsense_colours_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="airlight"):
        parse_airlight(text)


def test_draws_depend_on_seed_and_name_alone() -> None:
    spans = parse_span("0.6:1.8", "density", 20), parse_airlight("0.8:1.0")
    assert draw_parameters(*spans, 1, "a") == draw_parameters(*spans, 1, "a")
    assert draw_parameters(*spans, 1, "a") != draw_parameters(*spans, 1, "b")
    assert draw_parameters(*spans, 1, "a") != draw_parameters(*spans, 2, "a")
    assert draw_parameters(*spans, 1, os.fsdecode(b"\xff.png")) != draw_parameters(*spans, 1, "a")
    density, colour = draw_parameters(*spans, 1, "a")
    assert 0.6 <= density <= 1.8
    assert len(set(colour)) == 1
    assert 0.8 <= colour[0] <= 1
