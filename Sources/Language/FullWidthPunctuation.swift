/// The characters that Chinese and Japanese input methods type in place of ASCII ones.
enum FullWidthPunctuation {
  /// The ASCII spelling that was meant, or `nil` for any other character.
  static func meant(by scalar: Unicode.Scalar) -> String? {
    switch scalar {
    case "（", "﹙", "❨": "("
    case "）", "﹚", "❩": ")"
    case "［", "【", "〔": "["
    case "］", "】", "〕": "]"
    case "｛", "﹛": "{"
    case "｝", "﹜": "}"
    case "，", "、", "﹐", "､": ","
    case "：", "﹕", "∶": ":"
    case "；", "﹔": ";"
    case "。", "．", "﹒", "｡": "."
    case "＝", "﹦": "="
    case "＋", "﹢": "+"
    case "－", "−", "–", "—", "﹣": "-"
    case "＊", "×", "﹡", "∗": "*"
    case "／", "÷", "∕": "/"
    case "％", "﹪": "%"
    case "＾": "^"
    case "＜", "﹤", "〈": "<"
    case "＞", "﹥", "〉": ">"
    case "≤", "≦": "<="
    case "≥", "≧": ">="
    case "≠": "!="
    case "→": "->"
    case "…", "⋯": "..."
    case "？", "﹖": "?"
    case "！", "﹗": "!"
    case "＃", "﹟": "#"
    case "“", "”", "„", "＂", "「", "」", "『", "』": "\""
    case "‘", "’", "＇": "'"
    case "｜": "|"
    case "０"..."９": String(UnicodeScalar(UInt8(truncatingIfNeeded: scalar.value - 0xFF10 + 0x30)))
    default: nil
    }
  }

  /// Whether the character can close a text that a typographic quote opened.
  static func closesText(_ scalar: Unicode.Scalar, openedBy opener: Unicode.Scalar) -> Bool {
    switch opener {
    case "“", "”", "„": scalar == "”" || scalar == "“" || scalar == "\""
    case "＂": scalar == "＂" || scalar == "\""
    case "「": scalar == "」"
    case "『": scalar == "』"
    case "‘", "’": scalar == "’" || scalar == "'"
    case "＇": scalar == "＇" || scalar == "'"
    default: scalar == opener
    }
  }
}
