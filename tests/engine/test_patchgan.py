import torch

from claritygan_cli.engine.patchgan import PatchDiscriminator


def test_receptive_field_is_70_pixels() -> None:
    discriminator = PatchDiscriminator(width=4)
    # InstanceNorm predictions at the whole picture; without it only the convolutions' field is left
    discriminator.model = torch.nn.Sequential(
        *(m for m in discriminator.model if not isinstance(m, torch.nn.InstanceNorm2d))
    )
    image = torch.rand(1, 3, 256, 256, requires_grad=True)
    scores = discriminator(image)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    assert image.grad is not None
    touched = image.grad.abs().sum((0, 1)) > 0
    assert int(touched.any(1).sum()) == 70
    assert int(touched.any(0).sum()) == 70


def test_parameter_count_is_the_papers() -> None:
    # pytorch-CycleGAN's basic discriminator with InstanceNorm: 2.765 M
    assert sum(p.numel() for p in PatchDiscriminator().parameters()) == 2_764_737


def test_output_is_linear_and_of_the_documented_size() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(width=8)
    scores = discriminator(torch.rand(2, 3, 128, 160))
    assert scores.shape == (2, 1, 14, 18)
    assert isinstance(discriminator.model[-1], torch.nn.Conv2d)
    assert discriminator(torch.rand(1, 3, 32, 32)).shape == (1, 1, 2, 2)
