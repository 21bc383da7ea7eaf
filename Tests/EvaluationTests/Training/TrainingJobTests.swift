import CPUBackend
import CUDABackend
import CUDAEmulation
import Formats
import Foundation
import Imaging
import Networks
import Tensors
import Testing
import Training

@testable import Evaluation

@Suite struct TrainingJobTests {
  /// A folder that goes when the value does, with pictures in `pictures`.
  final class Place: Sendable {
    let path: String

    init(pictureCount: Int = 4) throws {
      path = FileManager.default.temporaryDirectory.path + "/training-job-\(UInt64.random(in: 0 ... .max))"
      try FileManager.default.createDirectory(atPath: path + "/pictures", withIntermediateDirectories: true)
      for seed in 0..<pictureCount {
        var generator = SplitMix64(seed: UInt64(seed))
        let samples = (0..<40 * 36 * 3).map { UInt8(truncatingIfNeeded: $0 / 7 * (seed + 1) + Int(generator.next() % 30)) }
        try Image(width: 40, height: 36, colourModel: .rgb, samples: .uint8(samples)).write(to: path + "/pictures/\(seed).png")
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  static func recipe(_ changes: [(String, String)] = []) throws -> TrainingRecipe {
    var options = RecipeOptions()
    options.values = changes.map { ($0.0, YAMLNode(.scalar($0.1, isPlain: true))) }
    return try TrainingRecipeTests.recipe(
      """
      model:
        architecture: edsr
        options: {layout: direct, channels: 1, features: 5, blocks: 1}
      data: {kind: super-resolution, folders: pictures, patch: 16, patches-per-picture: 5, flat-share: 0.1}
      validation: {folder: pictures}
      training: {epochs: 3, batch-size: 3, learning-rate: 0.01, schedule: cosine, warm-up: 2, clip-norm: 1, average: 0.9}
      """, options: options)
  }

  static func job(
    _ place: Place, _ name: String, _ recipe: TrainingRecipe, threads: Int = 1, resumes: Bool = false
  ) throws -> TrainingJob {
    try TrainingJob(
      recipe, options: CPUOptions(threadCount: threads), version: "test", folder: RunFolder(path: "\(place.path)/\(name)"),
      root: place.path, resumes: resumes)
  }

  /// The steps on an emulated device: a run that was broken off ends with the bits of one that was not; the CPU goes on with it, and says so.
  @Test func deviceTakesTheSteps() throws {
    let place = try Place(), changes = [("training.epochs", "2")]
    func job(_ name: String, resumes: Bool = false, isOnDevice: Bool = true) throws -> TrainingJob {
      try TrainingJob(
        Self.recipe(changes), options: CPUOptions(threadCount: 1), version: "test",
        folder: RunFolder(path: "\(place.path)/\(name)"),
        root: place.path, resumes: resumes, on: isOnDevice ? CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) }) : nil)
    }
    let whole = try job("whole")
    #expect(whole.planText.contains("steps: on cuda:0, Emulated device 0, pictures are measured on by the CPU"))
    #expect(try whole.run() == .finished)
    #expect(try RunRecord(of: whole.folder).device == "cuda:0")
    let cpu = try Self.job(place, "cpu", Self.recipe(changes))
    #expect(try cpu.run() == .finished && cpu.record.device == nil)
    for (a, b) in zip(whole.metrics.rows, cpu.metrics.rows) { #expect(abs(a.loss - b.loss) < 1e-3 * b.loss) }

    for name in ["broken", "elsewhere"] {
      var steps = 0
      let begun = try job(name)
      #expect(try begun.run(shouldStop: { steps == 5 }, progress: { _ in steps += 1 }) == .interrupted)
      let again = try job(name, resumes: true, isOnDevice: name == "broken")
      #expect(again.warnings.contains { $0.contains("on cuda:0 and goes on on the CPU") } == (name == "elsewhere"))
      #expect(try again.run() == .finished)
      let isSame = try Self.bytes(place, "\(name)/model.safetensors") == Self.bytes(place, "whole/model.safetensors")
      #expect(isSame == (name == "broken"))
    }
    #expect(throws: EvaluationError.self) {
      _ = try TrainingJob(
        Self.recipe([("training.memory", "1G")]), options: CPUOptions(threadCount: 1), version: "test",
        folder: RunFolder(path: "\(place.path)/limited"), root: place.path,
        on: CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) }))
    }
  }

  private static func bytes(_ place: Place, _ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(place.path)/\(name)"))
  }

  @Test func oneRunLeavesAllItsFiles() throws {
    let place = try Place()
    let job = try Self.job(place, "run", Self.recipe())
    var rows: [RunMetrics.Row] = []
    #expect(try job.run(epochDone: { rows.append($0) }) == .finished)
    #expect(rows.map(\.epoch) == [1, 2, 3])
    #expect(rows.map(\.step) == [6, 12, 18])
    #expect(job.record.state == .finished && job.record.step == 18 && job.record.stepsPerEpoch == 6)
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(place.path)/run").sorted()
    #expect(
      names == [
        "best.safetensors", "curves.svg", "events.out.tfevents.swiftlet", "last.safetensors", "metrics.csv",
        "model.safetensors",
        "recipe.yaml", "run.json", "samples",
      ])
    let report = try RunReport(job.folder)
    #expect(report.metrics == job.metrics)
    #expect(report.record == job.record)
    // The best model gives the figure that is said of it.
    let best = try #require(job.record.best)
    let figures = try Evaluator(
      ModelFile.read(job.folder.best), protocol: .vdsr, engine: .cpu(CPUOptions(threadCount: 1)), tile: .automatic
    )
    .evaluate(folder: "\(place.path)/pictures", model: "best")
    #expect(figures.means[0].network.psnr == best)
    #expect(throws: EvaluationError.self) { try Self.job(place, "run", Self.recipe()) }
  }

  /// Broken off at any steps, with any threads: the same bits.
  @Test(arguments: ["1", "3"]) func resumedRunsEndWithTheSameBits(parts: String) throws {
    let place = try Place()
    let recipe = try Self.recipe([("training.parts", parts)])
    let whole = try Self.job(place, "whole", recipe)
    _ = try whole.run()
    let parameters = try ModelFile.read(whole.folder.model).parameters
    var generator = SplitMix64(seed: 7)
    for attempt in 0..<6 {
      let name = "broken-\(attempt)"
      var resumes = false
      while true {
        let job = try Self.job(place, name, recipe, threads: 1 + Int(generator.next() % 3), resumes: resumes)
        resumes = true
        var left = Int(generator.next() % 8) + 1
        let end = try job.run(shouldStop: {
          left -= 1
          return left < 0
        })
        if end == .finished {
          #expect(try ModelFile.read(job.folder.model).parameters == parameters, "attempt \(attempt)")
          #expect(job.metrics.rows.map(\.loss) == whole.metrics.rows.map(\.loss))
          #expect(job.metrics.rows.map(\.validation) == whole.metrics.rows.map(\.validation))
          #expect(try Self.bytes(place, "\(name)/best.safetensors") == Self.bytes(place, "whole/best.safetensors"))
          break
        }
        #expect(job.record.state == .interrupted)
      }
    }
  }

  @Test func whatDiffersIsNotGoneOnWith() throws {
    let place = try Place()
    let job = try Self.job(place, "run", Self.recipe())
    var steps = 0
    _ = try job.run(shouldStop: {
      steps += 1
      return steps > 4
    })
    func refusal(_ changes: [(String, String)]) throws -> String {
      do {
        _ = try Self.job(place, "run", Self.recipe(changes), resumes: true)
      } catch let error as EvaluationError { return error.description }
      return ""
    }
    let path = "\(place.path)/run/last.safetensors"
    let mend = "differs from what it was; begin anew, or give it as 'pretrained'"
    #expect(try refusal([("training.seed", "2")]) == "'\(path)' cannot be gone on with: the seed \(mend)")
    #expect(try refusal([("training.loss", "mse")]).contains("the network, its loss or its optimiser"))
    try FileManager.default.removeItem(atPath: "\(place.path)/pictures/0.png")
    #expect(try refusal([]) == "'\(path)' cannot be gone on with: the data \(mend)")
    #expect(throws: EvaluationError.self) { try Self.job(place, "absent", Self.recipe(), resumes: true) }
  }

  @Test func numbersThatAreNotFiniteEndIt() throws {
    let place = try Place()
    let job = try Self.job(
      place, "run",
      Self.recipe([("training.learning-rate", "1e6"), ("training.clip-norm", "1e30"), ("training.optimizer", "sgd")]))
    do {
      _ = try job.run()
      Issue.record("went on")
    } catch {
      guard case .training(.notFinite(let step, let place?)) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(step < 10)
      #expect(!place.isEmpty)
    }
    #expect(job.record.state == .failed)
    #expect(job.record.error != nil)
    // What is kept is finite.
    #expect(try TrainingCheckpoint(contentsOf: job.folder.last).network.firstNonFiniteParameter == nil)
  }

  @Test func moreThanOneKindIsLearnt() throws {
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
    let recipe = try TrainingRecipeTests.recipe(
      """
      model: {architecture: small-resnet, options: {classes: 2, features: 4}}
      data: {kind: classes, folder: classes, flips: true}
      validation: {folder: classes}
      training: {epochs: 12, batch-size: 4, learning-rate: 0.01}
      """)
    let job = try Self.job(place, "run", recipe)
    _ = try job.run()
    #expect(job.metrics.names == ["validation_loss", "accuracy"])
    // Dark and bright are told apart.
    #expect(job.record.best == 1)
    // A teacher knows the classes in the order in which they are learnt.
    var teacher = try ModelFile.read(job.folder.best)
    for (classes, isTaken) in [(["a", "b"], true), (["b", "a"], false), (["a", "c"], false)] {
      let path = "\(place.path)/teacher.safetensors"
      guard case .classifier(var contract)? = teacher.contract else { Issue.record("it is no classifier"); return }
      contract.classes = classes
      teacher.contract = .classifier(contract)
      try ModelFile.write(teacher, to: path)
      var options = RecipeOptions()
      options.values = [("distillation.teacher", YAMLNode(.scalar(path, isPlain: true)))]
      let taught = try TrainingRecipeTests.recipe(recipe.node.text, options: options)
      do {
        _ = try Self.job(place, "taught-\(classes[0])", taught)
        #expect(isTaken)
      } catch {
        let line = "knows the classes \(classes[0]), \(classes[1]), and 'small-resnet' learns a, b"
        #expect(!isTaken && "\(error)".contains(line), "\(error)")
      }
    }
  }

  @Test func `pictures taken in the dark are measured like pictures`() throws {
    let place = try Place()
    try FileManager.default.createDirectory(atPath: "\(place.path)/photos", withIntermediateDirectories: true)
    for index in 0..<2 {
      try TestChart.image(width: 72 + index, height: 68).write(to: "\(place.path)/photos/\(index).png")
    }
    let recipe = try TrainingRecipeTests.recipe(
      """
      model: {architecture: see-in-the-dark, options: {convolution: lighter, features: 2}}
      data: {kind: low-light, folders: photos, patch: 64}
      validation: {folders: photos}
      training: {epochs: 1, batch-size: 2}
      """)
    let job = try Self.job(place, "run", recipe)
    _ = try job.run()
    #expect(job.metrics.names == ["validation_loss", "psnr", "ssim"])
    let figures = try #require(job.metrics.rows.last?.validation).compactMap(\.self)
    #expect(figures.count == 3)
    // What an epoch of one step makes resembles the photo in part.
    #expect((0...1).contains(figures[0]) && (0..<60).contains(figures[1]) && (-1..<1).contains(figures[2]))
    // Truth and output side by side, of the first samples.
    let kept = try FileManager.default.contentsOfDirectory(atPath: job.folder.samples).sorted()
    #expect(kept == (0..<min(kept.count, 8)).map { "\($0).png" } && !kept.isEmpty)
    let sheet = try Image(path: job.folder.samples + "/0.png")
    #expect(sheet.width == 64 * 2 + ComparisonSheet.gap && sheet.channels == 3)
  }
}
