import Tensors
import Testing

@testable import Formats

/// Legacy checkpoints written by hand: forms that today's PyTorch no longer writes, and lies.
@Suite struct HandmadeCheckpointTests {
  static let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]

  /// A legacy checkpoint with the storage '7', which holds `floats`.
  static func file(_ object: [UInt8], floats: [Float], count: Int? = nil) -> [UInt8] {
    var bytes = magic + Array("I1001\n.".utf8) + Array("(d.".utf8) + object + Array("(lS'7'\na.".utf8)
    let count = count ?? floats.count
    bytes += (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    for value in floats { bytes += (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
    return bytes
  }

  /// A call that makes a tensor.
  static func tensor(
    shape: String = "I2\n", strides: String = "I1\n", offset: Int = 0, count: Int = 4, view: String = "N", key: String = "7"
  ) -> String {
    let storage = "(S'storage'\nctorch\nFloatStorage\nS'\(key)'\nS'cuda:0'\nI\(count)\n\(view)tQ"
    return "ctorch._utils\n_rebuild_tensor\n(\(storage)I\(offset)\n(\(shape)t(\(strides)ttR"
  }

  static func read(_ tensor: String, floats: [Float] = [1, 2, 3, 4], count: Int? = nil) throws -> [Float]? {
    let object = Array("(dS'a'\n\(tensor)s.".utf8)
    return try PyTorchCheckpoint(bytes: file(object, floats: floats, count: count)).parameters["a"]?.floats
  }

  @Test func tensors() throws {
    #expect(try Self.read(Self.tensor()) == [1, 2])
    #expect(try Self.read(Self.tensor(shape: "I2\nI2\n", strides: "I1\nI2\n")) == [1, 3, 2, 4])
    #expect(try Self.read(Self.tensor(offset: 2)) == [3, 4])
    // A view of the storage: offsets count from its start.
    #expect(try Self.read(Self.tensor(view: "(S'v'\nI1\nI3\nt")) == [2, 3])
    #expect(
      try Self.read(Self.tensor(offset: 1, view: "(S'v'\nI2\nI2\nt", key: "7").replacing("I2\nt(I1", with: "I1\nt(I1")) == [4])
  }

  @Test func lies() {
    func problem(_ tensor: String, count: Int? = nil) -> FormatProblem? {
      do {
        _ = try Self.read(tensor, count: count)
        return nil
      } catch { return error as? FormatProblem }
    }
    let outside = FormatProblem.outOfBounds(tensor: "a")
    #expect(problem(Self.tensor(shape: "I5\n")) == outside)
    #expect(problem(Self.tensor(offset: 3)) == outside)
    #expect(problem(Self.tensor(strides: "I4\n")) == outside)
    #expect(problem(Self.tensor(strides: "I-1\n")) == outside)
    #expect(problem(Self.tensor(shape: "I-1\n")) == outside)
    #expect(problem(Self.tensor(shape: "I4611686018427387904\n")) == outside)
    #expect(problem(Self.tensor(shape: "I4000000000\nI4000000000\nI4000000000\n", strides: "I0\nI0\nI0\n")) == outside)
    #expect(problem(Self.tensor(view: "(S'v'\nI9223372036854775807\nI3\nt")) != nil)
    #expect(problem(Self.tensor(offset: .max, view: "(S'v'\nI1\nI3\nt")) != nil)
    // An expanded tensor of more elements than the limit for these.
    #expect(problem(Self.tensor(shape: "I65537\n", strides: "I0\n")) == outside)
    #expect(problem(Self.tensor(count: 5)) == .truncated(.checkpoint, part: "the storage '7'"))
    #expect(problem(Self.tensor(), count: 5) == .truncated(.checkpoint, part: "the storage '7'"))
    #expect(problem(Self.tensor(), count: .max) == .truncated(.checkpoint, part: "the storage '7'"))
    #expect(problem(Self.tensor(), count: -1) == .truncated(.checkpoint, part: "the storage '7'"))
    #expect(problem(Self.tensor(key: "8")) == .malformed(.checkpoint, part: "a storage that no tensor uses"))
  }

  /// As PyTorch 0.3 on Python 2 wrote modules: classes by persistent identifiers, and an `OrderedDict` called with a list that is
  /// filled after the call.
  @Test func oldModule() throws {
    let dictionary = { (list: Int) in "ccollections\nOrderedDict\n(lp\(list)\n\u{5}R" }
    let parameter = "ctorch.nn.parameter\nParameter\n(\(Self.tensor())tR(I01\nI00\nNtb"
    var object = "(S'module'\ncnet\nNet\nS'net.py'\nS'class Net'\ntQ)\u{1}"  // The class.
    object += "(dS'_parameters'\n\(dictionary(1))sS'_buffers'\n\(dictionary(2))sS'_modules'\n\(dictionary(3))s"
    object += "S'_backend'\nctorch.nn.backends.thnn\n_get_thnn_function_backend\n)Rsb"
    object += "g1\n(lS'weight'\na\(parameter)aa0g1\n(lS'bias'\naNaa0."
    // Opcodes above 127 stand as control characters above.
    let bytes = Array(object.utf8).map { $0 == 5 ? 0x85 : $0 == 1 ? 0x81 : $0 }
    let checkpoint = try PyTorchCheckpoint(bytes: Self.file(bytes, floats: [1, 2, 3, 4]))
    #expect(checkpoint.names == ["weight"])
    #expect(checkpoint.parameters["weight"]?.floats == [1, 2])
    #expect(checkpoint.skipped == [])
    #expect(checkpoint.globals == ["net.Net", "torch.nn.backends.thnn._get_thnn_function_backend"])
  }

  /// Values of unknown calls among the parameters are named, and stop nothing else.
  @Test func unknownCalls() throws {
    let call = "cmylib\nQuantized\n(\(Self.tensor())tR"
    let object = Array("(dS'a'\n\(Self.tensor())sS'b'\n\(call)sS'c'\nI3\ns.".utf8)
    let checkpoint = try PyTorchCheckpoint(bytes: Self.file(object, floats: [1, 2, 3, 4]))
    #expect(checkpoint.names == ["a"])
    #expect(checkpoint.skipped == ["'b' is made by mylib.Quantized, which is not read"])
    #expect(checkpoint.globals == ["mylib.Quantized"])
  }

  /// Many views of one storage cannot take much more memory than it.
  @Test func repeatsAreBounded() {
    var object = "(d"
    for index in 0..<300 { object += "S'\(index)'\n\(Self.tensor(shape: "I\(65_000 + index)\n", strides: "I0\n"))s" }
    #expect {
      try PyTorchCheckpoint(bytes: Self.file(Array("\(object).".utf8), floats: [1, 2, 3, 4]))
    } throws: { error in
      if case .limit? = error as? FormatProblem { true } else { false }
    }
  }

  @Test func zipEntriesAreBounded() throws {
    let fixture = try #require(CheckpointFixtures.all.first { $0.name == "state dict, zip, deflated" })
    let problem = CheckpointTests.bytes(fixture.file).withUnsafeBytes { buffer -> FormatProblem? in
      do throws(FormatProblem) {
        var archive = try ZipArchive(buffer)
        guard let name = archive.indices.keys.first(where: { $0.hasSuffix("data.pkl") }) else { return nil }
        _ = try archive.entry(name, limit: 10)
        return nil
      } catch { return error }
    }
    guard case .limit = problem else {
      Issue.record("\(String(describing: problem))")
      return
    }
  }
}
