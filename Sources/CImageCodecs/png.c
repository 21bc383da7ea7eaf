#include "common.h"

#include <png.h>
#include <setjmp.h>

static const char xmp_keyword[] = "XML:com.adobe.xmp";

// The longest metadata chunk read or written, decompressed: a profile of a few kilobytes must not unpack to gigabytes.
static const png_alloc_size_t longest_chunk = 64u << 20;

// All that lives across a longjmp. The function that calls setjmp changes nothing else, so that no automatic variable is lost.
typedef struct {
  image_reader reader;
  jmp_buf jump;
  char *message;
  int status;
  png_structp png;
  png_infop info;
  const image_codec_input *input;
  size_t position;
  size_t row_bytes;
  int passes;
  int is_started;
  // Tolerant: rows that were read, of the pass that is.
  int pass;
  size_t y;
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
  if (image_codec_read(state->input, state->position, destination, length) != length) png_error(png, "the file is cut short");
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

static const char *const late_kinds[] = {"eXIf", "iTXt", "tEXt", "zTXt"};

// libpng takes the memory that an Exif chunk asks for before it reads the chunk, and its own limit does not bind there: chunks
// that the file does not hold are refused first. Those of pixels are read in parts. Whether EXIF or XMP stands behind the
// pixels.
static int survey_chunks(png_state *state, int stops_at_pixels) {
  size_t at = 8, total = state->input->count;
  int has_pixels = 0, is_late = 0;
  uint8_t head[8];
  while (image_codec_read(state->input, at, head, 8) == 8) {
    size_t length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    int is_pixels = memcmp(head + 4, "IDAT", 4) == 0;
    if (memcmp(head + 4, "IEND", 4) == 0 || (is_pixels && stops_at_pixels)) break;
    if (length > total - at - 8) {
      if (!is_pixels) png_error(state->png, "the file is cut short");
      break;
    }
    has_pixels |= is_pixels;
    for (int kind = 0; has_pixels && kind < 4; kind++) {
      if (memcmp(head + 4, late_kinds[kind], 4) != 0) continue;
      char key[sizeof xmp_keyword] = {0};
      is_late |= kind == 0 || (image_codec_read(state->input, at + 8, key, sizeof key) == sizeof key &&
                               memcmp(key, xmp_keyword, sizeof key) == 0);
    }
    at += 12 + length;
  }
  return is_late;
}

// Whether the file ends with a whole chunk of pixels, or a part of the chunk that ends it: all but that mark is there, since the
// decoder has had every row.
static int ends_behind_pixels(const image_codec_input *input) {
  static const uint8_t end[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
  size_t at = 8;
  uint8_t head[12];
  int is_behind_pixels = 0;
  for (;;) {
    size_t count = image_codec_read(input, at, head, 12);
    if (count < 12) return is_behind_pixels && memcmp(head, end, count) == 0;
    size_t length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (length > input->count - at - 12) return 0;
    is_behind_pixels = memcmp(head + 4, "IDAT", 4) == 0;
    if (memcmp(head + 4, "IEND", 4) == 0) return 0;
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

static void begin_reading(png_state *state) {
  image_codec_header *header = &state->reader.header;
  png_structp png = state->png;
  png_infop info = state->info;
  png_set_read_fn(png, state, on_read);
  // The caller bounds the size, with a message that says what to do; libpng's own bound of 1,000,000 would hide it.
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(png, longest_chunk);
  if (state->input->is_tolerant) png_set_crc_action(png, PNG_CRC_WARN_USE, PNG_CRC_WARN_USE);
  survey_chunks(state, 1);
  png_read_info(png, info);
  int colour = png_get_color_type(png, info);
  int has_transparency = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  header->bits = png_get_bit_depth(png, info) == 16 ? 16 : 8;
  header->channels = colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_GRAY_ALPHA ? 1 : 3;
  if ((colour & PNG_COLOR_MASK_ALPHA) || has_transparency) header->channels++;
  header->has_grey_palette = 0;
  header->mixed_from = 0;
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

static int run_open(png_state *state, image_codec_metadata *metadata) {
  if (setjmp(state->jump)) return state->status;
  begin_reading(state);
  png_structp png = state->png;
  image_reader *reader = &state->reader;
  state->row_bytes = image_codec_row_bytes(&reader->header);
  // Rows in work: libpng's own, some bytes more than any form of a row.
  reader->held_bytes = 8 * state->row_bytes;
  if (png_get_interlace_type(png, state->info) != PNG_INTERLACE_NONE) reader->obstacle = IMAGE_CODEC_INTERLACED;
  copy_metadata(state, metadata);
  return IMAGE_CODEC_OK;
}

static int run_survey(png_state *state) {
  // What is cut short is told when the pixels before it have been read, as long as those are sound.
  if (setjmp(state->jump)) return 0;
  return survey_chunks(state, 0);
}

static void start_rows(png_state *state) {
  png_structp png = state->png;
  png_set_expand(png);  // palette to RGB, grey of 1, 2, 4 bits to 8, tRNS to alpha
  if (state->reader.header.bits == 16 && image_codec_is_little_endian()) png_set_swap(png);
  state->passes = png_set_interlace_handling(png);
  png_read_update_info(png, state->info);
  if (png_get_rowbytes(png, state->info) != state->row_bytes) png_error(png, "the rows have an unexpected length");
  state->is_started = 1;
}

static int run_tolerant_rows(png_state *state, uint8_t *rows, size_t count) {
  if (setjmp(state->jump)) return 0;
  if (!state->is_started) start_rows(state);
  const size_t first = state->y;
  for (; state->pass < state->passes; state->pass++, state->y = first) {
    for (; state->y < first + count; state->y++) {
      // libpng takes as many bytes at once as it is told here, and none of them where the file ends before: near its end one by one.
      const size_t left = state->input->count - state->position;
      png_set_compression_buffer_size(state->png, left < 65536 ? 1 : 8192);
      // Of an interlaced picture the passes that are there fill the places of those that are not.
      uint8_t *row = rows + (state->y - first) * state->row_bytes;
      png_read_row(state->png, state->passes > 1 ? NULL : row, state->passes > 1 ? row : NULL);
    }
  }
  state->pass = 0;
  state->y = first + count;
  return 1;
}

// As far as the pixels go; the rest stays grey.
static int read_tolerant_rows(png_state *state, uint8_t *rows, size_t count, char *message) {
  image_reader *reader = &state->reader;
  const size_t first = state->y;
  image_reader_fill(reader, rows, count);
  if (reader->lack.is_lacking || run_tolerant_rows(state, rows, count)) return IMAGE_CODEC_OK;
  const int is_coarse = state->pass > 0;
  if (state->y == 0 && !is_coarse) return IMAGE_CODEC_CORRUPT;
  message[0] = 0;
  image_reader_miss(reader, is_coarse ? first + count : state->y);
  reader->lack.is_coarse = is_coarse;
  return IMAGE_CODEC_OK;
}

static int read_rows(image_reader *reader, void *rows, size_t count, char *message) {
  png_state *state = (png_state *)reader;
  state->message = message;
  if (state->input->is_tolerant) return read_tolerant_rows(state, rows, count, message);
  if (setjmp(state->jump)) return state->status;
  if (!state->is_started) start_rows(state);
  for (int pass = 0; pass < state->passes; pass++) {
    for (size_t y = 0; y < count; y++) png_read_row(state->png, (uint8_t *)rows + y * state->row_bytes, NULL);
  }
  return IMAGE_CODEC_OK;
}

static int finish_rows(image_reader *reader, image_codec_metadata *metadata, char *message) {
  png_state *state = (png_state *)reader;
  state->message = message;
  reader->lacks_end = ends_behind_pixels(state->input);
  if (reader->lacks_end || reader->lack.is_lacking) return IMAGE_CODEC_OK;
  if (setjmp(state->jump)) {
    reader->lacks_end = state->input->is_tolerant;
    return reader->lacks_end ? IMAGE_CODEC_OK : state->status;
  }
  survey_chunks(state, 0);
  png_read_end(state->png, state->info);
  copy_metadata(state, metadata);
  return IMAGE_CODEC_OK;
}

static void close_reader(image_reader *reader) {
  png_state *state = (png_state *)reader;
  png_destroy_read_struct(&state->png, &state->info, NULL);
  free(state);
}

int image_png_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message
) {
  png_state *state = calloc(1, sizeof *state);
  if (!state) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  state->input = input;
  state->message = message;
  state->reader.read = read_rows;
  state->reader.finish = finish_rows;
  state->reader.close = close_reader;
  int status = IMAGE_CODEC_OK;
  if (!open_reader(state)) status = image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  if (status == IMAGE_CODEC_OK) status = run_open(state, metadata);
  if (status != IMAGE_CODEC_OK) {
    close_reader(&state->reader);
    return status;
  }
  if (run_survey(state) && !state->reader.obstacle) state->reader.obstacle = IMAGE_CODEC_LATE_METADATA;
  *reader = &state->reader;
  return IMAGE_CODEC_OK;
}

static int run_write(
  png_state *state, const image_codec_header *header, const image_codec_metadata *metadata, char *xmp
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
  // EXIF is the caller's: libpng 1.6.39 writes it twice.
  if (metadata->xmp.count) {
    png_text text = {.compression = PNG_ITXT_COMPRESSION_NONE, .key = (png_charp)xmp_keyword, .text = xmp};
    text.itxt_length = metadata->xmp.count;
    text.lang = (png_charp) "";
    text.lang_key = (png_charp) "";
    png_set_text(png, info, &text, 1);
  }
  png_write_info(png, info);
  return IMAGE_CODEC_OK;
}

int image_png_head(
  const image_codec_header *header, const image_codec_metadata *metadata, image_codec_buffer *output, char *message
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
    status = run_write(&state, header, metadata, xmp);
  }
  png_destroy_write_struct(&state.png, &state.info);
  free(xmp);
  if (status == IMAGE_CODEC_OK) *output = state.output;
  else image_codec_buffer_free(&state.output);
  return status;
}
