/// The product of a column and a row that lies nearest to a matrix, by the sum of squares: its largest singular value and vectors.
///
/// Signs and magnitudes are made unique: both factors have the same norm, and the row's largest entry is positive. The same matrix
/// gives the same bits.
struct RankOneFactors {
  private(set) var column: [Double]
  private(set) var row: [Double]

  /// - Parameter matrix: `rows` x `columns` values, row after row.
  init(_ matrix: [Double], rows: Int, columns: Int) {
    column = Array(repeating: 0, count: rows)
    row = Array(repeating: 0, count: columns)
    var direction = Self.leadingRow(matrix, rows: rows, columns: columns)
    guard let largest = direction.indices.max(by: { abs(direction[$0]) < abs(direction[$1]) }), direction[largest] != 0 else {
      return
    }
    if direction[largest] < 0 { for index in direction.indices { direction[index] *= -1 } }
    // With a unit row the best column is the product.
    for i in 0..<rows { column[i] = Self.dot(matrix, i * columns, direction) }
    let root = Self.norm(column).squareRoot()
    guard root > 0 else { return }
    column = column.map { $0 / root }
    row = direction.map { $0 * root }
  }

  /// The unit vector that the matrix lengthens most; zero where the matrix is zero.
  private static func leadingRow(_ matrix: [Double], rows: Int, columns: Int) -> [Double] {
    if rows < columns {
      // The smaller Gram matrix gives the column, and the column the row.
      var transposed = matrix
      for i in 0..<rows { for j in 0..<columns { transposed[j * rows + i] = matrix[i * columns + j] } }
      let column = leadingRow(transposed, rows: columns, columns: rows)
      return unit((0..<columns).map { dot(transposed, $0 * rows, column) })
    }
    var gram = [Double](repeating: 0, count: columns * columns)
    for i in 0..<rows {
      for j in 0..<columns {
        let factor = matrix[i * columns + j]
        for k in 0..<columns { gram[j * columns + k] += factor * matrix[i * columns + k] }
      }
    }
    // Squaring 30 times is 2^30 steps of a power iteration: singular values closer to the largest than that leave the same
    // residual. Large matrices, whose cube would cost too much, take steps one by one.
    var power = gram
    if columns <= 128 {
      for _ in 0..<30 {
        guard normalize(&power) else { return Array(repeating: 0, count: columns) }
        power = squared(power, columns)
      }
    }
    let start = (0..<columns).max { power[$0 * columns + $0] < power[$1 * columns + $1] } ?? 0
    var vector = unit(Array(power[start * columns..<(start + 1) * columns]))
    for _ in 0..<(columns <= 128 ? 2 : 200) { vector = unit((0..<columns).map { dot(gram, $0 * columns, vector) }) }
    return vector
  }

  private static func squared(_ matrix: [Double], _ side: Int) -> [Double] {
    var result = [Double](repeating: 0, count: side * side)
    for i in 0..<side {
      for k in 0..<side {
        let factor = matrix[i * side + k]
        for j in 0..<side { result[i * side + j] += factor * matrix[k * side + j] }
      }
    }
    return result
  }

  private static func dot(_ matrix: [Double], _ start: Int, _ vector: [Double]) -> Double {
    var sum = 0.0
    for index in vector.indices { sum += matrix[start + index] * vector[index] }
    return sum
  }

  private static func norm(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  private static func unit(_ vector: [Double]) -> [Double] {
    let norm = norm(vector)
    return norm > 0 ? vector.map { $0 / norm } : vector
  }

  /// Divides by the largest magnitude; false where all is zero or not finite.
  private static func normalize(_ matrix: inout [Double]) -> Bool {
    let largest = matrix.reduce(0) { max($0, abs($1)) }
    guard largest > 0, largest.isFinite else { return false }
    for index in matrix.indices { matrix[index] /= largest }
    return true
  }
}
