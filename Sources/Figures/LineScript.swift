/// The JavaScript that shows line charts: canvas, axes, a crosshair with every line's number, zoom.
enum LineScript {
  static let script = axes + panel + start

  /// Numbers from Base64, ranges and round numbers.
  private static let axes = #"""
    const numbers = (text, size) => {
      const raw = atob(text || ""), bytes = new Uint8Array(raw.length);
      for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
      const words = new DataView(bytes.buffer), values = new Float64Array(raw.length / size);
      for (let i = 0; i < values.length; i++)
        values[i] = size === 8 ? words.getFloat64(8 * i, true) : words.getFloat32(4 * i, true);
      return values;
    };
    const grouped = value => minus(String(value).replace(/\B(?=(\d{3})+$)/g, ","));
    const unitOf = range => range <= 180 ? ["s", 1] : range <= 7200 ? ["min", 60]
      : range <= 172800 ? ["h", 3600] : ["d", 86400];
    const placeText = (axis, x) => {
      if (axis === "steps") return "step " + (Number.isInteger(x) ? grouped(x) : numberText(x, 5));
      if (axis !== "seconds") return numberText(x, 5);
      const [name, unit] = unitOf(Math.abs(x));
      return numberText(x / unit, 4) + " " + name;
    };
    const roundNumbers = (low, high, count) => {
      const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
      if (!(power > 0) || !Number.isFinite(power)) return [];
      const multiple = raw / power;
      const step = power * (multiple <= 1.4 ? 1 : multiple <= 3.2 ? 2 : multiple <= 7 ? 5 : 10);
      const found = [];
      for (let i = Math.ceil(low / step - 1e-9); i <= high / step + 1e-9 && found.length < 100; i++)
        found.push(i * step);
      const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
      return found.map(value => [value, decimals > 5 || Math.abs(value) >= 1e6
        ? numberText(value, 3) : tickText(value, decimals)]);
    };
    const powers = (low, high, count) => {
      const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), found = [];
      for (let at = first; at <= last; at++) if (10 ** at >= low && 10 ** at <= high) found.push(at);
      if (found.length >= 3) {
        const stride = Math.max(1, Math.ceil(found.length / count));
        const raised = at => String(at).replace(/./g, c => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
        return found.filter(at => at % stride === 0)
          .map(at => [10 ** at, Math.abs(at) <= 3 ? numberText(10 ** at, 3) : "10" + raised(at)]);
      }
      const finer = [];
      for (let at = first; at <= last; at++) for (const factor of [1, 2, 5]) {
        const value = factor * 10 ** at;
        if (value >= low && value <= high) finer.push([value, numberText(value, 3)]);
      }
      return finer.length >= 3 ? finer : roundNumbers(low, high, count);
    };
    const xTicks = (axis, low, high, count) => {
      if (axis === "seconds") {
        const unit = unitOf(high - low)[1];
        return roundNumbers(low / unit, high / unit, count).map(([v, text]) => [v * unit, text]);
      }
      const found = roundNumbers(low, high, count);
      if (axis !== "steps") return found;
      return found.filter(([v]) => Math.abs(v - Math.round(v)) < 1e-6).map(([v]) => {
        const step = Math.round(v);
        return [step, Math.abs(step) >= 1e6 ? numberText(step / 1e6, 4) + " M" : grouped(step)];
      });
    };
    // The place of the point nearest to x.
    const nearest = (xs, x) => {
      let low = 0, high = xs.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (xs[middle] < x) low = middle + 1; else high = middle;
      }
      return low > 0 && x - xs[low - 1] < xs[low] - x ? low - 1 : low;
    };

    """#

  /// One chart.
  private static let panel = #"""
    const linePanel = (place, data, panel, shared, dark, description) => {
      const stage = add(place, "div", "stage"), canvas = add(stage, "canvas");
      const tip = add(stage, "div", "tip"), pen = canvas.getContext("2d");
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", (panel.title || data.title) + ". " + description
        + " Left and right move along the lines, plus and minus zoom, 0 shows everything.");
      const lines = panel.lines.map(line => ({ color: line.color, name: line.name, x: numbers(line.x, 8),
        y: numbers(line.y, 4), s: line.s ? numbers(line.s, 4) : null }));
      let least = Infinity, most = -Infinity;
      for (const line of lines) if (line.x.length) {
        least = Math.min(least, line.x[0]); most = Math.max(most, line.x[line.x.length - 1]);
      }
      if (!(least <= most)) [least, most] = [0, 1];
      if (least === most) [least, most] = [least - 0.5, most + 0.5];
      let seen = [least, most], plot = {}, range = [0, 1], cursor = null, drag = null;
      const isShown = line => !shared.hidden.has(line.color);
      const usable = y => Number.isFinite(y) && (!panel.log || y > 0);
      const colorOf = line => { const set = dark() ? data.dark : data.light; return set[line.color % set.length]; };
      const dashOf = line => [[], [7, 3], [2, 3]][Math.floor(line.color / data.light.length) % 3];

      const fit = () => {
        let low = Infinity, high = -Infinity;
        for (const line of lines) if (isShown(line))
          for (let i = 0; i < line.x.length; i++)
            if (line.x[i] >= seen[0] && line.x[i] <= seen[1] && usable(line.y[i])) {
              low = Math.min(low, line.y[i]); high = Math.max(high, line.y[i]);
            }
        if (!(low <= high)) [low, high] = panel.log ? [0.1, 1] : [0, 1];
        if (panel.log) {
          const share = high > low ? (high / low) ** 0.04 : 1.5;
          range = [low / share, high * share];
        } else {
          const room = high > low ? (high - low) * 0.04 : Math.max(Math.abs(low) * 0.1, 0.5);
          range = [low - room, high + room];
        }
      };
      const toX = x => plot.x + (x - seen[0]) / (seen[1] - seen[0]) * plot.width;
      const toY = y => plot.y + plot.height * (1 - (panel.log
        ? Math.log(y / range[0]) / Math.log(range[1] / range[0])
        : (y - range[0]) / (range[1] - range[0])));
      const fromX = at => seen[0] + (at - plot.x) / plot.width * (seen[1] - seen[0]);

      const stroke = (line, values, width, alpha) => {
        pen.strokeStyle = pen.fillStyle = colorOf(line);
        pen.lineWidth = width; pen.globalAlpha = alpha; pen.setLineDash(dashOf(line));
        pen.beginPath();
        let run = 0, last = null, turns = 0, rising = false;
        const dots = [];
        const from = Math.max(0, nearest(line.x, seen[0]) - 1);
        for (let i = from; i < line.x.length; i++) {
          if (!usable(values[i])) { if (run === 1) dots.push(last); run = 0; continue; }
          const point = [toX(line.x[i]), toY(values[i])];
          if (run && (point[1] < last[1]) !== rising) { rising = !rising; turns++; }
          last = point;
          if (run++) pen.lineTo(...last); else pen.moveTo(...last);
          if (line.x[i] > seen[1]) break;
        }
        if (run === 1) dots.push(last);
        // A line that turns more often than the eye can follow hides others less where it is thin.
        if (turns > plot.width / 4 && !line.s) { pen.lineWidth = 1; pen.globalAlpha = 0.75; }
        pen.stroke();
        for (const dot of dots) { pen.beginPath(); pen.arc(...dot, 2.2, 0, 7); pen.fill(); }
        pen.globalAlpha = 1; pen.setLineDash([]);
      };
      // The space between each quantile and the one that mirrors it.
      const fill = lines => {
        const points = line => Array.from(line.x, (x, i) => [x, line.y[i]])
          .filter(([, y]) => usable(y)).map(([x, y]) => [toX(x), toY(y)]);
        for (let i = 0; i < lines.length >> 1; i++) {
          const edge = points(lines[i]).concat(points(lines[lines.length - 1 - i]).reverse());
          pen.beginPath();
          for (const point of edge) pen.lineTo(...point);
          pen.closePath();
          pen.fillStyle = colorOf(lines[i]); pen.globalAlpha = 0.14;
          pen.fill();
          pen.globalAlpha = 1;
        }
      };
      const breaks = line => {
        pen.strokeStyle = colorOf(line); pen.lineWidth = 1.7;
        pen.beginPath();
        const lasts = [-9, -9, -9], bottom = plot.y + plot.height;
        for (let i = 0; i < line.x.length; i++) {
          const y = line.y[i], x = toX(line.x[i]);
          if (Number.isFinite(y) || line.x[i] < seen[0] || line.x[i] > seen[1]) continue;
          const kind = Number.isNaN(y) ? 0 : y > 0 ? 1 : 2;
          if (x - lasts[kind] < 5) continue;
          lasts[kind] = x;
          if (kind === 0) {
            pen.moveTo(x - 3, bottom - 9); pen.lineTo(x + 3, bottom - 3);
            pen.moveTo(x + 3, bottom - 9); pen.lineTo(x - 3, bottom - 3);
          } else {
            const [foot, tip] = kind === 1 ? [plot.y + 9, plot.y + 2] : [bottom - 9, bottom - 2];
            pen.moveTo(x - 4, foot); pen.lineTo(x, tip); pen.lineTo(x + 4, foot); pen.closePath();
          }
        }
        pen.stroke();
      };

      const draw = () => {
        fit();
        const style = getComputedStyle(shared.root), paint = name => style.getPropertyValue(name);
        const font = style.fontFamily, ratio = window.devicePixelRatio || 1;
        pen.font = "10.5px " + font;
        const ticks = panel.log ? powers(range[0], range[1], 6) : roundNumbers(range[0], range[1], data.grid ? 4 : 6);
        let widest = 0;
        for (const [, text] of ticks) widest = Math.max(widest, pen.measureText(text).width);
        const left = Math.ceil((panel.yTitle ? 20 : 0) + Math.max(widest, data.grid ? 34 : 0) + 9);
        plot = { x: left, y: 6, width: shared.width - left - 14, height: shared.height };
        const tall = plot.y + plot.height + (panel.xTitle ? 38 : 22);
        canvas.style.width = shared.width + "px"; canvas.style.height = tall + "px";
        canvas.width = Math.round(shared.width * ratio); canvas.height = Math.round(tall * ratio);
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        pen.font = "10.5px " + font;
        const bottom = plot.y + plot.height, grid = dark() ? "#2c3138" : "#e3e6ea";
        pen.lineWidth = 1; pen.strokeStyle = grid; pen.fillStyle = paint("--ink");
        pen.textAlign = "right"; pen.textBaseline = "middle";
        for (const [value, text] of ticks) {
          const y = Math.round(toY(value)) + 0.5;
          pen.beginPath(); pen.moveTo(plot.x, y); pen.lineTo(plot.x + plot.width, y); pen.stroke();
          pen.fillText(text, plot.x - 6, y);
        }
        pen.textAlign = "center"; pen.textBaseline = "alphabetic";
        for (const [value, text] of xTicks(panel.axis, seen[0], seen[1], Math.max(2, plot.width / 95))) {
          const x = Math.round(toX(value)) + 0.5;
          pen.beginPath(); pen.moveTo(x, plot.y); pen.lineTo(x, bottom); pen.stroke();
          pen.fillText(text, x, bottom + 15);
        }
        pen.strokeStyle = paint("--line");
        pen.strokeRect(plot.x + 0.5, plot.y + 0.5, plot.width - 1, plot.height - 1);
        pen.font = "11.5px " + font; pen.fillStyle = paint("--muted");
        if (panel.xTitle) pen.fillText(panel.xTitle + (panel.axis === "seconds"
          ? " (" + unitOf(seen[1] - seen[0])[0] + ")" : ""), plot.x + plot.width / 2, bottom + 32);
        if (panel.yTitle) {
          pen.save(); pen.translate(10, plot.y + plot.height / 2); pen.rotate(-Math.PI / 2);
          pen.fillText(panel.yTitle, 0, 0); pen.restore();
        }
        pen.save();
        pen.beginPath(); pen.rect(plot.x, plot.y, plot.width, plot.height); pen.clip();
        pen.lineJoin = "round";
        const shown = lines.filter(isShown);
        for (const line of shown) if (line.s) stroke(line, line.y, 1, 0.3);
        if (panel.bands) fill(shown);
        shown.forEach((line, index) => {
          const isMiddle = !panel.bands || index === shown.length >> 1;
          stroke(line, line.s || line.y, isMiddle ? 1.7 : 1, isMiddle ? 1 : 0.3);
          breaks(line);
        });
        if (drag && drag.to !== undefined) {
          pen.fillStyle = paint("--accent"); pen.globalAlpha = 0.15;
          pen.fillRect(Math.min(drag.from, drag.to), plot.y, Math.abs(drag.to - drag.from), plot.height);
          pen.globalAlpha = 1;
        }
        if (cursor !== null) mark(shown, paint);
        pen.restore();
        if (cursor === null) tip.style.display = "none";
      };
      const mark = (shown, paint) => {
        const x = toX(cursor);
        pen.strokeStyle = paint("--muted"); pen.lineWidth = 1;
        pen.beginPath(); pen.moveTo(x, plot.y); pen.lineTo(x, plot.y + plot.height); pen.stroke();
        tip.replaceChildren();
        add(tip, "b", "", placeText(panel.axis, cursor));
        const rows = [];
        for (const line of shown) {
          if (!line.x.length) continue;
          const at = nearest(line.x, cursor);
          const far = Math.abs(line.x[at] - cursor) > (seen[1] - seen[0]) / 50;
          if (far) continue;
          rows.push({ line, at, value: line.s ? line.s[at] : line.y[at] });
        }
        for (const { line, at, value } of rows) {
          if (!usable(value)) continue;
          pen.fillStyle = colorOf(line);
          pen.beginPath(); pen.arc(toX(line.x[at]), toY(value), 3.2, 0, 7); pen.fill();
        }
        for (const { line, at } of rows.slice(0, 16)) {
          const row = add(tip, "div"), dot = add(row, "i", "", "");
          dot.style.cssText = "display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:6px;background:" + colorOf(line);
          add(row, "span", "", (line.name || data.names[line.color] || "value") + "  ");
          add(row, "b", "", numberText(line.y[at], 5));
          const more = add(row, "div");
          more.style.paddingLeft = "15px";
          if (line.s && usable(line.y[at])) add(more, "small", "", "smoothed " + numberText(line.s[at], 5));
          if (line.x[at] !== cursor) add(more, "small", "", "at " + placeText(panel.axis, line.x[at]));
        }
        if (rows.length > 16) add(tip, "div", "", "… " + (rows.length - 16) + " more");
        tip.style.display = "block";
        placeTip(tip, [x, plot.y + 8, x, plot.y - 6]);
      };
      // The place of a point of any line that is shown, nearest to a place.
      const snap = x => {
        let best = null;
        for (const line of lines) if (isShown(line) && line.x.length) {
          const found = line.x[nearest(line.x, x)];
          if (best === null || Math.abs(found - x) < Math.abs(best - x)) best = found;
        }
        return best;
      };
      const show = (from, to) => {
        const room = Math.max(to - from, (most - least) * 1e-6, 1e-9);
        const start = Math.min(Math.max(from, least), most - Math.min(room, most - least));
        seen = [start, Math.min(most, start + room)];
        if (cursor !== null && (cursor < seen[0] || cursor > seen[1])) cursor = null;
        draw();
      };
      const zoom = factor => {
        const about = cursor === null ? (seen[0] + seen[1]) / 2 : cursor;
        show(about - (about - seen[0]) * factor, about + (seen[1] - about) * factor);
      };
      const move = steps => {
        const places = [...new Set(lines.filter(isShown).flatMap(line => Array.from(line.x)))]
          .filter(x => x >= seen[0] && x <= seen[1]).sort((a, b) => a - b);
        if (!places.length) return;
        const at = cursor === null ? (steps > 0 ? -1 : places.length) : nearest(places, cursor);
        cursor = places[Math.min(places.length - 1, Math.max(0, at + steps))];
        draw();
      };
      const at = event => {
        const x = event.clientX - canvas.getBoundingClientRect().left;
        return Math.min(plot.x + plot.width, Math.max(plot.x, x));
      };
      canvas.addEventListener("pointerdown", event => {
        if (event.button !== 0) return;
        drag = { from: at(event) };
        if (event.pointerType !== "touch") canvas.setPointerCapture(event.pointerId);
      });
      canvas.addEventListener("pointermove", event => {
        if (drag && Math.abs(at(event) - drag.from) > 4) drag.to = at(event);
        cursor = snap(fromX(at(event)));
        if (cursor !== null && (cursor < seen[0] || cursor > seen[1])) cursor = null;
        draw();
      });
      canvas.addEventListener("pointerup", () => {
        const done = drag;
        drag = null;
        if (!done || done.to === undefined) return;
        show(fromX(Math.min(done.from, done.to)), fromX(Math.max(done.from, done.to)));
      });
      for (const name of ["pointerleave", "pointercancel"])
        canvas.addEventListener(name, () => { drag = null; cursor = null; draw(); });
      canvas.addEventListener("blur", () => { cursor = null; draw(); });
      canvas.addEventListener("dblclick", () => show(least, most));
      canvas.addEventListener("keydown", event => {
        const acts = { ArrowLeft: () => move(event.shiftKey ? -10 : -1), ArrowRight: () => move(event.shiftKey ? 10 : 1),
          "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "0": () => show(least, most),
          Escape: () => { cursor = null; draw(); } };
        const act = acts[event.key];
        if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault(); event.stopPropagation();
        act();
      });
      return { draw, zoom, reset: () => show(least, most) };
    };

    """#

  /// All charts of a figure, with the legend that switches lines and the buttons.
  private static let start = #"""
    const start = (root, data, dark, description) => {
      const host = root.getRootNode().host.parentNode, shared = { root, hidden: new Set() }, bounded = [];
      const block = (name, text) => { bounded.push(add(root, "div", name, text)); };
      // As many charts side by side as there is room for.
      const layout = () => {
        const outer = (host.clientWidth || 760) - 34;
        const columns = data.panels.length < 2 ? 1 : outer < 640 ? 1 : data.panels.length <= 4 || outer < 860 ? 2 : 3;
        const width = columns === 1 ? Math.min(640, Math.max(280, outer))
          : Math.min(columns === 2 ? 400 : 310, Math.floor((outer - 14 * (columns - 1)) / columns));
        shared.width = width; shared.height = columns === 1 ? 300 : columns === 2 ? 190 : 150;
        grid.style.cssText = "display:grid;gap:8px 14px;align-items:end;max-width:100%;grid-template-columns:repeat(" + columns + "," + width + "px)";
        for (const element of bounded) element.style.maxWidth = width * columns + 14 * (columns - 1) + "px";
      };
      if (data.title) block("title", data.title);
      if (data.note) block("note", data.note);
      const panels = [], entries = [];
      const redraw = () => {
        for (const paint of entries) paint();
        for (const panel of panels) panel.draw();
      };
      if (data.names.length > 1 || data.names[0]) {
        const legend = add(root, "div", "bar");
        legend.style.flexWrap = "wrap"; legend.style.margin = "2px 0 6px"; bounded.push(legend);
        data.names.slice(0, 60).forEach((name, color) => {
          const button = add(legend, "button"), line = add(button, "i");
          add(button, "span", "", name);
          button.type = "button"; button.title = "Show or hide " + name;
          button.style.cssText = "border:none;background:none;text-align:left;overflow-wrap:anywhere;height:auto;min-height:22px";
          button.addEventListener("click", () => {
            if (!shared.hidden.delete(color)) shared.hidden.add(color);
            redraw();
          });
          entries.push(() => {
            const set = dark() ? data.dark : data.light;
            const kind = ["solid", "dashed", "dotted"][Math.floor(color / set.length) % 3];
            line.style.cssText = "display:inline-block;width:22px;margin:0 6px 3px 0;border-top:2px " + kind + " " + set[color % set.length];
            button.style.opacity = shared.hidden.has(color) ? 0.4 : 1;
            button.setAttribute("aria-pressed", String(!shared.hidden.has(color)));
          });
        });
      }
      const grid = add(root, "div");
      for (const panel of data.panels) {
        const place = add(grid, "div");
        if (data.grid) {
          // Names of tensors break where their parts end.
          const heading = add(place, "div");
          for (const part of panel.title.split(/(?<=[\/._])/)) { heading.append(part); add(heading, "wbr"); }
          heading.style.cssText = "font-weight:600;font-size:12px;padding-left:42px;overflow-wrap:anywhere";
        }
        panels.push(linePanel(place, data, panel, shared, dark, description));
      }
      const bar = add(root, "div", "bar");
      const button = (text, name, act) => {
        const element = add(bar, "button", "", text);
        element.type = "button"; element.title = name; element.setAttribute("aria-label", name);
        element.addEventListener("click", act);
      };
      button("+", "Zoom in", () => panels.forEach(panel => panel.zoom(0.5)));
      button("−", "Zoom out", () => panels.forEach(panel => panel.zoom(2)));
      button("⤢", "Show everything", () => panels.forEach(panel => panel.reset()));
      const isLog = data.panels.some(panel => panel.log);
      button(isLog ? "linear" : "log", "Change the vertical scale", event => {
        for (const panel of data.panels) panel.log = !panel.log;
        event.target.textContent = data.panels.some(panel => panel.log) ? "linear" : "log";
        redraw();
      });
      add(bar, "span", "status", "drag to zoom · double-click to reset");
      const odd = oddLegend(root, data.odd, false);
      if (odd) bounded.push(odd);
      if (data.provenance) block("provenance", data.provenance);
      layout();
      redraw();
      let known = host.clientWidth;
      new ResizeObserver(() => {
        if (host.clientWidth === known) return;
        known = host.clientWidth;
        layout(); redraw();
      }).observe(host);
      return redraw;
    };
    """#
}
