import Foundation
@testable import Profiling
import Swiftlet
import Testing

/// What a saved profile says of machine and engine, and what two of them were not measured alike in.
@Suite struct SavedProfileTests {
  private func read(_ json: String) throws -> Profile {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("swiftlet-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try AtomicFile.write(Array(json.utf8), to: path)
    do throws(EvaluationError) {
      return try Profile(contentsOf: path)
    } catch {
      // Tests compare errors, and the path is another each time.
      if case .unknownEngine(let name, let file) = error {
        #expect(
          file == path && error.description.hasPrefix("'\(path)': there is no engine '\(name)'; there are reference; cpu"))
        throw EvaluationError.unknownEngine(name: name, file: "file")
      }
      if case .damagedProfile(let file, let fault) = error {
        #expect(file == path && error.description.hasPrefix("'\(path)' is a damaged profile: \(fault); make it anew"))
        throw EvaluationError.damagedProfile(path: "file", fault: fault)
      }
      throw error == .notProfile(path: path) ? EvaluationError.notProfile(path: "file") : error
    }
  }

  @Test func theMachineIsSavedAndOldProfilesOpen() throws {
    var profile = SampleProfiles.small
    #expect(try read(profile.json) == profile)
    #expect(profile.machine == nil && profile.engine == nil && !profile.heading.contains("rates"))
    profile.machine = .sapphireRapids
    profile.engine = .cpu(.avx512, .float32)
    let again = try read(profile.json)
    #expect(again == profile && again.heading.contains("float32, avx512, 2 threads, rates sapphire-rapids, a processor"))
    #expect(try again.trace.contains("sapphire-rapids"))
  }

  /// An engine, an instruction set or a precision that is not known is never taken for one that is.
  @Test(arguments: [
    ("\"engine\" : \"cpu:avx512:float32\"", "\"engine\" : \"npu:0\"", "npu:0"),
    ("\"isa\" : \"avx512\"", "\"isa\" : \"sm_90\"", "cpu:sm_90:float32"),
    ("\"precision\" : \"float32\"", "\"precision\" : \"int8\"", "cpu:avx512:int8"),
  ])
  func unknownNamesAreRefused(_ from: String, _ to: String, _ name: String) throws {
    var profile = SampleProfiles.small
    profile.engine = .cpu(.avx512, .float32)
    let json = try profile.json.replacingOccurrences(of: from, with: to)
    #expect(throws: EvaluationError.unknownEngine(name: name, file: "file")) { try read(json) }
  }

  /// Numbers that no run has would overflow when they are added up, and times that do not add up give shares of nothing: each is refused, by the
  /// key that has it.
  @Test func impossibleNumbersAreRefused() throws {
    let changes: [(fault: String, change: (inout Profile) -> Void)] = [
      ("'layers[0].nanoseconds' is \(Int.max)", { $0.layers[0].nanoseconds = .max }),
      ("'layers[1].multiply_accumulates' is", { $0.layers[1].multiplyAccumulates = .max }),
      ("'layers[1].traffic.value_bytes' is -1", { $0.layers[1].traffic.valueBytes = -1 }),
      ("'nanoseconds' is \(Int.min)", { $0.nanoseconds = .min }), ("'events[0].layer' is 9", { $0.events[0].layer = 9 }),
      ("'events[4].start' and", { $0.events[4].duration += 100_000 }),
      ("'layers[2].convolution.out_channels' is", { $0.layers[2].convolution?.outChannels = .max }),
      (
        "'machine' has",
        {
          $0.machine = .generic; $0.machine?.caches.lastLevel = -1
        }
      ),
      ("its layers take 6900000 ns together, and the whole run 6899999 ns", { $0.nanoseconds = 6_899_999 }),
      ("'layers[1].total_nanoseconds' is 3999999 and less than", { $0.layers[1].totalNanoseconds = 3_999_999 }),
      ("'layers[1].total_nanoseconds' is 7000001, and the whole", { $0.layers[1].totalNanoseconds = 7_000_001 }),
      ("'roofs.gflops_per_s' is 1e+308", { $0.roofs.gflopsPerS = 1e308 }),
      ("'roofs.disagreement' is 2.0", { $0.roofs.disagreement = 2 }), ("'runs' is -1", { $0.runs = -1 }),
    ]
    for (fault, change) in changes {
      var profile = SampleProfiles.small
      change(&profile)
      let json = try profile.json
      do {
        _ = try read(json)
        Issue.record("read, although \(fault)")
      } catch EvaluationError.damagedProfile(_, let told) {
        #expect(told.hasPrefix(fault), "\(told)")
      }
    }
  }

