import Networks
import Tensors

extension IntegerSums {
  /// What sums of integers need beside the operands.
  struct Scale {
    /// Of the operand.
    var zeroPoint: Int
    /// Holds the factors that make numbers of the sums.
    var multiplier: ParameterRole
  }
}

/// Operations on integers of 8 bits, and what makes them: each step in float32 is rounded by itself.
extension ReferenceKernel {
  /// Of a layer that sums integers; nil of one that sums float32.
  func integers(_ epilogue: Epilogue) -> IntegerSums.Scale? {
    epilogue.sumsIntegers ? IntegerSums.Scale(zeroPoint: zeroPoint, multiplier: .multiplier) : nil
  }

  func compute(_ operation: IntegerOperation, _ inputs: [Tensor]) -> Tensor? {
    let x = inputs[0]
    switch operation {
    case .quantize(let payload): return stored(x, payload.element) { payload.stored($0) }
    case .dequantize:
      guard let quantization = quantizations[0], let integers = x.integers else { return nil }
      return Tensor(x.shape, integers.map { Float(Int($0) - quantization.zeroPoint) * quantization.scale })
    case .add(let payload):
      guard inputs.count == 2, let first = quantizations[0], let second = quantizations[1] else { return nil }
      let sums = sum(rescaled(x, first, to: payload), rescaled(inputs[1], second, to: payload))
      return stored(sums, payload.element) { payload.stored($0) }
    case .lookup(let payload):
      guard let table = parameter(.table)?.integers, let integers = x.integers, let least = x.dataType.integers?.lowerBound
      else { return nil }
      return Tensor(x.shape, payload.element, integers: integers.map { Int(table[Int($0) - least]) })
    }
  }

  /// What the integers stand for, in units of the other scale.
  func rescaled(_ x: Tensor, _ quantization: ValueType.Quantization, to other: Requantization) -> Tensor {
    let ratio = other.ratio(of: quantization)
    return Tensor(x.shape, (x.integers ?? []).map { Float(Int($0) - quantization.zeroPoint) * ratio })
  }

  /// An integer of each number.
  func stored(_ x: Tensor, _ element: DataType, _ integer: (Float) -> Int) -> Tensor {
    Tensor(unsafeUninitialized: x.shape, element) { y in
      x.withFloats { numbers in
        for index in 0..<x.count { y[index] = UInt8(truncatingIfNeeded: integer(numbers[index])) }
      }
    }
  }

  func maximumOfIntegers(_ x: Tensor, _ pool: Pool, output: Shape) -> Tensor {
    let integers = x.integers ?? []
    var result = [Int](repeating: 0, count: output.count)
    forEachWindow(pool, x.shape, output: output) { index, pixels, _ in
      result[index] = pixels.map { Int(integers[$0]) }.max() ?? 0
    }
    return Tensor(output, x.dataType, integers: result)
  }

  func averageOfIntegers(_ x: Tensor, _ pool: Pool, output: Shape) -> Tensor {
    let integers = x.integers ?? []
    let step = Requantization(x.dataType, .init(scale: 1, zeroPoint: zeroPoint))
    var result = [Int](repeating: 0, count: output.count)
    forEachWindow(pool, x.shape, output: output) { index, pixels, padded in
      let sum = pixels.reduce(0) { $0 + Int(integers[$1]) - zeroPoint }
      let count = pool.countIncludesPadding ? padded : pixels.count
      result[index] = step.stored(Float(sum) * (1 / Float(count)))
    }
    return Tensor(output, x.dataType, integers: result)
  }
}
