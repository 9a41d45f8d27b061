import torch

from claritygan_cli.engine.efficientnet import FEATURE_WIDTHS, NORM_EPS, STAGES, EfficientNetLite0, fold_batch_norms


def public_weights() -> dict[str, torch.Tensor]:
    """As in efficientnet-lite0-pytorch: convolutions without biases, each with its BatchNorm."""
    torch.manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def add(conv: str, norm: str, *shape: int) -> None:
        state[f"{conv}.weight"] = torch.randn(shape) * 0.3
        state[f"{norm}.weight"], state[f"{norm}.bias"] = torch.rand(shape[0]) + 0.5, torch.randn(shape[0])
        state[f"{norm}.running_mean"], state[f"{norm}.running_var"] = torch.randn(shape[0]), torch.rand(shape[0])

    add("_conv_stem", "_bn0", 32, 3, 3, 3)
    block = 0
    for repeats, kernel, _, expansion, inputs, outputs in STAGES:
        for i in range(repeats):
            width = inputs if i == 0 else outputs
            if expansion > 1:
                add(f"_blocks.{block}._expand_conv", f"_blocks.{block}._bn0", width * expansion, width, 1, 1)
            middle = f"_blocks.{block}._depthwise_conv"
            add(middle, f"_blocks.{block}._bn1", width * expansion, 1, kernel, kernel)
            add(f"_blocks.{block}._project_conv", f"_blocks.{block}._bn2", outputs, width * expansion, 1, 1)
            block += 1
    state["_fc.weight"] = torch.zeros(1000, 1280)  # left out
    return state


@torch.no_grad()
def test_folded_convolutions_are_convolutions_and_norms() -> None:
    state = public_weights()
    encoder = EfficientNetLite0()
    encoder.load_state_dict(fold_batch_norms(state))
    x = torch.rand(2, 32, 8, 8)
    name = "_blocks.0."
    norm = {key: state[f"{name}_bn2.{key}"] for key in ("running_mean", "running_var", "weight", "bias")}
    expected = torch.nn.functional.batch_norm(
        torch.nn.functional.conv2d(x, state[f"{name}_project_conv.weight"]), **norm, eps=NORM_EPS
    )
    torch.testing.assert_close(encoder.blocks[0].project(x), expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_features_have_their_sizes_and_fresh_ones_keep_their_variance() -> None:
    torch.manual_seed(0)
    features = EfficientNetLite0()(torch.rand(2, 3, 64, 96))
    assert [tuple(x.shape) for x in features] == [
        (2, width, 32 >> i, 48 >> i) for i, width in enumerate(FEATURE_WIDTHS)
    ]
    assert all(0.2 < x.std() < 5 for x in features)
