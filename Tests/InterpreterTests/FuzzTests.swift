import Interpreter
import Testing

/// A small generator of repeatable numbers (SplitMix64).
private struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct FuzzTests {
  private static let seeds = [
    "def f(n) { if n <= 1 { 1 } else { n * f(n - 1) } }\nf(6)",
    "xs = [x * 2 for x in 0..<10 if x % 3 == 0]\nxs |> sort(descending: true) |> first(2)",
    "t = table([{term: \"芯片\", n: 2}, {term: \"算法\", n: 3}])\nsort(t, by: \"n\").term[0]",
    "m = tensor([[1, 2], [3, 4]]) * [10, 100]\nm[0][1] + sum(m, axis: 0)[1]",
    "r = {a: 1, \"b c\": [1, 2, {d: none}]}\nr[\"b c\"][2].d == none and not false",
    "for a, b in zip([1, 2], \"xy\") { print(\"\\(a): \\(b * 2)\") }",
    "g = (x, y) -> x ^ y - 1\nmap(0...4, x -> g(x, 2)).mean()",
    "s = \"患者患有高血压，需要\"\nsplit(replace(s, \"患\", \", \"), \", \")[1...-1]",
    "param top = 5 \"how many\"\nround(-1.5e2 / top, digits: 1)",
    "help(sort)\nenumerate([1, 2][-1..<2], start: 3)",
    "max([3, 1], axis: none)\nunique(list(range(10, 0, step: -3)) + [1])",
  ]
  private static let pieces = [
    "(", ")", "[", "]", "{", "}", "|>", "->", "...", "..<", "\"", "\\(", "\"\"\"", "\n", ";", ",",
    ":",
    "=", "==", "^", "-", "*", "%", "1e9", "0", "-1", "all", "last", "mean", "max", "none", "true",
    "def f(x) = f", "for x in ", "if ", "else ", "param ", ".", "?", "#", "f(", "xs", "sort",
    "len(",
    "map(", "0..<9", "{a: 1}", "é", "血", "😀", "\u{301}", "tensor(", "not ", " in ", "x -> ",
  ]

  @Test("A hundred thousand mutated programs end without harm")
  func mutatedPrograms() {
    let skipped: Set<String> = ["save", "read", "table"]
    var functions = Catalogue.builtins.filter { !skipped.contains($0.name) }
    if let table = Catalogue.builtins.first(where: { $0.name == "table" }) {
      // Tables of values, not of files.
      functions.append(
        FunctionDefinition(
          "table", group: table.group, summary: table.summary,
          parameters: [ParameterDefinition("source", .list(of: .record), "Records.")],
          result: table.result, body: table.body))
    }
    let catalogue = Catalogue(functions)
    var generator = Generator(state: 7)
    var limits = ExecutionContext.Limits()
    limits.steps = 300
    var ran = 0
    var failed = 0
    for round in 0..<1_000 {
      let session = Session(catalogue: catalogue, version: "fuzz")
      let recorder = Recorder()
      for _ in 0..<100 {
        let source = Self.mutant(&generator)
        switch session.execute(source, output: recorder, limits: limits) {
        case .ok: ran += 1
        case .failed: failed += 1
        case .interrupted: Issue.record("nothing interrupts in round \(round)")
        }
      }
    }
    // Both kinds must be many for the run to mean something.
    #expect(ran > 5_000)
    #expect(failed > 20_000)
  }

  private static func mutant(_ generator: inout Generator) -> String {
    var units = Array(seeds[Int(generator.next() % UInt64(seeds.count))].unicodeScalars)
    for _ in 0..<[1, 1, 1, 2, 4][Int(generator.next() % 5)] {
      let place = Int(generator.next() % UInt64(units.count + 1))
      switch generator.next() % 5 {
      case 0:
        units.insert(
          contentsOf: pieces[Int(generator.next() % UInt64(pieces.count))].unicodeScalars, at: place
        )
      case 1:
        let end = min(units.count, place + 1 + Int(generator.next() % 6))
        if place < end { units.removeSubrange(place..<end) }
      case 2:
        let end = min(units.count, place + Int(generator.next() % 12))
        units.insert(
          contentsOf: Array(units[place..<end]), at: Int(generator.next() % UInt64(units.count + 1))
        )
      case 3:
        let other = Array(seeds[Int(generator.next() % UInt64(seeds.count))].unicodeScalars)
        units = Array(units[..<place]) + other[Int(generator.next() % UInt64(other.count))...]
      default:
        if place < units.count, let scalar = Unicode.Scalar(UInt32(generator.next() % 128)) {
          units[place] = scalar
        }
      }
    }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: units)
    return String(text)
  }
}
