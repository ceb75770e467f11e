#!/usr/bin/env python3
"""Uses the explorer in real JupyterLab, and looks at what is left of it without a kernel.

usage: explorer.py FOLDER   screenshots and the servers' logs go into FOLDER

In the light and in the dark theme: types into the box, moves sliders and chooses views with the
keyboard, and sees the figure follow; reloads the page beside the running kernel; reopens the saved
notebook without its kernel, as the same user and as somebody else, and as an exported page.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lab
from tour import Checks

ENGLISH = "the loan was approved because"
CHINESE = "患者患有高血压，需要"
NAME = "explorer.ipynb"


def write_notebook(path):
    """A notebook with two explorers."""
    sources = [f'explore("{ENGLISH}")', f'explore("{CHINESE}", view: "attribution")']
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"cell-{i}", "metadata": {},
         "outputs": [], "source": source}
        for i, source in enumerate(sources)
    ]
    kernel = {"name": "vitrine", "display_name": "Vitrine", "language": "vitrine"}
    path.write_text(json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}))


class Explorer:
    """One cell's explorer in an opened notebook."""

    def __init__(self, page, cell):
        self.page = page.page
        self.cell = self.page.locator(".jp-CodeCell").nth(cell)
        self.panel = self.cell.locator(".vitrine-panel")
        self.kept = self.cell.locator("[class*=vitrine-kept-]")

    def title(self):
        return self.panel.locator(".title").first.inner_text()

    def wait_title(self, words):
        """Waits until the live figure's heading has these words."""
        self.panel.locator(".title", has_text=words).first.wait_for(timeout=60_000)

    def wait_picture(self, words):
        """Waits until the live figure is a picture described with these words."""
        self.panel.locator(f'img[alt*="{words}"]').first.wait_for(timeout=60_000)

    def press(self, slider, key, times=1):
        """Moves a slider with the keyboard."""
        handle = self.panel.locator(".noUi-handle:visible").nth(slider)
        handle.focus()
        for _ in range(times):
            self.page.keyboard.press(key)


def use(page, checks, word):
    """Types, slides and chooses, and sees the figure follow."""
    first, second = Explorer(page, 0), Explorer(page, 1)
    first.wait_title("layer 4")
    checks.expect(first.panel.is_visible(), f"{word}: the controls are shown")
    checks.expect(not first.kept.is_visible(), f"{word}: what is kept hides beside live controls")
    second.wait_title("Why")
    first.press(0, "ArrowLeft", 3)
    first.wait_title("layer 1")
    first.press(1, "ArrowRight")
    first.wait_title("layer 1 · head 0")
    before = first.panel.locator("canvas").first.screenshot()
    first.panel.locator("input[type=text]:visible").first.fill("the dog <b>barks</b> & bites")
    first.page.wait_for_timeout(1500)
    after = first.panel.locator("canvas").first.screenshot()
    checks.expect(before != after, f"{word}: the map changes with the text")
    checks.expect("<b>barks" in first.panel.locator(".provenance").first.inner_text(),
                  f"{word}: markup in a text stays text")
    menu = second.panel.locator("select:visible").first
    menu.focus()
    menu.select_option("next tokens")
    second.wait_picture("Next token")
    menu.select_option("logit lens")
    second.wait_title("Logit lens")
    menu.select_option("attribution")
    second.wait_title("Why")
    target = second.panel.locator("input[type=text]:visible").nth(1)
    target.fill("手术")
    second.wait_title("Why “手术”")
    box = second.panel.locator("input[type=text]:visible").first
    box.fill(" ")
    second.panel.locator("text=There is no text yet.").wait_for(timeout=60_000)
    box.fill(CHINESE)
    second.wait_title("Why “手术”")
    for one, words in ((first, "layer 1 · head 0"), (second, "手术")):
        one.kept.locator(f'img[alt*="{words}"]').first.wait_for(state="attached")


def leaf(page, root, checks, word):
    """Leafs through the maps that are in the page, with the keyboard, without a kernel."""
    title = root.locator(".title").first
    before = title.inner_text()
    root.locator("input[type=range]").first.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(300)
    checks.expect(
        before != title.inner_text() and "layer 0" in title.inner_text(),
        f"{word}: the kept maps can be leafed through: {before!r}, {title.inner_text()!r}")


