import Networks
import Tensors

/// Which nodes of a prepared network are of integers, and which values exist as such: a pure thing, made from the graph and the scheme.
struct QuantizationPlan {
  /// What a node is.
  enum Kind: Hashable {
    /// Sums products; `storesIntegers` where its epilogue can end in `requantize`.
    case layer(storesIntegers: Bool)
    case sum
    case table(ActivationFunction)
    /// Makes integers of those of its operands, of their type.
    case mover
    case other
  }

  let network: Network
  private(set) var kinds: [String: Kind] = [:]
  /// The nodes of integers: layers that sum such, and others that take and make them.
  private(set) var integerNodes: Set<String> = []
  /// Of those the layers whose sums are stored as integers.
  private(set) var storingLayers: Set<String> = []
  /// Values that are read as integers.
  private(set) var wanted: Set<String> = []
  /// The names of the layers that may become integers.
  private(set) var layers: [String] = []
  /// Values that sums of float32 take: what makes them stores numbers, and integers are made of these beside them.
  private var addends: Set<String> = []
  /// The sums of float32 themselves.
  private var sums: Set<String> = []
  /// Whether the first layers, which read nothing but inputs, are convolutions of all channels: halves of cheaper ones are fused with the other
  /// half where both sum the same.
  private(set) var hasPlainFirst = true

  init(_ network: Network, _ scheme: QuantizationScheme) {
    self.network = network
    let editor = NetworkEditor(network)
    // Between the halves of a channel selection lie many channels, which would go through memory in float32 if one half summed integers.
    let wholes = Dictionary(
      network.separablePairs(editor).filter { network.nodes[$0.second].operation.isDepthwise }
        .map { (network.nodes[$0.second].name, network.nodes[$0.first].name) }
    ) { first, _ in first }
    let halves = Set(network.separablePairs(editor).flatMap { [network.nodes[$0.first].name, network.nodes[$0.second].name] })
    var isBehindLayer: Set<String> = [], firstLayers: Set<String> = []
    for node in network.nodes {
      var kind = Kind(node.operation)
      let follows = node.elementInputs.contains { isBehindLayer.contains($0) }
      if case .layer = kind {
        let weight = network.parameter(.weight, of: node)
        let sumsFew = (node.operation.linearParts.first?.terms ?? .max) <= Requantization.mostTerms
        if weight?.dataType != .float32 || !editor.ownsAlone(node) || !sumsFew { kind = .other }
        isBehindLayer.insert(node.name)
        if kind != .other {
          layers.append(node.name)
          let isFirst = !follows || wholes[node.name].map(firstLayers.contains) ?? false
          if isFirst {
            firstLayers.insert(node.name)
            if halves.contains(node.name) || node.operation.isDepthwise { hasPlainFirst = false }
          }
          if scheme.floatLayers.contains(node.name) || (scheme.keepsFirst && isFirst) { kind = .other }
        }
      } else if follows {
        isBehindLayer.insert(node.name)
      }
      kinds[node.name] = kind
    }
    if scheme.residual == .float32 { keepSums() }
    decide()
  }

  /// Sums as float32: the layers that add store numbers, and what sums take are numbers from where a layer, or float32, makes them.
  private mutating func keepSums() {
    for node in network.nodes.reversed() {
      let isAddend = addends.contains(node.name)
      switch kind(node) {
      case .layer where node.operation.epilogue?.extraInputCount ?? 0 > 0:
        kinds[node.name] = .layer(storesIntegers: false)
      case .sum: kinds[node.name] = .other
      // A function is none of a table, and pixels are moved as numbers.
      case .table where isAddend, .mover where isAddend:
        kinds[node.name] = .other
        addends.formUnion(node.elementInputs)
        continue
      case .layer, .table, .mover, .other: break
      }
      let added = if case .add = node.operation { 2 } else { node.operation.epilogue?.extraInputCount ?? 0 }
      guard added > 0 else { continue }
      sums.insert(node.name)
      addends.formUnion(node.elementInputs.suffix(added))
    }
  }

  func kind(_ node: Node) -> Kind { kinds[node.name] ?? .other }

