// Section 2: a processor without the mode (--cpu ...,v32=off) is an ordinary IA-32 processor.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void rdmsr() { asm("rdmsr; int $0x40"); }
[[gnu::naked]] void wrmsr() { asm("wrmsr; int $0x40"); }
[[gnu::naked]] void mov_to_cr4() { asm("mov %eax, %cr4; int $0x40"); }
[[gnu::naked]] void enter_v32() { asm(".byte 0x0f, 0x04, 0xc0; int $0x40"); }
[[gnu::naked]] void call() { asm(CALL_VMM "int $0x40"); }
[[gnu::naked]] void third_byte() { asm(".byte 0x0f, 0x04, 0x12; int $0x40"); }

} // namespace

bool v32_is_expected() { return false; }

void v32_tests() {
    check("2/v32=off: CPUID.01H:EDX[20] is 0", !(features() >> V32_CPUID_EDX_BIT & 1));
    for (const u32 number : {msr_V32_CAP, msr_V32_VCA}) {
        Registers r = in_ring(0, rdmsr);
        r.ecx = number;
        expect_fault("2/v32=off: RDMSR gets #GP", r, vector::GP, 0);
        r.eip = address(wrmsr);
        expect_fault("2/v32=off: WRMSR gets #GP", r, vector::GP, 0);
        r.eax = scratch | V32_VCA_ENABLE;
        expect_fault("2/v32=off: WRMSR gets #GP", r, vector::GP, 0);
    }
    Registers r = in_ring(0, mov_to_cr4);
    r.eax = cr4() | CR4_V32;
    expect_fault("2/v32=off: CR4[15] is reserved", r, vector::GP, 0);
    for (u32 ring = 0; ring < 4; ++ring) {
        expect_fault("2/v32=off: V32ENTER gets #UD", in_ring(ring, enter_v32), vector::UD);
        expect_fault("2/v32=off: V32CALL gets #UD", in_ring(ring, call), vector::UD);
        expect_fault("2/v32=off: 0F 04 gets #UD", in_ring(ring, third_byte), vector::UD);
    }
}
