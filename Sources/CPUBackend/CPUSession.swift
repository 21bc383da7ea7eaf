import Execution
import Files
import Networks
import Tensors

/// A program with its memory. A run allocates nothing but output tensors that the caller does not have.
final class CPUSession: TimingSession {
  let inputShapes: [Shape]
  let outputShapes: [Shape]
  private let inputElements: [DataType]
  /// Those of the outputs, then those of what updates set.
  private let programOutputShapes: [Shape]
  private let programOutputElements: [DataType]
  let peakMemoryByteCount: Int
  let recomputation: Recomputation?

  private let program: Program
  private let schedule: BandSchedule
  private let inputNames: [String]
  private let model: CPUModel
  /// What the last outputs of the program set at the end of a run.
  private let updatedParameters: [String]
  private let store: PackStore
  /// The inputs whose kernels were chosen.
  private let wholeShapes: [Shape]
  /// What the program takes for granted of weights: where convolutions that only move channels take them from.
  private let selections: [String: [Int]]
  /// What runs in the place of this, where that is no longer so.
  private var replacement: CPUSession?
  /// What the steps read.
  let packs: [Pack]
  /// What the packs were filled from: see `PackStore.generation`.
  private var generation = -1
  private let threads: EngineThreads
  /// Of each item of the schedule, in its order.
  private let sharing: [Sharing]
  /// Of each item the threads that share it where it is shared.
  private let threadCounts: [Int]
  /// Nil where there is nothing to find out.
  private var trial: SharingTrial?
  private let arena: Arena
  private let arenaOffsets: [Int]
  private let scratchOffset: Int
  private let scratchStride: Int
  private let sharedOffset: Int
  /// Of each thread: they differ in the values of which each has a copy.
  private let values: UnsafeMutablePointer<ValueMemory>
  /// As steps know them, of each thread: the same where each value is there once.
  private let slots: UnsafeMutablePointer<ValueMemory>
  /// Of each group the values that steps know by other names than before.
  private let meant: [[(slot: Int, value: Int)]]
  /// Of each group, where threads take images of their own.
  private let sharesImages: [Sharing]
  /// Whether each run has work for all threads.
  private let alwaysShares: Bool

  init(
    _ plain: Program, network: Network, types: [String: ValueType], kernelsFor whole: [Shape], model: CPUModel
  ) throws(ExecutionError) {
    let engine = model.engine, threadCount = engine.threadCount, shapes = types.mapValues(\.shape)
    self.model = model
    updatedParameters = network.updates.map(\.parameter)
    wholeShapes = whole
    selections = MovedChannels.selections(of: network)
    store = model.packs
    threads = engine.threads
    inputNames = network.inputs.map(\.name)
    inputShapes = network.inputs.compactMap { shapes[$0.name] }
    inputElements = network.inputs.map(\.element)
    programOutputShapes = network.leavingValues.compactMap { shapes[$0] }
    programOutputElements = network.leavingValues.compactMap { types[$0]?.element }
    outputShapes = programOutputShapes.dropLast(updatedParameters.count)
    let tensors = (inputShapes + programOutputShapes).reduce(0) { $0 + $1.count * 4 }
    let available = engine.availableByteCount
    let plan = SessionPlan(
      plain, network, shapes: shapes, engine: engine, tensorByteCount: tensors, available: available)
    let program = plan.program, schedule = plan.schedule
    self.program = program
    self.schedule = schedule
    recomputation = plan.recomputation
    let costs = StepCosts(program, network, shapes: shapes, engine: engine)
    let sharing = schedule.groups.flatMap(\.items).map { threadCount > 1 ? costs.sharing(of: $0) : .never }
    self.sharing = sharing
    threadCounts = schedule.groups.flatMap(\.items).map { costs.threadCount(of: $0, most: threadCount) }
    sharesImages = schedule.groups.map { group in
      group.imagesPerTask == nil || threadCount == 1 ? .never : costs.sharing(ofAll: group.items)
    }
    alwaysShares = (sharing + sharesImages).contains(.always)
    trial = (sharing + sharesImages).contains(.whenItPays) ? SharingTrial() : nil

    arenaOffsets = plan.arena.offsets
    scratchOffset = plan.arena.byteCount
    scratchStride = plan.scratchStride
    sharedOffset = scratchOffset + scratchStride * threadCount
    let needed = sharedOffset + plan.sharedByteCount
    // All that a run takes, before any of it is taken.
    peakMemoryByteCount = plan.peakByteCount
    guard peakMemoryByteCount <= available, let arena = Arena(byteCount: needed) else {
      throw .memory(needed: peakMemoryByteCount, available: available)
    }
    // Register tiles past the last pixel read whatever lies in the scratch, where denormals or NaNs would be slow: it is 0 at first.
    self.arena = arena
    if (sharing + sharesImages).contains(where: { $0 != .never }) { threads.start() }
    values = .allocate(capacity: max(program.layouts.count, 1) * threadCount)
    slots = program.repeated.isEmpty ? values : .allocate(capacity: max(program.slotCount, 1) * threadCount)
    meant = Self.meant(program, schedule)
    self.packs = program.packs
    generation = store.prepare(self.packs, loop)
  }

