extension Architecture {
  /// The architecture of that name; `options` are by the names in `catalogue`, missing ones have their defaults.
  public init(named name: String, options: [String: String] = [:]) throws(ArchitectureError) {
    self = try Self.reading(name, options).architecture
  }

  /// What all options of an architecture come to as text, those that are given and those that are not.
  package static func resolvedOptions(
    named name: String, options: [String: String] = [:]
  ) throws(ArchitectureError) -> [String: String] {
    try reading(name, options).values.resolved
  }

  private static func reading(
    _ name: String, _ options: [String: String]
  ) throws(ArchitectureError) -> (architecture: Self, values: OptionValues) {
    guard let summary = catalogue.first(where: { $0.name == name }) else { throw .unknownArchitecture(name) }
    for option in options.keys.sorted() where !summary.options.contains(where: { $0.name == option }) {
      throw .unknownOption(architecture: name, option: option)
    }
    let values = OptionValues(architecture: name, values: options)
    let architecture: Self
    switch name {
    case VDSR.name: architecture = .vdsr(try VDSR(values))
    case EDSR.name: architecture = .edsr(try EDSR(values))
    case UNet.name: architecture = .unet(try UNet(values))
    case SeeInTheDark.name: architecture = .seeInTheDark(try SeeInTheDark(values))
    case SmallResNet.name: architecture = .smallResNet(try SmallResNet(values))
    case ResNet18.name: architecture = .resNet18(try ResNet18(values))
    case SRVGG.name: architecture = .srvgg(try SRVGG(values))
    case RRDB.name: architecture = .rrdb(try RRDB(values))
    default: throw .unknownArchitecture(name)
    }
    return (architecture, values)
  }
}

extension VDSR {
  fileprivate init(_ values: OptionValues) throws(ArchitectureError) {
    self.init(
      depth: try values.integer("depth", 20), features: try values.integer("features", 64),
      convolution: try values.choice("convolution", .standard))
  }
}

extension EDSR {
  fileprivate init(_ values: OptionValues) throws(ArchitectureError) {
    let layout = try values.choice("layout", Layout.plain)
    self.init(
      scale: try values.integer("scale", 2), channels: try values.integer("channels", 3),
      features: try values.integer("features", 64), blocks: try values.integer("blocks", 16),
      residualScale: try values.number("residual-scale", layout == .plain ? 0.1 : 1), layout: layout,
      maximum: try values.number("maximum", layout == .original ? 255 : 1),
      convolution: try values.choice("convolution", .standard))
  }
}

extension UNet {
  fileprivate init(_ values: OptionValues) throws(ArchitectureError) {
    self.init(
      channels: try values.integer("channels", 3), classes: try values.integer("classes", 1),
      features: try values.integer("features", 64), convolution: try values.choice("convolution", .standard),
      upsampling: try values.choice("upsampling", .transposed))
  }
}

extension SeeInTheDark {
  /// What `convolution` may be: which of each pair are replaced, and by what.
  private enum Replacement: String, CaseIterable {
    case standard, light, lighter, separable, selection
    case lightSelection = "light-selection"
  }

  fileprivate init(_ values: OptionValues) throws(ArchitectureError) {
    let features = try values.integer("features", 32)
    switch try values.choice("convolution", Replacement.standard) {
    case .standard: self.init(variant: .base, features: features)
    case .light: self.init(variant: .light, features: features)
    case .lighter, .separable: self.init(variant: .lighter, features: features)
    case .selection: self.init(variant: .lighter, convolution: .selection, features: features)
    case .lightSelection: self.init(variant: .light, convolution: .selection, features: features)
    }
  }
}

extension SmallResNet {
  fileprivate init(_ values: OptionValues) throws(ArchitectureError) {
    self.init(
      channels: try values.integer("channels", 3), classes: try values.integer("classes", 3),
      features: try values.integer("features", 16), convolution: try values.choice("convolution", .standard))
  }
}

extension ResNet18 {
  fileprivate init(_ values: OptionValues) throws(ArchitectureError) {
    self.init(
      channels: try values.integer("channels", 3), classes: try values.integer("classes", 1000),
      features: try values.integer("features", 64), convolution: try values.choice("convolution", .standard))
  }
}

extension SRVGG {
  fileprivate init(_ values: OptionValues) throws(ArchitectureError) {
    self.init(
      scale: try values.integer("scale", 4), channels: try values.integer("channels", 3),
      features: try values.integer("features", 64), convolutions: try values.integer("convolutions", 16))
  }
}

extension RRDB {
  fileprivate init(_ values: OptionValues) throws(ArchitectureError) {
    self.init(
      scale: try values.integer("scale", 4), channels: try values.integer("channels", 3),
      features: try values.integer("features", 64), blocks: try values.integer("blocks", 23),
      growth: try values.integer("growth", 32))
  }
}

/// The options given for one architecture, as text.
private final class OptionValues {
  let architecture: String
  let values: [String: String]
  /// What those that were asked for come to.
  private(set) var resolved: [String: String] = [:]

  init(architecture: String, values: [String: String]) {
    self.architecture = architecture
    self.values = values
  }

  private func noting<Value>(_ option: String, _ value: Value, _ text: String? = nil) -> Value {
    resolved[option] = text ?? "\(value)"
    return value
  }

  func integer(_ option: String, _ defaultValue: Int) throws(ArchitectureError) -> Int {
    guard let text = values[option] else { return noting(option, defaultValue) }
    guard let value = Int(text) else { throw refusal(option, text, "a whole number") }
    return noting(option, value)
  }

  func number(_ option: String, _ defaultValue: Float) throws(ArchitectureError) -> Float {
    guard let text = values[option] else { return noting(option, defaultValue) }
    guard let value = Float(text), value.isFinite else { throw refusal(option, text, "a number") }
    return noting(option, value)
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ option: String, _ defaultValue: Choice
  ) throws(ArchitectureError) -> Choice {
    guard let text = values[option] else { return noting(option, defaultValue, defaultValue.rawValue) }
    guard let value = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue)
      let list = names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
      throw refusal(option, text, list)
    }
    return noting(option, value, value.rawValue)
  }

  private func refusal(_ option: String, _ value: String, _ allowed: String) -> ArchitectureError {
    .option(architecture: architecture, option: option, value: value, allowed: allowed)
  }
}
