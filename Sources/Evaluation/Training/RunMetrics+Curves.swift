import Files

extension RunMetrics {
  /// Curves over epochs as an SVG: the loss, with that of validation beside it, and below it each other figure.
  public func curves(title: String) -> String {
    var panels: [PlotPanel] = []
    var losses = [PlotSeries(name: "training", points: rows.map { (Double($0.epoch), $0.loss) })]
    for (index, name) in names.enumerated() {
      let points = rows.compactMap { row in row.validation[index].map { (Double(row.epoch), $0) } }
      if name == "validation_loss" {
        losses.append(PlotSeries(name: "validation", points: points))
      } else {
        panels.append(PlotPanel(name: name, series: [PlotSeries(name: name, points: points)]))
      }
    }
    panels.insert(PlotPanel(name: "loss", series: losses), at: 0)
    let rates = PlotSeries(name: "learning rate", points: rows.map { (Double($0.epoch), $0.learningRate) })
    panels.append(PlotPanel(name: "learning rate", series: [rates]))
    return PlotPanel.document(panels, title: title, below: "epoch", wholeNumbers: true)
  }
}
