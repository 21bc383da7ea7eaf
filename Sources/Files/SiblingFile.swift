/// A file that another file names, and that may only lie in the same folder or below it.
public enum SiblingFile {
  /// The path of the regular file that `name` means beside the file at `path`; nil where the name is absolute, climbs out of the
  /// folder, by dots or by links, or means no regular file.
  public static func path(of name: String, beside path: String) -> String? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, !name.utf8.contains(0), !parts.contains(""), !parts.contains("..") else { return nil }
    let folder = path.lastSlash.map { String(path.unicodeScalars[...$0]) } ?? "./"
    guard let root = Folder.resolved(folder), let target = Folder.resolved(folder + name) else { return nil }
    guard target.hasPrefix(Folder.joined(root, "")), FileStatus(target)?.isRegular ?? false else { return nil }
    return target
  }
}
