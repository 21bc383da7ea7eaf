import Files
import Formats
import Training

extension PatchFile {
  /// Throws where another file than one of patches stands at the path: it would be lost.
  public static func checkOutput(_ path: String) throws(EvaluationError) {
    guard Folder.isPlainFile(path) else { return }
    let isOwn = FileClaims.apart { () -> Bool in
      guard let file = try? HDF5File(path: path), let names = try? file.names(), Set(names) == ["data", "label"],
        let data = try? file.dataset("data").shape, let label = try? file.dataset("label").shape
      else { return false }
      return data == label && data.rank == 4 && data[1] == 1 && data[2] == data[3]
    }
    if !isOwn { throw .savedOverOther(path: path, command: "data prepare", option: "--output another name") }
  }
}
