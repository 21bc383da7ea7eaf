import Swiftlet
import Testing

@Suite struct ComparisonTests {
  private let input = Tensor(repeating: 0.25, [1, 3, 20, 24])

  @Test func pathsAreParsed() {
    #expect(ComparisonPath("reference") == .reference)
    #expect(ComparisonPath("cpu") == .cpu(.best, .float32))
    #expect(ComparisonPath("cpu:portable") == .cpu(.portable, .float32))
    #expect(ComparisonPath("cpu:float32:avx2") == .cpu(.avx2, .float32))
    for text in ["", "gpu", "cpu:", "cpu:mmx", "cpu:avx2:portable", "reference:avx2", ":cpu"] {
      #expect(ComparisonPath(text) == nil, "\(text)")
    }
    #expect(ComparisonPath("cpu:portable")?.text == "cpu:portable:float32")
  }

  @Test func onePathAgreesWithAnother() throws {
    let network = try SmallNetworks.edsr()
    for path in InstructionSet.allCases.filter(\.isAvailable).map({ ComparisonPath.cpu($0, .float32) }) {
      let comparison = try Comparison(network, on: .reference, network, on: path, input: input, threadCount: 2)
      #expect(comparison.firstOutside == nil, "\(comparison.text)")
      #expect(comparison.values.map(\.node) == network.optimizedForInference().nodes.map(\.name))
      #expect(comparison.unmatched.isEmpty && comparison.values.allSatisfy { $0.bound != nil })
    }
  }

  /// The node whose weight is another is named, and those behind it, whose inputs differ, are not.
  @Test func theFirstNodeAtFaultIsNamed() throws {
    let network = try SmallNetworks.edsr()
    var damaged = network
    damaged.parameters["body.1.a.weight"]?.withUnsafeMutableFloats { $0[5] += 0.5 }
    let comparison = try Comparison(network, on: .reference, damaged, on: .cpu(.best, .float32), input: input, threadCount: 2)
    #expect(comparison.firstOutside?.node == "body.1.a")
    #expect(comparison.values.filter { !$0.isWithin }.map(\.node) == ["body.1.a"])
    #expect(comparison.text.contains("The first node whose difference leaves its bound is 'body.1.a' (convolution + relu)"))
  }

  @Test func aNaNIsOutsideEveryBound() throws {
    let network = try SmallNetworks.edsr()
    var damaged = network
    damaged.parameters["body.0.b.bias"]?.withUnsafeMutableFloats { $0[0] = .nan }
    let comparison = try Comparison(network, on: .reference, damaged, on: .reference, input: input, threadCount: 1)
    #expect(comparison.firstOutside?.node == "body.0.b")
  }

  @Test func whatTheOtherLacksIsSaid() throws {
    let wide = try EDSR(scale: 2, features: 32, blocks: 2).network(.random(seed: 1))
    let comparison = try Comparison(
      SmallNetworks.edsr(), on: .reference, wide, on: .reference, input: input, threadCount: 1)
    #expect(comparison.values.map(\.node) == ["tail"] && comparison.values[0].bound == nil)
    #expect(comparison.unmatched.contains("head"))
    #expect(comparison.text.contains("no values in common that can be judged"))
  }

  @Test(arguments: [(0, "0"), (1.19e-6, "1.19e-06"), (9.996, "1.00e+01"), (-123_456, "-1.23e+05"), (1e-12, "1.00e-12")])
  func scientificNotation(value: Double, text: String) {
    #expect(TextFormat.scientific(value) == text)
  }
}
