import Tensors
import Testing

@testable import Formats

@Suite struct PickleTests {
  static func read(_ text: String) throws -> PickleMachine.Result { try PickleMachine.read(Array(text.utf8)) }

  static func problem(_ bytes: [UInt8]) -> FormatProblem? {
    do throws(FormatProblem) {
      _ = try PickleMachine.read(bytes)
      return nil
    } catch { return error }
  }

  @Test func textProtocol() throws {
    let result = try Self.read("(lp0\nI42\naI01\naL-7L\naF2.5\naS'a\\x41\\n'\naV\\u00e9\nag0\na.")
    let items = try #require(result.arena.items(result.root))
    #expect(items.count == 7)
    #expect(result.arena.integer(items[0]) == 42)
    guard case .boolean(true) = result.arena[items[1]], case .real(2.5) = result.arena[items[3]] else {
      Issue.record("\(result.arena.values)")
      return
    }
    #expect(result.arena.integer(items[2]) == -7)
    #expect(result.arena.text(items[4]) == "aA\n")
    #expect(result.arena.text(items[5]) == "é")
    // The list holds itself, and reading that ends.
    #expect(items[6] == result.root)
  }

  @Test func longs() throws {
    for (digits, value): ([UInt8], Int) in [
      ([], 0), ([255], -1), ([0, 255], -256), ([255, 0], 255), ([0, 0, 0, 0, 0, 0, 0, 128], .min),
    ] {
      let result = try PickleMachine.read([0x8A, UInt8(digits.count)] + digits + [0x2E])
      #expect(result.arena.integer(result.root) == value)
    }
    let wide = try PickleMachine.read([0x8A, 9] + [UInt8](repeating: 1, count: 9) + [0x2E])
    guard case .wideInteger(let digits) = wide.arena[wide.root] else {
      Issue.record("no wide integer")
      return
    }
    #expect(digits.count == 9)
  }

  @Test func nothingIsTakenBelowAMark() {
    let underflow = FormatProblem.malformed(.checkpoint, part: "a pickle takes more values than it has")
    #expect(Self.problem(Array("N(\u{29}R.".utf8)) == underflow)
    #expect(Self.problem(Array(".".utf8)) == underflow)
    #expect(Self.problem(Array("N(.".utf8)) == underflow)
    #expect(Self.problem(Array("t.".utf8)) == .malformed(.checkpoint, part: "a pickle lacks a mark"))
    #expect(Self.problem(Array("(Nd.".utf8)) == .malformed(.checkpoint, part: "a key of a dictionary has no value"))
    #expect(
      Self.problem(Array("Nh\u{1}.".utf8)) == .malformed(.checkpoint, part: "a pickle refers to entry 1, which is absent"))
    #expect(Self.problem(Array("NNa.".utf8)) == .malformed(.checkpoint, part: "elements are appended to what is no list"))
  }

  @Test func dangerousGlobals() {
    for name in [
      "os system", "os.path join", "posix system", "nt system", "subprocess Popen", "builtins eval", "__builtin__ exec",
      "builtins getattr", "builtins __import__", "builtins eval.__call__", "importlib import_module", "sys modules",
      "shutil rmtree", "socket socket", "ctypes CDLL", "runpy run_path", "webbrowser open", "pty spawn", "operator attrgetter",
      "torch.hub load", "torch load",
    ] {
      let line = name.replacing(" ", with: "\n")
      #expect(Self.problem(Array("c\(line)\n.".utf8)) == .refusedGlobal(name.replacing(" ", with: ".")), "\(name)")
      #expect(Self.problem(Array("(i\(line)\n.".utf8)) == .refusedGlobal(name.replacing(" ", with: ".")), "\(name)")
    }
    for name in [
      "osmium\nsystem", "collections\nOrderedDict", "builtins\nset", "torch\nFloatStorage", "types\nSimpleNamespace",
    ] {
      #expect(Self.problem(Array("c\(name)\n.".utf8)) == nil, "\(name)")
    }
  }

  /// Millions of marks, duplicates or values end at a limit, and deep values need no deep stack.
  @Test func memoryIsBounded() throws {
    let count = PickleArena.valueLimit + 2
    for repeated in ["(", "]"] {
      let bytes = [UInt8](repeating: Array(repeated.utf8)[0], count: count)
      guard case .limit = Self.problem(bytes) else {
        Issue.record("\(repeated): \(String(describing: Self.problem(bytes)))")
        continue
      }
    }
    guard case .limit = Self.problem([0x4E] + [UInt8](repeating: 0x94, count: count)) else {
      Issue.record("the memo has no limit")
      return
    }
    let deep = [UInt8](repeating: 0x5D, count: 100_000) + [UInt8](repeating: 0x61, count: 99_999) + [0x2E]
    #expect(try PickleMachine.read(deep).arena.values.count == 100_000)
    let tuples = [0x4E] + [UInt8](repeating: 0x85, count: 100_000) + [0x2E]
    #expect(try PickleMachine.read(tuples).arena.values.count == 100_001)
    #expect(Self.problem([0x54, 0xFF, 0xFF, 0xFF, 0x7F, 0x41]) == .truncated(.checkpoint, part: "a pickle"))
    #expect(Self.problem([0x8D] + [UInt8](repeating: 0xFF, count: 8)) == .truncated(.checkpoint, part: "a pickle"))
  }
}

