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

  /// The size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool, .float8e4m3, .float8e5m2, .float8e8m0: 1
    }
  }

  /// The short name, such as `bf16`.
  public var name: String { rawValue }

  /// Whether the elements are floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float16, .bfloat16, .float64, .float8e4m3, .float8e5m2, .float8e8m0: true
    default: false
    }
  }
}
