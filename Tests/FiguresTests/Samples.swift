import DataFormats
import Figures
import Glibc
import Testing

/// A figure with a name, for goldens and for looking at.
struct Sample: Sendable, CustomTestStringConvertible {
  let name: String
  let figure: any Figure
  var testDescription: String { name }
}

/// Numbers that only depend on a seed (SplitMix64).
struct Seeded {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func unit() -> Float {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float((z ^ (z >> 31)) >> 40) / Float(1 << 24)
  }
}

enum Samples {
  static let english = "[CLS] the patient has high blood pressure and needs treatment soon [SEP]"
    .split(separator: " ").map(String.init)
  static let chinese = ["患者", "患有", "高血压", "，", "需要", "接受", "降压", "治疗", "和", "定期", "检查", "。"]

  static let provenance = Provenance(
    version: "0.1.0", model: "all-MiniLM-L6-v2",
    modelHash: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    elementType: "f32", precision: "f32",
    call: "attention(\"the patient has high blood pressure\", layer: 5, head: 3)")

  /// Rows that sum to one, with a band near the diagonal and a sink in the first column.
  static func attention(_ count: Int, causal: Bool, seed: UInt64 = 1) -> Matrix {
    var random = Seeded(seed)
    var values = [Float](repeating: 0, count: count * count)
    for row in 0..<count {
      let end = causal ? row + 1 : count
      var sum: Float = 0
      for column in 0..<end {
        let far = Float(abs(row - column))
        var weight = random.unit() * 0.6 + 3 / (1 + far)
        if column == 0 { weight += 2 }
        if (row + column) % 7 == 0 { weight += 1.5 * random.unit() }
        values[row * count + column] = weight
        sum += weight
      }
      for column in 0..<end { values[row * count + column] /= sum }
    }
    return Matrix(rows: count, columns: count, values: values)
  }

  /// Quantiles that widen while their median rises.
  static var bands: LineChart {
    let names = ["lowest", "15.87 %", "median", "84.13 %", "highest"]
    var lines: [LineSeries] = []
    for (place, name) in names.enumerated() {
      let away = Double(place) - 2
      var ys: [Double] = []
      for step in 0...20 {
        let time = Double(step)
        ys.append(away * (1 + time / 8) + time * time / 200)
      }
      lines.append(LineSeries(name: name, xs: (0...20).map { Double($0) * 50 }, ys: ys))
    }
    return LineChart(
      title: "weights/model.layers.0.mlp.down_proj.weight", series: lines, isBanded: true,
      note: "the median, and about it the middle 68 and 100 %", provenance: provenance)
  }

  /// Two pictures of a few pixels.
  static var pictures: ImageSequence {
    var frames: [ImageSequence.Frame] = []
    for step in 1...2 {
      var gray: [UInt8] = []
      for row in 0..<6 {
        for column in 0..<6 { gray.append(column <= row ? UInt8((row + column) * 11 * step) : 0) }
      }
      let encoded = (try? PNG.encode(width: 6, height: 6, gray: gray)) ?? []
      frames.append(.init(title: "step \(step)", width: 6, height: 6, encoded: encoded))
    }
    return ImageSequence(
      title: "attention/probe 0 · 注意力", frames: frames, provenance: provenance)
  }

  static func words(_ count: Int) -> [TokenLabel] {
    let pool = [
      " the", " loan", " was", " approved", " because", " income", " is", " high", "，", " 收入",
      "稳定", " collateralisation", " and", "\n", " debt", " low", ".", " 信用", "记录", "良好",
    ]
    return (0..<count).map {
      TokenLabel(pool[$0 * 7 % pool.count], detail: "id \(1000 + $0)")
    }
  }

  static func heatmap(_ count: Int, causal: Bool = true) -> Heatmap {
    Heatmap(
      title: "Attention · deepseek-llm-7b-base · layer 3 · head 5",
      values: attention(count, causal: causal), rowLabels: words(count),
      columnLabels: words(count), isCausal: causal, provenance: provenance)
  }

