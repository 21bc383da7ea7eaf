import Files

/// In which order the variants of a front are made: each behind those that it needs, else as the recipe has them.
public struct FrontPlan: Equatable, Sendable {
  public let variants: [FrontVariant]

  /// Throws where variants wait for each other.
  ///
  /// - Parameter path: of the recipe, for the error.
  public init(_ variants: [FrontVariant], path: String? = nil) throws(RecipeError) {
    var ordered: [FrontVariant] = [], done: Set<String> = [], left = variants
    while !left.isEmpty {
      guard let index = left.firstIndex(where: { $0.dependencies.allSatisfy(done.contains) }) else {
        let cycle = Self.cycle(in: left, done)
        throw RecipeError(
          path: path, line: 0,
          problem: .value(
            key: "variants.\(cycle[0].onOneLine)", value: cycle.map(\.onOneLine).joined(separator: " -> "),
            allowed: "without a circle: variants that begin with or imitate each other have no first one"))
      }
      let next = left.remove(at: index)
      done.insert(next.name)
      ordered.append(next)
    }
    self.variants = ordered
  }

  /// Variants that wait for one another, from one back to itself.
  private static func cycle(in left: [FrontVariant], _ done: Set<String>) -> [String] {
    var path: [String] = [left[0].name]
    // Each of those that are left waits for another of them.
    while let variant = left.first(where: { $0.name == path[path.count - 1] }),
      let next = variant.dependencies.first(where: { name in !done.contains(name) && left.contains { $0.name == name } })
    {
      if let start = path.firstIndex(of: next) { return path[start...] + [next] }
      path.append(next)
    }
    return path
  }
}
