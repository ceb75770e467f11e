import Glibc
import Tensors

/// One block of T5: attention within the text, in a decoder attention to the text that was read, and
/// a feed-forward part, each added to the residual stream behind a norm.
struct T5Block: Sendable {
  /// The maps of one attention.
  struct Attention: Sendable {
    let norm: RMSNorm
    let query: Linear
    let key: Linear
    let value: Linear
    let output: Linear
    let mixing: UnscaledAttention
  }

  let own: Attention
  let cross: Attention?
  let norm: RMSNorm
  let activation: T5Activation
  let gate: Linear?
  let up: Linear
  let down: Linear

  /// Reads all blocks of a stack; the bias of the first serves all.
  static func stack(
    _ name: String, _ sizes: ModelConfiguration, _ reader: ConfigurationReader, crosses: Bool,
    weights: inout WeightReader
  ) throws(ModelError) -> [T5Block] {
    let buckets = try reader.integer(
      "relative_attention_num_buckets", in: 4...65_536, absent: 32)
    let farthest = try reader.integer(
      "relative_attention_max_distance", in: buckets...16_777_216, absent: 128)
    let activation = try T5Activation(reader)
    let table = try weights.read(
      "\(name).block.0.layer.0.SelfAttention.relative_attention_bias.weight",
      [buckets, sizes.heads], part: .attention, layer: crosses ? nil : 0)
    let bias = RelativeBias(table, farthest: farthest, isBidirectional: !crosses)
    var blocks: [T5Block] = []
    for index in 0..<sizes.layers {
      blocks.append(
        try T5Block(
          "\(name).block.\(index).layer.", sizes, activation, bias, crosses: crosses,
          layer: crosses ? nil : index, weights: &weights))
    }
    return blocks
  }

  private init(
    _ name: String, _ sizes: ModelConfiguration, _ activation: T5Activation, _ bias: RelativeBias,
    crosses: Bool, layer: Int?, weights: inout WeightReader
  ) throws(ModelError) {
    let (width, inner) = (sizes.width, sizes.innerWidth)
    let heads = sizes.heads * sizes.headDimension
    func attention(
      _ place: String, _ kind: String, _ bias: RelativeBias?, _ weights: inout WeightReader
    ) throws(ModelError) -> Attention {
      func map(
        _ suffix: String, _ input: Int, _ output: Int, _ weights: inout WeightReader
      ) throws(ModelError) -> Linear {
        try Linear(
          "\(name)\(place).\(kind).\(suffix)", from: input, to: output, hasBias: false,
          part: .attention, layer: layer, weights: &weights)
      }
      return Attention(
        norm: try RMSNorm(
          "\(name)\(place).layer_norm", width: width, epsilon: sizes.normEpsilon, layer: layer,
          weights: &weights),
        query: try map("q", width, heads, &weights), key: try map("k", width, heads, &weights),
        value: try map("v", width, heads, &weights), output: try map("o", heads, width, &weights),
        mixing: UnscaledAttention(
          heads: sizes.heads, dimension: sizes.headDimension, bias: bias))
    }
    own = try attention("0", "SelfAttention", bias, &weights)
    cross = crosses ? try attention("1", "EncDecAttention", nil, &weights) : nil
    let place = name + (crosses ? "2" : "1")
    norm = try RMSNorm(
      "\(place).layer_norm", width: width, epsilon: sizes.normEpsilon, layer: layer,
      weights: &weights)
    func map(
      _ suffix: String, _ input: Int, _ output: Int, _ weights: inout WeightReader
    ) throws(ModelError) -> Linear {
      try Linear(
        "\(place).DenseReluDense.\(suffix)", from: input, to: output, hasBias: false,
        part: .feedForward, layer: layer, weights: &weights)
    }
    self.activation = activation
    gate = activation.isGated ? try map("wi_0", width, inner, &weights) : nil
    up = try map(activation.isGated ? "wi_1" : "wi", width, inner, &weights)
    down = try map("wo", inner, width, &weights)
  }

  /// The residual stream with what attention within the text adds, and what it looked at; where there is
  /// a cache, it looks at what that holds too, and adds to it.
  func attend(
    _ hidden: Tensor, constants: RunConstants, layer: Int, cancellation: Cancellation?
  ) throws -> (hidden: Tensor, inputs: AttentionInputs) {
    let inputs = try RowBlocks.map(hidden.shape[0], cancellation: cancellation) {
      rows -> [Tensor] in
      let normed = own.norm(hidden.rows(rows))
      return [
        try own.query(normed, cancellation), try own.key(normed, cancellation),
        try own.value(normed, cancellation),
      ]
    }
    var (keys, values) = (inputs[1], inputs[2])
    if let cache = constants.cache {
      let all = cache.append(layer, keys, values)
      (keys, values) = (all.first, all.second)
    }
    let gathered = try own.mixing(
      queries: inputs[0], keys: keys, values: values, first: constants.position,
      cancellation: cancellation)
    let mixed = try constants.tapped(.heads(layer), gathered)
    let output = try RowBlocks.map(hidden.shape[0], cancellation: cancellation) { rows -> Tensor in
      var added = try constants.tapped(
        .attention(layer), try own.output(mixed.rows(rows), cancellation), first: rows.lowerBound)
      added.add(hidden.rows(rows))
      return added
    }
    var result = AttentionInputs(queries: inputs[0], keys: keys, values: values)
    result.mixing = own.mixing
    return (output, result)
  }

