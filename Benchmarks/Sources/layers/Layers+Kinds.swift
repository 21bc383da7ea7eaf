import BenchmarkCases
import Swiftlet

/// Where fewer parameters are faster, too: one layer of each kind with the same channels and size.
extension Layers {
  /// Channels, and heights and widths.
  private static let extents = [32, 64, 128, 256, 512]
  /// Of the input, and of the output: larger ones take their time to make, and networks hardly have them.
  private static let mostTensorBytes = 150 << 20

  func printKinds() throws {
    let instructionSet = InstructionSet.best
    print("\(instructionSet.rawValue); 3x3, as many channels in as out, bias and ReLU; ms, and ratios to the standard layer's")
    print(kindRow("channels", "size", ["standard", "separable", "ratio", "selection", "ratio"], "standard's method"))
    for channels in Self.extents {
      for size in Self.extents where channels * size * size * 4 <= Self.mostTensorBytes {
        let name = "\(channels) \(size)x\(size)"
        guard only.isEmpty || name.contains(only) else { continue }
        var times: [ConvolutionKind: Int] = [:]
        for kind in ConvolutionKind.allCases {
          times[kind] = try time(.layer(kind, channels: channels, height: size, width: size), instructionSet).nanoseconds
        }
        let (standard, separable, selection) = (times[.standard] ?? 0, times[.separable] ?? 0, times[.selection] ?? 0)
        let figures = [
          milliseconds(standard), milliseconds(separable), ratio(separable, standard), milliseconds(selection),
          ratio(selection, standard),
        ]
        let standardLayer = try BenchmarkCase.layer(.standard, channels: channels, height: size, width: size)
        print(kindRow("\(channels)", "\(size)x\(size)", figures, try method(standardLayer, instructionSet) ?? ""))
      }
    }
    try printShares(instructionSet)
  }

  /// One separable layer alone that fits the cache, and one that does not.
  private func printShares(_ instructionSet: InstructionSet) throws {
    let layers = try [64, 256].map { try BenchmarkCase.layer(.separable, channels: 64, height: $0, width: 256) }
      .filter { only.isEmpty || $0.name.contains(only) }
    guard !layers.isEmpty else { return }
    // The peak before and after, and many runs of layers so short: what disturbs a measurement makes it lower.
    let before = Roofs(instructionSet: instructionSet, threadCount: threads).gflopsPerS
    let rates = try layers.map { $0.gigaflops(nanoseconds: try time($0, instructionSet, runs: 10 * runs).nanoseconds) }
    let peak = max(before, Roofs(instructionSet: instructionSet, threadCount: threads).gflopsPerS)
    print("\nmultiply-add peak: \(fixed(peak, 1)) GFLOP/s")
    for (layer, rate) in zip(layers, rates) {
      print("\(layer.name): \(fixed(rate, 1)) GFLOP/s, \(fixed(100 * rate / peak, 1)) % of the peak")
    }
  }

  private func kindRow(_ channels: String, _ size: String, _ figures: [String], _ method: String) -> String {
    right(channels, 8) + right(size, 9) + figures.map { right($0, 11) }.joined() + "  " + method
  }

  private func milliseconds(_ nanoseconds: Int) -> String { fixed(Double(nanoseconds) / 1e6, 3) }

  private func ratio(_ nanoseconds: Int, _ other: Int) -> String { fixed(Double(nanoseconds) / Double(max(other, 1)), 2) }
}
