"""Every example runs, asserts what it says, and is short."""

from __future__ import annotations

import importlib.util
import inspect
import time
from pathlib import Path

import pytest

import fpsolve

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


def load(path: Path):
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_examples():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    module = load(path)
    began = time.process_time()
    module.main(plot=True)
    # five seconds are promised, without the compilation that a first run may need
    assert time.process_time() - began < 30.0
    assert [file.suffix for file in tmp_path.iterdir()] == [".png"]
    assert capsys.readouterr().out


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_tells_a_story(path):
    text = path.read_text(encoding="utf-8")
    module = load(path)
    title, underline, *story = module.__doc__.strip().splitlines()
    assert set(underline) == {"="} and len(underline) >= len(title)
    assert len("".join(story)) > 200
    assert "assert " in inspect.getsource(module.main)
    assert len(text.splitlines()) <= 80
    assert inspect.signature(module.main).parameters["plot"].default is False


def test_the_list_of_names_is_complete():
    text = (EXAMPLES[0].parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
    assert [name for name in fpsolve.__all__ if f"`{name}`" not in text] == []
