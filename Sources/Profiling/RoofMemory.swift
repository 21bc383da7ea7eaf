import Evaluation
import Files

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The best roofs that were seen on a machine of late, in a file: one that is busy now was perhaps not an hour ago.
public struct RoofMemory: Sendable {
  /// Nil where there is no place for it.
  private let path: String?

  /// What was seen with an instruction set and a number of threads.
  private struct Entry: Codable {
    var machine: String
    var precision: String
    var roofs: Roofs
    /// In seconds since 1970.
    var time: Double
  }

  /// How long a figure counts, in seconds: machines change, too.
  static let lifetime = 24.0 * 3600

  /// In a folder that is made where it is missing; nil for none.
  public init(folder: String?) { path = folder.map { Folder.joined($0, "roofs.json") } }

  /// In the folder of the user's caches.
  public static var ofUser: RoofMemory {
    func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let caches = variable("XDG_CACHE_HOME") ?? variable("HOME").map { Folder.joined($0, ".cache") }
    return RoofMemory(folder: caches.map { Folder.joined($0, "swiftlet") })
  }

  /// The roofs raised to the best that was seen, which becomes the best seen. Where there is no file and none can be written, as they are.
  func raised(_ roofs: Roofs, machine: String, precision: String, now: Double = Date().timeIntervalSince1970) -> Roofs {
    guard let path else { return roofs }
    // Not through the readers of inputs: what they read is never written by the same command.
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let isFile = attributes?[.type] as? FileAttributeType == .typeRegular && (attributes?[.size] as? Int ?? 0) < 1 << 20
    let data = isFile ? FileManager.default.contents(atPath: path) ?? Data() : Data()
    var entries = ((try? JSONDecoder().decode([Entry].self, from: data)) ?? [])
      .filter { $0.time <= now && now - $0.time < Self.lifetime && $0.roofs.arePossible }
    var result = roofs
    let place = entries.firstIndex { entry in
      entry.machine == machine && entry.precision == precision && entry.roofs.isa == roofs.isa
        && entry.roofs.threads == roofs.threads
    }
    var best = roofs
    best.disagreement = nil
    if let place {
      best.raise(to: entries[place].roofs)
      result.raise(to: entries[place].roofs)
      if result.figures != roofs.figures { result.areRemembered = true }
      best.disagreement = nil
      // Of what is still the best the age counts on.
      let time = best == entries[place].roofs ? entries[place].time : now
      entries[place] = Entry(machine: machine, precision: precision, roofs: best, time: time)
    } else {
      entries.append(Entry(machine: machine, precision: precision, roofs: best, time: now))
    }
    // What cannot be kept is measured again.
    if isFile || attributes == nil, let folder = Folder.parent(path), (try? Folder.create(folder)) != nil,
      let data = try? JSONEncoder().encode(entries)
    {
      // No output of the command.
      _ = FileClaims.apart { try? AtomicFile.write(Array(data), to: path) }
    }
    return result
  }
}

extension Roofs {
  /// What was measured.
  fileprivate var figures: [Double] {
    [gflopsPerS, float32GflopsPerS, integerGopsPerS ?? 0, memoryGbPerS, cacheGbPerS, Double(launchNanoseconds)]
  }

  /// Whether a machine may have them.
  fileprivate var arePossible: Bool {
    [gflopsPerS, float32GflopsPerS, integerGopsPerS ?? 1, memoryGbPerS, cacheGbPerS].allSatisfy { (0.01...1e6).contains($0) }
      && (1...1_000_000_000).contains(launchNanoseconds)
  }
}
