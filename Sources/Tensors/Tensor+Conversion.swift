import CKernels

/// Writes `count` stored elements as single-precision numbers.
///
/// The source may be unaligned. Quantised types start with a block and have whole ones.
func widenElements(
  _ type: ElementType, _ source: UnsafeRawPointer, count: Int,
  into target: UnsafeMutablePointer<Float>
) {
  func convert<Stored: BitwiseCopyable>(_: Stored.Type, _ value: (Stored) -> Float) {
    let size = MemoryLayout<Stored>.size
    for index in 0..<count {
      unsafe target[index] = value(
        unsafe source.loadUnaligned(fromByteOffset: index * size, as: Stored.self))
    }
  }
  if let block = type.kernelBlock {
    unsafe Compute.kernels.table.pointee.widen_blocks(
      block, source, target, Int64(count / type.blockLength))
    return
  }
  switch type {
  case .float32:
    unsafe UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 4)
  case .bfloat16:
    unsafe Compute.kernels.table.pointee.widen(vk_type_bf16, source, target, Int64(count))
  case .float16:
    unsafe Compute.kernels.table.pointee.widen(vk_type_f16, source, target, Int64(count))
  case .float64: convert(Double.self) { Float($0) }
  case .int64: convert(Int64.self) { Float($0) }
  case .int32: convert(Int32.self) { Float($0) }
  case .int16: convert(Int16.self) { Float($0) }
  case .int8: convert(Int8.self) { Float($0) }
  case .uint64: convert(UInt64.self) { Float($0) }
  case .uint32: convert(UInt32.self) { Float($0) }
  case .uint16: convert(UInt16.self) { Float($0) }
  case .uint8: convert(UInt8.self) { Float($0) }
  case .bool: convert(UInt8.self) { $0 == 0 ? 0 : 1 }
  case .float8e4m3:
    unsafe Compute.kernels.table.pointee.widen_e4m3(source, 1, target, Int64(count))
  case .float8e5m2: convert(UInt8.self, Float8.widenE5M2)
  case .float8e8m0: convert(UInt8.self, Float8.widenE8M0)
  case .float4e2m1:
    for pair in 0..<count / 2 {
      let byte = unsafe source.load(fromByteOffset: pair, as: UInt8.self)
      unsafe target[2 * pair] = Float4.widenE2M1(byte & 0xf)
      unsafe target[2 * pair + 1] = Float4.widenE2M1(byte >> 4)
    }
  case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q4_k, .q5_k, .q6_k: break
  }
}

/// The 4-bit floating-point format of the Open Compute Project, widened exactly.
enum Float4 {
  /// The number of four bits: a sign, two of the exponent, one of the mantissa.
  static func widenE2M1(_ bits: UInt8) -> Float {
    let exponent = UInt32(bits >> 1 & 0x3)
    let mantissa = UInt32(bits & 0x1)
    let magnitude =
      exponent == 0
      ? Float(mantissa) * 0.5 : Float(bitPattern: (exponent + 126) << 23 | mantissa << 22)
    return bits & 0x8 == 0 ? magnitude : -magnitude
  }
}

/// The 8-bit floating-point formats of the Open Compute Project, widened exactly.
enum Float8 {
  static func widenE5M2(_ byte: UInt8) -> Float {
    // The upper byte of a half-precision number.
    let mantissa = UInt32(byte & 0x3)
    let exponent = UInt32(byte >> 2 & 0x1f)
    let magnitude: Float =
      if exponent == 31 {
        mantissa == 0 ? .infinity : .nan
      } else if exponent == 0 {
        Float(mantissa) * 0x1p-16
      } else {
        Float(bitPattern: (exponent + 112) << 23 | mantissa << 21)
      }
    return byte & 0x80 == 0 ? magnitude : -magnitude
  }

  static func widenE8M0(_ byte: UInt8) -> Float {
    switch byte {
    case 255: .nan
    case 0: 0x1p-127
    default: Float(bitPattern: UInt32(byte) << 23)
    }
  }
}

extension Tensor {
  /// The same numbers in another element type.
  ///
  /// Floating-point targets are rounded to nearest even, integers toward zero and clamped to their range (NaN gives 0); `bool` is
  /// whether a number is not 0. Precondition: the target is not one of the 8-bit floating-point formats or the
  /// quantised ones, which are only read.
  public func converted(to type: ElementType) -> Tensor {
    if type == elementType, scales == nil { return self }
    if type == .float32 { return widened() }
    let source = widened()
    let result = Tensor(uninitialized: shape, elementType: type)
    let count = count
    withExtendedLifetime((source.storage, result.storage)) {
      let input = unsafe source.floatPointer
      let output = unsafe result.storage.base
      func store<Stored: BitwiseCopyable>(_ value: (Float) -> Stored) {
        let target = unsafe output.assumingMemoryBound(to: Stored.self)
        for index in 0..<count { unsafe target[index] = value(unsafe input[index]) }
      }
      func integer<Stored: FixedWidthInteger & BitwiseCopyable>(_: Stored.Type) {
        store { value -> Stored in
          if value.isNaN { return 0 }
          return Stored(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
        }
      }
      switch type {
      case .bfloat16: unsafe Compute.kernels.table.pointee.narrow_bf16(input, output, Int64(count))
      case .float16: unsafe Compute.kernels.table.pointee.narrow_f16(input, output, Int64(count))
      case .float64: store { Double($0) }
      case .int64: integer(Int64.self)
      case .int32: integer(Int32.self)
      case .int16: integer(Int16.self)
      case .int8: integer(Int8.self)
      case .uint64: integer(UInt64.self)
      case .uint32: integer(UInt32.self)
      case .uint16: integer(UInt16.self)
      case .uint8: integer(UInt8.self)
      case .bool: store { UInt8($0 == 0 ? 0 : 1) }
      case .float32, .float8e4m3, .float8e5m2, .float8e8m0, .float4e2m1, .q4_0, .q4_1, .q5_0, .q5_1,
        .q8_0,
        .q4_k, .q5_k, .q6_k:
        preconditionFailure("tensors are not converted to \(type.name)")
      }
    }
    return result
  }
}
