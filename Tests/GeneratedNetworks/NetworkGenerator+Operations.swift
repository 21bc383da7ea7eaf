import Networks
import Tensors

extension NetworkGenerator {
  /// Tries to add an operation of the kind; nothing happens where no value suits it.
  mutating func add(_ operation: OperationKind) {
    switch operation {
    case .convolution: addConvolution()
    case .separableConvolution: addSeparableConvolution()
    case .transposedConvolution: addTransposedConvolution()
    case .linear: addLinear()
    case .batchNorm: if let x = image() { add(.batchNorm(BatchNorm(channels: x.shape.channels)), [x]) }
    case .activation: addActivation()
    case .scale: add(.scale(Scale(factor: choices.pick([0.5, -1.25, 2]))), [operand()])
    case .channelAffine: if let x = image() { add(.channelAffine(ChannelAffine(channels: x.shape.channels)), [x]) }
    case .add:
      let x = operand()
      if let y = partner(where: { $0 == x.shape }) { add(.add, [x, y]) }
    case .binary: addBinary()
    case .matrixMultiply: addMatrixMultiply()
    case .concatenation: addConcatenation()
    case .pixelShuffle, .pixelUnshuffle: addShuffle(operation)
    case .resize: addResize()
    case .maximumPool: if let x = image() { add(.maximumPool(pool()), [x]) }
    case .averagePool: if let x = image() { add(.averagePool(pool()), [x]) }
    case .globalAveragePool: if let x = image() { add(.globalAveragePool, [x]) }
    case .flatten: add(.flatten, [operand()])
    case .slice: addSlice()
    case .pad: addPad()
    case .softmax: addSoftmax()
    case .reshape: addReshape()
    case .transpose: addTranspose()
    case .reduction: addReduction()
    case .maximumIndex:
      let x = operand(), axis = isTiled ? 1 : choices.below(x.shape.rank)
      add(.maximumIndex(MaximumIndex(axis: axis, keepsAxis: isTiled || x.shape.rank == 1 || choices.oneIn(2))), [x])
    case .normalization: addNormalization()
    case .expand: addExpand()
    case .constant: addConstant()
    case .integer: break
    case .training: addTraining()
    }
  }

  // MARK: Attributes

  private var isTiled: Bool { kind.isTiled }

  /// A kernel, mostly 3x3 or 1x1, square where an image is to be cut into tiles of one kind.
  private mutating func kernel() -> Pair {
    let size = choices.pick([(3, 6), (1, 4), (2, 1), (5, 2), (4, 1), (7, 1), (11, 1)])
    return choices.oneIn(5) ? Pair(height: choices.within(1...5), width: size) : Pair(size)
  }

  private mutating func stride() -> Pair {
    let stride = choices.pick([(1, 9), (2, 3), (3, 1), (5, 1), (40, isTiled ? 0 : 1)])
    return choices.oneIn(6) && !isTiled ? Pair(height: stride, width: choices.within(1...3)) : Pair(stride)
  }

  private mutating func dilation() -> Pair {
    choices.oneIn(5) ? Pair(height: choices.within(1...4), width: choices.within(1...3)) : Pair(1)
  }

  /// What keeps the size, or any.
  private mutating func padding(_ kernel: Pair, _ dilation: Pair = Pair(1)) -> Padding {
    if choices.oneIn(4) {
      return Padding(
        top: choices.within(0...3), left: choices.within(0...3), bottom: choices.within(0...3), right: choices.within(0...3))
    }
    let height = (kernel.height - 1) * dilation.height, width = (kernel.width - 1) * dilation.width
    return Padding(top: height / 2, left: width / 2, bottom: height - height / 2, right: width - width / 2)
  }

  private mutating func outChannels() -> Int { choices.pick([1, 2, 3, 4, 5, 8, 12, 16, 16, 17, 20, 32, 32, 36, 48, 64]) }

  /// A number of groups that divides both.
  private mutating func groups(_ a: Int, _ b: Int) -> Int {
    choices.oneIn(4) ? choices.pick((1...max(min(a, b), 1)).filter { a % $0 == 0 && b % $0 == 0 }) : 1
  }

  // MARK: Convolutions

