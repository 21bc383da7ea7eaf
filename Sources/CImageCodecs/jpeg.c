#include "common.h"

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>

static const char exif_lead[] = "Exif\0";  // and the closing zero: six bytes
static const char xmp_lead[] = "http://ns.adobe.com/xap/1.0/";  // and the closing zero

// A progressive file of a few kilobytes can ask for thousands of passes over a large picture; real ones have about ten.
enum { most_scans = 256 };

// All that lives across a longjmp; see png.c.
typedef struct {
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  char *message;
  int status;
  struct jpeg_decompress_struct reader;
  struct jpeg_compress_struct writer;
  uint8_t *row;
  struct jpeg_destination_mgr destination;
  image_codec_buffer output;
  size_t capacity;
} jpeg_state;

static void on_error(j_common_ptr codec) {
  jpeg_state *state = (jpeg_state *)codec->err;
  char text[JMSG_LENGTH_MAX];
  (*codec->err->format_message)(codec, text);
  image_codec_fail(state->message, 0, text);
  if (codec->err->msg_code == JERR_OUT_OF_MEMORY) state->status = IMAGE_CODEC_MEMORY;
  if (codec->err->msg_code == JERR_BAD_PRECISION || codec->err->msg_code == JERR_SOF_UNSUPPORTED ||
      codec->err->msg_code == JERR_CONVERSION_NOTIMPL) {
    state->status = IMAGE_CODEC_UNSUPPORTED;
  }
  longjmp(state->jump, 1);
}

// libjpeg goes on after damage, with a warning and grey or garbled blocks: here damage to the pixels is an error.
static void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;
  switch (codec->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_JPEG_EOF:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
      on_error(codec);
      break;
    default:
      break;
  }
}

static void on_output(j_common_ptr codec) { (void)codec; }

static void on_progress(j_common_ptr codec) {
  jpeg_state *state = (jpeg_state *)codec->err;
  if (!codec->is_decompressor || ((j_decompress_ptr)codec)->input_scan_number <= most_scans) return;
  image_codec_fail(state->message, 0, "the picture has too many scans");
  longjmp(state->jump, 1);
}

static void install_errors(jpeg_state *state, char *message, int status) {
  memset(state, 0, sizeof *state);
  jpeg_std_error(&state->errors);
  state->errors.error_exit = on_error;
  state->errors.emit_message = on_message;
  state->errors.output_message = on_output;
  state->progress.progress_monitor = on_progress;
  state->message = message;
  state->status = status;
}

static void begin_reading(jpeg_state *state, const uint8_t *bytes, size_t count, image_codec_header *header) {
  j_decompress_ptr reader = &state->reader;
  jpeg_create_decompress(reader);
  reader->progress = &state->progress;
  jpeg_mem_src(reader, bytes, (unsigned long)count);
  jpeg_save_markers(reader, JPEG_APP0 + 1, 0xffff);
  jpeg_save_markers(reader, JPEG_APP0 + 2, 0xffff);
  jpeg_read_header(reader, TRUE);
  header->width = reader->image_width;
  header->height = reader->image_height;
  header->bits = 8;
  header->channels = reader->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  header->has_grey_palette = 0;
  if (reader->jpeg_color_space == JCS_CMYK || reader->jpeg_color_space == JCS_YCCK) {
    reader->out_color_space = JCS_CMYK;
  } else if (reader->jpeg_color_space == JCS_GRAYSCALE) {
    reader->out_color_space = JCS_GRAYSCALE;
  } else {
    reader->out_color_space = JCS_RGB;
  }
}

static void fail_without_memory(jpeg_state *state) {
  image_codec_fail(state->message, 0, "no memory");
  state->status = IMAGE_CODEC_MEMORY;
  longjmp(state->jump, 1);
}

