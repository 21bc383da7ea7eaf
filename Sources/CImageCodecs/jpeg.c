#include "common.h"

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>

static const char exif_lead[] = "Exif\0";  // and the closing zero: six bytes
static const char xmp_lead[] = "http://ns.adobe.com/xap/1.0/";  // and the closing zero
static const char photoshop_lead[] = "Photoshop 3.0";  // and the closing zero

// The most that a marker holds.
enum { longest_marker = 65533 };

// A progressive file of a few kilobytes can ask for thousands of passes over a large picture; real ones have about ten.
enum { most_scans = 256 };

// What lives across a longjmp; see png.c.
typedef struct {
  struct jpeg_error_mgr errors;  // first: libjpeg knows the state by it
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  char *message;
  int status;
  // Of a tolerant reader; NULL elsewhere.
  image_reader *tolerant;
} jpeg_state;

typedef struct {
  jpeg_state state;
  struct jpeg_compress_struct writer;
  struct jpeg_destination_mgr destination;
  image_codec_buffer output;
  size_t capacity;
} jpeg_output;

typedef struct {
  image_reader reader;
  jpeg_state state;
  struct jpeg_decompress_struct decoder;
  struct jpeg_source_mgr source;
  const image_codec_input *input;
  size_t position;
  // A row of inks.
  uint8_t *row;
  int is_started;
  // The file has ended before the mark of its end.
  int is_exhausted;
  uint8_t buffer[65536];
} jpeg_input;

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

// Notes which rows are whole where the decoder finds damage: those of the rows of blocks before; 0 where there are none.
static int note_lack(image_reader *reader, j_decompress_ptr decoder) {
  const size_t row = (size_t)decoder->input_iMCU_row * (size_t)decoder->max_v_samp_factor * DCTSIZE;
  const size_t height = reader->header.height;
  // Scans after the first add details, or colours.
  const int is_later = decoder->input_scan_number > 1;
  if (reader->lack.is_lacking) return 1;
  if (row == 0 && !is_later) return 0;
  image_reader_miss(reader, is_later || row > height ? height : row);
  reader->lack.is_coarse = is_later;
  return 1;
}

