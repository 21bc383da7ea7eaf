import Files
import Tensors
import Testing

@testable import Formats

@Suite struct NPYFileTests {
  /// A file of any version with a header of our choice.
  private func file(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let count = header.utf8.count
    let length = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + data
  }

  private func file(type: String, shape: String, fortran: Bool = false, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    file("{'descr': '\(type)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n", data, version: version)
  }

  private func problem(_ bytes: [UInt8]) -> FormatProblem? {
    do throws(FormatProblem) {
      _ = try NPYFile.read(bytes: bytes)
      return nil
    } catch { return error }
  }

  @Test func headerIsThatOfNumPy() {
    let bytes = NPYFile.encoded(Tensor([2, 3], [1, 2, 3, 4, 5, 6]))
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    #expect(Array(bytes[..<10]) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0])
    #expect(Array(bytes[10..<10 + text.utf8.count]) == Array(text.utf8))
    #expect(bytes[127] == UInt8(ascii: "\n"))
    #expect(bytes.count == 128 + 24)
  }

  @Test(arguments: [[], [1], [7], [0, 3], [2, 3], [1, 3, 5, 7], Array(repeating: 1, count: 32)] as [[Int]])
  func roundTrip(extents: [Int]) throws {
    let folder = try Folder()
    let shape = Shape(extents)
    let tensor = Tensor(shape, (0..<shape.count).map { Float($0) - 0.5 })
    try NPYFile.write(tensor, to: folder.path + "/a.npy")
    #expect(folder.names == ["a.npy"])
    let bytes = try FileReader.bytes(of: folder.path + "/a.npy", limit: 1 << 20)
    #expect(bytes == NPYFile.encoded(tensor))
    #expect((bytes.count - tensor.byteCount) % 64 == 0)
    #expect(try NPYFile.read(folder.path + "/a.npy", shape: extents) == tensor)
    let (doublesShape, doubles) = try NPYFile.readDoubles(folder.path + "/a.npy")
    #expect(doublesShape == shape)
    #expect(doubles == tensor.floats.map(Double.init))
  }

  @Test func otherTypesOfOursRoundTrip() throws {
    var integers = Tensor(zeros: [3], .int32)
    integers.withUnsafeMutableBytes { $0.storeBytes(of: -5, toByteOffset: 4, as: Int32.self) }
    #expect(try NPYFile.read(bytes: NPYFile.encoded(integers)) == integers)
    for type in [DataType.int8, .uint8] {
      var tensor = Tensor(zeros: [2], type)
      tensor.withUnsafeMutableBytes { $0[1] = 0xFE }
      #expect(try NPYFile.read(bytes: NPYFile.encoded(tensor)) == tensor)
      #expect(try NPYFile.readDoubles(bytes: NPYFile.encoded(tensor)).values == [0, type == .int8 ? -2 : 254])
    }
    var half = Tensor(zeros: [1], .bfloat16)
    half.withUnsafeMutableBytes { $0.storeBytes(of: 0xBFC0, as: UInt16.self) }
    #expect(try NPYFile.read(bytes: NPYFile.encoded(half)).floats == [-1.5])
  }

