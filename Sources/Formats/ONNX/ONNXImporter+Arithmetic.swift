#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

import Tensors

/// Arithmetic of constants, element by element.
extension ONNXImporter {
  /// `f(a, b)` with broadcasting: in float32 where both are weights, else as shape arithmetic.
  mutating func combined(
    _ a: ONNXConstant, _ b: ONNXConstant, _ node: ONNXNode, as type: String? = nil
  ) throws(ONNXProblem) -> ONNXConstant {
    let type = type ?? node.type
    let shape = try broadcast(a.shape, b.shape, node)
    let (x, y) = (try expanded(a, to: shape, node), try expanded(b, to: shape, node))
    if case .floats(let p) = x, case .floats(let q) = y {
      try take(p.count)
      guard let function = Self.floatFunction(type) else { throw node.unsupported("its inputs are weights") }
      let result = Tensor(unsafeUninitialized: p.shape) { bytes in
        let target = bytes.bindMemory(to: Float.self)
        p.withUnsafeFloats { p in
          q.withUnsafeFloats { q in
            for index in target.indices { target[index] = function(p[index], q[index]) }
          }
        }
      }
      return .floats(result)
    }
    guard let p = x.numbers, let q = y.numbers else { throw node.unsupported("it joins integers and weights") }
    let kind: ONNXNumbers.Kind =
      p.isInteger && q.isInteger ? .integer : p.kind == .double || q.kind == .double ? .double : .single
    let likeC = type == "Mod" && node.integer("fmod", default: 0) != 0
    try take(16 * p.values.count)
    var values: [Extent] = []
    for (a, b) in zip(p.values, q.values) {
      guard let value = combined(a, b, type, kind, likeC: likeC) else {
        throw node.unsupported("the shape arithmetic depends on the size of the image in a way that no network follows")
      }
      values.append(value)
    }
    return .numbers(ONNXNumbers(shape: shape, values: values, kind: kind))
  }

  private static func floatFunction(_ type: String) -> ((Float, Float) -> Float)? {
    switch type {
    case "Add", "Sum": { $0 + $1 }
    case "Sub": { $0 - $1 }
    case "Mul": { $0 * $1 }
    case "Div": { $0 / $1 }
    case "Min": { Swift.min($0, $1) }
    case "Max": { Swift.max($0, $1) }
    case "Pow": { powf($0, $1) }
    default: nil
    }
  }

  /// With `likeC` what a division leaves has the sign of the dividend.
  mutating func combined(
    _ a: Extent, _ b: Extent, _ type: String, _ kind: ONNXNumbers.Kind, likeC: Bool = false
  ) -> Extent? {
    let precision: FloatPrecision? =
      switch kind {
      case .integer: nil
      case .single: .single
      case .double: .double
      }
    switch type {
    case "Add", "Sum": return precision.map { symbols.rounded(.sum, a, b, $0) } ?? (a + b)
    case "Sub": return precision.map { symbols.rounded(.sum, a, -b, $0) } ?? (a + -b)
    case "Mul": return precision.map { symbols.rounded(.product, a, b, $0) } ?? (a * b)
    case "Div":
      if let precision { return symbols.rounded(.quotient, a, b, precision) }
      return symbols.quotient(a, b).flatMap { symbols.truncated($0) }
    case "Mod":
      // Of integers: what is left has the sign of the divisor, or of the dividend as in C.
      guard kind == .integer, let quotient = symbols.quotient(a, b),
        let whole = likeC ? symbols.truncated(quotient) : symbols.floor(quotient), let product = whole * b
      else { return nil }
      return a + -product
    case "Min": return symbols.minimum(a, b)
    case "Max": return symbols.maximum(a, b)
    case "Pow":
      if b.integer == 2 { return precision.map { symbols.rounded(.product, a, a, $0) } ?? (a * a) }
      guard let x = a.constant, let y = b.constant else { return nil }
      return Extent(precision?.rounded(pow(x, y)) ?? pow(x, y))
    default: return nil
    }
  }

  mutating func mapped(_ x: ONNXConstant, _ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    try take(x.isNumbers ? 16 * x.count : x.count)
    switch x {
    case .floats(let tensor):
      guard let function = Self.floatFunction1(node.type) else { throw node.unsupported("its input is a weight") }
      let result = Tensor(unsafeUninitialized: tensor.shape) { bytes in
        let target = bytes.bindMemory(to: Float.self)
        tensor.withUnsafeFloats { source in
          for index in target.indices { target[index] = function(source[index]) }
        }
      }
      return .floats(result)
    case .numbers(var numbers):
      var values: [Extent] = []
      for value in numbers.values {
        guard let result = mapped(value, node.type, numbers.kind) else {
          throw node.unsupported("the shape arithmetic depends on the size of the image in a way that no network follows")
        }
        values.append(result)
      }
      numbers.values = values
      return .numbers(numbers)
    }
  }

  private static func floatFunction1(_ type: String) -> ((Float) -> Float)? {
    switch type {
    case "Neg": { -$0 }
    case "Abs": { Swift.abs($0) }
    case "Floor": { $0.rounded(.down) }
    case "Ceil": { $0.rounded(.up) }
    case "Round": { $0.rounded(.toNearestOrEven) }
    case "Sqrt": { $0.squareRoot() }
    case "Reciprocal": { 1 / $0 }
    case "Exp": { expf($0) }
    case "Log": { logf($0) }
    case "Erf": { erff($0) }
    case "Tanh": { tanhf($0) }
    case "Sin": { sinf($0) }
    case "Cos": { cosf($0) }
    case "Sign": { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    case "Not": { $0 == 0 ? 1 : 0 }
    case "Sigmoid": { 1 / (1 + expf(-$0)) }
    case "Relu": { Swift.max($0, 0) }
    default: nil
    }
  }

  private mutating func mapped(_ value: Extent, _ type: String, _ kind: ONNXNumbers.Kind) -> Extent? {
    let precision: FloatPrecision = kind == .single ? .single : .double
    let bounds = symbols.bounds(value)
    switch type {
    case "Neg": return -value
    case "Floor": return symbols.floor(value)
    case "Ceil": return symbols.floor(-value).map { -$0 }
    case "Not": return Extent(1) + -value
    case "Reciprocal": return symbols.rounded(.quotient, Extent(1), value, precision)
    case "Relu": return symbols.maximum(value, Extent(0))
    case "Abs": return symbols.maximum(value, -value)
    case "Sign":
      if bounds.least > 0 || bounds.most < 0 { return Extent(bounds.least > 0 ? 1 : -1) }
      return value.constant == 0 ? Extent(0) : nil
    case "Sqrt": return value.constant.map { Extent(precision.rounded($0.squareRoot())) }
    case "Round": return symbols.roundedToEven(value)
    default: return nil
    }
  }
}
