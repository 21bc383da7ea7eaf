import Files
import Imaging

extension Upscaler {
  /// Enlarges all pages of a TIFF file into one file, each at its own size.
  ///
  /// - Parameter plan: of the first page.
  func upscalePages(
    _ plan: FilePlan, notice: ((String) -> Void)?, progress: ((Double) -> Void)?
  ) throws(EvaluationError) -> UpscaleResult {
    let item = plan.item, options = plan.options, first = plan.source, file = first.file
    let count = first.reader.pageCount
    guard first.encoding.format == .tiff else { throw .pagesNeedTIFF(path: item.input, pages: count) }
    let resident = residentByteCount() - (file.bytes?.count ?? 0)
    // Before anything is done for the first page: whether all can be read, are of a size that is made, and fit into memory.
    var byteCount = 0
    for page in 0..<count {
      let source = try source(item, file, options, page: page, pages: first.reader.pages, bound(resident: resident))
      let job = try job(source, options, held: resident)
      byteCount += job.memory.sizes.result.sampleByteCount
      if page == 0, let line = job.notice(self.options.tile) { notice?(line) }
    }
    if options.quality != nil { notice?("TIFF has no quality, and what is asked for is not used") }
    if item.output != "-" {
      try wrapping { () throws(FileError) in
        if item.createsFolder, let folder = Folder.parent(item.output) { try Folder.create(folder) }
        try Folder.checkWritable(item.output)
      }
    }
    let sink = try wrapping { () throws(FileError) in try FileSink(path: item.output) }
    let chain = TIFFPageChain(byteCount: byteCount)
    var result = UpscaleResult(item, isSkipped: false), sizes: [UpscaleResult.PageSize] = []
    for page in 0..<count {
      let resident = residentByteCount() - (file.bytes?.count ?? 0)
      let source = try source(item, file, options, page: page, pages: first.reader.pages, bound(resident: resident))
      let planned = try job(source, options, held: resident)
      let done = try enlarge(source, planned, options, held: resident, into: sink, pages: chain) { share in
        progress?((Double(page) + share) / Double(count))
      }
      result.take(
        done, remarks: remarks(of: source, done).map { "page \(page + 1): \($0)" }, heldWhole: heldWhole(source, done, sink))
      sizes.append(result.size)
    }
    try commit(sink, of: item, options)
    result.size = sizes[0]
    result.pages = count
    result.pageSizes = sizes
    result.seconds = Machine.seconds - plan.start
    return result
  }
}
