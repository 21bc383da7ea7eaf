#include "shipped_models.h"

// #embed is C23, and an extension of clang in the dialect that SwiftPM compiles C with.
#pragma clang diagnostic ignored "-Wc23-extensions"

// Aligned so that a reader may use the tensors where they lie, if the file's header is padded likewise.
#define MODEL_BYTES _Alignas(64) static const unsigned char

MODEL_BYTES upscale_x2[] = {
#embed "models/upscale-x2.safetensors"
};

MODEL_BYTES upscale_x3[] = {
#embed "models/upscale-x3.safetensors"
};

MODEL_BYTES upscale_x4[] = {
#embed "models/upscale-x4.safetensors"
};

MODEL_BYTES photo_x2[] = {
#embed "models/photo-x2.safetensors"
};

MODEL_BYTES photo_x3[] = {
#embed "models/photo-x3.safetensors"
};

MODEL_BYTES photo_x4[] = {
#embed "models/photo-x4.safetensors"
};

static const struct swiftlet_shipped_model models[] = {
    {"upscale-x2", upscale_x2, sizeof upscale_x2},
    {"upscale-x3", upscale_x3, sizeof upscale_x3},
    {"upscale-x4", upscale_x4, sizeof upscale_x4},
    {"photo-x2", photo_x2, sizeof photo_x2},
    {"photo-x3", photo_x3, sizeof photo_x3},
    {"photo-x4", photo_x4, sizeof photo_x4},
};

size_t swiftlet_shipped_model_count(void) { return sizeof models / sizeof models[0]; }

struct swiftlet_shipped_model swiftlet_shipped_model_at(size_t index) {
  if (index < swiftlet_shipped_model_count()) return models[index];
  const struct swiftlet_shipped_model none = {"", upscale_x2, 0};
  return none;
}