@Suite struct ForeignElementsTests {
  static func tensor(_ elements: ForeignElements, _ bytes: [UInt8]) throws -> Tensor {
    try bytes.withUnsafeBytes { buffer in
      Result { () throws(ForeignElements.Fault) in try elements.tensor(from: buffer) }
    }.get()
  }

  /// Random views of a ramp against indices computed one by one.
  @Test func stridedViews() throws {
    let ramp = (0..<60).flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: Float(value).bitPattern >> (8 * $0)) } }
    var generator = SplitMix64(seed: 11)
    var made = 0
    for _ in 0..<2_000 {
      let rank = Int.random(in: 0...4, using: &generator)
      let shape = (0..<rank).map { _ in Int.random(in: 0...4, using: &generator) }
      let strides = (0..<rank).map { _ in Int.random(in: 0...9, using: &generator) }
      let offset = Int.random(in: 0...20, using: &generator)
      var expected = [offset]
      for (extent, stride) in zip(shape, strides) {
        expected = expected.flatMap { start in (0..<extent).map { start + $0 * stride } }
      }
      let elements = ForeignElements(type: .float32, offset: offset, shape: shape, strides: strides, repeatLimit: 100)
      let isInside = (expected.max() ?? 0) < 60 && expected.count <= 100
      if isInside {
        let tensor = try Self.tensor(elements, ramp)
        #expect(tensor.floats == expected.map(Float.init), "\(shape) \(strides) \(offset)")
        made += 1
      } else {
        #expect(throws: ForeignElements.Fault.outOfBounds) { try Self.tensor(elements, ramp) }
      }
    }
    #expect(made > 500)
  }

  @Test func hostileStrides() throws {
    let bytes = [UInt8](repeating: 0, count: 16)
    for (shape, strides, offset) in [
      ([2], [Int.max], 0), ([2], [-1], 1), ([2, 2], [Int.max, Int.max], 0), ([1 << 62, 4], [0, 0], 0), ([4], [1], Int.max),
      ([1 << 40], [0], 0), ([5], [1], 0), ([4], [1], 1), ([], [], 4), ([-1], [1], 0), ([2], [], 0), ([], [], -1),
    ] {
      let elements = ForeignElements(type: .float32, offset: offset, shape: shape, strides: strides)
      #expect(throws: ForeignElements.Fault.outOfBounds, "\(shape) \(strides) \(offset)") { try Self.tensor(elements, bytes) }
    }
    // An extent of 1 makes its stride meaningless, however large.
    let unit = ForeignElements(type: .float32, offset: 1, shape: [1, 2, 1], strides: [.max, 1, .max])
    #expect(try Self.tensor(unit, bytes).shape == [1, 2, 1])
  }

  @Test func repeatsAreBounded() throws {
    let bytes = [UInt8](repeating: 0, count: 4)
    let once = ForeignElements(type: .float32, shape: [1000], strides: [0], repeatLimit: 1000)
    #expect(try Self.tensor(once, bytes).count == 1000)
    let twice = ForeignElements(type: .float32, shape: [1001], strides: [0], repeatLimit: 1000)
    #expect(throws: ForeignElements.Fault.outOfBounds) { try Self.tensor(twice, bytes) }
  }
}
