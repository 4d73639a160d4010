/* Big-endian integers in packet bytes; the caller has checked the length. */
#ifndef LIB_WIRE_BYTES_H
#define LIB_WIRE_BYTES_H

#include <stdint.h>

static inline uint8_t wire_u8(const char *p)
{
    return (uint8_t)*p;
}

static inline uint16_t wire_be16(const char *p)
{
    return (uint16_t)(wire_u8(p) << 8 | wire_u8(p + 1));
}

static inline uint32_t wire_be32(const char *p)
{
    return (uint32_t)wire_be16(p) << 16 | wire_be16(p + 2);
}

#endif
