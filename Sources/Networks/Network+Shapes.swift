import Tensors

extension Network {
  /// The shape of every value; see `inferredTypes`.
  public func inferredShapes(inputs shapes: [Shape]) throws(NetworkError) -> [String: Shape] {
    try inferredTypes(inputs: shapes).mapValues(\.shape)
  }

  /// The type of every value, and of parameters that are read by name, for inputs of these shapes, in the order of `inputs`. The
  /// network should be verified.
  ///
  /// Where it cannot take inputs of that size, the error names the nearest that it can.
  public func inferredTypes(inputs shapes: [Shape]) throws(NetworkError) -> [String: ValueType] {
    do throws(NetworkError) {
      return try typesOfValues(inputs: shapes)
    } catch {
      guard case .shape(let node, let operation, let reason) = error else { throw error }
      let fitting = fittingInputs(near: shapes)
      guard !fitting.isEmpty else { throw error }
      throw .inputSize(node: node, operation: operation, reason: reason, fitting: fitting)
    }
  }

  /// The same inputs cut, and extended, to a multiple of the lowest power of two that will do; whichever of the two fit.
  private func fittingInputs(near shapes: [Shape]) -> [[Shape]] {
    func first(_ side: (_ side: Int, _ unit: Int) -> Int) -> [Shape]? {
      for unit in Self.sizeUnits {
        let candidate = zip(inputs, shapes).map { input, shape in shape.withSides(of: input) { side($0, unit) } }
        if candidate != shapes, (try? typesOfValues(inputs: candidate)) != nil { return candidate }
      }
      return nil
    }
    return [first { $0 / $1 * $1 }, first { ($0 + $1 - 1) / $1 * $1 }].compactMap { $0 }
  }

  /// What the sides of images are tried to be multiples of: the levels of a U-Net halve them.
  private static let sizeUnits = [2, 4, 8, 16, 32, 64, 128]

  private func typesOfValues(inputs shapes: [Shape]) throws(NetworkError) -> [String: ValueType] {
    guard shapes.count == inputs.count else { throw .inputCount(expected: inputs.count, got: shapes.count) }
    var result: [String: ValueType] = [:]
    var named: [String: (input: NetworkInput, shape: Shape, extent: Int)] = [:]
    for (input, shape) in zip(inputs, shapes) {
      guard input.accepts(shape), shape.valueFault == nil else { throw .inputShape(input, got: shape) }
      for case (let name?, let extent) in zip(input.axisNames, shape.extents) {
        if let first = named[name], first.extent != extent {
          throw .inputExtents(axis: name, first.input, first.shape, input, shape)
        }
        named[name] = (input, shape, extent)
      }
      result[input.name] = input.type(of: shape)
    }
    for (name, type) in graph.readParameters { result[name] = type }
    for node in nodes {
      var operands: [ValueType] = []
      for name in node.inputs {
        guard let type = result[name] else { throw .unknownValue(name, node: node.name) }
        operands.append(type)
      }
      do throws(TypeMismatch) {
        result[node.name] = try node.operation.outputType(operands)
      } catch {
        throw .shape(node: node.name, operation: node.operation.typeName, reason: error.reason)
      }
    }
    try checkUpdates(result)
    return result
  }

  private func checkUpdates(_ types: [String: ValueType]) throws(NetworkError) {
    guard !updates.isEmpty else { return }
    var parameters: [String: ValueType] = [:]
    for node in nodes {
      for parameter in node.operation.parameters { parameters[node.parameterName(parameter.role)] = parameter.type }
    }
    for update in updates {
      guard let expected = parameters[update.parameter] else { throw .unknownUpdate(update.parameter) }
      guard let got = types[update.value] else { throw .unknownUpdateValue(update.value, parameter: update.parameter) }
      guard got == expected else {
        throw .updateType(parameter: update.parameter, expected: expected, value: update.value, got: got)
      }
    }
  }
}

extension Shape {
  /// An image with other sides, where the input leaves them open.
  fileprivate func withSides(of input: NetworkInput, _ side: (Int) -> Int) -> Shape {
    guard input.channels != nil else { return self }
    var result = self
    for axis in [2, 3] where input.axes[axis] == nil { result[axis] = side(self[axis]) }
    return result
  }
}
