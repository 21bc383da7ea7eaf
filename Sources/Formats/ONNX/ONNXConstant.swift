import Tensors

/// A tensor that is known while a file is read.
enum ONNXConstant: Sendable {
  /// Weights: float32, any rank.
  case floats(Tensor)
  /// Shape arithmetic: few numbers, which may depend on open extents.
  case numbers(ONNXNumbers)

  var shape: [Int] {
    switch self {
    case .floats(let tensor): tensor.shape.extents
    case .numbers(let numbers): numbers.shape
    }
  }

  var count: Int {
    switch self {
    case .floats(let tensor): tensor.count
    case .numbers(let numbers): numbers.values.count
    }
  }

  /// The numbers, where they are few.
  var numbers: ONNXNumbers? {
    switch self {
    case .numbers(let numbers): numbers
    case .floats(let tensor):
      tensor.count <= ONNXNumbers.limit
        ? ONNXNumbers(shape: tensor.shape.extents, values: tensor.floats.map { Extent(Double($0)) }, isInteger: false) : nil
    }
  }

  /// The elements as float32, where none depends on an open extent.
  var tensor: Tensor? {
    switch self {
    case .floats(let tensor): return tensor
    case .numbers(let numbers):
      var elements: [Float] = []
      elements.reserveCapacity(numbers.values.count)
      for value in numbers.values {
        guard let constant = value.constant else { return nil }
        elements.append(Float(constant))
      }
      return Tensor(Shape(numbers.shape), elements)
    }
  }

  /// The only element, where there is just one and it is known.
  var scalar: Double? {
    guard count == 1 else { return nil }
    switch self {
    case .floats(let tensor): return Double(tensor.floats[0])
    case .numbers(let numbers): return numbers.values[0].constant
    }
  }
}

/// A small tensor of numbers, row-major.
struct ONNXNumbers: Hashable, Sendable {
  /// The most elements that are folded as shape arithmetic.
  static let limit = 1 << 12

  /// What a file holds the numbers in; half precision counts as single.
  enum Kind: Hashable, Sendable {
    case integer, single, double
  }

  var shape: [Int]
  var values: [Extent]
  var kind: Kind
  /// Whether a division rounds.
  var isInteger: Bool { kind == .integer }

  init(shape: [Int], values: [Extent], kind: Kind) {
    self.shape = shape
    self.values = values
    self.kind = kind
  }

  init(shape: [Int], values: [Extent], isInteger: Bool = true) {
    self.init(shape: shape, values: values, kind: isInteger ? .integer : .single)
  }

  /// A vector.
  init(_ values: [Extent]) { self.init(shape: [values.count], values: values) }

  /// The integers, where none is open.
  var integers: [Int]? {
    var result: [Int] = []
    for value in values {
      guard let integer = value.integerClamped else { return nil }
      result.append(integer)
    }
    return result
  }
}

extension Extent {
  /// The integer, where nothing is open; those beyond 2^62 stand for "to the end" and are brought within it.
  var integerClamped: Int? {
    guard let constant, constant == constant.rounded() else { return nil }
    return Int(exactly: min(max(constant, -0x1p62), 0x1p62))
  }
}