  @Test(
    arguments: [
      ("<f4", [0, 0, 0xC0, 0x3F], 1.5), (">f4", [0x3F, 0xC0, 0, 0], 1.5), ("=f4", [0, 0, 0xC0, 0x3F], 1.5),
      ("<f8", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F], 1.5), (">f8", [0x3F, 0xF8, 0, 0, 0, 0, 0, 0], 1.5),
      ("<f2", [0x00, 0xBE], -1.5), (">f2", [0xBE, 0x00], -1.5),
      ("<i4", [0xFE, 0xFF, 0xFF, 0xFF], -2), (">i4", [0, 0, 1, 0], 256), (">i8", [0, 0, 0, 0, 0, 0, 0, 7], 7),
      ("<u4", [9, 0, 0, 0], 9), ("<i2", [0xFF, 0xFF], -1), (">u2", [1, 0], 256),
      ("|u1", [200], 200), ("|i1", [0xFF], -1), ("|b1", [1], 1),
    ] as [(String, [UInt8], Double)])
  func everyTypeIsRead(type: String, data: [UInt8], value: Double) throws {
    for version in 1...3 as ClosedRange<UInt8> {
      let bytes = file(type: type, shape: "(1,)", data, version: version)
      #expect(try NPYFile.readDoubles(bytes: bytes).values == [value])
      #expect(try NPYFile.read(bytes: bytes).convertedToFloat32().floats == [Float(value)])
    }
  }

  @Test func fortranOrderIsTurned() throws {
    // The elements of [[1, 2, 3], [4, 5, 6]] column by column.
    let columns: [Double] = [1, 4, 2, 5, 3, 6]
    let floats = columns.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: Float(value).bitPattern >> (8 * $0)) } }
    let doubles = columns.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (56 - 8 * $0)) } }
    let tensor = Tensor([2, 3], [1, 2, 3, 4, 5, 6])
    #expect(try NPYFile.read(bytes: file(type: "<f4", shape: "(2, 3)", fortran: true, floats)) == tensor)
    #expect(try NPYFile.read(bytes: file(type: ">f8", shape: "(2, 3)", fortran: true, doubles)) == tensor)
    #expect(
      try NPYFile.readDoubles(bytes: file(type: ">f8", shape: "(2, 3)", fortran: true, doubles)).values == [1, 2, 3, 4, 5, 6])
    #expect(try NPYFile.read(bytes: file(type: "<f4", shape: "(0, 3)", fortran: true, [])).shape == [0, 3])
  }

  @Test func doublesAreExact() throws {
    let value = 0.1
    let data = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    #expect(try NPYFile.readDoubles(bytes: file(type: "<f8", shape: "()", data)).values == [value])
    #expect(try NPYFile.read(bytes: file(type: "<f8", shape: "()", data)).floats == [Float(value)])
  }

  @Test func otherSpellingsAreRead() throws {
    let one: [UInt8] = [0, 0, 0x80, 0x3F]
    for header in [
      "{\"shape\":(1L,),\"fortran_order\":False,\"descr\":\"<f4\"}",
      "  { 'descr' : 'f4','fortran_order': False,'shape': ( 1 , ) }\n",
    ] {
      #expect(try NPYFile.read(bytes: file(header, one)).floats == [1])
    }
  }

  @Test func shapeIsChecked() throws {
    let folder = try Folder()
    let path = folder.path + "/x.npy"
    try NPYFile.write(Tensor(zeros: [1, 3, 5, 7]), to: path)
    #expect(try NPYFile.readFloats(path, shape: [1, 3, nil, nil]).shape == [1, 3, 5, 7])
    let expected = FormatProblem.arrayShape(expected: [nil, 1, nil, nil], got: [1, 3, 5, 7])
    #expect(throws: FormatError(source: path, problem: expected)) { try NPYFile.read(path, shape: [nil, 1, nil, nil]) }
    #expect(
      FormatError(source: "x.npy", problem: expected).description
        == "'x.npy' holds an array of 1x3x5x7 and must hold one of ?x1x?x?, where ? is any number")
    #expect(throws: FormatError.self) { try NPYFile.readDoubles(path, shape: [1, 3, 5]) }
  }

  @Test func hostileHeadersAreRefused() {
    #expect(problem([]) == .truncated(.npy, part: "the magic number and version"))
    #expect(problem(Array("PK\u{3}\u{4}".utf8)) == .notOfFormat(.npy))
    #expect(problem(file(type: "<f4", shape: "(1,)", [0, 0, 0, 0], version: 4)) != nil)
    #expect(problem(file(type: "<f4", shape: "(2,)", [0, 0, 0, 0])) == .truncated(.npy, part: "the elements"))
    #expect(problem(file(type: "<f4", shape: "(1,)", [0, 0, 0, 0, 0])) != nil)
    for shape in [
      "(4294967296, 4294967296)", "(4611686018427387904, 4, 0)", "(0, 4611686018427387904, 4)", "(99999999999999999999,)",
      "(-1,)", "(1.5,)", "(1", "3", "(1 2)", "(4611686018427387904,)", "((1,),)",
      "(" + String(repeating: "1,", count: 65) + ")",
    ] {
      for fortran in [false, true] { #expect(problem(file(type: "<f4", shape: shape, fortran: fortran, [0, 0, 0, 0])) != nil) }
    }
    #expect(
      problem(file(type: "|O", shape: "(1,)", [0])) == .unsupportedType(.npy, tensor: "array", type: "elements of type |O"))
    #expect(problem(file(type: "<c8", shape: "(1,)", [UInt8](repeating: 0, count: 8))) != nil)
    #expect(
      problem(file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", [0, 0, 0, 0]))
        == .unsupportedType(.npy, tensor: "array", type: "records"))
    #expect(problem(file("{'descr': '<f4', 'shape': (1,)}", [0, 0, 0, 0])) != nil)
    #expect(problem(file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", [0, 0, 0, 0])) != nil)
    #expect(problem(file("{'descr': " + String(repeating: "[", count: 5000), [])) != nil)
    // A header that claims four gigabytes.
    #expect(
      problem([0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 255])
        == .limit(.npy, part: "the header takes 4294967295 bytes", limit: 10_000))
    #expect(problem(file(type: "<i8", shape: "(1,)", [0, 0, 0, 0, 1, 0, 0, 0])) == .integerRange(tensor: "array"))
  }

  @Test func everyTruncationIsAnError() throws {
    for bytes in [
      NPYFile.encoded(Tensor([2, 3], [1, 2, 3, 4, 5, 6])),
      file(type: ">f8", shape: "(2, 1)", fortran: true, [UInt8](repeating: 3, count: 16), version: 3),
    ] {
      _ = try NPYFile.read(bytes: bytes)
      for count in 0..<bytes.count {
        let found = problem(Array(bytes[..<count]))
        #expect(found != nil, "\(count)")
        #expect(found?.description.contains("\n") == false)
      }
    }
  }

  @Test func randomDamageNeverCrashes() {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SplitMix64(seed: seed)
    let samples = [
      NPYFile.encoded(Tensor([2, 3], [1, 2, 3, 4, 5, 6])),
      file(type: ">f8", shape: "(2, 1)", fortran: true, [UInt8](repeating: 3, count: 16), version: 2),
    ]
    for round in 0..<10_000 {
      var damaged = samples[round % 2]
      for _ in 0...generator.next() % 3 {
        damaged[Int(generator.next() % UInt64(damaged.count))] ^= UInt8(1 + generator.next() % 255)
      }
      do throws(FormatProblem) {
        let tensor = try NPYFile.read(bytes: damaged)
        #expect(tensor.byteCount <= damaged.count, "seed \(seed), round \(round)")
        _ = try NPYFile.readDoubles(bytes: damaged)
      } catch {
        #expect(!error.description.contains("\n"), "seed \(seed), round \(round)")
      }
    }
  }
}
