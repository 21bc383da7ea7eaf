// What kernels say to the processor: memory, copies, products. One name for each thing, so that the same kernels compile for
// the device (here) and for the host (emulation.h), where each is carried out by its definition and every address is checked.
//
// Kernels touch memory through these functions alone. Shared memory is spoken of by its 32-bit addresses.
#pragma once

#ifndef __CUDACC__
#include "emulation.h"
#else

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#ifdef __CUDACC_RTC__
// NVRTC has no library of C++.
using uint16_t = unsigned short;
using uint32_t = unsigned int;
using uint64_t = unsigned long long;
#else
#include <cstdint>
#endif

#define DEVICE __device__ __forceinline__
#define KERNEL(threads, blocks) extern "C" __global__ void __launch_bounds__(threads, blocks)
#define ARGUMENTS(type) const __grid_constant__ type

using Half = __half;
using BFloat16 = __nv_bfloat16;

// MARK: Shared memory

DEVICE uint32_t sharedBase() {
  extern __shared__ __align__(1024) unsigned char bytes[];
  return static_cast<uint32_t>(__cvta_generic_to_shared(bytes));
}

template <class T> DEVICE T readShared(uint32_t address) { return *static_cast<const T *>(__cvta_shared_to_generic(address)); }

template <class T> DEVICE void writeShared(uint32_t address, T value) {
  *static_cast<T *>(__cvta_shared_to_generic(address)) = value;
}

// MARK: Global memory

template <class T> DEVICE T readGlobal(const T *pointer) { return *pointer; }
// For what no kernel writes while this one runs: weights.
template <class T> DEVICE T readConstant(const T *pointer) { return __ldg(pointer); }
template <class T> DEVICE void writeGlobal(T *pointer, T value) { *pointer = value; }

// MARK: Asynchronous copies

/// 16 bytes from global to shared memory; zeros where `inside` is false (the pointer is not followed).
DEVICE void copyAsync(uint32_t target, const void *source, bool inside) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target), "l"(source), "r"(inside ? 16 : 0) : "memory");
}
DEVICE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Waits until at most `Pending` of this thread's groups are under way.
template <int Pending> DEVICE void waitForCopies() { asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory"); }

// MARK: Barriers

DEVICE void synchronizeBlock() { __syncthreads(); }
DEVICE void synchronizeWarp() { __syncwarp(); }
/// The `threads` threads that name barrier `index` (1 to 15) wait for each other.
DEVICE void synchronizeSome(int index, int threads) { asm volatile("bar.sync %0, %1;" ::"r"(index), "r"(threads) : "memory"); }

// MARK: Order between kernels

/// Waits until the kernels before this one in the stream are done: what they wrote may be read from here on, and what they read
/// be written. A kernel launched in the usual way is past it at once.
DEVICE void waitForEarlierKernels() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
/// Lets the next kernel start where there is room, once all blocks have come here; it waits in `waitForEarlierKernels`. Late in a
/// kernel: blocks that start while others are far from done fill the multiprocessors that are free, and leave the rest idle.
DEVICE void letLaterKernelsStart() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// The bytes of `low` (0 to 3) and of `high` (4 to 7) that the four digits of `order` name, the last digit's first.
DEVICE uint32_t permuteBytes(uint32_t low, uint32_t high, uint32_t order) { return __byte_perm(low, high, order); }

/// What is the same in all lanes of a warp, so that the compiler knows.
DEVICE int uniform(int value) { return __shfl_sync(0xffffffff, value, 0); }

/// The value of the lane whose number differs from this one's in the bits of `mask`.
DEVICE float exchanged(float value, int mask) { return __shfl_xor_sync(0xffffffff, value, mask); }

// MARK: Matrices of a warp

/// Four 8x8 matrices of 16-bit elements: lane l gives the address of row l % 8 of matrix l / 8 and gets elements
/// (l / 4, 2 (l % 4)) and the next one of each.
DEVICE void loadMatrices(uint32_t (&r)[4], uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row)
               : "memory");
}

/// The same, turned around: elements (2 (l % 4), l / 4) and that of the next row of each.
DEVICE void loadTransposedMatrices(uint32_t (&r)[4], uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row)
               : "memory");
}

template <class E> struct Product;

