import Imaging

/// How alpha is enlarged.
public enum AlphaEnlarging: String, Hashable, Sendable, CaseIterable {
  /// By bicubic interpolation, as chroma is.
  case bicubic
  /// By the network, as a grey picture. Alpha that knows only all and nothing is enlarged by bicubic interpolation.
  case network
}

extension Upscaler {
  static let alphaCause = "--alpha network makes alpha before the colours"

  /// Whether the network makes the alpha of such a picture, where it is soft.
  func makesAlpha(_ properties: ImageProperties) -> Bool { options.alpha == .network && properties.hasAlpha }

  /// The enlarged alpha of a picture, as a grey one, where the network is to make it; nil elsewhere.
  ///
  /// - Parameter rows: the picture's rows, anew with each call, and what their decoder will hold.
  func networkAlpha(
    _ properties: ImageProperties, _ size: UpscaleSize,
    rows: () throws(EvaluationError) -> (rows: any ImageRows, heldByteCount: Int)
  ) throws(EvaluationError) -> Image? {
    guard makesAlpha(properties), try isSoft(properties, rows().rows) else { return nil }
    let source = try rows(), alpha = AlphaRows(source.rows)
    let resident = residentByteCount()
    let job = try alphaJob(
      properties, size, held: resident, opening: 0, reading: source.heldByteCount, bound(resident: resident))
    let result = RowCollector(alpha.properties.resized(size))
    try run(job, alpha, into: result, progress: nil)
    return result.image
  }

  /// Whether any alpha lies between nothing and all.
  private func isSoft(_ properties: ImageProperties, _ rows: any ImageRows) throws(EvaluationError) -> Bool {
    let alpha = AlphaRows(rows)
    let row = UnsafeMutableRawPointer.allocate(byteCount: alpha.properties.rowByteCount, alignment: 16)
    defer { row.deallocate() }
    for _ in 0..<properties.height {
      try wrapping { () throws(ImageError) in try alpha.read(1, into: row) }
      let isSoft =
        properties.bitDepth == 16
        ? UnsafeBufferPointer(start: row.assumingMemoryBound(to: UInt16.self), count: properties.width).contains {
          $0 > 0 && $0 < 65_535
        }
        : UnsafeBufferPointer(start: row.assumingMemoryBound(to: UInt8.self), count: properties.width).contains {
          $0 > 0 && $0 < 255
        }
      if isSoft { return true }
    }
    return false
  }
}

extension ImageProperties {
  /// Of alpha as a grey picture.
  var alpha: ImageProperties { ImageProperties(width: width, height: height, colourModel: .grey, bitDepth: bitDepth) }
}

/// The alpha of a picture's rows, as those of a grey picture.
final class AlphaRows: ImageRows {
  private let rows: any ImageRows
  let properties: ImageProperties

  init(_ rows: any ImageRows) {
    self.rows = rows
    properties = rows.properties.alpha
  }

  /// Rows that are taken apart at once.
  private static let bandHeight = 64

  static func heldByteCount(_ properties: ImageProperties) -> Int {
    min(bandHeight, properties.height) * properties.rowByteCount
  }

  func read(_ count: Int, into target: UnsafeMutableRawPointer) throws(ImageError) {
    let source = rows.properties, channels = source.channels, size = source.bitDepth / 8
    let band = UnsafeMutableRawPointer.allocate(byteCount: min(count, Self.bandHeight) * source.rowByteCount, alignment: 16)
    defer { band.deallocate() }
    for start in stride(from: 0, to: count, by: Self.bandHeight) {
      let height = min(Self.bandHeight, count - start)
      try rows.read(height, into: band)
      AlphaTarget.copy(
        band + (channels - 1) * size, stride: channels, to: target + start * properties.rowByteCount, stride: 1,
        count: height * source.width, size)
    }
  }
}

/// Hands rows on whose alpha is another's.
final class AlphaTarget: RowTarget {
  private let target: any RowTarget
  private let properties: ImageProperties
  private let alpha: Image
  private var nextRow = 0

  /// - Parameter alpha: a grey picture of the size and depth of the rows.
  init(_ target: any RowTarget, _ properties: ImageProperties, alpha: Image) {
    self.target = target
    self.properties = properties
    self.alpha = alpha
  }

  func append(
    _ rows: UnsafeRawPointer, count: Int, on loop: any ParallelLoop, beside company: (() -> Void)?
  ) throws(ImageError) {
    let size = properties.bitDepth / 8, channels = properties.channels
    let band = UnsafeMutableRawPointer.allocate(byteCount: count * properties.rowByteCount, alignment: 16)
    defer { band.deallocate() }
    band.copyMemory(from: rows, byteCount: count * properties.rowByteCount)
    alpha.withUnsafeSampleBytes { samples in
      guard let base = samples.baseAddress else { return }
      Self.copy(
        base + nextRow * properties.width * size, stride: 1, to: band + (channels - 1) * size, stride: channels,
        count: count * properties.width, size)
    }
    nextRow += count
    try target.append(band, count: count, on: loop, beside: company)
  }

  /// Copies samples of one or two bytes; strides count samples.
  fileprivate static func copy(
    _ source: UnsafeRawPointer, stride from: Int, to target: UnsafeMutableRawPointer, stride to: Int, count: Int, _ size: Int
  ) {
    if size == 2 {
      let source = source.assumingMemoryBound(to: UInt16.self), target = target.assumingMemoryBound(to: UInt16.self)
      for index in 0..<count { target[index &* to] = source[index &* from] }
    } else {
      let source = source.assumingMemoryBound(to: UInt8.self), target = target.assumingMemoryBound(to: UInt8.self)
      for index in 0..<count { target[index &* to] = source[index &* from] }
    }
  }
}
