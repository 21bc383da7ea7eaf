import Foundation
import Formats
import Imaging
import Testing
import Training
import Transforms

@testable import Evaluation

@Suite struct TrainingRecipeTests {
  static func recipe(_ text: String, options: RecipeOptions = RecipeOptions()) throws -> TrainingRecipe {
    let path = FileManager.default.temporaryDirectory.path + "/recipe-\(UInt64.random(in: 0 ... .max)).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    do {
      return try TrainingRecipe(contentsOf: path, options: options)
    } catch EvaluationError.recipe(var error) {
      error.path = "recipe.yaml"
      throw EvaluationError.recipe(error)
    }
  }

  @Test func everyKeyOfSuperResolution() throws {
    let recipe = try Self.recipe(
      """
      model:
        architecture: edsr
        options: {channels: 1, features: 8}
        pretrained: first.safetensors
      data:
        kind: super-resolution
        folders: [a, b]
        recursive: true
        subset: [3, 9]
        scales: 2
        patch: 32
        patches-per-picture: 3
        flips: true
        rotations: false
        pre-scales: [1, 0.7]
        round-input: true
        flat-share: 0.1
        degradations: [blur:0.2-1.5, jpeg:40-95]
        cache: 64M
        damaged: skip
      validation: {folder: c, protocol: edsr, scales: [2], degradations: [jpeg:75], every: 5}
      training:
        epochs: 7
        batch-size: 4
        loss: {l1: 1, ssim: 0.25}
        optimizer: sgd
        momentum: 0.8
        nesterov: true
        weight-decay: 1e-4
        learning-rate: 0.1
        schedule: step
        step: 10
        factor: 0.5
        warm-up: 20
        clip-adjustable: 0.4
        average: 0.99
        batch-norm-momentum: 0.2
        seed: 5
      """)
    var options = SuperResolutionSource.Options()
    options.scales = [2]
    options.patch = 32
    options.patchesPerPicture = 3
    options.symmetries = Symmetries(flips: true, rotations: false)
    options.preScales = [1, 0.7]
    options.roundsInput = true
    options.flatShare = 0.1
    options.degradations = [.blur(0.2...1.5), .jpeg(40...95)]
    options.cacheByteCount = 64 << 20
    #expect(
      recipe.data == .superResolution(TrainingRecipe.Folders(paths: ["a", "b"], isRecursive: true, subset: 3...9), options))
    #expect(recipe.source == .architecture("edsr", options: ["channels": "1", "features": "8"]))
    #expect(recipe.pretrained == "first.safetensors")
    #expect(recipe.damaged == .skip)
    #expect(recipe.validation == .pictures(folder: "c", protocol: "edsr", scales: [2], degradations: [.jpeg(75...75)]))
    #expect(recipe.validationInterval == 5)
    #expect(recipe.epochs == 7 && recipe.batchSize == 4 && recipe.seed == 5)
    #expect(
      recipe.loss
        == WeightedLoss([.init(.absoluteError), .init(.structuralSimilarity(maximum: 1), weight: 0.25)]))
    #expect(recipe.optimizer == .sgd(momentum: 0.8, nesterov: true, weightDecay: 1e-4))
    #expect(recipe.learningRate == LearningRate(0.1, .step(epochs: 10, factor: 0.5), warmUpSteps: 20))
    #expect(recipe.clipping == .adjustableNorm(theta: 0.4))
    #expect(recipe.averageKeep == 0.99)
    #expect(recipe.batchNormMomentum == 0.2)
  }

  @Test func `what is imitated`() throws {
    let own = try Self.recipe(
      """
      model: {architecture: edsr}
      data: {kind: super-resolution, folders: a}
      distillation: {teacher: t.safetensors, loss: ssim, weight: 0.5, target-weight: 2, features: {body.0: body.1}, feature-weight: 3}
      """)
    #expect(
      own.distillation
        == TrainingRecipe.Imitation(
          teacher: "t.safetensors", imitation: .loss(.structuralSimilarity(maximum: 1)), weight: 0.5, targetWeight: 2,
          features: [Distillation.Feature(student: "body.0", teacher: "body.1")], featureWeight: 3))
    let standard = try Self.recipe(
      """
      model: {architecture: small-resnet}
      data: {kind: classes, folder: a}
      distillation: {teacher: upscale-x2}
      """)
    #expect(standard.distillation?.imitation == .softenedClasses(temperature: 4))
    #expect(standard.distillation?.weight == 1 && standard.distillation?.targetWeight == 1)
    #expect(try Self.recipe(Self.start).distillation == nil)
  }

  @Test func `what becomes integers`() throws {
    let own = try Self.recipe(
      Self.start
        + "quantize: {ranges: 'percentile:99.5', samples: 9, folder: f, learned-ranges: true, range-rate: 0.5, freeze-after: 3, "
        + "float: [a, b], weight-bits: 7, first: true, equalize: true, residual: float32}\n")
    #expect(
      own.quantizing
        == TrainingRecipe.Quantizing(
          method: .percentile(99.5), sampleCount: 9, folder: "f",
          scheme: QuantizationScheme(weightBits: 7, keepsFirst: false, floatLayers: ["a", "b"], residual: .float32),
          equalizes: true,
          learnsRanges: true, rangeRate: 0.5, freezeAfter: 3))
    #expect(own.pace(stepsPerEpoch: 10) == RangePace(rate: 0.5, steps: 30))
    let standard = try Self.recipe(Self.start + "quantize: {}\n").quantizing
    #expect(
      standard
        == TrainingRecipe.Quantizing(
          method: .minmax, sampleCount: 64, folder: nil, scheme: QuantizationScheme(), equalizes: false, learnsRanges: true,
          rangeRate: 10, freezeAfter: nil))
    let still = try Self.recipe(Self.start + "quantize: {learned-ranges: false, float: a}\n")
    #expect(still.pace(stepsPerEpoch: 10) == nil && still.quantizing?.scheme.floatLayers == ["a"])
    #expect(try Self.recipe(Self.start).quantizing == nil)
  }

  @Test func optionsTakeThePlacesOfKeys() throws {
    var options = RecipeOptions()
    options.epochs = "9"
    options.values = [("data.inputs", YAMLNode(.scalar("x", isPlain: true)))]
    let recipe = try Self.recipe(
      "model: {file: m.safetensors}\ndata: {kind: hdf5, file: a.h5}\ntraining: {epochs: 3}\n", options: options)
    #expect(recipe.epochs == 9)
    #expect(recipe.data == .hdf5(file: "a.h5", inputs: "x", targets: "label"))
    // What a run keeps says the same again.
    #expect(try Self.recipe(recipe.node.text).data == recipe.data)
    #expect(try Self.recipe(recipe.node.text).epochs == 9)
  }

  @Test func dataAreWhereTheirKindHasThem() throws {
    let recipes = [
      "hdf5": "{kind: hdf5, file: a}", "classes": "{kind: classes, folder: a}", "masks": "{kind: masks, pictures: a, masks: m}",
      "low-light": "{kind: low-light, folders: a}", "super-resolution": "{kind: super-resolution, folders: a}",
    ]
    for (kind, data) in recipes {
      // With the kind of the recipe, of an option of its own, or of a key.
      for way in 0..<3 {
        var options = RecipeOptions()
        options.data = "b"
        if way == 1 { options.kind = kind }
        if way == 2 { options.values = [("data.kind", YAMLNode(.scalar(kind, isPlain: true)))] }
        let stated = way == 0 ? data : data.replacingOccurrences(of: "kind: \(kind)", with: "damaged: stop")
        let recipe = try Self.recipe("model: {file: m.safetensors}\ndata: \(stated)\n", options: options)
        #expect(
          recipe.data
            == (try Self.recipe("model: {file: m}\ndata: \(data.replacingOccurrences(of: ": a", with: ": b"))\n").data))
      }
    }
  }

  @Test func optionsBringWhatTheyNeed() throws {
    var options = RecipeOptions()
    (options.step, options.momentum, options.clip) = ("7", "0.8", "0.4")
    let recipe = try Self.recipe(Self.start, options: options)
    #expect(recipe.optimizer == .sgd(momentum: 0.8, nesterov: false, weightDecay: 0))
    #expect(recipe.learningRate == LearningRate(1e-3, .step(epochs: 7, factor: 0.1)))
    #expect(recipe.clipping == .norm(0.4))
  }

  /// Pictures that are learnt from are not those that are measured on.
  @Test func subsetsOfMasksAreTheirOwn() throws {
    for (given, expected) in [("", nil), (", subset: [25, 29]", 25...29)] as [(String, ClosedRange<Int>?)] {
      let recipe = try Self.recipe(
        """
        model: {architecture: unet}
        data: {kind: masks, pictures: a, masks: b, subset: [0, 24]}
        validation: {pictures: a, masks: b\(given)}
        training: {}
        """)
      guard case .masks(_, _, _, let learnt) = recipe.data, case .data(.masks(_, _, _, let measured)) = recipe.validation else {
        Issue.record("\(recipe)")
        continue
      }
      #expect(learnt.subset == 0...24 && measured.subset == expected)
    }
  }

  private static let start = "model: {architecture: edsr}\ndata: {kind: super-resolution, folders: a}\n"

  private static let faults: [(String, String)] = [
    (start + "training: {epoch: 3}\n", "line 3: there is no key 'training.epoch'; do you mean 'epochs'?"),
    ("model: {architecture: edsr}\n", "line 1: 'data' is missing"),
    (start + "training: {epochs: many}\n", "line 3: 'training.epochs' is 'many' and must be a whole number from 1 to 10000000"),
    (
      start + "training:\n  clip-norm: 1\n  clip-value: 1\n",
      "line 5: 'training.clip-value' has no meaning beside 'training.clip-norm'; leave one of them out"
    ),
    (
      "model: {architecture: edsr}\ndata: {kind: film}\ntraining: {}\n",
      "line 2: 'data.kind' is 'film' and must be super-resolution, hdf5, classes, masks or low-light"
    ),
    (
      "model: {architecture: edsr, file: a}\ndata: {kind: hdf5, file: a}\ntraining: {}\n",
      "line 1: 'model.file' has no meaning beside 'model.architecture'; leave one of them out"
    ),
    (
      start + "training: {loss: l3}\n",
      "line 3: 'training.loss' is 'l3' and must be l1, mse, mse-sum, charbonnier, ssim, cross-entropy, binary-cross-entropy or dice"
    ),
    (
      start + "training: {batch-size: 6, parts: 4}\n",
      "line 3: 'training.parts' is '4' and must be a divisor of training.batch-size, which is 6"
    ),
    (
      start + "training: {batch-size: 6, parts: 2, loss: {mse-sum: 1, ssim: 3}}\n",
      "line 3: 'training.parts' is '2' and must be 1 where training.loss joins mse-sum with losses that do not grow with the batch"
    ),
    (start + "quantize: {range: mse}\n", "line 3: there is no key 'quantize.range'; do you mean 'ranges'?"),
    (
      start + "quantize: {ranges: 'percentile:40'}\n",
      "line 3: 'quantize.ranges' is 'percentile:40' and must be minmax, mse, percentile or percentile:SHARE, as in percentile:99.9"
    ),
    (start + "quantize: {weight-bits: 9}\n", "line 3: 'quantize.weight-bits' is '9' and must be a whole number from 2 to 8"),
    (
      start + "quantize: {learned-ranges: false, range-rate: 2}\n",
      "line 3: 'quantize.range-rate' has no meaning beside 'quantize.learned-ranges: false'; leave one of them out"
    ),
    (
      start + "quantize: {}\ndistillation: {teacher: t, features: {a: b}}\n",
      "line 4: 'distillation.features' has no meaning beside 'quantize'; leave one of them out"
    ),
    (start + "distillation: {weight: 1}\n", "line 3: 'distillation.teacher' is missing"),
    (
      start + "distillation: {teacher: t, temperature: 2}\n",
      "line 3: 'distillation.temperature' is '2.0' and must be left out where distillation.loss is not classes"
    ),
    (
      start + "distillation: {teacher: t, weight: 0}\n",
      "line 3: 'distillation.weight' is '0' and must be above 0 where no features are imitated"
    ),
    (
      start + "distillation: {teacher: t}\ntraining: {loss: mse-sum, parts: 2}\n",
      "line 4: 'training.parts' is '2' and must be 1 where mse-sum, which grows with the batch, stands beside a distillation"
    ),
    (start + "training: [1]\n", "line 3: 'training' is '[1]' and must be keys with values"),
    (
      "data: {kind: super-resolution, folders: a}\nmodel:\n  architecture: edsrr\n",
      "line 3: there is no architecture 'edsrr'; there are vdsr, edsr, unet, see-in-the-dark, small-resnet, resnet18, srvgg, rrdb"
    ),
    (
      "data: {kind: super-resolution, folders: a}\nmodel:\n  architecture: vdsr\n  options: {scale: 3}\n",
      "line 4: vdsr has no option 'scale'; it has depth, features, convolution"
    ),
    (
      start + "training:\n  momentum: 0.9\n",
      "line 4: 'training.momentum' belongs to 'training.optimizer' sgd, and here that is adam; leave it out, or choose sgd"
    ),
    (
      start + "training:\n  optimizer: sgd\n  epsilon: 1e-8\n",
      "line 5: 'training.epsilon' belongs to 'training.optimizer' adam or adamw, and here that is sgd; leave it out, or choose one of these"
    ),
    (
      start + "training: {schedule: cosine, step: 3}\n",
      "line 3: 'training.step' belongs to 'training.schedule' step, and here that is cosine; leave it out, or choose step"
    ),
    (
      start + "training: {factor: 0.5}\n",
      "line 3: 'training.factor' belongs to 'training.schedule' step or milestones, and here that is constant; leave it out, or choose one of these"
    ),
    (
      "model: {architecture: edsr}\ndata: {kind: hdf5, file: a, patch: 8}\n",
      "line 2: 'data.patch' belongs to 'data.kind' super-resolution, masks or low-light, and here that is hdf5; leave it out, or choose one of these"
    ),
    ("model: {\n", "line 2: did not find expected node content"),
    (
      "model: {architecture: edsr}\ndata: {kind: super-resolution, folders: a, degradations: [haze:3]}\ntraining: {}\n",
      "line 2: 'data.degradations' is 'haze:3' and must be blur:0.2-1.5, noise:0-5 or jpeg:40-95, with numbers of your own"
    ),
  ]

  @Test(arguments: faults) func faultsNameKeyLineAndMend(_ text: String, _ message: String) throws {
    do {
      _ = try Self.recipe(text)
      Issue.record("was read")
    } catch EvaluationError.recipe(let error) {
      let expected = "'recipe.yaml', " + message
      #expect(error.description == expected)
    }
  }

  /// A key whose value is null is not there, in a recipe or as an option, and is known all the same.
  @Test func nullTakesKeysOut() throws {
    let text =
      Self.start + "validation: null\ntraining: {schedule: cosine, least-learning-rate: 1e-5, momentum: ~, epochs: 3}\n"
    let recipe = try Self.recipe(text)
    #expect(recipe.validation == nil && recipe.epochs == 3 && !recipe.node.text.contains("momentum"))
    #expect(recipe.learningRate == LearningRate(1e-3, .cosine(epochs: 3, least: 1e-5), warmUpSteps: 0))
    var options = RecipeOptions()
    options.step = "2"
    #expect(throws: EvaluationError.self) { try Self.recipe(text, options: options) }
    options.values = [("training.least-learning-rate", .null), ("training.epochs", .null)]
    let other = try Self.recipe(text, options: options)
    #expect(other.learningRate == LearningRate(1e-3, .step(epochs: 2, factor: 0.1), warmUpSteps: 0) && other.epochs == 50)
    // What is kept is what was meant.
    #expect(try Self.recipe(other.node.text).learningRate == other.learningRate && !other.node.text.contains("null"))
    for (key, message) in [("training.momentm", "there is no key 'training.momentm'"), ("data.kind", "'data.kind' is missing")]
    {
      options.values = [("training.least-learning-rate", .null), (key, .null)]
      do {
        _ = try Self.recipe(text, options: options)
        Issue.record("read without \(key)")
      } catch { #expect("\(error)".contains(message), "\(error)") }
    }
  }

  /// Each key of a kind of data is read by that kind, and by those that are said to have it: so no error says what is not so.
  @Test func keysOfKindsAreTheirs() throws {
    let values = [
      "folders": "a", "folder": "a", "file": "a", "pictures": "a", "masks": "b", "recursive": "true", "subset": "[0, 3]",
      "patch": "32", "patches-per-picture": "2", "flips": "true", "rotations": "true", "scales": "2", "pre-scales": "[1]",
      "round-input": "true", "flat-share": "0.1", "degradations": "[jpeg:75]", "inputs": "x", "targets": "y", "size": "[8, 8]",
      "mean": "[0, 0, 0]", "deviation": "[1, 1, 1]", "shift": "1", "label-smoothing": "0.1", "grey": "false", "classes": "2",
      "names": "[a, b]", "ratio": "[50, 60]", "gamma": "2", "shot": "0.1", "read": "0.1", "white-level": "255",
    ]
    let kinds = TrainingRecipe.Data.Kind.allCases
    #expect(Set(kinds.flatMap(\.ownKeys)) == Set(values.keys))
    for kind in kinds {
      let keys = Set(kind.ownKeys)
      func recipe(_ extra: [String]) -> String {
        let all = kind.ownKeys + extra
        return "model: {architecture: edsr}\ndata: {kind: \(kind.rawValue), "
          + all.map { "\($0): \(values[$0] ?? "")" }.joined(separator: ", ") + "}\n"
      }
      _ = try Self.recipe(recipe([]))
      for key in values.keys where !keys.contains(key) {
        do {
          _ = try Self.recipe(recipe([key]))
          Issue.record("\(kind) takes \(key)")
        } catch { #expect("\(error)".contains("'data.\(key)' belongs to 'data.kind' "), "\(error)") }
      }
    }
  }

  /// What is missing names the option that gives it, where any key can be given as one.
  @Test func missingKeysNameOptions() throws {
    let start = "model: {architecture: unet}\n"
    for (text, message) in [
      ("data: {kind: hdf5, file: a}\n", "'model' is missing; --architecture NAME gives a network"),
      (start, "'data' is missing; --kind and --data give it"),
      (
        start + "data: {folders: a}\n",
        "'data.kind' is missing; --kind gives it: super-resolution, hdf5, classes, masks or low-light"
      ),
      (start + "data: {kind: hdf5}\n", "'data.file' is missing; --data gives it"),
      (start + "data: {kind: super-resolution}\n", "'data.folders' is missing; --data gives it"),
      (start + "data: {kind: masks, masks: a}\n", "'data.pictures' is missing; --data gives it"),
      (start + "data: {kind: masks, pictures: a}\n", "'data.masks' is missing; --set data.masks=VALUE gives it"),
      (
        start + "data: {kind: classes, folder: a}\nvalidation: {every: 2}\n",
        "'validation.folder' is missing; --set validation.folder=VALUE gives it"
      ),
      (
        start + "data: {kind: hdf5, file: a}\ntraining: {betas: [0, 0], optimizer: sgd}\n",
        "leave it out, or choose one of these; --set training.betas= takes it out"
      ),
    ] {
      let path = FileManager.default.temporaryDirectory.path + "/recipe-\(UInt64.random(in: 0 ... .max)).yaml"
      defer { try? FileManager.default.removeItem(atPath: path) }
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      do {
        _ = try TrainingRecipe(contentsOf: path, offersOptions: true)
        Issue.record("read: \(text)")
      } catch { #expect("\(error)".hasSuffix(message), "\(error)") }
    }
  }

  /// Options of an architecture that the data tell are theirs where none are given.
  @Test func dataTellOptions() throws {
    let data = "data: {kind: masks, pictures: a, masks: b"
    for (rest, options, channels, classes) in [
      ("}", "", 1, 1), (", grey: false, classes: 4}", "", 3, 4), (", classes: 4}", ", channels: 3, classes: 2", 3, 2),
    ] {
      let recipe = try Self.recipe("model: {architecture: unet, options: {features: 2\(options)}}\n\(data)\(rest)\n")
      let network = try recipe.network()
      #expect(network.inputs[0].channels == channels)
      #expect(try network.inferredShapes(inputs: [[1, channels, 32, 32]])[network.outputs[0]] == [1, classes, 32, 32])
      #expect(recipe.resolved["model.options.channels"] == "\(channels)" && recipe.resolved["model.options.features"] == "2")
    }
  }

  /// What an option says is no fault of the line whose place it takes, nor are parts of it.
  @Test(arguments: [
    ("model.options.scale", "the options: 'model.options.scale' is"), ("a.b.c", "the options: there is no key 'a'"),
    ("model.options", "the options: 'model.options' is '1'"), ("training.epochs", "the options: 'training.epochs' is"),
    ("training.epochs.x", "the options: 'training.epochs' is"),
  ])
  func faultsOfOptions(_ key: String, _ start: String) throws {
    var options = RecipeOptions()
    options.values = [(key, try YAMLNode(parsing: Array("{x: 1}".utf8)))]
    if key == "model.options" { options.values[0].value = YAMLNode(.scalar("1", isPlain: true)) }
    do {
      let path = FileManager.default.temporaryDirectory.path + "/recipe-\(UInt64.random(in: 0 ... .max)).yaml"
      defer { try? FileManager.default.removeItem(atPath: path) }
      let text = "model: {architecture: edsr}\n\ntraining: {epochs: 3}\ndata: {kind: masks, pictures: a, masks: b}\n"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      _ = try TrainingRecipe(contentsOf: path, options: options)
      Issue.record("was read")
    } catch EvaluationError.recipe(let error) {
      #expect(error.description.hasPrefix(start), "\(error.description)")
    }
  }

  /// The recipes that come with the program are read, and their networks exist.
  @Test func committedRecipes() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Recipes").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }.sorted()
    #expect(!names.isEmpty)
    for name in names {
      var recipe = try TrainingRecipe(contentsOf: folder + "/" + name)
      recipe.pretrained = nil
      _ = try recipe.network()
    }
    // Those of experiments begin with models that others of them make.
    for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/experiments") {
      let path = folder + "/experiments/" + name
      if !name.hasPrefix("front-") { _ = try TrainingRecipe(contentsOf: path) }
    }
  }
}
