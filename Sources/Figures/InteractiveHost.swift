/// The script that all interactive views share: finding the hosts, the shadow root, the theme.
enum InteractiveHost {
  /// The whole script of one bundle.
  ///
  /// Viewers move scripts around, so hosts are found by class, never by the script's own place; a
  /// host that is already live is left alone, so running the script again changes nothing.
  static func script(name: String, view: String) -> String {
    "(() => {\n\"use strict\";\n\(view)\n\(shared)\nattach(\"\(name)\", start);\n})();\n"
  }

  private static let shared = """
    // The theme that the page really shows: Jupyter's own word for it, else the colour behind us.
    const isDark = element => {
      const said = document.body.getAttribute("data-jp-theme-light");
      if (said) return said === "false";
      for (let at = element; at; at = at.parentElement || (at.getRootNode() || {}).host) {
        const parts = (getComputedStyle(at).backgroundColor.match(/[\\d.]+/g) || []).map(Number);
        if (parts.length >= 3 && (parts.length < 4 || parts[3] > 0.5))
          return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] < 110;
      }
      return getComputedStyle(document.documentElement).colorScheme.includes("dark")
        && matchMedia("(prefers-color-scheme: dark)").matches;
    };
    const attach = (name, start) => {
      for (const host of document.querySelectorAll("." + name + ":not([data-live])")) {
        const image = host.querySelector("img");
        const store = host.querySelector('script[type="application/json"]');
        if (!image || !store) continue;
        host.setAttribute("data-live", "1");
        const mount = document.createElement("div");
        mount.setAttribute("data-lm-suppress-shortcuts", "true");
        host.insertBefore(mount, image);
        try {
          const root = mount.attachShadow({ mode: "open" });
          const sheet = document.createElement("style");
          sheet.textContent = STYLE;
          const box = document.createElement("div");
          root.append(sheet, box);
          let dark = isDark(host);
          box.className = dark ? "dark" : "";
          const redraw = start(box, JSON.parse(store.textContent), () => dark, image.alt);
          const follow = () => {
            const now = isDark(host);
            if (now === dark) return;
            dark = now;
            box.className = dark ? "dark" : "";
            redraw();
          };
          new MutationObserver(follow).observe(document.body, { attributes: true });
          new MutationObserver(follow).observe(document.documentElement, { attributes: true });
          matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
          const showPicture = print => {
            image.style.display = print ? "" : "none";
            mount.style.display = print ? "none" : "";
          };
          addEventListener("beforeprint", () => showPicture(true));
          addEventListener("afterprint", () => showPicture(false));
          showPicture(false);
        } catch (problem) {
          mount.remove();
          image.style.display = "";
          console.warn("vitrine: the interactive view did not start", problem);
        }
      }
    };
    const STYLE = `
      div { box-sizing: border-box }
      :host > div { --bg: #fff; --ink: #1b1f24; --muted: #5b636d; --line: #9aa2ab; --panel: #f2f4f6;
        --accent: #2f6bb3; background: var(--bg); color: var(--ink); position: relative;
        padding: 14px 16px 10px; max-width: 100%; width: fit-content;
        font: 13px/1.4 \(Style.sans) }
      :host > div.dark { --bg: #111; --ink: #e8eaed; --muted: #a3abb5; --line: #5f6770;
        --panel: #1e2227; --accent: #6ea8e8 }
      .title { font-size: 15px; font-weight: 600; line-height: 1.27; margin-bottom: 3px;
        overflow-wrap: anywhere }
      .note { color: var(--muted); font-size: 11px; margin-bottom: 4px }
      .stage { position: relative; max-width: 100% }
      canvas { display: block; outline-offset: 2px; max-width: none; touch-action: pan-y }
      canvas:focus-visible { outline: 2px solid var(--accent) }
      .bar { display: flex; gap: 4px; align-items: center; margin-top: 6px; min-height: 26px }
      button { font: inherit; line-height: 1; min-width: 26px; height: 24px; padding: 0 7px;
        color: var(--ink); background: var(--panel); border: 1px solid var(--line);
        border-radius: 4px; cursor: pointer }
      button:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
      button:disabled { opacity: .4; cursor: default }
      .status { color: var(--muted); font-size: 12px; line-height: 1.45; margin-left: 6px; flex: 1; min-width: 0;
        display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden }
      button[aria-pressed="true"] { border-color: var(--accent) }
      input { font: inherit; height: 24px; width: 128px; min-width: 0; padding: 0 7px; color: var(--ink);
        background: var(--bg); border: 1px solid var(--line); border-radius: 4px }
      input:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
      .legend { display: flex; flex-wrap: wrap; gap: 4px 6px; align-items: center; margin-top: 6px;
        font-size: 12px }
      .legend i { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 5px }
      .legend .ramp { width: 160px; height: 10px; border-radius: 2px; margin: 0 }
      .odd { gap: 4px 16px; color: var(--muted); font-size: 11px }
      .odd .entry { display: inline-flex; align-items: center; gap: 6px }
      .odd i { width: 13px; height: 13px; border-radius: 0; margin: 0; font-style: normal; font-size: 8px;
        line-height: 13px; text-align: center; color: var(--ink); background: rgba(138,146,156,.43) }
      .odd i.cell.none { background: repeating-linear-gradient(135deg, transparent 0 3.5px, var(--muted) 3.5px 4.5px),
        rgba(138,146,156,.43) }
      .odd i.sign { background: none; font-size: 12px }
      .key { display: inline-flex; align-items: center; background: none; border-color: transparent !important;
        max-width: 220px; overflow: hidden; white-space: nowrap }
      .key[aria-pressed="false"] { opacity: .4; text-decoration: line-through }
      .tip { position: absolute; z-index: 2; pointer-events: none; width: max-content; max-width: 340px; display: none;
        padding: 6px 9px; border-radius: 5px; font-size: 12px; line-height: 1.45;
        background: var(--ink); color: var(--bg); box-shadow: 0 2px 8px rgba(0,0,0,.25);
        overflow-wrap: anywhere }
      .tip b { font-weight: 600; font-variant-numeric: tabular-nums }
      .tip span { opacity: .72 }
      .tip small { display: block; font-size: 11px; opacity: .72 }
      .tip .pair { display: grid; grid-template-columns: repeat(2, minmax(0, max-content)); gap: 0 18px }
      .provenance { color: var(--muted); font-size: 10px; margin-top: 6px; overflow-wrap: anywhere }
      .chips { display: flex; flex-wrap: wrap; gap: 8px 3px; max-width: 860px }
      .chip { display: inline-flex; flex-direction: column; align-items: center; cursor: default;
        border-radius: 4px; outline-offset: 1px }
      .chip:focus-visible { outline: 2px solid var(--accent) }
    `;
    // A number's text as people read it: with the minus sign before it and in its exponent.
    const minus = text => text.replace(/-(?=[\\d.∞])/g, "−").replace("e+", "e");
    const numberText = (value, digits = 4) => Number.isNaN(value) ? "no number (NaN)"
      : !Number.isFinite(value) ? minus(value > 0 ? "∞" : "-∞")
      : minus(value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e7)
        ? value.toExponential(Math.max(1, digits - 2)) : String(+value.toPrecision(digits)));
    // A number of an axis, with as many decimals as its neighbours.
    const tickText = (value, decimals) => minus(value.toFixed(decimals).replace(/^-(0\\.?0*)$/, "$1"));
    // Says which marks stand for what isn't a number, and how many there are.
    const oddLegend = (root, counts, isMap) => {
      if (!counts || !counts.some(count => count)) return null;
      const legend = add(root, "div", "legend odd");
      counts.forEach((count, kind) => {
        if (!count) return;
        const entry = add(legend, "span", "entry"), name = ["no number (NaN)", "∞", "−∞"][kind];
        add(entry, "i", (isMap ? "cell" : "sign") + (kind ? "" : " none"), (isMap ? ["", "▲", "▼"] : ["✕", "△", "▽"])[kind]);
        add(entry, "span", "", name + ": " + count.toLocaleString("en"));
      });
      return legend;
    };
    // Puts a hint beside a box of its stage, beneath it ("under") or level with it ("side"): never out of the
    // figure, which the page may cut off, and not on the box where there is room elsewhere.
    const placeTip = (tip, [left, top, right, bottom], mode = "corner", gap = 14) => {
      const frame = tip.parentNode.getBoundingClientRect(), box = tip.getRootNode().lastElementChild.getBoundingClientRect();
      const [west, north, east, south] = [box.left - frame.left + 4, box.top - frame.top + 4,
        box.right - frame.left - 4, box.bottom - frame.top - 4];
      tip.style.maxWidth = Math.min(340, east - west) + "px";
      const width = tip.offsetWidth, height = tip.offsetHeight;
      const x = mode === "under" ? left : right + gap + width <= east ? right + gap : left - gap - width;
      const y = mode === "side" ? (top + bottom - height) / 2 : bottom + gap + height <= south ? bottom + gap : top - gap - height;
      tip.style.left = Math.max(west, Math.min(x, east - width)) + "px";
      tip.style.top = Math.max(north, Math.min(y, south - height)) + "px";
    };
    // Adds facts to a hint, a line for each.
    const addFacts = (parent, text) => {
      for (const fact of text ? text.split(" · ") : []) add(add(parent, "small"), "bdi", "", fact);
    };
    // Adds an element with a class and a text; text is only ever set as text.
    const add = (parent, tag, name, text) => {
      const element = document.createElement(tag);
      if (name) element.className = name;
      if (text) element.textContent = text;
      parent.append(element);
      return element;
    };
    """
}