  static var signed: Heatmap {
    var random = Seeded(5)
    var values = (0..<48).map { _ in random.unit() * 2 - 1 }
    values[17] = .nan
    values[30] = .nan
    return Heatmap(
      title: "Change of the logit when a head is removed",
      values: Matrix(rows: 6, columns: 8, values: values),
      rowLabels: (0..<6).map { TokenLabel("layer \($0)") },
      columnLabels: (0..<8).map { TokenLabel("head \($0)") }, colorMap: .signed, rowTitle: "",
      columnTitle: "", valueTitle: "Δ logit",
      note: "Ablation by zeros; two heads were not measured.")
  }

  /// A map and lines with numbers that have no place.
  static var oddMap: Heatmap {
    var values = attention(12, causal: true).values
    for (place, value) in [(12, Float.nan), (25, .nan), (62, .infinity), (84, -.infinity)] {
      values[place] = value
    }
    return Heatmap(
      title: "Attention · 注意力 · overflowed", values: Matrix(rows: 12, columns: 12, values: values),
      rowLabels: words(12), columnLabels: words(12), isCausal: true, provenance: provenance)
  }

  static var oddLines: LineChart {
    func line(_ name: String, _ factor: Double, _ odd: [Int: Double]) -> LineSeries {
      LineSeries(
        name: name, xs: (0..<40).map { Double($0 * 25) },
        ys: (0..<40).map { odd[$0] ?? factor / Double($0 + 2) - 0.1 })
    }
    return LineChart(
      title: "loss · 损失",
      series: [
        line("lr 1e-3", 3, [:]),
        line("lr 1e-1", 4, [20: .infinity, 21: .infinity, 22: .nan, 23: .nan, 30: -.infinity]),
      ], yTitle: "nats", provenance: provenance)
  }

  static let heatmaps: [Sample] = [
    Sample(
      name: "heatmap-english",
      figure: Heatmap(
        title: "Attention · all-MiniLM-L6-v2 · layer 5 · head 3",
        values: attention(english.count, causal: false),
        rowLabels: english.map { TokenLabel($0, detail: "id 7") },
        columnLabels: english.map { TokenLabel($0, detail: "id 7") }, provenance: provenance)),
    Sample(
      name: "heatmap-chinese",
      figure: Heatmap(
        title: "注意力 · deepseek-llm-7b-base · 第 3 层 · 第 5 头",
        values: attention(chinese.count, causal: true), rowLabels: chinese.map { TokenLabel($0) },
        columnLabels: chinese.map { TokenLabel($0) }, isCausal: true, rowTitle: "查询",
        columnTitle: "键", valueTitle: "权重", language: "zh", provenance: provenance)),
    Sample(name: "heatmap-signed", figure: signed),
    Sample(name: "lens-english", figure: lens(layers: 7, english)),
    Sample(name: "lens-chinese", figure: lens(layers: 5, chinese)),
    Sample(
      name: "lens-large", figure: lens(layers: 61, (0..<90).map { "word\($0)" }, seed: 9)),
    Sample(name: "heatmap-28", figure: heatmap(28)),
    Sample(name: "heatmap-40", figure: heatmap(40, causal: false)),
    Sample(name: "heatmap-100", figure: heatmap(100)),
    Sample(name: "heatmap-400", figure: heatmap(400)),
  ]

  static func grid(layers: Int, heads: Int, tokens: Int, causal: Bool = true) -> HeatmapGrid {
    HeatmapGrid(
      title: "Attention · deepseek-llm-7b-base · layers 0–\(layers - 1), all heads",
      cells: (0..<layers).flatMap { layer in
        (0..<heads).map { head in
          HeatmapGrid.Cell(
            title: "layer \(layer) · head \(head)", layer: layer, head: head,
            values: attention(tokens, causal: causal, seed: UInt64(layer * 100 + head)))
        }
      }, rowLabels: words(tokens), columnLabels: words(tokens), isCausal: causal,
      provenance: provenance)
  }

