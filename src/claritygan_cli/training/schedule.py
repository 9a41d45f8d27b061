"""What each step of a run trains, and which parts of a batch it needs for that."""

import re
from dataclasses import dataclass

from claritygan_cli.data.kinds import Part
from claritygan_cli.errors import SettingError
from claritygan_cli.models.kinds import Direction
from claritygan_cli.training.config import TrainConfig

DIRECTIONS: tuple[Direction, ...] = ("dehaze", "hazify")


@dataclass(frozen=True)
class StepKind:
    """What a step is for.

    Attributes:
        networks: the generators that it trains.
        more_haze: where the dehazer is trained alone, whether it learns from hazy pictures that more haze is put into,
            instead of clear pictures that haze is put into.
    """

    networks: tuple[Direction, ...] = DIRECTIONS
    more_haze: bool = False


BOTH = StepKind()
KINDS = {
    "both": BOTH,
    "dehaze": StepKind(("dehaze",)),
    "hazify": StepKind(("hazify",)),
    "dehaze-more": StepKind(("dehaze",), more_haze=True),
}
SUPERVISED = "dehaze:3 hazify:1"
"""Haze is harder to read than depth, and dehazing is wanted most."""
UNPAIRED = "both:1" + 4 * " dehaze:1 hazify:1 dehaze-more:1"
"""The schedule of unpaired scattering generators: a step of both takes as long as six of the others."""


def parse_schedule(text: str) -> tuple[StepKind, ...]:
    """``"dehaze:3 hazify:1"`` as its steps.

    Raises:
        SettingError: a word is not understood.
    """
    steps: list[StepKind] = []
    for word in text.split():
        match = re.fullmatch(r"([a-z-]+)(?::(\d{1,3}))?", word)
        if match is None or match[1] not in KINDS:
            raise SettingError(
                "schedule", text, f"{word!r} is none of {', '.join(KINDS)}, each with a count like dehaze:3"
            )
        steps += [KINDS[match[1]]] * int(match[2] or 1)
    if not steps:
        raise SettingError("schedule", text, "names no step")
    return tuple(steps)


def schedule_of(config: TrainConfig) -> tuple[StepKind, ...]:
    """What the steps of a run train, in turn.

    Raises:
        SettingError: the schedule is not understood, or makes no sense for this objective.
    """
    text, only = config.optimisation.schedule, config.optimisation.train_only
    classic = config.losses.unpaired and config.model.generator == "resnet"
    if text:
        steps = parse_schedule(text)
        if classic and set(steps) != {BOTH}:
            raise SettingError("schedule", text, "an unpaired resnet trains both networks in every step")
        if only and any(step.networks != (only,) for step in steps):
            raise SettingError("schedule", text, f"trains more than the {only} model, which alone was to be trained")
        if not config.losses.unpaired and any(step.more_haze for step in steps):
            raise SettingError("schedule", text, "dehaze-more is for the cyclegan objective")
        return steps
    if only:
        return (StepKind((only,)),)
    if classic:
        return (BOTH,)
    return parse_schedule(UNPAIRED if config.losses.unpaired else SUPERVISED)


def parts_needed(kind: StepKind, config: TrainConfig) -> frozenset[Part]:
    """The parts of a batch that a step uses; the others need not be read.

    Haze that is put into hazy pictures comes with the clear ones.
    """
    parts: set[Part] = {"pairs"} if config.losses.paired else set()
    if config.losses.unpaired:
        if kind.networks != ("dehaze",) or kind.more_haze:
            parts.add("hazy")
        if kind.networks != ("hazify",):
            parts.add("clear")
    return frozenset(parts)
