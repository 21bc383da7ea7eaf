import CKernels
import Execution
import Networks

/// A way to run a convolution.
package enum ConvolutionMethod: KernelMethod {
  /// Winograd F(4x4, 3x3): 36 products where 144 are asked for.
  case winograd4
  /// Winograd F(2x2, 3x3): 16 products where 36 are asked for.
  case winograd2
  /// Few input channels, read from planes.
  case head
  /// Integers whose taps lie at the same places from every pixel: rows are read where they lie, and copied at the edges alone.
  case rows
  /// Few output channels, written to planes.
  case tail
  /// One kernel a channel.
  case depthwise
  /// 1x1 without padding: one product of matrices, or one for each group.
  case pointwise
  /// Any kernel, stride, padding and dilation: products over gathered rows.
  case direct

  package var description: String {
    switch self {
    case .winograd4: "Winograd F(4x4,3x3)"
    case .winograd2: "Winograd F(2x2,3x3)"
    case .head: "head"
    case .rows: "rows"
    case .tail: "tail"
    case .depthwise: "depthwise"
    case .pointwise: "pointwise"
    case .direct: "direct"
    }
  }

  /// The grid of output pixels on which an output depends, in its last bits, on its neighbours.
  package func outputGrid(_ dilation: Pair) -> Int {
    switch self {
    case .winograd4: 4 * leastCommonMultiple(dilation.height, dilation.width)
    case .winograd2: 2 * leastCommonMultiple(dilation.height, dilation.width)
    case .head, .rows, .tail, .depthwise, .pointwise, .direct: 1
    }
  }

  /// How the input lies.
  var inputOrder: ValueLayout.Order {
    switch self {
    case .head: .planar
    case .winograd4, .winograd2, .rows, .tail, .depthwise, .pointwise, .direct: .interleaved
    }
  }

  /// How the output lies.
  var outputOrder: ValueLayout.Order {
    switch self {
    case .tail: .planar
    case .winograd4, .winograd2, .head, .rows, .depthwise, .pointwise, .direct: .interleaved
    }
  }

  /// Whether its step can store columns in any order, and so spread them out as a pixel shuffle does.
  var storesAnywhere: Bool {
    switch self {
    case .winograd4, .winograd2, .head, .rows, .pointwise, .direct: true
    case .tail, .depthwise: false
    }
  }

  /// Whether its step reads the inputs of a concatenation from where they lie.
  var takesParts: Bool {
    switch self {
    case .winograd4, .winograd2: true
    case .head, .rows, .tail, .depthwise, .pointwise, .direct: false
    }
  }

  /// The widest dilation that Winograd's method takes: tiles of an image would have to be large.
  static let mostDilation = 32
}

extension ConvolutionGeometry: ProductLayer {
  package func refusal(of method: ConvolutionMethod) -> String? {
    let few = ValueLayout.planarChannels
    switch method {
    case .winograd4, .winograd2:
      if sumsIntegers { return "its transforms would take integers out of their range" }
      if kernel != Pair(3) { return "the kernel is \(kernel.height)x\(kernel.width), not 3x3" }
      if stride != Pair(1) { return "the stride is not 1" }
      let dilation = max(dilation.height, dilation.width)
      if dilation > ConvolutionMethod.mostDilation { return "the dilation is more than \(ConvolutionMethod.mostDilation)" }
      if groups != 1 { return "there are \(groups) groups" }
      if inChannels <= few { return "\(inChannels) input channels are too few to pay for the transforms" }
      if outChannels <= few { return "\(outChannels) output channels are too few to pay for the transforms" }
    case .head:
      if inChannels > few { return "there are more than \(few) input channels" }
      if groups != 1 { return "there are \(groups) groups" }
      // Rows and columns that a large stride steps over are copied, too, and so is padding.
      if HeadStep.copiedFloats(self) > max(2 * inChannels * inHeight * inWidth, 1 << 20) {
        return "copies of the rows would be larger than the image"
      }
    case .rows:
      if !sumsIntegers { return "it sums float32" }
      if inChannels <= few { return "the input is planar" }
      if groups != 1 { return "there are \(groups) groups" }
      if isPointwise { return "no pixel is read twice" }
      if taps * paddedChannels(inChannels) * Kernel.mostColumns > RowsStep.mostWeights {
        return "its weights leave the level-1 cache"
      }
    case .tail:
      if sumsIntegers, !makesNumbers { return "integers of its sums are stored by other steps" }
      if outChannels > few { return "there are more than \(few) output channels" }
      if inChannels <= few { return "the input is planar" }
      if !isUnitStride { return "stride and dilation are not 1" }
      if groups != 1 { return "there are \(groups) groups" }
      if kernel.height > Int(SW_TAIL_KERNEL_HEIGHT) { return "the kernel is taller than \(SW_TAIL_KERNEL_HEIGHT)" }
    case .depthwise:
      if !isDepthwise { return "it is no depthwise convolution" }
    case .pointwise:
      if !isPointwise { return "it is no 1x1 convolution without padding" }
      if inChannels <= few { return "the input is planar" }
    case .direct:
      if refusal(of: .head) == nil { return "the input is planar" }
    }
    return nil
  }

  package func cycles(of method: ConvolutionMethod, _ rates: KernelRates) -> Double {
    let rates = sumsIntegers ? rates.ofIntegers : rates
    let pixels = Double(batch * outHeight * outWidth)
    let depth = Double(inChannels), columns = Double(paddedChannels(outChannels))
    // With groups a block of columns reads the channels of its groups alone, at least as many as it has columns.
    let read = min(depth, max(depth / Double(groups), depth / columns * Double(SW_CHANNEL_BLOCK)))
    switch method {
    case .winograd4, .winograd2:
      let size = method == .winograd4 ? 4 : 2
      let positions = Double((size + 2) * (size + 2))
      let tiles = Double(WinogradColumns.tileCount(self, size: size))
      let transforms =
        tiles * positions * KernelRates.transformAdditions * (Double(paddedChannels(inChannels)) + columns) / rates.additions
      // Rounded up to whole register tiles, of which a small image fills the last in part.
      let rows = (tiles / 6).rounded(.up) * 6
      return rows * positions * depth * columns / (0.9 * rates.peak) + transforms
        + rates.float32Weights(positions * depth * columns)
    case .head:
      return pixels * (Double(taps) * depth * columns / (0.93 * rates.peak) + rates.stores(columns))
    case .rows:
      return rates.products(pixels * Double(taps) * depth * columns) * 0.9
        + rates.weights(Double(taps) * depth * columns)
    case .tail:
      return pixels * Double(taps) * Double(paddedChannels(inChannels) * outChannels) / (0.6 * rates.peak) + 10 * pixels
    case .depthwise: return rates.depthwise(pixels * Double(taps) * columns)
    case .pointwise: return rates.products(pixels * read * columns, sums: pixels * columns) + rates.weights(read * columns)
    case .direct:
      return rates.products(pixels * Double(taps) * read * columns, sums: pixels * columns) + 3 * pixels * Double(taps)
        + rates.weights(Double(taps) * read * columns)
    }
  }
}
