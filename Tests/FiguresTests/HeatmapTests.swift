import DataFormats
import Testing

@testable import Figures

@Suite("Heatmap")
struct HeatmapTests {
  @Test(
    "pictures and outputs stay small",
    arguments: [(40, true), (400, true), (400, false), (1100, true), (4096, false)])
  func sizes(count: Int, causal: Bool) throws {
    var random = Seeded(3)
    var values = [Float](repeating: 0, count: count * count)
    for row in 0..<count {
      for column in 0..<(causal ? row + 1 : count) { values[row * count + column] = random.unit() }
    }
    // Noise is what compresses worst.
    let figure = Heatmap(
      title: "Noise", values: Matrix(rows: count, columns: count, values: values),
      rowLabels: Samples.words(count), columnLabels: Samples.words(count), isCausal: causal)
    #expect(figure.svg(.automatic).utf8.count <= 300_000)
    let html = try #require(figure.mimeBundle().html)
    #expect(html.utf8.count <= 2_000_000)
  }

  @Test("blank cells are left out, not drawn as zero")
  func causal() {
    let figure = Heatmap(
      title: "", values: [[1, 9], [0.5, 0.5]], rowLabels: [], columnLabels: [], isCausal: true)
    #expect(figure.summary.highest == 1)
    #expect(!figure.plainText.contains("9"))
    #expect(figure.json["values"]?[0]?[1] == .null)
    let svg = figure.svg(.light)
    #expect(!svg.contains("M1 0h1v1"))
    #expect(svg.contains("M0 1h2v1h-2z"))
    let indices = MapDrawing.indices(figure.face, scale: figure.scale)
    #expect(indices[1] == 0 && indices[0] == 255)
  }

  @Test("with more keys than queries the last query sees the last key")
  func offset() {
    let map = CellMap(Matrix([[1, 2, 3, 4], [5, 6, 7, 8]]), isCausal: true)
    #expect(map.visibleColumns(inRow: 0) == 3)
    #expect(map.visibleColumns(inRow: 1) == 4)
    let tall = CellMap(Matrix([[1], [2], [3]]), isCausal: true)
    #expect((0..<3).map { tall.visibleColumns(inRow: $0) } == [0, 0, 1])
  }

  @Test("a pooled map keeps each block's farthest number and what is blank")
  func pooling() {
    let values = (0..<25).map { Float($0 == 7 ? -99 : $0) }
    let map = CellMap(Matrix(rows: 5, columns: 5, values: values), isCausal: false).pooled(by: 2)
    #expect(map.rows == 3 && map.columns == 3 && map.block == 2)
    #expect(map.matrix.values == [6, -99, 9, 16, 18, 19, 21, 23, 24])
    let causal = CellMap(Samples.attention(9, causal: true), isCausal: true).pooled(by: 4)
    #expect((0..<3).map { causal.visibleColumns(inRow: $0) } == [1, 2, 3])
    let missing = CellMap(Matrix([[.nan, .nan], [.nan, 2]]), isCausal: false).pooled(by: 2)
    #expect(missing.matrix.values == [2])
  }

  @Test("numbers that aren't known are hatched and told apart from the range")
  func missing() {
    let figure = Heatmap(
      title: "", values: [[.nan, 1], [0.5, .infinity]], rowLabels: [], columnLabels: [])
    #expect(figure.summary.nonFinite.total == 2 && figure.summary.highest == 1)
    #expect(figure.svg(.light).contains("class=\"h\""))
    #expect(figure.plainText.contains("2 not finite"))
  }

  @Test("the strongest pairs come first, equal ones in reading order")
  func strongest() {
    let summary = CellSummary(
      CellMap(Matrix([[0.5, 0.25, 0.5], [1, 0.5, 0.125]]), isCausal: false), keeping: 3)
    #expect(summary.strongest.map(\.row) == [1, 0, 0])
    #expect(summary.strongest.map(\.column) == [0, 0, 2])
  }

  @Test("a scale ends below a few outliers and says so")
  func cutScale() {
    let figure = Samples.heatmap(40)
    #expect(figure.scale.isCut && figure.scale.high < 0.6)
    #expect(figure.svg(.light).contains("≥ "))
    let given = Heatmap(
      title: "", values: figure.values, rowLabels: [], columnLabels: [], valueRange: 0...1)
    #expect(!given.scale.isCut && given.scale.high == 1)
    #expect(Samples.signed.scale.low == -Samples.signed.scale.high)
  }

  @Test("what the script reads is what the map holds")
  func encoding() throws {
    let small = MapData.encoded(
      CellMap(Matrix([[0.25, -1]]), isCausal: false), farthest: 1, cells: 2)
    #expect(small.0 == "f32")
    #expect(try Base64.decode(small.1) == [0, 0, 0x80, 0x3E, 0, 0, 0x80, 0xBF])
    let values: [Float] = [0, 0.04, 1, -0.25, .nan]
    let map = CellMap(Matrix([values]), isCausal: false)
    for (cells, name, half, width) in [(100_000, "u16z", 32_766, 2), (1_000_000, "u8z", 126, 1)] {
      let (encoding, text) = MapData.encoded(map, farthest: 1, cells: cells)
      #expect(encoding == name)
      let bytes = try Inflate.decompress(Base64.decode(text), limit: 1 << 20)
      for (index, value) in values.enumerated() {
        let step = (0..<width).reduce(0) { $0 | Int(bytes[index * width + $1]) << (8 * $1) }
        if value.isNaN {
          #expect(step == 2 * half + 1)
        } else {
          let share = Double(step - half) / Double(half)
          #expect(abs(share * abs(share) - Double(value)) <= 2 / Double(half))
        }
      }
    }
  }

  @Test("a map without cells, or with one, is still a picture")
  func degenerate() throws {
    for values in [[[Float]](), [[]], [[0.5]], [[.nan]]] {
      let figure = Heatmap(title: "t", values: values, rowLabels: [], columnLabels: [])
      _ = try StrictXML(figure.svg(.automatic))
      _ = try StrictXML(try #require(figure.mimeBundle().html), isHTML: true)
    }
    let grid = HeatmapGrid(title: "", cells: [], rowLabels: [], columnLabels: [])
    _ = try StrictXML(grid.svg(.automatic))
  }

  @Test("a grid of hundreds of maps keeps to the limits", arguments: [(30, 32, 20), (12, 12, 128)])
  func gridSizes(layers: Int, heads: Int, tokens: Int) throws {
    let grid = Samples.grid(layers: layers, heads: heads, tokens: tokens)
    #expect(grid.svg(.automatic).utf8.count <= 300_000)
    #expect(try #require(grid.mimeBundle().html).utf8.count <= 2_000_000)
  }
}
