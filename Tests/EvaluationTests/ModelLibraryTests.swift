@testable import Evaluation
import Swiftlet
import Testing

@Suite struct ModelLibraryTests {
  @Test func `models inside the program enlarge as their names say`() throws {
    #expect(ModelLibrary.shippedNames == ["upscale-x2", "upscale-x3", "upscale-x4", "photo-x2", "photo-x3", "photo-x4"])
    for (index, name) in ModelLibrary.shippedNames.enumerated() {
      let contract = try #require(try ModelLibrary.network(name).imageContract)
      #expect(contract.scale == index % 3 + 2 && contract.inputSize == .lowResolution)
    }
  }

  @Test(
    arguments: [
      (nil, "upscale-x2"), (1, "upscale-x2"), (2, "upscale-x2"), (2.1, "upscale-x3"), (3, "upscale-x3"),
      (3.5, "upscale-x4"), (4, "upscale-x4"), (9, "upscale-x4"),
    ] as [(Double?, String)])
  func `the model for a scale`(scale: Double?, name: String) {
    #expect(ModelLibrary.shippedName(forScale: scale) == name)
    for format in ImageFormat.allCases {
      let expected = format == .jpeg ? name.replacing("upscale", with: "photo") : name
      #expect(ModelLibrary.shippedName(forScale: scale, format: format) == expected)
    }
  }

  @Test func `the models inside the program beat bicubic on the chart`() throws {
    for name in ModelLibrary.shippedNames {
      let evaluator = try Evaluator(
        ModelLibrary.network(name), protocol: .vdsr, engine: .cpu(CPUOptions(threadCount: 2)))
      let scale = evaluator.offeredScales[0]
      let row = try evaluator.compare(.chart(240, 160), name: "chart", scale: scale).row
      #expect(row.network.psnr > (row.bicubic?.psnr ?? 100) + 0.2, "\(name) \(row)")
    }
  }

  @Test(arguments: 2...4)
  func `models of photos beat bicubic and models of clean pictures on a compressed chart`(scale: Int) throws {
    var measure = EvaluationProtocol.vdsr
    measure.degradations = [.jpeg(60...60)]
    func row(_ name: String) throws -> EvaluationReport.Row {
      try Evaluator(ModelLibrary.network(name), protocol: measure, engine: .cpu(CPUOptions(threadCount: 2)))
        .compare(.chart(240, 160), name: "chart", scale: scale).row
    }
    let photo = try row("photo-x\(scale)"), clean = try row("upscale-x\(scale)")
    #expect(photo.bicubic == clean.bicubic)
    #expect(photo.network.psnr > clean.network.psnr + 0.05, "\(photo) \(clean)")
    #expect(photo.network.psnr > (photo.bicubic?.psnr ?? 100) + 0.2, "\(photo)")
  }

  @Test(arguments: ModelLibrary.shippedNames)
  func `flat black and white stay within 1 of 255 up to the rim`(name: String) throws {
    for level: UInt8 in [0, 255] {
      let flat = Image(width: 40, height: 30, colourModel: .grey, samples: .uint8(Array(repeating: level, count: 1200)))
      let upscaler = try Upscaler(ModelLibrary.network(name), backend: Engine.cpu(CPUOptions(threadCount: 2)).makeBackend())
      guard case .uint8(let samples) = try upscaler.upscale(flat).samples else { continue }
      let most = samples.map { abs(Int($0) - Int(level)) }.max() ?? 0
      #expect(most <= 1, "\(name), \(level): \(most)")
    }
  }

  @Test func `unknown names say which there are`() {
    #expect(throws: EvaluationError.unknownModel(name: "best", known: ModelLibrary.shippedNames)) {
      try ModelLibrary.network("best")
    }
  }
}
