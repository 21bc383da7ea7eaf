import Foundation
import Swiftlet
import Testing

@Suite struct PredictCommandTests {
  /// A classifier and a segmenter of random numbers, with some pictures.
  private static func workplace() throws -> Workplace {
    let place = try Workplace()
    try ModelFile.write(try SmallResNet(features: 8).network(.random(seed: 1)), to: place.path("plain.safetensors"))
    try ModelFile.write(
      try UNet(channels: 1, classes: 1, features: 4).network(.random(seed: 1)), to: place.path("unet.safetensors"))
    for (model, classes) in [("plain", "bird,cat,dog"), ("unet", "membrane")] {
      let result = try place.run([
        "convert", "\(model).safetensors", "--classes", classes, "-o", "\(classes.prefix(4)).safetensors",
      ])
      #expect(result.code == 0, "\(result)")
    }
    for name in ["cat", "dog"] {
      try FileManager.default.createDirectory(atPath: place.path("test/\(name)"), withIntermediateDirectories: true)
      try TestChart.image(width: 32, height: 32).write(to: place.path("test/\(name)/1.png"))
    }
    return place
  }

  @Test func classesAreNamedOnce() throws {
    let place = try Self.workplace()
    let info = try place.run(["info", "bird.safetensors"])
    #expect(info.output.contains("classes: bird, cat, dog\npictures: rgb, of any size, mean 0, 0, 0, deviation 1, 1, 1\n"))
    #expect(try place.run(["info", "memb.safetensors"]).output.contains("a mask of: membrane\npictures: grey, of any size"))
    try AtomicFile.write(Array("bird\ncat\r\n\n dog\n".utf8), to: place.path("names.txt"))
    let told = try place.run([
      "convert", "plain.safetensors", "--classes", "names.txt", "--picture-size", "32x24", "--mean", "0.5,0.5,0.25",
      "--deviation", "1,2,0.5", "-o", "a.safetensors",
    ])
    #expect(told.code == 0, "\(told)")
    #expect(
      try ModelFile.read(place.path("a.safetensors")).contract
        == .classifier(
          ClassifierContract(
            classes: ["bird", "cat", "dog"],
            form: PictureForm(size: .init(width: 32, height: 24), mean: [0.5, 0.5, 0.25], deviation: [1, 2, 0.5]))))
    let json = try place.run(["info", "a.safetensors", "--json"])
    #expect(json.output.contains("\"classifier\" : {"), "\(json)")
    #expect(try place.run(["optimize", "a.safetensors", "-o", "o.safetensors"]).code == 0)
    #expect(try place.run(["info", "o.safetensors"]).output.contains("classes: bird, cat, dog\n"))
  }

  @Test func tablesAndFigures() throws {
    let place = try Self.workplace()
    let plain = try place.run(["predict", "bird.safetensors", "test", "photo.png", "--top", "3"])
    #expect(plain.code == 0 && plain.output.hasPrefix("file,class,probability,class 2,"), "\(plain)")
    #expect(plain.output.split(separator: "\n").count == 4 && plain.output.contains("\nphoto.png,"))
    // The summary goes where the table does not.
    #expect(plain.error.contains("accuracy 0.00 % of 2 pictures, 100.00 % among the first 3\n"), "\(plain)")
    #expect(plain.error.contains("is, taken for    bird  cat  dog  recall\n"))
    let file = try place.run([
      "predict", "bird.safetensors", "photo.png", "test/cat/1.png", "--submission", "Id,Label", "--numbers", "-o", "s.csv",
    ])
    #expect(file.code == 0 && file.output.hasPrefix("2 of 2 pictures in ") && file.error.isEmpty, "\(file)")
    let text = String(decoding: try FileReader.bytes(of: place.path("s.csv"), limit: 1 << 16), as: UTF8.self)
    #expect(text.hasPrefix("Id,Label\nphoto,") && text.split(separator: "\n").count == 3, "\(text)")
    let json = try place.run(["predict", "bird.safetensors", "test", "--json", "--engine", "reference"])
    #expect(json.code == 0 && json.output.contains("\"top_accuracy\" : 0") && json.error.isEmpty, "\(json)")
    let piped = try place.run(
      ["predict", "bird.safetensors", "-"], input: try Data(contentsOf: URL(fileURLWithPath: place.path("photo.png"))))
    #expect(piped.code == 0 && piped.output.contains("\n-,"), "\(piped)")
  }

  @Test func masksGoToAFolder() throws {
    let place = try Self.workplace()
    let result = try place.run([
      "predict", "memb.safetensors", "test", "photo.png", "text.txt", "-r", "-o", "masks", "--overlay",
    ])
    #expect(result.code == 1 && result.output.hasPrefix("3 of 4 pictures in "), "\(result)")
    #expect(result.error.hasPrefix("swiftlet: 'text.txt'") && result.error.split(separator: "\n").count == 1)
    #expect(
      try FileManager.default.subpathsOfDirectory(atPath: place.path("masks")).sorted() == [
        "cat", "cat/1-overlay.png", "cat/1.png", "dog", "dog/1-overlay.png", "dog/1.png", "photo-overlay.png", "photo.png",
      ])
    let mask = try place.image("masks/photo.png")
    #expect(mask.colourModel == .grey && mask.width == 48 && mask.height == 36)
    let told = try place.run(["predict", "memb.safetensors", "photo.png", "-o", "told/"])
    #expect(told.output.contains("\nmasks: told/\n"), "\(told.output)")
    let labelled = try place.run(["predict", "memb.safetensors", "photo.png", "-o", "one.png", "--labels", "masks", "--json"])
    #expect(labelled.code == 0 && labelled.output.contains("\"pixel_accuracy\" : 1"), "\(labelled)")
    #expect(try place.image("one.png") == mask)
    // Neither pictures nor the truth are written over.
    let before = try place.image("photo.png")
    for arguments in [["photo.png", "-o", "photo.png"], ["photo.png", "-o", "."]] {
      let refused = try place.run(["predict", "memb.safetensors"] + arguments)
      #expect(refused.code == 1 && refused.error.contains("photo.png"), "\(refused)")
    }
    #expect(try place.image("photo.png") == before)
    let truth = try place.run(["predict", "memb.safetensors", "photo.png", "-o", "masks", "--labels", "masks"])
    #expect(truth.code == 1 && truth.error.split(separator: "\n").count == 1, "\(truth)")
    #expect(try place.image("masks/photo.png") == mask)
  }

  static let failures = [
    CommandCase("predict MODEL photo.png", 1, "…the network 'edsr' names no classes of pictures or pixels…"),
    CommandCase("predict plain.safetensors photo.png", 1, "…'swiftlet convert --classes'…"),
    CommandCase("predict bird.safetensors absent.png", 1, "…'absent.png' does not exist…"),
    CommandCase("predict bird.safetensors folder", 1, "…the folder 'folder' holds no pictures…"),
    CommandCase(
      "predict bird.safetensors photo.png --labels folder", 1, "…has no folder for any of the classes bird, cat, dog…"),
    CommandCase("predict bird.safetensors photo.png -o a.txt", 64, "…end it in .csv…"),
    CommandCase("predict bird.safetensors photo.png -o folder", 1, "…'folder' is a folder, where a file belongs; name a file…"),
    CommandCase("predict bird.safetensors photo.png -o absent/a.csv", 1, "…the folder 'absent' does not exist…"),
    CommandCase("predict bird.safetensors photo.png --overlay", 64, "…--overlay is for networks that make masks…"),
    CommandCase("predict bird.safetensors photo.png --top 0", 64, "…give a whole number of 1 to 1024…"),
    CommandCase("predict bird.safetensors photo.png --submission id", 64, "…--submission…"),
    CommandCase(
      "predict bird.safetensors test --submission id,label -o s.csv", 64,
      "…'test/cat/1.png' and 'test/dog/1.png' would both be '1' in the table of --submission…"),
    CommandCase("predict bird.safetensors", 64, "…Missing expected argument…"),
    CommandCase("predict memb.safetensors photo.png", 64, "…give a folder with --output…"),
    CommandCase("predict memb.safetensors photo.png -o - --overlay", 64, "…give a folder with --output…"),
    CommandCase("predict memb.safetensors photo.png -o a.jpg", 64, "…end it in .png…"),
    CommandCase("predict memb.safetensors photo.png -o a.png --top 2", 64, "…--top is for networks that tell classes…"),
    CommandCase("predict memb.safetensors photo.png -o a.png --labels absent", 1, "…'absent' does not exist…"),
    CommandCase("predict memb.safetensors photo.png -o a.png --tile 7x", 64, "…give auto, none or a side…"),
    CommandCase(
      "convert plain.safetensors -o a.safetensors --classes a,b", 64,
      "…does not go with it: it has 3 classes, and 2 names are given with --classes; give 3, one for each, in its order (see…"),
    CommandCase("convert plain.safetensors -o a.safetensors --classes a,b,a", 1, "…two classes are called 'a'…"),
    CommandCase("convert plain.safetensors -o a.safetensors --classes a,,b", 1, "…a class has no name…"),
    CommandCase("convert plain.safetensors -o a.safetensors --classes a,b,c --mean 0,0", 64, "…--mean has 2 numbers; give 3…"),
    CommandCase(
      "convert plain.safetensors -o a.safetensors --classes a,b,c --deviation 0,1,1", 1, "…leave nothing of a picture…"),
    CommandCase("convert plain.safetensors -o a.safetensors --classes a,b,c --picture-size 0x5", 1, "…is not in 1...8192…"),
    CommandCase("convert plain.safetensors -o a.safetensors --classes a,b,c --picture-size 5", 64, "…as in 224x224…"),
    CommandCase("convert plain.safetensors -o a.safetensors --mean 0,0,0", 64, "…need --classes…"),
    CommandCase("convert plain.safetensors -o a.safetensors --classes a,b,c --colour rgb", 64, "…not both…"),
  ]

  @Test(arguments: failures) func `one line, and a code`(failure: CommandCase) throws {
    try Self.workplace().check(failure)
  }

  /// Files and folders that are passed over are told.
  @Test func foldersAreSummedUp() throws {
    let place = try Self.workplace()
    try FileManager.default.createDirectory(atPath: place.path("test/other"), withIntermediateDirectories: true)
    for name in ["test/other/2.png", "test/3.png"] { try TestChart.image(width: 32, height: 32).write(to: place.path(name)) }
    try AtomicFile.write(Array("notes".utf8), to: place.path("test/notes.txt"))
    let passedOver = "1 passed over, no pictures by their names: test/notes.txt; "
    for (model, output) in [("bird", "a.csv"), ("memb", "masks")] {
      let flat = try place.run(["predict", "\(model).safetensors", "test", "-o", output])
      let unentered =
        model == "bird"
        ? "the folder inside was not entered (-r enters it)" : "3 folders inside were not entered (-r enters them)"
      #expect(flat.code == 0 && flat.output.contains(passedOver + unentered), "\(flat)")
      let deep = try place.run(["predict", "\(model).safetensors", "test", "-r", "-o", "deep-\(output)"])
      #expect(deep.output.contains("1 passed over") && !deep.output.contains("entered"), "\(deep)")
    }
    try FileManager.default.createDirectory(atPath: place.path("empty/deep"), withIntermediateDirectories: true)
    let none = try place.run(["predict", "bird.safetensors", "empty"])
    #expect(none.code == 1 && none.error.contains("-r enters it"), "\(none.error)")
  }
}
