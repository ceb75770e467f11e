import Checkpoints
import Figures
import Interpreter
import Language
import Models

/// Loading models and saying what they are.
enum ModelFunctions {
  static let all: [FunctionDefinition] = [load, models, info]

  private static let load = FunctionDefinition(
    "load", group: "Models",
    summary: "Makes a model resident and the one that later calls ask.",
    details: """
      Takes a folder with config.json and weights, a safetensors file beside its config.json, a \
      folder of Hugging Face's cache, or the name of a model in the cache folders that `models()` \
      lists. The weights stay in their files, mapped into memory, so that loading takes no longer \
      than reading the headers. With no `load`, \(ModelLibrary.firstModelNames[0]) is resident.
      """,
    parameters: [
      ParameterDefinition("path", .path, "A folder, a file, or a name that `models()` lists."),
      ParameterDefinition(
        "name", .optional(.text), defaultText: "the folder's name", "What to call the model."),
      TraceRequest.precision,
    ],
    result: "the Model",
    examples: [Example("m = load(\"all-MiniLM-L6-v2\")", needsResources: true)]
  ) { arguments, context in
    let given = try arguments.text("path")
    let residents = ResidentModels.of(context)
    guard let path = residents.library.path(for: given) else {
      let names = residents.library.entries().map(\.name)
      let hint: String
      if let nearest = Suggestions.nearest(given, in: names) {
        hint = "Did you mean \"\(nearest)\"?"
      } else if names.isEmpty {
        hint = "Give the path of a folder that holds config.json and the weights."
      } else {
        hint =
          "Give the path of a folder that holds config.json and the weights, or one of: "
          + names.prefix(8).joined(separator: ", ") + "."
      }
      throw ArgumentError(
        "path", "There is no file, folder or known model \(Value.text(given).description).",
        hint: hint, code: "missing-file")
    }
    return .object(
      try residents.load(
        path: path, name: try arguments.optionalText("name"),
        precision: try TraceRequest.precision(arguments) ?? .full,
        cancellation: context.cancellation))
  }

  private static let models = FunctionDefinition(
    "models", group: "Models",
    summary: "The models that are resident, and those that `load` finds by name.",
    parameters: [],
    result: "a Table: name, resident (and which one is asked), path",
    examples: [Example("models()", needsResources: true)]
  ) { _, context in
    let residents = ResidentModels.of(context)
    let current = residents.currentIfLoaded
    var rows = residents.models.map { model in
      Record([
        ("name", .text(model.model.name)),
        ("resident", .text(model.isSameModel(as: current) ? "current" : "yes")),
        ("path", .text(ModelLibrary.shortened(model.model.folder.path))),
      ])
    }
    let known = Set(residents.models.map(\.model.folder.path))
    for entry in residents.library.entries()
    where !known.contains(ModelLibrary.folder(of: entry.path)) {
      rows.append(
        Record([
          ("name", .text(entry.name)), ("resident", .text("no")),
          ("path", .text(ModelLibrary.shortened(entry.path))),
        ]))
    }
    return .table(Table(records: rows))
  }

  private static let info = FunctionDefinition(
    "info", group: "Models",
    summary: "What a model is: layers, heads, parameters by part, storage, context, memory.",
    parameters: [
      ParameterDefinition(
        "model", .optional(.object(["Model"])), defaultText: "the model loaded last",
        "The model to describe.")
    ],
    result: "a Figure",
    examples: [Example("info()", needsResources: true)]
  ) { arguments, context in
    let given: ModelValue? = try arguments.object("model")
    let model = try given ?? ResidentModels.of(context).current(cancellation: context.cancellation)
    var card = ModelCards.card(of: model)
    card.provenance = try model.provenance(in: context)
    return .figure(card)
  }
}
