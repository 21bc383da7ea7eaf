import Execution
import Files

/// Pictures that are in work at once, each on a thread of its own, and the memory that they share.
///
/// One is planned at a time, as if what the others may take were held already, and gets its share before it begins. A picture may also ask to
/// be alone: none begins then until it is done, and those in work are waited for.
final class PictureCompany: Sendable {
  private struct State {
    var shares = MemoryShares()
    /// Whether one is planned, or alone.
    var isTaken = false
    var mostByteCount = 0
  }

  private let state = Monitor(State())
  private let resident: @Sendable () -> Int

  private let isWatchful: Bool

  /// - Parameters:
  ///   - resident: what the process holds at a moment.
  ///   - isWatchful: whether that is asked before each picture; else only while none is in work, for the system looks long.
  init(isWatchful: Bool, resident: @escaping @Sendable () -> Int) {
    self.isWatchful = isWatchful
    self.resident = resident
  }

  /// What the process might have held at most.
  var mostByteCount: Int { state.change { $0.mostByteCount } }

  /// Begins with a picture, which is then planned.
  ///
  /// - Returns: what the process holds with all that the others may take.
  func begin() -> Int {
    take()
    let isAsked = isWatchful || state.change { $0.shares.count == 0 }, resident = isAsked ? resident() : 0
    return state.change { state in
      if isAsked { state.shares.note(resident: resident) }
      return state.shares.byteCount
    }
  }

  /// Ends the planning: the picture may take so much from here on.
  func goOn(_ number: Int, taking byteCount: Int) {
    state.change { state in
      state.shares.give(byteCount, to: number)
      state.mostByteCount = max(state.mostByteCount, state.shares.byteCount)
      state.isTaken = false
    }
  }

  /// Ends the planning of a picture that is not gone on with.
  func giveUp() { state.change { $0.isTaken = false } }

  /// Ends a picture that was gone on with.
  func end(_ number: Int) { state.change { $0.shares.takeBack(from: number) } }

  /// Does something while no picture is in work.
  func alone<R>(_ body: () -> R) -> R {
    take()
    state.wait { $0.shares.count == 0 ? () : nil }
    defer { giveUp() }
    return body()
  }

  private func take() {
    state.wait { state -> Void? in
      guard !state.isTaken else { return nil }
      state.isTaken = true
      return ()
    }
  }
}

/// One of those who work on pictures at once: a `FileUpscaler` with threads of its own.
final class CompanyMember {
  private let company: PictureCompany
  private let number: Int
  /// What the process holds with all that the others may take, at the beginning of the picture at work.
  private(set) var held = 0

  init(_ company: PictureCompany, number: Int) {
    self.company = company
    self.number = number
  }

  /// What the system leaves: half of the machine at most, for one picture after the other would take less; what others may still take of
  /// a limit of the process is theirs.
  func systemLimit(_ limit: MemoryLimit, resident: @autoclosure () -> Int) -> MemoryLimit {
    switch limit.cause {
    case .machine, .container: limit.with(limit.byteCount / 2)
    case .addressSpace, .data: limit.with(max(limit.byteCount - max(held - resident(), 0), 0))
    }
  }

  /// Plans a picture and does it; nil where it is one for a process that has nothing else to do: all that is said of such a one depends on the
  /// memory that there is.
  func upscale(
    _ plan: () throws(EvaluationError) -> FileUpscaler.Plan,
    _ perform: (FileUpscaler.Plan) throws(EvaluationError) -> UpscaleResult
  ) throws(EvaluationError) -> UpscaleResult? {
    held = company.begin()
    var planned: FileUpscaler.Plan
    do throws(EvaluationError) {
      planned = try plan()
    } catch {
      company.giveUp()
      if error.dependsOnMemory { return nil }
      throw error
    }
    guard let share = planned.takeShare() else {
      company.giveUp()
      return nil
    }
    company.goOn(number, taking: share)
    defer { company.end(number) }
    do throws(EvaluationError) {
      return try perform(planned)
    } catch {
      if error.dependsOnMemory { return nil }
      throw error
    }
  }
}

extension EvaluationError {
  /// Whether it might not be where there is more memory, on the host or on a device.
  fileprivate var dependsOnMemory: Bool {
    switch self {
    case .memoryLimit, .memoryOfProcess, .execution, .device, .image(.outOfMemory), .imageWithMend(.outOfMemory, _): true
    default: false
    }
  }
}

extension FileUpscaler.Plan {
  /// Fixes what the picture takes beyond what was held before, and keeps it to that; nil where it is not known, or where a smaller share than all of the
  /// memory has made a difference that is told.
  mutating func takeShare() -> Int? {
    switch file.course {
    case .skip: return 0
    case .pages: return nil
    case .picture(var job):
      guard !upscaler.makesAlpha(job.properties), job.notice(upscaler.options.tile) == nil else { return nil }
      let sessions = upscaler.runner.settle(job.plan)
      // As much as leads to the same sessions.
      let most = min(job.memory.peak(sessions: sessions + job.memory.byteCount(of: job.plan)), job.bound.byteCount)
      job.plan.budget = sessions
      job.bound.byteCount = most
      file.source.bound.byteCount = most
      file.course = .picture(job)
      return max(most - file.held, 0)
    }
  }
}
