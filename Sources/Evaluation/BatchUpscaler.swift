import Execution
import Files

/// Enlarges many pictures, and tells of them in their order.
///
/// Where the network runs on a device, pictures are in work at once, each on a share of the threads: some are decoded and some encoded while the
/// device runs another. On the processor one comes after the other, for each takes all threads. What is made and said of a picture does not
/// depend on that; but for the time that it takes.
public final class BatchUpscaler {
  /// What is told of a picture, in this order but for `progress` and `done`, which come in between.
  public enum Event {
    /// A line before the work begins.
    case notice(String)
    /// The share of its work that is done.
    case progress(Double)
    /// The number of pictures that are done, whichever they are.
    case done(Int)
    /// What became of it; nothing more comes of this picture.
    case finished(Result<UpscaleResult, EvaluationError>)
  }

  /// Of a limit on memory the first picture is not in company: what it leaves in memory is what the process holds without pictures.
  private let firstIsAlone: Bool
  /// Takes a picture alone, with all threads.
  private let whole: FileUpscaler
  private let watch: DeviceWatch?
  /// The most pictures that are in work at once; tests say a number of their own.
  package var mostAtOnce: Int
  /// What the process holds in memory at a moment; tests say a number of their own.
  package var residentByteCount: @Sendable () -> Int = { Machine.residentByteCount }
  /// What the process might have held at most, by the shares that pictures were given.
  package private(set) var mostByteCount = 0

  /// More than these do not make a device busier: each has a session of its own on it.
  private static let mostMembers = 8

  /// - Parameters:
  ///   - model: as in `FileUpscaler`.
  ///   - watches: whether `deviceUse` is asked for, of a device.
  public init(
    model: String? = nil, backend: any Backend, options: Upscaler.Options = Upscaler.Options(), watches: Bool = true
  ) throws(EvaluationError) {
    var backend = backend
    var watch: DeviceWatch?
    if var device = backend as? any DeviceBackend {
      if watches { watch = DeviceWatch() }
      device.watch = watch
      backend = device
      mostAtOnce = min(options.threadCount, Self.mostMembers)
    } else {
      mostAtOnce = 1
    }
    self.watch = watch
    firstIsAlone = options.memoryLimit != nil
    whole = try FileUpscaler(model: model, backend: backend, options: options)
  }

  /// Whether what is made for a target is as large as what it is made of, of all pictures.
  public func keepsSize(_ target: TargetSize?) -> Bool { whole.keepsSize(target) }

  /// As of `FileUpscaler`.
  public var notice: String? { whole.notice }

  /// What the device did since this was made; nil where there is none, or nobody asked.
  public var deviceUse: DeviceUse? { watch.map { DeviceUse($0.account) } }

  /// Enlarges the pictures.
  ///
  /// - Parameter tell: called on the caller's thread, of one picture after the other.
  public func upscale(
    _ items: [PictureBatch.Item], _ files: Upscaler.FileOptions, tell: (_ index: Int, Event) -> Void
  ) {
    let resident = residentByteCount
    whole.residentByteCount = { resident() }
    let first = firstIsAlone ? min(items.count, 1) : 0, count = min(mostAtOnce, items.count - first)
    let threads = count > 1 ? Self.threads(of: whole.options.threadCount, members: count) : []
    let alone = threads.isEmpty ? items.count : first
    for (index, item) in items[..<alone].enumerated() {
      let result = withoutActuallyEscaping(tell) { tell in
        Self.upscale(item, files, by: whole, notice: { tell(index, .notice($0)) }, progress: { tell(index, .progress($0)) })
      }
      tell(index, .done(index + 1))
      tell(index, .finished(result))
    }
    guard alone < items.count else { return }
    if firstIsAlone { whole.releaseSessions() }

    let sizes = SessionSizes(), company = PictureCompany(isWatchful: firstIsAlone, resident: resident),
      work = Monitor(Work(next: alone))
    let group = Group(
      whole: whole, company: company, work: work, items: items, files: files,
      upscalers: threads.map { FileUpscaler(whole, workerCount: $0, sizes: sizes) })
    for (number, upscaler) in group.upscalers.enumerated() {
      let member = CompanyMember(company, number: number)
      upscaler.residentByteCount = { member.held }
      upscaler.systemLimit = { member.systemLimit(.current, resident: resident()) }
      group.members.append(member)
    }
    let inherited = FileClaims.inherited
    let started = group.members.indices.compactMap { number in
      WorkThread { inherited { group.takeTurns(number) } }
    }
    // Without any thread the pictures are made here, and told when they are.
    if started.isEmpty { group.takeTurns(0) }
    for index in alone..<items.count { Self.tell(of: index, as: work, tell) }
    for thread in started { thread.join() }
    mostByteCount = max(mostByteCount, company.mostByteCount)
  }

