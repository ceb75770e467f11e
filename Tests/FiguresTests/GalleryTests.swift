import Figures
import Glibc
import Testing

/// Writes a page of pictures to look at: `VITRINE_GALLERY=/folder swift test --filter Gallery`.
@Suite("Gallery", .enabled(if: getenv("VITRINE_GALLERY") != nil))
struct GalleryTests {
  private let folder = getenv("VITRINE_GALLERY").map { String(cString: $0) } ?? ""

  @Test("a run as a page")
  func page() throws {
    try Disk.write(Samples.page.html(), to: "\(folder)/page.html")
  }

  @Test("a long text")
  func long() throws {
    try Disk.write(Samples.heatmap(4096).htmlPage(), to: "\(folder)/heatmap-4096.html")
  }

  @Test("every sample as a page", arguments: Samples.all)
  func writes(sample: Sample) throws {
    try Disk.write(sample.figure.htmlPage(), to: "\(folder)/\(sample.name).html")
    try Disk.write(sample.figure.svg(.light), to: "\(folder)/\(sample.name).light.svg")
    try Disk.write(sample.figure.svg(.dark), to: "\(folder)/\(sample.name).dark.svg")
    try Disk.write(sample.figure.plainText, to: "\(folder)/\(sample.name).txt")
  }
}