  /// Nodes are of integers as long as what they read can be, and somebody wants what they make as such.
  private mutating func decide() {
    let makers = Dictionary(network.nodes.map { ($0.name, $0) }) { first, _ in first }
    integerNodes = Set(network.nodes.filter { kind($0) != .other }.map(\.name))
    while true {
      wanted = []
      storingLayers = []
      var kept = integerNodes
      // What is read by what comes later is known there.
      for node in network.nodes.reversed() where kept.contains(node.name) {
        switch kind(node) {
        case .layer(let storesIntegers):
          wanted.insert(node.inputs[0])
          guard storesIntegers, wanted.contains(node.name), !addends.contains(node.name) else { continue }
          storingLayers.insert(node.name)
          wanted.formUnion(node.inputs.dropFirst())
        case .sum, .table, .mover:
          if wanted.contains(node.name) { wanted.formUnion(node.elementInputs) } else { kept.remove(node.name) }
        case .other: continue
        }
      }
      // What reads float32 alone is float32: one value is stored as integers behind it, and not all before it. Sums that are kept as float32
      // are moved as integers all the same, a quarter of the bytes.
      for node in network.nodes where kept.contains(node.name) {
        if case .layer = kind(node) { continue }
        let isFed = node.elementInputs.contains { value in
          guard let maker = makers[value] else { return false }
          if sums.contains(value), kind(node) == .mover { return true }
          return kept.contains(maker.name) && (!isLayer(maker) || storingLayers.contains(maker.name))
        }
        if !isFed { kept.remove(node.name) }
      }
      if kept == integerNodes { return }
      integerNodes = kept
    }
  }

  /// Values that must be of one type, together; the values of each in order.
  var groups: [[String]] {
    var parents: [String: String] = [:]
    func root(_ value: String) -> String {
      var value = value
      while let parent = parents[value], parent != value { value = parent }
      return value
    }
    for value in wanted { parents[value] = value }
    for node in network.nodes where integerNodes.contains(node.name) && kind(node) == .mover {
      for value in node.elementInputs {
        let (a, b) = (root(value), root(node.name))
        if a != b { parents[max(a, b)] = min(a, b) }
      }
    }
    return Dictionary(grouping: wanted, by: root).values.map { $0.sorted() }.sorted { $0[0] < $1[0] }
  }

  /// What the integers of each value that is read as such stand for.
  func quantizations(
    _ ranges: [String: QuantizationRange], _ element: DataType
  ) throws(QuantizationError) -> [String: ValueType.Quantization] {
    var result: [String: ValueType.Quantization] = [:]
    for group in groups {
      var range: QuantizationRange?
      for value in group {
        guard let own = ranges[value] else { throw .noRange(value: value) }
        guard own.minimum.isFinite, own.maximum.isFinite, own.minimum <= own.maximum else { throw .range(value: value, own) }
        range = range?.union(own) ?? own
      }
      let quantization = range?.quantization(element)
      for value in group { result[value] = quantization }
    }
    return result
  }

  private func isLayer(_ node: Node) -> Bool { if case .layer = kind(node) { true } else { false } }
}

extension QuantizationPlan.Kind {
  init(_ operation: Operation) {
    switch operation {
    case .convolution, .transposedConvolution, .linear:
      guard let epilogue = operation.epilogue, let canonical = CanonicalEpilogue(epilogue), !canonical.isOfIntegers else {
        self = .other
        return
      }
      self = .layer(storesIntegers: canonical.canBeStored)
    case .add: self = .sum
    case .activation(let function):
      if case .prelu(let channels) = function, channels != 1 { self = .other } else { self = .table(function) }
    case .maximumPool, .averagePool, .concatenation, .pixelShuffle, .pixelUnshuffle, .slice, .reshape, .flatten, .transpose,
      .expand, .pad:
      self = .mover
    case .resize(let payload): self = payload.method == .nearest ? .mover : .other
    // The mean over an image is small beside its pixels: as their integers little would be left of it.
    case .globalAveragePool: self = .other
    case .separableConvolution, .batchNorm, .scale, .channelAffine, .binary, .matrixMultiply, .softmax, .reduction,
      .maximumIndex,
      .normalization, .constant, .integer, .training:
      self = .other
    }
  }
}

extension CanonicalEpilogue {
  /// Whether the steps are such as stand between sums of integers and what is stored of them.
  fileprivate var canBeStored: Bool {
    func isExact(_ function: ActivationFunction?, isLast: Bool) -> Bool {
      switch function {
      case nil, .relu, .leakyReLU, .prelu: true
      case .clip: isLast
      default: false
      }
    }
    // A negative factor does not commute with a ReLU.
    return isExact(before, isLast: scale == 1 && !adds && (after?.isBound ?? true)) && isExact(after, isLast: true)
      && (scale > 0 || before == nil)
  }
}
