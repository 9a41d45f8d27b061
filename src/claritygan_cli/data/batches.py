"""Batches for training: batch number ``step`` is the same whoever makes it and whenever.

Every random choice is drawn from a generator that is seeded by (seed, step, domain, place in the batch). So a resumed
run sees what it would have seen, any number of loader processes makes the same batches, and each of several GPUs makes
its own part of a batch.
"""

import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from claritygan_cli.data.haze_config import HazeConfig
from claritygan_cli.data.kinds import STRIDE, CropShapes, Part
from claritygan_cli.data.layouts import Source, TrainingFiles
from claritygan_cli.data.reader import Reader, cut, random_box
from claritygan_cli.data.synthesis import (
    HazeParameters,
    Scenes,
    add_random_haze,
    concatenate,
    draw_any_haze,
    real_pair,
)
from claritygan_cli.data.weights import shares_of_domains
from claritygan_cli.errors import DataError

VARIED = ((0.75, 1), (1, 1), (1, 0.75), (1, 1.25), (1.5, 2), (2, 1.5))
"""Height and width of varied crops, in units of the size: whole photos at several scales and aspects."""
VARIED_WEIGHTS = (0.3, 0.15, 0.05, 0.15, 0.3, 0.05)
CACHE = 1 << 30
"""Bytes of pictures kept in memory, of all loader processes together."""
HAZY, CLEAR, PAIRS, SHAPE = range(4)
ROOM = 2.25
"""Photos are kept this much larger than crops: parts of down to 0.45 of their length are cut out."""


@dataclass
class Batch:
    """What a step trains on; parts that are not asked for are None.

    Attributes:
        hazy, clear: (N, 3, H, W) in [0, 1], of different scenes.
        haze: to put in front of the clear ones.
        pairs: scenes to put haze into, and really hazy ones.
        images: pictures in the whole batch, of all processes.
        broken: what is wrong with files that were met and left out.
    """

    hazy: Tensor | None
    clear: Tensor | None
    haze: HazeParameters | None
    pairs: Scenes | None
    images: int
    broken: list[str] = field(default_factory=list)

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""

        def move(value: Any) -> Any:
            if isinstance(value, Tensor):
                return value.to(device)
            if isinstance(value, Scenes | HazeParameters):
                return type(value)(**{f.name: move(getattr(value, f.name)) for f in fields(value)})
            return value

        return Batch(**{f.name: move(getattr(self, f.name)) for f in fields(self)})


