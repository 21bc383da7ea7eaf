import Tensors

/// Two values, one along the height and one along the width. In JSON `3`, or `[height, width]` where they differ.
public struct Pair: Hashable, Sendable {
  public var height: Int
  public var width: Int

  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// The same value along both axes.
  public init(_ both: Int) { self.init(height: both, width: both) }
}

/// Pixels put around an image. In JSON `1`, or `[top, left, bottom, right]` where they differ.
public struct Padding: Hashable, Sendable {
  public var top: Int
  public var left: Int
  public var bottom: Int
  public var right: Int

  public init(top: Int, left: Int, bottom: Int, right: Int) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// The same on all four sides.
  public init(_ all: Int) { self.init(top: all, left: all, bottom: all, right: all) }
}

extension Pair: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int) { self.init(value) }
}

extension Padding: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int) { self.init(value) }
}

extension Pair: CustomStringConvertible {
  /// `3`, or `3x5` for height x width.
  public var description: String { height == width ? "\(height)" : "\(height)x\(width)" }
}

extension Padding: CustomStringConvertible {
  /// `1`, or `(0, 1, 0, 1)` for top, left, bottom, right.
  public var description: String {
    top == left && top == bottom && top == right ? "\(top)" : "(\(top), \(left), \(bottom), \(right))"
  }
}

extension Pair: Codable {
  public init(from decoder: any Decoder) throws {
    let values = try decodeIntegers(from: decoder, count: 2, what: "a pair [height, width]")
    self.init(height: values[0], width: values[1])
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if height == width { try container.encode(height) } else { try container.encode([height, width]) }
  }
}

extension Padding: Codable {
  public init(from decoder: any Decoder) throws {
    let values = try decodeIntegers(from: decoder, count: 4, what: "a padding [top, left, bottom, right]")
    self.init(top: values[0], left: values[1], bottom: values[2], right: values[3])
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if self == Padding(top) { try container.encode(top) } else { try container.encode([top, left, bottom, right]) }
  }
}

/// Reads one integer, which stands for `count` equal ones, or a list of `count`.
private func decodeIntegers(from decoder: any Decoder, count: Int, what: String) throws -> [Int] {
  let container = try decoder.singleValueContainer()
  if let one = try? container.decode(Int.self) { return Array(repeating: one, count: count) }
  guard let values = try? container.decode([Int].self) else {
    throw DecodingError.dataCorruptedError(in: container, debugDescription: "is no whole number, nor a list of \(count)")
  }
  guard values.count == count else {
    throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(what) has \(values.count) values")
  }
  return values
}

/// The first attribute outside its range, as a clause, nil where there is none.
func firstFault(_ checks: [(name: String, value: Int, minimum: Int)]) -> String? {
  for check in checks where check.value < check.minimum || check.value > Limits.attribute {
    return "the \(check.name) \(check.value) is not in \(check.minimum)...\(Limits.attribute)"
  }
  return nil
}

extension Pair {
  func fault(_ name: String, minimum: Int = 1) -> String? {
    firstFault([("\(name) height", height, minimum), ("\(name) width", width, minimum)])
  }
}

extension Padding {
  func fault() -> String? {
    firstFault([("top padding", top, 0), ("left padding", left, 0), ("bottom padding", bottom, 0), ("right padding", right, 0)])
  }
}

/// What is wrong with the number of an axis; nil where nothing is.
func axisFault(_ axis: Int) -> String? {
  (0..<Limits.rank).contains(axis) ? nil : "the axis \(axis) is not in 0...\(Limits.rank - 1)"
}

extension Shape {
  /// The extent along an axis that the shape may lack.
  func extent(along axis: Int) throws(TypeMismatch) -> Int {
    guard axis < rank else { throw TypeMismatch("the input \(self) has no axis \(axis)") }
    return self[axis]
  }
}

/// The only input, which must be an image of that many channels (any number where `channels` is nil).
func image(_ input: Shape, channels: Int? = nil) throws(TypeMismatch) -> Shape {
  guard input.isImage else { throw TypeMismatch("the input \(input) is no image [N, C, H, W]") }
  if let channels, input.channels != channels {
    throw TypeMismatch("the input \(input) has \(input.channels) channels, not \(channels)")
  }
  return input
}

/// The shape of an input whose axis 1 has `channels` extents, one vector element each.
func channelwise(_ input: Shape, _ channels: Int) throws(TypeMismatch) -> Shape {
  guard input.rank >= 2, input.channels == channels else {
    throw TypeMismatch("the input \(input) does not have \(channels) channels")
  }
  return input
}

/// What is wrong with a list of axes that should ascend; nil where nothing is.
func axesFault(_ axes: [Int]) -> String? {
  for axis in axes {
    if let fault = axisFault(axis) { return fault }
  }
  return zip(axes, axes.dropFirst()).allSatisfy(<) ? nil : "the axes \(axes) do not ascend"
}
