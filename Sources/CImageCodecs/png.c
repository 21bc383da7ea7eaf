#include "common.h"

#include <png.h>
#include <setjmp.h>

static const char xmp_keyword[] = "XML:com.adobe.xmp";

// The longest metadata chunk read or written, decompressed: a profile of a few kilobytes must not unpack to gigabytes.
static const png_alloc_size_t longest_chunk = 64u << 20;

// All that lives across a longjmp. The function that calls setjmp changes nothing else, so that no automatic variable is lost.
typedef struct {
  jmp_buf jump;
  char *message;
  int status;
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t count;
  size_t position;
  image_codec_buffer output;
  size_t capacity;
} png_state;

static void on_error(png_structp png, png_const_charp text) {
  png_state *state = png_get_error_ptr(png);
  snprintf(state->message, IMAGE_CODEC_MESSAGE_SIZE, "%s", text);
  longjmp(state->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void on_read(png_structp png, png_bytep destination, png_size_t length) {
  png_state *state = png_get_io_ptr(png);
  if (length > state->count - state->position) png_error(png, "the file is cut short");
  memcpy(destination, state->bytes + state->position, length);
  state->position += length;
}

static void on_write(png_structp png, png_bytep source, png_size_t length) {
  png_state *state = png_get_io_ptr(png);
  image_codec_buffer *output = &state->output;
  if (length > state->capacity - output->count) {
    size_t capacity = state->capacity * 2 + length + 4096;
    uint8_t *grown = realloc(output->bytes, capacity);
    if (!grown) {
      state->status = IMAGE_CODEC_MEMORY;
      png_error(png, "no memory");
    }
    output->bytes = grown;
    state->capacity = capacity;
  }
  memcpy(output->bytes + output->count, source, length);
  output->count += length;
}

static void on_flush(png_structp png) { (void)png; }

static int is_little_endian(void) {
  const uint16_t one = 1;
  return *(const uint8_t *)&one;
}

// libpng takes the memory that an Exif chunk asks for before it reads the chunk, and its own limit does not bind there: chunks that the
// file does not hold are refused first. Those of pixels are read in parts.
static void refuse_missing_chunks(png_state *state, int stops_at_pixels) {
  size_t at = 8;
  while (at <= state->count && state->count - at >= 8) {
    const uint8_t *head = state->bytes + at;
    size_t length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    int is_pixels = memcmp(head + 4, "IDAT", 4) == 0;
    if (memcmp(head + 4, "IEND", 4) == 0 || (is_pixels && stops_at_pixels)) return;
    if (length > state->count - at - 8) {
      if (!is_pixels) png_error(state->png, "the file is cut short");
      return;
    }
    at += 12 + length;
  }
}

static int open_reader(png_state *state) {
  state->status = IMAGE_CODEC_CORRUPT;
  state->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, state, on_error, on_warning);
  if (!state->png) return 0;
  state->info = png_create_info_struct(state->png);
  return state->info != NULL;
}

static void begin_reading(png_state *state, image_codec_header *header) {
  png_structp png = state->png;
  png_infop info = state->info;
  png_set_read_fn(png, state, on_read);
  // The caller bounds the size, with a message that says what to do; libpng's own bound of 1,000,000 would hide it.
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(png, longest_chunk);
  refuse_missing_chunks(state, 1);
  png_read_info(png, info);
  int colour = png_get_color_type(png, info);
  int has_transparency = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  header->bits = png_get_bit_depth(png, info) == 16 ? 16 : 8;
  header->channels = colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_GRAY_ALPHA ? 1 : 3;
  if ((colour & PNG_COLOR_MASK_ALPHA) || has_transparency) header->channels++;
  header->has_grey_palette = 0;
  if (colour == PNG_COLOR_TYPE_PALETTE) {
    png_colorp palette = NULL;
    int entries = 0;
    png_get_PLTE(png, info, &palette, &entries);
    int greys = 0;
    for (; greys < entries; greys++) {
      if (palette[greys].red != palette[greys].green || palette[greys].green != palette[greys].blue) break;
    }
    header->has_grey_palette = entries > 0 && greys == entries;
  }
}

static void copy_metadata(png_state *state, image_codec_metadata *metadata) {
  png_structp png = state->png;
  png_infop info = state->info;
  int memory = 1;
  png_charp name = NULL;
  int compression = 0;
  png_bytep profile = NULL;
  png_uint_32 profile_count = 0;
  if (png_get_iCCP(png, info, &name, &compression, &profile, &profile_count)) {
    memory &= image_codec_copy(&metadata->icc, profile, profile_count);
  }
  png_bytep exif = NULL;
  png_uint_32 exif_count = 0;
  if (png_get_eXIf_1(png, info, &exif_count, &exif)) memory &= image_codec_copy(&metadata->exif, exif, exif_count);
  png_textp texts = NULL;
  int text_count = 0;
  png_get_text(png, info, &texts, &text_count);
  for (int i = 0; i < text_count; i++) {
    if (strcmp(texts[i].key, xmp_keyword) != 0) continue;
    size_t length = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE ? texts[i].itxt_length : texts[i].text_length;
    memory &= image_codec_copy(&metadata->xmp, texts[i].text, length);
  }
  if (!memory) {
    state->status = IMAGE_CODEC_MEMORY;
    png_error(png, "no memory");
  }
}

static int run_header(png_state *state, image_codec_header *header) {
  if (setjmp(state->jump)) return state->status;
  begin_reading(state, header);
  return IMAGE_CODEC_OK;
}

static int run_pixels(
  png_state *state, const image_codec_header *expected, image_codec_header *header, uint8_t *pixels, size_t pixel_bytes,
  image_codec_metadata *metadata
) {
  if (setjmp(state->jump)) return state->status;
  begin_reading(state, header);
  png_structp png = state->png;
  png_infop info = state->info;
  size_t row_bytes = image_codec_row_bytes(header);
  if (!image_codec_same(header, expected) || row_bytes * header->height != pixel_bytes) png_error(png, "the header changed");
  png_set_expand(png);  // palette to RGB, grey of 1, 2, 4 bits to 8, tRNS to alpha
  if (header->bits == 16 && is_little_endian()) png_set_swap(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != row_bytes) png_error(png, "the rows have an unexpected length");
  for (int pass = 0; pass < passes; pass++) {
    for (size_t y = 0; y < header->height; y++) png_read_row(png, pixels + y * row_bytes, NULL);
  }
  refuse_missing_chunks(state, 0);
  png_read_end(png, info);
  copy_metadata(state, metadata);
  return IMAGE_CODEC_OK;
}

int image_png_header(const uint8_t *bytes, size_t count, image_codec_header *header, char *message) {
  png_state state = {.bytes = bytes, .count = count, .message = message};
  if (!open_reader(&state)) {
    png_destroy_read_struct(&state.png, &state.info, NULL);
    return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  }
  int status = run_header(&state, header);
  png_destroy_read_struct(&state.png, &state.info, NULL);
  return status;
}

int image_png_pixels(
  const uint8_t *bytes, size_t count, const image_codec_header *header, void *pixels, size_t pixel_bytes,
  image_codec_metadata *metadata, char *message
) {
  png_state state = {.bytes = bytes, .count = count, .message = message};
  image_codec_header found = {0};
  if (!open_reader(&state)) {
    png_destroy_read_struct(&state.png, &state.info, NULL);
    return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  }
  int status = run_pixels(&state, header, &found, pixels, pixel_bytes, metadata);
  png_destroy_read_struct(&state.png, &state.info, NULL);
  return status;
}

static int run_write(
  png_state *state, const image_codec_header *header, const uint8_t *pixels, const image_codec_metadata *metadata, char *xmp
) {
  if (setjmp(state->jump)) return state->status;
  png_structp png = state->png;
  png_infop info = state->info;
  static const int colours[] = {
    0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA,
  };
  png_set_write_fn(png, state, on_write, on_flush);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(png, longest_chunk);
  // A profile that libpng finds unfit (an RGB one on a grey picture, say) is then left out instead of ending the write.
  png_set_benign_errors(png, 1);
  png_set_IHDR(
    png, info, header->width, header->height, header->bits, colours[header->channels], PNG_INTERLACE_NONE,
    PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (metadata->icc.count) {
    png_set_iCCP(png, info, "ICC profile", PNG_COMPRESSION_TYPE_BASE, metadata->icc.bytes, (png_uint_32)metadata->icc.count);
  }
  if (metadata->exif.count) png_set_eXIf_1(png, info, (png_uint_32)metadata->exif.count, metadata->exif.bytes);
  if (metadata->xmp.count) {
    png_text text = {.compression = PNG_ITXT_COMPRESSION_NONE, .key = (png_charp)xmp_keyword, .text = xmp};
    text.itxt_length = metadata->xmp.count;
    text.lang = (png_charp) "";
    text.lang_key = (png_charp) "";
    png_set_text(png, info, &text, 1);
  }
  // A third of the time of the default level 6 for an eighth more bytes (3840x2160 photo); at 6 the encoder takes longer than
  // the network that made the picture.
  png_set_compression_level(png, 3);
  png_write_info(png, info);
  if (header->bits == 16 && is_little_endian()) png_set_swap(png);
  size_t row_bytes = image_codec_row_bytes(header);
  for (size_t y = 0; y < header->height; y++) png_write_row(png, pixels + y * row_bytes);
  png_write_end(png, info);
  return IMAGE_CODEC_OK;
}

int image_png_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, image_codec_buffer *output,
  char *message
) {
  png_state state = {.message = message, .status = IMAGE_CODEC_REFUSED};
  // libpng takes texts that end in a zero byte.
  char *xmp = malloc(metadata->xmp.count + 1);
  state.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  state.info = state.png ? png_create_info_struct(state.png) : NULL;
  int status;
  if (!xmp || !state.info) {
    status = image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  } else {
    if (metadata->xmp.count) memcpy(xmp, metadata->xmp.bytes, metadata->xmp.count);
    xmp[metadata->xmp.count] = 0;
    status = run_write(&state, header, pixels, metadata, xmp);
  }
  png_destroy_write_struct(&state.png, &state.info);
  free(xmp);
  if (status == IMAGE_CODEC_OK) *output = state.output;
  else image_codec_buffer_free(&state.output);
  return status;
}
