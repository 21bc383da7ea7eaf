#include "loading.h"
#include "quiet.h"

// Of libheif's interface, which is functions around values that only it knows, from version 1.9 on. AVIF and HEIC are read by it, AVIF is
// written.
typedef struct {
  int code, subcode;
  const char *message;
} heif_error;

typedef struct heif_context heif_context;
typedef struct heif_handle heif_handle;
typedef struct heif_image heif_image;
typedef struct heif_encoder heif_encoder;

typedef struct {
  int version;
  heif_error (*write)(heif_context *, const void *data, size_t size, void *user);
} heif_writer;

enum {
  heif_hevc = 1,
  heif_av1 = 4,
  heif_rgb = 1,
  heif_grey = 2,
  heif_monochrome = 0,
  heif_channel_y = 0,
  heif_channel_alpha = 6,
  heif_channel_interleaved = 10,
  // Samples side by side: of 8 bits, and of more in 16, the low byte first.
  heif_rgb_8 = 10,
  heif_rgba_8 = 11,
  heif_rgb_16 = 14,
  heif_rgba_16 = 15,
  heif_profile_none = 0,
  heif_profile_numbers = 'n' << 24 | 'c' << 16 | 'l' << 8 | 'x',
  heif_memory_error = 6,
  heif_unsupported_type = 3,
  heif_unsupported_feature = 4,
};

typedef struct {
  uint32_t (*version)(void);
  heif_context *(*create)(void);
  void (*destroy)(heif_context *);
  heif_error (*open)(heif_context *, const void *, size_t, const void *options);
  heif_error (*primary)(heif_context *, heif_handle **);
  int (*count)(heif_context *);
  void (*release)(const heif_handle *);
  int (*width)(const heif_handle *);
  int (*height)(const heif_handle *);
  int (*has_alpha)(const heif_handle *);
  int (*bits)(const heif_handle *);
  int (*profile_kind)(const heif_handle *);
  size_t (*profile_size)(const heif_handle *);
  heif_error (*profile)(const heif_handle *, void *);
  int (*block_count)(const heif_handle *, const char *kind);
  int (*blocks)(const heif_handle *, const char *kind, uint32_t *list, int count);
  const char *(*block_content)(const heif_handle *, uint32_t);
  size_t (*block_size)(const heif_handle *, uint32_t);
  heif_error (*block)(const heif_handle *, uint32_t, void *);
  heif_error (*decode)(const heif_handle *, heif_image **, int colours, int chroma, const void *options);
  int (*range)(const heif_image *, int channel);
  int (*image_width)(const heif_image *, int channel);
  int (*image_height)(const heif_image *, int channel);
  const uint8_t *(*plane)(const heif_image *, int channel, int *stride);
  void (*release_image)(const heif_image *);
  int (*is_premultiplied)(const heif_handle *);
  int (*has_decoder)(int format);
} heif_reading;

typedef struct {
  heif_context *(*create)(void);
  void (*destroy)(heif_context *);
  heif_error (*encoder)(heif_context *, int format, heif_encoder **);
  void (*release_encoder)(heif_encoder *);
  heif_error (*set_quality)(heif_encoder *, int);
  heif_error (*set)(heif_encoder *, const char *name, const char *value);
  heif_error (*create_image)(int width, int height, int colours, int chroma, heif_image **);
  heif_error (*add_plane)(heif_image *, int channel, int width, int height, int bits);
  uint8_t *(*plane)(heif_image *, int channel, int *stride);
  heif_error (*set_profile)(heif_image *, const char *kind, const void *, size_t);
  void *(*create_numbers)(void);
  void (*destroy_numbers)(void *);
  heif_error (*set_primaries)(void *, uint16_t);
  heif_error (*set_transfer)(void *, uint16_t);
  heif_error (*set_matrix)(void *, uint16_t);
  heif_error (*set_numbers)(heif_image *, const void *);
  heif_error (*encode)(heif_context *, const heif_image *, heif_encoder *, const void *options, heif_handle **);
  heif_error (*add_exif)(heif_context *, const heif_handle *, const void *, int);
  heif_error (*add_xmp)(heif_context *, const heif_handle *, const void *, int);
  heif_error (*write)(heif_context *, heif_writer *, void *user);
  void (*release)(const heif_handle *);
  void (*release_image)(const heif_image *);
} heif_writing;

