import Testing
import Training

@Suite struct LearningRateTests {
  @Test func ratesAreThoseOfTheFormulas() {
    let step = LearningRate(0.1, .step(epochs: 10, factor: 0.1))
    #expect(step.value(step: 999, stepsPerEpoch: 100) == 0.1)
    #expect(step.value(step: 1000, stepsPerEpoch: 100) == 0.1 * 0.1)
    #expect(step.value(step: 2999, stepsPerEpoch: 100) == 0.1 * 0.1 * 0.1)
    let milestones = LearningRate(1, .milestones([3, 5], factor: 0.5))
    #expect([2, 3, 4, 5, 9].map { milestones.value(step: $0, stepsPerEpoch: 1) } == [1, 0.5, 0.5, 0.25, 0.25])
    let cosine = LearningRate(1, .cosine(epochs: 4, least: 0.2))
    #expect(cosine.value(step: 0, stepsPerEpoch: 10) == 1)
    #expect(abs(cosine.value(step: 20, stepsPerEpoch: 10) - 0.6) < 1e-12)
    #expect(cosine.value(step: 40, stepsPerEpoch: 10) == 0.2)
    #expect(cosine.value(step: 99, stepsPerEpoch: 10) == 0.2)
    let warm = LearningRate(1, warmUpSteps: 3)
    #expect((0..<5).map { warm.value(step: $0, stepsPerEpoch: 1) } == [0.25, 0.5, 0.75, 1, 1])
  }
}
