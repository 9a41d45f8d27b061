"""Applies a network graph to photos by ONNX Runtime alone. Light: no torch here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np

from claritygan_cli.engine.amounts import AddHaze, Amount, RemoveHaze
from claritygan_cli.engine.haze_summary import HazeSummary
from claritygan_cli.engine.scattering_maps import ScatteringMaps
from claritygan_cli.errors import ModelError
from claritygan_cli.models.onnx_network import OnnxNetwork, open_session
from claritygan_cli.models.working_copy import working_copy
from claritygan_cli.processors import processors

MAPS = ("slope", "offset", "airlight_field", "gains", "numbers", "haze")
"""What a finishing graph says of a photo: the arrays of :class:`ScatteringMaps`, its numbers, and the mean transmission
and airlight."""
RESULT = "result"
"""The finished photo."""
SMALL = 1 << 19
"""Pixels of photos that the finishing graph finishes; for larger ones the fused pass is worth the time that numba takes
to load, and needs less memory."""


class OnnxTranslator:
    """A network graph of the scattering kind, for numpy photos; what
    :class:`claritygan_cli.models.image_translator.ImageTranslator` is for torch.

    Args:
        network: with a finishing graph.
        working_size: longest side of the copy that the network sees, in pixels; None for the network's own.
        threads: of the network; 0 for as many as there are cores.

    Raises:
        ModelError: the file holds no finishing graph.
    """

    scatters = True

    def __init__(self, network: OnnxNetwork, working_size: int | None = None, threads: int = 0) -> None:
        if network.finishing is None:
            raise ModelError("holds the network alone; export it again")
        self.network, self.working_size = network, working_size or network.working_size
        self._finishing = open_session(network.finishing, 1)
        self._threads = threads or processors()

    @contextmanager
    def parallel(self) -> Iterator[None]:
        """See :class:`PhotoTranslator`; the network then takes one thread for each photo."""
        before, self._threads = self._threads, 1
        try:
            yield
        finally:
            self._threads = before

    def __call__(self, pixels: np.ndarray, amount: Amount | None = None, threads: int = 0) -> np.ndarray:
        """A photo translated, as :meth:`translate` does it."""
        return self.translate(pixels, amount, threads)[0]

    def translate(
        self, pixels: np.ndarray, amount: Amount | None = None, threads: int = 0
    ) -> tuple[np.ndarray, HazeSummary | None]:
        """See :meth:`claritygan_cli.models.image_translator.ImageTranslator.translate`; bytes differ from its by 1 of
        255 at most."""
        small, maps = self._seen(pixels)
        inputs = {"small": small, **maps, **self._amount(amount)}
        if pixels.shape[0] * pixels.shape[1] <= SMALL:
            *_, haze, result = self._finish([*MAPS, RESULT], pixels, inputs)
            peak = np.float32(np.iinfo(pixels.dtype).max)
            finished = np.moveaxis((result[0] * peak).round(), 0, 2).astype(pixels.dtype)
        else:
            from claritygan_cli.engine.fused_pass import apply  # numba takes its time to load

            slope, offset, field, gains, numbers, haze = self._finish([*MAPS], pixels[:2, :2], inputs)
            prepared = ScatteringMaps(slope, offset, field, gains, *numbers.tolist())
            finished = apply(pixels, prepared, threads or processors())
        return finished, self._summary(haze)

    def transmission(self, pixels: np.ndarray) -> np.ndarray | None:
        """See :class:`PhotoTranslator`; as the network predicts it."""
        if self.network.card.direction != "dehaze":
            return None
        found: np.ndarray = self._seen(pixels)[1]["transmission"][0, 0]
        return found

    def _seen(self, pixels: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The photo at the working size, (1, 3, h, w) float32, and the network's maps of it and of its mirror image."""
        small = working_copy(pixels, self.working_size, self.network.multiple)
        seen = np.concatenate([small, small[..., ::-1]]) if self.network.restoration.mirrored else small
        return small, dict(zip(self.network.outputs, self.network.run(seen, self._threads), strict=True))

    def _finish(self, wanted: list[str], pixels: np.ndarray, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Of the finishing graph, these outputs and no more."""
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True
        image = np.moveaxis(pixels, 2, 0)[None].astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
        found: list[np.ndarray] = self._finishing.run(wanted, {"image": image, **inputs}, options)
        return found

    def _amount(self, amount: Amount | None) -> dict[str, np.ndarray]:
        default = RemoveHaze() if self.network.card.direction == "dehaze" else AddHaze()
        amount = default if amount is None else amount
        if type(amount) is not type(default):
            raise TypeError(f"a model for {self.network.card.direction!r} does not go with {type(amount).__name__}")
        return {name: np.array(value, np.float32) for name, value in asdict(amount).items()}

    def _summary(self, haze: np.ndarray) -> HazeSummary | None:
        if self.network.card.direction != "dehaze":
            return None
        transmission, red, green, blue = haze.tolist()
        return HazeSummary(transmission, (red, green, blue))
