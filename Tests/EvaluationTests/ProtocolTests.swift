import Foundation
import Swiftlet
import Testing

@testable import Evaluation

@Suite struct ProtocolTests {
  /// In single precision the very numbers that were written out before there was one place for them.
  @Test func `weights of luma`() {
    let rows: [[Float]] = [
      [65.481 / 255, 128.553 / 255, 24.966 / 255], [-37.797 / 255, -74.203 / 255, 112 / 255],
      [112 / 255, -93.786 / 255, -18.214 / 255],
    ]
    #expect([LumaWeights.luma, LumaWeights.blueDifference, LumaWeights.redDifference].map(\.weights) == rows)
    let range: Float = 219.0 / 255, shares: [Float] = [0.299, 0.587, 0.114]
    #expect(LumaWeights.black == 16 && LumaWeights.range == range && LumaWeights.middle == 128)
    #expect(LumaChroma.shares.map { Float($0) } == shares)
    let exact: [Double] = [65.481 / 219, 128.553 / 219, 24.966 / 219]
    #expect(LumaChroma.shares == exact)
  }

  /// Who changes a protocol changes figures that others have written down.
  @Test func `hashes stay`() {
    #expect(EvaluationProtocol.all.map(\.hash) == ["2ee61d94", "049b54cf", "37f8962d"])
  }

  /// The samples of a grey picture are luma as they are, as in the published figures: what an independent computation gives.
  @Test func `grey pictures are measured on their samples`() throws {
    let chart = Image.chart(96, 80)
    let plane = PlanarImage<Double>(chart).colour[1]
    let grey = Image(PlanarImage<Double>(colour: [plane]), bitDepth: 8)
    let row = try evaluator(.vdsr, SmallNetworks.nearest()).compare(grey, name: "chart", scale: 2).row
    let truth = PlanarImage<Double>(grey).colour[0]
    let bicubic = truth.resized(scale: 0.5).resized(scale: 2)
    #expect((row.bicubic?.psnr ?? 0) == ImageMetric.peakSignalToNoiseRatio([bicubic], [truth], border: 2))
    // A picture of three equal colours is measured on the narrower range of luma.
    let colours = Image(PlanarImage<Double>(colour: [plane, plane, plane]), bitDepth: 8)
    let other = try evaluator(.vdsr, SmallNetworks.nearest()).compare(colours, name: "chart", scale: 2).row
    #expect(abs((other.bicubic?.psnr ?? 0) - (row.bicubic?.psnr ?? 0) - 20 * log10(255.0 / 219)) < 0.01)
  }

