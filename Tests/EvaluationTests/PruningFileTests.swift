import Formats
import Networks
import Architectures
import Testing
import Transforms

@testable import Evaluation

/// Configuration files as users of NNI have them.
@Suite struct PruningFileTests {
  private func file(_ text: String) throws -> PruningFile {
    try PruningFile(YAMLNode(parsing: Array(text.utf8)), path: "list.yaml")
  }

  private func amounts(_ text: String, _ network: Network) throws -> PruningAmounts {
    try ModelPruning.Request(.configuration(file(text).configuration, path: "list.yaml")).amounts(for: network)
  }

  private static func network() throws -> Network { try EDSR(features: 8, blocks: 2).network(.zeros) }

  /// The line of the error that the text leads to.
  private func fault(_ text: String) throws -> String? {
    do { _ = try amounts(text, try Self.network()) } catch { return "\(error)" }
    return nil
  }

  @Test func oldKeys() throws {
    let network = try Self.network()
    var amounts = try amounts(
      """
      - sparsity: 0.5
        op_types: [Conv2d]
        op_partial_names: [body]
      - {sparsity_per_layer: 0.25, op_names: [up.0]}
      - exclude: true
        op_names: [body.1.b]
      """, network)
    #expect(Set(amounts.layers.keys) == ["body.0.a", "body.0.b", "body.1.a", "up.0"])
    #expect(amounts.layers["body.1.a"]?.share == 0.5 && amounts.layers["up.0"]?.share == 0.25)
    #expect(amounts.excluded == ["body.1.b"])
    amounts = try self.amounts(
      "[{\"total_sparsity\": 0.3, \"op_types\": [\"default\"], \"max_sparsity_per_layer\": 0.8}]", network)
    #expect(amounts.layers.count == 7)
    #expect(Set(amounts.layers.values) == [PruningAmounts.Layer(share: 0.3, pool: "entry 0", most: 0.8)])
  }

  @Test func newKeys() throws {
    let amounts = try amounts(
      """
      pruner: L2NormPruner
      mode: normal
      dummy_input: [1, 3, 8, 8]
      config_list:
        - op_names_re: ['^body\\.\\d\\.a$']
          sparse_ratio: 0.4
          global_group_id: blocks
          exclude_op_names: [body.1.a]
        - op_types: [Conv2d]
          exclude_op_names_re: [body, head]
          target_names: [weight, bias]
          target_settings:
            weight: {sparse_ratio: 0.1, granularity: out_channel, min_sparse_ratio: 0.05}
            bias: {align: {target_name: weight, dims: [0]}, apply_method: mul}
      """, try Self.network())
    #expect(amounts.layers["body.0.a"] == PruningAmounts.Layer(share: 0.4, pool: "group blocks"))
    #expect(Set(amounts.layers.keys) == ["body.0.a", "up.0", "tail"])
    #expect(amounts.layers["up.0"]?.least == 0.05)
    let known = try file("pruner: l2\ndummy_input: [1, 3, 8, 8]\nconfig_list: [{op_types: [default], sparsity: 0.1}]")
    #expect(known.importance == .l2 && known.dummyInput == [1, 3, 8, 8])
    #expect(try known.isOfWeights == false)
    let level = try file("mode: balance\nbalance_gran: [4, 4]\nconfig_list: [{op_types: [default], sparsity: 0.1}]")
    #expect(level.configuration.balance == .blocks([4, 4]))
    for name in ["LevelPruner", "level"] {
      #expect(try file("pruner: \(name)\nconfig_list: [{op_types: [default], sparsity: 0.1}]").isOfWeights == true)
    }
    for (name, importance) in [
      ("L1FilterPruner", PruningImportance.l1), ("L1NormPruner", .l1), ("FPGMPruner", .geometricMedian),
      ("SlimPruner", .batchNormScale),
      ("TaylorFOWeightPruner", .taylor),
    ] {
      #expect(try file("pruner: \(name)\nconfig_list: [{op_types: [default], sparsity: 0.1}]").importance == importance)
    }
  }

  @Test func whatDoesNotFitIsNamed() throws {
    #expect(
      try fault("- {sparsity: 0.5, op_names: [body.0.c]}")
        == "'list.yaml', line 1: the name 'body.0.c' matches no layer; the nearest is 'body.0.a'")
    #expect(
      try fault("- {sparsity: 0.5, op_types: [conv2d]}")
        == "'list.yaml', line 1: 'conv2d' is no type of layers that are pruned; the nearest is 'Conv2d'")
    #expect(
      try fault("- {sparsity: 0.5, op_types: [Conv2d]}\n- {sparsity: 0.2, op_names: [head]}")
        == "'list.yaml', line 2: the layer 'head' is set already, by the entry in line 1; leave it out of one of them")
    #expect(try fault("- {sparsity: 0.5, op_partial_names: [bodi]}")?.contains("matches no layer") == true)
    #expect(try fault("- {sparsity: 0.5, op_names_re: ['(']}")?.contains("is no regular expression") == true)
    #expect(try fault("- {sparsity: 0.5, op_types: [Linear]}") == "'list.yaml', line 1: no layer is of those types and names")
    #expect(
      try fault("- {sparsty: 0.5, op_types: [Conv2d]}")
        == "'list.yaml', line 1: there is no key 'sparsty'; do you mean 'sparsity'?")
    #expect(try fault("- {sparsity: 1, op_types: [Conv2d]}")?.contains("below 1") == true)
    #expect(try fault("- {sparsity: 0.5, total_sparsity: 0.5, op_types: [Conv2d]}")?.contains("leave one of them out") == true)
    #expect(try fault("- {op_types: [Conv2d]}")?.contains("'sparse_ratio") == true)
    #expect(try fault("- {sparsity: 0.5}")?.contains("'op_types' is missing") == true)
    #expect(try fault("[]")?.contains("a list of entries") == true)
    #expect(try fault("pruner: magic\nconfig_list: []")?.contains("level, l1, l2") == true)
  }
}