static void *find_library(void) {
  static const char *const names[] = {"libheif.so.1", "libheif.1.dylib", "/opt/homebrew/lib/libheif.1.dylib", NULL};
  return image_library(names);
}

static int load_reading(heif_reading *it) {
  void *library = find_library();
  if (!library) return 0;
  // Older ones do not have these.
  image_function(library, "heif_have_decoder_for_format", &it->has_decoder);
  image_function(library, "heif_image_handle_is_premultiplied_alpha", &it->is_premultiplied);
  return image_function(library, "heif_get_version_number", &it->version) && it->version() >= 0x01090000 &&
    image_function(library, "heif_context_alloc", &it->create) && image_function(library, "heif_context_free", &it->destroy) &&
    image_function(library, "heif_context_read_from_memory_without_copy", &it->open) &&
    image_function(library, "heif_context_get_primary_image_handle", &it->primary) &&
    image_function(library, "heif_context_get_number_of_top_level_images", &it->count) &&
    image_function(library, "heif_image_handle_release", &it->release) &&
    image_function(library, "heif_image_handle_get_width", &it->width) &&
    image_function(library, "heif_image_handle_get_height", &it->height) &&
    image_function(library, "heif_image_handle_has_alpha_channel", &it->has_alpha) &&
    image_function(library, "heif_image_handle_get_luma_bits_per_pixel", &it->bits) &&
    image_function(library, "heif_image_handle_get_color_profile_type", &it->profile_kind) &&
    image_function(library, "heif_image_handle_get_raw_color_profile_size", &it->profile_size) &&
    image_function(library, "heif_image_handle_get_raw_color_profile", &it->profile) &&
    image_function(library, "heif_image_handle_get_number_of_metadata_blocks", &it->block_count) &&
    image_function(library, "heif_image_handle_get_list_of_metadata_block_IDs", &it->blocks) &&
    image_function(library, "heif_image_handle_get_metadata_content_type", &it->block_content) &&
    image_function(library, "heif_image_handle_get_metadata_size", &it->block_size) &&
    image_function(library, "heif_image_handle_get_metadata", &it->block) &&
    image_function(library, "heif_decode_image", &it->decode) &&
    image_function(library, "heif_image_get_bits_per_pixel_range", &it->range) &&
    image_function(library, "heif_image_get_width", &it->image_width) &&
    image_function(library, "heif_image_get_height", &it->image_height) &&
    image_function(library, "heif_image_get_plane_readonly", &it->plane) &&
    image_function(library, "heif_image_release", &it->release_image);
}

static int load_writing(heif_writing *it) {
  void *library = find_library();
  return library && image_function(library, "heif_context_alloc", &it->create) &&
    image_function(library, "heif_context_free", &it->destroy) &&
    image_function(library, "heif_context_get_encoder_for_format", &it->encoder) &&
    image_function(library, "heif_encoder_release", &it->release_encoder) &&
    image_function(library, "heif_encoder_set_lossy_quality", &it->set_quality) &&
    image_function(library, "heif_encoder_set_parameter", &it->set) &&
    image_function(library, "heif_image_create", &it->create_image) &&
    image_function(library, "heif_image_add_plane", &it->add_plane) &&
    image_function(library, "heif_image_get_plane", &it->plane) &&
    image_function(library, "heif_image_set_raw_color_profile", &it->set_profile) &&
    image_function(library, "heif_nclx_color_profile_alloc", &it->create_numbers) &&
    image_function(library, "heif_nclx_color_profile_free", &it->destroy_numbers) &&
    image_function(library, "heif_nclx_color_profile_set_color_primaries", &it->set_primaries) &&
    image_function(library, "heif_nclx_color_profile_set_transfer_characteristics", &it->set_transfer) &&
    image_function(library, "heif_nclx_color_profile_set_matrix_coefficients", &it->set_matrix) &&
    image_function(library, "heif_image_set_nclx_color_profile", &it->set_numbers) &&
    image_function(library, "heif_context_encode_image", &it->encode) &&
    image_function(library, "heif_context_add_exif_metadata", &it->add_exif) &&
    image_function(library, "heif_context_add_XMP_metadata", &it->add_xmp) &&
    image_function(library, "heif_context_write", &it->write) &&
    image_function(library, "heif_image_handle_release", &it->release) &&
    image_function(library, "heif_image_release", &it->release_image);
}

