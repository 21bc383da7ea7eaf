import Files

/// A part of a YAML document, and where it stands.
public struct YAMLNode: Equatable, Sendable {
  public enum Content: Equatable, Sendable {
    /// Text as it was written, without quotes; `isPlain` where there were none.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    /// In the order of the document; no key comes twice.
    case mapping([Member])
  }

  public struct Member: Equatable, Sendable {
    public var key: String
    /// Of the key, from 1 on.
    public var line: Int
    public var value: YAMLNode

    public init(key: String, line: Int = 0, value: YAMLNode) {
      self.key = key
      self.line = line
      self.value = value
    }
  }

  public var content: Content
  /// From 1 on; 0 where the part was not read from a document.
  public var line: Int

  public init(_ content: Content, line: Int = 0) {
    self.content = content
    self.line = line
  }
}

/// Why text is no YAML that is read.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// From 1 on; 0 where no line is to blame.
  public var line: Int
  public var reason: String

  public init(line: Int, reason: String) {
    self.line = line
    self.reason = reason
  }

  public var description: String { line > 0 ? "line \(line): \(reason)" : reason }
}

extension YAMLNode {
  /// Gives the key at a path another value, whose line is then its own; mappings that are missing on the way are made.
  public mutating func set(_ path: [String], to value: YAMLNode) {
    guard let key = path.first else {
      self = value
      return
    }
    var members: [Member] = []
    if case .mapping(let known) = content { members = known }
    let index = members.firstIndex { $0.key == key } ?? members.endIndex
    if index == members.endIndex { members.append(Member(key: key, value: YAMLNode(.mapping([])))) }
    var wasMapping = false
    if case .mapping = members[index].value.content { wasMapping = true }
    members[index].value.set(Array(path.dropFirst()), to: value)
    if path.count == 1 || !wasMapping { members[index].line = value.line }
    content = .mapping(members)
  }

  /// `null` or `~`: what has it as its value is as if it were not there.
  public var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return ["null", "Null", "NULL", "~"].contains(text)
  }

  public static let null = YAMLNode(.scalar("null", isPlain: true))

  /// Without the keys that are null.
  public var withoutNulls: YAMLNode {
    guard case .mapping(let members) = content else { return self }
    let kept = members.filter { !$0.value.isNull }
    return YAMLNode(
      .mapping(kept.map { Member(key: $0.key, line: $0.line, value: $0.value.withoutNulls) }), line: line)
  }

  /// The same, of no line: what was read from elsewhere than the document that it comes into.
  public var withoutLines: YAMLNode {
    switch content {
    case .scalar: YAMLNode(content)
    case .sequence(let elements): YAMLNode(.sequence(elements.map(\.withoutLines)))
    case .mapping(let members):
      YAMLNode(.mapping(members.map { Member(key: $0.key, value: $0.value.withoutLines) }))
    }
  }

  /// The value at a path of keys; nil where there is none.
  public func value(_ path: [String]) -> YAMLNode? {
    guard let key = path.first else { return self }
    guard case .mapping(let members) = content else { return nil }
    return members.first { $0.key == key }?.value.value(Array(path.dropFirst()))
  }

  /// The document, so that reading it gives the same parts: mappings in block style, sequences of scalars in flow style.
  public var text: String {
    var text = ""
    write(to: &text, depth: 0)
    return text
  }

  private func write(to text: inout String, depth: Int) {
    let indentation = String(repeating: "  ", count: depth)
    switch content {
    case .scalar: text += indentation + flow + "\n"
    case .sequence(let elements) where elements.allSatisfy(\.isScalar): text += indentation + flow + "\n"
    case .sequence(let elements):
      for element in elements { text += indentation + "- " + element.flow + "\n" }
    case .mapping(let members) where members.isEmpty: text += indentation + "{}\n"
    case .mapping(let members):
      for member in members {
        text += indentation + Self.quoted(member.key, isPlain: true) + ":"
        if case .mapping(let inner) = member.value.content, !inner.isEmpty {
          text += "\n"
          member.value.write(to: &text, depth: depth + 1)
        } else {
          text += " " + member.value.flow + "\n"
        }
      }
    }
  }

  private var isScalar: Bool { if case .scalar = content { true } else { false } }

  /// On one line.
  private var flow: String {
    switch content {
    case .scalar(let text, let isPlain): Self.quoted(text, isPlain: isPlain)
    case .sequence(let elements): "[" + elements.map(\.flow).joined(separator: ", ") + "]"
    case .mapping(let members):
      "{" + members.map { Self.quoted($0.key, isPlain: true) + ": " + $0.value.flow }.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ text: String, isPlain: Bool) -> String {
    let isSafe = text.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    if isPlain, isSafe, !text.isEmpty, !text.hasPrefix("-") || text.count > 1, text != "---", text != "..." { return text }
    return text.quoted { scalar in
      scalar.value < 32 || (127..<160).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
  }
}
