/// A number of shape arithmetic: a polynomial with rational coefficients over extents that are open while a file is read.
///
/// Coefficients are doubles: integers are exact below 2^53, and so are halves and quarters, the fractions that shapes meet.
struct Extent: Hashable, Sendable {
  /// A product of atoms (indices into `SymbolTable`, ascending) and a coefficient, which is not zero.
  struct Term: Hashable, Sendable {
    var atoms: [Int]
    var coefficient: Double
  }

  /// By ascending atoms, which differ; the constant has none.
  private(set) var terms: [Term]

  /// Polynomials beyond these bounds are given up, so that no file makes them grow without end.
  static let termLimit = 16
  static let degreeLimit = 8

  init(_ value: Double) { terms = value == 0 ? [] : [Term(atoms: [], coefficient: value)] }
  init(_ value: Int) { self.init(Double(value)) }
  init(atom: Int) { terms = [Term(atoms: [atom], coefficient: 1)] }
  fileprivate init(terms: [Term]) { self.terms = terms }

  /// The value where nothing is open.
  var constant: Double? {
    switch terms.count {
    case 0: 0
    case 1 where terms[0].atoms.isEmpty: terms[0].coefficient
    default: nil
    }
  }

  /// The value where nothing is open and it is an integer that fits.
  var integer: Int? { constant.flatMap { Int(exactly: $0) } }

  var isOne: Bool { constant == 1 }

  static prefix func - (a: Extent) -> Extent { a.scaled(by: -1) }

  func scaled(by factor: Double) -> Extent {
    if factor == 0 { return Extent(0) }
    return Extent(terms: terms.map { Term(atoms: $0.atoms, coefficient: $0.coefficient * factor) })
  }

  /// The sum; nil where it passes the bounds.
  static func + (a: Extent, b: Extent) -> Extent? {
    if let x = a.constant, let y = b.constant { return Extent(x + y) }
    return collected(a.terms + b.terms)
  }

  /// The product; nil where it passes the bounds.
  static func * (a: Extent, b: Extent) -> Extent? {
    if let x = a.constant, let y = b.constant { return Extent(x * y) }
    var products: [Term] = []
    for x in a.terms {
      for y in b.terms {
        guard x.atoms.count + y.atoms.count <= degreeLimit else { return nil }
        products.append(Term(atoms: (x.atoms + y.atoms).sorted(), coefficient: x.coefficient * y.coefficient))
      }
    }
    return collected(products)
  }

  private static func collected(_ terms: [Term]) -> Extent? {
    var sums: [[Int]: Double] = [:]
    for term in terms { sums[term.atoms, default: 0] += term.coefficient }
    let kept = sums.filter { $0.value != 0 }
    guard kept.count <= termLimit else { return nil }
    let sorted = kept.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    return Extent(terms: sorted.map { Term(atoms: $0.key, coefficient: $0.value) })
  }

  /// The polynomial by a single term that divides each of its terms; nil where it is none or does not.
  func divided(by divisor: Extent) -> Extent? {
    guard divisor.terms.count == 1, let by = divisor.terms.first else { return nil }
    var quotient: [Term] = []
    for term in terms {
      var atoms = term.atoms
      for atom in by.atoms {
        guard let position = atoms.firstIndex(of: atom) else { return nil }
        atoms.remove(at: position)
      }
      quotient.append(Term(atoms: atoms, coefficient: term.coefficient / by.coefficient))
    }
    return Extent.collected(quotient)
  }

  /// `self / other` where that is a number.
  func ratio(to other: Extent) -> Double? {
    guard terms.count == other.terms.count, let first = terms.first, let base = other.terms.first else { return nil }
    let ratio = first.coefficient / base.coefficient
    for (a, b) in zip(terms, other.terms) where a.atoms != b.atoms || a.coefficient != ratio * b.coefficient { return nil }
    return ratio
  }
}

/// The open extents of a file, and what was computed of them that is no polynomial.
///
/// A file that was exported for one size declares it: then each atom also has a declared value. It serves where the file's own
/// constants were computed from that size, and for what depends on the size in no way that a network can express.
struct SymbolTable: Sendable {
  enum Atom: Hashable, Sendable {
    /// An extent of an input: its name in the file, or the axis.
    case symbol(String)
    case floor(Extent)
    case quotient(Extent, Extent)
  }

