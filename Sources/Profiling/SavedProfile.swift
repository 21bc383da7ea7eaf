import Evaluation
import Files

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Profile {
  /// A profile that `swiftlet profile --json` printed to a file.
  public init(contentsOf path: String) throws(EvaluationError) {
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 28) }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(Profile.self, from: Data(bytes))
    } catch {
      throw .notProfile(path: path)
    }
    guard events.allSatisfy({ layers.indices.contains($0.layer) }) else { throw .notProfile(path: path) }
  }
}
