import DataFormats
import Figures
import Interpreter
import Models
import Tensors
import Tokenizers

/// Maps of several layers and heads of a long text, of which tiles are kept: each tile's largest number.
///
/// All maps of a long text at once would be more numbers than memory or a page holds. One map of it is
/// whole.
final class AttentionTilesValue: ObjectValue {
  /// Maps of so many numbers together are kept as tiles.
  private static let mostNumbers = 64 << 20

  /// What a grid of maps shows, tiles or not.
  struct Face {
    let title: String
    let rowLabels: [TokenLabel]
    let columnLabels: [TokenLabel]
    let isCausal: Bool
    var rowTitle = "query"
    var columnTitle = "key"
    var valueTitle = "weight"
  }

  private let tiles: [[PooledMatrix]]
  private let layers: [AttentionChoice]
  private let heads: [AttentionChoice]
  private let model: ModelValue
  private let face: Face
  private let call: String

  /// Makes the value of pooled maps, one row for each layer and one column for each head.
  init(
    _ tiles: [[PooledMatrix]], of model: ModelValue, layers: [AttentionChoice],
    heads: [AttentionChoice], face: Face, call: String
  ) {
    self.tiles = tiles
    self.layers = layers
    self.heads = heads
    self.model = model
    self.face = face
    self.call = call
  }

  /// Whether a grid of maps is too large to be kept whole.
  static func areNeeded(maps: Int, queries: Int, keys: Int) -> Bool {
    maps > 1 && maps * queries * keys > mostNumbers
  }

  private var block: Int { tiles.first?.first?.block ?? 1 }
  private var size: (rows: Int, columns: Int) {
    tiles.first?.first.map { ($0.values.rows, $0.values.columns) } ?? (0, 0)
  }

  var typeName: String { "AttentionTiles" }
  var summary: String {
    "\(layers.count) × \(heads.count) attention maps (layers × heads) of "
      + "\(face.rowLabels.count) × \(face.columnLabels.count) tokens, \(model.model.name); "
      + "kept as tiles, each the largest of \(block) × \(block)"
  }

  var fieldNames: [String] { ["tiles", "block", "layers", "heads", "model"] }
  func fieldSummary(_ name: String) -> String? {
    switch name {
    case "tiles":
      "each tile's largest number: [layers, heads, rows, columns], NaN where none is visible"
    case "block": "how many queries and keys a tile stands for"
    case "layers": "the layers of the rows"
    case "heads": "the heads of the columns"
    case "model": "the model"
    default: nil
    }
  }
  func field(_ name: String) throws -> Value? {
    switch name {
    case "tiles": try asTensor()
    case "block": .integer(block)
    case "layers": .list(layers.map(\.value))
    case "heads": .list(heads.map(\.value))
    case "model": .object(model)
    default: nil
    }
  }

  /// The tiles have no single maps: one is computed whole by a call for it alone.
  func element(at index: Value, in context: ExecutionContext) throws -> Value? {
    throw FunctionError(
      "Of \(layers.count * heads.count) maps of \(face.rowLabels.count) × "
        + "\(face.columnLabels.count) only tiles are kept, so there is no map to choose.",
      hint: "Ask for one map alone, such as attention(text, layer: 3, head: 1).",
      code: "too-large")
  }

  func defaultFigure(in context: ExecutionContext) throws -> (any Figure)? {
    let provenance = try model.provenance(of: call, in: context)
    return try context.cancellation.leavingBehind { [self] in
      let cells = tiles.enumerated().flatMap { row, tiles in
        tiles.enumerated().map { column, tiles in
          HeatmapGrid.Cell(
            title: "\(layers[row].short("layer")) · \(heads[column].short("head"))",
            layer: layers[row].number, head: heads[column].number, tiles: tiles)
        }
      }
      return HeatmapGrid(
        title: face.title, cells: cells, rowLabels: face.rowLabels,
        columnLabels: face.columnLabels, isCausal: face.isCausal, rowTitle: face.rowTitle,
        columnTitle: face.columnTitle, valueTitle: face.valueTitle, provenance: provenance)
    }
  }

  var json: JSON {
    [
      "model": .string(model.model.name), "block": .integer(block),
      "layers": .array(layers.map(\.value.json)), "heads": .array(heads.map(\.value.json)),
      "tiles": .array(
        tiles.map { row in
          .array(
            row.map { tile in
              .array(
                (0..<tile.values.rows).map { row in
                  .array(
                    (0..<tile.values.columns).map { column in
                      let value = Double(tile.values[row, column])
                      return value.isFinite ? .number(value) : .null
                    })
                })
            })
        }),
    ]
  }

  /// All tiles, `[layers, heads, rows, columns]`.
  func asTensor() throws -> Value? {
    .tensor(
      Tensor(
        shape: [layers.count, heads.count, size.rows, size.columns],
        tiles.flatMap { row in row.flatMap(\.values.values) }))
  }
}