  /// Whether some value keeps only a part of its rows.
  var usesRings: Bool {
    program.layouts.indices.contains {
      schedule.ringRows[$0] < program.layouts[$0].height || schedule.ringImages[$0] < program.layouts[$0].batch
    }
  }

  /// What updates set in the last run, and in the one before.
  private var updates: [Tensor] = []
  private var oldUpdates: [Tensor] = []

  deinit {
    if slots != values { slots.deallocate() }
    values.deallocate()
  }

  /// What the names of values that are there more than once begin to mean with each group.
  private static func meant(_ program: Program, _ schedule: BandSchedule) -> [[(slot: Int, value: Int)]] {
    guard !program.repeated.isEmpty else { return schedule.groups.map { _ in [] } }
    var now = Array(0..<program.slotCount)
    return schedule.groups.map { group in
      var changes: [(slot: Int, value: Int)] = []
      for step in program.steps[group.steps] {
        for value in step.reads + [step.writes] where now[program.slot(value)] != value {
          now[program.slot(value)] = value
          changes.append((program.slot(value), value))
        }
      }
      return changes
    }
  }

  /// Does what is numbered below the count, on the threads if they are to be had.
  private func loop(_ count: Int, _ body: (Int) -> Void) {
    let pool = threads.threadCount > 1 && count > 1 ? threads.take() : nil
    defer { if pool != nil { threads.giveBack() } }
    if let pool { pool.run(count: count) { _, index in body(index) } } else { for index in 0..<count { body(index) } }
  }

  func releaseMemory() {
    arena.release()
    oldUpdates = []
    replacement?.releaseMemory()
  }

  func run(_ inputs: [Tensor], into outputs: inout [Tensor]) throws(ExecutionError) {
    if let replacement = try upToDate() { return try replacement.run(inputs, into: &outputs) }
    try run(inputs, into: &outputs, around: nil)
  }

  /// What runs in the place of this: nil while the program does what the network does. One at most, whatever is set how often.
  private func upToDate() throws(ExecutionError) -> CPUSession? {
    guard !(replacement ?? self).doesWhatNetworkDoes else { return replacement }
    replacement = nil
    replacement = try model.cpuSession(inputs: inputShapes, kernelsFor: wholeShapes)
    return replacement
  }

  private var doesWhatNetworkDoes: Bool {
    guard !selections.isEmpty, generation != store.generation else { return true }
    let now = MovedChannels.selections(of: model.network)
    return selections.allSatisfy { now[$0.key] == $0.value }
  }

  func timedRun(_ inputs: [Tensor]) throws(ExecutionError) -> (outputs: [Tensor], timeline: RunTimeline) {
    if let replacement = try upToDate() { return try replacement.timedRun(inputs) }
    let clock = ContinuousClock(), start = clock.now
    func nanoseconds() -> Int {
      let parts = (clock.now - start).components
      return Int(parts.seconds) * 1_000_000_000 + Int(parts.attoseconds / 1_000_000_000)
    }
    var timeline = RunTimeline(steps: describedSteps, events: [], nanoseconds: 0)
    timeline.events.reserveCapacity(schedule.groups.reduce(0) { $0 + $1.items.count })
    var outputs: [Tensor] = []
    try run(inputs, into: &outputs) { item, work in
      let start = nanoseconds()
      work()
      let threads = min(item.region.threadCount, self.program.steps[item.step].taskCount(item.region))
      timeline.events.append(
        RunTimeline.Event(step: item.step, start: start, duration: nanoseconds() - start, threadCount: max(threads, 1)))
    }
    timeline.nanoseconds = nanoseconds()
    return (outputs, timeline)
  }

