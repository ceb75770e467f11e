#!/usr/bin/env python3
"""Uses the figures of a notebook in real JupyterLab with a pointer and a keyboard.

usage: hands.py FOLDER   screenshots and the server's log go into FOLDER

Of every kind of figure: points at it and reads the hint, which has to say what the kernel says and to stay
inside its figure; turns, drags and zooms; walks by the arrow keys, by Tab and Escape; presses what can be
pressed. Each time something has to change, in the light theme and in the dark one.
"""
import json
import os
import re
import sys
from pathlib import Path

import crowd
import lab
from tour import Checks

NAME = "hands.ipynb"
TEXT = "Patient Grace Adams, 31 years, has lupus. Department:"
CHINESE = "患者患有高血压，需要"
WORDS = '["a cat", "a dog", "高血压", "患者", "loan", "income", "reject", "approve"]'
#: What the cells show; the name by which the tests ask for a cell, and its source.
CELLS = {
    "numbers": f'text = "{TEXT}"\na = attention(text, layer: 2, head: 1)\n'
               "places = 0..<len(a[0])\nprint([[a[q][k] for k in places] for q in places])",
    "map": "a",
    "grid": f'attention("{CHINESE}", layer: all, head: all)',
    "why": 'attribute(text, target: "dermatology", against: "cardiology")',
    "space": f'points = embed({WORDS})\nproject(points, method: "pca", dims: 3) |> scatter()',
    "plane": 'project(points, method: "pca", dims: 2) |> scatter()',
    "run": 'm = load("specimen")\n'
           'new = [{prompt: text, answer: " dermatology."}, {prompt: "患者患有狼疮。科室：", answer: "皮肤科。"}]\n'
           "run = train(m, new, steps: 8, batch: 64, learning_rate: 0.0003, held_out: 0, probes: text,"
           " layer: 3, head: 2, every: 2, seed: 1)\nrun",
    "lens": f'lens("{CHINESE}")',
    "tokens": "tokens(text)",
    "crowd": crowd.CELL,
    "explore": f'explore("{TEXT}")',
}


def write_notebook(path):
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"cell-{name}", "metadata": {},
         "outputs": [], "source": source}
        for name, source in CELLS.items()
    ]
    kernel = {"name": "vitrine", "display_name": "Vitrine", "language": "vitrine"}
    path.write_text(json.dumps(
        {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}))


class Hand:
    """A hand on one live figure, with the checks that hold for every one."""

    def __init__(self, page, cell, checks, word, which=0):
        self.page, self.checks, self.word = page.page, checks, f"{word} {cell}"
        output = self.page.locator(".jp-CodeCell").nth(list(CELLS).index(cell))
        self.view = output.locator(".vitrine-figure[data-live]:visible").nth(which)
        self.view.scroll_into_view_if_needed()
        self.tip = self.view.locator(".tip").first
        self.status = self.view.locator(".status").first

    def expect(self, holds, sentence):
        self.checks.expect(holds, f"{self.word}: {sentence}")

    def canvas(self):
        """The canvas that takes the pointer."""
        return self.view.locator("canvas[tabindex]").first

    def settle(self):
        """Waits until what was asked for is drawn."""
        self.page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def look(self):
        """What is drawn, apart from the hint."""
        self.settle()
        return self.view.evaluate(
            "host => { const all = root => [...root.querySelectorAll('canvas')].concat(...[...root.querySelectorAll('*')]"
            ".filter(e => e.shadowRoot).map(e => all(e.shadowRoot)));"
            " return all(host).map(each => each.toDataURL()).join(' '); }")

    def at(self, x, y):
        """A place of the canvas in shares of its size, in the window."""
        self.canvas().scroll_into_view_if_needed()
        box = self.canvas().bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def point(self, x, y):
        self.page.mouse.move(*self.at(x, y))
        self.settle()

    def away(self):
        self.page.mouse.move(2, 2)
        self.settle()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def hint(self):
        """The hint's lines; none where it isn't shown. One that is shown has to be inside its figure."""
        if not self.tip.is_visible():
            return []
        tip, box = self.tip.bounding_box(), self.view.bounding_box()
        inside = (tip["x"] >= box["x"] - 1 and tip["y"] >= box["y"] - 1
                  and tip["x"] + tip["width"] <= box["x"] + box["width"] + 1
                  and tip["y"] + tip["height"] <= box["y"] + box["height"] + 1)
        self.expect(inside, f"the hint stays inside its figure: {tip}, {box}")
        return [line.strip() for line in self.tip.inner_text().splitlines() if line.strip()]

    def changes(self, act, sentence):
        """Does something after which the figure has to look different."""
        before = self.look()
        act()
        self.expect(before != self.look(), sentence)

    def focus_by_tab(self, target, most=40):
        """Presses Tab until an element has the focus, as somebody without a pointer does."""
        for _ in range(most):
            if target.evaluate("e => e.getRootNode().activeElement === e"):
                return True
            self.page.keyboard.press("Tab")
        return False

    def drag(self, start, end):
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=4)
        self.page.mouse.up()
        self.settle()

    def wheel(self, amount, key="Control"):
        if key:
            self.page.keyboard.down(key)
        self.page.mouse.wheel(0, amount)
        self.page.wait_for_timeout(120)
        if key:
            self.page.keyboard.up(key)
        self.settle()


