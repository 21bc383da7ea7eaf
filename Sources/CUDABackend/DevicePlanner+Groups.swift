import CUDAKernels
import Execution
import Networks
import Tensors

/// What looks at many elements at once: reductions, softmax, normalisations, products of matrices.
extension DevicePlanner {
  /// Which elements of a value belong together: all that differ along some of five axes, which are image, group of channels, channel of the
  /// group, row and column.
  struct Groups {
    let extents: [Int]
    let isReduced: [Bool]

    /// - Parameter axes: of the image.
    init(_ shape: Shape, axes: [Int], channelGroups: Int = 1) {
      extents = [
        shape.batch, channelGroups, shape.channels / channelGroups, shape.height, shape.width,
      ]
      // Groups of channels that are normalised each by itself are kept; one group of all goes with its channels.
      isReduced = [
        axes.contains(0), axes.contains(1) && channelGroups == 1, axes.contains(1),
        axes.contains(2), axes.contains(3),
      ]
    }

    /// Elements of each.
    var size: Int { zip(extents, isReduced).reduce(1) { $0 * ($1.1 ? $1.0 : 1) } }
    var count: Int { zip(extents, isReduced).reduce(1) { $0 * ($1.1 ? 1 : $1.0) } }

    /// Threads that look at one: as many as have something to do.
    var width: Int { size <= 8 ? 1 : size <= 4096 ? 32 : 256 }

    /// From one place along an axis to the next, in groups.
    var steps: [Int] {
      var steps = [0, 0, 0, 0, 0]
      var step = 1
      for axis in (0..<5).reversed() where !isReduced[axis] {
        steps[axis] = step
        step *= extents[axis]
      }
      return steps
    }

    func arguments(_ view: ValueView) -> GroupsArguments {
      let steps = [
        view.imageStep, view.channelStep * Int64(extents[2]), view.channelStep, view.rowStep,
        view.columnStep,
      ]
      func five<T>(_ values: [T]) -> (T, T, T, T, T) {
        (values[0], values[1], values[2], values[3], values[4])
      }
      return GroupsArguments(
        steps: five(steps), keptSteps: five(steps),
        extents: five(extents.indices.map { isReduced[$0] ? Int32(extents[$0]) : 1 }),
        keptExtents: five(extents.indices.map { isReduced[$0] ? 1 : Int32(extents[$0]) }))
    }
  }

  /// What a kernel finds in a group; reductions are 1 to 7.
  enum Found {
    static let sum: Int32 = 2
    static let sumOfSquares: Int32 = 4
    static let maximum: Int32 = 6
    static let sumOfExponentials: Int32 = 8
    static let maximumPlace: Int32 = 9
  }

