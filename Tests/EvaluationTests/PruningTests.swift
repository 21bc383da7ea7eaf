import Architectures
import CPUBackend
import Files
import Formats
import Foundation
import Imaging
import Networks
import Tensors
import Testing
import Training
import Transforms

@testable import Evaluation

/// Pruning from what is asked to what is reported.
@Suite struct PruningTests {
  private func request(_ text: String, isOfWeights: Bool = false) throws -> ModelPruning.Request {
    let file = try PruningFile(YAMLNode(parsing: Array(text.utf8)), path: "list.yaml")
    var request = ModelPruning.Request(.configuration(file.configuration, path: "list.yaml"))
    request.isOfWeights = isOfWeights
    return request
  }

  @Test func reportSaysWhatGoesWithWhat() throws {
    let network = try EDSR(features: 32, blocks: 1).network(.random(seed: 1))
    let pruning = try ModelPruning(network, model: "edsr", request: ModelPruning.Request(.share(0.5)), input: [1, 3, 8, 8])
    try pruning.network.verify()
    let report = pruning.report
    #expect(report.layers.map(\.after) == [16, 16, 16, 64, 3])
    #expect(report.layers.last?.reason == "its channels leave the network in 'tail'")
    #expect(report.consequences.count == 3 && report.consequences[0].hasPrefix("head, body.0.b lose outputs"))
    #expect(report.text.contains("model file, packed") && report.fileBytesAfter < report.fileBytesBefore)
    let level = try ModelPruning(
      network, model: "edsr", request: request("- {op_types: [default], sparsity: 0.9}", isOfWeights: true),
      input: [1, 3, 8, 8])
    #expect(level.report.before == level.report.after && level.report.fileBytesAfter == level.report.fileBytesBefore)
    #expect(2 * level.report.compressedBytesAfter < level.report.compressedBytesBefore)
    #expect(level.report.text.contains("takes as long as before"))
    #expect(throws: EvaluationError.self) {
      var request = ModelPruning.Request(.share(0.5))
      (request.isOfWeights, request.importance) = (true, .geometricMedian)
      _ = try ModelPruning(network, model: "edsr", request: request)
    }
  }

  @Test func narrowLayersSayWhyTheyKeepTheirs() throws {
    let network = try EDSR(features: 32, blocks: 1).network(.random(seed: 1))
    let pruning = try ModelPruning(network, model: "edsr", request: ModelPruning.Request(.share(0.1)), input: [1, 3, 8, 8])
    #expect(pruning.report.layers[0].reason == "widths are multiples of 16 where they are wide enough (--align 1 takes others)")
    let excluded = try request("- {op_types: [default], sparsity: 0.5}\n- {op_names: [head], exclude: true}")
    let report = try ModelPruning(network, model: "edsr", request: excluded, input: [1, 3, 8, 8]).report
    #expect(report.layers.first { $0.layer == "body.0.b" }?.reason == "its channels go with those of 'head', which is excluded")
  }

  @Test func targets() throws {
    #expect(PruningTarget("time=0.5")?.share == 0.5 && PruningTarget("time=20ms")?.amount == 0.02)
    #expect(PruningTarget("bytes=2M")?.amount == 2 * 1024 * 1024 && PruningTarget("joules=0.5J")?.amount == 0.5)
    for text in ["time", "time=", "time=2", "time=-0.5", "time=0", "time=1", "size=0.5", "bytes=x", "joules=5"] {
      #expect(PruningTarget(text) == nil, "\(text)")
    }
    let network = try EDSR(features: 64, blocks: 2).network(.random(seed: 1))
    var request = ModelPruning.Request(.any)
    for share in [0.5, 0.25] {
      request.target = PruningTarget("bytes=\(share)")
      let pruning = try ModelPruning(network, model: "edsr", request: request, input: [1, 3, 8, 8])
      let ratio = Double(pruning.report.fileBytesAfter) / Double(pruning.report.fileBytesBefore)
      #expect(ratio <= share && ratio > 0.85 * share, "\(ratio)")
    }
    request.amount = .configuration(
      try self.request("- {op_names: [body.0.a], sparsity: 0.5}").configurationForTests, path: nil)
    request.target = PruningTarget("bytes=0.25")
    do {
      _ = try ModelPruning(network, model: "edsr", request: request, input: [1, 3, 8, 8])
      Issue.record("one layer is enough")
    } catch {
      #expect(
        error.description.contains("cannot be brought to 0.25 of its bytes")
          && error.description.contains("nothing is asked of it"))
    }
  }

  /// A file is never larger than was asked for, and what is said to be the least is had by nobody who asks for more.
  @Test(arguments: [1, 16]) func bytesAreKeptTo(multiple: Int) throws {
    let network = try EDSR(scale: 2, channels: 1, features: multiple == 1 ? 8 : 32, blocks: 2).network(.random(seed: 1))
    var request = ModelPruning.Request(.any), smallest = 1.0, refused: [Double] = []
    request.multiple = multiple
    for share in stride(from: 0.94, to: 0.04, by: -0.06) {
      request.target = PruningTarget("bytes=\(TextFormat.fixed(share, 2))")
      do {
        let report = try ModelPruning(network, model: "edsr", request: request, input: [1, 1, 8, 8]).report
        let ratio = Double(report.fileBytesAfter) / Double(report.fileBytesBefore)
        #expect(ratio <= share + 0.001, "\(share)")
        smallest = min(smallest, ratio)
      } catch {
        #expect(error.description.contains("cannot be brought to \(TextFormat.fixed(share, 2)) of its bytes"), "\(error)")
        refused.append(share)
      }
    }
    // None between two that can be had.
    #expect(refused.allSatisfy { $0 <= smallest + 0.001 }, "\(refused), \(smallest)")
    #expect(smallest < 0.6)
  }

  @Test func sweepsAreSpelled() {
    #expect(PruningSweep.sparsities("0.1:0.9:0.1") == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    #expect(PruningSweep.sparsities("0.5:0.5:0.1") == [0.5])
    for text in ["0.1", "0.1:0.9", "0.9:0.1:0.1", "0:1:0.1", "0:0.5:0", "a:b:c", "0.1:0.9:0.1:1"] {
      #expect(PruningSweep.sparsities(text) == nil, "\(text)")
    }
  }

  /// A folder that goes with the test.
  private func inFolder(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.path + "/pruning-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  /// Rounds with training between them: widths and masks are those that were asked for, and masked weights stay 0 while others learn.
  @Test func roundsTrainWhatIsLeft() throws {
    try inFolder { folder in
      let pictures = folder + "/pictures"
      try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
      for index in 0..<3 {
        try AtomicFile.write(TestChart.image(width: 48, height: 36 + index).encoded(as: .png), to: "\(pictures)/\(index).png")
      }
      let recipe = try TrainingRecipe(
        YAMLNode(
          parsing: Array(
            """
            model: {architecture: edsr, options: {features: 8, blocks: 1}}
            data: {kind: super-resolution, folders: \(pictures), patch: 16, patches-per-picture: 2}
            training: {epochs: 1, batch-size: 2, loss: l1, optimizer: adam, learning-rate: 0.001}
            """.utf8)), path: nil)
      let network = try EDSR(features: 8, blocks: 1).network(.random(seed: 1))
      for isOfWeights in [false, true] {
        var request = ModelPruning.Request(.share(0.5))
        (request.multiple, request.isOfWeights, request.importance) = (1, isOfWeights, .taylor)
        let rounds = PruningRounds(
          request, schedule: .agp, count: 2, recipe: recipe, root: nil, options: CPUOptions(threadCount: 1), version: "0")
        let place = "\(folder)/\(isOfWeights)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let (result, report) = try #require(try rounds.run(network, model: "edsr", input: [1, 3, 8, 8], folder: place))
        try result.verify()
        // Broken off in the second round and begun again, with the same bits.
        let again = "\(folder)/again-\(isOfWeights)"
        var steps = 0
        let stopped = try rounds.run(
          network, model: "edsr", input: [1, 3, 8, 8], folder: again,
          shouldStop: {
            steps += 1
            return steps > 5
          })
        #expect(stopped == nil)
        #expect(FileManager.default.fileExists(atPath: again + "/round-2/run.json"))
        var lines: [String] = []
        let second = try rounds.run(network, model: "edsr", input: [1, 3, 8, 8], folder: again, line: { lines.append($0) })
        #expect(second?.network.parameters == result.parameters && lines.contains { $0.hasPrefix("round 2 of 2 goes on in") })
        var others = rounds
        others.request.amount = .share(0.25)
        #expect(throws: EvaluationError.self) {
          try others.run(network, model: "edsr", input: [1, 3, 8, 8], folder: again)
        }
        others = rounds
        others.recipe.node.set(["training", "learning-rate"], to: YAMLNode(.scalar("0.002", isPlain: true)))
        #expect(throws: EvaluationError.self) {
          try others.run(network, model: "edsr", input: [1, 3, 8, 8], folder: again)
        }
        #expect(FileManager.default.fileExists(atPath: place + "/round-2/model.safetensors"))
        if isOfWeights {
          let weight = try #require(result.parameters["body.0.a.weight"]),
            old = try #require(network.parameters["body.0.a.weight"])
          #expect(weight.floats.count { $0 == 0 } == weight.count / 2)
          #expect(zip(weight.floats, old.floats).contains { $0 != 0 && $0 != $1 })
          #expect(report.compressedBytesAfter < report.compressedBytesBefore)
        } else {
          #expect(report.layers.map(\.after) == [4, 4, 4, 16, 3])
        }
      }
    }
  }
}

extension ModelPruning.Request {
  fileprivate var configurationForTests: PruningConfiguration {
    if case .configuration(let configuration, _) = amount { configuration } else { PruningConfiguration() }
  }
}
