"""Both cycles of CycleGAN and the identity pictures, for either kind of generator.

``G: hazy -> clear`` and ``F: clear -> hazy`` (Zhu et al., ICCV 2017, section 3).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from claritygan_cli.data.synthesis import HazeParameters
from claritygan_cli.engine.estimate import HazeEstimate
from claritygan_cli.engine.generators import Generator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.refinement import predict, refine
from claritygan_cli.engine.resampling import enlarged
from claritygan_cli.engine.restoration import full_size_map, full_size_transmission
from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.engine.scattering import add_haze, haze_density, remove_haze, transmission


@dataclass
class KnownHaze:
    """Pictures (N, 3, H, W) in haze that is known.

    Attributes:
        hazy: in haze. clear: without.
        t: (N, 1, H, W) in (0, 1]. airlight: (N, 3, 1, 1) or (N, 3, H, W), in [0, 1].
    """

    hazy: Tensor
    clear: Tensor
    t: Tensor
    airlight: Tensor


@dataclass
class KnownHazeResult:
    """Pictures in known haze, and what a dehazer saw in them.

    Attributes:
        cleared: what the dehazer made of the hazy pictures, not clamped.
        seen_t, seen_airlight: haze as the dehazer saw it, (N, 1, H, W) and (N, 3, H, W).
    """

    known: KnownHaze
    cleared: Tensor
    seen_t: Tensor
    seen_airlight: Tensor


@dataclass
class Cycles:
    """Pictures (N, 3, H, W) in [0, 1].

    Attributes:
        fake_clear: G(hazy). rehazed: F(fake_clear). fake_hazy: F(clear). recleared: G(fake_hazy).
        same_clear: G(clear). same_hazy: F(hazy), or None where F with no haze to add is the identity by construction.
        known_haze: of scattering generators, instead of G(fake_hazy) alone.
        depth_error: of scattering generators, (N, 1, H, W): how far F is from the depth of fake_clear that follows
            from the haze that G saw, times how well that can be told: 0 without haze, 1 in dense haze.
    """

    fake_clear: Tensor
    rehazed: Tensor
    fake_hazy: Tensor
    recleared: Tensor
    same_clear: Tensor
    same_hazy: Tensor | None
    known_haze: KnownHazeResult | None = None
    depth_error: Tensor | None = None


def _plain(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _checkpointed(function: Callable[..., Any], *arguments: Any) -> Any:
    """Keep only the arguments for the backward pass (Chen et al., arXiv:1604.06174)."""
    return checkpoint(function, *arguments, use_reentrant=False)


LEARNING = replace(RestorationConfig.plain(), upsampling_radius=RestorationConfig.upsampling_radius)
"""What is done with the estimate of a network that learns from it: it is upsampled with the picture's edges, no more. A
network that is trained through a smoothing filter leaves edges to it, and what it predicts itself becomes noise; one
that is corrected by the shadow bound wherever it is told the truth never learns what shadows say of haze."""
BOUNDED_LEARNING = replace(LEARNING, shadow_floor=RestorationConfig.shadow_floor)
"""The same within the shadow bound, for pictures whose haze nobody knows."""


def estimate_depth(hazify: ScatteringHazifier, clear: Tensor) -> Tensor:
    """Depth (N, 1, H, W) in [0, 1] of clear pictures, whose sides the network can take as they are."""
    return full_size_map(clear, clear, hazify.predict(clear).depth, LEARNING).clamp(0, 1)


def estimate_haze(
    dehaze: ScatteringDehazer, pictures: Tensor, config: RestorationConfig = BOUNDED_LEARNING
) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (N, 3, H, W) without their haze, not clamped, and its transmission (N, 1, H, W) and airlight, of their
    own size.

    Args:
        pictures: of sides that the network can take as they are.
    """
    estimate = refine(pictures, predict(dehaze.predict, pictures, config), config)
    assert isinstance(estimate, HazeEstimate)
    t = full_size_transmission(pictures, pictures, estimate, config)
    airlight = enlarged(estimate.airlight, (pictures.shape[2], pictures.shape[3]))
    return remove_haze(pictures, t, airlight), t, airlight


def depth_behind(t: Tensor, density: Tensor) -> Tensor:
    """Depth in [0, 1] that follows from the transmission (N, 1, H, W) of haze of a density (N, 1, 1, 1)."""
    return (-t.log() / density.clamp_min(1e-3)).clamp(0, 1)


def put_into_haze(clear: Tensor, depth: Tensor, haze: HazeParameters) -> KnownHaze:
    """Clear pictures in haze that follows the depth (N, 1, H, W) that F predicts, and something else.

    While F predicts badly, a dehazer that learned from its haze alone would learn its errors, and not to see haze.
    """
    t = transmission(depth, haze.density) * torch.exp(-haze.mist)
    return KnownHaze(add_haze(clear, t, haze.airlight), clear, t, haze.airlight)


