import DataFormats
import Glibc

/// A large map cut into tiles, so that single numbers can be seen near: as many as fit a page.
///
/// Each tile has a scale of its own, in so many steps each way, finer near zero; tiles that causality
/// blanks aren't kept. Where not all fit even in few steps, those with the strongest numbers are kept.
struct MapTiles {
  struct Tile {
    let row: Int
    let column: Int
    /// The number farthest from zero.
    let farthest: Float
    /// The steps by Deflate, as Base64.
    let text: String
  }

  /// How many rows and columns a tile has.
  static let side = 256

  /// The tiles that are kept, in reading order.
  private(set) var tiles: [Tile] = []
  /// How many steps there are from zero to the farthest number.
  private(set) var half = 0
  /// How many tiles there are with any number.
  private(set) var total = 0
  private let block: Int

  /// What a page may hold.
  private static let pageLimit = 1_950_000
  /// What a picture, a table and scripts take at most.
  private static let rest = 370_000

  /// How many bytes are left for tiles beside other data.
  static func room(beside data: JSON) -> Int {
    max(0, pageLimit - rest - Markup.scriptJSON(data).utf8.count)
  }

  /// Cuts a map; the most steps are taken with which all tiles fit into a number of bytes.
  init(_ map: CellMap, budget: Int, halves: [Int] = [126, 47, 23, 11]) {
    block = map.limited(to: 1024).block
    let down = (map.rows + Self.side - 1) / Self.side
    let across = (map.columns + Self.side - 1) / Self.side
    let places = (0..<down).flatMap { row in (0..<across).map { (row, $0) } }
      .filter { row, column in
        map.visibleColumns(inRow: min(map.rows, (row + 1) * Self.side) - 1) > column * Self.side
      }
    total = places.count
    let farthest = places.map { Self.farthest(map, $0.0, $0.1) }
    // How often each step occurs in some of the tiles tells nearly how large all will be.
    let stride = max(1, places.count / 24)
    let sampled = places.indices.filter { $0.isMultiple(of: stride) }
    let sizes = halves.map { half in
      let size = sampled.reduce(0) { sum, index in
        let (row, column) = places[index]
        return sum
          + Self.size(Self.steps(map, row, column, farthest: farthest[index], half: half))
      }
      return size * places.count / max(1, sampled.count)
    }
    half = zip(halves, sizes).first { $0.1 <= budget }?.0 ?? halves.last ?? 1
    let order = places.indices.sorted { (-farthest[$0], $0) < (-farthest[$1], $1) }
    var left = budget
    var kept: [(index: Int, tile: Tile)] = []
    for index in order {
      let (row, column) = places[index]
      let steps = Self.steps(map, row, column, farthest: farthest[index], half: half)
      let text = Base64.encode(Deflate.compress(steps))
      guard text.utf8.count + 40 <= left else { continue }
      left -= text.utf8.count + 40
      kept.append((index, Tile(row: row, column: column, farthest: farthest[index], text: text)))
    }
    tiles = kept.sorted { $0.index < $1.index }.map(\.tile)
  }

  /// About how many bytes steps take as Base64, from how often each occurs.
  private static func size(_ steps: [UInt8]) -> Int {
    var counts = [Int](repeating: 0, count: 256)
    for step in steps { counts[Int(step)] += 1 }
    var bits = 0.0
    for count in counts where count > 0 {
      bits += Double(count) * max(0.05, log2(Double(steps.count) / Double(count)))
    }
    return Int(bits / 6 * 1.03) + 150
  }

  /// `{side, half, list: [[row, column, farthest, steps]]}`.
  var json: JSON {
    [
      "side": .integer(Self.side), "half": .integer(half),
      "list": .array(
        tiles.map {
          [.integer($0.row), .integer($0.column), .number(Double($0.farthest)), .string($0.text)]
        }),
    ]
  }

  /// What can be seen near and what can't.
  var sentence: String {
    let far = "From afar each point is the largest of \(block) × \(block)"
    if tiles.count == total {
      return "\(far); zoom in for every cell, each in \(half) steps up to its tile's largest."
    }
    if tiles.isEmpty { return "\(far), also near." }
    let share = NumberText.percent(Double(tiles.count) / Double(total))
    return
      "\(far); zoomed in, \(share) of the map, where it is strongest, is shown cell by cell, in \(half) steps."
  }

  private static func farthest(_ map: CellMap, _ row: Int, _ column: Int) -> Float {
    var farthest: Float = 0
    for y in row * side..<min(map.rows, (row + 1) * side) {
      let end = min(map.visibleColumns(inRow: y), (column + 1) * side)
      let start = y * map.columns
      var x = column * side
      while x < end {
        let value = abs(map.matrix.values[start + x])
        if value > farthest, value.isFinite { farthest = value }
        x += 1
      }
    }
    return farthest
  }

  /// The numbers of a tile as steps; blank cells as zero.
  private static func steps(
    _ map: CellMap, _ row: Int, _ column: Int, farthest: Float, half: Int
  ) -> [UInt8] {
    let first = column * side
    let width = min(map.columns, first + side) - first
    var steps: [UInt8] = []
    steps.reserveCapacity(side * width)
    for y in row * side..<min(map.rows, (row + 1) * side) {
      let visible = max(0, min(width, map.visibleColumns(inRow: y) - first))
      let start = y * map.columns + first
      for x in 0..<visible {
        let value = map.matrix.values[start + x]
        steps.append(UInt8(MapData.step(value, farthest: farthest, half: half)))
      }
      for _ in visible..<width { steps.append(UInt8(half)) }
    }
    return steps
  }
}