#define PRODUCT(Type, name)                                                                                                  \
  template <> struct Product<Type> {                                                                                         \
    static DEVICE void add16(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {  \
      asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." name "." name                                                    \
                   ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                                              \
                   : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                          \
                   : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));                                                  \
    }                                                                                                                        \
    static DEVICE void add8(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t b0) {                                          \
      asm volatile("mma.sync.aligned.m16n8k8.row.col.f32." name "." name ".f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};" \
                   : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                          \
                   : "r"(a0), "r"(a1), "r"(b0));                                                                             \
    }                                                                                                                        \
    static DEVICE void set16(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {  \
      asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." name "." name                                                    \
                   ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"                                          \
                   : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                                          \
                   : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1), "f"(0.0f));                                       \
    }                                                                                                                        \
  };
PRODUCT(Half, "f16")
PRODUCT(BFloat16, "bf16")
#undef PRODUCT

/// Numbers of 19 bits (TF32): what is below them is not looked at.
template <> struct Product<float> {
  static DEVICE void add8(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
  }
};
/// d += a b, of a depth of 32 int8, in int32.
DEVICE void addIntegerProduct(int (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
               : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
DEVICE float asFloat(uint32_t bits) { return __uint_as_float(bits); }
DEVICE uint32_t asBits(float value) { return __float_as_uint(value); }
/// The nearest number of 19 bits, of two the one that is farther from 0.
DEVICE float roundedToTensorFloat(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return asFloat(bits);
}

// MARK: Operations that are rounded one by one, and are not contracted

DEVICE float product(float a, float b) { return __fmul_rn(a, b); }
DEVICE float sum(float a, float b) { return __fadd_rn(a, b); }
DEVICE float quotient(float a, float b) { return __fdiv_rn(a, b); }
/// The nearest number.
DEVICE float asNumber(int v) { return __int2float_rn(v); }

// MARK: Products of four warps (Hopper)

#if __CUDA_ARCH__ >= 900
#define HOPPER(statement) statement;
#else
#define HOPPER(statement)
#endif

/// What the asynchronous units read in shared memory from here on includes what this thread wrote before.
DEVICE void publishShared() { HOPPER(asm volatile("fence.proxy.async.shared::cta;" ::: "memory")) }
DEVICE void beginGroupProducts() { HOPPER(asm volatile("wgmma.fence.sync.aligned;" ::: "memory")) }
DEVICE void commitGroupProducts() { HOPPER(asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory")) }
template <int Pending> DEVICE void waitForGroupProducts() {
  HOPPER(asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory"))
}

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define GROUP_PRODUCT(...) __VA_ARGS__
#else
#define GROUP_PRODUCT(...)
#endif
#define SUMS4(d) "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define SUMS8(d, i) \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), "+f"(d[i + 7])
#define SUMS32(d) SUMS8(d, 0), SUMS8(d, 8), SUMS8(d, 16), SUMS8(d, 24)

/// d (64 x 64, or 64 x 128: the first 64 columns, then the others) += a (64 rows) b (of a depth of 32 bytes); a and b in shared
/// memory as `matrixDescriptor` says.
#define GROUP_PRODUCTS(Type, depth, type, end)                                                                                \
  DEVICE void addGroupProduct(float (&d)[32], uint64_t a, uint64_t b, Type *) {                                               \
    GROUP_PRODUCT(asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n64k" depth ".f32." type \
                               "." type                                                                                      \
                               " {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"                                     \
                               "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, "                           \
                               "%32, %33, p, 1, 1" end "; }"                                                                  \
                               : SUMS32(d)                                                                                    \
                               : "l"(a), "l"(b));)                                                                            \
  }                                                                                                                           \
  DEVICE void addGroupProduct(float (&d)[1][32], uint64_t a, uint64_t b, Type *t) { addGroupProduct(d[0], a, b, t); }         \
  DEVICE void addGroupProduct(float (&d)[2][32], uint64_t a, uint64_t b, Type *) {                                            \
    GROUP_PRODUCT(asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n128k" depth ".f32." type \
                               "." type                                                                                      \
                               " {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"                                     \
                               "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"                             \
                               "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,"                             \
                               "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}, "                           \
                               "%64, %65, p, 1, 1" end "; }"                                                                  \
                               : SUMS32(d[0]), SUMS32(d[1])                                                                   \
                               : "l"(a), "l"(b));)                                                                            \
  }
// Of 16 bits an operand may lie the other way round: 0, 0 says that neither does.
GROUP_PRODUCTS(Half, "16", "f16", ", 0, 0")
GROUP_PRODUCTS(BFloat16, "16", "bf16", ", 0, 0")
GROUP_PRODUCTS(float, "8", "tf32", "")
#undef GROUP_PRODUCTS

/// d (64 x 64) += a (64 x 16) b (16 x 64): each warp has its 16 rows of a, and of d, in registers as for `Product`; b in shared memory.
/// The registers of a stay as they are until the product is waited for.
#define GROUP_PRODUCTS(Type, type)                                                                                                      \
  DEVICE void addGroupProduct(float (&d)[8][4], const uint32_t (&a)[4], uint64_t b, Type *) {                                           \
    GROUP_PRODUCT(asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type " "     \
                               "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"                                                \
                               "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, "                                     \
                               "{%32,%33,%34,%35}, %36, p, 1, 1, 0; }"                                                                  \
                               : SUMS4(d[0]), SUMS4(d[1]), SUMS4(d[2]), SUMS4(d[3]), SUMS4(d[4]), SUMS4(d[5]), SUMS4(d[6]), SUMS4(d[7]) \
                               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));)                                                  \
  }
GROUP_PRODUCTS(Half, "f16")
GROUP_PRODUCTS(BFloat16, "bf16")
#undef GROUP_PRODUCTS
#undef GROUP_PRODUCT
#undef SUMS4
#undef SUMS32
#undef SUMS8

#endif

// MARK: Elements

/// Two elements that lie together, as `Pair` holds them.
template <class E> struct Numbers;
#ifdef __CUDACC__
template <> struct Numbers<Half> {
  using Pair = uint32_t;
  static DEVICE uint32_t pack(float low, float high) {
    __half2 v = __floats2half2_rn(low, high);
    return *reinterpret_cast<uint32_t *>(&v);
  }
  static DEVICE float2 unpack(uint32_t pair) { return __half22float2(*reinterpret_cast<__half2 *>(&pair)); }
};
template <> struct Numbers<BFloat16> {
  using Pair = uint32_t;
  static DEVICE uint32_t pack(float low, float high) {
    __nv_bfloat162 v = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<uint32_t *>(&v);
  }
  static DEVICE float2 unpack(uint32_t pair) { return {__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u)}; }
};
#else
template <> struct Numbers<Half> {
  using Pair = uint32_t;
  static uint32_t pack(float low, float high) { return emulation::pack<Half>(low, high); }
  static float2 unpack(uint32_t pair) { return emulation::unpack<Half>(pair); }
};
template <> struct Numbers<BFloat16> {
  using Pair = uint32_t;
  static uint32_t pack(float low, float high) { return emulation::pack<BFloat16>(low, high); }
  static float2 unpack(uint32_t pair) { return emulation::unpack<BFloat16>(pair); }
};
#endif
template <> struct Numbers<float> {
  using Pair = float2;
  static DEVICE float2 pack(float low, float high) { return {low, high}; }
  static DEVICE float2 unpack(float2 pair) { return pair; }
};

/// Where the products of four warps find a matrix whose rows are its outer index: pieces of 8 rows of 16 bytes that lie one
/// after the other, `rowStride` bytes from eight rows to the next eight, `depthStride` bytes from the elements of 16 bytes to
/// the next.
DEVICE uint64_t matrixDescriptor(uint32_t address, uint32_t rowStride, uint32_t depthStride) {
  return static_cast<uint64_t>((address & 0x3ffff) >> 4) | static_cast<uint64_t>(depthStride >> 4) << 16 |
         static_cast<uint64_t>(rowStride >> 4) << 32;
}

/// The elements of 16 bytes plus others.
template <class E> DEVICE uint4 addElements(uint4 a, uint4 b) {
  auto add = [](uint32_t p, uint32_t q) {
    float2 s = Numbers<E>::unpack(p), t = Numbers<E>::unpack(q);
    return Numbers<E>::pack(s.x + t.x, s.y + t.y);
  };
  return {add(a.x, b.x), add(a.y, b.y), add(a.z, b.z), add(a.w, b.w)};
}

template <> DEVICE uint4 addElements<float>(uint4 a, uint4 b) {
  auto add = [](uint32_t p, uint32_t q) { return asBits(asFloat(p) + asFloat(q)); };
  return {add(a.x, b.x), add(a.y, b.y), add(a.z, b.z), add(a.w, b.w)};
}

/// The elements of 16 bytes, those below 0 as 0.
template <class E> DEVICE uint4 rectifyElements(uint4 a) {
  auto rectify = [](uint32_t p) {
    float2 v = Numbers<E>::unpack(p);
    return Numbers<E>::pack(v.x < 0 ? 0 : v.x, v.y < 0 ? 0 : v.y);
  };
  return {rectify(a.x), rectify(a.y), rectify(a.z), rectify(a.w)};
}

template <> DEVICE uint4 rectifyElements<float>(uint4 a) {
  auto rectify = [](uint32_t p) { return asFloat(p) < 0 ? 0u : p; };
  return {rectify(a.x), rectify(a.y), rectify(a.z), rectify(a.w)};
}

/// residual + (v < 0 ? below : above) * v, where below is not more than above.
DEVICE float activated(float v, float above, float below, float residual) {
  return fmaxf(v * above + residual, v * below + residual);
}

/// A family whose blocks have no tile and no shared memory.
struct Untiled {
  static constexpr int width = 0, height = 0, sharedBytes = 0;
};
