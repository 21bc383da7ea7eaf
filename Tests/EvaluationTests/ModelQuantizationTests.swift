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
    var options = ModelQuantization.Options()
    options.choosesFirst = false
    let report = try ModelQuantization(
      network, model: "vdsr", data: data, options: options, engine: Self.engine, output: path)
    let layers: [ModelQuantization.Layer] = report.layers
    #expect(layers.map(\.name) == ["layers.0", "layers.1", "layers.2", "layers.3"], "\(report.text)")
    #expect(layers.map(\.products) == ["float32", "integers", "integers", "integers"])
    #expect(layers.map(\.stored) == ["uint8", "uint8", "uint8", "float32"])
    #expect(layers.dropFirst().allSatisfy { abs($0.loss ?? 9) < 0.5 } && layers[0].loss == nil)
    #expect(layers.allSatisfy { $0.signalToError == nil } && report.residualGain == nil && report.residual == .int8)
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

  /// First layers sum integers where that loses little; not where it loses much, where they are halves of a cheaper convolution, or where something
  /// else is asked for.
  @Test func firstLayersAreMeasured() throws {
    let folder = try Self.folder()
    typealias Options = ModelQuantization.Options
    func report(
      _ network: Network, truth: Bool = true, _ change: (inout Options) -> Void = { _ in }
    ) throws -> ModelQuantization {
      var options = Options(), data = try Self.data(for: network, in: folder)
      options.measuresLayers = false
      change(&options)
      if !truth {
        for index in data.samples.indices { data.samples[index].target = nil }
        data.peak = nil
      }
      return try ModelQuantization(network, model: "model", data: data, options: options, engine: Self.engine)
    }
    let edsr = try SmallNetworks.edsr()
    var decisions: Set<Bool> = []
    for (bits, truth) in [(8, true), (8, false), (3, true), (2, false)] {
      func bounded(_ options: inout Options) { options.scheme.weightBits = bits }
      func fixed(_ keeps: Bool) throws -> ModelQuantization {
        try report(edsr, truth: truth) { options in
          bounded(&options)
          (options.choosesFirst, options.scheme.keepsFirst) = (false, keeps)
        }
      }
      let chosen = try report(edsr, truth: truth, bounded), kept = try fixed(true), integers = try fixed(false)
      let loss = try #require(chosen.firstLoss)
      #expect(kept.firstLoss == nil && integers.firstLoss == nil)
      #expect(abs(kept.integers - integers.integers - loss) < 1e-9)
      #expect(kept.layers[0].products == "float32" && integers.layers[0].products == "integers")
      let takes = loss < (truth ? Options.mostFirstLoss : Options.mostFirstError)
      #expect(chosen.integers == (takes ? integers : kept).integers, "\(chosen.text)")
      #expect(chosen.layers == (takes ? integers : kept).layers)
      #expect(chosen.text.contains(takes ? "the first layers sum integers, too" : "integers (--first) would lose"))
      decisions.insert(takes)
    }
    #expect(decisions == [true, false])
    let dark = try SeeInTheDark(variant: .lighter, features: 4).network(.random(seed: 3))
    let kept = try report(dark)
    #expect(kept.firstLoss == nil && kept.layers[0].products == "float32", "\(kept.text)")
  }

  /// Pictures become packed mosaics as in training, of sides that the network takes; those that hold none are told with what is needed.
  @Test func mosaicsArePacked() throws {
    let folder = try Place(), network = try SeeInTheDark(features: 2).network(.random(seed: 1))
    for (index, size) in [(130, 150), (100, 80), (70, 64), (40, 200)].enumerated() {
      try AtomicFile.write(
        Image.chart(size.0, size.1, index == 1 ? .grey : .rgb).encoded(as: .png), to: folder.path + "/\(index).png")
    }
    let data = try CalibrationData(folder: folder.path, for: network, count: 9, side: 64)
    #expect(
      data.peak == 1 && data.samples.map(\.input.shape) == [[1, 4, 64, 64], [1, 4, 32, 32], [1, 4, 32, 32], [1, 4, 16, 16]])
    #expect(data.samples.map { $0.target?.shape } == [[1, 3, 128, 128], [1, 3, 64, 64], [1, 3, 64, 64], [1, 3, 32, 32]])
    #expect(
      try CalibrationData(folder: folder.path, for: network, count: 9, side: 64).samples.map(\.input)
        == data.samples.map(\.input))
    #expect(data.samples.allSatisfy { $0.input.floats.allSatisfy { (0...1).contains($0) } })
    let report = try ModelQuantization(network, model: "dark", data: data, engine: Self.engine)
    #expect(report.measure == "PSNR" && report.layers.contains { $0.products == "integers" }, "\(report.text)")
    let small = try Place()
    try AtomicFile.write(Image.chart(30, 62).encoded(as: .png), to: small.path + "/0.png")
    #expect(
      throws: EvaluationError.picturesTooSmall(
        folder: small.path, picture: small.path + "/0.png", size: PictureForm.Size(width: 30, height: 62),
        needed: PictureForm.Size(width: 32, height: 32))
    ) { try CalibrationData(folder: small.path, for: network, count: 9) }
  }

  /// What no picture is an input of is said before any is decoded, and arrays that are none are blamed themselves, whatever they hold.
  @Test func filesAreBlamed() throws {
    let folder = try Place()
    var builder = NetworkBuilder("five")
    builder.output(builder.convolution("only", builder.input("x", channels: 5), outChannels: 3, kernel: 3, padding: 1))
    let network = try builder.build(.random(seed: 1)), picture = folder.path + "/a.png", array = folder.path + "/b.npy"
    try AtomicFile.write(Array("broken".utf8), to: picture)
    try NPYFile.write(Tensor(repeating: 0.5, [1, 5, 16, 16]), to: array)
    func fault() -> String {
      do {
        _ = try CalibrationData(folder: folder.path, for: network, count: 9)
        return ""
      } catch { return "\(error)" }
    }
    #expect(
      fault()
        == "'\(picture)': a picture has 1 or 3 channels, and 'five' takes [N, 5, H, W]; give a folder of inputs in files .npy")
    try FileManager.default.removeItem(atPath: picture)
    #expect(fault() == "")
    func header(_ shape: String, _ type: String = "<f4") -> [UInt8] {
      let text = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }\n".utf8)
      return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count), 0] + text
    }
    for (bytes, message) in [
      (header("(1, 5, 65536, 65536)"), "ends inside the elements"), (header("(1, 5, 4294967296, 0)"), "has an extent of 0"),
      (header("(1, 5, 9223372036854775807, 2)"), "more elements than any file holds"),
      (header("(1, 5, 16, 16)") + [0, 0, 0, 0], "ends inside the elements"),
      (header("(1, 4, 1, 1)") + [UInt8](repeating: 0, count: 16), "holds an array of 1x4x1x1 and must hold one of ?x5x?x?"),
      (header("()") + [0, 0, 0, 0], "holds an array of scalar"), (Array("none".utf8), ".npy"),
    ] {
      try AtomicFile.write(bytes, to: array)
      let text = fault()
      #expect(text.hasPrefix("'\(array)'") && text.contains(message), "\(text)")
    }
    // Of 2 GiB that no disk holds; more than memory has is refused before it is read.
    try AtomicFile.write(header("(1, 5, 20480, 20480)", "|u1"), to: array)
    #expect(truncate(array, off_t(header("(1, 5, 20480, 20480)", "|u1").count + 5 * 20480 * 20480)) == 0)
    #expect(try NPYFile.shape(of: array) == [1, 5, 20480, 20480])
    #expect(throws: EvaluationError.self) { try network.checkMemory(input: [1, 5, 20480, 20480], limit: 1 << 30) }
  }

  /// Random weights make no pictures: what they do make, a hundredth brighter, is the truth.
  private static func data(for network: Network, in folder: Place) throws -> CalibrationData {
    var data = try CalibrationData(folder: folder.path, for: network, count: 2, side: 16)
    for index in data.samples.indices {
      let input = data.samples[index].input
      var truth = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
      truth.withUnsafeMutableFloats { values in
        for place in values.indices { values[place] = min(max(values[place], 0), 1) + 0.01 }
      }
      data.samples[index].target = truth
    }
    return data
  }

  /// Sums are float32 where that gains enough, or keeps the bound before any layer is given up; not where nothing is known of the truth, or where
  /// integers are asked for.
  @Test func sumsAreMeasured() throws {
    let folder = try Self.folder()
    var network = try EDSR(scale: 2, features: 16, blocks: 10).network(.random(seed: 7))
    network.parameters["tail.bias"] = Tensor(repeating: 0.5, [3])
    network.parameters["tail.weight"]?.withUnsafeMutableFloats { for index in $0.indices { $0[index] *= 5 } }
    let data = try Self.data(for: network, in: folder)
    func report(
      _ bound: Double? = nil, _ data: CalibrationData, _ change: (inout ModelQuantization.Options) -> Void = { _ in }
    ) throws -> ModelQuantization {
      var options = ModelQuantization.Options()
      options.measuresLayers = false
      options.maximumLoss = bound
      options.choosesFirst = false
      change(&options)
      return try ModelQuantization(network, model: "edsr", data: data, options: options, engine: Self.engine)
    }
    func given(_ kind: ResidualSums) -> (inout ModelQuantization.Options) -> Void {
      { ($0.choosesResidual, $0.scheme.residual) = (false, kind) }
    }
    func count(_ report: ModelQuantization) -> Int { report.layers.count { $0.products == "integers" } }
    let free = try report(nil, data), gain = try #require(free.residualGain)
    #expect(gain > ModelQuantization.Options.leastGain && free.residual == .float32, "\(free.text)")
    #expect(free.text.contains("sums of two values stay float32, which gains"))
    let integers = try report(nil, data, given(.int8)), numbers = try report(nil, data, given(.float32))
    let most = try #require(integers.loss), least = try #require(numbers.loss)
    #expect(abs(most - least - gain) < 1e-9 && free.loss == least && integers.residualGain == nil)
    // A bound that integers keep takes no more than they do; the next is kept by sums alone, and without them by layers.
    let loose = try report(most + 0.01, data), tight = try report((most + least) / 2, data)
    #expect(loose.residual == .int8 && tight.residual == .float32)
    #expect(count(loose) == count(free) && count(tight) == count(free))
    #expect(loose.text.contains("(--residual float32) would gain"))
    #expect(try count(report((most + least) / 2, data, given(.int8))) < count(free))
    var unknown = data
    for index in unknown.samples.indices { unknown.samples[index].target = nil }
    unknown.peak = nil
    let untold = try report(nil, unknown) { $0.measuresLayers = true }
    #expect(untold.residual == .int8 && untold.residualGain == nil && untold.loss == nil)
    #expect(untold.layers.dropFirst().allSatisfy { $0.signalToError ?? 0 > 10 && $0.loss == nil })
  }

  @Test func lossesAreBounded() throws {
    let folder = try Self.folder(), network = try SmallNetworks.edsr()
    let data = try Self.data(for: network, in: folder)
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
