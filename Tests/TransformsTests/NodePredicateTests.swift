import Networks
import Testing

@testable import Transforms

@Suite struct NodePredicateTests {
  private func convolution(_ name: String, _ kernel: Pair = 3, _ input: Int = 64, _ output: Int = 32) -> Node {
    Node(
      name: name, operation: .convolution(Convolution(inChannels: input, outChannels: output, kernel: kernel)), inputs: ["x"])
  }

  private static let matching: [String] = [
    "name=body.0.a", "name=body.*", "name=*.a", "name=b?dy.?.a", "name=*", "operation=convolution", "kernel=3", "kernel=3x3",
    "in=64", "in>=64", "in<=64", "out=32", "out<=100", "!name=head", "!kernel=5", "name=body.*,kernel=3,in>=16,out<=32,!out=31",
    "!!kernel=3",
  ]
  private static let others: [String] = [
    "name=body.0", "name=body", "name=*.b", "name=?ody.0", "name=Body.*", "operation=linear", "kernel=5", "kernel=3x5", "in=32",
    "in>=65", "in<=63", "out>=33", "!name=body.*", "name=body.*,kernel=5", "kernel=5,name=body.*",
  ]

  @Test(arguments: matching) func matches(text: String) throws {
    #expect(try NodePredicate(text).matches(convolution("body.0.a")))
  }

  @Test(arguments: others) func doesNotMatch(text: String) throws {
    #expect(try !NodePredicate(text).matches(convolution("body.0.a")))
  }

  @Test(arguments: [
    "", "name", "name=", "kernel=x", "kernel=3x3x3", "kernel=", "kernel>=3", "in=-1", "in=a", "in>4", "in", "size=3", "name=a,",
    "name>=a", "in=99999999999999999999", "!", "kernel=3x",
  ])
  func refusals(text: String) {
    #expect(throws: NodePredicateError.self) { try NodePredicate(text) }
  }

  @Test func theRefusalNamesTheCondition() {
    do {
      _ = try NodePredicate("name=a,size=3")
      Issue.record("size is no condition")
    } catch {
      #expect("\(error)".hasPrefix("the condition 'size=3' is not understood; give name=body.*, "))
    }
  }

  @Test func combinations() {
    let node = convolution("body.0.a")
    let yes = NodePredicate.kernel(3), no = NodePredicate.kernel(5)
    #expect(NodePredicate.all.matches(node) && !NodePredicate.either([]).matches(node))
    #expect(NodePredicate.every([yes, .not(no)]).matches(node) && !NodePredicate.every([yes, no]).matches(node))
    #expect(NodePredicate.either([no, yes]).matches(node) && !NodePredicate.either([no, no]).matches(node))
  }

  /// What has no kernel and knows no channels is none by them.
  @Test func operationsWithoutTheAttribute() {
    let relu = Node(name: "relu", operation: .activation(.relu), inputs: ["x"])
    for predicate in [NodePredicate.kernel(3), .inChannels(0...Int.max), .outChannels(0...Int.max)] {
      #expect(!predicate.matches(relu) && NodePredicate.not(predicate).matches(relu))
    }
    let pool = Node(name: "pool", operation: .maximumPool(Pool(kernel: 2)), inputs: ["x"])
    #expect(NodePredicate.kernel(2).matches(pool) && NodePredicate.operation("maximumPool").matches(pool))
    let linear = Node(name: "l", operation: .linear(Linear(inFeatures: 4, outFeatures: 2)), inputs: ["x"])
    #expect(NodePredicate.every([.inChannels(4...4), .outChannels(2...2)]).matches(linear))
  }

  /// Each pattern over a small alphabet against a plain recursion.
  @Test func globsAgreeWithTheirDefinition() {
    func matches(_ pattern: Substring, _ text: Substring) -> Bool {
      guard let first = pattern.first else { return text.isEmpty }
      if first == "*" { return matches(pattern.dropFirst(), text) || (!text.isEmpty && matches(pattern, text.dropFirst())) }
      guard let letter = text.first, first == "?" || first == letter else { return false }
      return matches(pattern.dropFirst(), text.dropFirst())
    }
    func words(_ letters: String, upTo length: Int) -> [String] {
      var all = [""]
      var last = [""]
      for _ in 0..<length {
        last = last.flatMap { word in letters.map { word + String($0) } }
        all += last
      }
      return all
    }
    let texts = words("ab", upTo: 4)
    for pattern in words("ab*?", upTo: 4) {
      for text in texts {
        #expect(Glob(pattern).matches(text) == matches(pattern[...], text[...]), "\(pattern) on \(text)")
      }
    }
  }
}
