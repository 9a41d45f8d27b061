"""What the generators and the discriminators minimise, each as one module, so that one call covers a step.

CycleGAN (Zhu et al., ICCV 2017) with Cycle-Dehaze's perceptual term (Engin et al., CVPRW 2018), and supervised terms
where pairs are known.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from claritygan_cli.data.synthesis import HazeParameters, HazyViews
from claritygan_cli.engine.estimate import HazeEstimate
from claritygan_cli.engine.generators import Generator, ScatteringDehazer, ScatteringHazifier
from claritygan_cli.engine.patchgan import PatchDiscriminator
from claritygan_cli.engine.restoration import refine
from claritygan_cli.engine.scattering import add_haze, transmission
from claritygan_cli.models.weights import Direction
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.cycles import (
    BOUNDED_LEARNING,
    LEARNING,
    KnownHazeResult,
    dehaze_known,
    estimate_depth,
    estimate_haze,
    make_cycles,
    put_into_haze,
    put_into_more_haze,
    rehaze,
)
from claritygan_cli.training.generator_pair import DIRECTIONS, GeneratorPair
from claritygan_cli.training.losses import (
    AdversarialForm,
    PerceptualLoss,
    adversarial_loss,
    cycle_loss,
    gradient_penalty,
    identity_loss,
)

TRANSMISSION_WEIGHT, AIRLIGHT_WEIGHT = 0.5, 0.3
INVENTED_DEPTH_WEIGHT = 0.3
VISIBLE = 0.05
"""Mean share of airlight in a picture from which on it can be read."""

Terms = dict[str, Tensor]


@dataclass(frozen=True)
class StepKind:
    """What a step is for.

    Attributes:
        networks: whom it teaches.
        in_more_haze: a dehazer that is alone in it practises on hazy pictures in more haze instead of clear ones in
            haze.
    """

    networks: tuple[Direction, ...] = DIRECTIONS
    in_more_haze: bool = False


EVERYTHING = StepKind()


def each(difference: Tensor) -> Tensor:
    """Mean absolute value of each picture's difference: (N, ...) -> (N,)."""
    return difference.float().abs().flatten(1).mean(1)


def estimate_terms(
    kind: str, seen_t: Tensor, seen_airlight: Tensor, t: Tensor, airlight: Tensor, known: Tensor | bool = True
) -> Terms:
    """L1 distances of what a dehazer read from the haze where that is known, from the airlight where haze shows it."""
    visible = known & ((1 - t).mean((1, 2, 3)) > VISIBLE)
    return {
        f"{kind}_transmission": TRANSMISSION_WEIGHT * (each(seen_t - t) * known).mean(),
        f"{kind}_airlight": AIRLIGHT_WEIGHT * (each(seen_airlight - airlight) * visible).mean(),
    }


def dehazing_terms(dehaze: Generator, views: HazyViews) -> Terms:
    """L1 distances from the clear picture; for a scattering dehazer also from the transmission, and from the airlight
    where there is haze to read it from, as far as they are known.
    """
    if not isinstance(dehaze, ScatteringDehazer):
        return {"paired_clear": F.l1_loss(dehaze(views.hazy).float(), views.clear)}
    clear, t, airlight = estimate_haze(dehaze, views.hazy, LEARNING)
    return {
        "paired_clear": each(clear - views.clear).mean(),
        **estimate_terms("paired", t, airlight, views.t, views.airlight, views.known),
    }


def hazifying_terms(pair: GeneratorPair, views: HazyViews) -> Terms:
    """L1 distances from the hazy picture; for a scattering hazifier, from the depth where it is known, and from the
    picture with the known haze, or else with the haze that the dehazer read. Invented depth counts for less.
    """
    if not (isinstance(pair.dehaze, ScatteringDehazer) and isinstance(pair.hazify, ScatteringHazifier)):
        return {"paired_hazy": F.l1_loss(pair.hazify(views.clear).float(), views.hazy)}
    known = views.known.reshape(-1, 1, 1, 1)
    density, airlight = views.density, views.airlight
    if not known.all():
        with torch.no_grad():
            seen = refine(views.hazy, pair.dehaze.predict(views.hazy), BOUNDED_LEARNING)
        assert isinstance(seen, HazeEstimate)
        density = torch.where(known, density, seen.density)
        airlight = torch.where(known, airlight, seen.airlight)
    depth = estimate_depth(pair.hazify, views.clear)
    # haze from the true depth, without the patches and noise that nobody can foresee in a clear picture
    hazy = torch.where(known, add_haze(views.clear, transmission(views.depth, density), airlight), views.hazy)
    trust = torch.where(views.known & ~views.measured, INVENTED_DEPTH_WEIGHT, 1.0)
    return {
        "paired_depth": (each(depth - views.depth) * views.known * trust).mean(),
        "paired_hazy": (each(add_haze(views.clear, transmission(depth, density), airlight) - hazy) * trust).mean(),
    }


def known_haze_terms(practice: KnownHazeResult) -> Terms:
    """L1 distances of what the dehazer read from the haze that it practised on."""
    exercise = practice.exercise
    return estimate_terms("cycle", practice.seen_t, practice.seen_airlight, exercise.t, exercise.airlight)


