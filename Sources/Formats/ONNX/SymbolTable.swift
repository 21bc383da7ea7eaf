/// Single and double precision, in which files reckon sizes beside integers.
enum FloatPrecision: Hashable, Sendable {
  case single, double

  /// Up to here all integers are numbers of the precision.
  var integers: Double { self == .single ? 0x1p24 : 0x1p53 }

  func rounded(_ value: Double) -> Double { self == .single ? Double(Float(value)) : value }
}

/// The open extents of a file, and what was computed of them that is no polynomial.
///
/// Where a file fixes sizes and is opened to others (`ONNXSizes.any`), atoms have a declared value, too: what they were in the file.
struct SymbolTable: Sendable {
  enum Atom: Hashable, Sendable {
    /// An extent of an input, by what it is called while the file is read.
    case symbol(String)
    case floor(Extent)
    case truncated(Extent)
    case quotient(Extent, Extent)
    case minimum(Extent, Extent)
    case maximum(Extent, Extent)
    /// The result of an operation of numbers of a precision, rounded to it.
    case rounded(Arithmetic, Extent, Extent, FloatPrecision)
  }

  enum Arithmetic: Hashable, Sendable {
    case sum, product, quotient
  }

  /// An axis of an input of the network.
  struct Source: Hashable, Sendable {
    var input: String
    var axis: Int
  }

  private struct Entry: Sendable {
    var atom: Atom
    var declared: Double?
    /// What an atom is where nothing is rounded off; nil where that is the atom itself.
    var exact: Extent?
    /// No value is below, or above.
    var least: Double
    var most: Double
    var isInteger: Bool
    var source: Source?
    /// Of a symbol: what a node demands that it is.
    var fixed: Int?
  }

  private var entries: [Entry] = []
  private var indices: [Atom: Int] = [:]

  /// The largest extent that shape arithmetic is taken to meet; the network refuses those beyond (`SizeExpression.extentLimit`).
  static let extentLimit = 0x1p20

  // MARK: Making atoms

  mutating func symbol(_ name: String, source: Source? = nil, declared: Int? = nil) -> Extent {
    intern(
      Entry(
        atom: .symbol(name), declared: declared.map(Double.init), least: 1, most: Self.extentLimit, isInteger: true,
        source: source))
  }

  /// The largest integer that is not above.
  mutating func floor(_ extent: Extent) -> Extent? {
    guard let (whole, inner) = floorParts(extent) else { return nil }
    guard let inner else { return whole }
    let bounds = bounds(inner)
    return whole
      + intern(
        Entry(
          atom: .floor(inner), declared: declared(inner)?.rounded(.down), exact: exact(inner.withoutConstant),
          least: bounds.least.rounded(.down), most: bounds.most.rounded(.down), isInteger: true))
  }

  /// The largest integer that is not above, if the file has reckoned it before.
  func floorIfKnown(_ extent: Extent) -> Extent? {
    guard let (whole, inner) = floorParts(extent) else { return nil }
    guard let inner else { return whole }
    return indices[.floor(inner)].flatMap { whole + Extent(atom: $0) }
  }

  /// The floor as an integer and what stands in its brackets, if anything.
  private func floorParts(_ extent: Extent) -> (whole: Extent, inner: Extent?)? {
    if let constant = extent.constant { return (Extent(constant.rounded(.down)), nil) }
    guard let (whole, rest) = parts(extent) else { return nil }
    if let constant = rest.rational { return (whole + Extent(constant.floor)).map { ($0, nil) } }
    return (whole, flattened(rest))
  }

  /// Integer parts leave the brackets, so that equal numbers look equal.
  private func parts(_ extent: Extent) -> (whole: Extent, rest: Extent)? {
    var whole = Extent(0)
    var rest = Extent(0)
    for term in extent.terms {
      let isWhole = term.coefficient.isInteger && term.atoms.allSatisfy { entries[$0].isInteger }
      let integral = isWhole ? term.coefficient : term.atoms.isEmpty ? Rational(term.coefficient.floor) : .zero
      guard let left = term.coefficient + -integral, let w = whole + Extent(term.atoms, integral),
        let r = rest + Extent(term.atoms, left)
      else { return nil }
      (whole, rest) = (w, r)
    }
    return (whole, rest)
  }

  /// ⌊(⌊a⌋ + b) / n⌋ is ⌊(a + b) / n⌋ where b is an integer: halves of halves are quarters.
  private func flattened(_ extent: Extent) -> Extent {
    var result = extent
    for _ in 0..<8 {
      guard let place = result.terms.firstIndex(where: { floorInside($0) != nil }),
        let inside = floorInside(result.terms[place])
      else { return result }
      let divisor = result.terms[place].coefficient.denominator
      var sum = Extent(0)
      for (index, term) in result.terms.enumerated() {
        let part = Extent(term.atoms, term.coefficient)
        // What stands beside the floor is integers by the divisor, too.
        let times = Extent(term.atoms, term.coefficient).scaled(by: divisor)
        guard let times, index == place || isIntegral(times), let next = sum + (index == place ? inside : part) else {
          return result
        }
        sum = next
      }
      result = sum
    }
    return result
  }

