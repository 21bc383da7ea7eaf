import Networks

extension Network {
  /// The same function without the nodes whose values reach no output and no update, without their parameters, and without parameters
  /// that belong to no node. Owners of parameters that are read or updated stay, with what they read.
  ///
  /// The inputs stay, read or not: they are what callers pass. Exact. Cost: one pass over the nodes.
  public func eliminatingDeadNodes() -> Network {
    var editor = NetworkEditor(self)
    editor.removeDeadNodes()
    return editor.result
  }
}
