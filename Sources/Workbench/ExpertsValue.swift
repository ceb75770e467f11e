import Analysis
import DataFormats
import Figures
import Interpreter
import Models
import Tensors

/// Which experts the tokens of a text use.
final class ExpertsValue: ObjectValue {
  private let uses: [ExpertUse]
  private let owner: TraceValue
  private let call: String

  init(_ uses: [ExpertUse], of owner: TraceValue, call: String) {
    self.uses = uses
    self.owner = owner
    self.call = call
  }

  var typeName: String { "Experts" }

  var summary: String {
    let words = uses.prefix(4).map { use in
      let load = use.load
      let busiest = load.indices.max { (load[$0], -$0) < (load[$1], -$1) } ?? 0
      return
        "layer \(use.layer): expert \(busiest) has \(NumberText.short(load[busiest], 2)) × an even share"
    }
    return "\(uses.first?.weights.shape[1] ?? 0) experts in \(uses.count) layers; "
      + words.joined(separator: ", ")
  }

  private static let fields: [(name: String, summary: String)] = [
    (
      "weights",
      "by what each expert's output is multiplied, 0 where it isn't chosen: [layers, tokens, experts]"
    ),
    ("choices", "the chosen experts, the most wanted first: [layers][tokens][chosen]"),
    ("scores", "how well each expert suits each token: [layers, tokens, experts]"),
    ("groups", "the groups that tokens chose from: [layers][tokens], or none"),
    ("corrections", "what is added to scores for the choice: [layers, experts], or none"),
    ("corrected", "the experts chosen only because of corrections: [layers][tokens], or none"),
    ("load", "each expert's share of all choices, 1 being even: [layers, experts]"),
    ("layers", "the layers"),
    ("table", "one row for each layer, token and chosen expert"),
    ("trace", "the trace"),
  ]

  var fieldNames: [String] { Self.fields.map(\.name) }

  func fieldSummary(_ name: String) -> String? { Self.fields.first { $0.name == name }?.summary }

  private static func nested(_ lists: [[[Int]]]) -> Value {
    .list(lists.map { .list($0.map { .list($0.map { .integer($0) }) }) })
  }

  private func stacked(_ tensors: [Tensor]) -> Value {
    .tensor(
      Tensor(shape: [tensors.count] + (tensors.first?.shape ?? []), tensors.flatMap(\.floats)))
  }

  func field(_ name: String) throws -> Value? {
    switch name {
    case "weights": stacked(uses.map(\.weights))
    case "choices": Self.nested(uses.map(\.choices))
    case "scores": stacked(uses.map(\.scores))
    case "groups": uses[0].groups == nil ? Value.none : Self.nested(uses.map { $0.groups ?? [] })
    case "corrections":
      uses.allSatisfy { $0.router.correction == nil }
        ? Value.none
        : stacked(
          uses.map { use in
            let none = [Float](repeating: 0, count: use.weights.shape[1])
            let numbers = use.router.correction ?? none
            return Tensor(shape: [numbers.count], numbers)
          })
    case "corrected":
      uses.allSatisfy { $0.corrected == nil }
        ? Value.none
        : Self.nested(uses.map { $0.corrected ?? $0.choices.map { _ in [] } })
    case "load":
      stacked(uses.map { Tensor(shape: [$0.load.count], $0.load.map { Float($0) }) })
    case "layers": .list(uses.map { .integer($0.layer) })
    case "table": try asTable().map { .table($0) }
    case "trace": .object(owner)
    default: nil
    }
  }

  func asTensor() throws -> Value? { stacked(uses.map(\.weights)) }

