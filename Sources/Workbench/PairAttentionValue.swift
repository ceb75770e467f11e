import DataFormats
import Figures
import Interpreter
import Models
import Tensors
import Tokenizers

/// Which attention of a decoder that looks at another text.
enum PairAttentionKind: String, Sendable {
  /// From what is written to what was read.
  case cross
  /// Among what is written.
  case own = "decoder"

  /// The heading of a picture.
  var title: String { self == .cross ? "Cross attention" : "Decoder attention" }
  /// What a row is.
  var rowTitle: String { self == .cross ? "target" : "query" }
  /// What a column is.
  var columnTitle: String { self == .cross ? "source" : "key" }

  /// The tokens that are looked at.
  func keys(_ trace: PairTrace) -> [Token] {
    self == .cross ? trace.source.tokens : trace.targetTokens
  }

  /// The weights of one layer or head, or the mean or largest over several, `[queries, keys]`.
  func weights(
    _ trace: PairTrace, layer: AttentionChoice, head: AttentionChoice, cancellation: Cancellation?
  ) throws -> Tensor {
    let layers = layer.number.map { [$0] } ?? Array(0..<trace.configuration.layers)
    let heads = head.number.map { $0..<$0 + 1 } ?? 0..<trace.configuration.heads
    let perLayer = try layers.map { layer in
      let maps =
        switch self {
        case .cross:
          try trace.crossAttentionMaps(layer: layer, heads: heads, cancellation: cancellation)
        case .own:
          try trace.targetAttentionMaps(layer: layer, heads: heads, cancellation: cancellation)
        }
      return try Self.reduced(heads.indices.map { maps[$0 - heads.lowerBound] }, head)
    }
    return try Self.reduced(perLayer, layer)
  }

  private static func reduced(_ maps: [Tensor], _ choice: AttentionChoice) throws -> Tensor {
    var result = maps[0]
    for map in maps.dropFirst() {
      if choice == .max {
        result = try Tensor.broadcast(result, map, .maximum)
      } else {
        result.add(map)
      }
    }
    if choice == .mean { result.scale(by: 1 / Float(maps.count)) }
    return result
  }
}

/// The positions of both texts that a picture shows.
private struct PairAttentionShown {
  private let rows: [Int]
  private let columns: [Int]
  let rowLabels: [TokenLabel]
  let columnLabels: [TokenLabel]

  init(_ trace: PairTrace, _ kind: PairAttentionKind, special: Bool) {
    let (queries, keys) = (trace.targetTokens, kind.keys(trace))
    rows = AttentionFigures.shownPositions(queries, special: special)
    columns = AttentionFigures.shownPositions(keys, special: special)
    rowLabels = rows.map { TokenLabels.label(queries[$0]) }
    columnLabels = columns.map { TokenLabels.label(keys[$0]) }
  }

  /// The weights of the shown positions.
  func matrix(_ weights: Tensor) -> Matrix {
    let (count, values) = (weights.shape[1], weights.floats)
    return Matrix(
      rows: rows.count, columns: columns.count,
      values: rows.flatMap { row in columns.map { values[row * count + $0] } })
  }
}

/// A map of a decoder's attention: of what is written to itself, or to what was read.
final class PairAttentionValue: ObjectValue {
  /// How much each query looks at each key, `[queries, keys]`.
  let weights: Tensor
  private let owner: PairTraceValue
  private let kind: PairAttentionKind
  private let place: String
  private let showsSpecial: Bool
  private let call: String

  init(
    _ weights: Tensor, of owner: PairTraceValue, kind: PairAttentionKind, place: String,
    showsSpecial: Bool, call: String
  ) {
    self.weights = weights
    self.owner = owner
    self.kind = kind
    self.place = place
    self.showsSpecial = showsSpecial
    self.call = call
  }

  private var queries: [Token] { owner.trace.targetTokens }
  private var keys: [Token] { kind.keys(owner.trace) }

