import Foundation
import Tensors
import Testing

@testable import Evaluation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The table as text, CSV, curves and page: functions of the table alone.
@Suite struct FrontPageTests {
  static let hostile = [
    "a<script>alert(1)</script>", "b\"&'</td>", "c,d;\"e\"", "d]]><!--", "é 雀 \u{FFFE}", "plain", "f\u{1B}[31m\n", "g -->",
  ]

  static func table(_ count: Int = hostile.count, joules: Bool = false) -> FrontTable {
    let rows = hostile.prefix(count).enumerated().map { index, name in
      let ms = 40.5 / Double(index + 1)
      return FrontTable.Row(
        name: name, what: "of \(name)",
        figures: FrontTable.Figures(
          parameters: 1000 * (9 - index), fileBytes: 40000 - 1000 * (index % 3), multiplyAccumulates: 123_456_789,
          quality: [30 - 0.37 * Double(index), 0.9],
          steps: 10, stepsInAll: 20),
        times: FrontTable.Times(ms: ms, leastMs: ms * 0.99, mostMs: ms * 1.02, memoryBytes: 1 << 20, joules: joules ? 0.1 : nil)
      )
    }
    return FrontTable(
      title: "front <of> & \"all\"", conditions: [.init("machine", "a <b> & c")], qualityNames: ["psnr", "ssim"], decisive: 0,
      isLargerBetter: true, rows: rows, joulesReason: joules ? nil : "this machine <says> nothing")
  }

  /// The elements and texts of a document; nil where it is not well formed.
  private final class Document: NSObject, XMLParserDelegate {
    var elements: [String: Int] = [:]
    var text = ""
    var sources: [String] = []

    init?(_ data: Data) {
      super.init()
      let parser = XMLParser(data: data)
      parser.delegate = self
      guard parser.parse() else { return nil }
    }

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      elements[name, default: 0] += 1
      for key in ["src", "href", "xlink:href", "action"] { if let value = attributes[key] { sources.append(value) } }
      for key in attributes.keys where key.hasPrefix("on") { sources.append(key) }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
  }

  @Test(arguments: [1, 2, 8]) func pagesAreWellFormedAndAlone(count: Int) throws {
    for joules in [false, true] {
      let table = Self.table(count, joules: joules), html = FrontPage(table: table).html
      let page = try #require(Document(Data(html.utf8)))
      #expect(page.elements["tr"] == count + 1 && page.elements["svg"] == 2 && page.elements["script"] == nil)
      // Nothing from elsewhere: no address but the name spaces of XHTML and SVG.
      #expect(page.sources.isEmpty && page.elements["link"] == nil && page.elements["img"] == nil)
      #expect(html.components(separatedBy: "http").count - 1 == 3 && !html.contains("url(") && !html.contains("@import"))
      for name in Self.hostile.prefix(count) where !name.contains("\u{FFFE}") && !name.contains("\u{1B}") {
        #expect(page.text.contains(name))
      }
      #expect(page.text.contains("not measurable here: this machine <says> nothing") == !joules)
      #expect(page.text.contains("front <of> & \"all\"") && page.text.contains("a <b> & c"))
      let svg = try #require(Document(Data(FrontChart.document(FrontChart.all(of: table), title: table.title).utf8)))
      #expect(svg.elements["circle"] == 2 * count && svg.elements["script"] == nil)
    }
  }

  @Test func tablesAreReadAgain() throws {
    for joules in [false, true] {
      let table = Self.table(joules: joules), csv = table.csv
      let read = try #require(FrontTable.rows(csv: csv))
      var rows = table.rows
      for index in rows.indices { rows[index].dominatedBy = [] }
      #expect(read.qualityNames == table.qualityNames && read.rows == rows)
      let again = FrontTable(
        title: table.title, conditions: table.conditions, qualityNames: read.qualityNames, decisive: 0, isLargerBetter: true,
        rows: read.rows,
        joulesReason: table.joulesReason)
      #expect(again == table && again.csv == csv)
    }
    #expect(FrontTable.rows(csv: "name,what\na,b\n") == nil && FrontTable.rows(csv: "") == nil)
    #expect(FrontTable.rows(csv: Self.table().csv.replacingOccurrences(of: "9000", with: "many")) == nil)
    // Numbers keep all their digits, and those that are none are read, too.
    var table = Self.table(1)
    table.rows[0].figures.quality = [.infinity, 0.1 + 0.2]
    #expect(try #require(FrontTable.rows(csv: table.csv)).rows[0].figures.quality == [.infinity, 0.1 + 0.2])
  }

