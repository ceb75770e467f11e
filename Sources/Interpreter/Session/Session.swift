public import DataFormats
public import Language
import Synchronization
public import Tensors

/// How the run of a cell ended.
public enum SessionOutcome: Sendable {
  /// All statements ran.
  case ok
  /// The cell can't be read, or a statement failed; what was bound before stands.
  case failed([Diagnostic])
  /// The cell was told to stop; what was bound before stands.
  case interrupted
}

/// What an expression that a client asks for gives.
public enum ExpressionOutcome: Sendable {
  /// The value's representations.
  case value(MIMEBundle)
  /// Why there is none.
  case failed([Diagnostic])
  /// The computation was told to stop.
  case interrupted
}

/// One user's work with the language: the names that cells bound, the seed, what functions keep.
///
/// All of it may be used from several threads at once: cells of subshells run side by side and
/// share the names; completion and inspection look at the names while cells run.
public final class Session: Sendable {
  /// The functions of the language.
  public let catalogue: Catalogue
  /// The program's version, for provenance.
  public let version: String
  /// What functions keep for the length of the session.
  public let storage = SessionStorage()

  let root = Scope(parent: nil)
  private let seeds = SeedBox()
  private let running = Mutex<[ObjectIdentifier: Cancellation]>([:])

  private let usesCallersStack: Bool

  /// Begins a session.
  ///
  /// - Parameter usesCallersStack: whether cells run on the thread that calls `execute`, whose stack
  ///   then must be as large as `requiredStackByteCount`; otherwise each runs on a thread of its own.
  public init(
    catalogue: Catalogue = Catalogue(Catalogue.builtins), version: String,
    usesCallersStack: Bool = false
  ) {
    self.catalogue = catalogue
    self.version = version
    self.usesCallersStack = usesCallersStack
  }

  /// How large the stack of a thread must be that runs cells itself.
  public static let requiredStackByteCount = LargeStack.byteCount

  deinit {
    // Functions refer to the scope that holds them.
    root.removeAll()
  }

  /// Runs a cell and gives its output to a sink.
  ///
  /// Blocks until the cell has ended; the evaluator runs on a thread with a stack of its own.
  ///
  /// - Parameters:
  ///   - source: the cell's text.
  ///   - executionCount: the cell's number, for errors in functions that it defines; 0 for none.
  ///   - output: where output goes; the last value as `result`.
  ///   - showsResult: whether the last expression's value is displayed.
  ///   - progress: where progress goes; `nil` shows a bar among the cell's output when work takes
  ///     over a second.
  ///   - parameters: values for `param` statements.
  ///   - limits: what bounds the cell.
  ///   - cancellation: stops this cell; one that is set before the cell begins isn't lost.
  public func execute(
    _ source: String, executionCount: Int = 0, output: any OutputSink, showsResult: Bool = true,
    progress: (any ProgressSink)? = nil, parameters: ParameterOverrides = ParameterOverrides(),
    limits: ExecutionContext.Limits = ExecutionContext.Limits(),
    cancellation: Cancellation = Cancellation()
  ) -> SessionOutcome {
    let parsed = Parser.parse(source)
    if parsed.hasErrors { return .failed(parsed.diagnostics) }
    for warning in parsed.diagnostics {
      output.stream(
        .standardError, DiagnosticRenderer.render(warning, source: source) + "\n")
    }
    let bar = ProgressDisplay(output: output)
    let output = progress == nil ? WatchedOutput(output: output, bar: bar) : output
    defer { bar.finish() }
    return perform(
      source, executionCount: executionCount, output: output, progress: progress ?? bar,
      parameters: parameters, limits: limits, cancellation: cancellation
    ) { context in
      var value = Value.none
      for statement in parsed.program.statements {
        value = try context.run(statement, in: self.root)
      }
      guard showsResult, !parsed.program.suppressesDisplay,
        case .expression(let last) = parsed.program.statements.last?.kind
      else { return }
      if case .help = last.kind { return }
      context.call = context.source.text(in: last.range)
      guard
        let bundle = try context.located(last.range, { try context.displayBundle(of: value) })
      else { return }
      bar.finish(showsMore: true)
      if case .object(let object) = value, let panel = object as? any LivePanel {
        output.show(panel, kept: bundle, isResult: true)
      } else {
        output.result(bundle)
      }
    }
  }

