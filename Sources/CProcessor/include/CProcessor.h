#ifndef CPROCESSOR_H
#define CPROCESSOR_H

/// Tells the core that the caller is spinning.
static inline void sw_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
