// Runs kernels on the CPU, one block after the other in random order. Each thread of a block is a fiber; fibers run in random
// order until they wait for each other. What the device leaves open is made as bad as it may be:
// - shared memory begins as NaN, and so do registers that an unfinished product will write;
// - asynchronous copies happen when they are waited for, no sooner; the products of four warps then or at once, as it falls;
// - products of four warps do not see what was written in shared memory and not published;
// - every address is checked: shared memory against the block's size, global memory against the buffers that the launch named.
// The first fault ends the launch and is returned as text.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#define DEVICE inline
#define KERNEL(threads, blocks) inline void
#define ARGUMENTS(type) const type
// Loops that the device wants unrolled need not be here.
#pragma clang diagnostic ignored "-Wpass-failed"

struct float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  uint32_t x, y;
};
struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

#include "emulationNumbers.h"

namespace emulation {

/// Global memory that a launch may touch.
struct Buffer {
  const char *begin, *end;
  bool writable;
};
/// Threads that wait for each other.
struct Meeting {
  int arrived = 0, generation = 0;
};
/// A warp, or four: lanes bring what they have, and the last one to come does the work for all.
struct Gathering {
  Meeting meeting;
  const void *in[128];
  void *out[128];
};
struct Copy {
  uint32_t target;
  unsigned char bytes[16];
  const void *source;
  bool inside;
};
struct GroupProduct {
  float *sums;
  uint64_t a, b;
  int columns;
  void (*multiply)(const Gathering &);
  const uint32_t *rows = nullptr;  // a in registers
};
/// Who wrote a word of shared memory, and how often that thread had published before; thread -1: nobody.
struct Writing {
  int thread = -1, published = 0;
};

#if defined(__x86_64__)
/// A stack that waits. Exchanging two takes some instructions, where swapcontext asks the system for the mask of signals.
struct Context {
  void *stack = nullptr;
};
/// Leaves what the caller must find again on its stack, and goes on with another.
__attribute__((naked, noinline)) inline void exchange(void **, void *) {
  asm("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
      "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
      "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret");
}
inline void exchange(Context &from, Context &to) { exchange(&from.stack, to.stack); }
inline void begin(Context &context, char *stack, size_t size, void (*body)()) {
  // As after a call: the address to return to is not a multiple of 16.
  auto top = (reinterpret_cast<uintptr_t>(stack) + size) & ~uintptr_t(15);
  void **at = reinterpret_cast<void **>(top) - 2;
  *at = reinterpret_cast<void *>(body);
  for (int i = 1; i <= 6; i++) at[-i] = nullptr;
  context.stack = at - 6;
}
#else
struct Context {
  ucontext_t context;
};
inline void exchange(Context &from, Context &to) { swapcontext(&from.context, &to.context); }
inline void begin(Context &context, char *stack, size_t size, void (*body)()) {
  getcontext(&context.context);
  context.context.uc_stack.ss_sp = stack;
  context.context.uc_stack.ss_size = size;
  context.context.uc_link = nullptr;
  makecontext(&context.context, body, 0);
}
#endif

struct Fiber {
  Context context;
  bool done = false;
  std::vector<std::vector<Copy>> groups;  // committed, oldest first
  std::vector<Copy> open;
  std::vector<std::vector<GroupProduct>> productGroups;
  std::vector<GroupProduct> openProducts;
  int published = 0, committedProducts = 0;
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<Gathering> warps, warpGroups;
  Meeting all, some[16];
  int live = 0, current = 0;
  std::vector<Buffer> buffers;
  // Where the last address was found: the next is mostly there, too.
  size_t lastBuffer = 0;
  std::vector<unsigned char> shared;
  std::vector<Writing> writings;  // by words of four bytes
  unsigned seed;
  Context main;
  std::function<void()> body;
  std::string fault;
};

constexpr uint32_t sharedStart = 1024;  // address 0 is nobody's
// Launches of different threads of the host do not know of each other.
inline thread_local Block *block;
inline thread_local dim3 blockIndex, gridSize, blockSize;

inline void yield() { exchange(block->fibers[block->current].context, block->main); }

[[noreturn, gnu::cold, gnu::noinline]] inline void fail(const std::string &text) {
  if (block->fault.empty()) {
    block->fault = text + " (thread " + std::to_string(block->current) + " of block " + std::to_string(blockIndex.x) + ", " +
                   std::to_string(blockIndex.y) + ", " + std::to_string(blockIndex.z) + ")";
  }
  for (;;) yield();
}

inline void meet(Meeting &m, int count) {
  int generation = m.generation;
  if (++m.arrived == count) {
    m.arrived = 0;
    m.generation++;
  } else
    while (m.generation == generation) yield();
}

template <class Work> void gather(Gathering &group, int lane, int count, const void *in, void *out, Work work) {
  group.in[lane] = in;
  group.out[lane] = out;
  int generation = group.meeting.generation;
  if (++group.meeting.arrived == count) {
    work(group);
    group.meeting.arrived = 0;
    group.meeting.generation++;
  } else
    while (group.meeting.generation == generation) yield();
}
template <class Work> void gatherWarp(const void *in, void *out, Work work) {
  gather(block->warps[block->current / 32], block->current % 32, 32, in, out, work);
}

[[noreturn, gnu::cold, gnu::noinline]] inline void failBeyond(uint32_t address, uint32_t size, const char *what) {
  fail(std::string(what) + " outside shared memory: " + std::to_string(size) + " bytes at " +
       std::to_string(static_cast<int64_t>(address) - sharedStart) + " of " + std::to_string(block->shared.size()));
}
[[noreturn, gnu::cold, gnu::noinline]] inline void failUnaligned(size_t size, const char *what) {
  fail(std::string(what) + " of " + std::to_string(size) + " bytes at an address that is not a multiple of it");
}

inline unsigned char *sharedBytes(uint32_t address, uint32_t size, const char *what) {
  if (address < sharedStart || address - sharedStart + size > block->shared.size()) failBeyond(address, size, what);
  if (address % size) failUnaligned(size, what);
  return block->shared.data() + (address - sharedStart);
}

/// That this thread wrote to shared memory.
inline void noteWriting(uint32_t address, uint32_t size) {
  for (uint32_t at = address - sharedStart; at < address - sharedStart + size; at += 4)
    block->writings[at / 4] = {block->current, block->fibers[block->current].published};
}

[[gnu::noinline]] inline void findGlobal(const char *p, size_t size, bool writes, const char *what) {
  auto &buffers = block->buffers;
  // The last one that begins before it, where they are in order; a network has hundreds of values.
  const auto behind = std::upper_bound(buffers.begin(), buffers.end(), p, [](const char *q, const Buffer &b) { return q < b.begin; });
  if (behind != buffers.begin()) {
    const Buffer &b = *std::prev(behind);
    if (p >= b.begin && p + size <= b.end && (b.writable || !writes)) {
      block->lastBuffer = size_t(&b - buffers.data());
      return;
    }
  }
  for (auto &b : buffers)
    if (p >= b.begin && p + size <= b.end) {
      block->lastBuffer = size_t(&b - buffers.data());
      if (writes && !b.writable) fail(std::string(what) + " to a buffer that is only read");
      return;
    }
  fail(std::string(what) + " of " + std::to_string(size) + " bytes outside every buffer");
}

inline void checkGlobal(const void *pointer, size_t size, bool writes, const char *what) {
  const char *p = static_cast<const char *>(pointer);
  if (reinterpret_cast<uintptr_t>(p) % size) failUnaligned(size, what);
  if (block->lastBuffer < block->buffers.size()) {
    const Buffer &b = block->buffers[block->lastBuffer];
    if (p >= b.begin && p + size <= b.end && (b.writable || !writes)) return;
  }
  findGlobal(p, size, writes, what);
}

inline void enter() {
  block->body();
  Fiber &self = block->fibers[block->current];
  if (!self.open.empty() || !self.openProducts.empty()) fail("a thread ended with copies or products that it did not commit");
  for (auto &g : self.productGroups)
    if (!g.empty()) fail("a thread ended with products that it did not wait for");
  self.done = true;
  block->live--;
  if (block->live && block->all.arrived == block->live) {
    block->all.arrived = 0;
    block->all.generation++;
  }
  for (;;) yield();
}

/// Numbers for orders: every wait of every thread needs one, so that they must cost little.
struct Order {
  uint64_t state;
  uint32_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return static_cast<uint32_t>(z >> 32);
  }
  template <class Values> void shuffle(Values &values) {
    for (size_t left = values.size(); left > 1; left--)
      std::swap(values[left - 1], values[static_cast<uint64_t>(next()) * left >> 32]);
  }
};