def without_kernel(chromium, address, checks, word, folder, dark, trusted):
    """Looks at the saved notebook where no kernel knows its controls."""
    page = lab.Page(chromium, address, NAME, dark)
    try:
        page.page.wait_for_timeout(2500)
        first = Explorer(page, 0)
        checks.expect(page.is_trusted() == trusted, f"{word}: trusted is {trusted}")
        checks.expect(first.kept.is_visible() or not trusted, f"{word}: the last figure is shown")
        errors = page.page.locator("text=Error displaying widget")
        checks.expect(
            not any(errors.nth(i).is_visible() for i in range(errors.count())),
            f"{word}: no message stands in the controls' place")
        if trusted:
            checks.expect("layer 1 · head 0" in first.kept.locator(".title").first.inner_text(),
                          f"{word}: the last figure is the one that was left")
            leaf(page.page, first.kept, checks, word)
            # The front end's own message about controls that it doesn't know is no problem of ours.
            problems = [p for p in page.problems if "widget" not in p.lower()]
        else:
            image = first.cell.locator("img:visible").first
            checks.expect(image.count() == 1 and "layer 1" in image.get_attribute("alt"),
                          f"{word}: the last picture is shown")
            problems = page.problems
        checks.expect(not problems, f"{word}: no problem in the page: {problems}")
        page.screenshot(folder / f"explorer-{word.replace(' ', '-')}.png")
    finally:
        page.close()


def exported(chromium, notebook, folder, checks, word, dark):
    """Looks at the notebook as an exported page."""
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(folder),
         "--output", f"explorer-{word}.html", "--theme", "dark" if dark else "light", str(notebook)],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    page = chromium.new_page(viewport={"width": 1200, "height": 1000})
    failures = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.route("**/*", lambda r: r.continue_() if r.request.url.startswith("file:") else r.abort())
    page.goto(f"file://{folder}/explorer-{word}.html")
    kept = page.locator("[class*=vitrine-kept-]").first
    kept.locator("canvas").first.wait_for(timeout=60_000)
    leaf(page, kept, checks, f"exported {word}")
    page.screenshot(path=folder / f"explorer-exported-{word}.png", full_page=True)
    ours = [f for f in failures if re.search("vitrine|damaged", f)]
    checks.expect(not ours, f"exported {word}: no problem in the page: {ours}")
    page.close()


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    checks = Checks()
    with lab.browser() as chromium:
        for theme in ("Light", "Dark"):
            word, dark = theme.lower(), theme == "Dark"
            saved = folder / f"explorer-{word}.ipynb"
            with lab.server(folder / f"explorer-{word}.log", theme) as (address, root, _):
                write_notebook(root / NAME)
                page = lab.Page(chromium, address, NAME, dark)
                page.run_all()
                use(page, checks, word)
                page.screenshot(folder / f"explorer-{word}.png")
                page.page.evaluate(f"async () => {{ await {lab.PANEL}.context.save(); }}")
                checks.expect(not page.problems, f"{word}: no problem in the page: {page.problems}")
                page.close()
                shutil.copy(root / NAME, saved)
                checks.expect(saved.stat().st_size < 2_000_000, f"{word}: the notebook is small")
                page = lab.Page(chromium, address, NAME, dark)
                again = Explorer(page, 0)
                again.wait_title("layer 1 · head 0")
                again.press(0, "ArrowRight")
                again.wait_title("layer 2 · head 0")
                checks.expect(not page.problems, f"{word} reloaded: no problem: {page.problems}")
                page.page.evaluate(
                    f"async () => {{ await {lab.PANEL}.context.sessionContext.shutdown(); }}")
                page.close()
                without_kernel(chromium, address, checks, f"reopened {word}", folder, dark, True)
            with lab.server(folder / f"explorer-{word}-untrusted.log", theme) as (address, root, _):
                shutil.copy(saved, root / NAME)
                without_kernel(chromium, address, checks, f"untrusted {word}", folder, dark, False)
            exported(chromium, saved, folder.resolve(), checks, word, dark)
    print(f"explorer: {checks.passed} passed, {checks.failed} failed")
    return checks.failed > 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.environ.pop("JUPYTER_TOKEN", None)
    sys.exit(main(Path(sys.argv[1])))
