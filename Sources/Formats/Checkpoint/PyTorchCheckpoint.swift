import Files
import Tensors

/// The parameters in a PyTorch checkpoint (`.pth`, `.pt`, `.ckpt`), read without Python and without running anything of the file.
///
/// Both formats of `torch.save` are read: zip (PyTorch 1.6 and later) and the legacy one. The checkpoint may be a state dict, a
/// dictionary, a list or a tuple that holds one, or a whole pickled module, whose parameters and persistent
/// buffers are then named as its `state_dict()` names them. Names are as in the file: a prefix `module.` of parallel training stays.
///
/// Of several state dicts the first of these keys is taken: averaged weights (`params_ema`, `state_dict_ema`, `model_ema`, `ema`, …), then
/// `params`, `state_dict`, `model_state_dict`, `model`, `net`, `network`, `generator`, `netG`, `weights`; `otherKeys` names the others.
/// Without any of them all are taken, the key before each name. The states of optimizers are left out.
///
/// Tensors come out contiguous and row-major. float32 is taken as it is, float64 rounded, float16 and bfloat16 widened to float32;
/// uint8, int8 and int32 are kept, bool becomes uint8, int16 and int64 become int32 where all elements fit.
///
/// Cost: the file once in memory, its largest storage, and the tensors.
/// Source: `torch/serialization.py` and `torch/_utils.py` of PyTorch.
public struct PyTorchCheckpoint: Sendable {
  /// The parameters and persistent buffers by name.
  public let parameters: [String: Tensor]
  /// The names of `parameters` in the order of the file.
  public let names: [String]
  /// What stands among the parameters and is not in `parameters`, a line each: `'conv.weight' holds complex64, which …`.
  public let skipped: [String]
  /// The functions and classes that the file names and this reader does not interpret, sorted: `vdsr.Net`.
  public let globals: [String]
  /// The keys that lead from the root of the file to the parameters: `["model"]`.
  public let path: [String]
  /// The keys beside those of `path` under which there are parameters that were not taken.
  public let otherKeys: [String]

  /// The largest file that is read, in bytes.
  public static let fileLimit = 1 << 32
  /// The longest pickle of a zip checkpoint, in bytes.
  static let pickleLimit = 1 << 26

  /// Reads a file, or standard input where `path` is `-`. `key` is taken before all others, where the file has it.
  public init(contentsOf path: String, key: String? = nil) throws(FormatError) {
    let bytes: [UInt8]
    do throws(FormatProblem) { bytes = try FileReader.model(at: path, limit: Self.fileLimit) } catch {
      throw FormatError(source: path, problem: error)
    }
    try self.init(bytes: bytes, name: path, key: key)
  }

  /// Reads the bytes of a file; `name` is what errors call it.
  public init(bytes: [UInt8], name: String, key: String? = nil) throws(FormatError) {
    do throws(FormatProblem) {
      try self.init(bytes: bytes, key: key)
    } catch {
      throw FormatError(source: name, problem: error)
    }
  }

  init(bytes: [UInt8], key: String? = nil) throws(FormatProblem) {
    if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
      self = try bytes.withUnsafeBytes { buffer in
        Result { () throws(FormatProblem) in try PyTorchCheckpoint(zip: buffer, key: key) }
      }.get()
    } else {
      try self.init(legacy: bytes, key: key)
    }
  }

  private init(legacy bytes: [UInt8], key: String?) throws(FormatProblem) {
    let file = try LegacyCheckpoint(bytes)
    let contents = try CheckpointContents(file.arena, root: file.root, key: key)
    var builder = Builder(contents, arena: file.arena)
    try bytes.withUnsafeBytes { buffer in
      Result { () throws(FormatProblem) in
        for (key, tensors) in builder.pending {
          guard let range = file.storages[key] else { throw FormatProblem.missingStorage(key) }
          try builder.make(tensors, from: UnsafeRawBufferPointer(rebasing: buffer[range]))
        }
      }
    }.get()
    self = try builder.checkpoint()
  }

  private init(zip bytes: UnsafeRawBufferPointer, key: String?) throws(FormatProblem) {
    var archive = try ZipArchive(bytes)
    // The folder is named after the file as it was saved.
    let folder: String
    if archive.indices["data.pkl"] != nil {
      folder = ""
    } else if let name = archive.indices.keys.filter({ $0.hasSuffix("/data.pkl") }).min(by: { $0.utf8.count < $1.utf8.count }) {
      folder = String(name.dropLast("data.pkl".count))
    } else {
      throw .notOfFormat(.checkpoint)
    }
    if archive.indices[folder + "constants.pkl"] != nil { throw .unsupportedCheckpoint("a TorchScript archive") }
    let order = try archive.entry(folder + "byteorder", limit: 64).map { String(decoding: $0, as: UTF8.self) } ?? "little"
    guard order == "little" else { throw .unsupportedCheckpoint("a checkpoint in \(order)-endian byte order") }
    guard let pickle = try archive.entry(folder + "data.pkl", limit: Self.pickleLimit) else { throw .notOfFormat(.checkpoint) }
    let object = try PickleMachine.read(pickle)
    let contents = try CheckpointContents(object.arena, root: object.root, key: key)
    var builder = Builder(contents, arena: object.arena)
    for (key, tensors) in builder.pending {
      guard let storage = try archive.entry("\(folder)data/\(key)", limit: Self.fileLimit) else {
        throw .missingStorage(key)
      }
      try storage.withUnsafeBytes { buffer in
        Result { () throws(FormatProblem) in try builder.make(tensors, from: buffer) }
      }.get()
    }
    self = try builder.checkpoint()
  }
}

