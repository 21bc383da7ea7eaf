import Networks

/// What ONNX has a word for.
protocol ONNXNamed: CaseIterable {
  var onnxName: String { get }
}

extension ONNXNamed {
  /// Nil where the word is none of them.
  init?(onnxName: String) {
    guard let named = Self.allCases.first(where: { $0.onnxName == onnxName }) else { return nil }
    self = named
  }
}

extension Resize.Method: ONNXNamed {
  var onnxName: String {
    switch self {
    case .nearest: "nearest"
    case .bilinear: "linear"
    case .bicubic: "cubic"
    }
  }
}

extension Resize.Coordinates: ONNXNamed {
  var onnxName: String {
    switch self {
    case .halfPixel: "half_pixel"
    case .pytorchHalfPixel: "pytorch_half_pixel"
    case .alignCorners: "align_corners"
    case .asymmetric: "asymmetric"
    }
  }
}

extension Resize.Rounding: ONNXNamed {
  var onnxName: String {
    switch self {
    case .floor: "floor"
    case .ceil: "ceil"
    case .roundPreferFloor: "round_prefer_floor"
    case .roundPreferCeil: "round_prefer_ceil"
    }
  }
}

extension PixelShuffleOrder: ONNXNamed {
  var onnxName: String {
    switch self {
    case .channelsInnermost: "DCR"
    case .channelsOutermost: "CRD"
    }
  }
}
