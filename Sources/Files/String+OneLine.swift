extension String {
  /// The text with control characters escaped, so that names from files neither break a line nor reach a terminal as commands.
  package var escapingControls: String {
    guard unicodeScalars.contains(where: \.isControl) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isControl { result += "\\u{\(String(scalar.value, radix: 16))}" } else { result.unicodeScalars.append(scalar) }
    }
    return result
  }

  /// The same, cut at 200 characters: for names in an error.
  package var onOneLine: String {
    let start = String(unicodeScalars.prefix(200))
    return start.escapingControls + (start.utf8.count < utf8.count ? "…" : "")
  }
}

extension Unicode.Scalar {
  fileprivate var isControl: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .format: true
    default: false
    }
  }
}
