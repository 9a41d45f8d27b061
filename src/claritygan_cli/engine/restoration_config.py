"""The steps of restoration, in order, as one frozen dataclass. Light: no torch here."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from claritygan_cli.errors import SettingError
from claritygan_cli.settings import check, setting


@dataclass(frozen=True)
class RestorationConfig:
    """What is done between a network's estimate and the finished pixels; fields stand in the order of the steps.

    Each step can be switched off, by the value that its help names. Figures are PSNR in dB on SOTS-indoor mini and
    RESIDE outdoor mini; their tables are in weights/EXPERIMENTS.md.

    The defaults are a dehazer's. A hazifier uses the first five fields that concern maps alone, see :meth:`hazifying`.

    Raises:
        SettingError: a field is out of its range, or two do not go together.
    """

    mirrored: bool = setting(
        True,
        help="Test-time augmentation: predict the mirror image too, and take the mean (28.13 -> 28.40, 28.00 -> "
        "28.26). False: off. Videos leave it out, since their estimates are averaged over time.",
    )
    shadow_floor: float = setting(
        0.03,
        help="Shadow bound: transmission is raised until no channel of the small result is darker than this (boundary "
        "constraint of Meng et al., ICCV 2013; 24.86 -> 25.1 when it came). Negative: off.",
        minimum=-1.0,
        maximum=0.5,
    )
    fog_shadow_floor: float = setting(
        0.08,
        help="Shadow bound: what the floor becomes where the airlight is dim, as it is in fog. Negative: off.",
        minimum=-1.0,
        maximum=0.5,
    )
    brightness_floor: float = setting(
        0.18,
        help="Brightness bound: transmission is raised until no neighbourhood of the small result is darker than this "
        "on average, where the airlight is dim. 0: off.",
        minimum=0.0,
        maximum=0.5,
    )
    smoothing_radius: int = setting(
        3,
        help="Guided filter of the map at its own size, radius in its pixels (SSIM .964 -> .967 outdoors). 0: off.",
        minimum=0,
        maximum=64,
    )
    smoothing_eps: float = setting(1e-3, help="Its regularisation, in units of luma's variance.", minimum=1e-9)
    upsampling_radius: int = setting(
        2,
        help="Guided upsampling: radius in pixels of the map. 0: off, upsampled bilinearly.",
        minimum=0,
        maximum=64,
    )
    upsampling_eps: float = setting(0.01, help="Its regularisation, in units of luma's variance.", minimum=1e-9)
    full_gain_transmission: float = setting(
        0.25,
        help="Gain curve: the gain is 1 / t down to this transmission; denser haze is not taken out any further, "
        "or its noise would be brought up (27.65 -> 27.65). 0: off.",
        minimum=0.0,
        maximum=1.0,
    )
    no_gain_transmission: float = setting(
        0.1,
        help="Gain curve: from there the gain falls back to 1 at this transmission, so that haze which hides "
        "everything stays and skies come out even (28.03 -> 28.00 outdoors). 0: off.",
        minimum=0.0,
        maximum=1.0,
    )
    chroma_gain_transmission: float = setting(
        0.4,
        help="Chroma cap: what makes colours differ from their luma gets no more gain than at this transmission, since "
        "behind denser haze colours are mostly casts (28.40 -> 28.39). 0: off.",
        minimum=0.0,
        maximum=1.0,
    )
    noise_deviation: float = setting(
        2 / 255,
        help="Noise coring: standard deviation of luma over 3x3 pixels at which half of what differs from the mean is "
        "taken for noise, and not brought up (SSIM .921 -> .925, .968 -> .970). 0: off.",
        minimum=0.0,
        maximum=1.0,
    )

    def __post_init__(self) -> None:
        check(self)
        if self.full_gain_transmission and self.no_gain_transmission >= self.full_gain_transmission:
            raise SettingError(
                "no_gain_transmission", self.no_gain_transmission, "must be less than full_gain_transmission"
            )

    @classmethod
    def plain(cls) -> "RestorationConfig":
        """All steps off: one prediction, upsampled bilinearly, and then exactly ``(I - A) / t + A``."""
        return cls(
            mirrored=False,
            shadow_floor=-1.0,
            fog_shadow_floor=-1.0,
            brightness_floor=0.0,
            smoothing_radius=0,
            upsampling_radius=0,
            full_gain_transmission=0.0,
            no_gain_transmission=0.0,
            chroma_gain_transmission=0.0,
            noise_deviation=0.0,
        )

    @classmethod
    def hazifying(cls) -> "RestorationConfig":
        """A hazifier's defaults: the mean with the mirror image's depth is hardly better (rank .912 -> .914)."""
        return cls(mirrored=False, noise_deviation=0.0)

    @classmethod
    def translating(cls) -> "RestorationConfig":
        """Those of networks that translate pixels: each channel of the photo guides its own (arXiv:1803.05619)."""
        return cls(mirrored=False, smoothing_radius=0, upsampling_eps=1e-4, noise_deviation=0.0)

    def to_dict(self) -> dict[str, Any]:
        """As a model card holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RestorationConfig":
        """The inverse of :meth:`to_dict`.

        Raises:
            SettingError: a value is out of its range, or a name is unknown.
        """
        unknown = values.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise SettingError(sorted(unknown)[0], None, "no step of restoration has this setting")
        return cls(**values)
