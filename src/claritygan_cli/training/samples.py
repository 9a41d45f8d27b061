"""Sample pictures: what both cycles make of a few crops."""

import torch
from PIL import Image, ImageDraw

from claritygan_cli.data.batches import Batch, Batches, BatchPlan
from claritygan_cli.data.kinds import Part
from claritygan_cli.data.layouts import TrainingFiles
from claritygan_cli.data.synthesis import HazeParameters, add_random_haze
from claritygan_cli.engine.generators import Generator
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.cycles import make_cycles

ROWS, HEADER = 4, 18
COLUMNS = ("hazy", "dehazed", "rehazed", "clear", "hazified", "recleared")


class Samples:
    """A few crops, always the same in a run."""

    def __init__(self, config: TrainConfig, files: TrainingFiles) -> None:
        parts: frozenset[Part] = frozenset({"hazy", "clear"} if config.losses.unpaired else {"pairs"})
        plan = BatchPlan(ROWS, 2 * config.data.size, "square", (parts,), config.run.seed, haze=config.haze)
        batch = Batches(files, plan).make(0)
        if batch.pairs is not None:
            pairs = add_random_haze(batch.pairs, config.haze, torch.Generator().manual_seed(config.run.seed))
            airlight = torch.where(pairs.known.reshape(-1, 1, 1, 1), pairs.airlight.mean((2, 3), keepdim=True), 0.9)
            haze = HazeParameters(torch.ones(len(airlight), 1, 1, 1), torch.zeros_like(pairs.t), airlight)
            batch = Batch(pairs.hazy, pairs.clear, haze, None, batch.images)
        self.batch = batch

    @torch.no_grad()
    def draw(self, dehaze: Generator, hazify: Generator, device: torch.device) -> Image.Image:
        """A grid: hazy, dehazed, rehazed, and clear, hazified, recleared; one row for each crop."""
        batch = self.batch.to(device)
        hazy, clear, haze = batch.hazy, batch.clear, batch.haze
        assert hazy is not None
        assert clear is not None
        assert haze is not None
        made = make_cycles(dehaze, hazify, hazy, clear, haze)
        hazified = made.known_haze.known.hazy if made.known_haze else made.fake_hazy
        columns = (hazy, made.fake_clear, made.rehazed, clear, hazified, made.recleared)
        rows = torch.cat([torch.cat(list(column), 1) for column in (c.float().cpu() for c in columns)], 2)
        pixels = (rows.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        sheet = Image.new("RGB", (pixels.shape[1], pixels.shape[0] + HEADER), "white")
        sheet.paste(Image.fromarray(pixels), (0, HEADER))
        pen = ImageDraw.Draw(sheet)
        for i, name in enumerate(COLUMNS):
            pen.text((i * pixels.shape[1] // len(COLUMNS) + 4, 3), name, fill="black")
        return sheet
