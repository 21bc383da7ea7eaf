import Networks
import Tensors

/// What a layer multiplies with its weights to make one pixel of its output: a number for each input channel and tap of each group of channels.
struct LayerPixels {
  /// Where the inputs of a pixel lie along an axis; nil where one lies outside and is 0.
  private struct Axis {
    var kernel = 1
    var stride = 1
    var padding = 0
    var dilation = 1
    var isTransposed = false

    func input(_ output: Int, _ tap: Int, extent: Int) -> Int? {
      let place = isTransposed ? output + padding - tap * dilation : output * stride - padding + tap * dilation
      if !isTransposed { return place >= 0 && place < extent ? place : nil }
      guard place >= 0, place % stride == 0, place / stride < extent else { return nil }
      return place / stride
    }
  }

  let groups: Int
  /// The numbers of a pixel in one group.
  let terms: Int
  private let channels: Int
  private let vertical: Axis
  private let horizontal: Axis

  /// Nil for what is no layer of one sum of products.
  init?(_ operation: Operation) {
    guard let part = operation.linearParts.last, operation.linearParts.count == 1 else { return nil }
    (groups, terms, channels) = (part.groups, part.terms, part.inChannels)
    switch operation {
    case .convolution(let payload):
      vertical = Axis(
        kernel: payload.kernel.height, stride: payload.stride.height, padding: payload.padding.top,
        dilation: payload.dilation.height)
      horizontal = Axis(
        kernel: payload.kernel.width, stride: payload.stride.width, padding: payload.padding.left,
        dilation: payload.dilation.width)
    case .transposedConvolution(let payload):
      vertical = Axis(
        kernel: payload.kernel.height, stride: payload.stride.height, padding: payload.padding.top,
        dilation: payload.dilation.height, isTransposed: true)
      horizontal = Axis(
        kernel: payload.kernel.width, stride: payload.stride.width, padding: payload.padding.left,
        dilation: payload.dilation.width, isTransposed: true)
    case .linear: (vertical, horizontal) = (Axis(), Axis())
    default: return nil
    }
  }

  /// How high and wide the layer's sums are, before any pixel shuffle; nil where the input is none of the layer's.
  static func extents(_ operation: Operation, input: Shape) -> (height: Int, width: Int)? {
    do throws(TypeMismatch) {
      switch operation {
      case .convolution(let payload):
        let shape = try payload.shapeBeforeShuffle(input)
        return (shape.height, shape.width)
      case .transposedConvolution(let payload):
        let shape = try payload.shapeBeforeShuffle(input)
        return (shape.height, shape.width)
      case .linear: return (1, 1)
      default: return nil
      }
    } catch {
      return nil
    }
  }

  /// Writes the numbers of a pixel.
  ///
  /// - Parameters:
  ///   - input: `[N, channels, height, width]`, or `[N, channels]`.
  ///   - write: called with group, place in it, and number; numbers that are 0 are left out.
  func forEach(
    _ input: UnsafeBufferPointer<Float>, _ shape: Shape, image: Int, row: Int, column: Int,
    _ write: (_ group: Int, _ place: Int, _ number: Float) -> Void
  ) {
    let (height, width) = shape.rank == 4 ? (shape[2], shape[3]) : (1, 1)
    let perGroup = channels / groups, taps = vertical.kernel * horizontal.kernel
    for y in 0..<vertical.kernel {
      guard let inputRow = vertical.input(row, y, extent: height) else { continue }
      for x in 0..<horizontal.kernel {
        guard let inputColumn = horizontal.input(column, x, extent: width) else { continue }
        let start = (image * channels * height + inputRow) * width + inputColumn, tap = y * horizontal.kernel + x
        for channel in 0..<channels {
          write(channel / perGroup, channel % perGroup * taps + tap, input[start + channel * height * width])
        }
      }
    }
  }
}
