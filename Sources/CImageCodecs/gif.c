#include "loading.h"

#include <stdbool.h>

// Of giflib 5, whose library has the number 7: what is used here is the same in all of its versions.
typedef struct {
  uint8_t red, green, blue;
} gif_colour;

typedef struct {
  int count, bits;
  bool is_sorted;
  gif_colour *colours;
} gif_palette;

typedef struct {
  int left, top, width, height;
  bool is_interlaced;
  gif_palette *palette;
} gif_frame;

typedef struct {
  int width, height, resolution, background;
  uint8_t aspect;
  gif_palette *palette;
  int image_count;
  gif_frame frame;
  void *saved;
  int extension_count;
  void *extensions;
  int error;
  void *user;
  void *private_state;
} gif_file;

typedef struct {
  gif_file *(*open)(void *user, int (*read)(gif_file *, uint8_t *, int), int *error);
  int (*close)(gif_file *, int *error);
  int (*record)(gif_file *, int *kind);
  int (*frame)(gif_file *);
  int (*line)(gif_file *, uint8_t *, int);
  int (*extension)(gif_file *, int *code, uint8_t **bytes);
  int (*next_extension)(gif_file *, uint8_t **bytes);
} gif_library;

enum { gif_ok = 1, gif_frame_record = 2, gif_extension_record = 3 };

typedef struct {
  image_reader reader;
  const image_codec_input *input;
  size_t position;
  gif_library library;
  gif_file *file;
  // The colour that is transparent; -1 where none is.
  int transparent;
} gif_input;

static int load(gif_library *it) {
  static const char *const names[] = {"libgif.so.7", "libgif.7.dylib", "/opt/homebrew/lib/libgif.7.dylib", NULL};
  void *library = image_library(names);
  return library && image_function(library, "DGifOpen", &it->open) && image_function(library, "DGifCloseFile", &it->close) &&
    image_function(library, "DGifGetRecordType", &it->record) && image_function(library, "DGifGetImageDesc", &it->frame) &&
    image_function(library, "DGifGetLine", &it->line) && image_function(library, "DGifGetExtension", &it->extension) &&
    image_function(library, "DGifGetExtensionNext", &it->next_extension);
}

static int on_read(gif_file *file, uint8_t *target, int length) {
  gif_input *it = file->user;
  if (length <= 0) return 0;
  size_t amount = image_codec_read(it->input, it->position, target, (size_t)length);
  it->position += amount;
  return (int)amount;
}

// A block of an extension or of pixels: its length is its first byte. The place behind the last, which has none; 0 where the file ends
// before.
static size_t skip_blocks(const image_codec_input *input, size_t at) {
  uint8_t length;
  while (image_codec_read(input, at, &length, 1) == 1) {
    at += 1 + (size_t)length;
    if (length == 0) return at;
  }
  return 0;
}

static int append_blocks(const image_codec_input *input, size_t at, image_codec_buffer *buffer) {
  uint8_t block[256];
  while (image_codec_read(input, at, block, 1) == 1 && block[0] > 0) {
    const size_t length = image_codec_read(input, at + 1, block + 1, block[0]);
    if (!image_codec_append(buffer, block + 1, length)) return 0;
    at += 1 + length;
    if (length < block[0]) break;
  }
  return 1;
}

// Comments, the profile and XMP; 0 without memory.
static int read_extension(const image_codec_input *input, size_t at, size_t end, image_codec_metadata *metadata) {
  uint8_t head[14] = {0};
  image_codec_read(input, at, head, 14);
  if (head[1] == 0xfe) {
    image_codec_buffer text = {NULL, 0};
    int memory = append_blocks(input, at + 2, &text);
    const uint32_t length = (uint32_t)text.count;
    memory = memory && image_codec_append(&metadata->comments, &length, sizeof length) &&
      image_codec_append(&metadata->comments, text.bytes, text.count);
    image_codec_buffer_free(&text);
    return memory;
  }
  if (head[1] != 0xff || head[2] != 11) return 1;
  if (memcmp(head + 3, "ICCRGBG1012", 11) == 0 && !metadata->icc.count) return append_blocks(input, at + 14, &metadata->icc);
  // XMP lies as it is: behind it 257 bytes lead a reader of blocks to the block of no length that ends it.
  if (memcmp(head + 3, "XMP DataXMP", 11) == 0 && !metadata->xmp.count && end > at + 14 + 258 && end - at < (64u << 20)) {
    const size_t length = end - 258 - at - 14;
    uint8_t *bytes = malloc(length);
    if (!bytes) return 0;
    const int memory = image_codec_copy(&metadata->xmp, bytes, image_codec_read(input, at + 14, bytes, length));
    free(bytes);
    return memory;
  }
  return 1;
}

