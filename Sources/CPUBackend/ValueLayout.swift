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
  /// Channels from one pixel to the next (interleaved): more than are stored where the value is a slice of a wider one.
  private let pixelChannels: Int
  /// Of the elements; planes are float32 always.
  let precision: Precision

  /// The layout that every value of the shape has inside a program.
  init(_ shape: Shape, _ precision: Precision = .float32) {
    let image = shape.asImage
    self.init(image, image.channels <= Self.planarChannels ? .planar : .interleaved, precision)
  }

  init(_ shape: Shape, _ order: Order, _ precision: Precision = .float32) {
    self.shape = shape.asImage
    self.order = order
    self.precision = order == .planar ? .float32 : precision
    pixelChannels = order == .planar ? 1 : paddedChannels(self.shape.channels)
  }

  /// Some channels of an interleaved value; `channels` is a multiple of SW_CHANNEL_BLOCK, or they are the last.
  init(slice channels: Int, of whole: ValueLayout) {
    shape = Shape(batch: whole.batch, channels: channels, height: whole.height, width: whole.width)
    order = .interleaved
    pixelChannels = whole.pixelChannels
    precision = whole.precision
  }

  var batch: Int { shape.batch }
  var channels: Int { shape.channels }
  var height: Int { shape.height }
  var width: Int { shape.width }

  /// Channels with padding.
  var storedChannels: Int { order == .planar ? channels : paddedChannels(channels) }
  /// Floats from one pixel to the next in a row (interleaved) or 1. Here and below a distance in floats is one in units of 4 bytes,
  /// also where those hold two bfloat16 elements each: pointers are moved in the same way whatever the precision.
  var pixelStride: Int { precision.slots(pixelChannels) }
  /// Floats from a pixel's first channel to another that is a multiple of SW_CHANNEL_BLOCK (interleaved), or to another plane.
  func channelOffset(_ channel: Int) -> Int { order == .planar ? channel * planeStride : precision.slots(channel) }
  /// Floats that hold the channels of a pixel (interleaved).
  var pixelSlots: Int { precision.slots(storedChannels) }
  /// Floats from one row to the next: interleaved rows that would lie a multiple of 4096 bytes apart, and so in the same cache sets,
  /// are moved apart by some lines. (256x256 pixels of 64 channels, Zen 5: a fifth faster.)
  var rowStride: Int {
    let plain = width * pixelStride
    guard order == .interleaved, height > 1 else { return plain }
    return plain % 1024 < 64 || plain % 1024 > 960 ? plain + 21 * 16 : plain
  }
  /// Floats from one plane to the next (planar).
  var planeStride: Int { height * width }
  /// Floats from one image of the batch to the next.
  var imageStride: Int { order == .planar ? channels * planeStride : height * rowStride }
  var byteCount: Int { batch * imageStride * 4 }
  /// What reading or writing all of it moves: padding channels, but neither what lies between rows nor the rest of a wider value.
  var movedByteCount: Int { order == .planar ? byteCount : batch * height * width * pixelSlots * 4 }
}

extension ValueLayout {
  /// An element of an interleaved pixel.
  @inline(__always)
  func element(_ pixel: UnsafePointer<Float>, _ channel: Int) -> Float {
    switch precision {
    case .float32: pixel[channel]
    case .bfloat16: UnsafeRawPointer(pixel).load(fromByteOffset: channel * 2, as: BFloat16.self).float
    }
  }

  @inline(__always)
  func setElement(_ pixel: UnsafeMutablePointer<Float>, _ channel: Int, _ value: Float) {
    switch precision {
    case .float32: pixel[channel] = value
    case .bfloat16: UnsafeMutableRawPointer(pixel).storeBytes(of: BFloat16(value), toByteOffset: channel * 2, as: BFloat16.self)
    }
  }

  /// Writes the elements of a tensor as an image of the batch of this layout, which has as many.
  func write(_ tensor: Tensor, image: Int, to base: UnsafeMutablePointer<Float>) {
    tensor.withUnsafeFloats { source in
      var index = image * channels * height * width
      for channel in 0..<channels {
        for y in 0..<height {
          let row = base + image * imageStride + y * rowStride
          for x in 0..<width {
            if order == .planar {
              row[channel * planeStride + x] = source[index]
            } else {
              setElement(row + x * pixelStride, channel, source[index])
            }
            index += 1
          }
        }
      }
    }
  }

  /// Padding lanes are read by kernels, where they meet zero weights; they must be finite.
  @inline(__always)
  func clearPadding(_ pixel: UnsafeMutablePointer<Float>) {
    for channel in channels..<storedChannels { setElement(pixel, channel, 0) }
  }
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

  var sources: [ParameterTensor] { [tensor] }
  var count: Int { layout.batch * layout.imageStride }
  var partCount: Int { layout.batch }

  func fill(_ base: UnsafeMutablePointer<Float>, part: Int, from tensors: [Tensor]) {
    layout.write(tensors[0], image: part, to: base)
  }
}