static int fail(char *message, heif_error error) {
  const int status = error.code == heif_memory_error ? IMAGE_CODEC_MEMORY
    : error.code == heif_unsupported_type || error.code == heif_unsupported_feature ? IMAGE_CODEC_UNSUPPORTED
                                                                                    : IMAGE_CODEC_CORRUPT;
  return image_codec_fail(message, status, error.message ? error.message : "the library gave up");
}

typedef struct {
  image_reader reader;
  heif_reading library;
  heif_context *context;
  heif_handle *handle;
} heif_input;

// Whether what codes the pixels knows no colour in any of the file's pictures: the boxes of AV1 and HEVC say so.
static int is_monochrome(const uint8_t *bytes, size_t count) {
  int found = 0;
  for (size_t at = 0; at + 24 < count && at < 1u << 16; at++) {
    const uint8_t *box = bytes + at;
    const int is_av1 = memcmp(box, "av1C", 4) == 0, is_hevc = memcmp(box, "hvcC", 4) == 0;
    if (!is_av1 && !is_hevc) continue;
    if (is_av1 ? !(box[6] & 0x10) : box[4 + 16] & 3) return 0;
    found = 1;
  }
  return found;
}

static int copy_block(heif_input *it, uint32_t block, image_codec_buffer *buffer) {
  const size_t size = it->library.block_size(it->handle, block);
  if (size == 0 || size > 64u << 20 || buffer->count) return 1;
  uint8_t *bytes = malloc(size);
  if (!bytes) return 0;
  int memory = 1;
  if (it->library.block(it->handle, block, bytes).code == 0) memory = image_codec_copy(buffer, bytes, size);
  free(bytes);
  return memory;
}

static int copy_blocks(heif_input *it, const char *kind, const char *content, image_codec_buffer *buffer) {
  uint32_t list[16];
  int count = it->library.block_count(it->handle, kind), memory = 1;
  if (count > 16) count = 16;
  count = count > 0 ? it->library.blocks(it->handle, kind, list, count) : 0;
  for (int index = 0; index < count; index++) {
    const char *found = it->library.block_content(it->handle, list[index]);
    if (!content || (found && strcmp(found, content) == 0)) memory &= copy_block(it, list[index], buffer);
  }
  return memory;
}

static int copy_metadata(heif_input *it, image_codec_metadata *metadata, char *message) {
  int memory = copy_blocks(it, "Exif", NULL, &metadata->exif) &&
    copy_blocks(it, "mime", "application/rdf+xml", &metadata->xmp);
  // Four bytes say how far behind them the block begins.
  image_codec_buffer *exif = &metadata->exif;
  if (exif->count > 4) {
    const size_t lead = 4 + ((size_t)exif->bytes[0] << 24 | (size_t)exif->bytes[1] << 16 | (size_t)exif->bytes[2] << 8 | exif->bytes[3]);
    exif->count = lead < exif->count ? exif->count - lead : 0;
    memmove(exif->bytes, exif->bytes + lead, exif->count);
  }
  const int kind = it->library.profile_kind(it->handle);
  const size_t size = it->library.profile_size(it->handle);
  if (memory && kind != heif_profile_none && kind != heif_profile_numbers && size > 0 && size < 64u << 20) {
    uint8_t *bytes = malloc(size);
    memory = bytes != NULL;
    if (bytes && it->library.profile(it->handle, bytes).code == 0) memory = image_codec_copy(&metadata->icc, bytes, size);
    free(bytes);
  }
  // The library turns the picture; what EXIF says of that is no more than a copy.
  metadata->orientation = 1;
  return memory ? IMAGE_CODEC_OK : image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
}

