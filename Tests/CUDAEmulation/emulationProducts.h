// Matrices of a warp, and products of a warp and of four; see emulation.h, which includes this.
#pragma once

inline void loadMatrices(uint32_t (&r)[4], uint32_t row) {
  emulation::gatherWarp(&row, r, [](emulation::Gathering &w) {
    uint32_t all[32][4];
    for (int lane = 0; lane < 32; lane++)
      for (int m = 0; m < 4; m++) {
        uint32_t address = *static_cast<const uint32_t *>(w.in[m * 8 + lane / 4]);
        memcpy(&all[lane][m], emulation::sharedBytes(address, 16, "a matrix row") + lane % 4 * 4, 4);
      }
    for (int lane = 0; lane < 32; lane++) memcpy(w.out[lane], all[lane], 16);
  });
}

inline void loadTransposedMatrices(uint32_t (&r)[4], uint32_t row) {
  emulation::gatherWarp(&row, r, [](emulation::Gathering &w) {
    uint16_t rows[32][8];
    for (int at = 0; at < 32; at++)
      memcpy(rows[at], emulation::sharedBytes(*static_cast<const uint32_t *>(w.in[at]), 16, "a matrix row"), 16);
    for (int lane = 0; lane < 32; lane++) {
      uint32_t all[4];
      for (int m = 0; m < 4; m++) {
        const int first = m * 8 + lane % 4 * 2, column = lane / 4;
        all[m] = rows[first][column] | static_cast<uint32_t>(rows[first + 1][column]) << 16;
      }
      memcpy(w.out[lane], all, 16);
    }
  });
}

namespace emulation {

/// Eight columns, which machines add at once.
template <class T> using Eight = T __attribute__((vector_size(8 * sizeof(T))));

/// Adds the products of 16 rows and 8 columns to what lanes hold of them, in the order of the depth.
template <class T, int Depth, class D> void addProducts(Gathering &w, const T (&a)[16][Depth], const Eight<T> (&b)[Depth]) {
  for (int row = 0; row < 16; row++) {
    Eight<T> sums;
    // Row and column of number i of a lane: lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2.
    auto held = [&](int column) -> D & { return static_cast<D *>(w.out[row % 8 * 4 + column / 2])[row / 8 * 2 + column % 2]; };
    for (int column = 0; column < 8; column++) sums[column] = static_cast<T>(held(column));
    for (int k = 0; k < Depth; k++) sums += a[row][k] * b[k];
    for (int column = 0; column < 8; column++) held(column) = static_cast<D>(sums[column]);
  }
}

}  // namespace emulation

template <class E> struct Product {
  struct Operands {
    uint32_t a[4], b[2];
  };
  static float element(uint32_t pair, int e) { return emulation::toFloat(E{static_cast<uint16_t>(pair >> e * 16)}); }
  template <int Depth> static void add(float (&d)[4], Operands o) {
    emulation::gatherWarp(&o, d, [](emulation::Gathering &w) {
      float a[16][Depth];
      emulation::Eight<float> b[Depth];
      for (int lane = 0; lane < 32; lane++) {
        auto &o = *static_cast<const Operands *>(w.in[lane]);
        for (int e = 0; e < 2; e++) {
          for (int i = 0; i < Depth / 4; i++) a[lane / 4 + i % 2 * 8][lane % 4 * 2 + e + i / 2 * 8] = element(o.a[i], e);
          for (int i = 0; i < Depth / 8; i++) b[lane % 4 * 2 + e + i * 8][lane / 4] = element(o.b[i], e);
        }
      }
      emulation::addProducts<float, Depth, float>(w, a, b);
    });
  }
  static void add16(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
    add<16>(d, {{a0, a1, a2, a3}, {b0, b1}});
  }
  static void add8(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t b0) { add<8>(d, {{a0, a1, 0, 0}, {b0, 0}}); }
  static void set16(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
    d[0] = d[1] = d[2] = d[3] = 0;
    add16(d, a0, a1, a2, a3, b0, b1);
  }
};

inline float asFloat(uint32_t bits) {
  float v;
  memcpy(&v, &bits, 4);
  return v;
}
inline uint32_t asBits(float v) {
  uint32_t bits;
  memcpy(&bits, &v, 4);
  return bits;
}

inline float roundedToTensorFloat(float v) { return v - v == 0 ? asFloat((asBits(v) + 0x1000) & 0xffffe000) : v; }

template <> struct Product<float> {
  struct Operands {
    uint32_t a[4], b[2];
  };
  static void add8(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
    Operands o{{a0, a1, a2, a3}, {b0, b1}};
    emulation::gatherWarp(&o, d, [](emulation::Gathering &w) {
      float a[16][8];
      emulation::Eight<float> b[8];
      for (int lane = 0; lane < 32; lane++) {
        auto &o = *static_cast<const Operands *>(w.in[lane]);
        for (int i = 0; i < 4; i++) a[lane / 4 + i % 2 * 8][lane % 4 + i / 2 * 4] = asFloat(o.a[i] & 0xffffe000);
        for (int i = 0; i < 2; i++) b[lane % 4 + i * 4][lane / 4] = asFloat(o.b[i] & 0xffffe000);
      }
      emulation::addProducts<float, 8, float>(w, a, b);
    });
  }
};

