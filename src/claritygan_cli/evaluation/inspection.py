"""What a dehazer sees in one photo, and what each step of the restoration does to it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from claritygan_cli.engine.estimate import summary_of
from claritygan_cli.engine.haze_summary import HazeSummary
from claritygan_cli.engine.resampling import enlarged
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.evaluation.contact_sheet import contact_sheet
from claritygan_cli.models.image_translator import ImageTranslator

STEPS: dict[str, tuple[str, ...]] = {
    "scattering model alone": (),
    "mirror image": ("mirrored",),
    "shadow bound": ("shadow_floor", "fog_shadow_floor"),
    "brightness bound": ("brightness_floor",),
    "smoothing": ("smoothing_radius", "smoothing_eps"),
    "guided upsampling": ("upsampling_radius", "upsampling_eps"),
    "gain curve": ("full_gain_transmission", "no_gain_transmission"),
    "chroma cap": ("chroma_gain_transmission",),
    "noise coring": ("noise_deviation",),
}
"""The steps in their order, and the fields of :class:`RestorationConfig` that switch them on."""
COLUMNS, WIDTH = 3, 480
"""Of the figure: pictures in a row, and the width of each."""


@dataclass(frozen=True)
class Step:
    """A photo after a step of the restoration, and all before it.

    Attributes:
        settings: what switches it on.
        pixels: the photo, (H, W, 3) uint8, hardly wider than on the figure.
        change: mean absolute difference from the step before, in levels of 255; of the first, from the photo.
    """

    name: str
    settings: dict[str, float]
    pixels: np.ndarray
    change: float


@dataclass(frozen=True)
class Inspection:
    """What a dehazer sees in a photo.

    Attributes:
        photo: (H, W, 3) uint8.
        transmission: (H, W) float32 in (0, 1].
        airlight: (h, w, 3) float32 in [0, 1], hardly wider than on the figure.
        haze: the same in a few numbers.
        steps: what the restoration makes of it; the last is the result.
    """

    photo: np.ndarray
    transmission: np.ndarray
    airlight: np.ndarray
    haze: HazeSummary
    steps: tuple[Step, ...]

    def figure(self) -> np.ndarray:
        """All of it on a sheet, (H, W, 3) uint8."""
        low, high = (float(np.quantile(self.transmission, share)) for share in (0.01, 0.99))
        grey = np.repeat((self.transmission[..., None] * 255).round().astype(np.uint8), 3, 2)
        colour = ", ".join(f"{value:.2f}" for value in self.haze.airlight)
        cells = [
            ("photo", self.photo),
            (f"transmission, {low:.2f} to {high:.2f} (white: 1)", grey),
            (f"airlight, mean {colour}", (self.airlight * 255).round().astype(np.uint8)),
            *((f"{step.name}: changes {step.change:.1f} of 255", step.pixels) for step in self.steps),
        ]
        rows = [cells[first : first + COLUMNS] for first in range(0, len(cells), COLUMNS)]
        return contact_sheet(rows, WIDTH)

    def numbers(self) -> dict[str, Any]:
        """All of it in numbers, for JSON."""
        return {
            "size": [self.photo.shape[1], self.photo.shape[0]],
            "hazy": self.haze.hazy,
            "transmission": {
                "mean": round(float(self.transmission.mean()), 4),
                **{f"{share}%": round(float(np.percentile(self.transmission, share)), 4) for share in (1, 50, 99)},
            },
            "airlight": {
                name: [round(float(value), 4) for value in reduce(self.airlight.reshape(-1, 3), axis=0)]
                for name, reduce in (("mean", np.mean), ("least", np.min), ("most", np.max))
            },
            "steps": [
                {"name": step.name, "settings": step.settings, "change": round(step.change, 3)} for step in self.steps
            ],
        }


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """A photo hardly wider than on the figure: (h, w, 3) uint8."""
    return np.asarray(Image.fromarray(pixels).reduce(max(1, pixels.shape[1] // WIDTH)))


def configs(full: RestorationConfig) -> Iterator[tuple[str, dict[str, float], RestorationConfig]]:
    """The restorations that have the first step, the first two, and so on: the step's name, its settings, and the
    restoration. Steps that are off are left out."""
    config, every = RestorationConfig.plain(), asdict(full)
    for name, names in STEPS.items():
        settings = {field: every[field] for field in names}
        longer = replace(config, **settings)
        if longer != config or not names:
            yield name, settings, longer
        config = longer


def inspect(translator: ImageTranslator, pixels: np.ndarray) -> Inspection:
    """What a dehazer sees in a photo, and what the restoration's steps make of it.

    Args:
        pixels: (H, W, 3) uint8.

    Raises:
        UsageError: the model estimates no haze.
    """
    estimate, transmission = translator.full_size_transmission(pixels)
    steps: list[Step] = []
    before = pixels
    for name, settings, config in configs(translator.restoration):
        partly = ImageTranslator(translator.generator, translator.device, config, translator.working_size)
        result = partly(pixels)
        change = float(np.abs(result.astype(np.int16) - before).mean())
        steps.append(Step(name, settings, shrunk(result), change))
        before = result
    height, width = shrunk(pixels).shape[:2]
    field = enlarged(estimate.airlight.float(), (height, width))
    airlight = field[0].permute(1, 2, 0).clamp(0, 1).cpu().numpy()
    return Inspection(pixels, transmission, airlight, summary_of(estimate), tuple(steps))
