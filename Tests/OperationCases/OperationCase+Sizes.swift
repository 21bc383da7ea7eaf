import Networks
import Tensors

/// Operations whose sizes follow from the extents of operands.
extension OperationCaseList {
  mutating func addSizes() {
    let (height, width): (SizeExpression, SizeExpression) = (.extent(operand: 0, axis: 2), .extent(operand: 0, axis: 3))
    for method in Resize.Method.allCases {
      add("\(method.rawValue) to the size of another", [[2, 3, 5, 7], [1, 2, 8, 3]]) { builder, x in
        builder.resize("y", x[0], Resize(method: method, target: .size(of: 1)), following: [x[1]])
      }
      // The ending of a segmentation network, with a factor that is whole at this size and one that is not.
      add("\(method.rawValue) back to the size of the input", [[1, 4, 9, 8]]) { builder, x in
        let convolution = builder.convolution("c", x[0], outChannels: 6, kernel: 3, stride: 2, padding: 1)
        let pooled = builder.maximumPool("p", convolution, Pool(kernel: 2))
        return builder.resize("y", pooled, Resize(method: method, target: .size(of: 1)), following: [x[0]])
      }
      let half = Resize.Target.following(height: (height / 2).floor, width: .float32(width * .number(0.7 as Double)).floor)
      add("\(method.rawValue) to half and 0.7", [[1, 16, 5, 10]]) { builder, x in
        builder.resize("y", x[0], Resize(method: method, target: half, coordinates: .halfPixel))
      }
    }
    add("nearest to twice the size, by the size", [[2, 3, 5, 7]]) { builder, x in
      builder.resize("y", x[0], Resize(method: .nearest, target: .following(height: height * 2, width: width * 2)))
    }
    // Read for its extents only: the convolution is not computed.
    add("resize to the size of what nothing computes with", [[1, 3, 6, 7]]) { builder, x in
      let unused = builder.convolution("unused", x[0], outChannels: 8, kernel: 3, stride: 2)
      return builder.resize("y", x[0], Resize(method: .bilinear, target: .size(of: 1)), following: [unused])
    }
    for mode in Pad.Mode.allCases {
      func missing(_ extent: SizeExpression) -> SizeExpression { ((extent + 3) / 4).floor * 4 - extent }
      add("\(mode.rawValue) padding to a multiple of 4, cut back", [[2, 16, 6, 7]]) { builder, x in
        let growth = Pad.Growth(bottom: missing(height), right: missing(width))
        let padded = builder.pad("p", x[0], Pad(Padding(top: 1, left: 0, bottom: 0, right: 0), growth: growth, mode: mode))
        let convolution = builder.convolution("c", padded, outChannels: 16, kernel: 3, padding: 1)
        let bounds = [
          Slice.Span(axis: 2, from: 1, to: .extent(operand: 1, axis: 2) + 1),
          Slice.Span(axis: 3, from: 0, to: .extent(operand: 1, axis: 3)),
        ]
        return builder.slice("y", convolution, bounds, following: [x[0]])
      }
    }
    // The middle of a skip, joined with what is smaller.
    add("skip cut to the size of another", [[1, 16, 9, 10]]) { builder, x in
      let small = builder.convolution("c", x[0], outChannels: 16, kernel: 5)
      func before(_ axis: Int) -> SizeExpression {
        ((.extent(operand: 0, axis: axis) - .extent(operand: 1, axis: axis)) / 2).floor
      }
      let spans = (2..<4).map { axis in
        Slice.Span(axis: axis, from: before(axis), to: before(axis) + .extent(operand: 1, axis: axis))
      }
      return builder.concatenation("y", [builder.slice("s", x[0], spans, following: [small]), small])
    }
    add("reshape by extents", [[2, 6, 4, 6]]) { builder, x in
      let payload = Reshape([0, .extent(operand: 0, axis: 1) * 2, (height / 2).floor, width] as [SizeExpression])
      return builder.node("y", .reshape(payload), [x[0]], channels: 12)
    }
  }
}
