/// The checkpoint format before PyTorch 1.6: pickles of a magic number, the protocol version, facts about the system, the object and
/// the keys of its storages, then each storage as a 64-bit count and its elements, all little-endian.
///
/// Source: `_legacy_save` in PyTorch's `torch/serialization.py`.
struct LegacyCheckpoint {
  let arena: PickleArena
  let root: PickleID
  /// Where the elements of each storage lie in the file.
  let storages: [String: Range<Int>]

  /// 0x1950a86a20f9469cfc6c, little-endian.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  init(_ bytes: [UInt8]) throws(FormatProblem) {
    let magic: PickleMachine.Result
    do throws(FormatProblem) {
      magic = try PickleMachine.read(bytes)
    } catch {
      // Any file may begin like an instruction; only one that is like a pickle is called a checkpoint.
      switch error {
      case .refusedGlobal: throw error
      case .truncated where Self.isPrefix(bytes): throw error
      default: throw .notOfFormat(.checkpoint)
      }
    }
    guard case .wideInteger(let digits) = magic.arena[magic.root], digits.starts(with: Self.magic),
      digits.dropFirst(Self.magic.count).allSatisfy({ $0 == 0 })
    else { throw .notOfFormat(.checkpoint) }
    let version = try PickleMachine.read(bytes, from: magic.end)
    guard let number = version.arena.integer(version.root), number == 1001 else {
      throw .unsupportedCheckpoint("a checkpoint of an unknown version of the legacy format")
    }
    let system = try PickleMachine.read(bytes, from: version.end)
    let object = try PickleMachine.read(bytes, from: system.end)
    let keys = try PickleMachine.read(bytes, from: object.end)

    arena = object.arena
    root = object.root
    var elements: [String: Int] = [:]
    for position in arena.values.indices {
      let id = PickleID(position: Int32(position))
      guard let reference = try StorageReference.read(id, in: arena) else { continue }
      let size = reference.element.byteCount
      guard elements.updateValue(size, forKey: reference.key) ?? size == size else {
        throw .malformed(.checkpoint, part: "the storage '\(reference.key)' has two element types")
      }
    }
    var storages: [String: Range<Int>] = [:]
    var position = keys.end
    for id in keys.arena.items(keys.root) ?? [] {
      guard let key = keys.arena.text(id), let size = elements[key] else {
        throw .malformed(.checkpoint, part: "a storage that no tensor uses")
      }
      guard bytes.count - position >= 8 else { throw .truncated(.checkpoint, part: "the storage '\(key)'") }
      let count = bytes[position..<position + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      position += 8
      guard count <= UInt64((bytes.count - position) / size) else {
        throw .truncated(.checkpoint, part: "the storage '\(key)'")
      }
      let end = position + Int(count) * size
      guard storages.updateValue(position..<end, forKey: key) == nil else {
        throw .malformed(.checkpoint, part: "the storage '\(key)' stands twice")
      }
      position = end
    }
    self.storages = storages
  }

  /// Whether the bytes are the beginning of a legacy checkpoint, cut inside the first pickle.
  private static func isPrefix(_ bytes: [UInt8]) -> Bool {
    guard let first = bytes.first, first == 0x80 else { return false }
    return bytes.count <= 2 || bytes[2] == PickleOpcode.long1.rawValue || bytes[2] == PickleOpcode.frame.rawValue
  }
}
