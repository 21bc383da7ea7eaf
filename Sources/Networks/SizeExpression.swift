import Tensors

/// A whole number that follows from the extents of a node's operands: the size of a resize, a bound of a slice, rows of a pad.
///
///     let height = SizeExpression.extent(operand: 1, axis: 2)      // as high as the second operand
///     let half = (height / 2).floor                                // rounded down
///     let rest = (.extent(operand: 0, axis: 2) + 31) / 32          // … and what padding to multiples of 32 takes
///
/// Evaluated in double precision, where whole numbers below 2^53 and their sums, products and rounded quotients are exact; `float32`
/// rounds as programs do that reckon sizes in single precision. Operands behind those that the operation computes with are read for
/// their extents only: an engine neither waits for them nor keeps them.
public indirect enum SizeExpression: Hashable, Sendable {
  case number(Double)
  /// The extent of an operand of the node, by its place, along an axis.
  case extent(operand: Int, axis: Int)
  case sum(SizeExpression, SizeExpression)
  case difference(SizeExpression, SizeExpression)
  case product(SizeExpression, SizeExpression)
  /// Not rounded.
  case quotient(SizeExpression, SizeExpression)
  case minimum(SizeExpression, SizeExpression)
  case maximum(SizeExpression, SizeExpression)
  /// The largest whole number that is not above.
  case floor(SizeExpression)
  /// Rounded towards zero.
  case truncated(SizeExpression)
  /// The nearest float32 number, of two as near the even one.
  case float32(SizeExpression)

  public static func + (a: SizeExpression, b: SizeExpression) -> SizeExpression { .sum(a, b) }
  public static func - (a: SizeExpression, b: SizeExpression) -> SizeExpression { .difference(a, b) }
  public static func * (a: SizeExpression, b: SizeExpression) -> SizeExpression { .product(a, b) }
  public static func / (a: SizeExpression, b: SizeExpression) -> SizeExpression { .quotient(a, b) }
  public var floor: SizeExpression { .floor(self) }

  /// The number where it is one that follows from nothing.
  public var constant: Int? {
    guard case .number(let value) = self else { return nil }
    return Int(exactly: value)
  }
}

extension SizeExpression: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int) { self = .number(Double(value)) }

  public init(_ value: Int) { self = .number(Double(value)) }
}

extension SizeExpression {
  /// The most parts of one expression.
  package static let partLimit = 512
  /// Extents beyond are not reckoned with: float32 holds those up to here, and 16 times them, exactly.
  package static let extentLimit = 1 << 20

  /// The whole number for operands of these shapes.
  ///
  /// - Parameter name: what the number is, for the error: `the height`.
  package func value(of operands: [Shape], _ name: String) throws(TypeMismatch) -> Int {
    let value = try number(of: operands)
    guard value.magnitude < 0x1p53, let whole = Int(exactly: value) else {
      throw TypeMismatch("\(name), \(text(Self.places(operands.count))), would be \(value)")
    }
    return whole
  }

  private func number(of operands: [Shape]) throws(TypeMismatch) -> Double {
    switch self {
    case .number(let value): return value
    case .extent(let operand, let axis):
      guard operand < operands.count else { throw TypeMismatch("there is no operand \(operand)") }
      let extent = try operands[operand].extent(along: axis)
      guard extent <= Self.extentLimit else {
        throw TypeMismatch("the extent \(extent) of \(operands[operand]) is above \(Self.extentLimit), where sizes end")
      }
      return Double(extent)
    case .sum(let a, let b): return try Self.checked(try a.number(of: operands) + b.number(of: operands))
    case .difference(let a, let b): return try Self.checked(try a.number(of: operands) - b.number(of: operands))
    case .product(let a, let b): return try Self.checked(try a.number(of: operands) * b.number(of: operands))
    case .quotient(let a, let b): return try a.number(of: operands) / b.number(of: operands)
    case .minimum(let a, let b): return min(try a.number(of: operands), try b.number(of: operands))
    case .maximum(let a, let b): return max(try a.number(of: operands), try b.number(of: operands))
    case .floor(let a): return try a.number(of: operands).rounded(.down)
    case .truncated(let a): return try a.number(of: operands).rounded(.towardZero)
    case .float32(let a): return Double(Float(try a.number(of: operands)))
    }
  }

  /// A number that double precision holds exactly where it is whole.
  private static func checked(_ value: Double) throws(TypeMismatch) -> Double {
    guard value.magnitude < 0x1p53 else { throw TypeMismatch("a size is reckoned over \(value), which is too large") }
    return value
  }

  private var parts: [SizeExpression] {
    switch self {
    case .number, .extent: []
    case .sum(let a, let b), .difference(let a, let b), .product(let a, let b), .quotient(let a, let b), .minimum(let a, let b),
      .maximum(let a, let b):
      [a, b]
    case .floor(let a), .truncated(let a), .float32(let a): [a]
    }
  }

  /// What is wrong with the expression, a clause; nil where nothing is.
  package var fault: String? {
    var stack = [self], count = 0
    while let next = stack.popLast() {
      count += 1
      if count > Self.partLimit { return "a size has more than \(Self.partLimit) parts" }
      switch next {
      case .number(let value) where !value.isFinite: return "a size holds \(value)"
      case .extent(let operand, let axis):
        guard (0..<16).contains(operand) else { return "a size follows from operand \(operand), which is not in 0...15" }
        if let fault = axisFault(axis) { return fault }
      default: break
      }
      stack += next.parts
    }
    return nil
  }

