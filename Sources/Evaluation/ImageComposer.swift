import Imaging
import Networks

/// Puts pictures together, rows at a time: the network's planes, chroma and alpha enlarged to match, all rounded to samples.
struct ImageComposer {
  /// What the picture is made like: colour model, alpha, depth, metadata.
  private let original: Image
  private let colour: ImageContract.Colour
  private let planes: ImagePlanes
  /// From the original's size to the picture's.
  private let resize: BicubicResize
  private let workers: Workers
  private var samples: Image.Samples

  init(like original: Image, _ planes: ImagePlanes, colour: ImageContract.Colour, resize: BicubicResize, workers: Workers) {
    self.original = original
    self.colour = colour
    self.planes = planes
    self.resize = resize
    self.workers = workers
    let count = resize.outputWidth * resize.outputHeight * original.channels
    samples =
      original.bitDepth == 16 ? .uint16(Array(repeating: 0, count: count)) : .uint8(Array(repeating: 0, count: count))
  }

  /// The finished picture; every row must have been composed.
  var image: Image {
    Image(
      width: resize.outputWidth, height: resize.outputHeight, colourModel: original.colourModel, hasAlpha: original.hasAlpha,
      samples: samples, metadata: original.metadata)
  }

  /// Composes the rows of `region`, which must span all columns.
  ///
  /// - Parameter factor: from the region's numbers to the scale 0...255.
  mutating func compose(_ region: ModelRunner.Region, factor: Float) {
    let rows = region.rows
    switch samples {
    case .uint8(var values):
      samples = .uint8([])
      values.withUnsafeMutableBufferPointer { output in
        guard let base = output.baseAddress else { return }
        workers.forEachBand(of: rows) { compose($0, region, factor, base, Rounding8.self) }
      }
      samples = .uint8(values)
    case .uint16(var values):
      samples = .uint16([])
      values.withUnsafeMutableBufferPointer { output in
        guard let base = output.baseAddress else { return }
        workers.forEachBand(of: rows) { compose($0, region, factor, base, Rounding16.self) }
      }
      samples = .uint16(values)
    }
  }

  private func compose<R: SampleRounding>(
    _ rows: Range<Int>, _ region: ModelRunner.Region, _ factor: Float, _ output: UnsafeMutablePointer<R.Sample>, _: R.Type
  ) {
    let width = resize.outputWidth, channels = original.channels
    let chroma = planes.chroma.map { resize.rows(rows, of: $0) }
    let alpha = planes.alpha.map { resize.rows(rows, of: $0) }
    for row in rows {
      let source = region.base + (row - region.rows.lowerBound) * region.rowStride
      let target = output + row * width * channels
      let start = (row - rows.lowerBound) * width
      switch (colour, original.colourModel) {
      case (.luma, .rgb):
        chroma[0].elements.withUnsafeBufferPointer { cb in
          chroma[1].elements.withUnsafeBufferPointer { cr in
            guard let cb = cb.baseAddress, let cr = cr.baseAddress else { return }
            Self.colour(source, factor, cb + start, cr + start, target, channels, width, R.self)
          }
        }
      case (.luma, .grey):
        let gain = factor / LumaWeights.range, offset = -LumaWeights.black / LumaWeights.range
        for x in 0..<width { target[x &* channels] = R.round(source[x] * gain + offset) }
      case (.rgb, .rgb):
        for channel in 0..<3 {
          let source = source + channel * region.planeStride, target = target + channel
          for x in 0..<width { target[x &* channels] = R.round(source[x] * factor) }
        }
      case (.rgb, .grey):
        let (red, green, blue) = (source, source + region.planeStride, source + 2 * region.planeStride)
        for x in 0..<width {
          target[x &* channels] = R.round((red[x] * 0.299 + green[x] * 0.587 + blue[x] * 0.114) * factor)
        }
      }
      alpha?.elements.withUnsafeBufferPointer { alpha in
        let target = target + (channels - 1)
        for x in 0..<width { target[x &* channels] = R.round(alpha[start &+ x]) }
      }
    }
  }

  /// BT.601 back to red, green and blue: the inverse of `LumaWeights`.
  @inline(__always)
  private static func colour<R: SampleRounding>(
    _ luma: UnsafePointer<Float>, _ factor: Float, _ cb: UnsafePointer<Float>, _ cr: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<R.Sample>, _ channels: Int, _ width: Int, _: R.Type
  ) {
    let gain = 1 / LumaWeights.range
    let (redFromCr, greenFromCb, greenFromCr, blueFromCb) = inverseChroma
    for x in 0..<width {
      let y = (luma[x] * factor - LumaWeights.black) * gain
      let b = cb[x] - LumaWeights.middle, r = cr[x] - LumaWeights.middle
      let pixel = target + x &* channels
      pixel[0] = R.round(y + redFromCr * r)
      pixel[1] = R.round(y + greenFromCb * b + greenFromCr * r)
      pixel[2] = R.round(y + blueFromCb * b)
    }
  }

  /// What a level of chroma adds to red, green and blue: with the luma weights kr, kg, kb, chroma spans 224 of 255 levels.
  private static let inverseChroma: (Float, Float, Float, Float) = {
    let kr = 65.481 / 219, kg = 128.553 / 219, kb = 24.966 / 219
    let span = 255.0 / 224
    let red = 2 * (1 - kr) * span, blue = 2 * (1 - kb) * span
    return (Float(red), Float(-blue * kb / kg), Float(-red * kr / kg), Float(blue))
  }()
}

/// From the scale 0...255 to samples of a depth: clipped, halves to even. Adding 1.5 * 2^23 leaves the rounded number in the low
/// bits, which vectorises where a conversion does not; NaN becomes 0.
protocol SampleRounding {
  associatedtype Sample: FixedWidthInteger & UnsignedInteger
  static func round(_ value: Float) -> Sample
}

enum Rounding8: SampleRounding {
  @inline(__always)
  static func round(_ value: Float) -> UInt8 {
    let positive = value > 0 ? value : 0
    return UInt8(truncatingIfNeeded: ((positive < 255 ? positive : 255) + 12_582_912).bitPattern)
  }
}

enum Rounding16: SampleRounding {
  @inline(__always)
  static func round(_ value: Float) -> UInt16 {
    let scaled = value * 257
    let positive = scaled > 0 ? scaled : 0
    return UInt16(truncatingIfNeeded: ((positive < 65535 ? positive : 65535) + 12_582_912).bitPattern)
  }
}
