import DataFormats
import Testing

@testable import Figures

@Suite("Tiles of large maps")
struct MapTilesTests {
  /// The numbers of a tile as the script reads them.
  private func read(_ tile: MapTiles.Tile, half: Int) throws -> [Float] {
    try Inflate.decompress(Base64.decode(tile.text), limit: 1 << 20).map { step in
      let share = Float(Int(step) - half) / Float(half)
      return Int(step) > 2 * half ? .nan : tile.farthest * share * abs(share)
    }
  }

  @Test("every visible cell is there, within half a step; what is blank isn't kept")
  func whole() throws {
    let count = 600
    let map = CellMap(Samples.attention(count, causal: true), isCausal: true)
    let tiles = MapTiles(map, budget: 10_000_000)
    #expect(tiles.half == 126)
    // Three a side, six of them not above the diagonal.
    #expect(tiles.total == 6 && tiles.tiles.count == 6)
    #expect(
      tiles.tiles.map { [$0.row, $0.column] } == [
        [0, 0], [1, 0], [1, 1], [2, 0], [2, 1], [2, 2],
      ])
    for tile in tiles.tiles {
      let values = try read(tile, half: tiles.half)
      let width = min(256, count - tile.column * 256)
      #expect(values.count == width * min(256, count - tile.row * 256))
      for (index, value) in values.enumerated() {
        let row = tile.row * 256 + index / width
        let column = tile.column * 256 + index % width
        guard column <= row else {
          #expect(value == 0)
          continue
        }
        let share = (map.matrix[row, column] / tile.farthest).squareRoot()
        let found = (value / tile.farthest).squareRoot()
        #expect(abs(share - found) <= 0.5001 / 126)
      }
    }
  }

  @Test("a smaller page gets fewer steps, then fewer tiles, the strongest first")
  func budget() throws {
    let map = CellMap(Samples.attention(1024, causal: true), isCausal: true)
    let large = MapTiles(map, budget: 10_000_000)
    let bytes = large.tiles.reduce(0) { $0 + $1.text.utf8.count }
    let coarse = MapTiles(map, budget: bytes * 3 / 4)
    #expect(coarse.half < 126 && coarse.tiles.count == coarse.total)
    let few = MapTiles(map, budget: bytes / 6)
    #expect(few.half == 11 && !few.tiles.isEmpty && few.tiles.count < few.total)
    #expect(few.tiles.contains { $0.row == 0 && $0.column == 0 })
    #expect(few.tiles.reduce(0) { $0 + $1.text.utf8.count } <= bytes / 6)
    #expect(few.sentence.contains("%"))
    #expect(MapTiles(map, budget: 0).tiles.isEmpty)
  }

  @Test("a map of 4,096 tokens fits a page of 2 MB, its causal half cell by cell")
  func page() throws {
    let figure = Samples.heatmap(4096)
    let html = try #require(figure.mimeBundle().html)
    #expect(html.utf8.count < 2_000_000)
    let data = try #require(figure.interactiveView?.data)
    let tiles = try #require(data["tiles"]?["list"]?.array)
    // Noise can't be compressed: of such a map as much is kept as fits.
    #expect(tiles.count > 40)
    #expect(data["note"]?.string?.contains("4 × 4") == true)
  }

  @Test("of 4,096 tokens that look at few places every cell is kept")
  func sparse() throws {
    let count = 4096
    var values = [Float](repeating: 0, count: count * count)
    for row in 0..<count {
      values[row * count] = 0.5
      values[row * count + row] += 0.375
      values[row * count + row / 2] += 0.125
    }
    let tiles = MapTiles(
      CellMap(Matrix(rows: count, columns: count, values: values), isCausal: true),
      budget: 1_000_000)
    #expect(tiles.half == 126 && tiles.total == 136 && tiles.tiles.count == 136)
    #expect(tiles.sentence.contains("every cell"))
  }

  @Test("negative numbers and numbers that aren't known keep their places")
  func signed() throws {
    let map = CellMap(Matrix([[-1, 0.25, .nan, 0]]), isCausal: false)
    let tiles = MapTiles(map, budget: 1_000_000)
    let values = try read(try #require(tiles.tiles.first), half: tiles.half)
    #expect(values[0] == -1 && abs(values[1] - 0.25) < 0.01 && values[2].isNaN && values[3] == 0)
  }

  @Test(
    "the views of 48 heads are a fiftieth of BertViz's",
    arguments: [(128, 21_400_000), (512, 347_500_000)])
  func comparison(tokens: Int, peer: Int) throws {
    let grid = Samples.grid(layers: 6, heads: 8, tokens: tokens)
    let bytes = try #require(grid.mimeBundle().html).utf8.count
    #expect(bytes * 50 <= peer, "\(bytes) bytes, \(Double(peer) / Double(bytes)) times smaller")
  }
}

@Suite("Browser of maps")
struct MapBrowserTests {
  private func browser(tokens: Int, layers: Int, heads: Int, label: String = "x") -> MapBrowser {
    let maps = (0..<layers).flatMap { layer in
      ([nil] + (0..<heads).map { Optional($0) }).map { head in
        MapBrowser.Map(
          layer: layer, head: head,
          values: Samples.attention(tokens, causal: true, seed: UInt64(layer * 50 + (head ?? 40))),
          isCausal: true, count: layers * (heads + 1))
      }
    }
    let labels = (0..<tokens).map { TokenLabel("\(label)\($0)") }
    return MapBrowser(
      picture: Heatmap(
        title: "Attention", values: Samples.attention(tokens, causal: true), rowLabels: labels,
        columnLabels: labels, isCausal: true),
      maps: maps, start: 1, showsMapAlone: true, mapTitle: "Attention", labels: labels)
  }

  @Test("all maps of a text are in the page, in eight bits")
  func maps() throws {
    let figure = browser(tokens: 24, layers: 5, heads: 5)
    let view = try #require(figure.mapView)
    #expect(view.data["maps"]?.array?.count == 30)
    #expect(view.data["heads"]?[0] == "mean" && view.data["layers"]?.array?.count == 5)
    #expect(view.data["encoding"] == "u8z" && view.data["start"] == 1)
    #expect(view.data["note"] == nil)
    let html = try #require(figure.mimeBundle().html)
    #expect(html.contains("<img alt=") && html.contains("vitrine-kept-"))
    _ = try StrictXML(html, isHTML: true)
  }

  @Test("maps of a large model are pooled to fit a page, and the figure says so")
  func pooling() throws {
    let figure = browser(tokens: 100, layers: 12, heads: 12)
    let html = try #require(figure.mimeBundle().html)
    #expect(html.utf8.count < 2_000_000)
    #expect(try #require(figure.mapView?.data["note"]?.string).contains("largest of 2 × 2"))
    #expect(figure.plainText.contains("12 layers of 12 heads and their mean"))
    #expect(figure.plainText.contains("largest of 2 × 2"))
  }

  @Test("labels can't break out")
  func escaping() throws {
    let html = try #require(
      browser(tokens: 4, layers: 2, heads: 2, label: "</script><img src=x onerror=a>")
        .mimeBundle().html)
    #expect(!html.contains("<img src=x") && !html.contains("</script><img"))
  }

  @Test("a notice escapes its sentence")
  func notice() {
    let figure = NoticeFigure("There is no <b>.")
    #expect(figure.htmlFragment().contains("There is no &lt;b&gt;."))
    #expect(figure.plainText == "There is no <b>.")
  }
}
