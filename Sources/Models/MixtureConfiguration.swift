import DataFormats

extension ExpertSizes {
  /// Reads the sizes of a mixture of experts and the layers that have one.
  ///
  /// - Throws: `ModelError` for the first value that can't be right.
  package init(_ reader: ConfigurationReader, layers: Int) throws(ModelError) {
    count = try reader.integer("n_routed_experts", in: SizeLimit.experts)
    chosen = try reader.integer("num_experts_per_tok", in: 1...count)
    shared = try reader.integer("n_shared_experts", in: 0...1_024, absent: 0)
    innerWidth = try reader.integer("moe_intermediate_size", in: SizeLimit.width)
    let dense = try reader.integer("first_k_dense_replace", in: 0...layers, absent: 0)
    let step = try reader.integer("moe_layer_freq", in: SizeLimit.layers, absent: 1)
    self.layers = (0..<layers).filter { $0 >= dense && $0 % step == 0 }
    if let types = reader.value("mlp_layer_types") {
      guard let list = types.array, list.count == layers,
        list.allSatisfy({ $0.string == "dense" || $0.string == "sparse" })
      else {
        throw .invalidValue(
          key: "mlp_layer_types", found: ConfigurationReader.words(types),
          expected: "a list of \(layers) texts, \"dense\" or \"sparse\",")
      }
      self.layers = list.indices.filter { list[$0].string == "sparse" }
    }
  }
}

extension RoutingRule {
  /// Reads the rule of the first mixtures: a softmax, and the best experts of all or of the best
  /// groups.
  ///
  /// - Parameters:
  ///   - reader: the configuration.
  ///   - experts: the sizes, which the groups must fit.
  /// - Throws: `ModelError` for the first value that can't be right.
  package static func softmax(
    _ reader: ConfigurationReader, experts: ExpertSizes
  ) throws(ModelError) -> RoutingRule {
    _ = try reader.choice("scoring_func", of: ["softmax"], absent: "softmax")
    let method = try reader.choice(
      "topk_method", of: ["greedy", "group_limited_greedy"], absent: "greedy")
    let (groups, kept) =
      method == "greedy" ? (1, 1) : try Self.groups(reader, experts: experts)
    return RoutingRule(
      scoring: .softmax, hasCorrection: false, groups: groups, keptGroups: kept,
      groupScore: .largest, normalizes: false,
      scale: Float(try reader.positive("routed_scaling_factor", atMost: 1e6, absent: 1)))
  }

  /// Reads the rule of DeepSeek-V3: sigmoids, corrected for the choice, and the best experts of the
  /// groups whose two best are worth most (arXiv:2412.19437, section 2.1.2).
  ///
  /// - Parameters:
  ///   - reader: the configuration.
  ///   - experts: the sizes, which the groups must fit.
  /// - Throws: `ModelError` for the first value that can't be right.
  package static func sigmoid(
    _ reader: ConfigurationReader, experts: ExpertSizes
  ) throws(ModelError) -> RoutingRule {
    _ = try reader.choice("scoring_func", of: ["sigmoid"], absent: "sigmoid")
    _ = try reader.choice("topk_method", of: ["noaux_tc"], absent: "noaux_tc")
    let (groups, kept) = try Self.groups(reader, experts: experts)
    return RoutingRule(
      scoring: .sigmoid, hasCorrection: true, groups: groups, keptGroups: kept,
      groupScore: .sumOfTwoLargest, normalizes: try reader.truth("norm_topk_prob", absent: true),
      scale: Float(try reader.positive("routed_scaling_factor", atMost: 1e6, absent: 2.5)))
  }

  private static func groups(
    _ reader: ConfigurationReader, experts: ExpertSizes
  ) throws(ModelError) -> (count: Int, kept: Int) {
    let count = try reader.integer("n_group", in: 1...experts.count)
    guard experts.count % count == 0 else {
      throw .invalidValue(
        key: "n_group", found: "\(count)",
        expected: "a divisor of n_routed_experts (\(experts.count))")
    }
    let kept = try reader.integer("topk_group", in: 1...count)
    guard kept * (experts.count / count) >= experts.chosen else {
      throw .invalidValue(
        key: "topk_group", found: "\(kept)",
        expected: "enough groups of \(experts.count / count) experts for num_experts_per_tok "
          + "(\(experts.chosen))")
    }
    return (count, kept)
  }
}
