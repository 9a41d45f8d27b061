"""What synthetic haze is drawn from: every range of it, for recipes. Light: no torch here."""

from dataclasses import dataclass, fields

from claritygan_cli.errors import SettingError
from claritygan_cli.settings import check, setting

Range = tuple[float, ...]
"""The least and the most, between which numbers are drawn evenly. Where it has three numbers, the first is the share of
pictures that it is for."""


@dataclass(frozen=True)
class HazeConfig:
    """Ranges of the haze that is put into clear photos in training.

    ``indoor`` haze is for photos with measured depth and is RESIDE's ITS (Li et al., TIP 2019: density .6 to 1.8,
    airlight .7 to 1, grey). All others get RESIDE's outdoor haze, or fog, or a veil: even haze over everything. Fog is
    drawn as in real photos: the sky is hidden, airlight is dim and falls off towards the ground and the corners, and
    the scene itself is dull, as under an overcast sky (RIDCP, Wu et al., CVPR 2023).
    """

    no_haze: float = setting(0.06, help="Share of pictures without haze.", minimum=0.0, maximum=1.0)
    fog: float = setting(0.28, help="Share of outdoor pictures in fog.", minimum=0.0, maximum=1.0)
    veil: float = setting(0.08, help="Share of outdoor pictures behind a veil.", minimum=0.0, maximum=1.0)

    natural_haze: float = setting(
        0.75,
        help="Share of pictures, but for fog and veils, whose own thin haze stays in the truth, as in RESIDE's.",
        minimum=0.0,
        maximum=1.0,
    )

    varied_colours: float = setting(0.5, help="Share of pictures whose colours are varied.", minimum=0.0, maximum=1.0)
    varied_gamma: Range = setting((-0.35, 0.35), help="Their ln(gamma).")
    varied_gain: Range = setting((-0.15, 0.1), help="Their gain, less 1.")
    varied_saturation: Range = setting((-0.3, 0.3), help="Their saturation, less 1.")
    dull_gamma: Range = setting((-0.2, 0.5), help="Scenes in fog: ln(gamma).")
    dull_gain: Range = setting((0.65, 1.05), help="Scenes in fog: gain.", minimum=0.0)
    dull_saturation: Range = setting((0.6, 1.1), help="Scenes in fog: saturation.", minimum=0.0)

    indoor_density: Range = setting((0.6, 1.8), help="RESIDE's, per unit of the farthest depth.", minimum=0.0)
    indoor_density_wide: Range = setting((0.25, 0.2, 2.7), help="Share of pictures beyond it, and theirs.", minimum=0.0)
    indoor_airlight: Range = setting((0.68, 1.0), help="Grey of the airlight indoors.", minimum=0.0, maximum=1.0)
    indoor_white: Range = setting((0.5, 0.95, 1.0), help="Share that is nearly white.", minimum=0.0, maximum=1.0)
    indoor_dim: Range = setting((0.1, 0.45, 1.0), help="Share that may be dim.", minimum=0.0, maximum=1.0)

    outdoor_density: Range = setting((0.3, 1.4), help="RESIDE's outdoors.", minimum=0.0)
    outdoor_density_wide: Range = setting((0.35, 0.2, 2.2), help="Share of pictures beyond it.", minimum=0.0)
    outdoor_nearest: Range = setting(
        (0.5, 0.38, 0.65), help="Share of pictures with nothing near the camera, and the nearest depth.", minimum=0.0
    )
    outdoor_nearest_wide: Range = setting((0.3, 0.1, 0.9), help="A further share.", minimum=0.0)
    outdoor_sky: Range = setting((1.0, 1.4), help="Depth of the sky.", minimum=0.0)
    outdoor_airlight: Range = setting((0.76, 1.0), help="Grey of the airlight outdoors.", minimum=0.0, maximum=1.0)
    outdoor_white: Range = setting((0.2, 0.95, 1.0), help="Share that is nearly white.", minimum=0.0, maximum=1.0)

    fog_transmission: Range = setting(
        (0.01, 0.9), help="Fog's at the depth that 95 % of the land is nearer than; drawn on a log scale.", minimum=1e-3
    )
    fog_nearest: Range = setting((0.4, 0.0, 0.3), help="Share with nothing near, and the nearest depth.", minimum=0.0)
    fog_sky: Range = setting((1.5, 4.0), help="Depth of the sky in fog.", minimum=0.0)
    fog_airlight: Range = setting((0.42, 1.0), help="Grey of the airlight in fog and veils.", minimum=0.0, maximum=1.0)
    fog_white: Range = setting((0.15, 0.9, 1.0), help="Share that is nearly white.", minimum=0.0, maximum=1.0)
    veil_transmission: Range = setting((0.3, 0.95), help="A veil's, near the camera.", minimum=1e-3, maximum=1.0)
    veil_density: Range = setting((0.0, 0.25), help="What a veil has of it with depth.", minimum=0.0)
    patches: Range = setting((0.12, 0.2, 0.5), help="Share of patchy haze, and how patchy.", minimum=0.0)

    tint: Range = setting((0.2, -0.08, 0.08), help="Share of coloured airlight, and red less its grey.")
    fog_tint: Range = setting((0.6, -0.08, 0.08), help="The same in fog.")
    gradient: Range = setting((0.7, 0.0, 0.35), help="Fog's airlight: how much darker at the bottom.")
    slant: Range = setting((0.7, -0.12, 0.12), help="Fog's airlight: how much darker at the left.")
    vignette: Range = setting((0.4, 0.0, 0.35), help="Fog's airlight: how much darker in the corners.")
    sun: Range = setting((0.3, 0.0, 0.35), help="Fog's airlight: how much brighter round the sun.")
    sun_radius: float = setting(0.35, help="Of the sun's glow, in half pictures.", minimum=1e-3)

    sharpening: Range = setting((0.15, 0.2, 1.0), help="Camera: unsharp masking.", minimum=0.0)
    resampling: Range = setting((0.15, 0.5, 0.8), help="Camera: resampled from this size.", minimum=0.0, maximum=1.0)
    noise: Range = setting((0.3, 0.0, 0.022), help="Camera: standard deviation of noise.", minimum=0.0)
    jpeg: Range = setting((0.3, 50.0, 96.0), help="Camera: quality of JPEG.", minimum=0.0, maximum=100.0)

    def __post_init__(self) -> None:
        check(self)
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, tuple) and (len(value) != len(f.default) or value[-2] > value[-1]):  # type: ignore[arg-type]
                wanted = "the least and the most" if len(f.default) == 2 else "a share, the least and the most"  # type: ignore[arg-type]
                raise SettingError(f.name, value, f"name {wanted}")
