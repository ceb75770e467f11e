import CKernels

/// The instruction sets that the inner loops exist for, slowest first.
public enum InstructionSet: Int32, Sendable, CaseIterable {
  /// What every CPU has.
  case portable = 0
  /// 64-bit ARM.
  case neon = 1
  /// x86 with AVX2, FMA and F16C.
  case avx2 = 2
  /// x86 with AVX-512.
  case avx512 = 3
  /// x86 with AVX-512 and the bfloat16 dot product.
  case avx512bf16 = 4

  /// Those that this CPU can run.
  public static var available: [InstructionSet] {
    allCases.filter { unsafe vk_kernels_for(vk_level(UInt32($0.rawValue))) != nil }
  }

  /// Whether it has an instruction that multiplies bfloat16 numbers.
  public var multipliesBFloat16: Bool { self == .avx512bf16 }

  /// The one that computations use unless told otherwise.
  public static var best: InstructionSet { Kernels.best.instructionSet }
}

/// Which loops, threads and precision the operations called inside a closure use.
///
/// Operations take the best loops of this CPU, `ThreadPool.shared` and single precision; these functions change that for
/// the calls made inside `body` on the same thread.
public enum Compute {
  @TaskLocal static var kernelsOverride: Kernels?
  @TaskLocal static var poolOverride: ThreadPool?
  @TaskLocal static var precision = ProductPrecision.float32

  static var kernels: Kernels { kernelsOverride ?? Kernels.best }
  /// The threads that work is divided among: the shared ones, or those of `with(pool:)` around the call.
  public static var pool: ThreadPool { poolOverride ?? ThreadPool.shared }

  /// Runs `body` with the loops of `instructionSet`; nil when this CPU cannot run them.
  public static func with<Value, Failure: Error>(
    instructionSet: InstructionSet, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value? {
    guard let kernels = Kernels(instructionSet) else { return nil }
    return try $kernelsOverride.withValue(kernels) { outcome(of: body) }.get()
  }

  /// Runs `body` with `pool` in place of the shared threads.
  public static func with<Value, Failure: Error>(
    pool: ThreadPool, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try $poolOverride.withValue(pool) { outcome(of: body) }.get()
  }

  /// Runs `body`, in which products that name no precision have this one.
  public static func with<Value, Failure: Error>(
    precision: ProductPrecision, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try $precision.withValue(precision) { outcome(of: body) }.get()
  }

  private static func outcome<Value, Failure: Error>(
    of body: () throws(Failure) -> Value
  ) -> Result<Value, Failure> {
    do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
  }
}

/// The table of inner loops for one instruction set.
@safe struct Kernels: @unchecked Sendable {  // the tables are constants of the program
  let table: UnsafePointer<vk_kernels>

  /// The best that this CPU can run.
  static let best = unsafe Kernels(table: vk_best_kernels())

  private init(table: UnsafePointer<vk_kernels>) { unsafe self.table = unsafe table }

  init?(_ instructionSet: InstructionSet) {
    guard let table = unsafe vk_kernels_for(vk_level(UInt32(instructionSet.rawValue))) else {
      return nil
    }
    unsafe self.table = unsafe table
  }

  var instructionSet: InstructionSet {
    unsafe InstructionSet(rawValue: Int32(table.pointee.level.rawValue)) ?? .portable
  }
  var tileRows: Int { unsafe Int(table.pointee.tile_rows) }
  var tileColumns: Int { unsafe Int(table.pointee.tile_columns) }
}

extension ElementType {
  /// What the inner loops call this type, or nil where they cannot read it.
  var kernelType: vk_type? {
    switch self {
    case .float32: vk_type_f32
    case .bfloat16: vk_type_bf16
    case .float16: vk_type_f16
    default: nil
    }
  }

  /// What the inner loops call this type's blocks, or nil where it has none.
  var kernelBlock: vk_block? {
    switch self {
    case .q4_0: vk_block_q4_0
    case .q4_1: vk_block_q4_1
    case .q5_0: vk_block_q5_0
    case .q5_1: vk_block_q5_1
    case .q8_0: vk_block_q8_0
    case .q4_k: vk_block_q4_k
    case .q5_k: vk_block_q5_k
    case .q6_k: vk_block_q6_k
    default: nil
    }
  }
}
