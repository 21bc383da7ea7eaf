/// Weights as the kernels want them; each packing is described where its kernel is, in Sources/CUDAKernels.
enum WeightPacking {
  /// Bytes that are appended to: elements of 16 bits, or float32.
  struct Packed {
    private(set) var bytes: [UInt8] = []
    let element: DeviceElement

    mutating func append(_ value: Float) {
      switch element {
      case .uint8, .int8: preconditionFailure("integers are packed as they are")
      case .float32: withUnsafeBytes(of: value.bitPattern) { bytes.append(contentsOf: $0) }
      case .float16: withUnsafeBytes(of: value.halfBits) { bytes.append(contentsOf: $0) }
      case .bfloat16: withUnsafeBytes(of: value.bfloat16Bits) { bytes.append(contentsOf: $0) }
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

    /// The right operands of m16n8k8 for the parts of the weights, each of 19 bits: the weight of depth and output, 8 of each.
    mutating func appendRightFloat(
      _ products: CUDAKernel.FloatProducts = .three, _ weight: (_ depth: Int, _ output: Int) -> Float
    ) {
      for lane in 0..<32 {
        let both = (0..<2).map { parts(of: weight(lane % 4 + $0 * 4, lane / 4), products) }
        for part in both[0].indices { for value in both { append(value[part]) } }
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

  /// `DenseIntegers`: units of 32 inputs, as int8.
  static func denseIntegers(
    groups: Int, inputs: Int, size: Int, _ weight: (_ output: Int, _ input: Int, _ row: Int, _ column: Int) -> Int32
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for i in stride(from: 0, to: inputs, by: 32) {
        for column in 0..<size {
          for row in 0..<size {
            for j in stride(from: o, to: o + 64, by: 16) {
              for lane in 0..<32 {
                for (eight, half) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                  for e in 0..<4 {
                    bytes.append(
                      UInt8(truncatingIfNeeded: weight(j + eight * 8 + lane / 4, i + lane % 4 * 4 + e + half * 16, row, column))
                    )
                  }
                }
              }
            }
          }
        }
      }
    }
    return bytes
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

  /// A number as those of 19 bits, which are all that products of TF32 look at: two of them, or the nearest one.
  private static func parts(of value: Float, _ products: CUDAKernel.FloatProducts) -> [Float] {
    switch products {
    case .three:
      let first = Float(bitPattern: value.bitPattern & 0xFFFF_E000)
      return [first, value - first]
    case .one: return [value.isFinite ? Float(bitPattern: (value.bitPattern + 0x1000) & 0xFFFF_E000) : value]
    }
  }

  /// `DenseFloat`: a weight as one or two numbers of 19 bits. `inputs` is a multiple of 8.
  static func denseFloat(
    groups: Int, inputs: Int, size: Int, _ products: CUDAKernel.FloatProducts, _ weight: Weight
  ) -> [UInt8] {
    var to = Packed(element: .float32)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for i in stride(from: 0, to: inputs, by: 8) {
        for column in 0..<size {
          for row in 0..<size {
            for j in stride(from: 0, to: 64, by: 8) {
              to.appendRightFloat(products) { weight(o + j + $1, i + $0, row, column) }
            }
          }
        }
      }
    }
    return to.bytes
  }

  /// `DenseWideFloatHopper`: likewise. `inputs` is a multiple of 8.
  static func denseWideFloat(
    groups: Int, inputs: Int, outputsAtOnce: Int, _ products: CUDAKernel.FloatProducts, _ weight: Weight
  ) -> [UInt8] {
    var to = Packed(element: .float32)
    for o in stride(from: 0, to: groups * 64, by: outputsAtOnce) {
      for unit in stride(from: 0, to: inputs, by: 8) {
        for tap in 0..<9 {
          for part in parts(of: 0, products).indices {
            for i in stride(from: unit, to: unit + 8, by: 4) {
              for n in 0..<outputsAtOnce {
                for k in 0..<4 { to.append(parts(of: weight(o + n, i + k, tap / 3, tap % 3), products)[part]) }
              }
            }
          }
        }
      }
    }
    return to.bytes
  }

  /// `Separable`: depthwise, then pointwise, by products of a warp or of four. `inputs` is a multiple of 16.
  static func separable(
    groups: Int, inputs: Int, _ element: DeviceElement, isForHopper: Bool, depthwise: ChannelWeight, pointwise: Weight
  ) -> [UInt8] {
    var to = Packed(element: element)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for i in stride(from: 0, to: inputs, by: 16) {
        to.appendDepthwise { depthwise(i + $0, $1, $2) }
        guard isForHopper else {
          for j in stride(from: 0, to: 64, by: 16) { to.appendRight { pointwise(o + j + $1, i + $0, 0, 0) } }
          continue
        }
        for eight in [i, i + 8] {
          for n in 0..<64 { for k in 0..<8 { to.append(pointwise(o + n, eight + k, 0, 0)) } }
        }
      }
    }
    return to.bytes
  }

  /// `Separable` of float32. `inputs` is a multiple of 8.
  static func separableFloat(
    groups: Int, inputs: Int, _ products: CUDAKernel.FloatProducts, depthwise: ChannelWeight, pointwise: Weight
  ) -> [UInt8] {
    var to = Packed(element: .float32)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for i in stride(from: 0, to: inputs, by: 8) {
        for tap in 0..<9 {
          for channel in 0..<4 {
            for half in 0..<2 { to.append(depthwise(i + channel + half * 4, tap / 3, tap % 3)) }
          }
        }
        for j in stride(from: 0, to: 64, by: 8) { to.appendRightFloat(products) { pointwise(o + j + $1, i + $0, 0, 0) } }
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

  /// `Head`: depth is column, then plane, of four each.
  static func head(groups: Int, size: Int, _ element: DeviceElement, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: element)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for row in 0..<size {
        for left in stride(from: 0, to: size, by: 4) {
          for j in stride(from: 0, to: 64, by: 16) {
            to.appendRight { k, n in left + k / 4 < size ? weight(o + j + n, k % 4, row, left + k / 4) : 0 }
          }
        }
      }
    }
    return to.bytes
  }

  /// `HeadFloat`.
  static func headFloat(groups: Int, planes: Int, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: .float32)
    for o in stride(from: 0, to: groups * 64, by: 64) {
      for step in 0..<(9 * planes + 7) / 8 {
        for j in stride(from: 0, to: 64, by: 8) {
          to.appendRightFloat { k, n in
            let depth = step * 8 + k, tap = depth / planes
            return depth < 9 * planes ? weight(o + j + n, depth % planes, tap / 3, tap % 3) : 0
          }
        }
      }
    }
    return to.bytes
  }

