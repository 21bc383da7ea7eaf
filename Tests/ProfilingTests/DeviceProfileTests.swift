import CUDABackend
import CUDAEmulation
import Execution
import Foundation
@testable import Profiling
import Swiftlet
import Testing

/// Profiles of a CUDA device, which is emulated.
@Suite struct DeviceProfileTests {
  private static let roofs: Roofs = {
    var roofs = Roofs(
      isa: "sm_80", threads: 4, gflopsPerS: 1000, float32GflopsPerS: 100, memoryGbPerS: 10, cacheGbPerS: 100,
      launchNanoseconds: 1000)
    roofs.transferGbPerS = 5
    roofs.computedGflopsPerS = 2000
    return roofs
  }()

  private static func engine(_ precision: CUDAPrecision = .float16) throws -> CUDAEngine {
    try CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) }, precision: precision)
  }

  static func edsr(_ convolution: ConvolutionKind = .standard) throws -> Network {
    try EDSR(features: 64, blocks: 2, convolution: convolution).network(.random(seed: 1))
  }

  static func profiles(
    _ networks: [Network], _ precision: CUDAPrecision = .float16, _ statistic: Profile.Statistic = .medianRun, side: Int = 8
  ) throws -> [Profile] {
    var profiler = Profiler(
      engine: .cuda(CUDAOptions(precision: precision)), warmup: 0, runs: 3, statistic: statistic, roofs: Self.roofs)
    profiler.device = try Self.engine(precision)
    return try profiler.profiles(
      networks.map {
        Profiler.Subject($0, model: $0.name, input: Tensor(repeating: 0.5, Shape(channels: 3, height: side, width: side)))
      })
  }

  @Test(arguments: CUDAPrecision.allCases, [ConvolutionKind.standard, .separable])
  func rowsAddUpToTheRun(_ precision: CUDAPrecision, _ convolution: ConvolutionKind) throws {
    let network = try Self.edsr(convolution), profile = try Self.profiles([network], precision)[0]
    let device = try #require(profile.device)
    #expect(profile.cpu == "Emulated device 0" && profile.precision == precision.rawValue && profile.machine == nil)
    #expect(profile.engine == .cuda(0, precision) && device.graphCount == 1 && device.kernelCount > 4)
    for grouping in ProfileTable.Grouping.allCases {
      let rows = ProfileTable(grouping: grouping).rows(profile)
      // The device's time and its host's are both the whole run.
      #expect(rows.reduce(0) { $0 + $1.selfNanoseconds } == profile.nanoseconds)
      #expect(rows.reduce(0) { $0 + $1.hostNanoseconds } == profile.nanoseconds)
      #expect(rows.allSatisfy { $0.selfNanoseconds == 0 || $0.hostNanoseconds == 0 })
      #expect(rows.suffix(4).map(\.name) == device.hostRows.map(\.name))
    }
    let names = profile.layers.map(\.name)
    #expect(names.first == "copy to the device" && names.last == "copy from the device")
    // Layers that one kernel does are told with it.
    #expect(try profile.multiplyAccumulates == network.ledger(inputs: [[1, 3, 8, 8]]).multiplyAccumulates)
    let units = Set(profile.layers.filter { $0.multiplyAccumulates > 0 && $0.isVectorised }.compactMap(\.unit))
    #expect(units == (precision.element == .float32 ? [.tensorFloat32] : [.float16]))
    #expect(profile.layers.allSatisfy { $0.traffic.bytesMoved > 0 && !$0.kernels.isEmpty })
    // Events follow each other inside the run.
    var end = 0
    for event in profile.events {
      #expect(event.start >= end && event.duration >= 0)
      end = event.start + event.duration
    }
    #expect(end <= profile.nanoseconds)
  }

  /// PyTorch's columns in PyTorch's order for a device, then ours.
  @Test func theTableHasPyTorchsColumns() throws {
    let profile = try Self.profiles([Self.edsr()])[0]
    let text = ProfileTable(grouping: .alike, showsMemory: true).text(profile), lines = text.split(separator: "\n")
    let columns = [
      "Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "Self CUDA", "Self CUDA %", "CUDA total",
      "CUDA time avg", "CUDA Mem", "Self CUDA Mem", "# of Calls", "GFLOP/s", "GB/s", "% of roof", "Bytes moved", "Kernel",
    ]
    #expect(lines[1].split(separator: "  ").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }.map(String.init) == columns)
    for row in ["gaps", "copy to the device", "launch of the graph", "wait for the device", "tail_half_16x16"] {
      #expect(lines.contains { $0.contains(row) }, "\(row)")
    }
    #expect(text.contains("Self CUDA time total: ") && text.contains("cuda, float16, Emulated device 0"))
    #expect(text.contains("a run is one graph: a copy to the device, ") && text.contains("between host and device 5.0 GB/s"))
    for width in [60, 80, 120, 160] {
      let table = ProfileTable(grouping: .alike)
      for line in table.text(profile, width: width).split(separator: "\n").prefix(3 + table.rows(profile).count) {
        #expect(line.count <= width && (width < 80 || line.count > 40))
      }
      let head = table.text(profile, width: width).split(separator: "\n")[1]
      #expect(head.contains("Self CUDA  ") || head.hasSuffix("Self CUDA"), "\(head)")
    }
  }

  @Test func theTraceHasATrackOfTheDevice() throws {
    let profile = try Self.profiles([Self.edsr(.separable)])[0]
    let object = try JSONSerialization.jsonObject(with: Data(profile.trace.utf8)) as? [String: Any]
    let events = try #require(object?["traceEvents"] as? [[String: Any]])
    func track(_ number: Int) -> [[String: Any]] {
      events.filter { $0["ph"] as? String == "X" && $0["tid"] as? Int == number }
    }
    let tracks = events.filter { $0["name"] as? String == "thread_name" }.map { ($0["args"] as? [String: String])?["name"] }
    #expect(tracks == ["host", "Emulated device 0 (4 multiprocessors)"])
    #expect(track(1).count == 5 && track(2).count == profile.events.count && track(1).first?["name"] as? String == "run")
    let block = try #require(track(2).first { ($0["name"] as? String) == "body.0.b" }?["args"] as? [String: String])
    #expect(block["node"] == "body.0.a, body.0.b" && block["kernels"] == "separableBlock_half" && block["blocks"] == "1")
    for event in track(1) + track(2) {
      let start = try #require(event["ts"] as? Double), duration = try #require(event["dur"] as? Double)
      #expect(start >= 0 && duration >= 0 && start + duration <= Double(profile.nanoseconds) / 1000 + 0.001)
    }
  }

  /// What `--json` prints opens again, and can be held against others.
  @Test func savedProfilesOpen() throws {
    func read(_ json: String) throws -> Profile {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("swiftlet-\(UUID().uuidString).json").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      try AtomicFile.write(Array(json.utf8), to: path)
      return try Profile(contentsOf: path)
    }
    let profile = try Self.profiles([Self.edsr()])[0], again = try read(profile.json)
    #expect(again == profile && ProfileTable().text(again) == ProfileTable().text(profile))
    #expect(try again.trace == profile.trace && Roofline(again).svg == Roofline(profile).svg)
    let same = ProfileDifference(profile, again)
    #expect(
      Profile.differences(profile, again).isEmpty && same.rows.suffix(2).map(\.name) == ["gaps", "total"]
        && same.rows.allSatisfy { $0.ratio ?? 1 == 1 })
    let other = ProfileDifference(profile, SampleProfiles.small).conditions
    #expect(other.contains { $0.contains("two machines: a on Emulated device 0, b on a processor") })
    #expect(
      other.contains { $0.contains("a is float16 on sm_80, b is float32 on avx512") }
        && !other.contains { $0.contains("threads") })
    // Half of what a device's profile is would be told as something else.
    for change in [
      { (profile: inout Profile) in profile.device = nil }, { $0.engine = .cpu() }, { $0.device?.host.waiting = -1 },
    ] {
      var damaged = profile
      change(&damaged)
      let json = try damaged.json
      #expect(throws: EvaluationError.self) { try read(json) }
    }
    // Any other numbers are refused, or told.
    let json = Array(try profile.json.utf8)
    let digits = json.indices.filter { (48...57).contains(json[$0]) }
    var generator = SplitMix64(seed: 1), opened = 0
    for _ in 0..<300 {
      var damaged = json
      for _ in 0...Int(generator.next() % 3) {
        damaged[digits[Int(generator.next() % UInt64(digits.count))]] = UInt8(48 + generator.next() % 10)
      }
      guard let other = try? read(String(decoding: damaged, as: UTF8.self)) else { continue }
      opened += 1
      #expect(!ProfileTable(showsMemory: true).text(other).isEmpty && !Explanation(other).text().isEmpty)
      #expect(try !other.trace.isEmpty && !Roofline(other).svg.isEmpty && !PairExplanation(profile, other).text().isEmpty)
    }
    #expect(opened > 50)
  }

  /// A kernel that does a block stands beside the layers that it does.
  @Test func blocksStandBesideTheirLayers() throws {
    let profiles = try Self.profiles([Self.edsr(), Self.edsr(.separable)], .float16, .fastestOfEachLayer)
    let explanation = PairExplanation(profiles[0], profiles[1])
    let pair = try #require(explanation.pairs.first { $0.name == "body.0.a, body.0.b" }, "\(explanation.pairs.map(\.name))")
    #expect(pair.arithmeticRatio.map { $0 > 0.1 && $0 < 0.2 } == true)
    #expect(explanation.onlyFirst.isEmpty && explanation.onlySecond.isEmpty)
    #expect(explanation.text().contains("cuda, float16, Emulated device 0"))
    #expect(
      profiles.allSatisfy { profile in ProfileTable().rows(profile).reduce(0) { $0 + $1.selfNanoseconds } == profile.nanoseconds
      })
  }

  @Test(arguments: CUDAPrecision.allCases) func roofsAreMeasured(_ precision: CUDAPrecision) throws {
    let meter = try DeviceRoofMeter(
      Self.engine(precision), layers: [DeviceRoofMeter.Layer(channels: 64, side: 8)], memoryByteCount: 1 << 16)
    let roofs = try meter.measured()
    #expect(roofs.isa == "sm_80" && roofs.threads == 4 && roofs.launchNanoseconds > 0)
    for figure in [roofs.gflopsPerS, roofs.float32GflopsPerS, roofs.memoryGbPerS, roofs.cacheGbPerS, roofs.transferGbPerS ?? 0]
    {
      #expect(figure.isFinite && figure > 0)
    }
    // Four multiprocessors of an A100 at 1.41 GHz.
    let products: [CUDAPrecision: Double] = [.float32: 512.0 / 3, .tensorFloat32: 512]
    #expect(abs((roofs.computedGflopsPerS ?? 0) - 2 * 4 * 1.41 * (products[precision] ?? 1024)) < 0.1)
    #expect(roofs.float32GflopsPerS == 2 * 4 * 1.41 * 64)
  }

  /// What NVIDIA says of an H100 with SXM5 at its usual clock, 1.83 GHz, with sums in float32.
  @Test func computedRatesAreTheMakers() {
    var device = CUDADevice.h100
    device.clockKilohertz = 1_830_000
    #expect(abs(device.computedGflopsPerS(ofTensorCores: .float16) - 989_400) < 100)
    #expect(abs(device.computedGflopsPerS(ofTensorCores: .float32) * 3 - 494_700) < 100)
    #expect(abs(device.computedGflopsPerS(ofTensorCores: nil) - 61_840) < 100)
  }
}

