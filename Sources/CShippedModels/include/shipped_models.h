#ifndef SWIFTLET_SHIPPED_MODELS_H
#define SWIFTLET_SHIPPED_MODELS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A model file (.safetensors) that travels inside the binary.
/// Sendable: it points to constants only.
struct __attribute__((swift_attr("@Sendable"))) swiftlet_shipped_model {
  /// What users call it, such as `upscale-x2`.
  const char *_Nonnull name;
  /// The file's bytes, read-only, 64-byte aligned, there for as long as the process.
  const unsigned char *_Nonnull bytes;
  size_t byte_count;
};

/// How many models the binary holds.
size_t swiftlet_shipped_model_count(void);

/// The model at `index`: those of clean pictures in the order of their scales, then those of JPEG pictures; no bytes and an empty name past the last.
struct swiftlet_shipped_model swiftlet_shipped_model_at(size_t index);

#ifdef __cplusplus
}
#endif

#endif
