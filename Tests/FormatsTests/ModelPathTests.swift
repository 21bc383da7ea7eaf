import Files
import Networks
import Tensors
import Testing

@testable import Formats

/// Models and tensors through the file system.
@Suite struct ModelPathTests {
  private let network = ModelFileTests.network()

  @Test func modelsAreReadByPath() throws {
    let folder = try Folder()
    let path = folder.path + "/tiny.safetensors"
    try ModelFile.write(network, to: path)
    #expect(folder.names == ["tiny.safetensors"])
    #expect(try ModelFile.read(path) == network)
    #expect(try Safetensors(contentsOf: path) == ModelFile.contents(of: network))
    // Replacing keeps nothing of the old file.
    try SafetensorsTests.sample.write(to: path)
    #expect(try Safetensors(contentsOf: path) == SafetensorsTests.sample)
    #expect(throws: FormatError(source: path, problem: .noNetwork)) { try ModelFile.read(path) }
  }

  @Test func errorsNameThePath() throws {
    let folder = try Folder()
    let path = folder.path + "/a.safetensors"
    let missing = FormatError(source: path, problem: .file(.notFound(path: path)))
    #expect(throws: missing) { try ModelFile.read(path) }
    #expect(throws: missing) { try Safetensors(contentsOf: path) }
    #expect(throws: missing) { try NPYFile.read(path) }
    #expect(missing.description == "'\(path)' does not exist; check the path")
    let isFolder = FormatError(source: folder.path, problem: .file(.isDirectory(path: folder.path)))
    #expect(throws: isFolder) { try ModelFile.read(folder.path) }
    #expect(throws: isFolder) { try ModelFile.write(network, to: folder.path) }
    #expect(throws: isFolder) { try NPYFile.write(Tensor(zeros: [1]), to: folder.path) }

    let nan = ModelFileTests.network(weight: .nan)
    try ModelFile.write(nan, to: path)
    #expect(throws: FormatError(source: path, problem: .notFinite(tensor: "head.weight"))) { try ModelFile.read(path) }
    #expect(try ModelFile.read(path, allowingNonFinite: true).nodes == nan.nodes)
  }

  @Test func everyTruncatedModelIsRefused() throws {
    let folder = try Folder()
    let path = folder.path + "/a.safetensors"
    let bytes = ModelFile.contents(of: network).encoded()
    for count in stride(from: 0, to: bytes.count, by: 7) {
      try AtomicFile.write(Array(bytes[..<count]), to: path)
      do throws(FormatError) {
        _ = try ModelFile.read(path)
        Issue.record("\(count) of \(bytes.count) bytes were accepted")
      } catch {
        #expect(error.source == path)
        #expect(!error.description.contains("\n"))
      }
    }
  }

  @Test func anInvalidNetworkIsNotWritten() throws {
    let folder = try Folder()
    var broken = network
    broken.parameters["head.bias"] = nil
    #expect(throws: FormatError.self) { try ModelFile.write(broken, to: folder.path + "/a") }
    #expect(folder.names.isEmpty)
  }

  #if os(Linux)
    @Test func aFullDeviceIsNamed() {
      let full = FormatError(source: "/dev/full", problem: .file(.diskFull(path: "/dev/full")))
      #expect(throws: full) { try ModelFile.write(network, to: "/dev/full") }
      #expect(throws: full) { try SafetensorsTests.sample.write(to: "/dev/full") }
      #expect(throws: full) { try NPYFile.write(Tensor(zeros: [4]), to: "/dev/full") }
    }
  #endif
}