/// Memory for the stacks of a block's threads, kept from one launch to the next. The same place of two stacks does not lie at the same place of a page,
/// which would make them share the few lines of the cache that are for it.
struct Stacks {
  static constexpr size_t size = 96 << 10, distance = size + 13 * 64;
  std::unique_ptr<char[]> bytes;
  size_t count = 0;
  char *operator[](size_t index) { return bytes.get() + index * distance; }
  void reserve(size_t threads) {
    if (threads <= count) return;
    bytes.reset(new char[threads * distance]);
    count = threads;
  }
};
inline thread_local Stacks stacks;

/// Runs `body` once for each thread of each block; returns the first fault, or nothing.
template <class Body>
std::string launch(dim3 grid, unsigned threads, size_t sharedSize, unsigned seed, std::vector<Buffer> named, Body body) {
  gridSize = grid;
  blockSize = {threads};
  Order order{seed};
  Block b;
  block = &b;
  b.buffers = std::move(named);
  b.body = body;
  b.seed = seed;
  b.fibers.resize(threads);
  b.warps.resize((threads + 31) / 32);
  b.warpGroups.resize((threads + 127) / 128);
  stacks.reserve(threads);
  std::vector<int> turn;
  std::vector<unsigned> blocks(grid.x * grid.y * grid.z);
  for (unsigned i = 0; i < blocks.size(); i++) blocks[i] = i;
  order.shuffle(blocks);
  for (unsigned i : blocks) {
    blockIndex = {i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y};
    b.shared.assign(sharedSize, 0xff);
    b.writings.assign((sharedSize + 3) / 4, {});
    b.live = threads;
    b.all = {};
    for (auto &m : b.some) m = {};
    turn.resize(threads);
    for (unsigned t = 0; t < threads; t++) {
      auto &f = b.fibers[t];
      f.done = false;
      f.groups.clear();
      f.open.clear();
      f.productGroups.clear();
      f.openProducts.clear();
      f.published = f.committedProducts = 0;
      begin(f.context, stacks[t], Stacks::size, enter);
      turn[t] = int(t);
    }
    for (int idle = 0; b.live && b.fault.empty(); idle++) {
      if (idle > 1000000) {
        b.fault = "threads wait for each other forever";
        break;
      }
      order.shuffle(turn);
      for (int t : turn) {
        b.current = t;
        exchange(b.main, b.fibers[t].context);
        if (!b.fault.empty()) break;
      }
      if (size_t(b.live) < turn.size()) std::erase_if(turn, [&](int t) { return b.fibers[t].done; });
    }
    if (!b.fault.empty()) return b.fault;
  }
  return "";
}

