import Analysis
import Models
import Tensors
import Testing

@Suite struct SentenceEmbeddingTests {
  @Test func sentencesGetTheReferencesVectors() throws {
    let model = try loadMiniLM()
    let vectors = try ReferenceNumbers.sentenceIDs.map {
      try SentenceEmbedding.vector(of: try model.run(ids: $0, keeping: []))
    }
    for (vector, start) in zip(vectors, ReferenceNumbers.embeddingStarts) {
      #expect(vector.shape == [384])
      #expect(abs(vector.floats.reduce(0) { $0 + Double($1) * Double($1) } - 1) < 1e-6)
      for (value, expected) in zip(vector.floats, start) {
        #expect(abs(Double(value) - expected) < 1e-5)
      }
    }
    let pairs = [(0, 1), (0, 2), (1, 2)]
    for ((left, right), expected) in zip(pairs, ReferenceNumbers.cosines) {
      let cosine = SentenceEmbedding.cosineSimilarity(vectors[left], vectors[right])
      #expect(abs(cosine - expected) < 1e-5)
    }
  }

  @Test(arguments: [
    (SentencePooling.Mode.first, [3, -4] as [Float]), (.mean, [2, 0]), (.max, [3, 4]),
  ])
  func everyModePoolsAsNamed(mode: SentencePooling.Mode, expected: [Float]) {
    let hidden = Tensor(shape: [2, 2], [3, -4, 1, 4])
    let pooled = SentenceEmbedding.pool(hidden, SentencePooling(mode: mode, isNormalized: false))
    #expect(pooled.floats == expected)
    let unit = SentenceEmbedding.pool(hidden, SentencePooling(mode: mode, isNormalized: true))
    let length = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for (value, raw) in zip(unit.floats, expected) { #expect(abs(value - raw / length) < 1e-7) }
  }

  @Test func cosinesOfKnownVectors() {
    func cosine(_ a: [Float], _ b: [Float]) -> Double {
      SentenceEmbedding.cosineSimilarity(
        Tensor(shape: [a.count], a), Tensor(shape: [b.count], b))
    }
    #expect(cosine([1, 0], [0, 2]) == 0)
    #expect(abs(cosine([1, 2], [-2, -4]) + 1) < 1e-12)
    #expect(abs(cosine([1, 0], [1, 1]) - 0.7071067811865475) < 1e-12)
    #expect(cosine([0, 0], [1, 1]) == 0)
  }
}
