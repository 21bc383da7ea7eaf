import Files

/// What a run may take of the machine's memory.
package enum PhysicalMemory {
  /// In bytes: the tightest limit at this moment, of the machine or of this process.
  package static var byteCount: Int { MemoryLimit.current.byteCount }
}