  /// A file whose numbers are others is refused, or all that follows from it can be told.
  @Test func damagedProfilesAreToldOrRefused() throws {
    var profile = SampleProfiles.small
    profile.machine = .zen5
    profile.engine = .cpu(.avx512, .float32)
    let json = Array(try profile.json.utf8)
    var places: [Range<Int>] = []
    for index in json.indices where (48...57).contains(json[index]) {
      if let last = places.last, last.upperBound == index {
        places[places.count - 1] = last.lowerBound..<index + 1
      } else {
        places.append(index..<index + 1)
      }
    }
    let numbers = [
      "0", "1", "-1", "3", "281474976710655", "9223372036854775807", "-9223372036854775808", "1e308", "1e-308", "0.01",
    ]
    var generator = SplitMix64(seed: 1), read = 0
    for _ in 0..<600 {
      var damaged = json
      for _ in 0...Int(generator.next() % 2) {
        let place = places[Int(generator.next() % UInt64(places.count))]
        guard damaged.count == json.count || place.upperBound < damaged.count else { continue }
        damaged.replaceSubrange(place, with: Array(numbers[Int(generator.next() % UInt64(numbers.count))].utf8))
      }
      guard let other = try? self.read(String(decoding: damaged, as: UTF8.self)) else { continue }
      read += 1
      for (a, b) in [(other, profile), (profile, other), (other, other)] {
        #expect(!ProfileDifference(a, b).text.isEmpty && !PairExplanation(a, b).text().isEmpty)
      }
      let table = ProfileTable(showsMemory: true, showsShapes: true, showsFlops: true)
      #expect(!Explanation(other).text().isEmpty && !table.text(other).isEmpty && !Roofline(other).svg.isEmpty)
      #expect(try !other.trace.isEmpty && !other.json.isEmpty)
      #expect(other.engineNanoseconds >= 0)
    }
    #expect(read > 100)
  }

  @Test func whatWasNotMeasuredAlikeIsSaid() {
    let first = SampleProfiles.small
    var second = first
    #expect(ProfileDifference(first, second).conditions.isEmpty && PairExplanation(first, second).conditions.isEmpty)
    // What an older profile does not say is no difference.
    second.machine = .zen5
    #expect(ProfileDifference(first, second).conditions.isEmpty)
    var third = second
    third.machine = .sapphireRapids
    third.machine?.caches = MachineDescription.zen5.caches
    #expect(
      ProfileDifference(second, third).conditions == [
        "Their kernels were chosen by different rates: a by zen5, b by sapphire-rapids."
      ])
    third.machine?.caches.lastLevel *= 2
    third.roofs.threads = 1
    third.precision = "bfloat16"
    let conditions = ProfileDifference(second, third).conditions
    #expect(conditions.count == 4 && conditions[0] == "They were measured on two machines: the caches are not the same.")
    #expect(conditions[2] == "They are not of one engine: a is float32 on avx512, b is bfloat16 on avx512.")
    #expect(conditions[3] == "They had not as many threads: a had 2 threads, b had 1 thread.")
    for line in conditions {
      #expect(ProfileDifference(second, third).text.contains(line) && PairExplanation(second, third).text().contains(line))
    }
    third.cpu = "another processor"
    #expect(ProfileDifference(second, third).conditions[0].hasSuffix("a on a processor, b on another processor."))
  }

  @Test func theReferenceIsNotTimedFromWithin() throws {
    let network = try VDSR(depth: 3, features: 8).network(.random(seed: 1))
    #expect(throws: EvaluationError.untimedEngine(name: "reference")) {
      try Profiler(engine: .reference, warmup: 0, runs: 1).profile(
        network, model: "m", input: Tensor(repeating: 0.5, [1, 1, 8, 8]))
    }
  }
}
