import Tensors

/// Writes checkpoints as PyTorch does, so that tests and fuzzing need no Python.
package struct CheckpointFile: Sendable {
  /// The pickle of the value.
  package private(set) var pickle: [UInt8] = [0x80, 2]
  /// The bytes of each storage, keys `0`, `1`, …, and how many elements they are.
  package private(set) var storages: [(bytes: [UInt8], count: Int)] = []

  package init(_ value: CheckpointValue) {
    write(value)
    pickle.append(UInt8(ascii: "."))
  }

  /// The format of today: a zip archive of stored entries.
  package var zip: [UInt8] {
    var entries = [StoredZip.Entry(name: "archive/data.pkl", data: pickle)]
    for (key, storage) in storages.enumerated() { entries.append(.init(name: "archive/data/\(key)", data: storage.bytes)) }
    entries.append(.init(name: "archive/version", data: Array("3\n".utf8)))
    return StoredZip(entries: entries).bytes
  }

  /// The format before PyTorch 1.6.
  package var legacy: [UInt8] {
    let magic: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    let version: [UInt8] = [0x80, 2, 0x4D, 0xE9, 0x03, 0x2E]
    let keys = Array("](".utf8) + storages.indices.flatMap { Self.text("\($0)") } + Array("e.".utf8)
    var result = magic + version + [0x80, 2] + Array("}.".utf8) + pickle + [0x80, 2] + keys
    for (bytes, count) in storages {
      result.append(count, bytes: 8)
      result += bytes
    }
    return result
  }

  private static func text(_ text: String) -> [UInt8] {
    var result = [UInt8(ascii: "X")]
    result.append(text.utf8.count, bytes: 4)
    return result + text.utf8
  }

  private mutating func write(_ opcodes: String) { pickle += opcodes.utf8 }

  private mutating func write(integer value: Int) {
    if let small = Int32(exactly: value) {
      pickle.append(UInt8(ascii: "J"))
      pickle.append(Int(small), bytes: 4)
    } else {
      pickle += [0x8A, 8]
      pickle.append(value, bytes: 8)
    }
  }

  private mutating func write(entries: [(String, CheckpointValue)]) {
    write("(")
    for (key, value) in entries {
      pickle += Self.text(key)
      write(value)
    }
    write("u")
  }

  private mutating func write(_ value: CheckpointValue) {
    switch value {
    case .none: write("N")
    case .boolean(let value): pickle.append(value ? 0x88 : 0x89)
    case .integer(let value): write(integer: value)
    case .number(let value):
      write("G")
      pickle += withUnsafeBytes(of: value.bitPattern.bigEndian, Array.init)
    case .text(let text): pickle += Self.text(text)
    case .tensor(let tensor, let element): write(tensor, element)
    case .parameter(let tensor, let element):
      write("ctorch._utils\n_rebuild_parameter\n(")
      write(tensor, element)
      pickle.append(0x88)
      write("ccollections\nOrderedDict\n)RtR")
    case .list(let items):
      write("](")
      for item in items { write(item) }
      write("e")
    case .tuple(let items):
      write("(")
      for item in items { write(item) }
      write("t")
    case .dictionary(let entries):
      write("}")
      write(entries: entries)
    case .orderedDictionary(let entries):
      write("ccollections\nOrderedDict\n)R")
      write(entries: entries)
    case .module(let name, let parameters, let modules):
      let dot = name.lastIndex(of: ".") ?? name.startIndex
      write("c\(name[..<dot])\n\(name[dot...].dropFirst())\n)")
      pickle.append(0x81)
      write(
        .dictionary([
          ("training", .boolean(false)), ("_parameters", .orderedDictionary(parameters)), ("_buffers", .orderedDictionary([])),
          ("_modules", .orderedDictionary(modules)),
        ]))
      write("b")
    }
  }

  private mutating func write(_ tensor: Tensor, _ element: CheckpointValue.Element) {
    write("ctorch._utils\n_rebuild_tensor_v2\n((")
    pickle += Self.text("storage")
    write("ctorch\n\(element.rawValue)\n")
    pickle += Self.text("\(storages.count)") + Self.text("cpu")
    write(integer: tensor.count)
    write("tQ")
    storages.append((tensor.convertedElements.flatMap { element.bytes($0) }, tensor.count))
    write(integer: 0)
    let extents = tensor.shape.extents
    write("(")
    for extent in extents { write(integer: extent) }
    write("t(")
    for axis in extents.indices { write(integer: extents[(axis + 1)...].reduce(1, *)) }
    write("t")
    pickle.append(0x89)
    write("ccollections\nOrderedDict\n)RtR")
  }
}

extension Tensor {
  /// The elements as floats; integers of counters are small.
  fileprivate var convertedElements: [Float] {
    dataType == .float32 ? floats : withUnsafeBytes { bytes in bytes.bindMemory(to: Int32.self).map(Float.init) }
  }
}

/// A zip archive of stored entries.
package struct StoredZip: Sendable {
  package struct Entry: Sendable {
    package var name: String
    package var data: [UInt8]

    package init(name: String, data: [UInt8]) {
      self.name = name
      self.data = data
    }
  }

  package var entries: [Entry]

  package init(entries: [Entry]) { self.entries = entries }

  /// Reads what `bytes` wrote; nil for any other archive.
  package init?(_ bytes: [UInt8]) {
    entries = []
    var offset = 0
    while bytes.integer(at: offset, bytes: 4) == 0x0403_4B50 {
      guard bytes.integer(at: offset + 6, bytes: 4) == 0, let size = bytes.integer(at: offset + 18, bytes: 4),
        let nameLength = bytes.integer(at: offset + 26, bytes: 2), bytes.integer(at: offset + 28, bytes: 2) == 0
      else { return nil }
      let name = offset + 30..<offset + 30 + nameLength
      guard name.upperBound + size <= bytes.count else { return nil }
      entries.append(
        Entry(
          name: String(decoding: bytes[name], as: UTF8.self), data: Array(bytes[name.upperBound..<name.upperBound + size])))
      offset = name.upperBound + size
    }
    if entries.isEmpty { return nil }
  }

  /// The archive, its checksums right.
  package var bytes: [UInt8] {
    var result: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      var header: [UInt8] = []
      // Version 2.0, no flags, stored, no date; then checksum, sizes, lengths of name and extra field.
      header.append(20, bytes: 2)
      header.append(0, bytes: 8)
      header.append(Int(Checksums.crc32(entry.data)), bytes: 4)
      header.append(entry.data.count, bytes: 4)
      header.append(entry.data.count, bytes: 4)
      header.append(entry.name.utf8.count, bytes: 2)
      header.append(0, bytes: 2)
      directory.append(0x0201_4B50, bytes: 4)
      directory.append(20, bytes: 2)
      directory += header
      directory.append(0, bytes: 10)
      directory.append(result.count, bytes: 4)
      directory += entry.name.utf8
      result.append(0x0403_4B50, bytes: 4)
      result += header + entry.name.utf8 + entry.data
    }
    let start = result.count
    result += directory
    result.append(0x0605_4B50, bytes: 4)
    result.append(0, bytes: 4)
    result.append(entries.count, bytes: 2)
    result.append(entries.count, bytes: 2)
    result.append(directory.count, bytes: 4)
    result.append(start, bytes: 4)
    result.append(0, bytes: 2)
    return result
  }
}
