import Architectures
import Files
import Formats
import Imaging
import Networks
import Tensors
import Training
import Transforms

extension TrainingRecipe {
  /// The network as it is before the first step. Options of the architecture that are not given and that the data tell are those of the data.
  ///
  /// - Parameter root: what relative paths of the data begin at; nil for the working folder.
  func network(root: String? = nil) throws(EvaluationError) -> Network {
    var network: Network
    switch source {
    case .architecture(let name, var options):
      options.merge(data.architectureOptions(name, root: root)) { own, _ in own }
      network = try wrapping { () throws(ArchitectureError) in
        try Architecture(named: name, options: options).network(.random(seed: seed))
      }
    case .model(let name): network = try ModelLibrary.network(name)
    }
    guard let pretrained else { return network }
    let parameters = try ModelLibrary.network(pretrained).parameters
    var count = 0
    for (name, old) in network.parameters {
      guard let new = parameters[name], new.shape == old.shape, new.dataType == old.dataType else { continue }
      network.parameters[name] = new
      count += 1
    }
    guard count > 0 else { throw .nothingPretrained(path: pretrained, network: network.name) }
    return network
  }

  /// What is wrong with a key of the data that only the network or the files can tell.
  private func refusal(_ key: String, _ value: String, _ allowed: String) -> EvaluationError {
    let line = node.value(["data", key])?.line ?? 0
    let problem = RecipeError.Problem.value(key: "data.\(key)", value: value, allowed: allowed)
    return .recipe(RecipeError(path: line > 0 ? path : nil, line: line, problem: problem))
  }

  /// The keys of data by what its parts call them.
  private static let dataKeys = [
    "the patch": "patch", "scales": "scales", "the subset": "subset", "patches of a picture": "patches-per-picture",
  ]

  /// A sample, for its shapes: the first one, or, where damaged files are passed over, the first that is none.
  func firstSample(of samples: any SampleSource) throws(EvaluationError) -> Sample {
    try wrapping { () throws(DataError) in
      var first: DataError?
      for index in 0..<max(samples.count, 1) {
        do throws(DataError) {
          return try samples.sample(SampleKey(seed: seed, epoch: 0, index: index))
        } catch {
          guard damaged == .skip, error.isOfOneFile else { throw error }
          first = first ?? error
        }
      }
      throw .allDamaged(count: samples.count, first: first?.description ?? "")
    }
  }

  /// The samples to learn from, or to validate on.
  ///
  /// - Parameter root: what relative paths begin at; nil for the working folder.
  func samples(of data: Data, for network: Network, root: String?, classes: [String]? = nil) throws(EvaluationError)
    -> any SampleSource
  {
    do throws(EvaluationError) {
      return try DataRoot.naming(root) { () throws(EvaluationError) in
        try source(of: data, for: network, root: root, classes: classes)
      }
    } catch {
      // Those of validation have keys of their own.
      guard data == self.data, case .data(.option(let name, let value, let allowed)) = error, let key = Self.dataKeys[name],
        node.value(["data", key]) != nil
      else { throw error }
      throw refusal(key, value, allowed)
    }
  }

  private func source(of data: Data, for network: Network, root: String?, classes: [String]?) throws(EvaluationError)
    -> any SampleSource
  {
    func path(_ path: String) -> String { path.relative(to: root) }
    func cache(_ byteCount: Int) -> Int { memoryLimit.map { min(byteCount, TrainingMemory.cacheByteCount($0)) } ?? byteCount }
    func pictures(_ folders: Folders) throws(DataError) -> PictureSet {
      let set = try PictureSet(folders: folders.paths.map(path), recursive: folders.isRecursive)
      return try folders.subset.map { (places) throws(DataError) in try set.subset(places) } ?? set
    }
    switch data {
    case .superResolution(let folders, var options):
      let contract = try network.checkedImageContract()
      options.cacheByteCount = cache(options.cacheByteCount)
      options.colour = contract.colour
      options.maximum = contract.maximum
      options.inputSize = contract.inputSize
      if let scale = contract.scale {
        guard options.scales.isEmpty || options.scales == [scale] else {
          let given = options.scales.map(String.init).joined(separator: ",")
          throw refusal("scales", given, "[\(scale)], by which '\(network.name)' enlarges")
        }
        options.scales = [scale]
      } else if options.scales.isEmpty {
        options.scales = [2, 3, 4]
      }
      return try wrapping { () throws(DataError) in
        try SuperResolutionSource(pictures(folders), options: options)
      }
    case .hdf5(let file, let inputs, let targets):
      return try wrapping { () throws(DataError) in
        try HDF5Source(path: path(file), inputs: inputs, targets: targets, cacheByteCount: cache(1 << 29))
      }
    case .classes(let folder, var options):
      options.cacheByteCount = cache(options.cacheByteCount)
      return try wrapping { () throws(DataError) in
        try ClassFolderSource(folder: path(folder), classes: classes, options: options)
      }
    case .masks(let pictures, let masks, _, var options):
      options.cacheByteCount = cache(options.cacheByteCount)
      return try wrapping { () throws(DataError) in
        try MaskPairSource(pictures: path(pictures), masks: path(masks), options: options)
      }
    case .lowLight(let folders, var options):
      options.cacheByteCount = cache(options.cacheByteCount)
      return try wrapping { () throws(DataError) in
        try LowLightSource(pictures(folders), options: options)
      }
    }
  }

