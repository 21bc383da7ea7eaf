import Tensors

/// Packed constants: floats that a kernel reads, aligned, written once while a program is made.
final class AlignedFloats {
  let count: Int
  let base: UnsafeMutablePointer<Float>
  private let storage: TensorStorage

  init(count: Int) {
    self.count = count
    storage = TensorStorage(byteCount: count * 4, zeroed: true)
    base = storage.base.bindMemory(to: Float.self, capacity: count)
  }

  convenience init(_ elements: [Float]) {
    self.init(count: elements.count)
    base.update(from: elements, count: elements.count)
  }

  var byteCount: Int { count * 4 }
}

/// Elements that inner loops on several threads read: arrays would count references there, and threads that count one reference
/// wait for each other (a tenth of the time of a network of small layers, Zen 5).
final class ConstantTable<Element: BitwiseCopyable> {
  let elements: UnsafePointer<Element>
  let count: Int
  private let storage: UnsafeMutablePointer<Element>

  init(_ values: [Element]) {
    count = values.count
    storage = .allocate(capacity: max(values.count, 1))
    storage.initialize(from: values, count: values.count)
    elements = UnsafePointer(storage)
  }

  deinit { storage.deallocate() }

  /// For loops that are not the innermost.
  var values: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: elements, count: count) }
}
