import Glibc
public import Tensors

/// How well a linear classifier reads labels off a layer's vectors, and how much of that it could have learned by heart.
///
/// A control task gives every kind of example a random label of its own (Hewitt and Liang 2019, arXiv:1909.03368): what a
/// probe reads there it learned itself. Selectivity is the accuracy minus that of the control, both on held-out texts.
public struct LinearProbe: Sendable {
  /// What decides the numbers.
  public struct Options: Sendable, Hashable {
    /// C of the classifiers, for vectors whose features' mean variance is 1.
    public var penalty = 1.0
    /// Into how many parts the texts are divided; each is held out once.
    public var folds = 5
    /// How many control tasks there are.
    public var controls = 39
    /// Decides parts and control labels.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// What one layer gives.
  public struct Layer: Sendable, Equatable {
    /// The layer.
    public let layer: Int
    /// The share of held-out texts whose label is read right.
    public let accuracy: Double
    /// That of each part.
    public let foldAccuracies: [Double]
    /// The share of held-out texts of each control task.
    public let controls: [Double]
    /// The mean share of the texts learned from whose control labels are told right: what the probe can learn by heart.
    public let memorised: Double
    /// The label that each text got while it was held out.
    public let predictions: [Int]

    /// The mean accuracy of the control tasks.
    public var control: Double { controls.reduce(0, +) / Double(max(1, controls.count)) }
    /// The accuracy minus that of the controls.
    public var selectivity: Double { accuracy - control }
    /// The probability that labels dealt at random are read as well.
    public var probability: Double { SignificanceTests.share(of: controls, reaching: accuracy) }
  }

  /// Layer by layer.
  public let layers: [Layer]
  /// For each layer the probability that labels dealt at random are read as well in any of the layers: the same control
  /// tasks are read in all, and the best layer of each counts (Westfall and Young 1993).
  public var probabilities: [Double] {
    let tasks = layers.first?.controls.count ?? 0
    let best = (0..<tasks).map { task in layers.map { $0.controls[task] }.max() ?? 0 }
    return layers.map { SignificanceTests.share(of: best, reaching: $0.accuracy) }
  }
  /// The share of the most frequent label: what a probe that knows nothing gets.
  public let chance: Double
  /// The part in which each text was held out.
  public let folds: [Int]

  /// Probes layers.
  ///
  /// - Parameters:
  ///   - labels: the label of each text, `0..<classes`.
  ///   - kinds: the kind of each text, whose texts share a control label; `nil` makes each text one of its own.
  ///   - progress: called with the share that is done.
  /// - Throws: `Cancelled`.
  ///
  /// Precondition: as many labels as texts, two labels occur, and each in two texts at least.
  public init(
    _ activations: ConceptActivations, labels: [Int], classes: Int, kinds: [Int]? = nil,
    options: Options = Options(), cancellation: Cancellation? = nil,
    progress: (Double) -> Void = { _ in }
  ) throws(Cancelled) {
    var generator = SeededGenerator(seed: options.seed)
    let folds = Self.folds(labels, classes: classes, count: options.folds, &generator)
    let tasks =
      [labels]
      + (0..<options.controls).map { _ in
        Self.control(labels, kinds: kinds, folds: folds, &generator)
      }
    var layers: [Layer] = []
    for (place, layer) in activations.layers.enumerated() {
      let space = try ProbeSpace(activations.vectors[place], cancellation: cancellation)
      var results: [Answer] = []
      // Some tasks at a time, so that the next layer's progress and a cancellation don't wait.
      for task in tasks {
        results.append(
          try Self.answer(task, classes, space, folds, options, cancellation))
        let done = Double(place) + Double(results.count) / Double(tasks.count)
        progress(done / Double(activations.layers.count))
      }
      let controls = results.dropFirst()
      layers.append(
        Layer(
          layer: layer, accuracy: results[0].accuracy,
          foldAccuracies: results[0].folds, controls: controls.map(\.accuracy),
          memorised: controls.reduce(0) { $0 + $1.memorised } / Double(max(1, controls.count)),
          predictions: results[0].predictions))
    }
    self.layers = layers
    self.folds = folds
    let counts = (0..<classes).map { label in labels.count { $0 == label } }
    chance = Double(counts.max() ?? 0) / Double(max(1, labels.count))
  }

  private struct Answer {
    var accuracy = 0.0
    var memorised = 0.0
    var folds: [Double] = []
    var predictions: [Int] = []
  }

  /// What one part gives: the labels of all texts as the classifier of the others tells them.
  private static func answer(
    _ labels: [Int], _ classes: Int, _ space: ProbeSpace, _ folds: [Int], _ options: Options,
    _ cancellation: Cancellation?
  ) throws(Cancelled) -> Answer {
    let count = (folds.max() ?? 0) + 1
    let parts = Compute.pool.map(count: count, grain: 1) { range -> [Int]? in
      try? space.labels(
        holdingOut: folds.map { $0 == range.lowerBound }, labels, classes: classes,
        penalty: options.penalty, cancellation: cancellation)
    }
    try cancellation?.check()
    var answer = Answer(predictions: labels.map { _ in 0 })
    var (right, learned, seen) = (0, 0, 0)
    for (fold, part) in parts.enumerated() {
      guard let part else { throw Cancelled() }
      var own = (right: 0, count: 0)
      for (text, label) in part.enumerated() {
        if folds[text] == fold {
          answer.predictions[text] = label
          own.count += 1
          if label == labels[text] { own.right += 1 }
        } else {
          seen += 1
          if label == labels[text] { learned += 1 }
        }
      }
      right += own.right
      answer.folds.append(Double(own.right) / Double(max(1, own.count)))
    }
    answer.accuracy = Double(right) / Double(max(1, labels.count))
    answer.memorised = Double(learned) / Double(max(1, seen))
    return answer
  }

