"""What ``quantize`` and ``benchmark`` can be told. Light: the command line makes its options of these."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claritygan_cli.errors import SettingError
from claritygan_cli.settings import check, setting

Method = Literal["static", "dynamic"]


@dataclass(frozen=True)
class QuantizeOptions:
    """How a model is quantized, and what it may lose.

    Raises:
        SettingError: a field makes no sense, or two do not go together.
    """

    out: Path = setting(help="The .onnx file to write.", flags=("--out", "-o"), metavar="FILE")
    method: Method = setting(
        "static", help="static: ranges of activations from photos; dynamic: found anew at every run."
    )
    calibration: Path | None = setting(
        None,
        help="Folder of photos like those that the model will see; static needs it.",
        metavar="DIR",
    )
    photos: int = setting(32, help="Of that folder, evenly over its names.", minimum=1)
    pairs: Path | None = setting(
        None, help="Folder of pairs to score on, as eval's.", metavar="DIR", shown_default="built-in examples"
    )
    max_drop: float = setting(0.3, help="PSNR, in dB, that may be lost on average.", minimum=0.0)
    force: bool = setting(False, help="Write it even if more is lost.")
    overwrite: bool = setting(False, help="Replace an existing file.")
    json: bool = setting(False, help="Report on stdout as JSON.")

    def __post_init__(self) -> None:
        check(self)
        if self.out.suffix != ".onnx":
            raise SettingError("out", self.out, "must end in .onnx")
        if self.out.exists() and not self.overwrite:
            raise SettingError("out", self.out, "exists already, and is not to be overwritten")
        if self.method == "static" and self.calibration is None:
            raise SettingError("calibration", None, "name a folder of photos to measure ranges on")
        if self.method == "dynamic" and self.calibration is not None:
            raise SettingError("calibration", self.calibration, "dynamic quantization measures nothing beforehand")


@dataclass(frozen=True)
class BenchmarkOptions:
    """What is measured."""

    sizes: tuple[float, ...] = setting(
        (0.5, 2.0, 12.0), help="Megapixels of a photo; may repeat.", minimum=0.001, flags=("--size",)
    )
    threads: tuple[int, ...] = setting((), help="CPU threads; may repeat.", minimum=1, shown_default="one, and all")
    rounds: int = setting(5, help="Photos of each size.", minimum=1)
    json: bool = setting(False, help="Report on stdout as JSON.")

    def __post_init__(self) -> None:
        check(self)
