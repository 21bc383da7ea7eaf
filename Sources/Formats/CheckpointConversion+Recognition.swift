import Architectures
import Files
import Networks
import Tensors

/// Why the tensors of a checkpoint do not tell its architecture without doubt. `description` is a clause for people.
public enum RecognitionError: Error, Hashable, Sendable {
  /// Names and shapes are those of no architecture that is known.
  case unknown
  /// Of several.
  case several([CheckpointConversion.Kind])
  /// Of one they would be, but for the reason.
  case nearly(CheckpointConversion.Kind, Reason)

  /// What is wrong with the tensors as those of an architecture.
  public enum Reason: Hashable, Sendable {
    /// They make no network of it.
    case conversion(ConversionError)
    /// They are more than it takes: the names of those left over.
    case leftOver([String])
    /// The residual scale, on which the result depends, is told by no tensor, and the sizes are those of no published network.
    case residualScale
  }
}

extension CheckpointConversion {
  /// The network that the tensors of a checkpoint tell without doubt: of one architecture alone, all of its tensors taken, nothing assumed that would
  /// change what the network makes. Throws what is wrong where there is none.
  public static func recognizing(
    _ tensors: [String: Tensor]
  ) throws(RecognitionError) -> (network: Network, report: ConversionReport) {
    let all = StateDict(tensors)
    var found: [(kind: Kind, network: Network, report: ConversionReport)] = []
    var nearest: (closeness: Double, error: RecognitionError) = (leastCloseness, .unknown)
    for kind in Kind.allCases {
      do throws(Attempt) {
        let made = try CheckpointConversion(architecture: kind).whole(all)
        found.append((kind, made.network, made.report))
      } catch  where error.closeness >= nearest.closeness {
        // Of equals the later: its names are a part of those that fit, too.
        nearest = (error.closeness, .nearly(kind, error.reason))
      } catch {}
    }
    guard let only = found.first else { throw nearest.error }
    guard found.count == 1 else { throw .several(found.map(\.kind)) }
    return (only.network, only.report)
  }

  /// The same; nil where there is none.
  public static func recognized(_ tensors: [String: Tensor]) -> (network: Network, report: ConversionReport)? {
    try? recognizing(tensors)
  }

  /// Less than a third of the names says nothing.
  private static let leastCloseness = 0.3

  /// An architecture that the tensors are not of.
  private struct Attempt: Error {
    /// The share of the tensors that are as the architecture has them, as far as that is known.
    var closeness: Double
    var reason: RecognitionError.Reason
  }

  /// The network where it takes all tensors of its set.
  private func whole(_ all: StateDict) throws(Attempt) -> (network: Network, report: ConversionReport) {
    var made: (network: Network, report: ConversionReport, state: StateDict)
    do throws(ConversionError) { made = try network(of: all) } catch { throw attempt(all, error) }
    let left = made.report.leftOver.count - made.state.hidden.count
    guard left == 0 else {
      let names = made.report.leftOver.prefix(left).map(\.name), taken = Double(made.report.taken.count)
      throw Attempt(closeness: taken / (taken + Double(left)), reason: .leftOver(names))
    }
    if architecture == .edsr, residualScale == nil {
      guard let scale = made.report.architecture?.publishedResidualScale else {
        throw Attempt(closeness: 1, reason: .residualScale)
      }
      var conversion = self
      conversion.residualScale = scale
      do throws(ConversionError) { made = try conversion.network(of: all) } catch { throw attempt(all, error) }
    }
    return (made.network, made.report)
  }

  private func attempt(_ all: StateDict, _ error: ConversionError) -> Attempt {
    let closeness: Double
    switch error {
    case .notFinite: closeness = 1
    case .noKnownNames, .unknownKey: closeness = 0
    case .incomplete(_, let report) where !report.taken.isEmpty:
      let count = report.taken.count + report.missing.count + report.misshapen.count + report.leftOver.count
      closeness = Double(report.taken.count) / Double(count)
    case .incomplete, .scale, .meanShift, .architecture, .ambiguous, .skipNeeded:
      // By the names alone, which say less.
      let state = (try? chosen(all))?.state ?? all
      closeness = 0.9 * min(Double(score(state)) / Double(max(state.names.count, 1)), 1)
    }
    return Attempt(closeness: closeness, reason: .conversion(error))
  }
}

extension RecognitionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknown:
      return "they resemble none of \(Self.list(CheckpointConversion.Kind.allCases))"
    case .several(let kinds):
      return "they are those of \(Self.list(kinds))"
    case .nearly(let kind, .conversion(let error)):
      return "they are nearest to \(kind.rawValue), but \(error)"
    case .nearly(let kind, .leftOver(let names)):
      let more = names.count > 3 ? " and \(names.count - 3) more" : ""
      return "they are nearest to \(kind.rawValue), which has no use for "
        + names.prefix(3).map { "'\($0.onOneLine)'" }.joined(separator: ", ") + more
    case .nearly(let kind, .residualScale):
      return "they are those of \(kind.rawValue), whose residual scale no tensor tells (--residual-scale)"
    }
  }

  private static func list(_ kinds: [CheckpointConversion.Kind]) -> String { kinds.map(\.rawValue).joined(separator: ", ") }
}

extension Architecture {
  /// The factor of the residual blocks in published networks of these sizes, which no tensor tells: of the authors' baseline and of their large network.
  fileprivate var publishedResidualScale: Float? {
    guard case .edsr(let edsr) = self, edsr.layout == .original else { return nil }
    switch (edsr.features, edsr.blocks) {
    case (64, 16): return 1
    case (256, 32): return 0.1
    default: return nil
    }
  }
}

extension FormatProblem {
  /// Whether what was read as a model holds tensors without a network.
  package var isOfCheckpoint: Bool {
    switch self {
    case .foreign(.checkpoint), .noNetwork: true
    default: false
    }
  }
}

extension FormatError {
  /// Whether the file holds tensors without a network.
  public var isOfCheckpoint: Bool { problem.isOfCheckpoint }
}