  /// `Depthwise`: for row and column of taps, the channels.
  static func depthwise(lanes: Int, size: Int, _ element: DeviceElement, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: element)
    for row in 0..<size {
      for column in 0..<size {
        for lane in 0..<lanes { to.append(weight(lane, 0, row, column)) }
      }
    }
    return to.bytes
  }

  /// `Tail` of float32: 8 outputs. `inputs` is a multiple of 8.
  static func tailFloat(inputs: Int, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: .float32)
    for i in stride(from: 0, to: inputs, by: 8) {
      for column in 0..<3 {
        for row in 0..<3 { to.appendRightFloat { weight($1, i + $0, row, column) } }
      }
    }
    return to.bytes
  }

  /// `PointwisePlanes` and `Linear`: outputs, then inputs.
  static func rows(outputs: Int, inputs: Int, _ element: DeviceElement, _ weight: Weight) -> [UInt8] {
    var to = Packed(element: element)
    for o in 0..<outputs {
      for i in 0..<inputs { to.append(weight(o, i, 0, 0)) }
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
            to.append(rounded(weight(o, i, row, column), element))
          }
        }
      }
    }
    return to.bytes
  }

  private static func rounded(_ value: Float, _ element: DeviceElement) -> Float {
    switch element {
    case .float16: Float(halfBits: value.halfBits)
    case .bfloat16: Float(bitPattern: UInt32(value.bfloat16Bits) << 16)
    case .float32, .uint8, .int8: value
    }
  }
}

extension Float {
  /// The nearest bfloat16, of two the even one.
  fileprivate var bfloat16Bits: UInt16 {
    UInt16(truncatingIfNeeded: isNaN ? bitPattern >> 16 | 0x40 : (bitPattern &+ 0x7FFF &+ (bitPattern >> 16 & 1)) >> 16)
  }
}
