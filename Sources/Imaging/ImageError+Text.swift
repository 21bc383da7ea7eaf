import Files

/// One line for each error: what is wrong with which file, and what mends it.
extension ImageError: CustomStringConvertible {
  public var description: String {
    let formats = ImageFormat.allCases.map(\.title).joined(separator: ", ")
    let mend = "raise the limit or crop the picture"
    switch self {
    case .file(let error):
      return error.description
    case .empty(let name):
      return "'\(name.onOneLine)' is empty; give a picture"
    case .unknownFormat(let name):
      return "'\(name.onOneLine)': not a picture that is read here; give one of \(formats)"
    case .unknownExtension(let name):
      return "'\(name.onOneLine)': the extension names no picture format that is written; use \(ImageFormat.writtenExtensions)"
    case .tooManyPixels(let name, let width, let height, let limit):
      return "'\(name.onOneLine)': \(width)x\(height) pixels are more than the limit of \(limit) pixels; \(mend)"
    case .tooManyBytes(let name, let width, let height, let bytes, let limit):
      return
        "'\(name.onOneLine)': \(width)x\(height) pixels need \(bytes.exactByteText), the limit is \(limit.exactByteText); \(mend)"
    case .corrupt(let name, let format, let reason):
      return "'\(name.onOneLine)': the \(format.title) file is damaged or cut short (\(reason)); fetch or save it again"
    case .unsupported(let name, let format, let reason):
      return "'\(name.onOneLine)': this kind of \(format.title) is not read (\(reason)); save it as 8- or 16-bit grey or RGB"
    case .outOfMemory(let name):
      return "'\(name.onOneLine)': there is not enough memory for the picture; give more memory or crop it"
    case .tooLargeForFormat(let format, let width, let height):
      let limit = format.maximumSide
      return "\(format.title) holds at most \(limit) pixels a side, not \(width)x\(height); write PNG or TIFF instead"
    case .metadataTooLarge(let format, let block, let bytes, let limit):
      return
        "\(format.title) holds at most \(limit) bytes of \(block), not \(bytes); write PNG or WebP, or leave the metadata out (--strip)"
    case .invalidQuality(let format, let quality):
      let range = format == .jpeg ? "1 to 100" : "0 to 100"
      return "\(format.title) has no quality \(quality); give one from \(range)"
    case .notWritten(let format):
      let formats = ImageFormat.allCases.filter(\.isWritten).map(\.title).joined(separator: ", ")
      return "\(format.title) is read and not written; give another name or --format, of \(formats)"
    case .libraryMissing(let name, let format, let package):
      let what = name.map { "'\($0.onOneLine)': \(format.title) is read" } ?? "\(format.title) is written"
      return "\(what) by a library that is not installed; install the package \(package) (as Debian calls it)"
    case .encodingFailed(let format, let reason):
      return "the picture could not be written as \(format.title) (\(reason)); try another format"
    }
  }
}
