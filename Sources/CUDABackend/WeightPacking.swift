/// Weights as the kernels want them; each packing is described where its kernel is, in Sources/CUDAKernels.
enum WeightPacking {
  /// Bytes that are appended to: elements of 16 bits, or float32.
  struct Packed {
    private(set) var bytes: [UInt8] = []
    let element: DeviceElement

    mutating func append(_ value: Float) {
      switch element {
      case .float32: withUnsafeBytes(of: value.bitPattern) { bytes.append(contentsOf: $0) }
      case .float16: withUnsafeBytes(of: value.halfBits) { bytes.append(contentsOf: $0) }
      case .bfloat16:
        let pattern = value.bitPattern
        let bits = UInt16(
          truncatingIfNeeded: value.isNaN ? pattern >> 16 | 0x40 : (pattern &+ 0x7FFF &+ (pattern >> 16 & 1)) >> 16)
        withUnsafeBytes(of: bits) { bytes.append(contentsOf: $0) }
      }
    }

    /// The right operands of two products of m16n8k16: the weight of depth and output, 16 of each.
    mutating func appendRight(_ weight: (_ depth: Int, _ output: Int) -> Float) {
      for lane in 0..<32 {
        for eight in 0..<2 {
          for half in 0..<2 {
            for e in 0..<2 { append(weight(lane % 4 * 2 + e + half * 8, eight * 8 + lane / 4)) }
          }
        }
      }
    }

    /// The 3x3 weights of 16 channels.
    mutating func appendDepthwise(_ weight: (_ channel: Int, _ row: Int, _ column: Int) -> Float) {
      for tap in 0..<9 {
        for g in 0..<8 {
          for half in 0..<2 { append(weight(g + half * 8, tap / 3, tap % 3)) }
        }
      }
    }
  }

  /// The weight of an output and an input channel and a tap; 0 of channels that are not there.
  typealias Weight = (_ output: Int, _ input: Int, _ row: Int, _ column: Int) -> Float
  /// The weight of a channel and a tap; 0 of channels that are not there.
  typealias ChannelWeight = (_ channel: Int, _ row: Int, _ column: Int) -> Float

  /// `Dense`. `groups` are of 64 outputs; `inputs` is a multiple of 16.
  static func dense(groups: Int, inputs: Int, size: Int, _ element: DeviceElement, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: element)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for i in stride(from: 0, to: inputs, by: 16) {
        for column in 0..<size {
          for row in 0..<size {
            for j in stride(from: 0, to: 64, by: 16) { to.appendRight { weight(o + j + $1, i + $0, row, column) } }
          }
        }
      }
    }
    return to.bytes
  }

  /// `DenseHopper`, which takes 64 inputs and makes 64 outputs at once, `DenseWideHopper`, and `PointwiseHopper`, which has one tap; `inputs` is
  /// a multiple of those at once.
  static func denseHopper(
    groups: Int, inputs: Int, inputsAtOnce: Int, outputsAtOnce: Int, taps: Int = 9, _ element: DeviceElement, _ weight: Weight
  ) -> [UInt8] {
    var to = Packed(element: element)
    for o in stride(from: 0, to: groups * 64, by: outputsAtOnce) {
      for unit in stride(from: 0, to: inputs, by: inputsAtOnce) {
        for tap in 0..<taps {
          for i in stride(from: unit, to: unit + inputsAtOnce, by: 8) {
            for n in 0..<outputsAtOnce {
              for k in 0..<8 { to.append(weight(o + n, i + k, tap / 3, tap % 3)) }
            }
          }
        }
      }
    }
    return to.bytes
  }

  /// `DenseFloat`: a weight as two numbers of 19 bits. `inputs` is a multiple of 8.
  static func denseFloat(groups: Int, inputs: Int, size: Int, _ weight: Weight) -> [UInt8] {
    func firstPart(_ value: Float) -> Float { Float(bitPattern: value.bitPattern & 0xFFFF_E000) }
    var to = Packed(element: .float32)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for i in stride(from: 0, to: inputs, by: 8) {
        for column in 0..<size {
          for row in 0..<size {
            for j in stride(from: 0, to: 64, by: 8) {
              for lane in 0..<32 {
                let both = (0..<2).map { weight(o + j + lane / 4, i + lane % 4 + $0 * 4, row, column) }
                for value in both { to.append(firstPart(value)) }
                for value in both { to.append(value - firstPart(value)) }
              }
            }
          }
        }
      }
    }
    return to.bytes
  }

  /// `Separable`: depthwise, then pointwise. `inputs` is a multiple of 16.
  static func separable(
    groups: Int, inputs: Int, _ element: DeviceElement, depthwise: ChannelWeight, pointwise: Weight
  ) -> [UInt8] {
    var to = Packed(element: element)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for i in stride(from: 0, to: inputs, by: 16) {
        to.appendDepthwise { depthwise(i + $0, $1, $2) }
        for j in stride(from: 0, to: 64, by: 16) { to.appendRight { pointwise(o + j + $1, i + $0, 0, 0) } }
      }
    }
    return to.bytes
  }

  /// `Selection`: pointwise, then depthwise. `inputs` is a multiple of 16.
  static func selection(
    groups: Int, inputs: Int, _ element: DeviceElement, pointwise: Weight, depthwise: ChannelWeight
  ) -> [UInt8] {
    var to = Packed(element: element)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for i in stride(from: 0, to: inputs, by: 16) {
        for j in stride(from: 0, to: 64, by: 16) { to.appendRight { pointwise(o + j + $1, i + $0, 0, 0) } }
      }
      for j in stride(from: 0, to: 64, by: 16) { to.appendDepthwise { depthwise(o + j + $0, $1, $2) } }
    }
    return to.bytes
  }

  /// `Head`: depth is tap, then plane.
  static func head(groups: Int, planes: Int, _ element: DeviceElement, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: element)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for step in 0..<(9 * planes + 15) / 16 {
        for j in stride(from: 0, to: 64, by: 16) {
          to.appendRight { k, n in
            let depth = step * 16 + k, tap = depth / planes
            return depth < 9 * planes ? weight(o + j + n, depth % planes, tap / 3, tap % 3) : 0
          }
        }
      }
    }
    return to.bytes
  }

  /// `Tail`: 8 outputs. `inputs` is a multiple of 16.
  static func tail(inputs: Int, _ element: DeviceElement, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: element)
    for i in stride(from: 0, to: inputs, by: 16) {
      for column in 0..<3 {
        for row in 0..<3 {
          for lane in 0..<32 {
            for half in 0..<2 {
              for e in 0..<2 { to.append(weight(lane / 4, i + lane % 4 * 2 + e + half * 8, row, column)) }
            }
          }
        }
      }
    }
    return to.bytes
  }

  /// `Direct`: by row and column of taps, channel of the group and output; rounded to the element, as float32.
  static func direct(outputs: Int, inputs: Int, kernel: (Int, Int), _ element: DeviceElement, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: .float32)
    for row in 0..<kernel.0 {
      for column in 0..<kernel.1 {
        for i in 0..<inputs {
          for o in 0..<outputs {
            let value = weight(o, i, row, column)
            to.append(element == .float16 ? Float(halfBits: value.halfBits) : value)
          }
        }
      }
    }
    return to.bytes
  }
}
