import Files
import Imaging

/// Pictures and what is made of them: which file becomes which.
public struct PictureBatch: Sendable {
  /// One picture: a path, or `-` for standard input or output.
  public struct Item: Hashable, Sendable {
    public var input: String
    public var output: String
    /// A second output.
    public var companion: String?
    /// Makes the folders that the output lies in.
    public var createsFolder: Bool
    /// The output stands already, and is left alone where it is what would be made.
    public var keepsOutput: Bool

    public init(
      input: String, output: String, companion: String? = nil, createsFolder: Bool = false, keepsOutput: Bool = false
    ) {
      self.input = input
      self.output = output
      self.companion = companion
      self.createsFolder = createsFolder
      self.keepsOutput = keepsOutput
    }
  }

  /// How outputs are named, and which inputs are taken.
  public struct Naming: Hashable, Sendable {
    /// Looks into folders inside folders.
    public var isRecursive: Bool
    /// The format to write; nil for the one that the output's name asks for, and in folders that of the input's name.
    public var format: ImageFormat?
    /// What is put between name and extension of files in an output folder.
    public var suffix: String
    /// The same for a second output, which lies beside each output; nil where there is one.
    public var companionSuffix: String?
    /// Whether who asks can give a suffix, which errors then name.
    public var offersSuffix: Bool
    /// Takes also what seems to be the output of an earlier run with other options, by name and size.
    public var takesOutputs: Bool
    /// Whether outputs are as large as their inputs, so that names alone tell those of earlier runs.
    public var keepsSize: Bool
    /// Writes over whatever file stands under the name of an output in a folder, be it of an earlier run or somebody's own.
    public var overwrites: Bool
    /// Who makes the outputs, as their marks (`FileMark`) say.
    package var maker = "upscale"
    /// Whether nothing but that mark says which pictures are outputs of earlier runs. They are written over then; else they are left alone.
    package var knowsByMarkAlone = false

    public init(
      isRecursive: Bool = false, format: ImageFormat? = nil, suffix: String = "", companionSuffix: String? = nil,
      offersSuffix: Bool = true, takesOutputs: Bool = false, keepsSize: Bool = false,
      overwrites: Bool = false
    ) {
      self.overwrites = overwrites
      self.keepsSize = keepsSize
      self.offersSuffix = offersSuffix
      self.takesOutputs = takesOutputs
      self.isRecursive = isRecursive
      self.format = format
      self.suffix = suffix
      self.companionSuffix = companionSuffix
    }
  }

  public let items: [Item]
  /// Inputs that cannot be written anywhere, and why.
  public let refused: [(item: Item, error: EvaluationError)]
  /// Files in input folders whose names are those of no pictures.
  public let ignored: [String]
  /// Folders in input folders that were not entered.
  public let unentered: [String]
  /// Inputs that by their names are the outputs of others, as an earlier run has made them: they are not taken. Whether
  /// they are such outputs is looked at when the pictures are taken that they would be made of.
  public let madeBefore: [String]
  /// Pictures in input folders that an earlier run with other options seems to have made of others: they are not taken, unless
  /// the naming takes them.
  public let seemingOutputs: [SeemingOutput]
  /// Pictures below the output folder where that lies in a folder of inputs that is looked through: they are not taken, as
  /// this program's are not, though they have no mark of it and are what none of the others becomes.
  public let inOutputFolder: [String]

  /// A picture that was found.
  private struct Found {
    var item: Item
    /// Whether it was named, and not found in a folder.
    var isNamed = false
    /// By its name an output of another.
    var isOutput = false
    /// An output of another run, as it seems.
    var source: SeemingOutput?

    /// Whether its output would be itself, however that is written: such a picture is refused.
    var isItself: Bool {
      item.output == item.input || Folder.identity(item.output).map { $0 == Folder.identity(item.input) } ?? false
    }
  }

