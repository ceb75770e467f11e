import DataFormats
import Testing

@testable import Figures

@Suite("Grids of long texts")
struct TiledGridTests {
  /// A map of small numbers with one that stands out.
  private static func map(_ side: Int, peak: (row: Int, column: Int)) -> Matrix {
    var values = (0..<side * side).map { Float($0 % 97) / 97_000 }
    values[peak.row * side + peak.column] = 0.5
    return Matrix(rows: side, columns: side, values: values)
  }

  private static func grid(_ side: Int) -> HeatmapGrid {
    let peaks = [(401, 7), (599, 598), (3, 2), (300, 300)]
    let labels = (0..<side).map { TokenLabel("t\($0)") }
    return HeatmapGrid(
      title: "Attention · long",
      cells: peaks.enumerated().map { index, peak in
        .init(
          title: "layer \(index / 2) · head \(index % 2)", layer: index / 2, head: index % 2,
          tiles: PooledMatrix(map(side, peak: peak), isCausal: true, count: 4))
      }, rowLabels: labels, columnLabels: labels, isCausal: true)
  }

  @Test("a tile is the largest of its block, and the strongest pair keeps its place")
  func tiles() throws {
    let tiles = PooledMatrix(Self.map(600, peak: (401, 7)), isCausal: true, count: 4)
    #expect(tiles.block == 2 && tiles.values.rows == 300)
    #expect(tiles.values[200, 3] == 0.5)
    #expect(tiles.values[0, 1].isNaN, "blank where no cell of the block is visible")
    let strongest = try #require(tiles.summary.strongest.first)
    #expect(strongest.row == 401 && strongest.column == 7 && strongest.value == 0.5)
  }

  @Test("the picture, the text and the data say that they are of tiles")
  func words() throws {
    let grid = Self.grid(600)
    let text = grid.plainText
    #expect(text.contains("4 maps of 600 × 600 (query × key), causal, in tiles of 2 × 2"))
    #expect(text.contains("layer 0 · head 0  \"t401\" (401) → \"t7\" (7)  0.5000"))
    #expect(grid.json["block"]?.integer == 2)
    let read = try StrictXML(grid.svg(.light))
    #expect(read.texts.joined(separator: " ").contains("each point the largest of"))
    let view = try #require(grid.interactiveView)
    #expect(
      view.data["note"]?.string
        == "Each map: query ↓, key →; 600 × 600, one scale for all · each point the largest of 2 × 2"
    )
    #expect(view.data["rows"]?.integer == 600 && view.data["block"]?.integer == 2)
    #expect(try #require(grid.mimeBundle().html).utf8.count <= 2_000_000)
  }

  @Test("a map of another size or with other tiles is left out")
  func sizes() {
    let labels = [TokenLabel("a")]
    let grid = HeatmapGrid(
      title: "",
      cells: [
        .init(
          title: "a", layer: 0, head: 0,
          tiles: PooledMatrix(Self.map(600, peak: (9, 9)), isCausal: true, count: 4)),
        .init(title: "b", layer: 0, head: 1, values: Self.map(300, peak: (9, 9))),
      ], rowLabels: labels, columnLabels: labels, isCausal: true)
    #expect(grid.cells.count == 1 && grid.rowLabels.count == 600)
  }

  @Test("the scale of a grid ends where that of all its numbers in one map would")
  func jointScale() {
    var random = Seeded(11)
    // One map of large numbers among many of small ones.
    let maps = (0..<20).map { index in
      (0..<400).map { _ in random.unit() * random.unit() * (index == 0 ? 1 : 0.02) }
    }
    let joint = CellSummary(
      joining: maps.map {
        CellSummary(
          CellMap(Matrix(rows: 20, columns: 20, values: $0), isCausal: false), keeping: 1)
      })
    let whole = CellSummary(
      CellMap(Matrix(rows: 400, columns: 20, values: maps.flatMap { $0 }), isCausal: false),
      keeping: 1)
    #expect(joint.highest == whole.highest && joint.lowest == whole.lowest)
    #expect(abs(joint.common.squareRoot() - whole.common.squareRoot()) <= 0.003)
  }
}
