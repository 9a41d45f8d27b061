import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import Outcome

from claritygan_cli.engine.critic import PatchCritic
from claritygan_cli.engine.generators import ScatteringDehazer, ScatteringHazifier
from claritygan_cli.errors import DataError, UsageError
from claritygan_cli.models.weights import load_model, read_card
from claritygan_cli.training import trainer
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.cyclegan import Cycles, critic_loss, generator_losses
from claritygan_cli.training.ema import Average
from claritygan_cli.training.optimizers import make_adam, make_adamw, minimise
from claritygan_cli.training.pair import Pair
from claritygan_cli.training.trainer import Run, learning_rate_at, train


def tiny_pair(seed: int = 0) -> Pair:
    torch.manual_seed(seed)
    pair = Pair(
        ScatteringDehazer(widths=(4, 8), blocks=(1, 1), working_size=64),
        ScatteringHazifier(widths=(4, 8), blocks=(1, 1), working_size=64),
    )
    for network in pair.networks.values():
        for name, parameter in network.named_parameters():
            if "log_eps" not in name:
                torch.nn.init.normal_(parameter, std=0.2)
    return pair


@pytest.fixture
def data(tmp_path: Path, photo: np.ndarray) -> Path:
    root = tmp_path / "data"
    for folder in ("clear", "hazy", "val/hazy", "val/clear", "room/rgb", "room/depth"):
        (root / folder).mkdir(parents=True)
    hazy = (photo * 0.6 + 90).astype(np.uint8)
    depth = np.tile(np.arange(50, 200, dtype=np.uint8), (100, 1))
    for i in range(3):
        Image.fromarray(np.roll(photo, 20 * i, 1)).save(root / f"clear/{i}.png")
        Image.fromarray(np.roll(hazy, 20 * i, 1)).save(root / f"hazy/{i}.png")
        Image.fromarray(np.roll(photo, 20 * i, 0)).save(root / f"room/rgb/{i}.png")
        Image.fromarray(depth).save(root / f"room/depth/{i}.png")
    Image.fromarray(photo).save(root / "val/clear/1.png")
    Image.fromarray(hazy).save(root / "val/hazy/1_1.png")
    return root


@pytest.fixture
def config(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """A run of a few seconds with tiny networks."""
    monkeypatch.setattr(trainer, "fresh_pair", lambda seed: tiny_pair(seed))
    original = trainer.ModelCard
    numbers = {"widths": [4, 8], "blocks": [1, 1], "working_size": 64}
    monkeypatch.setattr(trainer, "ModelCard", lambda g, d, n, *rest: original(g, d, numbers | n, *rest))
    return TrainConfig(
        data, tmp_path / "run", minutes=0.06, checkpoint_minutes=0.01, batch=2, validation=(data / "val",), threads=1
    )


def test_a_run_leaves_models_metrics_and_a_checkpoint(config: TrainConfig) -> None:
    train(config, command="claritygan train ...")
    lines = [json.loads(line) for line in (config.out / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) >= 2
    assert all(math.isfinite(line["clear"]) for line in lines)
    assert {"psnr", "ssim", "ciede2000"} <= lines[-1]["val"].keys()
    for direction in ("dehaze", "hazify"):
        _, card = load_model(config.out / f"{direction}.safetensors")
        assert card.direction == direction
        assert card.recipe["command"] == "claritygan train ..."
        assert card.recipe["steps"] == lines[-1]["step"]
    assert not list(config.out.glob(".*"))


def test_training_lowers_the_loss(config: TrainConfig) -> None:
    run = Run(replace(config, learning_rate=3e-3, minutes=10, precision="fp32"), "", resume=False)
    run.spent = 60.0  # past the warm-up
    losses = [run.step()["clear"] for _ in range(80)]
    assert np.mean(losses[-15:]) < 0.8 * np.mean(losses[:15])


def test_resume_goes_on(config: TrainConfig) -> None:
    train(config)
    before = read_card(config.out / "dehaze.safetensors").recipe
    train(replace(config, minutes=0.1), resume=True)
    after = read_card(config.out / "dehaze.safetensors").recipe
    assert after["steps"] > before["steps"]
    with pytest.raises(UsageError, match="no checkpoint to resume from"):
        train(replace(config, out=config.out / "other"), resume=True)


def test_a_run_is_not_overwritten(config: TrainConfig) -> None:
    train(config)
    with pytest.raises(UsageError, match="holds a run already"):
        train(config)
    with pytest.raises(UsageError, match="is of the stage supervised"):
        train(replace(config, stage="cyclegan", minutes=1), resume=True)


def test_cyclegan_stage_starts_from_a_run(config: TrainConfig) -> None:
    train(config)
    second = replace(
        config, stage="cyclegan", initial=config.out, out=config.out.with_name("second"), learning_rate=2e-4
    )
    train(second)
    line = json.loads((second.out / "metrics.jsonl").read_text().splitlines()[-1])
    expected = {"adversarial_clear", "adversarial_hazy", "cycle_hazy", "cycle_clear", "identity_clear", "clear_critic"}
    assert expected <= line.keys()
    assert read_card(second.out / "dehaze.safetensors").recipe["initial"]["steps"] > 0


def test_cyclegan_needs_real_haze(config: TrainConfig) -> None:
    for path in (config.data / "hazy").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="needs real haze in hazy/"):
        train(replace(config, stage="cyclegan"))


def test_a_loss_that_stays_infinite_ends_the_run(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "step", lambda self: {"clear": float("nan")})
    with pytest.raises(DataError, match="non-finite loss"):
        train(config)


def test_cycles_cross_the_domains() -> None:
    """G sees hazy photos and F's work; F sees clear photos and G's work; nobody sees its own domain."""
    pair, seen = tiny_pair(), []
    for name, network in pair.networks.items():
        original = network.look

        def look(small: torch.Tensor, name: str = name, original: Callable = original) -> object:
            seen.append((name, small.detach().clone()))
            return original(small)

        network.look = look  # type: ignore[method-assign]
    hazy, clear = 0.6 + 0.2 * torch.rand(2, 3, 64, 64), 0.4 * torch.rand(2, 3, 64, 64)
    cycles = Cycles(pair.dehaze, pair.hazify, hazy, clear)
    assert [name for name, _ in seen] == ["dehaze", "hazify", "hazify", "dehaze"]
    for (_, image), expected in zip(seen, (hazy, cycles.fake_clear, clear, cycles.fake_hazy), strict=True):
        torch.testing.assert_close(image, expected.detach())


@torch.no_grad()
def test_generator_terms_by_hand() -> None:
    pair, hazy, clear = tiny_pair(), torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    hazy_critic, clear_critic = PatchCritic(width=4), PatchCritic(width=4)
    terms, _ = generator_losses(pair, hazy_critic, clear_critic, None, 0.0, hazy, clear)

    def depth(image: torch.Tensor) -> torch.Tensor:
        return pair.hazify.look(image).map(image, 64, 0)

    lift = pair.dehaze.look(hazy)
    t, airlight = lift.map(hazy, 64, 0), lift.airlight
    density = -torch.quantile(lift.t.flatten(1), 0.02, dim=1).log().reshape(2, 1, 1, 1)
    fake_clear = ((hazy - airlight) / t + airlight).clamp(0, 1)
    back = torch.exp(-density * depth(fake_clear))
    rehazed = (fake_clear * back + airlight * (1 - back)).clamp(0, 1)
    other_density, other_light = density.flip(0), airlight.flip(0)  # two pictures: the other one's
    forth = torch.exp(-other_density * depth(clear))
    fake_hazy = (clear * forth + other_light * (1 - forth)).clamp(0, 1)
    expected = {
        "adversarial_clear": ((clear_critic(fake_clear) - 1) ** 2).mean(),
        "adversarial_hazy": ((hazy_critic(fake_hazy) - 1) ** 2).mean(),
        "cycle_hazy": 10 * (rehazed - hazy).abs().mean(),
        "cycle_clear": 10 * (pair.dehaze(fake_hazy) - clear).abs().mean(),
        "identity_clear": 5 * (pair.dehaze(clear) - clear).abs().mean(),
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, atol=1e-5, rtol=1e-4)


def test_critic_loss_by_hand_and_without_gradient_to_the_fakes() -> None:
    critic = PatchCritic(width=4)
    real, fake = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64, requires_grad=True)
    loss = critic_loss(critic, real, fake)
    torch.testing.assert_close(loss, 0.5 * (((critic(real) - 1) ** 2).mean() + (critic(fake) ** 2).mean()))
    loss.backward()
    assert fake.grad is None