struct ThreadIndex {
  operator unsigned() const { return block->current; }
};
struct ThreadIndices {
  ThreadIndex x;
};
inline ThreadIndices threadIndices;

/// The 16 bytes of elements from (row, depth) on, of a matrix that a descriptor names; of float32 the first 19 bits.
template <class E> void described(uint64_t d, int row, int depth, float *out, int distance) {
  constexpr int elements = 16 / sizeof(E);
  uint32_t start = (d & 0x3fff) << 4, depthStride = (d >> 16 & 0x3fff) << 4, rowStride = (d >> 32 & 0x3fff) << 4;
  uint32_t address = start + row / 8 * rowStride + depth / elements * depthStride + row % 8 * 16;
  const unsigned char *bytes = sharedBytes(address, 16, "a product's operand");
  for (int word = 0; word < 4; word++) {
    const Writing &by = block->writings[(address - sharedStart) / 4 + word];
    if (by.thread >= 0 && by.published == block->fibers[by.thread].published)
      fail("a product's operand that thread " + std::to_string(by.thread) + " wrote and did not publish");
  }
  for (int e = 0; e < elements; e++) {
    if constexpr (std::is_same_v<E, float>) {
      uint32_t bits;
      memcpy(&bits, bytes + e * 4, 4);
      bits &= 0xffffe000;
      memcpy(&out[e * distance], &bits, 4);
    } else {
      E v;
      memcpy(&v, bytes + e * 2, 2);
      out[e * distance] = toFloat(v);
    }
  }
}

}  // namespace emulation

