import Foundation
import Tensors
import Testing

@Suite struct ShapeTests {
  @Test func textRoundTrips() {
    #expect(Shape("1x3x256x255") == [1, 3, 256, 255])
    #expect(Shape([1, 3, 256, 255]).description == "1x3x256x255")
    #expect(Shape([]).description == "scalar")
    for bad in ["", "x", "1x", "1x0", "-1", "1x3.5", "9223372036854775808", " 1"] { #expect(Shape(bad) == nil, "\(bad)") }
  }

  @Test func counts() {
    #expect(Shape([2, 3, 4]).count == 24)
    #expect(Shape([]).count == 1)
    #expect(Shape([Int.max, 2]).checkedCount == nil)
    #expect(Shape([1 << 31, 1 << 31]).checkedCount == 1 << 62)
  }

  @Test func negativeExtentsDoNotDecode() throws {
    #expect(try JSONDecoder().decode(Shape.self, from: Data("[1,2]".utf8)) == [1, 2])
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(Shape.self, from: Data("[1,-2]".utf8)) }
  }
}

@Suite struct TensorTests {
  @Test func copiesAreIndependent() {
    let a = Tensor([2, 2], [1, 2, 3, 4])
    var b = a
    b.withUnsafeMutableFloats { $0[0] = 9 }
    #expect(a.floats == [1, 2, 3, 4])
    #expect(b.floats == [9, 2, 3, 4])
  }

  @Test func storageIsAligned() {
    for count in [1, 3, 17] {
      Tensor(zeros: [count]).withUnsafeBytes { #expect(UInt(bitPattern: $0.baseAddress) % 64 == 0) }
    }
  }

  @Test func equalityIsOfBits() {
    #expect(Tensor([1], [.nan]) == Tensor([1], [.nan]))
    #expect(Tensor([1], [0]) != Tensor([1], [-0.0]))
    #expect(Tensor([1, 2], [1, 2]) != Tensor([2, 1], [1, 2]))
    #expect(Tensor([1, 2], [1, 2]).reshaped([2, 1]) == Tensor([2, 1], [1, 2]))
    #expect(Tensor(zeros: [4], .int8) != Tensor(zeros: [1], .float32))
  }

  @Test func difference() {
    let result = Tensor([4], [1, 2, 3, 4]).difference(from: Tensor([4], [1, 2.5, 3, -8]))
    #expect(result.maximum == 12 && result.worstIndex == 3 && result.mean == 3.125 && result.scale == 8)
    #expect(result.relative == 1.5)
    let broken = Tensor([3], [1, .nan, 9]).difference(from: Tensor([3], [1, 2, 3]))
    #expect(broken.maximum.isNaN && broken.worstIndex == 1)
  }

  @Test func jsonRoundTrips() throws {
    let tensor = Tensor([1, 3], [1, -.infinity, .nan])
    let data = try JSONEncoder().encode(tensor)
    #expect(try JSONDecoder().decode(Tensor.self, from: data) == tensor)
    for bad in [
      #"{"shape":[2],"type":"float32","data":"AAAAAA=="}"#, #"{"shape":[1],"type":"float32","data":"!"}"#,
      #"{"shape":[1],"type":"float64","data":"AAAAAA=="}"#, #"{"shape":[-1],"type":"float32","data":""}"#,
      #"{"shape":[4611686018427387904],"type":"float32","data":""}"#,
      #"{"shape":[9223372036854775807,9],"type":"uint8","data":""}"#,
    ] {
      #expect(throws: DecodingError.self, "\(bad)") { try JSONDecoder().decode(Tensor.self, from: Data(bad.utf8)) }
    }
  }

  /// The first outputs for seed 1234567 of the published generator.
  @Test func splitMix64() {
    var generator = SplitMix64(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
      16_408_922_859_458_223_821,
    ]
    #expect((0..<5).map { _ in generator.next() } == expected)
    for _ in 0..<1000 { #expect((0..<1).contains(generator.nextUnit())) }
  }
}

/// Elements of every type as numbers.
@Suite struct TensorNumberTests {
  @Test func everyTypeIsRead() {
    #expect(Tensor([3], [0.5, -1, 3]).numbers == [0.5, -1, 3] && Tensor([1], [2]).integers == nil)
    for (element, values) in [
      (DataType.int8, [-128, 127, 0]), (.uint8, [0, 255, 7]), (.int32, [Int(Int32.min), Int(Int32.max), -1]),
    ] {
      let tensor = Tensor([3], element, integers: values)
      #expect(tensor.integers == values.map { Int32($0) } && tensor.numbers == values.map { Double($0) })
      #expect(tensor.byteCount == 3 * element.byteCount && element.integers?.lowerBound ?? 1 <= 0)
    }
    func halves(_ type: DataType, _ bits: [UInt16]) -> Tensor {
      Tensor(unsafeUninitialized: [bits.count], type) { bytes in
        _ = bytes.bindMemory(to: UInt16.self).initialize(fromContentsOf: bits)
      }
    }
    #expect(halves(.float16, [0x3C00, 0xC000, 1]).numbers == [1, -2, 0x1p-24])
    #expect(halves(.bfloat16, [0x3F80, 0xC000]).numbers == [1, -2])
  }

  @Test func differencesOfIntegers() {
    let a = Tensor([3], .int8, integers: [-128, 5, 6]), b = Tensor([3], .uint8, integers: [255, 5, 7])
    let difference = a.difference(from: b)
    #expect(difference.maximum == 383 && difference.worstIndex == 0 && difference.scale == 255 && difference.mean == 128)
    #expect(Tensor([3], [-128, 5, 6]).difference(from: a).maximum == 0)
  }
}
