#include "loading.h"
#include "quiet.h"

// Of libjxl's interface, which is functions around values that only it knows; the few structures that pass are as they have been from
// version 0.7 on.
typedef struct jxl_decoder jxl_decoder;
typedef struct jxl_encoder jxl_encoder;
typedef struct jxl_settings jxl_settings;

typedef struct {
  int has_container;
  uint32_t width, height, bits, exponent_bits;
  float intensity, least;
  int is_relative;
  float linear_below;
  int uses_original_profile, has_preview, has_animation, orientation;
  uint32_t colours, extra_channels, alpha_bits, alpha_exponent_bits;
  int is_premultiplied;
  uint32_t preview[2], animation[4], intrinsic[2];
  uint8_t padding[100];
} jxl_info;

typedef struct {
  uint32_t channels;
  int type, order;
  size_t align;
} jxl_format;

// With room for what a later version may add.
typedef struct {
  int space, white_point;
  double white[2];
  int primaries;
  double chromaticities[6];
  int transfer;
  double gamma;
  int intent;
  double room[32];
} jxl_colours;

// With room for what follows the duration.
typedef struct {
  uint32_t duration;
  uint32_t room[63];
} jxl_frame_info;

enum {
  jxl_success = 0,
  jxl_need_more_input = 2,
  jxl_need_pixels = 5,
  jxl_need_more_box = 7,
  jxl_basic_info = 0x40,
  jxl_colour_encoding = 0x100,
  jxl_frame = 0x400,
  jxl_full_image = 0x1000,
  jxl_box = 0x4000,
  jxl_uint8 = 2,
  jxl_uint16 = 3,
  jxl_need_more_output = 2,
  // What the samples that come are, not what the original was.
  jxl_profile_data = 1,
  // RGB or grey by D65 and BT.709, and the curve.
  jxl_grey = 1,
  jxl_d65 = 1,
  jxl_bt709 = 1,
  jxl_srgb = 13,
};

typedef struct {
  uint32_t (*version)(void);
  jxl_decoder *(*create)(const void *memory);
  void (*destroy)(jxl_decoder *);
  int (*subscribe)(jxl_decoder *, int events);
  int (*set_input)(jxl_decoder *, const uint8_t *, size_t);
  int (*step)(jxl_decoder *);
  int (*info)(const jxl_decoder *, jxl_info *);
  // Until 0.8 with an argument more.
  int (*profile_size)(const jxl_decoder *, int target, size_t *);
  int (*profile)(const jxl_decoder *, int target, uint8_t *, size_t);
  int (*old_profile_size)(const jxl_decoder *, const void *, int target, size_t *);
  int (*old_profile)(const jxl_decoder *, const void *, int target, uint8_t *, size_t);
  int (*encoding)(const jxl_decoder *, int target, jxl_colours *);
  int (*old_encoding)(const jxl_decoder *, const void *, int target, jxl_colours *);
  int (*set_pixels)(jxl_decoder *, const jxl_format *, void *, size_t);
  int (*set_plain_alpha)(jxl_decoder *, int);
  int (*set_box)(jxl_decoder *, uint8_t *, size_t);
  size_t (*release_box)(jxl_decoder *);
  int (*box_kind)(jxl_decoder *, char kind[4], int is_decompressed);
  int (*decompress)(jxl_decoder *, int);
  int (*flush)(jxl_decoder *);
  int (*separate_frames)(jxl_decoder *, int is_coalescing);
  int (*frame)(const jxl_decoder *, jxl_frame_info *);
} jxl_reading;

typedef struct {
  uint32_t (*version)(void);
  jxl_encoder *(*create)(const void *memory);
  void (*destroy)(jxl_encoder *);
  void (*init_info)(jxl_info *);
  int (*set_info)(jxl_encoder *, const jxl_info *);
  void (*init_srgb)(jxl_colours *, int is_grey);
  int (*set_colours)(jxl_encoder *, const jxl_colours *);
  int (*set_profile)(jxl_encoder *, const uint8_t *, size_t);
  jxl_settings *(*settings)(jxl_encoder *, const jxl_settings *);
  int (*set_lossless)(jxl_settings *, int);
  int (*set_distance)(jxl_settings *, float);
  int (*add)(const jxl_settings *, const jxl_format *, const void *, size_t);
  int (*use_boxes)(jxl_encoder *);
  int (*add_box)(jxl_encoder *, const char kind[4], const uint8_t *, size_t, int compresses);
  int (*needed_level)(const jxl_encoder *);
  int (*set_level)(jxl_encoder *, int);
  void (*close_input)(jxl_encoder *);
  int (*output)(jxl_encoder *, uint8_t **, size_t *);
} jxl_writing;

