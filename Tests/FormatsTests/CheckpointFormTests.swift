import Architectures
import Formats
import Networks
import Tensors
import TestSupport
import Testing

/// Every form in which programs save a model gives the network of its plain state dict, bit for bit, whatever the architecture.
@Suite struct CheckpointFormTests {
  /// What is saved around the state dict; the second argument is one of other weights under the same names.
  static let containers: [(name: String, make: @Sendable (CheckpointValue, CheckpointValue) -> CheckpointValue)] = [
    (
      "a tensor beside it",
      { state, _ in .dictionary([("state_dict", state), ("epoch", .integer(3)), ("best", .tensor(Tensor([], [3.1])))]) }
    ),
    (
      "Lightning",
      { state, other in
        .dictionary([
          ("epoch", .integer(3)), ("pytorch-lightning_version", .text("2.4.0")), ("state_dict", state),
          ("loops", .dictionary([])),
          ("optimizer_states", .list([optimizer(other)])), ("lr_schedulers", .list([.dictionary([("last_lr", .number(0.1))])])),
          ("hyper_parameters", .dictionary([("features", .integer(2))])),
        ])
      }
    ),
    (
      "training",
      { state, other in
        .dictionary([("optimizer_state_dict", optimizer(other)), ("model_state_dict", state), ("loss", .number(1))])
      }
    ),
    ("averaged", { state, other in .dictionary([("params", other), ("params_ema", state)]) }),
    (
      "averaged first",
      { state, other in .dictionary([("ema", state), ("model", other), ("iteration", .tensor(Tensor([1], [7])))]) }
    ),
    ("not averaged", { state, _ in .dictionary([("params", state)]) }),
    (
      "generator",
      { state, other in .dictionary([("discriminator", other), ("generator", state), ("optim_g", optimizer(other))]) }
    ),
    ("any key", { state, _ in .dictionary([("whatever", state), ("step", .tensor(Tensor([], [4])))]) }),
    (
      "nested",
      { state, _ in .dictionary([("net", .dictionary([("state_dict", state), ("best", .tensor(Tensor([], [1])))]))]) }
    ),
    ("list", { state, _ in .list([state, .integer(3)]) }),
    ("tuple", { state, other in .tuple([.integer(3), state, optimizer(other), .none]) }),
    ("pair", { state, other in .tuple([optimizer(other), .orderedDictionary([("model", state)])]) }),
  ]

  static let prefixes = [
    "_orig_mod.", "module.", "generator.", "model.", "net.", "netG.", "params.", "params_ema.", "state_dict.",
    "module._orig_mod.",
    "_orig_mod.module.model.", "state_dict.generator.module.", "a.b.c.", "généré.", "model.model.",
  ]

  static let elements: [CheckpointValue.Element] = [.float32, .half, .bfloat16]

  private static func optimizer(_ state: CheckpointValue) -> CheckpointValue {
    .dictionary([("state", .dictionary([("0", state)])), ("param_groups", .list([.dictionary([("lr", .number(0.1))])]))])
  }

  private static func stored(_ state: [String: Tensor], as element: CheckpointValue.Element) -> [String: Tensor] {
    state.mapValues { $0.dataType == .float32 ? Tensor($0.shape, $0.floats.map(element.stored)) : $0 }
  }

  private static func zeros(_ state: [String: Tensor]) -> [String: Tensor] {
    state.mapValues { Tensor(zeros: $0.shape, $0.dataType) }
  }

