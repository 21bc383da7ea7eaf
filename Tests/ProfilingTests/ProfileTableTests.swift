import Foundation
@testable import Profiling
import Swiftlet
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct ProfileTableTests {
  /// Whatever is shown, no line of the table is longer than there is room, and what is left out is named.
  @Test func tablesFit() throws {
    let profile = SampleProfiles.small
    for grouping in ProfileTable.Grouping.allCases {
      for all in [false, true] {
        let table = ProfileTable(grouping: grouping, showsMemory: all, showsShapes: all, showsFlops: all)
        let whole = table.text(profile)
        let headers = Self.headers(whole)
        for width in [40, 60, 80, 100, 120, 160, 1000] {
          let text = table.text(profile, width: width)
          let shown = Self.headers(text)
          #expect(Set(shown).isSubset(of: headers) && shown.prefix(1) == ["Name"] && shown.contains("Self CPU"), "\(shown)")
          for line in text.split(separator: "\n").prefix(3 + table.rows(profile).count) {
            #expect(line.count <= width, "\(line.count) characters where there is room for \(width)")
          }
          let end = text.components(separatedBy: "\n\n").dropLast().joined().components(separatedBy: "not shown").dropFirst()
            .first
          let note = end?.split(separator: "\n").joined(separator: " ").split(separator: " ").joined(separator: " ")
          #expect((note == nil) == (shown.count == headers.count))
          for header in headers where !shown.contains(header) { #expect(note?.contains(header) == true) }
        }
        // But for the spaces that PyTorch's lines end in.
        #expect(table.text(profile, width: 1000).split(separator: "\n") == whole.split(separator: "\n").map(Self.trimmed))
      }
    }
  }

  /// Layers of one operation, shapes and kernels share a row, by the name of the first.
  @Test func layersThatAreAlike() {
    var layers = SampleProfiles.small.layers
    var second = layers[1], third = layers[1], other = layers[1]
    (second.name, third.name, other.name) = ("second", "third", "other")
    other.kernels.append("another")
    layers += [second, other, third]
    let profile = SampleProfiles.profile(layers)
    let rows = ProfileTable(grouping: .alike, sortKey: .order).rows(profile)
    #expect(rows.map(\.name) == [layers[0].name, "\(layers[1].name) (x3)", layers[2].name, "other", ProfileTable.engineName])
    #expect(rows[1].calls == 3 && rows[1].selfNanoseconds == 3 * layers[1].nanoseconds)
    #expect(rows[1].multiplyAccumulates == 3 * layers[1].multiplyAccumulates)
    let each = ProfileTable(grouping: .layer, sortKey: .order).rows(profile)
    #expect(each.count == 7 && each.map(\.selfNanoseconds).reduce(0, +) == rows.map(\.selfNanoseconds).reduce(0, +))
  }

  private static func trimmed(_ line: Substring) -> Substring {
    line.prefix(line.count - line.reversed().prefix { $0 == " " }.count)
  }

  private static func headers(_ text: String) -> [String] {
    let line = text.split(separator: "\n")[1]
    return line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }

  /// Rules, headings, widths and the two spaces behind each column as PyTorch prints them.
  @Test func theTableIsLaidOutAsPyTorchs() {
    let table = ProfileTable(sortKey: .order)
    let rule = "-------------  ------------  ------------  ------------  ------------  ------------  ------------  "
    let rest = "------------  ------------  ------------  ------------  " + String(repeating: "-", count: 60) + "  "
    let expected = [
      rule + rest,
      "         Name    Self CPU %      Self CPU   CPU total %     CPU total  CPU time avg    # of Calls  "
        + "     GFLOP/s          GB/s     % of roof   Bytes moved                                                        Kernel  ",
      rule + rest,
      "    copy of x         5.71%     400.000us         5.71%     400.000us     400.000us             1  "
        + "          --           5.2         5.24%      2.00 MiB                                                          copy  ",
      "            a        57.14%       4.000ms        57.14%       4.000ms       4.000ms             1  "
        + "        75.5           0.5        75.50%      2.00 MiB                                      gather_6x4_avx512, store  ",
      "            b        35.71%       2.500ms        35.71%       2.500ms       2.500ms             1  "
        + "       120.8           0.8        30.20%      2.00 MiB      winograd_input_4, multiply_6x4_avx512, winograd_output_4  ",
      "       engine         1.43%     100.000us       100.00%       7.000ms       7.000ms             1  "
        + "          --            --            --            --                                                            --  ",
      rule + rest,
      "Self CPU time total: 7.000ms",
      "Number of parameters: 36,928",
      "",
      "sample, input 1x64x64x64, float32, avx512, 2 threads, a processor",
      "the median of 10 runs after 3; the median of runs not timed from within is 6.999ms",
      "roofs: 100.0 GFLOP/s, memory 10.0 GB/s, last-level cache 100.0 GB/s; a loop begins and ends in 2.000us",
      "",
    ]
    #expect(table.text(SampleProfiles.small) == expected.joined(separator: "\n"))
  }

  @Test func memoryShapesAndOperationsHaveColumnsWherePyTorchHasThem() {
    let table = ProfileTable(showsMemory: true, showsShapes: true, showsFlops: true)
    let lines = table.text(SampleProfiles.small).split(separator: "\n")
    let headings = [
      "Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "CPU Mem", "Self CPU Mem", "# of Calls",
      "Input Shapes", "Total MFLOPs", "GFLOP/s", "GB/s", "% of roof", "Bytes moved", "Kernel",
    ]
    #expect(lines[1].split(separator: "  ").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }.map(String.init) == headings)
    // The longest first.
    #expect(lines[3].contains(" a ") && lines[3].contains("[[1, 64, 64, 64]]") && lines[3].contains("301.990"))
    #expect(lines[3].contains("1.00 MiB      1.00 MiB"))
  }

  @Test func printingTwiceAndReadingBackGiveTheSameText() throws {
    let profile = SampleProfiles.small
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("swiftlet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("profile.json").path
    try AtomicFile.write(Array(profile.json.utf8), to: path)
    let read = try Profile(contentsOf: path)
    #expect(read == profile)
    for grouping in ProfileTable.Grouping.allCases {
      for key in ProfileTable.SortKey.allCases {
        let table = ProfileTable(grouping: grouping, sortKey: key, showsMemory: true, showsShapes: true, showsFlops: true)
        #expect(table.text(profile) == table.text(profile))
        #expect(table.text(read) == table.text(profile))
      }
    }
    #expect(throws: EvaluationError.self) { try Profile(contentsOf: #filePath) }
  }

  @Test func rowsAddUpHoweverTheyAreGrouped() {
    let profile = SampleProfiles.small
    for grouping in ProfileTable.Grouping.allCases {
      let rows = ProfileTable(grouping: grouping).rows(profile)
      #expect(rows.reduce(0) { $0 + $1.selfNanoseconds } == profile.nanoseconds)
      #expect(rows.reduce(0) { $0 + $1.calls } == profile.layers.count + 1)
    }
    #expect(ProfileTable(sortKey: .share).rows(profile).map(\.name) == ["a", "b", "copy of x", "engine"])
    #expect(ProfileTable(sortKey: .total).rows(profile).map(\.name) == ["engine", "a", "b", "copy of x"])
  }

  @Test(arguments: [(999, "0.999us"), (86_440, "86.440us"), (15_803_000, "15.803ms"), (2_674_000_000, "2.674s")])
  func timesReadAsPyTorchs(nanoseconds: Int, text: String) {
    #expect(ProfileTable.time(Double(nanoseconds)) == text)
  }
}

@Suite struct ProfileFileTests {
  @Test func theTraceHoldsEveryEventInsideTheRun() throws {
    let profile = SampleProfiles.small
    let object = try JSONSerialization.jsonObject(with: Data(profile.trace.utf8)) as? [String: Any]
    // "ms" or "ns" is how viewers show times; the format counts in microseconds.
    #expect(object?["displayTimeUnit"] as? String == "ms")
    let events = try #require(object?["traceEvents"] as? [[String: Any]])
    let complete = events.filter { $0["ph"] as? String == "X" }
    #expect(complete.count == profile.events.count + 1)
    #expect(complete.first?["name"] as? String == "run" && complete.first?["dur"] as? Double == 7000)
    #expect(complete.dropFirst().map { $0["name"] as? String } == ["copy of x", "a", "b", "a", "b"])
    #expect(complete.dropFirst().map { $0["ts"] as? Double } == [50, 460, 2470, 3730, 5740])
    for event in complete {
      #expect(event["pid"] is Int && event["tid"] is Int && event["cat"] is String)
      let end = (event["ts"] as? Double ?? .nan) + (event["dur"] as? Double ?? .nan)
      #expect(end <= 7000)
    }
    let last = try #require(complete.last?["args"] as? [String: String])
    #expect(last["band"] == "2 of 2" && last["threads"] == "1")
  }

  /// The fields that the Trace Event Format asks for, of their types.
  @Test func everyEventOfTheTraceIsComplete() throws {
    let object = try JSONSerialization.jsonObject(with: Data(SampleProfiles.small.trace.utf8)) as? [String: Any]
    let events = try #require(object?["traceEvents"] as? [[String: Any]])
    for event in events {
      let phase = event["ph"] as? String
      #expect(["X", "M"].contains(phase) && (event["name"] as? String)?.isEmpty == false, "\(event)")
      #expect(event["pid"] is Int && event["tid"] is Int && (event["ts"] as? Double).map { $0 >= 0 } == true, "\(event)")
      #expect(event["args"] is [String: String] && event["cat"] is String, "\(event)")
      #expect((event["dur"] as? Double).map { $0 >= 0 } == (phase == "X" ? true : nil), "\(event)")
    }
    let metadata = events.filter { $0["ph"] as? String == "M" }
    #expect(metadata.map { $0["name"] as? String } == ["process_name", "thread_name"])
    #expect(metadata.map { ($0["args"] as? [String: String])?["name"] } == ["swiftlet sample", "engine (2 threads)"])
    #expect(Set(events.map { "\($0["pid"] ?? "") \($0["tid"] ?? "")" }).count == 1)
  }

  @Test func theRooflineIsWellFormed() throws {
    var profile = SampleProfiles.small
    profile.model = "a<b & \"c\""
    let svg = Roofline(profile).svg
    let parser = XMLParser(data: Data(svg.utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    // Two layers and two dots of the legend; the copy has no multiply-adds.
    #expect(svg.split(separator: "<circle").count - 1 == 4)
    #expect(svg.contains("1 without multiply-adds not shown"))
    #expect(svg.contains("a&lt;b &amp; &quot;c&quot;"))
    #expect(!svg.contains("nan") && !svg.contains("inf"))
    // Where bfloat16 multiplies faster than float32, both roofs are drawn.
    profile.roofs.gflopsPerS = 200
    #expect(Roofline(profile).svg.contains(">in float32 100 GFLOP/s</text>"))
    #expect(profile.roofs.text.hasPrefix("200.0 GFLOP/s (100.0 in float32), memory"))
    // No layer to show is no reason to fail.
    profile.layers = []
    let empty = XMLParser(data: Data(Roofline(profile).svg.utf8))
    #expect(empty.parse())
  }
}
