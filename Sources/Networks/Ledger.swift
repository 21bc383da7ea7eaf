import Tensors

/// What a network costs for given input shapes: exact counts, by node and in total. Nothing here is measured.
public struct Ledger: Hashable, Codable, Sendable {
  /// What one node costs.
  public struct Entry: Hashable, Codable, Sendable {
    public var node: String
    /// The type name of the operation: `convolution`.
    public var operation: String
    public var outputShape: Shape
    /// Trainable parameters, in elements.
    public var parameterCount: Int
    /// Parameters that training leaves alone (running statistics, fixed affines), in elements.
    public var bufferCount: Int
    /// Multiply-accumulate operations, products with padding included.
    public var multiplyAccumulates: Int
    /// The bytes of the values that the node reads, each distinct value once; parameters not included.
    public var bytesRead: Int
    /// The bytes of the value that the node writes.
    public var bytesWritten: Int

    /// What the node moves through memory, were no value kept in a cache.
    public var bytesMoved: Int { [bytesRead, bytesWritten].total(\.self) }
  }

  /// In node order.
  public var entries: [Entry]
  /// The largest sum of the bytes of live values under the node order. An input lives from the start to its last
  /// reader, a node's value from its node to its last reader, an output to the end; while a node runs, what it reads and what it
  /// writes live both. Backends that work in place, in bands or in tiles need less; packed weights and scratch come on top.
  public var peakActivationByteCount: Int

  public var parameterCount: Int { entries.total(\.parameterCount) }
  public var bufferCount: Int { entries.total(\.bufferCount) }
  public var multiplyAccumulates: Int { entries.total(\.multiplyAccumulates) }
  public var bytesRead: Int { entries.total(\.bytesRead) }
  public var bytesWritten: Int { entries.total(\.bytesWritten) }
  public var bytesMoved: Int { entries.total(\.bytesMoved) }
  /// The values that nodes write to memory. What a fused node keeps to itself is none, nor is a concatenation in place.
  public var activationTensorCount: Int { entries.count { $0.bytesWritten > 0 } }
}

extension Network {
  /// The ledger for inputs of these shapes, in the order of `inputs`. The network should be verified.
  ///
  /// - Parameter concatenationInPlace: counts as a backend does that lets the makers of the operands write into the concatenation:
  ///   these operands are neither read nor written again. Operands that must be tensors of their own are copied all the same:
  ///   inputs and outputs of the network, and what another concatenation, or another place in this one, has taken. The peak is
  ///   counted as if they were apart.
  public func ledger(inputs shapes: [Shape], concatenationInPlace: Bool = false) throws(NetworkError) -> Ledger {
    let values = try inferredTypes(inputs: shapes)
    func byteCount(_ value: String) -> Int { values[value]?.byteCount ?? 0 }
    var ledger = Ledger(entries: [], peakActivationByteCount: 0)
    var ownTensors = Set(inputs.map(\.name) + outputs)
    for node in nodes {
      let operands = node.inputs.compactMap { values[$0]?.shape }
      guard let output = values[node.name] else { continue }
      var bytesRead = Set(node.elementInputs).map(byteCount).total(\.self)
      // A constant lies there already, as a buffer.
      var bytesWritten = if case .constant = node.operation { 0 } else { output.byteCount }
      if concatenationInPlace, node.operation == .concatenation(Concatenation()) {
        let copied = node.inputs.filter { !ownTensors.insert($0).inserted }
        bytesRead = Set(copied).map(byteCount).total(\.self)
        bytesWritten = copied.map(byteCount).total(\.self)
      }
      let parameters = node.operation.parameters
      ledger.entries.append(
        Ledger.Entry(
          node: node.name, operation: node.operation.typeName, outputShape: output.shape,
          parameterCount: parameters.filter(\.isTrainable).total(\.shape.count),
          bufferCount: parameters.filter { !$0.isTrainable }.total(\.shape.count),
          multiplyAccumulates: node.operation.definition.multiplyAccumulates(operands, output: output.shape),
          bytesRead: bytesRead, bytesWritten: bytesWritten))
    }
    ledger.peakActivationByteCount = peakActivationByteCount(types: values)
    return ledger
  }

  /// The number of trainable parameters, which depends on no input shape.
  public var parameterCount: Int {
    nodes.map { $0.operation.parameters.filter(\.isTrainable).total(\.shape.count) }.total(\.self)
  }

  /// The index of the last node that computes with each value; values of `outputs` and values that none reads are absent.
  package var lastReaders: [String: Int] {
    var last: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for value in node.elementInputs { last[value] = index }
    }
    for value in outputs + updates.map(\.value) { last[value] = nil }
    return last
  }

  private func peakActivationByteCount(types: [String: ValueType]) -> Int {
    let last = lastReaders
    let kept = Set(outputs + updates.map(\.value))
    // Constants, and parameters that are read, are no activations.
    let owned = Set(nodes.filter { if case .constant = $0.operation { true } else { false } }.map(\.name))
      .union(graph.readParameters.keys)
    func byteCount(_ value: String) -> Int { owned.contains(value) ? 0 : types[value]?.byteCount ?? 0 }
    var live = inputs.map { byteCount($0.name) }.total(\.self)
    var peak = live
    for input in inputs where last[input.name] == nil && !kept.contains(input.name) { live -= byteCount(input.name) }
    for (index, node) in nodes.enumerated() {
      live = [live, byteCount(node.name)].total(\.self)
      peak = max(peak, live)
      for value in Set(node.elementInputs) where last[value] == index { live -= byteCount(value) }
      if last[node.name] == nil, !kept.contains(node.name) { live -= byteCount(node.name) }
    }
    return peak
  }
}

extension ValueType {
  /// The bytes of a tensor of this type. At most 2^38 for a value of a network.
  var byteCount: Int { shape.count * element.byteCount }
}

extension Sequence {
  /// The sum of one property, `Int.max` where it overflows: single counts fit by `Limits`, their sum need not.
  func total(_ property: (Element) -> Int) -> Int {
    var sum = 0
    for element in self {
      let (value, overflow) = sum.addingReportingOverflow(property(element))
      if overflow { return Int.max }
      sum = value
    }
    return sum
  }
}
