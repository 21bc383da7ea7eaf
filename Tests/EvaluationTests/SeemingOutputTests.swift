import Files
import Foundation
import Imaging
import Swiftlet
import Testing

@testable import Evaluation

/// Which sizes are those of one picture enlarged.
@Suite struct SeemingOutputTests {
  /// Every factor that `upscale` takes gives sizes that are known again, by a factor that gives the same.
  @Test(arguments: 0..<400) func whatIsEnlargedIsKnown(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let small = (width: Int.random(in: 1...4000, using: &generator), height: Int.random(in: 1...4000, using: &generator))
    let scale =
      seed.isMultiple(of: 2) ? Double(Int.random(in: 2...64, using: &generator)) : .random(in: 1.05...64, using: &generator)
    func size(_ scale: Double) -> (width: Int, height: Int) {
      (Int((Double(small.width) * scale).rounded()), Int((Double(small.height) * scale).rounded()))
    }
    let large = size(scale)
    guard large != small else { return }
    guard let found = SeemingOutput.scale(from: small, to: large) else {
      Issue.record("\(small) times \(scale) is \(large)")
      return
    }
    #expect(size(found) == large, "\(small) \(scale) \(found)")
    if seed.isMultiple(of: 2), min(small.width, small.height) > 64 { #expect(found == scale) }
  }

  @Test func othersAreNot() {
    for (small, large) in [
      ((40, 30), (40, 30)), ((40, 30), (80, 30)), ((40, 30), (80, 62)), ((40, 30), (39, 29)), ((0, 0), (80, 60)),
      ((10, 10), (650, 650)), ((400, 300), (410, 308)), ((40, 30), (60, 80)),
    ] { #expect(SeemingOutput.scale(from: small, to: large) == nil, "\(small) \(large)") }
  }

  /// By name: what begins with a sign behind a name, or is a factor; another word or number is another picture.
  @Test func namesTellThemApart() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("seeming-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func write(_ name: String, _ scale: Int) throws {
      try AtomicFile.write(Image.chart(30 * scale, 20 * scale).encoded(as: .png), to: folder + "/\(name).png")
    }
    let own = ["cat", "catalog", "category", "cats", "cat2", "cat and dog", "photo1", "photo12"]
    let made = ["cat-x2", "cat_big", "cat(2)", "catx3", "cat2x", "photo1.5x"]
    for (index, name) in own.enumerated() { try write(name, index == 0 || name == "photo1" ? 1 : 2 + index % 3) }
    for name in made { try write(name, 3) }
    let names = (own + made).map { "\($0).png" }
    let found = SeemingOutput.found(among: names, in: folder)
    #expect(Set(found.values.map { Folder.name($0.path) }) == Set(made.map { "\($0).png" }), "\(found.values.map(\.path))")
  }
}
