import Testing

@testable import Language

/// The name that was meant.
@Suite struct SuggestionsTests {
  static let names = [
    "attention", "attribute", "layer", "layers", "head", "heads", "integrated_gradients", "top",
    "使用模型", "使用", "load", "show", "save", "mean", "max",
  ]

  @Test(arguments: [
    ("atention", "attention"), ("attentoin", "attention"), ("Attention", "attention"),
    ("ATTRIBUTE", "attribute"), ("layr", "layer"), ("laeyr", "layer"), ("layerz", "layer"),
    ("integratedGradients", "integrated_gradients"), ("integ", "integrated_gradients"),
    ("使用模形", "使用模型"), ("sohw", "show"), ("heads_", "heads"),
  ])
  func finds(_ written: String, _ meant: String) {
    #expect(Suggestions.nearest(written, in: Self.names) == meant)
  }

  @Test(arguments: ["", "x", "zz", "banana", "tokenize", "词", "q"])
  func findsNothingFar(_ written: String) {
    #expect(Suggestions.nearest(written, in: Self.names) == nil)
  }

  @Test func countsLetters() {
    func distance(_ left: String, _ right: String) -> Int {
      Suggestions.distance(Array(left.unicodeScalars), Array(right.unicodeScalars))
    }
    #expect(distance("", "abc") == 3)
    #expect(distance("abc", "") == 3)
    #expect(distance("kitten", "sitting") == 3)
    #expect(distance("ab", "ba") == 1)
    #expect(distance("ca", "abc") == 3)
  }
}
