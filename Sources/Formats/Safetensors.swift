import Files
import Tensors

/// The contents of a safetensors file: named tensors and text metadata.
///
/// Format: an 8-byte little-endian length, a JSON header of that length, the data. BOOL, U8, I8, I32, F32 and BF16 are taken as
/// they are (BOOL as uint8); F64 is rounded to float32, F16, I16 and U16 widen exactly, I64 and U32 must fit int32.
/// Source: https://github.com/huggingface/safetensors#format
public struct Safetensors: Sendable {
  public var tensors: [String: Tensor]
  public var metadata: [String: String]
  /// Of what was read: the elements as the file has them, where tensors hold others.
  private(set) var storedTypes: [String: ElementType] = [:]

  public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The longest header that the format allows, in bytes.
  static let headerLimit = 100_000_000
  /// The largest file that is read, in bytes.
  public static let fileLimit = 1 << 32

  /// Reads a file. Everything is checked before a tensor is made; cost: the file once in memory, and its tensors.
  public init(contentsOf path: String) throws(FormatError) {
    do throws(FormatProblem) {
      let bytes = try FileReader.model(at: path, limit: Self.fileLimit)
      if let foreign = ForeignModel(checkpoint: bytes) { throw FormatProblem.foreign(foreign) }
      try self.init(bytes: bytes)
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// Reads the bytes of a file.
  public init(bytes: [UInt8]) throws(FormatProblem) {
    // A text of a few letters is none that was cut off.
    guard bytes.count >= 8 || bytes.isEmpty || bytes.contains(0) else { throw .notOfFormat(.safetensors) }
    guard bytes.count >= 8 else { throw .truncated(.safetensors, part: "the header length") }
    let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    // A text is a long header by its first letters.
    guard length <= Self.headerLimit || bytes.dropFirst(8).first == UInt8(ascii: "{") else { throw .notOfFormat(.safetensors) }
    guard length <= Self.headerLimit else {
      throw .limit(.safetensors, part: "if it is one, its header takes \(length) bytes", limit: Self.headerLimit)
    }
    guard Int(length) <= bytes.count - 8 else { throw .truncated(.safetensors, part: "the header") }
    var parser = SafetensorsHeader(bytes: bytes, range: 8..<8 + Int(length))
    try parser.parse()
    let data = bytes.count - 8 - Int(length)
    // Contiguous without holes or overlap, as the format asks: then each byte is read once and memory is bounded by the file.
    var end = 0
    for entry in parser.entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      guard entry.begin == end, entry.end >= entry.begin else {
        throw .malformed(.safetensors, part: "the data of '\(entry.name)' overlaps or leaves a hole")
      }
      guard entry.end <= data else { throw .truncated(.safetensors, part: "the data of '\(entry.name)'") }
      guard let count = Shape(entry.shape).checkedCount,
        case (let size, let overflow) = count.multipliedReportingOverflow(by: entry.type.byteCount),
        !overflow, size == entry.end - entry.begin
      else { throw .malformed(.safetensors, part: "shape and size of '\(entry.name)' disagree") }
      end = entry.end
    }
    guard end == data else { throw .malformed(.safetensors, part: "\(data - end) bytes after the last tensor") }

    tensors = [:]
    metadata = parser.metadata
    for entry in parser.entries {
      let range = 8 + Int(length) + entry.begin..<8 + Int(length) + entry.end
      let elements = ForeignElements(type: entry.type, shape: entry.shape)
      tensors[entry.name] = try elements.tensor(from: bytes, range, name: entry.name)
      if entry.type.name != entry.type.dataType.rawValue { storedTypes[entry.name] = entry.type }
    }
  }

  /// Writes the file whole or not at all.
  public func write(to path: String) throws(FormatError) {
    do throws(FileError) {
      var file = try AtomicFile(path: path == "-" ? "/dev/stdout" : path)
      let (header, tensors) = layout
      try file.write(header)
      // Tensor by tensor: a second copy of all would be the largest thing in memory.
      for tensor in tensors {
        var problem: FileError?
        tensor.withUnsafeBytes { bytes in
          do throws(FileError) { try file.write(bytes) } catch { problem = error }
        }
        if let problem { throw problem }
      }
      try file.commit()
    } catch {
      throw FormatError(source: path, problem: .file(error))
    }
  }

  /// The bytes of the file: the same contents give the same bytes. Tensors lie by falling element size, then by name, which keeps
  /// each aligned to its element; the header is padded with spaces so that the data starts at a multiple of 64.
  public func encoded() -> [UInt8] {
    let (header, tensors) = layout
    var result = header
    result.reserveCapacity(tensors.reduce(header.count) { $0 + $1.byteCount })
    for tensor in tensors { tensor.withUnsafeBytes { result.append(contentsOf: $0) } }
    return result
  }

  /// What comes before the data, and the tensors in their order.
  private var layout: (header: [UInt8], tensors: [Tensor]) {
    let names = tensors.sorted { a, b in
      (-a.value.dataType.byteCount, a.key) < (-b.value.dataType.byteCount, b.key)
    }
    var parts: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\($0.key.jsonQuoted):\($0.value.jsonQuoted)" }
      parts.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for (name, tensor) in names {
      let shape = tensor.shape.extents.map(String.init).joined(separator: ",")
      let end = offset + tensor.byteCount
      parts.append(
        "\(name.jsonQuoted):{\"dtype\":\"\(tensor.dataType.safetensorsName)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var header = Array("{\(parts.joined(separator: ","))}".utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: (64 - (header.count + 8) % 64) % 64)
    var result: [UInt8] = []
    result.reserveCapacity(8 + header.count)
    for shift in 0..<8 { result.append(UInt8(truncatingIfNeeded: header.count >> (8 * shift))) }
    return (result + header, names.map(\.value))
  }
}

extension Safetensors: Equatable {
  public static func == (a: Self, b: Self) -> Bool { a.tensors == b.tensors && a.metadata == b.metadata }
}

extension DataType {
  var safetensorsName: String {
    switch self {
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int8: "I8"
    case .uint8: "U8"
    case .int32: "I32"
    }
  }
}

extension String {
  /// The text as a JSON string literal.
  fileprivate var jsonQuoted: String { quoted(escaping: { $0.value < 32 }) }
}
