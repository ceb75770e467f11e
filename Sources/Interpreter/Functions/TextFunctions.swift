import Tensors

extension Catalogue {
  private static let text = ParameterDefinition("text", .text, "The text.")

  static let textFunctions: [FunctionDefinition] = [
    FunctionDefinition(
      "join", group: "Texts", summary: "The elements as one text.",
      parameters: [
        ParameterDefinition("items", .sequence, "A list of texts or other values."),
        ParameterDefinition(
          "separator", .text, default: .text(""), "What stands between two of them."),
      ],
      result: "a Text", examples: [Example("join([\"a\", \"b\", 3], \", \")", gives: "\"a, b, 3\"")]
    ) { arguments, context in
      let separator = try arguments.text("separator")
      var result = ""
      for (index, element) in try elements(arguments, context).enumerated() {
        try context.cancellation.check()
        if index > 0 { result += separator }
        result += element.printed
        try ExecutionContext.checkTextLength(result.utf8.count)
      }
      return .text(result)
    },
    FunctionDefinition(
      "split", group: "Texts", summary: "The parts of a text between separators.",
      parameters: [
        text,
        ParameterDefinition(
          "separator", .optional(.text),
          "What stands between two parts; none takes any run of spaces and line ends."),
      ],
      result: "a List of texts",
      examples: [
        Example("split(\"a b  c\")", gives: "[\"a\", \"b\", \"c\"]"),
        Example("split(\"a,,b\", \",\")", gives: "[\"a\", \"\", \"b\"]"),
      ]
    ) { arguments, context in
      let text = try arguments.text("text")
      guard let separator = try arguments.optionalText("separator") else {
        return .texts(text.split(whereSeparator: \.isWhitespace).map(String.init))
      }
      guard !separator.isEmpty else {
        throw ArgumentError(
          "separator", "An empty separator splits nothing.", hint: "The characters are list(text).")
      }
      return .texts(try TextSearch.split(text, separator, context.cancellation))
    },
    FunctionDefinition(
      "replace", group: "Texts", summary: "The text with each occurrence of a part replaced.",
      parameters: [
        text, ParameterDefinition("old", .text, "The part to look for, not empty."),
        ParameterDefinition("new", .text, "What stands in its place."),
      ],
      result: "a Text",
      examples: [Example("replace(\"good day\", \"good\", \"bad\")", gives: "\"bad day\"")]
    ) { arguments, context in
      let old = try arguments.text("old")
      guard !old.isEmpty else { throw ArgumentError("old", "An empty part occurs everywhere.") }
      let parts = try TextSearch.split(
        try arguments.text("text"), old, context.cancellation)
      let new = try arguments.text("new")
      try ExecutionContext.checkTextLength(parts.reduce(0) { $0 + $1.utf8.count + new.utf8.count })
      return .text(parts.joined(separator: new))
    },
    change("lower", "The text in lower case.", "lower(\"Ab\")", "\"ab\"") { $0.lowercased() },
    change("upper", "The text in upper case.", "upper(\"Ab\")", "\"AB\"") { $0.uppercased() },
    change(
      "strip", "The text without spaces and line ends around it.", "strip(\" a \\n\")", "\"a\""
    ) { text in
      let start = text.drop(while: \.isWhitespace)
      return String(start.reversed().drop(while: \.isWhitespace).reversed())
    },
    test("contains", "Whether a part occurs in the text.", "contains(\"高血压\", \"血\")", "true") {
      TextSearch.contains($0, $1)
    },
    test(
      "startswith", "Whether the text begins with a part.", "startswith(\"layer 3\", \"layer\")",
      "true"
    ) { $0.utf8.starts(with: $1.utf8) },
    test("endswith", "Whether the text ends with a part.", "endswith(\"a.csv\", \".csv\")", "true")
    { $0.utf8.reversed().starts(with: $1.utf8.reversed()) },
  ]

  private static func change(
    _ name: String, _ summary: String, _ example: String, _ result: String,
    _ function: @escaping @Sendable (String) -> String
  ) -> FunctionDefinition {
    FunctionDefinition(
      name, group: "Texts", summary: summary, parameters: [text], result: "a Text",
      examples: [Example(example, gives: result)]
    ) { arguments in .text(function(try arguments.text("text"))) }
  }

  private static func test(
    _ name: String, _ summary: String, _ example: String, _ result: String,
    _ function: @escaping @Sendable (String, String) -> Bool
  ) -> FunctionDefinition {
    FunctionDefinition(
      name, group: "Texts", summary: summary,
      parameters: [text, ParameterDefinition("part", .text, "What to look for.")],
      result: "true or false", examples: [Example(example, gives: result)]
    ) { arguments in
      .bool(function(try arguments.text("text"), try arguments.text("part")))
    }
  }
}

/// Searches in texts, byte by byte, so that a part is found exactly as it is written.
enum TextSearch {
  /// Whether a part occurs; an empty one does everywhere.
  static func contains(_ text: String, _ part: String) -> Bool {
    if part.isEmpty { return true }
    let wanted = Array(part.utf8)
    return first(wanted, fallback(wanted), in: Array(text.utf8), from: 0) != nil
  }

  /// The parts between the occurrences of a separator that isn't empty.
  static func split(
    _ text: String, _ separator: String, _ cancellation: Cancellation
  ) throws -> [String] {
    let bytes = Array(text.utf8)
    let wanted = Array(separator.utf8)
    var parts: [String] = []
    var start = 0
    let fallback = fallback(wanted)
    while let place = first(wanted, fallback, in: bytes, from: start) {
      try cancellation.check()
      parts.append(String(decoding: bytes[start..<place], as: UTF8.self))
      start = place + wanted.count
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }

  /// How much of a part is still matched after each of its bytes has failed to match.
  private static func fallback(_ part: [UInt8]) -> [Int] {
    var fallback = [Int](repeating: 0, count: part.count)
    var matched = 0
    for index in part.indices.dropFirst() {
      while matched > 0, part[index] != part[matched] { matched = fallback[matched - 1] }
      if part[index] == part[matched] { matched += 1 }
      fallback[index] = matched
    }
    return fallback
  }

  /// Where a part begins first, found in linear time (Knuth, Morris and Pratt 1977).
  private static func first(
    _ part: [UInt8], _ fallback: [Int], in text: [UInt8], from start: Int
  ) -> Int? {
    guard part.count <= text.count - start else { return nil }
    var matched = 0
    for index in start..<text.count {
      while matched > 0, text[index] != part[matched] { matched = fallback[matched - 1] }
      if text[index] == part[matched] { matched += 1 }
      if matched == part.count { return index - part.count + 1 }
    }
    return nil
  }
}
