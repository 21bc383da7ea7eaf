import ArgumentParser
import Swiftlet

extension ConvolutionSubstitute: ExpressibleByArgument {}

struct OptimizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "optimize", abstract: "Makes a model smaller and cheaper, and shows what it cost before and costs now.",
    discussion: """
      Without a choice of passes these are --eliminate, --fold and --fuse, which every command that runs a model applies by itself. \
      Whatever the order of the options, dead nodes go first, then batch norms, then convolutions are substituted, then \
      operations are fused. The model that is given is never overwritten.
      """)

  /// Where the weights of substitutes come from.
  enum Weights: String, ExpressibleByArgument, CaseIterable {
    case factorised, random
  }

  @Argument(help: "The model: a name (upscale-x2) or a model file.")
  var model: String

  @Option(name: .shortAndLong, help: "The model to write (.safetensors or .onnx). (default: none, figures alone)")
  var output: String?

  @Flag(help: "Drop nodes and parameters that reach no output.")
  var eliminate = false

  @Flag(help: "Fold batch norms, affines and scalings into the weights beside them.")
  var fold = false

  @Flag(help: "Join what a fast engine runs as one operation.")
  var fuse = false

  @Option(
    help:
      "Replace dense convolutions: separable, or selection of channels. The result must be trained again. (default: none are replaced)"
  )
  var substitute: ConvolutionSubstitute?

  @Option(
    name: .customLong("where"), parsing: .singleValue,
    help: ArgumentHelp(
      """
      Which convolutions: conditions joined by commas, such as 'name=body.*,kernel=3,in>=16,!out=3'; given again, those of either. \
      (default: all)
      """, valueName: "conditions"), transform: { try NodePredicate($0) })
  var conditions: [NodePredicate] = []

  @Option(help: "New weights: factorised from the old ones, or random.")
  var weights = Weights.factorised

  @Option(help: "With --weights random: the seed of the new weights. (default: 1)", transform: PlainNumber.seed)
  var seed: UInt64?

  @Flag(help: "Selection also in place of 1x1 convolutions.")
  var pointwise = false

  @Option(
    help: ArgumentHelp("The input to reckon for. (default: the model's own size, else 1xCx256x256)", valueName: "NxCxHxW"),
    transform: Shape.init(argument:))
  var input: Shape?

  @Flag(help: "Count concatenations as an engine does that writes their parts in place.")
  var concatenationInPlace = false

  @OptionGroup var pictures: PruningPictureArguments

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws {
    if seed != nil, weights != .random { throw ValidationError("--seed needs --weights random") }
    guard substitute == nil, !conditions.isEmpty || pointwise || weights != .factorised else { return }
    throw ValidationError("--where, --weights and --pointwise need --substitute separable or selection")
  }

  func run() throws {
    var passes = ModelOptimization.Passes(eliminates: eliminate, folds: fold, fuses: fuse)
    if let substitute {
      passes.substitution = ModelOptimization.Substitution(
        substitute, where: conditions.isEmpty ? .all : .either(conditions),
        weights: weights == .random ? .random(seed: seed ?? 1) : .factorised, includesPointwise: pointwise)
    }
    if passes == ModelOptimization.Passes() { passes = .inference }
    if let output { try ModelLibrary.claimOutput(output) }
    let report = try ModelOptimization(
      ModelLibrary.network(model), model: model, passes: passes, input: input, concatenationInPlace: concatenationInPlace,
      pictures: pictures.value, output: output)
    json
      ? Terminal.showJSON(try report.json, besides: [output].compactMap(\.self))
      : Terminal.show(report.report, besides: [output].compactMap(\.self))
  }
}
