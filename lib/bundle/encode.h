/* Columns in fewer bytes, before zstd sees them.
 *
 * What zstd does badly at levels that keep up with a server: numbers and times that rise by little,
 * long values out of a few, texts that differ in their numbers alone, UUIDs. Each such column is
 * written in a code (lib/bundle/codes.h), line by line as before, so that awk reads it, too; a value
 * that does not fit its code stands as it is behind '='. The first line says how many rows there are
 * and which code each column has. docs/bundle-format.md has it in full.
 * Measured on a shop's database: 0.75 of what zstd makes of the same columns, for a tenth more of a
 * snapshot's own processor time.
 *
 * Shapes:  a segment of lib/bundle/columns.h in, an encoded one out, and back, byte for byte.
 * Threads: an encoder belongs to one worker.
 * Errors:  ERR_DAMAGED of what is no encoded segment of so many bytes, whatever it holds.
 * Source:  the encodings of Parquet (dictionary, delta) and CLP's (texts apart from their numbers).
 */
#ifndef LIB_BUNDLE_ENCODE_H
#define LIB_BUNDLE_ENCODE_H

#include "lib/base/buf.h"

#define ENCODE_RAW_MAX ((size_t)16 << 20) /* a larger segment is a large row, and stays as it is */

struct encoder;

struct encoder *encoder_new(void); /* NULL without memory */
void encoder_free(struct encoder *e);
/* Gives back what it holds beyond `most` bytes; it keeps half a MiB. */
void encoder_trim(struct encoder *e, size_t most);
/* *encoded is of `e` until it is used again; empty where nothing is gained. */
bool encode_columns(struct encoder *e, struct span raw, unsigned columns, uint64_t rows,
                    struct span *encoded, struct err *err);
/* Whether columns begin as encoded ones do, which they never do: values are escaped. */
bool encode_is(struct span columns);
/* Exactly raw_bytes, or ERR_DAMAGED; no more is ever written. */
bool decode_columns(struct encoder *e, struct span encoded, size_t raw_bytes, struct buf *out,
                    struct err *err);

#endif
