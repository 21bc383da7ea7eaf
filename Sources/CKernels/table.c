#include "signatures.h"
#ifdef SW_HAVE_X86
#include <cpuid.h>
#endif

static const sw_kernel kernels[] = {
#define SW_KERNEL(isa, family, name, left, right, sum, stored, rows, vectors)                                     \
  {#name,   SW_ISA_##isa, SW_ELEMENT_##left, SW_ELEMENT_##right, SW_ELEMENT_##sum, SW_ELEMENT_##stored,             \
   SW_FAMILY_##family, rows, vectors, (void (*)(void))name},
#include "kernels.def"
#undef SW_KERNEL
};

const sw_kernel *sw_kernel_at(int32_t index) { return &kernels[index]; }

int32_t sw_kernel_count(void) { return (int32_t)(sizeof kernels / sizeof kernels[0]); }

int sw_isa_available(sw_isa isa) {
  switch (isa) {
    case SW_ISA_PORTABLE: return 1;
#ifdef SW_HAVE_X86
    case SW_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case SW_ISA_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    case SW_ISA_AVX512VNNI: return sw_isa_available(SW_ISA_AVX512) && __builtin_cpu_supports("avx512vnni");
    // All processors that have it have the products of integers, too.
    case SW_ISA_AVX512BF16: return sw_isa_available(SW_ISA_AVX512VNNI) && __builtin_cpu_supports("avx512bf16");
#endif
    default: return 0;
  }
}

sw_processor sw_processor_here(void) {
  sw_processor result = {{0}, 0, 0};
#ifdef SW_HAVE_X86
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return result;
  const unsigned text[3] = {b, d, c};
  for (int i = 0; i < 12; i++) result.vendor[i] = (char)(text[i / 4] >> (i % 4 * 8));
  if (!__get_cpuid(1, &a, &b, &c, &d)) return result;
  // The extended numbers count where the plain ones are at their end.
  unsigned family = a >> 8 & 15, model = a >> 4 & 15;
  if (family == 6 || family == 15) model += (a >> 16 & 15) << 4;
  if (family == 15) family += a >> 20 & 255;
  result.family = (int32_t)family;
  result.model = (int32_t)model;
#endif
  return result;
}