// To the whole range of the depth that is read, and alpha apart from the colours. The library gives three or four samples a pixel; of
// grey red stands for all.
static void take_row(
  const image_codec_header *header, const uint8_t *source, uint8_t *target, unsigned maximum, int is_premultiplied
) {
  const unsigned channels = header->channels, colours = channels < 3 ? 1 : 3, full = header->bits == 16 ? 65535 : 255;
  const unsigned stride = channels % 2 == 0 ? 4 : 3;
  uint16_t *words = (uint16_t *)(void *)target;
  for (size_t x = 0; x < header->width; x++) {
    uint32_t pixel[4];
    for (unsigned channel = 0; channel < channels; channel++) {
      const size_t at = x * stride + (channel < colours ? channel : 3);
      pixel[channel] = source[at];
      if (header->bits == 8) continue;
      const uint32_t value = source[2 * at] | (uint32_t)source[2 * at + 1] << 8;
      pixel[channel] = (uint32_t)(((uint64_t)value * full + maximum / 2) / maximum);
    }
    const uint32_t alpha = pixel[channels - 1];
    for (unsigned channel = 0; is_premultiplied && stride == 4 && alpha && channel < colours; channel++) {
      pixel[channel] = (uint32_t)(((uint64_t)pixel[channel] * full + alpha / 2) / alpha);
      if (pixel[channel] > full) pixel[channel] = full;
    }
    for (unsigned channel = 0; channel < channels; channel++) {
      if (header->bits == 16) words[x * channels + channel] = (uint16_t)pixel[channel];
      else target[x * channels + channel] = (uint8_t)pixel[channel];
    }
  }
}

static int run_read(image_reader *reader, void *rows, size_t count, char *message) {
  heif_input *it = (heif_input *)reader;
  const image_codec_header *header = &reader->header;
  const int has_alpha = header->channels % 2 == 0, is_deep = header->bits == 16;
  const int chroma = is_deep ? (has_alpha ? heif_rgba_16 : heif_rgb_16) : has_alpha ? heif_rgba_8 : heif_rgb_8;
  heif_image *image = NULL;
  heif_error error = it->library.decode(it->handle, &image, heif_rgb, chroma, NULL);
  if (error.code) return fail(message, error);
  int stride = 0;
  const uint8_t *plane = it->library.plane(image, heif_channel_interleaved, &stride);
  const int bits = it->library.range(image, heif_channel_interleaved);
  const int is_premultiplied = it->library.is_premultiplied && it->library.is_premultiplied(it->handle);
  int status = IMAGE_CODEC_OK;
  if (!plane || it->library.image_width(image, heif_channel_interleaved) != (int)header->width ||
      it->library.image_height(image, heif_channel_interleaved) != (int)count || (is_deep ? bits < 9 || bits > 16 : bits != 8)) {
    status = image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the picture is not what the file says of it");
  }
  for (size_t y = 0; status == IMAGE_CODEC_OK && y < count; y++) {
    take_row(
      header, plane + y * (size_t)stride, (uint8_t *)rows + y * image_codec_row_bytes(header), (1u << bits) - 1, is_premultiplied);
  }
  it->library.release_image(image);
  return status;
}

static int read_rows(image_reader *reader, void *rows, size_t count, char *message) {
  image_read_call call = {run_read, reader, rows, count, message};
  return image_quietly(image_run_read_call, &call);
}

static int finish_rows(image_reader *reader, image_codec_metadata *metadata, char *message) {
  (void)reader, (void)metadata, (void)message;
  return IMAGE_CODEC_OK;
}

static void close_reader(image_reader *reader) {
  heif_input *it = (heif_input *)reader;
  if (it->handle) it->library.release(it->handle);
  if (it->context) it->library.destroy(it->context);
  free(it);
}