  /// The extents that it follows from.
  package var extents: [(operand: Int, axis: Int)] {
    var stack = [self], extents: [(operand: Int, axis: Int)] = []
    while let next = stack.popLast() {
      if case .extent(let operand, let axis) = next { extents.append((operand, axis)) }
      stack += next.parts
    }
    return extents
  }

  /// How many operands it asks for: one more than the highest.
  package var operandCount: Int {
    var stack = [self], count = 0
    while let next = stack.popLast() {
      if case .extent(let operand, _) = next { count = max(count, operand + 1) }
      stack += next.parts
    }
    return count
  }
}

// MARK: Text

extension SizeExpression {
  /// The expression for people: `⌊'x'.height / 2⌋`. Operands by name.
  package func text(_ names: [String]) -> String { text(names, 0) }

  /// What operands are called where their names are not known.
  package static func places(_ count: Int) -> [String] { (0..<count).map { "operand \($0)" } }

  private func text(_ names: [String], _ outer: Int) -> String {
    func within(_ rank: Int, _ text: String) -> String { rank < outer ? "(\(text))" : text }
    switch self {
    case .number(let value): return Int(exactly: value).map(String.init) ?? "\(value)"
    case .extent(let operand, let axis):
      let axes = ["batch", "channels", "height", "width"]
      return "\(operand < names.count ? names[operand] : "operand \(operand)").\(axis < 4 ? axes[axis] : "\(axis)")"
    case .sum(let a, let b): return within(1, "\(a.text(names, 1)) + \(b.text(names, 1))")
    case .difference(let a, let b): return within(1, "\(a.text(names, 1)) - \(b.text(names, 2))")
    case .product(let a, let b): return within(2, "\(a.text(names, 2)) · \(b.text(names, 2))")
    case .quotient(let a, let b): return within(2, "\(a.text(names, 2)) / \(b.text(names, 3))")
    case .minimum(let a, let b): return "min(\(a.text(names, 0)), \(b.text(names, 0)))"
    case .maximum(let a, let b): return "max(\(a.text(names, 0)), \(b.text(names, 0)))"
    case .floor(let a): return "⌊\(a.text(names, 0))⌋"
    case .truncated(let a): return "trunc(\(a.text(names, 0)))"
    case .float32(let a): return "float32(\(a.text(names, 0)))"
    }
  }
}

// MARK: JSON

/// A number, or an object of one key: `{"extent": [1, 2]}`, `{"sum": [a, b]}`, `{"floor": a}`.
extension SizeExpression: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case extent, sum, difference, product, quotient, minimum, maximum, floor, truncated, float32
  }

  public init(from decoder: any Decoder) throws {
    if let value = try? decoder.singleValueContainer().decode(Double.self) {
      self = .number(value)
      return
    }
    let container = try decoder.container(knowing: CodingKeys.self, of: "a size")
    guard let key = container.allKeys.first, container.allKeys.count == 1 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a size is a number or an object of one key"))
    }
    func list<T: Decodable>(_ type: T.Type) throws -> (T, T) {
      let list = try container.decode([T].self, forKey: key)
      guard list.count == 2 else {
        throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "\(list.count) values are not two")
      }
      return (list[0], list[1])
    }
    func joined(_ join: (SizeExpression, SizeExpression) -> SizeExpression) throws -> SizeExpression {
      let (a, b) = try list(SizeExpression.self)
      return join(a, b)
    }
    func one() throws -> SizeExpression { try container.decode(SizeExpression.self, forKey: key) }
    switch key {
    case .extent:
      let (operand, axis) = try list(Int.self)
      self = .extent(operand: operand, axis: axis)
    case .sum: self = try joined { .sum($0, $1) }
    case .difference: self = try joined { .difference($0, $1) }
    case .product: self = try joined { .product($0, $1) }
    case .quotient: self = try joined { .quotient($0, $1) }
    case .minimum: self = try joined { .minimum($0, $1) }
    case .maximum: self = try joined { .maximum($0, $1) }
    case .floor: self = .floor(try one())
    case .truncated: self = .truncated(try one())
    case .float32: self = .float32(try one())
    }
  }

  public func encode(to encoder: any Encoder) throws {
    if case .number(let value) = self {
      var container = encoder.singleValueContainer()
      if let whole = Int(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
      return
    }
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .number: break
    case .extent(let operand, let axis): try container.encode([operand, axis], forKey: .extent)
    case .sum(let a, let b): try container.encode([a, b], forKey: .sum)
    case .difference(let a, let b): try container.encode([a, b], forKey: .difference)
    case .product(let a, let b): try container.encode([a, b], forKey: .product)
    case .quotient(let a, let b): try container.encode([a, b], forKey: .quotient)
    case .minimum(let a, let b): try container.encode([a, b], forKey: .minimum)
    case .maximum(let a, let b): try container.encode([a, b], forKey: .maximum)
    case .floor(let a): try container.encode(a, forKey: .floor)
    case .truncated(let a): try container.encode(a, forKey: .truncated)
    case .float32(let a): try container.encode(a, forKey: .float32)
    }
  }
}