def test_schedule_warms_up_and_ends_low() -> None:
    rates = [learning_rate_at(p, 1.0) for p in np.linspace(0, 1, 101)]
    assert 0 < rates[0] < 0.1
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[-1] == pytest.approx(0.02)
    assert all(a >= b for a, b in pairwise(rates[4:]))


def test_average_follows() -> None:
    network = tiny_pair().dehaze
    average = Average(network, decay=0.5)
    start = network.head.weight.detach().clone()
    with torch.no_grad():
        network.head.weight.add_(1)
    average.update(network, step=1000)
    torch.testing.assert_close(average.network.get_parameter("head.weight"), start + 0.5)
    assert not any(p.requires_grad for p in average.network.parameters())


def test_steps_are_clipped_and_skip_what_is_not_finite() -> None:
    layer = torch.nn.Linear(2, 1)
    optimizer = make_adamw(layer, 0.1, 0.5)
    decay = {len(group["params"][0].shape): group["weight_decay"] for group in optimizer.param_groups}
    assert decay == {2: 0.5, 1: 0.0}
    before = layer.weight.detach().clone()
    minimise(layer(torch.tensor([float("inf"), 0.0])).sum(), optimizer, 0.1)
    assert torch.equal(layer.weight, before)
    root = layer.weight.sum() - layer.weight.sum().detach()
    minimise(root.sqrt(), optimizer, 0.1)  # a loss of 0 with an infinite gradient
    assert torch.equal(layer.weight, before)
    minimise(1e6 * layer(torch.ones(2)).sum(), optimizer, 0.1)
    assert layer.weight.grad is not None
    assert layer.weight.grad.norm() <= 1.0001
    assert make_adam([layer], 0.1).param_groups[0]["betas"] == (0.5, 0.999)


def test_command(cli: Callable[..., Outcome], config: TrainConfig) -> None:
    done = cli("train", "--data", config.data, "--out", config.out, "--minutes", 0.01, "--batch", 2, "--threads", 1)
    assert (done.code, done.out) == (0, "")
    assert read_card(config.out / "dehaze.safetensors").recipe["command"].startswith("claritygan train --data")
    wrong = cli("train", "--data", config.data / "nowhere", "--out", config.out / "2")
    assert wrong.code == 1
    assert "no training photos" in wrong.err
