import DataFormats

extension HeatmapGrid {
  /// All maps at once with hover; one opens in full with a click or the return key.
  public var interactiveView: InteractiveView? {
    guard let first = cells.first, first.values.rows > 0, first.values.columns > 0 else {
      return nil
    }
    // All maps together keep to what one large map may have.
    let (rows, columns) = (first.values.rows, first.values.columns)
    let side = max(rows, columns)
    var limit = min(side, 1024)
    func total(_ limit: Int) -> Int {
      let factor = (side + limit - 1) / limit
      return cells.count * ((rows + factor - 1) / factor) * ((columns + factor - 1) / factor)
    }
    while limit > 1, total(limit) > 900_000 { limit -= max(1, limit / 16) }
    let faces = maps.map { $0.limited(to: limit) }
    guard let face = faces.first, total(limit) <= 1_100_000 else { return nil }
    let farthest = summaries.map(\.farthest).max() ?? 0
    var data = MapData.json(face, scale: scale, titles: [rowTitle, columnTitle, valueTitle])
    // Dozens of maps side by side: fewer steps for each keep the page light.
    let half = 47
    data["half"] = .integer(half)
    data["encoding"] = .string(
      MapData.encoded(face, farthest: farthest, cells: total(limit), half: half).0)
    data["farthest"] = .number(Double(farthest))
    data["oddOfAll"] = nonFinite.json
    data["title"] = .string(VisibleText.line(title))
    if let note = shownNote(block: face.block) { data["note"] = .string(note) }
    if let provenance { data["provenance"] = .string(provenance.line) }
    MapData.addLabels(rows: rowLabels, columns: columnLabels, to: &data)
    data["ticks"] = ColorBar(scale: scale, title: valueTitle).tickJSON
    let places = GridPlaces(cells)
    data["layers"] = places.layers.map { .array($0.map { .integer($0) }) } ?? .null
    data["heads"] = places.heads.map { .array($0.map { .integer($0) }) } ?? .null
    data["across"] = .integer(places.columns)
    data["down"] = .integer(places.rows)
    data["maps"] = .array(
      zip(zip(cells, faces), places.places).map { pair, place in
        [
          "title": .string(VisibleText.line(pair.0.title)), "row": .integer(place.row),
          "column": .integer(place.column),
          "values": .string(
            MapData.encoded(pair.1, farthest: farthest, cells: total(limit), half: half).1),
        ]
      })
    return InteractiveView(
      script: MapScript.library + HeatmapGridScript.start, data: .object(data))
  }
}

