import CPUBackend
import Execution
import Formats
import Foundation
import Imaging
import Networks
import Tensors
import Testing
import Training
import Transforms

@testable import Evaluation

/// Trainings that end with networks of integers.
@Suite struct QuantizationJobTests {
  /// A folder that goes when the value does, with pictures in `pictures` and a model that was trained a little in `model.safetensors`.
  private final class Place: Sendable {
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.path + "/quantization-job-\(UInt64.random(in: 0 ... .max))"
      try FileManager.default.createDirectory(atPath: path + "/pictures", withIntermediateDirectories: true)
      for seed in 0..<4 {
        try TestChart.image(width: 48 + seed, height: 44).write(to: "\(path)/pictures/\(seed).png")
      }
      let job = try QuantizationJobTests.job(
        self, "float",
        """
        model: {architecture: edsr, options: {layout: direct, channels: 1, features: 8, blocks: 1}}
        data: {kind: super-resolution, folders: pictures, patch: 16, patches-per-picture: 8}
        training: {epochs: 12, batch-size: 4, learning-rate: 0.005}
        """)
      _ = try job.run()
      try FileManager.default.copyItem(atPath: job.folder.model, toPath: path + "/model.safetensors")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private static func job(
    _ place: Place, _ name: String, _ text: String, changes: [(String, String)] = [], threads: Int = 1, resumes: Bool = false,
    masks: WeightMasks? = nil
  ) throws -> TrainingJob {
    var options = RecipeOptions()
    options.values = changes.map { ($0.0, YAMLNode(.scalar($0.1, isPlain: true))) }
    return try TrainingJob(
      TrainingRecipeTests.recipe(text, options: options), options: CPUOptions(threadCount: threads), version: "test",
      folder: RunFolder(path: "\(place.path)/\(name)"), root: place.path, resumes: resumes, masks: masks)
  }

  private static func recipe(_ place: Place) -> String {
    """
    model: {file: \(place.path)/model.safetensors}
    data: {kind: super-resolution, folders: pictures, patch: 16, patches-per-picture: 8}
    validation: {folder: pictures}
    quantize: {samples: 8, weight-bits: 4, freeze-after: 2}
    training: {epochs: 3, batch-size: 4, learning-rate: 0.002, clip-norm: 1, average: 0.8}
    """
  }

  private static func psnr(_ network: Network, _ place: Place) throws -> Double {
    let report = try Evaluator(network, protocol: .vdsr, engine: .cpu(CPUOptions(threadCount: 1)), tile: .automatic)
      .evaluate(folder: "\(place.path)/pictures", model: "model")
    return report.means[0].network.psnr
  }

  @Test func whatIsKeptIsOfIntegersAndBetterThanCalibrated() throws {
    let place = try Place(), text = Self.recipe(place)
    let job = try Self.job(place, "run", text)
    _ = try job.run()
    let names = try FileManager.default.contentsOfDirectory(atPath: job.folder.path)
    #expect(names.contains("float.safetensors"))
    let best = try ModelFile.read(job.folder.best), model = try ModelFile.read(job.folder.model)
    for network in [best, model] {
      #expect(network.nodes.contains { $0.operation.epilogue?.sumsIntegers ?? false })
      #expect(network.contract == job.network.contract && network.contract != nil)
    }
    // The figure is that of the file.
    #expect(try Self.psnr(best, place) == job.record.best)
    // Better than what calibration alone makes of 4 bits.
    let start = try ModelFile.read("\(place.path)/model.safetensors")
    let data = try CalibrationData(folder: "\(place.path)/pictures", for: start, count: 4)
    let ranges = try RangeCalibration(of: start, on: data, engine: .reference, method: .minmax).ranges
    let calibrated = try Self.psnr(start.quantized(ranges, QuantizationScheme(weightBits: 4)), place)
    let float = try Self.psnr(start, place)
    #expect(try #require(job.record.best) > calibrated + 0.3 * (float - calibrated), "\(calibrated), \(float)")
    // What is behind it can be trained again, with and without integers.
    let floats = try ModelFile.read(job.folder.floats)
    #expect(
      !floats.nodes.contains { $0.operation.isOfIntegers } && floats.nodes.allSatisfy { $0.operation.epilogue?.isEmpty ?? true }
    )
    for (name, changes) in [("again", []), ("quantized", [("quantize.samples", "4")])] as [(String, [(String, String)])] {
      let text = """
        model: {file: \(job.folder.floats)}
        data: {kind: super-resolution, folders: pictures, patch: 16}
        training: {epochs: 1, batch-size: 4}
        """
      #expect(try Self.job(place, name, text, changes: changes).run() == .finished)
    }
  }