@dataclass(frozen=True)
class BatchPlan:
    """How batches are made.

    Attributes:
        batch: square crops in a batch; larger crops come in proportionally smaller batches.
        size: side of a square crop, in pixels.
        crop_shapes: ``square``, or ``varied`` in scale and aspect.
        parts: of a batch that steps need, in turn: the first step the first of them, and so on, again and again.
        seed: of all random numbers.
        rank, ranks: this process and their number.
        haze: what synthetic haze is drawn from.
        weights: of sources, as :attr:`claritygan_cli.training.config.DataConfig.weights`.
    """

    batch: int
    size: int
    crop_shapes: CropShapes
    parts: tuple[frozenset[Part], ...]
    seed: int
    rank: int = 0
    ranks: int = 1
    haze: HazeConfig = field(default_factory=HazeConfig)
    weights: tuple[str, ...] = ()

    def shape_and_count(self, step: int) -> tuple[tuple[int, int], int]:
        """Shape of the crops of a step, and how many of them all processes get together."""
        if self.crop_shapes == "square":
            return (self.size, self.size), self.batch
        random = np.random.default_rng([self.seed, step, SHAPE])
        shares = VARIED[int(random.choice(len(VARIED), p=VARIED_WEIGHTS))]
        height, width = (max(STRIDE, round(self.size * share / STRIDE) * STRIDE) for share in shares)
        count = min(self.batch, max(1, round(self.batch * self.size**2 / (height * width))))
        return (height, width), -(-count // self.ranks) * self.ranks


class Batches(Dataset[Batch | DataError]):
    """Makes batch ``step`` of a plan from files.

    Files that cannot be read are left out: the next one of the list takes their place.
    """

    def __init__(self, files: TrainingFiles, plan: BatchPlan, memory: int = CACHE) -> None:
        self.plan = plan
        self.domains: dict[int, list[Source]] = {
            HAZY: files.hazy,
            CLEAR: [Source(path, "invented") for path in files.clear],
            PAIRS: files.pairs,
        }
        self.reader = Reader(round(ROOM * plan.size), memory)
        self._shares = shares_of_domains(self.domains, plan.weights) if plan.weights else {}
        self._broken: dict[tuple[int, Path], str] = {}
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def steps_per_epoch(self) -> int:
        """Steps until every picture of the larger domain has been drawn once."""
        needed = frozenset().union(*self.plan.parts)
        wanted = (HAZY, CLEAR) if "hazy" in needed or "clear" in needed else (PAIRS,)
        return max(1, -(-max(len(self.domains[domain]) for domain in wanted) // self.plan.batch))

    def _index(self, domain: int, number: int) -> int:
        """Which source is drawn as the domain's ``number``-th: a new random order in every round, or by weights."""
        if domain in self._shares:
            drawn = np.random.default_rng([self.plan.seed, domain, number]).random()
            return int(np.searchsorted(self._shares[domain][:-1], drawn, "right"))
        count = len(self.domains[domain])
        kind_of_step = number // count
        if self._orders.get(domain, (-1,))[0] != kind_of_step:
            order = np.random.default_rng([self.plan.seed, domain, kind_of_step]).permutation(count)
            self._orders[domain] = (kind_of_step, order)
        return int(self._orders[domain][1][number % count])

    def _draw(
        self, domain: int, step: int, place: int, shape: tuple[int, int]
    ) -> Scenes | tuple[Tensor, HazeParameters]:
        sources = self.domains[domain]
        first = self._index(domain, step * self.plan.batch + place)
        for offset in range(len(sources)):
            source = sources[(first + offset) % len(sources)]
            if (domain, source.picture) in self._broken:
                continue
            try:
                return self._crop(source, domain, np.random.default_rng([self.plan.seed, step, domain, place]), shape)
            except DataError as error:
                self._broken[domain, source.picture] = str(error)
        raise DataError(f"{sources[0].picture.parent}: none of the pictures there can be read")

    def _crop(
        self, source: Source, domain: int, random: np.random.Generator, shape: tuple[int, int]
    ) -> Scenes | tuple[Tensor, HazeParameters]:
        truth = None
        if domain == PAIRS and source.haze == "real" and source.partner is not None:
            picture, truth = self.reader.pair(source.picture, source.partner)
        else:
            picture = self.reader.picture(source.picture)
        box = random_box(picture.shape[1], picture.shape[2], shape, random)
        crop = cut(picture, box, shape)[None]
        if source.haze == "real":
            return real_pair(crop, crop if truth is None else cut(truth, box, shape)[None])
        depth, sky = cut(self.reader.depth(source, random), box, shape)[None].split(1, 1)
        torch_random = torch.Generator().manual_seed(int(random.integers(2**63)))
        if domain == CLEAR:
            return crop, draw_any_haze(depth.clamp_max(1), self.plan.haze, torch_random)
        measured, no = torch.tensor([source.haze == "measured"]), torch.zeros(1, dtype=torch.bool)
        veil = torch.zeros(1, 1, 1, 1) if measured else self.reader.natural_veil(source.picture)[None]
        scene = Scenes(crop, crop, depth, sky.clamp_max(1), veil, measured, no)
        if domain == HAZY:
            made = add_random_haze(scene, self.plan.haze, torch_random)
            return real_pair(made.hazy, made.clear)
        return scene

    def _part(self, domain: int, step: int) -> list[Any]:
        shape, count = self.plan.shape_and_count(step)
        mine = range(self.plan.rank * count // self.plan.ranks, (self.plan.rank + 1) * count // self.plan.ranks)
        return [self._draw(domain, step, place, shape) for place in mine]

    def make(self, step: int) -> Batch:
        """Batch number ``step``, this process' part of it.

        Raises:
            DataError: none of a domain's files can be read.
        """
        hazy = clear = haze = pairs = None
        parts = self.plan.parts[step % len(self.plan.parts)]
        if "hazy" in parts:
            hazy = concatenate(self._part(HAZY, step)).hazy
        if "clear" in parts:
            crops, hazes = zip(*self._part(CLEAR, step), strict=True)
            clear, haze = torch.cat(crops), concatenate(hazes)
        if "pairs" in parts:
            pairs = concatenate(self._part(PAIRS, step))
        return Batch(hazy, clear, haze, pairs, self.plan.shape_and_count(step)[1], list(self._broken.values()))

    def __getitem__(self, step: int) -> Batch | DataError:
        """As :meth:`make`, but errors are returned, since raised ones lose their message between processes."""
        try:
            return self.make(step)
        except DataError as error:
            return error


@dataclass
class Stopwatch:
    """Seconds that were spent waiting for batches."""

    seconds: float = 0.0


def _ignore_interrupts(_worker: int) -> None:
    """Ctrl-C is for the main process, which still has a step to finish."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def loaded(batches: Batches, steps: Iterable[int], workers: int, watch: Stopwatch) -> Iterator[Batch]:
    """Batches in order, made ahead by loader processes.

    Raises:
        DataError: as :meth:`Batches.make`.
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=2 if workers else None,
        worker_init_fn=_ignore_interrupts,
        generator=torch.Generator(),  # or the loader would draw from the networks' random numbers
    )
    iterator = iter(loader)
    while True:
        started = time.monotonic()
        batch = next(iterator, None)
        watch.seconds += time.monotonic() - started
        if batch is None:
            return
        if isinstance(batch, DataError):
            raise batch
        yield batch
