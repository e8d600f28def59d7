// Sections 2, 6 and 8: INIT in V32 mode is an exit, in every mode of the guest, under every policy and whatever blocks;
// the guest's state is as it was, and it goes on from there. INIT comes from the guest's own write to port 92H.
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

constexpr u32 bitmap = scratch;
const Bytes out_92{0xe6, 0x92};

u8 port_92_without_init() { return static_cast<u8>(in8(0x92) & 0xfe); }

ControlArea& in_world(u32 world) { // rings 0 to 3, V86, real
    const Code code = place(out_92);
    ControlArea& area = world < 4 ? fresh_area(code, world) : world == 4 ? fresh_v86(code) : fresh_real(code);
    for (u32 i = 0; i < 8192; i += 4) word_at(bitmap + i) = 0;
    area.io_bitmap = bitmap;
    guest_tss.io_map_base = __builtin_offsetof(Tss32, io_map); // everything is open
    out8(0x92, port_92_without_init());
    area.guest.gpr[EAX] = port_92_without_init() | 1u;
    return area;
}

void exits() {
    for (u32 world = 0; world < 6; ++world)
        for (const Policy& policy : policies)
            for (u32 visible : {0u, 1u})
                for (const u32 blocking : {0u, u32{by_STI}, u32{by_MOV_SS}, u32{by_NMI}}) {
                    ControlArea& area = in_world(world);
                    set_interrupt_flag(area, policy, visible, 0);
                    area.guest.interruptibility = blocking;
                    give_all_events(area);
                    Wanted w = wanted(area, Reason::INIT);
                    w.guest.eip += 2;
                    w.guest.interruptibility &= by_NMI;
                    expect_exit(Name("8/INIT exits in every mode of the guest, ", policy.name), area, w);
                    w = wanted(area, Reason::V32CALL, 3);
                    expect_exit(Name("8/INIT: the guest goes on, ", policy.name), area, w);
                }
    out8(0x92, port_92_without_init());
}

// The VMM is asked before the guest's own port access, and there is no INIT then.
void by_the_bitmap() {
    ControlArea& area = in_world(0);
    area.io_bitmap = 0;
    Wanted w = wanted(area, Reason::IO, 2);
    w.qualification = 1 | io_immediate | 0x92u << io_port_shift;
    w.qualification_value = area.guest.gpr[EAX] & 0xff;
    expect_exit("8/INIT: not by an OUT that exits", area, w);
    area.guest.eip += 2;
    expect_exit("8/INIT: not by an OUT that exits", area, wanted(area, Reason::V32CALL, 3));
}

} // namespace

void v32_tests() {
    exits();
    by_the_bitmap();
}
