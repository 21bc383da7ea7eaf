import Imaging
import Networks

/// Puts pictures together, rows at a time: the network's planes, chroma and alpha enlarged to match, all rounded to samples.
struct ImageComposer {
  /// What the picture is.
  let properties: ImageProperties
  let colour: ImageContract.Colour
  let planes: PicturePlanes
  /// The original's planes, with chroma and alpha.
  let window: PlaneWindow
  /// From the original's size to the picture's; nil where nothing goes beside the network.
  let resize: BicubicResize?
  let workers: Workers

  /// Composes rows of `region`, which must span all columns, into samples without padding.
  ///
  /// - Parameter factor: from the region's numbers to the scale 0...255.
  func compose(_ rows: Range<Int>, of region: ModelRunner.Region, factor: Float, into samples: UnsafeMutableRawPointer) {
    let rowByteCount = properties.rowByteCount
    workers.forEachBand(of: rows) { part in
      let target = samples + (part.lowerBound - rows.lowerBound) * rowByteCount
      if properties.bitDepth == 16 {
        compose(part, region, factor, target.assumingMemoryBound(to: UInt16.self), Rounding16.self)
      } else {
        compose(part, region, factor, target.assumingMemoryBound(to: UInt8.self), Rounding8.self)
      }
    }
  }

  private func compose<R: SampleRounding>(
    _ rows: Range<Int>, _ region: ModelRunner.Region, _ factor: Float, _ output: UnsafeMutablePointer<R.Sample>, _: R.Type
  ) {
    let width = properties.width, channels = properties.channels
    let count = rows.count * width
    // Chroma and alpha of these rows.
    let beside = [Float](unsafeUninitializedCapacity: planes.besideCount * count) { beside, initialized in
      initialized = planes.besideCount * count
      guard let resize, let base = beside.baseAddress else { return }
      for index in 0..<planes.besideCount {
        resize.rows(rows, of: window.plane(planes.networkCount + index), into: base + index * count)
      }
    }
    beside.withUnsafeBufferPointer { beside in
      for row in rows {
        let source = region.base + (row - region.rows.lowerBound) * region.rowStride
        let start = (row - rows.lowerBound) * width
        let target = output + start * channels
        switch (colour, properties.colourModel) {
        case (.luma, .rgb):
          guard let cb = beside.baseAddress.map({ $0 + start }) else { return }
          Self.colour(source, factor, cb, cb + count, target, channels, width, R.self)
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
          let (r, g, b) = Self.shares
          for x in 0..<width { target[x &* channels] = R.round((red[x] * r + green[x] * g + blue[x] * b) * factor) }
        }
        if planes.hasAlpha, let alpha = beside.baseAddress.map({ $0 + (planes.besideCount - 1) * count + start }) {
          let target = target + (channels - 1)
          for x in 0..<width { target[x &* channels] = R.round(alpha[x]) }
        }
      }
    }
  }

  /// BT.601 back to red, green and blue: the inverse of `LumaWeights`.
  @inline(__always)
  private static func colour<R: SampleRounding>(
    _ luma: UnsafePointer<Float>, _ factor: Float, _ cb: UnsafePointer<Float>, _ cr: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<R.Sample>, _ channels: Int, _ width: Int, _: R.Type
  ) {
    let gain = 1 / LumaWeights.range, black = LumaWeights.black, middle = LumaWeights.middle
    let (redFromCr, greenFromCb, greenFromCr, blueFromCb) = inverseChroma
    for x in 0..<width {
      let y = (luma[x] * factor - black) * gain
      let b = cb[x] - middle, r = cr[x] - middle
      let pixel = target + x &* channels
      pixel[0] = R.round(y + redFromCr * r)
      pixel[1] = R.round(y + greenFromCb * b + greenFromCr * r)
      pixel[2] = R.round(y + blueFromCb * b)
    }
  }

  /// What red, green and blue have of a grey.
  private static let shares = (Float(LumaChroma.shares[0]), Float(LumaChroma.shares[1]), Float(LumaChroma.shares[2]))

  /// What a level of chroma adds to red, green and blue: with the luma weights kr, kg, kb, chroma spans 224 of 255 levels.
  private static let inverseChroma: (Float, Float, Float, Float) = {
    let kr = LumaChroma.shares[0], kg = LumaChroma.shares[1], kb = LumaChroma.shares[2]
    let span = 255.0 / 224
    let red = 2 * (1 - kr) * span, blue = 2 * (1 - kb) * span
    return (Float(red), Float(-blue * kb / kg), Float(-red * kr / kg), Float(blue))
  }()
}

/// From the scale 0...255 to samples of a depth: clipped, halves to even. Adding 1.5 * 2^23 leaves the rounded number in the
/// low bits, which vectorises where a conversion does not; NaN becomes 0.
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
