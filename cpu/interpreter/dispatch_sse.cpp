// Handlers of the rows in the section SSE.
#include "cpu/interpreter/sections.hpp"
#include "cpu/interpreter/sse_shapes.hpp"
#include "cpu/own/sse.hpp"
#include "cpu/semantics/mmx_integer.hpp"
#include "cpu/semantics/mmx_shift.hpp"
#include "cpu/semantics/mmx_shuffle.hpp"
#include "cpu/semantics/sse_compare.hpp"
#include "cpu/semantics/sse_convert.hpp"
#include "cpu/semantics/sse_move.hpp"

namespace truering {

namespace {
using namespace operands;
using namespace attributes;

constexpr RowHandlers rows[] = {
#define INT(...)
#define SYS(...)
#define X87(...)
#define MMX(...)
#define SSE(encoding, mnemonic, shape, a, b, c, attributes)                                                            \
    sse_shapes::handlers_of_row<op::mnemonic, Shape::shape, a, b, c, attributes>(),
#include "decoder/isa.def"
};
} // namespace

std::span<const RowHandlers> sse_handlers() { return rows; }

} // namespace truering