  /// The keys and values of another text's finished hidden states; a block of an encoder makes none.
  func sourceKeysAndValues(
    _ source: Tensor, _ cancellation: Cancellation?
  ) throws -> SourceKeysAndValues {
    guard let cross else { return SourceKeysAndValues(keys: source, values: source) }
    let read = try RowBlocks.map(source.shape[0], cancellation: cancellation) { rows -> [Tensor] in
      let rows = source.rows(rows)
      return [try cross.key(rows, cancellation), try cross.value(rows, cancellation)]
    }
    return SourceKeysAndValues(keys: read[0], values: read[1])
  }

  /// The residual stream with what attention to another text adds.
  func attend(
    _ hidden: Tensor, to source: SourceKeysAndValues, cancellation: Cancellation?
  ) throws -> (hidden: Tensor, inputs: AttentionInputs) {
    guard let cross else {
      return (hidden, AttentionInputs(queries: hidden, keys: source.keys, values: source.values))
    }
    let queries = try RowBlocks.map(hidden.shape[0], cancellation: cancellation) { rows in
      try cross.query(cross.norm(hidden.rows(rows)), cancellation)
    }
    let gathered = try cross.mixing(
      queries: queries, keys: source.keys, values: source.values, cancellation: cancellation)
    let output = try RowBlocks.map(hidden.shape[0], cancellation: cancellation) { rows -> Tensor in
      var added = try cross.output(gathered.rows(rows), cancellation)
      added.add(hidden.rows(rows))
      return added
    }
    var result = AttentionInputs(queries: queries, keys: source.keys, values: source.values)
    result.mixing = cross.mixing
    return (output, result)
  }

  /// The residual stream with what the feed-forward part adds.
  func feedForward(
    _ hidden: Tensor, constants: RunConstants, layer: Int, cancellation: Cancellation?
  ) throws -> Tensor {
    try RowBlocks.map(hidden.shape[0], cancellation: cancellation) { rows -> Tensor in
      let own = hidden.rows(rows)
      let normed = norm(own)
      var inner: Tensor
      if let gate {
        inner = activation(try gate(normed, cancellation))
        inner.multiply(by: try up(normed, cancellation))
      } else {
        inner = activation(try up(normed, cancellation))
      }
      var added = try constants.tapped(
        .feedForward(layer), try down(inner, cancellation), first: rows.lowerBound)
      added.add(own)
      return added
    }
  }
}

/// What stands inside T5's feed-forward part.
struct T5Activation: Sendable {
  private enum Kind { case relu, gelu, geluTanh, silu }

  private let kind: Kind
  /// Whether it gates a second map.
  let isGated: Bool

  /// Reads `feed_forward_proj`, such as `relu` or `gated-gelu`.
  init(_ reader: ConfigurationReader) throws(ModelError) {
    let name = try reader.choice(
      "feed_forward_proj",
      of: [
        "relu", "gelu", "gelu_new", "silu", "gated-relu", "gated-gelu", "gated-gelu_new",
        "gated-silu",
      ],
      absent: "relu")
    isGated = name.hasPrefix("gated-")
    kind =
      switch name {
      case "relu", "gated-relu": .relu
      case "gelu": .gelu
      case "silu", "gated-silu": .silu
      // The gated form always meant the approximation.
      default: .geluTanh
      }
  }

  /// The function of every element.
  func callAsFunction(_ x: Tensor) -> Tensor {
    switch kind {
    case .relu: Tensor(shape: x.shape, x.floats.map { max($0, 0) })
    case .gelu: gelu(x)
    case .geluTanh: geluTanh(x)
    case .silu: silu(x)
    }
  }

  /// The gradient with respect to the input x from that with respect to the function, under a rule.
  func gradient(_ gradient: Tensor, _ x: Tensor, _ rule: BackwardRule) -> Tensor {
    switch rule {
    case .derivative: derivative(gradient, x)
    case .rescale: activationRescale(gradient, input: x, value)
    case .attentionAware, .conserving:
      activationRelevance(
        gradient, input: x, output: self(x), slopeAtZero: kind == .relu ? 0 : 0.5)
    }
  }

  /// The function of one number.
  private func value(_ x: Double) -> Double {
    switch kind {
    case .relu: max(x, 0)
    case .gelu: Activation.gelu.value(x)
    case .geluTanh: Activation.geluTanh.value(x)
    case .silu: x / (1 + exp(-x))
    }
  }

  private func derivative(_ gradient: Tensor, _ x: Tensor) -> Tensor {
    switch kind {
    case .relu:
      Tensor(shape: x.shape, zip(gradient.floats, x.floats).map { $1 > 0 ? $0 : 0 })
    case .gelu: geluGradient(gradient, input: x)
    case .geluTanh: geluTanhGradient(gradient, input: x)
    case .silu: siluGradient(gradient, input: x)
    }
  }
}