typedef struct {
  // Of the first frame.
  uint32_t left, top, width, height;
  int has_transparency;
  int is_grey;
  int frame_count;
  int is_cut;
} gif_survey;

static uint32_t little_endian(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

static int is_grey_palette(const image_codec_input *input, size_t at, int bits) {
  uint8_t colours[768];
  const size_t length = 3 * ((size_t)2 << bits);
  if (image_codec_read(input, at, colours, length) != length) return 0;
  for (size_t index = 0; index < length; index += 3) {
    if (colours[index] != colours[index + 1] || colours[index] != colours[index + 2]) return 0;
  }
  return 1;
}

// What stands before and behind the pixels of the first frame, and how many frames there are. 0 without memory.
static int survey(const image_codec_input *input, gif_survey *it, image_codec_metadata *metadata) {
  uint8_t head[13], frame[10];
  memset(it, 0, sizeof *it);
  it->is_cut = 1;
  if (image_codec_read(input, 0, head, 13) != 13) return 1;
  size_t at = 13;
  if (head[10] & 0x80) {
    it->is_grey = is_grey_palette(input, at, head[10] & 7);
    at += 3 * ((size_t)2 << (head[10] & 7));
  }
  uint8_t kind;
  while (image_codec_read(input, at, &kind, 1) == 1) {
    if (kind == 0x3b) {
      it->is_cut = 0;
      break;
    }
    if (kind == 0x21) {
      const size_t end = skip_blocks(input, at + 2);
      uint8_t control[5];
      if (!end) break;
      if (it->frame_count == 0 && image_codec_read(input, at + 1, control, 5) == 5 && control[0] == 0xf9) {
        it->has_transparency = control[2] & 1;
      }
      if (!read_extension(input, at, end, metadata)) return 0;
      at = end;
      continue;
    }
    if (kind != 0x2c || image_codec_read(input, at, frame, 10) != 10) break;
    size_t pixels = at + 10;
    if (frame[9] & 0x80) {
      if (it->frame_count == 0) it->is_grey = is_grey_palette(input, pixels, frame[9] & 7);
      pixels += 3 * ((size_t)2 << (frame[9] & 7));
    }
    if (it->frame_count == 0) {
      it->left = little_endian(frame + 1);
      it->top = little_endian(frame + 3);
      it->width = little_endian(frame + 5);
      it->height = little_endian(frame + 7);
    }
    it->frame_count++;
    at = skip_blocks(input, pixels + 1);
    if (!at) break;
  }
  return 1;
}

// Reads up to the pixels of the first frame.
static int find_frame(gif_input *it, char *message) {
  int error = 0;
  it->file = it->library.open(it, on_read, &error);
  if (!it->file) return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the header is damaged");
  it->transparent = -1;
  for (;;) {
    int kind = 0;
    if (it->library.record(it->file, &kind) != gif_ok) break;
    if (kind == gif_frame_record) {
      if (it->library.frame(it->file) != gif_ok) break;
      const gif_palette *palette = it->file->frame.palette ? it->file->frame.palette : it->file->palette;
      if (!palette) return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "there is no palette");
      return IMAGE_CODEC_OK;
    }
    if (kind != gif_extension_record) break;
    int code = 0;
    uint8_t *bytes = NULL;
    if (it->library.extension(it->file, &code, &bytes) != gif_ok) break;
    while (bytes) {
      if (code == 0xf9 && bytes[0] >= 4) it->transparent = bytes[1] & 1 ? bytes[4] : -1;
      if (it->library.next_extension(it->file, &bytes) != gif_ok) return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the file is cut short");
    }
  }
  return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "there is no frame, or the file is cut short before it");
}

static int put_line(const gif_input *it, const uint8_t *line, uint8_t *target, char *message) {
  const gif_frame *frame = &it->file->frame;
  const gif_palette *palette = frame->palette ? frame->palette : it->file->palette;
  const unsigned channels = it->reader.header.channels;
  for (int x = 0; x < frame->width; x++, target += channels) {
    if (line[x] == it->transparent) {
      memset(target, 0, channels);
      continue;
    }
    if (line[x] >= palette->count) {
      snprintf(message, IMAGE_CODEC_MESSAGE_SIZE, "a pixel names colour %d of %d", line[x], palette->count);
      return IMAGE_CODEC_CORRUPT;
    }
    const gif_colour colour = palette->colours[line[x]];
    target[0] = colour.red;
    target[1] = colour.green;
    target[2] = colour.blue;
    if (channels == 4) target[3] = 255;
  }
  return IMAGE_CODEC_OK;
}

