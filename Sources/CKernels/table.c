#include "signatures.h"
#ifdef SW_HAVE_X86
#include <cpuid.h>
#include <stdlib.h>
#endif
#if defined(SW_HAVE_X86) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
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

#ifdef SW_HAVE_X86
// Whether the processor has tiles and products of bytes on them, the system saves their state (bits 17 and 18 of XCR0), and this process may use them.
static int has_tiles(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d >> 24 & 3) != 3) return 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return 0;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low >> 17 & 3) != 3) return 0;
#if defined(__linux__)
  // ARCH_REQ_XCOMP_PERM of XFEATURE_XTILEDATA, for all threads of the process.
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
  return 0;
#endif
}
#endif

// 1 with tiles, 2 where they are emulated, 0 without. Threads that come first at the same time find the same.
static int tiles(void) {
  static _Atomic int known = -1;
  if (known >= 0) return known;
  int found = 0;
#ifdef SW_HAVE_X86
  if (has_tiles()) found = 1;
  else if (getenv("SWIFTLET_EMULATED_TILES")) found = 2;
#endif
  known = found;
  return found;
}

int sw_emulates_tiles(void) { return tiles() == 2; }

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
    // All processors that have it have pairs, too.
    case SW_ISA_AMX: return sw_isa_available(SW_ISA_AVX512BF16) ? tiles() : 0;
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
