// Section 8: a VMM record that cannot be loaded (a bad PDPTE) shuts the machine down. The run must end by that: the
// guest spoils root's PDPTE and exits, and nothing is printed afterwards.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void write_ecx_to_edi() { asm("mov %ecx, (%edi)\n" CALL_VMM); }

u64 pointer_table[4] __attribute__((aligned(32)));
u64 directories[2][512] __attribute__((aligned(4096)));

} // namespace

void v32_tests() {
    constexpr u32 mapped = page_present | page_writable;
    for (u32 i = 0; i < 8; ++i) directories[0][i] = u64{i} << 21 | mapped | page_large;
    pointer_table[0] = address(directories[0]) | page_present;
    pointer_table[1] = address(directories[1]) | page_present;
    set_cr0(cr0() & ~PG);
    set_cr4(cr4() | PAE);
    set_cr3(address(pointer_table));
    set_cr0(cr0() | PG);
    ControlArea& area = fresh_area(write_ecx_to_edi);
    area.guest.gpr[EDI] = address(&pointer_table[1]);
    area.guest.gpr[ECX] = address(directories[1]) | page_present;
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip += 2;
    expect_exit("8/a VMM record whose PDPTEs are good is loaded", area, w);
    area.guest.eip = address(write_ecx_to_edi);
    area.guest.gpr[ECX] = page_present | page_writable; // bit 1 is reserved
    check("8/a VMM record that cannot be loaded shuts the machine down: the last line of this run", true);
    run(area);
    check("8/a VMM record that cannot be loaded shuts the machine down", false);
}
