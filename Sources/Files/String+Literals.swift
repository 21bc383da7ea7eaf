extension String {
  /// A number in hexadecimal, with zeros before it up to so many digits.
  package init(hexadecimal number: some BinaryInteger, digits: Int) {
    let text = String(number, radix: 16)
    self = String(repeating: "0", count: Swift.max(digits - text.utf8.count, 0)) + text
  }

  /// The text between quotes, as JSON and YAML have it: a backslash before quotes and backslashes, and `\uXXXX` for those that are
  /// escaped, none of which may lie above U+FFFF.
  package func quoted(escaping isEscaped: (Unicode.Scalar) -> Bool) -> String {
    var result = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where isEscaped(scalar): result += "\\u" + String(hexadecimal: scalar.value, digits: 4)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
