import DataFormats
import Models
import Tensors
import Testing

/// Gradients through an encoder and a decoder agree with autograd in double precision: no element further
/// off than 1e-5 of the largest; see make_t5.py beside the files.
@Suite struct PairGradientTests {
  private static let names = ["t5", "t5-gated"]

  private struct Record {
    let name: String
    let target: LogitTarget
    let value: Double
  }

  /// The targets, the tensors, and the two texts.
  private static func reference(
    _ name: String
  ) throws -> (records: [Record], golden: Golden, ids: [Int], targetIDs: [Int]) {
    let document = try JSON(parsing: try contents("\(fixtures)/golden/\(name).gradients.json"))
    let records = try #require(document["targets"]?.array).map { entry in
      let terms = try #require(entry["terms"]?.array).map { term in
        LogitTarget.Term(
          position: try #require(term["position"]?.integer), id: try #require(term["id"]?.integer),
          weight: try #require(term["weight"]?.number))
      }
      let measure = LogitTarget.Measure(rawValue: try #require(entry["measure"]?.string))
      return Record(
        name: try #require(entry["name"]?.string),
        target: LogitTarget(terms, measure: try #require(measure)),
        value: try #require(entry["value"]?.number))
    }
    let texts = try JSON(parsing: try contents("\(fixtures)/golden/\(name).json"))
    let text = try #require(texts["texts"]?.array?.first)
    func integers(_ key: String) -> [Int] { text[key]?.array?.compactMap(\.integer) ?? [] }
    #expect(records.count == 3)
    return (
      records, try Golden(name, kind: ".gradients"), integers("ids"), integers("targetIDs")
    )
  }

  @Test(arguments: names) func gradientsAgreeWithAutograd(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let (records, golden, ids, targetIDs) = try Self.reference(name)
    let source = try model.tokenVectors(ids: ids)
    let written = try model.tokenVectors(ids: targetIDs)
    let layers = Array(0..<model.configuration.layers)
    for record in records {
      let gradient = try model.gradient(
        of: record.target, reading: source, writing: written, at: layers, targetLayers: [0, 1])
      let what = "\(name) \(record.name)"
      #expect(abs(gradient.value - record.value) <= 1e-5 * max(1, abs(record.value)), "\(what)")
      let value = try model.value(of: record.target, reading: source, writing: written)
      #expect(abs(value - gradient.value) <= 1e-6 * max(1, abs(value)), "\(what)")
      func expect(_ computed: Tensor?, _ key: String) throws {
        let expected = try golden.tensor("\(record.name).\(key)")
        let deviation =
          try largestDifference(try #require(computed), expected) / largestMagnitude(expected)
        #expect(deviation <= 1e-5, "\(what) \(key): \(deviation)")
      }
      try expect(gradient.source, "source")
      try expect(gradient.target, "written")
      for layer in layers { try expect(gradient.sourceResidual[layer], "encoder.\(layer)") }
      for layer in [0, 1] { try expect(gradient.targetResidual[layer], "decoder.\(layer)") }
    }
  }

  /// The slope along the gradient, from differences of the value itself in single precision.
  @Test(arguments: names) func vectorsMoveTheValueAsTheGradientSays(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let (records, _, ids, targetIDs) = try Self.reference(name)
    let source = try model.tokenVectors(ids: ids)
    let written = try model.tokenVectors(ids: targetIDs)
    let target = records[2].target
    let gradient = try model.gradient(of: target, reading: source, writing: written)
    func length(_ x: Tensor) -> Double {
      x.floats.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    func moved(_ x: Tensor, _ slopes: Tensor, _ step: Double) -> Tensor {
      let length = length(slopes)
      return Tensor(
        shape: x.shape, zip(x.floats, slopes.floats).map { $0 + Float(step * Double($1) / length) })
    }
    // So small that few units of the first model, which has no smooth activation, change sides.
    let step = 1e-3
    func slope(_ value: (Double) throws -> Double) rethrows -> Double {
      (try value(step) - value(-step)) / (2 * step)
    }
    let readSlope = try slope {
      try model.value(
        of: target, reading: moved(source, gradient.source, $0), writing: written)
    }
    let writtenSlope = try slope {
      try model.value(
        of: target, reading: source, writing: moved(written, gradient.target, $0))
    }
    #expect(abs(readSlope / length(gradient.source) - 1) < 5e-3)
    #expect(abs(writtenSlope / length(gradient.target) - 1) < 5e-3)
  }

  @Test(arguments: names) func keptAndRepeatedLayersGiveTheSameBytes(name: String) throws {
    let model = try LanguageModel.load(path: "\(fixtures)/\(name)")
    let (records, _, ids, targetIDs) = try Self.reference(name)
    let source = try model.tokenVectors(ids: ids + ids + ids)
    let written = try model.tokenVectors(ids: targetIDs)
    func all(limit: Int, threads: Int) throws -> [[UInt8]] {
      try Compute.with(pool: ThreadPool(threadCount: threads)) {
        let gradient = try model.gradient(
          of: records[2].target, reading: source, writing: written,
          options: GradientOptions(recordingLimit: limit))
        return [gradient.source.bytes, gradient.target.bytes]
      }
    }
    let expected = try all(limit: 1 << 30, threads: 1)
    #expect(try all(limit: 0, threads: 1) == expected)
    for threads in [2, 3] { #expect(try all(limit: 1 << 30, threads: threads) == expected) }
  }

  @Test func whatCannotBeAskedIsSaid() throws {
    let model = try LanguageModel.load(path: "\(fixtures)/t5")
    let (source, written) = (
      try model.tokenVectors(ids: [5, 1]), try model.tokenVectors(ids: [0])
    )
    func gradient(
      _ target: LogitTarget, targetLayers: [Int] = []
    ) throws {
      _ = try model.gradient(
        of: target, reading: source, writing: written, targetLayers: targetLayers)
    }
    #expect(throws: ModelError.positionOutOfRange(1, count: 1)) {
      try gradient(.logit(of: 3, at: 1))
    }
    #expect(throws: ModelError.tokenOutOfRange(id: 64, position: 0, vocabulary: 64)) {
      try gradient(.logit(of: 64, at: 0))
    }
    #expect(throws: ModelError.layerOutOfRange(2, count: 2)) {
      try gradient(.logit(of: 3, at: 0), targetLayers: [2])
    }
    #expect(throws: ModelError.noPairRelevance(model: "t5")) {
      try model.attentionRelevance(of: .logit(of: 3, at: 0), embeddings: source)
    }
    let stop = Cancellation()
    stop.cancel()
    #expect(throws: Cancelled.self) {
      try model.gradient(
        of: .logit(of: 3, at: 0), reading: source, writing: written, cancellation: stop)
    }
    let decoder = try LanguageModel.load(path: "\(fixtures)/llama-grouped")
    let vectors = try decoder.tokenVectors(ids: [5])
    #expect(throws: ModelError.noDecoder(model: "llama-grouped")) {
      try decoder.gradient(of: .logit(of: 3, at: 0), reading: vectors, writing: vectors)
    }
  }
}
