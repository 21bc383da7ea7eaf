import Execution
@testable import Profiling
import Swiftlet
import Testing

/// What holds of every measured profile, whatever the times are.
@Suite struct ProfilerTests {
  private static let roofs = SampleProfiles.roofs

  static func networks() throws -> [(Network, Shape)] {
    var shuffle = NetworkBuilder("shuffle")
    let x = shuffle.input("x", channels: 20)
    let sum = shuffle.add("sum", shuffle.pixelUnshuffle("down", x, factor: 2), shuffle.pixelUnshuffle("down2", x, factor: 2))
    shuffle.output(shuffle.pixelShuffle("up", sum, factor: 2))
    return [
      (try VDSR(depth: 4, features: 16).network(.random(seed: 1)), [1, 1, 32, 32]),
      (try EDSR(scale: 2, features: 16, blocks: 2).network(.random(seed: 1)), [2, 3, 24, 40]),
      (try EDSR(scale: 2, features: 16, blocks: 2, convolution: .separable).network(.random(seed: 1)), [1, 3, 32, 32]),
      (try shuffle.build(.random(seed: 1)), [1, 20, 8, 8]),
    ]
  }

  @Test(arguments: [1, 2]) func rowsAddUpToTheRun(threads: Int) throws {
    for (network, shape) in try Self.networks() {
      let profiler = Profiler(engine: .cpu(CPUOptions(threadCount: threads)), warmup: 1, runs: 3, roofs: Self.roofs)
      let profile = try profiler.profile(network, model: network.name, input: Tensor(repeating: 0.5, shape))
      #expect(profile.engineNanoseconds >= 0)
      let rows = ProfileTable().rows(profile)
      #expect(rows.reduce(0) { $0 + $1.selfNanoseconds } == profile.nanoseconds)
      #expect(profile.parameterCount == network.parameterCount)

      // Events follow each other inside the run and are all that the layers took.
      var end = 0
      var sums = [Int](repeating: 0, count: profile.layers.count)
      for event in profile.events {
        #expect(event.start >= end && event.duration >= 0 && (1...threads).contains(event.threads))
        end = event.start + event.duration
        sums[event.layer] += event.duration
      }
      #expect(end <= profile.nanoseconds)
      #expect(sums == profile.layers.map(\.nanoseconds))

      // Every node of the network as it runs has its layer.
      let names = Set(profile.layers.map(\.name))
      for node in network.optimizedForInference().nodes { #expect(names.contains(node.name), "\(node.name)") }
      #expect(profile.layers.allSatisfy { !$0.kernels.isEmpty && $0.traffic.bytesMoved > 0 && $0.bandCount > 0 })
      let ledger = try network.ledger(inputs: [shape])
      #expect(profile.multiplyAccumulates == ledger.multiplyAccumulates)
    }
  }

  @Test func networksAreProfiledInTurn() throws {
    let networks = try Self.networks().prefix(2)
    let profiler = Profiler(
      engine: .cpu(CPUOptions(threadCount: 1)), warmup: 0, runs: 2, statistic: .fastestOfEachLayer, roofs: Self.roofs)
    let profiles = try profiler.profiles(
      networks.map { Profiler.Subject($0.0, model: $0.0.name, input: Tensor(repeating: 0.5, $0.1)) })
    #expect(profiles.map(\.model) == networks.map(\.0.name))
    for (profile, network) in zip(profiles, networks) {
      #expect(
        profile.statistic == .fastestOfEachLayer && profile.runs == 2 && profile.parameterCount == network.0.parameterCount)
      #expect(profile.engineNanoseconds >= 0 && profile.layers.allSatisfy { $0.totalNanoseconds >= $0.nanoseconds })
    }
  }

  /// Each element in the bytes in which it is stored, and of a value that lies in a wider one only its own.
  @Test(arguments: Precision.allCases) func bytesAreThoseThatAreStored(_ precision: Precision) throws {
    var builder = NetworkBuilder("slices")
    let x = builder.input("x", channels: 16)
    let left = builder.convolution("left", x, outChannels: 32, kernel: 3, padding: 1)
    let right = builder.convolution("right", x, outChannels: 48, kernel: 3, padding: 1)
    builder.output(builder.convolution("last", builder.concatenation("cat", [left, right]), outChannels: 3, kernel: 1))
    let network = try builder.build(.random(seed: 1)), pixels = 2 * 24 * 40
    let profiler = Profiler(
      engine: .cpu(CPUOptions(precision: precision, threadCount: 1)), warmup: 0, runs: 1, roofs: Self.roofs)
    let profile = try profiler.profile(network, model: "slices", input: Tensor(repeating: 0.5, [2, 16, 24, 40]))
    let element = precision == .float32 ? 4 : 2
    let layers = Dictionary(uniqueKeysWithValues: profile.layers.map { ($0.name, $0) })
    func values(_ name: String) -> Int? { layers[name].map { $0.traffic.valueBytes + $0.traffic.cachedBytes } }
    #expect(values("left") == pixels * (16 + 32) * element)
    #expect(values("right") == pixels * (16 + 48) * element)
    // Planes, as the three channels that leave, are float32 always.
    #expect(values("last") == pixels * (80 * element + 3 * 4))
    #expect(layers["left"].map { $0.traffic.heldBytes <= pixels * 32 * element } == true)
  }

