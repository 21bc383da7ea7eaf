import Foundation
import Swiftlet
import Testing

/// What `quantize` does, as a library.
@Suite struct ModelQuantizationTests {
  /// A folder that goes with its owner.
  private final class Place {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("quantize-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private static func folder() throws -> Place {
    let folder = try Place()
    for (index, size) in [(60, 52), (48, 70)].enumerated() {
      let image = Image.chart(size.0, size.1, index == 0 ? .rgb : .grey)
      try AtomicFile.write(image.encoded(as: .png), to: folder.path + "/\(index).png")
    }
    return folder
  }

  private static let engine = Engine.cpu(CPUOptions(instructionSet: .portable, threadCount: 1))

  @Test func layersAreMeasured() throws {
    let folder = try Self.folder(), network = try SmallNetworks.vdsr()
    let data = try CalibrationData(folder: folder.path, for: network, count: 4, side: 32)
    #expect(data.samples.count == 2 && data.peak == 1)
    let path = folder.path + "/integers.safetensors"
    let report = try ModelQuantization(network, model: "vdsr", data: data, engine: Self.engine, output: path)
    let layers: [ModelQuantization.Layer] = report.layers
    #expect(layers.map(\.name) == ["layers.0", "layers.1", "layers.2", "layers.3"], "\(report.text)")
    #expect(layers.map(\.products) == ["float32", "integers", "integers", "integers"])
    #expect(layers.map(\.stored) == ["uint8", "uint8", "uint8", "float32"])
    #expect(layers.dropFirst().allSatisfy { abs($0.loss ?? 9) < 0.5 } && layers[0].loss == nil)
    let loss = try #require(report.loss)
    #expect(abs(loss) < 0.5)
    #expect(report.parameterBytesAfter * 3 < report.parameterBytesBefore)
    #expect(report.text.contains("3 of 4 layers sum integers") && report.text.contains("lost alone [dB]"))
    let again = try ModelLibrary.network(path)
    #expect(again.nodes.contains { $0.operation.displayName.contains("requantize") } && again.contract == network.contract)
    // Upscaling takes such a model, on whatever runs it.
    let output = try Upscaler(again, backend: Engine.reference.makeBackend()).upscale(Image.chart(20, 16), scale: 2)
    #expect(output.width == 40 && output.height == 32)
  }

  @Test func lossesAreBounded() throws {
    let folder = try Self.folder(), network = try SmallNetworks.edsr()
    var data = try CalibrationData(folder: folder.path, for: network, count: 2, side: 16)
    // Random weights make no pictures: what they do make, a hundredth brighter, is the truth.
    for index in data.samples.indices {
      let input = data.samples[index].input
      var truth = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
      truth.withUnsafeMutableFloats { values in
        for place in values.indices { values[place] = min(max(values[place], 0), 1) + 0.01 }
      }
      data.samples[index].target = truth
    }
    var options = ModelQuantization.Options()
    // So few bits lose much.
    options.scheme.weightBits = 3
    options.measuresLayers = false
    let plain = try ModelQuantization(network, model: "edsr", data: data, options: options, engine: Self.engine)
    let loss = try #require(plain.loss)
    #expect(loss > 1)
    options.maximumLoss = loss / 2
    let bounded = try ModelQuantization(network, model: "edsr", data: data, options: options, engine: Self.engine)
    let most = try #require(options.maximumLoss), left = try #require(bounded.loss)
    #expect(left <= most)
    func count(_ report: ModelQuantization) -> Int { report.layers.count { $0.products == "integers" } }
    #expect(count(bounded) < count(plain) && count(bounded) > 0)
  }

  /// What cannot be held, or measured, is said before anything is worked on.
  @Test func whatCannotBeDoneIsSaidFirst() throws {
    let network = try SmallNetworks.vdsr()
    let data = CalibrationData(samples: [.init(input: Tensor(repeating: 0.5, [1, 1, 40, 40]), target: nil)])
    var options = ModelQuantization.Options()
    options.maximumLoss = 0.1
    func refusal() -> EvaluationError? {
      do throws(EvaluationError) {
        _ = try ModelQuantization(network, model: "vdsr", data: data, options: options, engine: Self.engine) { label, _ in
          Issue.record("began with \(label)")
        }
        return nil
      } catch {
        return error
      }
    }
    #expect(refusal() == .lossWithoutTruth(network: network.name))
    options.maximumLoss = nil
    options.timedShapes = [[1, 1, 30_000, 60_000]]
    guard case .execution(_, .memory(let needed, _)) = refusal() else {
      Issue.record("\(String(describing: refusal()))")
      return
    }
    #expect(needed > 3 * 4 * 30_000 * 60_000)
  }

  @Test(arguments: ["minmax", "percentile", "percentile:99.5", "mse"])
  func rangesFollowFromNumbers(_ text: String) throws {
    let method = try #require(RangeMethod(text)), network = try SmallNetworks.vdsr()
    var input = Tensor(repeating: 0.5, [1, 1, 40, 40])
    input.withUnsafeMutableFloats { values in
      for index in values.indices { values[index] = Float(index % 100) / 100 }
      // One far from all others.
      values[0] = 50
    }
    let data = CalibrationData(samples: [.init(input: input, target: nil)])
    let range = try #require(
      RangeCalibration(of: network, on: data, engine: Self.engine, method: method).ranges[network.inputs[0].name])
    #expect(range.minimum == 0)
    #expect(method == .minmax ? range.maximum == 50 : range.maximum <= 50 && range.maximum >= 0.9)
    if case .percentile(let share) = method, share < 99.9 { #expect(range.maximum < 2) }
    #expect(RangeMethod("percentile:3") == nil && RangeMethod("most") == nil && RangeMethod("mse:1") == nil)
  }

  @Test func faultsAreLines() throws {
    let network = try SmallNetworks.vdsr(), empty = try Place()
    #expect(throws: EvaluationError.noPictures(folder: empty.path)) {
      try CalibrationData(folder: empty.path, for: network, count: 4)
    }
    let place = try Self.folder()
    var broken = network
    broken.parameters["layers.1.weight"]?.withUnsafeMutableFloats { $0[0] = .nan }
    let data = try CalibrationData(folder: place.path, for: network, count: 1, side: 16)
    #expect(throws: EvaluationError.self) {
      try ModelQuantization(broken, model: "vdsr", data: data, engine: Self.engine)
    }
    let integers = try network.quantized(RangeCalibration(of: network, on: data, engine: Self.engine, method: .minmax).ranges)
    do throws(EvaluationError) {
      _ = try ModelQuantization(integers, model: "vdsr", data: data, engine: Self.engine)
      Issue.record("quantised twice")
    } catch {
      #expect(error.description.contains("of integers already"), "\(error.description)")
    }
  }
}
