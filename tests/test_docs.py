"""The documents keep their word: their Python runs, their links lead somewhere, and CI runs the README's command."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILT = {"_build", "gallery"}
DOCUMENTS = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if not BUILT & set(p.parts))]
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]

NO_RUN = "<!-- no-run -->"
FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})(?P<word>[^\n]*)\n(?P<code>.*?)^(?P=fence)[ \t]*$", re.M | re.S)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?(?P<target>[^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def python_blocks(text: str) -> list[tuple[int, str]]:
    """Line and code of every fenced Python block that is not marked as not to be run."""
    blocks = []
    for match in FENCE.finditer(text):
        marked = text[: match.start()].rstrip().endswith(NO_RUN)
        if match["word"].strip().lower() == "python" and not marked:
            blocks.append((text.count("\n", 0, match.start("code")), match["code"]))
    return blocks


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Anchors of the headings, as the usual viewers make them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(FENCE.sub("", text)))
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("name", [n for n in NAMES if python_blocks((ROOT / n).read_text(encoding="utf-8"))])
def test_python_blocks_run(name, tmp_path, monkeypatch, capsys):
    """All blocks of a document share one namespace, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for line, code in python_blocks((ROOT / name).read_text(encoding="utf-8")):
        exec(compile("\n" * line + code, str(ROOT / name), "exec"), namespace)


@pytest.mark.parametrize("name", NAMES)
def test_relative_links_resolve(name):
    document = ROOT / name
    broken = []
    for match in LINK.finditer(without_code(document.read_text(encoding="utf-8"))):
        target, _, anchor = unquote(match["target"]).partition("#")
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or not path.is_relative_to(ROOT):
            broken.append(match["target"])
        elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text(encoding="utf-8")):
            broken.append(match["target"])
    assert broken == []


def test_every_page_is_in_the_contents():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {Path(name).stem for name in NAMES if name.startswith("docs/")} - {"index"}
    assert sorted(page for page in pages if f"({page}.md)" not in index or f"\n{page}\n" not in index) == []


@pytest.mark.parametrize("command", ["verify", "test"])
def test_the_readme_marks_each_command(command):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    marked = re.findall(rf"<!-- {command}-command -->\n```bash\n(.+)\n```\n<!-- /{command}-command -->", text)
    assert len(marked) == 1
    assert marked[0].startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_ci_runs_the_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    if os.name == "posix":
        assert os.access(script, os.X_OK)
        assert subprocess.run(["bash", "-n", str(script)], capture_output=True).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert "<!-- test-command -->" in text
    assert "pytest" not in text.replace("/pytest", ""), "the command belongs to the README alone"


def test_blocks_are_found():
    text = f"```python\na = 1\n```\n\n{NO_RUN}\n```python\nno\n```\n\n```bash\nno\n```\n~~~python\nb = 2\n~~~\n"
    assert [code for _, code in python_blocks(text)] == ["a = 1\n", "b = 2\n"]