  @Test func dominanceIsMarked() throws {
    let table = Self.table(3)
    // Quality falls and time falls: nobody is dominated.
    #expect(table.rows.allSatisfy { $0.dominatedBy.isEmpty })
    var rows = table.rows
    rows[1].figures.quality[0] = 25
    (rows[1].figures.fileBytes, rows[1].times) = (rows[0].figures.fileBytes, rows[0].times)
    func marked(_ rows: [FrontTable.Row], larger: Bool = true) -> FrontTable {
      FrontTable(
        title: "", conditions: [], qualityNames: ["psnr", "ssim"], decisive: 0, isLargerBetter: larger, rows: rows,
        joulesReason: nil)
    }
    let second = marked(rows)
    #expect(second.rows[1].dominatedBy == [rows[0].name, rows[2].name] && second.rows[0].dominatedBy.isEmpty)
    #expect(second.text.contains("dominated by") && FrontPage(table: second).html.contains("class=\"dominated\""))
    // Where less is better it is the other way round, and no number is the worst.
    #expect(marked([rows[0], rows[1]], larger: false).rows.map(\.dominatedBy.count) == [1, 0])
    rows[1].figures.quality[0] = .nan
    #expect(marked([rows[0], rows[1]], larger: false).rows.map(\.dominatedBy.count) == [0, 1])
    let page = FrontPage(table: marked(rows)).html
    #expect(page.contains("nan") && page.components(separatedBy: "<circle").count == 5)
  }

  @Test func timesThatWereDisturbedSaySo() {
    var table = Self.table(3)
    #expect(table.disturbance == nil && !FrontPage(table: table).html.contains("class=\"warning\""))
    for row in 0..<2 { table.rows[row].times.mostMs = 1.4 * table.rows[row].times.ms }
    #expect(table.disturbance?.contains("41 % wide") == true)
    #expect(FrontPage(table: table).html.contains("class=\"warning\"") && table.text.contains("the machine was busy"))
  }

  @Test func rowsOfFields() {
    let fields = [["a", "b,c", "\"d\""], ["", " e ", "f\ng"], ["é"], [""]]
    let text = fields.map(CSVText.line).joined()
    #expect(CSVText.rows(text) == fields)
    #expect(CSVText.rows("a,b\r\nc,d") == [["a", "b"], ["c", "d"]])
    #expect(CSVText.rows("") == [])
    for bad in ["\"a", "\"a\"b", "a,\"b\" ,c"] { #expect(CSVText.rows(bad) == nil, "\(bad)") }
  }

  /// Labels stand within the chart and cover no other where there is room.
  @Test func labelsDoNotCoverEachOther() {
    var dots: [(x: Double, y: Double, label: String)] = []
    for index in 0..<6 { dots.append((100 + 4 * Double(index), 100 + 3 * Double(index), "variant \(index)")) }
    let places = FrontChart.labelPlaces(dots, left: 58, right: 424, top: 30, bottom: 266)
    func box(_ index: Int) -> (ClosedRange<Double>, ClosedRange<Double>) {
      let width = 6.72 * Double(dots[index].label.count), place = places[index]
      let start = place.anchor == .start ? place.x : place.anchor == .end ? place.x - width : place.x - width / 2
      return (start...start + width, place.y - 10...place.y + 2)
    }
    var covered = 0
    for a in dots.indices {
      #expect(box(a).0.lowerBound >= 30 && box(a).0.upperBound <= 440)
      for b in 0..<a where box(a).0.overlaps(box(b).0) && box(a).1.overlaps(box(b).1) { covered += 1 }
    }
    #expect(covered <= 1, "\(covered)")
  }
}
