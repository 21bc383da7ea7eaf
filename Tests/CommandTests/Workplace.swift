import Foundation
import Swiftlet
import Testing

/// Arguments, exit code, and what must stand on standard error: the whole of it, or its beginning where it ends in `…`, or a part of it where it
/// begins so, too.
struct CommandCase: Sendable, CustomTestStringConvertible {
  var arguments: [String]
  var code: Int32
  var message: String

  init(_ arguments: String, _ code: Int32, _ message: String) {
    self.arguments = arguments.split(separator: " ").map(String.init)
    self.code = code
    self.message = message
  }

  var testDescription: String { arguments.joined(separator: " ") }
}

/// A folder with a model and a few files to work on, in which the command runs.
struct Workplace: ~Copyable {
  static let contents = ["folder", "model.safetensors", "photo.png", "text.txt"]

  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("swiftlet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder.appendingPathComponent("folder"), withIntermediateDirectories: true)
    var network = try EDSR(scale: 2, channels: 1, features: 8, blocks: 1).network(.random(seed: 1))
    network.parameters["tail.bias"] = Tensor([1], [0.5])
    // As if something had been learnt: one weight is beyond those that a new network has.
    network.parameters["body.0.a.weight"] = network.parameters["body.0.a.weight"].map { weight in
      Tensor(weight.shape, [0.5] + weight.floats.dropFirst())
    }
    try ModelFile.write(network, to: path("model.safetensors"))
    try AtomicFile.write(TestChart.image(width: 48, height: 36).encoded(as: .png), to: path("photo.png"))
    try AtomicFile.write(Array("no picture".utf8), to: path("text.txt"))
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }

  func image(_ name: String) throws -> Image {
    try ImageCodec.decode(FileReader.bytes(of: path(name), limit: 1 << 24), name: name)
  }

  struct Result {
    var code: Int32
    var output: String
    var error: String
    var outputBytes: Data
  }

  /// Runs the built command here; `MODEL` stands for the model file.
  ///
  /// - Parameter shell: what a shell does first, such as setting limits.
  func run(_ arguments: [String], input: Data? = nil, under shell: String? = nil) throws -> Result {
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments.map { $0 == "MODEL" ? "model.safetensors" : $0 }
    if let shell {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", shell + "; exec \"$0\" \"$@\"", Self.executable.path] + (process.arguments ?? [])
    }
    process.currentDirectoryURL = folder
    // What is kept for the user is kept here.
    process.environment = ProcessInfo.processInfo.environment.merging([
      // Lines are broken by the names in them.
      "XDG_CACHE_HOME": folder.path + ".cache", "COLUMNS": "10000",
    ]) { $1 }
    defer { try? FileManager.default.removeItem(atPath: folder.path + ".cache") }
    // Through files: a pipe that no one reads would stop the command.
    let names = ["out", "err"].map { folder.path + "." + $0 }
    for name in names { try Data().write(to: URL(fileURLWithPath: name)) }
    defer { for name in names { try? FileManager.default.removeItem(atPath: name) } }
    process.standardOutput = FileHandle(forWritingAtPath: names[0])
    process.standardError = FileHandle(forWritingAtPath: names[1])
    let inputName = folder.path + ".in"
    try (input ?? Data()).write(to: URL(fileURLWithPath: inputName))
    defer { try? FileManager.default.removeItem(atPath: inputName) }
    process.standardInput = FileHandle(forReadingAtPath: inputName)
    try process.run()
    process.waitUntilExit()
    let output = try Data(contentsOf: URL(fileURLWithPath: names[0]))
    let error = try Data(contentsOf: URL(fileURLWithPath: names[1]))
    return Result(
      code: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: String(decoding: output, as: UTF8.self), error: String(decoding: error, as: UTF8.self), outputBytes: output)
  }

  /// Runs a command that must fail: with the code and one line on standard error, and without anything on standard output or in this folder
  /// that was not there.
  func check(_ failure: CommandCase, _ location: SourceLocation = #_sourceLocation) throws {
    let before = try names()
    let result = try run(failure.arguments)
    #expect(result.code == failure.code, sourceLocation: location)
    let lines = result.error.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 2 && lines.last == "", "not one line: \(result.error)", sourceLocation: location)
    let line = lines.first.map(String.init) ?? ""
    if failure.message.hasPrefix("…") {
      #expect(line.contains(failure.message.dropFirst().dropLast()), "\(line)", sourceLocation: location)
    } else if failure.message.hasSuffix("…") {
      #expect(line.hasPrefix(failure.message.dropLast()), "\(line)", sourceLocation: location)
    } else {
      #expect(line == failure.message, sourceLocation: location)
    }
    #expect(result.output.isEmpty, sourceLocation: location)
    let after = try names()
    #expect(after == before, "something was written", sourceLocation: location)
  }

  /// The command lies in the folder of the tests' bundle.
  static let executable: URL = {
    #if canImport(Darwin)
      let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
      let products = bundle?.deletingLastPathComponent() ?? URL(fileURLWithPath: ".build/debug")
    #else
      let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    #endif
    return products.appendingPathComponent("swiftlet")
  }()
}
