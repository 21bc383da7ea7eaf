#include "CUDAEmulation.h"

#include "Kernels.h"
#include "convolution.cu"
#include "packing.h"

using namespace emulation;
using packing::Weights;
using packing::Words;

namespace {

enum class Kind {
  dense, denseFloat, denseHopper, denseWide, denseWideFloat, pointwiseHopper, sumParts, separable, block, selection, head, headFloat, tail, pool,
  depthwise, planes, linear, mean
};

/// What the host knows of a family: how its weights are packed, and what its tiles are.
struct Family {
  Kind kind;
  int tileWidth, tileHeight, size, stride;
  int planes;  // the most that it makes, or outputs of a thread
  size_t sharedBytes;
  bool brain;
  int groups = 1;  // of 64 output channels a block
  bool single = false;  // pixels of float32
  bool isForHopper = false;  // of separable layers: packed for products of four warps
  bool rounds = false;       // float32 to numbers of 19 bits
};
template <class F> constexpr Family family{};
template <class E> constexpr bool isBrain = std::is_same_v<E, BFloat16>;
template <class E, int W, int S, int Z, int T>
constexpr Family family<Dense<E, W, S, Z, T>>{Kind::dense, 16, W * 4, Z, T, 0, Dense<E, W, S, Z, T>::sharedBytes, isBrain<E>};
template <class P> constexpr bool isOne = std::is_same_v<P, OneProduct>;
template <int W, int S, int Z, int T, class P> constexpr Family family<DenseFloat<W, S, Z, T, P>>{
    Kind::denseFloat, 16, W * 4, Z, T, 0, DenseFloat<W, S, Z, T, P>::sharedBytes, false, 1, true, false, isOne<P>};
template <class E, int G> constexpr Family family<DenseHopper<E, G>>{
    Kind::denseHopper, DenseHopper<E, G>::width, DenseHopper<E, G>::height, 3, 1, 0, DenseHopper<E, G>::sharedBytes,
    isBrain<E>};
template <class E, int G, int S> constexpr Family family<DenseWideHopper<E, G, S>>{
    Kind::denseWide, 16, 16, 3, 1, 0, DenseWideHopper<E, G, S>::sharedBytes, isBrain<E>, G};
template <int G, int S, class P> constexpr Family family<DenseWideFloatHopper<G, S, P>>{
    Kind::denseWideFloat, 16, 16, 3, 1, 0, DenseWideFloatHopper<G, S, P>::sharedBytes, false, G, true, false, isOne<P>};
template <class E, int R, int G, int S> constexpr Family family<PointwiseHopper<E, R, G, S>>{
    Kind::pointwiseHopper, PointwiseHopper<E, R, G, S>::width, 1, 1, 1, 0, PointwiseHopper<E, R, G, S>::sharedBytes, isBrain<E>,
    G};
template <class E> constexpr Family family<SumParts<E>>{Kind::sumParts, 0, 0, 0, 0, 0, 0, false};
template <class E, int W, int S, class U> constexpr Family family<Separable<E, W, S, U>>{
    Kind::separable, 16, W * 4, 3, 1, 0, Separable<E, W, S, U>::sharedBytes, isBrain<E>, 1, isFloat<E>, U::isGrouped,
    std::is_same_v<U, SeparableUnitFloat<OneProduct>>};
template <class E, class U> constexpr Family family<SeparableBlock<E, U>>{
    Kind::block, SeparableBlock<E, U>::width, SeparableBlock<E, U>::height, 3, 1, 0, SeparableBlock<E, U>::sharedBytes, isBrain<E>,
    1, false, U::isGrouped};
template <class E, int S>
constexpr Family family<Selection<E, S>>{Kind::selection, 16, 16, 3, 1, 0, Selection<E, S>::sharedBytes, isBrain<E>};
template <int P, int W>
constexpr Family family<HeadFloat<P, W>>{Kind::headFloat, 16, W * 4, 3, 1, P, HeadFloat<P, W>::sharedBytes, false, 1, true};
template <class E, int W, int Z, int T>
constexpr Family family<Head<E, W, Z, T>>{Kind::head, 16, W * 4, Z, T, 0, Head<E, W, Z, T>::sharedBytes, isBrain<E>};
template <class E, int Z, int T> constexpr Family family<Depthwise<E, Z, T>>{
    Kind::depthwise, 0, 0, Z, T, Depthwise<E, Z, T>::columns, 0, isBrain<E>, 1, std::is_same_v<E, float>};
template <class E, int P> constexpr Family family<PointwisePlanes<E, P>>{Kind::planes, 0, 0, 1, 1, P * 8, 0, isBrain<E>};
template <class E, class R> constexpr Family family<Linear<E, R>>{
    Kind::linear, 0, 0, 1, 1, std::is_same_v<R, float>, 0, isBrain<E>, 1, std::is_same_v<E, float>};
template <class E> constexpr Family family<MeanOfPixels<E>>{
    Kind::mean, 0, 0, 1, 1, 0, MeanOfPixels<E>::sharedBytes, isBrain<E>, 1, std::is_same_v<E, float>};
template <class E, int W, int S>
constexpr Family family<Tail<E, W, S>>{Kind::tail, 16, W * 4, 3, 1, 0, Tail<E, W, S>::sharedBytes, isBrain<E>, 1, isFloat<E>};
template <class E, int Z, int T> constexpr Family family<MaximumPool<E, Z, T>>{Kind::pool, 0, 0, Z, T, 0, 0, isBrain<E>};

/// A kernel of a family that is packed for: those of any shape run in whole networks.
struct Row {
  const EmulatedKernel *kernel;
  Family family;
};
std::vector<Row> tabledRows() {
  std::vector<Row> result;
  size_t index = 0;
#undef CUDA_KERNEL
#define CUDA_KERNEL(name, kernelFamily, arguments, threads, blocks, width, height, shared)                              \
  if constexpr ((std::is_same_v<arguments, ConvolutionArguments> && family<kernelFamily>.kind != Kind::sumParts) ||     \
                std::is_same_v<arguments, PoolArguments>)                                                               \
    result.push_back({&emulatedKernels()[index], family<kernelFamily>});                                                \
  index++;
#include "kernels.def"
  return result;
}
const std::vector<Row> rows = tabledRows();

template <class T> Buffer buffer(std::vector<T> &v, bool writable) {
  const char *begin = reinterpret_cast<const char *>(v.data());
  return {begin, begin + v.size() * sizeof(T), writable};
}

/// Numbers of a layer's ends in double precision by place, and as they lie in memory.
struct Numbers16 {
  bool brain, single;
  float rounded(float v) const { return single ? v : brain ? toFloat(fromFloat<BFloat16>(v)) : toFloat(fromFloat<Half>(v)); }
  uint16_t bits(float v) const { return brain ? fromFloat<BFloat16>(v).bits : fromFloat<Half>(v).bits; }
  float value(uint16_t bits) const { return brain ? toFloat(BFloat16{bits}) : toFloat(Half{bits}); }
};

/// A batch whose channels lie together, or plane by plane; outside an image it is zero.
struct Images {
  int count, height, width, channels;
  bool planar;
  std::vector<float> numbers;
  size_t place(int image, int y, int x, int channel) const {
    return planar ? ((size_t(image) * channels + channel) * height + y) * width + x
                  : ((size_t(image) * height + y) * width + x) * channels + channel;
  }
  double at(int image, int y, int x, int channel) const {
    return y < 0 || x < 0 || y >= height || x >= width ? 0 : numbers[place(image, y, x, channel)];
  }
};

/// Sums of a convolution padded by half its size; grouped: each channel by itself.
Images convolved(const Images &x, const Weights &weights, int outputs, int size, int stride, bool depthwise) {
  Images y{x.count, (x.height - 1) / stride + 1, (x.width - 1) / stride + 1, outputs, false, {}};
  y.numbers.resize(size_t(y.count) * y.height * y.width * outputs);
  const int inputs = depthwise ? 1 : x.channels, taps = size * size;
  // Output channels side by side: the sums of a pixel grow together.
  std::vector<double> turned(size_t(taps) * inputs * outputs), sums(static_cast<size_t>(outputs));
  for (int o = 0; o < outputs; o++)
    for (int c = 0; c < inputs; c++)
      for (int tap = 0; tap < taps; tap++)
        turned[(size_t(tap) * inputs + c) * outputs + o] = weights[(size_t(o) * inputs + c) * taps + tap];
  for (int i = 0; i < y.count; i++)
    for (int v = 0; v < y.height; v++)
      for (int u = 0; u < y.width; u++) {
        std::fill(sums.begin(), sums.end(), 0);
        for (int tap = 0; tap < taps; tap++) {
          const int row = v * stride - size / 2 + tap / size, column = u * stride - size / 2 + tap % size;
          if (row < 0 || column < 0 || row >= x.height || column >= x.width) continue;
          const double *from = &turned[size_t(tap) * inputs * outputs];
          for (int c = 0; c < x.channels; c++) {
            const double factor = x.at(i, row, column, c);
            if (depthwise) {
              sums[c] += factor * from[c];
            } else {
              for (int o = 0; o < outputs; o++) sums[o] += factor * from[size_t(c) * outputs + o];
            }
          }
        }
        for (int o = 0; o < outputs; o++) y.numbers[y.place(i, v, u, o)] = float(sums[o]);
      }
  return y;
}

double error(const Row &row, CUDAKernelCase c, std::string &fault) {
  const Family &f = row.family;
  if (f.kind == Kind::linear) {
    c.images *= c.height * c.width;
    c.height = c.width = 1;
  }
  const bool single = f.single, planarIn = f.kind == Kind::head || f.kind == Kind::headFloat,
             planarOut = f.kind == Kind::tail || f.kind == Kind::planes || (f.kind == Kind::linear && f.planes);
  const Numbers16 numbers{f.brain, single};
  const packing::Round round =
      f.brain ? [](float v) { return fromFloat<BFloat16>(v).bits; } : [](float v) { return fromFloat<Half>(v).bits; };
  std::mt19937 generator(c.seed);
  auto random = [&](size_t count, float scale, bool exact) {
    std::vector<float> v(count);
    for (float &n : v) {
      n = std::uniform_real_distribution<float>(-scale, scale)(generator);
      if (!exact) n = numbers.rounded(n);
    }
    return v;
  };

  const int inputs = c.inputChannels, outputs = c.outputChannels, taps = f.size * f.size;
  // Kernels make groups of 64 channels of each of the four pixels that one becomes, or of the one; of the last group fewer may be stored.
  bool isGrouped = true;
  for (Kind kind : {Kind::tail, Kind::pool, Kind::depthwise, Kind::planes, Kind::linear, Kind::mean}) isGrouped &= f.kind != kind;
  const int runs = c.shuffle == 2 ? 4 : 1, ofRun = outputs / runs, paddedRun = isGrouped ? (ofRun + 63) / 64 * 64 : ofRun,
            made = paddedRun * runs;
  auto padded = [&](int output) { return size_t(output / ofRun * paddedRun + output % ofRun); };
  /// `each` numbers an output channel, zeros where there is none.
  auto spread = [&](const std::vector<float> &numbers, int each) {
    std::vector<float> all(size_t(made * each));
    for (int o = 0; o < outputs; o++)
      std::copy_n(numbers.begin() + long(o) * each, each, all.begin() + long(padded(o)) * each);
    return all;
  };
  Images x{c.images, c.height, c.width, inputs, planarIn, random(size_t(c.images) * c.height * c.width * inputs, 1, planarIn)};
  const int height =
      f.kind == Kind::pool ? (c.height + 2 * (f.size / 3) - f.size) / f.stride + 1 : (c.height - 1) / f.stride + 1;
  const int width = f.kind == Kind::pool ? (c.width + 2 * (f.size / 3) - f.size) / f.stride + 1 : (c.width - 1) / f.stride + 1;
  const size_t computed = size_t(c.images) * height * width * outputs;
  std::vector<uint16_t> input16(x.numbers.size()), output16(computed, 0xffff);
  for (size_t i = 0; i < input16.size(); i++) input16[i] = numbers.bits(x.numbers[i]);
  std::vector<float> output32(computed, NAN);
  const bool floatIn = single || planarIn, floatOut = single || planarOut;

  if (f.kind == Kind::pool) {
    if (height < 1 || width < 1) {
      fault = "no output";
      return -1;
    }
    PoolArguments a{input16.data(), output16.data(), c.height, c.width, height, width, inputs, f.size / 3, inputs, inputs};
    fault = launch({unsigned(height * width * inputs / 8 + 255) / 256, unsigned(c.images), 1}, row.kernel->threads, 0, c.seed,
                   {buffer(input16, false), buffer(output16, true)}, [&] { row.kernel->run(&a); });
    if (!fault.empty()) return -1;
    size_t wrong = 0, at = 0;
    for (int i = 0; i < c.images; i++)
      for (int v = 0; v < height; v++)
        for (int u = 0; u < width; u++)
          for (int o = 0; o < inputs; o++, at++) {
            double best = -INFINITY;
            for (int t = 0; t < taps; t++) {
              const int p = v * f.stride - f.size / 3 + t / f.size, q = u * f.stride - f.size / 3 + t % f.size;
              if (p >= 0 && q >= 0 && p < c.height && q < c.width) best = std::max(best, x.at(i, p, q, o));
            }
            wrong += best != numbers.value(output16[at]);
          }
    return double(wrong) / double(at);
  }

  if (f.kind == Kind::mean) {
    std::vector<float> y32(size_t(c.images) * inputs, NAN);
    std::vector<uint16_t> y16(y32.size(), 0xffff);
    PoolArguments a{single ? static_cast<void *>(x.numbers.data()) : input16.data(),
                    single ? static_cast<void *>(y32.data()) : y16.data(),
                    c.height, c.width, 1, 1, inputs, 0, inputs, inputs};
    fault = launch({unsigned(inputs + 63) / 64, unsigned(c.images), 1}, row.kernel->threads, f.sharedBytes, c.seed,
                   {single ? buffer(x.numbers, false) : buffer(input16, false), single ? buffer(y32, true) : buffer(y16, true)},
                   [&] { row.kernel->run(&a); });
    if (!fault.empty()) return -1;
    double distance = 0, length = 0;
    for (int i = 0; i < c.images; i++)
      for (int o = 0; o < inputs; o++) {
        double want = 0;
        for (int v = 0; v < c.height; v++)
          for (int u = 0; u < c.width; u++) want += x.at(i, v, u, o) / (c.height * c.width);
        const size_t at = size_t(i) * inputs + o;
        const double got = single ? y32[at] : numbers.value(y16[at]);
        distance += (want - got) * (want - got);
        length += want * want;
      }
    return std::sqrt(distance / length);
  }

  // Weights of sizes that keep sums near one.
  const float slope = 0.25f, scale = 0.5f;
  Weights first, second, third, fourth;
  std::vector<float> bias = random(size_t(std::max(made, 16)) * 2, 1, true);
  Words packed;
  Weights packedFloat;
  switch (f.kind) {
    case Kind::dense:
    case Kind::denseFloat:
    case Kind::denseHopper:
    case Kind::denseWide:
    case Kind::denseWideFloat:
    case Kind::pointwiseHopper:
    case Kind::head:
    case Kind::headFloat:
    case Kind::tail: {
      first = random(size_t(outputs) * inputs * taps, 1.7f / std::sqrt(float(inputs * taps)), false);
      const Weights all = spread(first, inputs * taps);
      if (f.kind == Kind::dense) packed = packing::dense(all, made, inputs, f.size, round);
      if (f.kind == Kind::denseFloat) packedFloat = packing::denseFloat(all, made, inputs, f.size, f.rounds);
      if (f.kind == Kind::denseWideFloat) packedFloat = packing::denseWideFloat(all, made, inputs, f.groups * 64, f.rounds);
      if (f.kind == Kind::denseHopper) packed = packing::denseHopper(all, made, inputs, 64, 64, round);
      if (f.kind == Kind::denseWide) packed = packing::denseHopper(all, made, inputs, 16, f.groups * 64, round);
      if (f.kind == Kind::headFloat) packedFloat = packing::headFloat(all, made, inputs);
      if (f.kind == Kind::head) packed = packing::head(all, made, inputs, f.size, round);
      if (f.kind == Kind::tail) {
        if (single) packedFloat = packing::tailFloat(first, outputs, inputs);
        else packed = packing::tail(first, outputs, inputs, round);
      }
      if (f.kind == Kind::pointwiseHopper) packed = packing::denseHopper(all, made, inputs, 32, f.groups * 64, round, 1);
      break;
    }
    case Kind::depthwise:
    case Kind::planes:
    case Kind::linear: {
      const int fromEach = f.kind == Kind::depthwise ? 1 : inputs;
      first = random(size_t(outputs) * fromEach * taps, 1.7f / std::sqrt(float(fromEach * taps)), false);
      packedFloat = f.kind == Kind::depthwise ? packing::transposed(first, outputs, taps) : first;
      if (f.kind == Kind::planes) packedFloat.resize(size_t(f.planes * inputs), 0);
      for (float v : packedFloat) packed.push_back(round(v));
      break;
    }
    case Kind::separable:
    case Kind::block:
      first = random(size_t(inputs) * 9, 0.6f, false);
      second = random(size_t(outputs) * inputs, 1.7f / std::sqrt(float(inputs)), false);
      if (single) packedFloat = packing::separableFloat(first, spread(second, inputs), made, inputs, f.rounds);
      else packed = packing::separable(first, spread(second, inputs), made, inputs, f.isForHopper, round);
      if (f.kind == Kind::block) {
        third = random(size_t(inputs) * 9, 0.6f, false);
        fourth = random(size_t(outputs) * inputs, 1.7f / std::sqrt(float(inputs)), false);
        Words more = packing::separable(third, fourth, outputs, inputs, f.isForHopper, round);
        packed.insert(packed.end(), more.begin(), more.end());
      }
      break;
    case Kind::selection:
      first = random(size_t(outputs) * inputs, 1.7f / std::sqrt(float(inputs)), false);
      second = random(size_t(outputs) * 9, 0.6f, false);
      packed = packing::selection(spread(first, inputs), spread(second, 9), made, inputs, round);
      break;
    case Kind::sumParts:
    case Kind::mean:
    case Kind::pool: break;
  }

  const bool residual = c.residual && f.kind != Kind::linear && !(planarOut && c.shuffle == 2),
             added = c.second && !planarOut && f.kind != Kind::linear;
  std::vector<float> r = random(computed, 1, planarOut), s = random(computed, 1, false);
  std::vector<uint16_t> r16(computed), s16(computed);
  for (size_t i = 0; i < computed; i++) {
    r16[i] = numbers.bits(r[i]);
    s16[i] = numbers.bits(s[i]);
  }

  ConvolutionArguments a{};
  a.input = floatIn ? static_cast<void *>(x.numbers.data()) : input16.data();
  a.weights = single ? static_cast<void *>(packedFloat.data()) : packed.data();
  a.bias = bias.data();
  a.residual = !residual ? nullptr : floatOut ? static_cast<void *>(r.data()) : r16.data();
  a.second = !added ? nullptr : floatOut ? static_cast<void *>(s.data()) : s16.data();
  a.output = floatOut ? static_cast<void *>(output32.data()) : output16.data();
  a.height = c.height;
  a.width = c.width;
  a.outputHeight = height;
  a.outputWidth = width;
  a.inputChannels = a.inputStride = inputs;
  a.outputChannels = a.outputStride = c.shuffle == 2 && !planarOut ? outputs / 4 : outputs;
  a.groups = planarOut ? 1 : made / 64;
  a.shuffle = c.shuffle;
  a.images = c.images;
  a.splits = std::max(c.splits, 1);
  a.slope = slope;
  a.scale = scale;
  a.rectifies = c.rectifies;
  if (f.tileWidth > 0) {
    a.tilesAcross = (width + f.tileWidth - 1) / f.tileWidth;
    a.tilesDown = (height + f.tileHeight - 1) / f.tileHeight;
  }
  dim3 grid{unsigned(a.tilesAcross), unsigned(a.tilesDown), unsigned(a.images * a.groups / f.groups * a.splits)};
  if (f.kind == Kind::denseHopper) grid = {2, unsigned(a.groups), 1};
  if (f.kind == Kind::depthwise)
    grid = {unsigned(height * ((width + f.planes - 1) / f.planes) * outputs / 8 + 255) / 256, unsigned(a.images), 1};
  if (f.kind == Kind::planes) grid = {unsigned(a.images * height * width + 255) / 256, 1, 1};
  if (f.kind == Kind::linear) grid = {unsigned(outputs + 7) / 8, unsigned(a.images + 3) / 4, 1};
  if (f.kind == Kind::pointwiseHopper)
    grid = {unsigned((a.images * height * width + f.tileWidth - 1) / f.tileWidth * (a.groups / f.groups)), unsigned(a.splits), 1};
  const Buffer output = floatOut ? buffer(output32, true) : buffer(output16, true),
               residuals = floatOut ? buffer(r, false) : buffer(r16, false),
               seconds = floatOut ? buffer(s, false) : buffer(s16, false);
  std::vector<float> parts(a.splits > 1 ? computed / size_t(outputs) * size_t(made * a.splits) : 0, NAN);
  ConvolutionArguments end = a;
  if (a.splits > 1) {
    a.output = parts.data();
    a.residual = a.second = nullptr;
    end.input = parts.data();
  }
  fault = launch(
      grid, row.kernel->threads, f.sharedBytes, c.seed,
      {floatIn ? buffer(x.numbers, false) : buffer(input16, false), single ? buffer(packedFloat, false) : buffer(packed, false),
       buffer(bias, false), residuals, seconds, a.splits > 1 ? buffer(parts, true) : output},
      [&] { row.kernel->run(&a); });
  if (fault.empty() && a.splits > 1) {
    const std::string name = single ? "sumParts_float" : f.brain ? "sumParts_bfloat16" : "sumParts_half";
    for (auto &kernel : emulatedKernels())
      if (kernel.name == name)
        fault = launch({unsigned(size_t(height) * width * a.groups * 16 + 255) / 256, unsigned(a.images), 1}, kernel.threads, 0,
                       c.seed + 1, {buffer(parts, false), residuals, seconds, output}, [&] { kernel.run(&end); });
  }
  if (!fault.empty()) return -1;

  // The reference keeps sums in float32 between the layers of a block, which is far below what 16 bits lose there.
  if (planarIn)
    for (float &n : x.numbers) n = numbers.rounded(n);
  auto add = [&](Images &y, const float *bias) {
    for (size_t i = 0; i < y.numbers.size(); i++) y.numbers[i] += bias[padded(int(i % size_t(y.channels)))];
  };
  auto activate = [&](Images &y) {
    for (float &n : y.numbers) n = n < 0 ? slope * n : n;
  };
  Images y;
  switch (f.kind) {
    case Kind::separable:
    case Kind::block:
      y = convolved(convolved(x, first, inputs, 3, 1, true), second, outputs, 1, 1, false);
      add(y, bias.data());
      if (f.kind == Kind::block) {
        activate(y);
        y = convolved(convolved(y, third, inputs, 3, 1, true), fourth, outputs, 1, 1, false);
        add(y, bias.data() + 64);
        for (size_t i = 0; i < computed; i++) y.numbers[i] = x.numbers[i] + scale * y.numbers[i];
      }
      break;
    case Kind::selection: {
      y = convolved(x, first, outputs, 1, 1, false);
      std::vector<float> before, after;
      for (int g = 0; g < made; g += 64) {
        before.insert(before.end(), &bias[size_t(g) * 2], &bias[size_t(g) * 2] + 64);
        after.insert(after.end(), &bias[size_t(g) * 2] + 64, &bias[size_t(g) * 2] + 128);
      }
      add(y, before.data());
      y = convolved(y, second, outputs, 3, 1, true);
      add(y, after.data());
      break;
    }
    default:
      y = convolved(x, first, outputs, f.size, f.stride, f.kind == Kind::depthwise);
      add(y, bias.data());
  }
  if (f.kind != Kind::block) {
    activate(y);
    for (float &n : y.numbers) n *= scale;
  }

  double distance = 0, length = 0;
  for (int i = 0; i < c.images; i++)
    for (int v = 0; v < height; v++)
      for (int u = 0; u < width; u++)
        for (int o = 0; o < outputs; o++) {
          size_t at = y.place(i, v, u, o);
          double want = y.numbers[at];
          if (planarOut) at = ((size_t(i) * outputs + o) * height + v) * width + u;
          if (c.shuffle == 2 && planarOut) {
            at = ((size_t(i) * (outputs / 4) + o / 4) * height * 2 + v * 2 + o % 4 / 2) * width * 2 + u * 2 + o % 2;
          } else if (c.shuffle == 2) {
            const int run = o / (outputs / 4);
            at = ((size_t(i) * height * 2 + v * 2 + run / 2) * width * 2 + u * 2 + run % 2) * (outputs / 4) + o % (outputs / 4);
          }
          if (residual && f.kind != Kind::block) want += r[at];
          if (added) want += s[at];
          if (c.rectifies && want < 0) want = 0;
          const double got = floatOut ? output32[at] : numbers.value(output16[at]);
          if (!(got == got)) {
            fault = "not every output is a number";
            return -1;
          }
          distance += (want - got) * (want - got);
          length += want * want;
        }
  return std::sqrt(distance / length);
}

void write(const std::string &text, char *to, int capacity) { snprintf(to, size_t(capacity), "%s", text.c_str()); }

}  // namespace

