#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a network does to pictures, for the programs that feed it.
public enum PictureContract: Hashable, Sendable {
  /// Makes a picture of a picture.
  case image(ImageContract)
  /// Says which class a picture is of.
  case classifier(ClassifierContract)
  /// Says which class each pixel is of.
  case segmenter(SegmenterContract)
}

extension PictureContract {
  /// Why no network keeps it; nil where one may.
  var fault: String? {
    switch self {
    // Files of earlier versions may hold any; who runs the network checks it.
    case .image: nil
    case .classifier(let contract): contract.fault
    case .segmenter(let contract): contract.fault
    }
  }
}

extension PictureContract: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case image, classifier, segmenter }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the contract")
    switch container.allKeys.first {
    case .image where container.allKeys.count == 1: self = .image(try container.decode(ImageContract.self, forKey: .image))
    case .classifier where container.allKeys.count == 1:
      self = .classifier(try container.decode(ClassifierContract.self, forKey: .classifier))
    case .segmenter where container.allKeys.count == 1:
      self = .segmenter(try container.decode(SegmenterContract.self, forKey: .segmenter))
    default: throw NetworkError.contract("it has \(container.allKeys.count) forms, and has one")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .image(let contract): try container.encode(contract, forKey: .image)
    case .classifier(let contract): try container.encode(contract, forKey: .classifier)
    case .segmenter(let contract): try container.encode(contract, forKey: .segmenter)
    }
  }

  /// On one line, keys sorted: how files of other formats carry it among their metadata.
  package var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // One with a number that is not finite is no contract that JSON can hold.
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// Nil for what `json` has not written, or a later version of it.
  package init?(json: String) {
    guard let contract = try? JSONDecoder().decode(PictureContract.self, from: Data(json.utf8)) else { return nil }
    self = contract
  }
}

extension Network {
  /// The contract of an image-to-image network; nil of others.
  public var imageContract: ImageContract? {
    if case .image(let contract) = contract { contract } else { nil }
  }
}

/// How a classifier wants its pictures, and what its numbers stand for.
///
/// The input is `[N, channels, height, width]` of pictures in their `form`, the output `[N, classes]` logits, or probabilities where the
/// network ends in a softmax.
public struct ClassifierContract: Hashable, Sendable {
  /// The names of the classes in the order of the output.
  public var classes: [String]
  public var form: PictureForm

  public init(classes: [String], form: PictureForm = PictureForm()) {
    self.classes = classes
    self.form = form
  }

  /// The most classes.
  static let mostClasses = 1 << 16

  var fault: String? {
    let isOne = classes.count == 1
    return classFault(classes, most: Self.mostClasses)
      ?? (isOne ? "the classifier has one class, and nothing to tell apart" : nil) ?? form.fault
  }
}

/// How a segmenter wants its pictures, and what its channels stand for.
///
/// The input is `[N, channels, height, width]` of pictures in their `form`, the output `[N, classes, height, width]`: logits, or
/// probabilities where the network ends in a softmax or sigmoid. One class is a binary mask: a pixel is of it where its logit is above 0.
/// Of more a pixel is of the one with the largest number. Which multiples height and width must be of follows from the network.
public struct SegmenterContract: Hashable, Sendable {
  /// The names of the classes in the order of the channels.
  public var classes: [String]
  public var form: PictureForm

  public init(classes: [String], form: PictureForm = PictureForm()) {
    self.classes = classes
    self.form = form
  }

  /// Whether the network makes one channel, a mask.
  public var isBinary: Bool { classes.count == 1 }

  /// The most classes: as many as a grey picture of 8 bits can show and still hold 255 apart.
  static let mostClasses = 255

  var fault: String? { classFault(classes, most: Self.mostClasses) ?? form.fault }
}

private func classFault(_ classes: [String], most: Int) -> String? {
  guard !classes.isEmpty else { return "it names no classes" }
  guard classes.count <= most else { return "it names \(classes.count) classes, and \(most) are the most" }
  var seen: Set<String> = []
  for name in classes {
    if name.isEmpty { return "a class has no name" }
    if !seen.insert(name).inserted { return "two classes are called '\(name)'; names must be unique" }
  }
  return nil
}

extension ClassifierContract: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case classes, form }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the classifier contract")
    self.init(
      classes: try container.decode([String].self, forKey: .classes),
      form: try container.decode(PictureForm.self, forKey: .form))
  }
}

extension SegmenterContract: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case classes, form }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the segmenter contract")
    self.init(
      classes: try container.decode([String].self, forKey: .classes),
      form: try container.decode(PictureForm.self, forKey: .form))
  }
}