  private mutating func addConvolution() {
    guard let x = image() else { return }
    let channels = x.shape.channels
    // One kernel a channel, or any.
    let out = choices.oneIn(5) ? channels * choices.pick([1, 1, 2]) : outChannels()
    let groups = out % channels == 0 && choices.oneIn(3) ? channels : groups(channels, out)
    let kernel = kernel(), dilation = dilation()
    add(
      .convolution(
        Convolution(
          inChannels: channels, outChannels: out, kernel: kernel, stride: stride(), padding: padding(kernel, dilation),
          dilation: dilation, groups: groups, hasBias: choices.oneIn(2))), [x])
  }

  private mutating func addSeparableConvolution() {
    guard let x = image() else { return }
    let kernel = kernel(), dilation = dilation()
    add(
      .separableConvolution(
        SeparableConvolution(
          order: choices.pick(SeparableConvolution.Order.allCases), inChannels: x.shape.channels, outChannels: outChannels(),
          kernel: kernel, stride: stride(), padding: padding(kernel, dilation), dilation: dilation,
          depthwiseHasBias: choices.oneIn(2), pointwiseHasBias: choices.oneIn(2), middle: choices.pick([nil, .relu, .silu]))),
      [x])
  }

  private mutating func addTransposedConvolution() {
    guard let x = image() else { return }
    let out = outChannels(), kernel = choices.oneIn(2) ? Pair(choices.within(2...4)) : kernel()
    let stride = choices.oneIn(2) ? kernel : Pair(choices.within(1...3)), dilation = dilation()
    // What makes the output a multiple of the input, or any.
    let excess = max(0, (kernel.height - 1) * dilation.height + 1 - stride.height)
    let sides = choices.oneIn(3) ? choices.within(0...2) : excess / 2
    add(
      .transposedConvolution(
        TransposedConvolution(
          inChannels: x.shape.channels, outChannels: out, kernel: kernel, stride: isTiled ? Pair(stride.height) : stride,
          padding: Padding(top: sides, left: sides, bottom: excess - excess / 2, right: sides),
          outputPadding: choices.oneIn(4) ? Pair(height: 1, width: 0) : Pair(0), dilation: dilation,
          groups: groups(x.shape.channels, out), hasBias: choices.oneIn(2))), [x])
  }

  private mutating func addLinear() {
    guard let x = values.last(where: { $0.shape.rank == 2 }) ?? add(.flatten, [operand()]) else { return }
    add(.linear(Linear(inFeatures: x.shape[1], outFeatures: outChannels(), hasBias: choices.oneIn(2))), [x])
  }

  // MARK: Element by element

  private mutating func addActivation() {
    let x = operand()
    let channels = x.shape.rank > 1 ? x.shape[1] : 1
    let functions: [ActivationFunction] = [
      .relu, .relu, .relu, .leakyReLU(slope: 0.1), .prelu(channels: 1), .prelu(channels: channels),
      .clip(minimum: 0, maximum: 1), .hardSigmoid(alpha: 0.2, beta: 0.5), .elu(alpha: 1.5), .celu(alpha: 0.7),
      .thresholdedReLU(alpha: 0.3), .power(exponent: 1.5), .power(exponent: -2),
    ]
    let function = choices.pick(functions + ActivationFunction.plain)
    // Where not every number has a value, some are taken that have.
    let argument = function.keepsFinite ? x : add(.activation(.clip(minimum: 0.5, maximum: 2)), [x])
    if let argument { add(.activation(function), [argument]) }
  }

  private mutating func addBinary() {
    let x = operand()
    let function = choices.pick(BinaryFunction.allCases)
    guard
      let y = partner(where: { shape in
        shape.rank == x.shape.rank
          && shape.extents.indices.allSatisfy { shape[$0] == x.shape[$0] || shape[$0] == 1 || x.shape[$0] == 1 }
      })
    else { return }
    var operands = choices.oneIn(3) ? [y, x] : [x, y]
    // Kept away from 0 for what is not defined there.
    if function == .divide || function == .power {
      let place = function == .divide ? 1 : 0
      guard let clipped = add(.activation(.clip(minimum: 0.5, maximum: 2)), [operands[place]]) else { return }
      operands[place] = clipped
    }
    add(.binary(function), operands)
  }

