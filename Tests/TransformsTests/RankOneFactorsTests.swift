import Tensors
import Testing

@testable import Transforms

@Suite struct RankOneFactorsTests {
  private func random(_ count: Int, seed: UInt64) -> [Double] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in Double(generator.nextUnit()) * 2 - 1 }
  }

  /// The singular values by one-sided Jacobi rotations, which shares nothing with what it tests.
  private func singularValues(_ matrix: [Double], rows: Int, columns: Int) -> [Double] {
    // The columns of the taller of the matrix and its transpose.
    var vectors = (0..<columns).map { j in (0..<rows).map { matrix[$0 * columns + j] } }
    if rows < columns { vectors = (0..<rows).map { i in (0..<columns).map { matrix[i * columns + $0] } } }
    let length = max(rows, columns)
    for _ in 0..<60 {
      var isDone = true
      for p in vectors.indices {
        for q in vectors.indices.dropFirst(p + 1) {
          let a = zip(vectors[p], vectors[p]).reduce(0) { $0 + $1.0 * $1.1 }
          let b = zip(vectors[q], vectors[q]).reduce(0) { $0 + $1.0 * $1.1 }
          let c = zip(vectors[p], vectors[q]).reduce(0) { $0 + $1.0 * $1.1 }
          if abs(c) <= 1e-14 * (a * b).squareRoot() { continue }
          isDone = false
          let zeta = (b - a) / (2 * c)
          let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
          let cosine = 1 / (1 + tangent * tangent).squareRoot(), sine = cosine * tangent
          for i in 0..<length {
            (vectors[p][i], vectors[q][i]) = (
              cosine * vectors[p][i] - sine * vectors[q][i], sine * vectors[p][i] + cosine * vectors[q][i]
            )
          }
        }
      }
      if isDone { break }
    }
    return vectors.map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }.sorted(by: >)
  }

  private func residual(_ matrix: [Double], _ factors: RankOneFactors) -> Double {
    var sum = 0.0
    for (i, a) in factors.column.enumerated() {
      for (j, b) in factors.row.enumerated() {
        let difference = matrix[i * factors.row.count + j] - a * b
        sum += difference * difference
      }
    }
    return sum.squareRoot()
  }

  /// No product of a column and a row lies nearer than the root of the squares of all singular values but the largest
  /// (Eckart and Young 1936).
  @Test(arguments: [(64, 9), (9, 64), (1, 9), (9, 1), (1, 1), (25, 25), (3, 49), (130, 49)])
  func theResidualIsTheOptimum(rows: Int, columns: Int) {
    for seed in UInt64(1)...2 {
      let matrix = random(rows * columns, seed: seed)
      let factors = RankOneFactors(matrix, rows: rows, columns: columns)
      let rest = singularValues(matrix, rows: rows, columns: columns).dropFirst()
      let optimum = rest.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let norm = matrix.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(residual(matrix, factors) - optimum) <= 1e-9 * norm, "seed \(seed)")
      let lengths = [factors.column, factors.row].map { $0.reduce(0) { $0 + $1 * $1 } }
      #expect(abs(lengths[0] - lengths[1]) <= 1e-12 * lengths[0])
      #expect((factors.row.max { abs($0) < abs($1) } ?? 0) > 0)
    }
  }

  /// Steps one by one, where squaring would cost too much.
  @Test func aLargeMatrixOfLowRank() {
    let (rows, columns) = (140, 150)
    let (a, b, c, d) = (random(rows, seed: 1), random(columns, seed: 2), random(rows, seed: 3), random(columns, seed: 4))
    var matrix = [Double](repeating: 0, count: rows * columns)
    for i in 0..<rows { for j in 0..<columns { matrix[i * columns + j] = a[i] * b[j] + 0.1 * c[i] * d[j] } }
    let factors = RankOneFactors(matrix, rows: rows, columns: columns)
    let norm = matrix.reduce(0) { $0 + $1 * $1 }
    let lengths = [factors.column, factors.row].map { $0.reduce(0) { $0 + $1 * $1 } }
    // The residual's square is what is left of the norm's beside the largest singular value's.
    let left = residual(matrix, factors)
    #expect(abs(left * left - (norm - lengths[0] * lengths[1])) <= 1e-9 * norm && left * left <= 0.02 * norm)
  }

  @Test func equalSingularValues() {
    let factors = RankOneFactors([2, 0, 0, 2], rows: 2, columns: 2)
    #expect(abs(residual([2, 0, 0, 2], factors) - 2) <= 1e-12)
  }

  @Test func zeroAndTinyMatrices() {
    #expect(RankOneFactors([0, 0, 0, 0, 0, 0], rows: 2, columns: 3).column == [0, 0])
    let tiny = RankOneFactors([3e-30, 4e-30], rows: 1, columns: 2)
    #expect(residual([3e-30, 4e-30], tiny) <= 1e-42)
  }

  @Test func sameBitsAgain() {
    let matrix = random(64 * 9, seed: 9)
    let first = RankOneFactors(matrix, rows: 64, columns: 9), second = RankOneFactors(matrix, rows: 64, columns: 9)
    #expect(first.column == second.column && first.row == second.row)
  }
}
