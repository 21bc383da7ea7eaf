import CUDAKernels
import Networks
import Tensors
import Testing

@testable import CUDABackend

@Suite struct KernelTableTests {
  /// Every row is understood, has a name of its own, and is in the PTX that the program carries.
  @Test func rowsAreKernels() throws {
    let all = CUDAKernel.allCases
    #expect(all.count == cuda_kernel_count())
    #expect(Set(all.map(\.name)).count == all.count)
    let files = [false: String(cString: cuda_kernels_80()), true: String(cString: cuda_kernels_90a())]
    #expect(CompiledKernels.forHopper.names == Set(all.map(\.name)))
    #expect(CompiledKernels.forAll.names == Set(all.filter { !$0.isForHopper }.map(\.name)))
    // Kernels that begin before those ahead of them are done wait for them, and let the next one begin.
    for kernel in all {
      let text = String(
        decoding: try #require(CompiledKernels.forHopper.module(kernel.name)).map(UInt8.init(bitPattern:)), as: UTF8.self)
      #expect(text.contains("griddepcontrol.wait;") && text.contains("griddepcontrol.launch_dependents;"), "\(kernel.name)")
    }
    // Each is a module of its own, with the head of its file and no other kernel.
    for kernel in all {
      let file = kernel.isForHopper ? CompiledKernels.forHopper : .forAll
      let text = String(decoding: try #require(file.module(kernel.name)).dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
      #expect(text.hasPrefix(".version 8.4\n.target sm_") && text.hasSuffix("}\n"))
      #expect(text.split(separator: ".entry ").count == 2 && text.contains(".entry \(kernel.name)("))
    }
    #expect(CompiledKernels.forAll.module("nobody") == nil)
    #expect(files[false]!.contains(".target sm_80") && files[true]!.contains(".target sm_90a"))
  }

  /// All binary16 numbers, what lies halfway between two of them, and what is beyond.
  @Test func halvesAreRounded() {
    for bits in UInt16.min...UInt16.max {
      let value = Float(halfBits: bits)
      if value.isNaN {
        #expect(Float(halfBits: value.halfBits).isNaN)
        continue
      }
      #expect(value.halfBits == bits)
      guard bits & 0x7FFF < 0x7BFF else { continue }
      let next = Float(halfBits: bits + 1), middle = (value + next) / 2
      #expect(middle.halfBits == (bits & 1 == 0 ? bits : bits + 1))
      #expect((value + (next - value) * 0.499).halfBits == bits)
      #expect((value + (next - value) * 0.501).halfBits == bits + 1)
    }
    #expect(Float(65519).halfBits == 0x7BFF && Float(65520).halfBits == 0x7C00)
    #expect((-Float.greatestFiniteMagnitude).halfBits == 0xFC00 && Float(1e-9).halfBits == 0)
  }
}
