public import Interpreter

/// The analysis language with its models: the whole of Vitrine but for how it is reached.
public enum Workbench {
  /// The program's version.
  public static let version = "0.1.0"

  /// Every function of the language.
  public static let catalogue = Catalogue(
    ModelFunctions.all + TextFunctions.all + AttentionFunctions.all + EmbeddingFunctions.all
      + RunFunctions.all + Catalogue.builtins,
    savers: [SafetensorsSaver.saver],
    explanation: { ErrorWording.explanation(of: $0) })

  /// A session with no names bound and no model loaded.
  public static func makeSession() -> Session { Session(catalogue: catalogue, version: version) }
}