static void copy_metadata(jpeg_state *state, image_codec_metadata *metadata) {
  j_decompress_ptr reader = &state->reader;
  int memory = 1;
  for (jpeg_saved_marker_ptr marker = reader->marker_list; marker; marker = marker->next) {
    if (marker->marker != JPEG_APP0 + 1) continue;
    if (!metadata->exif.count && marker->data_length > 6 && memcmp(marker->data, exif_lead, 6) == 0) {
      memory &= image_codec_copy(&metadata->exif, marker->data + 6, marker->data_length - 6);
    } else if (marker->data_length > sizeof xmp_lead && memcmp(marker->data, xmp_lead, sizeof xmp_lead) == 0) {
      memory &= image_codec_copy(&metadata->xmp, marker->data + sizeof xmp_lead, marker->data_length - sizeof xmp_lead);
    }
  }
  JOCTET *profile = NULL;
  unsigned int profile_count = 0;
  // A profile for inks does not fit the RGB that is made of them.
  if (reader->out_color_space != JCS_CMYK && jpeg_read_icc_profile(reader, &profile, &profile_count)) {
    metadata->icc.bytes = profile;
    metadata->icc.count = profile_count;
  }
  if (!memory) fail_without_memory(state);
}

static int run_header(jpeg_state *state, const uint8_t *bytes, size_t count, image_codec_header *header) {
  if (setjmp(state->jump)) return state->status;
  begin_reading(state, bytes, count, header);
  return IMAGE_CODEC_OK;
}

static int run_pixels(
  jpeg_state *state, const uint8_t *bytes, size_t count, const image_codec_header *expected, image_codec_header *header,
  uint8_t *pixels, size_t pixel_bytes, image_codec_metadata *metadata
) {
  if (setjmp(state->jump)) return state->status;
  begin_reading(state, bytes, count, header);
  j_decompress_ptr reader = &state->reader;
  size_t row_bytes = image_codec_row_bytes(header);
  if (!image_codec_same(header, expected) || row_bytes * header->height != pixel_bytes) {
    return image_codec_fail(state->message, IMAGE_CODEC_CORRUPT, "the header changed");
  }
  copy_metadata(state, metadata);
  jpeg_start_decompress(reader);
  int is_ink = reader->out_color_space == JCS_CMYK;
  if (is_ink) {
    state->row = malloc((size_t)header->width * 4);
    if (!state->row) fail_without_memory(state);
  }
  while (reader->output_scanline < reader->output_height) {
    uint8_t *line = pixels + (size_t)reader->output_scanline * row_bytes;
    JSAMPROW target = is_ink ? state->row : line;
    if (jpeg_read_scanlines(reader, &target, 1) != 1) {
      return image_codec_fail(state->message, IMAGE_CODEC_CORRUPT, "the file is cut short");
    }
    // Adobe's programs store the inks inverted: 255 is no ink.
    for (size_t x = 0; is_ink && x < header->width; x++) {
      unsigned flip = reader->saw_Adobe_marker ? 0 : 255;
      unsigned black = state->row[4 * x + 3] ^ flip;
      for (int c = 0; c < 3; c++) line[3 * x + c] = (uint8_t)(((state->row[4 * x + c] ^ flip) * black + 127) / 255);
    }
  }
  jpeg_finish_decompress(reader);
  return IMAGE_CODEC_OK;
}

int image_jpeg_header(const uint8_t *bytes, size_t count, image_codec_header *header, char *message) {
  jpeg_state state;
  install_errors(&state, message, IMAGE_CODEC_CORRUPT);
  state.reader.err = &state.errors;
  int status = run_header(&state, bytes, count, header);
  jpeg_destroy_decompress(&state.reader);
  return status;
}

int image_jpeg_pixels(
  const uint8_t *bytes, size_t count, const image_codec_header *header, void *pixels, size_t pixel_bytes,
  image_codec_metadata *metadata, char *message
) {
  jpeg_state state;
  image_codec_header found = {0};
  install_errors(&state, message, IMAGE_CODEC_CORRUPT);
  state.reader.err = &state.errors;
  int status = run_pixels(&state, bytes, count, header, &found, pixels, pixel_bytes, metadata);
  jpeg_destroy_decompress(&state.reader);
  free(state.row);
  return status;
}

