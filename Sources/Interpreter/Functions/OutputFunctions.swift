import DataFormats
import Figures

extension Catalogue {
  static let outputFunctions: [FunctionDefinition] = [
    FunctionDefinition(
      "print", group: "Output", summary: "Writes values to standard output, on one line.",
      parameters: [
        ParameterDefinition("values", .any, isVariadic: true, "What to write."),
        ParameterDefinition(
          "separator", .text, default: .text(" "), "What stands between two values."),
        ParameterDefinition("end", .text, default: .text("\n"), "What stands after the last one."),
      ],
      result: "none",
      examples: [Example("print(\"layers:\", 12)")]
    ) { arguments, context in
      context.output.stream(.standardOutput, try line(arguments))
      return .none
    },
    FunctionDefinition(
      "warn", group: "Output", summary: "Writes values to standard error, on one line.",
      parameters: [
        ParameterDefinition("values", .any, isVariadic: true, "What to write."),
        ParameterDefinition(
          "separator", .text, default: .text(" "), "What stands between two values."),
        ParameterDefinition("end", .text, default: .text("\n"), "What stands after the last one."),
      ],
      result: "none",
      examples: [Example("warn(\"this text has no tokens\")")]
    ) { arguments, context in
      context.output.stream(.standardError, try line(arguments))
      return .none
    },
    FunctionDefinition(
      "show", group: "Output", summary: "Displays a value before the cell ends.",
      parameters: [
        ParameterDefinition("value", .any, "What to display."),
        ParameterDefinition(
          "as", .optional(.choice(["svg", "text", "html", "json"])),
          "The one representation to send: `\"svg\"` gives plain `image/svg+xml`."),
      ],
      result: "none",
      examples: [Example("show([1, 2, 3])"), Example("show(table([{a: 1}]), as: \"svg\")")]
    ) { arguments, context in
      let value = try arguments.value("value")
      guard let bundle = try bundle(value, as: arguments.optionalText("as"), context) else {
        return .none
      }
      if case .object(let object) = value, let panel = object as? any LivePanel,
        try arguments.optionalText("as") == nil
      {
        context.output.show(panel, kept: bundle, isResult: false)
        return .none
      }
      context.output.display(bundle, identifier: nil)
      return .none
    },
    FunctionDefinition(
      "clear", group: "Output", summary: "Clears the cell's output.",
      parameters: [
        ParameterDefinition(
          "wait", .bool, default: .bool(false),
          "Whether to wait for the next output, so that nothing flickers.")
      ],
      result: "none", examples: [Example("clear()")]
    ) { arguments, context in
      context.output.clear(wait: try arguments.bool("wait"))
      return .none
    },
    FunctionDefinition(
      "input", group: "Output", summary: "Asks the user for a line of text.",
      parameters: [
        ParameterDefinition("prompt", .text, default: .text(""), "What the user is asked."),
        ParameterDefinition(
          "password", .bool, default: .bool(false), "Whether to hide what is typed."),
      ],
      result: "a Text without the line's end",
      examples: [Example("name = input(\"Which term? \")", needsResources: true)]
    ) { arguments, context in
      .text(
        try context.output.readLine(
          prompt: arguments.text("prompt"), isPassword: arguments.bool("password")))
    },
  ]

  private static func line(_ arguments: Arguments) throws -> String {
    try arguments.list("values").map(\.printed).joined(separator: arguments.text("separator"))
      + arguments.text("end")
  }

  private static func bundle(
    _ value: Value, as form: String?, _ context: ExecutionContext
  ) throws -> MIMEBundle? {
    guard let form else {
      return try context.displayBundle(of: value) ?? MIMEBundle(plainText: "none")
    }
    var bundle = MIMEBundle()
    switch form {
    case "text": bundle.data["text/plain"] = .string(value.printed)
    case "json": bundle.data["application/json"] = value.json
    default:
      guard let figure = try context.figure(of: value) else {
        throw ArgumentError(
          "value", "\(value.phrase.sentenceStart) has no picture to show as \(form).",
          hint: "`show` without `as` shows its text.", code: "no-figure")
      }
      if form == "svg" {
        bundle.data["image/svg+xml"] = .string(figure.svg(.light))
      } else {
        bundle.data["text/html"] = .string(figure.htmlFragment())
      }
      bundle.data["text/plain"] = .string(figure.plainText)
    }
    bundle.metadata["vitrine"] = context.provenance().json
    return bundle
  }
}
