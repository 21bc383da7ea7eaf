#include "common.h"

#include <zlib.h>

// The pixels are compressed here and not by libpng, whose stream is one thread's work: pieces of it that may refer to the 32
// KiB before them are made apart (as pigz does) and joined.

// The sum of the bytes as distances from 0, and the filtered row.
#define FILTER(NAME, PREDICTION)                                                                                       \
  static uint64_t filter_##NAME(const uint8_t *row, const uint8_t *above, size_t count, size_t bpp, uint8_t *output) { \
    uint64_t sum = 0;                                                                                                  \
    for (size_t start = 0; start < count; start += 4096) {                                                             \
      size_t end = start + 4096 < count ? start + 4096 : count;                                                        \
      uint32_t part = 0;                                                                                               \
      for (size_t i = start; i < end; i++) {                                                                           \
        const int a = row[(ptrdiff_t)i - (ptrdiff_t)bpp], b = above[i], c = above[(ptrdiff_t)i - (ptrdiff_t)bpp];      \
        (void)a, (void)b, (void)c;                                                                                     \
        const uint8_t value = (uint8_t)(row[i] - (PREDICTION));                                                        \
        output[i] = value;                                                                                             \
        part += value < 128 ? value : 256u - value;                                                                    \
      }                                                                                                                \
      sum += part;                                                                                                     \
    }                                                                                                                  \
    return sum;                                                                                                        \
  }

static inline int paeth(int a, int b, int c) {
  int pa = b - c, pb = a - c, pc = pa + pb;
  pa = pa < 0 ? -pa : pa;
  pb = pb < 0 ? -pb : pb;
  pc = pc < 0 ? -pc : pc;
  int other = pb <= pc ? b : c;
  return pa <= pb && pa <= pc ? a : other;
}

FILTER(none, 0)
FILTER(sub, a)
FILTER(up, b)
FILTER(average, (a + b) >> 1)
FILTER(paeth, paeth(a, b, c))

// Copies a row behind `bpp` zero bytes, in the order of the file.
static void place_row(const image_codec_header *header, const uint8_t *row, size_t count, uint8_t *target) {
  if (header->bits == 8 || !image_codec_is_little_endian()) {
    memcpy(target, row, count);
    return;
  }
  for (size_t i = 0; i + 1 < count; i += 2) {
    target[i] = row[i + 1];
    target[i + 1] = row[i];
  }
}

int image_png_filter(
  const image_codec_header *header, const void *rows, const void *previous, size_t count, uint8_t *output
) {
  static uint64_t (*const filters[])(const uint8_t *, const uint8_t *, size_t, size_t, uint8_t *) = {
    filter_none, filter_sub, filter_up, filter_average, filter_paeth,
  };
  const size_t row_bytes = image_codec_row_bytes(header), bpp = (size_t)header->channels * header->bits / 8;
  // The row, the one above, and one more result than is kept.
  uint8_t *memory = calloc(2 * (bpp + row_bytes) + row_bytes, 1);
  if (!memory) return 0;
  uint8_t *row = memory + bpp, *above = row + row_bytes + bpp, *other = above + row_bytes;
  if (previous) place_row(header, previous, row_bytes, above);
  for (size_t y = 0; y < count; y++) {
    place_row(header, (const uint8_t *)rows + y * row_bytes, row_bytes, row);
    uint8_t *best = output + y * (row_bytes + 1) + 1;
    uint64_t least = filters[0](row, above, row_bytes, bpp, best);
    best[-1] = 0;
    for (uint8_t kind = 1; kind < 5; kind++) {
      uint64_t sum = filters[kind](row, above, row_bytes, bpp, other);
      if (sum >= least) continue;
      least = sum;
      best[-1] = kind;
      memcpy(best, other, row_bytes);
    }
    uint8_t *old = above;
    above = row;
    row = old;
  }
  free(memory);
  return 1;
}

int image_png_inflate(const uint8_t *bytes, size_t count, size_t limit, image_codec_buffer *output) {
  z_stream stream = {0};
  if (count > UINT32_MAX || inflateInit(&stream) != Z_OK) return 0;
  stream.next_in = (z_const Bytef *)bytes;
  stream.avail_in = (uInt)count;
  size_t capacity = 0, used = 0;
  uint8_t *held = NULL;
  int status = Z_OK;
  while (status == Z_OK) {
    if (used == capacity) {
      size_t wanted = capacity ? capacity * 2 : 4096;
      if (wanted > limit + 1) wanted = limit + 1;
      uint8_t *grown = wanted > capacity ? realloc(held, wanted) : NULL;
      if (!grown) break;
      held = grown;
      capacity = wanted;
    }
    stream.next_out = held + used;
    stream.avail_out = (uInt)(capacity - used);
    status = inflate(&stream, Z_NO_FLUSH);
    used = capacity - stream.avail_out;
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || used > limit) {
    free(held);
    return 0;
  }
  output->bytes = held;
  output->count = used;
  return 1;
}

size_t image_png_deflate_bound(size_t count) { return count + (count >> 10) + 1024; }

size_t image_png_deflate(
  const uint8_t *bytes, size_t history, size_t count, int is_last, uint8_t *output, size_t capacity
) {
  z_stream stream = {0};
  // Level 3 takes a third of the time of the default, 6, for an eighth more bytes (3840x2160 photo); at 6 the encoder takes
  // longer than the network that made the picture.
  if (deflateInit2(&stream, 3, Z_DEFLATED, -15, 8, Z_FILTERED) != Z_OK) return 0;
  if (history) deflateSetDictionary(&stream, bytes - history, (uInt)history);
  stream.next_in = (z_const Bytef *)bytes;
  stream.avail_in = (uInt)count;
  stream.next_out = output;
  stream.avail_out = (uInt)capacity;
  int status = deflate(&stream, is_last ? Z_FINISH : Z_SYNC_FLUSH);
  size_t size = capacity - stream.avail_out;
  int done = is_last ? status == Z_STREAM_END : status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0;
  deflateEnd(&stream);
  return done ? size : 0;
}

uint32_t image_png_adler(uint32_t adler, const uint8_t *bytes, size_t count) {
  return (uint32_t)adler32(adler, bytes, (uInt)count);
}

uint32_t image_png_adler_joined(uint32_t first, uint32_t second, size_t count) {
  return (uint32_t)adler32_combine(first, second, (z_off_t)count);
}

uint32_t image_png_crc(uint32_t crc, const uint8_t *bytes, size_t count) { return (uint32_t)crc32(crc, bytes, (uInt)count); }
