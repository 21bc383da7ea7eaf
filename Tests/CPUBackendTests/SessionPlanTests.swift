@testable import CPUBackend
import Execution
import GeneratedNetworks
import Networks
import Tensors
import TestSupport
import Testing
import Transforms

/// Plans of sessions in less memory than all values take: as pure things, and by the bits of their results.
@Suite struct SessionPlanTests {
  /// What is wrong with the names of values: steps of a group take turns, and a name means one value for all of them.
  private static func nameFault(_ plan: SessionPlan) -> String? {
    for group in plan.schedule.groups {
      var meant: [Int: Int] = [:]
      for step in plan.program.steps[group.steps] {
        for value in step.reads + [step.writes] {
          let slot = plan.program.slot(value)
          if meant[slot, default: value] != value { return "group \(group.steps): \(slot) means two values" }
          meant[slot] = value
        }
      }
    }
    return nil
  }

  @Test(arguments: Seeds.first(60)) func generatedNetworks(_ seed: Int) throws {
    var choices = ChoiceSource(seed: UInt64(seed))
    let kinds = GeneratedNetwork.Kind.allCases
    guard let generated = GeneratedNetwork(kinds[seed % kinds.count], &choices) else { return }
    let network = seed % 2 == 0 ? generated.network : generated.network.optimizedForInference()
    let threads = 1 + seed % 3
    let engine = CPUEngine(threadCount: threads)
    guard let plain = try? engine.prepare(network, inputs: generated.inputShapes) else { return }
    let expected = try plain.run(generated.inputs)
    let resolved = try network.resolvingSizes(inputs: generated.inputShapes)
    let shapes = try resolved.inferredShapes(inputs: generated.inputShapes)
    for limit in [0, plain.peakMemoryByteCount / 2, plain.peakMemoryByteCount * 7 / 8, plain.peakMemoryByteCount - 1] {
      let capped = CPUEngine(threadCount: threads, memoryLimit: limit, recomputesValues: true)
      var lowering = Lowering(
        resolved, types: shapes.mapValues { ValueType($0) }, wholeShapes: shapes, engine: capped,
        packs: PackStore(resolved.parameters))
      let plan = SessionPlan(
        try lowering.program(), resolved, shapes: shapes, engine: capped, tensorByteCount: 0, available: limit)
      #expect(Self.nameFault(plan) == nil)
      if let fault = ScheduleSimulation.fault(plan.program, plan.schedule) {
        Issue.record("seed \(seed), limit \(limit): \(fault)")
        return
      }
      // What is refused names what is enough.
      var session: (any Session)?
      do throws(ExecutionError) {
        session = try capped.prepare(network, inputs: generated.inputShapes)
      } catch {
        guard case .memory(let needed, _) = error else { throw error }
        #expect(needed > limit && needed <= plain.peakMemoryByteCount)
        session = try CPUEngine(threadCount: threads, memoryLimit: needed, recomputesValues: true).prepare(
          network, inputs: generated.inputShapes)
        #expect(session?.peakMemoryByteCount ?? .max <= needed)
      }
      for (index, tensor) in try (try #require(session)).run(generated.inputs).enumerated() {
        expectSameBits(tensor, expected[index], "seed \(seed), limit \(limit)")
      }
    }
  }
}
