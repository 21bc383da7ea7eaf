/// What convolutions, separable and transposed ones have in common: their description in JSON and as text, and what can be wrong.
struct ConvolutionAttributes: Hashable {
  var inChannels: Int
  var outChannels: Int
  var kernel: Pair
  var stride: Pair
  var padding: Padding
  var dilation: Pair
  var epilogue: Epilogue
}

extension ConvolutionAttributes {
  /// `64 -> 64`
  var channelsText: String { "\(inChannels) -> \(outChannels)" }

  /// `kernel 3, stride 2, padding 1, dilation 2`: what differs from the defaults, in that order.
  var windowTexts: [String] {
    var parts = ["kernel \(kernel)"]
    if stride != Pair(1) { parts.append("stride \(stride)") }
    if padding != Padding(0) { parts.append("padding \(padding)") }
    if dilation != Pair(1) { parts.append("dilation \(dilation)") }
    return parts
  }

  /// `64 -> 64, kernel 3, stride 2, padding 1, groups 4, bias`: what differs from the defaults, in that order.
  func texts(groups: Int, hasBias: Bool) -> [String] {
    [channelsText] + windowTexts + (groups != 1 ? ["groups \(groups)"] : []) + (hasBias ? ["bias"] : [])
  }

  /// What the epilogue does, behind those.
  func summary(_ texts: [String]) -> String {
    ([texts.joined(separator: ", ")] + epilogue.steps.map(\.text)).joined(separator: " | ")
  }

  /// What is wrong before the epilogue; nil where nothing is. `products` is the number of channels that each weight kernel has.
  func fault(groups: Int, products: Int) -> String? {
    if let fault = firstFault([("inChannels", inChannels, 1), ("outChannels", outChannels, 1), ("groups", groups, 1)])
      ?? kernel.fault("kernel") ?? stride.fault("stride") ?? dilation.fault("dilation") ?? padding.fault()
    {
      return fault
    }
    if inChannels % groups != 0 { return "the groups \(groups) do not divide the inChannels \(inChannels)" }
    if outChannels % groups != 0 { return "the groups \(groups) do not divide the outChannels \(outChannels)" }
    // At most 2^20 each: the product of three fits.
    if products / groups * kernel.height * kernel.width > Limits.products {
      return "a kernel \(kernel) over \(products / groups) channels has more than \(Limits.products) weights"
    }
    return nil
  }
}

/// Attributes with their default value are left out.
extension ConvolutionAttributes: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case inChannels, outChannels, kernel, stride, padding, dilation, epilogue
  }

  static var names: [String] { CodingKeys.allCases.map(\.rawValue) }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    inChannels = try container.decode(Int.self, forKey: .inChannels)
    outChannels = try container.decode(Int.self, forKey: .outChannels)
    kernel = try container.decode(Pair.self, forKey: .kernel)
    stride = try container.decodeIfPresent(Pair.self, forKey: .stride) ?? Pair(1)
    padding = try container.decodeIfPresent(Padding.self, forKey: .padding) ?? Padding(0)
    dilation = try container.decodeIfPresent(Pair.self, forKey: .dilation) ?? Pair(1)
    epilogue = try container.decodeIfPresent(Epilogue.self, forKey: .epilogue) ?? Epilogue()
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(inChannels, forKey: .inChannels)
    try container.encode(outChannels, forKey: .outChannels)
    try container.encode(kernel, forKey: .kernel)
    if stride != Pair(1) { try container.encode(stride, forKey: .stride) }
    if padding != Padding(0) { try container.encode(padding, forKey: .padding) }
    if dilation != Pair(1) { try container.encode(dilation, forKey: .dilation) }
    if !epilogue.isEmpty { try container.encode(epilogue, forKey: .epilogue) }
  }
}
