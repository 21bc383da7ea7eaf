import Foundation
import Swiftlet
import Testing

/// `eval --save` writes over its own pictures and over no others.
@Suite struct SaveTests {
  private static func place() throws -> Workplace {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    for name in ["a", "b"] { try TestChart.image(width: 48, height: 40).write(to: place.path("data/\(name).png")) }
    return place
  }

  private static let command = ["eval", "MODEL", "--data", "data", "--save", "saved"]

  @Test func `pictures of an earlier run are replaced`() throws {
    let place = try Self.place()
    #expect(try place.run(Self.command).code == 0)
    let first = try Data(contentsOf: URL(fileURLWithPath: place.path("saved/a-x2.png")))
    try FileManager.default.removeItem(atPath: place.path("data/a.png"))
    try TestChart.image(width: 96, height: 72).write(to: place.path("data/a.png"))
    #expect(try place.run(Self.command).code == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.path("saved/a-x2.png"))) != first)
    // Also through a link that leads to one.
    try FileManager.default.moveItem(atPath: place.path("saved/a-x2.png"), toPath: place.path("kept.png"))
    try FileManager.default.createSymbolicLink(atPath: place.path("saved/a-x2.png"), withDestinationPath: "../kept.png")
    #expect(try place.run(Self.command).code == 0)
  }

  /// Pictures, other files, links to them, folders and pipes: nothing is lost, and nothing is begun.
  @Test(arguments: ["picture", "text", "link", "folder", "pipe", "empty"]) func `others are not`(kind: String) throws {
    let place = try Self.place(), manager = FileManager.default, path = place.path("saved/b-x2.png")
    try manager.createDirectory(atPath: place.path("saved"), withIntermediateDirectories: true)
    switch kind {
    case "picture": try manager.copyItem(atPath: place.path("photo.png"), toPath: path)
    case "text": try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
    case "link": try manager.createSymbolicLink(atPath: path, withDestinationPath: "../photo.png")
    case "folder": try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
    case "pipe": #expect(mkfifo(path, 0o600) == 0)
    default: try Data().write(to: URL(fileURLWithPath: path))
    }
    let photo = try Data(contentsOf: URL(fileURLWithPath: place.path("photo.png")))
    let result = try place.run(Self.command)
    #expect(result.code == 64 && result.output.isEmpty)
    #expect(
      result.error.hasPrefix(
        "swiftlet: 'saved/b-x2.png' stands there and was not saved by 'eval', and is not written over; give --save another folder"
      ),
      "\(result.error)")
    #expect(try manager.contentsOfDirectory(atPath: place.path("saved")) == ["b-x2.png"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.path("photo.png"))) == photo)
    if kind == "text" { #expect(manager.contents(atPath: path) == Data("mine".utf8)) }
  }

  /// A network that keeps the size is measured at scale 1, on what is done to the pictures.
  @Test func `networks that keep the size`() throws {
    let place = try Self.place()
    try ModelFile.write(
      SRVGG(scale: 1, features: 4, convolutions: 1).network(.random(seed: 1)), to: place.path("one.safetensors"))
    for measure in ["vdsr", "edsr", "rgb"] {
      let result = try place.run([
        "eval", "one.safetensors", "--data", "data", "--degrade", "noise:5", "--protocol", measure, "--json",
      ])
      #expect(result.code == 0, "\(result.error)")
      let report = try #require(try JSONSerialization.jsonObject(with: result.outputBytes) as? [String: Any])
      let images = try #require(report["images"] as? [[String: Any]])
      #expect(images.count == 2 && images.allSatisfy { $0["scale"] as? Int == 1 })
      // The degraded picture is what stands for the interpolation: noise of 5 is 34 dB.
      for image in images {
        let psnr = try #require((image["bicubic"] as? [String: Any])?["psnr"] as? Double)
        #expect(psnr > 32 && psnr < 42, "\(psnr)")
      }
    }
    let other = try place.run(["eval", "one.safetensors", "--data", "data", "--scales", "2"])
    #expect(other.code == 64 && other.error.contains("give --scales 1"), "\(other.error)")
    let none = try place.run(["eval", "MODEL", "--data", "data", "--scales", "1"])
    #expect(none.code == 64 && none.error.contains("give --scales 2"), "\(none.error)")
  }
}
