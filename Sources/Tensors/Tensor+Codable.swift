#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `{"shape": [2, 3], "type": "float32", "data": "…"}`: the elements, little-endian, in base64.
extension Tensor: Codable {
  enum CodingKeys: String, CodingKey {
    case shape
    case dataType = "type"
    case data
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let shape = try container.decode(Shape.self, forKey: .shape)
    let dataType = try container.decode(DataType.self, forKey: .dataType)
    let text = try container.decode(String.self, forKey: .data)
    guard let data = Data(base64Encoded: text) else {
      throw DecodingError.dataCorruptedError(forKey: .data, in: container, debugDescription: "the data is not base64")
    }
    // Compared by division: a hostile shape must not overflow the product of its count and the element size.
    guard let count = shape.checkedCount, data.count % dataType.byteCount == 0, count == data.count / dataType.byteCount else {
      throw DecodingError.dataCorruptedError(
        forKey: .data, in: container, debugDescription: "\(data.count) bytes do not fill \(dataType.rawValue) \(shape)")
    }
    self.init(unsafeUninitialized: shape, dataType) { $0.copyBytes(from: data) }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(shape, forKey: .shape)
    try container.encode(dataType, forKey: .dataType)
    try container.encode(withUnsafeBytes { Data($0).base64EncodedString() }, forKey: .data)
  }
}