static int run_open(image_reader *reader, const image_codec_input *input, image_codec_metadata *metadata, char *message) {
  heif_input *it = (heif_input *)reader;
  if (!load_reading(&it->library)) return image_codec_fail(message, IMAGE_CODEC_NO_LIBRARY, "libheif1");
  it->context = it->library.create();
  if (!it->context) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  // The library may come without what decodes.
  const int is_av1 = input->count >= 12 && memcmp(input->bytes + 8, "avi", 3) == 0;
  if (it->library.has_decoder && !it->library.has_decoder(is_av1 ? heif_av1 : heif_hevc)) {
    return image_codec_fail(message, IMAGE_CODEC_NO_LIBRARY, is_av1 ? "libheif-plugin-dav1d" : "libheif-plugin-libde265");
  }
  heif_error error = it->library.open(it->context, input->bytes, input->count, NULL);
  if (!error.code) error = it->library.primary(it->context, &it->handle);
  if (error.code) return fail(message, error);
  const int bits = it->library.bits(it->handle);
  if (bits > 16) return image_codec_fail(message, IMAGE_CODEC_UNSUPPORTED, "its samples have more than 16 bits");
  image_codec_header *header = &it->reader.header;
  header->width = (uint32_t)it->library.width(it->handle);
  header->height = (uint32_t)it->library.height(it->handle);
  header->channels = (uint8_t)((is_monochrome(input->bytes, input->count) ? 1 : 3) + (it->library.has_alpha(it->handle) != 0));
  header->bits = bits > 8 ? 16 : 8;
  const int count = it->library.count(it->context);
  it->reader.picture_count = count > 1 ? (size_t)count : 1;
  // Planes of the decoder, and what the library makes of them.
  it->reader.held_bytes = (size_t)header->width * header->height * (header->bits == 16 ? 48 : 24) + ((size_t)8 << 20);
  return copy_metadata(it, metadata, message);
}

int image_heif_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message
) {
  heif_input *it = calloc(1, sizeof *it);
  if (!it) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  it->reader.obstacle = IMAGE_CODEC_LIBRARY;
  it->reader.read = read_rows;
  it->reader.finish = finish_rows;
  it->reader.close = close_reader;
  image_open_call call = {run_open, &it->reader, input, metadata, message};
  int status = image_quietly(image_run_open_call, &call);
  if (status != IMAGE_CODEC_OK) {
    close_reader(&it->reader);
    return status;
  }
  *reader = &it->reader;
  return IMAGE_CODEC_OK;
}

static heif_error take_output(heif_context *context, const void *data, size_t size, void *user) {
  (void)context;
  const heif_error done = {0, 0, "Success"}, failed = {heif_memory_error, 0, "no memory"};
  return image_codec_append(user, data, size) ? done : failed;
}

// AV1 has at most 12 bits.
enum { deep_bits = 12 };

static unsigned reduced(unsigned value) { return (value * ((1u << deep_bits) - 1) + 32767) / 65535; }

static heif_error fill_image(
  const heif_writing *library, const image_codec_header *header, const uint8_t *pixels, heif_image **image
) {
  const int width = (int)header->width, height = (int)header->height, is_deep = header->bits == 16;
  const int is_grey = header->channels < 3, has_alpha = header->channels % 2 == 0;
  const int chroma = is_grey ? heif_monochrome
    : is_deep ? (has_alpha ? heif_rgba_16 : heif_rgb_16)
              : (has_alpha ? heif_rgba_8 : heif_rgb_8);
  heif_error error = library->create_image(width, height, is_grey ? heif_grey : heif_rgb, chroma, image);
  // Grey and its alpha are planes, colours lie side by side.
  const int planes = is_grey && has_alpha ? 2 : 1, samples = is_grey ? 1 : header->channels;
  for (int plane = 0; !error.code && plane < planes; plane++) {
    const int channel = is_grey ? (plane ? heif_channel_alpha : heif_channel_y) : heif_channel_interleaved;
    error = library->add_plane(*image, channel, width, height, is_deep ? deep_bits : 8);
    int stride = 0;
    uint8_t *target = error.code ? NULL : library->plane(*image, channel, &stride);
    if (!target) break;
    for (size_t y = 0; y < header->height; y++) {
      const uint8_t *row = pixels + y * image_codec_row_bytes(header);
      uint8_t *to = target + y * (size_t)stride;
      for (size_t index = 0; index < (size_t)width * samples; index++) {
        const size_t from = planes == 2 ? 2 * index + plane : index;
        if (is_deep) {
          const unsigned value = reduced(((const uint16_t *)(const void *)row)[from]);
          to[2 * index] = (uint8_t)value;
          to[2 * index + 1] = (uint8_t)(value >> 8);
        } else {
          to[index] = row[from];
        }
      }
    }
  }
  return error;
}

