import CPUBackend
import Formats
import Foundation
import Testing
import Transforms

@testable import Evaluation

@Suite struct FrontRecipeTests {
  static let base = """
    base:
      model: {architecture: edsr, options: {channels: 1, features: 8, blocks: 1, layout: direct}}
      data: {kind: super-resolution, folders: pictures, patch: 16, patches-per-picture: 5}
      validation: {folder: pictures, protocol: edsr}
      training: {epochs: 2, batch-size: 4, learning-rate: 0.01}

    """

  static func recipe(_ text: String, base: String = base) throws -> FrontRecipe {
    let node = try YAMLNode(parsing: Array((base + text).utf8))
    return try FrontRecipe(node, path: "front.yaml", base: node.value(["base"]))
  }

  private func error(_ text: String, base: String = base) throws -> String {
    do {
      let recipe = try Self.recipe(text, base: base)
      _ = try FrontPlan(recipe.variants, path: recipe.path)
      for variant in recipe.variants { _ = try recipe.training(of: variant) }
    } catch let error as RecipeError { return error.description } catch let error as EvaluationError {
      return error.description
    }
    return ""
  }

  @Test func everyKey() throws {
    let recipe = try Self.recipe(
      """
      fine-tuning: {epochs: 1, learning-rate: 0.002}
      timing: {input: 1x1x32x32, threads: 1, rounds: 12}
      calibration: {folder: more, count: 3, side: 32}
      variants:
        - name: standard
        - name: separable
          model: {options: {convolution: separable}}
          training: {learning-rate: 0.02}
        - {name: half, of: standard, prune: 0.5}
        - {name: quarter, of: standard, prune: {sparsity: 0.25, importance: l2, align: 1}, trained: false}
        - {name: bf16, of: standard, precision: bfloat16}
        - {name: int8, of: standard, quantize: mse}
        - {name: int8 mixed, of: half, quantize: {ranges: percentile, max-loss: 0.1, weight-bits: 7, first: true, float: [body.0.a], equalize: true, residual: float32}}
        - {name: distilled, model: {options: {convolution: separable}}, distillation: {teacher: standard, weight: 2}}
        - {name: substituted, of: standard, substitute: separable, distillation: {teacher: upscale-x2}}
        - {name: shipped, file: upscale-x2}
        - {name: int8 trained, of: standard, qat: {ranges: mse, freeze-after: 1, float: [body.0.a]}, distillation: {teacher: standard}}

      """)
    #expect(recipe.input == [1, 1, 32, 32] && recipe.threadCount == 1 && recipe.rounds == 12)
    #expect(recipe.calibration == FrontRecipe.Calibration(folder: "more", count: 3, side: 32))
    #expect(recipe.variants.map(\.isTrained) == [true, true, true, false, false, false, false, true, true, false, true])
    #expect(recipe.variants.map(\.isFineTuned) == [false, false, true, true, true, true, true, false, true, true, true])
    #expect(recipe["half"]?.dependencies == ["standard"] && recipe["distilled"]?.dependencies == ["standard"])
    #expect(recipe["quarter"]?.pruning == FrontVariant.Pruning(sparsity: 0.25, importance: .l2, multiple: 1))
    #expect(recipe["bf16"]?.precision == .bfloat16)
    #expect(recipe["shipped"]?.beginning == .file("upscale-x2") && recipe["substituted"]?.teacher == .file("upscale-x2"))
    let integers = try #require(recipe["int8 mixed"]?.integers)
    #expect(integers.method == .percentile(99.99) && integers.maximumLoss == 0.1 && integers.equalizes)
    #expect(
      integers.scheme == QuantizationScheme(weightBits: 7, keepsFirst: false, floatLayers: ["body.0.a"], residual: .float32))
    #expect(!integers.choosesResidual && recipe["int8"]?.integers?.choosesResidual == true)
    #expect(
      recipe.variants.map(\.text) == [
        "trained", "trained", "of standard, pruned by 0.5, l1, fine-tuned", "of standard, pruned by 0.25, l2",
        "of standard, bfloat16", "of standard, int8 after training, ranges mse",
        "of half, int8 after training, ranges percentile:99.99", "trained, distilled from standard",
        "of standard, convolutions substituted by separable ones, fine-tuned, distilled from upscale-x2",
        "the model upscale-x2", "of standard, fine-tuned as int8, distilled from standard",
      ])

    // What is said of a variant stands in the places of the base's, and nothing else does.
    let separable = try recipe.training(of: #require(recipe["separable"]))
    #expect(separable.learningRate.base == 0.02 && separable.epochs == 2)
    #expect(
      separable.source
        == .architecture(
          "edsr", options: ["channels": "1", "features": "8", "blocks": "1", "layout": "direct", "convolution": "separable"]))
    let half = try recipe.training(of: #require(recipe["half"]), model: "a b.safetensors")
    #expect(half.source == .model("a b.safetensors") && half.epochs == 1 && half.learningRate.base == 0.002)
    let distilled = try recipe.training(of: #require(recipe["distilled"]), teacher: "t.safetensors")
    #expect(distilled.distillation?.teacher == "t.safetensors" && distilled.distillation?.weight == 2 && distilled.epochs == 2)
    #expect(try recipe.training(of: #require(recipe["standard"])) == recipe.base)
    let trained = try #require(recipe["int8 trained"])
    let training = try recipe.training(of: trained, model: "a.safetensors", teacher: "t.safetensors")
    let integersOfTraining = try #require(training.quantizing)
    #expect(integersOfTraining.method == .mse && integersOfTraining.freezeAfter == 1)
    #expect(integersOfTraining.scheme.residual == .int8)
    #expect(integersOfTraining.scheme.floatLayers == ["body.0.a"] && recipe.base.quantizing == nil)
    // Another architecture has its own options.
    let other = try Self.recipe("variants: [{name: a, model: {architecture: vdsr, options: {depth: 3}}}]")
    #expect(try other.training(of: other.variants[0]).source == .architecture("vdsr", options: ["depth": "3"]))
  }

  @Test(arguments: [
    ("variant: []", "'front.yaml', line 6: there is no key 'variant'; do you mean 'variants'?"),
    ("variants: []", "'front.yaml', line 6: 'variants' is missing"),
    ("variants: 3", "'front.yaml', line 6: 'variants' is '3' and must be a list"),
    ("variants: [{of: a}]", "'front.yaml', line 6: 'variants.name' is missing"),
    (
      "variants: [{name: a}, {name: A}]",
      "'front.yaml', line 6: 'variants.name' is 'A' and must be one that no other variant has ('a' is there)"
    ),
    (
      "variants: [{name: \"=a\"}]",
      "'front.yaml', line 6: 'variants.name' is '=a' and must be at most 80 bytes, and begin with a letter or a digit"
    ),
    (
      "variants: [{name: \"a\\e[2J\"}]",
      "'front.yaml', line 6: 'variants.name' is 'a\\u{1b}[2J' and must be text without control characters"
    ),
    ("variants: [{name: a, prun: 0.5}]", "'front.yaml', line 6: there is no key 'variants.a.prun'; do you mean 'prune'?"),
    (
      "variants: [{name: standard}, {name: b, of: standart}]",
      "'front.yaml', line 6: 'variants.b.of' is 'standart' and must be the name of a variant; do you mean 'standard'?"
    ),
    (
      "variants: [{name: a}, {name: b, of: a, file: c}]",
      "'front.yaml', line 6: 'variants.b.file' has no meaning beside 'variants.b.of'; leave one of them out"
    ),
    (
      "variants: [{name: a}, {name: b, of: a, model: {options: {blocks: 2}}}]",
      "'front.yaml', line 6: 'variants.b.model' has no meaning beside 'variants.b.of'; leave one of them out"
    ),
    (
      "variants: [{name: a, prune: 1}]",
      "'front.yaml', line 6: 'variants.a.prune' is '1' and must be the part of the channels that goes, from 0.001 to 0.999"
    ),
    ("variants: [{name: a, prune: {importance: l1}}]", "'front.yaml', line 6: 'variants.a.prune.sparsity' is missing"),
    (
      "variants: [{name: a, prune: {sparsity: 0.5, by: l1}}]",
      "'front.yaml', line 6: there is no key 'variants.a.prune.by'; there are sparsity, importance, align"
    ),
    (
      "variants: [{name: a, training: {epochs: 3}}]",
      "'front.yaml', line 6: 'variants.a.training' is 'epochs: 3' and must be without epochs: all variants have one budget, which 'base' and 'fine-tuning' say"
    ),
    (
      "variants: [{name: a, training: {learning-rat: 3}}]",
      "'front.yaml', line 6: there is no key 'training.learning-rat'; do you mean 'learning-rate'?"
    ),
    ("variants: [{name: a, distillation: {weight: 1}}]", "'front.yaml', line 6: 'variants.a.distillation.teacher' is missing"),
    (
      "variants: [{name: a, distillation: {teacher: a}}]",
      "'front.yaml', line 6: 'variants.a.distillation' is 'teacher: a' and must be another than the variant itself"
    ),
    (
      "variants: [{name: a, trained: false, training: {seed: 2}}]",
      "'front.yaml', line 6: 'variants.a.training' has no meaning beside 'variants.a.trained'; leave one of them out"
    ),
    ("variants: [{name: a, quantize: minmax}]", "'front.yaml', line 6: 'calibration' is missing"),
    (
      "calibration: {folder: a}\nvariants: [{name: a, quantize: most}]",
      "'front.yaml', line 7: 'variants.a.quantize' is 'most' and must be minmax, percentile, percentile:SHARE or mse"
    ),
    (
      "calibration: {folder: a}\nvariants: [{name: a, quantize: minmax, precision: bfloat16}]",
      "'front.yaml', line 7: 'variants.a.precision' has no meaning beside 'variants.a.quantize'; leave one of them out"
    ),
    (
      "calibration: {folder: a}\nvariants: [{name: a, quantize: minmax}, {name: b, of: a, prune: 0.5}]",
      "'front.yaml', line 7: 'variants.b.of' is 'a' and must be a variant that is not of integers, which are not trained or cut further"
    ),
    (
      "variants: [{name: a, qat: {}}, {name: b, of: a, prune: 0.5}]",
      "'front.yaml', line 6: 'variants.b.of' is 'a' and must be a variant that is not of integers, which are not trained or cut further"
    ),
    (
      "calibration: {folder: a}\nvariants: [{name: a, qat: {}, quantize: minmax}]",
      "'front.yaml', line 7: 'variants.a.quantize' has no meaning beside 'variants.a.qat'; leave one of them out"
    ),
    (
      "variants: [{name: a, qat: {}, precision: bfloat16}]",
      "'front.yaml', line 6: 'variants.a.precision' has no meaning beside 'variants.a.qat'; leave one of them out"
    ),
    (
      "variants: [{name: a, qat: {}, trained: false}]",
      "'front.yaml', line 6: 'variants.a.qat' has no meaning beside 'variants.a.trained'; leave one of them out"
    ),
    (
      "variants: [{name: a, qat: {range: mse}}]",
      "'front.yaml', line 6: there is no key 'quantize.range'; do you mean 'ranges'?"
    ),
    (
      "variants: [{name: a, precision: half}]",
      "'front.yaml', line 6: 'variants.a.precision' is 'half' and must be float32 or bfloat16"
    ),
    (
      "timing: {input: big}\nvariants: [{name: a}]",
      "'front.yaml', line 6: 'timing.input' is 'big' and must be a shape, as in 1x3x128x128"
    ),
    (
      "timing: {rounds: 3}\nvariants: [{name: a}]",
      "'front.yaml', line 6: 'timing.rounds' is '3' and must be a whole number from 6 to 200"
    ),
    (
      "variants: [{name: a, of: b}, {name: b, of: a}]",
      "'front.yaml': 'variants.a' is 'a -> b -> a' and must be without a circle: variants that begin with or imitate each other have no first one"
    ),
    (
      "variants: [{name: x, of: a}, {name: a, distillation: {teacher: b}}, {name: b, of: c}, {name: c, of: a}]",
      "'front.yaml': 'variants.a' is 'a -> b -> c -> a' and must be without a circle: variants that begin with or imitate each other have no first one"
    ),
  ]) func faultsAreLines(text: String, wanted: String) throws {
    #expect(try error(text) == wanted)
  }

  @Test func basesAreWhole() throws {
    #expect(
      try error(
        "variants: [{name: a}]", base: "base: {model: {architecture: edsr}, data: {kind: super-resolution, folders: a}}\n")
        == "'front.yaml', line 1: 'base.validation' is missing")
    #expect(
      try error("variants: [{name: a}]", base: "base: {data: {kind: hdf5, file: a}}\n")
        == "'front.yaml', line 1: 'model' is missing")
    #expect(try error("variants: [{name: a}]", base: "") == "'front.yaml', line 1: 'base' is missing")
  }

  @Test func basesMayBeFiles() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/front-recipe-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let node = try YAMLNode(parsing: Array(Self.base.utf8))
    try Data(#require(node.value(["base"])).text.utf8).write(to: URL(fileURLWithPath: folder + "/base.yaml"))
    try Data("base: \(folder)/base.yaml\nvariants: [{name: a}]\n".utf8).write(to: URL(fileURLWithPath: folder + "/front.yaml"))
    let recipe = try FrontRecipe(contentsOf: folder + "/front.yaml")
    #expect(recipe.base.epochs == 2 && recipe.basePath == folder + "/base.yaml")
    try Data("model: {}\nsize: 3\n".utf8).write(to: URL(fileURLWithPath: folder + "/base.yaml"))
    #expect(throws: EvaluationError.self) { try FrontRecipe(contentsOf: folder + "/front.yaml") }
    #expect(throws: EvaluationError.self) { try FrontRecipe(contentsOf: folder + "/none.yaml") }
  }

  @Test func namesHaveFoldersOfTheirOwn() throws {
    let names = ["a b", "a%20b", "a/b", "a.b", "a_b", "ä", "a<b>&\"c\"", "0"]
    let recipe = try Self.recipe(
      "variants: [\(names.map { YAMLNode(.scalar($0, isPlain: false)).text.split(separator: "\n").joined() }.map { "{name: \($0)}" }.joined(separator: ", "))]"
    )
    #expect(recipe.variants.map(\.name) == names)
    let folders = recipe.variants.map(\.folderName)
    #expect(Set(folders).count == names.count)
    #expect(folders[0] == "a%20b" && folders[1] == "a%2520b" && folders[2] == "a%2fb" && folders[5] == "%c3%a4")
    #expect(folders.allSatisfy { $0.utf8.count <= 240 && !$0.contains("/") && !$0.hasPrefix(".") })
  }
}

