"""Sample pictures: what both cycles make of a few views."""

import torch
from PIL import Image, ImageDraw

from claritygan_cli.data.batches import Batches, BatchPlan
from claritygan_cli.data.layouts import TrainingFiles
from claritygan_cli.engine.cycles import Haze, make_cycles
from claritygan_cli.engine.generators import Generator
from claritygan_cli.training.config import TrainConfig

ROWS, HEADER = 4, 18
COLUMNS = ("hazy", "dehazed", "rehazed", "clear", "hazified", "recleared")


class Samples:
    """A few views, always the same in a run."""

    def __init__(self, config: TrainConfig, files: TrainingFiles) -> None:
        plan = BatchPlan(ROWS, 2 * config.size, "square", config.unpaired, not config.unpaired, config.seed)
        batch = Batches(files, plan).make(0)
        if batch.pairs is not None:
            known = batch.pairs.known.reshape(-1, 1, 1, 1)
            self.hazy, self.clear = batch.pairs.hazy, batch.pairs.clear
            density = torch.where(known, batch.pairs.density, 1.0)
            self.haze = Haze(density, torch.zeros_like(batch.pairs.t), torch.where(known, batch.pairs.airlight, 0.9))
        else:
            assert batch.hazy is not None
            assert batch.clear is not None
            assert batch.haze is not None
            self.hazy, self.clear, self.haze = batch.hazy, batch.clear, batch.haze

    @torch.no_grad()
    def draw(self, dehaze: Generator, hazify: Generator, device: torch.device) -> Image.Image:
        """A grid: hazy, dehazed, rehazed, and clear, hazified, recleared; one row for each view."""
        haze = Haze(*(part.to(device) for part in (self.haze.density, self.haze.mist, self.haze.airlight)))
        made = make_cycles(dehaze, hazify, self.hazy.to(device), self.clear.to(device), haze)
        hazified = made.practice.hazy if made.practice else made.fake_hazy
        columns = (self.hazy, made.fake_clear, made.rehazed, self.clear, hazified, made.recleared)
        rows = torch.cat([torch.cat(list(column), 1) for column in (c.float().cpu() for c in columns)], 2)
        pixels = (rows.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        sheet = Image.new("RGB", (pixels.shape[1], pixels.shape[0] + HEADER), "white")
        sheet.paste(Image.fromarray(pixels), (0, HEADER))
        pen = ImageDraw.Draw(sheet)
        for i, name in enumerate(COLUMNS):
            pen.text((i * pixels.shape[1] // len(COLUMNS) + 4, 3), name, fill="black")
        return sheet
