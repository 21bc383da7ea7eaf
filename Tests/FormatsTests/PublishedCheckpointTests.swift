import Formats
import Tensors
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Checkpoints of others, where the data folder beside the package holds them.
@Suite struct PublishedCheckpointTests {
  static let vdsr =
    "\(#filePath)".split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    + "/../shared/data/vdsr/model_epoch_50.pth"
  static var hasVDSR: Bool { FileManager.default.fileExists(atPath: vdsr) }

  /// The whole module in the legacy format, written by Python 2.
  @Test(.enabled(if: hasVDSR, "../shared/data/vdsr is absent")) func vdsr() throws {
    let checkpoint = try PyTorchCheckpoint(contentsOf: Self.vdsr)
    #expect(checkpoint.path == ["model"])
    #expect(checkpoint.skipped == [])
    var names = (0..<18).map { "residual_layer.\($0).conv.weight" }
    names += ["input.weight", "output.weight"]
    #expect(checkpoint.names == names)
    #expect(checkpoint.parameters.values.reduce(0) { $0 + $1.count } == 664_704)
    #expect(checkpoint.parameters["input.weight"]?.shape == [64, 1, 3, 3])
    #expect(checkpoint.parameters["output.weight"]?.shape == [1, 64, 3, 3])
    #expect(checkpoint.parameters["residual_layer.7.conv.weight"]?.shape == [64, 64, 3, 3])
    // Element sums and last elements as PyTorch 2.13 reads them.
    for (name, sum, last): (String, Double, Float) in [
      ("residual_layer.0.conv.weight", 23.67852210647269, -0.0005576246185228229),
      ("residual_layer.17.conv.weight", 9.712288886950375, -0.004684105981141329),
      ("input.weight", 7.296469118816341, -0.20055705308914185), ("output.weight", 1.1175042649556417, -0.05840815603733063),
    ] {
      let elements = try #require(checkpoint.parameters[name]).floats
      #expect(abs(elements.reduce(0.0) { $0 + Double($1) } - sum) < 1e-9, "\(name)")
      #expect(elements.last == last, "\(name)")
    }
    #expect(checkpoint.globals.contains("vdsr.Net"))
  }
}
