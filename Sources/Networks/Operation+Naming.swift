extension Operation {
  /// What users call the operation, with what is fused into it: `depthwise convolution`, `convolution + leaky ReLU + add`.
  package var displayName: String {
    let steps = (epilogue?.steps ?? []).filter { $0 != .rescale }
    return ([plainName] + steps.map(\.typeName.spacedWords)).joined(separator: " + ")
  }

  private var plainName: String {
    if case .convolution(let payload) = self {
      if payload.groups > 1, payload.groups == payload.inChannels { return "depthwise convolution" }
      if payload.kernel == Pair(1) { return "pointwise convolution" }
    }
    if case .separableConvolution(let payload) = self, payload.order == .pointwiseFirst {
      return "channel-selection convolution"
    }
    return typeName.spacedWords
  }
}

extension String {
  /// `pixelShuffle` as `pixel shuffle`, `leakyReLU` as `leaky ReLU`.
  package var spacedWords: String {
    let letters = Array(self)
    var words: [String] = [""]
    for (index, letter) in letters.enumerated() {
      let isStart =
        index > 0 && letter.isUppercase && letters[index - 1].isLowercase && index + 1 < letters.count
        && letters[index + 1].isLowercase
      if isStart { words.append("") }
      words[words.count - 1].append(letter)
    }
    return words.map { $0.dropFirst().contains(where: \.isUppercase) ? $0 : $0.lowercased() }.joined(separator: " ")
  }
}
