from pathlib import Path

from claritygan_cli.batch.plan import look_at
from claritygan_cli.batch.watch import new_plans


def test_files_are_taken_once_they_are_whole(tmp_path: Path) -> None:
    """Each look is a step of a story; what follows from it is told by the next plan."""
    folder, looks = tmp_path / "in", 0
    folder.mkdir()

    def look():  # type: ignore[no-untyped-def]
        nonlocal looks
        looks += 1
        if looks == 2:
            (folder / "a.png").write_bytes(b"1")
        if looks in (3, 4):
            (folder / "a.png").write_bytes(b"1" * looks)  # still growing
        if looks == 7:
            (folder / "b.png").write_bytes(b"1")
            (folder / "a.png").write_bytes(b"another one")
            (folder / "gone.png").write_bytes(b"1")
        if looks == 8:
            (folder / "gone.png").unlink()
        return look_at(folder, tmp_path / "out")

    plans = new_plans(look, pause=0)
    first = next(plans)
    assert ([job.name for job in first.jobs], looks) == (["a.png"], 5)
    second, third = next(plans), next(plans)
    assert ([job.name for job in second.jobs], second.changed, looks) == (["b.png"], False, 8)
    assert ([job.name for job in third.jobs], third.changed, looks) == (["a.png"], True, 8)
    assert third.jobs[0].target == tmp_path / "out/a.png"


def test_results_beside_their_inputs_are_no_inputs(tmp_path: Path) -> None:
    looks = 0
    (tmp_path / "a.png").write_bytes(b"1")

    def look():  # type: ignore[no-untyped-def]
        nonlocal looks
        looks += 1
        if looks == 3:
            (tmp_path / "a_clear.png").write_bytes(b"1")
            (tmp_path / "a.png").unlink()  # as one who needs it no more
        if looks == 5:
            raise FileNotFoundError  # something went while it was looked at
        if looks == 7:
            (tmp_path / "b.png").write_bytes(b"1")
        return look_at(tmp_path, tmp_path, "_clear")

    plans = new_plans(look, pause=0)
    names = [[job.name for job in next(plans).jobs] for _ in range(2)]
    assert names == [["a.png"], ["b.png"]]
