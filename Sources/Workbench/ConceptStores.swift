import Analysis
import Interpreter
import Models
import Synchronization
import Tokenizers

/// Texts as tokens, with the places that a concept looks at.
struct ConceptTexts {
  let tokens: [[Token]]
  /// The positions of a piece of each text, or `nil` where the pooling decides.
  let positions: [[Int]]?

  init(_ texts: [String], at piece: String?, _ model: LanguageModel, in context: ExecutionContext)
    throws
  {
    let tokens = try texts.map { try model.encode($0, cancellation: context.cancellation).tokens }
    self.tokens = tokens
    positions = try piece.map { piece in
      try zip(texts, tokens).map { try TokenSearch.positions(of: piece, in: $1, text: $0) }
    }
  }
}

/// What several tests of concepts have in common, from recent tests: each kind of thing the most recent few.
private final class RecentResults<Key: Hashable & Sendable, Result: Sendable>: Sendable {
  private let kept = Mutex<[(key: Key, result: Result)]>([])
  private let most: Int

  init(most: Int) { self.most = most }

  func result(_ key: Key, _ find: () throws -> Result) rethrows -> Result {
    if let known = kept.withLock({ $0.first { $0.key == key }?.result }) { return known }
    let result = try find()
    kept.withLock { kept in
      kept.append((key, result))
      if kept.count > most { kept.removeFirst() }
    }
    return result
  }
}

/// Random texts of recent concepts, so that a second concept doesn't read them again.
final class BackgroundStore: Sendable {
  private struct Key: Hashable {
    let model: ObjectIdentifier
    let texts: [[UInt8]]
    let pooling: ConceptActivations.Pooling
    let at: [UInt8]?
  }

  private let kept = RecentResults<Key, ConceptBackground>(most: 4)

  static func of(_ context: ExecutionContext) -> BackgroundStore {
    context.storage.object(BackgroundStore.self) { BackgroundStore() }
  }

  /// The texts' vectors in every layer; `read` finds them where they aren't known.
  func background(
    _ texts: [String], pooling: ConceptActivations.Pooling, at: String?, model: ModelValue,
    in context: ExecutionContext, read: () throws -> ConceptActivations
  ) throws -> ConceptBackground {
    let key = Key(
      model: ObjectIdentifier(model), texts: texts.map { Array($0.utf8) }, pooling: pooling,
      at: at.map { Array($0.utf8) })
    return try kept.result(key) {
      try ConceptBackground(try read(), cancellation: context.cancellation)
    }
  }
}

/// Gradients of recent questions, so that a second concept costs no second way back through the model.
final class GradientStore: Sendable {
  private struct Key: Hashable {
    let model: ObjectIdentifier
    let texts: [[UInt8]]
    let target: [UInt8]
    let against: [UInt8]?
    let pooling: ConceptActivations.Pooling
    let at: [UInt8]?
  }

  private let kept = RecentResults<Key, ConceptGradients>(most: 4)

  static func of(_ context: ExecutionContext) -> GradientStore {
    context.storage.object(GradientStore.self) { GradientStore() }
  }

  /// The gradients of every layer's input, for each text.
  func gradients(
    _ texts: [String], target: String, against: String?, pooling: ConceptActivations.Pooling,
    at: String? = nil, model: ModelValue, in context: ExecutionContext
  ) throws -> ConceptGradients {
    let key = Key(
      model: ObjectIdentifier(model), texts: texts.map { Array($0.utf8) },
      target: Array(target.utf8), against: against.map { Array($0.utf8) }, pooling: pooling,
      at: at.map { Array($0.utf8) })
    return try kept.result(key) {
      let language = model.model
      let asked = try ConceptTexts(texts, at: at, language, in: context)
      let targets = try zip(texts, asked.tokens).map { text, tokens -> LogitTarget in
        func first(_ answer: String) throws -> Int {
          try AttributionAnswer.ids(answer, language) {
            try NextTokens.probability(
              of: $0, in: TraceCache.of(context).trace(of: text, model: model, in: context).trace,
              cancellation: context.cancellation)
          }[0]
        }
        let (answer, last) = (try first(target), tokens.count - 1)
        return try against.map {
          .difference(of: answer, from: try first($0), at: last)
        } ?? .logit(of: answer, at: last)
      }
      return try ConceptGradients(
        asked.tokens, language, targets: targets,
        layers: Array(0..<language.configuration.layers), pooling: pooling,
        positions: asked.positions, cancellation: context.cancellation
      ) { context.progress("Gradients", fraction: $0) }
    }
  }
}
