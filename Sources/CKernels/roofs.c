// What the machine can do at most: chains of multiply-adds in registers, and a walk through memory. For measurements only.
#include "signatures.h"
#ifdef SW_HAVE_X86
#include <immintrin.h>
#endif

#define UNROLL _Pragma("clang loop unroll(full)")

// `chains` independent sums hide the latency of a multiply-add; with the two operands they fill the registers and no more. The
// factor below 1 keeps every sum finite and normal for ever.
#define PEAK(name, attribute, lanes, chains)                                                                    \
  attribute static float name(ptrdiff_t rounds, float factor, float term) {                                     \
    typedef float vector __attribute__((ext_vector_type(lanes)));                                               \
    vector sum[chains], a = (vector)(factor), b = (vector)(term);                                               \
    UNROLL for (int i = 0; i < chains; i++) sum[i] = (vector)(1.0f + (float)i);                                 \
    for (ptrdiff_t round = 0; round < rounds; round++) {                                                        \
      UNROLL for (int i = 0; i < chains; i++) sum[i] = sum[i] * a + b;                                          \
    }                                                                                                           \
    vector total = sum[0];                                                                                      \
    UNROLL for (int i = 1; i < chains; i++) total += sum[i];                                                    \
    float result = 0;                                                                                           \
    UNROLL for (int i = 0; i < lanes; i++) result += total[i];                                                  \
    return result;                                                                                              \
  }

PEAK(peak_portable, , 4, 12)
#ifdef SW_HAVE_X86
PEAK(peak_avx2, __attribute__((target("avx2,fma"))), 8, 12)
PEAK(peak_avx512, __attribute__((target("avx512f,fma"))), 16, 24)

// The same for dot products of pairs of bfloat16 numbers.
__attribute__((target("avx512f,avx512bf16"))) static float peak_pairs(ptrdiff_t rounds, float factor, float term) {
  __m512 sum[24];
  __m512bh a = (__m512bh)_mm512_set1_ps(factor), b = (__m512bh)_mm512_set1_ps(term);
  UNROLL for (int i = 0; i < 24; i++) sum[i] = _mm512_set1_ps(1.0f + (float)i);
  for (ptrdiff_t round = 0; round < rounds; round++) {
    UNROLL for (int i = 0; i < 24; i++) sum[i] = _mm512_dpbf16_ps(sum[i], a, b);
  }
  UNROLL for (int i = 1; i < 24; i++) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  return _mm512_reduce_add_ps(sum[0]);
}
#endif

// The same for products of integers of 8 bits, four of a lane at a time, as `add_products` makes them: what is the same for many sums is made once.
#define INTEGER_PEAK(name, attribute, lanes, chains, MULTIPLY_ADD)                                              \
  attribute static float name(ptrdiff_t rounds, int32_t factor) {                                               \
    typedef int32_t vector __attribute__((ext_vector_type(lanes)));                                             \
    vector sum[chains], a = (vector)(factor), b = (vector)(factor + 1);                                         \
    UNROLL for (int i = 0; i < chains; i++) sum[i] = (vector)(i);                                               \
    for (ptrdiff_t round = 0; round < rounds; round++) {                                                        \
      UNROLL for (int i = 0; i < chains; i++) { MULTIPLY_ADD(sum[i], a, b); }                                   \
    }                                                                                                           \
    int32_t result = 0;                                                                                         \
    UNROLL for (int i = 0; i < chains; i++) UNROLL for (int l = 0; l < lanes; l++) result ^= sum[i][l];         \
    return (float)result;                                                                                       \
  }

// No product may be made once for many sums.
#ifdef SW_HAVE_X86
#define ANEW(v) __asm__ volatile("" : "+v"(v))
#elif defined(__aarch64__)
#define ANEW(v) __asm__ volatile("" : "+w"(v))
#else
#define ANEW(v) __asm__ volatile("" : "+m"(v))
#endif
#define PORTABLE_PRODUCTS(sum, a, b) ANEW(a); sum += a * b
INTEGER_PEAK(integer_peak_portable, , 4, 8, PORTABLE_PRODUCTS)
#ifdef SW_HAVE_X86
#define AVX2_PRODUCTS(sum, a, b)                                                                                \
  ANEW(a); sum += (vector)_mm256_madd_epi16((__m256i)a, (__m256i)b);                                            \
  ANEW(a); sum += (vector)_mm256_madd_epi16((__m256i)a, (__m256i)b)
