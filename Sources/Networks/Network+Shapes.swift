import Tensors

extension Network {
  /// The shape of every value for inputs of these shapes, in the order of `inputs`. The network should be verified.
  ///
  /// Where it cannot take inputs of that size, the error names the nearest that it can.
  public func inferredShapes(inputs shapes: [Shape]) throws(NetworkError) -> [String: Shape] {
    do throws(NetworkError) {
      return try shapesOfValues(inputs: shapes)
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
        if candidate != shapes, (try? shapesOfValues(inputs: candidate)) != nil { return candidate }
      }
      return nil
    }
    return [first { $0 / $1 * $1 }, first { ($0 + $1 - 1) / $1 * $1 }].compactMap { $0 }
  }

  /// What the sides of images are tried to be multiples of: the levels of a U-Net halve them.
  private static let sizeUnits = [2, 4, 8, 16, 32, 64, 128]

  private func shapesOfValues(inputs shapes: [Shape]) throws(NetworkError) -> [String: Shape] {
    guard shapes.count == inputs.count else { throw .inputCount(expected: inputs.count, got: shapes.count) }
    var result: [String: Shape] = [:]
    var named: [String: (input: NetworkInput, shape: Shape, extent: Int)] = [:]
    for (input, shape) in zip(inputs, shapes) {
      guard input.accepts(shape), shape.valueFault == nil else { throw .inputShape(input, got: shape) }
      for case (let name?, let extent) in zip(input.axisNames, shape.extents) {
        if let first = named[name], first.extent != extent {
          throw .inputExtents(axis: name, first.input, first.shape, input, shape)
        }
        named[name] = (input, shape, extent)
      }
      result[input.name] = shape
    }
    for node in nodes {
      var operands: [Shape] = []
      for name in node.inputs {
        guard let shape = result[name] else { throw .unknownValue(name, node: node.name) }
        operands.append(shape)
      }
      do throws(ShapeMismatch) {
        result[node.name] = try node.operation.outputShape(operands)
      } catch {
        throw .shape(node: node.name, operation: node.operation.typeName, reason: error.reason)
      }
    }
    return result
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
