"""Network graphs as generators: what torch does after the network is done to their estimates."""

import torch
from torch import Tensor

from claritygan_cli.engine.estimate import DepthEstimate, Estimate, HazeEstimate, TranslationEstimate
from claritygan_cli.engine.generators import Generator
from claritygan_cli.models.onnx_network import KINDS, OnnxNetwork

ESTIMATES: dict[tuple[str, ...], type[Estimate]] = dict(
    zip(KINDS, (HazeEstimate, DepthEstimate, TranslationEstimate), strict=True)
)
"""What a graph with outputs of these names predicts."""


class OnnxGenerator(Generator):
    """A network graph on the CPU; otherwise a generator like the others, but not one to train."""

    def __init__(self, network: OnnxNetwork) -> None:
        super().__init__()
        self.network, self.card = network, network.card
        self.multiple, self.working_size, self.restoration = network.multiple, network.working_size, network.restoration
        self.kind = ESTIMATES[network.outputs]
        self.scatters = self.kind is not TranslationEstimate

    def predict(self, small: Tensor) -> Estimate:
        """See :class:`Generator`; by as many threads as torch would take."""
        maps = self.network.run(small.float().cpu().numpy(), torch.get_num_threads())
        return self.kind(*(torch.from_numpy(values).to(small.device) for values in maps))
