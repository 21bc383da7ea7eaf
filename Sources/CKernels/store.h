// Stores with epilogue and elementwise passes. Included once for each type of element; planes hold float32 in either.

SW_DECLARE_STORE(VALUE_NAME(store)) {
  finish_mode mode = finish_mode_of(epilogue, residual->base != 0);
  for (ptrdiff_t i = 0; i < count; i++) {
    char *out = (char *)destination->base + y * destination->row + (x + i) * destination->pixel;
    const STORED *added = residual->base ? AT(STORED, residual->base, y * residual->row + (x + i) * residual->pixel) : 0;
#define STORE_PIXEL(mode)                                                                                                      \
  for (ptrdiff_t b = 0; b < blocks; b++) {                                                                                     \
    STORED *block = (STORED *)(out + destination->block[first_block + b]);                                                     \
    for (ptrdiff_t c = 0; c < SW_CHANNEL_BLOCK; c += LANES) {                                                                  \
      ptrdiff_t channel = (first_block + b) * SW_CHANNEL_BLOCK + c;                                                            \
      vector v = load(product + i * product_stride + b * SW_CHANNEL_BLOCK + c);                                                \
      store_value(block + c, finish(v, mode, bias_of(epilogue, channel), epilogue, channel, added ? added + channel : 0));     \
    }                                                                                                                          \
  }
    SW_WITH_FINISH_MODE(mode, STORE_PIXEL)
#undef STORE_PIXEL
  }
}

SW_DECLARE_ELEMENTWISE(VALUE_NAME(elementwise)) {
  if (channels) {
    finish_mode mode = finish_mode_of(epilogue, residual != 0);
    for (ptrdiff_t i = 0; i < pixels; i++)
#define ELEMENTWISE_PIXEL(mode)                                                                                                \
  for (ptrdiff_t c = 0; c < channels; c += LANES) {                                                                            \
    vector v = load_value(AT(ELEMENT, in, i * in_pixel) + c);                                                                  \
    if (multiplier) v *= load(multiplier + c);                                                                                 \
    const STORED *added = residual ? AT(STORED, residual, i * residual_pixel) + c : 0;                                         \
    store_value((STORED *)((char *)out + i * out_pixel) + c, finish(v, mode, bias_of(epilogue, c), epilogue, c, added));       \
  }
      SW_WITH_FINISH_MODE(mode, ELEMENTWISE_PIXEL)
#undef ELEMENTWISE_PIXEL
    return;
  }
  const float *from = in, *more = residual;
  float *to = out;
  for (ptrdiff_t i = 0; i < pixels; i += LANES) {
    ptrdiff_t count = pixels - i < LANES ? pixels - i : LANES;
    float value[LANES] = {0}, added[LANES] = {0};
    copy_some(value, from + i, count);
    if (more) copy_some(added, more + i, count);
    vector v = load(value);
    if (multiplier) v *= *multiplier;
    store(value, finish_plane(v, epilogue, 0, more ? added : 0));
    copy_some(to + i, value, count);
  }
}