  /// What so many layers say at some positions: unsure below, sure above.
  static func lens(layers: Int, _ words: [String], seed: UInt64 = 3) -> TokenGrid {
    var random = Seeded(seed)
    let pool = [" the", "患者", " treatment", "\n", "治疗", " collateralisation", " is", "🙂", " "]
    return TokenGrid(
      title: "Logit lens · deepseek-llm-7b-base",
      rows: (0..<layers).map { layer in
        words.indices.map { column in
          let share = Double(layer + 1) / Double(layers) * Double(random.unit())
          return TokenGrid.Cell(
            (0..<5).map { rank in
              TokenGrid.Candidate(
                pool[(column * 3 + rank + layer / 2) % pool.count], share / Double(1 << rank))
            }, detail: "divergence from the final layer \(layers - layer) nats")
        }
      }, rowLabels: (0..<layers).map { TokenLabel("layer \($0)") },
      columnLabels: words.map { TokenLabel($0) }, provenance: provenance)
  }

  static let nextTokens = BarChart(
    title: "Next token · deepseek-llm-7b-base",
    items: [
      BarChart.Item(TokenLabel(" treatment", detail: "id 4512"), 0.4132),
      BarChart.Item(TokenLabel("治疗", detail: "id 9021"), 0.2251),
      BarChart.Item(TokenLabel(" to", detail: "id 276"), 0.1107),
      BarChart.Item(TokenLabel("\n", detail: "id 185"), 0.0421),
      BarChart.Item(TokenLabel("降压", detail: "id 30122"), 0.0093),
      BarChart.Item(TokenLabel(" ", detail: "id 207"), 0.00004),
    ], unit: .percent, note: "after “患者患有高血压，需要”", valueTitle: "probability",
    provenance: provenance)

  static let signedBars = BarChart(
    title: "Attribution of “approved”",
    items: [
      BarChart.Item(" income", 0.82), BarChart.Item(" high", 0.41), BarChart.Item(" debt", -0.37),
      BarChart.Item(" the", 0.01), BarChart.Item("信用", -0.12),
    ], valueTitle: "score")

  static let tokens = TokenStrip(
    title: "Tokens · deepseek-llm-7b-base",
    items: [
      .init(
        text: "<｜begin▁of▁sentence｜>", id: 100_000, piece: "<｜begin▁of▁sentence｜>", isSpecial: true),
      .init(text: "患者", id: 20_741, piece: "æĤ£èĢħ", byteRange: 0..<6),
      .init(text: "患有", id: 51_213, piece: "æĤ£æľī", byteRange: 6..<12),
      .init(text: "高血压", id: 35_112, piece: "é«ĺè¡Ģåİĭ", byteRange: 12..<21),
      .init(text: "，", id: 303, piece: "ï¼Į", byteRange: 21..<24),
      .init(text: "needs", id: 4_312, piece: "needs", byteRange: 24..<29),
      .init(text: " treatment", id: 5_204, piece: "Ġtreatment", byteRange: 29..<39),
      .init(text: "\n", id: 185, piece: "Ċ", byteRange: 39..<40),
      .init(text: "🧑‍⚕️", id: 12_345, piece: "ðŁ§ĳ", byteRange: 40..<53, part: 1, partCount: 3),
      .init(text: "🧑‍⚕️", id: 2_345, piece: "âĢį", byteRange: 40..<53, part: 2, partCount: 3),
      .init(text: "🧑‍⚕️", id: 345, piece: "âļķï¸ı", byteRange: 40..<53, part: 3, partCount: 3),
      .init(text: " مرحبا", id: 777, piece: "ĠÙħØ±ØŃØ¨Ø§", byteRange: 53..<64),
    ]
      + (0..<30).map {
        .init(text: [" and", " so", "继续", " forth"][$0 % 4], id: 900 + $0 * 37, piece: "x")
      },
    provenance: provenance)

  static let scoredText = ScoredText(
    title: "Attribution · why “批准” follows",
    items: [
      .init("<｜begin▁of▁sentence｜>"), .init("申请人", score: 0.02), .init("张伟", score: -0.01),
      .init("，", score: 0), .init("月收入", score: 0.4, details: ["id 7", "part of 月收入"]),
      .init(" 8", score: 1.2), .init("\n", score: 0.1), .init("逾期", score: -0.9),
      .init(" never", score: -0.3), .init("→"), .init("批准", isMarked: true),
    ], scoreName: "attribution", notes: ["Integrated gradients, 50 steps"], provenance: provenance)

