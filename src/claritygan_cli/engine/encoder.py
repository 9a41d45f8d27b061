"""EfficientNet-Lite0 as an encoder of pictures, without normalisation layers.

Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019; the Lite variant has no
squeeze-and-excitation, and ReLU6. Each BatchNorm is folded into the convolution before it when pretrained weights are
read, so that no statistics of a picture or a batch are taken away: how hazy a picture is shows in them.
"""

from itertools import pairwise

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


class EncoderDecoder(nn.Module):
    """The encoder and a small decoder that adds its features up, from the coarsest to those at half the picture's size.

    A plain stem at half the size sees the picture beside the encoder, whose first layers are narrow.

    Args:
        widths: channels of the decoder at 1/2 to 1/32 of the picture's size.
    """

    stride = 32

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        if len(widths) != len(FEATURE_WIDTHS):
            raise ValueError(f"widths need one number for each of {len(FEATURE_WIDTHS)} levels")
        self.encoder = EfficientNetLite0()
        self.stem = nn.Conv2d(3, widths[0], 5, 2, 2)
        self.laterals = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(FEATURE_WIDTHS, widths, strict=True))
        self.context = nn.Linear(2 * widths[-1], widths[-1])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.decode = nn.ModuleList(SkipInitBlock(width) for width in widths)
        for part in (self.stem, self.laterals, self.up, self.decode):
            for layer in part.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Features of a picture.

        Args:
            image: (N, 3, H, W) in [0, 1], H and W multiples of 32.

        Returns:
            Features (N, widths[0], H/2, W/2), and a vector of the whole scene (N, 2 widths[-1]).
        """
        features = [lateral(x) for lateral, x in zip(self.laterals, self.encoder(image), strict=True)]
        features[0] = features[0] + self.stem(2 * image - 1)
        x = F.relu(features[-1])
        scene = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        x = self.decode[-1](x + self.context(scene)[:, :, None, None])
        for level in range(len(features) - 2, -1, -1):
            size = features[level].shape[2:]
            x = F.interpolate(self.up[level](x), size=size, mode="bilinear", align_corners=False)
            x = self.decode[level](F.relu(features[level] + x))
        return x, scene


class SkipInitBlock(nn.Module):
    """Two 3x3 convolutions round a skip connection, with a gain that starts at zero (De, Smith, NeurIPS 2020)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same."""
        change = self.second(F.relu(self.first(x)))
        return F.relu(x + self.gain.to(change.dtype) * change)