static void *find_library(void) {
  static const char *const names[] = {
    "libjxl.so.0.11", "libjxl.so.0.10", "libjxl.so.0.9", "libjxl.so.0.8", "libjxl.so.0.7", "libjxl.0.11.dylib",
    "/opt/homebrew/lib/libjxl.0.11.dylib", NULL,
  };
  return image_library(names);
}

static int load_reading(jxl_reading *it) {
  void *library = find_library();
  if (!library || !image_function(library, "JxlDecoderVersion", &it->version) || it->version() < 7000) return 0;
  image_function(library, "JxlDecoderSetUnpremultiplyAlpha", &it->set_plain_alpha);
  image_function(library, "JxlDecoderFlushImage", &it->flush);
  image_function(library, "JxlDecoderSetCoalescing", &it->separate_frames);
  image_function(library, "JxlDecoderGetFrameHeader", &it->frame);
  const int is_old = it->version() < 9000;
  void *size = is_old ? (void *)&it->old_profile_size : (void *)&it->profile_size;
  void *profile = is_old ? (void *)&it->old_profile : (void *)&it->profile;
  void *encoding = is_old ? (void *)&it->old_encoding : (void *)&it->encoding;
  return image_function(library, "JxlDecoderCreate", &it->create) && image_function(library, "JxlDecoderDestroy", &it->destroy) &&
    image_function(library, "JxlDecoderSubscribeEvents", &it->subscribe) &&
    image_function(library, "JxlDecoderSetInput", &it->set_input) &&
    image_function(library, "JxlDecoderProcessInput", &it->step) &&
    image_function(library, "JxlDecoderGetBasicInfo", &it->info) &&
    image_function(library, "JxlDecoderGetICCProfileSize", size) &&
    image_function(library, "JxlDecoderGetColorAsICCProfile", profile) &&
    image_function(library, "JxlDecoderGetColorAsEncodedProfile", encoding) &&
    image_function(library, "JxlDecoderSetImageOutBuffer", &it->set_pixels) &&
    image_function(library, "JxlDecoderSetBoxBuffer", &it->set_box) &&
    image_function(library, "JxlDecoderReleaseBoxBuffer", &it->release_box) &&
    image_function(library, "JxlDecoderGetBoxType", &it->box_kind) &&
    image_function(library, "JxlDecoderSetDecompressBoxes", &it->decompress);
}

static int load_writing(jxl_writing *it) {
  void *library = find_library();
  return library && image_function(library, "JxlEncoderVersion", &it->version) && it->version() >= 7000 &&
    image_function(library, "JxlEncoderCreate", &it->create) && image_function(library, "JxlEncoderDestroy", &it->destroy) &&
    image_function(library, "JxlEncoderInitBasicInfo", &it->init_info) &&
    image_function(library, "JxlEncoderSetBasicInfo", &it->set_info) &&
    image_function(library, "JxlColorEncodingSetToSRGB", &it->init_srgb) &&
    image_function(library, "JxlEncoderSetColorEncoding", &it->set_colours) &&
    image_function(library, "JxlEncoderSetICCProfile", &it->set_profile) &&
    image_function(library, "JxlEncoderFrameSettingsCreate", &it->settings) &&
    image_function(library, "JxlEncoderSetFrameLossless", &it->set_lossless) &&
    image_function(library, "JxlEncoderSetFrameDistance", &it->set_distance) &&
    image_function(library, "JxlEncoderAddImageFrame", &it->add) &&
    image_function(library, "JxlEncoderUseBoxes", &it->use_boxes) && image_function(library, "JxlEncoderAddBox", &it->add_box) &&
    image_function(library, "JxlEncoderGetRequiredCodestreamLevel", &it->needed_level) &&
    image_function(library, "JxlEncoderSetCodestreamLevel", &it->set_level) &&
    image_function(library, "JxlEncoderCloseInput", &it->close_input) &&
    image_function(library, "JxlEncoderProcessOutput", &it->output);
}

typedef struct {
  image_reader reader;
  jxl_reading library;
  const image_codec_input *input;
} jxl_input;

static jxl_decoder *begin(const jxl_input *it, int events) {
  jxl_decoder *decoder = it->library.create(NULL);
  if (!decoder) return NULL;
  if (it->library.subscribe(decoder, events) == jxl_success &&
      it->library.set_input(decoder, it->input->bytes, it->input->count) == jxl_success) {
    return decoder;
  }
  it->library.destroy(decoder);
  return NULL;
}

