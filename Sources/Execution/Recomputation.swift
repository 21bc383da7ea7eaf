/// What a session computes again to keep within its memory, and what that costs.
public struct Recomputation: Hashable, Sendable {
  /// Of a session that keeps all it needs; see `Session.peakMemoryByteCount`.
  public var plainByteCount: Int
  /// Values that are made, and those of them that are made more than once.
  public var valueCount: Int
  public var repeatedValueCount: Int
  /// Of a run that keeps all it needs, and what comes on top.
  public var multiplyAccumulates: Int
  public var extraMultiplyAccumulates: Int

  public init(
    plainByteCount: Int, valueCount: Int, repeatedValueCount: Int, multiplyAccumulates: Int, extraMultiplyAccumulates: Int
  ) {
    self.plainByteCount = plainByteCount
    self.valueCount = valueCount
    self.repeatedValueCount = repeatedValueCount
    self.multiplyAccumulates = multiplyAccumulates
    self.extraMultiplyAccumulates = extraMultiplyAccumulates
  }
}
