from dataclasses import replace
from pathlib import Path

import pytest
import torch

from claritygan_cli.models.weights import Direction, ModelCard, build_generator, save_model
from claritygan_cli.training.config import TrainConfig
from claritygan_cli.training.pair import DIRECTIONS, deepened, make_pair


@pytest.mark.parametrize("direction", ["dehaze", "hazify"])
@torch.no_grad()
def test_a_deeper_network_computes_what_the_former_did(direction: Direction) -> None:
    card = ModelCard("scattering", direction, {"widths": [4, 8], "blocks": [0, 2], "working_size": 32})
    network = build_generator(card)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    deeper, new_card = deepened(network, card, [1, 1])
    assert new_card.numbers == {"widths": [4, 8], "blocks": [1, 2], "working_size": 32}
    assert sum(p.numel() for p in deeper.parameters()) > sum(p.numel() for p in network.parameters())
    image = torch.rand(1, 3, 48, 64)
    assert (network(image) - image).abs().max() > 0.01
    torch.testing.assert_close(deeper(image), network(image))


@pytest.mark.parametrize("blocks", [[0, 1], [0, 2], [1, 1, 1]])
def test_a_network_that_is_deep_enough_or_of_other_levels_stays(blocks: list[int]) -> None:
    card = ModelCard("scattering", "dehaze", {"widths": [4, 8], "blocks": [0, 2], "working_size": 32})
    network = build_generator(card)
    assert deepened(network, card, blocks) == (network, card)


def test_a_run_deepens_what_it_starts_from(config: TrainConfig, tmp_path: Path) -> None:
    for direction in DIRECTIONS:
        card = ModelCard("scattering", direction, {"widths": [4, 8], "blocks": [0, 2], "working_size": 32})
        save_model(tmp_path / f"{direction}.safetensors", build_generator(card), card)
    pair = make_pair(replace(config, initial=str(tmp_path)))
    for direction, network in pair.networks.items():
        assert pair.cards[direction].numbers["blocks"] == [1, 2]  # fresh ones would have 1, 1
        network.load_state_dict(build_generator(pair.cards[direction]).state_dict())
