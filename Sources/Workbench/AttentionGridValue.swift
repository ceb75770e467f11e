import Analysis
public import DataFormats
public import Figures
public import Interpreter
import Models
import Tensors

/// Maps of several layers and heads, drawn small and with one scale.
public final class AttentionGridValue: ObjectValue {
  private let maps: [[AttentionMapValue]]
  private let layers: [AttentionChoice]
  private let heads: [AttentionChoice]
  private let owner: TraceValue
  private let showsSpecial: Bool
  private let call: String

  /// Makes the value of maps, one row for each layer and one column for each head.
  init(
    _ maps: [[AttentionMapValue]], of owner: TraceValue, layers: [AttentionChoice],
    heads: [AttentionChoice], showsSpecial: Bool, call: String
  ) {
    self.call = call
    self.maps = maps
    self.owner = owner
    self.layers = layers
    self.heads = heads
    self.showsSpecial = showsSpecial
  }

  /// What the numbers of all maps are.
  private var kind: AttentionKind { maps.first?.first?.kind ?? .weights }

  /// `AttentionGrid`.
  public var typeName: String { "AttentionGrid" }

  /// How many maps of which model.
  public var summary: String {
    "\(layers.count) × \(heads.count) attention maps (layers × heads) "
      + "of \(owner.trace.tokens.count) tokens, \(owner.model.model.name)"
  }

  /// The names of the fields.
  public var fieldNames: [String] { ["maps", "tokens", "layers", "heads", "trace", "model"] }

  /// What a field holds.
  public func fieldSummary(_ name: String) -> String? {
    switch name {
    case "maps": "the maps: a list of lists, by layer and head"
    case "tokens": "the tokens"
    case "layers": "the layers of the rows"
    case "heads": "the heads of the columns"
    case "trace": "the trace they were computed from"
    case "model": "the model"
    default: nil
    }
  }

  /// A field.
  public func field(_ name: String) throws -> Value? {
    switch name {
    case "maps": .list(maps.map { row in .list(row.map { .object($0) }) })
    case "tokens": try owner.field("tokens")
    case "layers": .list(layers.map(\.value))
    case "heads": .list(heads.map(\.value))
    case "trace": .object(owner)
    case "model": .object(owner.model)
    default: nil
    }
  }

  /// How many rows of maps there are.
  public var count: Int? { maps.count }

  /// The maps of a row.
  public func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    guard let selection = Selection(index) else { return nil }
    let rows = try selection.indices(count: maps.count, parameter: "layer").map { row in
      Value.list(maps[row].map { .object($0) })
    }
    return selection.choosesOne ? rows[0] : .list(rows)
  }

  /// The grid of small maps.
  public func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try owner.model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in figure(provenance) }
  }

  private func figure(_ provenance: Provenance) -> HeatmapGrid {
    let shown = AttentionFigures.shownPositions(owner.trace.tokens, special: showsSpecial)
    let cells = maps.enumerated().flatMap { row, maps in
      maps.enumerated().map { column, map in
        HeatmapGrid.Cell(
          title: "\(layers[row].short("layer")) · \(heads[column].short("head"))",
          layer: layers[row].number, head: heads[column].number,
          values: AttentionFigures.matrix(map.weights, positions: shown))
      }
    }
    let labels = shown.map { TokenLabels.label(owner.trace.tokens[$0]) }
    return HeatmapGrid(
      title: "\(kind.title) · \(owner.model.model.name)", cells: cells, rowLabels: labels,
      columnLabels: labels, isCausal: owner.model.model.configuration.isCausal,
      valueTitle: kind.valueTitle,
      note: kind == .weights && owner.model.model.configuration.compression != nil
        ? "single tokens alone: blocks of earlier tokens and sinks take the rest" : nil,
      provenance: provenance)
  }

  /// Every map.
  public var json: JSON {
    .array(maps.map { row in .array(row.map(\.json)) })
  }

  /// All weights, `[layers, heads, queries, keys]`.
  public func asTensor() throws -> Value? {
    let count = owner.trace.tokens.count
    let floats = maps.flatMap { row in row.flatMap { $0.weights.floats } }
    return .tensor(Tensor(shape: [layers.count, heads.count, count, count], floats))
  }
}
