// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "swiftlet", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Without its traits it needs no memory allocator of its own; its counts of allocations then read 0.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    // What is measured, for both programs.
    .target(name: "BenchmarkCases", dependencies: [.product(name: "Swiftlet", package: "swiftlet")]),
    .executableTarget(
      name: "layers",
      dependencies: ["BenchmarkCases", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    .executableTarget(
      name: "SwiftletBenchmarks",
      dependencies: ["BenchmarkCases", .product(name: "Benchmark", package: "benchmark")],
      path: "Benchmarks/SwiftletBenchmarks",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ],
  swiftLanguageModes: [.v6]
)
