import CKernels
import Tensors

/// How an image value lies in memory.
///
/// Interleaved (NHWC) is what the kernels work on. Values of few channels are planar (NCHW, unpadded): interleaved they would be
/// mostly padding, and network inputs and outputs arrive that way.
struct ValueLayout: Hashable {
  enum Order: Hashable { case planar, interleaved }

  /// The most channels of a planar value; the tail kernels produce as many.
  static let planarChannels = 4

  /// Rank 4; values of other ranks lie as the image that has their elements in the same order.
  let shape: Shape
  let order: Order
  /// Planes are float32 always, or codes: integers of 8 bits, which all lie as uint8 (see `Codes`).
  let element: DataType
  /// Channels from one pixel to the next (interleaved): more than are stored where the value is a part of a wider one.
  private let pixelChannels: Int

  /// The layout that every value of the shape has inside a program.
  init(_ shape: Shape, _ element: DataType = .float32) {
    let image = shape.asImage
    self.init(image, image.channels <= Self.planarChannels ? .planar : .interleaved, element)
  }

  init(_ shape: Shape, _ order: Order, _ element: DataType = .float32) {
    self.shape = shape.asImage
    self.order = order
    self.element = order == .planar && element != .uint8 ? .float32 : element
    pixelChannels = order == .planar ? 1 : paddedChannels(self.shape.channels)
  }

  /// Some channels of an interleaved value; `channels` is a multiple of SW_CHANNEL_BLOCK, or they are the last.
  init(part channels: Int, of whole: ValueLayout) {
    shape = Shape(batch: whole.batch, channels: channels, height: whole.height, width: whole.width)
    order = .interleaved
    pixelChannels = whole.pixelChannels
    element = whole.element
  }

  var batch: Int { shape.batch }
  var channels: Int { shape.channels }
  var height: Int { shape.height }
  var width: Int { shape.width }

  /// Channels with padding.
  var storedChannels: Int { order == .planar ? channels : paddedChannels(channels) }
  /// From one pixel of a row to the next.
  var bytesPerPixel: Int { pixelChannels * element.byteCount }
  /// From one row to the next: interleaved rows that would lie a multiple of 4096 bytes apart, and so in the same cache sets, are
  /// moved apart by some lines. (256x256 pixels of 64 channels, Zen 5: a fifth faster.)
  var bytesPerRow: Int {
    let plain = width * bytesPerPixel
    guard order == .interleaved, height > 1 else { return plain }
    return plain % 4096 < 256 || plain % 4096 > 3840 ? plain + 21 * 64 : plain
  }
  /// From one plane to the next (planar).
  var bytesPerPlane: Int { height * width * element.byteCount }
  /// From one image of the batch to the next.
  var bytesPerImage: Int { order == .planar ? channels * bytesPerPlane : height * bytesPerRow }
  /// From a pixel's first channel to another (interleaved), or to another plane.
  func byteOffset(channel: Int) -> Int { order == .planar ? channel * bytesPerPlane : channel * element.byteCount }
  /// What the channels of a pixel take (interleaved), with padding.
  var pixelByteCount: Int { storedChannels * element.byteCount }
  var byteCount: Int { batch * bytesPerImage }
  /// What reading or writing all of it moves: padding channels, but neither what lies between rows nor the rest of a wider value.
  var movedByteCount: Int { order == .planar ? byteCount : batch * height * width * pixelByteCount }

  /// The same distances in floats, for steps that know no other element. Traps where there are others.
  var floats: FloatDistances {
    precondition(element == .float32, "a value of \(element) is taken for one of float32")
    return FloatDistances(
      pixel: bytesPerPixel / 4, row: bytesPerRow / 4, plane: bytesPerPlane / 4, image: bytesPerImage / 4,
      channel: byteOffset(channel: 1) / 4)
  }

  /// Floats from one to the next.
  struct FloatDistances {
    let pixel: Int
    let row: Int
    let plane: Int
    let image: Int
    /// Within a pixel, or from plane to plane.
    let channel: Int
  }
}

extension ValueLayout {
  /// A channel of an interleaved pixel, float32, bfloat16 or uint8.
  @inline(__always)
  func number(_ pixel: UnsafeRawPointer, _ channel: Int) -> Float {
    switch element {
    case .bfloat16: pixel.load(fromByteOffset: channel * 2, as: BFloat16.self).float
    case .uint8: Float(pixel.load(fromByteOffset: channel, as: UInt8.self))
    default: pixel.load(fromByteOffset: channel * 4, as: Float.self)
    }
  }

