import Networks
import Tensors

extension Network {
  /// The network without these channels: fewer weights, narrower values, the same function as with the channels masked; see
  /// `ChannelCoupling`, whose `removal` says what else goes with a channel. Cost: one pass over the parameters.
  public func removingChannels(_ removal: ChannelRemoval) -> Network {
    guard !removal.isEmpty else { return self }
    var result = self
    let cutter = ChannelCutter(removal: removal)
    var parameters = parameters
    for index in result.nodes.indices { cutter.cut(&result.nodes[index], &parameters) }
    result.parameters = parameters
    return result
  }
}

/// Takes channels out of operations and their parameters.
private struct ChannelCutter {
  let removal: ChannelRemoval

  /// Those of `count` channels that stay.
  private func kept(_ removed: [Int]?, of count: Int) -> [Int] {
    guard let removed else { return Array(0..<count) }
    let gone = Set(removed)
    return (0..<count).filter { !gone.contains($0) }
  }

  func cut(_ node: inout Node, _ parameters: inout [String: Tensor]) {
    let inputs = node.inputs.first.flatMap { removal.values[$0] }
    let outputs = removal.values[node.name], rows = removal.rows[node.name], middle = removal.middles[node.name]
    guard inputs != nil || outputs != nil || rows != nil || middle != nil else { return }
    let old = node
    /// A parameter that has one number for each channel, or more along its first axis.
    func take(_ role: ParameterRole, _ channels: [Int], along axis: Int = 0) {
      let name = old.parameterName(role)
      if let tensor = parameters[name] { parameters[name] = tensor.taking(channels, along: axis) }
    }
    func take(_ function: inout ActivationFunction, _ role: ParameterRole, _ channels: [Int]) {
      guard case .prelu(let count) = function, count != 1 else { return }
      take(role, channels)
      function = .prelu(channels: channels.count)
    }
    /// Weights and bias; what the part then is.
    func take(_ part: LinearPart, _ ins: [Int], _ outs: [Int]) -> LinearPart {
      let name = old.parameterName(part.weightRole)
      let (groups, places) = part.places(inputs: ins, outputs: outs)
      if let weight = parameters[name] { parameters[name] = weight.taking(places.rows, places.columns) }
      take(part.biasRole, outs)
      var result = part
      (result.inChannels, result.outChannels, result.groups) = (ins.count, outs.count, groups)
      return result
    }
    func take(_ epilogue: inout Epilogue, _ channels: [Int]) {
      for index in epilogue.steps.indices {
        guard case .activation(var function) = epilogue.steps[index] else { continue }
        take(&function, .slope, channels)
        epilogue.steps[index] = .activation(function)
      }
    }

    let parts = node.operation.linearParts
    switch node.operation {
    case .convolution(var payload):
      let outs = kept(rows, of: payload.outChannels)
      let part = take(parts[0], kept(inputs, of: payload.inChannels), outs)
      (payload.inChannels, payload.outChannels, payload.groups) = (part.inChannels, part.outChannels, part.groups)
      take(&payload.epilogue, outs)
      node.operation = .convolution(payload)
    case .transposedConvolution(var payload):
      let outs = kept(rows, of: payload.outChannels)
      let part = take(parts[0], kept(inputs, of: payload.inChannels), outs)
      (payload.inChannels, payload.outChannels, payload.groups) = (part.inChannels, part.outChannels, part.groups)
      take(&payload.epilogue, outs)
      node.operation = .transposedConvolution(payload)
    case .linear(var payload):
      let part = take(parts[0], kept(inputs, of: payload.inFeatures), kept(rows, of: payload.outFeatures))
      (payload.inFeatures, payload.outFeatures) = (part.inChannels, part.outChannels)
      node.operation = .linear(payload)
    case .separableConvolution(var payload):
      let between = kept(middle, of: payload.depthwiseChannels), outs = kept(rows, of: payload.outChannels)
      let first = take(parts[0], kept(inputs, of: payload.inChannels), between)
      let last = take(parts[1], between, outs)
      (payload.inChannels, payload.outChannels) = (first.inChannels, last.outChannels)
      if var function = payload.middle {
        take(&function, .middleSlope, between)
        payload.middle = function
      }
      take(&payload.epilogue, outs)
      node.operation = .separableConvolution(payload)
    case .batchNorm(var payload):
      let channels = kept(outputs, of: payload.channels)
      for role in [ParameterRole.weight, .bias, .runningMean, .runningVariance] { take(role, channels) }
      payload.channels = channels.count
      node.operation = .batchNorm(payload)
    case .channelAffine(var payload):
      let channels = kept(outputs, of: payload.channels)
      for role in [ParameterRole.scale, .shift] { take(role, channels) }
      payload.channels = channels.count
      node.operation = .channelAffine(payload)
    case .activation(.prelu(let count)):
      var function = ActivationFunction.prelu(channels: count)
      take(&function, .slope, kept(outputs, of: count))
      node.operation = .activation(function)
    case .constant(var payload):
      guard payload.shape.rank > 1 else { return }
      let channels = kept(outputs, of: payload.shape[1])
      take(.value, channels, along: 1)
      payload.shape[1] = channels.count
      node.operation = .constant(payload)
    case .slice(var payload):
      guard let index = payload.spans.firstIndex(where: { $0.axis == 1 }), let inputs,
        let count = removal.counts[node.inputs[0]]
      else { return }
      payload.spans[index] = payload.spans[index].without(inputs, of: count)
      node.operation = .slice(payload)
    case .pad(var payload):
      // Channels of the operand lie between those before and those behind.
      let before = (outputs ?? []).count { $0 < payload.channelsBefore }
      let behind = (outputs ?? []).count - before - (inputs ?? []).count
      payload.channelsBefore -= before
      payload.channelsBehind -= behind
      node.operation = .pad(payload)
    case .expand(var payload):
      guard payload.extents.count > 1, let count = payload.extents[1].constant, count != 1 else { return }
      payload.extents[1] = SizeExpression(count - (outputs ?? []).count)
      node.operation = .expand(payload)
    case .activation, .scale, .add, .binary, .matrixMultiply, .concatenation, .pixelShuffle, .pixelUnshuffle, .resize,
      .maximumPool,
      .averagePool, .globalAveragePool, .flatten, .softmax, .reshape, .transpose, .reduction, .maximumIndex, .normalization,
      .integer, .training:
      // They take any number of channels.
      break
    }
  }
}