  /// Of `⌊a⌋ / n` the quotient `a / n`.
  private func floorInside(_ term: Extent.Term) -> Extent? {
    guard term.atoms.count == 1, term.coefficient.numerator == 1, case .floor(let inside) = entries[term.atoms[0]].atom else {
      return nil
    }
    return inside.over(term.coefficient.denominator)
  }

  /// Whether it is a whole number at every size.
  func isIntegral(_ extent: Extent) -> Bool {
    extent.terms.allSatisfy { $0.coefficient.isInteger && $0.atoms.allSatisfy { entries[$0].isInteger } }
  }

  /// The integer towards zero.
  mutating func truncated(_ extent: Extent) -> Extent? {
    if let constant = extent.constant { return Extent(constant.rounded(.towardZero)) }
    let bounds = bounds(extent)
    if bounds.least >= 0 || isIntegral(extent) { return floor(extent) }
    return intern(
      Entry(
        atom: .truncated(extent), declared: declared(extent)?.rounded(.towardZero), exact: exact(extent),
        least: bounds.least.rounded(.towardZero), most: bounds.most.rounded(.towardZero), isInteger: true))
  }

  /// The quotient, exact where it is a polynomial; nil for a division by zero.
  mutating func quotient(_ a: Extent, _ b: Extent) -> Extent? {
    if let x = a.constant, let y = b.constant, b.rational != .zero {
      return a.rational.flatMap { p in b.rational.flatMap { p / $0 } }.map { Extent($0) } ?? Extent(x / y)
    }
    if b.constant == 0 { return nil }
    if let ratio = a.ratio(to: b) { return Extent(ratio) }
    if let exact = a.divided(by: b) { return exact }
    let (x, y) = (bounds(a), bounds(b))
    let isPositive = x.least >= 0 && y.least > 0
    let value: Double? = if let x = declared(a), let y = declared(b), y != 0 { x / y } else { nil }
    return intern(
      Entry(
        atom: .quotient(a, b), declared: value, least: isPositive ? x.least / y.most : -.infinity,
        most: isPositive ? x.most / y.least : .infinity, isInteger: false))
  }

  /// The smaller of both.
  mutating func minimum(_ a: Extent, _ b: Extent) -> Extent { extremum(a, b, isMaximum: false) }

  /// The larger of both.
  mutating func maximum(_ a: Extent, _ b: Extent) -> Extent { extremum(a, b, isMaximum: true) }

  /// 1 where an integer is below zero, else 0; nil where it need not be an integer.
  mutating func isBelowZero(_ extent: Extent) -> Extent? {
    if let constant = extent.constant { return Extent(constant < 0 ? 1 : 0) }
    guard isIntegral(extent) else { return nil }
    let below = maximum(Extent(0), -extent)
    return minimum(Extent(1), below)
  }

  /// The nearest integer, of two as near the even one.
  mutating func roundedToEven(_ extent: Extent) -> Extent? {
    if let constant = extent.constant { return Extent(constant.rounded(.toNearestOrEven)) }
    if isIntegral(extent) { return extent }
    // ⌊x + 1/2⌋, less 1 where that is odd and x + 1/2 an integer.
    guard let half = Extent(1).over(2), let raised = extent + half, let up = floor(raised), let down = floor(-raised),
      let both = up + down, let isWhole = both + Extent(1), let pair = up.over(2).flatMap({ floor($0)?.scaled(by: 2) }),
      let odd = up + -pair, let less = isWhole * odd
    else { return nil }
    return up + -less
  }

  private mutating func extremum(_ a: Extent, _ b: Extent, isMaximum: Bool) -> Extent {
    if a == b { return a }
    if let x = a.constant, let y = b.constant { return (x < y) == isMaximum ? b : a }
    let (x, y) = (bounds(a), bounds(b))
    if let difference = a + -b {
      let bounds = bounds(difference)
      if bounds.least >= 0 { return isMaximum ? a : b }
      if bounds.most <= 0 { return isMaximum ? b : a }
    }
    // In one order, so that equal numbers look equal.
    let (first, second) = a.precedes(b) ? (a, b) : (b, a)
    let pick: (Double, Double) -> Double = isMaximum ? { Swift.max($0, $1) } : { Swift.min($0, $1) }
    let value: Double? = if let x = declared(a), let y = declared(b) { pick(x, y) } else { nil }
    let (p, q) = (exact(a), exact(b))
    return intern(
      Entry(
        atom: isMaximum ? .maximum(first, second) : .minimum(first, second), declared: value, exact: p == q ? p : nil,
        least: pick(x.least, y.least), most: pick(x.most, y.most), isInteger: isIntegral(a) && isIntegral(b)))
  }