inline void addIntegerProduct(int (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
  struct Operands {
    uint32_t a[4], b[2];
  } o{{a0, a1, a2, a3}, {b0, b1}};
  emulation::gatherWarp(&o, d, [](emulation::Gathering &w) {
    // Without a sign: sums wrap.
    uint32_t a[16][32];
    emulation::Eight<uint32_t> b[32];
    for (int lane = 0; lane < 32; lane++) {
      auto &o = *static_cast<const Operands *>(w.in[lane]);
      for (int e = 0; e < 4; e++) {
        for (int i = 0; i < 4; i++) a[lane / 4 + i % 2 * 8][lane % 4 * 4 + e + i / 2 * 16] = static_cast<uint32_t>(static_cast<int8_t>(o.a[i] >> e * 8));
        for (int i = 0; i < 2; i++) b[lane % 4 * 4 + e + i * 16][lane / 4] = static_cast<uint32_t>(static_cast<int8_t>(o.b[i] >> e * 8));
      }
    }
    emulation::addProducts<uint32_t, 32, int>(w, a, b);
  });
}

inline float product(float a, float b) { return a * b; }
inline float sum(float a, float b) { return a + b; }
inline float quotient(float a, float b) { return a / b; }
inline float asNumber(int v) { return static_cast<float>(v); }

inline void publishShared() { emulation::block->fibers[emulation::block->current].published++; }
inline void beginGroupProducts() {}

namespace emulation {

template <class E> constexpr bool isFloat = std::is_same_v<E, float>;
inline void open(GroupProduct product) { block->fibers[block->current].openProducts.push_back(product); }

template <class E> void multiply(const Gathering &g) {
  constexpr int depth = 32 / sizeof(E);
  const GroupProduct &first = *static_cast<const GroupProduct *>(g.in[0]);
  // Columns lie together, in eights.
  float a[64][depth];
  Eight<float> b[16][depth];
  for (int t = 0; t < 128 && first.rows; t++) {
    // What the registers hold now: whoever changes them before waiting gets what a device may give.
    const GroupProduct &p = *static_cast<const GroupProduct *>(g.in[t]);
    for (int i = 0; i < 4; i++)
      for (int e = 0; e < 2; e++)
        if constexpr (depth == 16)
          a[t / 32 * 16 + t % 32 / 4 + i % 2 * 8][t % 4 * 2 + e + i / 2 * 8] = Product<E>::element(p.rows[i], e);
  }
  for (int k = 0; k < depth; k += 16 / int(sizeof(E))) {
    for (int r = 0; r < 64 && !first.rows; r++) described<E>(first.a, r, k, &a[r][k], 1);
    for (int r = 0; r < first.columns; r++) {
      described<E>(first.b, r, k, reinterpret_cast<float *>(&b[r / 8][k]) + r % 8, 8);
    }
  }
  for (int t = 0; t < 128; t++) {
    const GroupProduct &p = *static_cast<const GroupProduct *>(g.in[t]);
    if (p.a != first.a || p.b != first.b || p.columns != first.columns || p.multiply != first.multiply)
      fail("the four warps of a product name different matrices");
  }
  for (int row = 0; row < 64; row++)
    for (int eight = 0; eight < first.columns / 8; eight++) {
      Eight<float> sums;
      // Row and column of number i of thread t: t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8, i / 4 * 8 + t % 4 * 2 + i % 2.
      auto held = [&](int column) -> float & {
        const int t = row / 16 * 32 + row % 8 * 4 + column / 2;
        return static_cast<const GroupProduct *>(g.in[t])->sums[eight * 4 + row % 16 / 8 * 2 + column % 2];
      };
      for (int column = 0; column < 8; column++) sums[column] = held(column);
      for (int k = 0; k < depth; k++) sums += a[row][k] * b[eight][k];
      for (int column = 0; column < 8; column++) held(column) = sums[column];
    }
}

/// This thread's oldest products, until so many groups of them are left.
inline void carryOut(size_t left) {
  Block &all = *block;
  const int thread = all.current;
  while (all.fibers[thread].productGroups.size() > left) {
    auto group = std::move(all.fibers[thread].productGroups.front());
    all.fibers[thread].productGroups.erase(all.fibers[thread].productGroups.begin());
    for (auto &p : group)
      gather(all.warpGroups[thread / 128], thread % 128, 128, &p, p.sums, [](Gathering &g) { static_cast<const GroupProduct *>(g.in[0])->multiply(g); });
  }
}

}  // namespace emulation

template <class E> void addGroupProduct(float (&d)[32], uint64_t a, uint64_t b, E *) {
  emulation::open({d, a, b, 64, emulation::multiply<E>});
}
template <int Groups, class E> void addGroupProduct(float (&d)[Groups][32], uint64_t a, uint64_t b, E *) {
  emulation::open({d[0], a, b, 64 * Groups, emulation::multiply<E>});
}
template <class E> void addGroupProduct(float (&d)[8][4], const uint32_t (&a)[4], uint64_t b, E *) {
  emulation::open({d[0], 0, b, 64, emulation::multiply<E>, a});
}
inline void commitGroupProducts() {
  auto &block = *emulation::block;
  const int thread = block.current;
  auto &f = block.fibers[thread];
  f.productGroups.push_back(std::move(f.openProducts));
  f.openProducts.clear();
  // At once, or when they are waited for: the same for four warps.
  const unsigned number = block.seed + unsigned(thread / 128) * 77 + unsigned(f.committedProducts++) * 0x9e3779b9u;
  if ((number ^ number >> 15) * 0x2c1b3c6du >> 31) emulation::carryOut(0);
}
template <int Pending> void waitForGroupProducts() { emulation::carryOut(Pending); }
