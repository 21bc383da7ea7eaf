import CUDAKernels
import Networks
import Tensors

/// What the elements of a value are on the device.
package enum DeviceElement: String, Hashable, Sendable {
  case float32, float16, bfloat16
  /// Integers that stand for numbers.
  case uint8, int8

  package var byteCount: Int {
    switch self {
    case .float32: 4
    case .float16, .bfloat16: 2
    case .uint8, .int8: 1
    }
  }

  var isCode: Bool { byteCount == 1 }

  /// As kernels of any shape know it.
  var number: Int32 {
    switch self {
    case .float16: 0
    case .float32: 1
    case .uint8: 2
    case .int8: 3
    case .bfloat16: 4
    }
  }

  /// That of a value of such elements in that precision; nil where the device keeps none.
  init?(_ type: DataType, _ precision: CUDAPrecision) {
    switch type {
    case .float32: self = precision.element
    case .uint8: self = .uint8
    case .int8: self = .int8
    default: return nil
    }
  }

  /// Of tensors that enter and leave so.
  var dataType: DataType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .float32, .float16, .bfloat16: .float32
    }
  }
}

/// How values are stored on a CUDA device. Sums are float32 in any case.
public enum CUDAPrecision: String, Hashable, Codable, Sendable, CaseIterable {
  /// Products of two numbers are three of TF32 on the tensor cores, or plain ones: at most 2^-21 of each is lost.
  case float32
  /// Values and weights as float32, each rounded to 11 significant bits where it is multiplied on the tensor cores: one product of TF32.
  case tensorFloat32 = "tf32"
  /// Values of more than 8 channels, and weights, as IEEE 754 binary16: products run on the tensor cores. Biases, images and results
  /// stay float32.
  case float16
  /// Likewise as bfloat16: 8 significant bits, and numbers as large as float32's.
  case bfloat16

  package var element: DeviceElement {
    switch self {
    case .float32, .tensorFloat32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }

  /// What kernels may make of a product of two float32 numbers.
  var products: CUDAKernel.FloatProducts { self == .tensorFloat32 ? .one : .three }

  /// What a stored value or weight, or one that is multiplied, is off at most, as a share of it.
  package var rounding: Double {
    switch self {
    case .float32: 0
    case .tensorFloat32, .float16: 0x1p-11
    case .bfloat16: 0x1p-8
    }
  }

  /// Beyond it there are no numbers.
  package var largest: Double { self == .float16 ? 65504 : Double(Float.greatestFiniteMagnitude) }
}

/// How a value lies in the memory of the device: *planes* of float32, one a channel, where channels are few, as images enter and leave;
/// else *pixels*, whose channels lie together, padded to a multiple of 16 (with zeros, where they are no integers), which kernels take at
/// once. Integers are pixels, however few their channels are.
package struct DeviceLayout: Hashable, Sendable {
  /// As an image: of other ranks the first extent is the batch and the rest are channels.
  package let shape: Shape
  package let element: DeviceElement
  package let isPlanar: Bool
  /// Elements from one pixel to the next: more than its own where it is part of a concatenation.
  package var pixelStride: Int

  /// Values of so many channels are planes.
  package static let mostPlanes = 8
  /// Channels that kernels take at once: a pixel has a multiple of them.
  static let laneUnit = 16
  /// Output channels that a kernel makes at once.
  static let groupLanes = 64

  /// Nil where the device keeps no values of that type.
  package init?(_ type: ValueType, _ precision: CUDAPrecision) {
    guard let image = Self.image(type.shape), let element = DeviceElement(type.element, precision) else { return nil }
    self.init(image: image, element)
  }

  /// - Parameter element: of pixels.
  init(image: Shape, _ element: DeviceElement) {
    shape = image
    isPlanar = image.channels <= Self.mostPlanes && !element.isCode
    self.element = isPlanar ? .float32 : element
    pixelStride = isPlanar ? 1 : image.channels.ceilingDivided(by: Self.laneUnit) * Self.laneUnit
  }

  /// Planes, whatever the number of channels: inputs and outputs of the network.
  init(planesOf image: Shape, _ element: DeviceElement = .float32) {
    shape = image
    isPlanar = true
    self.element = element
    pixelStride = 1
  }

  /// The shape as an image: `[N, C]` has one pixel, `[C]` is a row of pixels.
  static func image(_ shape: Shape) -> Shape? {
    switch shape.rank {
    case 4: shape
    case 2: Shape(batch: shape[0], channels: shape[1], height: 1, width: 1)
    case 1: Shape(batch: 1, channels: 1, height: 1, width: shape[0])
    default: nil
    }
  }

  /// Channels that are written: those beyond the shape's are zeros.
  var lanes: Int {
    isPlanar ? shape.channels : shape.channels.ceilingDivided(by: Self.laneUnit) * Self.laneUnit
  }

  /// Groups of output channels of a pixel; the last one may have fewer.
  var groupCount: Int { lanes.ceilingDivided(by: Self.groupLanes) }

  var byteCount: Int {
    (isPlanar ? shape.count : shape.batch * shape.height * shape.width * pixelStride) * element.byteCount
  }

  /// The value as a kernel of any shape sees it.
  func view(_ address: UInt64) -> ValueView {
    let (h, w) = (Int64(shape.height), Int64(shape.width)), stride = Int64(pixelStride)
    var view = ValueView()
    view.base = UnsafeMutableRawPointer(bitPattern: UInt(address))
    if isPlanar {
      (view.imageStep, view.channelStep, view.rowStep, view.columnStep) = (Int64(shape.channels) * h * w, h * w, w, 1)
    } else {
      (view.imageStep, view.channelStep, view.rowStep, view.columnStep) = (h * w * stride, 1, w * stride, stride)
    }
    view.element = element.number
    return view
  }
}
