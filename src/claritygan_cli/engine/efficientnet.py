"""EfficientNet-Lite0 as an encoder of pictures, without normalisation layers.

Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; the Lite variant has no
squeeze-and-excitation, and ReLU6. Each BatchNorm is folded into the convolution before it when pretrained weights are
read, so that no statistics of a picture or a batch are taken away: how hazy a picture is shows in them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
"""Of each stage: repeats, kernel, stride, expansion, channels in, channels out."""
TAPS = (0, 2, 4, 10, 15)
"""Blocks whose outputs are features."""
FEATURE_WIDTHS = (16, 24, 40, 112, 320)
"""Channels of the features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's size."""
NORM_EPS = 1e-3
"""Of the pretrained network's BatchNorms."""
FRESH_RESIDUAL = 0.1
"""How much fresh residual blocks change what passes them, so that training from scratch is stable without norms."""


def start_conv(layer: nn.Conv2d, gain: float = 1.0) -> None:
    """Fresh weights that keep the variance of what a ReLU lets through (He et al., ICCV 2015), times ``gain``."""
    if layer.weight.is_meta:  # has a shape and no values
        return
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    with torch.no_grad():
        layer.weight.mul_(gain)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def same_padding(x: Tensor, kernel: int, stride: int) -> Tensor:
    """TensorFlow's 'same' padding for even sizes: more at the right and the bottom where the stride is 2."""
    total = kernel - stride
    low, high = total // 2, total - total // 2
    return F.pad(x, (low, high, low, high))


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, projection (Sandler et al., "MobileNetV2", CVPR 2018), with biases."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.kernel, self.stride, self.residual = kernel, stride, stride == 1 and inputs == outputs
        self.expand = nn.Conv2d(inputs, middle, 1) if expansion > 1 else None
        self.depthwise = nn.Conv2d(middle, middle, kernel, stride, groups=middle)
        self.project = nn.Conv2d(middle, outputs, 1)
        for layer in (self.expand, self.depthwise):
            if layer is not None:
                start_conv(layer)
        start_conv(self.project, FRESH_RESIDUAL if self.residual else 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(same_padding(y, self.kernel, self.stride))))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """Features of a picture at five sizes; 3.0 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.blocks = nn.Conv2d(3, 32, 3, 2), nn.ModuleList()
        start_conv(self.stem)
        for repeats, kernel, stride, expansion, inputs, outputs in STAGES:
            for i in range(repeats):
                first = i == 0
                self.blocks.append(
                    InvertedResidual(inputs if first else outputs, outputs, kernel, stride if first else 1, expansion)
                )

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, 3, H, W) in [0, 1], H and W multiples of 32 -> features of FEATURE_WIDTHS at 1/2 to 1/32."""
        x, features = F.relu6(self.stem(same_padding((255 * image - 127) / 128, 3, 2))), []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in TAPS:
                features.append(x)
        return features


def fold_batch_norms(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights for :class:`EfficientNetLite0` from the public ones, whose convolutions are followed by BatchNorms.

    Args:
        state: ``_conv_stem.weight``, ``_bn0.weight``, ``_blocks.N._expand_conv.weight`` ... of
            efficientnet-lite0-pytorch; other tensors are left out.

    Raises:
        KeyError: a tensor is missing.
    """
    folded: dict[str, Tensor] = {}

    def fold(target: str, conv: str, norm: str) -> None:
        gain = state[f"{norm}.weight"].float() / (state[f"{norm}.running_var"].float() + NORM_EPS).sqrt()
        folded[f"{target}.weight"] = state[f"{conv}.weight"].float() * gain.view(-1, 1, 1, 1)
        folded[f"{target}.bias"] = state[f"{norm}.bias"].float() - state[f"{norm}.running_mean"].float() * gain

    fold("stem", "_conv_stem", "_bn0")
    for i in range(sum(repeats for repeats, *_ in STAGES)):
        if f"_blocks.{i}._expand_conv.weight" in state:
            fold(f"blocks.{i}.expand", f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0")
        fold(f"blocks.{i}.depthwise", f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1")
        fold(f"blocks.{i}.project", f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2")
    return folded
