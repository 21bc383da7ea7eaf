@testable import CPUBackend
import Testing

/// How the pixels of a region are cut into blocks and its rows into tasks.
@Suite struct BlockTests {
  @Test(arguments: [1, 7, 14, 31, 56, 64, 65, 100, 224, 512], [64, 1024, 4096])
  func blocksCoverEveryPixelOnce(_ width: Int, _ pixelByteCount: Int) {
    let blocks = PixelBlocks(width: width, pixelByteCount: pixelByteCount, CacheSizes())
    let region = WorkRegion(images: 1..<3, rows: 3..<16)
    for rows in [0..<26, 5..<6, 9..<20] {
      var all: [PixelBlocks.Block] = [], following: [PixelBlocks.Block?] = []
      blocks.forEach(rows, of: region) { block, next in
        all.append(block)
        following.append(next)
      }
      var seen: [Int: Int] = [:]
      for (index, block) in all.enumerated() {
        #expect(block.count <= PixelBlocks.pixels)
        #expect(following[index]?.x == (index + 1 < all.count ? all[index + 1].x : nil))
        #expect(following[index]?.rows == (index + 1 < all.count ? all[index + 1].rows : nil))
        for y in block.rows {
          for x in block.x..<block.x + block.width { seen[(block.image * 100 + y) * 1000 + x, default: 0] += 1 }
        }
      }
      #expect(seen.values.allSatisfy { $0 == 1 })
      #expect(seen.count == rows.count * width)
      for row in rows {
        let (image, y) = region.place(row)
        #expect(seen[(image * 100 + y) * 1000 + width - 1] == 1)
      }
    }
  }

  @Test(arguments: [1, 2, 3, 8], [1, 3, 16])
  func tasksCoverEveryRowAndColumnOnce(_ threadCount: Int, _ groupCount: Int) {
    for rowCount in [1, 2, 7, 12, 100] {
      for imageCount in [1, 5] {
        for width in [1, 7, 64, 300] {
          let region = WorkRegion(images: 0..<imageCount, rows: 4..<4 + rowCount, threadCount: threadCount)
          for (leastRows, rowGrain) in [(1, 1), (1, 4), (16, 1)] {
            let imageRows = leastRows == 16 ? rowCount : nil
            let tasks = ProductTasks(
              region, width: width, groupCount: groupCount, leastRows: leastRows, rowGrain: rowGrain,
              imageRows: imageRows, preparesInput: rowGrain == 4, goesByColumns: width % 2 == 0)
            var seen = [Int](repeating: 0, count: region.imageRows * groupCount)
            for task in 0..<tasks.count {
              let share = tasks.share(task)
              #expect(!share.rows.isEmpty && !share.groups.isEmpty)
              if let imageRows { #expect(share.rows.lowerBound / imageRows == (share.rows.upperBound - 1) / imageRows) }
              for row in share.rows { for group in share.groups { seen[row * groupCount + group] += 1 } }
            }
            #expect(seen.allSatisfy { $0 == 1 })
          }
        }
      }
    }
  }
}