  func asTable() throws -> Table? {
    Table(
      records: uses.flatMap { use in
        use.choices.enumerated().flatMap { token, chosen in
          chosen.map { expert in
            Record([
              ("layer", .integer(use.layer)), ("position", .integer(token)),
              ("token", .text(TokenLabels.text(owner.trace.tokens[token]))),
              ("expert", .integer(expert)),
              ("weight", .number(Double(use.weights.row(token)[expert]))),
              ("score", .number(Double(use.scores.row(token)[expert]))),
              ("by_correction", .bool(use.corrected?[token].contains(expert) ?? false)),
            ])
          }
        }
      })
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    let figures = uses.count == 1 ? oneLayer(uses[0]) : severalLayers
    return GroupFigure(figures: figures, provenance: provenance)
  }

  /// How the router chooses, in a sentence.
  private func rule(_ use: ExpertUse) -> String {
    let byTable = uses.filter(\.router.isFixed).map { "\($0.layer)" }
    let router = uses.first { !$0.router.isFixed }?.router ?? use.router
    let chosen = use.choices.first?.count ?? 0
    let served = uses.map { NumberText.short($0.effectiveCount, 3) }.joined(separator: ", ")
    return "each token uses \(chosen) of \(use.weights.shape[1])"
      + (use.groups == nil
        ? "" : " from the best \(router.keptGroupCount) of \(router.groupCount) groups")
      + (router.isFixed
        ? ", by the token alone, weighted" : ",") + " by \(router.scoring) scores"
      + (router.correction == nil ? "" : " with corrections")
      + (byTable.isEmpty || router.isFixed
        ? ""
        : ", in layer\(byTable.count == 1 ? "" : "s") \(byTable.joined(separator: ", ")) by the token alone")
      + "; as uneven as \(served) experts evenly used"
  }

  private func correctedSentence(_ uses: [ExpertUse]) -> String {
    let uses = uses.filter { $0.corrected != nil }
    guard !uses.isEmpty else { return "" }
    let changed = uses.reduce(0) { $0 + ($1.corrected ?? []).reduce(0) { $0 + $1.count } }
    let all = uses.reduce(0) { $0 + $1.choices.reduce(0) { $0 + $1.count } }
    return "\(changed) of \(all) choices were made by the corrections"
  }

  private func tokenLabels(_ use: ExpertUse?) -> [TokenLabel] {
    owner.trace.tokens.enumerated().map { token, own in
      var label = TokenLabels.label(own)
      guard let use else { return label }
      var details = [label.detail].compactMap(\.self)
      details.append("experts " + use.choices[token].map(String.init).joined(separator: ", "))
      if let groups = use.groups {
        details.append("from groups " + groups[token].map(String.init).joined(separator: ", "))
      }
      if let corrected = use.corrected?[token], !corrected.isEmpty {
        details.append("by correction " + corrected.map(String.init).joined(separator: ", "))
      }
      label.detail = details.joined(separator: " · ")
      return label
    }
  }

  private func expertLabels(_ use: ExpertUse?) -> [TokenLabel] {
    let router = uses[0].router
    let count = uses[0].weights.shape[1]
    return (0..<count).map { expert in
      var details = ["expert \(expert)"]
      if router.groupCount > 1 { details.append("group \(expert / (count / router.groupCount))") }
      if let use {
        details.append("\(NumberText.short(use.load[expert], 3)) × an even share")
        if let correction = use.router.correction?[expert] {
          details.append("correction \(NumberText.short(Double(correction), 3))")
        }
      }
      return TokenLabel("\(expert)", detail: details.joined(separator: " · "))
    }
  }

  private func matrix(_ tensor: Tensor) -> Matrix {
    Matrix(rows: tensor.shape[0], columns: tensor.shape[1], values: tensor.floats)
  }