  @inline(__always)
  func setNumber(_ pixel: UnsafeMutableRawPointer, _ channel: Int, _ value: Float) {
    switch element {
    case .bfloat16: pixel.storeBytes(of: BFloat16(value), toByteOffset: channel * 2, as: BFloat16.self)
    case .uint8: pixel.storeBytes(of: UInt8(value), toByteOffset: channel, as: UInt8.self)
    default: pixel.storeBytes(of: value, toByteOffset: channel * 4, as: Float.self)
    }
  }

  /// Writes the elements of a tensor as an image of the batch of this layout, which has as many.
  func write(_ tensor: Tensor, image: Int, to base: UnsafeMutableRawPointer) {
    if element == .uint8 { return writeCodes(tensor, image: image, to: base) }
    tensor.withUnsafeFloats { source in
      if order == .interleaved, element == .float32 { return writeFloats(source, image: image, to: base.floats) }
      var index = image * channels * height * width
      for channel in 0..<channels {
        for y in 0..<height {
          let row = base + image * bytesPerImage + y * bytesPerRow
          for x in 0..<width {
            if order == .planar {
              (row + channel * bytesPerPlane).floats[x] = source[index]
            } else {
              setNumber(row + x * bytesPerPixel, channel, source[index])
            }
            index += 1
          }
        }
      }
    }
  }

  private func writeFloats(_ source: UnsafeBufferPointer<Float>, image: Int, to base: UnsafeMutablePointer<Float>) {
    guard let first = source.baseAddress else { return }
    let (channels, width, height) = (channels, width, height), distances = floats, area = width * height
    let from = first + image * channels * area
    for y in 0..<height {
      for x in 0..<width {
        let pixel = base + image * distances.image + y * distances.row + x * distances.pixel
        var element = from + y * width + x
        for channel in 0..<channels {
          pixel[channel] = element.pointee
          element += area
        }
      }
    }
  }

  /// The same of integers of 8 bits.
  private func writeCodes(_ tensor: Tensor, image: Int, to base: UnsafeMutableRawPointer) {
    let flip = Codes.flip(of: tensor.dataType)
    tensor.withUnsafeBytes { source in
      var index = image * channels * height * width
      for channel in 0..<channels {
        for y in 0..<height {
          let row = base + image * bytesPerImage + y * bytesPerRow + byteOffset(channel: channel)
          for x in 0..<width {
            row.storeBytes(of: source[index] ^ flip, toByteOffset: x * bytesPerPixel, as: UInt8.self)
            index += 1
          }
        }
      }
    }
  }

  /// Padding lanes are read by kernels, where they meet zero weights; they must be finite.
  @inline(__always)
  func clearPadding(_ pixel: UnsafeMutableRawPointer) {
    (pixel + channels * element.byteCount).initializeMemory(
      as: UInt8.self, repeating: 0, count: (storedChannels - channels) * element.byteCount)
  }
}

extension UnsafeMutableRawPointer {
  /// As float32 numbers, which it points at.
  var floats: UnsafeMutablePointer<Float> { assumingMemoryBound(to: Float.self) }
}

extension UnsafeRawPointer {
  /// As float32 numbers, which it points at.
  var floats: UnsafePointer<Float> { assumingMemoryBound(to: Float.self) }
}

/// The number rounded up to whole blocks of SW_CHANNEL_BLOCK channels.
func paddedChannels(_ channels: Int) -> Int {
  (channels + Int(SW_CHANNEL_BLOCK) - 1) / Int(SW_CHANNEL_BLOCK) * Int(SW_CHANNEL_BLOCK)
}

extension Shape {
  /// The image with these elements in this order: `[N, C]` has one pixel, `[N, C, L]` one row, and axes from the third on are joined
  /// to the width.
  fileprivate var asImage: Shape {
    if isImage { return self }
    let padded = extents + Array(repeating: 1, count: max(0, 2 - rank))
    let area = padded.dropFirst(2)
    let width = area.last ?? 1
    return Shape(batch: padded[0], channels: padded[1], height: area.dropLast().reduce(1, *), width: width)
  }
}

/// A tensor as a value of a layout with as many elements.
struct ConstantValue: PackLayout {
  let tensor: ParameterTensor
  let layout: ValueLayout
  /// Whether it is the memory of the parameter, which lies so: for steps that read no element past the last.
  var isShared = false

  var sources: [ParameterTensor] { [tensor] }
  var byteCount: Int { layout.byteCount }
  var partCount: Int { layout.batch }

  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
    layout.write(tensors[0], image: part, to: base)
  }
}
