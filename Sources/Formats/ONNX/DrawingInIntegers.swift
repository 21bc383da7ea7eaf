import Networks
import Tensors

extension Network {
  /// Layers of the numbers that integers stand for as layers of the integers, and what makes integers of their sums drawn into them: what a
  /// file with `QuantizeLinear` and `DequantizeLinear` around each operator means. Results differ by the rounding of sums in float32: by at most
  /// one step of the last scale.
  ///
  /// - Parameters:
  ///   - layers: the integers that weights and biases are of, by the names of nodes.
  ///   - codes: what the integers of values stand for.
  func drawingInIntegers(
    _ layers: [String: (weight: ONNXImporter.Grid, bias: ONNXImporter.Grid?)], _ codes: [String: Quantize]
  ) -> Network {
    var editor = NetworkEditor(self)
    var codes = codes
    for place in editor.places {
      guard let node = editor[place], let layer = layers[node.name] else { continue }
      editor.makeLayer(node, at: place, layer.weight, layer.bias, codes)
    }
    for place in editor.places { editor.drawIn(place, &codes) }
    editor.removeDeadNodes()
    return editor.result
  }
}

extension NetworkEditor {
  /// The value whose numbers these are, by a node of its own.
  private func codes(behind value: String) -> String? {
    guard let place = place(of: value), let node = self[place], node.operation == .integer(.dequantize) else { return nil }
    return node.inputs[0]
  }

  /// The layer with integers in place of the numbers, where they are those that layers sum.
  fileprivate mutating func makeLayer(
    _ node: Node, at place: Int, _ weight: ONNXImporter.Grid, _ bias: ONNXImporter.Grid?, _ codes: [String: Quantize]
  ) {
    guard let part = node.operation.linearParts.last, node.operation.epilogue?.isEmpty ?? false, ownsAlone(node),
      let numbers = parameter(.weight, of: node), numbers.shape == weight.integers.shape, weight.integers.dataType == .int8,
      let operand = self.codes(behind: node.inputs[0]), let input = codes[operand]?.quantization,
      [1, part.outChannels].contains(weight.scales.count)
    else { return }
    let scales = weight.scales.count == 1 ? Array(repeating: weight.scales[0], count: part.outChannels) : weight.scales
    // What is a scale along another axis is none of channels.
    let integers = weight.integers.integers ?? [], channels = part.outputChannels, floats = numbers.floats
    guard floats.indices.allSatisfy({ floats[$0] == Float(integers[$0]) * scales[channels[$0]] }) else { return }
    let multipliers = scales.map { input.scale * $0 }
    let biases = Requantization.biases(terms: part.inChannels / part.groups * part.taps)
    guard multipliers.allSatisfy({ Requantization.multipliers.contains($0) }) else { return }
    var newBias: Tensor?
    if let old = parameter(.bias, of: node)?.floats {
      let values = old.enumerated().map { channel, number in
        (Double(number) / Double(multipliers[channel])).rounded(.toNearestOrEven)
      }
      guard values.allSatisfy({ abs($0) <= Double(biases.upperBound) }) else { return }
      newBias = Tensor([part.outChannels], .int32, integers: values.map { Int($0) })
      if let bias, bias.integers.count == part.outChannels, let exact = bias.integers.integers,
        exact.allSatisfy({ biases.contains(Int($0)) }),
        zip(values, exact).allSatisfy({ abs($0 - Double($1)) <= 1 + abs($0) * 1e-5 })
      {
        newBias = bias.integers.reshaped([part.outChannels])
      }
    }
    var layer = node
    layer.operation.epilogue = Epilogue([.rescale])
    guard layer.operation.attributeFault == nil else { return }
    layer.inputs[0] = operand
    replace(place, by: layer)
    set(.weight, of: layer, to: weight.integers)
    set(.bias, of: layer, to: newBias)
    set(.multiplier, of: layer, to: Tensor([part.outChannels], multipliers))
  }

  /// A function of integers that becomes integers is a table.
  private mutating func makeTable(_ node: Node, _ payload: Quantize, at place: Int, _ codes: [String: Quantize]) -> Bool {
    guard let maker = placeOfOnlyRead(node.inputs[0]).flatMap({ self[$0] }), case .activation(let function) = maker.operation,
      let operand = self.codes(behind: maker.inputs[0]), let input = codes[operand], let integers = input.element.integers
    else { return false }
    if case .prelu(let channels) = function, channels != 1 { return false }
    let slope = parameter(.slope, of: maker)?.floats.first ?? 0, value = function.function(slope: Double(slope))
    let table = integers.map { integer in
      payload.stored(Float(value(Double(Float(integer - input.quantization.zeroPoint) * input.quantization.scale))))
    }
    let lookup = Node(
      name: node.name, operation: .integer(.lookup(Lookup(payload.element, payload.quantization))), inputs: [operand])
    replace(place, by: lookup)
    set(.table, of: lookup, to: Tensor([Lookup.count], payload.element, integers: table))
    return true
  }

