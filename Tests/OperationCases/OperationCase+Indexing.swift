import Networks
import Tensors

extension OperationCaseList {
  /// Functions beyond the usual activations, of arguments that reach their bends, alone and behind a convolution.
  mutating func addFunctions() {
    let functions: [(String, ActivationFunction)] = [
      ("hardSigmoid", .hardSigmoid(alpha: 1 / 6, beta: 0.5)), ("steep hardSigmoid", .hardSigmoid(alpha: -1.5, beta: 0.25)),
      ("hardSwish", .hardSwish), ("gelu", .gelu), ("geluTanh", .geluTanh), ("silu", .silu), ("softplus", .softplus),
    ]
    for (name, function) in functions {
      for (channels, factor) in [(3, 1), (16, 5), (5, 40)] as [(Int, Float)] {
        add("\(name) of \(channels) channels to \(factor)", [[2, channels, 5, 7]]) { builder, x in
          builder.activation("y", builder.scale("scaled", x[0], by: factor), function)
        }
      }
      let payload = Convolution(
        inChannels: 16, outChannels: 16, kernel: 3, padding: 1, epilogue: Epilogue([.activation(function), .add]))
      addConvolution("3x3 16 to 16 with \(name), add", payload, [1, 16, 5, 7])
    }
    for function in BinaryFunction.allCases {
      for (left, right) in [
        ([2, 16, 5, 7], [2, 16, 5, 7]), ([2, 16, 5, 7], [2, 16, 1, 1]), ([1, 3, 5, 7], [1, 3, 1, 1]),
        ([2, 1, 5, 7], [1, 5, 5, 1]),
        ([1, 1, 1, 1], [2, 5, 3, 4]),
      ] as [(Shape, Shape)] {
        add("\(function.rawValue) of \(left) and \(right)", [left, right]) { builder, x in
          // Kept away from 0 for the division and the base of a power.
          func positive(_ name: String, _ value: NetworkBuilder.Value) -> NetworkBuilder.Value {
            builder.activation(name, value, .clip(minimum: 0.25, maximum: 1))
          }
          let first = function == .power ? positive("base", x[0]) : x[0]
          let second =
            function == .divide ? positive("clip", x[1]) : function == .mask ? builder.activation("step", x[1], .relu) : x[1]
          return builder.binary("y", function, first, second)
        }
      }
    }
    for (left, right) in [([2, 3, 4, 5], [2, 3, 5, 7]), ([1, 16, 7, 16], [1, 16, 16, 3]), ([1, 1, 1, 1], [1, 1, 1, 9])]
      as [(Shape, Shape)]
    {
      add("product of matrices \(left) and \(right)", [left, right]) { builder, x in builder.matrixMultiply("y", x[0], x[1]) }
    }
    add("product of features", [[3, 10, 1, 1], [10, 4, 1, 1]]) { builder, x in
      builder.matrixMultiply("y", builder.flatten("a", x[0]), builder.flatten("b", x[1]), channels: 4)
    }
    for channels in [1, 3, 16, 52] {
      add("softmax of \(channels) channels", [[2, channels, 3, 4]]) { builder, x in
        builder.softmax("y", builder.scale("scaled", x[0], by: 10))
      }
    }
    // The first part lies among the channels of the concatenation.
    for axis in 1...3 {
      add("softmax along axis \(axis) of a part of a concatenation", [[2, 16, 5, 7]]) { builder, x in
        let part = builder.convolution("part", x[0], outChannels: 32, kernel: 1)
        let joined = builder.concatenation("joined", [part, x[0]])
        return builder.concatenation("y", [builder.softmax("softmax", part, axis: axis), joined])
      }
    }
    add("softmax of rows", [[2, 3, 4, 9]]) { builder, x in builder.softmax("y", x[0], axis: 3) }
    add("softmax of features", [[3, 10, 1, 1]]) { builder, x in builder.softmax("y", builder.flatten("flat", x[0])) }
  }

