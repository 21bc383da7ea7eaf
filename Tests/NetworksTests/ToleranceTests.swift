import Networks
import Tensors
import OperationCases
import Testing

/// Bounds of what has none are infinite; they are never NaN, and nothing traps.
@Suite struct ToleranceTests {
  private static let odd: [Tolerance] = [0, 1e-300, 1, 1e300, .infinity, .nan].flatMap { magnitude in
    [(0, 0), (1e-9, 0), (1, 0.5), (.infinity, 0), (.nan, .nan)].map { error, least in
      Tolerance(magnitude: magnitude, error: error, least: least)
    }
  }

  @Test(arguments: OperationCase.all)
  func oddOperandsHaveBounds(_ example: OperationCase) throws {
    let types = try example.network.inferredTypes(inputs: example.inputShapes)
    for node in example.network.nodes {
      for x in Self.odd {
        for y in [x, Tolerance(magnitude: 1, error: 0)] {
          let operands = node.elementInputs.indices.map { $0 == 0 ? x : y }
          let bound = Tolerance.bound(node, example.network, types, operands, 1)
          #expect(!bound.magnitude.isNaN && !bound.error.isNaN, "\(node.operation.typeName) of \(x)")
        }
      }
    }
  }

  /// Divisors that may be 0, and numbers that are NaN or no floats, leave everything open.
  @Test func whatMayBeAnythingIsUnbounded() throws {
    var builder = NetworkBuilder("net")
    let x = builder.input("x", channels: 1), y = builder.input("y", channels: 1)
    builder.output(builder.binary("quotient", .divide, x, y))
    builder.output(builder.activation("root", x, .squareRoot))
    let network = try builder.build(.zeros), shape: Shape = [1, 1, 1, 2]
    for divisor in [[0, 1], [Float.leastNonzeroMagnitude, 1], [.nan, 1]] as [[Float]] {
      let bounds = try Tolerance.outputs(of: network, inputs: [Tensor(shape, [1, 2]), Tensor(shape, divisor)])
      #expect(bounds[0].error == .infinity)
    }
    let bounds = try Tolerance.outputs(of: network, inputs: [Tensor(shape, [.nan, 1]), Tensor(shape, [1, 1])])
    #expect(bounds[1].magnitude == .infinity)
    #expect(Tensor([2], .int8, integers: [-128, 3]).largestMagnitude == 128)
    #expect(Tensor([2], .int8, integers: [-128, 3]).leastMagnitude == 3)
  }

  /// More to sum, more to round: bounds follow the extents of a node's values and no fixed number.
  @Test func boundsGrowWithExtents() throws {
    func bound(_ side: Int, _ build: (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value) throws -> Double {
      var builder = NetworkBuilder("net")
      let x = builder.input("x", channels: 4)
      builder.output(build(&builder, x))
      let input = Tensor(repeating: 1, [1, 4, side, side])
      return try Tolerance.outputs(of: try builder.build(.zeros), inputs: [input])[0].error
    }
    func grows(_ build: (inout NetworkBuilder, NetworkBuilder.Value) -> NetworkBuilder.Value) throws -> Bool {
      let errors = try [2, 8, 64].map { try bound($0, build) }
      return errors[0] < errors[1] && errors[1] < errors[2]
    }
    #expect(try grows { $0.globalAveragePool("y", $1) })
    #expect(try grows { $0.softmax("y", $1, axis: 3) })
    #expect(try grows { $0.normalization("y", $1, Normalization(axes: [2, 3])) })
    #expect(try grows { $0.reduction("y", $1, .mean, axes: [2, 3]) })
  }

  private static func error(weight: Float, winograd: Bool) throws -> Double {
    var builder = NetworkBuilder("large")
    let x = builder.input("x", channels: 16)
    let y = builder.convolution("y", x, outChannels: 16, kernel: 3, padding: 1)
    builder.output(builder.node("z", .activation(.clip(minimum: -1, maximum: 64)), [y], channels: 16))
    var network = try builder.build(.zeros)
    let shape = try #require(network.parameters["y.weight"]).shape
    network.parameters["y.weight"] = Tensor(repeating: weight, shape)
    let input = Tensor(repeating: 1, [1, 16, 8, 8])
    return try #require(Tolerance.outputs(of: network, inputs: [input], convolutionFactor: winograd ? 8 : 1).first).error
  }

  /// 144 products of 1e36 stay below float32's largest number, and those of 1e37 may not; Winograd's transforms make more of each.
  @Test func sumsThatMayOverflowOnTheWayHaveNoBound() throws {
    #expect(try Self.error(weight: 1e36, winograd: false) < 1e33)
    #expect(try Self.error(weight: 1e37, winograd: false) == .infinity)
    #expect(try Self.error(weight: 1e30, winograd: true) < 1e29)
    #expect(try Self.error(weight: 1e33, winograd: true) == .infinity)
  }

  @Test func whatIsNoNumberOfFloat32HasNoBound() {
    #expect(Tolerance(magnitude: 1e39, error: 1).error == .infinity)
    #expect(Tolerance(magnitude: .nan, error: 1).error == .infinity)
    #expect(Tolerance(magnitude: 1e38, error: 1).error == 1)
  }
}
