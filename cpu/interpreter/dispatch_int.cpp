// Handlers of the rows in the section INT.
#include "cpu/interpreter/sections.hpp"
#include "cpu/interpreter/shapes.hpp"
#include "cpu/own/arithmetic.hpp"
#include "cpu/own/jumps.hpp"
#include "cpu/own/moves.hpp"
#include "cpu/own/stack.hpp"
#include "cpu/own/strings.hpp"
#include "cpu/semantics/alu.hpp"
#include "cpu/semantics/bits_and_conditions.hpp"
#include "cpu/semantics/shifts.hpp"

namespace truering {

namespace {
using namespace operands;
using namespace attributes;

constexpr RowHandlers rows[] = {
#define INT(encoding, mnemonic, shape, a, b, c, attributes)                                                            \
    shapes::handlers_of_row<op::mnemonic, Shape::shape, a, b, c, attributes>(),
#define SYS(...)
#define X87(...)
#define MMX(...)
#define SSE(...)
#include "decoder/isa.def"
};
} // namespace

std::span<const RowHandlers> int_handlers() { return rows; }

} // namespace truering