class GeneratorObjective(nn.Module):
    """The generators' terms, each with its weight, and the fakes for the discriminators.

    Args:
        pair: the generators; the module's only parameters.
        discriminators: judge fakes; hidden from this module, their parameters are another optimiser's.
        perceptual: VGG distance; hidden too.
        teacher: reads hazy pictures for scattering generators that are alone in a step; hidden too.
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
        pairs: HazyViews | None,
        kind_of_step: StepKind = EVERYTHING,
    ) -> tuple[Terms, Tensor | None, Tensor | None]:
        """Terms, and the fake hazy and fake clear pictures (N, 3, H, W), without gradient.

        Args:
            hazy, clear: (N, 3, H, W) of different scenes; None leaves the CycleGAN terms out.
            haze: to put in front of the clear ones.
            pairs: hazy views whose truth is known; None leaves the supervised terms out.
            kind_of_step: whom the terms are for; a scattering generator alone has no discriminator: a dehazer only
                practises, and a hazifier puts back the haze that was read.
        """
        terms: Terms = {}
        fake_hazy = fake_clear = None
        if hazy is not None and clear is not None and haze is not None:
            if kind_of_step.networks == ("dehaze",):
                terms = self._known_haze_terms(hazy, clear, haze, kind_of_step.in_more_haze)
            elif kind_of_step.networks == ("hazify",):
                terms = self._rehazed(hazy)
            else:
                terms, fake_hazy, fake_clear = self._unpaired(hazy, clear, haze)
        if pairs is not None:
            weight = self.config.paired_weight or 1.0
            paired: Terms = {}
            if "dehaze" in kind_of_step.networks:
                paired |= dehazing_terms(self.dehaze, pairs)
            if "hazify" in kind_of_step.networks:
                paired |= hazifying_terms(self.pair, pairs)
            terms |= {name: weight * value for name, value in paired.items()}
        return terms, fake_hazy, fake_clear

    def _reader(self) -> ScatteringDehazer:
        (teacher,) = self._teacher
        assert isinstance(teacher, ScatteringDehazer)
        return teacher

    def _known_haze_terms(self, hazy: Tensor, clear: Tensor, haze: HazeParameters, in_more_haze: bool) -> Terms:
        assert isinstance(self.dehaze, ScatteringDehazer)
        assert isinstance(self.hazify, ScatteringHazifier)
        with torch.no_grad():
            if in_more_haze:
                exercise = put_into_more_haze(self._reader(), hazy, haze)
            else:
                exercise = put_into_haze(clear, estimate_depth(self.hazify, clear), haze)
        practice = dehaze_known(self.dehaze, exercise, self.config.gradient_checkpointing)
        terms = {"cycle_clear": cycle_loss(practice.cleared.float(), exercise.clear), **known_haze_terms(practice)}
        return {name: self.config.cycle_weight * value for name, value in terms.items()}

    def _rehazed(self, hazy: Tensor) -> Terms:
        assert isinstance(self.hazify, ScatteringHazifier)
        with torch.no_grad():
            teacher = self._reader()
            cleared, t, airlight = estimate_haze(teacher, hazy, teacher.restoration)
        rehazed, depth_error = rehaze(self.hazify, cleared.clamp(0, 1), t, airlight, self.config.gradient_checkpointing)
        terms = {"cycle_hazy": cycle_loss(rehazed.float(), hazy), "cycle_depth": depth_error.abs().mean()}
        return {name: self.config.cycle_weight * value for name, value in terms.items()}

    def _unpaired(self, hazy: Tensor, clear: Tensor, haze: HazeParameters) -> tuple[Terms, Tensor, Tensor]:
        config, (discriminators, perceptual) = self.config, self._judges
        assert discriminators is not None
        made = make_cycles(self.dehaze, self.hazify, hazy, clear, haze, config.gradient_checkpointing)
        terms = {
            "adversarial_clear": adversarial_loss(discriminators.clear(made.fake_clear), True, config.adversarial),
            "adversarial_hazy": adversarial_loss(discriminators.hazy(made.fake_hazy), True, config.adversarial),
            "cycle_hazy": config.cycle_weight * cycle_loss(made.rehazed.float(), hazy),
            "cycle_clear": config.cycle_weight * cycle_loss(made.recleared.float(), clear),
            "identity_clear": config.identity_weight * identity_loss(made.same_clear.float(), clear),
        }
        if made.same_hazy is not None:
            terms["identity_hazy"] = config.identity_weight * identity_loss(made.same_hazy.float(), hazy)
        if made.practice is not None and made.depth_error is not None:
            more = {**known_haze_terms(made.practice), "cycle_depth": made.depth_error.abs().mean()}
            terms |= {name: config.cycle_weight * value for name, value in more.items()}
        if perceptual is not None:
            distance = perceptual(made.rehazed, hazy) + perceptual(made.recleared, clear)
            terms["perceptual"] = config.perceptual_weight * distance
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
