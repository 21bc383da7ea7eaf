/// Packed constants: floats that a kernel reads, aligned, written once while a program is made. Large ones lie in huge pages: they are
/// read through from end to end, and each page of 4 KiB would be looked up for a few hundred cycles of products.
final class AlignedFloats {
  let count: Int
  let base: UnsafeMutablePointer<Float>

  /// Zeros.
  init(count: Int) {
    self.count = count
    // Rounded up so that a kernel that loads a whole vector at the end stays inside.
    let byteCount = max((count * 4 + 63) / 64 * 64, 64)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: HugePages.alignment(byteCount))
    HugePages.advise(memory, byteCount: byteCount)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    base = memory.bindMemory(to: Float.self, capacity: count)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

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
