import CKernels
import Networks

/// A row of the kernel table of CKernels (`kernels.def`).
///
/// Holds no references: threads copy it in their inner loops, and counting references there cost a twentieth of the time. Sendable
/// because the name it points at is a constant of the program.
package struct Kernel: @unchecked Sendable, BitwiseCopyable {
  package enum Family: UInt32, Sendable, CaseIterable, BitwiseCopyable {
    case multiply, gather, head, tail, depthwise, pointwise, winogradInput, winogradOutput, store, elementwise
    case maximumPool, averagePool, sum, binary, mix, softmaxAlong, softmaxAcross
  }

  private let nameBytes: UnsafePointer<CChar>
  package let instructionSet: InstructionSet
  package let family: Family
  /// Rows of the register tile; m of a Winograd transform; outputs of a tail; the side of a depthwise kernel (0: any).
  package let rows: Int
  /// Columns of the register tile in vectors; the stride of a depthwise kernel (0: any).
  package let vectors: Int
  fileprivate let function: @convention(c) () -> Void

  fileprivate init?(_ row: sw_kernel) {
    guard let instructionSet = InstructionSet.allCases.first(where: { $0.tag == row.isa }),
      let family = Family(rawValue: row.family.rawValue)
    else { return nil }
    nameBytes = row.name
    self.instructionSet = instructionSet
    self.family = family
    rows = Int(row.rows)
    vectors = Int(row.vectors)
    function = row.function
  }

  package var name: String { String(cString: nameBytes) }

  /// Columns of the register tile in floats.
  package var columns: Int { vectors * instructionSet.lanes }
}

/// The kernels of one instruction set.
package struct KernelTable: Sendable {
  package let instructionSet: InstructionSet
  package let rows: [Kernel]

  /// Every row of every instruction set that this build has.
  package static let all: [Kernel] = (0..<sw_kernel_count()).compactMap { Kernel(sw_kernel_at($0).pointee) }

  package init(_ instructionSet: InstructionSet) {
    self.instructionSet = instructionSet
    rows = Self.all.filter { $0.instructionSet == instructionSet }
  }

  /// The register tiles of a family, widest first.
  package func tiles(_ family: Kernel.Family) -> [Kernel] {
    rows.filter { $0.family == family }.sorted { $0.vectors > $1.vectors }
  }

  /// The kernel of a family whose `rows` are these. Traps when the table has none: every instruction set has every such row.
  package func kernel(_ family: Kernel.Family, rows count: Int) -> Kernel {
    guard let kernel = rows.first(where: { $0.family == family && $0.rows == count }) else {
      preconditionFailure("the kernel table of \(instructionSet) has no \(family) of \(count)")
    }
    return kernel
  }

  /// The depthwise kernel made for a square kernel and stride, or the one that takes any.
  package func depthwise(kernel size: Pair, stride: Pair, dilation: Pair) -> Kernel {
    let special = rows.first {
      $0.family == .depthwise && size == Pair($0.rows) && stride == Pair($0.vectors) && dilation == Pair(1)
    }
    return special ?? kernel(.depthwise, rows: 0)
  }
}

// The table holds functions of many types under one; the family says which. A row under the wrong family cannot exist: the same
// macro row writes the declaration and the table entry.
extension Kernel {
  package var multiply: sw_multiply_function { cast(.multiply) }
  package var gather: sw_gather_function { cast(.gather) }
  package var head: sw_head_function { cast(.head) }
  package var tail: sw_tail_function { cast(.tail) }
  package var depthwise: sw_depthwise_function { cast(.depthwise) }
  package var pointwise: sw_pointwise_function { cast(.pointwise) }
  package var winogradInput: sw_winograd_input_function { cast(.winogradInput) }
  package var winogradOutput: sw_winograd_output_function { cast(.winogradOutput) }
  package var store: sw_store_function { cast(.store) }
  package var elementwise: sw_elementwise_function { cast(.elementwise) }
  package var maximumPool: sw_pool_function { cast(.maximumPool) }
  package var averagePool: sw_pool_function { cast(.averagePool) }
  package var sum: sw_sum_function { cast(.sum) }
  package var binary: sw_binary_function { cast(.binary) }
  package var mix: sw_mix_function { cast(.mix) }
  package var softmaxAlong: sw_softmax_along_function { cast(.softmaxAlong) }
  package var softmaxAcross: sw_softmax_across_function { cast(.softmaxAcross) }

  private func cast<F>(_ expected: Family) -> F {
    precondition(family == expected, "\(name) is no \(expected) kernel")
    return unsafeBitCast(function, to: F.self)
  }
}