def number(text):
    """A number as a hint writes it: with a minus sign, perhaps rounded."""
    return float(re.sub("^≈ ", "", text).replace("−", "-"))


def cell_of(lines):
    """Query, key and number of a cell's hint."""
    sides = {name: int(place) for name, place in re.findall(r"(query|key) (\d+)", " ".join(lines))}
    value = lines[-1] if lines else ""
    return sides.get("query"), sides.get("key"), re.sub("^weight ", "", value)


def use_map(hand, matrix):
    """One map: every hint says the kernel's number of the cell that it names."""
    found = set()
    for x in (0.3, 0.4, 0.5, 0.6):
        for y in (0.2, 0.4, 0.6):
            hand.point(x, y)
            lines = hand.hint()
            query, key, value = cell_of(lines)
            if key > query:
                hand.expect("not visible" in value, f"{query}, {key} can't be seen: {value}")
                continue
            found.add((query, key))
            hand.expect(abs(number(value) - matrix[query][key]) <= 6e-5 + 6e-4 * matrix[query][key],
                        f"the hint of {query}, {key} is the kernel's {matrix[query][key]}: {value}")
            hand.expect(len(lines) >= 6, f"the hint has a line for each fact: {lines}")
    hand.expect(len(found) >= 6, f"different cells have different hints: {found}")
    hand.point(0.35, 0.6)
    hand.changes(lambda: hand.wheel(-400), "Ctrl and the wheel zoom")
    hand.changes(lambda: hand.drag((0.5, 0.5), (0.4, 0.45)), "dragging moves a zoomed map")
    hand.changes(lambda: hand.view.locator("button", has_text="All").click(), "“All” shows everything")
    before = hand.look()
    hand.point(0.4, 0.5)
    hand.wheel(60, key=None)
    hand.away()
    hand.expect(before == hand.look(), "the plain wheel belongs to the page")
    hand.view.locator("button", has_text="+").focus()
    hand.press("Shift+Tab")
    hand.expect(hand.canvas().evaluate("e => e.getRootNode().activeElement === e"),
                "Tab reaches the map before its buttons")
    hand.press("ArrowDown", *["ArrowDown"] * 5, *["ArrowRight"] * 3)
    query, key, value = cell_of(hand.hint())
    hand.expect((query, key) == (5, 3), f"the arrow keys walk from cell to cell: {query}, {key}")
    hand.expect(abs(number(value) - matrix[5][3]) <= 6e-4, f"and say the number of each: {value}")
    hand.expect("query" in hand.status.inner_text(), "the status says it for those who can't see it")
    hand.changes(lambda: hand.press("+"), "plus zooms")
    hand.changes(lambda: hand.press("0"), "0 shows everything")
    hand.press("Escape")
    hand.expect(not hand.hint(), "Escape closes the hint")


def use_grid(hand):
    """All heads: a hint at each, one of them in full and back."""
    hand.point(0.3, 0.42)
    lines = hand.hint()
    hand.expect(re.match(r"layer \d+ · head \d+", lines[0] if lines else ""), f"the hint names the head: {lines}")
    hand.expect(cell_of(lines)[0] is not None and cell_of(lines)[1] is not None,
                f"the hint names query and key: {lines}")
    number(cell_of(lines)[2])
    hand.point(0.6, 0.6)
    hand.expect(hand.hint()[:1] != lines[:1], "another head has another hint")
    hand.away()
    hand.expect(not hand.hint(), "away from the grid there is no hint")
    hand.canvas().focus()
    hand.press("ArrowRight", "ArrowRight", "ArrowDown")
    first = hand.status.inner_text()
    hand.expect(first == "layer 1 · head 1", f"arrow keys choose a head: {first!r}")
    hand.press("Enter")
    back = hand.view.locator("button", has_text="All maps")
    hand.expect(back.is_visible(), "return opens the head in full")
    large = Hand.__new__(Hand)
    large.__dict__.update(hand.__dict__)
    large.canvas = lambda: hand.view.locator("canvas[tabindex]:visible").first
    large.tip = hand.view.locator(".tip").last
    large.point(0.35, 0.45)
    hand.expect(cell_of(large.hint())[0] is not None, f"the head in full has hints: {large.hint()}")
    hand.press("Escape")
    hand.expect(not large.hint() and back.is_visible(), "Escape closes the hint first")
    hand.press("Escape")
    hand.expect(not back.count() and hand.canvas().is_visible(), "Escape leads back to all heads")
    hand.expect(hand.status.inner_text() == first, "where the same head is chosen")


