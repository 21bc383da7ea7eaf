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