  static let table = TableFigure(
    title: "Words", columns: ["term", "field", "count", "share"],
    rows: (0..<57).map { index in
      [
        .string(["高血压", "loan", "芯片", "diagnosis"][index % 4]), .string("field \(index % 3)"),
        .integer(index * 131), .number(Double(index) / 57),
      ]
    }, limit: 8, provenance: provenance)

  static let card = ModelCard(
    name: "deepseek-llm-67b-base", architecture: "LlamaForCausalLM",
    shape: .init(
      layers: 95, width: 8192, heads: 64, keyValueHeads: 8, headDimension: 128, innerWidth: 22016,
      vocabulary: 102_400, contextLength: 4096, isCausal: true, predictsTokens: true),
    parts: [
      .init("token embedding", 838_860_800), .init("attention", 14_344_519_680),
      .init("feed-forward", 51_401_195_520), .init("norms", 1_564_672),
      .init("head", 838_860_800),
    ], elementType: "bf16", byteCount: 134_849_998_848,
    facts: [.init("file", "deepseek-llm-67b-base/ (14 files)"), .init("SHA-256", "53aa5117…")],
    provenance: Provenance(version: "0.1.0", call: "info(m)"))

  static let encoderCard = ModelCard(
    name: "all-MiniLM-L6-v2", architecture: "BertModel",
    shape: .init(
      layers: 6, width: 384, heads: 12, keyValueHeads: 12, headDimension: 32, innerWidth: 1536,
      vocabulary: 30_522, contextLength: 512, isCausal: false, predictsTokens: false),
    parts: [
      .init("token embedding", 11_720_448), .init("position and type", 197_376),
      .init("attention", 3_548_160), .init("feed-forward", 7_089_408), .init("norms", 9_984),
      .init("pooler", 147_840),
    ], elementType: "f32", byteCount: 90_868_376)

  static let progress = ProgressFigure(
    label: "Loading deepseek-llm-7b-base", fraction: 0.4567, detail: "3 of 7 files",
    secondsLeft: 74)

  static let document = DocumentFigure(blocks: [
    .heading("attention", level: 1), .paragraph("Shows which token looks at which, as a map."),
    .heading("Parameters", level: 2),
    .table(
      columns: ["name", "type", "default", "what it is"],
      rows: [
        ["`text`", "Text or Trace", "", "what the model reads"],
        ["`layer`", "Number, `all` or `last`", "`last`", "the layer, counted from 0"],
      ]),
    .heading("Example", level: 2),
    .code("attention(\"患者患有高血压\", layer: 3)\nattention(t, head: all)"),
    .list(["Causal maps are blank above the diagonal.", "Use `a|b` with care; cost $5 and $6."]),
  ])

  static let scatter = ScatterPlot(
    title: "Embeddings of words, two principal components",
    points: ["芯片", "算法", "服务器", "chip", "高兴", "悲伤", "愤怒", "joy", "hospital", "医院", "bank"]
      .enumerated().map { index, word in
        ScatterPlot.Point(
          x: Double(index * 37 % 11) - 5 + (index < 4 ? 4 : 0), y: Double(index * 53 % 7) * 0.3,
          label: TokenLabel(word), group: index < 4 ? "technology" : index < 8 ? "情感" : "places")
      }, xTitle: "component 1 (31 %)", yTitle: "component 2 (18 %)", provenance: provenance)