#define AVX512_PRODUCTS(sum, a, b)                                                                              \
  ANEW(a); sum += (vector)_mm512_madd_epi16((__m512i)a, (__m512i)b);                                            \
  ANEW(a); sum += (vector)_mm512_madd_epi16((__m512i)a, (__m512i)b)
#define VNNI_PRODUCTS(sum, a, b) sum = (vector)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b)
INTEGER_PEAK(integer_peak_avx2, __attribute__((target("avx2"))), 8, 8, AVX2_PRODUCTS)
INTEGER_PEAK(integer_peak_avx512, __attribute__((target("avx512f,avx512bw"))), 16, 8, AVX512_PRODUCTS)
INTEGER_PEAK(integer_peak_vnni, __attribute__((target("avx512f,avx512bw,avx512vnni"))), 16, 24, VNNI_PRODUCTS)
#endif

int64_t sw_peak_operations(sw_isa isa, sw_element element, ptrdiff_t rounds) {
  if (element == SW_ELEMENT_UINT8) {
    switch (isa) {
      case SW_ISA_AVX2: return 2 * 32 * 8 * (int64_t)rounds;
      case SW_ISA_AVX512: return 2 * 64 * 8 * (int64_t)rounds;
      case SW_ISA_AVX512VNNI:
      case SW_ISA_AVX512BF16: return 2 * 64 * 24 * (int64_t)rounds;
      case SW_ISA_AMX: return 0;
      default: return 2 * 4 * 8 * (int64_t)rounds;
    }
  }
  switch (isa) {
    case SW_ISA_AVX512BF16:
    case SW_ISA_AMX:
      if (element == SW_ELEMENT_BFLOAT16) return 2 * 32 * 24 * (int64_t)rounds;
      return sw_peak_operations(SW_ISA_AVX512, element, rounds);
    case SW_ISA_AVX2: return 2 * 8 * 12 * (int64_t)rounds;
    case SW_ISA_AVX512:
    case SW_ISA_AVX512VNNI: return 2 * 16 * 24 * (int64_t)rounds;
    default: return 2 * 4 * 12 * (int64_t)rounds;
  }
}

float sw_peak(sw_isa isa, sw_element element, ptrdiff_t rounds, float factor, float term) {
  if (element == SW_ELEMENT_UINT8) {
    int32_t integer = 0x01020304;
    __asm__ volatile("" : "+r"(integer));
    switch (isa) {
#ifdef SW_HAVE_X86
      case SW_ISA_AVX2: return integer_peak_avx2(rounds, integer);
      case SW_ISA_AVX512: return integer_peak_avx512(rounds, integer);
      case SW_ISA_AVX512VNNI:
      case SW_ISA_AVX512BF16: return integer_peak_vnni(rounds, integer);
      case SW_ISA_AMX: return 0;
#endif
      default: return integer_peak_portable(rounds, integer);
    }
  }
  switch (isa) {
#ifdef SW_HAVE_X86
    case SW_ISA_AVX512BF16:
    case SW_ISA_AMX:
      if (element == SW_ELEMENT_BFLOAT16) return peak_pairs(rounds, factor, term);
      return peak_avx512(rounds, factor, term);
    case SW_ISA_AVX2: return peak_avx2(rounds, factor, term);
    case SW_ISA_AVX512:
    case SW_ISA_AVX512VNNI: return peak_avx512(rounds, factor, term);
#endif
    default: return peak_portable(rounds, factor, term);
  }
}

// Plain vectors of 16: whatever the target makes of them, memory is slower.
typedef float line __attribute__((ext_vector_type(16), aligned(4), may_alias));

float sw_read(const float *values, ptrdiff_t count) {
  line sums[4] = {(line)(0), (line)(0), (line)(0), (line)(0)};
  for (ptrdiff_t i = 0; i + 64 <= count; i += 64) {
    UNROLL for (int part = 0; part < 4; part++) sums[part] += *(const line *)(values + i + 16 * part);
  }
  line total = sums[0] + sums[1] + sums[2] + sums[3];
  float result = 0;
  UNROLL for (int i = 0; i < 16; i++) result += total[i];
  return result;
}

int64_t sw_wait_cycles(int64_t rounds) {
  uint64_t value = 1;
  for (int64_t round = 0; round < rounds; round += 16) {
    // The compiler must not see that these are one rotation.
    UNROLL for (int i = 0; i < 16; i++) {
      value = value << 3 | value >> 61;
      __asm__ volatile("" : "+r"(value));
    }
  }
  return (int64_t)value;
}