// libjpeg goes on after damage, with a warning and grey or garbled blocks: here damage to the pixels is an error.
static void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;
  jpeg_state *state = (jpeg_state *)codec->err;
  // Of a tolerant reader the bits that lack are told apart, not that the file ends.
  const int tells_end = state->tolerant && (state->tolerant->obstacle || ((j_decompress_ptr)codec)->arith_code);
  if (state->tolerant && codec->err->msg_code == JWRN_JPEG_EOF && !tells_end) return;
  switch (codec->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_JPEG_EOF:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
      if (state->tolerant && note_lack(state->tolerant, (j_decompress_ptr)codec)) break;
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

static void begin_source(j_decompress_ptr decoder) { (void)decoder; }
static void end_source(j_decompress_ptr decoder) { (void)decoder; }

static boolean fill_source(j_decompress_ptr decoder) {
  jpeg_input *it = decoder->client_data;
  static const JOCTET end[] = {0xff, JPEG_EOI};
  size_t amount = image_codec_read(it->input, it->position, it->buffer, sizeof it->buffer);
  it->position += amount;
  it->source.next_input_byte = it->buffer;
  it->source.bytes_in_buffer = amount;
  if (amount) return TRUE;
  // Where all pixels are there, the mark alone is missing: a decoder that lacks bits of the last ones warns when it meets the mark
  // put here. Of a file of several scans nobody knows how many there were, and an arithmetic decoder takes missing bits for zeros.
  if (!it->is_started || it->reader.obstacle || it->is_exhausted || decoder->arith_code) WARNMS(decoder, JWRN_JPEG_EOF);
  it->is_exhausted = 1;
  it->source.next_input_byte = end;
  it->source.bytes_in_buffer = 2;
  return TRUE;
}

static void skip_source(j_decompress_ptr decoder, long count) {
  jpeg_input *it = decoder->client_data;
  if (count <= 0) return;
  size_t ahead = (size_t)count;
  if (ahead > it->source.bytes_in_buffer) {
    it->position += ahead - it->source.bytes_in_buffer;
    ahead = it->source.bytes_in_buffer;
  }
  it->source.next_input_byte += ahead;
  it->source.bytes_in_buffer -= ahead;
}

static void begin_reading(jpeg_input *it) {
  j_decompress_ptr decoder = &it->decoder;
  image_codec_header *header = &it->reader.header;
  jpeg_create_decompress(decoder);
  decoder->client_data = it;
  decoder->progress = &it->state.progress;
  decoder->src = &it->source;
  it->source.init_source = begin_source;
  it->source.fill_input_buffer = fill_source;
  it->source.skip_input_data = skip_source;
  it->source.resync_to_restart = jpeg_resync_to_restart;
  it->source.term_source = end_source;
  jpeg_save_markers(decoder, JPEG_APP0 + 1, 0xffff);
  jpeg_save_markers(decoder, JPEG_APP0 + 2, 0xffff);
  jpeg_save_markers(decoder, JPEG_APP0 + 13, 0xffff);
  jpeg_save_markers(decoder, JPEG_COM, 0xffff);
  jpeg_read_header(decoder, TRUE);
  header->width = decoder->image_width;
  header->height = decoder->image_height;
  header->bits = 8;
  header->channels = decoder->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  header->has_grey_palette = 0;
  header->mixed_from = 0;
  if (decoder->jpeg_color_space == JCS_CMYK || decoder->jpeg_color_space == JCS_YCCK) {
    decoder->out_color_space = JCS_CMYK;
    header->mixed_from = IMAGE_CODEC_INKS;
  } else if (decoder->jpeg_color_space == JCS_GRAYSCALE) {
    decoder->out_color_space = JCS_GRAYSCALE;
  } else {
    decoder->out_color_space = JCS_RGB;
  }
  // Rows of blocks and of what they become, of up to four inks; with several scans all coefficients, 16 bits each.
  size_t width = header->width, height = header->height;
  it->reader.held_bytes = sizeof *it + 400 * width;
  if (jpeg_has_multiple_scans(decoder)) {
    it->reader.held_bytes += 8 * (width + 32) * (height + 32);
    it->reader.obstacle = IMAGE_CODEC_PROGRESSIVE;
  }
}

static void fail_without_memory(jpeg_state *state) {
  image_codec_fail(state->message, 0, "no memory");
  state->status = IMAGE_CODEC_MEMORY;
  longjmp(state->jump, 1);
}

static void copy_metadata(jpeg_input *it, image_codec_metadata *metadata) {
  j_decompress_ptr reader = &it->decoder;
  int memory = 1;
  for (jpeg_saved_marker_ptr marker = reader->marker_list; marker; marker = marker->next) {
    if (marker->marker == JPEG_COM) {
      const uint32_t length = marker->data_length;
      memory &= image_codec_append(&metadata->comments, &length, sizeof length) &&
        image_codec_append(&metadata->comments, marker->data, length);
    }
    if (marker->marker == JPEG_APP0 + 13 && marker->data_length > sizeof photoshop_lead &&
        memcmp(marker->data, photoshop_lead, sizeof photoshop_lead) == 0) {
      // What is longer than a marker goes on in the next.
      memory &= image_codec_append(
        &metadata->photoshop, marker->data + sizeof photoshop_lead, marker->data_length - sizeof photoshop_lead);
    }
    if (marker->marker != JPEG_APP0 + 1) continue;
    if (!metadata->exif.count && marker->data_length > 6 && memcmp(marker->data, exif_lead, 6) == 0) {
      memory &= image_codec_copy(&metadata->exif, marker->data + 6, marker->data_length - 6);
    } else if (marker->data_length > sizeof xmp_lead && memcmp(marker->data, xmp_lead, sizeof xmp_lead) == 0) {
      memory &= image_codec_copy(&metadata->xmp, marker->data + sizeof xmp_lead, marker->data_length - sizeof xmp_lead);
    }
  }
  if (reader->saw_JFIF_marker && reader->X_density && reader->Y_density && reader->density_unit <= 2) {
    metadata->density_x = reader->X_density;
    metadata->density_y = reader->Y_density;
    metadata->density_unit = reader->density_unit;
  }
  JOCTET *profile = NULL;
  unsigned int profile_count = 0;
  // A profile for inks does not fit the RGB that is made of them.
  if (reader->out_color_space != JCS_CMYK && jpeg_read_icc_profile(reader, &profile, &profile_count)) {
    metadata->icc.bytes = profile;
    metadata->icc.count = profile_count;
  }
  if (!memory) fail_without_memory(&it->state);
}

static int run_open(jpeg_input *it, image_codec_metadata *metadata) {
  if (setjmp(it->state.jump)) return it->state.status;
  begin_reading(it);
  copy_metadata(it, metadata);
  return IMAGE_CODEC_OK;
}

static int read_rows(image_reader *reader, void *rows, size_t count, char *message) {
  jpeg_input *it = (jpeg_input *)reader;
  j_decompress_ptr decoder = &it->decoder;
  it->state.message = message;
  if (setjmp(it->state.jump)) return it->state.status;
  int is_ink = decoder->out_color_space == JCS_CMYK;
  size_t width = reader->header.width, row_bytes = image_codec_row_bytes(&reader->header);
  if (!it->is_started) {
    it->is_started = 1;
    if (is_ink && !(it->row = malloc(width * 4))) fail_without_memory(&it->state);
    jpeg_start_decompress(decoder);
  }
  for (size_t y = 0; y < count; y++) {
    uint8_t *line = (uint8_t *)rows + y * row_bytes;
    JSAMPROW target = is_ink ? it->row : line;
    if (jpeg_read_scanlines(decoder, &target, 1) != 1) {
      return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the file is cut short");
    }
    // Inks are stored inverted, 255 is no ink: so do Adobe's programs, and so others read files without their marker, too.
    for (size_t x = 0; is_ink && x < width; x++) {
      unsigned black = it->row[4 * x + 3];
      for (int c = 0; c < 3; c++) line[3 * x + c] = (uint8_t)((it->row[4 * x + c] * black + 127) / 255);
    }
  }
  return IMAGE_CODEC_OK;
}

static int finish_rows(image_reader *reader, image_codec_metadata *metadata, char *message) {
  jpeg_input *it = (jpeg_input *)reader;
  (void)metadata;  // all of it stands before the pixels
  it->state.message = message;
  if (reader->lack.is_lacking) return IMAGE_CODEC_OK;
  if (setjmp(it->state.jump)) return it->state.status;
  jpeg_finish_decompress(&it->decoder);
  reader->lacks_end = it->is_exhausted;
  return IMAGE_CODEC_OK;
}

static void close_reader(image_reader *reader) {
  jpeg_input *it = (jpeg_input *)reader;
  jpeg_destroy_decompress(&it->decoder);
  free(it->row);
  free(it);
}

int image_jpeg_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message
) {
  jpeg_input *it = calloc(1, sizeof *it);
  if (!it) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  install_errors(&it->state, message, IMAGE_CODEC_CORRUPT);
  if (input->is_tolerant) it->state.tolerant = &it->reader;
  it->decoder.err = &it->state.errors;
  it->input = input;
  it->reader.read = read_rows;
  it->reader.finish = finish_rows;
  it->reader.close = close_reader;
  int status = run_open(it, metadata);
  if (status != IMAGE_CODEC_OK) close_reader(&it->reader);
  else *reader = &it->reader;
  return status;
}

