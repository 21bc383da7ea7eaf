extension TensorReference {
  /// What a value of a pickle is, seen as a tensor.
  enum Reading {
    case tensor(TensorReference)
    /// A tensor in a form that is not read, and why.
    case unsupported(String)
    /// No tensor at all.
    case other
  }

  /// More extents than any tensor of an image network has.
  private static let rankLimit = 16
  /// How many wrappers (`Parameter`, subclass) are looked through.
  private static let wrapperLimit = 8

  private static let wrappers: Set<String> = [
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter",
    "torch.nn.Parameter", "torch.nn.parameter.Buffer", "torch.nn.Buffer", "torch.autograd.variable.Variable",
    "torch.autograd.Variable",
  ]

  /// Reads a value as a tensor, looking through `Parameter`.
  static func read(_ value: PickleID, in arena: PickleArena) throws(FormatProblem) -> Reading {
    var callable: PickleGlobal?
    var arguments: [PickleID] = []
    var value = value
    for _ in 0..<wrapperLimit {
      guard let call = arena.call(value) else { return .other }
      callable = arena.callee(call)
      arguments = arena.arguments(call)
      if callable?.description == "torch._tensor._rebuild_from_type_v2", arguments.count >= 3 {
        // `(function, type, arguments, state)`: a subclass around a plain tensor.
        guard case .tuple(let inner) = arena[arguments[2]] else { return .other }
        callable = arena.global(arguments[0])
        arguments = inner
      }
      guard let callable else { return .other }
      if wrappers.contains(callable.description), let first = arguments.first {
        value = first
      } else {
        break
      }
    }
    guard let callable, callable.module == "torch._utils", callable.name.hasPrefix("_rebuild_") else { return .other }
    switch callable.name {
    case "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3": break
    case "_rebuild_parameter", "_rebuild_parameter_with_state": return .unsupported("is wrapped too often")
    default: return .unsupported("is made by \(callable), which is not read")
    }

    guard arguments.count >= 4, let storage = try StorageReference.read(arguments[0], in: arena),
      let start = arena.integer(arguments[1]), start >= 0, let extents = arena.items(arguments[2]),
      let steps = arena.items(arguments[3]), extents.count == steps.count
    else { throw .malformed(.checkpoint, part: "a tensor is not described as it should be") }
    guard extents.count <= rankLimit else {
      throw .limit(.checkpoint, part: "the extents of a tensor", limit: rankLimit)
    }
    let shape = extents.compactMap { arena.integer($0) }
    let strides = steps.compactMap { arena.integer($0) }
    guard shape.count == extents.count, strides.count == steps.count else {
      throw .malformed(.checkpoint, part: "an extent of a tensor is no integer")
    }

    var element = storage.element
    if callable.name == "_rebuild_tensor_v3" {
      guard arguments.count >= 7, let global = arena.global(arguments[6]) else {
        throw .malformed(.checkpoint, part: "a tensor has no element type")
      }
      guard let type = StorageElement(type: global) else { return .unsupported("holds \(global), which is not supported") }
      element = type
    }
    let metadata = callable.name == "_rebuild_tensor_v3" ? 7 : 6
    if arguments.count > metadata, arena.entryBound(arguments[metadata]) <= 16,
      let flags = arena.entries(arguments[metadata])
    {
      for flag in flags {
        // A negated or conjugated view: the storage holds other numbers than the tensor.
        if case .boolean(true) = arena[flag.value] { return .unsupported("is a view marked '\(arena.text(flag.key) ?? "?")'") }
      }
    }
    // A view's offset counts in elements of the storage; `offset` counts in elements of the tensor.
    let (bytes, overflow) = storage.viewOffset.multipliedReportingOverflow(by: storage.element.byteCount)
    let (offset, second) = start.addingReportingOverflow(bytes / element.byteCount)
    guard !overflow, !second, bytes % element.byteCount == 0 else {
      throw .malformed(.checkpoint, part: "the view of a storage lies outside it")
    }
    if case .other(let name, _) = element { return .unsupported("holds \(name), which is not supported") }
    return .tensor(TensorReference(storage: storage, element: element, offset: offset, shape: shape, strides: strides))
  }
}
