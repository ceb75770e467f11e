import Tensors

/// GGUF's numbers of tensor types and the element types that they stand for.
enum GGUFElementType {
  /// Every known type.
  private static let known: [(number: UInt32, name: String, type: ElementType)] = [
    (0, "F32", .float32), (1, "F16", .float16), (30, "BF16", .bfloat16), (28, "F64", .float64),
    (2, "Q4_0", .q4_0), (3, "Q4_1", .q4_1), (6, "Q5_0", .q5_0), (7, "Q5_1", .q5_1),
    (8, "Q8_0", .q8_0), (12, "Q4_K", .q4_k), (13, "Q5_K", .q5_k), (14, "Q6_K", .q6_k),
    (24, "I8", .int8), (25, "I16", .int16), (26, "I32", .int32), (27, "I64", .int64),
  ]

  /// Types that exist and are not read, for messages.
  private static let others: [UInt32: String] = [
    9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS",
    19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 34: "TQ1_0",
    35: "TQ2_0", 39: "MXFP4",
  ]

  /// The names of the known types.
  static var names: [String] { known.map(\.name) }

  /// The element type of a number, or `nil` where it is not read.
  static func type(numbered number: UInt32) -> ElementType? {
    known.first { $0.number == number }?.type
  }

  /// What a type that is not read is called.
  static func name(ofUnknown number: UInt32) -> String { others[number] ?? "type \(number)" }
}
