"""Both cycles of CycleGAN and the identity pictures, for either kind of generator.

``G: hazy -> clear`` and ``F: clear -> hazy`` (Zhu et al., ICCV 2017, section 3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from claritygan_cli.engine.generators import Generator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.scattering import remove_haze


@dataclass
class Cycles:
    """Pictures (N, 3, H, W) in [0, 1].

    Attributes:
        fake_clear: G(hazy). rehazed: F(fake_clear). fake_hazy: F(clear). recleared: G(fake_hazy).
        same_clear: G(clear). same_hazy: F(hazy), or None where F with no haze to add is the identity by construction.
    """

    fake_clear: Tensor
    rehazed: Tensor
    fake_hazy: Tensor
    recleared: Tensor
    same_clear: Tensor
    same_hazy: Tensor | None


def _remember(function: Callable[..., Any], *arguments: Tensor) -> Any:
    return function(*arguments)


def _recompute(function: Callable[..., Any], *arguments: Tensor) -> Any:
    """Keep only the arguments for the backward pass (Chen et al., arXiv:1604.06174)."""
    return checkpoint(function, *arguments, use_reentrant=False)


def scattering_cycles(
    dehaze: ScatteringDehazer,
    hazify: ScatteringHazifier,
    hazy: Tensor,
    clear: Tensor,
    density: Tensor,
    recompute: bool = False,
) -> Cycles:
    """Cycles through one physics.

    The density and airlight that G reads from a hazy picture are what F puts back to close its cycle. In front of a
    clear picture F puts that airlight in a given density.

    A cycle teaches only the network that closes it. Were its opener to learn from it too, "there is no haze" would be
    the answer of both: it closes every cycle, and a saturated sigmoid never leaves it again.
    """
    call = _recompute if recompute else _remember
    count, height = len(hazy), hazy.shape[2]

    def remove(pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = dehaze.look(pictures)
        cleared = remove_haze(pictures, seen.map(pictures, height, 0), seen.airlight).clamp(0, 1)  # however dense
        return cleared, seen.density, seen.airlight

    def put_back(pictures: Tensor, density: Tensor, airlight: Tensor) -> Tensor:
        return hazify.look(pictures).rows(pictures, height, 0, density, airlight)

    cleared, seen_density, airlight = call(remove, torch.cat([hazy, clear]))
    airlight = airlight[:count]
    fake_clear, same_clear = cleared.split(count)
    rehazed, fake_hazy = call(
        put_back,
        torch.cat([fake_clear.detach(), clear]),
        torch.cat([seen_density[:count].detach(), density]),
        torch.cat([airlight.detach(), airlight.detach()]),
    ).split(count)
    recleared = call(remove, fake_hazy.detach())[0]
    return Cycles(fake_clear, rehazed, fake_hazy, recleared, same_clear, None)


def translation_cycles(
    dehaze: Generator, hazify: Generator, hazy: Tensor, clear: Tensor, recompute: bool = False
) -> Cycles:
    """Cycles of generators that translate picture to picture."""
    call = _recompute if recompute else _remember
    fake_clear, same_clear = call(dehaze, hazy), call(dehaze, clear)
    fake_hazy, same_hazy, rehazed = call(hazify, clear), call(hazify, hazy), call(hazify, fake_clear)
    recleared = call(dehaze, fake_hazy)
    return Cycles(fake_clear, rehazed, fake_hazy, recleared, same_clear, same_hazy)


def make_cycles(
    dehaze: Generator, hazify: Generator, hazy: Tensor, clear: Tensor, density: Tensor, recompute: bool = False
) -> Cycles:
    """The cycles of a pair of generators.

    Args:
        hazy, clear: (N, 3, H, W) in [0, 1], sides that the networks look at as they are.
        density: (N, 1, 1, 1), of the haze that scattering generators put in front of the clear pictures.
        recompute: trade time for memory: run each network again in the backward pass, and keep nothing of the first.
    """
    if isinstance(dehaze, ScatteringDehazer) and isinstance(hazify, ScatteringHazifier):
        return scattering_cycles(dehaze, hazify, hazy, clear, density, recompute)
    return translation_cycles(dehaze, hazify, hazy, clear, recompute)
