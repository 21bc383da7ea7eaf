import Foundation
import Swiftlet
import Testing

/// `run` with networks of several inputs and outputs.
@Suite struct RunCommandTests {
  /// Two inputs of 1 and 2 channels, three outputs whose names are none of files.
  private static func network() throws -> Network {
    var builder = NetworkBuilder("several")
    let left = builder.input("left", channels: 1), right = builder.input("right", channels: 2)
    let joined = builder.concatenation("joined", [left, right])
    builder.output(builder.scale("../up/joined", joined, by: 2))
    builder.output(builder.scale("UP?", left, by: 3))
    builder.output(builder.scale("up?", right, by: 1))
    return try builder.build(.zeros)
  }

  private static func place() throws -> Workplace {
    let place = try Workplace()
    try ModelFile.write(network(), to: place.path("several.safetensors"))
    try NPYFile.write(Tensor([1, 1, 2, 2], [1, 2, 3, 4]), to: place.path("l.npy"))
    try NPYFile.write(Tensor([1, 2, 2, 2], [5, 6, 7, 8, 9, 10, 11, 12]), to: place.path("r.npy"))
    return place
  }

  private func run(_ place: borrowing Workplace, _ arguments: String) throws -> Workplace.Result {
    try place.run(["run", "several.safetensors"] + arguments.split(separator: " ").map(String.init))
  }

  private func check(_ place: borrowing Workplace, _ names: [String]) throws {
    #expect(try NPYFile.read(place.path(names[0])) == Tensor([1, 3, 2, 2], [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]))
    #expect(try NPYFile.read(place.path(names[1])) == Tensor([1, 1, 2, 2], [3, 6, 9, 12]))
    #expect(try NPYFile.read(place.path(names[2])) == Tensor([1, 2, 2, 2], [5, 6, 7, 8, 9, 10, 11, 12]))
  }

  @Test func `a file for each output`() throws {
    let place = try Self.place()
    let result = try run(place, "--input l.npy --input r.npy -o a.npy -o b.npy --output c.npy")
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output.hasPrefix("l.npy 1x1x2x2, r.npy 1x2x2x2 -> a.npy 1x3x2x2, b.npy 1x1x2x2, c.npy 1x2x2x2 in "))
    try check(place, ["a.npy", "b.npy", "c.npy"])
  }

  @Test(arguments: ["folder", "new", "new/deep/"]) func `a folder for all`(folder: String) throws {
    let place = try Self.place()
    let result = try run(place, "--input l.npy --input r.npy -o \(folder) --json")
    #expect(result.code == 0, "\(result.error)")
    try check(place, ["_.._up_joined.npy", "UP_.npy", "up_-2.npy"].map { "\(folder)/\($0)" })
    let report = try JSONDecoder().decode(TensorRun.self, from: result.outputBytes)
    #expect(report.outputs.map(\.name) == ["../up/joined", "UP?", "up?"] && report.inputs.map(\.path) == ["l.npy", "r.npy"])
  }

  @Test(arguments: [
    ("--input l.npy -o a", "the network 'several' has 2 inputs (left, right) and 1 file is given; give --input once for each"),
    ("--input l.npy --input r.npy --input l.npy -o a", "has 2 inputs (left, right) and 3 files are given"),
    (
      "--input l.npy --input r.npy -o a.npy", "the network 'several' has 3 outputs (../up/joined, UP?, up?) and 1 file is given"
    ),
    ("--input l.npy --input r.npy -o text.txt", "has 3 outputs"),
    ("--input l.npy --input r.npy -o a -o b", "and 2 files are given; give --output once for each, in this order, or a folder"),
    ("--input l.npy --input r.npy -o a.npy -o b.npy -o a.npy", "'a.npy' is written by this command already"),
    ("--input l.npy --input r.npy -o a.npy -o b.npy -o r.npy", "'r.npy' is read by this command"),
    ("--input r.npy --input l.npy -o a", "'r.npy' holds an array of 1x2x2x2"),
    ("--input l.npy --input r.npy -o nowhere/a.npy -o b.npy -o c.npy", "the folder 'nowhere' does not exist"),
  ])
  func `other numbers are refused`(arguments: String, message: String) throws {
    let place = try Self.place()
    let before = try place.names()
    let result = try run(place, arguments)
    // Wrong arguments, or files that are wrong.
    #expect(result.code == (message.contains("'") && !message.contains("several") ? 1 : 64), "\(result.code)")
    #expect(result.error.contains(message), "\(result.error)")
    #expect(result.error.split(separator: "\n").count == 1)
    #expect(try place.names() == before)
  }
}
