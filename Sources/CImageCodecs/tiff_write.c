#include "tiff_file.h"

struct image_tiff_writer {
  image_tiff_file file;
  TIFF *tiff;
  // The horizontal predictor works on the caller's rows in place, so each row goes through a copy.
  uint8_t *row;
  size_t row_bytes;
  uint32_t y;
};

int image_tiff_begin(
  const image_codec_header *header, const image_codec_metadata *metadata, int is_big, image_codec_sink sink,
  image_tiff_writer **writer, char *message
) {
  image_tiff_writer *it = calloc(1, sizeof *it);
  if (!it) return image_codec_fail(message, IMAGE_CODEC_MEMORY, "no memory");
  it->file.message = message;
  it->file.sink = sink;
  it->row_bytes = image_codec_row_bytes(header);
  it->row = malloc(it->row_bytes);
  // Classic TIFF counts in 32 bits.
  is_big |= it->row_bytes * header->height > 0xa0000000u;
  TIFF *tiff = it->tiff = it->row ? image_tiff_open_file(&it->file, is_big ? "w8m" : "wm") : NULL;
  if (!tiff) {
    int status = image_tiff_fail(&it->file, IMAGE_CODEC_MEMORY, "no memory");
    image_tiff_close(it);
    return status;
  }
  int has_alpha = header->channels % 2 == 0;
  uint16_t extra = EXTRASAMPLE_UNASSALPHA;
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, header->width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, header->height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, (int)header->bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)header->channels);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, header->channels < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  // Of TIFF 6 itself, unlike Deflate. The low halves of 16-bit samples are noise, which it would make longer.
  if (header->bits == 8 && TIFFIsCODECConfigured(COMPRESSION_LZW)) {
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
    TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
  }
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, TIFFDefaultStripSize(tiff, 0));
  if (has_alpha) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
  if (metadata->icc.count) TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)metadata->icc.count, metadata->icc.bytes);
  if (metadata->xmp.count) TIFFSetField(tiff, TIFFTAG_XMLPACKET, (uint32_t)metadata->xmp.count, metadata->xmp.bytes);
  *writer = it;
  return IMAGE_CODEC_OK;
}

int image_tiff_rows(image_tiff_writer *it, const void *rows, size_t count, char *message) {
  it->file.message = message;
  message[0] = 0;
  for (size_t y = 0; y < count; y++) {
    memcpy(it->row, (const uint8_t *)rows + y * it->row_bytes, it->row_bytes);
    if (TIFFWriteScanline(it->tiff, it->row, it->y++, 0) != 1 || message[0]) {
      return image_tiff_fail(&it->file, IMAGE_CODEC_REFUSED, "the encoder gave up");
    }
  }
  return IMAGE_CODEC_OK;
}

int image_tiff_flush(image_tiff_writer *it, char *message) {
  it->file.message = message;
  message[0] = 0;
  int done = TIFFFlushData(it->tiff);
  return done && !message[0] ? IMAGE_CODEC_OK : image_tiff_fail(&it->file, IMAGE_CODEC_REFUSED, "the encoder gave up");
}

int image_tiff_end(image_tiff_writer *it, char *message) {
  it->file.message = message;
  message[0] = 0;
  int done = TIFFFlush(it->tiff);
  TIFFClose(it->tiff);
  it->tiff = NULL;
  return done && !message[0] ? IMAGE_CODEC_OK : image_tiff_fail(&it->file, IMAGE_CODEC_REFUSED, "the encoder gave up");
}

void image_tiff_close(image_tiff_writer *it) {
  char message[IMAGE_CODEC_MESSAGE_SIZE] = "";
  it->file.message = message;
  // What is left unwritten is nobody's any more.
  it->file.sink.write = NULL;
  if (it->tiff) TIFFClose(it->tiff);
  free(it->row);
  free(it);
}
