import Analysis
import Interpreter

/// What an explorer's user asks: pure values in, the text of a call out.
struct ExplorerState: Sendable, Hashable {
  /// What is looked at.
  enum View: String, Sendable, Hashable, CaseIterable {
    case attention = "attention"
    case values = "value-weighted attention"
    case attribution = "attribution"
    case next = "next tokens"
    case lens = "logit lens"

    /// Whether the view is a map of one layer and head.
    var isMap: Bool { self == .attention || self == .values }
    /// Whether only a model with a head can say it.
    var needsHead: Bool { self != .attention && self != .values }
    /// Whether only a model that says what comes next can say it.
    var needsDecoder: Bool { self == .attribution || self == .next }
  }

  /// What the model offers.
  struct Model: Sendable, Hashable {
    let layers: Int
    let heads: Int
    let isCausal: Bool
    let hasLanguageModelHead: Bool
    /// Whether the text is written as token ids.
    let readsIDs: Bool

    /// The views that the model can show.
    var views: [View] {
      View.allCases.filter {
        (!$0.needsHead || hasLanguageModelHead) && (!$0.needsDecoder || isCausal)
      }
    }
  }

  static let methods = Attribution.Method.allCases.map(\.rawValue)

  let model: Model
  var text: String
  var view = View.attention
  var layer: Int
  /// The head; `nil` for the mean.
  var head: Int?
  var target = ""
  var method = Attribution.Method.integratedGradients.rawValue
  /// Likely next tokens, as targets to choose from.
  var suggestions: [String] = []

  init(model: Model, text: String) {
    self.model = model
    self.text = text
    layer = max(0, model.layers - 1)
  }

  /// The controls with the present values.
  var controls: [PanelControl] {
    [
      PanelControl(
        "text", label: model.readsIDs ? "Token ids" : "Text",
        .text(
          text, suggestions: nil,
          placeholder: model.readsIDs ? "Numbers, such as 12, 7, 310" : "Write a text")),
      PanelControl(
        "view", label: "View",
        .menu(model.views.map(\.rawValue), index: model.views.firstIndex(of: view) ?? 0)),
      PanelControl(
        "layer", label: "Layer", .slider((0..<model.layers).map { "\($0)" }, index: layer),
        isShown: view.isMap),
      PanelControl(
        "head", label: "Head",
        .slider(["mean"] + (0..<model.heads).map { "\($0)" }, index: head.map { $0 + 1 } ?? 0),
        isShown: view.isMap),
      PanelControl(
        "target", label: "Target",
        .text(target, suggestions: suggestions, placeholder: "the likeliest next token"),
        isShown: view == .attribution),
      PanelControl(
        "method", label: "Method",
        .menu(Self.methods, index: Self.methods.firstIndex(of: method) ?? 0),
        isShown: view == .attribution),
    ]
  }

  /// Sets a control; what makes no sense is ignored.
  mutating func set(_ identifier: String, to input: PanelInput) {
    switch (identifier, input) {
    case ("text", .text(let new)): text = new
    case ("target", .text(let new)): target = new
    case ("view", .index(let index)) where model.views.indices.contains(index):
      view = model.views[index]
    case ("layer", .index(let index)) where (0..<model.layers).contains(index): layer = index
    case ("head", .index(let index)) where (0...model.heads).contains(index):
      head = index == 0 ? nil : index - 1
    case ("method", .index(let index)) where Self.methods.indices.contains(index):
      method = Self.methods[index]
    default: break
    }
  }

  /// The call of the language that answers the question.
  ///
  /// - Parameter using: the name by which the call names the model; `nil` for the current one.
  /// - Throws: `FunctionError` where there is no text to look at.
  func call(using: String?) throws -> String {
    var arguments = [try input]
    let function: String
    switch view {
    case .attention, .values:
      function = "attention"
      arguments.append("layer: \(layer)")
      if let head { arguments.append("head: \(head)") }
      if view == .values { arguments.append("kind: \"values\"") }
    case .attribution:
      function = "attribute"
      if !target.isEmpty { arguments.append("target: \(Self.literal(target))") }
      arguments.append("method: \"\(method)\"")
    case .next:
      function = "next"
      arguments.append("top: 20")
    case .lens: function = "lens"
    }
    if let using { arguments.append("using: \(using)") }
    return "\(function)(\(arguments.joined(separator: ", ")))"
  }

  /// The call of the language that shows the maps of all layers and heads.
  ///
  /// - Throws: `FunctionError` where there is no text to look at.
  func mapsCall() throws -> String {
    "attention(\(try input), layer: all, head: all\(view == .values ? ", kind: \"values\"" : ""))"
  }

  /// The text or the ids as an argument.
  private var input: String {
    get throws {
      guard text.contains(where: { !$0.isWhitespace }) else {
        throw FunctionError(
          model.readsIDs ? "There are no token ids yet." : "There is no text yet.",
          hint: "Write one above.", code: "missing-argument")
      }
      guard model.readsIDs else { return Self.literal(text) }
      let parts = text.split { $0 == "," || $0 == "，" || $0.isWhitespace }
      let ids = parts.compactMap { Int($0) }
      guard ids.count == parts.count else {
        let wrong = parts.first { Int($0) == nil } ?? ""
        throw FunctionError(
          "\(Value.text(String(wrong)).description) is no token id.",
          hint: "This model comes without a tokenizer: write whole numbers.", code: "wrong-value")
      }
      return "ids: \(ids)"
    }
  }

  /// A text as the language writes it.
  static func literal(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": literal += "\\\""
      case "\\": literal += "\\\\"
      case "\n": literal += "\\n"
      case "\r": literal += "\\r"
      case "\t": literal += "\\t"
      case "\0"..."\u{1F}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        literal += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
      default: literal.unicodeScalars.append(scalar)
      }
    }
    return literal + "\""
  }
}
