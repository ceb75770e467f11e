import DataFormats
import Figures
import Testing

@Suite("Token grid")
struct TokenGridTests {
  private let words = ["a", " b", "词"]

  @Test("short rows and labels are filled up")
  func fills() {
    let grid = TokenGrid(
      title: "t", rows: [[.init([.init("x", 0.25)])], [.init([.init("y", 1)]), .init([])]],
      rowLabels: ["in"], columnLabels: [])
    #expect(grid.rows.map(\.count) == [2, 2])
    #expect(grid.rowLabels == ["in", "1"])
    #expect(grid.columnLabels == ["0", "1"])
    #expect(grid.json["cells"]?[0]?[0]?["candidates"]?[0]?["probability"]?.number == 0.25)
    #expect(grid.json["cells"]?[0]?[1]?["candidates"]?.array?.isEmpty == true)
  }

  @Test("an empty grid is drawn without cells and has no interactive view")
  func empty() throws {
    let grid = TokenGrid(title: "nothing", rows: [], rowLabels: [], columnLabels: [])
    #expect(grid.interactiveView == nil)
    #expect(grid.dataTable == nil)
    #expect(grid.svg(.light).contains("nothing"))
  }

  @Test("a large grid draws its last columns and says so")
  func large() throws {
    let grid = Samples.lens(layers: 61, (0..<90).map { "word\($0)" })
    let svg = grid.svg(.automatic)
    #expect(svg.contains("Shown: 40 of 61 rows, the last 24 of 90 columns."))
    #expect(svg.contains(">word66<") && !svg.contains(">word65<"))
    #expect(svg.contains(">layer 0<") && svg.contains(">layer 60<"))
    let table = try #require(grid.dataTable)
    #expect(table.rows.count == 61 && table.columns.count == 13)
    #expect(table.note == "61 of 61 rows, the last 12 of 90 columns.")
  }

  @Test("the interactive data writes each text once and rounds probabilities to millionths")
  func data() throws {
    let grid = TokenGrid(
      title: "t",
      rows: [
        [.init([.init("x", 0.123_456_789), .init(" y", 0.1)], detail: "d")],
        [.init([.init("x", 1)])],
      ], rowLabels: ["0", "1"], columnLabels: ["词"])
    let data = try #require(grid.interactiveView).data
    #expect(data["texts"] == ["x", "␣y"])
    #expect(data["cells"] == [[["d", [0, 0.123457, 1, 0.1]]], [["", [0, 1.0]]]])
    #expect(data["columnLabels"] == ["词"])
  }

  @Test("texts too long for a page keep their last columns")
  func longest() throws {
    let grid = TokenGrid(
      title: "", rows: Array(repeating: Array(repeating: .init([]), count: 4000), count: 3),
      rowLabels: [], columnLabels: [])
    let data = try #require(grid.interactiveView).data
    #expect(data["first"]?.integer == 2000)
    #expect(data["columnLabels"]?.array?.count == 2000)
  }
}
