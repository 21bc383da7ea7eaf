import Networks
import ONNXProto
import Tensors
import Testing

@testable import Formats

/// Sizes that files choose by comparing, bound, count or round to the nearest.
@Suite struct ONNXConditionTests {
  typealias Make = ONNXSafetyTests
  typealias Sizes = ONNXSizeTests

  /// A resize of `x` to sizes of which `arithmetic` makes `o` of the height and width `p`.
  private static func network(
    _ arithmetic: [ONNXNodeProto], _ tensors: [ONNXTensorProto] = [], opset: Int = 17
  ) throws -> Network {
    let parts = [
      Sizes.node("Slice", ["s", "zero", "two"], ["front"]), Sizes.node("Slice", ["s", "two", "four"], ["p"]),
    ]
    let joined = [Sizes.node("Concat", ["front", "o"], ["z"], [.integer("axis", 0)])]
    let places = [("zero", 0), ("one", 1), ("two", 2), ("four", 4)].map { Make.integers($0, [Int64($1)]) }
    return try Sizes.read(Sizes.image, Sizes.resized("x", parts + arithmetic + joined), places + tensors, opset: opset)
  }

  /// A number without axes that a node computes meets values of any rank.
  @Test func scalarsMeetMatrices() throws {
    let constant = Make.tensor("k", []), slope = Make.tensor("a", [])
    for axes in [["n", "w"], ["n"], ["n", 3, "w"], Sizes.image] as [[Sizes.Axis]] {
      let network = try Sizes.read(
        axes, [Sizes.node("PRelu", ["k", "a"], ["s"]), Sizes.node("Add", ["x", "s"], ["y"])], [constant, slope])
      let shape = Shape(
        axes.enumerated().map { $0.offset == 0 ? 2 : $0.offset == 1 && axes.count > 2 ? axes.count == 3 ? 3 : 1 : 5 })
      #expect(try network.inferredShapes(inputs: [shape])[network.outputs[0]] == shape)
    }
  }

  @Test func sizesAreComparedAndChosen() throws {
    let forty = Make.integers("k", [40])
    func chosen(_ type: String, _ a: String = "p", _ b: String = "k") throws -> Network {
      try Self.network([Sizes.node(type, [a, b], ["c"]), Sizes.node("Where", ["c", "k", "p"], ["o"])], [forty])
    }
    try Sizes.expectSizes(chosen("Less"), "less") { $0 < 40 ? 40 : $0 }
    try Sizes.expectSizes(chosen("LessOrEqual"), "less or equal") { $0 <= 40 ? 40 : $0 }
    try Sizes.expectSizes(chosen("Greater"), "greater") { $0 > 40 ? 40 : $0 }
    try Sizes.expectSizes(chosen("GreaterOrEqual", "k", "p"), "at most") { $0 <= 40 ? 40 : $0 }
    let equal = [Sizes.node("Equal", ["p", "k"], ["c"]), Sizes.node("Where", ["c", "four", "p"], ["o"])]
    try Sizes.expectSizes(Self.network(equal, [forty]), "equal") { $0 == 40 ? 4 : $0 }
    // Between 20 and 40, or 100.
    let some = [
      Sizes.node("Greater", ["p", "l"], ["a"]), Sizes.node("Less", ["p", "k"], ["b"]), Sizes.node("And", ["a", "b"], ["ab"]),
      Sizes.node("Equal", ["p", "m"], ["e"]), Sizes.node("Or", ["ab", "e"], ["c"]), Sizes.node("Not", ["c"], ["d"]),
      Sizes.node("Where", ["d", "four", "p"], ["o"]),
    ]
    let bounds = [forty, Make.integers("l", [20]), Make.integers("m", [100])]
    try Sizes.expectSizes(Self.network(some, bounds), "some") { $0 > 20 && $0 < 40 || $0 == 100 ? $0 : 4 }
    let either = Array(some[..<2]) + [Sizes.node("Xor", ["a", "b"], ["c"]), Sizes.node("Where", ["c", "four", "p"], ["o"])]
    try Sizes.expectSizes(Self.network(either, bounds), "either") { ($0 > 20) != ($0 < 40) ? 4 : $0 }
  }

  @Test func sizesAreBoundedCountedAndRounded() throws {
    let (k, l) = (Make.integers("k", [40]), Make.integers("l", [20]))
    try Sizes.expectSizes(Self.network([Sizes.node("Clip", ["p", "l", "k"], ["o"])], [k, l]), "bounded") {
      min(max($0, 20), 40)
    }
    func both(_ type: String, _ function: @escaping (Int, Int) -> Int) throws {
      let nodes = [Sizes.node(type, ["p", "zero"], ["a"]), Sizes.node("Tile", ["a", "two"], ["o"])]
      // As an attribute in older files.
      let old = [Sizes.node(type, ["p"], ["a"], [.integers("axes", [-1])]), nodes[1]]
      for network in [try Self.network(nodes, opset: 18), try Self.network(type == "ReduceSum" ? nodes : old)] {
        try Sizes.expectSizes(network, type, { function($0, 131 - $0) }, width: { function(131 - $0, $0) })
      }
    }
    try both("ReduceMin") { min($0, $1) }
    try both("ReduceMax") { max($0, $1) }
    try both("ReduceSum") { $0 + $1 }
    // Halves go to the even neighbour.
    let half = [
      Sizes.node("Cast", ["p"], ["f"], [.integer("to", 1)]), Sizes.node("Mul", ["f", "k"], ["g"]),
      Sizes.node("Round", ["g"], ["r"]),
      Sizes.node("Cast", ["r"], ["o"], [.integer("to", 7)]),
    ]
    for factor: Float in [0.5, 0.7, 1.25, 0.3] {
      try Sizes.expectSizes(Self.network(half, [Sizes.floats("k", [factor])]), "rounded by \(factor)") {
        let size = Int((Float($0) * factor).rounded(.toNearestOrEven))
        return size > 0 ? size : nil
      }
    }
    // What is left in C: with the sign of the dividend.
    let left = [
      Sizes.node("Sub", ["k", "p"], ["a"]), Sizes.node("Mod", ["a", "l"], ["m"], [.integer("fmod", 1)]),
      Sizes.node("Add", ["m", "l"], ["o"]),
    ]
    try Sizes.expectSizes(Self.network(left, [k, l]), "left") { (40 - $0) % 20 + 20 }
  }

  @Test func whatIsNoIntegerIsNotCompared() throws {
    let nodes = [
      Sizes.node("Cast", ["p"], ["f"], [.integer("to", 1)]), Sizes.node("Mul", ["f", "k"], ["g"]),
      Sizes.node("Less", ["g", "f2"], ["c"]), Sizes.node("Where", ["c", "four", "p"], ["o"]),
    ]
    let text = Sizes.problem { try Self.network(nodes, [Sizes.floats("k", [0.7]), Sizes.floats("f2", [20.5])]) }
    #expect(text.contains("'c' (Less)"), "\(text)")
  }
}
