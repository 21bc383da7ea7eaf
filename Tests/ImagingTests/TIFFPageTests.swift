import Testing

@testable import Imaging

/// Files of many pages, and chains of pages that do not simply end.
@Suite struct TIFFPageTests {
  /// Pages of one grey pixel, of the value of their number; pages beyond 255 begin with 0 again.
  ///
  /// - Parameter following: which page each is followed by; nil for none, and -1 for a place where no directory is.
  private static func file(
    _ count: Int, isBig: Bool = false, isSmaller: (Int) -> Bool = { _ in false }, following: (Int) -> Int?
  ) -> [UInt8] {
    func little(_ value: Int, _ size: Int) -> [UInt8] { TIFFStructure.Entry.little(value, size) }
    let offsetSize = isBig ? 8 : 4, head = isBig ? 16 : 8, start = head + 256
    let size = (isBig ? 8 : 2) + 10 * (isBig ? 20 : 12) + offsetSize
    func place(_ page: Int) -> Int { page < 0 ? start + count * size + 100 : start + page * size }
    var file: [UInt8] = [0x49, 0x49, isBig ? 43 : 42, 0] + (isBig ? [8, 0, 0, 0] : []) + little(start, offsetSize)
    file.reserveCapacity(start + count * size)
    file += (0..<256).map { UInt8($0) }
    for page in 0..<count {
      file += little(10, isBig ? 8 : 2)
      let values = [
        (254, isSmaller(page) ? 1 : 0), (256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, head + page % 256), (277, 1),
        (278, 1), (279, 1),
      ]
      for (tag, value) in values { file += little(tag, 2) + little(4, 2) + little(1, offsetSize) + little(value, offsetSize) }
      file += little(following(page).map(place) ?? 0, offsetSize)
    }
    return file
  }

  private static func reader(_ file: [UInt8], page: Int? = nil, pages: TIFFPages? = nil) throws -> ImageReader {
    try ImageReader(.init(file, path: "x.tif"), name: "x.tif", page: page, pages: pages)
  }

  /// More than 16 bits count, and each page is the one that is asked for.
  @Test(arguments: [false, true]) func manyPages(isBig: Bool) throws {
    let count = 70_001
    let file = Self.file(count, isBig: isBig) { $0 + 1 < count ? $0 + 1 : nil }
    let first = try Self.reader(file, page: 0)
    #expect(first.pageCount == count && first.remarks.isEmpty)
    var generator = SplitMix64(seed: 4)
    for page in [0, 1, 65_534, 65_535, 65_536, count - 1] + (0..<40).map({ _ in Int.random(in: 0..<count, using: &generator) })
    {
      let reader = try Self.reader(file, page: page, pages: first.pages)
      #expect(try reader.decoded().samples == .uint8([UInt8(page % 256)]), "page \(page)")
    }
    #expect(try Self.reader(file).remarks == ["the first of \(count) pages is read; the others are left out"])
  }

  /// Small pictures of others are none, wherever they stand.
  @Test func smallPicturesBetween() throws {
    let file = Self.file(300, isSmaller: { $0 % 3 == 0 }, following: { $0 < 299 ? $0 + 1 : nil })
    let first = try Self.reader(file, page: 0)
    #expect(first.pageCount == 200)
    for page in 0..<200 {
      let number = page / 2 * 3 + page % 2 + 1
      let image = try Self.reader(file, page: page, pages: first.pages).decoded()
      #expect(image.samples == .uint8([UInt8(number % 256)]), "page \(page)")
    }
  }

  /// A chain that leads back, or nowhere, has an end all the same, and that is said once.
  @Test(arguments: [1, 2, 5, 40], [false, true]) func chainsWithoutEnd(count: Int, isBig: Bool) throws {
    for target in Set([-1, 0, count / 2, count - 1]) {
      let file = Self.file(count, isBig: isBig) { $0 + 1 < count ? $0 + 1 : target }
      let first = try Self.reader(file, page: 0)
      #expect(first.pageCount == count)
      let words = target < 0 ? "is damaged" : "leads back into itself"
      #expect(first.remarks.count == 1 && first.remarks[0].contains("page \(count) ") && first.remarks[0].contains(words))
      for page in 1..<count {
        let reader = try Self.reader(file, page: page, pages: first.pages)
        #expect(reader.remarks.isEmpty)
        #expect(try reader.decoded().samples == .uint8([UInt8(page)]))
      }
      let remarks = try Self.reader(file).remarks
      #expect(remarks.count == (count > 1 ? 2 : 1) && remarks.last == first.remarks[0])
    }
  }
}
