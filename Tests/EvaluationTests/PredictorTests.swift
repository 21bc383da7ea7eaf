import Files
import Foundation
import Networks
import Swiftlet
import Testing

@testable import Evaluation

@Suite struct PredictorTests {
  /// A folder that goes with the value.
  private struct Place: ~Copyable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("predict-\(UUID().uuidString)").path
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ image: Image, _ name: String) throws {
      let full = path + "/" + name
      if let folder = Folder.parent(full) { try Folder.create(folder) }
      try image.write(to: full)
    }
  }

  private static func plain(_ width: Int, _ height: Int, _ colour: [UInt8]) -> Image {
    Image(
      width: width, height: height, colourModel: .rgb, samples: .uint8((0..<width * height).flatMap { _ in colour }))
  }

  private static let classes = ["red", "green", "blue"]

  /// Tells the mean of which colour is largest: logits are ten times the means.
  private static func colours(
    _ form: PictureForm = PictureForm(), axes: [Int?] = [nil, 3, nil, nil], softmax: Bool = false
  ) throws -> Network {
    var builder = NetworkBuilder(
      "colours", contract: .classifier(ClassifierContract(classes: classes, form: form)))
    let x = builder.input("x", axes: axes)
    let mean = builder.flatten("flat", builder.globalAveragePool("mean", x))
    let logits = builder.linear("logits", mean, inFeatures: 3, outFeatures: 3)
    builder.output(softmax ? builder.softmax("p", logits) : logits)
    builder.setParameter("logits.weight", Tensor([3, 3], [10, 0, 0, 0, 10, 0, 0, 0, 10]))
    return try builder.build(.zeros)
  }

  private static func options(_ change: (inout Predictor.Options) -> Void = { _ in }) -> Predictor.Options {
    var options = Predictor.Options()
    change(&options)
    return options
  }

  private static func predictor(
    _ network: Network, threads: Int = 2, _ change: (inout Predictor.Options) -> Void = { _ in }
  ) throws -> Predictor {
    try Predictor(network, engine: .cpu(CPUOptions(threadCount: threads)), options: options(change))
  }

  @Test(arguments: [false, true]) func picturesOfAnySizeAreClassified(softmax: Bool) throws {
    let place = try Place()
    try place.write(Self.plain(9, 7, [255, 0, 51]), "b.png")
    try place.write(Self.plain(4, 30, [0, 51, 255]), "a.png")
    try place.write(Self.plain(9, 7, [0, 255, 0]), "sub/c.png")
    try AtomicFile.write(Array("no picture".utf8), to: place.path + "/d.png")
    let predictor = try Self.predictor(Self.colours(softmax: softmax)) {
      $0.top = 2
      $0.isRecursive = true
    }
    var lines: [String] = []
    let report = try predictor.predict([place.path], output: nil, model: "m", failure: { lines.append($0) })
    #expect(report.pictures.map { Folder.name($0.file) } == ["a.png", "b.png", "c.png"])
    #expect(report.pictures.map { $0.guesses?.map(\.name) } == [["blue", "green"], ["red", "blue"], ["green", "red"]])
    let powers = [exp(0.0), exp(2.0), exp(10.0)], sum = powers.reduce(0, +)
    let got = report.pictures[0].guesses?.map(\.probability) ?? []
    #expect(abs(got[0] - powers[2] / sum) < 1e-6 && abs(got[1] - powers[1] / sum) < 1e-6)
    #expect(lines.count == 1 && lines[0].contains("d.png") && report.failures.map(\.error) == lines)
    #expect(report.classification == nil && report.text.hasPrefix("3 of 4 pictures in "))
  }

  @Test func foldersOfClassesSayWhatIsRight() throws {
    let place = try Place()
    for (index, name) in ["red", "green", "blue", "green"].enumerated() {
      var colour: [UInt8] = [0, 0, 0]
      colour[Self.classes.firstIndex(of: name) ?? 0] = 200
      try place.write(Self.plain(5, 4, colour), "test/\(name)/\(index).png")
      try place.write(Self.plain(5, 4, colour), "flat/\(index).png")
    }
    // Green that says it is blue; a folder that is no class is left alone.
    try place.write(Self.plain(5, 4, [0, 99, 98]), "test/blue/9.png")
    try place.write(Self.plain(5, 4, [0, 99, 98]), "test/other/8.png")
    try place.write(Self.plain(5, 4, [0, 99, 98]), "flat/8.png")
    let report = try Self.predictor(Self.colours()) { $0.top = 2 }
      .predict([place.path + "/test"], output: nil, model: "m")
    #expect(report.pictures.count == 5)
    let figures = try #require(report.classification)
    #expect(figures.count == 5 && figures.accuracy == 0.8 && figures.topAccuracy == 1)
    #expect(figures.confusion == [[1, 0, 0], [0, 2, 0], [0, 1, 1]])
    #expect(report.text.contains("accuracy 80.00 % of 5 pictures, 100.00 % among the first 2\n"))
    #expect(report.text.contains("blue                  0        1         1   50.00 %\n"), "\(report.text)")

    // Folders may be links; pictures beside them have no class.
    try Folder.create(place.path + "/links")
    try FileManager.default.createSymbolicLink(
      atPath: place.path + "/links/green", withDestinationPath: place.path + "/test/green")
    try place.write(Self.plain(5, 4, [0, 99, 98]), "links/a.png")
    for isRecursive in [false, true] {
      let links = try Self.predictor(Self.colours()) { $0.isRecursive = isRecursive }
        .predict([place.path + "/links"], output: nil, model: "m")
      #expect(links.pictures.map(\.expected) == [nil, "green", "green"] && links.classification?.accuracy == 1)
    }

    // The same pictures in one folder, known by their names.
    let flat = try Self.predictor(Self.colours()) { $0.labels = place.path + "/test" }
      .predict([place.path + "/flat"], output: nil, model: "m")
    #expect(flat.pictures.map(\.expected) == ["red", "green", "blue", "green", nil])
    #expect(flat.classification?.accuracy == 1 && flat.classification?.count == 4)
    #expect(flat.failures.count == 1 && flat.failures[0].error.contains("8.png' lies in no folder of a class"))
    try place.write(Self.plain(5, 4, [9, 0, 0]), "test/red/1.png")
    let twice = try Self.predictor(Self.colours()) { $0.labels = place.path + "/test" }
      .predict([place.path + "/flat/1.png"], output: nil, model: "m")
    #expect(twice.failures.map { $0.error.contains("several folders") } == [true] && twice.classification == nil)
  }

  /// What is said of a picture depends neither on its company nor on the threads, and is what the network makes of its form.
  @Test(arguments: [nil, PictureForm.Size(width: 16, height: 12)]) func companyChangesNoBit(
    size: PictureForm.Size?
  ) throws {
    let place = try Place()
    let form = PictureForm(size: size, mean: [0.5, 0.25, 0.125], deviation: [0.25, 0.5, 2])
    var network = try SmallResNet(classes: 3, features: 8).network(.random(seed: 3))
    network.contract = .classifier(ClassifierContract(classes: Self.classes, form: form))
    for index in 0..<70 {
      let (width, height) = index % 9 == 0 ? (24, 17) : (16, 12)
      try place.write(Image.chart(width, height + index % 2), "\(100 + index).png")
    }
    let all = try Self.predictor(network).predict([place.path], output: nil, model: "m").pictures
    #expect(all.count == 70)
    for threads in [1, 3] {
      #expect(try Self.predictor(network, threads: threads).predict([place.path], output: nil, model: "m").pictures == all)
    }
    for index in [0, 1, 63, 69] {
      let alone = try Self.predictor(network).predict([all[index].file], output: nil, model: "m").pictures
      #expect(alone == [all[index]])
      let image = try Image(path: all[index].file)
      let planes = PlanarImage<Float>(image).colour.map { plane in
        size.map { plane.resized(width: $0.width, height: $0.height) } ?? plane
      }
      let elements = planes.enumerated().flatMap { channel, plane in
        plane.elements.map { ($0 / 255 - form.mean[channel]) / form.deviation[channel] }
      }
      let input = Tensor([1, 3, planes[0].height, planes[0].width], elements)
      let logits = try Engine.reference.makeBackend().prepare(network, inputs: [input.shape]).run([input])[0].floats
      let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
      let probability = 1 / logits.reduce(0) { $0 + exp(Double($1 - logits[best])) }
      #expect(all[index].guesses?.first?.number == best)
      #expect(abs((all[index].guesses?.first?.probability ?? 0) - probability) < 1e-4)
    }
  }

  /// A network that fixes how many pictures it takes, and of which size.
  @Test func fixedBatches() throws {
    let place = try Place()
    for index in 0..<6 {
      try place.write(Self.plain(5 + index, 9, index % 2 == 0 ? [90, 80, 70] : [0, 9, 200]), "\(index).png")
    }
    let network = try Self.colours(axes: [4, 3, 8, 6])
    let report = try Self.predictor(network).predict([place.path], output: nil, model: "m")
    #expect(report.failures.isEmpty)
    #expect(report.pictures.map { $0.guesses?.first?.name } == ["red", "blue", "red", "blue", "red", "blue"])
  }

  @Test func numbersThatAreNotFiniteAreOfOnePicture() throws {
    let place = try Place()
    var builder = NetworkBuilder(
      "logarithm", contract: .classifier(ClassifierContract(classes: Self.classes)))
    let x = builder.input("x", channels: 3)
    builder.output(builder.activation("y", builder.flatten("f", builder.globalAveragePool("m", x)), .logarithm))
    let network = try builder.build(.zeros)
    try place.write(Self.plain(4, 4, [9, 99, 9]), "a.png")
    try place.write(Self.plain(4, 4, [0, 99, 9]), "b.png")
    try place.write(Self.plain(4, 4, [9, 9, 99]), "c.png")
    let report = try Self.predictor(network).predict([place.path], output: nil, model: "m")
    #expect(report.pictures.map { $0.guesses?.first?.name } == ["green", "blue"])
    #expect(report.failures.count == 1 && report.failures[0].error.contains("b.png': the output"), "\(report.failures)")
  }

  @Test func tables() throws {
    let place = try Place()
    try place.write(Self.plain(4, 4, [255, 51, 0]), "a,\"b\".png")
    try place.write(Self.plain(4, 4, [0, 51, 255]), "c.d.png")
    let output = place.path + "/out/t.csv"
    try Folder.create(place.path + "/out")
    let report = try Self.predictor(Self.colours()) { $0.top = 2 }.predict([place.path], output: output, model: "m")
    let text = String(decoding: try FileReader.bytes(of: output, limit: 1 << 20), as: UTF8.self)
    #expect(
      text == """
        file,class,probability,class 2,probability 2
        "\(place.path)/a,""b"".png",red,0.999619,green,0.000335
        \(place.path)/c.d.png,blue,0.999619,green,0.000335

        """)
    #expect(
      report.table(.init(submission: ["id", "label"])) == "id,label\n\"a,\"\"b\"\"\",red\nc.d,blue\n")
    #expect(report.table(.init(submission: ["id", "label"], usesNumbers: true)) == "id,label\n\"a,\"\"b\"\"\",0\nc.d,2\n")
  }
}

