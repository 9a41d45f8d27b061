"""Which settings have an effect only beside others: one that has none is refused instead of ignored."""

from collections.abc import Callable, Iterable

from claritygan_cli.errors import SettingError
from claritygan_cli.training.config import TrainConfig

Holds = Callable[[TrainConfig], bool]


def _unpaired(config: TrainConfig) -> bool:
    return config.losses.unpaired


UNPAIRED_ALONE = "has no effect with the supervised objective"
NEEDS: tuple[tuple[tuple[str, ...], Holds, str], ...] = (
    (("vgg", "vgg_layers"), lambda c: c.losses.perceptual_weight > 0, "needs a perceptual weight above 0"),
    (("adversarial", "cycle_weight", "identity_weight", "perceptual_weight"), _unpaired, UNPAIRED_ALONE),
    (("paired_weight", "r1_weight", "pool_size", "discriminator_width"), _unpaired, UNPAIRED_ALONE),
    (
        ("gradient_weight", "shadow_weight", "order_weight", "unmeasured_depth_weight"),
        lambda c: c.losses.paired,
        "needs supervised terms: a paired weight above 0, or the supervised objective",
    ),
    (
        ("transmission_weight", "airlight_weight"),
        lambda c: c.model.generator == "scattering",
        "is for the scattering generator",
    ),
    (
        ("decoder_widths", "encoder_weights", "encoder_rate"),
        lambda c: c.model.generator == "scattering",
        "is for the scattering generator",
    ),
    (("width", "blocks"), lambda c: c.model.generator == "resnet", "is for the resnet generator"),
    (("weight_decay",), lambda c: c.optimisation.optimizer != "adam", "has no effect with adam"),
)
"""Names of settings, when they have an effect, and what to say where they have none."""


def refuse_without_effect(config: TrainConfig, given: Iterable[str]) -> None:
    """See that every setting that was given does something.

    Args:
        given: names of settings.

    Raises:
        SettingError: one does nothing beside the others.
    """
    for name in given:
        for names, has_effect, reason in NEEDS:
            if name in names and not has_effect(config):
                raise SettingError(name, None, f"{reason}; leave it out")
