import Networks
import Tensors
import Testing

/// Figures worked out by hand.
@Suite struct LedgerTests {
  @Test func residualBlock() throws {
    var builder = NetworkBuilder("block")
    let x = builder.input("x", channels: 4)
    let a = builder.convolution("a", x, outChannels: 8, kernel: 3, padding: 1)
    let relu = builder.activation("relu", a, .relu)
    let b = builder.convolution("b", relu, outChannels: 4, kernel: 1, bias: false)
    builder.output(builder.add("sum", b, x))
    let network = try builder.build(.zeros)
    let ledger = try network.ledger(inputs: [[2, 4, 5, 6]])
    // One plane of both items: 2 · 5 · 6 = 60 floats, 240 bytes.
    #expect(ledger.entries.map(\.node) == ["a", "relu", "b", "sum"])
    #expect(ledger.entries.map(\.operation) == ["convolution", "relu", "convolution", "add"])
    #expect(ledger.entries.map(\.parameterCount) == [8 * 4 * 9 + 8, 0, 32, 0])
    #expect(ledger.entries.map(\.multiplyAccumulates) == [60 * 8 * 4 * 9, 0, 60 * 4 * 8, 0])
    #expect(ledger.entries.map(\.bytesRead) == [4 * 240, 8 * 240, 8 * 240, 8 * 240])
    #expect(ledger.entries.map(\.bytesWritten) == [8 * 240, 8 * 240, 4 * 240, 4 * 240])
    #expect(ledger.entries.map(\.outputShape) == [[2, 8, 5, 6], [2, 8, 5, 6], [2, 4, 5, 6], [2, 4, 5, 6]])
    // At relu: x (4), a (8), relu (8).
    #expect(ledger.peakActivationByteCount == 20 * 240)
    #expect(ledger.parameterCount == 328 && network.parameterCount == 328)
    #expect(ledger.bufferCount == 0)
    #expect(ledger.multiplyAccumulates == 60 * (288 + 32))
    #expect(ledger.bytesRead == 28 * 240)
    #expect(ledger.bytesWritten == 24 * 240)
  }

  @Test func peakEndsWithTheLastReader() throws {
    var builder = NetworkBuilder("chain")
    let x = builder.input("x", channels: 1)
    let unused = builder.input("unused", channels: 100)
    let up = builder.resize("up", x, .nearest, factor: 4)
    let small = builder.globalAveragePool("small", up)
    builder.output(builder.resize("y", small, .nearest, factor: 2))
    builder.output(up)
    var network = try builder.build(.zeros)
    _ = unused
    // Floats: x 4, unused 100, up 64, small 1, y 4.
    let shapes: [Shape] = [[1, 1, 2, 2], [1, 100, 1, 1]]
    #expect(try network.ledger(inputs: shapes).peakActivationByteCount == 104 * 4)
    let single: [Shape] = [[1, 1, 2, 2]]
    network.inputs.removeLast()
    // up leaves the network and stays: 64 + 1 + 4 at y; 4 + 64 at up.
    #expect(try network.ledger(inputs: single).peakActivationByteCount == 69 * 4)
    network.outputs = ["y"]
    // 64 + 1 at small; x is dead by then.
    #expect(try network.ledger(inputs: single).peakActivationByteCount == 68 * 4)
  }

  @Test func trafficAndTensors() throws {
    var builder = NetworkBuilder("traffic")
    let x = builder.input("x", channels: 2)
    let a = builder.activation("a", x, .relu)
    let b = builder.activation("b", a, .tanh)
    let kept = builder.activation("kept", b, .relu)
    let first = builder.concatenation("first", [a, b, x, a, kept])
    let second = builder.concatenation("second", [first, b])
    builder.output(kept)
    builder.output(builder.activation("y", second, .relu))
    let network = try builder.build(.zeros)
    // A channel is 6 floats, 24 bytes. In channels read and written: a 2 2, b 2 2, kept 2 2, first 8 10 (a is read once), second
    // 12 12, y 12 12.
    let plain = try network.ledger(inputs: [[1, 2, 2, 3]])
    #expect(plain.entries.map(\.bytesMoved) == [4, 4, 4, 18, 24, 24].map { $0 * 24 })
    #expect(plain.bytesMoved == 78 * 24 && plain.bytesMoved == plain.bytesRead + plain.bytesWritten)
    #expect(plain.activationTensorCount == 6)
    // In place: in first a and b once; x is an input, a is there already, kept an output. In second first; b is taken.
    let inPlace = try network.ledger(inputs: [[1, 2, 2, 3]], concatenationInPlace: true)
    #expect(inPlace.entries.map(\.bytesRead) == [2, 2, 2, 6, 2, 12].map { $0 * 24 })
    #expect(inPlace.entries.map(\.bytesWritten) == [2, 2, 2, 6, 2, 12].map { $0 * 24 })
    #expect(inPlace.peakActivationByteCount == plain.peakActivationByteCount)
    builder = NetworkBuilder("skip")
    let z = builder.input("z", channels: 2)
    let left = builder.activation("left", z, .relu)
    let right = builder.activation("right", left, .tanh)
    builder.output(builder.concatenation("both", [left, right]))
    let skip = try builder.build(.zeros).ledger(inputs: [[1, 2, 2, 3]], concatenationInPlace: true)
    #expect(skip.entries[2].bytesMoved == 0 && skip.activationTensorCount == 2)
  }

