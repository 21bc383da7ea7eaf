import Execution
import Files
import Networks

/// What steps read along an axis, by position: tables as long as a row or a column of their values, and steps alike in what they do
/// share one. Counted before they are made, for a small file may ask for thousands of long ones.
struct AxisTables {
  /// What a table follows from.
  enum Key: Hashable {
    /// Of all channels, each where it is.
    case identity(count: Int)
    case resize(Resize, rows: Bool, extent: Int, count: Int)
    case pad(Pad.Mode, before: Int, extent: Int, count: Int)
    case slice(start: Int, step: Int, count: Int)

    var count: Int {
      switch self {
      case .identity(let count), .resize(_, _, _, let count), .pad(_, _, _, let count), .slice(_, _, let count): count
      }
    }
  }

  /// What all tables of a network may take: hundreds of networks' worth.
  static let mostBytes = 1 << 30

  private(set) var byteCount = 0
  private var maps: [Key: [Int]] = [:]
  private var taps: [Key: ResizeTaps] = [:]

  /// For each position of the output the one of the input.
  mutating func map(_ key: Key, _ node: Node, _ place: (Int) -> Int) throws(ExecutionError) -> [Int] {
    if let known = maps[key] { return known }
    try claim(key.count * MemoryLayout<Int>.stride, node)
    let map = (0..<key.count).map(place)
    maps[key] = map
    return map
  }

  /// For each row, or column, of a bilinear or bicubic resize what it mixes.
  mutating func taps(
    of payload: Resize, rows: Bool, extent: Int, count: Int, _ node: Node
  ) throws(ExecutionError) -> ResizeTaps {
    let key = Key.resize(payload, rows: rows, extent: extent, count: count)
    if let known = taps[key] { return known }
    try claim(count * ResizeTaps.count(payload.method) * 8, node)
    let result = ResizeTaps(payload, extent: extent, outputExtent: count) {
      rows
        ? payload.rowPosition(of: $0, extent: extent, outputExtent: count)
        : payload.columnPosition(of: $0, extent: extent, outputExtent: count)
    }
    taps[key] = result
    return result
  }

  /// The same of the adjoint of a map, for each of `extent` positions.
  mutating func taps(adjointOf map: AxisMap, extent: Int, _ node: Node) throws(ExecutionError) -> ResizeTaps {
    let adjoint = map.adjoint(extent: extent), count = adjoint.taps.map(\.count).max() ?? 0
    try claim(extent * max(count, 1) * 8, node)
    return ResizeTaps(adjoint)
  }

  /// Counts the bytes of what is about to be made.
  mutating func claim(_ count: Int, _ node: Node) throws(ExecutionError) {
    byteCount += count
    guard byteCount <= Self.mostBytes else {
      throw .unsupported(
        node: node.name, operation: node.operation.typeName, backend: "cpu",
        reason: "the tables of its rows and columns and of those before it would take more than \(Self.mostBytes >> 20) MiB")
    }
    // They are made before the memory of a session is added up.
    let available = MemoryLimit.current.byteCount
    guard count <= available else { throw .memory(needed: byteCount, available: available) }
  }
}

/// What each output position along an axis of a bilinear or bicubic resize mixes: `count` input positions and their weights, one output
/// position after another.
final class ResizeTaps {
  let count: Int
  let positions: ConstantTable<Int32>
  let weights: ConstantTable<Float>

  static func count(_ method: Resize.Method) -> Int { method == .bilinear ? 2 : 4 }

  init(_ payload: Resize, extent: Int, outputExtent: Int, _ place: (Int) -> Resize.Position) {
    let count = Self.count(payload.method), a = Double(payload.cubicCoefficient)
    self.count = count
    positions = ConstantTable(count: outputExtent * count)
    weights = ConstantTable(count: outputExtent * count)
    for index in 0..<outputExtent {
      let position = place(index)
      for tap in 0..<count {
        let offset = payload.method == .bilinear ? tap : tap - 1
        let distance = abs(position.fraction - Double(offset))
        positions[index * count + tap] = Int32(min(max(position.index + offset, 0), extent - 1))
        weights[index * count + tap] = Float(payload.method == .bilinear ? 1 - distance : Self.keys(distance, a))
      }
    }
  }

  /// Those of any map; where a position has fewer than others the rest weigh nothing.
  init(_ map: AxisMap) {
    let count = max(map.taps.map(\.count).max() ?? 0, 1)
    self.count = count
    positions = ConstantTable(count: map.taps.count * count)
    weights = ConstantTable(count: map.taps.count * count)
    for (index, taps) in map.taps.enumerated() {
      for tap in 0..<count {
        positions[index * count + tap] = Int32(tap < taps.count ? taps[tap].position : taps.first?.position ?? 0)
        weights[index * count + tap] = tap < taps.count ? Float(taps[tap].weight) : 0
      }
    }
  }

  /// What each position of a resize mixes, as a map.
  static func map(_ payload: Resize, rows: Bool, extent: Int, count: Int) -> AxisMap {
    AxisMap(
      taps: (0..<count).map { index in
        let position =
          rows
          ? payload.rowPosition(of: index, extent: extent, outputExtent: count)
          : payload.columnPosition(of: index, extent: extent, outputExtent: count)
        func inside(_ place: Int) -> Int { min(max(place, 0), extent - 1) }
        if payload.method == .nearest {
          return [AxisMap.Tap(position: inside(position.rounded(payload.rounding)), weight: 1)]
        }
        return (0..<Self.count(payload.method)).map { tap in
          let offset = payload.method == .bilinear ? tap : tap - 1
          let distance = abs(position.fraction - Double(offset))
          let weight = payload.method == .bilinear ? 1 - distance : keys(distance, Double(payload.cubicCoefficient))
          return AxisMap.Tap(position: inside(position.index + offset), weight: weight)
        }
      })
  }

  /// Keys' cubic convolution kernel.
  private static func keys(_ distance: Double, _ a: Double) -> Double {
    if distance <= 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
    if distance < 2 { return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a }
    return 0
  }
}
