// AMX: products of a tile of 16 pixels with tiles of 16 columns, 64 values of the depth at once. Included behind codes.h.
//
// A tile has up to 16 rows of up to 64 bytes. One instruction adds to each int32 of a tile of sums the products of a row of codes and a column of
// weights, which lie in fours of the depth, as they are packed for all instruction sets.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18; volume 2, LDTILECFG, TILELOADD, TDPBUSD, TILESTORED.
//
// Each kernel does what it does by these few operations, and is there twice: with the instructions, and with what the manual says that they do, for machines
// that lack them. The latter traps where the former fault.

// What LDTILECFG reads.
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} tile_shapes;
_Static_assert(sizeof(tile_shapes) == 64, "as the instruction reads it");

typedef struct {
  tile_shapes shapes;
  uint8_t bytes[8][16][64];
} emulated_tiles;

// Sums are tiles 0 to 3, one for each vector of columns, codes tile 4, weights tiles 5 to 7.
#define TILE_OF_CODES 4

INLINE void tiles_begin(emulated_tiles *tiles, int emulated, int rows, ptrdiff_t steps) {
  tile_shapes shapes = {.palette = 1};
  for (int t = 0; t < 4; t++) {
    shapes.rows[t] = (uint8_t)rows;
    shapes.bytes[t] = 64;
  }
  shapes.rows[TILE_OF_CODES] = (uint8_t)rows;
  shapes.bytes[TILE_OF_CODES] = (uint16_t)(4 * steps);
  for (int t = 5; t < 8; t++) {
    shapes.rows[t] = (uint8_t)steps;
    shapes.bytes[t] = 64;
  }
  if (!emulated) {
    _tile_loadconfig(&shapes);
    return;
  }
  for (int t = 0; t < 8; t++)
    if (shapes.rows[t] == 0 || shapes.rows[t] > 16 || shapes.bytes[t] == 0 || shapes.bytes[t] > 64) __builtin_trap();
  tiles->shapes = shapes;
  __builtin_memset(tiles->bytes, 0, sizeof tiles->bytes);
}

INLINE void tiles_end(int emulated) {
  if (!emulated) _tile_release();
}

// Out of line: for tests alone.
__attribute__((noinline, unused)) static void emulated_load(emulated_tiles *tiles, int t, const void *from, ptrdiff_t stride) {
  for (int row = 0; row < 16; row++) {
    __builtin_memset(tiles->bytes[t][row], 0, 64);
    if (row < tiles->shapes.rows[t]) __builtin_memcpy(tiles->bytes[t][row], (const char *)from + row * stride, tiles->shapes.bytes[t]);
  }
}

__attribute__((noinline, unused)) static void emulated_store(const emulated_tiles *tiles, int t, void *to, ptrdiff_t stride) {
  for (int row = 0; row < tiles->shapes.rows[t]; row++)
    __builtin_memcpy((char *)to + row * stride, tiles->bytes[t][row], tiles->shapes.bytes[t]);
}

__attribute__((noinline, unused)) static void emulated_multiply(emulated_tiles *tiles, int sums, int codes, int weights) {
  const tile_shapes *s = &tiles->shapes;
  if (s->rows[sums] != s->rows[codes] || s->bytes[sums] != s->bytes[weights] || s->bytes[codes] != 4 * s->rows[weights])
    __builtin_trap();
  for (int m = 0; m < s->rows[sums]; m++) {
    uint32_t sum[16];
    __builtin_memcpy(sum, tiles->bytes[sums][m], 64);
    for (int k = 0; k < s->rows[weights]; k++)
      for (int n = 0; n < 16; n++)
        for (int byte = 0; byte < 4; byte++)
          sum[n] += (uint32_t)((int32_t)tiles->bytes[codes][m][4 * k + byte] * (int8_t)tiles->bytes[weights][k][4 * n + byte]);
    __builtin_memcpy(tiles->bytes[sums][m], sum, 64);
  }
}

// The number of a tile is a part of the instruction.
#define TILE_LOAD(t, from, stride)                                                                                             \
  do {                                                                                                                         \
    if (emulated) emulated_load(tiles, t, from, stride);                                                                       \
    else _tile_loadd(t, from, stride);                                                                                         \
  } while (0)
#define TILE_STORE(t, to, stride)                                                                                              \
  do {                                                                                                                         \
    if (emulated) emulated_store(tiles, t, to, stride);                                                                        \
    else _tile_stored(t, to, stride);                                                                                          \
  } while (0)
#define TILE_MULTIPLY(sums, codes, weights)                                                                                    \
  do {                                                                                                                         \
    if (emulated) emulated_multiply(tiles, sums, codes, weights);                                                              \
    else _tile_dpbusd(sums, codes, weights);                                                                                   \
  } while (0)

// So many steps of four values are multiplied at once, of a product of `steps`: all where 16 are enough, else a part of them of which nothing is left,
// unless that is small. What is left is multiplied without tiles.
INLINE ptrdiff_t tile_steps(ptrdiff_t steps) {
  if (steps <= 16) return steps;
  for (ptrdiff_t part = 16; part >= 8; part--)
    if (steps % part == 0) return part;
  return 16;
}

// Sums of `vectors` tiles that lie in memory.
INLINE void tiles_take(emulated_tiles *tiles, int emulated, const float *sums, ptrdiff_t stride, int vectors) {
  TILE_LOAD(0, sums, stride * 4);
  if (vectors > 1) TILE_LOAD(1, sums + 16, stride * 4);
  if (vectors > 2) TILE_LOAD(2, sums + 32, stride * 4);
  if (vectors > 3) TILE_LOAD(3, sums + 48, stride * 4);
}

INLINE void tiles_give(const emulated_tiles *tiles, int emulated, float *sums, ptrdiff_t stride, int vectors) {
  TILE_STORE(0, sums, stride * 4);
  if (vectors > 1) TILE_STORE(1, sums + 16, stride * 4);
  if (vectors > 2) TILE_STORE(2, sums + 32, stride * 4);
  if (vectors > 3) TILE_STORE(3, sums + 48, stride * 4);
}

// Adds the products of rows of codes, `distance` bytes apart, with weights of `vectors` tiles of columns side by side.
INLINE void tiles_add(
  emulated_tiles *tiles, int emulated, const void *codes, ptrdiff_t distance, const float *weights, int vectors) {
  ptrdiff_t row = vectors * 64;
  TILE_LOAD(4, codes, distance);
  TILE_LOAD(5, weights, row);
  TILE_MULTIPLY(0, 4, 5);
  if (vectors > 1) {
    TILE_LOAD(6, weights + 16, row);
    TILE_MULTIPLY(1, 4, 6);
  }
  if (vectors > 2) {
    TILE_LOAD(7, weights + 32, row);
    TILE_MULTIPLY(2, 4, 7);
  }
  if (vectors > 3) {
    TILE_LOAD(5, weights + 48, row);
    TILE_MULTIPLY(3, 4, 5);
  }
}
