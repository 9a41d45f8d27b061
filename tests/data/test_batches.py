from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from claritygan_cli.data.batches import Batch, Batches, BatchPlan, Stopwatch, loaded
from claritygan_cli.data.black_point import without_veil
from claritygan_cli.data.kinds import Part
from claritygan_cli.data.layouts import TrainingFiles, find_training_files
from claritygan_cli.data.synthesis import HazeParameters, Scenes
from claritygan_cli.errors import DataError, SettingError

ALL: frozenset[Part] = frozenset({"hazy", "clear", "pairs"})
PLAN = BatchPlan(batch=4, size=64, crop_shapes="square", parts=(ALL,), seed=1)


@pytest.fixture
def root(tmp_path: Path, photo: np.ndarray) -> Path:
    for folder in ("hazy", "clear", "room/rgb", "room/depth"):
        (tmp_path / folder).mkdir(parents=True)
    for i in range(5):
        Image.fromarray(np.roll(photo, 20 * i, 1)).save(tmp_path / f"clear/{i}.png")
        Image.fromarray(np.roll(photo // 2 + 110, 20 * i, 1)).save(tmp_path / f"hazy/{i}_1.png")
    Image.fromarray(photo).save(tmp_path / "room/rgb/r.png")
    Image.fromarray(np.tile(np.arange(50, 200, dtype=np.uint8), (100, 1))).save(tmp_path / "room/depth/r.png")
    return tmp_path


@pytest.fixture
def files(root: Path) -> TrainingFiles:
    return find_training_files((root,), (), ())


def tensors(batch: Batch) -> list[torch.Tensor]:
    assert batch.pairs is not None
    values = [
        batch.hazy,
        batch.clear,
        *(getattr(batch.haze, f.name) for f in fields(HazeParameters)),
        *(getattr(batch.pairs, f.name) for f in fields(Scenes)),
    ]
    assert all(value is not None for value in values)
    return values  # type: ignore[return-value]


def assert_same(first: Batch, second: Batch) -> None:
    for a, b in zip(tensors(first), tensors(second), strict=True):
        assert torch.equal(a, b)


def test_a_batch(files: TrainingFiles) -> None:
    batch = Batches(files, PLAN).make(0)
    assert batch.images == 4
    assert batch.hazy is not None
    assert batch.clear is not None
    assert batch.haze is not None
    assert batch.hazy.shape == batch.clear.shape == (4, 3, 64, 64)
    assert batch.haze.density.shape == (4, 1, 1, 1)
    assert batch.haze.mist.shape == (4, 1, 64, 64)
    assert batch.haze.airlight.shape == (4, 3, 1, 1)
    assert all(0 <= float(x.min()) <= float(x.max()) <= 1 for x in (batch.hazy, batch.clear))
    assert batch.hazy.min() > 0.3
    assert batch.pairs is not None
    assert batch.pairs.clear.shape == (4, 3, 64, 64)


@pytest.mark.parametrize("shapes", ["square", "varied"])
def test_a_step_is_the_same_whoever_makes_it(files: TrainingFiles, shapes: str) -> None:
    """However often, in whatever order, in whatever process: this is what resuming and loader processes rest on."""
    plan = replace(PLAN, crop_shapes=shapes)  # type: ignore[arg-type]
    expected = [Batches(files, plan).make(step) for step in range(6)]
    worn = Batches(files, plan)
    for step in (5, 0, 3, 3, 4):
        assert_same(worn.make(step), expected[step])
    for workers in (0, 2):
        made = list(loaded(Batches(files, plan), range(2, 6), workers, Stopwatch()))
        for batch, wanted in zip(made, expected[2:], strict=True):
            assert_same(batch, wanted)


def test_ranks_share_a_batch(files: TrainingFiles) -> None:
    whole = tensors(Batches(files, PLAN).make(3))
    halves = [tensors(Batches(files, replace(PLAN, rank=rank, ranks=2)).make(3)) for rank in range(2)]
    for value, *parts in zip(whole, *halves, strict=True):
        assert torch.equal(value, torch.cat(parts))


def test_varied_crops_are_of_equal_area_and_multiples_of_the_stride(files: TrainingFiles) -> None:
    plan = replace(PLAN, crop_shapes="varied", size=128, batch=8, ranks=2)
    seen = {plan.shape_and_count(step) for step in range(200)}
    assert len({shape for shape, _ in seen}) == 6
    for (height, width), count in seen:
        assert height % 32 == width % 32 == count % 2 == 0
        assert height * width * count <= 1.6 * 8 * 128 * 128


def test_an_epoch_draws_every_picture_once(files: TrainingFiles) -> None:
    batches = Batches(files, replace(PLAN, batch=2, parts=(ALL - {"pairs"},)))
    assert len(files.hazy) == 6
    assert batches.steps_per_epoch() == 3
    for domain, count in ((0, 6), (1, 6)):
        for epoch in range(3):
            drawn = [batches._index(domain, epoch * count + i) for i in range(count)]
            assert sorted(drawn) == list(range(count))


def test_domains_are_drawn_independently_even_where_pairs_exist(files: TrainingFiles) -> None:
    batches = Batches(files, PLAN)
    together = [batches._index(0, i) == batches._index(1, i) for i in range(300)]
    assert np.mean(together) < 0.35  # 1 in 6 by chance


def test_real_pairs_are_cut_alike_and_others_have_depth(files: TrainingFiles) -> None:
    found = set()
    batches = Batches(files, PLAN)
    for step in range(6):
        pairs = batches.make(step).pairs
        assert pairs is not None
        for i, real in enumerate(pairs.real.tolist()):
            found.add(real)
            if real:
                torch.testing.assert_close(pairs.hazy[i], pairs.clear[i] * 0.5 + 110 / 255, atol=0.01, rtol=0)
            else:
                assert torch.equal(pairs.hazy[i], pairs.clear[i])
                assert pairs.depth[i].max() > pairs.depth[i].min()
    assert found == {True, False}


def test_broken_files_are_left_out_and_reported(root: Path) -> None:
    (root / "hazy/1_1.png").write_bytes(b"broken")
    (root / "room/depth/r.png").write_bytes(b"broken")
    files = find_training_files((root,), (), ())
    for workers in (0, 1):
        batches = list(loaded(Batches(files, replace(PLAN, parts=(ALL - {"pairs"},))), range(4), workers, Stopwatch()))
        problems = {problem for batch in batches for problem in batch.broken}
        assert {problem.split(":")[0] for problem in problems} == {
            str(root / "hazy/1_1.png"),
            str(root / "room/depth/r.png"),
        }
        assert all(batch.hazy is not None and len(batch.hazy) == 4 for batch in batches)


def test_a_broken_partner_spoils_no_other_use_of_a_picture(root: Path) -> None:
    """What a process met before must not show in its batches."""
    (root / "room/depth/r.png").write_bytes(b"broken")
    files = find_training_files((root,), (), ())
    worn = Batches(files, PLAN)
    for step in range(8):
        assert_same(worn.make(step), Batches(files, PLAN).make(step))


@pytest.mark.parametrize("workers", [0, 1])
def test_nothing_readable_is_an_error(root: Path, workers: int) -> None:
    for path in (root / "clear").iterdir():
        path.write_bytes(b"broken")
    files = find_training_files((root,), (), ())
    files.clear = [path for path in files.clear if path.parent.name == "clear"]
    with pytest.raises(DataError, match="none of the pictures there can be read"):
        next(loaded(Batches(files, PLAN), range(2), workers, Stopwatch()))


def test_the_natural_haze_of_clear_photos_is_told(tmp_path: Path, photo: np.ndarray) -> None:
    (tmp_path / "clear").mkdir()
    Image.fromarray((photo * 0.9 + 24).astype(np.uint8)).save(tmp_path / "clear/a.png")
    batches = Batches(find_training_files((), (), (tmp_path / "clear",)), replace(PLAN, parts=(frozenset({"pairs"}),)))
    pairs = batches.make(0).pairs
    assert pairs is not None
    assert 0.03 < pairs.veil.min() <= pairs.veil.max() < 0.2
    shadows = without_veil(pairs.clear, pairs.veil).flatten(1).quantile(0.02, 1)
    assert (shadows < pairs.clear.flatten(1).quantile(0.02, 1) - 0.02).all()


def test_only_the_parts_that_a_step_needs_are_made(files: TrainingFiles) -> None:
    needs: tuple[frozenset[Part], ...] = (frozenset({"hazy"}), frozenset({"clear"}), frozenset({"pairs"}), ALL)
    some, whole = Batches(files, replace(PLAN, parts=needs)), Batches(files, PLAN)
    for step, parts in enumerate(needs):
        batch, full = some.make(step), whole.make(step)
        for part in ("hazy", "clear"):
            made = getattr(batch, part)
            assert (made is not None) == (part in parts)
            assert made is None or torch.equal(made, getattr(full, part))  # parts do not depend on each other
        assert (batch.haze is not None) == ("clear" in parts)
        assert (batch.pairs is not None) == ("pairs" in parts)


def test_weights_decide_how_often_pictures_are_drawn(files: TrainingFiles) -> None:
    batches = Batches(files, replace(PLAN, weights=("room/*=0.7", "hazy/0*=0.1")))
    drawn = [files.pairs[batches._index(2, i)].picture for i in range(3000)]
    counts = Counter("room" if "room" in path.parts else "0_1" if path.stem == "0_1" else "hazy" for path in drawn)
    assert counts["room"] / 3000 == pytest.approx(0.7, abs=0.04)
    assert counts["0_1"] / 3000 == pytest.approx(0.1, abs=0.03)
    assert counts["hazy"] / 3000 == pytest.approx(0.2, abs=0.04)  # the other four share what is left


@pytest.mark.parametrize("weight", ["nowhere/*=0.5", "room/*", "room/*=2", "room/*=-1"])
def test_weights_that_make_no_sense_are_refused(files: TrainingFiles, weight: str) -> None:
    with pytest.raises(SettingError, match="weight"):
        Batches(files, replace(PLAN, weights=(weight,)))