  /// `exact` is what an atom is where nothing is rounded off; nil where that is the atom itself.
  private var atoms: [(atom: Atom, declared: Double?, exact: Extent?)] = []
  private var indices: [Atom: Int] = [:]

  mutating func symbol(_ name: String, declared: Int?) -> Extent {
    intern(.symbol(name), declared: declared.map(Double.init))
  }

  /// The largest integer that is not above.
  mutating func floor(_ extent: Extent) -> Extent? {
    if let constant = extent.constant { return Extent(constant.rounded(.down)) }
    // Integer parts leave the brackets, so that equal numbers look equal.
    var whole = Extent(0)
    var rest = Extent(0)
    for term in extent.terms {
      var integral = term.atoms.isEmpty ? term.coefficient.rounded(.down) : 0
      if !term.atoms.isEmpty, term.coefficient == term.coefficient.rounded(), term.atoms.allSatisfy(isInteger) {
        integral = term.coefficient
      }
      guard let w = whole + Extent(terms: [Extent.Term(atoms: term.atoms, coefficient: integral)]).normalised,
        let r = rest + Extent(terms: [Extent.Term(atoms: term.atoms, coefficient: term.coefficient - integral)]).normalised
      else { return nil }
      (whole, rest) = (w, r)
    }
    if let constant = rest.constant { return whole + Extent(constant.rounded(.down)) }
    return whole + intern(.floor(rest), declared: declared(rest)?.rounded(.down))
  }

  /// The quotient, exact where it is a polynomial; nil for a division by zero.
  mutating func quotient(_ a: Extent, _ b: Extent) -> Extent? {
    if b.terms.isEmpty { return nil }
    if let ratio = a.ratio(to: b) { return Extent(ratio) }
    if let exact = a.divided(by: b) { return exact }
    let value: Double? = if let x = declared(a), let y = declared(b), y != 0 { x / y } else { nil }
    return intern(.quotient(a, b), declared: value)
  }

  /// The same for sizes that divide evenly: nothing is rounded off. Files that halve and double count on such sizes.
  func exact(_ extent: Extent) -> Extent {
    var result = Extent(0)
    for term in extent.terms {
      var product = Extent(term.coefficient)
      for atom in term.atoms {
        guard let next = product * (atoms[atom].exact ?? Extent(atom: atom)) else { return extent }
        product = next
      }
      guard let sum = result + product else { return extent }
      result = sum
    }
    return result
  }

  /// The value at the declared sizes.
  func declared(_ extent: Extent) -> Double? {
    var sum = 0.0
    for term in extent.terms {
      var product = term.coefficient
      for atom in term.atoms {
        guard let value = atoms[atom].declared else { return nil }
        product *= value
      }
      sum += product
    }
    return sum
  }

  /// The integer that it is, at the declared sizes where it depends on them.
  func declaredInteger(_ extent: Extent) -> Int? { declared(extent).flatMap { Int(exactly: $0) } }

  /// Whether both are the same number, at the declared sizes where nothing else tells.
  func same(_ a: Extent, _ b: Extent) -> Bool {
    if a == b { return true }
    guard let x = declared(a), let y = declared(b) else { return false }
    return x == y
  }

  /// `a / b` where that is a number, at the declared sizes where nothing else tells.
  func ratio(_ a: Extent, _ b: Extent) -> Double? {
    if let ratio = a.ratio(to: b) { return ratio }
    guard let x = declared(a), let y = declared(b), y != 0 else { return nil }
    return x / y
  }

  private func isInteger(_ atom: Int) -> Bool {
    if case .quotient = atoms[atom].atom { return false }
    return true
  }

  private mutating func intern(_ atom: Atom, declared: Double?) -> Extent {
    if let index = indices[atom] { return Extent(atom: index) }
    indices[atom] = atoms.count
    // Of atoms before it, which know theirs: however deep floors are nested, nothing recurses.
    let inner: Extent? = if case .floor(let inner) = atom { exact(inner.withoutConstant) } else { nil }
    atoms.append((atom, declared, inner))
    return Extent(atom: atoms.count - 1)
  }
}

extension Extent {
  /// Without a term of coefficient zero.
  fileprivate var withoutConstant: Extent { Extent(terms: terms.filter { !$0.atoms.isEmpty }) }
  fileprivate var normalised: Extent { Extent(terms: terms.filter { $0.coefficient != 0 }) }
}
