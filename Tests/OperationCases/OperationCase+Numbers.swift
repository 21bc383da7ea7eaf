import Networks
import Tensors

extension OperationCaseList {
  /// Elementwise functions that ride on no convolution, or that jump.
  mutating func addElementaryFunctions() {
    let functions: [(String, ActivationFunction, scale: Float)] = [
      ("elu", .elu(alpha: 1.5), 3), ("celu", .celu(alpha: 0.5), 3), ("thresholdedReLU", .thresholdedReLU(alpha: 0.25), 1),
      ("softsign", .softsign, 4), ("errorFunction", .errorFunction, 5), ("exponential", .exponential, 5), ("floor", .floor, 4),
      ("ceiling", .ceiling, 4), ("round", .round, 4), ("sign", .sign, 1), ("sine", .sine, 20), ("cosine", .cosine, 20),
    ]
    for (name, function, scale) in functions {
      for channels in [3, 16, 21] {
        add("\(name) of \(channels) channels", [[2, channels, 5, 7]]) { builder, x in
          // A power of two, so that what jumps gets exact arguments.
          builder.activation("y", scale == 1 ? x[0] : builder.scale("scaled", x[0], by: scale == 4 ? 4 : scale), function)
        }
      }
    }
    let positive: [(String, ActivationFunction)] = [
      ("logarithm", .logarithm), ("squareRoot", .squareRoot), ("reciprocal", .reciprocal), ("square", .power(exponent: 2)),
      ("power 0.5", .power(exponent: 0.5)), ("power -0.5", .power(exponent: -0.5)), ("power 2.3", .power(exponent: 2.3)),
      ("power -1", .power(exponent: -1)),
    ]
    for (name, function) in positive {
      for channels in [3, 16, 21] {
        add("\(name) of \(channels) channels, read by a convolution", [[2, channels, 5, 7]]) { builder, x in
          let base = builder.activation("base", x[0], .clip(minimum: 0.25, maximum: 1))
          // Padding lanes would be infinite.
          return builder.convolution("y", builder.activation("f", base, function), outChannels: 3, kernel: 3, padding: 1)
        }
      }
    }
  }

  /// Reductions, normalisations, values that nothing computes, repetition.
  mutating func addNumbers() {
    addReductions()
    addNormalizations()
    addConstants()
    addRepetition()
  }

  private mutating func addReductions() {
    let axes = [[0], [1], [2], [3], [2, 3], [1, 2], [1, 3], [0, 2], [0, 1, 2, 3]]
    for (number, function) in Reduction.Function.allCases.enumerated() {
      for (place, some) in axes.enumerated() {
        // Each axis with few and with many channels, kept or not, over all functions.
        let shape = ([[2, 3, 4, 5], [1, 21, 5, 9], [3, 16, 1, 33]] as [Shape])[(place + number) % 3]
        let keeps = (place + number / 3) % 2 == 0 || some.count == 4
        add("\(function.type.rawValue) of \(shape) over \(some)\(keeps ? "" : " not kept")", [shape]) { builder, x in
          builder.reduction("y", x[0], function, axes: some, keepsAxes: keeps, channels: 1)
        }
      }
      add("\(function.type.rawValue) of features", [[3, 19, 1, 1]]) { builder, x in
        builder.reduction("y", builder.flatten("flat", x[0]), function, axes: [1], channels: 1)
      }
      add("\(function.type.rawValue) of five axes", [[2, 12, 3, 4]]) { builder, x in
        let split = builder.reshape("split", x[0], [0, 3, 4, 3, -1])
        return builder.reduction("y", split, function, axes: [2, 4], keepsAxes: false, channels: 3)
      }
      add("\(function.type.rawValue) of long rows", [[1, 2, 3, 700]]) { builder, x in
        let small = builder.scale("scaled", x[0], by: 0.125)
        return builder.reduction("y", small, function, axes: [3])
      }
    }
  }

