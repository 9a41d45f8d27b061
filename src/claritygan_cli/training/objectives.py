"""What the generators and the discriminators minimise, each as one module, so that one call covers a step.

CycleGAN (Zhu et al., ICCV 2017) with Cycle-Dehaze's perceptual term (Engin et al., CVPRW 2018), and supervised terms
where pairs are known.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claritygan_cli.data.synthesis import HazeParameters, HazyCrops
from claritygan_cli.engine.estimate import LEAST_TRANSMISSION, HazeEstimate
from claritygan_cli.engine.generators import Generator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.patchgan import PatchDiscriminator
from claritygan_cli.engine.refinement import refine
from claritygan_cli.engine.resampling import enlarged, resize
from claritygan_cli.engine.scattering import add_haze, remove_haze, transmission
from claritygan_cli.training.config import LossConfig, TrainConfig
from claritygan_cli.training.cycles import (
    BOUNDED_LEARNING,
    KnownHazeResult,
    dehaze_known,
    estimate_depth,
    estimate_haze,
    make_cycles,
    put_into_haze,
    put_into_more_haze,
    rehaze,
)
from claritygan_cli.training.generator_pair import GeneratorPair
from claritygan_cli.training.losses import (
    AdversarialForm,
    PerceptualLoss,
    adversarial_loss,
    cycle_loss,
    gradient_penalty,
    identity_loss,
)
from claritygan_cli.training.schedule import BOTH, StepKind

Terms = dict[str, Tensor]
LOGARITHM_SHARE = 0.2
"""Weight of the logarithm of transmission beside transmission, so that dense haze counts as well."""
HARDLY_VISIBLE = 0.1
"""Transmission at which the clear picture counts half: behind denser haze there is little to be seen of it."""
SHOWN_SHARE = 0.5
"""Weight of the root mean square error of the picture as it will be shown, beside the L1 distance."""
BLACK, NOT_BLACK = 0.05, 0.08
"""Brightness below which a result is black, and above which a clear picture is not."""
NEAR = 0.03
"""Added to depth before logarithms are taken."""
GRADIENT_SCALES = (1, 2, 4)
"""In pixels of the network's map."""


def each(difference: Tensor) -> Tensor:
    """Mean absolute value of each picture's difference: (N, ...) -> (N,)."""
    return difference.float().abs().flatten(1).mean(1)


def estimate_terms(
    kind: str,
    config: LossConfig,
    seen_t: Tensor,
    seen_airlight: Tensor,
    t: Tensor,
    airlight: Tensor,
    known: Tensor | float = 1.0,
) -> Terms:
    """L1 distances of an estimate from the haze where that is known: of transmission and its logarithm, and of the
    airlight as far as haze shows it.

    Args:
        known: (N,), 1 or 0, or one number for all.
    """
    distance = each(seen_t - t) + LOGARITHM_SHARE * each(seen_t.clamp_min(LEAST_TRANSMISSION).log() - t.log())
    return {
        f"{kind}_transmission": config.transmission_weight * (distance * known).mean(),
        f"{kind}_airlight": config.airlight_weight * (each((1 - t) * (seen_airlight - airlight)) * known).mean(),
    }


def gradient_distance(difference: Tensor, known: Tensor) -> Tensor:
    """Mean size of a difference's gradients, at three scales (Li, Snavely, "MegaDepth", CVPR 2018).

    Args:
        difference: (N, 1, H, W). known: (N,), 1 or 0, which of them count.
    """
    total = torch.zeros((), device=difference.device)
    for scale in GRADIENT_SCALES:
        small = F.avg_pool2d(difference, scale)
        total = total + ((each(small.diff(dim=3)) + each(small.diff(dim=2))) * known).mean()
    return total


def normalised(depth: Tensor) -> Tensor:
    """Depth (N, 1, H, W) without its scale and shift (Ranftl et al., "Towards Robust Monocular Depth Estimation", TPAMI
    2022, equation 5)."""
    flat = depth.flatten(1)
    centred = flat - flat.median(1, keepdim=True).values
    return centred / (centred.abs().mean(1, keepdim=True) + 0.01)


def dehazing_terms(config: LossConfig, dehaze: Generator, crops: HazyCrops) -> Terms:
    """L1 distances from the clear picture; for a scattering dehazer from the clear picture where something of it can be
    seen, also as it will be shown, from what is known of its haze, and from black where nothing is black. All at the
    size of the network's map.
    """
    if not isinstance(dehaze, ScatteringDehazer):
        return {"paired_clear": F.l1_loss(dehaze(crops.hazy).float(), crops.clear)}
    estimate = dehaze.predict(crops.hazy)
    seen, size = estimate.transmission, (estimate.transmission.shape[2], estimate.transmission.shape[3])
    t, hazy, clear, airlight = (resize(x, size) for x in (crops.t, crops.hazy, crops.clear, crops.airlight))
    seen_airlight = enlarged(estimate.airlight, size)
    result = remove_haze(hazy, seen, seen_airlight)
    known = crops.known.float()
    visible = torch.where(crops.known.reshape(-1, 1, 1, 1), t / (t + HARDLY_VISIBLE), 1.0)
    black = (BLACK - result).clamp_min(0) * (clear > NOT_BLACK)
    return {
        "paired_clear": (visible * (result - clear).abs()).mean(),
        "paired_shown": SHOWN_SHARE * ((result.clamp(0, 1) - clear).square().mean() + 1e-6).sqrt(),
        **estimate_terms("paired", config, seen, seen_airlight, t, airlight, known),
        "paired_gradient": config.gradient_weight * gradient_distance(seen - t, known),
        "paired_black": config.shadow_weight * black.mean(),
    }


