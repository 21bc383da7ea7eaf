import Formats
import Tensors
import Testing

@Suite struct YAMLTests {
  private static func node(_ text: String) throws(YAMLError) -> YAMLNode { try YAMLNode(parsing: Array(text.utf8)) }

  @Test func partsKnowTheirLines() throws {
    let node = try Self.node("# words\na: 1\nb:\n  c: [x, 'y z']\n")
    guard case .mapping(let members) = node.content else {
      Issue.record("no mapping")
      return
    }
    #expect(members.map(\.key) == ["a", "b"])
    #expect(members.map(\.line) == [2, 3])
    #expect(node.value(["a"])?.content == .scalar("1", isPlain: true))
    #expect(
      node.value(["b", "c"])?.content
        == .sequence([
          YAMLNode(.scalar("x", isPlain: true), line: 4), YAMLNode(.scalar("y z", isPlain: false), line: 4),
        ]))
    #expect(try Self.node("").content == .mapping([]))
  }

  @Test(arguments: [
    ("a: 1\na: 2\n", 2, "'a' stands there twice"),
    ("a: &x 1\nb: *x\n", 1, "anchors, aliases and tags are not read; write the value out"),
    ("a: !!int 1\n", 1, "anchors, aliases and tags are not read; write the value out"),
    ("a: [1, 2\n", 2, "did not find expected ',' or ']'"),
    ("a:\n\tb: 1\n", 2, "a tab stands in its indentation, which is of spaces in YAML; put spaces in its place"),
    ("a:\n  b: 1\n \tc: 1\n", 3, "a tab stands in its indentation, which is of spaces in YAML; put spaces in its place"),
    ("\ta: 1\n", 1, "a tab stands in its indentation, which is of spaces in YAML; put spaces in its place"),
    ("--- a\n--- b\n", 2, "a second document begins; one is read"),
    ("? [a]\n: b\n", 1, "a key is no plain text"),
  ]) func faultsNameTheLine(_ text: String, _ line: Int, _ reason: String) {
    #expect(throws: YAMLError(line: line, reason: reason)) { try Self.node(text) }
  }

  @Test func nullsAreNotThere() throws {
    let node = try Self.node("a: null\nb: {c: ~, d: 'null', e: [null]}\nf: NULL\ng:\n")
    #expect(node.value(["a"])?.isNull == true && node.value(["b", "d"])?.isNull == false && node.value(["g"])?.isNull == false)
    #expect(node.withoutNulls.text == "b:\n  d: \"null\"\n  e: [null]\ng: \"\"\n")
    #expect(YAMLNode.null.isNull)
  }

  @Test func depthAndSizeAreBounded() {
    #expect(throws: YAMLError.self) { try Self.node(String(repeating: "[", count: 100_000)) }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: [UInt8](repeating: 32, count: YAMLNode.byteLimit + 1)) }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: [0xff, 0xfe, 0x61]) }
  }

  /// Documents of all kinds of parts and letters.
  @Test func whatIsWrittenIsReadBack() throws {
    var generator = SplitMix64(seed: 3)
    let letters = Array("ab-:#[]{}'\"\\ \n\t,&*!|>%@`é\u{85}\u{2028}\u{7}0.~")
    func text() -> String {
      String((0..<Int.random(in: 0...5, using: &generator)).map { _ in letters.randomElement(using: &generator)! })
    }
    func node(_ depth: Int) -> YAMLNode {
      switch Int.random(in: 0...(depth > 0 ? 2 : 0), using: &generator) {
      case 1: return YAMLNode(.sequence((0..<Int.random(in: 0...3, using: &generator)).map { _ in node(depth - 1) }))
      case 2:
        let keys = Set((0..<Int.random(in: 0...3, using: &generator)).map { _ in text() }).sorted()
        return YAMLNode(.mapping(keys.map { YAMLNode.Member(key: $0, value: node(depth - 1)) }))
      default: return YAMLNode(.scalar(text(), isPlain: Bool.random(using: &generator)))
      }
    }
    func bare(_ node: YAMLNode) -> YAMLNode {
      switch node.content {
      case .scalar(let text, _): YAMLNode(.scalar(text, isPlain: true))
      case .sequence(let parts): YAMLNode(.sequence(parts.map(bare)))
      case .mapping(let members): YAMLNode(.mapping(members.map { YAMLNode.Member(key: $0.key, value: bare($0.value)) }))
      }
    }
    for _ in 0..<2000 {
      let node = node(3)
      #expect(bare(try Self.node(node.text)) == bare(node), "\(node.text)")
    }
  }

  @Test func valuesAreSetOnTheWay() throws {
    var node = try Self.node("a: {b: 1}\n")
    node.set(["a", "b"], to: YAMLNode(.scalar("2", isPlain: true)))
    node.set(["c", "d"], to: YAMLNode(.scalar("3", isPlain: true)))
    #expect(node.text == "a:\n  b: 2\nc:\n  d: 3\n")
  }
}