  /// The steps for people, with what they move. Values that keep a part of their rows count as cached.
  private var describedSteps: [RunTimeline.Step] {
    program.steps.map { step in
      let output = program.layouts[step.writes]
      var traffic = RunTimeline.Traffic(
        constantBytes: step.constantByteCount,
        heldBytes: min(output.movedByteCount, schedule.byteCount(of: step.writes, program.layouts[step.writes])))
      for value in Set(step.reads + [step.writes] + step.alsoWrites) {
        let layout = program.layouts[value]
        if schedule.ringRows[value] < layout.height {
          traffic.cachedBytes += layout.movedByteCount
        } else {
          traffic.valueBytes += layout.movedByteCount
        }
      }
      return RunTimeline.Step(
        node: step.node, kernels: step.kernelNames, work: step.work, traffic: traffic)
    }
  }

  /// Where a value of the arena begins, or what is a part or a view of one.
  private func arenaOffset(of value: Int) -> Int {
    switch program.places[value] {
    case .part(let whole, let channel), .view(let whole, let channel):
      arenaOffset(of: whole) + program.layouts[whole].byteOffset(channel: channel)
    case .arena, .input, .output, .inParts, .constant: arenaOffsets[value]
    }
  }

  /// Does the work in the order of the schedule: each item through `around`, or where there is none threads may take images of their own.
  private func run(
    _ inputs: [Tensor], into given: inout [Tensor], around: ((_ item: BandSchedule.Item, _ work: () -> Void) -> Void)?
  ) throws(ExecutionError) {
    guard inputs.count == inputShapes.count else { throw .inputCount(expected: inputShapes.count, got: inputs.count) }
    for (index, tensor) in inputs.enumerated() {
      guard tensor.shape == inputShapes[index] else {
        throw .inputShape(name: inputNames[index], expected: inputShapes[index], got: tensor.shape)
      }
      guard tensor.dataType == inputElements[index] else {
        throw .invalidNetwork(
          "the input '\(inputNames[index])' is of \(inputElements[index].rawValue) and gets \(tensor.dataType.rawValue)")
      }
    }
    if generation != store.generation { generation = store.prepare(self.packs, loop) }
    makeWritable(&given)
    // What updates set lives on as a parameter.
    let outputs = given + takeUpdateTensors()
    for (value, place) in program.places.enumerated() {
      let base: UnsafeMutableRawPointer =
        switch place {
        // Steps never write an input.
        case .input(let index): inputs[index].storage.base
        case .output(let index): outputs[index].storage.base
        case .arena, .part, .view: arena.base + arenaOffset(of: value)
        // Never read as a whole.
        case .inParts: arena.base
        case .constant(let index): program.constants[index].base
        }
      let layout = program.layouts[value], ring = schedule.ringRows[value]
      let images = ring < layout.height ? 1 : schedule.ringImages[value]
      for worker in 0..<threads.threadCount {
        let own = schedule.copies[value] > 1 ? worker * images * layout.bytesPerImage : 0
        values[worker * program.layouts.count + value] = ValueMemory(base + own, layout, images: images, ring: ring)
      }
    }
    let slotCount = program.slotCount
    if slots != values {
      for worker in 0..<threads.threadCount {
        (slots + worker * slotCount).update(from: values + worker * program.layouts.count, count: slotCount)
      }
    }
    let memory = RunMemory(values: slots, shared: arena.base + sharedOffset)
    let scratch = arena.base + scratchOffset
    let sharesMiddling = trial?.isShared ?? false, start = trial == nil ? 0 : ThreadPool.nanoseconds
    let pool = sharesMiddling || alwaysShares ? threads.take() : nil
    defer { if pool != nil { threads.giveBack() } }
    pool?.wakeThreads()
    #if DEBUG
      var live = LiveRows(program)
    #endif
    withExtendedLifetime((inputs, outputs)) {
      var index = 0
      for (number, group) in schedule.groups.enumerated() {
        for (slot, value) in meant[number] {
          for worker in 0..<threads.threadCount {
            slots[worker * slotCount + slot] = values[worker * program.layouts.count + value]
          }
        }
        #if DEBUG
          let mayShareImages = false
        #else
          let mayShareImages = around == nil
        #endif
        if mayShareImages, let images = group.imagesPerTask, let pool,
          sharesImages[number] == .always || sharesImages[number] == .whenItPays && sharesMiddling
        {
          runImages(group, images, pool, scratch)
          index += group.items.count
          continue
        }
        for var item in group.items {
          let step = program.steps[item.step]
          let isShared = sharing[index] == .always || sharing[index] == .whenItPays && sharesMiddling
          let shared = isShared ? pool : nil
          item.region.threadCount = shared == nil ? 1 : threadCounts[index]
          index += 1
          #if DEBUG
            live.allow(item, of: step, in: slots)
          #endif
          let region = item.region
          if let around {
            around(item) { perform(step, region, shared, memory, scratch) }
          } else {
            perform(step, region, shared, memory, scratch)
          }
        }
      }
    }
    // Where another run had the threads nothing was tried.
    if pool != nil || !sharesMiddling { trial?.record(nanoseconds: Double(ThreadPool.nanoseconds - start)) }
    if !updatedParameters.isEmpty {
      (oldUpdates, updates) = (updates, Array(outputs.suffix(updatedParameters.count)))
      try model.setParameters(
        Dictionary(uniqueKeysWithValues: zip(updatedParameters, outputs.suffix(updatedParameters.count))))
    }
  }

