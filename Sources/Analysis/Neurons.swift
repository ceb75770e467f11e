public import Models
public import Tensors

/// Which texts and tokens of a set excite the neurons of a feed-forward part most, and what the neurons write.
///
/// A neuron is a key that the stream may match and a value that it then adds (Geva et al. 2021, arXiv:2012.14913; 2022,
/// arXiv:2203.14680); in gated parts its activation may be negative and then writes the opposite.
public struct Neurons: Sendable {
  /// A place where a neuron is excited.
  public struct Peak: Sendable, Equatable {
    /// The number of the text.
    public let text: Int
    /// The position in it.
    public let position: Int
    /// By what the neuron's vector is multiplied there.
    public let activation: Float
  }

  /// One neuron.
  public struct Neuron: Sendable {
    /// Its number.
    public let index: Int
    /// Its strongest place in each of the texts where it is excited most, the strongest first.
    public let peaks: [Peak]
    /// Its activations at every token of the texts of `peaks`, in their order; NaN where its expert wasn't chosen.
    public let activations: [[Float]]
    /// The mean activation over all tokens that its part serves.
    public let mean: Double
    /// The share of those tokens where it is above 0.
    public let positiveShare: Double
    /// The tokens whose logits it raises most where it is excited by 1, with how much, before the final norm's division.
    public let raises: [(id: Int, effect: Float)]
    /// Those that it lowers most.
    public let lowers: [(id: Int, effect: Float)]
  }

  /// The layer.
  public let layer: Int
  /// Whose neurons.
  public let part: NeuronPart
  /// How many neurons the part has.
  public let total: Int
  /// How many of the tokens that count it served.
  public let tokenCount: Int
  /// The neurons, the most excited first where none were named.
  public let neurons: [Neuron]
  /// The runs, one for each text.
  public let traces: [Trace]

  /// Runs texts and ranks neurons by the magnitude of their strongest activation.
  ///
  /// - Parameters:
  ///   - ids: the tokens of the texts.
  ///   - positions: for each text the positions that count for peaks, means and shares; `nil` counts all. A text's first
  ///     token often excites some neurons far more than any other does.
  ///   - chosen: which neurons; `nil` takes the `count` most excited.
  ///   - peaks: how many texts to keep for each.
  ///   - words: how many tokens of the vocabulary to keep for each.
  /// - Throws: `ModelError`; `MissingPartError` where the layer has no such part, or the model no head that reads the stream;
  ///   `Cancelled`.
  ///
  /// Precondition: the chosen neurons are there.
  public init(
    _ model: LanguageModel, texts ids: [[Int]], counting positions: [[Int]]? = nil, layer: Int,
    part: NeuronPart, chosen: [Int]? = nil,
    count: Int = 10, peaks: Int = 5, words: Int = 8, cancellation: Cancellation? = nil,
    progress: (Double) -> Void = { _ in }
  ) throws {
    let total = try model.neuronCount(layer: layer, of: part)
    let readout = try model.readout()
    var survey = Survey(neurons: total, peaks: peaks)
    var streams: [Tensor] = []
    var served: [[Int]] = []
    var tokenCount = 0
    var traces: [Trace] = []
    let texts = ids
    for (text, ids) in texts.enumerated() {
      try cancellation?.check()
      let recorded = try RecordedActivations(
        model, ids: ids, at: [.residual(layer), .attention(layer)], keeping: [.routing],
        cancellation: cancellation)
      var stream = recorded[.attention(layer)] ?? Tensor(zeros: [ids.count, 0])
      if let entering = recorded[.residual(layer)] { stream.add(entering) }
      var rows = Array(ids.indices)
      if case .expert(let expert) = part {
        let routing = try recorded.trace.routing(layer)
        rows = rows.filter { routing.experts(of: $0).contains(expert) }
      }
      streams.append(stream)
      served.append(rows)
      traces.append(recorded.trace)
      let counted =
        positions.map { positions in rows.filter(Set(positions[text]).contains) } ?? rows
      if !counted.isEmpty {
        let activations = try model.neuronActivations(
          layer: layer, of: part, stream: stream.gatheringRows(counted),
          cancellation: cancellation)
        survey.add(activations.floats, rows: counted, text: text)
        tokenCount += counted.count
      }
      progress(0.9 * Double(text + 1) / Double(texts.count))
    }
    let order = chosen ?? Array(survey.ranked.prefix(count))
    let outputs = try model.neuronOutputs(
      layer: layer, of: part, neurons: order, cancellation: cancellation)
    let effects = try readout.effects(outputs, cancellation: cancellation)
    // The texts where any of the neurons is excited most are looked at once more, for all their tokens.
    var columns: [Int: [[Float]]] = [:]
    for text in Set(order.flatMap { survey.peaks[$0].map(\.text) }).sorted() {
      try cancellation?.check()
      let length = ids[text].count
      var lines = [[Float]](repeating: [Float](repeating: .nan, count: length), count: order.count)
      let activations = try model.neuronActivations(
        layer: layer, of: part, stream: streams[text].gatheringRows(served[text]),
        cancellation: cancellation
      ).floats
      for (place, row) in served[text].enumerated() {
        for (line, neuron) in order.enumerated() {
          lines[line][row] = activations[place * total + neuron]
        }
      }
      columns[text] = lines
    }
    neurons = try order.enumerated().map { line, neuron in
      try cancellation?.check()
      let best = survey.peaks[neuron]
      let row = effects.rows(line..<line + 1)
      var opposite = row
      opposite.scale(by: -1)
      return Neuron(
        index: neuron, peaks: best,
        activations: best.map { columns[$0.text]?[line] ?? [] },
        mean: survey.sums[neuron] / Double(max(1, tokenCount)),
        positiveShare: Double(survey.positives[neuron]) / Double(max(1, tokenCount)),
        raises: row.largestPerRow(min(words, row.count))[0].map { ($0.index, $0.value) },
        lowers: opposite.largestPerRow(min(words, row.count))[0].map { ($0.index, -$0.value) })
    }
    self.layer = layer
    self.part = part
    self.total = total
    self.tokenCount = tokenCount
    self.traces = traces
    progress(1)
  }

  /// What is kept of every neuron while texts pass by.
  private struct Survey {
    let limit: Int
    var peaks: [[Peak]]
    var sums: [Double]
    var positives: [Int]

    init(neurons: Int, peaks limit: Int) {
      self.limit = limit
      peaks = Array(repeating: [], count: neurons)
      sums = Array(repeating: 0, count: neurons)
      positives = Array(repeating: 0, count: neurons)
    }

    /// The neurons, the one with the strongest activation first; of equal ones the first.
    var ranked: [Int] {
      let strongest = peaks.map { abs($0.first?.activation ?? 0) }
      return peaks.indices.sorted { (-strongest[$0], $0) < (-strongest[$1], $1) }
    }

    mutating func add(_ activations: [Float], rows: [Int], text: Int) {
      let count = peaks.count
      for neuron in 0..<count {
        var best = 0
        for row in rows.indices {
          let value = activations[row * count + neuron]
          sums[neuron] += Double(value)
          if value > 0 { positives[neuron] += 1 }
          if abs(value) > abs(activations[best * count + neuron]) { best = row }
        }
        let peak = Peak(
          text: text, position: rows[best], activation: activations[best * count + neuron])
        let place =
          peaks[neuron].firstIndex { abs($0.activation) < abs(peak.activation) }
          ?? peaks[neuron].count
        guard place < limit else { continue }
        peaks[neuron].insert(peak, at: place)
        if peaks[neuron].count > limit { peaks[neuron].removeLast() }
      }
    }
  }
}
