import Analysis
import DataFormats
import Foundation
import Testing

/// The classifiers are scikit-learn's logistic regression and SciPy's minimum of the squared hinge loss, within 1e-6 of the
/// vector's length.
@Suite struct LinearClassifierTests {
  private static func document() throws -> JSON {
    let path =
      #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
      + "/Fixtures/Analysis/concepts.json"
    return try JSON(parsing: [UInt8](Data(contentsOf: URL(filePath: path))))
  }

  @Test(arguments: LinearClassifier.Loss.allCases) func theMinimumIsTheReferences(
    loss: LinearClassifier.Loss
  ) throws {
    let cases = try #require(try Self.document()["classifiers"]?.array)
    #expect(cases.count == 4)
    for item in cases {
      let vectors = try #require(item["vectors"]?.array).map {
        ($0.array ?? []).compactMap(\.number)
      }
      let labels = try #require(item["labels"]?.array).compactMap(\.bool)
      let expected = try #require(item[loss.rawValue]?.array).compactMap(\.number)
      let products = vectors.flatMap { left in
        vectors.map { right in zip(left, right).reduce(0.0) { $0 + $1.0 * $1.1 } }
      }
      let classifier = LinearClassifier(
        products: products, isPositive: labels, loss: loss,
        penalty: try #require(item["penalty"]?.number))
      var found = [Double](repeating: 0, count: vectors[0].count)
      for (vector, coefficient) in zip(vectors, classifier.coefficients) {
        for (column, number) in vector.enumerated() { found[column] += coefficient * number }
      }
      found.append(classifier.bias)
      let length = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let distance = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        .squareRoot()
      #expect(distance <= 1e-6 * length, "\(distance / length)")
    }
  }

  @Test func welchIsSciPys() throws {
    let cases = try #require(try Self.document()["welch"]?.array)
    #expect(cases.count == 3)
    for item in cases {
      let p = SignificanceTests.welch(
        (item["left"]?.array ?? []).compactMap(\.number),
        (item["right"]?.array ?? []).compactMap(\.number))
      let expected = try #require(item["p"]?.number)
      #expect(abs(p / expected - 1) < 1e-10)
    }
  }

  @Test func ranksAndHolmByHand() {
    #expect(SignificanceTests.rank(3, among: [1, -4, 2, 0.5]) == 2.0 / 5)
    #expect(SignificanceTests.rank(0.9, among: [0.1, 0.5, 0.95], middle: 0.5) == 3.0 / 4)
    #expect(SignificanceTests.rank(1, among: []) == 1)
    // 0.01 ≤ 0.05/3, 0.02 ≤ 0.05/2, 0.06 > 0.05.
    #expect(SignificanceTests.holm([0.06, 0.01, 0.02]) == [false, true, true])
    // The second fails, and with it the third.
    #expect(SignificanceTests.holm([0.01, 0.04, 0.045]) == [true, false, false])
  }
}
