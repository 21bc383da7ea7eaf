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
    let pictures = Self.pictures(names, in: folder)
    func found(keepsSize: Bool = false, _ mark: @escaping (String) -> Bool?) -> Set<String> {
      let found = SeemingOutput.found(among: pictures, keepsSize: keepsSize, mark: mark).values
      // By its mark alone a picture is one of another that is not there.
      #expect(found.allSatisfy { $0.source != nil || mark($0.path) == true && $0.isMarked && $0.scale == nil })
      return Set(found.filter { $0.source != nil }.map { Folder.name($0.path) })
    }
    let byName = Set(made.map { "\($0).png" })
    for mark in [nil, false] as [Bool?] { #expect(found { _ in mark } == byName) }
    // Marks make a suffix no more than it is.
    #expect(found { Folder.name($0) != "cat.png" } == byName)
    // Nobody's output goes where they lie.
    let apart = pictures.map { SeemingOutput.Picture(path: $0.path, folder: $0.folder, outputFolder: Folder.identity("/")) }
    #expect(SeemingOutput.found(among: apart).isEmpty)
  }

  /// Of one size: a mark tells, and without marks the name does where the run keeps the size.
  @Test func marksTellOfOneSize() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("seeming-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let picture = try Image.chart(30, 20).encoded(as: .png), names = ["cat.png", "cat-clean.png", "cat-1.png", "cat.webp"]
    for name in names { try AtomicFile.write(picture, to: "\(folder)/\(name)") }
    let pictures = Self.pictures(names, in: folder)
    func found(_ keepsSize: Bool, _ marks: (String) -> Bool?) -> [String] {
      SeemingOutput.found(among: pictures, keepsSize: keepsSize, format: .webp) { marks(Folder.name($0)) }
        .filter { $0.value.source != nil }.sorted { $0.key < $1.key }.map { Folder.name($0.value.path) }
    }
    #expect(found(true) { _ in nil } == ["cat-clean.png", "cat.webp"])
    #expect(found(true) { _ in false } == ["cat.webp"])
    #expect(found(false) { _ in nil }.isEmpty && found(false) { _ in false }.isEmpty)
    for keepsSize in [false, true] {
      #expect(found(keepsSize) { $0 != "cat.png" } == ["cat-clean.png", "cat-1.png", "cat.webp"])
      // Marked ones alone, and whose source is one: nobody knows which was first.
      #expect(found(keepsSize) { _ in true }.filter { $0 == "cat.png" }.isEmpty)
    }
    // Who names a picture means it.
    let named = pictures.map { SeemingOutput.Picture(path: $0.path, folder: $0.folder, outputFolder: $0.folder, isNamed: true) }
    #expect(SeemingOutput.found(among: named, keepsSize: true, mark: { _ in true }).isEmpty)
  }

  private static func pictures(_ names: [String], in folder: String) -> [SeemingOutput.Picture] {
    names.map {
      SeemingOutput.Picture(
        path: Folder.joined(folder, $0), folder: Folder.identity(folder), outputFolder: Folder.identity(folder))
    }
  }
}
