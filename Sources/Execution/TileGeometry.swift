import Networks
import Tensors

/// How an image may be cut so that the tiles, run one by one, give the same bits as the whole image.
///
/// A tile begins at a multiple of `alignment`, is read with `halo` more pixels on each side (fewer where the image ends), and its
/// own part of the result is kept: `scale` output pixels for an input pixel, along both axes.
public struct TileGeometry: Hashable, Codable, Sendable {
  /// In input pixels; at least 1.
  public var alignment: Int
  /// In input pixels; a multiple of `alignment`.
  public var halo: Int
  /// Output pixels per input pixel along each axis.
  public var scale: Int

  public init(alignment: Int, halo: Int, scale: Int) {
    self.alignment = alignment
    self.halo = halo
    self.scale = scale
  }

  /// The geometry for a network of one image input and one image output; nil where it cannot be tiled: a node looks at the whole
  /// image, or fixes its size, or the output's size is no whole multiple of the input's.
  ///
  /// - Parameter grid: the grid of output pixels that a node's kernel works on; see `Backend.outputGrid`.
  public init?(of network: Network, shapes: [String: Shape], grid: (Node) -> Int) {
    guard network.inputs.count == 1, network.inputs[0].isImageOfAnySize, network.outputs.count == 1,
      let output = network.outputs.first,
      let inputShape = shapes[network.inputs[0].name], let outputShape = shapes[output], inputShape.isImage,
      outputShape.isImage, outputShape.height % inputShape.height == 0
    else { return nil }
    let scale = outputShape.height / inputShape.height
    guard outputShape.width == inputShape.width * scale else { return nil }

    // How large each value is beside the input: numerator / denominator, and the alignment that puts every grid on its lines.
    var ratio: [String: (numerator: Int, denominator: Int)] = [network.inputs[0].name: (1, 1)]
    var alignment = 1
    // Constants that are the same for every pixel.
    var everywhere: Set<String> = []
    for node in network.nodes {
      if case .constant(let payload) = node.operation {
        guard payload.shape.isImage, payload.shape.height == 1, payload.shape.width == 1 else { return nil }
        everywhere.insert(node.name)
        continue
      }
      let operands = node.inputs.filter { !everywhere.contains($0) }
      if operands.count < node.inputs.count { guard case .binary = node.operation else { return nil } }
      guard let first = operands.first, let incoming = ratio[first], let factor = node.operation.sizeFactor,
        !node.repeatsPixels(of: operands, shapes)
      else { return nil }
      var value = (numerator: incoming.numerator * factor.up, denominator: incoming.denominator * factor.down)
      let common = greatestCommonDivisor(value.numerator, value.denominator)
      value = (value.numerator / common, value.denominator / common)
      ratio[node.name] = value
      // The convolution's own grid lies before its pixel shuffle.
      let shuffle = node.operation.shuffleFactor
      let before = (numerator: value.numerator, denominator: value.denominator * shuffle)
      let needed = before.denominator * max(grid(node), 1)
      alignment = leastCommonMultiple(alignment, needed / greatestCommonDivisor(needed, before.numerator))
      guard alignment <= 1 << 20 else { return nil }
    }

    // One tile in the middle of a large image, followed back to the input.
    let origin = alignment << 20
    var needed: [String: Range<Int>] = [output: (origin * scale)..<((origin + alignment) * scale)]
    for node in network.nodes.reversed() {
      guard let region = needed[node.name] else { continue }
      let shuffle = node.operation.shuffleFactor
      let before = region.lowerBound.floorDivided(by: shuffle)..<region.upperBound.ceilingDivided(by: shuffle)
      for (index, value) in node.inputs.enumerated() {
        // Inputs after the first are added or joined pixel by pixel.
        guard let read = index == 0 ? node.operation.inputRegion(of: before, grid: grid(node)) : before else { return nil }
        let old = needed[value] ?? read
        needed[value] = min(old.lowerBound, read.lowerBound)..<max(old.upperBound, read.upperBound)
      }
    }
    guard let read = needed[network.inputs[0].name] else { return nil }
    let reach = max(origin - read.lowerBound, read.upperBound - origin - alignment, 0)
    self.init(alignment: alignment, halo: reach.ceilingDivided(by: alignment) * alignment, scale: scale)

    // Tiles are whole multiples of the alignment high and wide, but for the last ones; what is lost at the end of one, as by a stride that
    // does not divide it, may be lost at the end of the image alone.
    let length = 2 * (alignment + halo)
    let last = (height: length + inputShape.height % alignment, width: length + inputShape.width % alignment)
    for (height, width) in [(length, length), (length, last.width), (last.height, length), last] {
      var tile = inputShape
      (tile[2], tile[3]) = (height, width)
      let shape = (try? network.inferredShapes(inputs: [tile]))?[output]
      guard let shape, shape.height == height * scale, shape.width == width * scale else { return nil }
    }
  }
}

