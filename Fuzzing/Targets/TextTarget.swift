import Evaluation
import Networks
import Tensors
import Transforms

/// What people type: a value that is read prints as text that reads as the same value.
struct TextTarget: FuzzTarget {
  let name = "text"
  let sizeLimit = 128

  func run(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let shape = Shape(text) {
      promise(Shape(shape.description) == shape, "the shape '\(text)' prints as \(shape)")
      promise(shape.extents.allSatisfy { $0 > 0 }, "the shape '\(text)' has an extent below 1")
    }
    if let tiles = TilePolicy(text) { promise(TilePolicy(tiles.description) == tiles, "the tiles '\(text)' print as \(tiles)") }
    if let count = TextFormat.parsedByteCount(text) {
      promise(count > 0, "'\(text)' is \(count) bytes")
      promise(!TextFormat.bytes(count).isEmpty && !TextFormat.grouped(count).isEmpty, "no text for \(count) bytes")
    }
    if let predicate = made({ try NodePredicate(text) }) {
      for node in Self.nodes { _ = predicate.matches(node) }
    }
    if let value = Double(text) {
      for line in [TextFormat.short(value), TextFormat.fixed(value, 3), TextFormat.scientific(value)] { checkLine(line) }
    }
  }

  private static let nodes: [Node] = [
    Node(name: "a.b", operation: .convolution(Convolution(inChannels: 3, outChannels: 8, kernel: 3)), inputs: ["x"]),
    Node(name: "c", operation: .scale(Scale(factor: 2)), inputs: ["a.b"]),
  ]

  func seeds() throws -> [[UInt8]] {
    [
      "1x3x256x256", "512M", "2G", "65536K", "auto", "none", "96", "in>=64,kernel=3", "name=body.*", "operation=convolution",
      "out<8",
      "0.001", "1e300", "-1", "nan",
    ].map { Array($0.utf8) }
  }

  let dictionary = [
    "x", "M", "G", "T", "K", "auto", "none", "in", "out", "kernel", "name", "operation", "=", ">=", "<=", ",", "*",
    "9223372036854775807",
  ]
}
