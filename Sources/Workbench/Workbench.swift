public import FoundationEssentials
public import Interpreter

/// The analysis language with its models: the whole of Vitrine but for how it is reached.
public enum Workbench {
  /// The program's version.
  public static let version = "0.1.0"

  /// Every function of the language.
  public static let catalogue = Catalogue(
    ModelFunctions.all + TextFunctions.all + GenerationFunctions.all + AttributionFunctions.all
      + ConceptFunctions.all + CauseFunctions.all
      + GradingFunctions.all
      + AttentionFunctions.all
      + ContributionFunctions.all
      + ExpertFunctions.all
      + LatentFunctions.all
      + ProbeFunctions.all
      + NeuronFunctions.all
      + LensFunctions.all + ExploreFunctions.all
      + EmbeddingFunctions.all + ProjectionFunctions.all + RunFunctions.all + TrainingFunctions.all
      + Catalogue.builtins,
    savers: [SafetensorsSaver.saver],
    explanation: { ErrorWording.explanation(of: $0) })

  /// A session with no names bound and no model loaded.
  ///
  /// - Parameters:
  ///   - environment: the environment variables that say where models lie (see `VITRINE_MODELS` and
  ///     the cache folders in the reference page of `load`).
  ///   - shippedModels: folders of models that come with the program.
  ///   - usesCallersStack: whether cells run on the calling thread, see `Session`.
  public static func makeSession(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    shippedModels: [String] = [], usesCallersStack: Bool = false
  ) -> Session {
    let session = Session(
      catalogue: catalogue, version: version, usesCallersStack: usesCallersStack)
    _ = session.storage.object(ResidentModels.self) {
      ResidentModels(library: ModelLibrary(environment: environment, shipped: shippedModels))
    }
    return session
  }
}
