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
      guard let first = operands.first, let incoming = ratio[first], let window = node.operation.window,
        let factor = window.scale, !node.repeatsPixels(of: operands, shapes)
      else { return nil }
      var value = (numerator: incoming.numerator * factor.up, denominator: incoming.denominator * factor.down)
      let common = greatestCommonDivisor(value.numerator, value.denominator)
      value = (value.numerator / common, value.denominator / common)
      ratio[node.name] = value
      // The convolution's own grid lies before its pixel shuffle.
      let before = (numerator: value.numerator, denominator: value.denominator * window.shuffle)
      let needed = before.denominator * max(grid(node), 1)
      alignment = leastCommonMultiple(alignment, needed / greatestCommonDivisor(needed, before.numerator))
      guard alignment <= 1 << 20 else { return nil }
    }

    // One tile in the middle of a large image, followed back to the input.
    let origin = alignment << 20
    var needed: [String: Range<Int>] = [output: (origin * scale)..<((origin + alignment) * scale)]
    for node in network.nodes.reversed() {
      guard let region = needed[node.name], let window = node.operation.window else { continue }
      let shuffle = window.shuffle, grid = max(grid(node), 1)
      let before = region.lowerBound.floorDivided(by: shuffle)..<region.upperBound.ceilingDivided(by: shuffle)
      let first = before.lowerBound.floorDivided(by: grid) * grid..<before.upperBound.ceilingDivided(by: grid) * grid
      // The wider of both axes: tiles are square.
      let (rows, columns) = (window.vertical.inputs(of: first), window.horizontal.inputs(of: first))
      for (index, value) in node.inputs.enumerated() {
        // Inputs after the first are added or joined pixel by pixel.
        let read =
          index == 0
          ? min(rows.lowerBound, columns.lowerBound)..<max(rows.upperBound, columns.upperBound) : before
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

func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}

package func leastCommonMultiple(_ a: Int, _ b: Int) -> Int { a / greatestCommonDivisor(a, b) * b }
