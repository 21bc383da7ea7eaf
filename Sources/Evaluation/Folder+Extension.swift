import Files

extension Folder {
  /// Throws where the name of an output ends in none of the extensions, and would be that of a file.
  package static func checkExtension(_ path: String, in known: [String]) throws(EvaluationError) {
    guard isOutput(path, of: known) else { throw .outputExtension(path: path, known: known) }
  }
}
