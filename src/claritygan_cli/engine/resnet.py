"""The residual generator network of the CycleGAN paper (Zhu et al., ICCV 2017; Johnson et al., ECCV 2016)."""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Variant = Literal["paper", "claritygan"]


class _Reflect(torch.autograd.Function):
    """Reflect padding for training: autocast leaves its numbers alone, and its backward pass only adds borders."""

    @staticmethod
    def forward(context: Any, x: Tensor, padding: int) -> Tensor:
        """(N, C, H, W) -> (N, C, H + 2 padding, W + 2 padding)."""
        context.padding = padding
        with torch.autocast("cpu", enabled=False):  # only there would autocast turn it into float32
            return F.pad(x, [padding] * 4, mode="reflect")

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Each border row and column goes back to the one that it mirrors."""
        padding, whole = context.padding, gradients[0].clone()
        for dim in (2, 3):
            last = whole.shape[dim] - 1
            for i in range(padding):
                for border, mirrored in ((i, 2 * padding - i), (last - i, last - 2 * padding + i)):
                    whole.select(dim, mirrored).add_(whole.select(dim, border))
            whole = whole.narrow(dim, padding, last + 1 - 2 * padding)
        return whole, None


class ReflectionPad(nn.Module):
    """Reflect padding that falls back to replicating where a side is too short to be reflected."""

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H + 2 padding, W + 2 padding)."""
        if min(x.shape[2:]) <= self.padding:
            return F.pad(x, [self.padding] * 4, mode="replicate")
        if torch.is_grad_enabled() and x.requires_grad:
            return _Reflect.apply(x, self.padding)
        return F.pad(x, [self.padding] * 4, mode="reflect")


class InstanceNorm(nn.InstanceNorm2d):
    """InstanceNorm2d that takes a single pixel (whose variance is 0) in training mode too, and that leaves the memory
    layout of pictures as it is on the CPU: PyTorch's own would spend more time on changing it than on the norm.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same."""
        if x.shape[2] * x.shape[3] == 1:
            return x * 0
        if x.device.type == "cpu" and x.is_contiguous(memory_format=torch.channels_last):
            return torch.cat([F.batch_norm(part, None, None, training=True, eps=self.eps) for part in x.split(1)])
        return super().forward(x)


class ResnetBlock(nn.Module):
    """Two reflect-padded 3x3 convolutions with InstanceNorm round a skip connection."""

    def __init__(self, width: int, dropout: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [ReflectionPad(1), nn.Conv2d(width, width, 3), InstanceNorm(width), nn.ReLU(True)]
        if dropout:
            layers.append(nn.Dropout(0.5))
        layers += [ReflectionPad(1), nn.Conv2d(width, width, 3), InstanceNorm(width)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same."""
        return x + self.conv_block(x)


class ResnetBody(nn.Module):
    """c7s1-64, d128, d256, R256 x blocks, u128, u64, c7s1-3, tanh.

    The layers' order and names are those of the public CycleGAN checkpoints (``model.N...``).

    Args:
        width: channels of the first layer (64 in the paper).
        blocks: residual blocks (9 for 256 px, 6 for 128 px in the paper).
        dropout: dropout in the residual blocks.
        variant: ``paper``; or ``claritygan``, that of the ClarityGAN notebooks: no norm after the first convolution,
            and strided convolutions pad by reflection too.
    """

    def __init__(self, width: int = 64, blocks: int = 9, dropout: bool = False, variant: Variant = "paper") -> None:
        super().__init__()
        paper = variant == "paper"
        norm = InstanceNorm(width) if paper else nn.Identity()
        padding: Literal["zeros", "reflect"] = "zeros" if paper else "reflect"
        layers: list[nn.Module] = [ReflectionPad(3), nn.Conv2d(3, width, 7), norm, nn.ReLU(True)]
        for w in (width, 2 * width):
            layers += [nn.Conv2d(w, 2 * w, 3, 2, 1, padding_mode=padding), InstanceNorm(2 * w), nn.ReLU(True)]
        layers += [ResnetBlock(4 * width, dropout) for _ in range(blocks)]
        for w in (4 * width, 2 * width):
            layers += [nn.ConvTranspose2d(w, w // 2, 3, 2, 1, output_padding=1), InstanceNorm(w // 2), nn.ReLU(True)]
        layers += [ReflectionPad(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same; H and W multiples of 4."""
        return self.model(x)