  /// Weights, groups, and the loads as bars.
  private func oneLayer(_ use: ExpertUse) -> [any Figure] {
    var figures: [any Figure] = [
      Heatmap(
        title: "Experts · \(owner.model.model.name) · layer \(use.layer)",
        values: matrix(use.weights), rowLabels: tokenLabels(use), columnLabels: expertLabels(use),
        rowTitle: "token", columnTitle: "expert", valueTitle: "weight", note: rule(use))
    ]
    if let groups = use.groups, let worths = use.groupWorths {
      var values = [Float](repeating: .nan, count: worths.count)
      for (token, kept) in groups.enumerated() {
        for group in kept {
          values[token * worths.shape[1] + group] = worths.row(token)[group]
        }
      }
      figures.append(
        Heatmap(
          title: "Groups",
          values: Matrix(rows: worths.shape[0], columns: worths.shape[1], values: values),
          rowLabels: tokenLabels(use),
          columnLabels: (0..<worths.shape[1]).map {
            TokenLabel("\($0)", detail: "group \($0)")
          }, rowTitle: "token", columnTitle: "group", valueTitle: "worth",
          note:
            "what the groups that a token chose from are worth to it; those without a colour were left out"
        ))
    }
    let load = use.load
    let counts = use.counts
    figures.append(
      BarChart(
        title: "Load",
        items: load.indices.map { expert in
          let correction = use.router.correction.map {
            "correction \($0[expert] < 0 ? "-" : "+")"
              + NumberText.short(Double(abs($0[expert])), 2)
          }
          return BarChart.Item(
            TokenLabel("expert \(expert)", detail: "\(counts[expert]) tokens"), load[expert],
            remark: correction ?? "")
        },
        note: "share of all choices, 1 is even"
          + (use.corrected == nil ? "" : "; \(correctedSentence([use]))"),
        labelTitle: "expert", valueTitle: "load"))
    return figures
  }

  /// A small map for each layer, and the loads and corrections of all.
  private var severalLayers: [any Figure] {
    let experts = uses[0].weights.shape[1]
    let rows = uses.map { TokenLabel("layer \($0.layer)") }
    var figures: [any Figure] = [
      HeatmapGrid(
        title: "Experts · \(owner.model.model.name)",
        cells: uses.map {
          HeatmapGrid.Cell(
            title: "layer \($0.layer)", layer: nil, head: nil, values: matrix($0.weights))
        }, rowLabels: tokenLabels(nil), columnLabels: expertLabels(nil), rowTitle: "token",
        columnTitle: "expert", valueTitle: "weight", note: rule(uses[0])),
      Heatmap(
        title: "Load",
        values: Matrix(
          rows: uses.count, columns: experts,
          values: uses.flatMap { $0.load.map { Float($0 - 1) } }), rowLabels: rows,
        columnLabels: expertLabels(nil), colorMap: .signed,
        valueRange: symmetric(uses.flatMap { $0.load.map { Float($0 - 1) } }),
        rowTitle: "", columnTitle: "expert", valueTitle: "load − 1",
        note: "share of all choices against an even one: 0 is even, −1 unused"),
    ]
    let corrected = uses.filter { $0.router.correction != nil }
    if !corrected.isEmpty {
      let numbers = corrected.flatMap { $0.router.correction ?? [] }
      figures.append(
        Heatmap(
          title: "Corrections",
          values: Matrix(rows: corrected.count, columns: experts, values: numbers),
          rowLabels: corrected.map { TokenLabel("layer \($0.layer)") },
          columnLabels: expertLabels(nil), colorMap: .signed, valueRange: symmetric(numbers),
          rowTitle: "", columnTitle: "expert", valueTitle: "correction",
          note: "added to scores for the choice alone; " + correctedSentence(corrected)))
    }
    return figures
  }

  private func symmetric(_ numbers: [Float]) -> ClosedRange<Float> {
    let largest = numbers.reduce(Float(1e-6)) { max($0, abs($1)) }
    return -largest...largest
  }

  var json: JSON {
    .array(
      uses.map { use in
        [
          "layer": .integer(use.layer),
          "choices": .array(use.choices.map { .array($0.map { .integer($0) }) }),
          "weights": .array(
            (0..<use.weights.shape[0]).map { token in
              .array(use.weights.row(token).map { .number(Double($0)) })
            }), "load": .array(use.load.map { .number($0) }),
          "corrections": use.router.correction.map {
            .array($0.map { .number(Double($0)) })
          } ?? .null,
        ]
      })
  }
}