  var typeName: String { "PairAttention" }
  var summary: String {
    "\(kind.title.lowercased()) of \(place), "
      + "[\(weights.shape[0]) queries, \(weights.shape[1]) keys], \(owner.model.model.name)"
  }
  var fieldNames: [String] { ["weights", "trace", "queries", "keys"] }
  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "weights": "how much each query looks at each key: [queries, keys]"
    case "trace": "the run that it was computed from"
    case "queries": "the texts of the tokens that look"
    case "keys": "the texts of the tokens that are looked at"
    default: nil
    }
  }
  func field(_ name: String) throws -> Value? {
    switch name {
    case "weights": .tensor(weights)
    case "trace": .object(owner)
    case "queries": .texts(queries.map { TokenLabels.text($0) })
    case "keys": .texts(keys.map { TokenLabels.text($0) })
    default: nil
    }
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in
      let shown = PairAttentionShown(owner.trace, kind, special: showsSpecial)
      return Heatmap(
        title: "\(kind.title) · \(owner.model.model.name) · \(place)",
        values: shown.matrix(weights), rowLabels: shown.rowLabels,
        columnLabels: shown.columnLabels, isCausal: kind == .own, rowTitle: kind.rowTitle,
        columnTitle: kind.columnTitle, provenance: provenance)
    }
  }

  var json: JSON {
    [
      "model": .string(owner.model.model.name),
      "queries": .array(queries.map { .string(TokenLabels.text($0)) }),
      "keys": .array(keys.map { .string(TokenLabels.text($0)) }),
      "weights": .array(
        (0..<weights.shape[0]).map { row in .array(weights.row(row).map { .number(Double($0)) }) }),
    ]
  }

  func asTensor() throws -> Value? { .tensor(weights) }
}

/// Maps of several layers and heads of a decoder that looks at another text, drawn small and with one
/// scale.
final class PairAttentionGridValue: ObjectValue {
  private let maps: [[PairAttentionValue]]
  private let layers: [AttentionChoice]
  private let heads: [AttentionChoice]
  private let owner: PairTraceValue
  private let kind: PairAttentionKind
  private let showsSpecial: Bool
  private let call: String

  /// Makes the value of maps, one row for each layer and one column for each head.
  init(
    _ maps: [[PairAttentionValue]], of owner: PairTraceValue, kind: PairAttentionKind,
    layers: [AttentionChoice], heads: [AttentionChoice], showsSpecial: Bool, call: String
  ) {
    self.maps = maps
    self.owner = owner
    self.kind = kind
    self.layers = layers
    self.heads = heads
    self.showsSpecial = showsSpecial
    self.call = call
  }

  private var queryCount: Int { owner.trace.targetIDs.count }
  private var keyCount: Int { kind.keys(owner.trace).count }

  var typeName: String { "PairAttentionGrid" }
  var summary: String {
    "\(layers.count) × \(heads.count) maps (layers × heads) of \(kind.title.lowercased()), "
      + "[\(queryCount) queries, \(keyCount) keys], \(owner.model.model.name)"
  }
  var fieldNames: [String] { ["maps", "layers", "heads", "trace", "model"] }
  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "maps": "the maps: a list of lists, by layer and head"
    case "layers": "the layers of the rows"
    case "heads": "the heads of the columns"
    case "trace": "the run that they were computed from"
    case "model": "the model"
    default: nil
    }
  }
  func field(_ name: String) throws -> Value? {
    switch name {
    case "maps": .list(maps.map { row in .list(row.map { .object($0) }) })
    case "layers": .list(layers.map(\.value))
    case "heads": .list(heads.map(\.value))
    case "trace": .object(owner)
    case "model": .object(owner.model)
    default: nil
    }
  }

  var count: Int? { maps.count }

  /// The maps of a row.
  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index) else { return nil }
    let rows = try selection.indices(count: maps.count, parameter: "layer").map { row in
      Value.list(maps[row].map { .object($0) })
    }
    return selection.choosesOne ? rows[0] : .list(rows)
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in
      let shown = PairAttentionShown(owner.trace, kind, special: showsSpecial)
      let cells = maps.enumerated().flatMap { row, maps in
        maps.enumerated().map { column, map in
          HeatmapGrid.Cell(
            title: "\(layers[row].short("layer")) · \(heads[column].short("head"))",
            layer: layers[row].number, head: heads[column].number,
            values: shown.matrix(map.weights))
        }
      }
      return HeatmapGrid(
        title: "\(kind.title) · \(owner.model.model.name)", cells: cells,
        rowLabels: shown.rowLabels, columnLabels: shown.columnLabels, isCausal: kind == .own,
        rowTitle: kind.rowTitle, columnTitle: kind.columnTitle, provenance: provenance)
    }
  }

  var json: JSON { .array(maps.map { row in .array(row.map(\.json)) }) }

  /// All weights, `[layers, heads, queries, keys]`.
  func asTensor() throws -> Value? {
    .tensor(
      Tensor(
        shape: [layers.count, heads.count, queryCount, keyCount],
        maps.flatMap { row in row.flatMap { $0.weights.floats } }))
  }
}
