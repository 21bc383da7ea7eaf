import Networks
import Tensors

/// A convolution and the shapes it meets: all that the selector looks at.
package struct ConvolutionGeometry: Hashable, Sendable {
  package var batch: Int
  package var inChannels: Int
  package var inHeight: Int
  package var inWidth: Int
  package var outChannels: Int
  /// Before any pixel shuffle.
  package var outHeight: Int
  package var outWidth: Int
  package var kernel: Pair
  package var stride: Pair
  package var padding: Padding
  package var dilation: Pair
  package var groups: Int
  /// Whether integers are summed, and whether numbers are made of such sums rather than integers.
  package var sumsIntegers: Bool
  package var makesNumbers: Bool

  /// `output` is the shape before any pixel shuffle.
  package init(_ convolution: Convolution, input: Shape, output: Shape) {
    batch = input.batch
    inChannels = convolution.inChannels
    inHeight = input.height
    inWidth = input.width
    outChannels = convolution.outChannels
    outHeight = output.height
    outWidth = output.width
    kernel = convolution.kernel
    stride = convolution.stride
    padding = convolution.padding
    dilation = convolution.dilation
    groups = convolution.groups
    sumsIntegers = convolution.epilogue.sumsIntegers
    makesNumbers = sumsIntegers && convolution.epilogue.requantization == nil
  }

  /// The convolution without bias and epilogue.
  package var convolution: Convolution {
    Convolution(
      inChannels: inChannels, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
      groups: groups, hasBias: false)
  }

  package var taps: Int { kernel.height * kernel.width }
  package var multiplyAccumulates: Int { batch * outHeight * outWidth * outChannels * taps * (inChannels / groups) }
  package var isUnitStride: Bool { stride == Pair(1) && dilation == Pair(1) }
  package var isPointwise: Bool { kernel == Pair(1) && padding == Padding(0) }
  package var isDepthwise: Bool { groups > 1 && groups == inChannels && groups == outChannels }
}

extension ConvolutionGeometry {
  /// The geometry of a node of a network whose values have these shapes.
  package init?(_ node: Node, _ convolution: Convolution, shapes: [String: Shape]) {
    guard let (input, output) = node.images(shapes, channels: convolution.outChannels) else { return nil }
    self.init(convolution, input: input, output: output)
  }
}

extension Node {
  /// The shapes of the first input and of the output before any pixel shuffle, which has that many channels; nil where one of them is
  /// no image.
  package func images(_ shapes: [String: Shape], channels: Int) -> (input: Shape, output: Shape)? {
    guard let input = inputs.first.flatMap({ shapes[$0] }), let output = shapes[name], input.isImage, output.isImage else {
      return nil
    }
    let shuffle = operation.epilogue?.pixelShuffleFactor ?? 1
    return (
      input,
      Shape(batch: output.batch, channels: channels, height: output.height / shuffle, width: output.width / shuffle)
    )
  }
}