extension Node {
  /// Whether it spreads one row or column over many, which would be another one in a tile.
  fileprivate func repeatsPixels(of values: [String], _ shapes: [String: Shape]) -> Bool {
    guard case .binary = operation, let output = shapes[name] else { return false }
    for value in values where shapes[value]?.height != output.height || shapes[value]?.width != output.width { return true }
    return false
  }
}

extension Operation {
  /// By how much the operation changes height and width; nil where output pixels do not lie along input pixels.
  fileprivate var sizeFactor: (up: Int, down: Int)? {
    switch self {
    case .convolution(let payload):
      guard payload.stride.height == payload.stride.width else { return nil }
      return (payload.epilogue.pixelShuffleFactor, payload.stride.height)
    case .separableConvolution(let payload):
      guard payload.stride.height == payload.stride.width else { return nil }
      return (payload.epilogue.pixelShuffleFactor, payload.stride.height)
    case .transposedConvolution(let payload):
      guard payload.stride.height == payload.stride.width else { return nil }
      return (payload.stride.height * payload.epilogue.pixelShuffleFactor, 1)
    case .maximumPool(let pool), .averagePool(let pool):
      guard pool.stride.height == pool.stride.width else { return nil }
      return (1, pool.stride.height)
    case .pixelShuffle(let payload): return (payload.factor, 1)
    case .pixelUnshuffle(let payload): return (1, payload.factor)
    case .resize(let payload):
      // Other factors, sizes and corners put different pixels of a period, or of the whole image, at different fractions.
      guard let factor = payload.wholeFactor, payload.coordinates != .alignCorners else { return nil }
      return (factor, 1)
    case .slice(let payload):
      guard let offsets = payload.pixelOffsets else { return nil }
      return (1, offsets.step)
    case .softmax(let payload): return payload.axis == 1 ? (1, 1) : nil
    case .reduction(let payload): return payload.axes == [1] && payload.keepsAxes ? (1, 1) : nil
    case .normalization(let payload): return payload.axes == [1] ? (1, 1) : nil
    case .concatenation(let payload): return payload.axis == 1 ? (1, 1) : nil
    // What grows with the size of the image grows otherwise in a tile.
    case .pad(let payload): return payload.growth == nil ? (1, 1) : nil
    case .batchNorm, .activation, .scale, .channelAffine, .add, .binary: return (1, 1)
    case .constant, .expand, .linear, .matrixMultiply, .globalAveragePool, .flatten, .reshape, .transpose: return nil
    }
  }

  /// The factor of the pixel shuffle that closes a convolution's epilogue.
  fileprivate var shuffleFactor: Int { epilogue?.pixelShuffleFactor ?? 1 }