  /// Lists the pictures.
  ///
  /// One file, or `-`, becomes the output, unless that is a folder or ends in `/`. Several inputs, and folders, need a folder
  /// as output, which need not exist; below it, files keep the place that they had in the input folder. In folders, files whose
  /// extension is that of no picture are passed over, and so is the output folder where it lies in one of them: a second run takes
  /// what the first took. Where outputs with a suffix go to a folder of inputs, be it their own or another's, what is called as those of an earlier run
  /// is neither taken nor written over (`keepsOutput`); and what an earlier run with another suffix or format seems to have made, `SeemingOutput`, is not
  /// taken. No input is ever an output, and where the names of outputs are made here, in a folder, no file is written over that this program
  /// did not make (`FileMark`), unless the naming says so; a file that somebody names as output is.
  ///
  /// - Parameter skipsExisting: outputs that are there stay: then what another input becomes is no input itself, as when outputs go
  ///   to the folder of their inputs a second time.
  public init(
    inputs: [String], output: String, naming: Naming = Naming(), skipsExisting: Bool = false
  ) throws(EvaluationError) {
    var found: [Found] = [], ignored: [String] = [], unentered: [String] = [], excluded: [String] = []
    var problems: [(item: Item, error: EvaluationError)] = []
    let isFolder = output != "-" && (output.hasSuffix("/") || Folder.exists(output))
    if inputs.count == 1, !Folder.exists(inputs[0]), !isFolder {
      found = [Found(item: Item(input: inputs[0], output: output))]
    } else {
      // Who names a picture does not mean a folder.
      let isPicture = ImageFormat(path: output) != nil && !isFolder
      guard output != "-", !isPicture, !Folder.fileExists(output) else { throw .outputNotFolder(path: output) }
      for input in inputs {
        guard Folder.exists(input) else {
          found.append(Found(item: naming.item(input, Folder.name(input), in: output), isNamed: true))
          continue
        }
        let files: [String], folders: [String]
        do throws(FileError) {
          files = try Folder.files(in: input, recursive: naming.isRecursive, excluding: output) {
            problems.append((Item(input: input, output: output), .file($0)))
          }
          folders = naming.isRecursive ? [] : try Folder.folders(in: input, excluding: output)
        } catch {
          guard inputs.count > 1 else { throw .file(error) }
          problems.append((Item(input: input, output: output), .file(error)))
          continue
        }
        if naming.isRecursive {
          excluded += try wrapping { () throws(FileError) in try Folder.files(below: output, in: input) }
        }
        let pictures = files.filter { ImageFormat(path: $0) != nil }
        guard !pictures.isEmpty else {
          // The others are taken.
          guard inputs.count > 1 else { throw .noPictures(folder: input, unentered: folders.count) }
          problems.append((Item(input: input, output: output), .noPictures(folder: input, unentered: folders.count)))
          continue
        }
        ignored += files.filter { ImageFormat(path: $0) == nil }.map { Folder.joined(input, $0) }
        unentered += folders.map { Folder.joined(input, $0) }
        found += pictures.map { Found(item: naming.item(Folder.joined(input, $0), $0, in: output)) }
      }
      Self.findOutputs(among: &found, naming)
    }
    if let suffix = naming.companionSuffix {
      for index in found.indices where found[index].item.output != "-" {
        let parts = Folder.split(found[index].item.output)
        found[index].item.companion = "\(parts.folder)\(parts.stem)\(suffix)\(parts.suffix)"
      }
    }
    seemingOutputs = found.compactMap(\.source)
    found.removeAll { $0.source != nil }
    // What the others become, as far as it is there.
    let outputs = Set(
      found.filter { !$0.isOutput && !$0.isItself }
        .flatMap { [$0.item.output, $0.item.companion].compactMap(\.self) }.compactMap(Folder.identity))
    func isMade(_ it: Found) -> Bool {
      if it.isOutput { return true }
      guard skipsExisting, it.item.input != "-" else { return false }
      return Folder.identity(it.item.input).map(outputs.contains) ?? false
    }
    madeBefore = found.filter(isMade).map(\.item.input)
    let made = Set((madeBefore + seemingOutputs.map(\.path)).compactMap(Folder.identity))
    var items = found.filter { !isMade($0) }.map(\.item)
    let known = outputs.union((items.map(\.input) + madeBefore + seemingOutputs.map(\.path)).compactMap(Folder.identity))
    inOutputFolder = excluded.filter { path in
      ImageFormat(path: path) != nil && FileMark.isSet(path) != true && !(Folder.identity(path).map(known.contains) ?? false)
    }
    for index in items.indices where items[index].output != "-" && !naming.overwrites && !naming.knowsByMarkAlone {
      let isMade = Folder.identity(items[index].output).map(made.contains) ?? false
      items[index].keepsOutput = isMade || skipsExisting && Folder.fileExists(items[index].output)
    }
    self.ignored = ignored
    self.unentered = unentered
    let separated = FileClaims.together { Self.separated(items, naming) }
    self.items = separated.0
    refused = problems + separated.1
  }