#define threadIdx emulation::threadIndices
#define blockIdx emulation::blockIndex
#define gridDim emulation::gridSize
#define blockDim emulation::blockSize

using std::max;
using std::min;
inline uint32_t sharedBase() { return emulation::sharedStart; }
template <class T> T readShared(uint32_t address) {
  T v;
  memcpy(&v, emulation::sharedBytes(address, sizeof(T), "a read"), sizeof(T));
  return v;
}
template <class T> void writeShared(uint32_t address, T v) {
  memcpy(emulation::sharedBytes(address, sizeof(T), "a write"), &v, sizeof(T));
  emulation::noteWriting(address, sizeof(T));
}
template <class T> T readGlobal(const T *p) {
  emulation::checkGlobal(p, sizeof(T), false, "a read");
  return *p;
}
template <class T> T readConstant(const T *p) { return readGlobal(p); }
template <class T> void writeGlobal(T *p, T v) {
  emulation::checkGlobal(p, sizeof(T), true, "a write");
  *p = v;
}

inline void copyAsync(uint32_t target, const void *source, bool inside) {
  emulation::sharedBytes(target, 16, "a copy");
  if (inside) emulation::checkGlobal(source, 16, false, "a copy");
  // Until it arrives, nobody may rely on what was there.
  memset(emulation::sharedBytes(target, 16, "a copy"), 0xff, 16);
  emulation::block->fibers[emulation::block->current].open.push_back({target, {}, source, inside});
}
inline void commitCopies() {
  auto &f = emulation::block->fibers[emulation::block->current];
  f.groups.push_back(std::move(f.open));
  f.open.clear();
}
template <int Pending> void waitForCopies() {
  auto &f = emulation::block->fibers[emulation::block->current];
  while (f.groups.size() > Pending) {
    for (auto &c : f.groups.front()) {
      auto *to = emulation::sharedBytes(c.target, 16, "a copy");
      if (c.inside) memcpy(to, c.source, 16);
      else memset(to, 0, 16);
      emulation::noteWriting(c.target, 16);
    }
    f.groups.erase(f.groups.begin());
  }
}

inline void synchronizeBlock() { emulation::meet(emulation::block->all, emulation::block->live); }
inline void synchronizeWarp() {
  emulation::gatherWarp(nullptr, nullptr, [](emulation::Gathering &) {});
}
inline void synchronizeSome(int index, int threads) { emulation::meet(emulation::block->some[index], threads); }
inline void waitForEarlierKernels() {}
inline void letLaterKernelsStart() {}

inline uint32_t permuteBytes(uint32_t low, uint32_t high, uint32_t order) {
  uint64_t both = static_cast<uint64_t>(high) << 32 | low;
  uint32_t result = 0;
  for (int i = 0; i < 4; i++) result |= static_cast<uint32_t>(both >> (order >> i * 4 & 7) * 8 & 0xff) << i * 8;
  return result;
}

inline float exchanged(float value, int mask) {
  struct Operand {
    float value;
    int mask;
  } operand{value, mask};
  float result;
  emulation::gatherWarp(&operand, &result, [](emulation::Gathering &w) {
    for (int lane = 0; lane < 32; lane++) {
      const int other = lane ^ static_cast<const Operand *>(w.in[lane])->mask;
      *static_cast<float *>(w.out[lane]) = static_cast<const Operand *>(w.in[other])->value;
    }
  });
  return result;
}

inline int uniform(int value) {
  int first;
  emulation::gatherWarp(&value, &first, [](emulation::Gathering &w) {
    int all[32];
    for (int lane = 0; lane < 32; lane++) all[lane] = *static_cast<const int *>(w.in[lane]);
    for (int lane = 0; lane < 32; lane++) {
      if (all[lane] != all[0]) emulation::fail("what ought to be uniform differs in a warp");
      *static_cast<int *>(w.out[lane]) = all[0];
    }
  });
  return first;
}

#include "emulationProducts.h"