/// The script of a grid of maps.
enum HeatmapGridScript {
  static let start = """
    const start = (root, data, dark, description) => {
      if (data.title) add(root, "div", "title", data.title);
      if (data.note) add(root, "div", "note", data.note);
      const body = add(root, "div"), detail = add(root, "div");
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      const stage = add(body, "div", "stage"), canvas = add(stage, "canvas"), pen = canvas.getContext("2d");
      const tip = add(stage, "div", "tip");
      const bar = add(body, "div", "bar"), status = add(bar, "div", "status");
      status.style.marginLeft = "0";
      status.setAttribute("aria-live", "polite");
      oddLegend(body, data.oddOfAll, true);
      const hint = "Point at a map for its numbers, click it to enlarge it";
      status.textContent = hint;
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", description + " Arrow keys choose a map, return enlarges it.");
      canvas.style.cursor = "zoom-in";
      const font = getComputedStyle(root).fontFamily;
      const maps = data.maps.map(each => {
        const map = decodeMap(data, each.values);
        return { ...each, map, levels: pictures(data, map) };
      });
      let size = {}, chosen = -1, open = null;
      const layout = () => {
        const table = data.layers !== null, gap = table ? (data.across > 16 ? 3 : 6) : 14;
        const left = table ? 44 : 1, top = table ? 38 : 6, above = table ? 0 : 18;
        const outer = (hostOf(root).clientWidth || 720) - 34;
        const room = Math.max(160, Math.min(880, outer) - left - 80);
        const side = Math.min(200, Math.max(10, (room - (data.across - 1) * gap) / data.across));
        const unit = side / Math.max(data.rows, data.columns), whole = unit >= 1.5 ? Math.round(unit - 0.2) : unit;
        size = { table, gap, left, top, above, width: whole * data.columns, height: whole * data.rows };
        const full = left + data.across * (size.width + gap) - gap + 96;
        const tall = Math.max(top + data.down * (size.height + gap + above) - gap, top + above + 108) + 8;
        const ratio = window.devicePixelRatio || 1;
        canvas.style.width = full + "px"; canvas.style.height = tall + "px";
        canvas.width = Math.round(full * ratio); canvas.height = Math.round(tall * ratio);
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      };
      const corner = each => [size.left + each.column * (size.width + size.gap),
        size.top + each.row * (size.height + size.gap + size.above) + size.above];
      const text = (string, x, y, align, turn, color) => {
        pen.save();
        pen.translate(x, y); pen.rotate(turn);
        pen.textAlign = align; pen.textBaseline = "middle"; pen.fillStyle = color;
        pen.fillText(string, 0, 0);
        pen.restore();
      };
      const drawAll = () => {
        const [ink, muted, line, accent] = dark() ? ["#e8eaed", "#a3abb5", "#5f6770", "#6ea8e8"]
          : ["#1b1f24", "#5b636d", "#9aa2ab", "#2f6bb3"];
        pen.clearRect(0, 0, canvas.width, canvas.height);
        pen.imageSmoothingEnabled = false;
        pen.font = "11px " + font;
        const ratio = window.devicePixelRatio || 1;
        maps.forEach((each, index) => {
          const [x, y] = corner(each);
          const level = each.levels.filter(one => one.block <= Math.max(1, each.map.columns / (size.width * ratio))).pop();
          const scale = data.block * level.block;
          pen.save();
          pen.beginPath(); pen.rect(x, y, size.width, size.height); pen.clip();
          pen.drawImage(level.canvas, x, y, size.width * level.canvas.width * scale / data.columns,
            size.height * level.canvas.height * scale / data.rows);
          pen.restore();
          pen.strokeStyle = index === chosen ? accent : line;
          pen.lineWidth = index === chosen ? 2.5 : 1;
          pen.strokeRect(x - 0.5, y - 0.5, size.width + 1, size.height + 1);
          if (size.above) text(shorten(pen, each.title, size.width + size.gap - 4), x, y - 9, "left", 0, ink);
        });
        pen.lineWidth = 1;
        const stepX = size.width + size.gap, stepY = size.height + size.gap + size.above;
        if (size.table) {
          const skipX = niceStride(20 / stepX), skipY = niceStride(13.5 / stepY);
          data.heads.forEach((head, i) => { if (i % skipX === 0) text(String(head), size.left + i * stepX + size.width / 2, size.top - 11, "center", 0, ink); });
          data.layers.forEach((layer, i) => { if (i % skipY === 0) text(String(layer), size.left - 8, size.top + i * stepY + size.height / 2, "right", 0, ink); });
          pen.font = "11.5px " + font;
          text("head", size.left + (data.across * stepX - size.gap) / 2, size.top - 28, "center", 0, muted);
          text("layer", 9, size.top + (data.down * stepY - size.gap) / 2, "center", -Math.PI / 2, muted);
        }
        const x = size.left + data.across * stepX - size.gap + 20, y = size.top + size.above;
        const height = Math.max(96, Math.min(data.down * stepY - size.gap - size.above, 300));
        for (let i = 0; i < height; i++) {
          const at = 6 * Math.round((1 - i / (height - 1)) * 255);
          pen.fillStyle = "#" + data.colors.slice(at, at + 6);
          pen.fillRect(x, y + i, 12, 1);
        }
        pen.strokeStyle = line;
        pen.strokeRect(x - 0.5, y - 0.5, 13, height + 1);
        pen.font = "10.5px " + font;
        for (const [value, label] of data.ticks)
          text(label, x + 19, y + height * (1 - (value - data.low) / (data.high - data.low)), "left", 0, ink);
        pen.font = "11px " + font;
        text(data.titles[2], x + 60, y + height / 2, "center", -Math.PI / 2, muted);
      };
      const valueText = value => (!Number.isFinite(value) ? "" : (data.block > 1 ? "at most " : "") + (data.encoding === "f32" ? "" : "≈ ")) + numberText(value);
      const choose = (index, at) => {
        if (chosen !== index) { chosen = index; drawAll(); }
        tip.style.display = "none";
        if (index < 0) { status.textContent = hint; return; }
        const each = maps[index];
        let words = each.title;
        if (at && !isBlank(data, at.row, at.column)) {
          const side = (title, labels, i) => {
            const from = i * data.block, to = Math.min(labels.length, from + data.block) - 1;
            return from >= to ? [title, labels[from], String(from)] : [title, labels[from] + " … " + labels[to], from + "–" + to];
          };
          const sides = [side(data.titles[0], data.rowLabels, at.row),
            side(data.titles[1], data.columnLabels || data.rowLabels, at.column)];
          const value = valueText(each.map.values[at.row * each.map.columns + at.column]);
          words += `: ${sides[0][0]} \\u2068${sides[0][1]}\\u2069 → ${sides[1][0]} \\u2068${sides[1][1]}\\u2069: ${value}`;
          tip.replaceChildren();
          add(add(tip, "div"), "b", "", each.title);
          addSides(tip, sides);
          const last = add(tip, "div");
          add(last, "span", "", data.titles[2] + " ");
          add(last, "b", "", value);
          tip.style.display = "block";
          placeTip(tip, [at.x, at.y, at.x, at.y]);
        }
        status.textContent = words;
      };
      const enlarge = index => {
        if (index < 0 || open) return;
        const each = maps[index];
        body.style.display = "none";
        const head = add(detail, "div", "bar"), back = add(head, "button", "", "← All maps");
        back.type = "button";
        add(head, "b", "", each.title).style.marginLeft = "6px";
        head.style.marginBottom = "8px";
        open = mapView(detail, data, each.map, dark, data.title + " " + each.title + ".");
        const close = () => {
          open.stop(); open = null;
          detail.replaceChildren();
          body.style.display = "";
          layout(); drawAll();
          canvas.focus({ preventScroll: true });
          choose(index);
        };
        back.addEventListener("click", close);
        detail.onkeydown = event => { if (event.key === "Escape") { event.stopPropagation(); close(); } };
        open.canvas.focus({ preventScroll: true });
      };
      const under = event => {
        const box = canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
        for (let index = 0; index < maps.length; index++) {
          const [x, y] = corner(maps[index]);
          if (px < x || py < y || px >= x + size.width || py >= y + size.height) continue;
          return [index, {
            row: Math.floor((py - y) / size.height * data.rows / data.block),
            column: Math.floor((px - x) / size.width * data.columns / data.block), x: px, y: py,
          }];
        }
        return [-1, null];
      };
      canvas.addEventListener("pointermove", event => choose(...under(event)));
      canvas.addEventListener("pointerleave", () => choose(-1));
      canvas.addEventListener("blur", () => choose(-1));
      canvas.addEventListener("click", event => enlarge(under(event)[0]));
      canvas.addEventListener("keydown", event => {
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -data.across, ArrowDown: data.across }[event.key];
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        if (step) choose(chosen < 0 ? 0 : Math.min(maps.length - 1, Math.max(0, chosen + step)));
        else if (event.key === "Enter" && chosen >= 0) enlarge(chosen);
        else if (event.key === "Escape") choose(-1);
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      layout(); drawAll();
      new ResizeObserver(() => { if (!open) { layout(); drawAll(); } }).observe(hostOf(root));
      return () => { drawAll(); if (open) open.draw(); };
    };
    """
}
