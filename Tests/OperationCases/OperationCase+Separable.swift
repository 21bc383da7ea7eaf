import Networks
import Tensors

extension OperationCaseList {
  mutating func addSeparableConvolutions() {
    for order in SeparableConvolution.Order.allCases {
      addSeparableSizes(order)
      addSeparableAttributes(order)
    }
  }

  /// Channels and sizes around every register tile, with the usual 3x3.
  private mutating func addSeparableSizes(_ order: SeparableConvolution.Order) {
    let channels = [(64, 64), (16, 32), (5, 7), (48, 52), (3, 16), (16, 3), (1, 1), (96, 80), (130, 24)]
    let sizes: [(height: Int, width: Int, batch: Int)] = [(1, 1, 1), (5, 7, 2), (13, 33, 1), (2, 12, 1), (9, 25, 3)]
    for (inChannels, outChannels) in channels {
      for size in sizes {
        let shape = Shape(batch: size.batch, channels: inChannels, height: size.height, width: size.width)
        addSeparable(
          "\(order) \(inChannels) to \(outChannels) at \(shape)",
          SeparableConvolution(
            order: order, inChannels: inChannels, outChannels: outChannels, kernel: 3, padding: 1,
            depthwiseHasBias: size.height % 2 == 1, pointwiseHasBias: size.width % 2 == 1),
          shape)
      }
    }
  }

  /// Each attribute away from its usual value.
  private mutating func addSeparableAttributes(_ order: SeparableConvolution.Order) {
    func payload(
      _ kernel: Pair, stride: Pair = 1, padding: Padding, dilation: Pair = 1, middle: ActivationFunction? = nil,
      outChannels: Int = 36, _ steps: [Epilogue.Step] = []
    ) -> SeparableConvolution {
      SeparableConvolution(
        order: order, inChannels: 20, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding,
        dilation: dilation, middle: middle, epilogue: Epilogue(steps))
    }
    let cases: [(String, SeparableConvolution)] = [
      ("stride 2", payload(3, stride: 2, padding: 1)),
      ("5x5", payload(5, padding: 2)),
      ("5x5 stride 2", payload(5, stride: 2, padding: 2)),
      ("7x7", payload(7, padding: 3)),
      ("7x7 stride 2", payload(7, stride: 2, padding: 3)),
      ("1x1 stride 2", payload(1, stride: 2, padding: 0)),
      ("3x1 stride 1x2", payload(Pair(height: 3, width: 1), stride: Pair(height: 1, width: 2), padding: 0)),
      ("without padding", payload(3, padding: 0)),
      ("padding on one side", payload(3, padding: Padding(top: 0, left: 2, bottom: 1, right: 0))),
      ("padding beyond the kernel", payload(3, padding: 4)),
      ("windows in the padding alone", payload(2, stride: 5, padding: Padding(top: 12, left: 0, bottom: 16, right: 9))),
      ("dilation 2", payload(3, padding: 2, dilation: 2)),
      ("relu between", payload(3, padding: 1, middle: .relu)),
      ("prelu between", payload(3, padding: 1, middle: .prelu(channels: order == .depthwiseFirst ? 20 : 36))),
      ("clip between, relu", payload(3, padding: 1, middle: .clip(minimum: 0, maximum: 6), [.activation(.relu)])),
      ("scaled and added", payload(3, padding: 1, [.scale(0.1), .add])),
      ("added, relu", payload(3, padding: 1, [.add, .activation(.relu)])),
      ("prelu, added, tanh", payload(3, padding: 1, [.activation(.prelu(channels: 36)), .add, .activation(.tanh)])),
      ("leaky relu, shuffled", payload(3, padding: 1, [.activation(.leakyReLU(slope: 0.2)), .pixelShuffle(2)])),
      ("shuffled to planes", payload(3, padding: 1, outChannels: 12, [.pixelShuffle(2)])),
      ("added, shuffled", payload(3, padding: 1, [.add, .pixelShuffle(3)])),
    ]
    for (name, payload) in cases {
      addSeparable("\(order) \(name)", payload, Shape(batch: 2, channels: 20, height: 14, width: 11))
    }
  }
}
