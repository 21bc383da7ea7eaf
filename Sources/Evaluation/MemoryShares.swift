/// What pictures that are in work at once may hold of the process's memory: each has its share before it begins, so that together they stay within
/// a bound whenever each stays within its own.
struct MemoryShares: Hashable {
  /// What the process holds beside them.
  private(set) var base = 0
  /// By the numbers of those that hold them.
  private var shares: [Int: Int] = [:]

  /// How many there are.
  var count: Int { shares.count }
  /// What the process may hold with all of them.
  var byteCount: Int { shares.values.reduce(base, +) }

  /// Takes notice of what the process holds at this moment: that is its base where nothing is shared out, and else, where it is more than can be
  /// told by the shares, the base has grown.
  mutating func note(resident: Int) {
    base = shares.isEmpty ? resident : max(base, resident - (byteCount - base))
  }

  mutating func give(_ byteCount: Int, to number: Int) { shares[number] = byteCount }
  mutating func takeBack(from number: Int) { shares[number] = nil }
}