  /// Parts in which every label is as frequent as it can be.
  static func folds(
    _ labels: [Int], classes: Int, count: Int, _ generator: inout SeededGenerator
  ) -> [Int] {
    var folds = [Int](repeating: 0, count: labels.count)
    var next = 0
    for label in 0..<classes {
      let texts = labels.indices.filter { labels[$0] == label }.shuffled(using: &generator)
      for text in texts {
        folds[text] = next % count
        next += 1
      }
    }
    return folds
  }

  /// Random labels as frequent as the true ones: dealt out anew in every part where each text is a kind of its own, so that no
  /// part has more of one than it had; else drawn for each kind.
  static func control(
    _ labels: [Int], kinds: [Int]?, folds: [Int], _ generator: inout SeededGenerator
  ) -> [Int] {
    guard let kinds else {
      var dealt = labels
      for fold in Set(folds).sorted() {
        let texts = folds.indices.filter { folds[$0] == fold }
        let own = texts.map { labels[$0] }.shuffled(using: &generator)
        for (text, label) in zip(texts, own) { dealt[text] = label }
      }
      return dealt
    }
    var drawn: [Int: Int] = [:]
    for kind in Set(kinds).sorted() {
      drawn[kind] = labels[Int.random(in: 0..<labels.count, using: &generator)]
    }
    return kinds.map { drawn[$0] ?? 0 }
  }
}

/// The products of the texts' vectors in one layer with each other.
struct ProbeSpace: Sendable {
  private let count: Int
  private let width: Int
  private let products: [Double]

  init(_ vectors: Tensor, cancellation: Cancellation? = nil) throws(Cancelled) {
    let (count, width) = (vectors.shape[0], vectors.shape[1])
    let rows = (0..<count).map { vectors.row($0).map(Double.init) }
    // What all vectors share is taken away first, so that little is lost to rounding.
    var mean = [Double](repeating: 0, count: width)
    for row in rows { for column in 0..<width { mean[column] += row[column] / Double(count) } }
    let centred = rows.map { row in zip(row, mean).map { $0 - $1 } }
    let lines = Compute.pool.map(count: count, grain: 1) { range -> [Double] in
      if cancellation?.isCancelled == true { return [] }
      let row = centred[range.lowerBound]
      return centred.map { other in
        var sum = 0.0
        for column in 0..<width { sum += row[column] * other[column] }
        return sum
      }
    }
    try cancellation?.check()
    self.count = count
    self.width = width
    products = lines.flatMap(\.self)
  }

  /// The scores of all texts `[texts][classes]` from the classifier of those that aren't held out.
  func scores(
    holdingOut isHeldOut: [Bool], _ labels: [Int], classes: Int, penalty: Double,
    cancellation: Cancellation? = nil
  ) throws(Cancelled) -> [[Double]] {
    let own = (0..<count).filter { !isHeldOut[$0] }
    let first = labels[own.first ?? 0]
    // Where every text that is learned from has one label, that label is all that can be said.
    guard own.contains(where: { labels[$0] != first }) else {
      return (0..<count).map { _ in (0..<classes).map { $0 == first ? 1 : 0 } }
    }
    // Centred by the mean of the texts that are learned from alone, and scaled by their length.
    let means = (0..<count).map { row in
      own.reduce(0.0) { $0 + products[row * count + $1] } / Double(own.count)
    }
    let middle = own.reduce(0.0) { $0 + means[$1] } / Double(own.count)
    func product(_ row: Int, _ column: Int) -> Double {
      products[row * count + column] - means[row] - means[column] + middle
    }
    let square = own.reduce(0.0) { $0 + product($1, $1) } / Double(own.count)
    let scale = square > 0 ? Double(width) / square : 1
    let classifier = try MultinomialClassifier(
      products: own.flatMap { row in own.map { product(row, $0) * scale } },
      labels: own.map { labels[$0] }, classes: classes, penalty: penalty,
      cancellation: cancellation)
    return (0..<count).map { row in classifier.scores(own.map { product(row, $0) * scale }) }
  }

  /// The label that each text is given.
  func labels(
    holdingOut isHeldOut: [Bool], _ labels: [Int], classes: Int, penalty: Double,
    cancellation: Cancellation?
  ) throws(Cancelled) -> [Int] {
    try scores(
      holdingOut: isHeldOut, labels, classes: classes, penalty: penalty,
      cancellation: cancellation
    ).map { scores in scores.indices.max { (scores[$0], -$0) < (scores[$1], -$1) } ?? 0 }
  }
}
