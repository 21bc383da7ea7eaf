import Execution
import Files
import Swiftlet
import Synchronization
import Testing

@testable import Evaluation

/// Pictures in work at once share what memory there is.
@Suite struct PictureCompanyTests {
  /// Whatever the shares, the base is what the process holds beside them, or more.
  @Test(arguments: 0..<100) func sharesAndBaseAreTold(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    var shares = MemoryShares(), base = 1000
    // What is held of the shares: of each some part.
    var taken: [Int: (share: Int, used: Int)] = [:]
    for _ in 0..<60 {
      switch generator.next() % 3 {
      case 0:
        let number = Int(generator.next() % 5), share = Int(generator.next() % 500)
        guard taken[number] == nil else { continue }
        shares.give(share, to: number)
        taken[number] = (share, Int(generator.next() % UInt64(share + 1)))
      case 1:
        guard let number = taken.keys.sorted().first else { continue }
        shares.takeBack(from: number)
        taken[number] = nil
      default:
        if taken.isEmpty { base = 500 + Int(generator.next() % 1000) }
        shares.note(resident: taken.values.reduce(base) { $0 + $1.used })
        #expect(shares.base >= base - taken.values.reduce(0) { $0 + $1.share - $1.used }, "seed \(seed)")
        if taken.isEmpty { #expect(shares.base == base) }
      }
      #expect(shares.count == taken.count)
      #expect(shares.byteCount == shares.base + taken.values.reduce(0) { $0 + $1.share })
    }
  }

  /// One is planned at a time, those who ask are alone, and together all stay within what there is.
  @Test(arguments: 1...4) func companyKeepsABound(threads: Int) {
    let company = PictureCompany(isWatchful: threads % 2 == 0) { 100 }, bound = 400
    let held = Atomic<Int>(100), planning = Atomic<Int>(0), working = Atomic<Int>(0), faults = Atomic<Int>(0)
    let alone = Atomic<Int>(0), done = Atomic<Int>(0)
    @Sendable func note(_ isGood: Bool) { if !isGood { faults.add(1, ordering: .relaxed) } }
    let started = (0..<threads).compactMap { number in
      WorkThread {
        var generator = SplitMix64(seed: UInt64(number))
        for _ in 0..<300 {
          let before = company.begin()
          note(planning.add(1, ordering: .sequentiallyConsistent).newValue == 1)
          note(alone.load(ordering: .sequentiallyConsistent) == 0)
          let wanted = 1 + Int(generator.next() % 330)
          planning.subtract(1, ordering: .sequentiallyConsistent)
          if before + wanted <= bound, wanted % 7 > 0 {
            company.goOn(number, taking: wanted)
            working.add(1, ordering: .sequentiallyConsistent)
            note(held.add(wanted, ordering: .sequentiallyConsistent).newValue <= bound)
            if wanted % 3 == 0 { ThreadPauses.short() }
            held.subtract(wanted, ordering: .sequentiallyConsistent)
            working.subtract(1, ordering: .sequentiallyConsistent)
            company.end(number)
          } else {
            company.giveUp()
            company.alone {
              note(alone.add(1, ordering: .sequentiallyConsistent).newValue == 1)
              note(working.load(ordering: .sequentiallyConsistent) == 0 && held.load(ordering: .sequentiallyConsistent) == 100)
              alone.subtract(1, ordering: .sequentiallyConsistent)
            }
          }
          done.add(1, ordering: .relaxed)
        }
      }
    }
    for thread in started { thread.join() }
    #expect(faults.load(ordering: .relaxed) == 0 && done.load(ordering: .relaxed) == threads * 300)
    #expect(company.mostByteCount <= bound && company.mostByteCount > 100)
  }

  @Test func threadsAreSharedOut() {
    for count in 1...20 {
      for members in 1...count {
        let threads = BatchUpscaler.threads(of: count, members: members)
        #expect(threads.count == members && threads.reduce(0, +) == count && (threads.max() ?? 0) - (threads.min() ?? 0) <= 1)
      }
    }
  }

  /// Shares of a report are whole numbers that add up.
  @Test(arguments: 0..<100) func percentAddUp(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let parts = (0..<1 + Int(generator.next() % 10)).map { _ in Double(generator.next() % 1000) }
    let sum = max(parts.reduce(0, +), 1), shares = parts.map { $0 / sum }
    let percent = DeviceUse.percent(shares)
    #expect(percent.reduce(0, +) == Int((shares.reduce(0, +) * 100).rounded()))
    for (whole, share) in zip(percent, shares) { #expect(abs(Double(whole) - share * 100) < 1, "\(shares)") }
  }
}

private enum ThreadPauses {
  /// Lets others come in between.
  static func short() {
    let end = Machine.seconds + 5e-5
    while Machine.seconds < end {}
  }
}
