// swift-tools-version: 6.2
import PackageDescription

/// The rooms of the house, from the ground up: each may use what stands above it in this list, and nothing below.
/// `Documentation/Architecture.md` says what each is for.
let targets: [Target] = [
  // C: micro-kernels, and headers that give Swift the C libraries.
  .target(name: "CKernels", publicHeadersPath: "include"),
  .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
  .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"]), .brew(["libzip"])]),

  .target(name: "CShippedModels", exclude: ["models"], publicHeadersPath: "include"),

  .target(name: "Tensors"),
  .target(name: "Networks", dependencies: ["Tensors"]),
  .target(name: "Architectures", dependencies: ["Tensors", "Networks"]),
  .target(name: "Transforms", dependencies: ["Tensors", "Networks"]),
  .target(name: "Formats", dependencies: ["Tensors", "Networks", "Architectures", "CZip"]),
  .target(name: "Imaging", dependencies: ["Tensors", "CPNG"]),
  .target(name: "Execution", dependencies: ["Tensors", "Networks"]),
  .target(name: "ReferenceBackend", dependencies: ["Tensors", "Networks", "Execution"]),
  .target(name: "CPUBackend", dependencies: ["Tensors", "Networks", "Execution", "CKernels"]),

  .testTarget(name: "CShippedModelsTests", dependencies: ["CShippedModels"]),
]

let package = Package(
  name: "swiftlet",
  platforms: [.macOS(.v15)],
  targets: targets,
  swiftLanguageModes: [.v6]
)
