import Networks

/// A network that can be made from a name and a few options.
public enum Architecture: Hashable, Codable, Sendable {
  case vdsr(VDSR)
  case edsr(EDSR)

  /// `vdsr`, `edsr`.
  public var name: String {
    switch self {
    case .vdsr: "vdsr"
    case .edsr: "edsr"
    }
  }

  /// The network of the architecture, its parameters filled.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network {
    switch self {
    case .vdsr(let description): try description.network(initialization)
    case .edsr(let description): try description.network(initialization)
    }
  }
}

extension Architecture {
  /// What a program that offers architectures by name shows.
  public struct Summary: Hashable, Sendable {
    /// One option, all of it as text.
    public struct Option: Hashable, Sendable {
      /// `residual-scale`
      public var name: String
      public var defaultValue: String
      public var help: String
    }

    public var name: String
    public var help: String
    public var options: [Option]
  }

  /// Every architecture with its options.
  public static let catalogue: [Summary] = [
    Summary(
      name: "vdsr", help: "a chain of convolutions on an enlarged luma image; any scale",
      options: [
        .init(name: "depth", defaultValue: "20", help: "convolutions in all"),
        .init(name: "features", defaultValue: "64", help: "channels inside"),
      ]),
    Summary(
      name: "edsr", help: "residual blocks at low resolution, then pixel shuffles",
      options: [
        .init(name: "scale", defaultValue: "2", help: "2, 3 or 4"),
        .init(name: "channels", defaultValue: "3", help: "3 for RGB, 1 for luma"),
        .init(name: "features", defaultValue: "64", help: "channels inside"),
        .init(name: "blocks", defaultValue: "16", help: "residual blocks"),
        .init(name: "residual-scale", defaultValue: "0.1", help: "factor of each block's residual (1 in the original layout)"),
        .init(name: "layout", defaultValue: "plain", help: "plain, or original: body convolution and mean shift"),
        .init(name: "maximum", defaultValue: "1", help: "what 255 is inside the network (255 in the original layout)"),
      ]),
  ]

  /// The architecture of that name; `options` are by the names in `catalogue`, missing ones have their defaults.
  public init(named name: String, options: [String: String] = [:]) throws(ArchitectureError) {
    guard let summary = Self.catalogue.first(where: { $0.name == name }) else { throw .unknownArchitecture(name) }
    for option in options.keys.sorted() where !summary.options.contains(where: { $0.name == option }) {
      throw .unknownOption(architecture: name, option: option)
    }
    let values = OptionValues(architecture: name, values: options)
    if name == "vdsr" {
      self = .vdsr(VDSR(depth: try values.integer("depth", 20), features: try values.integer("features", 64)))
      return
    }
    let layout: EDSR.Layout
    switch options["layout"] {
    case nil: layout = .plain
    case let text?:
      guard let known = EDSR.Layout(rawValue: text) else {
        throw .option(architecture: name, option: "layout", value: text, allowed: "plain or original")
      }
      layout = known
    }
    self = .edsr(
      EDSR(
        scale: try values.integer("scale", 2), channels: try values.integer("channels", 3),
        features: try values.integer("features", 64), blocks: try values.integer("blocks", 16),
        residualScale: try values.number("residual-scale", layout == .original ? 1 : 0.1), layout: layout,
        maximum: try values.number("maximum", layout == .original ? 255 : 1)))
  }
}

private struct OptionValues {
  let architecture: String
  let values: [String: String]

  func integer(_ option: String, _ defaultValue: Int) throws(ArchitectureError) -> Int {
    guard let text = values[option] else { return defaultValue }
    guard let value = Int(text) else {
      throw .option(architecture: architecture, option: option, value: text, allowed: "a whole number")
    }
    return value
  }

  func number(_ option: String, _ defaultValue: Float) throws(ArchitectureError) -> Float {
    guard let text = values[option] else { return defaultValue }
    guard let value = Float(text), value.isFinite else {
      throw .option(architecture: architecture, option: option, value: text, allowed: "a number")
    }
    return value
  }
}
