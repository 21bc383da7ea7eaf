/// A dense array of numbers with value semantics: copies share storage until one of them is written.
///
/// Elements are contiguous, the last extent fastest (row-major), aligned to 64 bytes. Image tensors are NCHW.
public struct Tensor: Sendable {
  public let shape: Shape
  public let dataType: DataType
  package private(set) var storage: TensorStorage

  /// A tensor of zeros. Cost: one pass over the bytes.
  public init(zeros shape: Shape, _ dataType: DataType = .float32) {
    self.shape = shape
    self.dataType = dataType
    storage = TensorStorage(byteCount: shape.count * dataType.byteCount, zeroed: true)
  }

  /// A tensor whose bytes `initialize` writes; the buffer arrives uninitialised and must be written in full.
  public init(
    unsafeUninitialized shape: Shape, _ dataType: DataType = .float32,
    initializedBy initialize: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows {
    self.shape = shape
    self.dataType = dataType
    storage = TensorStorage(byteCount: shape.count * dataType.byteCount, zeroed: false)
    try initialize(UnsafeMutableRawBufferPointer(start: storage.base, count: storage.byteCount))
  }

  /// A float32 tensor of the given elements in row-major order. Traps when their number is not `shape.count`.
  public init(_ shape: Shape, _ elements: some Collection<Float>) {
    precondition(elements.count == shape.count, "\(elements.count) elements do not fill a tensor of \(shape)")
    self.init(unsafeUninitialized: shape, .float32) { bytes in
      _ = bytes.bindMemory(to: Float.self).initialize(fromContentsOf: elements)
    }
  }

  /// A float32 tensor with every element equal to `value`.
  public init(repeating value: Float, _ shape: Shape) {
    self.init(unsafeUninitialized: shape, .float32) { $0.bindMemory(to: Float.self).initialize(repeating: value) }
  }

  /// The number of elements.
  public var count: Int { shape.count }
  /// The size of the elements in bytes.
  public var byteCount: Int { storage.byteCount }

  /// Calls `body` with the bytes, which are valid during the call only.
  public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try body(UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount))
  }

  /// Calls `body` with the bytes for writing; copies them first when another tensor shares them.
  public mutating func withUnsafeMutableBytes<R, E: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    if !isKnownUniquelyReferenced(&storage) {
      let copy = TensorStorage(byteCount: storage.byteCount, zeroed: false)
      copy.base.copyMemory(from: storage.base, byteCount: storage.byteCount)
      storage = copy
    }
    return try body(UnsafeMutableRawBufferPointer(start: storage.base, count: storage.byteCount))
  }

  /// Calls `body` with the elements of a float32 tensor. Traps on any other type.
  public func withUnsafeFloats<R, E: Error>(_ body: (UnsafeBufferPointer<Float>) throws(E) -> R) throws(E) -> R {
    precondition(dataType == .float32, "the tensor holds \(dataType), not float32")
    return try body(UnsafeBufferPointer(start: storage.base.assumingMemoryBound(to: Float.self), count: count))
  }

  /// Calls `body` with the elements of a float32 tensor for writing. Traps on any other type.
  public mutating func withUnsafeMutableFloats<R, E: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(E) -> R
  ) throws(E) -> R {
    precondition(dataType == .float32, "the tensor holds \(dataType), not float32")
    let count = count
    return try withUnsafeMutableBytes { (bytes) throws(E) in
      try body(UnsafeMutableBufferPointer(start: bytes.baseAddress?.assumingMemoryBound(to: Float.self), count: count))
    }
  }

  /// The elements of a float32 tensor in row-major order.
  public var floats: [Float] { withUnsafeFloats { Array($0) } }

  /// The same elements under another shape. Traps when the counts differ.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "\(self.shape) does not reshape to \(shape)")
    return Tensor(sharing: storage, shape, dataType)
  }

  /// Whether it is of this shape and type, and its elements may be written over unseen: nobody else holds them.
  package mutating func isOverwritable(as shape: Shape, _ dataType: DataType = .float32) -> Bool {
    self.shape == shape && self.dataType == dataType && isKnownUniquelyReferenced(&storage)
  }

  private init(sharing storage: TensorStorage, _ shape: Shape, _ dataType: DataType) {
    self.storage = storage
    self.shape = shape
    self.dataType = dataType
  }
}

extension Tensor: Equatable {
  /// Whether shape, type and every bit are equal: a NaN equals the same NaN, and -0 differs from +0.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.shape == b.shape, a.dataType == b.dataType else { return false }
    if a.storage === b.storage { return true }
    return a.withUnsafeBytes { x in b.withUnsafeBytes { y in x.elementsEqual(y) } }
  }
}

extension Tensor: CustomStringConvertible {
  /// Type and shape, not the elements: `float32 1x3x256x256`.
  public var description: String { "\(dataType.rawValue) \(shape)" }
}
