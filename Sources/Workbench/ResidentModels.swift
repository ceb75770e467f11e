import Checkpoints
import Interpreter
import Models
import Synchronization
import Tensors

/// The models that a session holds, and the one that is meant where a call names none.
///
/// The first resident is loaded when it is first needed, so that a kernel that only does arithmetic
/// touches no weights.
final class ResidentModels: Sendable {
  private struct State: Sendable {
    var models: [ModelValue] = []
    var current: ModelValue?
  }
  private let state = Mutex(State())
  /// Where models are found by name.
  let library: ModelLibrary

  /// No models, and those of a library to be loaded by name.
  init(library: ModelLibrary = ModelLibrary()) { self.library = library }

  /// The models in the order in which they were loaded.
  var models: [ModelValue] { state.withLock { $0.models } }

  /// The model that is meant where a call names none, without loading one.
  var currentIfLoaded: ModelValue? { state.withLock { $0.current } }

  /// The model that is meant where a call names none: the last one loaded, else the first resident.
  ///
  /// - Throws: `FunctionError` where no model was loaded and the first resident isn't there.
  func current(cancellation: Cancellation) throws -> ModelValue {
    if let current = currentIfLoaded { return current }
    guard let path = library.firstModelPath() else {
      throw FunctionError(
        "No model is loaded, and the one that comes with Vitrine wasn't found.",
        hint:
          "Load one: m = load(\"path/to/a/model\"); `vitrine install` puts the specimen beside the kernel.",
        code: "no-model")
    }
    return try load(path: path, name: nil, precision: .full, cancellation: cancellation)
  }

  /// Loads the model at a path, or finds it among the residents, and makes it the current one.
  func load(
    path: String, name: String?, precision: Precision, cancellation: Cancellation
  ) throws -> ModelValue {
    let folder = try? ModelFolder(path: path)
    if let known = models.first(where: {
      $0.model.folder.path == folder?.path && $0.model.folder.weightsFile == folder?.weightsFile
        && (name == nil || $0.model.name == name)
    }) {
      let value = known.at(precision)
      state.withLock { $0.current = value }
      return value
    }
    let model = try cancellation.leavingBehind { try LanguageModel.load(path: path, name: name) }
    let value = ModelValue(model.with(precision: precision))
    state.withLock { state in
      state.models.append(value)
      state.current = value
    }
    return value
  }

  /// Adds a model to the residents; the one that is asked stays the same.
  func add(_ value: ModelValue) {
    state.withLock { state in
      state.models.append(value)
      if state.current == nil { state.current = value }
    }
  }

  /// The residents of a session.
  static func of(_ context: ExecutionContext) -> ResidentModels {
    context.storage.object(ResidentModels.self) { ResidentModels() }
  }
}
