#include "common.h"

#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>

static uint32_t little_endian(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// The bytes that belong to the file, anything behind it left out; more than there are where it is cut short, 0 where it is no file. The
// decoder would take a file whose last, small chunks are missing, and the chunk reader refuses bytes behind the last chunk.
static size_t file_size(const uint8_t *bytes, size_t count) {
  if (count < 12) return 0;
  size_t size = (size_t)little_endian(bytes + 4) + 8;
  return size < 12 ? 0 : size;
}

static int read_header(const uint8_t *bytes, size_t count, image_codec_header *header, char *message) {
  if (count == 0) return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the file is cut short");
  WebPBitstreamFeatures features;
  VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
  if (code == VP8_STATUS_NOT_ENOUGH_DATA) return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the file is cut short");
  if (code != VP8_STATUS_OK) {
    return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the header is damaged");
  }
  if (features.has_animation) return image_codec_fail(message, IMAGE_CODEC_UNSUPPORTED, "it is an animation");
  header->width = (uint32_t)features.width;
  header->height = (uint32_t)features.height;
  header->channels = features.has_alpha ? 4 : 3;
  header->bits = 8;
  header->has_grey_palette = 0;
  header->mixed_from = 0;
  return IMAGE_CODEC_OK;
}

static int copy_chunk(const WebPMux *mux, const char fourcc[4], image_codec_buffer *buffer) {
  WebPData data;
  if (WebPMuxGetChunk(mux, fourcc, &data) != WEBP_MUX_OK) return 1;
  return image_codec_copy(buffer, data.bytes, data.size);
}

typedef struct {
  image_reader reader;
  const uint8_t *bytes;
  // The bytes that are there.
  size_t count;
  int is_cut;
  int is_tolerant;
} webp_input;

// The rows that can be made of the bytes that are there.
static int read_tolerant_rows(webp_input *it, WebPDecoderConfig *config, void *rows, size_t count, char *message) {
  image_reader_fill(&it->reader, rows, count);
  WebPIDecoder *decoder = WebPIDecode(NULL, 0, config);
  if (!decoder) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  const VP8StatusCode code = WebPIUpdate(decoder, it->bytes, it->count);
  int row = 0;
  if (!WebPIDecGetRGB(decoder, &row, NULL, NULL, NULL)) row = 0;
  WebPIDelete(decoder);
  if (code == VP8_STATUS_OUT_OF_MEMORY) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  if (code == VP8_STATUS_OK) return IMAGE_CODEC_OK;
  if (row <= 0) return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the file is cut short before its first row");
  // What the decoder has begun of the rows behind.
  image_reader_fill(&it->reader, (uint8_t *)rows + (size_t)row * image_codec_row_bytes(&it->reader.header), count - (size_t)row);
  image_reader_miss(&it->reader, (size_t)row);
  return IMAGE_CODEC_OK;
}

static int read_rows(image_reader *reader, void *rows, size_t count, char *message) {
  webp_input *it = (webp_input *)reader;
  size_t row_bytes = image_codec_row_bytes(&reader->header);
  if (it->is_cut && !it->is_tolerant) return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the file is cut short");
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "another version of libwebp");
  config.output.colorspace = reader->header.channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = rows;
  config.output.u.RGBA.stride = (int)row_bytes;
  config.output.u.RGBA.size = row_bytes * count;
  if (it->is_tolerant) {
    int status = read_tolerant_rows(it, &config, rows, count, message);
    WebPFreeDecBuffer(&config.output);
    return status;
  }
  VP8StatusCode code = WebPDecode(it->bytes, it->count, &config);
  WebPFreeDecBuffer(&config.output);
  if (code == VP8_STATUS_OUT_OF_MEMORY) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  if (code == VP8_STATUS_UNSUPPORTED_FEATURE) {
    return image_codec_fail(message, IMAGE_CODEC_UNSUPPORTED, "an unknown feature");
  }
  if (code != VP8_STATUS_OK) {
    return image_codec_fail(
      message, IMAGE_CODEC_CORRUPT, code == VP8_STATUS_NOT_ENOUGH_DATA ? "the file is cut short" : "the pixels are damaged");
  }
  return IMAGE_CODEC_OK;
}

static int finish_rows(image_reader *reader, image_codec_metadata *metadata, char *message) {
  (void)metadata, (void)message;
  const webp_input *it = (const webp_input *)reader;
  reader->lacks_end = it->is_cut && !reader->lack.is_lacking;
  return IMAGE_CODEC_OK;
}

static void close_reader(image_reader *reader) { free(reader); }

// The profile of a file that is cut short, which stands before its pixels; 0 without memory.
static int copy_profile(const webp_input *it, image_codec_buffer *profile) {
  for (size_t at = 12; at + 8 <= it->count;) {
    const size_t length = little_endian(it->bytes + at + 4);
    if (length > it->count - at - 8) return 1;
    if (memcmp(it->bytes + at, "ICCP", 4) == 0) return image_codec_copy(profile, it->bytes + at + 8, length);
    at += 8 + length + length % 2;
  }
  return 1;
}