  private mutating func addMatrixMultiply() {
    let x = operand(), rank = x.shape.rank
    guard rank >= 2 else { return }
    func suits(_ shape: Shape) -> Bool {
      shape.rank == rank && shape[rank - 2] == x.shape[rank - 1] && shape.extents.dropLast(2) == x.shape.extents.dropLast(2)
    }
    if let y = partner(where: suits) {
      add(.matrixMultiply, [x, y])
      return
    }
    // By its own transpose.
    let permutation = Array(0..<rank - 2) + [rank - 1, rank - 2]
    if let y = add(.transpose(Transpose(permutation)), [x]) { add(.matrixMultiply, [x, y]) }
  }

  private mutating func addConcatenation() {
    let x = operand()
    // Of the channels mostly.
    let axis = isTiled || choices.below(5) > 0 ? 1 : choices.below(x.shape.rank)
    var parts = [x]
    for _ in 0..<choices.within(1...3) {
      let y = partner { shape in
        shape.rank == x.shape.rank && shape.extents.indices.allSatisfy { $0 == axis || shape[$0] == x.shape[$0] }
      }
      if let y { parts.append(y) }
    }
    if choices.oneIn(2) { parts.reverse() }
    if parts.count > 1 { add(.concatenation(Concatenation(axis: axis)), parts) }
  }

  // MARK: Pixels

  private mutating func addShuffle(_ kind: OperationKind) {
    guard let x = image() else { return }
    let order = choices.pick(PixelShuffleOrder.allCases)
    if kind == .pixelShuffle {
      let factors = [2, 3, 4, 1].filter { x.shape.channels % ($0 * $0) == 0 }
      add(.pixelShuffle(PixelShuffle(factor: choices.pick(factors), order: order)), [x])
    } else {
      let factors = [2, 3, 4, 1].filter { x.shape.height % $0 == 0 && x.shape.width % $0 == 0 }
      add(.pixelUnshuffle(PixelUnshuffle(factor: choices.pick(factors), order: order)), [x])
    }
  }

  private mutating func addResize() {
    guard let x = image() else { return }
    var operands = [x]
    // To the size of another value.
    if !isTiled, choices.oneIn(4), let like = partner(where: \.isImage) { operands.append(like) }
    let target: Resize.Target =
      switch operands.count > 1 ? 4 : choices.below(isTiled ? 1 : 4) {
      case 4: .size(of: 1)
      case 0: .factor(height: Float(choices.within(1...3)), width: Float(choices.within(1...3)))
      case 1: .factor(height: choices.pick([0.5, 1.5, 0.4, 2.25]), width: choices.pick([0.5, 1.5, 1]))
      default: .size(Pair(height: choices.within(1...(2 * x.shape.height)), width: choices.within(1...(2 * x.shape.width))))
      }
    add(
      .resize(
        Resize(
          method: choices.pick(Resize.Method.allCases), target: isTiled ? .factor(height: 2, width: 2) : target,
          coordinates: choices.pick(Resize.Coordinates.allCases), rounding: choices.pick(Resize.Rounding.allCases))), operands)
  }

  mutating func pool() -> Pool {
    let kernel = choices.pick([Pair(2), Pair(3), Pair(2), Pair(height: 3, width: 2), Pair(5), Pair(1)])
    let stride = choices.oneIn(2) ? kernel : Pair(choices.within(1...3))
    let side = choices.below(min(kernel.height, kernel.width)), other = choices.below(min(kernel.height, kernel.width))
    return Pool(
      kernel: kernel, stride: isTiled ? Pair(stride.height) : stride,
      padding: Padding(top: side, left: side, bottom: other, right: side), ceilMode: choices.oneIn(3),
      countIncludesPadding: choices.oneIn(2))
  }

  private mutating func addSlice() {
    let x = operand()
    var spans: [Slice.Span] = []
    for axis in 0..<x.shape.rank where choices.oneIn(axis == 0 ? 6 : 2) {
      let extent = x.shape[axis]
      let start = choices.below(max(extent / 2, 1)), end = choices.within(start + 1...extent)
      // Counted from the front or from the back.
      spans.append(
        Slice.Span(
          axis: axis, start: choices.oneIn(3) ? start - extent : start,
          end: choices.pick([nil, end, end - extent == 0 ? nil : end - extent]), step: choices.pick([1, 1, 1, 2, 3])))
    }
    if !spans.isEmpty { add(.slice(Slice(spans)), [x]) }
  }