  /// What the network that is trained does to pictures; nil where its own contract says it, or nothing can be said.
  func contract(samples: any SampleSource, sample: Sample) -> PictureContract? {
    switch data {
    case .classes(_, let options):
      guard let classes = (samples as? ClassFolderSource)?.classes else { return nil }
      var form = options.form
      form.size = PictureForm.Size(width: sample.input.shape.extents[2], height: sample.input.shape.extents[1])
      return .classifier(ClassifierContract(classes: classes, form: form))
    case .masks(_, _, let names, let options):
      let standard = options.classes == 1 ? ["mask"] : (0..<options.classes).map { "\($0)" }
      return .segmenter(SegmenterContract(classes: names ?? standard, form: options.form))
    case .superResolution, .hdf5, .lowLight: return nil
    }
  }

  /// The network that takes a step in each run, for batches of such a sample; the shape of its output is the target's.
  ///
  /// - Parameter simulation: what is trained in the network's place.
  func training(
    _ network: Network, _ simulation: QuantizationSimulation? = nil, sample: Sample, stepsPerEpoch: Int = 1
  ) throws(EvaluationError) -> TrainingNetwork {
    let input = Self.batch(sample.input.shape, batchSize)
    let output: Shape?
    do throws(NetworkError) {
      output = try network.inferredShapes(inputs: [input])[network.outputs[0]]
    } catch {
      let given = input.isImage ? optionMend("channels", input.channels, unless: network.inputs.first?.channels) : nil
      throw .trainingInput(
        network: network.name, input: input, reason: error.description, mend: given ?? "check the data and its patch")
    }
    let target = Self.batch(sample.target.shape, batchSize)
    guard let output, output == target else {
      let own = output.flatMap { $0.rank == target.rank && $0.rank > 1 ? $0.extents[1] : nil }
      let given = own.flatMap { optionMend("classes", target.extents[1], unless: $0) }
      throw .trainingTarget(
        network: network.name, output: output ?? [1], target: target,
        mend: given ?? "check the data, its patch and classes, and the network's options")
    }
    let distillation = try distillation(for: network)
    if let simulation {
      return try wrapping { () throws(TrainingError) in
        try TrainingNetwork(
          simulation, ranges: pace(stepsPerEpoch: stepsPerEpoch), loss: loss, optimizer: optimizer, clipping: clipping,
          averageKeep: averageKeep, parts: parts, distillation: distillation, inputs: [input])
      }
    }
    return try wrapping { () throws(TrainingError) in
      try TrainingNetwork(
        network, loss: loss, optimizer: optimizer, clipping: clipping, averageKeep: averageKeep, parts: parts,
        momentum: batchNormMomentum, distillation: distillation, inputs: [input])
    }
  }

  /// How the architecture's option is given that a number of the data asks for; nil where it has no such option, or the number already.
  private func optionMend(_ option: String, _ value: Int, unless own: Int?) -> String? {
    guard case .architecture(let name, _) = source, own != value,
      Architecture.catalogue.first(where: { $0.name == name })?.options.contains(where: { $0.name == option }) == true
    else { return nil }
    return "give the key model.options.\(option) the value \(value), or --set model.options.\(option)=\(value)"
  }

  /// Teacher and student must be given pictures in one way, or one would see others than it knows.
  private func distillation(for network: Network) throws(EvaluationError) -> Distillation? {
    guard let distillation else { return nil }
    let teacher = try ModelLibrary.network(distillation.teacher)
    if let own = network.imageContract, let other = teacher.imageContract, own != other {
      throw .otherContract(teacher: distillation.teacher, network: network.name)
    }
    if case .classifier(let own) = network.contract, case .classifier(let other) = teacher.contract,
      own.classes != other.classes
    {
      throw .otherClasses(
        teacher: distillation.teacher, known: other.classes, network: network.name, learnt: own.classes)
    }
    return Distillation(
      teacher: teacher, imitation: distillation.imitation, weight: distillation.weight,
      targetWeight: distillation.targetWeight, features: distillation.features, featureWeight: distillation.featureWeight)
  }

  /// The teacher's file, where it is one: with another, a training that is gone on with would not be the same.
  var teacherFiles: [DataFile] {
    guard let teacher = distillation?.teacher, FileReader.exists(teacher) else { return [] }
    return [DataFile(name: "teacher", path: teacher)]
  }

  static func batch(_ shape: Shape, _ count: Int) -> Shape { Shape([count] + shape.extents) }
}

extension TrainingRecipe.Data {
  /// The options that an architecture has by these data where none are given.
  ///
  /// - Parameter root: what relative paths begin at, where folders may be looked into; of classes they tell how many there are.
  func architectureOptions(_ name: String, root: String? = nil) -> [String: String] {
    var wanted: [String: String] = [:]
    switch self {
    case .masks(_, _, _, let options):
      wanted = ["channels": "\(options.form.mean.count)", "classes": "\(options.classes)"]
    case .classes(let folder, _):
      let path = folder.relative(to: root)
      let count = (try? Folder.names(in: path))?.count { Folder.exists(Folder.joined(path, $0)) } ?? 0
      if count > 0 { wanted = ["classes": "\(count)"] }
    case .superResolution, .hdf5, .lowLight: break
    }
    let known = Architecture.catalogue.first { $0.name == name }?.options.map(\.name) ?? []
    return wanted.filter { known.contains($0.key) }
  }
}
