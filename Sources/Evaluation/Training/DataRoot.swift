import Files

/// Where relative paths of data begin.
enum DataRoot {
  /// Runs work on data; an error of what is not there says where relative paths begin.
  ///
  /// - Parameters:
  ///   - root: nil for the working folder.
  ///   - gone: where they began before, if that is not there any more.
  static func naming<R>(
    _ root: String?, gone: String? = nil, _ body: () throws(EvaluationError) -> R
  ) throws(EvaluationError) -> R {
    do throws(EvaluationError) {
      return try body()
    } catch {
      let path: String
      switch error {
      case .file(.notFound(let found)), .data(.file(.notFound(let found))): path = found
      case .data(.format(let error)):
        guard case .file(.notFound(let found)) = error.problem else { throw .data(.format(error)) }
        path = found
      case .noData(let path, let root, nil): throw .noData(path: path, root: root, gone: gone)
      default: throw error
      }
      let isRelative = root.map { path.hasPrefix(Folder.joined($0, "")) } ?? !path.hasPrefix("/")
      throw isRelative ? .noData(path: path, root: Folder.resolved(root ?? ".") ?? root ?? ".", gone: gone) : error
    }
  }
}

extension String {
  /// The path, from a folder on where it is relative.
  func relative(to root: String?) -> String {
    guard let root, !hasPrefix("/") else { return self }
    return Folder.joined(root, self)
  }
}
