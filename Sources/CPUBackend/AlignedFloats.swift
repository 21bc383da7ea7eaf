/// Packed constants: floats that a kernel reads, aligned, written once before the first run. Large ones lie in huge pages: they are
/// read through from end to end, and each page of 4 KiB would be looked up for a few hundred cycles of products.
final class AlignedFloats {
  let count: Int
  // Set once before any thread reads it.
  @exclusivity(unchecked) private var memory: UnsafeMutablePointer<Float>?
  private var pack: ((UnsafeMutablePointer<Float>) -> Void)?

  /// Takes no memory yet: what a program needs in all is known before any is taken.
  ///
  /// - Parameter pack: writes what is not 0, when `fill` is called.
  init(count: Int, pack: @escaping (_ base: UnsafeMutablePointer<Float>) -> Void) {
    self.count = count
    self.pack = pack
  }

  /// Zeros, at once.
  init(count: Int) {
    self.count = count
    memory = Self.allocate(count)
  }

  /// The first float. Traps before `fill`.
  var base: UnsafeMutablePointer<Float> {
    guard let memory else { preconditionFailure("constants are read before they are packed") }
    return memory
  }

  /// Takes the memory and packs, once.
  func fill() {
    guard let pack else { return }
    self.pack = nil
    let base = Self.allocate(count)
    memory = base
    pack(base)
  }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
    // Rounded up so that a kernel that loads a whole vector at the end stays inside.
    let byteCount = max((count * 4 + 63) / 64 * 64, 64)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: HugePages.alignment(byteCount))
    HugePages.advise(memory, byteCount: byteCount)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return memory.bindMemory(to: Float.self, capacity: count)
  }

  deinit { UnsafeMutableRawPointer(memory)?.deallocate() }

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