def hazifying_terms(config: LossConfig, pair: GeneratorPair, crops: HazyCrops) -> Terms:
    """L1 distances from the hazy picture; for a scattering hazifier, from the depth where it is known, where measured
    depth counts for more; where it is not, from the picture with the haze that the dehazer sees.
    """
    if not (isinstance(pair.dehaze, ScatteringDehazer) and isinstance(pair.hazify, ScatteringHazifier)):
        return {"paired_hazy": F.l1_loss(pair.hazify(crops.clear).float(), crops.hazy)}
    seen = pair.hazify.predict(crops.clear).depth
    depth, known = resize(crops.depth, (seen.shape[2], seen.shape[3])), crops.known.float()
    trust = known * torch.where(crops.measured, 1.0, config.unmeasured_depth_weight)
    logarithms = each((seen + NEAR).log() - (depth + NEAR).log())
    terms = {
        "paired_depth": ((each(seen - depth) + LOGARITHM_SHARE / 2 * logarithms) * trust).mean(),
        "paired_gradient": config.gradient_weight * gradient_distance(seen - depth, known),
        "paired_order": config.order_weight * (each(normalised(seen) - normalised(depth)) * known).mean(),
    }
    if not crops.known.all():
        with torch.no_grad():
            haze = refine(crops.hazy, pair.dehaze.predict(crops.hazy), BOUNDED_LEARNING)
        assert isinstance(haze, HazeEstimate)
        size = crops.hazy.shape[2], crops.hazy.shape[3]
        t = transmission(enlarged(seen, size), haze.density)
        again = add_haze(crops.clear, t, enlarged(haze.airlight, size))
        terms["paired_hazy"] = (each(again - crops.hazy) * (1 - known)).mean()
    return terms


def known_haze_terms(config: LossConfig, result: KnownHazeResult) -> Terms:
    """L1 distances of what the dehazer saw from the haze that was put in."""
    known = result.known
    return estimate_terms("cycle", config, result.seen_t, result.seen_airlight, known.t, known.airlight)


