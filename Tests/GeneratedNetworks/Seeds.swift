#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Which generated networks a test runs.
package enum Seeds {
  /// The first so many, or others where the environment says `SWIFTLET_SEEDS=1000..<21000`.
  package static func first(_ count: Int) -> Range<Int> {
    guard let text = ProcessInfo.processInfo.environment["SWIFTLET_SEEDS"] else { return 0..<count }
    let bounds = text.split(separator: "..<").compactMap { Int($0) }
    guard bounds.count == 2, bounds[0] >= 0, bounds[0] < bounds[1] else {
      fatalError("SWIFTLET_SEEDS is '\(text)' and not two numbers, as 1000..<21000")
    }
    return bounds[0]..<bounds[1]
  }
}
