public import DataFormats
import Figures
import Language

extension Session {
  /// The page of what stands at a cursor, counted in code points: a function, a value, a field,
  /// or the function whose call holds the cursor; `nil` where nothing is known.
  ///
  /// Nothing is computed, so it can be asked while a cell runs.
  public func inspect(_ source: String, codePoint: Int) -> MIMEBundle? {
    let context = CursorContext.at(codePoint: codePoint, in: source)
    let text = SourceText(source)
    let word = text.text(in: context.replacement)
    switch context.place {
    case .name where !word.isEmpty:
      if let page = page(ofName: word) { return page }
    case .member(_, let base) where !word.isEmpty:
      if let page = page(ofField: word, base: base) { return page }
    case .comment, .nothing: return nil
    default: break
    }
    if case .label(let label) = context.call?.argument, let name = context.call?.function,
      let definition = catalogue[name],
      definition.parameters.contains(where: { $0.name == label })
    {
      return HelpPages.page(definition).mimeBundle()
    }
    return context.call.flatMap { page(ofName: $0.function) }
  }

  private func page(ofName name: String) -> MIMEBundle? {
    if let value = root.lookUp(name) {
      return HelpPages.page(value, name: name, in: catalogue).mimeBundle()
    }
    return catalogue[name].map { HelpPages.page($0).mimeBundle() }
  }

  private func page(ofField name: String, base: String) -> MIMEBundle? {
    switch StaticValue.value(of: base, in: self) {
    case .record(let record):
      if let value = record[name] {
        return HelpPages.page(value, name: "\(base).\(name)", in: catalogue).mimeBundle()
      }
    case .table(let table):
      if let column = table[name] {
        return HelpPages.page(.list(column), name: "\(base).\(name)", in: catalogue).mimeBundle()
      }
    case .object(let object):
      if object.fieldNames.contains(name) {
        return DocumentFigure(blocks: [
          .heading("\(base).\(name)", level: 2),
          .paragraph(object.fieldSummary(name) ?? "A field of \(object.typeName)."),
        ]).mimeBundle()
      }
    default: break
    }
    return page(ofName: name)
  }
}
