import DataFormats
import Testing

@testable import Training

@Suite struct HistogramQuantilesTests {
  /// Where TensorBoard draws the bands of the same histograms.
  @Test func quantilesAreTensorBoards() throws {
    let wanted = try JSON(parsing: TemporaryFolder.contents(of: fixtures + "/quantiles.json"))
    let cases = try JSON(parsing: TemporaryFolder.contents(of: fixtures + "/histograms.json"))
    let members = try #require(wanted.object?.members)
    #expect(members.count == 7)
    for member in members {
      let data = try #require(member.key == "gap" ? member.value : cases[member.key])
      func numbers(_ key: String, of json: JSON) -> [Double] {
        (json[key]?.array ?? []).map { $0.number ?? .nan }
      }
      let moments = numbers("moments", of: data)
      let histogram = HistogramSummary(
        minimum: moments[0], maximum: moments[1], count: moments[2], sum: moments[3],
        sumOfSquares: moments[4], limits: numbers("limits", of: data),
        counts: numbers("counts", of: data))
      let found = histogram.quantiles(HistogramSummary.drawnShares)
      let expected = numbers("quantiles", of: member.value)
      #expect(found.count == 9 && expected.count == 9)
      for (a, b) in zip(found, expected) {
        #expect(abs(a - b) <= 1e-9 * max(1, abs(b)), "\(member.key)")
      }
    }
  }

  @Test func damagedHistogramsHaveNone() {
    func summary(_ limits: [Double], _ counts: [Double]) -> HistogramSummary {
      HistogramSummary(
        minimum: 0, maximum: 1, count: 3, sum: 1, sumOfSquares: 1, limits: limits, counts: counts)
    }
    let damaged: [([Double], [Double])] = [
      ([], []), ([1], []), ([1, 2], [0, 0]), ([1], [.nan]), ([1], [-4]),
    ]
    for (limits, counts) in damaged {
      let found = summary(limits, counts).quantiles([0, 0.5, 1])
      #expect(found.filter(\.isNaN).count == 3)
    }
    #expect(summary([1, 2], [2]).quantiles([0.5]) == [0.5])
  }

  /// The norm of the gradients that a step leaves is the one that it reports.
  @Test func gradientsAreThoseOfTheLastStep() throws {
    let reference = try ReferenceSteps("llama")
    let trainer = try reference.trainer()
    #expect(trainer.gradients.isEmpty)
    let record = try trainer.takeStep([reference.batches[0]])
    let squares = trainer.gradients.map { $0.tensor.sumOfSquares }
    let norm = squares.reduce(0, +).squareRoot()
    #expect(abs(norm - record.gradientNorm) <= 1e-9 * norm)
    let names = try trainer.weights.map(\.name)
    #expect(Set(trainer.gradients.map(\.name)) == Set(names))
  }
}
