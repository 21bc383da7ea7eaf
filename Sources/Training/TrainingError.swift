import Execution
import Formats
import Networks
import Transforms

/// Why a network cannot be trained, or training cannot go on.
public enum TrainingError: Error, Hashable, Sendable {
  case network(NetworkError)
  case differentiation(DifferentiationError)
  case distillation(DistillationError)
  /// No parameter of the network is trained, or the loss follows from none.
  case nothingToTrain
  case data(DataError)
  case execution(ExecutionError)
  case format(FormatError)
  /// The file holds no place in a training.
  case noCheckpoint(path: String)
  /// The checkpoint is of a training that differs; what is a noun phrase.
  case otherTraining(path: String, what: String)
  /// A number of a step was a NaN or an infinity; the place is the first value of the step that held one.
  case notFinite(step: Int, place: String?)
  /// A sample of the batch holds a number that is not finite.
  case notFiniteData(step: Int, sample: Int)
}

extension TrainingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .network(let error): "\(error)"
    case .differentiation(let error): "\(error)"
    case .distillation(let error): "\(error)"
    case .nothingToTrain: "the network has no parameter that training would change"
    case .data(let error): "\(error)"
    case .execution(let error): "\(error)"
    case .format(let error): "\(error)"
    case .noCheckpoint(let path):
      "'\(path)' is no checkpoint of a training, which the folder of a run holds as 'last.safetensors'; it may serve as 'pretrained'"
    case .otherTraining(let path, let what):
      "'\(path)' cannot be gone on with: \(what) differs from what it was; begin anew, or give it as 'pretrained'"
    case .notFiniteData(let step, let sample):
      "sample \(sample) of the data, counted from 0, holds a number that is not finite (met in step \(step)); mend the data, or take it out"
    case .notFinite(let step, let place):
      "the numbers of step \(step) are not finite\(place.map { ", first in '\($0)'" } ?? ""); the parameters are kept as they were before it: "
        + "lower the learning rate, clip gradients, or warm up"
    }
  }
}

// Errors of other modules as cases of this one.

func wrapping<R>(_ body: () throws(DataError) -> R) throws(TrainingError) -> R {
  do throws(DataError) { return try body() } catch { throw .data(error) }
}

func wrapping<R>(_ body: () throws(ExecutionError) -> R) throws(TrainingError) -> R {
  do throws(ExecutionError) { return try body() } catch { throw .execution(error) }
}
