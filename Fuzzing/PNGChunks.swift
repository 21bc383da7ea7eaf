import Imaging
import Tensors
import TestSupport

/// A PNG as its chunks, so that a change in one does not fail at its checksum.
struct PNGChunks {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  private var chunks: [(type: [UInt8], data: [UInt8])] = []

  /// nil where the bytes do not begin as a PNG; what follows the last whole chunk is left out.
  init?(_ bytes: [UInt8]) {
    guard bytes.starts(with: Self.signature) else { return nil }
    var offset = 8
    while offset + 12 <= bytes.count {
      let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard offset + 12 + length <= bytes.count else { break }
      chunks.append((Array(bytes[offset + 4..<offset + 8]), Array(bytes[offset + 8..<offset + 8 + length])))
      offset += 12 + length
    }
  }

  private init() {}

  /// The file, every checksum right.
  var bytes: [UInt8] {
    var result = Self.signature
    for (type, data) in chunks {
      result += Self.bigEndian(UInt32(data.count)) + type + data + Self.bigEndian(Checksums.crc32(type + data))
    }
    return result
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  mutating func mutate(using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) {
    guard !chunks.isEmpty else { return }
    let index = Int.random(in: chunks.indices, using: &generator)
    switch generator.next() % 8 {
    case 0: chunks.remove(at: index)
    case 1: chunks.insert(chunks[index], at: Int.random(in: chunks.indices, using: &generator))
    case 2: chunks[index].type = Array(plain(chunks[index].type).prefix(4) + [0, 0, 0, 0]).prefix(4) + []
    default:
      let isStored = chunks[index].type == Array("IDAT".utf8) && chunks[index].data.starts(with: [0x78, 0x01, 0x01])
      if isStored, chunks[index].data.count >= 11 {
        // The rows inside the one stored block, wrapped again.
        chunks[index].data = Self.zlib(plain(Array(chunks[index].data[7...].dropLast(4))))
      } else {
        chunks[index].data = plain(chunks[index].data)
      }
    }
  }

  /// Deflate without compression, in one block.
  private static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    let bytes = bytes.prefix(0xFFFF)
    var result: [UInt8] = [0x78, 0x01, 0x01]
    result.append(bytes.count, bytes: 2)
    result.append(~bytes.count & 0xFFFF, bytes: 2)
    return result + bytes + bigEndian(Checksums.adler32(bytes))
  }

  /// The picture with its rows as they are.
  static func stored(_ image: Image) -> [UInt8] {
    let colour: UInt8 = (image.colourModel == .rgb ? 2 : 0) + (image.hasAlpha ? 4 : 0)
    let samples: [UInt8]
    switch image.samples {
    case .uint8(let values): samples = values
    case .uint16(let values): samples = values.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }
    let row = samples.count / image.height
    var rows: [UInt8] = []
    for y in 0..<image.height {
      rows.append(UInt8(y % 5))
      rows += samples[y * row..<(y + 1) * row]
    }
    var result = PNGChunks()
    var header = bigEndian(UInt32(image.width)) + bigEndian(UInt32(image.height))
    header += [UInt8(image.bitDepth), colour, 0, 0, 0]
    result.chunks = [
      (Array("IHDR".utf8), header), (Array("gAMA".utf8), bigEndian(45455)), (Array("IDAT".utf8), zlib(rows)),
      (Array("IEND".utf8), []),
    ]
    return result.bytes
  }
}
