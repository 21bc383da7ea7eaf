import Execution
import Imaging
import Networks

/// Puts pictures together, rows at a time: the network's planes, chroma and alpha enlarged to match, all rounded to samples.
struct ImageComposer {
  /// What the picture is.
  let properties: ImageProperties
  let colour: ImageContract.Colour
  let planes: PicturePlanes
  /// Of the original, with chroma and alpha.
  let window: PlaneWindow
  /// The plane of the window that is the first of these.
  let firstBeside: Int
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
    enlargedBeside(rows).withUnsafeBufferPointer { beside in
      for row in rows {
        let source = region.base + (row - region.rows.lowerBound) * region.rowStride
        let start = (row - rows.lowerBound) * width
        let target = output + start * channels
        switch (colour, properties.colourModel) {
        case (.luma, .rgb):
          guard let cb = beside.baseAddress.map({ $0 + start }) else { return }
          Self.colour(source, factor, cb, cb + count, target, channels, width, R.self)
        case (.luma, .grey):
          let (gain, offset) = Self.grey(factor)
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

  /// Chroma and alpha of rows of the picture, plane after plane.
  private func enlargedBeside(_ rows: Range<Int>) -> [Float] {
    let count = rows.count * properties.width
    return [Float](unsafeUninitializedCapacity: planes.besideCount * count) { beside, initialized in
      initialized = planes.besideCount * count
      guard let resize, let base = beside.baseAddress else { return }
      for index in 0..<planes.besideCount {
        resize.rows(rows, of: window.plane(firstBeside + index), into: base + index * count)
      }
    }
  }

  /// From luma to grey: what it is times, and what is added.
  private static func grey(_ factor: Float) -> (gain: Float, offset: Float) {
    (factor / LumaWeights.range, -LumaWeights.black / LumaWeights.range)
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

// MARK: Where a device has made samples

extension ImageComposer {
  /// How a device makes samples of what a network makes for such a picture, with the numbers of `compose`; nil where these need chroma.
  ///
  /// - Parameter factor: from the network's numbers to the scale 0...255.
  static func sampleOutput(
    _ properties: ImageProperties, _ colour: ImageContract.Colour, factor: Float
  ) -> SampleOutput? {
    let format = SampleFormat(bitDepth: properties.bitDepth, channels: properties.colourModel.channels)
    switch (colour, properties.colourModel) {
    case (.luma, .rgb): return nil
    case (.luma, .grey):
      let (gain, offset) = grey(factor)
      return SampleOutput(format: format, gain: gain, offset: offset)
    case (.rgb, .rgb): return SampleOutput(format: format, gain: factor)
    case (.rgb, .grey): return SampleOutput(format: format, mix: [shares.0, shares.1, shares.2], gain: factor)
    }
  }

  /// Puts samples of the colours, without alpha, where they belong, and alpha beside them.
  func place(_ rows: Range<Int>, of region: ModelRunner.SampleRegion, into samples: UnsafeMutableRawPointer) {
    let rowByteCount = properties.rowByteCount
    workers.forEachBand(of: rows) { part in
      let target = samples + (part.lowerBound - rows.lowerBound) * rowByteCount
      let source = region.base + (part.lowerBound - region.rows.lowerBound) * region.rowByteCount
      guard planes.hasAlpha else {
        for row in 0..<part.count {
          (target + row * rowByteCount).copyMemory(from: source + row * region.rowByteCount, byteCount: rowByteCount)
        }
        return
      }
      if properties.bitDepth == 16 {
        join(part, source, region.rowByteCount / 2, target, Rounding16.self)
      } else {
        join(part, source, region.rowByteCount, target, Rounding8.self)
      }
    }
  }

  /// - Parameter stride: samples from a row of the colours to the next.
  private func join<R: SampleRounding>(
    _ rows: Range<Int>, _ source: UnsafeRawPointer, _ stride: Int, _ target: UnsafeMutableRawPointer, _: R.Type
  ) {
    let width = properties.width, colours = properties.colourModel.channels, channels = properties.channels
    let colour = source.assumingMemoryBound(to: R.Sample.self), target = target.assumingMemoryBound(to: R.Sample.self)
    for (index, alpha) in enlargedBeside(rows).enumerated() {
      let (row, x) = index.quotientAndRemainder(dividingBy: width)
      let pixel = target + index * channels, from = colour + row * stride + x * colours
      for channel in 0..<colours { pixel[channel] = from[channel] }
      pixel[colours] = R.round(alpha)
    }
  }
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
