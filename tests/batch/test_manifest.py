import logging
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claritygan_cli.batch.manifest import MANIFEST, Record, fingerprint, open_manifest, read_records, settings_hash
from claritygan_cli.batch.options import BatchOptions, DehazeOptions, ModelOptions, VideoOptions


def test_records_come_back(tmp_path: Path) -> None:
    names = ["a.jpg", "sub/ü.png", os.fsdecode(b"\xff.png"), "line\nbreak.png"]
    manifest = open_manifest(tmp_path / "out")
    for name in names:
        manifest.add(Record(name, "s", "1-2"))
    manifest.add(Record("a.jpg", "t", "1-2", left_out=True))
    again = open_manifest(tmp_path / "out")
    assert list(again.records) == names
    found = again.of(tmp_path / "out/a.jpg")
    assert found is not None
    assert replace(found, when=0) == Record("a.jpg", "t", "1-2", left_out=True)
    assert abs(found.when - time.time()) < 60
    assert again.of(tmp_path / "out/b.jpg") is None


def test_a_line_that_a_kill_tore_is_passed_over(tmp_path: Path) -> None:
    manifest = open_manifest(tmp_path)
    for name in "abc":
        manifest.add(Record(name, "s", "1-2"))
    whole = manifest.path.read_bytes()
    for end in range(len(whole)):
        manifest.path.write_bytes(whole[:end])
        known = read_records(manifest.path)
        assert set(known) <= {"a", "b", "c"}
        open_manifest(tmp_path).add(Record("d", "s", "1-2"))
        assert read_records(manifest.path).keys() == {*known, "d"}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.binary(), st.just(b'{"result": 1, "settings": [], "source": {}}'), st.just(b"[[" * 9999))))
def test_any_bytes_are_a_manifest(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("m") / MANIFEST
    path.write_bytes(b"\n".join(lines))
    assert read_records(path) == {}


def test_parts_write_files_of_their_own_and_know_all(tmp_path: Path) -> None:
    open_manifest(tmp_path, (1, 2)).add(Record("a", "s", "1-2"))
    open_manifest(tmp_path, (2, 2)).add(Record("b", "s", "1-2"))
    open_manifest(tmp_path).add(Record("c", "s", "1-2"))
    assert len(list(tmp_path.iterdir())) == 3
    open_manifest(tmp_path, (1, 2)).add(Record("c", "later", "1-2"))
    assert open_manifest(tmp_path, (1, 3)).records["c"].settings == "later"
    (tmp_path / MANIFEST).touch()  # the order is that of the records, not of the files
    assert open_manifest(tmp_path, (1, 3)).records["c"].settings == "later"
    assert set(open_manifest(tmp_path, (1, 3)).records) == {"a", "b", "c"}


def test_one_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / MANIFEST).mkdir()
    manifest = open_manifest(tmp_path)
    with caplog.at_level(logging.WARNING):
        manifest.add(Record("a", "s", "1-2"))
        manifest.add(Record("b", "s", "1-2"))
    assert len(caplog.records) == 1
    assert "--update" not in caplog.text


def test_it_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("mine")
    (tmp_path / MANIFEST).symlink_to(tmp_path / "other")
    open_manifest(tmp_path).add(Record("a", "s", "1-2"))
    assert (tmp_path / "other").read_text() == "mine"


def test_the_hash_is_of_what_changes_results() -> None:
    haze, batch, model = DehazeOptions(), BatchOptions("out"), ModelOptions()
    known = settings_hash("m", haze, batch, model)
    same = settings_hash("m", haze, replace(batch, out="x", jobs=3, quiet=True), replace(model, threads=2))
    assert known == same
    others = [
        settings_hash("n", haze, batch, model),
        settings_hash("m", replace(haze, strength=0.5), batch, model),
        settings_hash("m", haze, replace(batch, quality="90"), model),
        settings_hash("m", haze, batch, replace(model, working_size=256)),
        settings_hash("m", haze, batch, model, VideoOptions()),
    ]
    assert len({known, *others}) == 6


def test_a_fingerprint_tells_another_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    before = fingerprint(path)
    path.write_bytes(b"22")
    assert fingerprint(path) != before
    with pytest.raises(OSError, match="nowhere"):
        fingerprint(tmp_path / "nowhere")
