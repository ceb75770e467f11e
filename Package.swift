// swift-tools-version: 6.2
import PackageDescription

// The layers, lowest first. A target may depend only on targets written above it; the build
// is run with `--explicit-target-dependency-import-check error`, which makes this list binding.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

// Hot Swift code is optimised in debug builds too, so that the tests run at the speed of the product.
let strictAndOptimised: [SwiftSetting] = strict + [.unsafeFlags(["-O"])]

let testSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "Vitrine",
  products: [
    .executable(name: "vitrine", targets: ["vitrine"]),
    .library(name: "Language", targets: ["Language"]),
    .library(name: "JupyterKernel", targets: ["JupyterKernel", "JupyterProtocol"]),
  ],
  targets: [
    // Layer 0
    .systemLibrary(name: "CZeroMQ"),
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"])]),
    // Layer 1
    .target(name: "DataFormats", swiftSettings: strictAndOptimised),
    .target(name: "Language", swiftSettings: strictAndOptimised),
    .target(name: "Tensors", dependencies: ["CKernels"], swiftSettings: strictAndOptimised),
    // Layer 2
    .target(
      name: "Checkpoints", dependencies: ["Tensors", "DataFormats"], swiftSettings: strict),
    .target(name: "Tokenizers", dependencies: ["DataFormats"], swiftSettings: strictAndOptimised),
    .target(name: "Figures", dependencies: ["DataFormats"], swiftSettings: strict),
    .target(name: "JupyterProtocol", dependencies: ["DataFormats"], swiftSettings: strict),
    // Layer 3
    .target(
      name: "Models", dependencies: ["Tensors", "Checkpoints", "Tokenizers", "DataFormats"],
      swiftSettings: strict),
    .target(
      name: "JupyterKernel", dependencies: ["JupyterProtocol", "DataFormats", "CZeroMQ"],
      swiftSettings: strict),
    // Layer 4
    .target(
      name: "Analysis", dependencies: ["Models", "Tensors", "Tokenizers"],
      swiftSettings: strictAndOptimised),
    .target(
      name: "Training",
      dependencies: ["Models", "Checkpoints", "Tokenizers", "Tensors", "DataFormats"],
      swiftSettings: strictAndOptimised),
    // Layer 5
    .target(
      name: "Interpreter", dependencies: ["Language", "Tensors", "Figures", "DataFormats"],
      swiftSettings: strictAndOptimised),
    // Layer 6
    .target(
      name: "Workbench",
      dependencies: [
        "Interpreter", "Analysis", "Training", "Models", "Checkpoints", "Tokenizers", "Figures",
        "Tensors", "Language", "DataFormats",
      ],
      swiftSettings: strict),
    // Layer 7
    .executableTarget(
      name: "vitrine",
      dependencies: [
        "Workbench", "Interpreter", "Language", "Figures", "JupyterKernel", "JupyterProtocol",
        "Training", "Analysis", "Models", "Checkpoints", "Tokenizers", "Tensors", "DataFormats",
      ],
      swiftSettings: strict),

    // Measurements
    .executableTarget(
      name: "TrainingBench", dependencies: ["Training", "Tensors", "DataFormats"],
      path: "Tests/Peers/TrainingBench", swiftSettings: testSettings),
    .executableTarget(
      name: "ExplainBench",
      dependencies: ["Analysis", "Models", "Tokenizers", "Tensors", "DataFormats"],
      path: "Tests/Peers/ExplainBench", swiftSettings: testSettings),

    // Tests
    .testTarget(
      name: "DataFormatsTests", dependencies: ["DataFormats"], swiftSettings: testSettings),
    .testTarget(name: "LanguageTests", dependencies: ["Language"], swiftSettings: testSettings),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors"], swiftSettings: testSettings),
    .testTarget(
      name: "CheckpointsTests", dependencies: ["Checkpoints", "Tensors", "DataFormats"],
      swiftSettings: testSettings),
    .testTarget(
      name: "TokenizersTests", dependencies: ["Tokenizers", "DataFormats"],
      swiftSettings: testSettings),
    .testTarget(
      name: "FiguresTests", dependencies: ["Figures", "DataFormats"], swiftSettings: testSettings),
    .testTarget(
      name: "JupyterProtocolTests", dependencies: ["JupyterProtocol", "DataFormats"],
      swiftSettings: testSettings),
    .testTarget(
      name: "ModelsTests",
      dependencies: ["Models", "Tensors", "Checkpoints", "Tokenizers", "DataFormats"],
      swiftSettings: testSettings),
    .testTarget(
      name: "JupyterKernelTests",
      dependencies: ["JupyterKernel", "JupyterProtocol", "DataFormats", "CZeroMQ"],
      swiftSettings: testSettings),
    .testTarget(
      name: "AnalysisTests",
      dependencies: ["Analysis", "Models", "Checkpoints", "Tensors", "DataFormats"],
      swiftSettings: testSettings),
    .testTarget(
      name: "TrainingTests",
      dependencies: ["Training", "Models", "Checkpoints", "Tokenizers", "Tensors", "DataFormats"],
      swiftSettings: testSettings),
    .testTarget(
      name: "InterpreterTests",
      dependencies: ["Interpreter", "Language", "Tensors", "Figures", "DataFormats"],
      swiftSettings: testSettings),
    .testTarget(
      name: "WorkbenchTests",
      dependencies: [
        "Workbench", "Interpreter", "Language", "Analysis", "Training", "Models", "Checkpoints",
        "Tensors", "Figures", "DataFormats",
      ],
      swiftSettings: testSettings),
  ]
)
