/// The JavaScript that shows one map: canvas, axes, hover, zoom, pan, keyboard.
enum MapScript {
  static let library = InflateScript.library + TileScript.library + view

  private static let view = #"""
    // Numbers of a map: exact, or in steps that are finer near zero.
    const unpacked = (encoding, text, count) => {
      const raw = atob(text), bytes = new Uint8Array(raw.length);
      for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
      return encoding.endsWith("z") ? inflate(bytes, count * (encoding.startsWith("u16") ? 2 : 1)) : bytes;
    };
    const decodeMap = (data, text) => {
      const rows = Math.ceil(data.rows / data.block), columns = Math.ceil(data.columns / data.block);
      const bytes = unpacked(data.encoding, text, rows * columns);
      const words = new DataView(bytes.buffer), wide = data.encoding.startsWith("u16"), half = wide ? 32766 : data.half || 126;
      const values = new Float32Array(rows * columns);
      for (let i = 0; i < values.length; i++) {
        if (data.encoding === "f32") { values[i] = words.getFloat32(4 * i, true); continue; }
        const step = wide ? words.getUint16(2 * i, true) : bytes[i], share = (step - half) / half;
        values[i] = step > 2 * half ? oddNumbers[step - 2 * half - 1] : data.farthest * share * Math.abs(share);
      }
      return { rows, columns, values };
    };
    const isBlank = (data, row, column) => data.causal
      && column * data.block > Math.min((row + 1) * data.block, data.rows) - 1 + data.columns - data.rows;

    // How many cells are NaN, ∞ and −∞.
    const countOdd = (data, map) => {
      const counts = [0, 0, 0];
      for (let row = 0; row < map.rows; row++) for (let column = 0; column < map.columns && !isBlank(data, row, column); column++) {
        const value = map.values[row * map.columns + column];
        if (!Number.isFinite(value)) counts[value > 0 ? 1 : value < 0 ? 2 : 0]++;
      }
      return counts;
    };

