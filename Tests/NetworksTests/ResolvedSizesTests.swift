import Networks
import Tensors
import Testing

@Suite struct ResolvedSizesTests {
  /// A node that reaches no output and reads what was needed for its size alone: both are left out.
  @Test func deadNodesThatReadDroppedNodesGo() throws {
    var builder = NetworkBuilder("dead")
    let x = builder.input("x", channels: 2)
    let pooled = builder.averagePool("pooled", x, Pool(kernel: 2))
    _ = builder.activation("dead", pooled, .relu)
    let like = Resize(method: .nearest, target: .size(of: 1))
    builder.output(builder.node("out", .resize(like), [x, pooled], channels: 2))
    let network = try builder.build(.zeros)
    let resolved = try network.resolvingSizes(inputs: [Shape(channels: 2, height: 7, width: 5)])
    try resolved.verify()
    #expect(resolved.nodes.map(\.name) == ["out"])
    #expect(resolved.nodes.first?.inputs == ["x"])
  }
}
