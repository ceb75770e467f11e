public import Figures
public import Language
public import Tensors

/// What a running cell has at hand: where output goes, the flag that stops it, the seed, the
/// catalogue, and what the session keeps.
///
/// Belongs to the one thread that runs the cell; `output`, `cancellation`, `progressSink` and
/// `storage` may be handed to others.
public final class ExecutionContext {
  /// What bounds a cell.
  public struct Limits: Sendable {
    /// How many calls of user functions may be open at once.
    public var calls = 500
    /// How many expressions may be open at once; together with a large stack this keeps deep
    /// recursion from crashing.
    public var level = 20_000
    /// How many steps a cell may take, or `nil` for no bound; for tests.
    public var steps: Int?

    /// The limits of a session.
    public init() {}
  }

  /// Where output goes.
  public let output: any OutputSink
  /// The flag that stops the cell.
  public let cancellation: Cancellation
  /// Where progress goes, from any thread.
  public let progressSink: any ProgressSink
  /// What functions keep for the length of the session.
  public let storage: SessionStorage
  /// The functions of the language.
  public let catalogue: Catalogue
  /// The program's version, for provenance.
  public let version: String
  /// The seed that random functions use where a call gives none.
  public var seed: Int {
    get { seeds.value }
    set { seeds.value = newValue }
  }
  /// The text of the call that is running, for provenance.
  public internal(set) var call = ""

  let root: Scope
  let seeds: SeedBox
  let limits: Limits
  let parameters: ParameterOverrides
  var source: CellSource
  var level = 0
  var calls = 0
  var steps = 0

  init(
    output: any OutputSink, cancellation: Cancellation, progressSink: any ProgressSink,
    storage: SessionStorage, catalogue: Catalogue, version: String, root: Scope, seeds: SeedBox,
    source: CellSource, limits: Limits, parameters: ParameterOverrides
  ) {
    self.output = output
    self.cancellation = cancellation
    self.progressSink = progressSink
    self.storage = storage
    self.catalogue = catalogue
    self.version = version
    self.root = root
    self.seeds = seeds
    self.source = source
    self.limits = limits
    self.parameters = parameters
  }

  /// Reports progress of the work that is running.
  public func progress(_ label: String, fraction: Double, detail: String = "") {
    progressSink.progress(label, fraction: fraction, detail: detail)
  }

  /// Where the numbers of the running call come from, for a figure.
  public func provenance(
    model: String? = nil, modelHash: String? = nil, elementType: String? = nil,
    precision: String? = nil, seed: Int? = nil
  ) -> Provenance {
    Provenance(
      version: version, model: model, modelHash: modelHash, elementType: elementType,
      precision: precision, call: call, seed: seed)
  }

  /// Calls a function that was given as an argument.
  ///
  /// - Throws: what the function throws, as a diagnostic; `Cancelled`.
  public func call(_ function: Value, _ arguments: [Value]) throws -> Value {
    try callFunction(
      function, arguments.map { SuppliedArgument(label: nil, value: $0, range: nil) },
      range: callRange)
  }

  /// Computes with values: where they are large, on a thread that is left behind when the cell is
  /// interrupted.
  ///
  /// For computing that looks at no flag and has no effects.
  func computing<Result: Sendable>(
    with values: [Value], _ compute: @escaping @Sendable () throws -> Result
  ) throws -> Result {
    guard values.contains(where: \.isLarge) else { return try compute() }
    return try cancellation.leavingBehind(compute)
  }

  /// The place of the call that is running, in the text of its cell.
  public internal(set) var callRange: SourceRange?

  /// Throws `Cancelled` where the cell was interrupted; a function's own loops call it.
  public func check() throws {
    steps += 1
    if let limit = limits.steps, steps > limit {
      throw Diagnostic(code: "step-limit", message: "The cell took more than \(limit) steps.")
    }
    try cancellation.check()
  }
}