static int fail_at(int event, char *message) {
  return image_codec_fail(
    message, IMAGE_CODEC_CORRUPT, event == jxl_need_more_input ? "the file is cut short" : "the decoder gave up");
}

static int copy_profile(const jxl_input *it, const jxl_decoder *decoder, image_codec_buffer *profile) {
  const int is_old = it->library.version() < 9000, target = jxl_profile_data;
  // The library makes a profile where the file has numbers. None is needed for what everybody takes a picture to be.
  jxl_colours colours;
  memset(&colours, 0, sizeof colours);
  const int has_numbers = is_old ? it->library.old_encoding(decoder, NULL, target, &colours) == jxl_success
                                 : it->library.encoding(decoder, target, &colours) == jxl_success;
  const int is_srgb = colours.white_point == jxl_d65 && colours.transfer == jxl_srgb && colours.space <= jxl_grey &&
    (colours.space == jxl_grey || colours.primaries == jxl_bt709);
  if (has_numbers && is_srgb) return 1;
  size_t size = 0;
  int status = is_old ? it->library.old_profile_size(decoder, NULL, target, &size) : it->library.profile_size(decoder, target, &size);
  if (status != jxl_success || size == 0 || size > 64u << 20) return 1;
  uint8_t *bytes = malloc(size);
  if (!bytes) return 0;
  status = is_old ? it->library.old_profile(decoder, NULL, target, bytes, size) : it->library.profile(decoder, target, bytes, size);
  const int memory = status != jxl_success || image_codec_copy(profile, bytes, size);
  free(bytes);
  return memory;
}

// Reads what precedes the pixels.
static int read_head(jxl_input *it, image_codec_metadata *metadata, char *message) {
  jxl_decoder *decoder = begin(it, jxl_basic_info | jxl_colour_encoding);
  if (!decoder) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  jxl_info info;
  memset(&info, 0, sizeof info);
  int event, status = IMAGE_CODEC_OK;
  while ((event = it->library.step(decoder)) == jxl_basic_info) it->library.info(decoder, &info);
  if (event != jxl_colour_encoding || info.width == 0 || info.height == 0) {
    status = fail_at(event, message);
  } else if (!copy_profile(it, decoder, &metadata->icc)) {
    status = image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  }
  it->library.destroy(decoder);
  if (status != IMAGE_CODEC_OK) return status;
  if (info.exponent_bits) return image_codec_fail(message, IMAGE_CODEC_UNSUPPORTED, "its samples are floating-point numbers");
  if (info.bits > 16) return image_codec_fail(message, IMAGE_CODEC_UNSUPPORTED, "its samples have more than 16 bits");
  image_codec_header *header = &it->reader.header;
  header->width = info.width;
  header->height = info.height;
  header->channels = (uint8_t)((info.colours == 1 ? 1 : 3) + (info.alpha_bits > 0));
  header->bits = info.bits > 8 ? 16 : 8;
  it->reader.picture_count = info.has_animation ? 0 : 1;
  // The decoder works in floating-point numbers.
  it->reader.held_bytes = (size_t)24 * info.width * info.height + ((size_t)16 << 20);
  // The library turns the picture; what EXIF says of that is no more than a copy.
  metadata->orientation = 1;
  return IMAGE_CODEC_OK;
}

// A box's bytes, however long they turn out to be; 0 without memory.
static int take_box(const jxl_input *it, jxl_decoder *decoder, image_codec_buffer *buffer, size_t *capacity) {
  const size_t left = it->library.release_box(decoder), used = *capacity - left;
  const size_t grown = used ? 2 * used : 65536;
  uint8_t *bytes = grown > 128u << 20 ? NULL : realloc(buffer->bytes, grown);
  if (!bytes) return 0;
  buffer->bytes = bytes;
  buffer->count = used;
  *capacity = grown;
  return it->library.set_box(decoder, bytes + used, grown - used) == jxl_success;
}

// Counts a frame of an animation. One without a duration is not seen by itself: what follows is drawn over it.
static void count_frame(jxl_input *it, const jxl_decoder *decoder, size_t *pending) {
  jxl_frame_info frame = {.duration = 1};
  if (it->library.frame) it->library.frame(decoder, &frame);
  ++*pending;
  if (frame.duration == 0) return;
  if (it->reader.picture_count++ == 0) it->reader.layer_count = *pending;
  *pending = 0;
}