  /// The value of an expression as a client shows it, without output of the cell's kind.
  ///
  /// - Parameter cancellation: stops the computation.
  public func evaluateExpression(
    _ source: String, output: any OutputSink,
    limits: ExecutionContext.Limits = ExecutionContext.Limits(),
    cancellation: Cancellation = Cancellation()
  ) -> ExpressionOutcome {
    let parsed = Parser.parse(source)
    if parsed.hasErrors { return .failed(parsed.diagnostics) }
    guard parsed.program.statements.count == 1,
      case .expression(let expression) = parsed.program.statements[0].kind
    else {
      return .failed([
        Diagnostic(code: "no-expression", message: "This is not one expression.")
      ])
    }
    return compute(source, output: output, limits: limits, cancellation: cancellation) { context in
      let value = try context.evaluate(expression, in: Scope(parent: self.root))
      context.call = source
      return try context.displayBundle(of: value) ?? MIMEBundle(plainText: "none")
    }
  }

  /// Computes something to look at outside any cell.
  func compute(
    _ source: String = "", output: any OutputSink,
    limits: ExecutionContext.Limits = ExecutionContext.Limits(), cancellation: Cancellation,
    _ body: (ExecutionContext) throws -> MIMEBundle
  ) -> ExpressionOutcome {
    let bundle = Mutex<MIMEBundle?>(nil)
    let outcome = perform(
      source, executionCount: 0, output: output, progress: SilentProgress(),
      parameters: ParameterOverrides(), limits: limits, cancellation: cancellation
    ) { context in
      let shown = try body(context)
      bundle.withLock { $0 = shown }
    }
    switch outcome {
    case .ok: return .value(bundle.withLock { $0 } ?? MIMEBundle(plainText: "none"))
    case .failed(let diagnostics): return .failed(diagnostics)
    case .interrupted: return .interrupted
    }
  }

  /// Stops all cells that are running, each within some milliseconds.
  public func interrupt() {
    running.withLock { running in for flag in running.values { flag.cancel() } }
  }

  /// The value that a cell bound to a name, or `nil`.
  public func value(of name: String) -> Value? { root.lookUp(name) }

  /// Binds a name for the cells to come.
  public func bind(_ name: String, to value: Value) { root.bind(name, to: value) }

  /// The names that cells bound, sorted.
  public var boundNames: [String] { root.visibleNames() }

  /// Whether a text can be run as a cell or needs more lines.
  public func isComplete(_ source: String) -> Completeness { Completeness(of: source) }

  private func perform(
    _ source: String, executionCount: Int, output: any OutputSink, progress: any ProgressSink,
    parameters: ParameterOverrides, limits: ExecutionContext.Limits, cancellation: Cancellation,
    _ body: (ExecutionContext) throws -> Void
  ) -> SessionOutcome {
    running.withLock { $0[ObjectIdentifier(cancellation)] = cancellation }
    defer { running.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(cancellation)) } }
    func run() -> SessionOutcome {
      let context = ExecutionContext(
        output: output, cancellation: cancellation, progressSink: progress, storage: self.storage,
        catalogue: self.catalogue, version: self.version, root: self.root, seeds: self.seeds,
        source: CellSource(text: source, executionCount: executionCount), limits: limits,
        parameters: parameters)
      do {
        try context.check()
        try body(context)
        return .ok
      } catch is Cancelled {
        return .interrupted
      } catch let diagnostic as Diagnostic {
        return cancellation.isCancelled && diagnostic.code == "interrupted"
          ? .interrupted : .failed([diagnostic])
      } catch {
        let explained = context.explained(error, range: nil, arguments: nil)
        return .failed([
          explained as? Diagnostic ?? Diagnostic(code: "failure", message: "\(error)".sentence)
        ])
      }
    }
    return usesCallersStack ? run() : LargeStack.run(run)
  }
}

/// Takes progress that nobody looks at.
struct SilentProgress: ProgressSink {
  func progress(_ label: String, fraction: Double, detail: String) {}
}
