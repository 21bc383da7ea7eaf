import Execution
import Networks
import Tensors

/// A way to make the gradient of a convolution's weight.
package enum WeightGradientMethod: KernelMethod {
  /// 3x3 of stride 1 by transforms of 4x4 pixels, or 2x2.
  case winograd4, winograd2
  /// One product for all taps, where x or the gradient lies in planes.
  case planes
  /// A product for each tap.
  case direct
  /// One kernel a channel.
  case depthwise
  /// Plain loops, for groups of several channels.
  case grouped

  package var description: String {
    switch self {
    case .winograd4: "winograd 4x4"
    case .winograd2: "winograd 2x2"
    case .planes: "planes"
    case .direct: "direct"
    case .depthwise: "depthwise"
    case .grouped: "grouped"
    }
  }
}

/// The gradient of a convolution's weight, and the shapes it meets.
package struct WeightGradientGeometry: ProductLayer {
  package var payload: Convolution
  package var batch: Int
  package var height: Int
  package var width: Int

  /// - Parameter g: of the output's gradient.
  package init(_ payload: Convolution, g: Shape) {
    self.payload = payload
    batch = g.batch
    height = g.height
    width = g.width
  }

  package init?(_ node: Node, _ payload: ConvolutionProduct, shapes: [String: Shape]) {
    guard payload.result == .weightGradient, node.inputs.count == 2, let g = shapes[node.inputs[1]], g.isImage else {
      return nil
    }
    self.init(payload.convolution, g: g)
  }

  /// To load a number and store it elsewhere.
  private static let numberCycles = 1.5

  package func refusal(of method: WeightGradientMethod) -> String? {
    let isDepthwise = payload.groups == payload.inChannels && payload.groups == payload.outChannels
    switch method {
    case .winograd4, .winograd2:
      if payload.kernel != Pair(3) { return "the kernel is \(payload.kernel.height)x\(payload.kernel.width)" }
      if payload.stride != Pair(1) { return "the stride is not 1" }
      if payload.dilation != Pair(1) { return "the dilation is not 1" }
      if payload.groups != 1 { return "there are \(payload.groups) groups" }
    case .planes:
      if payload.groups != 1 { return "there are \(payload.groups) groups" }
      if min(payload.inChannels, payload.outChannels) > ValueLayout.planarChannels {
        return "both sides have more than \(ValueLayout.planarChannels) channels"
      }
      if payload.dilation.width != 1 { return "the dilation is not 1" }
      if PlaneLines(payload) == nil { return "the stride is not 1" }
    case .direct: if payload.groups != 1 { return "there are \(payload.groups) groups" }
    case .depthwise: if !isDepthwise { return "there is not one kernel a channel" }
    case .grouped: break
    }
    return nil
  }

  package func cycles(of method: WeightGradientMethod, _ rates: KernelRates) -> Double {
    let pixels = Double(batch * height * width), taps = Double(payload.kernel.height * payload.kernel.width)
    let columns = Double(paddedChannels(payload.inChannels)), rows = Double(paddedChannels(payload.outChannels))
    func winograd(_ size: Int) -> Double {
      let tiles = Double(batch * ((height + size - 1) / size) * ((width + size - 1) / size))
      let positions = Double((size + 2) * (size + 2))
      // Transforms write each position of each channel once, and the weights are transformed back.
      let transformed = tiles * positions * (columns + rows) + positions * columns * rows
      return rates.float32Products(tiles * positions * columns * rows) + rates.scratch(transformed)
        + KernelRates.transformAdditions * transformed / rates.additions
    }
    switch method {
    case .winograd4: return winograd(4)
    case .winograd2: return winograd(2)
    case .planes:
      guard let lines = PlaneLines(payload) else { return .infinity }
      func extent(_ extent: Int, _ kernel: Int, _ dilation: Int, _ padding: Int) -> Int {
        lines.areOfInput ? extent : max(0, extent + dilation * (kernel - 1) - padding)
      }
      let (kernel, padding) = (payload.kernel, payload.padding)
      let area = Double(
        batch * extent(height, kernel.height, payload.dilation.height, padding.top + padding.bottom)
          * extent(width, kernel.width, 1, padding.left + padding.right))
      let sums = Double(PlaneWeightSumStep.rows(of: lines)), wide = lines.areOfInput ? rows : columns
      // Numbers are brought together one by one, and an image has sums of its own.
      return rates.float32Products(area * sums * wide) + area * Double(lines.lineCount) * Self.numberCycles
        + rates.scratch(Double(batch) * sums * wide)
    case .direct: return rates.float32Products(pixels * taps * columns * rows) + taps * columns * rows
    case .depthwise: return rates.depthwise(pixels * taps * columns)
    case .grouped: return pixels * taps * columns * rows
    }
  }
}
