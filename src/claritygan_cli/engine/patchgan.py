"""PatchGAN discriminator (Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR
2017)."""

from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """C64-C128-C256-C512-1: one unbounded score for every 70x70 patch.

    The output is linear: LSGAN compares it with 0 and 1, the log loss puts its own sigmoid on it.

    Args:
        width: channels of the first layer.
        strided: stride-2 layers; 3 give the receptive field of 70 pixels.
    """

    def __init__(self, width: int = 64, strided: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        inputs = width
        for level in range(1, strided + 1):
            outputs = width * min(2**level, 8)
            stride = 2 if level < strided else 1
            layers += [
                nn.Conv2d(inputs, outputs, 4, stride, 1),
                nn.InstanceNorm2d(outputs),
                nn.LeakyReLU(0.2, True),
            ]
            inputs = outputs
        layers.append(nn.Conv2d(inputs, 1, 4, 1, 1))
        self.model = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1], H and W >= 32 -> (N, 1, H/8 - 2, W/8 - 2), unbounded."""
        return self.model(2 * image - 1)
