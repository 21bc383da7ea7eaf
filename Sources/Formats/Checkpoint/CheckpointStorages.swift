import Tensors

/// Makes the tensors of a checkpoint, storage by storage.
struct CheckpointStorages {
  private var made: [TensorReference: Result<Tensor, FormatProblem>] = [:]
  /// The bytes that further tensors may take. Those that share a storage take four times as much as it at most, on average.
  private var budget = 1 << 26

  /// How many elements an expanded tensor may make of fewer.
  private static let repeatLimit = 1 << 16

  /// Counts the bytes of a storage.
  mutating func admit(byteCount: Int) { budget += 4 * byteCount }

  /// Makes the tensor `name` from the bytes of its storage. The same reference gives the same tensor, in memory once.
  mutating func tensor(
    _ name: String, _ reference: TensorReference, from bytes: UnsafeRawBufferPointer
  ) throws(FormatProblem) -> Result<Tensor, FormatProblem> {
    if let result = made[reference] { return result }
    guard case .known(let type) = reference.element, let count = reference.count else { throw .outOfBounds(tensor: name) }
    let (size, overflow) = count.multipliedReportingOverflow(by: type.byteCount)
    guard !overflow else { throw .outOfBounds(tensor: name) }
    guard size <= budget else {
      throw .limit(.checkpoint, part: "the tensors to '\(name)' share their bytes too often", limit: budget)
    }
    budget -= size
    let elements = ForeignElements(
      type: type, offset: reference.offset, shape: reference.shape, strides: reference.strides, widensBFloat16: true,
      repeatLimit: Self.repeatLimit)
    let result: Result<Tensor, FormatProblem>
    do throws(ForeignElements.Fault) {
      result = .success(try elements.tensor(from: bytes))
    } catch {
      // Integers beyond int32 concern this tensor only; elements outside the storage mean that the file is damaged.
      guard error == .integerRange else { throw error.problem(tensor: name) }
      result = .failure(error.problem(tensor: name))
    }
    made[reference] = result
    return result
  }
}
