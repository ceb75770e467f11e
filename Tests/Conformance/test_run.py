"""`vitrine run` on every notebook and script: each format, and the same bytes each time."""
import json
import re
import subprocess

import nbformat
import notebooks
import pytest

FILES = notebooks.NOTEBOOKS + notebooks.SCRIPTS


def vitrine(*arguments, cwd, status=0):
    """Runs the program; gives what it wrote to standard output and standard error."""
    done = subprocess.run(["vitrine", *arguments], cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("extension", ["ipynb", "html", "md", "json"])
@pytest.mark.parametrize("name", FILES)
def test_two_runs_give_the_same_bytes(name, extension, tmp_path):
    written = []
    for attempt in ("first run", "second run"):
        folder = notebooks.copy(tmp_path / attempt)
        vitrine("run", name, "-o", f"out.{extension}", cwd=folder)
        written.append((folder / f"out.{extension}").read_bytes())
    assert written[0] == written[1]
    text = written[0].decode()
    if extension == "ipynb":
        nbformat.validate(nbformat.reads(text, as_version=4))
    elif extension == "html":
        assert "<html" in text and "<img" in text
        loaded = re.findall(r'<(?!a )\w+[^>]*\b(?:src|href)="https?:[^>]*>', text)
        assert not loaded, "the page is not self-contained"
    elif extension == "json":
        cells = json.loads(text)
        assert any(cell.get("outputs") for cell in cells)


@pytest.mark.parametrize("name", FILES)
def test_plain_text_goes_to_standard_output(name, tmp_path):
    output, _ = vitrine("run", name, cwd=notebooks.copy(tmp_path))
    assert output.strip()


def test_parameters_and_cells_of_a_script(tmp_path):
    (tmp_path / "a script.vit").write_text('param n = 1 "a number"\nn + 1\n# %%\nn * 100\n')
    output, _ = vitrine("run", "a script.vit", "-p", "n=7", "-o", "out.json", cwd=tmp_path)
    cells = json.loads((tmp_path / "out.json").read_text())
    values = [cell["outputs"][0]["data"]["text/plain"] for cell in cells]
    assert ["".join(value) for value in values] == ["8", "700"]


def test_a_failing_cell_is_told_and_what_ran_is_written(tmp_path):
    (tmp_path / "bad.vit").write_text("6 * 7\n# %%\nnonexistent_name\n# %%\n1 + 1\n")
    _, error = vitrine("run", "bad.vit", "-o", "out.json", cwd=tmp_path, status=1)
    assert "nonexistent_name" in error
    assert "42" in (tmp_path / "out.json").read_text()


def test_the_reference_page_covers_the_catalogue(tmp_path):
    page, _ = vitrine("doc", cwd=tmp_path)
    assert all(name in page for name in ("attention", "tokens", "trace", "load"))
