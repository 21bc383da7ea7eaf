import Imaging

/// Who takes the rows of an enlarged picture.
protocol RowTarget: AnyObject {
  /// - Parameter company: something else to do meanwhile, on one thread.
  func append(
    _ rows: UnsafeRawPointer, count: Int, on loop: any ParallelLoop, beside company: (() -> Void)?
  ) throws(ImageError)
}

extension ImageWriter: RowTarget {}

/// Puts rows together to a picture in memory.
final class RowCollector: RowTarget {
  private let properties: ImageProperties
  private var samples: Image.Samples

  init(_ properties: ImageProperties) {
    self.properties = properties
    let count = properties.width * properties.height * properties.channels
    if properties.bitDepth == 16 {
      var words: [UInt16] = []
      words.reserveCapacity(count)
      samples = .uint16(words)
    } else {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(count)
      samples = .uint8(bytes)
    }
  }

  /// The picture; all rows must have come.
  var image: Image { Image(properties, samples: samples) }

  func append(_ rows: UnsafeRawPointer, count: Int, on loop: any ParallelLoop, beside company: (() -> Void)?) {
    company?()
    let band = UnsafeRawBufferPointer(start: rows, count: count * properties.rowByteCount)
    switch samples {
    case .uint8(var values):
      samples = .uint8([])
      values.append(contentsOf: band)
      samples = .uint8(values)
    case .uint16(var values):
      samples = .uint16([])
      values.append(contentsOf: band.bindMemory(to: UInt16.self))
      samples = .uint16(values)
    }
  }
}