const char *cudaKernelName(int index) { return index < int(rows.size()) ? rows[size_t(index)].kernel->name.c_str() : nullptr; }
int cudaKernelInputUnit(int index) {
  const Family &f = rows[size_t(index)].family;
  switch (f.kind) {
    case Kind::pool:
    case Kind::depthwise:
    case Kind::mean: return 8;
    case Kind::linear: return 200;  // more than lanes take at once
    case Kind::head: return 1;
    default: return f.single ? 8 : 16;
  }
}
int cudaKernelOutputUnit(int index) {
  const Family &f = rows[size_t(index)].family;
  switch (f.kind) {
    case Kind::tail: return 1;
    case Kind::planes: return f.planes > 8 ? 4 : 1;
    case Kind::linear: return f.planes ? 1 : 64;
    case Kind::pool:
    case Kind::depthwise:
    case Kind::mean: return 0;
    default: return 64 * f.groups;
  }
}
int cudaKernelFixedInputs(int index) {
  const Family &f = rows[size_t(index)].family;
  return f.kind == Kind::headFloat ? f.planes : f.kind == Kind::denseHopper || f.kind == Kind::block ? 64 : 0;
}
int cudaKernelMostInputs(int index) { return rows[size_t(index)].family.kind == Kind::head ? 4 : 1024; }
int cudaKernelMostOutputs(int index) {
  const Family &f = rows[size_t(index)].family;
  return f.kind == Kind::tail ? 8 : f.kind == Kind::planes ? f.planes : f.kind == Kind::block ? 64 : 256;
}
int cudaKernelShuffles(int index) {
  const Family &f = rows[size_t(index)].family;
  switch (f.kind) {
    case Kind::tail:
    case Kind::block:
    case Kind::pool:
    case Kind::depthwise:
    case Kind::linear:
    case Kind::mean: return 0;
    case Kind::planes: return f.planes > 8;
    default: return 1;
  }
}
int cudaKernelSplits(int index) {
  const Family &f = rows[size_t(index)].family;
  switch (f.kind) {
    case Kind::dense:
    case Kind::denseFloat:
    case Kind::denseWide:
    case Kind::pointwiseHopper:
    case Kind::separable:
    case Kind::selection:
    case Kind::denseWideFloat: return 1;
    default: return 0;
  }
}
int cudaKernelSplitUnit(int index) {
  return rows[size_t(index)].family.kind == Kind::pointwiseHopper ? 32 : cudaKernelInputUnit(index);
}
int cudaKernelResiduals(int index) {
  const Kind kind = rows[size_t(index)].family.kind;
  return kind != Kind::pool && kind != Kind::mean;
}