  /// Figures of other inputs are not to be compared.
  @Test func `what is done to small pictures is part of the protocol`() throws {
    for var measure in EvaluationProtocol.all {
      let plain = measure
      measure.degradations = [.noise(2...2), .jpeg(75...75)]
      #expect(measure.hash != plain.hash && measure.lines.contains("small picture: noise:2, then jpeg:75"))
    }
    let chart = Image.chart(96, 80)
    for var measure in EvaluationProtocol.all {
      measure.degradations = [.jpeg(40...40)]
      let row = try evaluator(measure, SmallNetworks.nearest()).compare(chart, name: "chart", scale: 2).row
      // The same by files: a JPEG of the small picture.
      let small = Image(PlanarImage(colour: PlanarImage<Double>(chart).colour.map { $0.resized(scale: 0.5) }), bitDepth: 8)
      let decoded = try ImageCodec.decode(small.encoded(as: .jpeg(quality: 40)), name: "small")
      var bicubic = PlanarImage<Double>(decoded).colour.map { $0.resized(scale: 2) }
      var truth = PlanarImage<Double>(chart).colour
      if measure.isRounded {
        bicubic = PlanarImage<Double>(Image(PlanarImage(colour: bicubic), bitDepth: 8)).colour
      }
      if measure.colour != .rgb {
        (bicubic, truth) = ([PlanarImage(colour: bicubic).luma], [PlanarImage(colour: truth).luma])
      }
      let expected = ImageMetric.peakSignalToNoiseRatio(bicubic, truth, border: 2)
      #expect(abs((row.bicubic?.psnr ?? 0) - expected) < 1e-3, "\(measure.name)")
      // Tables for others say it, too.
      let report = try EvaluationReport(
        model: "nearest", network: SmallNetworks.nearest(), protocol: measure, engine: .cpu(CPUOptions(threadCount: 1)),
        images: [row],
        pictureCount: 1)
      let table = EvaluationTable([report])
      for text in [table.csv, table.markdown, table.text] { #expect(text.contains("small picture: jpeg:40"), "\(text)") }
      let again = try evaluator(measure, SmallNetworks.nearest()).compare(chart, name: "chart", scale: 2).row
      #expect(again.bicubic == row.bicubic && again.network == row.network)
    }
  }

  @Test func `crops`() {
    #expect(EvaluationProtocol.vdsr.cropFactors(scale: 2) == [2])
    #expect(EvaluationProtocol.vdsr.cropFactors(scale: 4) == [2, 3, 4])
    #expect(EvaluationProtocol.vdsr.cropFactors(scale: 8) == [2, 3, 4, 8])
    #expect(EvaluationProtocol.edsr.cropFactors(scale: 4) == [4])
  }

  private func evaluator(_ measure: EvaluationProtocol, _ network: Network) throws -> Evaluator {
    try Evaluator(network, protocol: measure, engine: .cpu(CPUOptions(threadCount: 1)))
  }

  /// A network that adds nothing to the bicubic picture.
  @Test func `a network that does nothing measures as bicubic`() throws {
    var network = try SmallNetworks.vdsr()
    network.parameters["layers.3.weight"] = Tensor(zeros: [1, 16, 3, 3])
    for measure in EvaluationProtocol.all {
      let row = try evaluator(measure, network).compare(Image.chart(97, 73), name: "chart", scale: 3).row
      #expect(row.width == 96 && row.height == 72)
      let tolerance = measure.isRounded ? 0.05 : 0.001
      #expect(abs((row.bicubic?.psnr ?? 0) - row.network.psnr) < tolerance, "\(measure.name)")
      #expect(abs((row.bicubic?.ssim ?? 0) - row.network.ssim) < 0.001)
    }
  }

  /// By the protocol that takes luma of rounded samples.
  @Test func `luma of equal channels is measured as luma of grey`() throws {
    let grey = Image.chart(60, 60, .grey)
    let plane = PlanarImage<Float>(grey).colour[0]
    let rgb = Image(PlanarImage(colour: [plane, plane, plane]), bitDepth: 8)
    for measure in [EvaluationProtocol.edsr] {
      let evaluator = try evaluator(measure, SmallNetworks.nearest())
      let (a, b) = (try evaluator.compare(grey, name: "", scale: 2).row, try evaluator.compare(rgb, name: "", scale: 2).row)
      #expect(abs(a.network.psnr - b.network.psnr) < 0.02 && abs((a.bicubic?.psnr ?? 0) - (b.bicubic?.psnr ?? 0)) < 1e-9)
    }
  }

  @Test func `too small pictures and foreign scales are refused`() throws {
    #expect(throws: EvaluationError.self) {
      try evaluator(.vdsr, SmallNetworks.nearest()).compare(Image.chart(14, 14), name: "", scale: 2)
    }
    #expect(throws: EvaluationError.scaleNotOffered(network: "nearest", scale: 3, offered: 2)) {
      try evaluator(.vdsr, SmallNetworks.nearest()).evaluate(folder: ".", model: "", scales: [3])
    }
  }

  @Test func `side by side`() throws {
    let comparison = try evaluator(.vdsr, SmallNetworks.nearest()).compare(Image.chart(41, 30), name: "", scale: 2)
    let sheet = comparison.sideBySide(model: "nearest")
    #expect(sheet.width == 3 * 40 + 8 && sheet.height == 10 + 30 && sheet.colourModel == .rgb)
    guard case .uint8(let samples) = sheet.samples else {
      Issue.record("8 bits")
      return
    }
    // Letters, and nothing else, above each picture; the pictures as they are below.
    for (place, image) in [comparison.truth, comparison.bicubic, comparison.output].enumerated() {
      guard case .uint8(let own) = image.samples else { continue }
      func row(_ y: Int) -> ArraySlice<UInt8> { samples[(y * 128 + place * 44) * 3..<(y * 128 + place * 44 + 40) * 3] }
      #expect(
        (0..<10).allSatisfy { row($0).allSatisfy { [0, 255].contains($0) } } && (0..<10).contains { row($0).contains(0) })
      for y in 0..<30 { #expect(row(10 + y).elementsEqual(own[y * 120..<(y + 1) * 120])) }
    }
  }
}
