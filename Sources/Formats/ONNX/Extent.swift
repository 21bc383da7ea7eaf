/// A number of shape arithmetic: a polynomial with rational coefficients over extents that are open while a file is read, or any
/// number where nothing is open.
struct Extent: Hashable, Sendable {
  /// A product of atoms (indices into `SymbolTable`, ascending) and a coefficient, which is not zero.
  struct Term: Hashable, Sendable {
    var atoms: [Int]
    var coefficient: Rational
  }

  /// By ascending atoms, which differ; the constant has none.
  private(set) var terms: [Term]
  /// A number that is no quotient of integers that fit, such as 1e30; there are no terms then.
  private var number: Double?

  /// Polynomials beyond these bounds are given up, so that no file makes them grow without end.
  static let termLimit = 16
  static let degreeLimit = 8

  init(_ value: Double) {
    let rational = Rational(value)
    self.init(rational ?? .zero)
    if rational == nil { number = value }
  }

  init(_ value: Int) { self.init(Rational(value)) }
  init(_ value: Rational) { terms = value == .zero ? [] : [Term(atoms: [], coefficient: value)] }
  init(atom: Int) { terms = [Term(atoms: [atom], coefficient: .one)] }
  init(terms: [Term]) { self.terms = terms }

  /// The value where nothing is open.
  var constant: Double? { number ?? rational?.double }

  /// The same, where it is a quotient of integers.
  var rational: Rational? {
    if number != nil { return nil }
    switch terms.count {
    case 0: return .zero
    case 1 where terms[0].atoms.isEmpty: return terms[0].coefficient
    default: return nil
    }
  }

  /// The value where nothing is open and it is an integer that fits.
  var integer: Int? { rational.flatMap { $0.isInteger ? $0.numerator : nil } }

  var isOne: Bool { rational == .one }

  static prefix func - (a: Extent) -> Extent {
    if let number = a.number { return Extent(-number) }
    return Extent(terms: a.terms.map { Term(atoms: $0.atoms, coefficient: -$0.coefficient) })
  }

  /// The multiple; nil where it passes the bounds.
  func scaled(by factor: Int) -> Extent? { self * Extent(factor) }

  /// The quotient, not rounded; nil where it passes the bounds or the divisor is 0.
  func over(_ divisor: Int) -> Extent? { Rational(1, over: divisor).flatMap { self * Extent($0) } }

  /// The sum; nil where it passes the bounds.
  static func + (a: Extent, b: Extent) -> Extent? {
    if a.number != nil || b.number != nil { return both(a, b) { $0 + $1 } }
    return collected(a.terms + b.terms)
  }

  /// The product; nil where it passes the bounds.
  static func * (a: Extent, b: Extent) -> Extent? {
    if a.number != nil || b.number != nil { return both(a, b) { $0 * $1 } }
    if let x = a.rational, let y = b.rational, x * y == nil { return both(a, b) { $0 * $1 } }
    var products: [Term] = []
    for x in a.terms {
      for y in b.terms {
        guard x.atoms.count + y.atoms.count <= degreeLimit, let coefficient = x.coefficient * y.coefficient else { return nil }
        products.append(Term(atoms: (x.atoms + y.atoms).sorted(), coefficient: coefficient))
      }
    }
    return collected(products)
  }

  private static func both(_ a: Extent, _ b: Extent, _ function: (Double, Double) -> Double) -> Extent? {
    guard let x = a.constant, let y = b.constant else { return nil }
    return Extent(function(x, y))
  }

  private static func collected(_ terms: [Term]) -> Extent? {
    var sums: [[Int]: Rational] = [:]
    for term in terms {
      guard let sum = (sums[term.atoms] ?? .zero) + term.coefficient else { return nil }
      sums[term.atoms] = sum
    }
    let kept = sums.filter { $0.value != .zero }
    guard kept.count <= termLimit else { return nil }
    let sorted = kept.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    return Extent(terms: sorted.map { Term(atoms: $0.key, coefficient: $0.value) })
  }

  /// The polynomial by a single term that divides each of its terms; nil where it is none or does not.
  func divided(by divisor: Extent) -> Extent? {
    guard number == nil, divisor.terms.count == 1, let by = divisor.terms.first else { return nil }
    var quotient: [Term] = []
    for term in terms {
      var atoms = term.atoms
      for atom in by.atoms {
        guard let position = atoms.firstIndex(of: atom) else { return nil }
        atoms.remove(at: position)
      }
      guard let coefficient = term.coefficient / by.coefficient else { return nil }
      quotient.append(Term(atoms: atoms, coefficient: coefficient))
    }
    return Extent.collected(quotient)
  }

  /// `self / other` where that is a number.
  func ratio(to other: Extent) -> Rational? {
    guard number == nil, other.number == nil, terms.count == other.terms.count, let first = terms.first,
      let base = other.terms.first, let ratio = first.coefficient / base.coefficient
    else { return nil }
    for (a, b) in zip(terms, other.terms) where a.atoms != b.atoms || a.coefficient != b.coefficient * ratio { return nil }
    return ratio
  }

  /// The common denominator of the coefficients; nil where it does not fit.
  var denominator: Int? {
    var common = 1
    for term in terms {
      guard let factor = Rational(term.coefficient.denominator, over: common)?.numerator else { return nil }
      let (next, overflow) = common.multipliedReportingOverflow(by: factor)
      guard !overflow, next < 1 << 60 else { return nil }
      common = next
    }
    return common
  }
}

extension Extent {
  /// One term; nothing where the coefficient is zero.
  init(_ atoms: [Int], _ coefficient: Rational) {
    self.init(terms: coefficient == .zero ? [] : [Term(atoms: atoms, coefficient: coefficient)])
  }

  /// Without the term of no atoms.
  var withoutConstant: Extent { Extent(terms: terms.filter { !$0.atoms.isEmpty }) }

  /// Some order of numbers.
  func precedes(_ other: Extent) -> Bool {
    func key(_ extent: Extent) -> [Int] {
      extent.terms.flatMap { [$0.atoms.count] + $0.atoms + [$0.coefficient.numerator, $0.coefficient.denominator] }
    }
    return key(self).lexicographicallyPrecedes(key(other))
  }
}

extension Sequence<Extent> {
  /// Nil where it passes the bounds.
  var sum: Extent? { reduce(Extent(0)) { (sum: Extent?, extent) in sum.flatMap { $0 + extent } } }

  /// Nil where it passes the bounds.
  var product: Extent? { reduce(Extent(1)) { (product: Extent?, extent) in product.flatMap { $0 * extent } } }
}
