import Formats

/// Values in the places of a recipe's, under the names that the projects have whose experiments these are. What is nil leaves the recipe
/// as it is.
public struct RecipeOptions: Sendable {
  public var architecture: String?
  /// A model to begin with.
  public var pretrained: String?
  /// Of the data: `hdf5`.
  public var kind: String?
  /// Where the data are: the file, the folder or the folders, as their kind has it.
  public var data: String?
  public var batchSize: String?
  public var epochs: String?
  public var learningRate: String?
  /// Epochs between divisions of the learning rate by 10, which is then the schedule.
  public var step: String?
  /// The most norm of gradients.
  public var clip: String?
  /// Of SGD, which is then the optimiser.
  public var momentum: String?
  public var weightDecay: String?
  public var seed: String?
  /// The most memory to take: `512M`.
  public var memory: String?
  /// Any values by the path of their key, as `training.loss`; they come last. One that is null takes the key out.
  public var values: [(key: String, value: YAMLNode)] = []

  public init() {}

  /// All values by the path of their key, for a recipe that says the rest.
  func values(for recipe: YAMLNode) -> [(key: String, value: YAMLNode)] {
    var result: [(key: String, value: YAMLNode)] = []
    func add(_ key: String, _ value: String?) {
      if let value { result.append((key, YAMLNode(.scalar(value, isPlain: true)))) }
    }
    add("model.architecture", architecture)
    add("model.pretrained", pretrained)
    add("data.kind", kind)
    add("data.\(placeKey(recipe))", data)
    add("training.batch-size", batchSize)
    add("training.epochs", epochs)
    add("training.learning-rate", learningRate)
    if step != nil { add("training.schedule", "step") }
    add("training.step", step)
    add("training.clip-norm", clip)
    if momentum != nil { add("training.optimizer", "sgd") }
    add("training.momentum", momentum)
    add("training.weight-decay", weightDecay)
    add("training.seed", seed)
    add("training.memory", memory)
    return result + values
  }

  /// Which option gives a key that is missing, or takes out one that has no meaning: a clause; nil where none does.
  static func mend(_ error: RecipeError) -> String? {
    switch error.problem {
    case .missingKey(let key):
      switch key {
      case "model", "model.file": return "--architecture NAME gives a network"
      case "data": return "--kind and --data give it"
      case "data.kind":
        return "--kind gives it: \(RecipeReader.list(TrainingRecipe.Data.Kind.allCases.map(\.rawValue)))"
      case _ where TrainingRecipe.Data.Kind.allCases.contains { "data.\($0.placeKey)" == key }: return "--data gives it"
      // What is not a path of keys is a phrase.
      default: return key.contains(" ") ? nil : "--set \(key)=VALUE gives it"
      }
    case .reserved(let key, _, _, _): return error.path == nil || error.line == 0 ? nil : "--set \(key)= takes it out"
    case .syntax, .unknownKey, .excluded, .value, .told: return nil
    }
  }

  /// What the kind of data calls the place where they are.
  private func placeKey(_ recipe: YAMLNode) -> String {
    let path = ["data", "kind"]
    let stated = values.last { $0.key == path.joined(separator: ".") }?.value ?? recipe.value(path)
    var name = kind
    if name == nil, case .scalar(let text, _)? = stated?.content { name = text }
    return (name.flatMap(TrainingRecipe.Data.Kind.init(rawValue:)) ?? .superResolution).placeKey
  }
}

extension TrainingRecipe.Data {
  enum Kind: String, CaseIterable {
    case superResolution = "super-resolution"
    case hdf5, classes, masks
    case lowLight = "low-light"

    /// The keys that it has and not all others have.
    var ownKeys: [String] {
      let pictures = ["patch", "patches-per-picture", "flips", "rotations", "subset"], folders = ["folders", "recursive"]
      return switch self {
      case .superResolution:
        pictures + folders + ["scales", "pre-scales", "round-input", "flat-share", "degradations"]
      case .hdf5: ["file", "inputs", "targets"]
      case .classes: ["folder", "size", "mean", "deviation", "flips", "shift", "label-smoothing"]
      case .masks: pictures + ["pictures", "masks", "grey", "mean", "deviation", "classes", "names"]
      case .lowLight: pictures + folders + ["ratio", "gamma", "shot", "read", "white-level"]
      }
    }

    /// The key that says where the data are.
    var placeKey: String {
      switch self {
      case .superResolution, .lowLight: "folders"
      case .hdf5: "file"
      case .classes: "folder"
      case .masks: "pictures"
      }
    }
  }
}
