import Files
import Formats

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a run is, for whoever looks at it later.
public struct RunRecord: Hashable, Codable, Sendable {
  public enum State: String, Hashable, Codable, Sendable {
    case running, finished, interrupted, failed
  }

  public struct DataSet: Hashable, Codable, Sendable {
    /// Of names, sizes and contents of all files.
    public var fingerprint: String
    public var files: Int
    public var bytes: Int
    /// Of an epoch.
    public var samples: Int
  }

  public struct Network: Hashable, Codable, Sendable {
    public var name: String
    public var parameters: Int
    /// Of one step, backward and optimiser included.
    public var stepMultiplyAccumulates: Int
  }

  /// Of the program.
  public var version: String
  public var cpu: String
  public var isa: String
  public var threads: Int
  /// The name of the rates that kernels are chosen by; nil in runs of older versions.
  public var rates: String?
  /// The CUDA device that took the steps, `cuda:0`; nil where the CPU did, and in runs of older versions.
  public var device: String?
  public var data: DataSet
  /// Where relative paths of the recipe begin; nil in runs of older versions.
  public var dataRoot: String?
  public var network: Network
  public var seed: UInt64
  /// As the system's clock said, in UTC: `2026-01-31T12:00:00Z`.
  public var started: String
  public var updated: String
  public var state: State
  /// Why it failed.
  public var error: String?
  public var epochs: Int
  public var epoch: Int
  public var step: Int
  public var stepsPerEpoch: Int
  /// What decides which epoch is the best, and its value then.
  public var bestMetric: String?
  public var best: Double?
  public var bestEpoch: Int?
  /// In steps, all processes together.
  public var trainingSeconds: Double
  /// The most that the process has held.
  public var peakMemoryBytes: Int

  /// The time now in UTC.
  static var now: String {
    var seconds = time(nil), parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour)):\(two(parts.tm_min)):"
      + "\(two(parts.tm_sec))Z"
  }

}

extension RunRecord {
  /// Reads `run.json` of a folder. Throws where there is none. A run that is at work by its record, and whose folder no process holds any more, was
  /// killed: it is interrupted.
  public init(of folder: RunFolder) throws(EvaluationError) {
    guard !Folder.fileExists(folder.path) else {
      throw .runFolder(path: folder.path, reason: "is a file; give the folder of a run, which 'train' makes")
    }
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileReader.bytes(of: folder.record, limit: 1 << 20)
    } catch {
      guard case .notFound = error else { throw .file(error) }
      guard !FileReader.exists(folder.recipe) else {
        throw .runFolder(
          path: folder.path,
          reason:
            "holds a recipe and no 'run.json', as a training that was ended before its first step; 'swiftlet train --resume "
            + "\(folder.path)' goes on with it")
      }
      if let inner = try? RunList(folder: folder.path) {
        throw .runFolder(
          path: folder.path,
          reason: "is no run and holds \(TextFormat.list(inner.entries.map(\.name), most: 4)); give one of them, as in "
            + "\(Folder.joined(folder.path, inner.entries[0].name)), or list them with 'swiftlet runs list \(folder.path)'")
      }
      throw .runFolder(
        path: folder.path, reason: "is no folder of a run, which holds 'run.json'; give one that 'train' made")
    }
    guard var record = RunRecord(json: bytes) else {
      throw .runFolder(
        path: folder.path,
        reason:
          "'run.json' is damaged or of another version; 'swiftlet train --resume \(folder.path)' goes on from the other files, and "
          + "makes it anew")
    }
    if record.state == .running, FolderLock.isHeld(folder.path) == false { record.state = .interrupted }
    self = record
  }
}
