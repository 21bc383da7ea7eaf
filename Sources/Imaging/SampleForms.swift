/// Forms of samples that formats ask for, pixel by pixel.
enum SampleForms {
  /// A 16-bit sample with 8 bits, rounded to nearest.
  @inline(__always)
  static func reduced(_ value: UInt16) -> UInt8 {
    // (v + 128) / 257 is round(v / 257): 257 is odd, so no halves occur.
    UInt8((Int(value) + 128) / 257)
  }

  /// The red channel, and alpha where there are four channels.
  static func takeRed(
    _ source: UnsafePointer<UInt8>, channels: Int, count: Int, into target: UnsafeMutablePointer<UInt8>
  ) {
    if channels == 3 {
      for pixel in 0..<count { target[pixel] = source[3 &* pixel] }
    } else {
      for pixel in 0..<count {
        target[2 &* pixel] = source[4 &* pixel]
        target[2 &* pixel &+ 1] = source[4 &* pixel &+ 3]
      }
    }
  }

  /// Without the alpha that is the last channel: laid over white.
  static func layOverWhite(
    _ source: UnsafePointer<UInt8>, channels: Int, count: Int, into target: UnsafeMutablePointer<UInt8>
  ) {
    let colours = channels - 1
    for pixel in 0..<count {
      let alpha = Int(source[pixel &* channels &+ colours])
      for channel in 0..<colours {
        let value = Int(source[pixel &* channels &+ channel]) * alpha + 255 * (255 - alpha)
        target[pixel &* colours &+ channel] = UInt8((value + 127) / 255)
      }
    }
  }
}

/// What becomes of rows before a format takes them.
struct RowConversion {
  /// What comes.
  let properties: ImageProperties
  /// 16 bits become 8.
  var reducesDepth = false
  var laysOverWhite = false

  var isNeeded: Bool { reduces || laysOver }
  private var reduces: Bool { reducesDepth && properties.bitDepth == 16 }
  private var laysOver: Bool { laysOverWhite && properties.hasAlpha }

  var result: ImageProperties {
    var result = properties
    if reduces { result.bitDepth = 8 }
    if laysOver { result.hasAlpha = false }
    return result
  }

  /// - Parameter target: room for the rows that result; it may not be where they come from.
  func convert(_ rows: UnsafeRawPointer, count: Int, into target: UnsafeMutableRawPointer) {
    let pixels = count * properties.width, channels = properties.channels
    let output = target.assumingMemoryBound(to: UInt8.self)
    guard reduces else {
      return SampleForms.layOverWhite(rows.assumingMemoryBound(to: UInt8.self), channels: channels, count: pixels, into: output)
    }
    let words = rows.assumingMemoryBound(to: UInt16.self)
    guard laysOver else {
      for index in 0..<pixels * channels { output[index] = SampleForms.reduced(words[index]) }
      return
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: properties.width * channels) { row in
      guard let row = row.baseAddress else { return }
      for y in 0..<count {
        for index in 0..<properties.width * channels {
          row[index] = SampleForms.reduced(words[y &* properties.width &* channels &+ index])
        }
        SampleForms.layOverWhite(
          row, channels: channels, count: properties.width, into: output + y * properties.width * (channels - 1))
      }
    }
  }
}

extension ImageMetadata {
  /// Without a profile for grey, which does not fit RGB; the colour space stands in bytes 16 to 19.
  var fittingRGB: ImageMetadata {
    var metadata = self
    if iccProfile?.dropFirst(16).starts(with: Array("GRAY".utf8)) == true { metadata.iccProfile = nil }
    return metadata
  }
}
