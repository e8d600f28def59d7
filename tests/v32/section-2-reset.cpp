// Section 2: RESET clears CR4.V32, and V32_VCA is 0 after it. The guest has the ports and resets the machine; the
// image, started for the second time, finds what is left. A byte of the CMOS RAM tells the two lives apart.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void reset_the_machine() {
    asm("mov $0xcf9, %edx; mov $2, %al; out %al, %dx; mov $6, %al; out %al, %dx; 1: jmp 1b");
}

constexpr u8 marker_address = 0x5a, marker = 0xa5;

u8 read_cmos(u8 at) {
    out8(0x70, at);
    return in8(0x71);
}

void write_cmos(u8 at, u8 value) {
    out8(0x70, at);
    out8(0x71, value);
}

} // namespace

void v32_tests() {
    if (read_cmos(marker_address) != marker) {
        write_cmos(marker_address, marker);
        for (u32 i = 0; i < 8192; i += 4) word_at(scratch + i) = 0;
        ControlArea& area = fresh_area(reset_the_machine);
        area.io_bitmap = scratch;
        run(area);
        check("2/RESET in V32 mode: the machine starts again", false);
        return;
    }
    write_cmos(marker_address, 0);
    check("2/RESET in V32 mode: V32_VCA is 0", read_msr(msr_V32_VCA) == 0);
    check_equal("2/RESET in V32 mode: CR4.V32 is clear", cr4() & CR4_V32, 0);
    ControlArea& area = fresh_area(call);
    expect_exit("2/RESET in V32 mode: the mode is entered as before", area, wanted(area, Reason::V32CALL, 3));
}