  private mutating func addPad() {
    guard let x = image() else { return }
    let mode = choices.pick(Pad.Mode.allCases), shape = x.shape
    func side(_ extent: Int) -> Int {
      let most = mode == .reflect ? extent - 1 : 40
      return min(choices.pick([0, 1, 2, choices.within(0...9), choices.within(0...40)]), most)
    }
    let sides = Padding(
      top: side(shape.height), left: side(shape.width), bottom: side(shape.height), right: side(shape.width))
    let wide = mode == .constant && choices.oneIn(4)
    add(
      .pad(
        Pad(
          sides, channelsBefore: wide ? choices.below(20) : 0, channelsBehind: wide ? choices.below(20) : 0, mode: mode,
          value: mode == .constant ? choices.pick([0, 0.5, -2]) : 0)), [x])
  }

  // MARK: Axes

  private mutating func addSoftmax() {
    let x = operand(), last = x.shape.rank - 1
    add(.softmax(Softmax(axis: choices.pick([min(1, last), last, choices.below(last + 1)]))), [x])
  }

  private mutating func addReshape() {
    let x = operand(), extents = x.shape.extents
    // Two neighbours as one, one as two, or all that is left as the last.
    var result = extents
    let axis = choices.below(extents.count)
    switch choices.below(3) {
    case 0 where extents.count > 1:
      let axis = min(axis, extents.count - 2)
      result.replaceSubrange(axis..<axis + 2, with: [extents[axis] * extents[axis + 1]])
    case 1 where extents.count < Limits.rank:
      let factor = choices.pick([2, 3, 4, 1].filter { extents[axis] % $0 == 0 })
      result.replaceSubrange(axis..<axis + 1, with: [factor, extents[axis] / factor])
    default: result[axis] = -1
    }
    add(.reshape(Reshape(result)), [x])
  }

  private mutating func addTranspose() {
    let x = operand()
    var permutation = Array(0..<x.shape.rank)
    for index in permutation.indices.dropLast() { permutation.swapAt(index, choices.within(index...permutation.count - 1)) }
    add(.transpose(Transpose(permutation)), [x])
  }

  private mutating func addReduction() {
    let x = operand()
    let axes = isTiled ? [1] : (0..<x.shape.rank).filter { _ in choices.oneIn(2) }
    let keepsAxes = isTiled || choices.oneIn(2) || axes.count == x.shape.rank
    if !axes.isEmpty {
      add(.reduction(Reduction(choices.pick(Reduction.Function.allCases), axes: axes, keepsAxes: keepsAxes)), [x])
    }
  }

  private mutating func addNormalization() {
    let x = operand()
    let axes = isTiled ? [1] : (0..<x.shape.rank).filter { _ in choices.oneIn(2) }
    guard !axes.isEmpty else { return }
    let groups = axes.contains(1) && choices.oneIn(2) ? choices.pick([2, 4, 3, 1].filter { x.shape[1] % $0 == 0 }) : 1
    add(
      .normalization(Normalization(axes: axes, groups: groups, epsilon: choices.pick([1e-5, 0.1]), centres: choices.oneIn(2))),
      [x])
  }

  private mutating func addExpand() {
    let x = operand()
    let extents = x.shape.extents.map { $0 == 1 && choices.oneIn(2) ? choices.within(1...9) : choices.pick([$0, 1]) }
    add(.expand(Expand(extents)), [x])
  }

  /// A constant, met by a value: with the same extents, or repeated along some axes.
  private mutating func addConstant() {
    let x = operand()
    let extents = x.shape.extents.enumerated().map { axis, extent in
      isTiled && axis > 1 ? 1 : axis > 0 && choices.oneIn(2) ? extent : 1
    }
    guard let constant = add(.constant(Constant(Shape(extents))), []) else { return }
    add(
      .binary(choices.pick([.add, .multiply, .maximum, .subtract, .less])), choices.oneIn(2) ? [x, constant] : [constant, x])
  }
}
