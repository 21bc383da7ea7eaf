import Architectures
import CPUBackend
import Formats
import Foundation
import Imaging
import Networks
import Tensors
import Testing

@testable import Evaluation

/// Fronts of tiny networks on generated pictures.
@Suite struct FrontJobTests {
  /// A folder that goes when the value does, with pictures in `pictures`.
  final class Place: Sendable {
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.path + "/front-job-\(UInt64.random(in: 0 ... .max))"
      try FileManager.default.createDirectory(atPath: path + "/pictures", withIntermediateDirectories: true)
      for index in 0..<3 { try TestChart.image(width: 44, height: 36 + index).write(to: path + "/pictures/\(index).png") }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")) }
    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
  }

  private static let variants = """
    fine-tuning: {epochs: 1}
    timing: {input: 1x1x16x16, rounds: 6}
    calibration: {folder: pictures, count: 2, side: 16}
    variants:
      - {name: distilled, model: {options: {convolution: separable}}, distillation: {teacher: "standard <b> & \\"c\\", d"}}
      - {name: "standard <b> & \\"c\\", d"}
      - {name: half, of: "standard <b> & \\"c\\", d", prune: {sparsity: 0.5, align: 1}}
      - {name: bf16, of: half, precision: bfloat16}
      - {name: int8, of: half, quantize: minmax}

    """

  static func job(
    _ place: Place, _ name: String, _ text: String = variants, base: String = FrontRecipeTests.base, threads: Int = 1,
    version: String = "test"
  ) throws -> FrontJob {
    let job = try FrontJob(
      FrontRecipeTests.recipe(text, base: base), options: CPUOptions(instructionSet: .portable, threadCount: threads),
      version: version, folder: FrontFolder(path: "\(place.path)/\(name)"), root: place.path)
    job.timing = times
    return job
  }

  /// Times that follow from the networks: tables are equal where what is in them is.
  private static func times(
    _ candidates: [InterleavedTiming.Candidate], _ shapes: [Shape], _ rounds: Int
  ) throws(EvaluationError) -> [InterleavedTiming.Result] {
    candidates.map { candidate in
      let seconds =
        Double(candidate.network.parameterCount) * 1e-6 + (candidate.engine.name == .cpu(.portable, .bfloat16) ? 1e-6 : 0)
      return InterleavedTiming.Result(
        seconds: seconds, leastSeconds: seconds, mostSeconds: seconds * 1.01, joules: nil, sessionMemoryByteCount: 1000)
    }
  }

  private static let results = ["front.csv", "front.svg", "front.html"]

  private func isSame(_ place: Place, _ name: String, as other: String, _ note: String) throws {
    for file in Self.results {
      #expect(try place.bytes("\(name)/\(file)") == place.bytes("\(other)/\(file)"), "\(note): \(file)")
    }
  }

