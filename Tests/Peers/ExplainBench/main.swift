// Explains and projects what it is told to, and prints how long it took: one line of JSON for each line of standard input.
//
//   model PATH                            loads a model, which the next lines ask
//   ig TOKENS STEPS                       integrated gradients of one logit from token 0
//   tcav TOKENS TEXTS SETS CONCEPTS NULLS concepts one after the other, each told from the same sets of random
//                                         texts, and compared with so many random concepts
//   tsne FILE ROWS COLUMNS AXES OUT       t-SNE of float32 rows; the map is written to OUT as float64 rows
//   pca FILE ROWS COLUMNS COMPONENTS OUT  principal components, the points along them written likewise
//
// Times are in milliseconds. `VITRINE_THREADS` gives the number of threads.

import Analysis
import DataFormats
import Foundation
import Glibc
import Models
import Tensors
import Tokenizers

func milliseconds(_ body: () throws -> Void) rethrows -> JSON {
  let start = ContinuousClock.now
  try body()
  return .number((ContinuousClock.now - start) / .milliseconds(1))
}

/// Token ids that are spread over the first `vocabulary`.
func ids(_ count: Int, below vocabulary: Int, _ generator: inout SeededGenerator) -> [Int] {
  (0..<count).map { _ in Int.random(in: 0..<vocabulary, using: &generator) }
}

func integratedGradients(_ model: LanguageModel, tokens count: Int, steps: Int) throws -> JSON {
  var generator = SeededGenerator(seed: 1)
  let ids = ids(count, below: model.configuration.vocabulary, &generator)
  var options = Attribution.Options()
  options.baseline = .token(0)
  options.steps = steps
  var delta = 0.0
  let time = try milliseconds {
    let question = try AttributionQuestion(model, prompt: ids, answer: [7])
    let result = try Attribution(question, method: .integratedGradients, options: options)
    delta = result.delta ?? .nan
  }
  return ["ms": time, "delta": .number(delta)]
}

/// The first concept pays for the random texts and the gradients; those after it find them there.
func concepts(
  _ model: LanguageModel, tokens length: Int, texts: Int, sets: Int, concepts: Int, nulls: Int
) throws -> JSON {
  let vocabulary = model.configuration.vocabulary
  var generator = SeededGenerator(seed: 3)
  func draw(_ count: Int, below limit: Int) -> [[Token]] {
    (0..<count).map { _ in
      ids(length, below: limit, &generator).map {
        Token(id: $0, piece: "", byteRange: nil, text: "")
      }
    }
  }
  let random = draw(sets * texts, below: vocabulary)
  let inputs = draw(texts, below: vocabulary / 2)
  let asked = (0..<concepts).map { _ in draw(texts, below: vocabulary / 2) }
  let layers = Array(0..<model.configuration.layers)
  var options = ConceptSensitivity.Options()
  options.runs = sets
  options.randomConcepts = nulls
  let target = LogitTarget.logit(of: 7, at: length - 1)
  var known: (random: ConceptBackground, gradients: ConceptGradients)?
  var times: [JSON] = []
  var signs: [JSON] = []
  for concept in asked {
    times.append(
      try milliseconds {
        let activations = try ConceptActivations.of(
          concept, model, layers: layers, pooling: .mean)
        if known == nil {
          known = (
            try ConceptBackground(
              try ConceptActivations.of(random, model, layers: layers, pooling: .mean)),
            try ConceptGradients(
              inputs, model, targets: inputs.map { _ in target }, layers: layers, pooling: .mean)
          )
        }
        guard let known else { return }
        let result = try ConceptSensitivity(
          concept: activations, random: known.random, gradients: known.gradients,
          options: options)
        signs.append(.array(result.layers.map { .number($0.sign) }))
      })
  }
  return ["ms": .array(times), "signs": .array(signs)]
}

func points(_ path: String, rows: Int, columns: Int) throws -> Tensor {
  let data = try Data(contentsOf: URL(filePath: path))
  let numbers = [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
    count = data.copyBytes(to: buffer) / MemoryLayout<Float>.size
  }
  return Tensor(shape: [rows, columns], numbers)
}

func write(_ rows: [[Double]], to path: String) throws {
  try rows.flatMap(\.self).withUnsafeBytes { try Data($0).write(to: URL(filePath: path)) }
}

var model: LanguageModel?
while let line = readLine() {
  let words = line.split(separator: " ").map(String.init)
  func number(_ place: Int) -> Int { Int(words[place]) ?? 0 }
  var answer: JSON = [:]
  switch words.first {
  case "model": model = try LanguageModel.load(path: words[1])
  case "ig":
    guard let model else { fatalError("ig before model") }
    answer = try integratedGradients(model, tokens: number(1), steps: number(2))
  case "tcav":
    guard let model else { fatalError("tcav before model") }
    answer = try concepts(
      model, tokens: number(1), texts: number(2), sets: number(3), concepts: number(4),
      nulls: number(5))
  case "tsne":
    let rows = try points(words[1], rows: number(2), columns: number(3))
    var map: TSNE?
    let time = try milliseconds { map = try TSNE(of: rows, axes: number(4)) }
    guard let map else { continue }
    try write(map.coordinates, to: words[5])
    answer = ["ms": time, "divergence": .number(map.divergence), "steps": .integer(map.iterations)]
  case "pca":
    let rows = try points(words[1], rows: number(2), columns: number(3))
    var found: PrincipalComponents?
    let time = try milliseconds {
      found = try PrincipalComponents(of: rows, count: number(4))
    }
    guard let found else { continue }
    try write(found.coordinates, to: words[5])
    answer = [
      "ms": time, "variance": .array(found.explainedVariance.map { .number($0) }),
    ]
  default: fatalError("no such work: \(line)")
  }
  print(String(decoding: answer.serializedBytes(), as: UTF8.self))
  fflush(nil)
}