// libjpeg's own destination in memory leaves the caller with a freed buffer after an error.
static boolean grow_output(j_compress_ptr writer) {
  jpeg_state *state = (jpeg_state *)writer->err;
  size_t used = state->capacity;  // a full buffer: libjpeg asks when no byte is left
  size_t capacity = used ? used * 2 : 65536;
  uint8_t *grown = realloc(state->output.bytes, capacity);
  if (!grown) fail_without_memory(state);
  state->output.bytes = grown;
  state->capacity = capacity;
  state->destination.next_output_byte = grown + used;
  state->destination.free_in_buffer = capacity - used;
  return TRUE;
}

static void begin_output(j_compress_ptr writer) { grow_output(writer); }

static void end_output(j_compress_ptr writer) {
  jpeg_state *state = (jpeg_state *)writer->err;
  state->output.count = state->capacity - state->destination.free_in_buffer;
}

static int run_write(
  jpeg_state *state, const image_codec_header *header, const uint8_t *pixels, const image_codec_metadata *metadata, int quality,
  int full_chroma, uint8_t *marker
) {
  if (setjmp(state->jump)) return state->status;
  j_compress_ptr writer = &state->writer;
  jpeg_create_compress(writer);
  state->destination.init_destination = begin_output;
  state->destination.empty_output_buffer = grow_output;
  state->destination.term_destination = end_output;
  writer->dest = &state->destination;
  writer->image_width = header->width;
  writer->image_height = header->height;
  writer->input_components = header->channels;
  writer->in_color_space = header->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(writer);
  jpeg_set_quality(writer, quality, TRUE);
  writer->optimize_coding = TRUE;
  if (full_chroma && header->channels == 3) {
    writer->comp_info[0].h_samp_factor = 1;
    writer->comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(writer, TRUE);
  if (metadata->exif.count) {
    memcpy(marker, exif_lead, 6);
    memcpy(marker + 6, metadata->exif.bytes, metadata->exif.count);
    jpeg_write_marker(writer, JPEG_APP0 + 1, marker, (unsigned)(metadata->exif.count + 6));
  }
  if (metadata->xmp.count) {
    memcpy(marker, xmp_lead, sizeof xmp_lead);
    memcpy(marker + sizeof xmp_lead, metadata->xmp.bytes, metadata->xmp.count);
    jpeg_write_marker(writer, JPEG_APP0 + 1, marker, (unsigned)(metadata->xmp.count + sizeof xmp_lead));
  }
  if (metadata->icc.count) jpeg_write_icc_profile(writer, metadata->icc.bytes, (unsigned)metadata->icc.count);
  size_t row_bytes = image_codec_row_bytes(header);
  while (writer->next_scanline < writer->image_height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)writer->next_scanline * row_bytes);
    jpeg_write_scanlines(writer, &row, 1);
  }
  jpeg_finish_compress(writer);
  return IMAGE_CODEC_OK;
}

int image_jpeg_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, int quality, int full_chroma,
  image_codec_buffer *output, char *message
) {
  if (header->bits != 8 || (header->channels != 1 && header->channels != 3)) {
    return image_codec_fail(message, IMAGE_CODEC_REFUSED, "JPEG holds grey or RGB of 8 bits");
  }
  if (metadata->exif.count > 65533 - 6 || metadata->xmp.count > 65533 - sizeof xmp_lead) {
    return image_codec_fail(message, IMAGE_CODEC_REFUSED, "the metadata are too long");
  }
  uint8_t *marker = malloc(65536);
  if (!marker) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  jpeg_state state;
  install_errors(&state, message, IMAGE_CODEC_REFUSED);
  state.writer.err = &state.errors;
  int status = run_write(&state, header, pixels, metadata, quality, full_chroma, marker);
  jpeg_destroy_compress(&state.writer);
  free(marker);
  if (status == IMAGE_CODEC_OK) *output = state.output;
  else image_codec_buffer_free(&state.output);
  return status;
}