  @Test func oneFrontLeavesAllItsFiles() throws {
    let place = try Place()
    let job = try Self.job(place, "front")
    #expect(job.parts.map(\.variant.name) == ["standard <b> & \"c\", d", "distilled", "half", "bf16", "int8"])
    // 3 pictures of 5 patches, 4 a step.
    #expect(job.parts.map(\.steps) == [6, 6, 3, 0, 0])
    #expect(job.plan.text().contains("15 steps in all") && !place.exists("front"))
    let table = try #require(try job.run())
    #expect(table.rows.map(\.name) == ["distilled", "standard <b> & \"c\", d", "half", "bf16", "int8"])
    #expect(table.rows.map(\.figures.stepsInAll) == [6, 6, 9, 9, 9])
    #expect(table.qualityNames == ["psnr", "ssim"] && table.decisive == 0)
    let (standard, half, bf16, int8) = (
      table.rows[1].figures, table.rows[2].figures, table.rows[3].figures, table.rows[4].figures
    )
    #expect(2 * half.parameters < standard.parameters && half.multiplyAccumulates < standard.multiplyAccumulates)
    #expect(half.fileBytes == bf16.fileBytes && half.parameters == bf16.parameters && half.quality != bf16.quality)
    #expect(int8.quality != half.quality && int8.multiplyAccumulates == half.multiplyAccumulates)
    // The file is what is said of it, and measures as is said.
    let path = "front/variants/int8/model.safetensors"
    #expect(try place.bytes(path).count == int8.fileBytes)
    let report = try Evaluator(
      ModelLibrary.network("\(place.path)/\(path)"), protocol: .edsr,
      engine: .cpu(CPUOptions(instructionSet: .portable, threadCount: 1))
    ).evaluate(folder: place.path + "/pictures", model: "int8")
    #expect(report.means[0].network.psnr == int8.quality[0] && report.means[0].network.ssim == int8.quality[1])
    #expect(
      table.conditions.contains {
        $0.name == "budget" && $0.value.hasPrefix("2 epochs of 3 steps of 4 samples; fine-tuning 1 epoch")
      })
    #expect(table.joulesReason?.contains("powercap") == true)
    // What was asked is kept whole, and goes on from there.
    let again = try FrontRecipe(contentsOf: "\(place.path)/front/recipe.yaml")
    #expect(again.variants.map(\.text) == job.recipe.variants.map(\.text) && again.base.node.text == job.recipe.base.node.text)
    // Nothing is made or timed twice.
    let second = try Self.job(place, "front")
    second.timing = { (_, _, _) throws(EvaluationError) in throw .noPictures(folder: "") }
    var lines: [String] = []
    #expect(try second.run(line: { lines.append($0) }) == table)
    #expect(lines.isEmpty)
  }

  /// A variant whose training is of integers: what is kept, measured and timed is the network of integers.
  @Test func integersComeOutOfTraining() throws {
    let place = try Place()
    let text = """
      fine-tuning: {epochs: 1, learning-rate: 0.001}
      timing: {input: 1x1x16x16, rounds: 6}
      variants:
        - {name: standard}
        - {name: trained, of: standard, qat: {ranges: mse}}

      """
    let job = try Self.job(place, "front", text)
    let table = try #require(try job.run())
    #expect(table.rows.map(\.figures.stepsInAll) == [6, 9])
    let network = try ModelLibrary.network("\(place.path)/front/variants/trained/model.safetensors")
    #expect(network.nodes.contains { $0.operation.isOfIntegers })
    let report = try Evaluator(
      network, protocol: .edsr, engine: .cpu(CPUOptions(instructionSet: .portable, threadCount: 1))
    ).evaluate(folder: place.path + "/pictures", model: "trained")
    #expect(report.means[0].network.psnr == table.rows[1].figures.quality[0])
    #expect(table.rows[1].figures.quality != table.rows[0].figures.quality)
    // Other keys of its integers are another variant.
    #expect(throws: EvaluationError.self) {
      try Self.job(place, "front", text.split(separator: "mse").joined(separator: "minmax")).run()
    }
  }

  /// Broken off wherever it looks whether it should, with any threads: the same table, curves and page.
  @Test func brokenFrontsEndWithTheSameTable() throws {
    let place = try Place()
    _ = try Self.job(place, "whole").run()
    var generator = SplitMix64(seed: 3)
    for attempt in 0..<4 {
      var breaks = 0
      while true {
        let job = try Self.job(place, "broken-\(attempt)")
        var left = Int(generator.next() % 7) + 1
        let table = try job.run(shouldStop: {
          left -= 1
          return left < 0
        })
        if table != nil { break }
        breaks += 1
        // Each comes further.
        #expect(breaks < 40)
      }
      #expect(breaks > 1)
      try isSame(place, "broken-\(attempt)", as: "whole", "attempt \(attempt)")
    }
  }

  /// What a killed process leaves between two files: whatever is missing is made again.
  @Test(arguments: [
    ["front.html"], ["front.csv", "front.svg", "front.html", "timing.json"], ["variants/half/variant.json"],
    ["variants/int8/model.safetensors", "variants/int8/variant.json"], ["variants/bf16"],
    ["variants/half/variant.json", "variants/half/start.safetensors", "variants/half/model.safetensors"],
    ["variants/half/variant.json", "variants/half/run/run.json", "variants/half/run/metrics.csv"],
    ["variants/half/run", "variants/half/variant.json"],
    ["variants/distilled", "timing.json"],
  ]) func whatIsMissingIsMadeAgain(missing: [String]) throws {
    let place = try Place()
    let job = try Self.job(place, "front")
    _ = try job.run()
    try FileManager.default.copyItem(atPath: place.path + "/front", toPath: place.path + "/whole")
    for name in missing { try place.remove("front/\(name)") }
    _ = try Self.job(place, "front").run()
    try isSame(place, "front", as: "whole", "\(missing)")
  }

  @Test func variantsMayComeLater() throws {
    let place = try Place()
    let first = "timing: {input: 1x1x16x16, rounds: 6}\nvariants: [{name: a}"
    _ = try Self.job(place, "front", first + "]").run()
    let model = try place.bytes("front/variants/a/model.safetensors")
    var lines: [String] = []
    let job = try Self.job(place, "front", first + ", {name: b, of: a, prune: {sparsity: 0.5, align: 1}}]")
    let made = try job.run(line: { lines.append($0) })
    let table = try #require(made)
    #expect(table.rows.map(\.name) == ["a", "b"] && !lines.contains { $0.hasPrefix("a:") })
    // All are timed together again.
    #expect(lines.contains { $0.hasPrefix("timing 2 variants") })
    #expect(try place.bytes("front/variants/a/model.safetensors") == model)
  }

  /// Each condition that differs is named with both values and the mend.
  @Test func nothingIsMixed() throws {
    let place = try Place()
    let text = "timing: {input: 1x1x16x16, rounds: 6}\nvariants: [{name: a}]"
    _ = try Self.job(place, "front", text).run()
    let before = try place.bytes("front/front.csv")
    func refusal(_ text: String = text, base: String = FrontRecipeTests.base, threads: Int = 1, version: String = "test") throws
      -> String
    {
      do {
        _ = try Self.job(place, "front", text, base: base, threads: threads, version: version).run()
      } catch let error as EvaluationError {
        #expect(error.description.hasPrefix("'\(place.path)/front"), "\(error)")
        #expect(
          error.description.hasSuffix("or give another folder with --output") || error.description.hasSuffix("to make it anew"))
        return error.description
      }
      return ""
    }
    #expect(try refusal() == "")
    #expect(try refusal(version: "next").contains("the program of the figures there is 'swiftlet test"))
    #expect(try refusal(threads: 2).contains("is '1 to train, 1 when timed' and now '2 to train, 2 when timed'"))
    #expect(
      try refusal(text.replacingOccurrences(of: "16x16", with: "24x16")).contains(
        "the input of the figures there is '1x1x16x16' and now '1x1x24x16'"))
    #expect(try refusal(text.replacingOccurrences(of: "rounds: 6", with: "rounds: 7")).contains("the rounds"))
    func base(_ old: String, _ new: String) -> String { FrontRecipeTests.base.replacingOccurrences(of: old, with: new) }
    #expect(
      try refusal(base: base("protocol: edsr", "protocol: vdsr")).contains("the protocol of the figures there is 'edsr ("))
    #expect(
      try refusal(base: base("epochs: 2", "epochs: 3")).contains(
        "the budget of the figures there is '2 epochs of 3 steps of 4 samples' and now '3 epochs"))
    #expect(
      try refusal(base: base("learning-rate: 0.01", "learning-rate: 0.02")).contains(
        "the variant 'a' was begun with 'training.learning-rate: 0.01' and has 'training.learning-rate: 0.02' now"))
    #expect(
      try refusal("timing: {input: 1x1x16x16, rounds: 6}\nvariants: [{name: a, model: {options: {blocks: 2}}}]").contains(
        "'model.options.blocks: 1'"))
    // The machine, as the record has it.
    let record = "\(place.path)/front/front.json"
    let written = try String(contentsOfFile: record, encoding: .utf8)
    try written.replacingOccurrences(of: Machine.processorName, with: "another processor").write(
      toFile: record, atomically: true, encoding: .utf8)
    #expect(try refusal().contains("the machine of the figures there is 'another processor' and now '"))
    try written.write(toFile: record, atomically: true, encoding: .utf8)
    try TestChart.image(width: 50, height: 40).write(to: place.path + "/pictures/3.png")
    #expect(try refusal().contains("the training data of the figures there is '3 files"))
    try place.remove("pictures/3.png")
    #expect(try refusal() == "" && place.bytes("front/front.csv") == before)
  }

  @Test func foldersAreTheirs() throws {
    let place = try Place()
    let text = "timing: {input: 1x1x16x16, rounds: 6}\nvariants: [{name: a}]"
    // Another's files are not touched.
    #expect(throws: EvaluationError.self) { _ = try Self.job(place, "pictures", text).run() }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: place.path + "/pictures").sorted() == ["0.png", "1.png", "2.png"])
    // Two at once are one too many.
    let job = try Self.job(place, "front", text), other = try Self.job(place, "front", text)
    var refused = ""
    _ = try job.run(shouldStop: {
      if refused.isEmpty {
        do { _ = try other.run() } catch { refused = "\(error)" }
      }
      return true
    })
    #expect(
      refused.hasSuffix("another process is at work on this front; wait for it, or give another folder with --output"),
      "\(refused)")
    // A record that is damaged says so.
    try "{".write(toFile: place.path + "/front/front.json", atomically: true, encoding: .utf8)
    #expect(throws: EvaluationError.self) { _ = try Self.job(place, "front", text).run() }
  }

  /// What cannot be made is refused before anything is.
  @Test(arguments: [
    "variants: [{name: a, file: none.safetensors}]", "variants: [{name: a, distillation: {teacher: none.safetensors}}]",
    "variants: [{name: a, prune: {sparsity: 0.01, align: 1}}]", "variants: [{name: a}, {name: b, of: a, prune: 0.1}]",
    "calibration: {folder: front-none}\nvariants: [{name: a, quantize: minmax}]",
    "timing: {input: 1x3x16x16}\nvariants: [{name: a}]", "variants: [{name: a, model: {options: {blocks: many}}}]",
  ]) func faultsComeFirst(text: String) throws {
    let place = try Place()
    #expect(throws: EvaluationError.self) { _ = try Self.job(place, "front", text) }
    #expect(!place.exists("front"))
  }

  /// What does not fit is told by the line of the recipe that says it.
  @Test(arguments: [
    (
      "variants: [{name: a}]\ntiming:\n  input: 1x3x16x16",
      "line 8: 'timing.input': the input 'x' is 1x3x16x16 and must be [N, 1, H, W]"
    ),
    (
      "timing: {input: 1x1x16x16}\nvariants:\n  - {name: a}\n  - {name: b, file: colour.safetensors}",
      "line 9: variant 'b': the input 'x' is 1x1x16x16 and must be [N, 3, H, W]"
    ),
    (
      "variants: [{name: a, model: {options: {blocks: many}}}]",
      "line 6: the option blocks of edsr is 'many' and must be a whole number"
    ),
  ]) func faultsNameTheirLine(text: String, line: String) throws {
    let place = try Place()
    let colour = try Architecture(named: "edsr", options: ["blocks": "1", "features": "4"]).network(.random(seed: 1))
    let path = place.path + "/colour.safetensors"
    try ModelLibrary.write(colour, to: path)
    do {
      _ = try Self.job(place, "front", text.replacingOccurrences(of: "colour.safetensors", with: path))
      Issue.record("was taken")
    } catch EvaluationError.recipe(let error) {
      #expect(error.description.hasSuffix(line), "\(error)")
    }
  }

  @Test func otherKindsAreMeasuredByTheirOwn() throws {
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
    let job = try Self.job(
      place, "front",
      """
      timing: {input: 1x3x32x32, rounds: 6}
      calibration: {folder: classes, count: 4, side: 32}
      variants:
        - {name: standard}
        - {name: selection, model: {options: {convolution: selection}}}
        - {name: int8, of: standard, quantize: minmax}

      """,
      base: """
        base:
          model: {architecture: small-resnet, options: {classes: 2, features: 4}}
          data: {kind: classes, folder: classes, flips: true}
          validation: {folder: classes}
          training: {epochs: 8, batch-size: 4, learning-rate: 0.01}

        """)
    let table = try #require(try job.run())
    #expect(table.qualityNames == ["validation_loss", "accuracy"] && table.decisive == 1 && table.isLargerBetter)
    #expect(table.rows[0].figures.quality[1] == 1)
    #expect((0...1).contains(table.rows[2].figures.quality[1]))
  }
}
