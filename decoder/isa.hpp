// The instruction table as data: decoder/isa.def read once.
#pragma once

#include "decoder/row.hpp"

#include <array>

namespace truering {

namespace isa_detail {
using namespace operands;
using namespace attributes;
inline constexpr Row rows[] = {
#define INT(encoding, mnemonic, shape, a, b, c, attributes)                                                            \
    Row{encoding, #mnemonic, Shape::shape, {a, b, c}, attributes},
#define SYS INT
#define X87 INT
#define MMX INT
#define SSE INT
#include "decoder/isa.def"
};
} // namespace isa_detail

inline constexpr unsigned row_count = sizeof(isa_detail::rows) / sizeof(Row);
inline constexpr const Row (&isa)[row_count] = isa_detail::rows;

// What decoding gives for bytes that are no instruction, as row numbers behind the table.
inline constexpr u16 row_undefined = row_count;    // #UD
inline constexpr u16 row_too_long = row_count + 1; // more than 15 bytes: #GP(0)

} // namespace truering