  @Test func winogradNeedsAQuarterOfTheProducts() throws {
    let network = try VDSR(depth: 4, features: 16).network(.random(seed: 1))
    let profiler = Profiler(engine: .cpu(CPUOptions(threadCount: 1)), warmup: 0, runs: 1, roofs: Self.roofs)
    let profile = try profiler.profile(network, model: "vdsr", input: Tensor(zeros: [1, 1, 64, 64]))
    for layer in profile.layers where layer.kernels.contains("winograd_input_4") {
      #expect(layer.operations == layer.multiplyAccumulates / 2)
    }
    #expect(profile.layers.contains { $0.kernels.contains("winograd_input_4") })
    #expect(profile.layers.allSatisfy { $0.isVectorised || $0.isCopy })
  }

  /// What the engine says of a layer's work, not what a name of a kernel may mean.
  @Test func workIsWhatTheEngineDoes() throws {
    var builder = NetworkBuilder("grouped")
    let x = builder.input("x", channels: 64)
    let wide = builder.convolution("wide", x, outChannels: 64, kernel: 3, padding: 1, groups: 4)
    let narrow = builder.convolution("narrow", wide, outChannels: 64, kernel: 3, stride: 2, padding: 1, groups: 32)
    builder.output(builder.convolution("mixed", narrow, outChannels: 64, kernel: 1))
    let network = try builder.build(.random(seed: 1))
    let profiler = Profiler(
      engine: .cpu(CPUOptions(instructionSet: .best, threadCount: 1)), warmup: 0, runs: 1, roofs: Self.roofs)
    let profile = try profiler.profile(network, model: "grouped", input: Tensor(zeros: [1, 64, 32, 32]))
    let layers = Dictionary(uniqueKeysWithValues: profile.layers.map { ($0.name, $0) })
    // Groups as wide as a tile's columns meet no others; some of two channels share a tile with zeros between, but never all.
    #expect(layers["wide"].map { $0.operations == 2 * $0.multiplyAccumulates } == true)
    let share = try #require(layers["narrow"]).doneShare
    #expect(share > 1 && share <= 16)
    #expect(layers["mixed"]?.method == .products)
  }

  @Test(arguments: InstructionSet.allCases.filter(\.isAvailable)) func roofsAreMeasured(_ instructionSet: InstructionSet) {
    let roofs = Roofs(instructionSet: instructionSet, threadCount: 2)
    #expect(roofs.isa == instructionSet.rawValue && roofs.threads == 2)
    for figure in [roofs.gflopsPerS, roofs.memoryGbPerS, roofs.cacheGbPerS] { #expect(figure.isFinite && figure > 0) }
    #expect(roofs.integerGopsPerS.map { $0.isFinite && $0 > 0 } ?? (instructionSet == .amx))
  }

  @Test func operationsAreNamedAsUsersKnowThem() throws {
    let network = try EDSR(scale: 2, features: 16, blocks: 1).network(.random(seed: 1)).optimizedForInference()
    let names = Dictionary(uniqueKeysWithValues: network.nodes.map { ($0.name, $0.operation.displayName) })
    #expect(names["body.0.a"] == "convolution + relu")
    #expect(names["body.0.b"] == "convolution + add")
    #expect(names["up.0"] == "convolution + pixel shuffle")
    let separable = try EDSR(scale: 2, features: 16, blocks: 1, convolution: .separable).network(.random(seed: 1))
    let parts = Set(separable.nodes.map(\.operation.displayName))
    #expect(parts.isSuperset(of: ["depthwise convolution", "pointwise convolution", "relu", "pixel shuffle"]))
    #expect(separable.optimizedForInference().nodes.contains { $0.operation.displayName == "separable convolution + relu" })
  }
}
