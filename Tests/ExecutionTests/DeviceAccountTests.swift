import Execution
import Synchronization
import Tensors
import Testing

/// Each moment is told once: of what a device did and waited for all parts add up to the whole.
@Suite struct DeviceAccountTests {
  private static let owners: [DeviceAccount.Owner] =
    [.kernels, .copies] + DeviceAccount.Work.allCases.map { DeviceAccount.Owner.host($0) }

  private static func intervals(_ generator: inout SplitMix64, count: Int, within length: Int) -> [DeviceAccount.Interval] {
    (0..<count).map { _ in
      let start = Int(generator.next() % UInt64(length + 40)) - 20
      // Some are empty, some end before they begin.
      return DeviceAccount.Interval(
        owners[Int(generator.next() % UInt64(owners.count))], from: start,
        to: start - 2 + Int(generator.next() % UInt64(length / 2 + 4)))
    }
  }

  /// Moment by moment, by the definition.
  private static func byMoments(
    _ intervals: [DeviceAccount.Interval], _ span: Range<Int>
  ) -> (busy: Int, copies: Int, rest: Int, waits: [DeviceAccount.Work: Double]) {
    var result = (busy: 0, copies: 0, rest: 0, waits: [DeviceAccount.Work: Double]())
    for moment in span {
      let active = Set(intervals.filter { $0.start <= moment && moment < $0.end }.map(\.owner))
      let works = active.compactMap { if case .host(let work) = $0 { work } else { nil } }
      if active.contains(.kernels) {
        result.busy += 1
      } else if active.contains(.copies) {
        result.copies += 1
      } else if works.isEmpty {
        result.rest += 1
      } else {
        for work in works { result.waits[work, default: 0] += 1 / Double(works.count) }
      }
    }
    return result
  }

  @Test(arguments: 0..<200) func partsAreThoseOfEachMoment(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let length = 1 + Int(generator.next() % 120)
    let intervals = Self.intervals(&generator, count: Int(generator.next() % 30), within: length)
    let expected = Self.byMoments(intervals, 0..<length)
    // At once, and in parts as time goes.
    var cuts = [0, length]
    for _ in 0..<Int(generator.next() % 4) { cuts.append(Int(generator.next() % UInt64(length + 1))) }
    cuts.sort()
    for ends in [[0, length], cuts] {
      var account = DeviceAccount()
      for (start, end) in zip(ends, ends.dropFirst()) { account.add(intervals, over: start..<end) }
      #expect(account.span == length && account.busy == expected.busy && account.copies == expected.copies, "seed \(seed)")
      #expect(account.rest == expected.rest, "seed \(seed)")
      var sum = Double(account.busy + account.copies + account.rest)
      for work in DeviceAccount.Work.allCases {
        sum += account.waited(for: work)
        #expect(abs(account.waited(for: work) - (expected.waits[work] ?? 0)) < 1e-6, "seed \(seed) \(work)")
      }
      #expect(abs(sum - Double(length)) < 1e-6)
    }
  }

  /// Threads tell what they do at once, more of it than is kept: nothing is lost or told twice.
  @Test(arguments: [1, 3]) func whatIsSettledIsKept(threads: Int) {
    let watch = DeviceWatch(), sum = Atomic<Int>(0)
    let started = (0..<threads).compactMap { number in
      WorkThread {
        for index in 0..<6_000 {
          let result = watch.during(index % 2 == 0 ? .decode : .encode) {
            if index % 5 == number { watch.note([(.copies, 100), (.kernels, 300), (.copies, 100)]) }
            return 1
          }
          sum.add(result, ordering: .relaxed)
        }
      }
    }
    #expect(started.count == threads)
    // Asked in between it is a whole, too.
    for _ in 0..<20 { check(watch.account) }
    for thread in started { thread.join() }
    #expect(sum.load(ordering: .relaxed) == threads * 6_000)
    let account = watch.account
    check(account)
    #expect(account.busy > 0 && account.waited(for: .decode) > 0 && account.waited(for: .resize) == 0)
  }

  private func check(_ account: DeviceAccount) {
    let parts = DeviceAccount.Work.allCases.reduce(Double(account.busy + account.copies + account.rest)) {
      $0 + account.waited(for: $1)
    }
    #expect(abs(parts - Double(account.span)) < 1e-3 * Double(max(account.span, 1)) + 1)
    #expect(account.busy >= 0 && account.copies >= 0 && account.rest >= 0)
  }

  /// What throws was work, too, and the error comes through.
  @Test func errorsComeThrough() {
    let watch = DeviceWatch()
    #expect(throws: ExecutionError.device("x")) {
      try watch.during(.store) { () throws(ExecutionError) in throw .device("x") }
    }
    let nobody: DeviceWatch? = nil
    #expect(nobody.during(.store) { 3 } == 3)
  }
}
