import CPUBackend
import Formats
import Networks
import Transforms

/// One of the networks that a front compares: what it begins with, what is done to it, and how it runs.
///
/// The steps come in the order of the properties, and each is left out where it is nil: beginning, substitution, pruning, training, integers. The
/// precision says how the engine stores values when what comes out is measured.
public struct FrontVariant: Equatable, Sendable {
  /// What it begins with.
  public enum Beginning: Equatable, Sendable {
    /// The base recipe's network, with what is said of it here.
    case own
    /// The finished model of another variant.
    case variant(String)
    /// A model file, or a shipped model's name.
    case file(String)
  }

  /// The teacher that training imitates.
  public enum Teacher: Equatable, Sendable {
    case variant(String)
    case file(String)
  }

  public struct Pruning: Equatable, Sendable {
    /// The part of the channels of every layer that goes.
    public var sparsity: Double
    public var importance = PruningImportance.l1
    public var multiple = ModelPruning.Request.kernelWidth
  }

  public var name: String
  public var beginning: Beginning
  public var substitute: ConvolutionSubstitute?
  public var pruning: Pruning?
  /// Whether it is trained by the budget of the front.
  public var isTrained: Bool
  public var teacher: Teacher?
  /// Keys of a training recipe in the places of the base's, by section.
  public var changes: [String: YAMLNode]
  public var integers: ModelQuantization.Options?
  public var precision: Precision

  /// Sections of a training recipe that a variant may say, and the keys that it says them under. What else training comes to know is one more entry.
  /// `quantize` of a variant is what is done to its integers after training, and `qat` what makes them in it.
  static let trainingSections = [
    (key: "model", section: "model"), (key: "training", section: "training"), (key: "distillation", section: "distillation"),
    (key: "qat", section: "quantize"),
  ]

  /// Names of variants that must be finished first.
  public var dependencies: [String] {
    var names: [String] = []
    if case .variant(let name) = beginning { names.append(name) }
    if case .variant(let name)? = teacher, !names.contains(name) { names.append(name) }
    return names
  }

  /// Whether its training is of integers, which come out of it.
  var trainsIntegers: Bool { changes["quantize"] != nil }

  /// Whether training goes on from parameters that were trained before.
  public var isFineTuned: Bool { beginning != .own }

  /// What it is, in words: `of standard, pruned by 0.5, trained`.
  public var text: String {
    var parts: [String] = []
    switch beginning {
    case .own: break
    case .variant(let name): parts.append("of \(name)")
    case .file(let path): parts.append("the model \(path)")
    }
    if let substitute { parts.append("convolutions substituted by \(substitute.rawValue) ones") }
    if let pruning { parts.append("pruned by \(TextFormat.short(pruning.sparsity)), \(pruning.importance.rawValue)") }
    if isTrained { parts.append((isFineTuned ? "fine-tuned" : "trained") + (trainsIntegers ? " as int8" : "")) }
    switch teacher {
    case .variant(let name): parts.append("distilled from \(name)")
    case .file(let path): parts.append("distilled from \(path)")
    case nil: break
    }
    if let integers {
      parts.append(
        "int8 after training, ranges \(integers.method)" + (integers.rounding == .adaptive ? ", rounded adaptively" : ""))
    }
    if precision != .float32 { parts.append(precision.rawValue) }
    return parts.isEmpty ? "as it is" : parts.joined(separator: ", ")
  }

  /// The name of its folder: letters, digits, `-`, `_` and `.` stay, any other byte is `%` and two digits, so that no two names share one.
  var folderName: String {
    name.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        String(UnicodeScalar(byte))
      default: "%\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
      }
    }.joined()
  }
}
