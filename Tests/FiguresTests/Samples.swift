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
      columnLabels: (0..<8).map { TokenLabel("head \($0)") }, colorMap: .diverging, rowTitle: "",
      columnTitle: "", valueTitle: "Δ logit",
      note: "Ablation by zeros; two heads were not measured.")
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
    Sample(name: "heatmap-28", figure: heatmap(28)),
    Sample(name: "heatmap-40", figure: heatmap(40, causal: false)),
    Sample(name: "heatmap-100", figure: heatmap(100)),
    Sample(name: "heatmap-400", figure: heatmap(400)),
  ]

  static let all: [Sample] = heatmaps
}
