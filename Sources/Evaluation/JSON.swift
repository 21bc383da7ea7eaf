#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Encodable {
  /// The value as JSON for people and programs: keys sorted, numbers that are not finite, which JSON lacks, as `null`.
  package var json: String {
    get throws {
      // A text that nobody has: it begins and ends with a character for private use.
      let mark = "\u{F0F0F}not finite\u{F0F0F}"
      return try text(notFinite: (mark, mark, mark)).split(separator: "\"\(mark)\"", omittingEmptySubsequences: false)
        .joined(separator: "null")
    }
  }

  /// The same for files that are read again (`init(json:)`): numbers that are not finite are the strings `inf`, `-inf`, `nan`.
  package var storedJSON: String { get throws { try text(notFinite: ("inf", "-inf", "nan")) } }

  private func text(notFinite: (positive: String, negative: String, none: String)) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: notFinite.positive, negativeInfinity: notFinite.negative, nan: notFinite.none)
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

extension Decodable {
  /// The value that `storedJSON` made the text of, or `json` where all its numbers are finite; nil for other text.
  package init?(json bytes: [UInt8]) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    // As they are written: the PSNR of equal pictures.
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let value = try? decoder.decode(Self.self, from: Data(bytes)) else { return nil }
    self = value
  }
}