class GeneratorObjective(nn.Module):
    """The generators' terms, each with its weight, and the fakes for the discriminators.

    Args:
        pair: the generators; the module's only parameters.
        discriminators: judge fakes; hidden from this module, their parameters are another optimiser's.
        perceptual: VGG distance; hidden too.
        teacher: the averaged dehazer, which sees haze for generators that are alone in a step; hidden too.
    """

    def __init__(
        self,
        config: TrainConfig,
        pair: GeneratorPair,
        discriminators: "DiscriminatorObjective | None",
        perceptual: PerceptualLoss | None,
        teacher: Generator,
    ) -> None:
        super().__init__()
        self.config, self.pair = config, pair
        self.dehaze, self.hazify = pair.dehaze, pair.hazify
        self._judges, self._teacher = (discriminators, perceptual), (teacher,)

    def forward(
        self,
        hazy: Tensor | None,
        clear: Tensor | None,
        haze: HazeParameters | None,
        pairs: HazyCrops | None,
        step: StepKind = BOTH,
    ) -> tuple[Terms, Tensor | None, Tensor | None]:
        """Terms, and the fake hazy and fake clear pictures (N, 3, H, W), without gradient.

        Args:
            hazy, clear: (N, 3, H, W) of different scenes; see :func:`parts_needed` for which a step needs.
            haze: to put in front of the clear ones, or into the hazy ones.
            pairs: hazy crops whose truth is known; None leaves the supervised terms out.
            step: what it trains. A scattering generator alone has no discriminator: a dehazer learns from haze that was
                put in, and a hazifier puts back the haze that the averaged dehazer sees.
        """
        terms: Terms = {}
        fake_hazy = fake_clear = None
        if self.config.losses.unpaired:
            if step == BOTH:
                assert hazy is not None
                assert clear is not None
                assert haze is not None
                terms, fake_hazy, fake_clear = self._unpaired(hazy, clear, haze)
            elif step.networks == ("hazify",):
                assert hazy is not None
                terms = self._rehazed(hazy)
            else:
                terms = self._known_haze_terms(hazy if step.more_haze else clear, haze, step.more_haze)
        if pairs is not None:
            weight = self.config.losses.paired_weight or 1.0
            paired: Terms = {}
            if "dehaze" in step.networks:
                paired |= dehazing_terms(self.config.losses, self.dehaze, pairs)
            if "hazify" in step.networks:
                paired |= hazifying_terms(self.config.losses, self.pair, pairs)
            terms |= {name: weight * value for name, value in paired.items()}
        return terms, fake_hazy, fake_clear

    def _averaged_dehazer(self) -> ScatteringDehazer:
        (teacher,) = self._teacher
        assert isinstance(teacher, ScatteringDehazer)
        return teacher

    def _weighted(self, terms: Terms) -> Terms:
        return {name: self.config.losses.cycle_weight * value for name, value in terms.items()}

    def _known_haze_terms(self, pictures: Tensor | None, haze: HazeParameters | None, more_haze: bool) -> Terms:
        assert isinstance(self.dehaze, ScatteringDehazer)
        assert isinstance(self.hazify, ScatteringHazifier)
        assert pictures is not None
        assert haze is not None
        with torch.no_grad():
            if more_haze:
                known = put_into_more_haze(self._averaged_dehazer(), pictures, haze)
            else:
                known = put_into_haze(pictures, estimate_depth(self.hazify, pictures), haze)
        result = dehaze_known(self.dehaze, known, self.config.optimisation.gradient_checkpointing)
        distance = cycle_loss(result.cleared.float(), known.clear)
        return self._weighted({"cycle_clear": distance, **known_haze_terms(self.config.losses, result)})

    def _rehazed(self, hazy: Tensor) -> Terms:
        assert isinstance(self.hazify, ScatteringHazifier)
        with torch.no_grad():
            teacher = self._averaged_dehazer()
            cleared, t, airlight = estimate_haze(teacher, hazy, teacher.restoration)
        checkpointing = self.config.optimisation.gradient_checkpointing
        rehazed, depth_error = rehaze(self.hazify, cleared.clamp(0, 1), t, airlight, checkpointing)
        distance = cycle_loss(rehazed.float(), hazy)
        return self._weighted({"cycle_hazy": distance, "cycle_depth": depth_error.abs().mean()})

    def _unpaired(self, hazy: Tensor, clear: Tensor, haze: HazeParameters) -> tuple[Terms, Tensor, Tensor]:
        config, (discriminators, perceptual) = self.config, self._judges
        assert discriminators is not None
        made = make_cycles(self.dehaze, self.hazify, hazy, clear, haze, config.optimisation.gradient_checkpointing)
        terms = {
            "adversarial_clear": adversarial_loss(
                discriminators.clear(made.fake_clear), True, config.losses.adversarial
            ),
            "adversarial_hazy": adversarial_loss(discriminators.hazy(made.fake_hazy), True, config.losses.adversarial),
            "cycle_hazy": config.losses.cycle_weight * cycle_loss(made.rehazed.float(), hazy),
            "cycle_clear": config.losses.cycle_weight * cycle_loss(made.recleared.float(), clear),
            "identity_clear": config.losses.identity_weight * identity_loss(made.same_clear.float(), clear),
        }
        if made.same_hazy is not None:
            terms["identity_hazy"] = config.losses.identity_weight * identity_loss(made.same_hazy.float(), hazy)
        if made.known_haze is not None and made.depth_error is not None:
            known = known_haze_terms(config.losses, made.known_haze)
            terms |= self._weighted({**known, "cycle_depth": made.depth_error.abs().mean()})
        if perceptual is not None:
            distance = perceptual(made.rehazed, hazy) + perceptual(made.recleared, clear)
            terms["perceptual"] = config.losses.perceptual_weight * distance
        return terms, made.fake_hazy.detach().float(), made.fake_clear.detach().float()


class DiscriminatorObjective(nn.Module):
    """The discriminators' terms: half the sum of the verdicts' losses (CycleGAN, section 7.1), and R1 where it is
    wanted.

    Args:
        width: channels of the discriminators' first layer.
    """

    def __init__(self, form: AdversarialForm, r1_weight: float = 0.0, width: int = 64) -> None:
        super().__init__()
        self.form, self.r1_weight = form, r1_weight
        self.hazy, self.clear = PatchDiscriminator(width), PatchDiscriminator(width)

    def _verdict(self, discriminator: PatchDiscriminator, real: Tensor, fake: Tensor) -> Tensor:
        scores_real, scores_fake = discriminator(torch.cat([real, fake])).split(len(real))
        right = adversarial_loss(scores_real, True, self.form)
        return 0.5 * (right + adversarial_loss(scores_fake, False, self.form))

    def forward(self, hazy: Tensor, clear: Tensor, fake_hazy: Tensor, fake_clear: Tensor) -> Terms:
        """Terms from real and generated pictures, (N, 3, H, W) each, the latter without gradient."""
        terms = {
            "discriminator_hazy": self._verdict(self.hazy, hazy, fake_hazy),
            "discriminator_clear": self._verdict(self.clear, clear, fake_clear),
        }
        if self.r1_weight:
            with torch.autocast(hazy.device.type, enabled=False):  # squares of gradients are out of fp16's range
                penalty = gradient_penalty(self.hazy, hazy) + gradient_penalty(self.clear, clear)
            terms["discriminator_r1"] = 0.5 * self.r1_weight * penalty
        return terms
