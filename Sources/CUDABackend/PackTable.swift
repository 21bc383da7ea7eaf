import Networks
import Tensors

/// Where the numbers of a pack come from: a table that a kernel packs by. It is found by packing: numbers that say their own places are packed in
/// the place of parameters, so that there is one description of each pack, whoever makes it.
final class PackTable {
  private let constant: DeviceProgram.Constant
  private let sources: [(name: String, shape: Shape)]
  private let network: Network
  /// Until somebody takes them.
  private var places: [UInt32]?
  /// Of the pack; nil where it is no selection of the parameters' numbers.
  let count: Int?

  /// What a number is of the one in its place.
  private enum Part: UInt32 { case whole = 1, first, second }

  /// - Parameter sources: at most 4 parameters, or values that stand for them, of fewer than 2^28 numbers each.
  init(_ constant: DeviceProgram.Constant, _ sources: [(name: String, shape: Shape)], of network: Network) {
    self.constant = constant
    self.sources = sources
    var bare = network
    bare.parameters = [:]
    self.network = bare
    places = Self.places(constant, sources, bare)
    count = places?.count
  }

  /// The table as the kernel reads it.
  func bytes() -> [UInt8] {
    let table = places ?? Self.places(constant, sources, network) ?? []
    places = nil
    return table.withUnsafeBytes { Array($0) }
  }

  /// Of the digits that numbers say: what they are stored in keeps them whole.
  private static func digitBits(_ precision: CUDAPrecision) -> Int { precision == .bfloat16 ? 7 : 10 }

  /// A digit as a number. Of float32 its first 11 bits, and what they leave, say it both: kernels take weights in two such parts.
  private static func number(_ digit: UInt32, _ precision: CUDAPrecision) -> Float {
    let whole = Float(UInt32(1) << digitBits(precision) + digit)
    return precision == .float32 ? whole * (1 + 0x1p-13) : whole
  }

  /// The digit that a packed number says, and which part of it it is.
  private static func digit(_ packed: Float, _ precision: CUDAPrecision) -> (digit: UInt32, part: Part)? {
    let first = Float(UInt32(1) << digitBits(precision))
    func known(_ value: Float, _ part: Part) -> (digit: UInt32, part: Part)? {
      value >= first && value < 2 * first && value == value.rounded(.down) ? (UInt32(value - first), part) : nil
    }
    if precision != .float32 { return known(packed, .whole) }
    if packed < 1 { return known(packed * 0x1p13, .second) }
    let whole = packed.rounded(.down)
    if whole == packed { return known(whole, .first) }
    return packed == whole * (1 + 0x1p-13) ? known(whole, .whole) : nil
  }

  /// The numbers of a pack.
  private static func numbers(_ bytes: [UInt8], _ precision: CUDAPrecision) -> [Float]? {
    let size = precision.element.byteCount
    guard bytes.count.isMultiple(of: size) else { return nil }
    return bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / size).map { index in
        if size == 4 { return bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self) }
        let bits = bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
        return precision == .bfloat16 ? Float(bitPattern: UInt32(bits) << 16) : Float(halfBits: bits)
      }
    }
  }

  private static func places(
    _ constant: DeviceProgram.Constant, _ sources: [(name: String, shape: Shape)], _ network: Network
  ) -> [UInt32]? {
    guard sources.count <= 4, sources.allSatisfy({ $0.shape.count < 1 << 28 }) else { return nil }
    // The source is above the place: 30 bits.
    let precision = constant.precision, bits = digitBits(precision), mask = UInt32(1) << bits - 1
    var codes: [UInt32] = [], parts: [UInt32] = []
    for shift in stride(from: 0, to: 30, by: bits) {
      var told = network
      for (index, source) in sources.enumerated() {
        let first = UInt32(index) << 28
        told.parameters[source.name] = Tensor(
          source.shape, (0..<UInt32(source.shape.count)).map { number((first + $0) >> UInt32(shift) & mask, precision) })
      }
      guard let packed = numbers(constant.bytes(told), precision) else { return nil }
      let isFirst = shift == 0
      if isFirst {
        codes = [UInt32](repeating: 0, count: packed.count)
        parts = codes
      }
      guard packed.count == codes.count else { return nil }
      for (place, value) in packed.enumerated() where value != 0 || parts[place] != 0 {
        guard let (digit, part) = digit(value, precision), isFirst || parts[place] == part.rawValue else { return nil }
        parts[place] = part.rawValue
        codes[place] |= digit << UInt32(shift)
      }
    }
    return zip(codes, parts).map { code, part in part == 0 ? 0 : (code & 0xFFF_FFFF) << 4 | (code >> 28) << 2 | part }
  }
}
