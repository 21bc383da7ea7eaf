/// Where the values of a run lie in one arena: values that live at the same time never overlap.
///
/// A pure function of sizes and lifetimes. Largest first, each at the lowest offset that is free over its life: within a few
/// percent of the lower bound (the largest sum of live sizes) on networks of chains and skips.
public struct MemoryPlan: Hashable, Sendable {
  /// A value: its size and the steps during which it must keep its bytes, both ends included.
  public struct Request: Hashable, Sendable {
    public var byteCount: Int
    public var lifetime: ClosedRange<Int>

    public init(byteCount: Int, lifetime: ClosedRange<Int>) {
      self.byteCount = byteCount
      self.lifetime = lifetime
    }
  }

  /// The byte offset of each request, a multiple of `alignment`.
  public let offsets: [Int]
  /// The size of the arena in bytes.
  public let byteCount: Int

  /// Cost: quadratic in the number of requests.
  public init(_ requests: [Request], alignment: Int = 64) {
    var offsets = [Int](repeating: 0, count: requests.count)
    var placed: [Int] = []
    var end = 0
    let order = requests.indices.sorted { (requests[$0].byteCount, $1) > (requests[$1].byteCount, $0) }
    for index in order {
      let request = requests[index]
      let size = (request.byteCount + alignment - 1) / alignment * alignment
      var offset = 0
      let neighbours = placed.filter { requests[$0].lifetime.overlaps(request.lifetime) }.sorted { offsets[$0] < offsets[$1] }
      for other in neighbours {
        if offset + size <= offsets[other] { break }
        let otherEnd = offsets[other] + (requests[other].byteCount + alignment - 1) / alignment * alignment
        offset = max(offset, otherEnd)
      }
      offsets[index] = offset
      placed.append(index)
      end = max(end, offset + size)
    }
    self.offsets = offsets
    byteCount = end
  }
}
