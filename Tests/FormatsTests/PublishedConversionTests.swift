import Architectures
import Formats
import Testing

/// Published checkpoints all the way to a network, where the data folder beside the package holds them.
@Suite struct PublishedConversionTests {
  @Test(.enabled(if: PublishedCheckpointTests.hasVDSR, "../shared/data/vdsr is absent"))
  func vdsr() throws {
    let checkpoint = try PyTorchCheckpoint(contentsOf: PublishedCheckpointTests.vdsr)
    let (network, report) = try CheckpointConversion(architecture: .vdsr).network(from: checkpoint.parameters)
    #expect(network.parameterCount == 664_704)
    #expect(report.architecture == .vdsr(VDSR()))
    #expect(
      report.text == """
        vdsr: depth 20, 64 features
        names of twtygqyy/pytorch-vdsr: 20 tensors taken
        nothing missing, nothing left over

        """)
    #expect(network.parameters["layers.8.weight"] == checkpoint.parameters["residual_layer.7.conv.weight"])
    #expect(network.parameters["layers.19.weight"] == checkpoint.parameters["output.weight"])
  }
}