  @Test func everyOperationWithCosts() throws {
    func ledger(_ operation: Operation, _ shapes: [Shape]) throws -> Ledger.Entry {
      var builder = NetworkBuilder("one")
      let inputs = shapes.enumerated().map { builder.input("x\($0.offset)", channels: $0.element.channels) }
      builder.output(builder.node("y", operation, inputs, channels: 1))
      return try builder.build(.zeros).ledger(inputs: shapes).entries[0]
    }
    let shape: Shape = [1, 6, 4, 4]
    let transposed = TransposedConvolution(inChannels: 6, outChannels: 4, kernel: 2, stride: 2, groups: 2)
    let entry = try ledger(.transposedConvolution(transposed), [shape])
    #expect(entry.parameterCount == 6 * 2 * 4 + 4 && entry.multiplyAccumulates == 6 * 16 * 2 * 4)
    let grouped = Convolution(inChannels: 6, outChannels: 12, kernel: 3, stride: 2, padding: 1, groups: 3)
    #expect(try ledger(.convolution(grouped), [shape]).multiplyAccumulates == 12 * 4 * 9 * 2)
    let shuffled = Convolution(
      inChannels: 6, outChannels: 12, kernel: 3, padding: 1,
      epilogue: Epilogue([.add, .activation(.prelu(channels: 12)), .pixelShuffle(2)]))
    let fused = try ledger(.convolution(shuffled), [shape, [1, 12, 4, 4]])
    #expect(fused.multiplyAccumulates == 12 * 16 * 54)
    #expect(fused.parameterCount == 12 * 54 + 12 + 12)
    #expect(fused.bytesRead == (6 + 12) * 16 * 4 && fused.bytesWritten == 12 * 16 * 4)
    let norm = try ledger(.batchNorm(BatchNorm(channels: 6)), [shape])
    #expect(norm.parameterCount == 12 && norm.bufferCount == 12 && norm.multiplyAccumulates == 0)
    let fixed = try ledger(.channelAffine(ChannelAffine(channels: 6, isTrainable: false)), [shape])
    #expect(fixed.parameterCount == 0 && fixed.bufferCount == 12)
    // Of a factor for each channel only these are read.
    let attention = try ledger(.binary(.multiply), [shape, [1, 6, 1, 1]])
    #expect(attention.bytesRead == (96 + 6) * 4 && attention.bytesWritten == 96 * 4 && attention.multiplyAccumulates == 0)
    let cut = try ledger(.slice(Slice([.init(axis: 1, end: 2)])), [shape])
    #expect(cut.bytesRead == 96 * 4 && cut.bytesWritten == 32 * 4)
    #expect(try ledger(.matrixMultiply, [shape, [1, 6, 4, 3]]).multiplyAccumulates == 6 * 4 * 3 * 4)
    // A value read twice is read once.
    var builder = NetworkBuilder("twice")
    let x = builder.input("x", channels: 6)
    builder.output(builder.add("y", x, x))
    #expect(try builder.build(.zeros).ledger(inputs: [shape]).bytesRead == 6 * 16 * 4)
    let features = try NetworkGraph(
      json:
        #"{"name":"n","inputs":[{"name":"x","channels":6}],"nodes":[{"name":"f","inputs":["x"],"operation":{"type":"flatten"}},"#
        + #"{"name":"l","inputs":["f"],"operation":{"type":"linear","inFeatures":96,"outFeatures":5,"bias":true}}],"outputs":["l"]}"#
    )
    let linear = try Network(features, parameters: ["l.weight": Tensor(zeros: [5, 96]), "l.bias": Tensor(zeros: [5])])
    let linearLedger = try linear.ledger(inputs: [[3, 6, 4, 4]])
    #expect(linearLedger.multiplyAccumulates == 3 * 96 * 5 && linearLedger.parameterCount == 485)
  }
}