def use_tokens(hand, per_token):
    """A text of tokens: a hint at each, the arrow keys from one to the next."""
    chips = hand.view.locator(per_token)
    chips.nth(3).hover()
    hand.settle()
    lines = hand.hint()
    hand.expect(len(lines) >= 2, f"the hint says the token and what it is: {lines}")
    chips.nth(5).hover()
    hand.settle()
    hand.expect(hand.hint() != lines, "another token has another hint")
    hand.away()
    hand.expect(not hand.hint(), "away from the text there is no hint")
    hand.expect(hand.focus_by_tab(hand.view.locator("[tabindex]").first) or hand.view.locator("[tabindex]").first.focus() is None,
                "the text takes the focus")
    hand.press("ArrowRight", "ArrowRight")
    first = hand.hint()
    hand.press("ArrowRight")
    hand.expect(first and hand.hint() and hand.hint() != first, f"arrow keys walk: {first}, {hand.hint()}")
    hand.press("Escape")
    hand.expect(not hand.hint(), "Escape closes the hint")
    return first


def use_points(hand, is_spatial):
    """Points: each has a hint; they turn or move, zoom, are found and walked through."""
    hand.canvas().focus()
    hand.press("n")
    first = hand.hint()
    hand.expect(first[:1] == ["a cat"], f"n goes to the first point: {first}")
    hand.expect(re.search(r"\([−\d.]+, [−\d.]+", first[-1]), f"the hint says where it is: {first}")
    hand.press("n")
    hand.expect(hand.hint()[:1] == ["a dog"], f"and on: {hand.hint()}")
    hand.press("p")
    hand.expect(hand.hint() == first, "p goes back")
    hand.press("Escape")
    hand.expect(not hand.hint(), "Escape closes the hint")
    if is_spatial:
        hand.changes(lambda: hand.drag((0.3, 0.8), (0.5, 0.7)), "dragging turns the points")
        hand.changes(lambda: hand.press("ArrowLeft"), "an arrow key turns them")
    hand.point(0.5, 0.5)
    hand.changes(lambda: hand.wheel(-300, "Shift"), "Shift and the wheel zoom")
    hand.changes(lambda: hand.drag((0.3, 0.8), (0.4, 0.7)), "dragging moves or turns what is near")
    hand.changes(lambda: hand.press("ArrowUp"), "so does an arrow key")
    hand.changes(lambda: hand.view.locator("button", has_text="All").click(), "“All” shows everything")
    hand.changes(lambda: hand.view.locator("button", has_text="Labels").click(), "“Labels” hides them")
    find = hand.view.locator("input[type=search]")
    find.fill("高")
    hand.settle()
    hand.expect(hand.status.inner_text() == "1 of 8 found", f"what is sought is counted: {hand.status.inner_text()}")
    find.press("Enter")
    hand.settle()
    hand.expect(hand.hint()[:1] == ["高血压"], f"return goes to it: {hand.hint()}")
    find.press("Escape")
    hand.expect(find.input_value() == "", "Escape forgets what was sought")
    found = {}
    left, top = hand.at(0, 0)
    right, bottom = hand.at(1, 1)
    for y in range(int(top) + 8, int(bottom) - 8, 14):
        for x in range(int(left) + 8, int(right) - 8, 14):
            if len(found) < 4:
                hand.page.mouse.move(x, y)
                lines = hand.hint()
                found.update({lines[0]: lines} if lines else {})
    hand.expect(len(found) >= 4, f"the pointer finds points: {sorted(found)}")
    hand.away()


