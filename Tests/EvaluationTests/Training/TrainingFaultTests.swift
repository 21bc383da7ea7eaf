import Files
import Formats
import Foundation
import Imaging
import Networks
import Testing
import Training

@testable import Evaluation

/// What goes wrong around a training, and what is left then.
@Suite struct TrainingFaultTests {
  private typealias Place = TrainingJobTests.Place

  /// Pictures to be measured on, apart from those that are learnt from.
  private static func place() throws -> Place {
    let place = try Place()
    try FileManager.default.copyItem(atPath: place.path + "/pictures", toPath: place.path + "/measured")
    return place
  }

  private static let changes = [("validation.folder", "measured")]

  private static func refusal(_ body: () throws -> Void) -> String {
    do { try body() } catch let error as EvaluationError { return error.description } catch { return "\(error)" }
    return ""
  }

  /// An epoch whose end fails is ended by whoever goes on, with the bits of a run that nothing happened to.
  @Test(arguments: [1, 2, 3]) func failedEndsOfEpochsAreMadeUpFor(epoch: Int) throws {
    let place = try Self.place()
    let recipe = try TrainingJobTests.recipe(Self.changes)
    let whole = try TrainingJobTests.job(place, "whole", recipe)
    _ = try whole.run()
    let job = try TrainingJobTests.job(place, "failed", recipe)
    let hidden = place.path + "/measured/2.png"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: hidden))
    var steps = 0
    let line = Self.refusal {
      _ = try job.run(progress: { _ in
        steps += 1
        if steps == 6 * epoch - 2 { try? Data(bytes.prefix(100)).write(to: URL(fileURLWithPath: hidden)) }
      })
    }
    #expect(line.contains("2.png") && line.contains("validation"), "\(line)")
    #expect(job.record.state == .failed)
    try bytes.write(to: URL(fileURLWithPath: hidden))
    let next = try TrainingJobTests.job(place, "failed", recipe, resumes: true)
    #expect(try next.run() == .finished)
    #expect(next.metrics.rows.map(\.epoch) == [1, 2, 3])
    #expect(next.metrics.rows.map(\.validation) == whole.metrics.rows.map(\.validation))
    #expect(next.metrics.rows.map(\.loss) == whole.metrics.rows.map(\.loss))
    for (a, b) in [(whole.folder.model, next.folder.model), (whole.folder.best, next.folder.best)] {
      #expect(try ModelFile.read(a).parameters == ModelFile.read(b).parameters)
    }
  }

  /// What cannot be measured is said before the first step.
  @Test func validationIsCheckedFirst() throws {
    let place = try Self.place()
    func refusal(_ changes: [(String, String)]) -> String {
      Self.refusal { _ = try TrainingJobTests.job(place, "run", TrainingJobTests.recipe(changes)) }
    }
    #expect(refusal([("validation.folder", "absent")]).contains("absent"))
    try FileManager.default.createDirectory(atPath: place.path + "/empty", withIntermediateDirectories: true)
    #expect(refusal([("validation.folder", "empty")]).contains("empty"))
    let small = Image(width: 9, height: 9, colourModel: .grey, samples: .uint8([UInt8](repeating: 3, count: 81)))
    try small.write(to: place.path + "/measured/small.png")
    #expect(refusal(Self.changes).contains("small"))
    #expect(!FileManager.default.fileExists(atPath: place.path + "/run"))
    // Nor does it hold more than a limit that training keeps.
    try FileManager.default.removeItem(atPath: place.path + "/measured/small.png")
    let large = Image(width: 3000, height: 2000, colourModel: .grey, samples: .uint8([UInt8](repeating: 3, count: 6_000_000)))
    try large.write(to: place.path + "/measured/large.png")
    let limit = Machine.residentByteCount + (200 << 20)
    #expect(refusal(Self.changes + [("training.memory", "\(limit >> 20)M")]).contains("memory"))
  }

  /// A batch that no machine holds is refused with what it would take, before there is a folder.
  @Test(arguments: ["1", "2"]) func memoryIsCheckedFirst(parts: String) throws {
    let place = try Self.place()
    let changes = [
      ("data.patch", "32"), ("data.patches-per-picture", "20000"), ("training.batch-size", "65536"), ("training.parts", parts),
      ("model.options.features", "256"), ("model.options.blocks", "16"),
    ]
    do {
      _ = try TrainingJobTests.job(place, "run", TrainingJobTests.recipe(Self.changes + changes))
      Issue.record("such a batch was taken")
    } catch EvaluationError.trainingMemoryOfProcess(let limit, let needed) {
      #expect(needed > 100 << 30)
      #expect(limit.contains("GiB"), "\(limit)")
    }
    #expect(!FileManager.default.fileExists(atPath: place.path + "/run"))
  }

  @Test func twoTrainingsDoNotShareAFolder() throws {
    let place = try Self.place()
    let recipe = try TrainingJobTests.recipe(Self.changes)
    let first = try TrainingJobTests.job(place, "run", recipe), second = try TrainingJobTests.job(place, "run", recipe)
    var line = ""
    _ = try first.run(progress: { progress in
      if progress.step == 3, line.isEmpty { line = Self.refusal { _ = try second.run() } }
    })
    #expect(line.contains("another training is at work there"))
    #expect(Self.refusal { _ = try second.run() }.contains("a run has begun there"))
    #expect(first.record.state == .finished)
  }

  /// A run that cannot write its first files leaves a folder in which the next may begin.
  @Test func whatNeverBeganLeavesNothing() throws {
    let place = try Self.place()
    let recipe = try TrainingJobTests.recipe(Self.changes)
    let job = try TrainingJobTests.job(place, "run", recipe)
    try FileManager.default.createDirectory(atPath: job.folder.last, withIntermediateDirectories: true)
    #expect(Self.refusal { _ = try job.run() }.contains("last.safetensors"))
    try FileManager.default.removeItem(atPath: job.folder.last)
    #expect(try FileManager.default.contentsOfDirectory(atPath: job.folder.path).filter { !$0.hasPrefix(".") }.isEmpty)
    #expect(try TrainingJobTests.job(place, "run", recipe).run() == .finished)
  }

  /// Nor does one whose recipe alone cannot be written.
  @Test func whatHasNoRecipeLeavesNothing() throws {
    let place = try Self.place(), recipe = try TrainingJobTests.recipe(Self.changes)
    let job = try TrainingJobTests.job(place, "run", recipe)
    try FileManager.default.createDirectory(atPath: job.folder.recipe, withIntermediateDirectories: true)
    #expect(Self.refusal { _ = try job.run() }.contains("recipe.yaml"))
    try FileManager.default.removeItem(atPath: job.folder.recipe)
    #expect(try FileManager.default.contentsOfDirectory(atPath: job.folder.path).filter { !$0.hasPrefix(".") }.isEmpty)
    #expect(try TrainingJobTests.job(place, "run", recipe).run() == .finished)
  }

  /// What is in the place of a file of the run is named before anything is read, and nothing is trained behind it.
  @Test(
    arguments: [
      "recipe.yaml", "run.json", "metrics.csv", "curves.svg", "events.out.tfevents.swiftlet", "last.safetensors",
      "best.safetensors", "model.safetensors", "samples",
    ], [true, false])
  func placesOfFilesAreLookedAt(name: String, isPipe: Bool) throws {
    if name == "samples", !isPipe { return }
    let place = try Self.place()
    let folder = try RunFolder(path: TrainingJobTests.job(place, "run", TrainingJobTests.recipe(Self.changes)).folder.path)
    try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
    for other in ["recipe.yaml", "run.json", "last.safetensors"] {
      try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/\(other)"))
    }
    let path = "\(folder.path)/\(name)"
    try? FileManager.default.removeItem(atPath: path)
    if isPipe {
      #expect(mkfifo(path, 0o600) == 0)
    } else {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
    let refusal = Self.refusal { try folder.checkResumption() }
    #expect(refusal.contains("/\(name)'") && refusal.contains("move it away, or remove it"), "\(refusal)")
  }

  /// A run that was killed in its first moments, whatever stood by then, is gone on with, or begun anew in its folder, and ends with the bits of one that
  /// nothing happened to.
  @Test(arguments: 0...8) func killedBeginningsAreMadeUpFor(count: Int) throws {
    let place = try Self.place()
    let recipe = try TrainingJobTests.recipe(Self.changes)
    let whole = try TrainingJobTests.job(place, "whole", recipe)
    // What stands before the first step, in the order in which it is written.
    var beginning: [(String, Data)] = []
    var isFirst = true
    _ = try whole.run(shouldStop: {
      if isFirst {
        for path in [whole.folder.record, whole.folder.recipe, whole.folder.last, whole.folder.metrics, whole.folder.events] {
          beginning.append((Folder.name(path), FileManager.default.contents(atPath: path) ?? Data()))
        }
      }
      isFirst = false
      return false
    })
    let parameters = try ModelFile.read(whole.folder.model).parameters
    beginning.append(("run.json", Data("{\"version".utf8)))
    // The record may also be gone, or damaged.
    let files =
      switch count {
      case 6: Array(beginning[1...2]) + [beginning[5]]
      case 7: Array(beginning[1...2])
      case 8: [beginning[1]]
      default: Array(beginning.prefix(count))
      }
    for resumes in [true, false] {
      let name = resumes ? "resumed" : "anew", folder = RunFolder(path: "\(place.path)/\(name)")
      try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
      for (name, bytes) in files { try bytes.write(to: URL(fileURLWithPath: "\(folder.path)/\(name)")) }
      if resumes && count > 0 || !resumes && ![3, 4, 5, 6].contains(count) {
        let job = try TrainingJobTests.job(place, name, recipe, resumes: resumes)
        #expect(job.warnings.contains { $0.contains("run.json") } == (resumes && count > 5), "\(job.warnings)")
        #expect(job.warnings.contains { $0.contains("--isa") } == (resumes && count > 5))
        #expect(try job.run() == .finished)
        #expect(try ModelFile.read(folder.model).parameters == parameters)
        #expect(try RunReport(folder).record.state == .finished && RunReport(folder).metrics.rows.count == 3)
      } else {
        let line = Self.refusal { _ = try TrainingJobTests.job(place, name, recipe, resumes: resumes) }
        #expect(line.contains(resumes ? "is no folder of a run" : "go on with --resume"), "\(line)")
      }
    }
  }

  /// A record that is gone or damaged is made anew of the other files, and the run ends as it would have.
  @Test(arguments: [nil, "", "{", "{}"] as [String?], [2, 5, 9]) func lostRecordsAreMadeAnew(text: String?, step: Int) throws {
    let place = try Self.place()
    let recipe = try TrainingJobTests.recipe(Self.changes)
    let whole = try TrainingJobTests.job(place, "whole", recipe)
    _ = try whole.run()
    var steps = 0
    let broken = try TrainingJobTests.job(place, "broken", recipe)
    #expect(try broken.run(shouldStop: { steps == step }, progress: { _ in steps += 1 }) == .interrupted)
    let record = broken.folder.record
    if let text {
      try Data(text.utf8).write(to: URL(fileURLWithPath: record))
    } else {
      try FileManager.default.removeItem(atPath: record)
    }
    // Whoever looks is told what helps, and nobody begins there.
    #expect(Self.refusal { _ = try RunRecord(of: broken.folder) }.contains("train --resume \(broken.folder.path)'"))
    #expect(Self.refusal { _ = try TrainingJobTests.job(place, "broken", recipe) }.contains("--resume"))
    let next = try TrainingJobTests.job(place, "broken", recipe, resumes: true)
    #expect(next.warnings.contains { $0.contains("run.json") && $0.contains("is made anew") }, "\(next.warnings)")
    #expect(next.firstStep == step && next.record.epoch == step / 6)
    #expect(try next.run() == .finished)
    #expect(try ModelFile.read(next.folder.model).parameters == ModelFile.read(whole.folder.model).parameters)
    #expect(next.metrics.rows.map(\.loss) == whole.metrics.rows.map(\.loss))
    #expect(next.record.best == whole.record.best && next.record.bestEpoch == whole.record.bestEpoch)
    #expect(try RunRecord(of: next.folder).state == .finished)
  }

  /// What is somebody's own is not taken for what a run left.
  @Test func ownRecipesAreNotWrittenOver() throws {
    let place = try Self.place()
    let recipe = try TrainingJobTests.recipe(Self.changes)
    let folder = "\(place.path)/own"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("# mine\n\(recipe.node.text)".utf8).write(to: URL(fileURLWithPath: "\(folder)/recipe.yaml"))
    #expect(
      Self.refusal { _ = try TrainingJobTests.job(place, "own", recipe) }.contains("must be empty, and this one holds a recipe")
    )
  }

  /// Tables that spreadsheets saved are read; others are no reason to forget the best model.
  @Test func damagedTables() throws {
    let place = try Self.place()
    let recipe = try TrainingJobTests.recipe(Self.changes)
    let job = try TrainingJobTests.job(place, "run", recipe)
    _ = try job.run()
    let path = job.folder.metrics, text = try String(contentsOfFile: path, encoding: .utf8)
    func resumed() throws -> TrainingJob { try TrainingJobTests.job(place, "run", recipe, resumes: true) }
    try text.replacingOccurrences(of: "\n", with: "\r\n").write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try resumed().metrics.rows == job.metrics.rows)
    for damaged in ["", "garbage\n", text.replacingOccurrences(of: "psnr", with: "x"), text + "4,24\n"] {
      try damaged.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(Self.refusal { _ = try resumed() }.contains("metrics.csv"))
    }
    var lines = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    lines[2][7] = "nan"
    try lines.map { $0.joined(separator: ",") }.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    #expect(Self.refusal { _ = try resumed() }.contains("metrics.csv"))
    try FileManager.default.removeItem(atPath: path)
    let without = try resumed()
    #expect(without.metrics.rows.isEmpty && without.record.best == job.record.best)
    #expect(!without.warnings.contains { $0.contains("best.safetensors") })
    // The model of the best epoch is gone: nobody says that it is there.
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    try Data().write(to: URL(fileURLWithPath: job.folder.best))
    let anew = try resumed()
    let told = try anew.restore().filter { $0.contains("best.safetensors") }
    let isLast = job.record.bestEpoch == recipe.epochs
    #expect(told.count == 1 && told[0].contains(isLast ? "is made again" : "is gone for good"), "\(told)")
    #expect(
      try isLast == (FileManager.default.contents(atPath: job.folder.best)?.isEmpty == false)
        && anew.restore().count == (isLast ? 0 : 1))
  }

  @Test func otherStepsOrAnotherTeacherAreNotGoneOnWith() throws {
    let place = try Self.place()
    let teacher = place.path + "/teacher.safetensors"
    let options = try TrainingJobTests.recipe().network()
    try ModelFile.write(options, to: teacher)
    let changes = Self.changes + [("distillation.teacher", teacher)]
    let job = try TrainingJobTests.job(place, "run", TrainingJobTests.recipe(changes))
    var steps = 0
    _ = try job.run(shouldStop: {
      steps += 1
      return steps > 4
    })
    func refusal(_ more: [(String, String)]) -> String {
      Self.refusal { _ = try TrainingJobTests.job(place, "run", TrainingJobTests.recipe(changes + more), resumes: true) }
    }
    #expect(refusal([]).isEmpty)
    #expect(!refusal([("training.batch-size", "2")]).isEmpty)
    var other = options
    let name = try #require(other.parameters.keys.sorted().first { $0.hasSuffix("weight") })
    other.parameters[name] = other.parameters[name].map { tensor in
      var changed = tensor.floats
      changed[0] += 1
      return .init(tensor.shape, changed)
    }
    try ModelFile.write(other, to: teacher)
    #expect(refusal([]).contains("the data differs"))
  }
}
