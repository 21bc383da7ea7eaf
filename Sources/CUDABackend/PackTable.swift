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

  private static let digitBits = 10

  /// A digit as a number whose first 11 bits, and what they leave, say it both: kernels take weights in two such parts.
  private static func number(_ digit: Int) -> Float { Float(1024 + digit) * (1 + 0x1p-13) }

  /// The digit that a packed number says, and which part of it it is.
  private static func digit(_ packed: Float) -> (digit: Int, part: Part)? {
    func known(_ value: Float, _ part: Part) -> (digit: Int, part: Part)? {
      value >= 1024 && value < 2048 && value == value.rounded(.down) ? (Int(value) - 1024, part) : nil
    }
    if packed < 1 { return known(packed * 0x1p13, .second) }
    let whole = packed.rounded(.down)
    if whole == packed { return known(whole, .first) }
    return packed == whole * (1 + 0x1p-13) ? known(whole, .whole) : nil
  }

  private static func places(
    _ constant: DeviceProgram.Constant, _ sources: [(name: String, shape: Shape)], _ network: Network
  ) -> [UInt32]? {
    guard sources.count <= 4, sources.allSatisfy({ $0.shape.count < 1 << 28 }) else { return nil }
    var result: [UInt32] = []
    for pass in 0..<3 {
      var told = network
      for (index, source) in sources.enumerated() {
        let first = index << 28
        told.parameters[source.name] = Tensor(
          source.shape, (0..<source.shape.count).map { number((first + $0) >> (pass * digitBits) & 1023) })
      }
      let bytes = constant.bytes(told)
      guard bytes.count.isMultiple(of: 4) else { return nil }
      let packed = bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
      }
      if pass == 0 { result = [UInt32](repeating: 0, count: packed.count) }
      guard packed.count == result.count else { return nil }
      for (place, value) in packed.enumerated() where value != 0 || result[place] != 0 {
        guard let (digit, part) = digit(value), pass == 0 || result[place] & 3 == part.rawValue else { return nil }
        // The highest two of 30 bits are the source.
        let bits = UInt32(digit)
        result[place] |= part.rawValue
        switch pass {
        case 0: result[place] |= bits << 4
        case 1: result[place] |= bits << 14
        default: result[place] |= (bits & 0xFF) << 24 | (bits >> 8) << 2
        }
      }
    }
    return result
  }
}