// A picture without a profile is what everybody takes it to be, sRGB: BT.709's primaries, its curve, and BT.601's luma and chroma.
static heif_error set_srgb(const heif_writing *library, heif_image *image) {
  void *numbers = library->create_numbers();
  if (!numbers) return (heif_error){heif_memory_error, 0, "no memory"};
  heif_error error = library->set_primaries(numbers, 1);
  if (!error.code) error = library->set_transfer(numbers, 13);
  if (!error.code) error = library->set_matrix(numbers, 6);
  if (!error.code) error = library->set_numbers(image, numbers);
  library->destroy_numbers(numbers);
  return error;
}

static heif_error run_write(
  const heif_writing *library, heif_context *context, heif_encoder *encoder, heif_image *image,
  const image_codec_metadata *metadata, int quality, image_codec_buffer *output
) {
  heif_handle *handle = NULL;
  heif_error error = library->set_quality(encoder, quality);
  // Colours in full, as JPEG has them from 90 on; names that an encoder does not know change nothing.
  if (!error.code && quality >= 90) library->set(encoder, "chroma", "444");
  if (!error.code) {
    error = metadata->icc.count ? library->set_profile(image, "prof", metadata->icc.bytes, metadata->icc.count)
                                : set_srgb(library, image);
  }
  if (!error.code) error = library->encode(context, image, encoder, NULL, &handle);
  if (!error.code && metadata->exif.count) {
    error = library->add_exif(context, handle, metadata->exif.bytes, (int)metadata->exif.count);
  }
  if (!error.code && metadata->xmp.count) {
    error = library->add_xmp(context, handle, metadata->xmp.bytes, (int)metadata->xmp.count);
  }
  heif_writer writer = {1, take_output};
  if (!error.code) error = library->write(context, &writer, output);
  if (handle) library->release(handle);
  return error;
}

int image_avif_check(char *message) {
  heif_writing library;
  if (!load_writing(&library)) return image_codec_fail(message, IMAGE_CODEC_NO_LIBRARY, "libheif1");
  heif_context *context = library.create();
  heif_encoder *encoder = NULL;
  const int is_there = context && library.encoder(context, heif_av1, &encoder).code == 0 && encoder;
  if (encoder) library.release_encoder(encoder);
  if (context) library.destroy(context);
  return is_there ? IMAGE_CODEC_OK : image_codec_fail(message, IMAGE_CODEC_NO_LIBRARY, "libheif-plugin-aomenc");
}

static int write_file(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, int quality,
  image_codec_buffer *output, char *message
) {
  int status = image_avif_check(message);
  if (status != IMAGE_CODEC_OK) return status;
  heif_writing library;
  load_writing(&library);
  heif_context *context = library.create();
  heif_encoder *encoder = NULL;
  heif_image *image = NULL;
  heif_error error = {heif_memory_error, 0, "no memory"};
  if (context) error = library.encoder(context, heif_av1, &encoder);
  if (!error.code) error = fill_image(&library, header, pixels, &image);
  if (!error.code) error = run_write(&library, context, encoder, image, metadata, quality, output);
  if (error.code) {
    status = image_codec_fail(
      message, error.code == heif_memory_error ? IMAGE_CODEC_MEMORY : IMAGE_CODEC_REFUSED,
      error.message ? error.message : "the encoder gave up");
  }
  if (image) library.release_image(image);
  if (encoder) library.release_encoder(encoder);
  if (context) library.destroy(context);
  return status;
}

int image_avif_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, int quality,
  image_codec_buffer *output, char *message
) {
  image_write_call call = {write_file, header, pixels, metadata, quality, output, message};
  return image_quietly(image_run_write_call, &call);
}
