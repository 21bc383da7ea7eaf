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
  /// Any values by the path of their key, as `training.loss`; they come last.
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