// The boxes of EXIF and XMP, and the number of frames of an animation. What is damaged there is left out.
static int read_boxes(jxl_input *it, image_codec_metadata *metadata) {
  const int counts = it->reader.picture_count == 0;
  jxl_decoder *decoder = begin(it, jxl_box | (counts ? jxl_frame : 0));
  if (!decoder) return 0;
  it->library.decompress(decoder, 1);
  if (counts && it->library.separate_frames) it->library.separate_frames(decoder, 0);
  size_t pending = 0;
  image_codec_buffer *target = NULL;
  size_t capacity = 0;
  int memory = 1;
  for (int is_more = 1; memory && is_more;) {
    const int event = it->library.step(decoder);
    if (target && event != jxl_need_more_box) {
      target->count = capacity - it->library.release_box(decoder);
      target = NULL;
    }
    if (event == jxl_frame) count_frame(it, decoder, &pending);
    if (event == jxl_need_more_box && target) memory = take_box(it, decoder, target, &capacity);
    is_more = event == jxl_box || event == jxl_frame || event == jxl_need_more_box;
    char kind[4];
    if (event != jxl_box || it->library.box_kind(decoder, kind, 1) != jxl_success) continue;
    if (memcmp(kind, "Exif", 4) == 0 && !metadata->exif.bytes) target = &metadata->exif;
    if (memcmp(kind, "xml ", 4) == 0 && !metadata->xmp.bytes) target = &metadata->xmp;
    if (!target) continue;
    capacity = 65536;
    target->bytes = malloc(capacity);
    memory = target->bytes && it->library.set_box(decoder, target->bytes, capacity) == jxl_success;
  }
  it->library.destroy(decoder);
  // The last ones are seen in any case.
  if (pending > 0 && it->reader.picture_count++ == 0) it->reader.layer_count = pending;
  if (it->reader.picture_count == 0) it->reader.picture_count = 1;
  // Four bytes say how far behind them the block begins.
  image_codec_buffer *exif = &metadata->exif;
  if (exif->count > 4) {
    const size_t lead = 4 + ((size_t)exif->bytes[0] << 24 | (size_t)exif->bytes[1] << 16 | (size_t)exif->bytes[2] << 8 | exif->bytes[3]);
    exif->count = lead < exif->count ? exif->count - lead : 0;
    memmove(exif->bytes, exif->bytes + lead, exif->count);
  }
  return memory;
}

