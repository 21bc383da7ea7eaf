/// What memory would be enough, and what takes it.
public struct MemoryNeed: Hashable, Sendable {
  /// What stands in memory as a whole, and would not have to.
  public struct Cause: Hashable, Sendable {
    /// A clause: `WebP is coded as a whole`.
    public var text: String
    public var byteCount: Int

    public init(text: String, byteCount: Int) {
      self.text = text
      self.byteCount = byteCount
    }
  }

  /// The least that is enough.
  public var byteCount: Int
  /// How many times the work is done where no more is given: tiles become small then, and read their halos again.
  public var repetition: Double
  /// What is enough for tiles that do not do the work many times over; nil where the least is, or nothing.
  public var quickByteCount: Int?
  public var causes: [Cause]

  public init(_ byteCount: Int, repetition: Double = 1, quickByteCount: Int? = nil, causes: [Cause] = []) {
    self.byteCount = byteCount
    self.repetition = repetition
    self.quickByteCount = quickByteCount
    self.causes = causes
  }

  /// `about 63 MiB of memory are needed`, and what else is known. Rounded up: as much as the line names is enough.
  func text(limit: String) -> String {
    var text = "about \(Self.mebibytes(byteCount)) of memory are needed"
    if let quickByteCount {
      text +=
        " (in tiles so small that they do the work \(TextFormat.fixed(repetition, 0)) times over; "
        + "\(Self.mebibytes(quickByteCount)) for larger ones)"
    }
    text += " and \(limit)"
    return causes.isEmpty ? text : text + ", because " + causes.map(\.text).joined(separator: " and ")
  }

  static func mebibytes(_ byteCount: Int) -> String { "\((byteCount + (1 << 20) - 1) >> 20) MiB" }
}