  /// The threads of each member, which together are all that there are.
  static func threads(of count: Int, members: Int) -> [Int] {
    (0..<members).map { max(count / members + ($0 < count % members ? 1 : 0), 1) }
  }

  private static func upscale(
    _ item: PictureBatch.Item, _ files: Upscaler.FileOptions, by upscaler: FileUpscaler, notice: @escaping (String) -> Void,
    progress: @escaping (Double) -> Void
  ) -> Result<UpscaleResult, EvaluationError> {
    Result { () throws(EvaluationError) in try upscaler.upscaleFile(item, files, notice: notice, progress: progress) }
  }

  /// Waits for what comes of a picture, and tells it, until it is done.
  private static func tell(of index: Int, as work: Monitor<Work>, _ tell: (Int, Event) -> Void) {
    var told = Work.Picture(), done = 0
    while true {
      let picture = work.wait { work -> Work.Picture? in
        let picture = work.pictures[index] ?? Work.Picture()
        guard picture != told || work.done != done else { return nil }
        done = work.done
        if picture.result != nil { work.pictures[index] = nil }
        return picture
      }
      for line in picture.notices.dropFirst(told.notices.count) { tell(index, .notice(line)) }
      if let share = picture.share, share != told.share { tell(index, .progress(share)) }
      tell(index, .done(done))
      if let result = picture.result {
        tell(index, .finished(result))
        return
      }
      told = picture
    }
  }

  /// What the threads have taken and done.
  private struct Work: Sendable {
    /// Of a picture that was not told to its end.
    struct Picture: Equatable, Sendable {
      var notices: [String] = []
      var share: Double?
      var result: Result<UpscaleResult, EvaluationError>?
    }

    /// The picture that is taken next.
    var next: Int
    var done: Int
    var pictures: [Int: Picture] = [:]

    init(next: Int) {
      self.next = next
      done = next
    }
  }

  /// Those who work at once.
  ///
  /// Sendable because each member is one thread's, and `whole` is used by that alone for which the others wait.
  private final class Group: @unchecked Sendable {
    let whole: FileUpscaler
    let company: PictureCompany
    let work: Monitor<Work>
    let items: [PictureBatch.Item]
    let files: Upscaler.FileOptions
    let upscalers: [FileUpscaler]
    var members: [CompanyMember] = []

    init(
      whole: FileUpscaler, company: PictureCompany, work: Monitor<Work>, items: [PictureBatch.Item],
      files: Upscaler.FileOptions, upscalers: [FileUpscaler]
    ) {
      self.whole = whole
      self.company = company
      self.work = work
      self.items = items
      self.files = files
      self.upscalers = upscalers
    }

    /// The body of a thread: takes one picture after the other until none is left.
    func takeTurns(_ number: Int) {
      while let index = next() {
        let result = upscale(index, number)
        work.change { work in
          work.pictures[index, default: Work.Picture()].result = result
          work.done += 1
        }
      }
    }

    private func next() -> Int? {
      work.change { work in
        guard work.next < items.count else { return nil }
        work.next += 1
        return work.next - 1
      }
    }

    private func upscale(_ index: Int, _ number: Int) -> Result<UpscaleResult, EvaluationError> {
      let item = items[index], upscaler = upscalers[number], work = work
      // One that is begun again says nothing again.
      let notice = { (line: String) in
        work.change { work in
          guard work.pictures[index]?.notices.contains(line) != true else { return }
          work.pictures[index, default: Work.Picture()].notices.append(line)
        }
      }
      let progress = { (share: Double) in work.change { $0.pictures[index, default: Work.Picture()].share = share } }
      // What cannot be opened twice is read once.
      if item.input != "-", Folder.isPlainFile(item.input) {
        do throws(EvaluationError) {
          let result = try members[number].upscale({ () throws(EvaluationError) in try upscaler.plan(item, files) }) {
            (plan) throws(EvaluationError) in try upscaler.perform(plan, notice: notice, progress: progress)
          }
          if let result { return .success(result) }
        } catch {
          return .failure(error)
        }
      }
      return company.alone {
        // Those who wait hold no memory, the device's included.
        for upscaler in upscalers { upscaler.releaseSessions() }
        defer { whole.releaseSessions() }
        return BatchUpscaler.upscale(item, files, by: whole, notice: notice, progress: progress)
      }
    }
  }
}
