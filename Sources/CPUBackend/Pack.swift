import Synchronization
import Tensors

/// How parameters of a network lie for a kernel: the recipe of a pack, as a value.
///
/// `fill` follows from the layout and the tensors alone, so that equal layouts have equal packs, and sessions share them.
protocol PackLayout: Hashable, Sendable {
  /// The tensors that `fill` is given, in this order.
  var sources: [ParameterTensor] { get }
  /// Of the pack.
  var byteCount: Int { get }
  /// Pieces that may be filled on different threads.
  var partCount: Int { get }
  /// Writes a piece: the same places each time, in memory that was 0 at first.
  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor])
}

/// Constants as a kernel reads them: filled before the first run of a session that has them, and again when a parameter has changed.
///
/// Sendable because the store that hands it out fills it under its lock, while no session runs.
final class Pack: @unchecked Sendable {
  let layout: any PackLayout
  let byteCount: Int
  /// The parameters that it follows from.
  let parameters: Set<String>
  @exclusivity(unchecked) private var memory: AlignedBytes?
  @exclusivity(unchecked) private var start: UnsafeMutableRawPointer?
  /// Whether it holds what the parameters say.
  fileprivate(set) var isFilled = false

  /// - Parameter takesMemory: at once, as for a few constants that C structures point at; else when it is filled, for what a program
  ///   needs in all is known before any is taken.
  fileprivate init(_ layout: any PackLayout, takesMemory: Bool) {
    self.layout = layout
    byteCount = layout.byteCount
    parameters = layout.sources.reduce(into: []) { $0.formUnion($1.parameters) }
    if takesMemory { takeMemory() }
  }

  /// The bytes that it takes beside the parameters: none where it is one itself.
  var ownByteCount: Int { (layout as? ConstantValue)?.isShared == true ? 0 : byteCount }

  /// The parameter whose memory it is; nil where it has its own.
  @exclusivity(unchecked) private var shared: Tensor?

  fileprivate func share(_ tensor: Tensor) {
    shared = tensor
    start = tensor.storage.base
  }

  /// Where it begins. Traps before it has memory.
  var base: UnsafeMutableRawPointer {
    guard let start else { preconditionFailure("constants are read before they are packed") }
    return start
  }

  /// The same, of a pack of float32 numbers.
  var floats: UnsafeMutablePointer<Float> { base.floats }

  fileprivate func takeMemory() {
    guard memory == nil else { return }
    let bytes = AlignedBytes(count: byteCount)
    memory = bytes
    start = bytes.base
  }
}

/// The packs of a model: each is made once for all sessions that read it, and goes when none is left that does.
final class PackStore: @unchecked Sendable {
  private struct Reference {
    weak var pack: Pack?
  }

  /// Held while anything below changes.
  private let lock = Mutex(())
  private let changes = Atomic<Int>(0)
  private var parameters: [String: Tensor]
  private var packs: [AnyHashable: Reference] = [:]
  /// Those of the newest session: the next may be for other tiles of the same picture, and want them after that one has gone.
  private var newest: [Pack] = []

  init(_ parameters: [String: Tensor]) { self.parameters = parameters }

  /// The pack of a layout.
  func pack(_ layout: some PackLayout, takesMemory: Bool = false) -> Pack {
    lock.withLock { _ in
      let key = AnyHashable(layout)
      if let known = packs[key]?.pack {
        if takesMemory { known.takeMemory() }
        return known
      }
      let pack = Pack(layout, takesMemory: takesMemory)
      packs[key] = Reference(pack: pack)
      return pack
    }
  }

  /// Counts changes of parameters.
  var generation: Int { changes.load(ordering: .acquiring) }

  /// Fills those that are not filled with what the parameters say now, on threads, and keeps all of them until the next session comes.
  ///
  /// - Parameter loop: calls its body once for each number below the count, on any thread.
  /// - Returns: the generation that they are of.
  func prepare(_ wanted: [Pack], _ loop: (_ count: Int, _ body: (Int) -> Void) -> Void) -> Int {
    lock.withLock { _ in
      newest = wanted
      packs = packs.filter { $0.value.pack != nil }
      fill(wanted, loop)
      return generation
    }
  }

  /// Sets parameters. The packs that follow from them are filled anew before they are next read.
  func set(_ changed: [String: Tensor]) {
    lock.withLock { _ in
      parameters.merge(changed) { $1 }
      let names = Set(changed.keys)
      for case let pack? in packs.values.map(\.pack) where !pack.parameters.isDisjoint(with: names) { pack.isFilled = false }
      changes.add(1, ordering: .releasing)
    }
  }

  private func fill(_ wanted: [Pack], _ loop: (_ count: Int, _ body: (Int) -> Void) -> Void) {
    var seen: Set<ObjectIdentifier> = []
    var stale = wanted.filter { !$0.isFilled && seen.insert(ObjectIdentifier($0)).inserted }
    guard !stale.isEmpty else { return }
    // A slot for each pack, written by one thread.
    let tensors = UnsafeMutableBufferPointer<[Tensor]>.allocate(capacity: stale.count)
    tensors.initialize(repeating: [])
    defer { tensors.deinitialize().deallocate() }
    let parameters = parameters
    for pack in stale {
      guard let constant = pack.layout as? ConstantValue, constant.isShared else { continue }
      pack.share(constant.tensor.tensor(parameters))
      pack.isFilled = true
    }
    stale.removeAll(where: \.isFilled)
    loop(stale.count) { index in
      stale[index].takeMemory()
      tensors[index] = stale[index].layout.sources.map { $0.tensor(parameters) }
    }
    let parts = stale.indices.flatMap { index in (0..<stale[index].layout.partCount).map { (pack: index, part: $0) } }
    loop(parts.count) { index in
      let (pack, part) = parts[index]
      stale[pack].layout.fill(stale[pack].base, part: part, from: tensors[pack])
    }
    for pack in stale { pack.isFilled = true }
  }
}
