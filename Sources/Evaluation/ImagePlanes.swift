import Execution
import Imaging
import Networks

/// Which planes a picture is taken apart into for a network.
struct PicturePlanes {
  /// Those of the network first, then chroma, then alpha.
  let mixes: [ChannelMix]
  /// Luma, or red, green and blue, or a grey that stands for all three.
  let networkCount: Int
  /// Cb and Cr, where luma alone goes through the network and the picture has colour.
  let chromaCount: Int
  let hasAlpha: Bool

  init(_ model: Image.ColourModel, hasAlpha: Bool, colour: ImageContract.Colour) {
    var mixes: [ChannelMix]
    switch (colour, model) {
    case (.luma, .rgb): mixes = [LumaWeights.luma, LumaWeights.blueDifference, LumaWeights.redDifference]
    case (.luma, .grey): mixes = [ChannelMix(weights: [LumaWeights.range], offset: LumaWeights.black)]
    case (.rgb, .rgb): mixes = (0..<3).map { ChannelMix(channel: $0) }
    case (.rgb, .grey): mixes = [ChannelMix(channel: 0)]
    }
    chromaCount = colour == .luma && model == .rgb ? 2 : 0
    networkCount = mixes.count - chromaCount
    if hasAlpha { mixes.append(ChannelMix(channel: model.channels)) }
    self.mixes = mixes
    self.hasAlpha = hasAlpha
  }

  var count: Int { mixes.count }
  /// The planes that bicubic interpolation enlarges.
  var besideCount: Int { count - networkCount }

  /// How a device makes the network's planes of samples, with the numbers of `ChannelMix.apply`; nil where these are fewer bytes than samples.
  ///
  /// - Parameter unit: what a level is inside the network.
  func sampleInput(_ properties: ImageProperties, channels: Int, unit: Float) -> SampleInput? {
    let format = SampleFormat(bitDepth: properties.bitDepth, channels: properties.channels)
    guard format.pixelByteCount <= channels * MemoryLayout<Float>.stride else { return nil }
    let level = ChannelMix.unit(bitDepth: properties.bitDepth)
    return SampleInput(
      format: format,
      mixes: networkPlanes(channels: channels).map { plane in
        let mix = mixes[plane]
        return SampleInput.Mix(weights: mix.weights.map { $0 * level }, first: mix.first, offset: mix.offset)
      }, unit: unit)
  }

  /// For each channel of a network the plane that it takes.
  func networkPlanes(channels: Int) -> [Int] { (0..<channels).map { min($0, networkCount - 1) } }
}

extension Image {
  /// The planes that go through a network, on the scale 0...255. Cost: one pass over the samples for each.
  func networkPlanes(_ colour: ImageContract.Colour) -> [Plane<Float>] {
    let planes = PicturePlanes(colourModel, hasAlpha: false, colour: colour)
    let properties = properties
    let mixed = planes.mixes.prefix(planes.networkCount).map { mix in
      let elements = [Float](unsafeUninitializedCapacity: width * height) { output, count in
        withUnsafeSampleBytes { samples in
          guard let base = samples.baseAddress, let output = output.baseAddress else { return }
          for row in 0..<height { mix.apply(base + row * properties.rowByteCount, properties, output + row * width) }
        }
        count = width * height
      }
      return Plane(width: width, height: height, elements: elements)
    }
    return planes.networkPlanes(channels: colour == .luma ? 1 : 3).map { mixed[$0] }
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

/// BT.601 in the studio range, for samples of 0...255, as `Imaging.LumaChroma` has it in double: in single precision, for a row at a time.
enum LumaWeights {
  static let luma = mix(0, black), blueDifference = mix(1, middle), redDifference = mix(2, middle)
  /// Luma of black, chroma of grey, and luma per grey level.
  static let black = Float(LumaChroma.black), middle = Float(LumaChroma.middle), range = Float(LumaChroma.range) / 255

  private static func mix(_ row: Int, _ offset: Float) -> ChannelMix {
    ChannelMix(weights: LumaChroma.forward[row].map { Float($0) / 255 }, offset: offset)
  }
}

extension ChannelMix {
  /// Mixes a row of samples, to the scale 0...255.
  func apply(_ samples: UnsafeRawPointer, _ properties: ImageProperties, _ output: UnsafeMutablePointer<Float>) {
    let (width, channels) = (properties.width, properties.channels)
    let unit = Self.unit(bitDepth: properties.bitDepth)
    if properties.bitDepth == 16 {
      apply(samples.assumingMemoryBound(to: UInt16.self), channels, output, width, unit: unit)
    } else {
      apply(samples.assumingMemoryBound(to: UInt8.self), channels, output, width, unit: unit)
    }
  }

  /// What a sample of 1 is on the scale 0...255.
  static func unit(bitDepth: Int) -> Float { bitDepth == 16 ? 1.0 / 257 : 1 }

  /// - Parameter unit: what a sample of 1 is on the scale 0...255.
  @inline(__always)
  private func apply<Sample: FixedWidthInteger & UnsignedInteger>(
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
