#!/usr/bin/env python3
"""Opens a notebook in real JupyterLab, runs it, and looks at what is shown.

usage: tour.py NOTEBOOK FOLDER   screenshots and the server's log go into FOLDER

In the light and in the dark theme: all cells are run and the notebook is saved; reopened by the
same user it is trusted, by somebody else it is not. Each time every figure has to be visible: the
interactive view where scripts run, the static picture where they do not. Errors in the console,
failed requests, and requests to anywhere else are failures.
"""
import os
import re
import shutil
import sys
from pathlib import Path

import lab

CHINESE = re.compile("[\u4e00-\u9fff]")


class Checks:
    """Counts what held and what did not."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def expect(self, holds, sentence):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"  FAILED: {sentence}")


def visible(output, interactive):
    """Whether a figure can be seen: as a decoded image, or as an interactive view of some size."""
    images = (p for p in output["pictures"] if p["tag"] == "img" and min(p["natural"]) > 0)
    views = output["views"] if interactive else []
    return any(min(size) >= 8 for size in [p["size"] for p in images] + views)


def look_narrow(page, name, checks):
    """Makes the window narrower: every live figure has to follow, none may reach out of its cell."""
    size = page.page.viewport_size
    page.page.set_viewport_size({"width": 900, "height": 900})
    page.page.wait_for_timeout(600)
    for cell in page.cells():
        for output in cell["outputs"]:
            where = f"{name}: {cell['source'].splitlines()[0][:60]!r}"
            checks.expect(output["over"] <= 1, f"{where} keeps inside a narrow cell: {output['over']}")
    page.page.set_viewport_size(size)
    page.page.wait_for_timeout(300)


def look(page, name, interactive, checks):
    """Checks what the opened notebook shows."""
    cells = page.cells()
    shown = [(cell, output) for cell in cells for output in cell["outputs"]]
    pictured = [i for i, c in enumerate(cells) if any("<img" in o["html"] for o in c["outputs"])]
    checks.expect(shown, f"{name}: some cell shows something")
    figures = 0
    for cell, output in shown:
        where = f"{name}: {cell['source'].splitlines()[0][:60]!r}"
        checks.expect(output["type"] != "error", f"{where} ends without an error: {output['text']}")
        checks.expect(min(output["size"]) > 0, f"{where} has an output of some size")
        checks.expect(output["over"] <= 1, f"{where} keeps inside its cell: {output['over']}")
        if "<img" not in output["html"]:
            continue
        figures += 1
        checks.expect(visible(output, interactive), f"{where} shows its picture")
        if "<script" in output["html"]:
            live = output["figures"] if interactive else 0
            checks.expect(
                output["live"] == live and (live or not interactive),
                f"{where} has {output['live']} live views and not {live or 'some'}",
            )
        images = [p for p in output["pictures"] if p["tag"] == "img" and "vitrine" in output["html"]]
        checks.expect(all(p["alt"] for p in images), f"{where} says in words what its images show")
    for index in pictured:
        where = f"{name}: {cells[index]['source'].splitlines()[0][:60]!r}"
        checks.expect(page.drawn(index), f"{where} has drawn something")
    checks.expect(figures, f"{name}: some cell shows a figure")
    checks.expect(
        any(CHINESE.search(cell["source"] + o["text"] + o["html"]) for cell, o in shown),
        f"{name}: Chinese text is shown",
    )
    checks.expect(not page.problems, f"{name}: no problem in the page: {page.problems}")
    print(f"  {name}: {len(shown)} outputs, {figures} figures")


def visit(chromium, address, notebook, name, folder, checks, run=False, interactive=True, dark=False):
    """Opens, perhaps runs, checks and photographs a notebook."""
    page = lab.Page(chromium, address, notebook, dark)
    try:
        if run:
            page.run_all()
            ran = all(cell["count"] for cell in page.cells() if cell["source"].strip())
            checks.expect(ran, f"{name}: every cell was run")
        trust = page.is_trusted()
        checks.expect(trust == interactive, f"{name}: the notebook is {'' if trust else 'not '}trusted")
        page.page.wait_for_timeout(800)
        look(page, name, interactive, checks)
        if run:
            look_narrow(page, name, checks)
        page.screenshot(folder / f"{name.replace(' ', '-')}.png")
    finally:
        page.close()


def main(notebook, folder):
    folder.mkdir(parents=True, exist_ok=True)
    checks = Checks()
    saved = folder / "saved.ipynb"
    with lab.browser() as chromium:
        for theme in ("Light", "Dark"):
            dark = theme == "Dark"
            word = theme.lower()
            with lab.server(folder / f"server-{word}.log", theme) as (address, root, _):
                shutil.copytree(notebook.parent, root, dirs_exist_ok=True)
                name = notebook.name
                visit(chromium, address, name, f"run {word}", folder, checks, run=True, dark=dark)
                visit(chromium, address, name, f"reopened {word}", folder, checks, dark=dark)
                shutil.copy(root / name, saved)
            # Another user's server has another key, so that it does not trust the saved notebook.
            with lab.server(folder / f"server-{word}-untrusted.log", theme) as (address, root, _):
                shutil.copy(saved, root / notebook.name)
                visit(chromium, address, notebook.name, f"untrusted {word}", folder, checks,
                      interactive=False, dark=dark)
    print(f"browser: {checks.passed} passed, {checks.failed} failed")
    return checks.failed > 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    os.environ.pop("JUPYTER_TOKEN", None)
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2])))