extension PredictorTests {
  /// `classes` channels, each the picture's own grey times a factor, plus a shift.
  private static func levels(
    _ factors: [Float], _ shifts: [Float], _ form: PictureForm = .grey(), axes: [Int?] = [nil, 1, nil, nil]
  ) throws -> Network {
    let names = factors.indices.map { "class \($0)" }
    var builder = NetworkBuilder("levels", contract: .segmenter(SegmenterContract(classes: names, form: form)))
    let x = builder.input("x", axes: axes)
    builder.output(builder.convolution("y", x, outChannels: factors.count, kernel: 1))
    builder.setParameter("y.weight", Tensor([factors.count, 1, 1, 1], factors))
    builder.setParameter("y.bias", Tensor([factors.count], shifts))
    return try builder.build(.zeros)
  }

  private static func grey(_ width: Int, _ height: Int, _ samples: [UInt8]) -> Image {
    Image(width: width, height: height, colourModel: .grey, samples: .uint8(samples))
  }

  @Test func masksAndOverlays() throws {
    let place = try Place()
    try place.write(Self.grey(3, 2, [0, 50, 100, 150, 200, 250]), "in/a.png")
    try place.write(Self.plain(2, 1, [255, 240, 0]), "in/sub/b.jpg")
    try place.write(Self.grey(3, 2, [0, 0, 255, 255, 255, 255]), "truth/a.png")
    try place.write(Self.grey(2, 1, [200, 0]), "truth/b.png")
    // Above 0.5.
    let predictor = try Self.predictor(Self.levels([1], [-0.5])) {
      $0.isRecursive = true
      $0.makesOverlays = true
      $0.labels = place.path + "/truth"
    }
    let report = try predictor.predict([place.path + "/in"], output: place.path + "/out", model: "m")
    #expect(report.failures.isEmpty)
    #expect(report.pictures.map(\.mask) == ["a.png", "sub/b.png"].map { place.path + "/out/" + $0 })
    #expect(try Image(path: place.path + "/out/a.png").samples == .uint8([0, 0, 0, 255, 255, 255]))
    #expect(try Image(path: place.path + "/out/sub/b.png").samples == .uint8([255, 255]))
    #expect(report.pictures.map(\.shares) == [[0.5], [1]])
    let figures = try #require(report.segmentation)
    #expect(figures.count == 2 && figures.pixelAccuracy == 0.75 && figures.intersectionOverUnion == 4.0 / 6)
    #expect(figures.dice == 0.8 && figures.diceByClass == nil)
    #expect(report.text.contains("IoU 0.6667, Dice 0.8000, pixel accuracy 75.00 % of 2 pictures\n"))
    let overlay = try Image(path: place.path + "/out/a-overlay.png")
    #expect(overlay.colourModel == .rgb && overlay.width == 3 && overlay.height == 2)
    guard case .uint8(let samples) = overlay.samples else { return }
    // What is of no class stays.
    #expect(Array(samples[..<9]) == [0, 0, 0, 50, 50, 50, 100, 100, 100])
    #expect(samples[9] > samples[11] && samples[12] > samples[14])
    // Again: the masks lie outside the inputs and are written over.
    #expect(try predictor.predict([place.path + "/in"], output: place.path + "/out", model: "m").pictures == report.pictures)
  }

