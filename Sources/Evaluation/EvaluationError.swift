import Architectures
import CUDABackend
import Execution
import Files
import Formats
import Imaging
import Networks
import Tensors
import Training
import Transforms

/// Why a network could not be used on images. Rendered in `EvaluationError+Text.swift`.
public enum EvaluationError: Error, Hashable, Sendable {
  /// The network classifies, segments or is otherwise no upscaler, or does not say that it is.
  ///
  /// - Parameters:
  ///   - colour: of the pictures that it makes of such, as far as its shapes tell; nil where it makes none.
  ///   - scale: the factor then.
  case noImageContract(network: String, colour: ImageContract.Colour?, scale: Int)
  /// The network does not say of which classes pictures or pixels are.
  case noPredictionContract(network: String)
  case contract(network: String, reason: String)
  /// More inputs than the command takes, or none.
  case inputCount(network: String, count: Int)
  /// The network makes another size of an image than is said of it.
  case contractScale(network: String, input: Shape, output: Shape, scale: Int)
  case scale(Double)
  /// The output would have more pixels than any format and memory can hold.
  case outputTooLarge(width: Int, height: Int, limit: Int)
  /// The picture would have to become smaller for what is asked for.
  case targetSmaller(width: Int, height: Int, target: TargetSize)
  /// The picture would have to become larger than networks and interpolation make it.
  case targetTooLarge(width: Int, height: Int, target: TargetSize, scale: Double)
  /// A size that is none; the reason is a clause.
  case targetSize(String)
  case notTileable(network: String)
  case memoryLimit(limit: Int, needed: MemoryNeed)
  /// The process may not take as much, or the machine has less. The limit is a clause: `the machine has 23.5 GiB`.
  case memoryOfProcess(limit: String, needed: MemoryNeed)
  /// An option of a training has none of the values that it may have.
  case trainingOption(name: String, value: String, allowed: String)
  /// Training needs more, also where values are computed again.
  case trainingMemory(limit: Int, needed: Int)
  /// The machine, or what the process may take of it, holds no training that keeps all values. The limit is a clause.
  case trainingMemoryOfProcess(limit: String, needed: Int)
  case instructionSet(name: String, available: [String])
  /// There is no CUDA device, or it fails.
  case device(CUDAError)
  /// Of a file that was read, or as it was given.
  case unknownEngine(name: String, file: String? = nil)
  /// The engine does not say where its time goes.
  case untimedEngine(name: String)
  case execution(network: String, ExecutionError)
  case network(NetworkError)
  case architecture(ArchitectureError)
  /// None of data, files or networks, which have cases of their own.
  case training(TrainingError)
  case recipe(RecipeError)
  case pruning(PruningError)
  /// The configuration does not fit the network; nil where it is no file's.
  case pruningConfiguration(path: String?, PruningConfigurationError)
  /// Nothing of what is asked for can be removed; the reason is a clause.
  case nothingToPrune(network: String, reason: String)
  /// The network cannot be brought to that part of what it takes.
  case targetOutOfReach(network: String, target: String, share: Double, least: Double, [PruningBudget.Excess.Holder])
  /// The machine does not tell; the reason is a clause.
  case notMeasurable(what: String, reason: String)
  /// What is learnt is of another shape than the network's output.
  case trainingTarget(network: String, output: Shape, target: Shape, mend: String)
  case trainingInput(network: String, input: Shape, reason: String, mend: String)
  /// A folder of a run cannot serve; the reason is a clause, with its mend.
  case runFolder(path: String, reason: String)
  /// The folder of a run is given in the place of a model; those that it holds, the best first.
  case runAsModel(path: String, models: [String])
  /// Data to learn from are not there.
  ///
  /// - Parameters:
  ///   - root: where relative paths of data begin.
  ///   - gone: where they began when the run began, if that is not there any more.
  case noData(path: String, root: String, gone: String? = nil)
  /// A picture that validation measures on cannot be measured; the line says why.
  case notValidated(line: String)
  /// No parameter of a model fits the network.
  case nothingPretrained(path: String, network: String)
  /// A teacher that takes or makes pictures in another way than the network that is to imitate it.
  case otherContract(teacher: String, network: String)
  /// A teacher that knows other classes than the network that is to imitate it learns, or in another order.
  case otherClasses(teacher: String, known: [String], network: String, learnt: [String])
  /// Meant as the shape of an input, and none.
  case inputShape(String)
  /// An input leaves more open than its batch, height and width, so that no size is the usual one.
  case openInput(network: String, NetworkInput)
  /// A parameter or an output holds a NaN or an infinity.
  case notFinite(network: String, what: String)
  /// The network made one colour of a picture that had more.
  case constantOutput(network: String, isBlack: Bool)
  case unknownModel(name: String, known: [String])
  case format(FormatError)
  case conversion(path: String, ConversionError)
  /// A checkpoint holds tensors and no network, and they do not tell it.
  case notRecognized(path: String, RecognitionError)
  /// A folder without pictures; so many folders in it were not entered, because nobody asked for that.
  case noPictures(folder: String, unentered: Int = 0)
  /// The pictures that are measured lie in the folder that others are to be saved to.
  case savedAmongData(folder: String)
  /// A file that was not saved by an earlier run of the same command stands where an output is to be; the option gives it another place.
  case savedOverOther(path: String, command: String, option: String)
  /// A picture that was saved of something else stands where one is to be saved: of another model, protocol and so on, as far as it says.
  case savedOverSheet(path: String, differences: [String])
  /// No picture is made so much smaller to be measured.
  case unmeasuredScale(Int, allowed: ClosedRange<Int>, offered: [Int])
  /// An output that stands is not what a run makes of a picture; the size is nil where it is no picture.
  case otherOutput(path: String, size: PictureForm.Size?, input: String, wanted: PictureForm.Size)
  /// Outputs in the folder of their inputs would have the names of these.
  case writtenInPlace(path: String)
  /// What stands under the name of an output in a folder is not known to be this program's.
  case standsThere(path: String, offersSuffix: Bool)
  /// A pipe or a device stands under the name of an output in a folder.
  case deviceForOutput(path: String)
  /// The output of a picture would be another that is read.
  case outputIsInput(path: String, for: String)
  /// A picture is given twice.
  case namedTwice(path: String)
  /// No picture is as large as the pieces that are cut of it; one of them is told.
  case picturesTooSmall(folder: String, picture: String, size: PictureForm.Size, needed: PictureForm.Size)
  /// An array of a file is none that the network can be run on; the reason is a sentence, with its mend.
  case inputArray(path: String, reason: String)
  /// A file of numbers holds a NaN or an infinity.
  case inputNotFinite(path: String)
  /// A file of numbers holds such large ones that what the network makes of them is not finite.
  case inputTooLarge(path: String, largest: Double, network: String, what: String)
  /// What is said of pictures does not go with the network's input; the reason is a clause, with its mend.
  case statement(network: String, reason: String)
  /// No convolution is one that should be replaced.
  case nothingToSubstitute(network: String)
  /// Two inputs would be written to the same place; the first has it.
  case outputTaken(path: String, by: String, for: String)
  case outputNotFolder(path: String)
  /// A network of several inputs was given another number of files.
  case inputFiles(network: String, names: [String], given: Int)
  /// A network of several outputs was given another number of files.
  case outputFiles(network: String, names: [String], given: Int)
  case formatNeeded(path: String)
  /// An output's name ends in none of the extensions that are written.
  case outputExtension(path: String, known: [String])
  case pictureTooSmall(name: String, width: Int, height: Int, scale: Int)
  case scaleNotOffered(network: String, scale: Int, offered: Int)
  /// No value of one network has its like in the other, by name and shape.
  case nothingInCommon(first: String, second: String)
  /// The file holds no profile of the command's.
  case notProfile(path: String)
  /// The file's profile has numbers that no run has; the clause names the key.
  case damagedProfile(path: String, fault: String)
  /// Neither the name of processors whose rates are known nor a file.
  case unknownRates(name: String, known: [String])
  /// The file holds no description of a machine.
  case notMachine(path: String, reason: String)
  /// A picture lies in no folder of a class, or in those of several.
  case noLabel(picture: String, folder: String, isAmbiguous: Bool)
  /// The folder has no folders that are called as the classes.
  case noLabels(folder: String, classes: [String])
  /// What is asked for is nothing that the network does.
  case predictionOption(network: String, option: String, of: String)
  /// Two pictures would have one identifier in the table of a competition.
  case repeatedIdentifier(String, first: String, second: String)
  /// Masks go to files only.
  case outputNeeded(network: String)
  /// A network does not become one of integers.
  case quantization(QuantizationError)
  /// More is lost than allowed, whichever layers stay float32.
  case quantizationLoss(network: String, loss: Double)
  /// A loss in dB is that of pictures, and nothing says what they should become.
  case lossWithoutTruth(network: String)
  case data(DataError)
  case image(ImageError)
  /// A picture that an option helps to read; a clause says how.
  case imageWithMend(ImageError, mend: String)
  /// A file has several pages and all are asked for, but the output's format holds one.
  case pagesNeedTIFF(path: String, pages: Int)
  case file(FileError)
}