extension LinearPart {
  /// The rows, and of each of them the columns, that are left with these channels, and in how many groups.
  fileprivate func places(inputs: [Int], outputs: [Int]) -> (groups: Int, places: (rows: [Int], columns: [[Int]])) {
    let rows = rowsAreInputs ? inputs : outputs, others = Set(rowsAreInputs ? outputs : inputs)
    var groups: [Int: [Int]] = [:]
    for row in rows {
      let group = row / (self.rows / self.groups)
      guard groups[group] == nil else { continue }
      groups[group] = (0..<columns).filter { column in
        let pair = channels(row, column)
        return others.contains(rowsAreInputs ? pair.output : pair.input)
      }
    }
    return (groups.count, (rows, rows.map { groups[$0 / (self.rows / self.groups)] ?? [] }))
  }
}

extension Slice.Span {
  /// A span of step 1 of an axis of that extent, when the axis has lost these elements.
  fileprivate func without(_ removed: [Int], of extent: Int) -> Slice.Span {
    guard let range = range(extent: extent) else { return self }
    let start = range.start - removed.count { $0 < range.start }
    let within = removed.count { (range.start..<range.start + range.count).contains($0) }
    return Slice.Span(axis: axis, start: start, end: start + range.count - within, step: step)
  }
}

extension Tensor {
  /// The elements at these places along an axis.
  fileprivate func taking(_ places: [Int], along axis: Int) -> Tensor {
    guard axis < shape.rank, places.count != shape[axis] else { return self }
    var result = shape
    result[axis] = places.count
    let inner = shape.extents[(axis + 1)...].reduce(1, *), outer = shape.extents[..<axis].reduce(1, *)
    return withUnsafeFloats { source in
      Tensor(unsafeUninitialized: result) { bytes in
        let target = bytes.bindMemory(to: Float.self)
        var place = 0
        for index in 0..<outer {
          for channel in places {
            let start = (index * shape[axis] + channel) * inner
            for offset in 0..<inner { target[place + offset] = source[start + offset] }
            place += inner
          }
        }
      }
    }
  }

  /// Weights `[rows, columns, …]`: of each of these rows its columns, as many of each.
  fileprivate func taking(_ rows: [Int], _ columns: [[Int]]) -> Tensor {
    var result = shape
    (result[0], result[1]) = (rows.count, columns.first?.count ?? 0)
    let taps = shape.extents.dropFirst(2).reduce(1, *)
    return withUnsafeFloats { source in
      Tensor(unsafeUninitialized: result) { bytes in
        let target = bytes.bindMemory(to: Float.self)
        var place = 0
        for (row, columns) in zip(rows, columns) {
          for column in columns {
            let start = (row * shape[1] + column) * taps
            for offset in 0..<taps { target[place + offset] = source[start + offset] }
            place += taps
          }
        }
      }
    }
  }
}
