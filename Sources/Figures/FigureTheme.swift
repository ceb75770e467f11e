/// Whether a picture is drawn for a light or a dark page.
public enum FigureTheme: String, Sendable, Hashable, CaseIterable {
  /// Follows the viewer: light, unless the page asks for dark.
  case automatic
  /// Dark ink on white, as for print.
  case light
  /// Light ink on near black.
  case dark
}

/// The colours and faces that all figures share.
///
/// The background is painted and flips together with the ink: a viewer whose page doesn't match the
/// scheme it asks for still gets a readable picture.
enum Style {
  /// Sans-serif faces, Latin first, then the CJK faces of the common systems.
  static let sans =
    "'Helvetica Neue',Helvetica,Arial,'Liberation Sans','Noto Sans','PingFang SC',"
    + "'Hiragino Sans GB','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC',"
    + "'WenQuanYi Micro Hei','DejaVu Sans','Apple Color Emoji','Segoe UI Emoji','Noto Color Emoji',"
    + "sans-serif"

  /// Monospaced faces, Latin first, then CJK.
  static let mono =
    "ui-monospace,'SF Mono',Menlo,Consolas,'Liberation Mono','DejaVu Sans Mono',"
    + "'Noto Sans Mono CJK SC','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',monospace"

  /// The colour of one role on a light and on a dark page.
  struct Role {
    let name: String
    let light: String
    let dark: String
    let isStroke: Bool
  }

  /// `bg` page, `t` ink, `m` muted ink, `f` frame, `g` grid line, `p` panel, `a` accent, `b` second
  /// accent, `h` hatching, `n` ground of what has no number, `k` line in ink.
  static let roles = [
    Role(name: "bg", light: "#ffffff", dark: "#111111", isStroke: false),
    Role(name: "t", light: "#1b1f24", dark: "#e8eaed", isStroke: false),
    Role(name: "m", light: "#5b636d", dark: "#a3abb5", isStroke: false),
    Role(name: "f", light: "#9aa2ab", dark: "#5f6770", isStroke: true),
    Role(name: "g", light: "#e3e6ea", dark: "#2c3138", isStroke: true),
    Role(name: "p", light: "#f2f4f6", dark: "#1e2227", isStroke: false),
    Role(name: "a", light: "#2f6bb3", dark: "#6ea8e8", isStroke: false),
    Role(name: "b", light: "#c2571a", dark: "#f0975a", isStroke: false),
    Role(name: "c", light: "#d5e3f3", dark: "#1f3a57", isStroke: false),
    Role(name: "d", light: "#f8e4d4", dark: "#4f301b", isStroke: false),
    Role(name: "h", light: "#5b636d", dark: "#a3abb5", isStroke: true),
    Role(name: "n", light: "#8a929c", dark: "#8a929c", isStroke: false),
    Role(name: "k", light: "#1b1f24", dark: "#e8eaed", isStroke: true),
  ]

  /// The style sheet of a picture.
  static func sheet(_ theme: FigureTheme) -> String {
    let base =
      "text{font-family:\(sans);unicode-bidi:plaintext;white-space:pre}"
      + ".mono,.mono text{font-family:\(mono)}.e{text-anchor:end}.c0{text-anchor:middle}"
      + ".w{font-weight:600}.z{fill:none}.crisp{shape-rendering:crispEdges}"
      + ".px{image-rendering:pixelated}"
    switch theme {
    case .light: return ":root{color-scheme:light}" + base + rules(dark: false)
    case .dark: return ":root{color-scheme:dark}" + base + rules(dark: true)
    case .automatic:
      return ":root{color-scheme:light dark}" + base + rules(dark: false)
        + "@media (prefers-color-scheme:dark){" + rules(dark: true) + "}"
    }
  }

  private static func rules(dark: Bool) -> String {
    roles.map { role in
      let colour = dark ? role.dark : role.light
      return role.isStroke
        ? ".\(role.name){stroke:\(colour);fill:none}" : ".\(role.name){fill:\(colour)}"
    }.joined()
  }
}