// Errors of other modules as cases of this one.

package func wrapping<R>(_ body: () throws(FileError) -> R) throws(EvaluationError) -> R {
  do throws(FileError) { return try body() } catch { throw .file(error) }
}

package func wrapping<R>(_ body: () throws(ImageError) -> R) throws(EvaluationError) -> R {
  do throws(ImageError) { return try body() } catch { throw .image(error) }
}

package func wrapping<R>(_ body: () throws(NetworkError) -> R) throws(EvaluationError) -> R {
  do throws(NetworkError) { return try body() } catch { throw .network(error) }
}

package func wrapping<R>(_ body: () throws(ArchitectureError) -> R) throws(EvaluationError) -> R {
  do throws(ArchitectureError) { return try body() } catch { throw .architecture(error) }
}

package func wrapping<R>(_ body: () throws(QuantizationError) -> R) throws(EvaluationError) -> R {
  do throws(QuantizationError) { return try body() } catch { throw .quantization(error) }
}

package func wrapping<R>(_ body: () throws(DataError) -> R) throws(EvaluationError) -> R {
  do throws(DataError) { return try body() } catch { throw .data(error) }
}

package func wrapping<R>(_ body: () throws(FormatError) -> R) throws(EvaluationError) -> R {
  do throws(FormatError) { return try body() } catch { throw .format(error) }
}

package func wrapping<R>(_ body: () throws(PruningError) -> R) throws(EvaluationError) -> R {
  do throws(PruningError) { return try body() } catch { throw .pruning(error) }
}

package func wrapping<R>(_ body: () throws(TrainingError) -> R) throws(EvaluationError) -> R {
  do throws(TrainingError) { return try body() } catch { throw EvaluationError(error) }
}

extension EvaluationError {
  /// What has a case here, too, is that case: an error of data is one, whether it was met before the first step or in one.
  init(_ error: TrainingError) {
    self =
      switch error {
      case .data(let error): .data(error)
      case .format(let error): .format(error)
      case .network(let error): .network(error)
      case .differentiation, .distillation, .nothingToTrain, .execution, .noCheckpoint, .otherTraining, .notFinite,
        .notFiniteData:
        .training(error)
      }
  }
}
