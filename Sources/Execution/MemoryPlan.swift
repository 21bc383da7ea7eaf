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

  /// Cost: quadratic in the number of requests, a comparison each.
  public init(_ requests: [Request], alignment: Int = 64) {
    var offsets = [Int](repeating: 0, count: requests.count)
    // By offset.
    var placed: [Int] = []
    var end = 0
    let sizes = requests.map { ($0.byteCount + alignment - 1) / alignment * alignment }
    let order = requests.indices.sorted { (requests[$0].byteCount, $1) > (requests[$1].byteCount, $0) }
    for index in order {
      let lifetime = requests[index].lifetime
      var offset = 0
      for other in placed where requests[other].lifetime.overlaps(lifetime) {
        if offset + sizes[index] <= offsets[other] { break }
        offset = max(offset, offsets[other] + sizes[other])
      }
      offsets[index] = offset
      placed.insert(index, at: placed.firstIndex { offsets[$0] > offset } ?? placed.count)
      end = max(end, offset + sizes[index])
    }
    self.offsets = offsets
    byteCount = end
  }
}
