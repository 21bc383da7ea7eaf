import Files

/// What a picture is, but for its samples.
package struct ImageProperties: Hashable, Sendable {
  /// In pixels, at least 1.
  package var width: Int
  package var height: Int
  package var colourModel: Image.ColourModel
  package var hasAlpha: Bool
  /// 8 or 16.
  package var bitDepth: Int
  package var metadata: ImageMetadata

  package init(
    width: Int, height: Int, colourModel: Image.ColourModel, hasAlpha: Bool = false, bitDepth: Int = 8,
    metadata: ImageMetadata = ImageMetadata()
  ) {
    self.width = width
    self.height = height
    self.colourModel = colourModel
    self.hasAlpha = hasAlpha
    self.bitDepth = bitDepth
    self.metadata = metadata
  }

  /// The number of channels, alpha counted: 1 to 4.
  package var channels: Int { colourModel.channels + (hasAlpha ? 1 : 0) }
  /// Of a row of samples.
  package var rowByteCount: Int { width * channels * bitDepth / 8 }
  /// Of all samples.
  package var sampleByteCount: Int { rowByteCount * height }
}

extension Image {
  package var properties: ImageProperties {
    ImageProperties(
      width: width, height: height, colourModel: colourModel, hasAlpha: hasAlpha, bitDepth: bitDepth, metadata: metadata)
  }

  /// Traps where the number of samples is not that of the properties.
  package init(_ properties: ImageProperties, samples: Samples) {
    self.init(
      width: properties.width, height: properties.height, colourModel: properties.colourModel, hasAlpha: properties.hasAlpha,
      samples: samples, metadata: properties.metadata)
  }

  package func withUnsafeSampleBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    switch samples {
    case .uint8(let values): try values.withBytes(body)
    case .uint16(let values): try values.withBytes(body)
    }
  }
}

extension Image.Samples {
  /// Samples of a depth that `body` writes; it gets room for `count` of them.
  package static func made<E: Error>(
    _ count: Int, bitDepth: Int, _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Void
  ) throws(E) -> Image.Samples {
    var problem: E?
    func fill(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
      do throws(E) {
        try body(bytes)
        return true
      } catch {
        problem = error
        return false
      }
    }
    let samples: Image.Samples =
      bitDepth == 16
      ? .uint16(Array(unsafeUninitializedCapacity: count) { $1 = fill(UnsafeMutableRawBufferPointer($0)) ? count : 0 })
      : .uint8(Array(unsafeUninitializedCapacity: count) { $1 = fill(UnsafeMutableRawBufferPointer($0)) ? count : 0 })
    if let problem { throw problem }
    return samples
  }
}
