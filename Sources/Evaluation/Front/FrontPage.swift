import Files

/// A table as one page: nothing is fetched from elsewhere, and nothing runs. It is HTML that is also well-formed XML.
struct FrontPage {
  let table: FrontTable

  var html: String {
    """
    <!DOCTYPE html>
    <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
    <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>\(table.title.escapedForXML)</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    <main>
    <header>
    <h1>\(table.title.escapedForXML)</h1>
    <p class="lead">\(lead)</p>
    </header>
    \(table.disturbance.map { "<p class=\"warning\">\($0.escapedForXML)</p>" } ?? "")
    \(tiles)
    <section class="charts" aria-label="Charts">
    \(FrontChart.all(of: table).map { "<figure>\n\($0.element(.ofPage))</figure>" }.joined(separator: "\n"))
    </section>
    <p class="note">A line joins the variants that no other dominates in these two. Bars through dots are the 95 % intervals of the times.</p>
    <section>
    <h2>All variants</h2>
    \(rows)
    <p class="note">\(legend)</p>
    </section>
    <section>
    <h2>How it was measured</h2>
    <dl>
    \(table.conditions.map { "<dt>\($0.name.escapedForXML)</dt><dd>\($0.value.escapedForXML)</dd>" }.joined(separator: "\n"))
    <dt>joules</dt><dd>\(table.joulesReason.map { "not measurable here: \($0)" }?.escapedForXML ?? "of one socket, as the processor counts them, a run")</dd>
    </dl>
    </section>
    </main>
    </body>
    </html>

    """
  }

  private var lead: String {
    let count = table.rows.count, left = table.rows.count { $0.dominatedBy.isEmpty }
    return
      "\(count) \(count == 1 ? "variant" : "variants") of one network, by one budget of training and one protocol, timed in turn on one machine. "
      + "\(left) \(left == 1 ? "is" : "are") on the front: no other is as good in quality, time and bytes, and better in one of them."
  }

  private var legend: String {
    "File: bytes of the model file, which a precision of the engine leaves as they are. MACs: multiply-accumulates of one run. Time: the median over all rounds, "
      + "below it the interval that holds it with a probability of 95 %; times of which each lies in the interval of the other count as equal. Memory: all that a session holds. Steps: "
      + "those of training, with those of the variants that one began with."
  }

  // MARK: Tiles

  /// The best of each objective.
  private var tiles: String {
    let name = table.qualityNames[table.decisive]
    func tile(_ title: String, _ row: FrontTable.Row?, _ value: (FrontTable.Row) -> String) -> String {
      guard let row else { return "" }
      return
        "<div class=\"tile\"><span>\(title)</span><strong>\(row.name.escapedForXML)</strong><em>\(value(row).escapedForXML)</em></div>"
    }
    func least(_ value: (FrontTable.Row) -> Double) -> FrontTable.Row? { table.rows.min { value($0) < value($1) } }
    let list = [
      tile("best \(FrontTable.heading(name).escapedForXML)", least { table.quality($0).value }) {
        FrontTable.text($0.figures.quality[table.decisive], of: name)
      },
      tile("fastest", least(\.times.ms)) { "\(FrontTable.ms($0.times.ms)) ms" },
      tile("smallest", least { Double($0.figures.fileBytes) }) { TextFormat.bytes($0.figures.fileBytes) },
    ]
    return "<section class=\"tiles\" aria-label=\"The best of each\">\n\(list.joined(separator: "\n"))\n</section>"
  }

  // MARK: Rows

  private var rows: String {
    let longest = table.rows.map(\.times.ms).filter(\.isFinite).max() ?? 1
    var heads =
      ["variant"] + table.qualityNames.map(FrontTable.heading) + ["time [ms]", "parameters", "file", "MACs", "memory"]
    if table.joulesReason == nil { heads.append("joules") }
    heads += ["steps", "dominated by"]
    let lines = table.rows.map { row in
      let (figures, times) = (row.figures, row.times)
      var cells = zip(figures.quality, table.qualityNames).map { FrontTable.text($0, of: $1).escapedForXML }
      let share = TextFormat.fixed(100 * times.ms / max(longest, 1e-9), 1)
      cells.append(
        "<span class=\"value\">\(FrontTable.ms(times.ms))</span><small>\(FrontTable.ms(times.leastMs)) to "
          + "\(FrontTable.ms(times.mostMs))</small><span class=\"bar\"><i style=\"width:\(share)%\"></i></span>")
      cells += [
        TextFormat.grouped(figures.parameters), TextFormat.bytes(figures.fileBytes), Self.millions(figures.multiplyAccumulates),
        TextFormat.bytes(times.memoryBytes),
      ]
      if table.joulesReason == nil { cells.append(times.joules.map { TextFormat.significant($0, 3) } ?? "not measured") }
      cells.append(TextFormat.grouped(figures.stepsInAll))
      let isFront = row.dominatedBy.isEmpty
      cells.append(
        isFront ? "<b class=\"badge\">on the front</b>" : row.dominatedBy.map(\.escapedForXML).joined(separator: ", "))
      let first =
        "<th scope=\"row\">\(row.name.escapedForXML)<small>\(row.what.escapedForXML)</small></th>"
      let rest = zip(cells, heads.dropFirst()).map { "<td data-label=\"\($1.escapedForXML)\">\($0)</td>" }
      return "<tr\(isFront ? "" : " class=\"dominated\"")>\(first)\(rest.joined())</tr>"
    }
    return """
      <div class="scroll">
      <table>
      <thead><tr>\(heads.map { "<th scope=\"col\">\($0.escapedForXML)</th>" }.joined())</tr></thead>
      <tbody>
      \(lines.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      """
  }

  private static func millions(_ count: Int) -> String {
    count < 1_000_000 ? TextFormat.grouped(count) : "\(TextFormat.fixed(Double(count) / 1e6, count < 100_000_000 ? 1 : 0)) M"
  }
}