  /// Parts of values, values in larger ones, and values under other shapes.
  mutating func addIndexing() {
    let slices: [(String, [Slice.Span])] = [
      ("first channels", [.init(axis: 1, end: 8)]), ("last channels", [.init(axis: 1, start: -24)]),
      ("odd channels", [.init(axis: 1, start: 5, end: 8)]), ("every third channel", [.init(axis: 1, step: 3)]),
      ("inner pixels", [.init(axis: 2, start: 1, end: -1), .init(axis: 3, start: 2, end: -1)]),
      ("every second pixel", [.init(axis: 2, start: 1, step: 2), .init(axis: 3, step: 2)]),
      ("last item and corner", [.init(axis: 0, start: -1), .init(axis: 3, start: -3, end: 100), .init(axis: 2, end: 2)]),
    ]
    for (name, spans) in slices {
      add("slice of \(name)", [[2, 32, 5, 7]]) { builder, x in builder.slice("y", x[0], spans) }
    }
    for mode in Pad.Mode.allCases {
      for channels in [1, 3, 16] {
        let sides = Padding(top: 1, left: 2, bottom: 3, right: 0)
        add("\(mode.rawValue) padding of \(channels) channels", [[2, channels, 4, 3]]) { builder, x in
          builder.pad("y", x[0], Pad(sides, mode: mode, value: mode == .constant ? -1.5 : 0))
        }
      }
    }
    for (before, behind) in [(0, 16), (3, 2), (16, 0)] {
      add("\(before) channels before and \(behind) behind", [[2, 16, 3, 2]]) { builder, x in
        builder.pad("y", x[0], Pad(0, channelsBefore: before, channelsBehind: behind, value: 0.5))
      }
    }
    for (factor, channels) in [(2, 4), (2, 12), (2, 64), (3, 27)] {
      add("pixel shuffle \(channels) by \(factor), channels innermost", [[2, channels, 5, 7]]) { builder, x in
        builder.pixelShuffle("y", x[0], factor: factor, order: .channelsInnermost)
      }
      add("pixel unshuffle \(channels) by \(factor), channels innermost", [[2, channels, 2 * factor, 3 * factor]]) {
        builder, x in
        builder.pixelUnshuffle("y", x[0], factor: factor, order: .channelsInnermost)
      }
    }
    for permutation in [[0, 2, 3, 1], [0, 1, 3, 2], [3, 1, 0, 2]] {
      add("transpose \(permutation)", [[2, 5, 4, 3]]) { builder, x in builder.transpose("y", x[0], permutation, channels: 5) }
    }
    for extents in [[0, -1], [0, 0, -1], [0, 2, 8, 0, -1], [-1, 4, 3, 4], [0, 16, 4, 3]] {
      add("reshape to \(extents)", [[2, 16, 3, 4]]) { builder, x in builder.reshape("y", x[0], extents) }
    }
    addResizes()
  }

  private mutating func addResizes() {
    let targets: [(String, Resize.Target)] = [
      ("by 2", .factor(height: 2, width: 2)), ("by 1.5 and 0.4", .factor(height: 1.5, width: 0.4)),
      ("to 8x3", .size(Pair(height: 8, width: 3))),
      ("to 1x1", .size(1)),
    ]
    for (name, target) in targets {
      for coordinates in Resize.Coordinates.allCases {
        for method in Resize.Method.allCases {
          let rounding: Resize.Rounding =
            switch coordinates {
            case .halfPixel: .roundPreferFloor
            case .pytorchHalfPixel: .roundPreferCeil
            case .alignCorners: .ceil
            case .asymmetric: .floor
            }
          let payload = Resize(
            method: method, target: target, coordinates: coordinates, rounding: method == .nearest ? rounding : .floor,
            cubicCoefficient: coordinates == .asymmetric ? -0.5 : -0.75)
          add("\(method.rawValue) \(name), \(coordinates.rawValue)", [[2, 3, 5, 7]]) { builder, x in
            builder.resize("y", x[0], payload)
          }
        }
      }
    }
    // Weights whose magnitudes sum to far more than 1.
    for coefficient: Float in [-4, 3, 1e6] {
      let payload = Resize(
        method: .bicubic, target: .factor(height: 1.5, width: 0.4), coordinates: .asymmetric, cubicCoefficient: coefficient)
      add("bicubic, a = \(coefficient)", [[1, 17, 9, 11]]) { builder, x in builder.resize("y", x[0], payload) }
    }
  }
}
