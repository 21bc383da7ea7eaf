extension Int {
  /// A number of bytes for people, `317.3 MiB`.
  package var byteText: String {
    var value = Double(self)
    for unit in ["bytes", "KiB", "MiB"] {
      if value < 1024 { return unit == "bytes" ? "\(self) bytes" : "\(Self.tenths(value)) \(unit)" }
      value /= 1024
    }
    return "\(Self.tenths(value)) GiB"
  }

  /// The same with the exact number where that is another: `4.0 MiB (4,222,672 bytes)`.
  package var exactByteText: String { self < 1024 ? byteText : "\(byteText) (\(groupedText) bytes)" }

  /// A whole number with thousands set apart: `1,332,931`.
  package var groupedText: String {
    let digits = Array(String(magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return self < 0 ? "-\(text)" : text
  }

  /// With one decimal. Without Foundation, which this room does not have.
  private static func tenths(_ value: Double) -> String {
    let whole = Int((value * 10).rounded())
    return "\(whole / 10).\(whole % 10)"
  }
}
