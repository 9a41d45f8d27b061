import torch

from claritygan_cli.engine.critic import PatchCritic


def test_receptive_field_is_70_pixels() -> None:
    critic = PatchCritic(width=4)
    # InstanceNorm looks at the whole picture; without it only the convolutions' field is left
    critic.model = torch.nn.Sequential(*(m for m in critic.model if not isinstance(m, torch.nn.InstanceNorm2d)))
    image = torch.rand(1, 3, 256, 256, requires_grad=True)
    scores = critic(image)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    assert image.grad is not None
    touched = image.grad.abs().sum((0, 1)) > 0
    assert int(touched.any(1).sum()) == 70
    assert int(touched.any(0).sum()) == 70


def test_parameter_count_is_the_papers() -> None:
    # pytorch-CycleGAN's basic critic with InstanceNorm: 2.765 M
    assert sum(p.numel() for p in PatchCritic().parameters()) == 2_764_737


def test_output_is_linear_and_of_the_documented_size() -> None:
    torch.manual_seed(0)
    critic = PatchCritic(width=8)
    scores = critic(torch.rand(2, 3, 128, 160))
    assert scores.shape == (2, 1, 14, 18)
    assert isinstance(critic.model[-1], torch.nn.Conv2d)
    assert critic(torch.rand(1, 3, 32, 32)).shape == (1, 1, 2, 2)
