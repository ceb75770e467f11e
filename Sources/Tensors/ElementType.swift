/// How one element of a tensor is stored.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
  /// IEEE single precision, what every computation works in.
  case float32 = "f32"
  /// IEEE half precision.
  case float16 = "f16"
  /// The upper half of a single-precision number.
  case bfloat16 = "bf16"
  /// IEEE double precision.
  case float64 = "f64"
  /// Signed 64-bit integers.
  case int64 = "i64"
  /// Signed 32-bit integers.
  case int32 = "i32"
  /// Signed 16-bit integers.
  case int16 = "i16"
  /// Signed 8-bit integers.
  case int8 = "i8"
  /// Unsigned 64-bit integers.
  case uint64 = "u64"
  /// Unsigned 32-bit integers.
  case uint32 = "u32"
  /// Unsigned 16-bit integers.
  case uint16 = "u16"
  /// Unsigned 8-bit integers.
  case uint8 = "u8"
  /// One byte: 0 is false, everything else true.
  case bool = "bool"
  /// 8-bit float with 4 exponent and 3 mantissa bits, without infinities (OCP "E4M3", as in `torch.float8_e4m3fn`).
  case float8e4m3 = "f8_e4m3"
  /// 8-bit float with 5 exponent and 2 mantissa bits, with infinities (OCP "E5M2").
  case float8e5m2 = "f8_e5m2"
  /// A power of two, 2^(byte - 127); 255 is NaN (OCP "E8M0", the scales of microscaling formats).
  case float8e8m0 = "f8_e8m0"
  /// Pairs of 4-bit floats with 2 exponent and 1 mantissa bits, the first in the lower half of a byte (OCP "E2M1", as in
  /// `torch.float4_e2m1fn_x2`).
  case float4e2m1 = "f4_e2m1"
  /// Blocks of 32: a scale and 4-bit numbers from -8 to 7 (GGUF `Q4_0`).
  case q4_0 = "q4_0"
  /// Blocks of 32: a scale, a minimum and 4-bit numbers (GGUF `Q4_1`).
  case q4_1 = "q4_1"
  /// Blocks of 32: a scale and 5-bit numbers from -16 to 15 (GGUF `Q5_0`).
  case q5_0 = "q5_0"
  /// Blocks of 32: a scale, a minimum and 5-bit numbers (GGUF `Q5_1`).
  case q5_1 = "q5_1"
  /// Blocks of 32: a scale and signed 8-bit numbers (GGUF `Q8_0`).
  case q8_0 = "q8_0"
  /// Blocks of 256 in eight parts, each with a 6-bit scale and minimum, and 4-bit numbers (GGUF `Q4_K`).
  case q4_k = "q4_k"
  /// Blocks of 256 in eight parts, each with a 6-bit scale and minimum, and 5-bit numbers (GGUF `Q5_K`).
  case q5_k = "q5_k"
  /// Blocks of 256 in sixteen parts, each with an 8-bit scale, and 6-bit numbers from -32 to 31 (GGUF `Q6_K`).
  case q6_k = "q6_k"

  /// How many elements are stored together: 1, or the length of a quantised block.
  ///
  /// The last axis of a tensor is a multiple of it.
  public var blockLength: Int {
    switch self {
    case .float4e2m1: 2
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
    case .q4_k, .q5_k, .q6_k: 256
    default: 1
    }
  }

  /// The size of so many elements in bytes.
  ///
  /// Precondition: a multiple of `blockLength`.
  public func byteCount(ofElements count: Int) -> Int { count / blockLength * byteCount }

  /// The size of one element, or of one quantised block, in bytes.
  public var byteCount: Int {
    switch self {
    case .q4_0: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q8_0: 34
    case .q4_k: 144
    case .q5_k: 176
    case .q6_k: 210
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool, .float8e4m3, .float8e5m2, .float8e8m0, .float4e2m1: 1
    }
  }

  /// The short name, such as `bf16`.
  public var name: String { rawValue }

  /// Whether the elements are floating-point numbers, be they quantised.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float16, .bfloat16, .float64, .float8e4m3, .float8e5m2, .float8e8m0: true
    default: blockLength > 1
    }
  }
}