  /// Draws a node that makes integers of numbers into what makes the numbers.
  fileprivate mutating func drawIn(_ place: Int, _ codes: inout [String: Quantize]) {
    guard let node = self[place], case .integer(.quantize(let payload)) = node.operation else { return }
    if makeTable(node, payload, at: place, codes) { return }
    var step = Requantization(payload.element, payload.quantization)
    var chain: [Int] = [], value = node.inputs[0]
    var steps: [Epilogue.Step] = [], slopes: Node?
    var extra: (operand: String, place: Int)?
    func only(_ value: String) -> (Int, Node)? { placeOfOnlyRead(value).flatMap { place in self[place].map { (place, $0) } } }
    func bound(_ number: Float) -> Int { step.stored(number / payload.quantization.scale) }
    // Backwards: what closes, an addition, what stands before it, the layer.
    while let (at, maker) = only(value) {
      switch maker.operation {
      case .activation(.relu) where steps.isEmpty: step.minimum = max(step.minimum, payload.quantization.zeroPoint)
      case .activation(.clip(let least, let most)) where steps.isEmpty:
        (step.minimum, step.maximum) = (max(step.minimum, bound(least)), min(step.maximum, bound(most)))
      case .activation(.relu): steps.insert(.activation(.relu), at: 0)
      case .activation(.leakyReLU(let slope)): steps.insert(.activation(.leakyReLU(slope: slope)), at: 0)
      case .activation(.prelu(let channels)):
        guard slopes == nil else { return }
        slopes = maker
        steps.insert(.activation(.prelu(channels: channels)), at: 0)
      case .add where extra == nil:
        let operands = maker.inputs.map { self.codes(behind: $0) }
        if let first = operands[0], let second = operands[1], steps.isEmpty, codes[first] != nil, codes[second] != nil {
          // Both are of integers: a sum of its own.
          guard step.minimum <= step.maximum else { return }
          replace(place, by: Node(name: node.name, operation: .integer(.add(step)), inputs: [first, second]))
          return
        }
        guard let index = operands.firstIndex(where: { $0 != nil && codes[$0 ?? ""] != nil }), let operand = operands[index]
        else {
          return
        }
        extra = (operand, at)
        steps.insert(.add, at: 0)
        value = maker.inputs[1 - index]
        chain.append(at)
        continue
      case .convolution, .transposedConvolution, .linear:
        guard maker.operation.epilogue?.steps == [.rescale], step.minimum <= step.maximum,
          let multiplier = parameter(.multiplier, of: maker)
        else { return }
        let scaled = multiplier.floats.map { $0 / payload.quantization.scale }
        guard scaled.allSatisfy({ Requantization.multipliers.contains($0) }) else { return }
        var layer = maker
        layer.operation.epilogue = Epilogue([.rescale] + steps + [.requantize(step)])
        if let extra { layer.inputs.append(extra.operand) }
        guard layer.operation.attributeFault == nil else { return }
        remove(at)
        for other in chain { remove(other) }
        replace(place, by: layer)
        redirect(node.name, to: layer.name)
        set(.multiplier, of: layer, to: Tensor(multiplier.shape, scaled))
        if let slopes { move(.slope, of: slopes, to: .slope, of: layer) }
        codes[layer.name] = payload
        return
      case .maximumPool, .averagePool, .concatenation, .pixelShuffle, .pixelUnshuffle, .slice, .reshape, .flatten, .transpose,
        .expand,
        .pad:
        // What moves integers of one type, and is stored as the same.
        let operands = maker.elementInputs.map { self.codes(behind: $0) }
        guard chain.isEmpty, step == Requantization(payload.element, payload.quantization),
          operands.allSatisfy({ $0.flatMap { codes[$0] } == payload })
        else { return }
        var moved = maker
        moved.inputs = operands.compactMap(\.self) + maker.inputs.dropFirst(operands.count)
        remove(at)
        replace(place, by: moved)
        redirect(node.name, to: moved.name)
        codes[moved.name] = payload
        return
      default: return
      }
      value = maker.inputs[0]
      chain.append(at)
    }
  }
}
