import Formats
import Imaging
import Training

/// All that a training follows from, but for the program: `Documentation/Recipes.md` explains each key of its file.
public struct TrainingRecipe: Equatable, Sendable {
  /// Where the network comes from.
  public enum Source: Hashable, Sendable {
    case architecture(String, options: [String: String])
    /// A model file, or a shipped model's name.
    case model(String)
  }

  /// Where pictures are.
  public struct Folders: Hashable, Sendable {
    public var paths: [String]
    public var isRecursive: Bool
    /// Places in the order of the folders and of names; nil takes all.
    public var subset: ClosedRange<Int>?
  }

  /// What is learnt from, by its kind.
  public enum Data: Hashable, Sendable {
    case superResolution(Folders, SuperResolutionSource.Options)
    case hdf5(file: String, inputs: String, targets: String)
    case classes(folder: String, ClassFolderSource.Options)
    case masks(pictures: String, masks: String, names: [String]?, MaskPairSource.Options)
    case lowLight(Folders, LowLightSource.Options)

    /// Whether pictures are made of pictures: their channels are no classes.
    var isOfPictures: Bool {
      switch self {
      case .superResolution, .lowLight: true
      case .hdf5, .classes, .masks: false
      }
    }
  }

  /// What the network is measured on between epochs.
  public enum Validation: Hashable, Sendable {
    /// As `eval` measures.
    case pictures(folder: String, protocol: String, scales: [Int]?, degradations: [Degradation])
    /// The loss, and what the kind of data is measured by, on data that is not drawn.
    case data(Data)
  }

  /// What is imitated, and how: see `Distillation`.
  public struct Imitation: Hashable, Sendable {
    /// A model file, or a shipped model's name.
    public var teacher: String
    public var imitation: Distillation.Imitation
    public var weight: Float
    public var targetWeight: Float
    public var features: [Distillation.Feature]
    public var featureWeight: Float
  }

  public var source: Source
  /// Of the random parameters, and of the data.
  public var seed: UInt64 = 1
  /// A model file whose parameters are taken, where names and shapes agree.
  public var pretrained: String?
  public var data: Data
  public var damaged = BatchLoader.DamagePolicy.stop
  /// Threads that make batches ahead, beside those that compute.
  public var loadingThreadCount = 1
  public var validation: Validation?
  /// In epochs.
  public var validationInterval = 1
  public var epochs: Int
  public var batchSize: Int
  public var loss: WeightedLoss
  public var distillation: Imitation?
  public var quantizing: Quantizing?
  public var optimizer: Optimizer
  public var clipping: GradientClipping?
  public var learningRate: LearningRate
  /// Of the moving average of parameters, which is then what is validated and kept; nil for none.
  public var averageKeep: Float?
  /// In which a batch goes through the network, one after the other; the batch is a multiple of them.
  public var parts = 1
  /// Of the running statistics of batch norms.
  public var batchNormMomentum: Float = 0.1
  /// The most bytes that the whole process may take; nil for no limit.
  public var memoryLimit: Int?
  /// What the recipe was read from, options included and keys that are null left out: reading it gives the same recipe.
  public var node: YAMLNode
  /// Of the file that it was read from; nil where options said all.
  public var path: String?
  /// What keys come to by their full names, as text, those that are not given by default.
  var resolved: [String: String] = [:]
}