  /// A region of a step, with the threads of a pool where it is shared.
  private func perform(
    _ step: any Step, _ region: WorkRegion, _ pool: ThreadPool?, _ memory: RunMemory, _ scratch: UnsafeMutableRawPointer
  ) {
    for stage in 0..<step.stageCount(region) {
      let count = step.taskCount(region, stage: stage)
      guard let pool else {
        for task in 0..<count { step.perform(task, of: region, stage: stage, memory, scratch: scratch) }
        continue
      }
      pool.run(count: count, threads: region.threadCount) { worker, task in
        step.perform(task, of: region, stage: stage, memory, scratch: scratch + worker * scratchStride)
      }
    }
  }

  /// Each thread takes images through all steps of a group: what one step makes of them the next reads from the thread's own cache.
  private func runImages(_ group: BandSchedule.Group, _ images: Int, _ pool: ThreadPool, _ scratch: UnsafeMutableRawPointer) {
    let batch = program.layouts[program.steps[group.steps.upperBound - 1].writes].batch
    pool.run(count: (batch + images - 1) / images) { worker, number in
      let memory = RunMemory(
        values: slots + worker * program.slotCount, shared: arena.base + sharedOffset)
      for index in group.steps {
        let step = program.steps[index]
        let region = WorkRegion(images: number * images..<min((number + 1) * images, batch), rows: 0..<step.rowCount)
        for task in 0..<step.taskCount(region) {
          step.perform(task, of: region, stage: 0, memory, scratch: scratch + worker * scratchStride)
        }
      }
    }
  }

  /// Tensors for what updates set: those of the run before the last, which the last one's have replaced, where nobody else holds them. New memory
  /// in each step of training would take longer than the optimiser.
  private func takeUpdateTensors() -> [Tensor] {
    let shapes = programOutputShapes.suffix(updatedParameters.count)
    var tensors = oldUpdates
    oldUpdates = []
    for (index, shape) in shapes.enumerated() {
      if index == tensors.count {
        tensors.append(Tensor(unsafeUninitialized: shape) { _ in })
      } else if !tensors[index].isOverwritable(as: shape) {
        tensors[index] = Tensor(unsafeUninitialized: shape) { _ in }
      }
    }
    return tensors
  }

  /// Puts a new tensor in the place of each that cannot be written over.
  private func makeWritable(_ outputs: inout [Tensor]) {
    if outputs.count > outputShapes.count { outputs.removeLast(outputs.count - outputShapes.count) }
    for (index, shape) in outputShapes.enumerated() {
      let element = programOutputElements[index]
      if index == outputs.count {
        outputs.append(Tensor(unsafeUninitialized: shape, element) { _ in })
      } else if !outputs[index].isOverwritable(as: shape, element) {
        outputs[index] = Tensor(unsafeUninitialized: shape, element) { _ in }
      }
    }
  }
}