static int run_read(image_reader *reader, void *rows, size_t count, char *message) {
  jxl_input *it = (jxl_input *)reader;
  const image_codec_header *header = &reader->header;
  const jxl_format format = {header->channels, header->bits == 16 ? jxl_uint16 : jxl_uint8, 0, 0};
  const size_t size = count * image_codec_row_bytes(header);
  jxl_decoder *decoder = begin(it, jxl_full_image);
  if (!decoder) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  if (it->library.set_plain_alpha) it->library.set_plain_alpha(decoder, 1);
  const int is_tolerant = it->input->is_tolerant;
  if (is_tolerant) image_reader_fill(reader, rows, count);
  int event, has_pixels = 0, status = IMAGE_CODEC_OK;
  while ((event = it->library.step(decoder)) == jxl_need_pixels) {
    if (it->library.set_pixels(decoder, &format, rows, size) != jxl_success) break;
    has_pixels = 1;
  }
  if (event != jxl_full_image) {
    // What is there is drawn in whatever order it lies; where nobody asked for that, it is known that it can be.
    if (has_pixels && it->library.flush && it->library.flush(decoder) == jxl_success) {
      image_reader_miss(reader, count);
      reader->lack.is_coarse = 1;
    }
    if (!is_tolerant || !reader->lack.is_lacking) status = fail_at(event, message);
  }
  it->library.destroy(decoder);
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

static void close_reader(image_reader *reader) { free(reader); }

static int run_open(image_reader *reader, const image_codec_input *input, image_codec_metadata *metadata, char *message) {
  jxl_input *it = (jxl_input *)reader;
  if (!load_reading(&it->library)) return image_codec_fail(message, IMAGE_CODEC_NO_LIBRARY, "libjxl0.7 or libjxl0.11");
  it->input = input;
  const int status = read_head(it, metadata, message);
  if (status != IMAGE_CODEC_OK || read_boxes(it, metadata)) return status;
  return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
}

int image_jxl_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message
) {
  jxl_input *it = calloc(1, sizeof *it);
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

int image_jxl_check(char *message) {
  jxl_writing library;
  return load_writing(&library) ? IMAGE_CODEC_OK : image_codec_fail(message, IMAGE_CODEC_NO_LIBRARY, "libjxl0.7 or libjxl0.11");
}

// libjxl's own rule, which later versions have as a function: 1 is what is hardly seen, for JPEG's 90.
static float distance(int quality) {
  const float value = (float)quality;
  if (quality >= 100) return 0;
  return quality >= 30 ? 0.1f + (100 - value) * 0.09f : 53.0f / 3000 * value * value - 23.0f / 20 * value + 25;
}

static int add_exif(const jxl_writing *library, jxl_encoder *encoder, const image_codec_buffer *exif) {
  // Behind four bytes: where in what follows it begins.
  uint8_t *block = calloc(exif->count + 4, 1);
  if (!block) return 0;
  memcpy(block + 4, exif->bytes, exif->count);
  const int done = library->add_box(encoder, "Exif", block, exif->count + 4, 0) == jxl_success;
  free(block);
  return done;
}

static int run_write(
  const jxl_writing *library, jxl_encoder *encoder, const image_codec_header *header, const void *pixels,
  const image_codec_metadata *metadata, int quality
) {
  const int is_lossless = quality < 0 || quality >= 100, is_grey = header->channels < 3;
  const int has_boxes = metadata->exif.count + metadata->xmp.count > 0;
  jxl_info info;
  library->init_info(&info);
  info.width = header->width;
  info.height = header->height;
  info.bits = header->bits;
  info.exponent_bits = 0;
  info.uses_original_profile = is_lossless;
  info.colours = is_grey ? 1 : 3;
  if (header->channels % 2 == 0) {
    info.extra_channels = 1;
    info.alpha_bits = header->bits;
  }
  if (library->set_info(encoder, &info) != jxl_success) return 0;
  if (has_boxes && library->use_boxes(encoder) != jxl_success) return 0;
  if (library->needed_level(encoder) == 10 && library->set_level(encoder, 10) != jxl_success) return 0;
  jxl_colours colours;
  memset(&colours, 0, sizeof colours);
  library->init_srgb(&colours, is_grey);
  // A profile that does not fit is left out.
  const image_codec_buffer *profile = &metadata->icc;
  const int fits = profile->count > 128 && (memcmp(profile->bytes + 16, "GRAY", 4) == 0) == is_grey;
  if (!fits || library->set_profile(encoder, profile->bytes, profile->count) != jxl_success) {
    if (library->set_colours(encoder, &colours) != jxl_success) return 0;
  }
  jxl_settings *settings = library->settings(encoder, NULL);
  if (!settings) return 0;
  if (is_lossless ? library->set_lossless(settings, 1) != jxl_success
                  : library->set_distance(settings, distance(quality)) != jxl_success) {
    return 0;
  }
  if (metadata->exif.count && !add_exif(library, encoder, &metadata->exif)) return 0;
  if (metadata->xmp.count && library->add_box(encoder, "xml ", metadata->xmp.bytes, metadata->xmp.count, 0) != jxl_success) return 0;
  const jxl_format format = {header->channels, header->bits == 16 ? jxl_uint16 : jxl_uint8, 0, 0};
  if (library->add(settings, &format, pixels, (size_t)header->height * image_codec_row_bytes(header)) != jxl_success) return 0;
  library->close_input(encoder);
  return 1;
}

static int write_file(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, int quality,
  image_codec_buffer *output, char *message
) {
  jxl_writing library;
  if (!load_writing(&library)) return image_jxl_check(message);
  jxl_encoder *encoder = library.create(NULL);
  if (!encoder) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  int status = run_write(&library, encoder, header, pixels, metadata, quality)
    ? IMAGE_CODEC_OK
    : image_codec_fail(message, IMAGE_CODEC_REFUSED, "the encoder gave up");
  uint8_t *part = status == IMAGE_CODEC_OK ? malloc(1 << 20) : NULL;
  if (status == IMAGE_CODEC_OK && !part) status = image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  for (int event = jxl_need_more_output; status == IMAGE_CODEC_OK && event == jxl_need_more_output;) {
    uint8_t *next = part;
    size_t room = 1 << 20;
    event = library.output(encoder, &next, &room);
    if (event != jxl_success && event != jxl_need_more_output) {
      status = image_codec_fail(message, IMAGE_CODEC_REFUSED, "the encoder gave up");
    } else if (!image_codec_append(output, part, (size_t)(next - part))) {
      status = image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
    }
  }
  free(part);
  library.destroy(encoder);
  return status;
}

int image_jxl_write(
  const image_codec_header *header, const void *pixels, const image_codec_metadata *metadata, int quality,
  image_codec_buffer *output, char *message
) {
  image_write_call call = {write_file, header, pixels, metadata, quality, output, message};
  return image_quietly(image_run_write_call, &call);
}