  @Test func classesOfPixels() throws {
    let place = try Place()
    try place.write(Self.grey(4, 1, [0, 80, 160, 250]), "in/a.png")
    try place.write(Self.grey(4, 1, [0, 1, 2, 1]), "truth/a.png")
    // 0, then 2 x - 0.4, then 4 x - 1.4: from 0.2 and from 0.5 on.
    let network = try Self.levels([0, 2, 4], [0, -0.4, -1.4])
    func run() throws -> PredictionReport {
      try Self.predictor(network) { $0.labels = place.path + "/truth" }
        .predict([place.path + "/in"], output: place.path + "/out/", model: "m")
    }
    let report = try run()
    #expect(try Image(path: place.path + "/out/a.png").samples == .uint8([0, 1, 2, 2]))
    #expect(report.pictures[0].shares == [0.25, 0.25, 0.5])
    #expect(report.segmentation?.intersectionOverUnionByClass == [1, 0.5, 0.5])
    #expect(report.segmentation?.intersectionOverUnion == 2.0 / 3 && report.segmentation?.pixelAccuracy == 0.75)
    // A truth with other levels, of another size, and none: the masks are made all the same.
    for (samples, width, message) in [
      ([0, 1, 3, 1], 4, "the grey level 3 stands for none of 3 classes"), ([0, 1], 2, "is not of the size"),
    ] as [([UInt8], Int, String)] {
      try place.write(Self.grey(width, 1, samples), "truth/a.png")
      let failed = try run()
      #expect(failed.pictures.count == 1 && failed.failures.map { $0.error.contains(message) } == [true])
      #expect(failed.segmentation == nil && failed.text.hasPrefix("1 of 1 pictures"))
    }
    try FileManager.default.moveItem(atPath: place.path + "/truth/a.png", toPath: place.path + "/truth/b.png")
    #expect(try run().failures.map { $0.error.contains("has no mask of its name") } == [true])
  }

