import CPUBackend
import Execution
import Networks
import Tensors
import Transforms
func now() -> Double { let c = ContinuousClock.now - start; return Double(c.components.seconds) * 1e3 + Double(c.components.attoseconds) * 1e-15 }
let start = ContinuousClock.now
func vdsr(_ f: Int) -> Network {
  var b = NetworkBuilder("vdsr")
  let x = b.input("x", channels: 1)
  var y = b.activation("r0", b.convolution("c0", x, outChannels: f, kernel: Pair(3), padding: Padding(1), bias: false), .relu)
  for i in 1...18 { y = b.activation("r\(i)", b.convolution("c\(i)", y, outChannels: f, kernel: Pair(3), padding: Padding(1), bias: false), .relu) }
  y = b.convolution("tail", y, outChannels: 1, kernel: Pair(3), padding: Padding(1), bias: false)
  b.output(b.add("out", y, x))
  return try! b.build(.random(seed: 1))
}
func edsr(_ f: Int) -> Network {
  var b = NetworkBuilder("edsr")
  let x = b.input("x", channels: 3)
  let h = b.convolution("head", x, outChannels: f, kernel: Pair(3), padding: Padding(1))
  var y = h
  for i in 0..<16 {
    let a = b.activation("r\(i)", b.convolution("a\(i)", y, outChannels: f, kernel: Pair(3), padding: Padding(1)), .relu)
    let c = b.scale("s\(i)", b.convolution("b\(i)", a, outChannels: f, kernel: Pair(3), padding: Padding(1)), by: 0.1)
    y = b.add("add\(i)", y, c)
  }
  y = b.add("long", h, y)
  let u = b.pixelShuffle("shuffle", b.convolution("up", y, outChannels: f * 4, kernel: Pair(3), padding: Padding(1)), factor: 2)
  b.output(b.convolution("tail", u, outChannels: 3, kernel: Pair(3), padding: Padding(1)))
  return try! b.build(.random(seed: 1))
}
func one(_ i: Int, _ o: Int) -> Network {
  var b = NetworkBuilder("one")
  let x = b.input("x", channels: 1)
  var y = b.convolution("h", x, outChannels: i, kernel: Pair(1))
  for k in 0..<8 { y = b.convolution("c\(k)", y, outChannels: o, kernel: Pair(3), padding: Padding(1)) }
  b.output(b.convolution("t", y, outChannels: 1, kernel: Pair(1)))
  return try! b.build(.random(seed: 1))
}
let a = CommandLine.arguments
let shape = Shape(a[2])!
let isa = InstructionSet(rawValue: a.count > 3 ? a[3] : "avx512")!
let threads = a.count > 4 ? Int(a[4])! : 2
let f = a.count > 5 ? Int(a[5])! : 64
let net = try (a[1] == "vdsr" ? vdsr(f) : a[1] == "edsr" ? edsr(f) : one(f, f)).fusing()
let session = try CPUEngine(instructionSet: isa, threadCount: threads).prepare(net, inputs: [shape])
var g = SplitMix64(seed: 1)
let input = Tensor(uniform: shape, bound: 1, using: &g)
var times: [Double] = []
for _ in 0..<12 { let t = now(); _ = try session.run([input]); times.append(now() - t) }
times.removeFirst(2); times.sort()
let macs = try net.ledger(inputs: [shape]).multiplyAccumulates
let mac = Double(macs)
print("\(a[1]) \(shape) \(isa) threads \(threads) f \(f): median \(times[5]) min \(times[0]) ms, \(2 * mac / times[5] * 1e-6) GFLOP/s, peak \(session.peakMemoryByteCount >> 20) MiB")

if a.count > 6 {
  var best: [Int] = [], names: [String] = []
  for _ in 0..<6 { let t = try (session as! any TimingSession).timedRun([input]).timings
    names = t.map { "\($0.node) \($0.kernels)" }; best = best.isEmpty ? t.map(\.nanoseconds) : zip(best, t).map { min($0, $1.nanoseconds) } }
  for (n, t) in zip(names, best) { print(n, t / 1000, "us") }
}
