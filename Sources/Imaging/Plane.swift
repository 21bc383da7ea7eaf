/// One channel as numbers: `height` rows of `width` elements, row-major, without padding.
///
/// Whatever the bit depth of the image it came from, the scale is that of 8 bits: 0 is black and 255 is white.
public struct Plane<Element: Sendable & Hashable>: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// `height * width` elements, row after row.
  public var elements: [Element]

  /// A plane of the given elements. Traps where their number is not `width * height`.
  public init(width: Int, height: Int, elements: [Element]) {
    precondition(elements.count == width * height, "\(elements.count) elements do not fill a plane of \(width)x\(height)")
    self.width = width
    self.height = height
    self.elements = elements
  }

  /// A plane with every element equal to `value`.
  public init(width: Int, height: Int, repeating value: Element) {
    self.init(width: width, height: height, elements: Array(repeating: value, count: width * height))
  }

  /// The element in row `y` and column `x`, counted from the top left.
  public subscript(x: Int, y: Int) -> Element {
    get { elements[y * width + x] }
    set { elements[y * width + x] = newValue }
  }

  /// The rectangle that starts at column `x` and row `y`. Traps where it leaves the plane.
  public func cropped(x: Int = 0, y: Int = 0, width: Int, height: Int) -> Plane {
    precondition(x >= 0 && y >= 0 && width >= 0 && height >= 0 && x + width <= self.width && y + height <= self.height)
    var result: [Element] = []
    result.reserveCapacity(width * height)
    for row in y..<y + height { result.append(contentsOf: elements[row * self.width + x..<row * self.width + x + width]) }
    return Plane(width: width, height: height, elements: result)
  }

  /// The plane cut at the right and the bottom to multiples of `factor`, as super-resolution protocols ask.
  public func cropped(toMultipleOf factor: Int) -> Plane {
    cropped(width: width - width % factor, height: height - height % factor)
  }
}

extension Plane where Element == Double {
  /// The same plane in double precision.
  public init(_ other: Plane<Float>) {
    self.init(width: other.width, height: other.height, elements: other.elements.map(Double.init))
  }
}

extension Plane where Element == Float {
  /// The same plane in single precision, rounded to nearest.
  public init(_ other: Plane<Double>) {
    self.init(width: other.width, height: other.height, elements: other.elements.map(Float.init))
  }
}