  private mutating func addNormalizations() {
    for (axes, groups) in [([1], 1), ([2, 3], 1), ([3], 1), ([1, 2, 3], 1), ([1, 2, 3], 4), ([1, 2, 3], 20), ([0, 2], 1)] {
      for epsilon in [0.1, 1e-5] as [Float] {
        for centres in [true, false] where groups == 1 || centres {
          let payload = Normalization(axes: axes, groups: groups, epsilon: epsilon, centres: centres)
          add("normalization \(payload.summary)", [[2, 20, 5, 7]]) { builder, x in builder.normalization("y", x[0], payload) }
        }
      }
    }
    add("normalization of planes in groups", [[2, 4, 6, 3]]) { builder, x in
      builder.normalization("y", x[0], Normalization(axes: [1, 2, 3], groups: 2, epsilon: 0.25))
    }
    add("normalization of pixels in groups", [[3, 20, 1, 1]]) { builder, x in
      builder.normalization("y", x[0], Normalization(axes: [1, 2, 3], groups: 4, epsilon: 0.25))
    }
    add("normalization of features in groups", [[3, 20, 1, 1]]) { builder, x in
      builder.normalization("y", builder.flatten("flat", x[0]), Normalization(axes: [1], groups: 4, epsilon: 0.25))
    }
    add("normalization of tokens", [[2, 20, 3, 4]]) { builder, x in
      let tokens = builder.transpose("tokens", builder.reshape("rows", x[0], [0, 0, -1]), [0, 2, 1], channels: 12)
      return builder.normalization("y", tokens, Normalization(axes: [2], epsilon: 0.25))
    }
    add("normalization between convolutions", [[2, 3, 23, 17]]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 21, kernel: 3, padding: 1)
      let normed = builder.normalization("normed", a, Normalization(axes: [1], epsilon: 0.25))
      return builder.convolution(
        "b",
        builder.fixedChannelAffine(
          "affine", normed, scale: Array(repeating: 0.5, count: 21),
          shift: Array(repeating: 0.25, count: 21)), outChannels: 3, kernel: 3, padding: 1)
    }
  }

  private mutating func addConstants() {
    for (index, shape)
      in ([[1, 1, 1, 1], [1, 20, 1, 1], [1, 1, 5, 7], [1, 20, 5, 7], [2, 1, 1, 7], [1, 1, 5, 1], [2, 20, 5, 7]] as [Shape])
      .enumerated()
    {
      let function = BinaryFunction.allCases[index]
      add("\(function.rawValue) of a constant \(shape)", [[2, 20, 5, 7]]) { builder, x in
        // Kept away from 0.
        var generator = SplitMix64(seed: 7)
        var tensor = Tensor(uniform: shape, bound: 1, using: &generator)
        tensor.withUnsafeMutableFloats { for place in $0.indices { $0[place] = abs($0[place]) + 0.5 } }
        let constant = builder.constant("constant", tensor)
        let value = builder.activation("value", x[0], .clip(minimum: 0.25, maximum: 1))
        return builder.binary("y", function, index % 2 == 0 ? value : constant, index % 2 == 0 ? constant : value)
      }
    }
    add("a constant of five axes that meets some", [[2, 12, 3, 4]]) { builder, x in
      let split = builder.reshape("split", x[0], [0, 3, 4, 3, -1])
      let constant = builder.constant("constant", Tensor([1, 3, 1, 3, 1], (0..<9).map { Float($0) - 4 }))
      return builder.binary("y", .multiply, split, constant)
    }
    add("a constant joined to a value", [[1, 20, 3, 4]]) { builder, x in
      let map = builder.constant("map", Tensor([1, 2, 3, 4], (0..<24).map { Float($0) / 24 }))
      return builder.convolution("y", builder.concatenation("joined", [x[0], map]), outChannels: 5, kernel: 3, padding: 1)
    }
    add("a constant as the output", [[1, 1, 2, 2]]) { builder, _ in
      builder.constant("y", Tensor([1, 6, 2, 1], (0..<12).map { Float($0) }))
    }
    add("a product with a constant matrix", [[2, 3, 4, 5]]) { builder, x in
      builder.matrixMultiply("y", x[0], builder.constant("m", Tensor([1, 1, 5, 6], (0..<30).map { Float($0) / 30 })))
    }
    add("a constant matrix by a value", [[2, 3, 4, 5]]) { builder, x in
      builder.matrixMultiply("y", builder.constant("m", Tensor([1, 3, 6, 4], (0..<72).map { Float($0) / 72 })), x[0])
    }
  }

  private mutating func addRepetition() {
    for (shape, extents) in [
      ([1, 1, 1, 1], [2, 3, 4, 5]), ([2, 20, 1, 1], [1, 1, 5, 3]), ([1, 1, 5, 1], [1, 20, 1, 1]),
      ([1, 3, 1, 7], [2, 3, 4, 7]),
    ] as [(Shape, [Int])] {
      add("expand \(shape) to \(extents)", [shape]) { builder, x in builder.expand("y", x[0], extents) }
    }
    for axis in [0, 2, 3] {
      for channels in [3, 21] {
        let other: Shape = axis == 0 ? [1, channels, 4, 5] : axis == 2 ? [2, channels, 1, 5] : [2, channels, 4, 2]
        add("concatenation of \(channels) channels along axis \(axis)", [[2, channels, 4, 5], other]) { builder, x in
          builder.concatenation("y", [x[0], x[1], x[0]], axis: axis)
        }
      }
    }
    add("concatenation of vectors", [[2, 1, 1, 1], [3, 1, 1, 1]]) { builder, x in
      builder.concatenation("y", x.enumerated().map { builder.reshape("v\($0.offset)", $0.element, [-1]) }, axis: 0)
    }
    add("concatenation of tokens", [[2, 5, 3, 1], [2, 5, 4, 1]]) { builder, x in
      builder.concatenation("y", x.enumerated().map { builder.reshape("v\($0.offset)", $0.element, [0, 0, -1]) }, axis: 2)
    }
    for (axis, shape) in [
      (0, [3, 20, 2, 4]), (1, [2, 21, 5, 9]), (1, [1, 3, 4, 7]), (2, [2, 3, 9, 4]), (3, [1, 17, 2, 33]),
    ]
      as [(Int, Shape)]
    {
      for keeps in [true, false] {
        add("index of the largest of \(shape) along \(axis)\(keeps ? "" : ", not kept")", [shape]) { builder, x in
          builder.maximumIndex("y", x[0], axis: axis, keepsAxis: keeps, channels: 1)
        }
      }
    }
    add("index of the first of equal ones", [[2, 40, 3, 3]]) { builder, x in
      builder.maximumIndex("y", builder.activation("signs", x[0], .sign))
    }
    add("index of the largest feature", [[3, 19, 1, 1]]) { builder, x in
      builder.maximumIndex("y", builder.flatten("flat", x[0]), keepsAxis: false)
    }
    add("softmax of the batch", [[3, 20, 2, 4]]) { builder, x in builder.softmax("y", x[0], axis: 0) }
    add("softmax of features along the batch", [[3, 10, 1, 1]]) { builder, x in
      builder.softmax("y", builder.flatten("flat", x[0]), axis: 0)
    }
    add("softmax of a middle axis of five", [[2, 12, 3, 4]]) { builder, x in
      builder.softmax("y", builder.reshape("split", x[0], [0, 3, 4, 3, -1]), axis: 2)
    }
  }
}
