/// The script of a scatter plot: pan and zoom in the plane, rotation in space, hover, search, legend.
///
/// Marks are painted back to front into one image (``ScatterPaint``); axes lie on a canvas beneath.
enum ScatterScript {
  static let start = ScatterPaint.painter + view

  private static let view = #"""
    const bytesOf = text => Uint8Array.from(atob(text), each => each.charCodeAt(0));
    const floatsOf = text => {
      const bytes = bytesOf(text), words = new DataView(bytes.buffer), result = new Float32Array(bytes.length / 4);
      for (let i = 0; i < result.length; i++) result[i] = words.getFloat32(4 * i, true);
      return result;
    };
    const channels = color => [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16));
    const niceTicks = (low, high, about) => {
      const raw = (high - low) / about, power = 10 ** Math.floor(Math.log10(raw));
      const multiple = raw / power, step = power * (multiple <= 1.4 ? 1 : multiple <= 3.2 ? 2 : multiple <= 7 ? 5 : 10);
      const ticks = [];
      for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
      return [ticks, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))];
    };
    const clipped = (pen, text, most) => {
      if (pen.measureText(text).width <= most) return text;
      const parts = Array.from(text);
      while (parts.length && pen.measureText(parts.join("") + "…").width > most) parts.pop();
      return parts.join("") + "…";
    };

    const start = (root, data, dark, description) => {
      if (data.title) add(root, "div", "title", data.title);
      if (data.note) add(root, "div", "note", data.note);
      const spatial = data.axes.length === 3, count = data.labels.length, labels = data.labels;
      const axes = data.axes.map(axis => ({ title: axis.title, values: floatsOf(axis.values) }));
      const groups = data.groups ? bytesOf(data.groups) : null, categories = data.categories || [];
      const numbers = data.values ? floatsOf(data.values) : null;
      const radii = data.radii ? bytesOf(data.radii) : null;
      const stage = add(root, "div", "stage"), back = add(stage, "canvas"), front = add(stage, "canvas");
      const tip = add(stage, "div", "tip"), legend = add(root, "div", "legend"), bar = add(root, "div", "bar");
      const backPen = back.getContext("2d"), pen = front.getContext("2d"), discs = painter(pen);
      front.style.position = "absolute"; front.style.left = front.style.top = "0";
      front.style.touchAction = spatial ? "none" : "pan-y";
      front.tabIndex = 0;
      front.setAttribute("role", "img");
      front.setAttribute("aria-label", description + (spatial ? " Arrow keys turn it," : " Arrow keys move it,")
        + " plus and minus zoom, 0 shows everything, n and p walk from point to point.");
      const font = getComputedStyle(root).fontFamily;

      // Extents: in space one scale for all axes, so that distances look as they are. Where a few points lie far
      // beyond all others, the axes end before them and they stand at the edge, until they are asked for.
      let extents = [], half = 1, sides = [], middles = [], isCut = data.beyond > 0;
      const shown = axes.map(({ values }) => Float32Array.from(values)), isBeyond = new Uint8Array(count);
      // The same in the box [-1, 1]³.
      const inBox = axes.map(() => new Float32Array(count));
      const measure = () => {
        isBeyond.fill(0);
        extents = axes.map(({ values }, axis) => {
          let [low, high] = isCut ? data.inner[axis] : [Infinity, -Infinity];
          if (!isCut) for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
          const air = high > low ? (high - low) * 0.06 : 0.5, from = low - air / 2, to = high + air / 2;
          for (let i = 0; i < count; i++) {
            // Single precision may put the outermost point a hair farther out.
            if (isCut && (values[i] < low - air / 99 || values[i] > high + air / 99)) isBeyond[i] = 1;
            shown[axis][i] = Math.min(to, Math.max(from, values[i]));
          }
          return count ? [low - air, high + air] : [-1, 1];
        });
        half = Math.max(...extents.map(([low, high]) => (high - low) / 2));
        sides = extents.map(([low, high]) => (high - low) / 2 / half);
        middles = extents.map(([low, high]) => (low + high) / 2);
        inBox.forEach((places, axis) => { for (let i = 0; i < count; i++) places[i] = (shown[axis][i] - middles[axis]) / half; });
      };
      measure();
      const first = { yaw: data.yaw, pitch: data.pitch, zoom: 1, x: 0, y: 0 };
      let view = { ...first }, plot = {}, ratio = 1, pending = 0, cursor = -1, found = null;
      let showsLabels = count <= 60;
      const hidden = new Uint8Array(256), isFound = new Uint8Array(count);
      const px = new Float32Array(count), py = new Float32Array(count), far = new Float32Array(count);
      const order = new Uint32Array(count), levels = new Uint8Array(count), buckets = new Uint32Array(256);
      const isShown = i => !(groups && hidden[groups[i]]);
      const base = radii ? 0 : data.radius;

      const layout = () => {
        const outer = hostWidth();
        const width = Math.max(240, Math.min(660, outer - 34));
        const height = Math.round(Math.min(width * 0.76, 500));
        backPen.font = "10.5px " + font;
        let left = 4;
        if (!spatial) {
          const [ticks, digits] = niceTicks(...extents[1], 5);
          for (const tick of ticks) left = Math.max(left, backPen.measureText(tickText(tick, digits)).width + 12);
          if (axes[1].title) left += 18;
        }
        plot = spatial ? { x: 0, y: 0, width, height }
          : { x: Math.ceil(left), y: 4, width: width - Math.ceil(left) - 6, height: height - (axes[0].title ? 44 : 26) };
        ratio = window.devicePixelRatio || 1;
        for (const canvas of [back, front]) {
          canvas.style.width = width + "px"; canvas.style.height = height + "px";
          canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
          canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
        }
        discs.resize();
        if (spatial) refit();
        for (const text of root.querySelectorAll(".title, .note, .provenance, .legend, .bar")) text.style.maxWidth = width + "px";
      };
      const hostWidth = () => root.getRootNode().host.parentNode.clientWidth || 720;

      // The size at which the whole box, seen as at first, fills the canvas with room for titles.
      let fit = { scale: 1, x: 0, y: 0 };
      const refit = () => {
        fit = { scale: 1, x: 0, y: 0 };
        const kept = view;
        view = first;
        const at = camera(), xs = [], ys = [];
        for (let corner = 0; corner < 8; corner++) {
          const [x, y] = at(...sides.map((side, axis) => corner >> axis & 1 ? side : -side));
          xs.push(x - plot.width / 2); ys.push(y - plot.height / 2);
        }
        view = kept;
        const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
        fit.scale = Math.min((plot.width - 56) / (right - left), (plot.height - 36) / (bottom - top));
        fit.x = -(left + right) / 2; fit.y = -(top + bottom) / 2;
      };

      // A place in the box [-1, 1]³ on the canvas, with its depth; the same camera as the static picture's.
      const camera = () => {
        const [cy, sy, cp, sp] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
        const scale = fit.scale * view.zoom;
        const x0 = plot.x + plot.width / 2 + fit.x * scale + view.x, y0 = plot.y + plot.height / 2 + fit.y * scale + view.y;
        return (x, y, z) => {
          const across = x * cy + y * sy, away = y * cy - x * sy;
          const up = z * cp + away * sp, depth = away * cp - z * sp, near = 4.5 / (4.5 + depth);
          return [x0 + across * near * scale, y0 - up * near * scale, depth];
        };
      };
      const toX = value => plot.x + plot.width / 2 + ((value - middles[0]) / half / sides[0] * plot.width / 2) * view.zoom + view.x;
      const toY = value => plot.y + plot.height / 2 - ((value - middles[1]) / half / sides[1] * plot.height / 2) * view.zoom + view.y;
      const place = () => {
        if (!spatial) {
          for (let i = 0; i < count; i++) { px[i] = toX(shown[0][i]); py[i] = toY(shown[1][i]); order[i] = i; }
          return;
        }
        // What `camera` does, without an array for each of many points.
        const [xs, ys, zs] = inBox;
        const cy = Math.cos(view.yaw), sy = Math.sin(view.yaw), cp = Math.cos(view.pitch), sp = Math.sin(view.pitch);
        const scale = fit.scale * view.zoom;
        const x0 = plot.x + plot.width / 2 + fit.x * scale + view.x, y0 = plot.y + plot.height / 2 + fit.y * scale + view.y;
        let low = Infinity, high = -Infinity;
        for (let i = 0; i < count; i++) {
          const x = xs[i], y = ys[i], z = zs[i];
          const away = y * cy - x * sy, depth = away * cp - z * sp, near = 4.5 / (4.5 + depth) * scale;
          px[i] = x0 + (x * cy + y * sy) * near; py[i] = y0 - (z * cp + away * sp) * near; far[i] = depth;
          if (depth < low) low = depth;
          if (depth > high) high = depth;
        }
        // Back to front, by counting.
        const span = high > low ? high - low : 1;
        buckets.fill(0);
        for (let i = 0; i < count; i++) {
          far[i] = (far[i] - low) / span;
          levels[i] = 255 - Math.floor(far[i] * 255);
          buckets[levels[i]]++;
        }
        for (let i = 1; i < 256; i++) buckets[i] += buckets[i - 1];
        for (let i = count - 1; i >= 0; i--) order[--buckets[levels[i]]] = i;
      };

      let colors = null, page = 0xffffff;
      const word = ([red, green, blue]) => blue << 16 | green << 8 | red;
      const css = color => `rgb(${color & 255},${color >> 8 & 255},${color >> 16})`;
      const paint = () => {
        page = dark() ? 0x111111 : 0xffffff;
        const own = word(channels(dark() ? "#6ea8e8" : "#2f6bb3")), grey = word([138, 146, 156]);
        const palette = categories.map(each => word(channels(each.color)));
        colors = new Uint32Array(count).fill(own);
        if (groups) for (let i = 0; i < count; i++) colors[i] = palette[groups[i]] ?? grey;
        if (numbers) for (let i = 0; i < count; i++) {
          const share = Math.min(1, Math.max(0, (numbers[i] - data.low) / (data.high - data.low)));
          const at = 6 * Math.round(share * 255);
          colors[i] = Number.isNaN(numbers[i]) ? grey : word(channels("#" + data.colors.slice(at, at + 6)));
        }
      };
      const radius = i => (radii ? radii[i] / 16 : base) * (spatial ? 4.5 / (3.9 + 1.2 * far[i]) : 1);
      const marks = () => {
        discs.clear();
        const rims = count <= 3000, mist = spatial ? (numbers ? 64 : 128) : 0;
        for (const late of found ? [false, true] : [false]) for (let k = 0; k < count; k++) {
          const i = order[k];
          if (isBeyond[i] || !isShown(i) || (found && late !== (isFound[i] === 1))) continue;
          if (!spatial && (px[i] < plot.x - 9 || px[i] > plot.x + plot.width + 9 || py[i] < plot.y - 9 || py[i] > plot.y + plot.height + 9)) continue;
          const isFaint = found && !late, fade = isFaint ? 205 : mist * far[i] | 0;
          const r = radius(i) * ratio * (late ? 1.25 : 1), x = px[i] * ratio, y = py[i] * ratio;
          if (rims && !isFaint) discs.disc(x, y, r + 0.8 * ratio, page);
          discs.disc(x, y, r, fade ? discs.mixed(page, colors[i], fade) : colors[i]);
        }
        discs.show();
      };

      const inks = () => dark() ? ["#e8eaed", "#a3abb5", "#5f6770", "#2c3138"] : ["#1b1f24", "#5b636d", "#9aa2ab", "#e3e6ea"];
      const line = (x1, y1, x2, y2) => { backPen.beginPath(); backPen.moveTo(x1, y1); backPen.lineTo(x2, y2); backPen.stroke(); };
      const plane = () => {
        const [, muted, frame, grid] = inks();
        backPen.font = "10.5px " + font; backPen.fillStyle = muted; backPen.textBaseline = "middle";
        const shown = [0, 1].map(axis => {
          const size = axis ? plot.height : plot.width, low = (-size / 2 + (axis ? view.y : -view.x)) / view.zoom / (size / 2);
          const high = (size / 2 + (axis ? view.y : -view.x)) / view.zoom / (size / 2);
          return [low, high].map(share => middles[axis] + share * half * sides[axis]);
        });
        backPen.strokeStyle = grid;
        const bottom = plot.y + plot.height;
        const [xs, xDigits] = niceTicks(...shown[0], 6), [ys, yDigits] = niceTicks(...shown[1], 5);
        backPen.textAlign = "center";
        for (const tick of xs) { line(toX(tick), plot.y, toX(tick), bottom); backPen.fillText(tickText(tick, xDigits), toX(tick), bottom + 12); }
        backPen.textAlign = "right";
        for (const tick of ys) { line(plot.x, toY(tick), plot.x + plot.width, toY(tick)); backPen.fillText(tickText(tick, yDigits), plot.x - 6, toY(tick)); }
        backPen.strokeStyle = frame;
        backPen.strokeRect(plot.x - 0.5, plot.y - 0.5, plot.width + 1, plot.height + 1);
        backPen.font = "11.5px " + font; backPen.textAlign = "center";
        if (axes[0].title) backPen.fillText(axes[0].title, plot.x + plot.width / 2, bottom + 32);
        if (axes[1].title) {
          backPen.save(); backPen.translate(9, plot.y + plot.height / 2); backPen.rotate(-Math.PI / 2);
          backPen.fillText(axes[1].title, 0, 0); backPen.restore();
        }
      };
      // The three faces of the box that lie behind the points, and a title along an outer edge of each axis.
      const box = () => {
        const [, muted, frame, grid] = inks(), at = camera();
        const corner = signs => at(signs[0] * sides[0], signs[1] * sides[1], signs[2] * sides[2]);
        const behind = [0, 1, 2].map(axis => {
          const unit = [0, 0, 0]; unit[axis] = 1;
          const plus = at(...unit)[2], minus = at(...unit.map(each => -each))[2];
          return plus > minus ? 1 : -1;
        });
        for (let axis = 0; axis < 3; axis++) {
          const others = [0, 1, 2].filter(each => each !== axis);
          for (const [along, across] of [others, [others[1], others[0]]]) {
            const [ticks] = niceTicks(...extents[along], 4);
            backPen.strokeStyle = grid;
            const segment = place => {
              const from = [0, 0, 0], to = [0, 0, 0];
              from[axis] = to[axis] = behind[axis] * sides[axis];
              from[along] = to[along] = place;
              from[across] = -sides[across]; to[across] = sides[across];
              const [x1, y1] = at(...from), [x2, y2] = at(...to);
              line(x1, y1, x2, y2);
            };
            for (const tick of ticks) segment((tick - middles[along]) / half);
            backPen.strokeStyle = frame;
            segment(-sides[along]); segment(sides[along]);
          }
        }
        backPen.font = "11.5px " + font; backPen.fillStyle = muted; backPen.textBaseline = "middle"; backPen.textAlign = "center";
        const [cx, cy] = at(0, 0, 0);
        for (let axis = 0; axis < 3; axis++) {
          if (!axes[axis].title) continue;
          const [one, two] = [0, 1, 2].filter(each => each !== axis);
          // An edge of the outline: one of its two faces is seen, the other is behind.
          const edges = [[1, -1], [-1, 1]].map(([a, b]) => {
            const signs = [0, 0, 0]; signs[one] = a * behind[one]; signs[two] = b * behind[two];
            const ends = [-1, 1].map(end => { const each = [...signs]; each[axis] = end; return corner(each); });
            return { middle: [(ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2], ends };
          });
          const edge = axis === 2 ? (edges[0].middle[0] < edges[1].middle[0] ? edges[0] : edges[1])
            : edges[0].middle[1] > edges[1].middle[1] ? edges[0] : edges[1];
          let [[x1, y1], [x2, y2]] = edge.ends;
          if (x1 > x2) [x1, y1, x2, y2] = [x2, y2, x1, y1];
          let turn = Math.atan2(y2 - y1, x2 - x1), nx = -(y2 - y1), ny = x2 - x1;
          const length = Math.hypot(nx, ny) || 1;
          const side = nx * (edge.middle[0] - cx) + ny * (edge.middle[1] - cy) < 0 ? -1 : 1;
          if (length < 60) continue;
          backPen.save();
          backPen.translate(edge.middle[0] + side * nx / length * 14, edge.middle[1] + side * ny / length * 14);
          backPen.rotate(turn);
          backPen.fillText(clipped(backPen, axes[axis].title, length), 0, 0);
          backPen.restore();
        }
      };

      const words = () => {
        const taken = [], [ink] = inks();
        if ((found || showsLabels) && count <= 3000) for (let i = 0; i < count; i++) {
          if (!isShown(i) || (found && !isFound[i])) continue;
          const r = radius(i);
          taken.push([px[i] - r, py[i] - r, px[i] + r, py[i] + r]);
        }
        pen.font = "11px " + font; pen.textBaseline = "middle"; pen.lineJoin = "round";
        const put = i => {
          const text = clipped(pen, labels[i], 170), width = pen.measureText(text).width, r = radius(i) + 3;
          for (const [x, y] of [[px[i] + r, py[i]], [px[i] - r - width, py[i]], [px[i] - width / 2, py[i] - r - 6], [px[i] - width / 2, py[i] + r + 7]]) {
            if (x < plot.x || y < plot.y + 6 || x + width > plot.x + plot.width || y > plot.y + plot.height - 6) continue;
            if (taken.some(box => x < box[2] && x + width > box[0] && y - 7 < box[3] && y + 7 > box[1])) continue;
            taken.push([x, y - 7, x + width, y + 7]);
            pen.lineWidth = 3; pen.strokeStyle = css(page); pen.strokeText(text, x, y);
            pen.fillStyle = ink; pen.fillText(text, x, y);
            return true;
          }
        };
        let left = 300;
        // The nearest first.
        if (found || showsLabels) for (let k = count - 1; k >= 0 && left > 0; k--) {
          const i = order[k];
          if (!isShown(i) || (found && !isFound[i])) continue;
          left--;
          put(i);
        }
        if (isCut) for (let i = 0; i < count; i++) {
          if (!isBeyond[i] || !isShown(i)) continue;
          // A hollow square on its tip: a point that isn't where it stands.
          const r = Math.max(4, radius(i));
          pen.beginPath();
          pen.moveTo(px[i], py[i] - r); pen.lineTo(px[i] + r, py[i]); pen.lineTo(px[i], py[i] + r); pen.lineTo(px[i] - r, py[i]);
          pen.closePath();
          pen.lineWidth = 1.5; pen.strokeStyle = css(colors[i]); pen.fillStyle = css(page);
          pen.fill(); pen.stroke();
        }
        if (cursor >= 0) {
          pen.strokeStyle = ink; pen.lineWidth = 1.6;
          pen.beginPath(); pen.arc(px[cursor], py[cursor], radius(cursor) + 3, 0, 7); pen.stroke();
        }
      };
      const draw = () => {
        pending = 0;
        if (!colors) paint();
        place();
        backPen.clearRect(0, 0, back.width, back.height);
        if (spatial) box(); else plane();
        marks();
        if (!spatial) { pen.save(); pen.beginPath(); pen.rect(plot.x, plot.y, plot.width, plot.height); pen.clip(); }
        words();
        if (!spatial) pen.restore();
        farther.disabled = !spatial && view.zoom <= 1;
      };
      const later = () => { if (!pending) pending = requestAnimationFrame(draw); };

      const zoom = (factor, x = plot.x + plot.width / 2, y = plot.y + plot.height / 2) => {
        const before = view.zoom;
        view.zoom = Math.min(60, Math.max(spatial ? 0.4 : 1, before * factor));
        const change = view.zoom / before, cx = plot.x + plot.width / 2, cy = plot.y + plot.height / 2;
        view.x = (x - cx) - ((x - cx) - view.x) * change;
        view.y = (y - cy) - ((y - cy) - view.y) * change;
        bound(); later();
      };
      const bound = () => {
        const x = spatial ? plot.width : plot.width / 2 * (view.zoom - 1), y = spatial ? plot.height : plot.height / 2 * (view.zoom - 1);
        view.x = Math.min(x, Math.max(-x, view.x)); view.y = Math.min(y, Math.max(-y, view.y));
        view.pitch = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, view.pitch));
        if (!spatial) front.style.touchAction = view.zoom > 1 ? "none" : "pan-y";
      };
      const button = (text, name, act) => {
        const element = add(bar, "button", "", text);
        element.type = "button"; element.title = name; element.setAttribute("aria-label", name);
        element.addEventListener("click", act);
        return element;
      };
      button("+", "Zoom in", () => zoom(1.5));
      const farther = button("−", "Zoom out", () => zoom(1 / 1.5));
      button("All", "Show everything", () => { view = { ...first }; bound(); later(); });
      if (data.beyond) {
        const whole = button("Outliers", "Show all points in their places", () => {
          isCut = !isCut;
          whole.setAttribute("aria-pressed", String(!isCut));
          view = { ...first };
          point(-1); measure(); layout(); later();
        });
        whole.setAttribute("aria-pressed", "false");
      }
      const labelButton = button("Labels", "Show labels", () => { showsLabels = !showsLabels; press(); later(); });
      const press = () => labelButton.setAttribute("aria-pressed", String(showsLabels));
      press();
      const search = add(bar, "input");
      search.type = "search"; search.placeholder = "Find"; search.setAttribute("aria-label", "Find points by their labels");
      const status = add(bar, "div", "status");
      status.setAttribute("aria-live", "polite");
      const hint = spatial ? "Drag turns, Ctrl or Shift + wheel zooms" : "Ctrl or Shift + wheel zooms, drag pans";
      status.textContent = hint;

      const say = i => {
        let text = `\u2068${labels[i]}\u2069`;
        if (groups && data.names[i] !== undefined && data.names[i] !== null) text += " · \u2068" + data.groupNames[data.names[i]] + "\u2069";
        if (numbers) text += " · " + (data.valueTitle || "value") + " " + numberText(numbers[i]);
        return text;
      };
      const point = (i, byKeys) => {
        if (i === cursor && !byKeys) return;
        cursor = i;
        tip.style.display = i < 0 ? "none" : "block";
        if (i < 0) { status.textContent = found ? matches() : hint; later(); return; }
        status.textContent = say(i);
        tip.replaceChildren();
        add(add(tip, "div"), "bdi", "", labels[i]);
        if (groups && data.names[i] !== null) add(add(tip, "small"), "bdi", "", data.groupNames[data.names[i]]);
        if (numbers) {
          const line = add(tip, "div");
          add(line, "span", "", (data.valueTitle || "value") + " "); add(line, "b", "", numberText(numbers[i]));
        }
        add(tip, "small", "", "(" + axes.map(axis => numberText(axis.values[i])).join(", ") + ")");
        if (isBeyond[i]) add(tip, "small", "", "beyond the axes");
        placeTip(tip, [px[i], py[i], px[i], py[i]]);
        later();
      };
      const under = (x, y) => {
        let best = -1, least = 144;
        for (let i = 0; i < count; i++) {
          if (!isShown(i)) continue;
          const dx = px[i] - x, dy = py[i] - y;
          const distance = dx * dx + dy * dy + (spatial ? 30 * far[i] : 0) + (found && !isFound[i] ? 60 : 0);
          if (distance < least) { least = distance; best = i; }
        }
        return best;
      };
      const walk = step => {
        for (let k = 1; k <= count; k++) {
          const i = (((cursor < 0 && step < 0 ? 0 : cursor) + step * k) % count + count) % count;
          if (!isShown(i) || (found && !isFound[i])) continue;
          const x = px[i] - plot.x - plot.width / 2, y = py[i] - plot.y - plot.height / 2;
          if (Math.abs(x) > plot.width / 2 - 8 || Math.abs(y) > plot.height / 2 - 8) {
            view.x -= x; view.y -= y;
            bound(); draw();
          }
          point(i, true);
          return;
        }
      };
      const matches = () => `${found} of ${count} found`;
      search.addEventListener("input", () => {
        const wanted = search.value.toLowerCase();
        found = wanted ? 0 : null;
        for (let i = 0; i < count; i++) {
          isFound[i] = wanted && labels[i].toLowerCase().includes(wanted) ? 1 : 0;
          if (wanted) found += isFound[i];
        }
        point(-1, true);
      });
      search.addEventListener("keydown", event => {
        event.stopPropagation();
        if (event.key === "Enter") walk(event.shiftKey ? -1 : 1);
        if (event.key === "Escape") { search.value = ""; search.dispatchEvent(new Event("input")); }
      });

      const held = new Map();
      front.addEventListener("pointerdown", event => {
        if (event.button !== 0) return;
        held.set(event.pointerId, [event.clientX, event.clientY]);
        front.setPointerCapture(event.pointerId);
      });
      front.addEventListener("pointermove", event => {
        const box = front.getBoundingClientRect(), before = held.get(event.pointerId);
        if (!before) { point(under(event.clientX - box.left, event.clientY - box.top)); return; }
        const dx = event.clientX - before[0], dy = event.clientY - before[1];
        if (held.size === 2) {
          const other = [...held].find(([id]) => id !== event.pointerId)[1];
          const apart = Math.hypot(before[0] - other[0], before[1] - other[1]);
          if (apart > 4) zoom(Math.hypot(event.clientX - other[0], event.clientY - other[1]) / apart,
            (event.clientX + other[0]) / 2 - box.left, (event.clientY + other[1]) / 2 - box.top);
        } else if (spatial) { view.yaw -= dx * 0.009; view.pitch += dy * 0.009; }
        else { view.x += dx; view.y += dy; }
        held.set(event.pointerId, [event.clientX, event.clientY]);
        if (dx || dy) { front.style.cursor = "grabbing"; point(-1); bound(); later(); }
      });
      for (const name of ["pointerup", "pointercancel"]) front.addEventListener(name, event => {
        held.delete(event.pointerId);
        front.style.cursor = spatial ? "grab" : "crosshair";
      });
      front.style.cursor = spatial ? "grab" : "crosshair";
      front.addEventListener("pointerleave", () => { if (!held.size) point(-1); });
      front.addEventListener("dblclick", () => { view = { ...first }; bound(); later(); });
      // The page keeps the plain wheel.
      front.addEventListener("wheel", event => {
        if (!event.ctrlKey && !event.shiftKey) return;
        event.preventDefault();
        const box = front.getBoundingClientRect();
        zoom(Math.exp(-(event.deltaY || event.deltaX) / 300), event.clientX - box.left, event.clientY - box.top);
      }, { passive: false });
      front.addEventListener("keydown", event => {
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (step && spatial) { view.yaw -= step[0] * 0.1; view.pitch += step[1] * 0.1; point(-1); bound(); later(); }
        else if (step) { view.x -= step[0] * 40; view.y -= step[1] * 40; point(-1); bound(); later(); }
        else if (event.key === "+" || event.key === "=") zoom(1.5);
        else if (event.key === "-") zoom(1 / 1.5);
        else if (event.key === "0") { view = { ...first }; bound(); later(); }
        else if (event.key === "n") walk(1);
        else if (event.key === "p") walk(-1);
        else if (event.key === "Escape") point(-1, true);
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      front.addEventListener("blur", () => point(-1));

      categories.forEach((category, index) => {
        const chip = add(legend, "button", "key");
        chip.type = "button"; chip.title = "Show or hide"; chip.setAttribute("aria-pressed", "true");
        add(chip, "i").style.background = category.color;
        add(chip, "bdi", "", category.name);
        chip.addEventListener("click", () => {
          hidden[index] = 1 - hidden[index];
          chip.setAttribute("aria-pressed", String(!hidden[index]));
          point(-1, true);
        });
      });
      if (numbers) {
        add(legend, "span", "", (data.valueTitle ? data.valueTitle + " " : "") + numberText(data.low));
        const stops = [];
        for (let i = 0; i <= 16; i++) { const at = 6 * Math.round(i / 16 * 255); stops.push("#" + data.colors.slice(at, at + 6)); }
        add(legend, "i", "ramp").style.background = `linear-gradient(90deg, ${stops.join(",")})`;
        add(legend, "span", "", numberText(data.high));
      }
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      layout();
      draw();
      const watcher = new ResizeObserver(() => { layout(); bound(); draw(); });
      watcher.observe(root.getRootNode().host.parentNode);
      return () => { colors = null; draw(); };
    };
    """#
}