  @Test(arguments: ["1", "2"]) func resumedRunsEndWithTheSameBits(parts: String) throws {
    let place = try Place(), text = Self.recipe(place), changes = [("training.parts", parts)]
    let whole = try Self.job(place, "whole", text, changes: changes)
    _ = try whole.run()
    var generator = SplitMix64(seed: 7)
    for attempt in 0..<3 {
      var resumes = false
      while true {
        let job = try Self.job(
          place, "broken-\(attempt)", text, changes: changes, threads: 1 + Int(generator.next() % 3), resumes: resumes)
        resumes = true
        var left = Int(generator.next() % 12) + 1
        let end = try job.run(shouldStop: {
          left -= 1
          return left < 0
        })
        guard end == .finished else { continue }
        for path in [\RunFolder.best, \.model, \.floats] {
          let (mine, others) = (job.folder[keyPath: path], whole.folder[keyPath: path])
          #expect(
            try Data(contentsOf: URL(fileURLWithPath: mine)) == Data(contentsOf: URL(fileURLWithPath: others)), "\(mine)")
        }
        #expect(job.metrics.rows.map(\.loss) == whole.metrics.rows.map(\.loss))
        break
      }
    }
  }

  /// Batch norms, residual sums, pools and skips: a classifier and a segmenter.
  @Test func classifiersAndSegmentersLearn() throws {
    let place = try Place()
    for name in ["a", "b"] {
      try FileManager.default.createDirectory(atPath: "\(place.path)/classes/\(name)", withIntermediateDirectories: true)
      for index in 0..<4 {
        let level = name == "a" ? 40 : 200
        try Image(
          width: 32, height: 32, colourModel: .rgb,
          samples: .uint8((0..<32 * 32 * 3).map { UInt8(level + ($0 * (index + 3)) % 20) })
        ).write(to: "\(place.path)/classes/\(name)/\(index).png")
      }
    }
    let classes = """
      data: {kind: classes, folder: classes, flips: true}
      validation: {folder: classes}
      """
    let float = try Self.job(
      place, "classifier",
      "model: {architecture: small-resnet, options: {classes: 2, features: 4}}\n\(classes)\ntraining: {epochs: 12, batch-size: 4, learning-rate: 0.01}"
    )
    _ = try float.run()
    let job = try Self.job(
      place, "classifier-integers",
      "model: {file: \(float.folder.best)}\n\(classes)\nquantize: {samples: 4}\ntraining: {epochs: 2, batch-size: 4, learning-rate: 0.0001}"
    )
    _ = try job.run()
    #expect(job.record.best == 1)
    let network = try ModelFile.read(job.folder.model)
    #expect(network.nodes.contains { $0.operation.epilogue?.sumsIntegers ?? false })
    if case .classifier(let contract)? = network.contract {
      #expect(contract.classes == ["a", "b"])
    } else {
      Issue.record("no contract")
    }

    for kind in ["pictures2", "masks"] {
      try FileManager.default.createDirectory(atPath: "\(place.path)/\(kind)", withIntermediateDirectories: true)
      // Whole pictures of two sizes, each of which is measured by itself.
      for (index, height) in [32, 48].enumerated() {
        let samples = (0..<32 * height).map { pixel in
          let isInside = pixel / 32 > 8 + index && pixel % 32 > 10
          return kind == "masks" ? UInt8(isInside ? 255 : 0) : UInt8((isInside ? 180 : 60) + pixel * 7 % 30)
        }
        try Image(width: 32, height: height, colourModel: .grey, samples: .uint8(samples)).write(
          to: "\(place.path)/\(kind)/\(index).png")
      }
    }
    let segmenter = try Self.job(
      place, "segmenter",
      """
      model: {architecture: unet, options: {channels: 1, classes: 1, features: 4}}
      data: {kind: masks, pictures: pictures2, masks: masks, patch: 32}
      validation: {pictures: pictures2, masks: masks}
      quantize: {ranges: mse, samples: 2}
      training: {epochs: 2, batch-size: 2, learning-rate: 0.001}
      """)
    _ = try segmenter.run()
    let unet = try ModelFile.read(segmenter.folder.model)
    #expect(unet.nodes.count { $0.operation.epilogue?.sumsIntegers ?? false } > 10)
    #expect(segmenter.metrics.rows.count == 2 && segmenter.metrics.rows.allSatisfy { $0.loss.isFinite })
  }

  @Test func refusals() throws {
    let place = try Place(), text = Self.recipe(place)
    func refusal(_ changes: [(String, String)], masks: WeightMasks? = nil) -> String {
      do {
        _ = try Self.job(place, "refused", text, changes: changes, masks: masks)
        return ""
      } catch let error as EvaluationError { return error.description } catch { return "\(error)" }
    }
    #expect(refusal([("quantize.float", "boddy")]).hasPrefix("no layer is called 'boddy'; there are "))
    #expect(refusal([("quantize.folder", "absent")]).contains("absent"))
    #expect(
      refusal([], masks: WeightMasks())
        == "the options: 'quantize' has no meaning beside 'weights that stay 0'; leave one of them out")
    // A model that is one of integers already.
    let job = try Self.job(place, "run", text, changes: [("training.epochs", "1")])
    _ = try job.run()
    #expect(refusal([("model.file", job.folder.model)]).contains("of integers already"))
    // What is not finite is seen before the first step.
    var broken = try ModelFile.read("\(place.path)/model.safetensors")
    let name = try #require(broken.parameters.keys.sorted().first { $0.hasSuffix(".weight") })
    broken.parameters[name] = broken.parameters[name].map { Tensor(repeating: .nan, $0.shape) }
    try ModelFile.write(broken, to: "\(place.path)/broken.safetensors")
    #expect(!refusal([("model.file", "\(place.path)/broken.safetensors")]).isEmpty)
  }
}
