import Foundation
import Testing

@testable import Evaluation

@Suite struct TextFormatTests {
  @Test func `names that are meant`() {
    let known = ["upscale", "eval", "info", "run", "bench"]
    for (text, name) in [
      ("upscal", "upscale"), ("Upscale", "upscale"), ("evel", "eval"), ("rn", "run"), ("benhc", "bench"), ("train", nil),
    ] {
      #expect(TextFormat.nearest(to: text, among: known) == name, "\(text)")
    }
    #expect(TextFormat.nearest(to: "x", among: []) == nil)
  }

  @Test func `numbers`() {
    #expect(TextFormat.fixed(37.6526, 2) == "37.65")
    #expect(TextFormat.fixed(-0.004, 2) == "0.00")
    #expect(TextFormat.fixed(-1.5, 0) == "-2")
    #expect(TextFormat.fixed(9.9996, 3) == "10.000")
    #expect(TextFormat.fixed(.infinity, 2) == "inf" && TextFormat.fixed(.nan, 2) == "nan")
    #expect(TextFormat.short(2) == "2" && TextFormat.short(1.5) == "1.5" && TextFormat.short(100) == "100")
    #expect(TextFormat.grouped(1_332_931) == "1,332,931" && TextFormat.grouped(-12) == "-12" && TextFormat.grouped(0) == "0")
    #expect(TextFormat.bytes(512) == "512 bytes" && TextFormat.bytes(3 << 20) == "3.0 MiB")
  }

  @Test(arguments: [
    ("512M", 512 << 20), ("2g", 2 << 30), ("64K", 65536), ("1T", 1 << 40), ("1.5G", 3 << 29), ("512MiB", 512 << 20),
    ("512MB", 512_000_000), ("2 GB", 2_000_000_000),
    ("1000B", 1000),
  ])
  func `sizes`(text: String, count: Int) { #expect(TextFormat.parsedByteCount(text) == count) }

  @Test(arguments: [
    "", "M", "0", "0M", "512", "-1M", "+5", "1.5.1G", ".5G", "12X", "99999999999999999999", "9223372036854775807T", "infG",
    "1MBB",
  ])
  func `no sizes`(text: String) { #expect(TextFormat.parsedByteCount(text) == nil) }

  @Test func `processor lists`() {
    #expect(Machine.processorCount(ofList: "0-3,8") == 5)
    #expect(Machine.processorCount(ofList: "0") == 1)
    #expect(Machine.processorCount(ofList: "x") == nil)
    #expect(Machine.processorCount(ofList: "") == nil)
  }

  @Test func processorTimeThatIsGranted() {
    #expect(Machine.processorCount(ofQuota: "150000 100000\n") == 2)
    #expect(Machine.processorCount(ofQuota: "100000 100000") == 1)
    #expect(Machine.processorCount(ofQuota: "10000 100000") == 1)
    for text in ["max 100000", "-1\n 100000", "0 100000", "5 0", "", "1", "1 2 3"] {
      #expect(Machine.processorCount(ofQuota: text) == nil, "\(text)")
    }
    let groups = Machine.controlGroups("12:cpu,cpuacct:/a:b/c\n3:memory:/a\n0::/\n\nx\n")
    #expect(groups.map(\.folder) == ["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup"])
    #expect(groups.map(\.path) == ["/a:b/c", "/"])
    #expect(Machine.processorCount >= 1)
  }

  /// JSON has no numbers that are not finite: they are null for readers, and texts in files that are read again.
  @Test func numbersOfJSON() throws {
    struct Values: Codable, Equatable {
      var first = [Double.infinity, -.infinity, .nan, 1.5, -0.001]
      var text = "inf \"null\""
      var last: Float? = .infinity
    }
    let values = Values(), bytes = Array(try values.json.utf8)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    let first = try #require(object["first"] as? [Any])
    #expect(first.prefix(3).allSatisfy { $0 is NSNull } && first[3] as? Double == 1.5 && first[4] as? Double == -0.001)
    #expect(object["last"] is NSNull && object["text"] as? String == values.text)
    let again = try #require(Values(json: Array(try values.storedJSON.utf8)))
    #expect(again.first[0] == .infinity && again.first[1] == -.infinity && again.first[2].isNaN && again.last == .infinity)
  }
}