def use_lines(hand):
    """Curves: the hint says every line's number at a step; a stretch can be drawn near, a line switched off."""
    hand.point(0.5, 0.4)
    lines = hand.hint()
    hand.expect(re.match(r"step \d", lines[0] if lines else "") and len(lines) >= 2, f"the hint says step and number: {lines}")
    number(lines[-1].split()[-1])
    hand.point(0.9, 0.4)
    hand.expect(hand.hint()[:1] != lines[:1], "another step has another hint")
    hand.away()
    hand.expect(not hand.hint(), "away from the curves there is no hint")
    hand.changes(lambda: hand.drag((0.3, 0.5), (0.6, 0.5)), "dragging shows a stretch")
    hand.away()
    hand.canvas().dblclick()
    hand.away()
    hand.canvas().focus()
    hand.press("ArrowRight", "ArrowRight")
    first = hand.hint()
    hand.press("ArrowRight")
    hand.expect(first and hand.hint()[:1] != first[:1], f"arrow keys walk along: {first}, {hand.hint()}")
    hand.press("Escape")
    hand.expect(not hand.hint(), "Escape closes the hint")
    scale = hand.view.locator("button", has_text=re.compile("log|linear"))
    hand.changes(scale.click, "the vertical scale can be changed")
    hand.changes(scale.click, "and back")
    name = hand.view.locator("button[aria-pressed]")
    if name.count():
        hand.changes(name.first.click, "a line can be hidden")
        hand.changes(name.first.click, "and shown again")


def scrub(hand):
    """Maps over time: the slider moves the map, whose cells have hints."""
    slider = hand.view.locator("input[type=range]")
    slider.focus()
    hand.press("Home")
    first = hand.status.inner_text()
    hand.changes(lambda: hand.press("End"), "the slider moves the map")
    hand.expect(hand.status.inner_text() != first, f"and says where it is: {first}")
    hand.changes(lambda: hand.press("ArrowLeft"), "step by step, too")
    hand.tip = hand.view.locator(".tip").first
    hand.point(0.4, 0.4)
    hand.expect(cell_of(hand.hint())[0] is not None, f"its cells have hints: {hand.hint()}")
    hand.away()


def use_lens(hand):
    """The grid of tokens: candidates with their probabilities, a line each."""
    hand.view.locator("[tabindex] td").nth(8).hover()
    hand.settle()
    lines = hand.hint()
    hand.expect(sum("%" in line for line in lines) >= 3, f"the hint has the candidates: {lines}")
    hand.away()
    hand.view.locator("[tabindex]").first.focus()
    hand.press("ArrowLeft", "ArrowUp")
    hand.expect(hand.hint() and hand.hint() != lines, "arrow keys walk from cell to cell")
    hand.press("Escape")
    hand.expect(not hand.hint(), "Escape closes the hint")


def use_explorer(page, checks, word):
    """The controls for layer and head."""
    cell = page.page.locator(".jp-CodeCell").nth(list(CELLS).index("explore"))
    panel = cell.locator(".vitrine-panel")
    panel.scroll_into_view_if_needed()
    title = panel.locator(".title").first
    for slider, name in ((0, "layer"), (1, "head")):
        before = title.inner_text()
        panel.locator(".noUi-handle:visible").nth(slider).focus()
        page.page.keyboard.press("ArrowLeft" if name == "layer" else "ArrowRight")
        page.page.wait_for_function("([e, t]) => e.isConnected ? e.innerText !== t : true", arg=[title.element_handle(), before])
        page.page.wait_for_timeout(500)
        checks.expect(title.inner_text() != before, f"{word} explore: the {name} control changes the map")


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    checks = Checks()
    with lab.browser() as chromium:
        for theme in ("Light", "Dark"):
            word = theme.lower()
            with lab.server(folder / f"hands-{word}.log", theme) as (address, root, _):
                write_notebook(root / NAME)
                page = lab.Page(chromium, address, NAME, theme == "Dark")
                page.run_all()
                page.page.set_default_timeout(20_000)
                matrix = json.loads(page.cells()[0]["outputs"][0]["text"])
                hand = lambda cell, which=0: Hand(page, cell, checks, word, which)
                use_map(hand("map"), matrix)
                hand("map").point(0.35, 0.85)
                page.screenshot(folder / f"hands-{word}.png")
                use_grid(hand("grid"))
                use_tokens(hand("why"), "[tabindex] bdi")
                use_points(hand("space"), True)
                use_points(hand("plane"), False)
                crowd.use_crowd(hand("crowd"), page.html(list(CELLS).index("crowd")), theme == "Dark")
                use_lines(hand("run"))
                sequence = page.page.locator(".jp-CodeCell").nth(list(CELLS).index("run")).locator(
                    ".vitrine-figure[data-live]:visible")
                scrub(hand("run", sequence.count() - 1))
                use_lens(hand("lens"))
                use_tokens(hand("tokens"), ".chip")
                use_explorer(page, checks, word)
                checks.expect(not page.problems, f"{word}: no problem in the page: {page.problems}")
                page.close()
    print(f"hands: {checks.passed} passed, {checks.failed} failed")
    return checks.failed > 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.environ.pop("JUPYTER_TOKEN", None)
    sys.exit(main(Path(sys.argv[1])))
