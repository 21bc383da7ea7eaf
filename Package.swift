// swift-tools-version: 6.2
import PackageDescription

/// The rooms of the house, from the ground up: each may use what stands above it in this list, and nothing below.
/// `Documentation/Architecture.md` says what each is for.
var targets: [Target] = [
  // C: micro-kernels, and headers that give Swift the C libraries.
  .target(name: "CKernels", publicHeadersPath: "include"),
  .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
  .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
  .systemLibrary(name: "CWebP", pkgConfig: "libwebpmux", providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
  .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"]), .brew(["libtiff"])]),
  .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
  .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
  .target(name: "CImageCodecs", dependencies: ["CPNG", "CJPEG", "CWebP", "CTIFF", "CZlib"]),
  .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"]), .brew(["libzip"])]),

  // A header: what Swift cannot say to the processor.
  .target(name: "CProcessor"),

  .target(name: "CShippedModels", exclude: ["models"], publicHeadersPath: "include"),
  // Kernels for CUDA devices: their table and their PTX. The sources themselves are for a device's compiler, and for the emulation.
  .target(name: "CUDAKernels", exclude: ["ptx", "kernels.def"], publicHeadersPath: "include"),

  .target(name: "Tensors"),
  .target(name: "Files"),
  .target(name: "Networks", dependencies: ["Tensors", "Files"]),
  .target(name: "Architectures", dependencies: ["Tensors", "Files", "Networks"]),
  .target(name: "Transforms", dependencies: ["Tensors", "Files", "Networks"]),
  .target(
    name: "ONNXProto", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")], exclude: ["onnx.proto"]),
  .target(
    name: "Formats",
    dependencies: [
      "Tensors", "Files", "Networks", "Architectures", "ONNXProto", "CZip", "CZlib", "CYAML",
      .product(name: "SwiftProtobuf", package: "swift-protobuf"),
    ]),
  .target(name: "Imaging", dependencies: ["Tensors", "Files", "CImageCodecs"]),
  .target(name: "Execution", dependencies: ["Tensors", "Networks", "CProcessor"]),
  .target(name: "ReferenceBackend", dependencies: ["Tensors", "Files", "Networks", "Execution"]),
  .target(name: "CPUBackend", dependencies: ["Tensors", "Files", "Networks", "Execution", "CKernels"]),
  .target(name: "CUDABackend", dependencies: ["Tensors", "Networks", "Execution", "CUDAKernels"]),
  .target(
    name: "Training", dependencies: ["Tensors", "Files", "Networks", "Transforms", "Formats", "Imaging", "Execution"]),
  .target(
    name: "Evaluation",
    dependencies: [
      "Tensors", "Files", "Networks", "Architectures", "Transforms", "Formats", "Imaging", "Execution", "ReferenceBackend",
      "CPUBackend", "CUDABackend", "Training", "CShippedModels",
    ]),
  .target(
    name: "Profiling",
    dependencies: [
      "Tensors", "Files", "Networks", "Architectures", "Transforms", "Execution", "ReferenceBackend", "CPUBackend",
      "CUDABackend",
      "CKernels", "Evaluation",
    ]),
  .target(
    name: "Swiftlet",
    dependencies: [
      "Tensors", "Files", "Networks", "Architectures", "Transforms", "Formats", "Imaging", "Execution", "ReferenceBackend",
      "CPUBackend", "CUDABackend", "Training", "Evaluation", "Profiling",
    ]),
  .executableTarget(
    name: "SwiftletCommand",
    dependencies: ["Swiftlet", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

  // Random networks and what must agree when they are run: for tests, and for a fuzzer.
  .target(
    name: "GeneratedNetworks",
    dependencies: [
      "Tensors", "Networks", "Transforms", "Formats", "Execution", "ReferenceBackend", "CPUBackend",
    ], path: "Tests/GeneratedNetworks"),
  // Small networks of every operation, which every backend runs against the oracle.
  .target(name: "OperationCases", dependencies: ["Tensors", "Networks", "GeneratedNetworks"], path: "Tests/OperationCases"),
  // What several test targets share: expectations, files that are damaged.
  .target(name: "TestSupport", dependencies: ["Tensors"], path: "Tests/TestSupport"),
  // Whether a CUDA device computes what the CPU does, and how fast: for tests, and for `make gpu-check`.
  .target(
    name: "DeviceCheck",
    dependencies: [
      "Tensors", "Networks", "Architectures", "Transforms", "Execution", "ReferenceBackend", "CPUBackend", "CUDABackend",
      "Training", "Evaluation", "OperationCases",
    ], path: "Tests/DeviceCheck"),
  // Runs the kernels of Sources/CUDAKernels on the CPU, and is the driver of a device that has them.
  .target(
    name: "CUDAEmulation", path: "Tests/CUDAEmulation",
    cxxSettings: [
      .headerSearchPath("."), .headerSearchPath("../../Sources/CUDAKernels"),
      .headerSearchPath("../../Sources/CUDAKernels/include"),
    ]),
  .testTarget(name: "CUDAKernelTests", dependencies: ["CUDAEmulation"]),
  .testTarget(
    name: "CUDABackendTests",
    dependencies: [
      "Tensors", "Networks", "Architectures", "Transforms", "Execution", "ReferenceBackend", "CPUBackend", "CUDAKernels",
      "CUDABackend", "CUDAEmulation", "DeviceCheck", "OperationCases", "TestSupport", "GeneratedNetworks", "Training",
    ]),
  .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
  .testTarget(name: "NetworksTests", dependencies: ["Tensors", "Networks", "OperationCases", "TestSupport"]),
  .testTarget(
    name: "ReferenceBackendTests",
    dependencies: [
      "Tensors", "Networks", "Execution", "ReferenceBackend", "CPUBackend", "OperationCases", "TestSupport",
      "GeneratedNetworks",
    ]),
  .testTarget(
    name: "CPUBackendTests",
    dependencies: [
      "Tensors", "Networks", "Architectures", "Transforms", "Execution", "ReferenceBackend", "CPUBackend", "CKernels",
      "OperationCases", "TestSupport", "GeneratedNetworks",
    ]),
  .testTarget(name: "ArchitecturesTests", dependencies: ["Tensors", "Networks", "Architectures"]),
  .testTarget(
    name: "TransformsTests",
    dependencies: [
      "Tensors", "Networks", "Architectures", "Transforms", "Execution", "ReferenceBackend", "CPUBackend", "OperationCases",
      "TestSupport",
      "GeneratedNetworks",
    ]),
  .testTarget(
    name: "TrainingTests",
    dependencies: [
      "Tensors", "Files", "Networks", "Architectures", "Transforms", "Formats", "Imaging", "Execution", "ReferenceBackend",
      "CPUBackend", "Training", "TestSupport",
    ]),
  .testTarget(name: "ExecutionTests", dependencies: ["Tensors", "Networks", "Execution"]),
  .testTarget(name: "FilesTests", dependencies: ["Files"]),
  .testTarget(
    name: "FormatsTests",
    dependencies: [
      "Tensors", "Files", "Networks", "Architectures", "ONNXProto", "Formats", "Execution", "ReferenceBackend",
      "OperationCases", "TestSupport", "GeneratedNetworks",
    ], exclude: ["Fixtures", "HDF5", "Models", "Networks", "Quantized"]),
  .testTarget(name: "ImagingTests", dependencies: ["Tensors", "Files", "Imaging", "TestSupport"]),
  .testTarget(name: "EvaluationTests", dependencies: ["Swiftlet", "TestSupport", "GeneratedNetworks", "CUDAEmulation"]),
  .testTarget(name: "ProfilingTests", dependencies: ["Swiftlet", "CUDABackend", "CUDAEmulation"]),
  .testTarget(name: "CommandTests", dependencies: ["Swiftlet", "SwiftletCommand", "TestSupport"]),
  .testTarget(name: "CShippedModelsTests", dependencies: ["CShippedModels"]),
]

// A program around libFuzzer, which only `make fuzz` builds: it links with sanitizers alone.
if Context.environment["SWIFTLET_FUZZING"] != nil {
  targets.append(
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "Swiftlet", "OperationCases", "TestSupport", "GeneratedNetworks", "ONNXProto",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      path: "Fuzzing", exclude: ["fuzz.sh"]))
}

// The program of `make gpu-check`, which nothing else builds.
if Context.environment["SWIFTLET_GPU_CHECK"] != nil {
  targets.append(
    .executableTarget(
      name: "gpu-check",
      dependencies: ["DeviceCheck", "CUDAEmulation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/DeviceCheckCommand"))
}

let package = Package(
  name: "swiftlet",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Swiftlet", targets: ["Swiftlet"]),
    .executable(name: "swiftlet", targets: ["SwiftletCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Without its default traits it does without full Foundation, which would slow down the start of the command.
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
  ],
  targets: targets,
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)
