/// What is done to values before they are stored, where an operation can take such steps in.
package protocol EpilogueOperation: OperationDefinition {
  var epilogue: Epilogue { get }
}

extension Convolution: EpilogueOperation {}

extension Operation {
  /// The steps that a fusing pass has drawn into the operation.
  package var fusedSteps: [Epilogue.Step] { (definition as? any EpilogueOperation)?.epilogue.steps ?? [] }

  /// What users call the operation, with what is fused into it: `depthwise convolution`, `convolution + leaky ReLU + add`.
  package var displayName: String {
    var name = typeName.spacedWords
    if case .convolution(let payload) = self {
      if payload.groups > 1, payload.groups == payload.inChannels {
        name = "depthwise convolution"
      } else if payload.kernel == Pair(1) {
        name = "pointwise convolution"
      }
    }
    return ([name] + fusedSteps.map(\.operation.typeName.spacedWords)).joined(separator: " + ")
  }
}

extension String {
  /// `pixelShuffle` as `pixel shuffle`, `leakyReLU` as `leaky ReLU`.
  fileprivate var spacedWords: String {
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
