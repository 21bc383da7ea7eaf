import CYAML

extension YAMLNode {
  /// The most bytes of a document that is read.
  public static let byteLimit = 1 << 20
  private static let depthLimit = 64

  /// Reads one document. Anchors, aliases and tags are refused: what stands there is all there is.
  public init(parsing bytes: [UInt8]) throws(YAMLError) {
    // Some editors begin a file with a byte order mark.
    let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    guard bytes.count <= Self.byteLimit else {
      throw YAMLError(line: 0, reason: "the document is larger than \(Self.byteLimit) bytes")
    }
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    defer { parser.deallocate() }
    guard yaml_parser_initialize(parser) == 1 else { throw YAMLError(line: 0, reason: "there is no memory to read it") }
    defer { yaml_parser_delete(parser) }
    // The parser keeps the address.
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
    defer { copy.deallocate() }
    _ = copy.initialize(from: bytes)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, copy.baseAddress, bytes.count)
    var reader = YAMLReader(parser: parser)
    do throws(YAMLError) {
      self = try reader.document(depthLimit: Self.depthLimit)
    } catch {
      // The parser then speaks of characters, or of keys that are missing.
      guard let line = Self.tabbedLine(bytes, near: error.line) else { throw error }
      throw YAMLError(
        line: line, reason: "a tab stands in its indentation, which is of spaces in YAML; put spaces in its place")
    }
  }

  /// The line, by its number, that an error is of, or the one before or behind it, where it begins with a tab behind spaces, if at all; nil for neither.
  private static func tabbedLine(_ bytes: [UInt8], near line: Int) -> Int? {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return [line, line + 1, line - 1].first { number in
      lines.indices.contains(number - 1)
        && lines[number - 1].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.contains(UInt8(ascii: "\t"))
    }
  }
}

/// The events of a document.
private struct YAMLReader {
  let parser: UnsafeMutablePointer<yaml_parser_t>

  private enum Event {
    case start, end
    case scalar(String, isPlain: Bool)
    case sequence, sequenceEnd, mapping, mappingEnd
  }

  mutating func document(depthLimit: Int) throws(YAMLError) -> YAMLNode {
    var (event, line) = try next()
    while case .start = event { (event, line) = try next() }
    if case .end = event { return YAMLNode(.mapping([]), line: line) }
    let node = try node(event, line, depthLimit)
    // The end of the document, then of the text.
    _ = try next()
    (event, line) = try next()
    guard case .end = event else { throw YAMLError(line: line, reason: "a second document begins; one is read") }
    return node
  }

  private mutating func node(_ event: Event, _ line: Int, _ depthLeft: Int) throws(YAMLError) -> YAMLNode {
    guard depthLeft > 0 else { throw YAMLError(line: line, reason: "it is nested too deeply") }
    switch event {
    case .scalar(let text, let isPlain): return YAMLNode(.scalar(text, isPlain: isPlain), line: line)
    case .sequence:
      var elements: [YAMLNode] = []
      while true {
        let (event, line) = try next()
        if case .sequenceEnd = event { break }
        elements.append(try node(event, line, depthLeft - 1))
      }
      return YAMLNode(.sequence(elements), line: line)
    case .mapping:
      var members: [YAMLNode.Member] = [], known: Set<String> = []
      while true {
        let (event, keyLine) = try next()
        if case .mappingEnd = event { break }
        guard case .scalar(let key, _) = event else { throw YAMLError(line: keyLine, reason: "a key is no plain text") }
        guard known.insert(key).inserted else { throw YAMLError(line: keyLine, reason: "'\(key)' stands there twice") }
        let (value, valueLine) = try next()
        members.append(YAMLNode.Member(key: key, line: keyLine, value: try node(value, valueLine, depthLeft - 1)))
      }
      return YAMLNode(.mapping(members), line: line)
    case .start, .end, .sequenceEnd, .mappingEnd: throw YAMLError(line: line, reason: "a value is missing")
    }
  }

  private mutating func next() throws(YAMLError) -> (Event, line: Int) {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else {
      let problem = parser.pointee.problem.map { String(cString: $0) } ?? "it is no YAML"
      throw YAMLError(line: Int(parser.pointee.problem_mark.line) + 1, reason: problem)
    }
    defer { yaml_event_delete(&event) }
    let line = Int(event.start_mark.line) + 1
    switch event.type {
    case YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT: return (.start, line)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      guard scalar.anchor == nil, scalar.tag == nil else { throw Self.refusal(line) }
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      return (.scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), line)
    case YAML_SEQUENCE_START_EVENT:
      guard event.data.sequence_start.anchor == nil, event.data.sequence_start.tag == nil else { throw Self.refusal(line) }
      return (.sequence, line)
    case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, line)
    case YAML_MAPPING_START_EVENT:
      guard event.data.mapping_start.anchor == nil, event.data.mapping_start.tag == nil else { throw Self.refusal(line) }
      return (.mapping, line)
    case YAML_MAPPING_END_EVENT: return (.mappingEnd, line)
    case YAML_ALIAS_EVENT: throw Self.refusal(line)
    default: return (.end, line)
    }
  }

  private static func refusal(_ line: Int) -> YAMLError {
    YAMLError(line: line, reason: "anchors, aliases and tags are not read; write the value out")
  }
}