double cudaKernelError(int index, CUDAKernelCase kernelCase, char *fault, int capacity) {
  std::string text;
  const double result = error(rows[size_t(index)], kernelCase, text);
  write(text, fault, capacity);
  return result;
}

void cudaFaultOfMissingBarrier(int planted, unsigned seed, char *fault, int capacity) {
  std::vector<float> x(256), y(256, NAN);
  for (int i = 0; i < 256; i++) x[size_t(i)] = float(i);
  std::string text = launch({1, 1, 1}, 256, 1024, seed, {buffer(x, false), buffer(y, true)}, [&] {
    const int i = int(threadIdx.x);
    writeShared<float>(sharedBase() + uint32_t(i) * 4, readGlobal(&x[size_t(i)]));
    if (!planted) synchronizeBlock();
    writeGlobal(&y[size_t(i)], readShared<float>(sharedBase() + uint32_t(255 - i) * 4));
  });
  for (int i = 0; i < 256 && text.empty(); i++)
    if (y[size_t(i)] != float(255 - i)) text = "what was read is not what was written";
  write(text, fault, capacity);
}

void cudaFaultOfReadOutside(int planted, unsigned seed, char *fault, int capacity) {
  std::vector<float> x(100), y(100, NAN);
  write(launch({1, 1, 1}, 128, 0, seed, {buffer(x, false), buffer(y, true)},
               [&] {
                 const int i = int(threadIdx.x);
                 if (i < 100) writeGlobal(&y[size_t(i)], readGlobal(x.data() + std::min(i + 1, planted ? 100 : 99)));
               }),
        fault, capacity);
}