  /// Sides that the network does not take are continued, mirrored; tiles and threads change nothing.
  @Test(arguments: [(16, 16), (37, 29), (5, 90), (1, 1)]) func networksOfCertainSizes(width: Int, height: Int) throws {
    let place = try Place()
    var network = try UNet(channels: 3, classes: 3, features: 4).network(.random(seed: 5))
    let form = PictureForm(mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25])
    network.contract = .segmenter(SegmenterContract(classes: Self.classes, form: form))
    let image = Image.chart(width, height)
    try place.write(image, "a.png")
    let (wide, high) = ((width + 15) / 16 * 16, (height + 15) / 16 * 16)
    let planes = PlanarImage<Float>(image).colour
    func mirrored(_ place: Int, _ count: Int) -> Int {
      var place = place
      while place >= count || place < 0 { place = place < 0 ? -1 - place : 2 * count - 1 - place }
      return place
    }
    let elements = planes.flatMap { plane in
      (0..<high * wide).map { i in
        let sample = plane.elements[mirrored(i / wide, height) * width + mirrored(i % wide, width)]
        return sample * form.scale(0) - form.offset(0)
      }
    }
    let input = Tensor([1, 3, high, wide], elements)
    let output = try Engine.cpu(CPUOptions(threadCount: 1)).makeBackend()
      .prepare(network.optimizedForInference(), inputs: [input.shape]).run([input])[0]
    let labels = SegmentationMetrics.labels(of: output)
    let expected = (0..<height).flatMap { labels[$0 * wide..<$0 * wide + width] }
    for (threads, tile) in [(1, TilePolicy.automatic), (3, .none), (2, .pixels(16))] {
      let predictor = try Self.predictor(network, threads: threads) { $0.tile = tile }
      _ = try predictor.predict([place.path + "/a.png"], output: place.path + "/m.png", model: "m")
      #expect(try Image(path: place.path + "/m.png").samples == .uint8(expected), "\(tile)")
    }
  }

  /// Masks of pictures that were brought to a size are of the picture's own.
  @Test func fixedSizes() throws {
    let place = try Place()
    let half = [UInt8](repeating: 10, count: 20) + [UInt8](repeating: 240, count: 20)
    try place.write(Self.grey(40, 16, (0..<16).flatMap { _ in half }), "a.png")
    for network in [
      try Self.levels([1], [-0.5], axes: [nil, 1, 8, 10]),
      try Self.levels([1], [-0.5], .grey(size: .init(width: 10, height: 8))),
    ] {
      _ = try Self.predictor(network).predict([place.path + "/a.png"], output: place.path + "/m.png", model: "m")
      #expect(
        try Image(path: place.path + "/m.png").samples == .uint8((0..<16).flatMap { _ in half.map { $0 > 99 ? 255 : 0 } }))
    }
  }

  /// A network that does not do what it says is named before anything is read.
  @Test func promisesThatAreNotKept() throws {
    var network = try Self.colours()
    func message(_ change: (inout Predictor.Options) -> Void = { _ in }) -> String {
      do { _ = try Self.predictor(network, change) } catch { return "\(error)" }
      return "accepted"
    }
    #expect(message { $0.makesOverlays = true } == "--overlay is for networks that make masks, and 'colours' does not")
    #expect(message { $0.tile = .none }.hasPrefix("--tile is for networks that make masks"))
    network.contract = nil
    #expect(message().contains("names no classes of pictures or pixels; give a classifier"))
    network.contract = .classifier(ClassifierContract(classes: ["a", "b"]))
    #expect(message().contains("it makes 1x3 of a picture of 1x3x64x64 and names 2 classes"))
    network.contract = .classifier(ClassifierContract(classes: Self.classes, form: .grey()))
    #expect(message().contains("its input is [N, 3, H, W] and not an image of 1 channels"))
    network.contract = .segmenter(SegmenterContract(classes: Self.classes))
    #expect(message().contains("names 3 classes of its pixels"))
    network = try Self.levels([1], [0])
    #expect(message { $0.top = 2 } == "--top is for networks that tell classes of whole pictures, and 'levels' does not")
    #expect(message { $0.table.submission = ["a", "b"] }.hasPrefix("--submission is for"))
    #expect(message { $0.table.usesNumbers = true }.hasPrefix("--numbers is for"))
    network.parameters["y.weight"] = Tensor([1, 1, 1, 1], [.nan])
    #expect(message().contains("not finite"))
  }
}