  /// Spirals in space, with a group or a number for each point.
  static func cloud(_ count: Int, numbers: Bool = false, groups: Int = 4) -> ScatterPlot {
    ScatterPlot(
      title: "PCA · all-MiniLM-L6-v2 · layer 6 · 词向量",
      points: (0..<count).map { index in
        let turn = Double(index / groups) / Double(count / groups) * 6
        let arm = Double(index % groups) * 6.283 / Double(groups)
        let noise = { (factor: Int) in Double(index * factor % 97) / 97 - 0.5 }
        return ScatterPlot.Point(
          x: (1 + turn) * cos(turn + arm) + noise(31), y: (1 + turn) * sin(turn + arm) + noise(57),
          z: 1.2 * turn + 2 * noise(71) + Double(index % groups),
          label: TokenLabel(index % 3 == 0 ? "医院 \(index)" : "word \(index)"),
          group: numbers ? nil : ["technology", "情感", "places", "food"][index % groups % 4],
          value: numbers ? turn - 2 : nil, size: numbers ? Double(index % 7 + 1) : nil)
      }, xTitle: "component 1 (31 %)", yTitle: "component 2 (18 %)",
      zTitle: "component 3 (9.1 %)", valueTitle: numbers ? "score" : "",
      note: "58 % of the variance · trustworthiness 0.934 (5 neighbours)", provenance: provenance)
  }

  static let others: [Sample] = [
    Sample(name: "heatmap-odd", figure: oddMap),
    Sample(name: "lines-odd", figure: oddLines),
    Sample(name: "scored-text", figure: scoredText),
    Sample(name: "space", figure: cloud(80)),
    Sample(name: "space-numbers", figure: cloud(300, numbers: true)),
    Sample(name: "space-2500", figure: cloud(2500)),
    Sample(name: "space-20000", figure: cloud(20_000)),
    Sample(name: "grid-4x6", figure: grid(layers: 4, heads: 6, tokens: 12)),
    Sample(name: "grid-12x12", figure: grid(layers: 12, heads: 12, tokens: 24)),
    Sample(name: "grid-30x32", figure: grid(layers: 30, heads: 32, tokens: 20)),
    Sample(
      name: "grid-layers",
      figure: HeatmapGrid(
        title: "Attention · all-MiniLM-L6-v2 · mean over heads",
        cells: (0..<6).map {
          .init(
            title: "layer \($0)", layer: $0, head: nil,
            values: attention(english.count, causal: false, seed: UInt64($0)))
        }, rowLabels: english.map { TokenLabel($0) }, columnLabels: english.map { TokenLabel($0) },
        provenance: provenance)),
    Sample(name: "bars-next", figure: nextTokens),
    Sample(name: "bars-signed", figure: signedBars),
    Sample(name: "tokens", figure: tokens),
    Sample(name: "table", figure: table),
    Sample(name: "card", figure: card),
    Sample(name: "card-encoder", figure: encoderCard),
    Sample(
      name: "heatmap-row",
      figure: Heatmap(
        title: "One query",
        values: Matrix(rows: 1, columns: 12, values: (0..<12).map { Float($0) / 12 }),
        rowLabels: ["soon"], columnLabels: english.map { TokenLabel($0) })),
    Sample(name: "progress", figure: progress),
    Sample(name: "bands", figure: bands),
    Sample(name: "pictures", figure: pictures),
    Sample(name: "document", figure: document),
    Sample(name: "scatter", figure: scatter),
    Sample(
      name: "group", figure: GroupFigure(title: "Two at once", figures: [nextTokens, signed])),
  ]

  /// A run of cells, as a page.
  static let page = HTMLPage(
    title: "A tour", language: "en",
    items: [
      .markdown(
        "# A tour\n\nWhat does *all-MiniLM-L6-v2* look at? See the [paper](https://arxiv.org/abs/1706.03762).\n\n- load a model\n- `attention(text)`\n\n| head | finds |\n|---|--:|\n| 3 | verbs |"
      ),
      .code(
        "m = load(\"all-MiniLM-L6-v2\")  # a real one\nattention(\"患者患有高血压\", layer: 5)",
        [
          CodeSpan(range: 4..<8, kind: .function), CodeSpan(range: 9..<27, kind: .string),
          CodeSpan(range: 30..<42, kind: .comment), CodeSpan(range: 43..<52, kind: .function),
        ]),
      .stream("6 layers read\n", isError: false),
      .bundle(heatmaps[0].figure.mimeBundle()),
      .stream("warning: the text was cut\n", isError: true),
      .error(
        "error: there is no layer 9: the model has layers 0 to 5\n  attention(t, layer: 9)\n                      ^"
      ),
      .bundle(table.mimeBundle()),
    ])

  static let all: [Sample] = heatmaps + others
}
