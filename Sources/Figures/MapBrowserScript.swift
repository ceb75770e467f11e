/// The scripts of a browser of maps.
enum MapBrowserScript {
  /// Two sliders above one map.
  static let start = #"""

    const start = (root, data, dark, description) => {
      const title = add(root, "div", "title", data.title);
      if (data.note) add(root, "div", "note", data.note);
      const bar = add(root, "div", "bar");
      bar.style.marginBottom = "6px";
      bar.style.flexWrap = "wrap";
      const slider = (word, names, value) => {
        const label = add(bar, "label", "", word + " "), input = add(label, "input"), said = add(label, "b");
        label.style.marginRight = "14px"; label.style.display = "inline-flex"; label.style.gap = "6px";
        label.style.alignItems = "center";
        input.type = "range"; input.min = 0; input.max = names.length - 1; input.step = 1;
        input.value = value; input.style.padding = 0; input.disabled = names.length < 2;
        input.setAttribute("aria-label", word);
        said.style.minWidth = "3em";
        const tell = () => {
          said.textContent = names[input.value];
          input.setAttribute("aria-valuetext", word + " " + names[input.value]);
        };
        tell();
        input.addEventListener("input", () => { tell(); show(); });
        // The arrow keys belong to the slider, not to the notebook.
        input.addEventListener("keydown", event => event.stopPropagation());
        return input;
      };
      const across = data.heads.length;
      const box = add(root, "div");
      if (data.provenance) add(root, "div", "provenance", data.provenance);
      let view = null;
      const show = () => {
        const index = Number(layer.value) * across + Number(head.value);
        title.textContent = data.title + " · " + data.names[index];
        if (view) view.stop();
        box.replaceChildren();
        view = mapView(box, data, decodeMap(data, data.maps[index]), dark, title.textContent + ".");
      };
      const layer = slider("layer", data.layers, Math.floor(data.start / across));
      const head = slider("head", data.heads, data.start % across);
      show();
      return () => view.draw();
    };
    """#

  /// Hides what a notebook keeps while live controls beside it show the same.
  ///
  /// Controls are live when they were made just now, or once the kernel says so; those that a front end
  /// only remembers are not, and neither is the message that stands in their place.
  static func hiding(_ name: String) -> String {
    """
    (() => {
    "use strict";
    for (const kept of document.querySelectorAll(".\(name):not([data-watched])")) {
      kept.setAttribute("data-watched", "1");
      const area = kept.closest(".jp-OutputArea");
      if (!area) continue;
      const isLive = panel => panel.classList.contains("vitrine-live")
        || [...panel.classList].some(each => {
          const made = each.match(/^vitrine-since-(\\d+)$/);
          return made && Math.abs(Date.now() / 1000 - Number(made[1])) < 60;
        });
      let live = false;
      const look = () => {
        if (!kept.isConnected) { watcher.disconnect(); return; }
        const panel = area.querySelector(".vitrine-panel");
        live = live && panel !== null || panel !== null && isLive(panel);
        const shown = live ? "none" : "";
        if (kept.style.display !== shown) kept.style.display = shown;
        for (const each of area.querySelectorAll(".jupyter-widgets"))
          if (each.textContent.startsWith("Error displaying widget")) {
            const output = each.closest(".jp-OutputArea-child");
            if (output && !output.contains(kept)) output.style.display = "none";
          }
      };
      const watcher = new MutationObserver(look);
      watcher.observe(area, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
      look();
    }
    })();

    """
  }
}