void cudaFaultOfUnwaitedCopy(int planted, unsigned seed, char *fault, int capacity) {
  std::vector<float> x(128, 1.0f), y(128, NAN);
  std::string text = launch({1, 1, 1}, 32, 512, seed, {buffer(x, false), buffer(y, true)}, [&] {
    const int i = int(threadIdx.x);
    copyAsync(sharedBase() + uint32_t(i) * 16, &x[size_t(i) * 4], true);
    commitCopies();
    if (planted) waitForCopies<1>();
    else waitForCopies<0>();
    synchronizeWarp();
    writeGlobal(&y[size_t(i) * 4], readShared<float>(sharedBase() + uint32_t(31 - i) * 16));
  });
  for (int i = 0; i < 32 && text.empty(); i++)
    if (y[size_t(i) * 4] != 1) text = "what was read had not arrived";
  write(text, fault, capacity);
}

void cudaFaultOfUnpublishedOperand(int planted, unsigned seed, char *fault, int capacity) {
  std::vector<float> y(64 * 64, NAN);
  std::string text = launch({1, 1, 1}, 128, 4096, seed, {buffer(y, true)}, [&] {
    const int i = int(threadIdx.x);
    for (int k = 0; k < 8; k++) writeShared<float>(sharedBase() + uint32_t(k * 128 + i) * 4, 1.0f);
    if (!planted) publishShared();
    synchronizeBlock();
    float sums[32] = {};
    beginGroupProducts();
    addGroupProduct(sums, matrixDescriptor(sharedBase(), 128, 1024), matrixDescriptor(sharedBase() + 2048, 128, 1024),
                    static_cast<float *>(nullptr));
    commitGroupProducts();
    waitForGroupProducts<0>();
    for (int k = 0; k < 32; k++) writeGlobal(&y[size_t(i * 32 + k)], sums[k]);
  });
  for (float v : y)
    if (text.empty() && v != 8) text = "the product is not that of its operands";
  write(text, fault, capacity);
}
