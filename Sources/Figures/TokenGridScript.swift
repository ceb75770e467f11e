import DataFormats

extension TokenGrid {
  /// The interactive view holds at most so many cells.
  private static let liveCells = 6000

  /// The grid with all candidates of the cell under the pointer or the arrow keys.
  public var interactiveView: InteractiveView? {
    guard !rows.isEmpty, columnCount > 0 else { return nil }
    // Of a very long text the last columns are kept: what a decoder says next is there.
    let first = max(0, columnCount - max(1, Self.liveCells / rows.count))
    // A vocabulary's words recur from cell to cell, so that each is written once.
    var texts: [JSON] = []
    var places: [[UInt8]: Int] = [:]
    func place(_ text: String) -> Int {
      let key = Array(text.utf8)
      if let known = places[key] { return known }
      places[key] = texts.count
      texts.append(.string(VisibleText.token(text)))
      return texts.count - 1
    }
    let cells = rows.map { row -> JSON in
      .array(
        row[first...].map { cell in
          .array([
            .string(VisibleText.sentence(cell.detail ?? "")),
            .array(
              cell.candidates.flatMap { candidate -> [JSON] in
                let share = (candidate.probability * 1e6).rounded() / 1e6
                return [.integer(place(candidate.text)), .init(finite: share)]
              }),
          ])
        })
    }
    var data: JSONObject = [
      "title": .string(VisibleText.line(title)), "cells": .array(cells),
      "texts": .array(texts), "first": .integer(first), "columns": .integer(columnCount),
      "colors": .string(colorMap.hexadecimal),
      "titles": .array(
        [rowTitle, columnTitle].map { .string(VisibleText.line($0)) }),
      "rowLabels": .array(rowLabels.map { .string(VisibleText.line($0.text)) }),
      "columnLabels": .array(columnLabels[first...].map { .string($0.fullText) }),
    ]
    if let note { data["note"] = .string(VisibleText.sentence(note)) }
    if let language { data["language"] = .string(VisibleText.line(language)) }
    if let provenance { data["provenance"] = .string(provenance.line) }
    return InteractiveView(script: TokenGridScript.start, data: .object(data))
  }
}