static int read_rows(image_reader *reader, void *rows, size_t count, char *message) {
  gif_input *it = (gif_input *)reader;
  int status = find_frame(it, message);
  if (status != IMAGE_CODEC_OK) return status;
  const gif_frame *frame = &it->file->frame;
  const size_t row_bytes = image_codec_row_bytes(&reader->header);
  const unsigned channels = reader->header.channels;
  // What the frame does not cover shows what is behind.
  memset(rows, 0, count * row_bytes);
  if (frame->left + (size_t)frame->width > reader->header.width || frame->top + (size_t)frame->height > count) {
    return image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the frame is not where it was");
  }
  uint8_t *line = malloc((size_t)frame->width + 1);
  if (!line) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  // Every eighth row, those between, and so on.
  static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  uint8_t *base = (uint8_t *)rows + (size_t)frame->top * row_bytes + (size_t)frame->left * channels;
  const int passes = frame->is_interlaced ? 4 : 1;
  for (int pass = 0; status == IMAGE_CODEC_OK && !reader->lack.is_lacking && pass < passes; pass++) {
    const int step = passes == 1 ? 1 : steps[pass];
    for (int y = passes == 1 ? 0 : starts[pass]; status == IMAGE_CODEC_OK && y < frame->height; y += step) {
      if (it->library.line(it->file, line, frame->width) == gif_ok) {
        status = put_line(it, line, base + (size_t)y * row_bytes, message);
        // Later passes stand in the rows between.
        for (int next = y + 1; pass + 1 < passes && next < y + step / (pass == 0 ? 1 : 2) && next < frame->height; next++) {
          if (status == IMAGE_CODEC_OK) status = put_line(it, line, base + (size_t)next * row_bytes, message);
        }
        continue;
      }
      if (!it->input->is_tolerant || (pass == 0 && y == 0)) {
        status = image_codec_fail(message, IMAGE_CODEC_CORRUPT, "the pixels are damaged or cut short");
        break;
      }
      const int is_coarse = pass > 0;
      const size_t there = is_coarse ? count : (size_t)(frame->top + y);
      image_reader_miss(reader, there);
      reader->lack.is_coarse = is_coarse;
      image_reader_fill(reader, (uint8_t *)rows + there * row_bytes, count - there);
      break;
    }
  }
  free(line);
  return status;
}

static int finish_rows(image_reader *reader, image_codec_metadata *metadata, char *message) {
  (void)reader, (void)metadata, (void)message;
  return IMAGE_CODEC_OK;
}

static void close_reader(image_reader *reader) {
  gif_input *it = (gif_input *)reader;
  int error = 0;
  if (it->file) it->library.close(it->file, &error);
  free(it);
}

int image_gif_open(
  const image_codec_input *input, image_codec_metadata *metadata, image_reader **reader, char *message
) {
  gif_input *it = calloc(1, sizeof *it);
  if (!it) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  if (!load(&it->library)) {
    free(it);
    return image_codec_fail(message, IMAGE_CODEC_NO_LIBRARY, "libgif7");
  }
  it->input = input;
  it->reader.obstacle = IMAGE_CODEC_LIBRARY;
  it->reader.read = read_rows;
  it->reader.finish = finish_rows;
  it->reader.close = close_reader;
  gif_survey found;
  uint8_t head[13];
  const int memory = survey(input, &found, metadata);
  if (!memory || found.frame_count == 0 || image_codec_read(input, 0, head, 13) != 13) {
    free(it);
    return memory ? image_codec_fail(message, IMAGE_CODEC_CORRUPT, "there is no frame, or the file is cut short before it")
                  : image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  }
  image_codec_header *header = &it->reader.header;
  const uint32_t width = little_endian(head + 6), height = little_endian(head + 8);
  // A frame that does not fit widens the screen, as in browsers.
  header->width = found.left + found.width > width ? found.left + found.width : width;
  header->height = found.top + found.height > height ? found.top + found.height : height;
  const int is_covered = found.left == 0 && found.top == 0 && found.width == header->width && found.height == header->height;
  header->channels = found.has_transparency || !is_covered ? 4 : 3;
  header->bits = 8;
  header->has_grey_palette = (uint8_t)found.is_grey;
  it->reader.picture_count = (size_t)found.frame_count;
  it->reader.lacks_end = found.is_cut;
  it->reader.held_bytes = ((size_t)1 << 17) + 4 * (size_t)header->width;
  *reader = &it->reader;
  return IMAGE_CODEC_OK;
}
