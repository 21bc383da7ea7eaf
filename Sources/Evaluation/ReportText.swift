/// What is printed for people: sentences and tables, laid out when it is known how long lines may be. The one way for the text of a report.
///
///     var report: ReportText = "\(count) layers\n\n\(table)\n"
///     report += "in all \(sum)\n"
public struct ReportText {
  private enum Part {
    /// Whole lines, each broken where it is too wide, with so many spaces more before what follows.
    case sentences(String, indent: Int)
    case table((_ width: Int?) -> String)
  }

  private var parts: [Part] = []

  public init() {}

  /// In lines of at most so many columns of a terminal; of any length for nil.
  public func text(width: Int? = nil) -> String { text(sentences: width, tables: width) }

  /// The same, with a width for sentences and one for tables.
  package func text(sentences: Int?, tables: Int?) -> String {
    parts.map { part in
      switch part {
      case .sentences(let text, let indent): TextFormat.fitting(text, width: sentences, indent: indent)
      case .table(let text): text(tables)
      }
    }.joined()
  }

  /// - Parameter indent: the spaces before the lines behind the first of one that is broken.
  package mutating func append(_ sentences: String, indent: Int = 2) {
    // What was begun goes on.
    if case .sentences(let text, indent) = parts.last {
      parts[parts.count - 1] = .sentences(text + sentences, indent: indent)
    } else if !sentences.isEmpty {
      parts.append(.sentences(sentences, indent: indent))
    }
  }

  package mutating func append(_ table: TextTable) { append { table.text(width: $0) } }

  /// A table that is laid out in a way of its own; it has whole lines.
  package mutating func append(_ table: @escaping (_ width: Int?) -> String) { parts.append(.table(table)) }

  package static func += (report: inout ReportText, table: TextTable) { report.append(table) }
  package static func += (report: inout ReportText, other: ReportText) {
    for part in other.parts {
      if case .sentences(let text, let indent) = part { report.append(text, indent: indent) } else { report.parts.append(part) }
    }
  }
}

extension ReportText: ExpressibleByStringInterpolation {
  public init(stringLiteral value: String) { append(value) }

  package init(_ sentences: String) { append(sentences) }

  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.report }

  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var report = ReportText()

    public init(literalCapacity: Int, interpolationCount: Int) {}

    public mutating func appendLiteral(_ literal: String) { report.append(literal) }

    public mutating func appendInterpolation(_ value: some CustomStringConvertible) { report.append(value.description) }

    package mutating func appendInterpolation(_ table: TextTable) { report += table }

    public mutating func appendInterpolation(_ other: ReportText) { report += other }
  }
}

extension DefaultStringInterpolation {
  /// A string does not know how long lines may be.
  @available(*, unavailable, message: "write the literal as a ReportText")
  public mutating func appendInterpolation(_ report: ReportText) {}

  @available(*, unavailable, message: "write the literal as a ReportText")
  package mutating func appendInterpolation(_ table: TextTable) {}
}

/// What can be told to people.
public protocol TextReport {
  var report: ReportText { get }
}

extension TextReport {
  /// The report in lines of any length.
  public var text: String { report.text() }

  /// In lines of at most so many columns of a terminal; of any length for nil.
  public func text(width: Int?) -> String { report.text(width: width) }
}
