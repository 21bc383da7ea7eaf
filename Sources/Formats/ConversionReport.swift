import Architectures
import Tensors

/// What a conversion did with each tensor of a checkpoint.
public struct ConversionReport: Hashable, Sendable {
  /// A tensor of the checkpoint that became a parameter.
  public struct Taken: Hashable, Sendable {
    /// The name in the checkpoint.
    public var name: String
    /// The parameter of the network, `body.0.a.weight`.
    public var parameter: String
  }

  /// A tensor that the network needs and the checkpoint lacks.
  public struct Missing: Hashable, Sendable {
    /// The name that the checkpoint should have.
    public var name: String
    public var shape: Shape
  }

  /// A tensor with the right name whose shape or type does not fit.
  public struct Misshapen: Hashable, Sendable {
    public var name: String
    public var expected: Shape
    public var got: Shape
    public var dataType: DataType
  }

  /// A tensor that the network has no use for.
  public struct LeftOver: Hashable, Sendable {
    public var name: String
    public var shape: Shape
  }

  /// The network, with what was read off the tensors; nil where they do not tell it.
  public var architecture: Architecture?
  /// Whose names the checkpoint uses: `twtygqyy/pytorch-vdsr`.
  public var naming: String
  public var taken: [Taken] = []
  public var missing: [Missing] = []
  public var misshapen: [Misshapen] = []
  public var leftOver: [LeftOver] = []
  /// What the tensors do not tell and the conversion assumed, a sentence each.
  public var notes: [String] = []

  /// Whether every parameter of the network was found.
  public var isComplete: Bool { missing.isEmpty && misshapen.isEmpty }
}

/// Why a checkpoint does not become a network. `description` is one line for people.
public enum ConversionError: Error, Hashable, Sendable {
  /// No tensor has a name of that architecture.
  case noKnownNames(architecture: String, names: [String])
  /// Several sets of tensors have names of the architecture, and no order says which is meant.
  case ambiguous(architecture: String, prefixes: [String])
  /// No name has the key that was given.
  case unknownKey(String, prefixes: [String])
  /// The names of a U-Net do not tell whether concatenations have the skip first or last.
  case skipNeeded
  /// Tensors are missing or of a wrong shape or type; the report names each.
  case incomplete(architecture: String, ConversionReport)
  /// The convolution that enlarges has a number of outputs that no scale of this architecture makes.
  case scale(tensor: String, outChannels: Int, features: Int)
  /// The mean colour of the checkpoint is another than the fixed one of the architecture.
  case meanShift(tensor: String)
  /// A weight is NaN or infinite.
  case notFinite(tensor: String)
  /// The tensors make a network that the architecture does not allow.
  case architecture(ArchitectureError)
}
