import Imaging
import Networks

/// A picture taken apart for a network: the planes that go through it, and those that bicubic interpolation enlarges.
struct ImagePlanes {
  /// Luma, or red, green and blue, on the scale 0...255.
  var network: [Plane<Float>]
  /// Cb and Cr where luma alone goes through the network and the picture has colour.
  var chroma: [Plane<Float>]
  var alpha: Plane<Float>?

  /// Cost: one pass over the samples for each plane.
  init(_ image: Image, colour: ImageContract.Colour, workers: Workers) {
    switch (colour, image.colourModel) {
    case (.luma, .rgb):
      network = [image.mixed(LumaWeights.luma, workers)]
      chroma = [image.mixed(LumaWeights.blueDifference, workers), image.mixed(LumaWeights.redDifference, workers)]
    case (.luma, .grey):
      network = [image.mixed(ChannelMix(weights: [LumaWeights.range], offset: LumaWeights.black), workers)]
      chroma = []
    case (.rgb, .rgb):
      network = (0..<3).map { image.mixed(ChannelMix(channel: $0), workers) }
      chroma = []
    case (.rgb, .grey):
      let grey = image.mixed(ChannelMix(channel: 0), workers)
      network = [grey, grey, grey]
      chroma = []
    }
    alpha = image.hasAlpha ? image.mixed(ChannelMix(channel: image.channels - 1), workers) : nil
  }

  /// The bytes of such planes for an image.
  static func byteCount(of image: Image, colour: ImageContract.Colour) -> Int {
    let colours = image.colourModel == .grey ? 1 : 3
    return (colours + (image.hasAlpha ? 1 : 0)) * image.width * image.height * MemoryLayout<Float>.size
  }
}

/// `offset + sum of weights[i] * channel[first + i]`.
struct ChannelMix {
  var weights: [Float]
  var first = 0
  var offset: Float = 0

  init(weights: [Float], offset: Float) {
    self.weights = weights
    self.offset = offset
  }

  init(channel: Int) {
    weights = [1]
    first = channel
  }
}

/// BT.601 in the studio range, for samples of 0...255, as `Imaging.LumaChroma` has it in double.
enum LumaWeights {
  static let luma = ChannelMix(weights: [65.481 / 255, 128.553 / 255, 24.966 / 255], offset: black)
  static let blueDifference = ChannelMix(weights: [-37.797 / 255, -74.203 / 255, 112 / 255], offset: middle)
  static let redDifference = ChannelMix(weights: [112 / 255, -93.786 / 255, -18.214 / 255], offset: middle)
  /// Luma of black, chroma of grey, and luma per grey level.
  static let black: Float = 16
  static let middle: Float = 128
  static let range: Float = 219.0 / 255
}

extension Image {
  /// One plane mixed from the channels, on the scale 0...255.
  func mixed(_ mix: ChannelMix, _ workers: Workers) -> Plane<Float> {
    let (width, height, channels) = (width, height, channels)
    let elements = [Float](unsafeUninitializedCapacity: width * height) { output, count in
      let base = output.baseAddress
      workers.forEachBand(of: 0..<height, height: 64) { rows in
        guard let base else { return }
        let pixels = rows.count * width, start = rows.lowerBound * width
        switch samples {
        case .uint8(let values):
          values.withUnsafeBufferPointer {
            if let source = $0.baseAddress { mix.apply(source + start * channels, channels, base + start, pixels, unit: 1) }
          }
        case .uint16(let values):
          values.withUnsafeBufferPointer {
            if let source = $0.baseAddress {
              mix.apply(source + start * channels, channels, base + start, pixels, unit: 1.0 / 257)
            }
          }
        }
      }
      count = width * height
    }
    return Plane(width: width, height: height, elements: elements)
  }
}

extension ChannelMix {
  /// - Parameter unit: what a sample of 1 is on the scale 0...255.
  @inline(__always)
  fileprivate func apply<Sample: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafePointer<Sample>, _ channels: Int, _ output: UnsafeMutablePointer<Float>, _ count: Int, unit: Float
  ) {
    let source = source + first
    let offset = offset
    if weights.count == 1 {
      let weight = weights[0] * unit
      for i in 0..<count { output[i] = Float(source[i &* channels]) * weight + offset }
      return
    }
    let (a, b, c) = (weights[0] * unit, weights[1] * unit, weights[2] * unit)
    for i in 0..<count {
      let pixel = source + i &* channels
      output[i] = Float(pixel[0]) * a + Float(pixel[1]) * b + Float(pixel[2]) * c + offset
    }
  }
}