  /// The rows (or columns) of the first input that rows `region` of the output, before any pixel shuffle of an epilogue, look at.
  fileprivate func inputRegion(of region: Range<Int>, grid: Int) -> Range<Int>? {
    let low = region.lowerBound, high = region.upperBound
    // The wider of both axes: tiles are square.
    func window(_ kernel: Pair, _ stride: Int, _ padding: Padding, _ dilation: Pair, _ low: Int, _ high: Int) -> Range<Int> {
      let reach = max(dilation.height * (kernel.height - 1), dilation.width * (kernel.width - 1)) + 1
      return (low * stride - max(padding.top, padding.left))..<((high - 1) * stride + reach - min(padding.top, padding.left))
    }
    switch self {
    case .convolution(let payload):
      let first = low.floorDivided(by: grid) * grid, end = high.ceilingDivided(by: grid) * grid
      return window(payload.kernel, payload.stride.height, payload.padding, payload.dilation, first, end)
    case .separableConvolution(let payload):
      return window(payload.kernel, payload.stride.height, payload.padding, payload.dilation, low, high)
    case .maximumPool(let pool), .averagePool(let pool):
      return window(pool.kernel, pool.stride.height, pool.padding, Pair(1), low, high)
    case .transposedConvolution(let payload):
      let reach = max(
        payload.dilation.height * (payload.kernel.height - 1), payload.dilation.width * (payload.kernel.width - 1))
      let least = min(payload.padding.top, payload.padding.left), most = max(payload.padding.top, payload.padding.left)
      let stride = payload.stride.height
      return (low + least - reach).floorDivided(by: stride)..<((high - 1 + most).floorDivided(by: stride) + 1)
    case .pixelShuffle(let payload):
      return low.floorDivided(by: payload.factor)..<high.ceilingDivided(by: payload.factor)
    case .pixelUnshuffle(let payload): return (low * payload.factor)..<(high * payload.factor)
    case .resize(let payload):
      guard let factor = payload.wholeFactor else { return nil }
      let margin =
        switch payload.method {
        case .nearest: payload.coordinates == .asymmetric && payload.rounding == .floor ? 0 : 1
        case .bilinear: 1
        case .bicubic: 2
        }
      return (low.floorDivided(by: factor) - margin)..<(high.ceilingDivided(by: factor) + margin)
    case .slice(let payload):
      guard let offsets = payload.pixelOffsets else { return nil }
      return (low * offsets.step + offsets.least)..<((high - 1) * offsets.step + offsets.most + 1)
    case .pad(let payload):
      let sides = payload.padding
      // At the image's edge a pixel beyond it is read from up to twice as far inside.
      let widest = max(max(sides.top, sides.bottom), max(sides.left, sides.right))
      let margin =
        switch payload.mode {
        case .constant: 0
        case .edge: widest
        case .reflect: 2 * widest
        }
      return (low - max(sides.top, sides.left) - margin)..<(high - min(sides.top, sides.left) + margin)
    case .batchNorm, .activation, .scale, .channelAffine, .add, .binary, .concatenation, .softmax, .reduction,
      .normalization:
      return region
    case .constant, .expand, .linear, .matrixMultiply, .globalAveragePool, .flatten, .reshape, .transpose: return nil
    }
  }
}

extension Slice {
  /// Which pixels are taken: one in `step` along both axes, from the first row or column `least`, the other `most`. Nil where that
  /// depends on the size of the image, or axes differ in their steps, or items of the batch are taken.
  fileprivate var pixelOffsets: (step: Int, least: Int, most: Int)? {
    var starts = [0, 0], steps = [1, 1]
    for span in spans where span.axis != 1 {
      // What ends before the last row or column only leaves out what lies behind.
      guard span.axis == 2 || span.axis == 3, let bounds = span.bounds, bounds.start >= 0, bounds.end.map({ $0 < 0 }) ?? true
      else { return nil }
      starts[span.axis - 2] = bounds.start
      steps[span.axis - 2] = span.step
    }
    return steps[0] == steps[1] ? (steps[0], min(starts[0], starts[1]), max(starts[0], starts[1])) : nil
  }
}

extension Int {
  fileprivate func floorDivided(by divisor: Int) -> Int {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }

  fileprivate func ceilingDivided(by divisor: Int) -> Int { -(-self).floorDivided(by: divisor) }
}

func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}

package func leastCommonMultiple(_ a: Int, _ b: Int) -> Int { a / greatestCommonDivisor(a, b) * b }
