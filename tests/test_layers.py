"""The house's rules: imports go downwards only, and the command line is instant."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import claritygan_cli

ROOT = Path(claritygan_cli.__file__).parent
FLOORS = {
    "cli": 5,
    "batch": 4,
    "deploy": 4,
    "training": 4,
    "evaluation": 3,
    "data": 2,
    "models": 1,
    "media": 1,
    "engine": 0,
}
MODULES = sorted(ROOT.rglob("*.py"))


def wing(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "claritygan_cli" and parts[1] in FLOORS else None


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downwards(path: Path) -> None:
    parts = path.relative_to(ROOT).parts
    own = parts[0] if len(parts) > 1 else None
    floor = FLOORS[own] if own else 6
    for module in imported(path):
        other = wing(module)
        if other is not None and other != own:
            assert FLOORS[other] < floor, f"{path.name} imports {module}"


def test_every_wing_has_its_floor() -> None:
    folders = {p.name for p in ROOT.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert folders == set(FLOORS)


@pytest.mark.parametrize("arguments", [["--help"], ["dehaze", "--help"], ["models", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['claritygan', *sys.argv[1:]]\n"
        "from claritygan_cli.cli import main\n"
        "try: main()\n"
        "except SystemExit as e: assert not e.code, e.code\n"
        "heavy = {'torch', 'torchvision', 'numpy', 'PIL', 'skimage', 'scipy', 'av', 'imageio', 'tqdm'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "claritygan" in done.stdout
