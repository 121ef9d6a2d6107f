"""Setting up: what makes an environment whole, and what a person reads when it cannot be made."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ops import setup


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout of its own, with one lock."""
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "TOOLS", tmp_path / ".uv")
    monkeypatch.setattr(setup, "LOG", tmp_path / ".uv/setup.log")
    (tmp_path / "lock.txt").write_text("attrs==25.1.0\n")


def whole(folder: Path) -> None:
    """An environment as setup leaves it."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    stamp = setup.fingerprint(folder.name, "3.13", "lock.txt")
    (folder / ".kefu-stamp").write_text(stamp)


def test_a_whole_environment_is_ready(tmp_path: Path) -> None:
    whole(tmp_path / ".venv")
    assert setup.is_ready(".venv", "3.13", "lock.txt")


def test_a_changed_lock_makes_it_unready(tmp_path: Path) -> None:
    whole(tmp_path / ".venv")
    (tmp_path / "lock.txt").write_text("attrs==26.1.0\n")
    assert not setup.is_ready(".venv", "3.13", "lock.txt")


def test_a_half_made_environment_is_neither_ready_nor_reused(tmp_path: Path) -> None:
    home = tmp_path / ".venv"
    whole(home)
    (home / ".kefu-stamp").write_text(setup.MAKING)
    assert not setup.is_ready(".venv", "3.13", "lock.txt")
    assert not setup.is_reusable(home, home / ".kefu-stamp", "3.13")


def test_a_moved_environment_is_neither_ready_nor_reused(tmp_path: Path) -> None:
    whole(tmp_path / ".venv")
    home = (tmp_path / ".venv").rename(tmp_path / "moved")
    assert not setup.is_ready("moved", "3.13", "lock.txt")
    assert not setup.is_reusable(home, home / ".kefu-stamp", "3.13")


def test_an_environment_whose_python_is_gone_is_neither_ready_nor_reused(tmp_path: Path) -> None:
    home = tmp_path / ".venv"
    whole(home)
    (home / "bin/python").unlink()
    (home / "bin/python").symlink_to(tmp_path / "gone")
    assert not setup.is_ready(".venv", "3.13", "lock.txt")
    assert not setup.is_reusable(home, home / ".kefu-stamp", "3.13")


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("error: No space left on device (os error 28)", "the disk is full"),
        ("error: Failed to fetch\n  cause: dns error", "the package index cannot be reached"),
        ("error: Hash mismatch for attrs", "differs from the lock's hash"),
        ("error: something new\nmore", "error: something new"),
    ],
)
def test_a_failure_is_told_in_one_line_with_its_meaning(printed: str, told: str) -> None:
    command = [sys.executable, "-c", f"import sys; print({printed!r}); sys.exit(2)"]
    with pytest.raises(setup.Problem, match=told) as caught:
        setup.run(command, "attrs")
    assert "\n" not in str(caught.value)
    assert printed in setup.LOG.read_text()


def test_any_python_from_3_8_on_can_read_it() -> None:
    source = Path(setup.__file__).read_text()
    ast.parse(source, feature_version=(3, 8))
    imported = {n.names[0].name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import)}
    assert imported <= set(sys.stdlib_module_names)


def test_with_neither_python_nor_uv_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    script = Path(setup.__file__).with_name("setup.sh")
    text = script.read_text().replace("/usr/bin/python3", "/nowhere/python3")
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops/setup.sh").write_text(text)
    done = subprocess.run(
        ["/bin/sh", str(tmp_path / "ops/setup.sh")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs Python 3.10 or newer, or uv" in done.stderr
    assert len(done.stderr.splitlines()) == 1
