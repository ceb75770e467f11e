/// A statement of a template, or text that it writes as it is.
indirect enum TemplateNode: Sendable {
  case text(String)
  case output(TemplateExpression, line: Int)
  case condition([TemplateBranch], otherwise: [TemplateNode])
  case loop(TemplateLoop)
  case assignment([TemplateTarget], TemplateExpression, line: Int)
  case capture(String, [TemplateNode], line: Int)
  case leaveLoop
  case nextRound
}

/// One branch of an `if`.
struct TemplateBranch: Sendable {
  let test: TemplateExpression
  let body: [TemplateNode]
  let line: Int
}

/// A `for`.
struct TemplateLoop: Sendable {
  let names: [String]
  let sequence: TemplateExpression
  /// Which elements count, or `nil` for all.
  let filter: TemplateExpression?
  let body: [TemplateNode]
  /// What is done where no element counts.
  let otherwise: [TemplateNode]
  let line: Int
}

/// What a `set` assigns to: a name, or a namespace's attribute.
struct TemplateTarget: Sendable {
  let name: String
  let attribute: String?
}

/// The arguments of a call, a filter or a test.
struct TemplateArguments: Sendable {
  var positional: [TemplateExpression] = []
  var named: [(name: String, value: TemplateExpression)] = []

  fileprivate var depth: Int {
    max(positional.map(\.depth).max() ?? 0, named.map(\.value.depth).max() ?? 0)
  }
}

/// An expression of a template, whose depth is known so that it can be bounded.
struct TemplateExpression: Sendable {
  indirect enum Kind: Sendable {
    case literal(TemplateValue)
    case name(String)
    case list([TemplateExpression])
    case record([(key: TemplateExpression, value: TemplateExpression)])
    case attribute(TemplateExpression, String)
    case element(TemplateExpression, TemplateExpression)
    case slice(TemplateExpression, [TemplateExpression?])
    case call(TemplateExpression, TemplateArguments)
    case filter(TemplateExpression, String, TemplateArguments)
    case test(TemplateExpression, String, TemplateArguments)
    case not(TemplateExpression)
    case negative(TemplateExpression)
    case both(TemplateExpression, TemplateExpression)
    case either(TemplateExpression, TemplateExpression)
    case arithmetic(TemplateExpression, String, TemplateExpression)
    case comparison(TemplateExpression, [(mark: String, value: TemplateExpression)])
    case choice(TemplateExpression, test: TemplateExpression, otherwise: TemplateExpression?)
  }

  let kind: Kind
  let depth: Int

  init(_ kind: Kind) {
    self.kind = kind
    let inner: Int =
      switch kind {
      case .literal, .name: 0
      case .list(let items): items.map(\.depth).max() ?? 0
      case .record(let members): members.map { max($0.key.depth, $0.value.depth) }.max() ?? 0
      case .attribute(let object, _), .not(let object), .negative(let object): object.depth
      case .element(let left, let right), .both(let left, let right), .either(let left, let right),
        .arithmetic(let left, _, let right):
        max(left.depth, right.depth)
      case .slice(let object, let bounds):
        max(object.depth, bounds.map { $0?.depth ?? 0 }.max() ?? 0)
      case .call(let object, let arguments), .filter(let object, _, let arguments),
        .test(let object, _, let arguments):
        max(object.depth, arguments.depth)
      case .comparison(let first, let others):
        max(first.depth, others.map(\.value.depth).max() ?? 0)
      case .choice(let value, let test, let otherwise):
        max(value.depth, test.depth, otherwise?.depth ?? 0)
      }
    depth = 1 + inner
  }
}
