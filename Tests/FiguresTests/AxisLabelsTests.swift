import Testing

@testable import Figures

@Suite("Axis labels")
struct AxisLabelsTests {
  static let counts = [1, 2, 5, 12, 28, 40, 100, 400, 4096]

  @Test("labels of rows keep a line's height apart", arguments: counts)
  func rows(count: Int) {
    let step = min(36, 544 / Double(count))
    let axis = AxisLabels.rows(Samples.words(count).map(\.axisText), step: step)
    let line = axis.fontSize * TextMetrics.lineHeight
    for (one, next) in zip(axis.items, axis.items.dropFirst()) {
      #expect(Double(next.index - one.index) * step >= line - 1e-9)
    }
    #expect(axis.items.allSatisfy { $0.width <= 130 })
    #expect(axis.items.first?.index == 0)
  }

  @Test("labels of columns never touch", arguments: counts)
  func columns(count: Int) {
    for labels in [Samples.words(count).map(\.axisText), Array(repeating: "界", count: count)] {
      let step = min(36, 544 / Double(count))
      let axis = AxisLabels.columns(labels, step: step)
      let line = axis.fontSize * TextMetrics.lineHeight
      for (one, next) in zip(axis.items, axis.items.dropFirst()) {
        let apart = Double(next.index - one.index) * step
        switch axis.angle {
        case 0: #expect(apart >= (one.width + next.width) / 2)
        case -45: #expect(apart * 0.7072 >= line - 1e-9)
        default: #expect(apart >= line - 1e-9)
        }
      }
      #expect(axis.items.allSatisfy { $0.width <= 120 })
    }
  }

  @Test("short labels stand upright, longer ones slant, crowded ones stand on end")
  func angles() {
    #expect(AxisLabels.columns(["患", "者"], step: 36).angle == 0)
    #expect(AxisLabels.columns(["pressure", "treatment"], step: 36).angle == -45)
    #expect(AxisLabels.columns(["pressure", "treatment"], step: 14).angle == -90)
    #expect(AxisLabels.columns(Array(repeating: "word", count: 99), step: 3).stride == 5)
  }

  @Test("a long label is cut and ends in an ellipsis")
  func cut() {
    let text = TextMetrics.fitted(String(repeating: "界", count: 50), size: 11, maximum: 120)
    #expect(text.last == "…")
    #expect(TextMetrics.width(text, size: 11) <= 120)
    #expect(TextMetrics.fitted("short", size: 11, maximum: 120) == "short")
  }

  @Test("a Chinese character is as wide as its height, a mark has no width")
  func metrics() {
    #expect(TextMetrics.width("高血压", size: 10) == 30)
    #expect(TextMetrics.width("\u{301}", size: 10) == 0)
    #expect(TextMetrics.columns("ab高") == 4)
  }

  @Test("wrapping keeps every character and every line within the width")
  func wrapping() {
    let text = "患者患有高血压 and needs treatment 很快 because of it"
    let lines = TextMetrics.wrapped(text, size: 12, maximum: 90)
    #expect(lines.count > 2)
    #expect(lines.allSatisfy { TextMetrics.width($0, size: 12) <= 90 })
    #expect(
      lines.joined().filter { $0 != " " } == text.filter { $0 != " " })
  }
}