@torch.no_grad()
def put_into_more_haze(teacher: ScatteringDehazer, hazy: Tensor, haze: HazeParameters) -> KnownHaze:
    """Hazy pictures in more of the haze that a dehazer sees there.

    Transmissions multiply, so what is added is known, and it follows the depth that the haze itself shows; what was
    there before is seen best where haze is thin. So the dehazer learns to see dense haze as it sees thin haze.

    Args:
        haze: half of it is added, in the colour of what is there.
    """
    gone, t, airlight = estimate_haze(teacher, hazy, teacher.restoration)
    more = put_into_haze(
        hazy, depth_behind(t, haze_density(t)), HazeParameters(haze.density / 2, haze.mist / 2, airlight)
    )
    return KnownHaze(more.hazy, gone.clamp(0, 1), more.t * t, airlight)


def dehaze_known(dehaze: ScatteringDehazer, known: KnownHaze, gradient_checkpointing: bool = False) -> KnownHazeResult:
    """The cycle clear - hazy - clear, whose haze is known."""
    return KnownHazeResult(
        known, *(_checkpointed if gradient_checkpointing else _plain)(estimate_haze, dehaze, known.hazy)
    )


def rehaze(
    hazify: ScatteringHazifier, cleared: Tensor, t: Tensor, airlight: Tensor, gradient_checkpointing: bool = False
) -> tuple[Tensor, Tensor]:
    """The end of the cycle hazy - clear - hazy.

    Args:
        cleared: (N, 3, H, W) in [0, 1], pictures without the haze that was seen in them: t and airlight.

    Returns:
        The pictures in that haze again, by F's depth, and that depth's error as in :class:`Cycles`.
    """
    density = haze_density(t)
    depth = (_checkpointed if gradient_checkpointing else _plain)(estimate_depth, hazify, cleared)
    error = (1 - torch.exp(-density)) * (depth - depth_behind(t, density))
    return add_haze(cleared, transmission(depth, density), airlight), error


def scattering_cycles(
    dehaze: ScatteringDehazer,
    hazify: ScatteringHazifier,
    hazy: Tensor,
    clear: Tensor,
    haze: HazeParameters,
    gradient_checkpointing: bool = False,
) -> Cycles:
    """Cycles through one physics, as in D4 (Yang et al., "Self-Augmented Unpaired Image Dehazing via Density and Depth
    Decomposition", CVPR 2022).

    The density and airlight that G sees in a hazy picture are what F puts back to close its cycle, and the depth
    that follows from them is what F learns to predict (:func:`rehaze`). In front of a clear picture F puts the same
    density and airlight, for the discriminator; what G learns to take away is haze of every sort
    (:func:`dehaze_known`).

    A cycle teaches only the network that closes it. Were its opener to learn from it too, "there is no haze" would be
    the answer of both: it closes every cycle, and a saturated sigmoid never leaves it again.
    """
    call = _checkpointed if gradient_checkpointing else _plain
    count = len(hazy)
    cleared, t, airlight = call(estimate_haze, dehaze, torch.cat([hazy, clear]))
    fake_clear, same_clear = cleared.clamp(0, 1).split(count)
    t, airlight = t[:count].detach(), airlight[:count].detach()
    rehazed, depth_error = rehaze(hazify, fake_clear.detach(), t, airlight, gradient_checkpointing)
    depth = call(estimate_depth, hazify, clear)
    result = dehaze_known(dehaze, put_into_haze(clear, depth.detach(), haze), gradient_checkpointing)
    return Cycles(
        fake_clear,
        rehazed,
        fake_hazy=add_haze(clear, transmission(depth, haze_density(t)), airlight),
        recleared=result.cleared,
        same_clear=same_clear,
        same_hazy=None,
        known_haze=result,
        depth_error=depth_error,
    )


def translation_cycles(
    dehaze: Generator, hazify: Generator, hazy: Tensor, clear: Tensor, gradient_checkpointing: bool = False
) -> Cycles:
    """Cycles of generators that translate picture to picture."""
    call = _checkpointed if gradient_checkpointing else _plain
    fake_clear, same_clear = call(dehaze, hazy), call(dehaze, clear)
    fake_hazy, same_hazy, rehazed = call(hazify, clear), call(hazify, hazy), call(hazify, fake_clear)
    recleared = call(dehaze, fake_hazy)
    return Cycles(fake_clear, rehazed, fake_hazy, recleared, same_clear, same_hazy)


def make_cycles(
    dehaze: Generator,
    hazify: Generator,
    hazy: Tensor,
    clear: Tensor,
    haze: HazeParameters,
    gradient_checkpointing: bool = False,
) -> Cycles:
    """The cycles of a pair of generators.

    Args:
        hazy, clear: (N, 3, H, W) in [0, 1], of sides that the networks can take as they are.
        haze: that scattering generators put in front of the clear pictures.
        gradient_checkpointing: trade time for memory: run each network again in the backward pass, and keep nothing
            of the first.
    """
    if isinstance(dehaze, ScatteringDehazer) and isinstance(hazify, ScatteringHazifier):
        return scattering_cycles(dehaze, hazify, hazy, clear, haze, gradient_checkpointing)
    return translation_cycles(dehaze, hazify, hazy, clear, gradient_checkpointing)