// libjpeg's own destination in memory leaves the caller with a freed buffer after an error.
static boolean grow_output(j_compress_ptr writer) {
  jpeg_output *state = (jpeg_output *)writer->err;
  size_t used = state->capacity;  // a full buffer: libjpeg asks when no byte is left
  size_t capacity = used ? used * 2 : 65536;
  uint8_t *grown = realloc(state->output.bytes, capacity);
  if (!grown) fail_without_memory(&state->state);
  state->output.bytes = grown;
  state->capacity = capacity;
  state->destination.next_output_byte = grown + used;
  state->destination.free_in_buffer = capacity - used;
  return TRUE;
}

static void begin_output(j_compress_ptr writer) { grow_output(writer); }

static void end_output(j_compress_ptr writer) {
  jpeg_output *state = (jpeg_output *)writer->err;
  state->output.count = state->capacity - state->destination.free_in_buffer;
}

static int run_write(
  jpeg_output *it, const image_codec_header *header, const uint8_t *pixels, const image_codec_metadata *metadata, int quality,
  int full_chroma, int restarts, uint8_t *marker
) {
  if (setjmp(it->state.jump)) return it->state.status;
  j_compress_ptr writer = &it->writer;
  jpeg_create_compress(writer);
  it->destination.init_destination = begin_output;
  it->destination.empty_output_buffer = grow_output;
  it->destination.term_destination = end_output;
  writer->dest = &it->destination;
  writer->image_width = header->width;
  writer->image_height = header->height;
  writer->input_components = header->channels;
  writer->in_color_space = header->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(writer);
  jpeg_set_quality(writer, quality, TRUE);
  if (metadata->density_x && metadata->density_y) {
    writer->density_unit = metadata->density_unit;
    writer->X_density = metadata->density_x;
    writer->Y_density = metadata->density_y;
  }
  if (restarts) writer->restart_in_rows = 1;
  else writer->optimize_coding = TRUE;
  if (full_chroma && header->channels == 3) {
    writer->comp_info[0].h_samp_factor = 1;
    writer->comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(writer, TRUE);
  for (size_t at = 0; at < metadata->comments.count;) {
    uint32_t length;
    memcpy(&length, metadata->comments.bytes + at, sizeof length);
    jpeg_write_marker(writer, JPEG_COM, metadata->comments.bytes + at + sizeof length, length);
    at += sizeof length + length;
  }
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
  for (size_t at = 0; at < metadata->photoshop.count;) {
    const size_t room = longest_marker - sizeof photoshop_lead, left = metadata->photoshop.count - at;
    const size_t part = left < room ? left : room;
    memcpy(marker, photoshop_lead, sizeof photoshop_lead);
    memcpy(marker + sizeof photoshop_lead, metadata->photoshop.bytes + at, part);
    jpeg_write_marker(writer, JPEG_APP0 + 13, marker, (unsigned)(part + sizeof photoshop_lead));
    at += part;
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

// Where the pixels of a file that was just written begin; its frame header is given the height of the whole picture.
static size_t find_scan(uint8_t *bytes, size_t count, uint32_t height) {
  for (size_t at = 2; at + 9 < count && bytes[at] == 0xff;) {
    size_t next = at + 2 + ((size_t)bytes[at + 2] << 8 | bytes[at + 3]);
    if (bytes[at + 1] == 0xc0 || bytes[at + 1] == 0xc1) {
      bytes[at + 5] = (uint8_t)(height >> 8);
      bytes[at + 6] = (uint8_t)height;
    }
    if (bytes[at + 1] == 0xda) return next;
    at = next;
  }
  return 0;
}

int image_jpeg_write(
  const image_codec_header *header, uint32_t height, const void *pixels, const image_codec_metadata *metadata, int quality,
  int full_chroma, int restarts, image_codec_buffer *output, size_t *scan_offset, char *message
) {
  if (header->bits != 8 || (header->channels != 1 && header->channels != 3)) {
    return image_codec_fail(message, IMAGE_CODEC_REFUSED, "JPEG holds grey or RGB of 8 bits");
  }
  if (metadata->exif.count > longest_marker - 6 || metadata->xmp.count > longest_marker - sizeof xmp_lead) {
    return image_codec_fail(message, IMAGE_CODEC_REFUSED, "the metadata are too long");
  }
  uint8_t *marker = malloc(65536);
  if (!marker) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  jpeg_output it = {.capacity = 0};
  install_errors(&it.state, message, IMAGE_CODEC_REFUSED);
  it.writer.err = &it.state.errors;
  int status = run_write(&it, header, pixels, metadata, quality, full_chroma, restarts, marker);
  jpeg_destroy_compress(&it.writer);
  free(marker);
  if (status == IMAGE_CODEC_OK) {
    *output = it.output;
    *scan_offset = find_scan(it.output.bytes, it.output.count, height);
  } else {
    image_codec_buffer_free(&it.output);
  }
  return status;
}
