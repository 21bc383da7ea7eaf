@testable import Evaluation
import Swiftlet
import Testing

@Suite struct ModelLibraryTests {
  @Test func `models inside the program enlarge as their names say`() throws {
    #expect(ModelLibrary.shippedNames == ["upscale-x2", "upscale-x3", "upscale-x4"])
    for (index, name) in ModelLibrary.shippedNames.enumerated() {
      let contract = try #require(try ModelLibrary.network(name).imageContract)
      #expect(contract.scale == index + 2 && contract.inputSize == .lowResolution)
    }
  }

  @Test(
    arguments: [
      (nil, "upscale-x2"), (1, "upscale-x2"), (2, "upscale-x2"), (2.1, "upscale-x3"), (3, "upscale-x3"),
      (3.5, "upscale-x4"), (4, "upscale-x4"), (9, "upscale-x4"),
    ] as [(Double?, String)])
  func `the model for a scale`(scale: Double?, name: String) { #expect(ModelLibrary.shippedName(forScale: scale) == name) }

  @Test func `the models inside the program beat bicubic on the chart`() throws {
    for name in ModelLibrary.shippedNames {
      let evaluator = try Evaluator(
        ModelLibrary.network(name), protocol: .vdsr, engine: .cpu(CPUOptions(threadCount: 2)))
      let scale = evaluator.offeredScales[0]
      let row = try evaluator.compare(.chart(240, 160), name: "chart", scale: scale).row
      #expect(row.network.psnr > row.bicubic.psnr + 0.2, "\(name) \(row)")
    }
  }

  @Test func `unknown names say which there are`() {
    #expect(throws: EvaluationError.unknownModel(name: "best", known: ModelLibrary.shippedNames)) {
      try ModelLibrary.network("best")
    }
  }
}
