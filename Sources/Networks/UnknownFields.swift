/// A key of any name.
private struct AnyKey: CodingKey {
  let stringValue: String
  let intValue: Int? = nil
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension Decoder {
  /// Throws where the object has a field of another name than these. What it asks for would be lost unseen: it was written by a newer
  /// version, or by hand.
  ///
  /// - Parameter owner: what the object is, for the error: `the operation 'convolution'`.
  package func refuseFields(except known: [String], of owner: String) throws {
    let keys = try container(keyedBy: AnyKey.self).allKeys
    if keys.count <= known.count, keys.allSatisfy({ known.contains($0.stringValue) }) { return }
    if let unknown = keys.map(\.stringValue).filter({ !known.contains($0) }).min() {
      throw NetworkError.unknownField(unknown, of: owner)
    }
  }

  /// The fields of an object that has no others than these: how types are read whose fields are all cases of their keys.
  package func container<Keys: CodingKey & CaseIterable>(
    knowing keys: Keys.Type, of owner: String
  ) throws -> KeyedDecodingContainer<Keys> {
    try refuseFields(except: keys.allCases.map(\.stringValue), of: owner)
    return try container(keyedBy: keys)
  }
}