/// What is said of layers that a device did, made by hand: 1000 GFLOP/s on tensor cores, 100 without, 100 GB/s, 1000 in the cache.
@Suite struct DeviceExplanationTests {
  private func profile(_ layer: Profile.Layer) -> Profile {
    var profile = SampleProfiles.profile([layer], engine: 1000)
    profile.roofs = Roofs(
      isa: "sm_90", threads: 132, gflopsPerS: 1000, float32GflopsPerS: 100, memoryGbPerS: 100, cacheGbPerS: 1000,
      launchNanoseconds: 2000)
    profile.roofs.transferGbPerS = 10
    profile.precision = "float16"
    profile.device = Profile.DeviceRun(
      device: .h100, host: RunTimeline.Host(staging: 0, launching: 0, waiting: profile.nanoseconds, taking: 0), kernelCount: 1)
    return profile
  }

  private func layer(
    _ nanoseconds: Int, channels: (Int, Int) = (64, 64), size: Int = 64, blocks: (Int, Int)? = (1000, 264),
    _ method: Work.Method = .gatheredProducts
  ) -> Profile.Layer {
    var layer = SampleProfiles.layer("a", nanoseconds: nanoseconds, channels: channels, size: size, kernels: ["dense"], method)
    layer.unit = .float16
    layer.blocks = blocks.map { RunTimeline.Blocks(count: $0.0, atOnce: $0.1) }
    return layer
  }

