import Formats
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A module of PyTorch that Tools/make_conversion_fixtures.py wrote.
struct Fixture {
  let state: [String: Tensor]
  let input: Tensor
  let output: Tensor

  init(_ name: String) throws {
    let folder = "\(#filePath.prefix(#filePath.count - "/Fixture.swift".count))/Fixtures/\(name)"
    func tensor(_ name: String) throws -> Tensor { try NPYFile.read("\(folder)/\(name).npy") }
    var state: [String: Tensor] = [:]
    for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".npy") {
      let key = String(file.dropLast(4))
      if key != "input", key != "output" { state[key] = try tensor(key) }
    }
    self.state = state
    input = try tensor("input")
    output = try tensor("output")
  }
}

/// A small network that Tools/make_architecture_fixtures.py wrote.
struct NetworkFixture {
  let state: [String: Tensor]
  let input: Tensor
  let output: Tensor

  init(_ name: String) throws {
    let path = "\(#filePath.prefix(#filePath.count - "/Fixture.swift".count))/Networks/\(name)"
    state = try PyTorchCheckpoint(contentsOf: path + ".pth").parameters
    input = try NPYFile.read(path + ".input.npy")
    output = try NPYFile.read(path + ".output.npy")
  }
}

/// A folder that goes when the value does.
final class Folder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/formats-tests-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}