  /// Which of the pictures are outputs of others, by their names and places.
  private static func findOutputs(among found: inout [Found], _ naming: Naming) {
    var folders: [String: FileIdentity?] = [:]
    func folder(of path: String) -> FileIdentity? {
      let folder = Folder.split(path).folder
      if let known = folders[folder] { return known }
      let identity = Folder.identity(folder.isEmpty ? "." : folder)
      folders[folder] = .some(identity)
      return identity
    }
    let pictures = found.map {
      SeemingOutput.Picture(
        path: $0.item.input, folder: folder(of: $0.item.input), outputFolder: folder(of: $0.item.output), isNamed: $0.isNamed)
    }
    if !naming.suffix.isEmpty {
      struct Place: Hashable {
        var folder: FileIdentity
        /// The bytes of its name without the extension, whatever that is.
        var stem: [UInt8]
      }
      func place(_ path: String, _ folder: FileIdentity?) -> Place? {
        folder.map { Place(folder: $0, stem: Folder.split(path).stem.systemPathBytes) }
      }
      let places = Set(found.indices.compactMap { place(found[$0].item.output, pictures[$0].outputFolder) })
      let outputs = Set(found.lazy.filter { !$0.isItself }.compactMap { Folder.identity($0.item.output) })
      for index in found.indices {
        // What somebody names is an output only where it is the very file that another would become.
        found[index].isOutput =
          found[index].isNamed
          ? Folder.identity(found[index].item.input).map(outputs.contains) ?? false
          : place(found[index].item.input, pictures[index].folder).map(places.contains) ?? false
      }
    }
    guard !naming.takesOutputs else { return }
    guard !naming.knowsByMarkAlone else {
      let outputFolders = Set(pictures.compactMap(\.outputFolder))
      for (index, picture) in pictures.enumerated()
      where !picture.isNamed && picture.folder.map(outputFolders.contains) ?? false {
        guard FileMark.isSet(picture.path, by: naming.maker) == true else { continue }
        found[index].source = SeemingOutput(path: picture.path, isMarked: true)
      }
      return
    }
    for (index, source) in SeemingOutput.found(among: pictures, keepsSize: naming.keepsSize, format: naming.format)
    where !found[index].isOutput { found[index].source = source }
  }

  /// Takes out items whose output is a file that is read, the output of an item before, or somebody's own.
  private static func separated(_ items: [Item], _ naming: Naming) -> ([Item], [(item: Item, error: EvaluationError)]) {
    let offersSuffix = naming.offersSuffix && naming.suffix.isEmpty
    var good: [Item] = []
    var refused: [(item: Item, error: EvaluationError)] = []
    // By the bytes of their names: two that look alike are two.
    var taken: [[UInt8]: String] = [:]
    var readable: [Item] = []
    // All inputs first: the output of one may be another that is read later.
    for item in items {
      do throws(FileError) {
        try FileClaims.reads(item.input)
        readable.append(item)
      } catch {
        refused.append((item, .file(error)))
      }
    }
    for item in readable {
      let outputs = [item.output, item.companion].compactMap(\.self)
      if let output = outputs.first(where: { taken[$0.systemPathBytes] != nil }) {
        let other = taken[output.systemPathBytes] ?? ""
        let isTwice = Folder.identity(other).map { $0 == Folder.identity(item.input) } ?? false
        refused.append((item, isTwice ? .namedTwice(path: item.input) : .outputTaken(path: output, by: other, for: item.input)))
        continue
      }
      do throws(FileError) {
        for output in outputs {
          try FileClaims.writes(output, for: item.input)
          taken[output.systemPathBytes] = item.input
        }
        if item.createsFolder, let path = outputs.first(where: Folder.isDevice) {
          refused.append((item, .deviceForOutput(path: path)))
        } else if !item.keepsOutput, let error = naming.refusal(of: item) {
          refused.append((item, error))
        } else {
          good.append(item)
        }
      } catch {
        guard case .isRead(let output, _) = error, item.createsFolder else {
          refused.append((item, .file(error)))
          continue
        }
        let isItself = Folder.identity(item.output) == Folder.identity(item.input)
        refused.append(
          (
            item,
            !isItself
              ? .outputIsInput(path: output, for: item.input) : offersSuffix ? .writtenInPlace(path: item.input) : .file(error)
          ))
      }
    }
    return (good, refused)
  }
}

extension PictureBatch.Naming {
  /// What is wrong where something stands in the place of a picture's outputs that is not known to be this program's, and would be lost; nil
  /// where nothing is. A whole name that somebody gives means that file, as everywhere; one that is made here does not.
  func refusal(of item: PictureBatch.Item) -> EvaluationError? {
    guard !overwrites, item.output != "-" else { return nil }
    return [item.createsFolder ? item.output : nil, item.companion].compactMap(\.self)
      .first { FileMark.isStranger($0, to: maker) }
      .map { .standsThere(path: $0, offersSuffix: offersSuffix) }
  }

  /// - Parameter relative: where the output lies in the folder, but for suffix and extension.
  fileprivate func item(_ input: String, _ relative: String, in folder: String) -> PictureBatch.Item {
    let parts = Folder.split(relative == "-" ? "stdin" : relative)
    let ending = format.map { "." + ($0.fileExtensions.first ?? "") } ?? parts.suffix
    return PictureBatch.Item(
      input: input, output: Folder.joined(folder, "\(parts.folder)\(parts.stem)\(suffix)\(ending)"), createsFolder: true)
  }
}
