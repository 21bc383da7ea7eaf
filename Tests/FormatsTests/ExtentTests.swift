import Testing

@testable import Formats

/// Shape arithmetic and the views that are cut by it.
@Suite struct ExtentTests {
  private var symbols = SymbolTable()

  @Test mutating func polynomialsAddAndMultiply() throws {
    let h = symbols.symbol("h", declared: nil)
    let w = symbols.symbol("w", declared: nil)
    let sum = try #require(h + w)
    let square = try #require(sum * sum)
    #expect(try #require(square + -(try #require(h * h))) == (w * w + (h * w)?.scaled(by: 2) ?? Extent(0)))
    #expect((h + -h) == Extent(0))
    #expect(square.divided(by: h) == nil)
    #expect((h * w)?.divided(by: h) == w)
    #expect(h.scaled(by: 6).ratio(to: h.scaled(by: 3)) == 2)
    #expect(h.ratio(to: w) == nil)
    #expect(symbols.symbol("h", declared: nil) == h)
  }

  @Test mutating func floorsKeepWholeParts() throws {
    let h = symbols.symbol("h", declared: 9)
    let half = try #require(symbols.floor(h.scaled(by: 0.5)))
    #expect(symbols.declaredInteger(half) == 4)
    #expect(symbols.floor(half.scaled(by: 2)) == half.scaled(by: 2))
    // ⌊h / 2 + 3⌋ = ⌊h / 2⌋ + 3
    #expect(symbols.floor(try #require(h.scaled(by: 0.5) + Extent(3))) == (half + Extent(3)))
    #expect(symbols.exact(half.scaled(by: 2)) == h)
    #expect(symbols.quotient(h, Extent(0)) == nil)
    #expect(symbols.floor(Extent(-1.5)) == Extent(-2))
  }

  @Test mutating func polynomialsAreBounded() throws {
    var value = try #require(symbols.symbol("a", declared: nil) + Extent(1))
    var rounds = 0
    while let next = value * value, rounds < 100 {
      value = next
      rounds += 1
    }
    #expect(rounds < 10)
  }

  @Test mutating func viewsSplitAndJoin() throws {
    let (n, h, w) = (symbols.symbol("n", declared: nil), symbols.symbol("h", declared: nil), symbols.symbol("w", declared: nil))
    let image = ONNXView("x", [n, Extent(12), h, w])
    #expect(image.isPlain)
    let split = try #require(image.reshaped([n, Extent(3), Extent(2), Extent(2), h, w], symbols))
    let moved = split.transposed([0, 1, 4, 2, 5, 3])
    let joined = try #require(moved.reshaped([n, Extent(3), h.scaled(by: 2), w.scaled(by: 2)], symbols))
    #expect(!joined.isPlain)
    #expect(joined.shape == [n, Extent(3), h.scaled(by: 2), w.scaled(by: 2)])
    let back = try #require(joined.reshaped([n, Extent(3), h, Extent(2), w, Extent(2)], symbols)).transposed([0, 1, 3, 5, 2, 4])
    #expect(try #require(back.reshaped([n, Extent(12), h, w], symbols)).isPlain)
    // With one extent left open, and what does not divide.
    #expect(image.reshaped([n, Extent(-1), w], open: 1, symbols)?.groups == [1, 2, 1])
    #expect(image.reshaped([n, Extent(5), Extent(-1)], open: 2, symbols) == nil)
    #expect(image.transposed([0, 2, 3, 1]).transposed([0, 3, 1, 2]).isPlain)
    #expect(image.transposed([0, 2, 3, 1]).channelAxis == 3)
  }

  @Test mutating func declaredSizesMeetConstants() throws {
    let (n, h, w) = (symbols.symbol("n", declared: 1), symbols.symbol("h", declared: 8), symbols.symbol("w", declared: 8))
    let image = ONNXView("x", [n, Extent(12), h, w])
    let split = try #require(image.reshaped([1, 3, 2, 2, 8, 8].map { Extent($0) }, symbols))
    let joined = try #require(
      split.transposed([0, 1, 4, 2, 5, 3]).reshaped([1, 3, 16, 16].map { Extent($0) }, symbols))
    // What was computed at one size holds at all.
    #expect(joined.shape == [n, Extent(3), h.scaled(by: 2), w.scaled(by: 2)])
    #expect(image.reshaped([1, 768].map { Extent($0) }, symbols)?.groups == [1, 3])
  }
}
