import Tensors

/// The element type of a storage, by its size and by what it becomes here.
enum StorageElement: Hashable, Sendable {
  case known(ElementType)
  /// One that our tensors cannot hold, of the given size in bytes.
  case other(String, byteCount: Int)

  var byteCount: Int {
    switch self {
    case .known(let type): type.byteCount
    case .other(_, let byteCount): byteCount
    }
  }

  /// The element of a storage class such as `torch.FloatStorage` or `torch.cuda.HalfStorage`.
  init?(storageClass global: PickleGlobal) {
    guard global.module == "torch" || global.module.hasPrefix("torch."), let element = Self.storages[global.name] else {
      return nil
    }
    self = element
  }

  /// The element of a type such as `torch.float32`.
  init?(type global: PickleGlobal) {
    guard global.module == "torch", let element = Self.types[global.name] else { return nil }
    self = element
  }

  private static let storages: [String: StorageElement] = [
    "DoubleStorage": .known(.float64), "FloatStorage": .known(.float32), "HalfStorage": .known(.float16),
    "BFloat16Storage": .known(.bfloat16), "LongStorage": .known(.int64), "IntStorage": .known(.int32),
    "ShortStorage": .known(.int16), "CharStorage": .known(.int8), "ByteStorage": .known(.uint8), "BoolStorage": .known(.uint8),
    "UntypedStorage": .known(.uint8), "ComplexFloatStorage": .other("complex64", byteCount: 8),
    "ComplexDoubleStorage": .other("complex128", byteCount: 16), "QInt8Storage": .other("qint8", byteCount: 1),
    "QUInt8Storage": .other("quint8", byteCount: 1), "QInt32Storage": .other("qint32", byteCount: 4),
    "QUInt4x2Storage": .other("quint4x2", byteCount: 1), "QUInt2x4Storage": .other("quint2x4", byteCount: 1),
  ]

  private static let types: [String: StorageElement] = [
    "float64": .known(.float64), "double": .known(.float64), "float32": .known(.float32), "float": .known(.float32),
    "float16": .known(.float16), "half": .known(.float16), "bfloat16": .known(.bfloat16), "int64": .known(.int64),
    "long": .known(.int64), "int32": .known(.int32), "int": .known(.int32), "int16": .known(.int16), "short": .known(.int16),
    "int8": .known(.int8), "uint8": .known(.uint8), "bool": .known(.uint8), "uint16": .known(.uint16),
    "uint32": .known(.uint32), "uint64": .other("uint64", byteCount: 8), "complex64": .other("complex64", byteCount: 8),
    "complex128": .other("complex128", byteCount: 16), "float8_e4m3fn": .other("float8_e4m3fn", byteCount: 1),
    "float8_e5m2": .other("float8_e5m2", byteCount: 1),
  ]
}

/// A storage as the pickle names it: `('storage', class, key, location, count, view)`.
struct StorageReference: Hashable, Sendable {
  var key: String
  var element: StorageElement
  /// The number of elements of the whole storage.
  var count: Int
  /// Where the elements begin that tensors count from: legacy files keep views of storages.
  var viewOffset = 0

  /// Whether a persistent value is a storage, and which. Throws where it claims to be one and is none.
  static func read(_ id: PickleID, in arena: PickleArena) throws(FormatProblem) -> StorageReference? {
    guard case .persistent(let identifier) = arena[id], case .tuple(let parts) = arena[identifier],
      let kind = parts.first, arena.text(kind) == "storage"
    else { return nil }
    guard parts.count >= 5, let global = arena.global(parts[1]), let key = arena.text(parts[2]),
      let count = arena.integer(parts[4]), count >= 0
    else { throw .malformed(.checkpoint, part: "a storage is not described as it should be") }
    guard let element = StorageElement(storageClass: global) else {
      throw .malformed(.checkpoint, part: "the storage class \(global) is unknown")
    }
    var result = StorageReference(key: key, element: element, count: count)
    if parts.count > 5, case .tuple(let view) = arena[parts[5]] {
      guard view.count == 3, let offset = arena.integer(view[1]), offset >= 0 else {
        throw .malformed(.checkpoint, part: "the view of a storage is not described as it should be")
      }
      result.viewOffset = offset
    }
    return result
  }
}

/// A tensor as the pickle describes it; its elements lie in a storage.
struct TensorReference: Hashable, Sendable {
  var storage: StorageReference
  var element: StorageElement
  /// In elements from the start of the storage.
  var offset: Int
  var shape: [Int]
  var strides: [Int]

  /// The number of elements, or nil where it overflows or an extent is negative.
  var count: Int? { shape.contains { $0 < 0 } ? nil : Shape(shape).checkedCount }
}