/// The script of a token grid.
enum TokenGridScript {
  static let start = """
    const start = (root, data, dark, description) => {
      if (data.title) add(root, "div", "title", data.title);
      if (data.note) add(root, "div", "note", data.note);
      if (data.first)
        add(root, "div", "note", `The last ${data.columns - data.first} of ${data.columns} columns.`);
      const stage = add(root, "div", "stage"), scroller = add(stage, "div"), tip = add(stage, "div", "tip");
      if (data.language) scroller.lang = data.language;
      scroller.style.cssText = "overflow:auto;max-height:75vh;max-width:100%";
      scroller.tabIndex = 0;
      scroller.setAttribute("role", "img");
      scroller.setAttribute("aria-label", description + " Arrow keys move from cell to cell.");
      const table = add(scroller, "table");
      table.style.cssText = "border-collapse:separate;border-spacing:1px;font-size:12px;line-height:1.3";
      const side = "position:sticky;left:0;z-index:1;background:var(--bg);font-weight:400;"
        + "text-align:right;padding:1px 7px 1px 0;white-space:nowrap";
      const percent = share => share === null ? "no number (NaN)" : share >= 0.9995 ? "100 %"
        : share > 0 && share < 1e-5 ? "< 0.001 %" : (100 * share).toPrecision(3) + " %";
      const hex = share => {
        const at = 6 * Math.round(Math.min(1, Math.max(0, share)) * 255);
        return "#" + data.colors.slice(at, at + 6);
      };
      const linear = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      const ink = color => {
        const [red, green, blue] = [1, 3, 5].map(at => linear(parseInt(color.slice(at, at + 2), 16) / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.26 ? "#111418" : "#fff";
      };
      const boxes = data.cells.map((row, y) => {
        const line = add(table, "tr"), head = add(line, "th", "", data.rowLabels[y]);
        head.style.cssText = side;
        return row.map(([detail, candidates], x) => {
          const box = add(line, "td"), text = candidates.length ? data.texts[candidates[0]] : "";
          add(box, "bdi", "", /^␣[^␣]/.test(text) ? text.slice(1) : text);
          box.style.cssText = "max-width:84px;min-width:30px;height:21px;padding:1px 4px;text-align:center;"
            + "overflow:hidden;text-overflow:ellipsis;white-space:nowrap;border-radius:2px;outline-offset:-2px";
          if (candidates.length && candidates[1] !== null) {
            box.style.background = hex(candidates[1]);
            box.style.color = ink(hex(candidates[1]));
          }
          box.addEventListener("pointerenter", () => point(y, x));
          return box;
        });
      });
      const foot = add(table, "tr"), corner = add(foot, "th");
      corner.style.cssText = side + ";bottom:0;z-index:2;color:var(--muted)";
      corner.textContent = data.titles.filter(text => text).join(" / ");
      data.columnLabels.forEach(text => {
        const head = add(foot, "th");
        add(head, "bdi", "", /^␣[^␣]/.test(text) ? text.slice(1) : text);
        head.style.cssText = "position:sticky;bottom:0;background:var(--bg);font-weight:400;max-width:84px;"
          + "padding:2px 4px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap";
      });
      const legend = add(root, "div", "bar"), status = add(legend, "div", "status");
      status.setAttribute("aria-live", "polite");
      status.style.marginLeft = "0";
      const hint = "Point at a cell, or use the arrow keys";
      status.textContent = hint;
      add(legend, "span", "", "0 %");
      const ramp = add(legend, "div");
      ramp.style.cssText = "width:96px;height:10px;background:linear-gradient(to right,"
        + [0, .125, .25, .375, .5, .625, .75, .875, 1].map(hex).join() + ")";
      add(legend, "span", "", "100 %");
      let at = null;
      const point = (y, x) => {
        if (at) boxes[at[0]][at[1]].style.outline = "";
        tip.style.display = "none";
        at = y === null ? null : [y, x];
        if (!at) { status.textContent = hint; return; }
        const box = boxes[y][x], [detail, candidates] = data.cells[y][x];
        box.style.outline = "2px solid var(--accent)";
        tip.replaceChildren();
        const where = `${data.rowLabels[y]} · ${data.titles[1]} ${data.first + x} `;
        add(add(tip, "div"), "span", "", data.rowLabels[y]);
        const head = add(tip, "div");
        add(head, "span", "", `${data.titles[1]} ${data.first + x} `);
        add(head, "bdi", "", data.columnLabels[x]);
        for (let i = 0; i + 1 < candidates.length; i += 2) {
          const line = add(tip, "div");
          add(line, "b", "", percent(candidates[i + 1]));
          line.append(" ");
          add(line, "bdi", "", data.texts[candidates[i]]);
        }
        addFacts(tip, detail);
        tip.style.display = "block";
        const frame = stage.getBoundingClientRect(), place = box.getBoundingClientRect();
        // Beside the cell, so that its column stays in sight.
        placeTip(tip, [place.left - frame.left, place.top - frame.top, place.right - frame.left, place.bottom - frame.top], "side", 6);
        status.textContent = where + data.columnLabels[x] + ": "
          + (candidates.length ? `${data.texts[candidates[0]]} ${percent(candidates[1])}` : "nothing");
      };
      scroller.addEventListener("pointerleave", () => point(null));
      scroller.addEventListener("scroll", () => { tip.style.display = "none"; });
      scroller.addEventListener("blur", () => point(null));
      scroller.addEventListener("keydown", event => {
        if (event.key === "Escape") { point(null); event.stopPropagation(); return; }
        const step = { ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowDown: [1, 0] }[event.key];
        if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
        const [y, x] = at || [boxes.length - 1, boxes[0].length - 1 - step[1]];
        const next = [Math.min(boxes.length - 1, Math.max(0, y + step[0])),
          Math.min(boxes[0].length - 1, Math.max(0, x + step[1]))];
        boxes[next[0]][next[1]].scrollIntoView({ block: "nearest", inline: "nearest" });
        point(next[0], next[1]);
        event.preventDefault();
        event.stopPropagation();
      });
      // What comes last is seen first, from when there is room for it, until the reader scrolls.
      let isRead = false;
      for (const name of ["wheel", "pointerdown", "keydown"])
        scroller.addEventListener(name, () => { isRead = true; }, { passive: true });
      new ResizeObserver(() => { if (!isRead) scroller.scrollLeft = scroller.scrollWidth; }).observe(scroller);
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      return () => {};
    };
    """
}