extension FormatProblem {
  fileprivate static func missingStorage(_ key: String) -> FormatProblem {
    .truncated(.checkpoint, part: "the list of storages: '\(key)' is absent")
  }
}

extension PyTorchCheckpoint {
  /// Gathers tensors storage by storage, so that each storage is unpacked once and only one is in memory.
  private struct Builder {
    typealias Named = (name: String, reference: TensorReference)

    private let contents: CheckpointContents
    private let globals: [String]
    private var storages = CheckpointStorages()
    private var parameters: [String: Tensor] = [:]
    private var skipped: [String]
    /// The tensors of each storage, storages in the order of their first use.
    let pending: [(key: String, tensors: [Named])]

    init(_ contents: CheckpointContents, arena: PickleArena) {
      self.contents = contents
      globals = arena.globals.filter { !$0.isInterpreted }.map(\.description).sorted()
      skipped = contents.skipped.map { "'\($0.name.onOneLine)' \($0.reason)" }
      var places: [String: Int] = [:]
      var pending: [(key: String, tensors: [Named])] = []
      for tensor in contents.tensors {
        let key = tensor.reference.storage.key
        let place = places[key] ?? pending.count
        if place == pending.count {
          places[key] = place
          pending.append((key, []))
        }
        pending[place].tensors.append(tensor)
      }
      self.pending = pending
    }

    mutating func make(_ tensors: [Named], from bytes: UnsafeRawBufferPointer) throws(FormatProblem) {
      storages.admit(byteCount: bytes.count)
      for (name, reference) in tensors {
        let (size, overflow) = reference.storage.count.multipliedReportingOverflow(by: reference.storage.element.byteCount)
        guard !overflow, size <= bytes.count else {
          throw .truncated(.checkpoint, part: "the storage '\(reference.storage.key)'")
        }
        switch try storages.tensor(name, reference, from: UnsafeRawBufferPointer(rebasing: bytes[..<size])) {
        case .success(let tensor): parameters[name] = tensor
        case .failure: skipped.append("'\(name.onOneLine)' holds integers that do not fit int32")
        }
      }
    }

    func checkpoint() throws(FormatProblem) -> PyTorchCheckpoint {
      guard !parameters.isEmpty else { throw .noTensors(reason: skipped.first) }
      var seen: Set<String> = []
      let names = contents.tensors.map(\.name).filter { parameters[$0] != nil && seen.insert($0).inserted }
      return PyTorchCheckpoint(
        parameters: parameters, names: names, skipped: skipped, globals: globals, path: contents.path,
        otherKeys: contents.others)
    }
  }

  private init(
    parameters: [String: Tensor], names: [String], skipped: [String], globals: [String], path: [String], otherKeys: [String]
  ) {
    self.parameters = parameters
    self.names = names
    self.skipped = skipped
    self.globals = globals
    self.path = path
    self.otherKeys = otherKeys
  }
}

extension PickleGlobal {
  /// Whether this reader knows what the global means.
  fileprivate var isInterpreted: Bool {
    PickleArena.sequences.contains(self) || PickleArena.dictionaries.contains(self) || StorageElement(storageClass: self) != nil
      || StorageElement(type: self) != nil || module == "torch._utils" && name.hasPrefix("_rebuild_")
      || module == "torch.nn.parameter"
  }
}
