/// The members of a group.
struct HDF5Group {
  enum Link {
    /// The object whose header lies at the address.
    case object(Int)
    /// Whatever has another name in this file.
    case name
    case otherFile
  }

  private(set) var members: [(name: String, link: Link)] = []

  private static let memberLimit = 1 << 16

  init(_ header: HDF5ObjectHeader, of bytes: HDF5Bytes) throws(FormatProblem) {
    for message in header.messages {
      var body = message.body
      switch message.kind {
      case .symbolTable:
        guard let tree = try body.address(), let heap = try body.address() else {
          throw .malformed(.hdf5, part: "a group without members' names")
        }
        try readTable(tree, heap, bytes)
      case .link: try readLink(&body)
      case .linkInfo: try checkInfo(&body)
      default: break
      }
    }
  }

  private mutating func add(_ name: String, _ link: Link) throws(FormatProblem) {
    guard members.count < Self.memberLimit else { throw .limit(.hdf5, part: "the members of a group", limit: Self.memberLimit) }
    members.append((name, link))
  }

  /// Throws where the members of a group stand in no messages: there are many, and they lie in a heap.
  private func checkInfo(_ body: inout HDF5Cursor) throws(FormatProblem) {
    try body.skip(1)
    let flags = try body.number(1)
    if flags & 1 != 0 { try body.skip(8) }
    if try body.address() != nil {
      throw .unsupported(.hdf5, part: "a group of many members in the form of HDF5 1.8", mend: HDF5Bytes.mend)
    }
  }

  private mutating func readLink(_ body: inout HDF5Cursor) throws(FormatProblem) {
    try body.skip(1)
    let flags = try body.number(1)
    let kind = flags & 8 != 0 ? try body.number(1) : 0
    if flags & 4 != 0 { try body.skip(8) }
    if flags & 16 != 0 { try body.skip(1) }
    let count = try body.number(1 << (flags & 3))
    let name = String(decoding: try body.take(count), as: UTF8.self)
    switch kind {
    case 0: try add(name, body.address().map { .object($0) } ?? .name)
    case 1: try add(name, .name)
    default: try add(name, .otherFile)
    }
  }

  /// The form of HDF5 1.6: a tree of tables, and a heap of names.
  private mutating func readTable(_ tree: Int, _ heap: Int, _ bytes: HDF5Bytes) throws(FormatProblem) {
    let part = "the names of a group"
    var head = try bytes.block(heap, 8 + 2 * bytes.lengthByteCount + bytes.addressByteCount, part)
    try head.expect("HEAP")
    try head.skip(4)
    let byteCount = try head.length()
    _ = try head.length()
    guard let data = try head.address() else { throw .malformed(.hdf5, part: part) }
    let names = try bytes.block(data, byteCount, part)
    // Each name has its place in the heap: many that begin inside one long name are none.
    var nameByteCount = 0

    var tables: [Int] = []
    try HDF5Tree(at: tree, kind: 0, keyByteCount: bytes.lengthByteCount, part: "the tree of a group", of: bytes)
      .visit { (_, table) throws(FormatProblem) in
        guard tables.count < Self.memberLimit else {
          throw .limit(.hdf5, part: "a group has \(tables.count) tables", limit: Self.memberLimit)
        }
        tables.append(table)
      }
    for table in tables {
      var head = try bytes.block(table, 8, "a table of a group")
      try head.expect("SNOD")
      try head.skip(2)
      let count = try head.number(2)
      let entry = 2 * bytes.addressByteCount + 24
      var entries = try bytes.block(table, 8 + count * entry, "a table of a group")
      try entries.skip(8)
      for _ in 0..<count {
        var name = names
        guard let start = try entries.address() else { throw .malformed(.hdf5, part: "a table of a group") }
        try name.skip(start)
        let address = try entries.address()
        // 2: the name of another member, in the 16 bytes that follow.
        let cache = try entries.number(4)
        try entries.skip(20)
        let text = name.text()
        nameByteCount += text.utf8.count + 1
        guard nameByteCount <= byteCount else { throw .malformed(.hdf5, part: part) }
        try add(text, cache == 2 ? .name : address.map { .object($0) } ?? .name)
      }
    }
  }
}

/// A tree of version 1: of the tables of a group (kind 0), or of the chunks of a data set (kind 1).
struct HDF5Tree {
  let root: Int
  let kind: Int
  let keyByteCount: Int
  let part: String
  let bytes: HDF5Bytes

  init(at root: Int, kind: Int, keyByteCount: Int, part: String, of bytes: HDF5Bytes) {
    (self.root, self.kind, self.keyByteCount, self.part, self.bytes) = (root, kind, keyByteCount, part, bytes)
  }

  /// Calls `body` with the key and the address of each leaf, in order. No node is read twice, and levels only fall: there is an end.
  func visit(_ body: (inout HDF5Cursor, Int) throws(FormatProblem) -> Void) throws(FormatProblem) {
    var seen: Set<Int> = [root]
    var waiting = [(address: root, level: Int?.none)]
    while let (address, expected) = waiting.popLast() {
      let headByteCount = 8 + 2 * bytes.addressByteCount
      var head = try bytes.block(address, headByteCount, part)
      try head.expect("TREE")
      guard try head.number(1) == kind else { throw .malformed(.hdf5, part: "\(part) is another tree") }
      let level = try head.number(1)
      guard expected == nil || level == expected else { throw .malformed(.hdf5, part: "the levels of \(part)") }
      let count = try head.number(2)
      let pair = keyByteCount + bytes.addressByteCount
      var node = try bytes.block(address, headByteCount + count * pair, part)
      try node.skip(headByteCount)
      var below: [(address: Int, level: Int?)] = []
      for _ in 0..<count {
        var key = try node.piece(keyByteCount, part: part)
        guard let child = try node.address() else { throw .malformed(.hdf5, part: "\(part) leads nowhere") }
        guard level > 0 else {
          try body(&key, child)
          continue
        }
        guard seen.insert(child).inserted else { throw .malformed(.hdf5, part: "\(part) runs in a circle") }
        below.append((child, level - 1))
      }
      waiting += below.reversed()
    }
  }
}
