/// The extents of a tensor, outermost first.
///
/// Image tensors are `[batch, channels, height, width]`, convolution weights
/// `[outChannels, inChannels / groups, kernelHeight, kernelWidth]`, vectors `[count]`. Every extent is at least 1 in a valid
/// tensor of an image network; the type itself only requires that none is negative.
public struct Shape: Hashable, Sendable {
  /// The extents, outermost first, each in elements.
  public var extents: [Int]

  /// Creates a shape. Traps when an extent is negative (a programmer error; readers of files check first).
  public init(_ extents: [Int]) {
    precondition(extents.allSatisfy { $0 >= 0 }, "a shape has no negative extent")
    self.extents = extents
  }

  /// An image shape `[batch, channels, height, width]`.
  public init(batch: Int = 1, channels: Int, height: Int, width: Int) {
    self.init([batch, channels, height, width])
  }

  /// The number of extents.
  public var rank: Int { extents.count }

  /// The number of elements: the product of the extents (1 for a scalar shape `[]`). Traps on overflow; see `checkedCount`.
  public var count: Int { extents.reduce(1, *) }

  /// The number of elements, or `nil` where the product overflows `Int`.
  public var checkedCount: Int? {
    var product = 1
    for extent in extents {
      let (value, overflow) = product.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      product = value
    }
    return product
  }

  /// The extent at `axis`.
  public subscript(axis: Int) -> Int {
    get { extents[axis] }
    set { extents[axis] = newValue }
  }

  /// Whether the shape is that of an image tensor: rank 4.
  public var isImage: Bool { rank == 4 }
  /// Extent 0 of an image tensor.
  public var batch: Int { extents[0] }
  /// Extent 1 of an image tensor.
  public var channels: Int { extents[1] }
  /// Extent 2 of an image tensor, in pixels.
  public var height: Int { extents[2] }
  /// Extent 3 of an image tensor, in pixels.
  public var width: Int { extents[3] }
}

extension Shape: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: CustomStringConvertible {
  /// The extents joined by `x`, as the command line writes them: `1x3x256x256`.
  public var description: String { extents.isEmpty ? "scalar" : extents.map(String.init).joined(separator: "x") }

  /// Parses `1x3x256x256`. Returns `nil` unless every part is a positive decimal number.
  public init?(_ text: String) {
    var extents: [Int] = []
    for part in text.split(separator: "x", omittingEmptySubsequences: false) {
      guard let extent = Int(part), extent > 0 else { return nil }
      extents.append(extent)
    }
    self.init(extents)
  }
}

extension Shape: Codable {
  public init(from decoder: any Decoder) throws {
    let extents = try decoder.singleValueContainer().decode([Int].self)
    guard extents.allSatisfy({ $0 >= 0 }) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a shape has a negative extent"))
    }
    self.extents = extents
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(extents)
  }
}