  /// The places of a value's axes as an image's: of two axes they are batch and channels.
  mutating func reduce(
    _ node: Node, _ input: Int, _ groups: Groups, _ function: Int32, number: Float = 1,
    means: Int? = nil, to output: Int
  ) {
    let from = layout(input)
    let to = layout(output)
    let grid = LaunchGrid(
      x: (to.shape.height * to.shape.width * to.lanes * groups.width).ceilingDivided(by: 256),
      y: to.shape.batch)
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.reduce), grid: grid,
        reads: [input] + (means.map { [$0] } ?? []), writes: output
      ) { addresses, _ in
        var a = ReduceArguments()
        a.input = from.view(addresses.values[input])
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        a.groups = groups.arguments(a.input)
        a.means = means.flatMap { UnsafePointer(bitPattern: UInt(addresses.values[$0])) }
        (a.function, a.number) = (function, number)
        (a.size, a.width) = (Int32(groups.size), Int32(groups.width))
        return argumentBytes(a)
      })
  }

  /// One float32 a group.
  private mutating func numbers(_ groups: Groups) -> Int {
    program.add(
      DeviceLayout(planesOf: Shape(batch: 1, channels: 1, height: 1, width: groups.count)))
  }

  private mutating func normalize(
    _ node: Node, _ input: Int, _ groups: Groups, _ function: Int32, first: Int?, second: Int,
    epsilon: Float = 0
  ) throws(ExecutionError) {
    let output = try output(node)
    let from = layout(input)
    let to = layout(output)
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.normalize), grid: elementGrid(to),
        reads: [input, second] + (first.map { [$0] } ?? []),
        writes: output
      ) { addresses, _ in
        var a = NormalizeArguments()
        a.input = from.view(addresses.values[input])
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        a.first = first.flatMap { UnsafePointer(bitPattern: UInt(addresses.values[$0])) }
        a.second = UnsafePointer(bitPattern: UInt(addresses.values[second]))
        let steps = groups.steps.map(Int64.init)
        a.groupSteps = (steps[0], steps[1], steps[2], steps[3], steps[4])
        (a.channelsOfGroup, a.function, a.epsilon) = (Int32(groups.extents[2]), function, epsilon)
        return argumentBytes(a)
      })
  }

  mutating func planSoftmax(_ node: Node, _ payload: Softmax) throws(ExecutionError) {
    let input = try value(node.inputs[0])
    let groups = Groups(layout(input).shape, axes: [imageAxis(payload.axis, of: node.inputs[0])])
    let largest = numbers(groups)
    let sums = numbers(groups)
    reduce(node, input, groups, Found.maximum, to: largest)
    reduce(node, input, groups, Found.sumOfExponentials, means: largest, to: sums)
    try normalize(node, input, groups, 0, first: largest, second: sums)
  }

  mutating func planNormalization(_ node: Node, _ payload: Normalization) throws(ExecutionError) {
    let input = try value(node.inputs[0])
    let axes = payload.axes.map { imageAxis($0, of: node.inputs[0]) }
    let groups = Groups(layout(input).shape, axes: axes, channelGroups: payload.groups)
    let number = Float(groups.size)
    var means: Int?
    if payload.centres {
      let made = numbers(groups)
      reduce(node, input, groups, Found.sum, number: number, to: made)
      means = made
    }
    let squares = numbers(groups)
    reduce(node, input, groups, Found.sumOfSquares, number: number, means: means, to: squares)
    try normalize(node, input, groups, 1, first: means, second: squares, epsilon: payload.epsilon)
  }

  mutating func planReduction(_ node: Node, _ payload: Reduction) throws(ExecutionError) {
    let input = try value(node.inputs[0])
    let groups = Groups(layout(input).shape, axes: payload.axes.map { imageAxis($0, of: node.inputs[0]) })
    reduce(
      node, input, groups, payload.function.deviceNumber,
      number: payload.function == .mean ? Float(groups.size) : 1,
      to: try output(node))
  }

  mutating func planMaximumIndex(_ node: Node, _ payload: MaximumIndex) throws(ExecutionError) {
    let input = try value(node.inputs[0])
    let output = try output(node)
    let groups = Groups(layout(input).shape, axes: [imageAxis(payload.axis, of: node.inputs[0])])
    let most = [DeviceElement.float16: 2048, .bfloat16: 256][layout(output).element] ?? Int.max
    if groups.size > most {
      throw .unsupported(
        node: node.name, operation: node.operation.typeName, backend: CUDAEngine.backendName,
        reason: "its places are beyond \(most), to which \(layout(output).element.rawValue) counts")
    }
    reduce(node, input, groups, Found.maximumPlace, to: output)
  }

  /// A thread makes one element of the product.
  mutating func planMatrices(_ node: Node) throws(ExecutionError) {
    let left = try value(node.inputs[0])
    let right = try value(node.inputs[1])
    let output = try output(node)
    let layouts = [layout(left), layout(right)]
    let to = layout(output)
    // Of two axes rows are images and columns channels.
    let isFlat = shapes[node.name]?.rank == 2
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.multiplyMatrices), grid: elementGrid(to),
        reads: [left, right], writes: output
      ) { addresses, _ in
        var a = MatrixArguments()
        a.left = layouts[0].view(addresses.values[left])
        a.right = layouts[1].view(addresses.values[right])
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        if isFlat {
          (a.leftStep, a.left.channelStep) = (a.left.channelStep, 0)
          (a.rightStep, a.right.imageStep) = (a.right.imageStep, 0)
          a.products = Int32(layouts[0].shape.channels)
        } else {
          (a.leftStep, a.left.columnStep) = (a.left.columnStep, 0)
          (a.rightStep, a.right.rowStep) = (a.right.rowStep, 0)
          if layouts[0].shape.batch == 1 { a.left.imageStep = 0 }
          if layouts[1].shape.batch == 1 { a.right.imageStep = 0 }
          if layouts[0].shape.channels == 1 { a.left.channelStep = 0 }
          if layouts[1].shape.channels == 1 { a.right.channelStep = 0 }
          a.products = Int32(layouts[0].shape.width)
        }
        return argumentBytes(a)
      })
  }
}

extension Reduction.Function {
  /// What kernels know it by.
  fileprivate var deviceNumber: Int32 {
    switch self {
    case .mean: 1
    case .sum: 2
    case .sumOfMagnitudes: 3
    case .sumOfSquares: 4
    case .product: 5
    case .maximum: 6
    case .minimum: 7
    }
  }
}
