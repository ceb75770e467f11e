public import DataFormats

/// What a kernel says about itself: the content of `kernel_info_reply`.
public struct KernelInformation: MessageContent, Equatable {
  /// A link in the front end's help menu.
  public struct HelpLink: Sendable, Equatable {
    /// The words shown.
    public var text: String
    /// Where they lead.
    public var url: String

    /// Makes a link.
    public init(text: String, url: String) {
      self.text = text
      self.url = url
    }
  }

  /// The kernel program's name.
  public var implementation: String
  /// The kernel program's version.
  public var implementationVersion: String
  /// The language of the cells.
  public var language: LanguageInformation
  /// The greeting that consoles show.
  public var banner: String
  /// Links for the help menu.
  public var helpLinks: [HelpLink]
  /// Optional parts of the protocol that the kernel supports.
  public var supportedFeatures: [String]

  /// Makes the description; the server itself adds the features it supports.
  public init(
    implementation: String, implementationVersion: String, language: LanguageInformation,
    banner: String, helpLinks: [HelpLink] = [], supportedFeatures: [String] = []
  ) {
    self.implementation = implementation
    self.implementationVersion = implementationVersion
    self.language = language
    self.banner = banner
    self.helpLinks = helpLinks
    self.supportedFeatures = supportedFeatures
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    implementation = try content.text("implementation")
    implementationVersion = try content.text("implementation_version", default: "")
    language = try LanguageInformation(content.members("language_info"))
    banner = try content.text("banner", default: "")
    helpLinks = []
    for link in try content.objects("help_links") {
      helpLinks.append(HelpLink(text: try link.text("text"), url: try link.text("url")))
    }
    supportedFeatures = try content.texts("supported_features")
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    [
      "status": "ok", "protocol_version": .string(Header.protocolVersion),
      "implementation": .string(implementation),
      "implementation_version": .string(implementationVersion),
      "language_info": .object(language.content), "banner": .string(banner),
      "debugger": false,
      "help_links": .array(
        helpLinks.map { ["text": .string($0.text), "url": .string($0.url)] }),
      "supported_features": .array(supportedFeatures.map { .string($0) }),
    ]
  }
}

/// The language of the cells: `language_info`, also kept in a notebook's metadata.
public struct LanguageInformation: MessageContent, Equatable {
  /// The language's name.
  public var name: String
  /// The language's version.
  public var version: String
  /// The MIME type of a script.
  public var mimeType: String
  /// The ending of a script's file name, with the dot.
  public var fileExtension: String
  /// The name of the highlighter in Pygments, where it isn't the language's.
  public var pygmentsLexer: String?
  /// The highlighter in CodeMirror: a name, or an object with more.
  public var codeMirrorMode: JSON?
  /// The exporter of nbconvert, where it isn't the general one for scripts.
  public var nbconvertExporter: String?

  /// Makes the description.
  public init(
    name: String, version: String, mimeType: String, fileExtension: String,
    pygmentsLexer: String? = nil, codeMirrorMode: JSON? = nil, nbconvertExporter: String? = nil
  ) {
    self.name = name
    self.version = version
    self.mimeType = mimeType
    self.fileExtension = fileExtension
    self.pygmentsLexer = pygmentsLexer
    self.codeMirrorMode = codeMirrorMode
    self.nbconvertExporter = nbconvertExporter
  }

  /// Reads the content.
  public init(_ content: JSONObject) throws(ContentError) {
    name = try content.text("name")
    version = try content.text("version", default: "")
    mimeType = try content.text("mimetype", default: "text/plain")
    fileExtension = try content.text("file_extension", default: ".txt")
    pygmentsLexer = content["pygments_lexer"]?.string
    codeMirrorMode = content["codemirror_mode"]
    nbconvertExporter = content["nbconvert_exporter"]?.string
  }

  /// The content as a JSON object.
  public var content: JSONObject {
    var object: JSONObject = [
      "name": .string(name), "version": .string(version), "mimetype": .string(mimeType),
      "file_extension": .string(fileExtension),
    ]
    if let pygmentsLexer { object["pygments_lexer"] = .string(pygmentsLexer) }
    if let codeMirrorMode { object["codemirror_mode"] = codeMirrorMode }
    if let nbconvertExporter { object["nbconvert_exporter"] = .string(nbconvertExporter) }
    return object
  }
}
