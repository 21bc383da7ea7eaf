import Files
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

  /// What is no original by its mark, and what is passed over, is said before it is measured.
  @Test func `folders are told`() throws {
    let place = try Self.place()
    #expect(try place.run(["eval", "MODEL", "--data", "data"]).error.isEmpty)
    try Data("a".utf8).write(to: URL(fileURLWithPath: place.path("data/notes.txt")))
    try FileManager.default.createDirectory(atPath: place.path("data/more"), withIntermediateDirectories: true)
    #expect(try place.run(["upscale", "data/a.png", "-m", "MODEL", "-o", "data/c.png"]).code == 0)
    let result = try place.run(["eval", "MODEL", "--data", "data"])
    #expect(result.code == 0)
    let lines = result.error.split(separator: "\n").map(String.init)
    let other = "swiftlet: 'data': 1 passed over, no pictures by their names: notes.txt; folders inside are not entered: more"
    #expect(lines.last == other, "\(lines)")
    // Where the disk keeps no marks nothing is known.
    if FileMark.isSet(place.path("data/c.png")) == true {
      #expect(
        lines.first?.hasPrefix("swiftlet: 'data' holds a picture that this program made, measured as all others: c.png; ")
          == true, "\(lines)")
    }
  }

  /// Sheets of another model, folder, protocol or precision are others' work: they stay, and nothing is begun.
  @Test func `sheets of something else stay`() throws {
    let place = try Self.place(), manager = FileManager.default
    try manager.copyItem(atPath: place.path("data"), toPath: place.path("other"))
    try manager.copyItem(atPath: place.path("model.safetensors"), toPath: place.path("same.safetensors"))
    try ModelFile.write(
      EDSR(scale: 2, channels: 1, features: 8, blocks: 1).network(.random(seed: 2)), to: place.path("other.safetensors"))
    try manager.createSymbolicLink(atPath: place.path("link"), withDestinationPath: "data")
    #expect(try place.run(Self.command).code == 0)
    func sheets() throws -> [Data] {
      try ["a", "b"].map { try Data(contentsOf: URL(fileURLWithPath: place.path("saved/\($0)-x2.png"))) }
    }
    let before = try sheets()
    for (arguments, difference) in [
      (["other.safetensors", "--data", "data"], "model"), (["MODEL", "--data", "other"], "folder of pictures"),
      (["MODEL", "--data", "data", "--protocol", "rgb"], "protocol"),
      (["MODEL", "--data", "data", "--degrade", "noise:2"], "protocol"),
      (["MODEL", "--data", "data", "--precision", "bfloat16"], "precision"),
      (["other.safetensors", "--data", "other", "--protocol", "edsr"], "model, folder of pictures, protocol"),
    ] {
      let result = try place.run(["eval"] + arguments + ["--save", "saved"])
      #expect(result.code == 64 && result.output.isEmpty, "\(arguments)")
      #expect(
        result.error.hasPrefix(
          "swiftlet: 'saved/a-x2.png' was saved by 'eval' of another \(difference), and is not written over; give --save another folder"
        ),
        "\(result.error)")
      #expect(try sheets() == before)
    }
    // The same by other names.
    for arguments in [["same.safetensors", "--data", "./data/."], ["MODEL", "--data", "link", "--threads", "1"]] {
      #expect(try place.run(["eval"] + arguments + ["--save", "saved"]).code == 0)
    }
    // Of several models the last is looked at before the first is measured.
    try manager.createDirectory(atPath: place.path("both/other"), withIntermediateDirectories: true)
    try manager.copyItem(atPath: place.path("saved/b-x2.png"), toPath: place.path("both/other/b-x2.png"))
    let several = try place.run(["eval", "MODEL", "other.safetensors", "--data", "data", "--save", "both"])
    #expect(several.code == 64 && several.error.contains("'both/other/b-x2.png' was saved by 'eval' of another model, and"))
    #expect(try manager.contentsOfDirectory(atPath: place.path("both")) == ["other"])
  }

  /// At scale 1 the picture itself is the truth: there is no interpolation to compare with, in whatever form.
  @Test func `no bicubic where nothing is enlarged`() throws {
    let place = try Self.place()
    try ModelFile.write(
      SRVGG(scale: 1, features: 4, convolutions: 1).network(.random(seed: 1)), to: place.path("one.safetensors"))
    let command = ["eval", "one.safetensors", "--data", "data", "--save", "saved"]
    let text = try place.run(command)
    #expect(text.code == 0 && !text.output.contains("inf") && !text.output.contains("nan"), "\(text)")
    let row = try #require(text.output.split(separator: "\n").first { $0.hasPrefix("a ") })
    #expect(row.split(separator: " ").count { $0 == "-" } == 3, "\(row)")
    // Truth and output, of 48 pixels each.
    #expect(try place.image("saved/a-x1.png").width == 2 * 48 + 4)
    let csv = try place.run(command + ["--csv"]).output.split(separator: "\n")
    #expect(csv.count == 4 && csv.allSatisfy { !$0.contains("inf") } && csv[1].contains(",48,40,,"), "\(csv)")
    let markdown = try place.run(command + ["--markdown"]).output
    #expect(!markdown.contains("bicubic") && !markdown.contains("inf"), "\(markdown)")
    let json = try JSONSerialization.jsonObject(with: place.run(command + ["--json"]).outputBytes)
    let report = try #require(json as? [String: Any])
    for rows in ["images", "means"] {
      for row in try #require(report[rows] as? [[String: Any]]) { #expect(row["bicubic"] == nil && row["network"] != nil) }
    }
    let degraded = try place.run(["eval", "one.safetensors", "--data", "data", "--degrade", "noise:5", "--markdown"]).output
    #expect(degraded.contains("| bicubic | x1 |"), "\(degraded)")
  }
}