static int read_metadata(const webp_input *it, image_codec_metadata *metadata, char *message) {
  const WebPData file = {it->bytes, it->count};
  if (it->is_cut) {
    return copy_profile(it, &metadata->icc) ? IMAGE_CODEC_OK : image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  }
  WebPMux *mux = WebPMuxCreate(&file, 0);
  if (!mux) return IMAGE_CODEC_OK;
  int memory = copy_chunk(mux, "ICCP", &metadata->icc) && copy_chunk(mux, "EXIF", &metadata->exif) &&
    copy_chunk(mux, "XMP ", &metadata->xmp);
  WebPMuxDelete(mux);
  if (!memory) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  // Some writers put the lead of the JPEG marker before the TIFF structure.
  image_codec_buffer *exif = &metadata->exif;
  if (exif->count > 6 && memcmp(exif->bytes, "Exif\0", 6) == 0) {
    exif->count -= 6;
    memmove(exif->bytes, exif->bytes + 6, exif->count);
  }
  return IMAGE_CODEC_OK;
}

int image_webp_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message
) {
  webp_input *it = calloc(1, sizeof *it);
  if (!it) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  it->bytes = input->bytes;
  it->count = file_size(input->bytes, input->count);
  it->is_tolerant = input->is_tolerant;
  if (it->count > input->count) {
    it->is_cut = 1;
    it->count = input->count;
  }
  it->reader.obstacle = IMAGE_CODEC_LIBRARY;
  it->reader.read = read_rows;
  it->reader.finish = finish_rows;
  it->reader.close = close_reader;
  int status = read_header(it->bytes, it->count, &it->reader.header, message);
  if (status == IMAGE_CODEC_OK) status = read_metadata(it, metadata, message);
  if (status != IMAGE_CODEC_OK) {
    free(it);
    return status;
  }
  // The pixels of a lossless file are 32 bits each, and alpha is apart.
  it->reader.held_bytes = (size_t)5 * it->reader.header.width * it->reader.header.height + ((size_t)2 << 20);
  *reader = &it->reader;
  return IMAGE_CODEC_OK;
}

static int set_chunk(WebPMux *mux, const char fourcc[4], const image_codec_buffer *buffer) {
  const WebPData data = {buffer->bytes, buffer->count};
  return buffer->count == 0 || WebPMuxSetChunk(mux, fourcc, &data, 0) == WEBP_MUX_OK;
}

// Wraps the encoded picture and its metadata into one file.
static int assemble(const WebPMemoryWriter *picture, const image_codec_metadata *metadata, image_codec_buffer *output) {
  if (metadata->icc.count + metadata->exif.count + metadata->xmp.count == 0) {
    return image_codec_copy(output, picture->mem, picture->size);
  }
  const WebPData data = {picture->mem, picture->size};
  WebPMux *mux = WebPMuxNew();
  WebPData file = {NULL, 0};
  int done = mux && WebPMuxSetImage(mux, &data, 0) == WEBP_MUX_OK && set_chunk(mux, "ICCP", &metadata->icc) &&
    set_chunk(mux, "EXIF", &metadata->exif) && set_chunk(mux, "XMP ", &metadata->xmp) &&
    WebPMuxAssemble(mux, &file) == WEBP_MUX_OK && image_codec_copy(output, file.bytes, file.size);
  WebPDataClear(&file);
  WebPMuxDelete(mux);
  return done;
}

int image_webp_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, float quality,
  image_codec_buffer *output, char *message
) {
  if (header->bits != 8 || header->channels < 3) {
    return image_codec_fail(message, IMAGE_CODEC_REFUSED, "WebP holds RGB of 8 bits");
  }
  WebPConfig config;
  WebPPicture picture;
  if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) {
    return image_codec_fail(message, IMAGE_CODEC_REFUSED, "another version of libwebp");
  }
  if (quality < 0) {
    config.lossless = 1;
    config.exact = 1;  // keeps the colour under transparent pixels
    config.quality = 75;
  } else {
    config.quality = quality;
  }
  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  picture.use_argb = config.lossless;
  picture.width = (int)header->width;
  picture.height = (int)header->height;
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer;
  int stride = (int)image_codec_row_bytes(header);
  int done = header->channels == 4 ? WebPPictureImportRGBA(&picture, pixels, stride)
                                   : WebPPictureImportRGB(&picture, pixels, stride);
  done = done && WebPEncode(&config, &picture);
  int status = IMAGE_CODEC_OK;
  if (!done) {
    int is_memory = picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY || picture.error_code == VP8_ENC_OK;
    status = image_codec_fail(message, is_memory ? IMAGE_CODEC_MEMORY : IMAGE_CODEC_REFUSED, "the encoder gave up");
  } else if (!assemble(&writer, metadata, output)) {
    status = image_codec_fail(message, IMAGE_CODEC_MEMORY, "the file could not be assembled");
  }
  WebPPictureFree(&picture);
  WebPMemoryWriterClear(&writer);
  return status;
}
