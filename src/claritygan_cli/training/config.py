"""All that decides a training run: the settings, declared once. Light: no torch here.

The command line makes its options of these dataclasses, and recipe files (TOML, one table for each group) are read into
them: ``claritygan train --config recipe.toml``. Field names are unique over all groups.
"""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from claritygan_cli.data.haze_config import HazeConfig
from claritygan_cli.data.kinds import STRIDE, CropShapes
from claritygan_cli.engine.decoder_widths import DECODER_WIDTHS
from claritygan_cli.errors import SettingError, UsageError
from claritygan_cli.models.kinds import Device, Direction
from claritygan_cli.settings import check, declared, setting, without_none

Kind = Literal["scattering", "resnet"]
Objective = Literal["cyclegan", "supervised"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
AdversarialForm = Literal["lsgan", "log"]
Optimizer = Literal["auto", "adam", "muon"]

DATA, MODEL, LOSSES, OPTIMISATION, RUN = "Data", "Model", "Losses", "Optimisation", "Run"


@dataclass(frozen=True)
class DataConfig:
    """What is trained on."""

    data: tuple[Path, ...] = setting(
        (),
        help="RESIDE's ITS or OTS, hazy/ + clear/, trainA/ + trainB/, or NAME/rgb + NAME/depth; may repeat.",
        metavar="DIR",
        panel=DATA,
    )
    hazy: tuple[Path, ...] = setting((), help="Folder of hazy pictures; may repeat.", metavar="DIR", panel=DATA)
    clear: tuple[Path, ...] = setting((), help="Folder of clear pictures; may repeat.", metavar="DIR", panel=DATA)
    validation: tuple[Path, ...] = setting(
        (), help="Folder with pairs (RESIDE's SOTS) to score; may repeat.", metavar="DIR", panel=DATA
    )
    relative_depth: tuple[str, ...] = setting(
        (),
        help="Name of a folder of photos whose depth is 8 bits of exp(value / 40), sky 0 or 255; may repeat.",
        metavar="NAME",
        panel=DATA,
    )
    weights: tuple[str, ...] = setting(
        (),
        help="Share of what is drawn that a pattern of paths gets, like 'nyu/*=0.4'; may repeat.",
        metavar="PATTERN=SHARE",
        flags=("--weight",),
        panel=DATA,
    )
    batch: int = setting(4, help="Square crops in a step; larger crops come in smaller batches.", minimum=1, panel=DATA)
    size: int = setting(128, help="Side of a square crop in pixels, a multiple of 32.", minimum=64, panel=DATA)
    crop_shapes: CropShapes = setting("square", help="Or varied in scale and aspect.", panel=DATA)

    def __post_init__(self) -> None:
        check(self)
        if self.size % STRIDE:
            raise SettingError("size", self.size, f"must be a multiple of {STRIDE}")


@dataclass(frozen=True)
class ModelConfig:
    """The networks."""

    generator: Kind = setting("scattering", help="Kind of generator.", panel=MODEL)
    initial: str | None = setting(
        None,
        help="Start from a run's models, or from the 'bundled' ones.",
        metavar="RUN",
        shown_default="fresh weights",
        panel=MODEL,
    )
    working_size: int | None = setting(
        None,
        help="Longest side at which generators will see photos.",
        minimum=32,
        maximum=4096,
        shown_default="1.5 times the crops' size",
        panel=MODEL,
    )
    decoder_widths: tuple[int, ...] = setting(
        DECODER_WIDTHS, help="scattering: channels of the decoder's five levels.", minimum=1, panel=MODEL
    )
    encoder_weights: Path | None = setting(
        None,
        help="scattering: EfficientNet-Lite0's weights to start from.",
        metavar="FILE",
        shown_default="from scratch",
        panel=MODEL,
    )
    width: int = setting(64, help="resnet: channels of the first layer.", minimum=1, panel=MODEL)
    blocks: int = setting(9, help="resnet: residual blocks.", minimum=1, panel=MODEL)
    discriminator_width: int = setting(64, help="Channels of the discriminators' first layer.", minimum=1, panel=MODEL)

    def __post_init__(self) -> None:
        check(self)
        if len(self.decoder_widths) != len(DECODER_WIDTHS):
            raise SettingError("decoder_widths", self.decoder_widths, f"name {len(DECODER_WIDTHS)}")


@dataclass(frozen=True)
class LossConfig:
    """What is minimised."""

    objective: Objective = setting(
        "cyclegan", help="cyclegan: unpaired, with discriminators; supervised: pairs alone.", panel=LOSSES
    )
    adversarial: AdversarialForm = setting("lsgan", help="Form of the adversarial loss.", panel=LOSSES)
    cycle_weight: float = setting(10.0, help="Weight of the cycle terms.", minimum=0.0, panel=LOSSES)
    identity_weight: float = setting(5.0, help="Weight of the identity terms.", minimum=0.0, panel=LOSSES)
    perceptual_weight: float = setting(
        0.0, help="Weight of the VGG term on the cycles; 0: off.", minimum=0.0, panel=LOSSES
    )
    paired_weight: float = setting(
        0.0, help="cyclegan: weight of the supervised terms; 0: purely unpaired.", minimum=0.0, panel=LOSSES
    )
    transmission_weight: float = setting(
        0.5, help="Weight of transmission beside the clear picture.", minimum=0.0, panel=LOSSES
    )
    airlight_weight: float = setting(
        0.4, help="Weight of airlight, where haze shows it, beside the clear picture.", minimum=0.0, panel=LOSSES
    )
    gradient_weight: float = setting(
        0.15, help="Weight of the gradients of transmission and depth.", minimum=0.0, panel=LOSSES
    )
    shadow_weight: float = setting(0.6, help="Weight of what comes out black and is not.", minimum=0.0, panel=LOSSES)
    order_weight: float = setting(0.3, help="Weight of depth without its scale and shift.", minimum=0.0, panel=LOSSES)
    unmeasured_depth_weight: float = setting(
        0.6, help="Weight of pictures whose depth is not measured, beside 1 of others.", minimum=0.0, panel=LOSSES
    )
    r1_weight: float = setting(
        0.0, help="Weight of the R1 gradient penalty on discriminators; 0: off.", minimum=0.0, panel=LOSSES
    )
    vgg: Path | None = setting(
        None, help="VGG-19 weights file.", metavar="FILE", shown_default="torchvision's download", panel=LOSSES
    )
    vgg_layers: tuple[str, ...] = setting(
        ("relu2_2", "relu3_4"), help="ReLU to compare; may repeat.", flags=("--vgg-layer",), panel=LOSSES
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def unpaired(self) -> bool:
        """Whether the CycleGAN terms are wanted."""
        return self.objective == "cyclegan"

    @property
    def paired(self) -> bool:
        """Whether the supervised terms are wanted."""
        return self.objective == "supervised" or self.paired_weight > 0


@dataclass(frozen=True)
class OptimisationConfig:
    """How it is minimised."""

    optimizer: Optimizer = setting(
        "auto",
        help="adam: CycleGAN's; muon: Muon with AdamW. auto: adam for an unpaired resnet, else muon.",
        panel=OPTIMISATION,
    )
    adam_betas: tuple[float, ...] = setting(
        (0.5, 0.999),
        help="adam, and the discriminators': shares of both means of gradients that are kept.",
        minimum=0.0,
        maximum=1.0,
        panel=OPTIMISATION,
    )
    learning_rate: float = setting(2e-4, help="Its peak.", minimum=0.0, panel=OPTIMISATION)
    encoder_rate: float = setting(
        0.3, help="scattering: share of the learning rate that the encoder gets.", minimum=0.0, panel=OPTIMISATION
    )
    constant_share: float = setting(
        0.5,
        help="Share of the run after which the learning rate falls linearly to 0.",
        minimum=0.0,
        maximum=1.0,
        panel=OPTIMISATION,
    )
    weight_decay: float = setting(0.01, help="muon: decay of weights, not of biases.", minimum=0.0, panel=OPTIMISATION)
    ema_decay: float = setting(
        0.999,
        help="Of the weights' moving average, which is what is exported.",
        minimum=0.0,
        maximum=1.0,
        panel=OPTIMISATION,
    )
    clip_norm: float = setting(0.0, help="Greatest norm of a gradient; 0: any.", minimum=0.0, panel=OPTIMISATION)
    pool_size: int = setting(50, help="Generated pictures kept for the discriminators.", minimum=0, panel=OPTIMISATION)
    schedule: str = setting(
        "",
        help="What steps train, in turn: both, dehaze, hazify, dehaze-more (haze put into hazy pictures), each with a "
        "count, like 'dehaze:3 hazify:1'.",
        metavar="STEPS",
        shown_default="by objective and generator",
        panel=OPTIMISATION,
    )
    train_only: Direction | None = setting(
        None,
        help="Supervised: train this one of the initial models, keep the other.",
        shown_default="both",
        panel=OPTIMISATION,
    )
    precision: Precision = setting("auto", help="auto: bf16 where the processor has it.", panel=OPTIMISATION)
    quantization_aware: bool = setting(
        False, help="Compute as if in 8 bits, for models that will be quantized.", panel=OPTIMISATION
    )
    gradient_checkpointing: bool = setting(False, help="Less memory, more time.", panel=OPTIMISATION)
    max_bad_steps: int = setting(
        20, help="Steps in a row that may not be finite before the run ends.", minimum=0, panel=OPTIMISATION
    )

    def __post_init__(self) -> None:
        check(self)
        if len(self.adam_betas) != 2:
            raise SettingError("adam_betas", self.adam_betas, "name two")


@dataclass(frozen=True)
class RunConfig:
    """Where and for how long."""

    out: Path | None = setting(
        None, help="Run folder.", flags=("--out", "-o"), metavar="DIR", shown_default="runs/DATA", panel=RUN
    )
    epochs: int = setting(200, help="Rounds over the larger of hazy and clear.", minimum=1, panel=RUN)
    max_minutes: float | None = setting(
        None, help="Time budget; the schedule fits itself to it.", minimum=1e-9, shown_default="none", panel=RUN
    )
    checkpoint_minutes: float = setting(10.0, help="Time between checkpoints.", minimum=0.0, panel=RUN)
    workers: int | None = setting(
        None, help="Loader processes.", minimum=0, shown_default="what suits the machine", panel=RUN
    )
    device: Device = setting("auto", help="auto takes a GPU if there is one.", panel=RUN)
    threads: int = setting(0, help="CPU threads.", minimum=0, shown_default="all", panel=RUN)
    seed: int = setting(0, help="Seed of all random numbers.", minimum=0, panel=RUN)

    def __post_init__(self) -> None:
        check(self)

    @property
    def folder(self) -> Path:
        """The run folder.

        Raises:
            UsageError: none was named.
        """
        if self.out is None:
            raise UsageError("name a folder for the run")
        return self.out


@dataclass(frozen=True)
class TrainConfig:
    """A training run: its settings in groups.

    Raises:
        SettingError: settings do not go together.
    """

    data: DataConfig = field(default_factory=DataConfig)
    haze: HazeConfig = field(default_factory=HazeConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)
    run: RunConfig = field(default_factory=RunConfig)

    def __post_init__(self) -> None:
        only = self.optimisation.train_only
        if only and (self.losses.unpaired or self.model.initial is None):
            raise SettingError(
                "train_only", only, "needs the supervised objective, and initial models of which the other stays"
            )
        if only == "hazify" and self.data.validation:
            raise SettingError("validation", None, "scores dehazers, and only the hazifier is trained; leave it out")

    def changed(self, **values: Any) -> "TrainConfig":
        """The same but for these settings, whichever group they are in.

        Raises:
            SettingError: there is no such setting, or a value is none that it can have.
        """
        groups = {}
        left = dict(values)
        for f in fields(self):
            group = getattr(self, f.name)
            own = {s.name: left.pop(s.name) for s, _ in declared(group) if s.name in left}
            groups[f.name] = replace(group, **own) if own else group
        if left:
            raise SettingError(next(iter(left)), None, "there is no such setting")
        return TrainConfig(**groups)

    def flat(self) -> dict[str, Any]:
        """All settings by their names."""
        groups = [getattr(self, f.name) for f in fields(self)]
        return {s.name: getattr(group, s.name) for group in groups for s, _ in declared(group)}

    def to_toml(self) -> str:
        """As a recipe file; paths are absolute, and settings that are None are left out."""
        lines: list[str] = []
        for f in fields(self):
            group = getattr(self, f.name)
            lines += [f"[{f.name}]"]
            values = {s.name: getattr(group, s.name) for s, _ in declared(group)}
            lines += [f"{name} = {_toml(value)}" for name, value in values.items() if value is not None]
            lines += [""]
        return "\n".join(lines)


def _toml(value: Any) -> str:
    """A setting's value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value.absolute() if isinstance(value, Path) else value)
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else "\\" + c if c in '"\\' else c for c in text
    )
    return f'"{escaped}"'


def _from_toml(name: str, value: Any, kind: Any) -> Any:
    """A value of a recipe file, of a setting's type."""
    inner, _ = without_none(kind)
    if get_origin(inner) is tuple:
        if not isinstance(value, list):
            raise SettingError(name, value, "must be a list")
        return tuple(_from_toml(name, one, get_args(inner)[0]) for one in value)
    if inner is Path:
        return Path(value)
    if inner is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted = str if get_origin(inner) is Literal else inner
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise SettingError(name, value, f"must be of type {wanted.__name__}")
    return value


def read_recipe(text: str) -> dict[str, Any]:
    """The settings of a recipe file, by their names, for :meth:`TrainConfig.changed`.

    Raises:
        SettingError: a group or a setting is unknown, or of another type.
        tomllib.TOMLDecodeError: the text is no TOML.
    """
    groups = get_type_hints(TrainConfig)
    found: dict[str, Any] = {}
    for group, values in tomllib.loads(text).items():
        if group not in groups or not isinstance(values, dict):
            raise SettingError(group, None, f"is no group of settings; there are {', '.join(groups)}")
        kinds = get_type_hints(groups[group])
        names = {s.name for s, _ in declared(groups[group])}
        for name, value in values.items():
            if name not in names:
                raise SettingError(name, None, f"is no setting of the group {group}")
            found[name] = _from_toml(name, value, kinds[name])
    return found