  /// An operation of numbers of a precision; nil where it passes the bounds, or divides by zero.
  mutating func rounded(_ operation: Arithmetic, _ a: Extent, _ b: Extent, _ precision: FloatPrecision) -> Extent? {
    let exact =
      switch operation {
      case .sum: a + b
      case .product: a * b
      case .quotient: quotient(a, b)
      }
    if let exact, let constant = exact.constant { return Extent(precision.rounded(constant)) }
    if let exact, isRepresentable(exact, precision) { return exact }
    let value: Double? = if let x = declared(a), let y = declared(b) { operation.value(x, y) } else { nil }
    let bounds: (least: Double, most: Double) = exact.map { self.bounds($0) } ?? (-Double.infinity, Double.infinity)
    return intern(
      Entry(
        atom: .rounded(operation, a, b, precision), declared: value.map { precision.rounded($0) },
        exact: exact.map { self.exact($0) },
        least: precision.rounded(bounds.least), most: precision.rounded(bounds.most), isInteger: false))
  }

  /// Whether every value that it can have is a number of the precision: an integer by a power of two, and not too large.
  private func isRepresentable(_ extent: Extent, _ precision: FloatPrecision) -> Bool {
    if extent.terms.count == 1, extent.terms[0].coefficient == .one, extent.terms[0].atoms.count == 1,
      case .rounded(_, _, _, precision) = entries[extent.terms[0].atoms[0]].atom
    {
      return true
    }
    guard extent.terms.allSatisfy({ $0.atoms.allSatisfy { entries[$0].isInteger } }), let denominator = extent.denominator,
      denominator & (denominator - 1) == 0
    else { return false }
    let bounds = bounds(extent)
    return Swift.max(-bounds.least, bounds.most) * Double(denominator) <= precision.integers
  }

  private mutating func intern(_ entry: Entry) -> Extent {
    if let index = indices[entry.atom] { return Extent(atom: index) }
    indices[entry.atom] = entries.count
    entries.append(entry)
    return Extent(atom: entries.count - 1)
  }

  // MARK: What is known of numbers

  /// Between which numbers all values lie.
  func bounds(_ extent: Extent) -> (least: Double, most: Double) {
    if let constant = extent.constant { return (constant, constant) }
    var (least, most) = (0.0, 0.0)
    for term in extent.terms {
      var (low, high) = (1.0, 1.0)
      for atom in term.atoms {
        let corners = [
          low * entries[atom].least, low * entries[atom].most, high * entries[atom].least, high * entries[atom].most,
        ]
        if corners.contains(where: \.isNaN) { return (-.infinity, .infinity) }
        (low, high) = (corners.min() ?? 0, corners.max() ?? 0)
      }
      let coefficient = term.coefficient.double
      least += coefficient * (coefficient > 0 ? low : high)
      most += coefficient * (coefficient > 0 ? high : low)
    }
    return least.isNaN || most.isNaN ? (-.infinity, .infinity) : (least, most)
  }

  /// The same for sizes that divide evenly: nothing is rounded off.
  func exact(_ extent: Extent) -> Extent {
    if extent.constant != nil { return extent }
    var result = Extent(0)
    for term in extent.terms {
      var product = Extent(term.coefficient)
      for atom in term.atoms {
        guard let next = product * (entries[atom].exact ?? Extent(atom: atom)) else { return extent }
        product = next
      }
      guard let sum = result + product else { return extent }
      result = sum
    }
    return result
  }

  /// The value at the declared sizes.
  func declared(_ extent: Extent) -> Double? {
    if let constant = extent.constant { return constant }
    var sum = 0.0
    for term in extent.terms {
      var product = term.coefficient.double
      for atom in term.atoms {
        guard let value = entries[atom].declared else { return nil }
        product *= value
      }
      sum += product
    }
    return sum
  }

  /// The integer that it is, at the declared sizes where it depends on them.
  func declaredInteger(_ extent: Extent) -> Int? { declared(extent).flatMap { Int(exactly: $0) } }

  /// Demands that an open extent is a number: an axis of an input that is nothing but open gets it. Whether it can be.
  mutating func fix(_ extent: Extent, to value: Int) -> Bool {
    if extent.constant != nil { return extent.integer == value }
    guard extent.terms.count == 1, extent.terms[0].coefficient == .one, extent.terms[0].atoms.count == 1 else { return true }
    let atom = extent.terms[0].atoms[0]
    guard entries[atom].source != nil else { return true }
    if let fixed = entries[atom].fixed { return fixed == value }
    entries[atom].fixed = value
    return true
  }

  /// What the nodes demand of the axes of inputs that are open.
  var fixedSources: [(source: Source, extent: Int)] {
    entries.compactMap { entry in entry.source.flatMap { source in entry.fixed.map { (source, $0) } } }
  }

  /// The parts of an atom, for translation.
  func atom(_ index: Int) -> (atom: Atom, source: Source?) { (entries[index].atom, entries[index].source) }
}

extension SymbolTable.Arithmetic {
  fileprivate func value(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .sum: a + b
    case .product: a * b
    case .quotient: a / b
    }
  }
}
