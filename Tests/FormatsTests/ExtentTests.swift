import Testing

@testable import Formats

/// Shape arithmetic and the views that are cut by it.
@Suite struct ExtentTests {
  /// A sum or a product that stays within its bounds.
  private func within(_ extent: Extent?) throws -> Extent { try #require(extent) }

  @Test func polynomialsAddAndMultiply() throws {
    var symbols = SymbolTable()
    let h = symbols.symbol("h", declared: nil)
    let w = symbols.symbol("w", declared: nil)
    let again = symbols.symbol("h", declared: nil)
    #expect(again == h)
    let sum = try within(h + w)
    let square = try within(sum * sum)
    let parts = try within(within(h * h) + within(w * w))
    let mixed = try within(h * w)
    let expected = try within(parts + within(mixed.scaled(by: 2)))
    #expect(square == expected)
    let nothing = try within(h + -h)
    #expect(nothing == Extent(0))
    #expect(square.divided(by: h) == nil)
    #expect(mixed.divided(by: h) == w)
    let (six, three) = (try within(h.scaled(by: 6)), try within(h.scaled(by: 3)))
    #expect(six.ratio(to: three) == Rational(2))
    #expect(h.ratio(to: w) == nil)
  }

  @Test func floorsKeepWholeParts() throws {
    var symbols = SymbolTable()
    let h = symbols.symbol("h", declared: 9)
    let half = try within(symbols.floor(within(h.over(2))))
    #expect(symbols.declaredInteger(half) == 4)
    let doubled = try within(half.scaled(by: 2))
    let whole = symbols.floor(doubled)
    #expect(whole == doubled)
    // ⌊h / 2 + 3⌋ = ⌊h / 2⌋ + 3
    let shifted = try within(symbols.floor(within(within(h.over(2)) + Extent(3))))
    let expected = try within(half + Extent(3))
    #expect(shifted == expected)
    #expect(symbols.exact(doubled) == h)
    let undefined = symbols.quotient(h, Extent(0))
    #expect(undefined == nil)
    let negative = symbols.floor(Extent(-1.5))
    #expect(negative == Extent(-2))
  }

  @Test func polynomialsAreBounded() throws {
    var symbols = SymbolTable()
    var value = try within(symbols.symbol("a", declared: nil) + Extent(1))
    var rounds = 0
    while let next = value * value, rounds < 100 {
      value = next
      rounds += 1
    }
    #expect(rounds < 10)
  }

  @Test func nestedFloorsNeedNoStack() throws {
    var symbols = SymbolTable()
    let h = symbols.symbol("h", declared: nil)
    var value = h
    for _ in 0..<100_000 {
      value = try within(within(symbols.floor(within(within(value.over(2)) + Extent(0.25)))).scaled(by: 2))
    }
    #expect(symbols.exact(value) == h)
  }

  @Test func viewsSplitAndJoin() throws {
    var symbols = SymbolTable()
    let (n, h, w) = (
      symbols.symbol("n", declared: nil), symbols.symbol("h", declared: nil), symbols.symbol("w", declared: nil)
    )
    let image = ONNXView("x", [n, Extent(12), h, w])
    #expect(image.isPlain)
    let (tall, wide) = (try within(h.scaled(by: 2)), try within(w.scaled(by: 2)))
    let split = try #require(image.reshaped([n, Extent(3), Extent(2), Extent(2), h, w], symbols))
    let moved = split.transposed([0, 1, 4, 2, 5, 3])
    let joined = try #require(moved.reshaped([n, Extent(3), tall, wide], symbols))
    #expect(!joined.isPlain)
    #expect(joined.shape == [n, Extent(3), tall, wide])
    let cut = try #require(joined.reshaped([n, Extent(3), h, Extent(2), w, Extent(2)], symbols))
    let back = try #require(cut.transposed([0, 1, 3, 5, 2, 4]).reshaped([n, Extent(12), h, w], symbols))
    #expect(back.isPlain)
    // With one extent left open, and what does not divide.
    #expect(image.reshaped([n, Extent(-1), w], open: 1, symbols)?.groups == [1, 2, 1])
    #expect(image.reshaped([n, Extent(5), Extent(-1)], open: 2, symbols) == nil)
    #expect(image.transposed([0, 2, 3, 1]).transposed([0, 3, 1, 2]).isPlain)
    #expect(image.transposed([0, 2, 3, 1]).channelAxis == 3)
  }

  @Test func declaredSizesMeetConstants() throws {
    var symbols = SymbolTable()
    let (n, h, w) = (
      symbols.symbol("n", declared: 1), symbols.symbol("h", declared: 8), symbols.symbol("w", declared: 8)
    )
    let image = ONNXView("x", [n, Extent(12), h, w])
    let split = try #require(image.reshaped([1, 3, 2, 2, 8, 8].map { Extent($0) }, symbols))
    let moved = split.transposed([0, 1, 4, 2, 5, 3])
    let joined = try #require(moved.reshaped([1, 3, 16, 16].map { Extent($0) }, symbols))
    // What was computed at one size holds at all.
    let (tall, wide) = (try within(h.scaled(by: 2)), try within(w.scaled(by: 2)))
    #expect(joined.shape == [n, Extent(3), tall, wide])
    #expect(image.reshaped([1, 768].map { Extent($0) }, symbols)?.groups == [1, 3])
  }
}