  private func explained(_ layer: Profile.Layer) -> Explanation.Layer { Explanation(profile(layer)).layers[0] }

  @Test func productsAreHeldAgainstTheTensorCores() {
    // 0.302 GFLOP.
    let near = explained(layer(400_000)), far = explained(layer(900_000))
    #expect(
      near.bound == .arithmetic && near.idealNanoseconds == 301_989 && near.reason.contains("as fast as the densest layer"))
    #expect(
      far.bound == .arithmetic && far.reason == "its kernel stays below the products of the densest layer" && far.change == nil)
    var single = profile(layer(900_000))
    single.precision = "float32"
    #expect(Explanation(single).layers[0].change?.hasPrefix("float16") == true)
    // Without them they are a tenth.
    var direct = layer(4_000_000, .gatheredProducts)
    (direct.unit, direct.isVectorised) = (.float32, false)
    #expect(explained(direct).bound == .fallbackKernel && explained(direct).idealNanoseconds == 3_019_898)
    #expect(explained(direct).reason == "dense gives each output a thread; the tensor cores stand still")
  }

  @Test func bytesAreFromCacheOrMemory() {
    var cached = layer(40_000, size: 128)
    cached.operations = 1000
    cached.traffic.valueBytes = 20 << 20
    #expect(explained(cached).bound == .memory && explained(cached).reason.hasSuffix("from the level-2 cache as they come"))
    #expect(explained(cached).idealNanoseconds == 20_971)
    var stored = cached
    stored.traffic.valueBytes = 40 << 20
    stored.nanoseconds = 500_000
    #expect(
      explained(stored).idealNanoseconds == 419_430
        && explained(stored).change == "smaller tiles, whose values stay in the cache")
    var weights = cached
    weights.traffic.constantBytes = 26 << 20
    weights.nanoseconds = 500_000
    #expect(explained(weights).reason == "its weights take longer to fetch than to use")
  }

  @Test func launchesAndBlocks() {
    var tiny = layer(5_000)
    tiny.operations = 1000
    tiny.traffic.valueBytes = 1000
    #expect(
      explained(tiny).bound == .launch
        && explained(tiny).reason.hasSuffix("kernels with nothing to do, which take 2.000us each"))
    let few = explained(layer(900_000, blocks: (20, 264)))
    #expect(few.bound == .blocks && few.reason == "it has 20 blocks for 132 multiprocessors, and the others wait")
    #expect(few.change == "larger pictures or tiles, or several in a batch")
    let waves = explained(layer(900_000, blocks: (270, 264)))
    #expect(waves.bound == .blocks && waves.reason.hasPrefix("its 270 blocks are 2 waves of up to 264, the last of 6"))
    // Half of the places are enough to have work for each multiprocessor.
    #expect(explained(layer(900_000, blocks: (132, 264))).bound == .arithmetic)
    #expect(explained(layer(900_000, blocks: (2000, 264))).bound == .arithmetic)
    #expect(explained(layer(310_000, blocks: (20, 264))).bound == .arithmetic)
  }

  @Test func channelsAndCopies() {
    let odd = explained(layer(900_000, channels: (64, 48)))
    #expect(odd.bound == .oddChannels && odd.reason == "48 of 64 channels are wanted, the rest is padding")
    #expect(odd.change == "take 64 channels, which cost the same")
    #expect(explained(layer(900_000, channels: (64, 3))).bound == .arithmetic)
    var copy = Profile.Layer(
      "copy to the device", operation: "copy", kernels: ["copy"], inputShapes: [], outputShape: [],
      nanoseconds: 100_000)
    copy.isCopy = true
    copy.traffic.transferredBytes = 500_000
    #expect(
      explained(copy).bound == .copy && explained(copy).idealNanoseconds == 50_000
        && explained(copy).reason.contains("host and device"))
    copy.traffic = RunTimeline.Traffic(valueBytes: 1000)
    #expect(explained(copy).reason.hasPrefix("a copy between planes"))
  }

  /// Layers that do more than the roof that was measured raise it: what one does the device can do.
  @Test func layersRaiseTheRoof() {
    var profile = profile(layer(100_000))
    #expect(profile.hasUnreliableRoofs)
    profile.raiseProducts()
    #expect(abs(profile.roofs.gflopsPerS - 3019.898) < 0.01 && !profile.hasUnreliableRoofs)
    #expect(abs(profile.roofShare(profile.layers[0]) - 1) < 1e-9)
  }
}