    // The map as images, each half as large as the one before; a cell keeps its farthest from zero.
    const pictures = (data, map) => {
      const paint = painter(data), levels = [];
      let { rows, columns, values } = map, block = 1;
      for (;;) {
        const canvas = document.createElement("canvas");
        canvas.width = columns; canvas.height = rows;
        const pen = canvas.getContext("2d"), image = pen.createImageData(columns, rows);
        const pixels = image.data;
        for (let row = 0; row < rows; row++) {
          const last = Math.min((row + 1) * block, map.rows) - 1;
          for (let column = 0; column < columns && !isBlank(data, last, column * block); column++)
            paint(pixels, 4 * (row * columns + column), values[row * columns + column]);
        }
        pen.putImageData(image, 0, 0);
        levels.push({ canvas, block });
        if (Math.max(rows, columns) <= 256) return levels;
        const height = Math.ceil(rows / 2), width = Math.ceil(columns / 2);
        const half = new Float32Array(height * width).fill(NaN);
        for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
          const value = values[row * columns + column], at = (row >> 1) * width + (column >> 1);
          if (!(Math.abs(half[at]) >= Math.abs(value)) && !Number.isNaN(value)) half[at] = value;
        }
        [rows, columns, values, block] = [height, width, half, block * 2];
      }
    };
    const niceStride = least => {
      if (least <= 5) return Math.max(1, Math.ceil(least));
      for (let power = 10; ; power *= 10)
        for (const factor of [1, 2, 5]) if (power * factor >= least) return power * factor;
    };
    const labelSize = step => step >= 18 ? 11.5 : step >= 13 ? 10.5 : 10;
    const axisText = text => /^␣[^␣]/.test(text) ? text.slice(1) : text;
    const shorten = (pen, text, most) => {
      if (pen.measureText(text).width <= most) return text;
      const parts = Array.from(text);
      let low = 0, high = parts.length;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (pen.measureText(parts.slice(0, middle).join("") + "…").width <= most) low = middle;
        else high = middle - 1;
      }
      return parts.slice(0, low).join("") + "…";
    };

    // What a cell's row and column are, side by side in a hint.
    const addSides = (tip, sides) => {
      const pair = add(tip, "div", "pair");
      for (const [name, label, number, detail] of sides) {
        const side = add(pair, "div");
        if (name) add(add(side, "div"), "span", "", name + " " + number);
        add(add(side, "div"), "bdi", "", label);
        addFacts(side, detail);
      }
    };
    const hostOf = root => root.getRootNode().host.parentNode;
    const mapView = (root, data, map, dark, description) => {
      const rowLabels = data.rowLabels, columnLabels = data.columnLabels || rowLabels;
      const rowDetails = data.rowDetails || [], columnDetails = data.columnDetails || (data.columnLabels ? [] : rowDetails);
      const [rowTitle, columnTitle, valueTitle] = data.titles;
      const stage = add(root, "div", "stage"), canvas = add(stage, "canvas"), tip = add(stage, "div", "tip");
      const bar = add(root, "div", "bar");
      const button = (text, name, act) => {
        const element = add(bar, "button", "", text);
        element.type = "button"; element.title = name; element.setAttribute("aria-label", name);
        element.addEventListener("click", act);
        return element;
      };
      const levels = pictures(data, map), pen = canvas.getContext("2d");
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", description
        + " Arrow keys move from cell to cell, plus and minus zoom, 0 shows everything.");
      const font = getComputedStyle(root).fontFamily;
      // What is seen: a rectangle in cells of the original.
      const whole = { x: 0, y: 0, width: data.columns, height: data.rows };
      let seen = { ...whole }, plot = {}, cursor = null;

      const layout = () => {
        pen.font = "11.5px " + font;
        const widest = labels => {
          let most = 0;
          const step = Math.max(1, Math.floor(labels.length / 400));
          for (let i = 0; i < labels.length; i += step)
            most = Math.max(most, pen.measureText(axisText(labels[i])).width);
          return most;
        };
        const outer = hostOf(root).clientWidth || 720;
        const most = Math.min(130, Math.max(48, outer * 0.2));
        // What the labels take that are shown when all is: of a long text every tenth or so. Near, longer ones
        // are shortened to that, or to a word, instead of leaving room for the longest of all.
        const taken = (labels, cell, most) => {
          const stride = niceStride(labelSize(cell) * 1.22 / cell);
          if (stride === 1) return Math.min(most, widest(labels));
          let deepest = 0;
          for (let i = 0; i < labels.length; i += stride)
            deepest = Math.max(deepest, pen.measureText(i + " " + axisText(labels[i])).width);
          return Math.min(most, Math.max(64, deepest));
        };
        let rowRoom = most;
        let left = Math.min(most, widest(rowLabels)) + (rowTitle ? 22 : 4) + 8;
        let ticks = 0;
        for (const [, text] of data.ticks) ticks = Math.max(ticks, pen.measureText(text).width);
        const right = 22 + 12 + 8 + ticks + (valueTitle ? 20 : 0) + 2;
        const longest = Math.max(data.columns, data.rows);
        const fitting = () => {
          const room = Math.max(90, Math.min(640, outer - 34 - left - right));
          const side = Math.min(36, room / data.columns, 640 / longest);
          return side > 3 ? Math.floor(side) : side;
        };
        let cell = fitting();
        rowRoom = taken(rowLabels, cell, most);
        left = rowRoom + (rowTitle ? 22 : 4) + 8;
        cell = fitting();
        const upright = cell >= 14 && widest(columnLabels) <= cell - 4;
        // Slanted labels of the first columns reach to the left of the map.
        if (!upright && cell * 0.7072 >= 14) {
          columnLabels.slice(0, 12).forEach((label, i) => {
            left = Math.max(left, (Math.min(96, pen.measureText(axisText(label)).width) + 8) * 0.7072 - (i + 0.5) * cell);
          });
          cell = fitting();
        }
        const slope = cell * 0.7072 >= 14 ? 0.7072 : 1;
        const columnRoom = slope < 1 ? Math.min(96, widest(columnLabels)) : taken(columnLabels, cell, 96);
        const below = upright ? (columnTitle ? 44 : 22) : (columnRoom + 8) * slope + (columnTitle ? 28 : 6);
        const width = Math.max(8, Math.round(cell * data.columns));
        const height = Math.max(8, Math.round(cell * data.rows), Math.min(28 * data.rows, 56));
        plot = { x: Math.ceil(left), y: 8, width, height, right, below, rowRoom, columnRoom };
        const ratio = window.devicePixelRatio || 1;
        const full = plot.x + width + right, tall = plot.y + Math.max(height + below, 104);
        canvas.style.width = full + "px"; canvas.style.height = tall + "px";
        canvas.width = Math.round(full * ratio); canvas.height = Math.round(tall * ratio);
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        for (const text of root.querySelectorAll(".title, .note, .provenance"))
          text.style.maxWidth = Math.max(full, Math.min(380, outer - 34)) + "px";
      };

      // Near enough for single numbers: each has a pixel of its own.
      const tiles = data.tiles ? tileSource(data) : null;
      const isNear = () => tiles !== null && seen.width <= plot.width * (window.devicePixelRatio || 1);
      const isBlankCell = (row, column, size) => size < data.block ? data.causal && column > row + data.columns - data.rows
        : isBlank(data, row / data.block, column / data.block);
      const numberAt = (row, column, size) => size < data.block && tiles.has(row, column) ? tiles.value(row, column)
        : map.values[Math.floor(row / data.block) * map.columns + Math.floor(column / data.block)];
      const toX = column => plot.x + (column - seen.x) / seen.width * plot.width;
      const toY = row => plot.y + (row - seen.y) / seen.height * plot.height;

      const text = (string, x, y, align, turn, color) => {
        pen.save();
        pen.translate(x, y); pen.rotate(turn);
        pen.textAlign = align; pen.textBaseline = "middle"; pen.fillStyle = color;
        pen.fillText(string, 0, 0);
        pen.restore();
      };

      const axes = (ink, muted, line) => {
        const stepX = plot.width / seen.width, stepY = plot.height / seen.height;
        pen.strokeStyle = line;
        const shown = (from, length, count) => [Math.max(0, Math.floor(from)), Math.min(count, Math.ceil(from + length))];
        const item = (labels, index, stride, most) => {
          const lead = stride > 1 ? index + " " : "";
          return [lead, shorten(pen, axisText(labels[index]), most - pen.measureText(lead).width)];
        };
        // A number in muted ink, then the text.
        const pair = ([lead, label], x, y, turn) => {
          text(label, x, y, "right", turn, ink);
          if (!lead) return;
          const back = pen.measureText(label).width;
          text(lead, x - back * Math.cos(turn), y - back * Math.sin(turn), "right", turn, muted);
        };
        pen.font = labelSize(stepY) + "px " + font;
        let stride = niceStride(labelSize(stepY) * 1.22 / stepY);
        let [first, end] = shown(seen.y, seen.height, data.rows);
        for (let row = Math.ceil(first / stride) * stride; row < end; row += stride) {
          const y = toY(row + 0.5);
          if (y < plot.y || y > plot.y + plot.height) continue;
          if (stride > 1) { pen.beginPath(); pen.moveTo(plot.x - 4, y); pen.lineTo(plot.x - 1, y); pen.stroke(); }
          pair(item(rowLabels, row, stride, plot.rowRoom), plot.x - 7, y, 0);
        }
        pen.font = labelSize(stepX) + "px " + font;
        [first, end] = shown(seen.x, seen.width, data.columns);
        let upright = stepX >= 14;
        for (let column = first; column < end && upright; column++)
          upright = pen.measureText(axisText(columnLabels[column])).width <= stepX - 4;
        const slanted = stepX * 0.7072 >= labelSize(stepX) * 1.22;
        stride = upright || slanted ? 1 : niceStride(labelSize(stepX) * 1.22 / stepX);
        const bottom = plot.y + plot.height;
        let deep = 0;
        for (let column = Math.ceil(first / stride) * stride; column < end; column += stride) {
          const x = toX(column + 0.5);
          if (x < plot.x || x > plot.x + plot.width) continue;
          if (upright) { text(axisText(columnLabels[column]), x, bottom + 12, "center", 0, ink); continue; }
          if (stride > 1) { pen.beginPath(); pen.moveTo(x, bottom + 1); pen.lineTo(x, bottom + 4); pen.stroke(); }
          const words = item(columnLabels, column, stride, plot.columnRoom);
          deep = Math.max(deep, pen.measureText(words.join("")).width * (slanted ? 0.7072 : 1));
          pair(words, x + (slanted ? 2 : 0), bottom + 7, slanted ? -Math.PI / 4 : -Math.PI / 2);
        }
        pen.font = "11.5px " + font;
        if (rowTitle) text(rowTitle, 9, plot.y + plot.height / 2, "center", -Math.PI / 2, muted);
        if (columnTitle) text(columnTitle, plot.x + plot.width / 2, bottom + (upright ? 34 : Math.min(plot.below - 9, deep + 26)), "center", 0, muted);
      };

      const colorBar = (ink, muted, line) => {
        const x = plot.x + plot.width + 22, height = Math.max(plot.height, 96);
        for (let i = 0; i < height; i++) {
          const at = 6 * Math.round((1 - i / Math.max(1, height - 1)) * 255);
          pen.fillStyle = "#" + data.colors.slice(at, at + 6);
          pen.fillRect(x, plot.y + i, 12, 1);
        }
        pen.strokeStyle = line;
        pen.strokeRect(x - 0.5, plot.y - 0.5, 13, height + 1);
        pen.font = "10.5px " + font;
        let widest = 0;
        for (const [value, label] of data.ticks) {
          const y = plot.y + height * (1 - (value - data.low) / (data.high - data.low));
          pen.beginPath(); pen.moveTo(x + 13, y); pen.lineTo(x + 16, y); pen.stroke();
          text(label, x + 19, y, "left", 0, ink);
          widest = Math.max(widest, pen.measureText(label).width);
        }
        pen.font = "11px " + font;
        if (valueTitle) text(valueTitle, x + 19 + widest + 11, plot.y + height / 2, "center", -Math.PI / 2, muted);
      };

      // Cells without a number, where they are large enough for a mark.
      const markOdd = ink => {
        const near = isNear(), size = near ? 1 : data.block;
        const across = size * plot.width / seen.width, down = size * plot.height / seen.height;
        if (Math.min(across, down) < 4) return;
        const right = Math.min(data.columns, seen.x + seen.width), bottom = Math.min(data.rows, seen.y + seen.height);
        pen.strokeStyle = pen.fillStyle = ink; pen.lineWidth = 0.8; pen.globalAlpha = 0.75;
        for (let row = Math.floor(seen.y / size) * size; row < bottom; row += size)
          for (let column = Math.floor(seen.x / size) * size; column < right; column += size) {
            if (isBlankCell(row, column, size)) break;
            const value = numberAt(row, column, size), x = toX(column), y = toY(row);
            if (Number.isFinite(value)) continue;
            pen.beginPath();
            if (Number.isNaN(value)) {
              for (const [from, to] of [[0, 0.5], [0, 1], [0.5, 1]]) {
                pen.moveTo(x + from * across, y + to * down); pen.lineTo(x + to * across, y + from * down);
              }
              pen.stroke();
            } else {
              const [foot, tip] = value > 0 ? [0.75, 0.25] : [0.25, 0.75];
              pen.moveTo(x + 0.2 * across, y + foot * down); pen.lineTo(x + 0.5 * across, y + tip * down);
              pen.lineTo(x + 0.8 * across, y + foot * down); pen.fill();
            }
          }
        pen.globalAlpha = 1; pen.lineWidth = 1;
      };
      const draw = () => {
        const colors = dark() ? ["#e8eaed", "#a3abb5", "#5f6770"] : ["#1b1f24", "#5b636d", "#9aa2ab"];
        pen.clearRect(0, 0, canvas.width, canvas.height);
        const perPixel = seen.width / data.block / (plot.width * (window.devicePixelRatio || 1));
        const level = levels.filter(each => each.block <= Math.max(1, perPixel)).pop();
        const size = data.block * level.block;
        pen.save();
        pen.beginPath(); pen.rect(plot.x, plot.y, plot.width, plot.height); pen.clip();
        pen.imageSmoothingEnabled = false;
        pen.drawImage(level.canvas, toX(0), toY(0), plot.width * level.canvas.width * size / seen.width,
          plot.height * level.canvas.height * size / seen.height);
        if (isNear()) tiles.draw(pen, seen, toX, toY);
        if (odd.some(count => count)) markOdd(colors[0]);
        if (cursor) {
          const x = toX(cursor.column), y = toY(cursor.row);
          const width = cursor.size * plot.width / seen.width, height = cursor.size * plot.height / seen.height;
          // Lines in black on white are seen on every colour.
          for (const [color, off] of [["rgba(0,0,0,.55)", 0], ["rgba(255,255,255,.75)", 1]]) {
            pen.strokeStyle = color; pen.lineWidth = 1;
            pen.strokeRect(plot.x - 9, y - off, plot.width + 18, height + 2 * off);
            pen.strokeRect(x - off, plot.y - 9, width + 2 * off, plot.height + 18);
          }
          pen.lineWidth = 3; pen.strokeStyle = "#fff"; pen.strokeRect(x, y, width, height);
          pen.lineWidth = 1.5; pen.strokeStyle = "#000"; pen.strokeRect(x, y, width, height);
          pen.lineWidth = 1;
        }
        pen.restore();
        pen.strokeStyle = colors[2];
        pen.strokeRect(plot.x - 0.5, plot.y - 0.5, plot.width + 1, plot.height + 1);
        axes(...colors);
        colorBar(...colors);
        const all = seen.width >= data.columns && seen.height >= data.rows;
        farther.disabled = reset.disabled = all;
      };

      const least = data.tiles ? 8 : 4 * data.block;
      const zoom = (factor, x, y) => {
        const before = seen;
        const width = Math.min(data.columns, Math.max(Math.min(least, data.columns), before.width / factor));
        const height = Math.min(data.rows, Math.max(Math.min(least, data.rows), before.height / factor));
        move({ x: before.x + (before.width - width) * x, y: before.y + (before.height - height) * y, width, height });
      };
      const move = next => {
        seen = next;
        seen.x = Math.min(Math.max(0, seen.x), data.columns - seen.width);
        seen.y = Math.min(Math.max(0, seen.y), data.rows - seen.height);
        canvas.style.cursor = seen.width < data.columns || seen.height < data.rows ? "grab" : "crosshair";
        draw();
      };
      const nearer = button("+", "Zoom in", () => zoom(1.6, 0.5, 0.5));
      const farther = button("−", "Zoom out", () => zoom(1 / 1.6, 0.5, 0.5));
      const reset = button("All", "Show everything", () => move({ ...whole }));
      const status = add(bar, "div", "status");
      status.setAttribute("aria-live", "polite");
      const odd = data.odd || countOdd(data, map);
      oddLegend(root, odd, true);

      // What a cell stands for: a token, or a stretch of them.
      const span = (labels, from, size, count) => {
        const to = Math.min(count, from + size) - 1;
        return from >= to ? [labels[from], String(from)] : [labels[from] + " … " + labels[to], from + "–" + to];
      };
      // The cell at a place of the original: one number where it is known and near, else a block.
      const cellOf = (row, column) => {
        row = Math.min(data.rows - 1, Math.max(0, row)); column = Math.min(data.columns - 1, Math.max(0, column));
        const size = isNear() && tiles.has(row, column) ? 1 : data.block;
        return { row: row - row % size, column: column - column % size, size };
      };
      const point = (at, place) => {
        cursor = at;
        if (!at) { tip.style.display = "none"; status.textContent = hint; draw(); return; }
        const single = at.size === 1;
        const [query, queryAt] = span(rowLabels, at.row, at.size, data.rows);
        const [key, keyAt] = span(columnLabels, at.column, at.size, data.columns);
        const blank = isBlankCell(at.row, at.column, at.size);
        const number = blank ? NaN : numberAt(at.row, at.column, at.size);
        const value = blank ? "not visible to this " + (rowTitle || "row")
          : at.size < data.block && number === 0 ? "below " + numberText(+tiles.least(at.row, at.column).toPrecision(2))
          : !Number.isFinite(number) ? numberText(number)
          : (single ? "" : "at most ") + (data.encoding === "f32" ? "" : "≈ ") + numberText(number);
        // Isolates keep texts that run right to left apart from the words around them.
        status.textContent = `${rowTitle || "row"} \u2068${query}\u2069 (${queryAt}) → ${columnTitle || "column"} \u2068${key}\u2069 (${keyAt}): ${value}`;
        tip.replaceChildren();
        addSides(tip, [[rowTitle, query, queryAt, single && rowDetails[at.row]],
          [columnTitle, key, keyAt, single && columnDetails[at.column]]]);
        const last = add(tip, "div");
        add(last, "span", "", blank ? "" : valueTitle + " ");
        add(last, "b", "", value);
        tip.style.display = "block";
        const x = place ? place[0] : toX(at.column + 0.5 * at.size);
        const y = place ? place[1] : toY(at.row + 0.5 * at.size);
        placeTip(tip, [x, y, x, y]);
        draw();
      };
      const hint = "Ctrl or Shift + wheel zooms, drag pans, arrow keys walk";
      status.textContent = hint;
      const cellAt = event => {
        const box = canvas.getBoundingClientRect();
        const x = event.clientX - box.left, y = event.clientY - box.top;
        if (x < plot.x || y < plot.y || x >= plot.x + plot.width || y >= plot.y + plot.height) return [null, x, y];
        return [cellOf(Math.floor(seen.y + (y - plot.y) / plot.height * seen.height),
          Math.floor(seen.x + (x - plot.x) / plot.width * seen.width)), x, y];
      };
      let drag = null;
      canvas.addEventListener("pointerdown", event => {
        if (event.button !== 0) return;
        drag = { x: event.clientX, y: event.clientY, seen };
        canvas.setPointerCapture(event.pointerId);
      });
      canvas.addEventListener("pointermove", event => {
        if (drag && (seen.width < data.columns || seen.height < data.rows)) {
          canvas.style.cursor = "grabbing";
          tip.style.display = "none";
          move({ ...seen, x: drag.seen.x - (event.clientX - drag.x) / plot.width * seen.width,
            y: drag.seen.y - (event.clientY - drag.y) / plot.height * seen.height });
          return;
        }
        const [at, x, y] = cellAt(event);
        point(at, [x, y]);
      });
      for (const name of ["pointerup", "pointercancel"])
        canvas.addEventListener(name, () => { drag = null; });
      canvas.addEventListener("pointerleave", () => { if (!drag) point(null); });
      canvas.addEventListener("dblclick", () => move({ ...whole }));
      // The page keeps the plain wheel.
      canvas.addEventListener("wheel", event => {
        if (!event.ctrlKey && !event.shiftKey) return;
        event.preventDefault();
        const [at, x, y] = cellAt(event);
        if (at) zoom(Math.exp(-(event.deltaY || event.deltaX) / 300), (x - plot.x) / plot.width, (y - plot.y) / plot.height);
      }, { passive: false });
      canvas.addEventListener("keydown", event => {
        const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        if (event.key === "+" || event.key === "=") zoom(1.6, 0.5, 0.5);
        else if (event.key === "-") zoom(1 / 1.6, 0.5, 0.5);
        else if (event.key === "0") move({ ...whole });
        else if (event.key === "Escape" && cursor) point(null);
        else if (steps[event.key]) {
          const [down, across] = steps[event.key];
          const next = cursor ? cellOf(cursor.row + down * cursor.size, cursor.column + across * cursor.size)
            : cellOf(Math.floor(seen.y), Math.floor(seen.x));
          if (next.column < seen.x || next.column + next.size > seen.x + seen.width
            || next.row < seen.y || next.row + next.size > seen.y + seen.height)
            move({ ...seen, x: next.column - seen.width / 2, y: next.row - seen.height / 2 });
          point(next);
        } else return;
        event.preventDefault();
        event.stopPropagation();
      });
      canvas.addEventListener("blur", () => point(null));
      layout();
      move({ ...whole });
      const watcher = new ResizeObserver(() => { layout(); draw(); });
      watcher.observe(hostOf(root));
      return { draw, canvas, stop: () => watcher.disconnect() };
    };

    """#
}