  private static func prefixed(_ state: [String: Tensor], _ prefix: String) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: state.map { (prefix + $0.key, $0.value) })
  }

  private static func network(
    _ file: [UInt8], _ conversion: CheckpointConversion, key: String? = nil
  ) throws -> (network: Network, report: ConversionReport) {
    let checkpoint = try PyTorchCheckpoint(bytes: file, name: "f", key: key)
    var conversion = conversion
    if let key, !checkpoint.path.contains(key) { conversion.key = key }
    return try conversion.network(from: checkpoint.parameters)
  }

  @Test(arguments: ArchitectureFixtureTests.cases) func everyFormGivesTheSameNetwork(
    of fixtureCase: ArchitectureFixtureTests.Case
  ) throws {
    let fixture = try NetworkFixture(fixtureCase.name)
    let kind = try #require(fixtureCase.kind)
    let conversion = CheckpointConversion(architecture: kind, skip: fixtureCase.skip)
    let expected = try Self.elements.map { try conversion.network(from: Self.stored(fixture.state, as: $0)).network }
    let other = CheckpointValue.stateDict(Self.zeros(fixture.state))

    for (index, container) in Self.containers.enumerated() {
      for (place, element) in Self.elements.enumerated() where (index + place) % 2 == 0 || place == 0 {
        let prefix = Self.prefixes[(index + place) % Self.prefixes.count]
        let states: [CheckpointValue] = [
          .stateDict(Self.prefixed(fixture.state, prefix), element), .module(fixture.state, element),
        ]
        let file = CheckpointFile(container.make(states[index % 2], other))
        let (network, report) = try Self.network(place == 0 ? file.legacy : file.zip, conversion)
        #expect(network == expected[place], "\(container.name), \(prefix), \(element)")
        #expect(report.naming == fixtureCase.naming)
      }
    }
    for (index, prefix) in Self.prefixes.enumerated() {
      let place = index % Self.elements.count
      var state = Self.prefixed(fixture.state, prefix)
      // Another program's tensors beside those of the model.
      if index % 2 == 0 { state["criterion.weight"] = Tensor(zeros: [3, 3]) }
      let file = CheckpointFile(.stateDict(state, Self.elements[place]))
      #expect(try Self.network(index % 2 == 0 ? file.zip : file.legacy, conversion).network == expected[place], "\(prefix)")
    }
  }

  /// The tensors of an averaged model beside those that were trained, in one dictionary of names or in two.
  @Test(arguments: ArchitectureFixtureTests.cases) func theKeyChooses(of fixtureCase: ArchitectureFixtureTests.Case) throws {
    let state = try NetworkFixture(fixtureCase.name).state
    let kind = try #require(fixtureCase.kind)
    let conversion = CheckpointConversion(architecture: kind, skip: fixtureCase.skip)
    let (first, second) = (try conversion.network(from: state).network, try conversion.network(from: Self.zeros(state)).network)
    let names = Self.prefixed(state, "ema.").merging(Self.prefixed(Self.zeros(state), "model.")) { first, _ in first }
    let files = [
      CheckpointFile(.stateDict(names)).zip,
      CheckpointFile(.dictionary([("model", .stateDict(Self.zeros(state))), ("ema", .stateDict(state))])).zip,
    ]
    for file in files {
      #expect(try Self.network(file, conversion).network == first)
      #expect(try Self.network(file, conversion, key: "ema").network == first)
      #expect(try Self.network(file, conversion, key: "model").network == second)
      #expect(throws: ConversionError.unknownKey("params", prefixes: ["ema", "model"])) {
        try Self.network(file, conversion, key: "params")
      }
    }
    let (_, report) = try Self.network(files[0], conversion)
    #expect(
      report.notes.first == "those under 'ema' are taken; the checkpoint also holds those under 'model', which --key takes")
    #expect(try PyTorchCheckpoint(bytes: files[1], name: "f").otherKeys == ["model"])

    // Two of which no order says which is meant.
    let twins = Self.prefixed(state, "ab.").merging(Self.prefixed(state, "ba.")) { first, _ in first }
    #expect(throws: ConversionError.ambiguous(architecture: kind.rawValue, prefixes: ["ab.", "ba."])) {
      try conversion.network(from: twins)
    }
    #expect(try Self.network(CheckpointFile(.stateDict(twins)).zip, conversion, key: "ba").network == first)
  }

  /// EDSR with the mean colour rounded as the weights are, of 255 and of 1.
  @Test func meanColoursOfFewBits() throws {
    for maximum in [1, 255] as [Float] {
      var edsr = EDSR.original(scale: 2, features: 3, blocks: 2)
      edsr.maximum = maximum
      let network = try edsr.network(.random(seed: 5))
      let state = ConversionTests.state(network, .original, count: 2)
      for element in Self.elements {
        let file = CheckpointFile(.dictionary([("model", .stateDict(state, element))]))
        let converted = try Self.network(file.zip, CheckpointConversion(architecture: .edsr)).network
        #expect(converted.graph == network.graph)
        #expect(converted.parameters["subtractMean.shift"] == network.parameters["subtractMean.shift"])
        let head = try #require(network.parameters["head.weight"])
        #expect(converted.parameters["head.weight"] == Tensor(head.shape, head.floats.map(element.stored)))
        // One unit further is another colour.
        var other = state
        let unit = element == .half ? 0.0625 : element == .bfloat16 ? 0.5 : 0.01
        other["sub_mean.bias"] = Tensor(
          [3], (state["sub_mean.bias"]?.floats ?? []).map { $0 + Float(unit) * maximum / 255 * 2 })
        #expect(throws: ConversionError.meanShift(tensor: "sub_mean.bias")) {
          try Self.network(CheckpointFile(.stateDict(other, element)).zip, CheckpointConversion(architecture: .edsr))
        }
      }
    }
  }
}