@Suite struct FrontPlanTests {
  private func order(_ variants: String) throws -> [String] {
    try FrontPlan(FrontRecipeTests.recipe("variants: [\(variants)]").variants).variants.map(\.name)
  }

  @Test func whatIsNeededComesFirst() throws {
    #expect(try order("{name: a}, {name: b}, {name: c}") == ["a", "b", "c"])
    #expect(try order("{name: a, of: c}, {name: b}, {name: c}") == ["b", "c", "a"])
    #expect(try order("{name: a, of: b}, {name: b, distillation: {teacher: c}}, {name: c}, {name: d}") == ["c", "b", "a", "d"])
  }

  /// Each once, behind what it needs; among those that could be next, the first of the recipe.
  @Test(arguments: 0..<100) func generatedOrders(seed: Int) throws {
    var generator = SmallGenerator(seed)
    let count = 2 + generator.next(8)
    // Of variants with smaller numbers; written in any order.
    let lines = (0..<count).map { index in
      index > 0 && generator.next(2) == 0 ? "{name: v\(index), of: v\(generator.next(index))}" : "{name: v\(index)}"
    }
    var shuffled: [String] = []
    var left = lines
    while !left.isEmpty { shuffled.append(left.remove(at: generator.next(left.count))) }
    let recipe = try FrontRecipeTests.recipe("variants: [\(shuffled.joined(separator: ", "))]")
    let order = try FrontPlan(recipe.variants).variants
    #expect(Set(order.map(\.name)).count == count && order.count == count)
    for (place, variant) in order.enumerated() {
      for name in variant.dependencies { #expect(order[..<place].contains { $0.name == name }) }
      let before = Set(order[..<place].map(\.name))
      let first = recipe.variants.first { !before.contains($0.name) && $0.dependencies.allSatisfy(before.contains) }
      #expect(first?.name == variant.name)
    }
  }
}

/// Numbers of a seed.
private struct SmallGenerator {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

  mutating func next(_ below: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % below
  }
}
