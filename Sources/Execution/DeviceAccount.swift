/// What a device did in a span of time, and what it waited for: each moment is told once, so that all parts add up to the span.
///
/// A moment in which any kernel runs is the device's. Of the others those in which something is copied are the copies'. In the rest the device
/// waits: the moment is shared evenly by the kinds of work that the host is at, and is nobody's where it is at none that was told.
package struct DeviceAccount: Hashable, Sendable {
  /// What a host does for a device.
  package enum Work: Int, Hashable, Sendable, CaseIterable {
    case decode
    /// Numbers for a network from rows of pictures, and what it makes where it belongs.
    case convert
    /// Chroma, alpha and sizes by interpolation, and all together to rows.
    case resize
    case encode
    /// Files to the disk.
    case store
    /// Files opened, tiles chosen, sessions made.
    case prepare
    /// Values to the memory that the device reads, the launch, and values back.
    case handOver
  }

  /// Who has an interval of time.
  package enum Owner: Hashable, Sendable {
    case kernels
    case copies
    case host(Work)

    static let count = Work.allCases.count + 2
    /// A number below `count`.
    fileprivate var number: Int {
      switch self {
      case .kernels: 0
      case .copies: 1
      case .host(let work): 2 + work.rawValue
      }
    }
  }

  /// A stretch of time in nanoseconds, from any fixed point; nothing where it ends before it begins.
  package struct Interval: Hashable, Sendable {
    package var owner: Owner
    package var start: Int
    package var end: Int

    package init(_ owner: Owner, from start: Int, to end: Int) {
      self.owner = owner
      self.start = start
      self.end = end
    }
  }

  /// Nanoseconds: of the whole span, of kernels, of copies beside which no kernel ran, and of waiting for nothing that was told.
  package private(set) var span = 0
  package private(set) var busy = 0
  package private(set) var copies = 0
  package private(set) var rest = 0
  /// Nanoseconds of waiting for a kind of work.
  private var waits = [Double](repeating: 0, count: Work.allCases.count)

  package init() {}

  /// Nanoseconds in which the device waited for a kind of work.
  package func waited(for work: Work) -> Double { waits[work.rawValue] }

  /// Goes on by a span of time. Intervals may overlap and reach beyond it; what lies outside counts nothing.
  package mutating func add(_ intervals: [Interval], over part: Range<Int>) {
    var changes: [(time: Int, owner: Int, change: Int)] = []
    changes.reserveCapacity(2 * intervals.count)
    for interval in intervals {
      let start = max(interval.start, part.lowerBound), end = min(interval.end, part.upperBound)
      guard start < end else { continue }
      changes.append((start, interval.owner.number, 1))
      changes.append((end, interval.owner.number, -1))
    }
    changes.sort { $0.time < $1.time }
    var active = [Int](repeating: 0, count: Owner.count), time = part.lowerBound
    for (next, owner, change) in changes {
      tell(next - time, active)
      time = next
      active[owner] += change
    }
    tell(part.upperBound - time, active)
    span += part.count
  }

  private mutating func tell(_ duration: Int, _ active: [Int]) {
    guard duration > 0 else { return }
    if active[0] > 0 {
      busy += duration
    } else if active[1] > 0 {
      copies += duration
    } else {
      let kinds = active.dropFirst(2).count { $0 > 0 }
      guard kinds > 0 else {
        rest += duration
        return
      }
      for index in waits.indices where active[index + 2] > 0 { waits[index] += Double(duration) / Double(kinds) }
    }
  }
}
