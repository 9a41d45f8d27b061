import json
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from claritygan_cli.engine.restoration_config import RestorationConfig
from claritygan_cli.errors import ModelError, UsageError
from claritygan_cli.models.catalogue import bundle, catalogue, weights_folder
from claritygan_cli.models.finding import find_model
from claritygan_cli.models.loading import open_model
from claritygan_cli.models.onnx_generator import OnnxGenerator
from claritygan_cli.models.weights import (
    METADATA_KEY,
    ModelCard,
    build_generator,
    file_sha256,
    load_model,
    read_card,
    save_model,
)

Make = Callable[[str], Path]


def rewrite(path: Path, change: Callable[[dict[str, torch.Tensor], dict], None]) -> None:
    """Change a weights file's tensors and card."""
    tensors = load_file(path)
    card = json.loads(json.dumps(vars(read_card(path))))
    change(tensors, card)
    save_file(tensors, path, metadata={METADATA_KEY: json.dumps(card)})


def test_round_trip(tmp_path: Path) -> None:
    card = ModelCard("scattering", "dehaze", {"widths": [4, 4, 8, 8, 8]}, recipe={"steps": 3}, data=["nyu"])
    generator = build_generator(card).half().float()
    generator.restoration = RestorationConfig(smoothing_radius=5)
    save_model(tmp_path / "m.safetensors", generator, card)
    loaded, again = load_model(tmp_path / "m.safetensors")
    assert again == replace(card, restoration=generator.restoration.to_dict())
    assert loaded.restoration == generator.restoration
    assert not loaded.training
    for name, value in generator.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert list(tmp_path.iterdir()) == [tmp_path / "m.safetensors"]


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        load_model(tmp_path / "no.safetensors")


@pytest.mark.parametrize("keep", [0, 5, 200, -10])
def test_truncated(tiny_model: Make, keep: int) -> None:
    path = tiny_model("dehaze")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        load_model(path)


def test_tampered(tiny_model: Make) -> None:
    path = tiny_model("dehaze")
    sha256 = file_sha256(path)
    load_model(path, sha256)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="does not match its checksum"):
        load_model(path, sha256)


def test_without_card(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="carries no claritygan model card"):
        load_model(tmp_path / "x.safetensors")


def test_absurd_sizes_are_refused_before_memory_is_taken(tiny_model: Make) -> None:
    """Each would take terabytes, and the file is small."""
    path = tiny_model("dehaze")
    whole = path.read_bytes()
    changes: list[Callable] = [
        lambda tensors, card: card["architecture"].update(widths=[10**9] * 5),
        lambda tensors, card: card["architecture"].update(widths=[8000] * 5),
        lambda tensors, card: card["architecture"].update(widths=[4] * 10**5),
        lambda tensors, card: card["architecture"].update(working_size=10**9),
        lambda tensors, card: card.update(generator="resnet", architecture={"width": 8000, "blocks": 2000}),
        lambda tensors, card: card["architecture"].update(widths=[1e999, 4, 8, 8, 8]),
    ]
    for change in changes:
        path.write_bytes(whole)
        rewrite(path, change)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(ModelError, match=r"cannot be built|do not fit"):
            load_model(path)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
    header = json.dumps({"head.weight": {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 2**62]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        load_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors, card: tensors.pop("head.weight"), "do not fit"),
        (lambda tensors, card: tensors.update(more=torch.zeros(1)), "do not fit"),
        (lambda tensors, card: tensors.update({"head.bias": torch.zeros(7)}), "do not fit"),
        (lambda tensors, card: tensors["head.bias"].fill_(float("nan")), "not finite"),
        (lambda tensors, card: card.update(generator="transformer"), "unknown generator 'transformer'"),
        (lambda tensors, card: card["architecture"].update(depth=3), "cannot be built"),
        (lambda tensors, card: card["restoration"].update(gamma=3), "restoration of the model card"),
        (lambda tensors, card: card["restoration"].update(smoothing_radius=-1), "smoothing_radius"),
        (lambda tensors, card: card.update(direction="resnet"), "unknown generator"),
        (lambda tensors, card: card.update(architecture=None), "unknown generator"),
        (lambda tensors, card: card.update(direction=["dehaze"]), "unknown generator"),
        (lambda tensors, card: card["architecture"].update(widths=[-4, 4, 8, 8, 8]), "cannot be built"),
    ],
)
def test_wrong_content(tiny_model: Make, change: Callable, message: str) -> None:
    path = tiny_model("dehaze")
    rewrite(path, change)
    with pytest.raises(ModelError, match=message) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_direction_must_fit(tiny_model: Make) -> None:
    with pytest.raises(UsageError, match="for 'hazify', not for 'dehaze'"):
        open_model(str(tiny_model("hazify")), "dehaze")


def test_bundled_models_are_as_the_catalogue_says() -> None:
    entries = catalogue()
    assert {(e.direction, e.default) for e in entries} >= {("dehaze", True), ("hazify", True)}
    for entry in entries:
        path = weights_folder() / entry.file
        generator, card = open_model(entry.name, entry.direction)
        assert file_sha256(path) == entry.sha256
        assert card.direction == entry.direction
        assert path.stat().st_size <= 12 * 2**20
        assert card.recipe["command"].startswith("claritygan train")
        assert isinstance(generator, OnnxGenerator) or sum(p.numel() for p in generator.parameters()) > 1e6


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UsageError, match="bundled for dehaze: scattering-dehaze"):
        find_model("magic", "dehaze")


def test_a_run_folder_stands_for_its_models(tmp_path: Path) -> None:
    (tmp_path / "hazify.safetensors").write_bytes(b"")
    assert find_model(str(tmp_path), "hazify") == (tmp_path / "hazify.safetensors", None)
    with pytest.raises(UsageError, match=r"run folder with dehaze\.safetensors"):
        find_model(str(tmp_path), "dehaze")


def test_bundling_copies_and_writes_checksums(tmp_path: Path) -> None:
    (tmp_path / "dehaze.safetensors").write_bytes(b"abc")
    (tmp_path / "hazify.safetensors").write_bytes(b"")
    (tmp_path / "weights").mkdir()
    bundle(tmp_path, tmp_path / "weights", "scattering", default=True)
    bundle(tmp_path, tmp_path / "weights", "cyclegan", default=False)
    bundle(tmp_path, tmp_path / "weights", "scattering", default=True)
    models = json.loads((tmp_path / "weights/catalogue.json").read_text())["models"]
    assert [(model["name"], model["default"]) for model in models] == [
        ("scattering-dehaze", True),
        ("scattering-hazify", True),
        ("cyclegan-dehaze", False),
        ("cyclegan-hazify", False),
    ]
    assert models[0]["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (tmp_path / "weights" / models[0]["file"]).read_bytes() == b"abc"
