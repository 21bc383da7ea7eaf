#if DEBUG
  /// Which rows of each value a step may touch: those of its part of its output, and of its inputs those that are made and, in a ring, not
  /// written over yet. `ValueMemory.row` traps on all others.
  struct LiveRows {
    private let layouts: [ValueLayout]
    private let slots: [Int]
    /// The values that are made where each is read.
    private let sources: [Int]
    /// The rows made of each value that a step makes, of the images that are worked on.
    private var made: [Int: Int] = [:]

    init(_ program: Program) {
      layouts = program.layouts
      slots = layouts.indices.map(program.slot)
      sources = layouts.indices.map(program.memoryValue)
    }

    /// Before an item of the schedule is done.
    mutating func allow(_ item: BandSchedule.Item, of step: any Step, in values: UnsafeMutablePointer<ValueMemory>) {
      let images = item.region.images
      for value in step.reads {
        let layout = layouts[value], memory = values[slots[value]], made = made[sources[value]] ?? layout.height
        values[slots[value]].live =
          if memory.ring < layout.height {
            (images, max(0, made - memory.ring)..<made)
          } else if memory.images < layout.batch {
            (images, 0..<made)
          } else {
            // Of several images others are complete.
            (0..<layout.batch, 0..<(layout.batch == 1 ? made : layout.height))
          }
      }
      let layout = layouts[step.writes], rows = item.region.rows, each = step.outputRowsPerRow
      let written = rows.lowerBound * each..<min(rows.upperBound * each, layout.height)
      values[slots[step.writes]].live = (images, written)
      made[step.writes] = written.upperBound
      for value in step.alsoWrites {
        values[slots[value]].live = (0..<layouts[value].batch, 0..<layouts[value].height)
        made[value] = layouts[value].height
      }
    }
  }
#endif
