// Handlers of the rows in the section SYS.
#include "cpu/interpreter/sections.hpp"
#include "cpu/interpreter/shapes.hpp"
#include "cpu/own/descriptor_tables.hpp"
#include "cpu/own/descriptor_tests.hpp"
#include "cpu/own/far_transfers.hpp"
#include "cpu/own/fast_system_calls.hpp"
#include "cpu/own/interrupt_flag.hpp"
#include "cpu/own/interrupts.hpp"
#include "cpu/own/io.hpp"
#include "cpu/own/iret.hpp"
#include "cpu/own/segment_loads.hpp"
#include "cpu/own/system.hpp"
#include "cpu/own/v32.hpp"

namespace truering {

namespace {
using namespace operands;
using namespace attributes;

constexpr RowHandlers rows[] = {
#define INT(...)
#define SYS(encoding, mnemonic, shape, a, b, c, attributes)                                                            \
    shapes::handlers_of_row<op::mnemonic, Shape::shape, a, b, c, attributes>(),
#define X87(...)
#define MMX(...)
#define SSE(...)
#include "decoder/isa.def"
};
} // namespace

std::span<const RowHandlers> sys_handlers() { return rows; }

} // namespace truering
