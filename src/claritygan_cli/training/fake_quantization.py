"""Quantization-aware training: convolutions that compute with what 8 bits would make of their numbers.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (CVPR
2018): rounding in the forward pass, its gradient taken for 1 (Bengio et al., 2013). As where models are quantized,
weights have a scale for each channel, and activations one range, without the outermost values.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

OUTERMOST = 1e-4
"""Share of an activation's values beyond either end of its range."""
SAMPLED = 1 << 16
"""Values of an activation that its range is found from."""
LEAST_INPUTS = 4
"""Inputs of one output channel, below which a convolution stays as it is: depthwise ones and those that read pictures
are those that quantization leaves in floating point first."""


def rounded_weight(weight: Tensor, axis: int) -> Tensor:
    """Weights at the 255 values from -127 to 127 times a scale for each channel along an axis."""
    others = [dim for dim in range(weight.ndim) if dim != axis]
    scale = (weight.detach().abs().amax(others) / 127).clamp_min(1e-12)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, axis, -127, 127)


def rounded_activation(x: Tensor) -> Tensor:
    """An activation at 256 values between the ends of its own range, 0 among them; in float32.

    The range is that of the batch, so that nothing has to be kept for a run that is resumed.
    """
    with torch.no_grad():
        values = x.detach().flatten().float()
        values = values[:: max(1, len(values) // SAMPLED)]
        lowest, highest = torch.quantile(values, torch.tensor([OUTERMOST, 1 - OUTERMOST], device=x.device)).unbind()
        lowest, highest = lowest.clamp_max(0), highest.clamp_min(0)
        scale = ((highest - lowest) / 255).clamp_min(1e-12)
        zero = (-lowest / scale).round().to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(x.float(), scale, zero, 0, 255)


class _Conv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        """As if in 8 bits."""
        return self._conv_forward(rounded_activation(x), rounded_weight(self.weight, 0), self.bias)


class _ConvTranspose2d(nn.ConvTranspose2d):
    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As if in 8 bits."""
        padding = self.output_padding if output_size is None else output_size
        weight = rounded_weight(self.weight, 1)
        where = self.stride, self.padding, padding, self.groups, self.dilation
        return F.conv_transpose2d(rounded_activation(x), weight, self.bias, *where)  # type: ignore[arg-type]


def fake_quantize(network: nn.Module) -> int:
    """Let a network's convolutions compute as if in 8 bits, in place; names and values of its weights stay.

    Returns:
        How many do.
    """
    changed = 0
    for module in list(network.modules()):
        if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d) or module.in_channels // module.groups < LEAST_INPUTS:
            continue
        module.__class__ = _Conv2d if isinstance(module, nn.Conv2d) else _ConvTranspose2d
        changed += 1
    return changed
