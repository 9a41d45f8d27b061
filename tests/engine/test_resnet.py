import pytest
import torch
import torch.nn.functional as F

from claritygan_cli.engine.resnet import InstanceNorm, ReflectionPad


@pytest.mark.parametrize("padding", [1, 3])
@pytest.mark.parametrize("size", [(8, 5), (4, 7)])
def test_padding_and_its_gradient_are_those_of_torch(padding: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    ours = torch.rand(2, 3, *size, dtype=torch.float64, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    padded, expected = ReflectionPad(padding)(ours), F.pad(theirs, [padding] * 4, mode="reflect")
    assert torch.equal(padded, expected)
    weight = torch.rand_like(padded)
    (padded * weight).sum().backward()
    (expected * weight).sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_is_that_of_torch_and_keeps_the_layout(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    ours = torch.randn(3, 4, 6, 5).to(memory_format=layout).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    normed, expected = InstanceNorm(4)(ours), torch.nn.InstanceNorm2d(4)(theirs)
    torch.testing.assert_close(normed, expected)
    assert normed.is_contiguous(memory_format=layout)
    weight = torch.rand_like(normed)
    (normed * weight).sum().backward()
    (expected * weight).sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-4)


def test_short_sides_are_replicated() -> None:
    x = torch.rand(1, 1, 2, 6, requires_grad=True)
    assert torch.equal(ReflectionPad(3)(x), F.pad(x, [3] * 4, mode="replicate"))


def test_autocast_leaves_the_numbers_as_they_are() -> None:
    x = torch.rand(1, 1, 6, 6, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        assert ReflectionPad(2)(x).dtype == torch.bfloat16
