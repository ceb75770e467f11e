#!/usr/bin/env python3
"""Runs a notebook that trains a model in real JupyterLab, and watches it learn.

usage: training.py NOTEBOOK FOLDER   screenshots and the server's log go into FOLDER

While a cell that trains runs, its picture has to be renewed in the page more than once; afterwards
the slider through the attention maps has to move the map and what is said of it, in the light theme
and, after the theme was changed, in the dark one.
"""
import os
import re
import shutil
import sys
from pathlib import Path

import lab
import tour

#: Writes down what the notes of a cell's live views say, whenever that changes, and whether the cell still runs.
FOLLOW = r"""
([panel, index]) => {
  const seen = window.vitrineSeen = [];
  setInterval(() => {
    const cell = eval(panel).content.widgets.filter(c => c.model.type === 'code')[index];
    const notes = [...cell.node.querySelectorAll('.vitrine-figure[data-live] *')]
      .filter(e => e.shadowRoot).map(e => e.shadowRoot.querySelector('.note')?.textContent ?? '');
    const state = { runs: cell.node.querySelector('.jp-InputPrompt').textContent.includes('*'),
      note: notes[0] ?? '', notes: notes.join(' | ') };
    const last = seen[seen.length - 1];
    if (state.note && (!last || last.notes !== state.notes || last.runs !== state.runs)) seen.push(state);
  }, 40);
}
"""


def scrub(cell, word, folder, checks):
    """Moves the slider through a cell's attention maps, and photographs the first and the last."""
    view = cell.locator(".vitrine-figure[data-live]").last
    slider, canvas = view.locator("input[type=range]"), view.locator("canvas")
    status = lambda: view.locator(".status").first.inner_text()
    note = lambda: view.locator(".note").first.inner_text()
    slider.scroll_into_view_if_needed()
    shots, notes, labels = [], [], []
    for key in ("Home", "End"):
        slider.focus()
        slider.press(key)
        shots.append(lab.pixels(canvas.screenshot()))
        notes.append(note())
        labels.append(status())
        view.screenshot(path=folder / f"scrubber-{word}-{key.lower()}.png")
    checks.expect(labels[0].startswith("step 0 (1 of "), f"{word}: the slider begins at {labels[0]!r}")
    checks.expect(shots[0] != shots[1], f"{word}: the map moves with the slider")
    checks.expect(notes[0] != notes[1], f"{word}: what would follow moves too: {notes}")
    slider.press("ArrowLeft")
    checks.expect(status() not in labels, f"{word}: the arrow keys move the slider: {status()!r}")
    dark = view.locator("div.dark").count() > 0
    checks.expect(dark == (word == "dark"), f"{word}: the view follows the theme")


def main(notebook, folder):
    folder.mkdir(parents=True, exist_ok=True)
    checks = tour.Checks()
    with lab.browser() as chromium, lab.server(folder / "server-training.log") as (address, root, _):
        shutil.copytree(notebook.parent, root, dirs_exist_ok=True)
        page = lab.Page(chromium, address, notebook.name)
        try:
            sources = [cell["source"] for cell in page.cells()]
            index = next(i for i, source in enumerate(sources) if "train(" in source)
            page.page.evaluate(FOLLOW, [lab.PANEL, index])
            page.run_all(180)
            seen = page.page.evaluate("() => window.vitrineSeen")
            steps = [int(re.search(r"step (\d+) of", state["note"])[1]) for state in seen if state["runs"]]
            print(f"  while it ran the picture showed the steps {steps}")
            checks.expect(len(set(steps)) >= 3, f"the picture changed while the cell ran: {steps}")
            checks.expect(steps == sorted(steps), f"the steps went up: {steps}")
            checks.expect(
                any("tokens a second" in state["note"] and "s left" in state["note"] for state in seen),
                "the picture said how fast it went and how much was left",
            )
            checks.expect("tokens a second" not in seen[-1]["note"], "the last picture says no times")
            checks.expect(page.is_trusted(), "the notebook is trusted")
            tour.look(page, "training", True, checks)
            cell = page.page.locator(".jp-CodeCell").nth(index)
            scrub(cell, "light", folder, checks)
            page.screenshot(folder / "training-light.png")
            page.page.evaluate(
                "() => window.jupyterapp.commands.execute('apputils:change-theme',"
                " { theme: 'JupyterLab Dark' })")
            page.page.wait_for_function(
                "() => document.body.getAttribute('data-jp-theme-light') === 'false'")
            page.page.wait_for_timeout(500)
            scrub(cell, "dark", folder, checks)
            page.screenshot(folder / "training-dark.png")
            checks.expect(not page.problems, f"no problem in the page: {page.problems}")
        finally:
            page.close()
    print(f"browser: {checks.passed} passed, {checks.failed} failed")
    return checks.failed > 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    os.environ.pop("JUPYTER_TOKEN", None)
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2])))
