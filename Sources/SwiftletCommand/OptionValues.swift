import Swiftlet

extension Shape {
  init(argument: String) throws {
    guard let shape = Shape(argument) else {
      throw ValueProblem("give extents of 1 or more with x between them, as in 1x3x256x256")
    }
    self = shape
  }
}

/// Why a value is none that an option takes; the parser says which option and which value.
struct ValueProblem: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension DeviceName {
  init(argument: String) throws {
    guard let device = DeviceName(argument) else { throw ValueProblem("give cpu, cuda or cuda with a number, as in cuda:1") }
    self = device
  }
}

extension TilePolicy {
  init(argument: String) throws {
    guard let policy = TilePolicy(argument) else { throw ValueProblem("give auto, none or a side of 1 to \(1 << 20) pixels") }
    self = policy
  }
}

/// A size in bytes: `512M`.
struct ByteCount {
  let bytes: Int

  init(argument: String) throws {
    guard let bytes = TextFormat.parsedByteCount(argument) else {
      throw ValueProblem(
        argument.hasPrefix("-")
          ? "give a size above 0, as in 512M, 1.5G or 512MB"
          : Int(argument) != nil ? "give a unit, as in \(argument)M" : "give a size with its unit, as in 512M, 1.5G or 512MB")
    }
    self.bytes = bytes
  }
}

/// A factor between sides of pictures: `3`, `2.5`, `x2` or `2x`.
struct ScaleFactor {
  let value: Double

  init(argument: String) throws {
    let crosses: Set<Character> = ["x", "X", "×"]
    var digits = Substring(argument)
    if let first = digits.first, crosses.contains(first) {
      digits.removeFirst()
    } else if let last = digits.last, crosses.contains(last) {
      digits.removeLast()
    }
    guard let value = Double(digits), (1...64).contains(value) else {
      throw ValueProblem("give a factor of 1 to 64, as in 3, 2.5 or x2")
    }
    self.value = value
  }
}

/// A positive number.
struct Count {
  let value: Int

  init(_ value: Int) { self.value = value }

  init(argument: String) throws { value = try Self.number(argument, in: 1...1024) }

  static func number(_ argument: String, in range: ClosedRange<Int>) throws -> Int {
    guard let value = Int(argument), range.contains(value) else {
      throw ValueProblem("give a whole number of \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}

/// A number of runs that need not be any.
struct WarmUpCount {
  let value: Int

  init(_ value: Int) { self.value = value }

  init(argument: String) throws { value = try Count.number(argument, in: 0...1024) }
}

/// What is put between name and extension; it leads to no other folder.
struct Suffix {
  let text: String

  init(_ text: String) { self.text = text }

  init(argument: String) throws {
    guard !argument.contains("/") else {
      throw ValueProblem("give what is put behind names, without /, as in -large; --output names folders")
    }
    text = argument
  }
}

/// Plain numbers, so that what is none is told what is wanted. Which numbers serve others say.
enum PlainNumber {
  static func whole(_ argument: String) throws -> Int {
    guard let value = Int(argument) else { throw ValueProblem("give a whole number") }
    return value
  }

  static func real(_ argument: String) throws -> Double {
    guard let value = Double(argument), value.isFinite else { throw ValueProblem("give a number, as in 0.5") }
    return value
  }

  static func single(_ argument: String) throws -> Float {
    guard let value = Float(argument), value.isFinite else { throw ValueProblem("give a number, as in 0.5") }
    return value
  }

  /// Where random numbers begin.
  static func seed(_ argument: String) throws -> UInt64 {
    guard let value = UInt64(argument) else { throw ValueProblem("give a whole number of 0 to \(UInt64.max)") }
    return value
  }
}

/// Numbers with commas between them: `0.485,0.456,0.406`.
struct NumberList {
  let values: [Double]

  init(_ values: [Double]) { self.values = values }

  init(argument: String) throws {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    values = parts.compactMap(\.self)
    guard values.count == parts.count, values.allSatisfy(\.isFinite) else {
      throw ValueProblem("give numbers with commas between them, as in 1,0.7,0.5")
    }
  }
}
