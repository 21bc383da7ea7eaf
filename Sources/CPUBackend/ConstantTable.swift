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

  /// All bits 0, to be filled by whoever makes it.
  init(count: Int) {
    self.count = count
    storage = .allocate(capacity: max(count, 1))
    UnsafeMutableRawPointer(storage).initializeMemory(as: UInt8.self, repeating: 0, count: count * MemoryLayout<Element>.stride)
    elements = UnsafePointer(storage)
  }

  /// Set before the table is shared.
  subscript(index: Int) -> Element {
    get { elements[index] }
    set { storage[index] = newValue }
  }

  deinit { storage.deallocate() }

  /// For loops that are not the innermost.
  var values: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: elements, count: count) }
}
