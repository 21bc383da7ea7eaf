/// What the file says of one of its objects: messages of numbered kinds, in either of the two forms that headers have.
struct HDF5ObjectHeader {
  enum Kind: Int {
    case dataspace = 0x01
    case linkInfo = 0x02
    case datatype = 0x03
    case link = 0x06
    case externalFiles = 0x07
    case layout = 0x08
    case filters = 0x0B
    case continuation = 0x10
    case symbolTable = 0x11
  }

  struct Message {
    var kind: Kind
    /// Whether the message stands elsewhere, for several objects.
    var isShared: Bool
    var body: HDF5Cursor
  }

  /// Those of kinds that are of use here.
  private(set) var messages: [Message] = []

  private static let part = "the header of an object"
  /// Pieces of one header, and the bytes of all.
  private static let pieceLimit = 256, byteLimit = HDF5Bytes.blockLimit

  init(at address: Int, of bytes: HDF5Bytes) throws(FormatProblem) {
    var beginning = try bytes.beginning(address, 64, Self.part)
    let isNew = try beginning.take(4).elementsEqual("OHDR".utf8)
    // What is still to be read, each piece once.
    var pieces: [(address: Int, byteCount: Int)] = []
    var prefixByteCount = 0
    var hasOrder = false
    if isNew {
      guard try beginning.number(1) == 2 else { throw .malformed(.hdf5, part: Self.part) }
      let flags = try beginning.number(1)
      hasOrder = flags & 4 != 0
      if flags & 0x20 != 0 { try beginning.skip(16) }
      if flags & 0x10 != 0 { try beginning.skip(4) }
      let size = try beginning.number(1 << (flags & 3))
      prefixByteCount = beginning.position
      guard size <= HDF5Bytes.blockLimit else {
        throw .limit(.hdf5, part: "\(Self.part) takes \(size) bytes", limit: HDF5Bytes.blockLimit)
      }
      pieces.append((address, prefixByteCount + size + 4))
    } else {
      beginning = try bytes.beginning(address, 16, Self.part)
      guard try beginning.number(1) == 1 else { throw .malformed(.hdf5, part: Self.part) }
      try beginning.skip(7)
      let size = try beginning.number(4)
      let (first, overflow) = address.addingReportingOverflow(16)
      guard !overflow else { throw .malformed(.hdf5, part: Self.part) }
      pieces.append((first, size))
    }
    var index = 0, byteCount = 0
    while index < pieces.count {
      let piece = pieces[index]
      // Pieces may not overlap, but nobody looks: together they are no longer than one may be.
      byteCount += piece.byteCount
      guard byteCount <= Self.byteLimit else {
        throw .limit(.hdf5, part: "\(Self.part) takes too many bytes", limit: Self.byteLimit)
      }
      var cursor = try bytes.block(piece.address, piece.byteCount, Self.part)
      if isNew { cursor = try Self.checked(cursor, prefixByteCount: index == 0 ? prefixByteCount : 4) }
      index += 1
      for message in try Self.messages(in: &cursor, isNew: isNew, hasOrder: hasOrder) {
        guard message.kind == .continuation else {
          messages.append(message)
          continue
        }
        var body = message.body
        guard let next = try body.address(), case let count = try body.length(),
          !pieces.contains(where: { $0.address == next }), pieces.count < Self.pieceLimit
        else { throw .malformed(.hdf5, part: Self.part) }
        pieces.append((next, count))
      }
    }
  }

  /// The messages of a piece of the new form, whose checksum is looked at.
  private static func checked(_ piece: HDF5Cursor, prefixByteCount: Int) throws(FormatProblem) -> HDF5Cursor {
    var whole = piece
    try whole.skip(piece.count - 4)
    try whole.checkSum(from: 0)
    var body = piece
    if prefixByteCount == 4 { try body.expect("OCHK") } else { try body.skip(prefixByteCount) }
    return try body.piece(body.count - 4, part: part)
  }

  private static func messages(
    in cursor: inout HDF5Cursor, isNew: Bool, hasOrder: Bool
  ) throws(FormatProblem) -> [Message] {
    var result: [Message] = []
    let headByteCount = isNew ? (hasOrder ? 6 : 4) : 8
    // What is too short for a message is a gap.
    while cursor.count >= headByteCount {
      let number = try cursor.number(isNew ? 1 : 2)
      let size = try cursor.number(2)
      let flags = try cursor.number(1)
      try cursor.skip(isNew ? (hasOrder ? 2 : 0) : 3)
      guard let kind = Kind(rawValue: number) else {
        try cursor.skip(size)
        continue
      }
      result.append(Message(kind: kind, isShared: flags & 2 != 0, body: try cursor.piece(size, part: part)))
    }
    return result
  }

  /// The body of the first message of a kind; nil where there is none.
  func body(_ kind: Kind, of name: String) throws(FormatProblem) -> HDF5Cursor? {
    guard let message = messages.first(where: { $0.kind == kind }) else { return nil }
    guard !message.isShared else {
      throw .unsupported(.hdf5, part: "'\(name)', whose type is one with a name", mend: "save it as plain float32")
    }
    return message.body
  }
}
