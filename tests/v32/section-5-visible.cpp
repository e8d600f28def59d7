// Section 5: what the guest sees of its interrupt flag (PUSHF, pushed images), what the processor itself makes of it
// (gates, SYSENTER, real mode's INT), and VME and PVI, which work on top of it.
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

// Every policy with each visible IF and physical mask.
template <class Test> void over_policies(Test test) {
    for (const Policy& policy : policies)
        for (u32 bits = 0; bits < 4; ++bits) test(policy, bits & 1, bits >> 1);
}

// --- PUSHF

const Bytes pushf{0x9c, 0x58}, pushfw{0x66, 0x9c, 0x66, 0x58}; // and POP EAX, AX

Wanted image_in_EAX(ControlArea& area, const Bytes& bytes, u32 image, bool wide) {
    Wanted w = ran(area, bytes);
    w.guest.gpr[EAX] = wide ? image : (w.guest.gpr[EAX] & 0xffff0000) | (image & 0xffff);
    return w;
}

void by_PUSHF(const Policy& policy, u32 visible, u32 physical) {
    for (u32 ring = 0; ring < 4; ++ring)
        for (const bool wide : {true, false}) {
            const Bytes& bytes = wide ? pushf : pushfw;
            ControlArea& area = fresh_area(place(bytes), ring);
            area.guest.eflags |= u32{CF} | RF | ring << 12;
            set_interrupt_flag(area, policy, visible, physical);
            const u32 image = u32{always} | CF | ring << 12 | (visible ? u32{IF} : 0);
            expect_exit(Name("5/visible IF: PUSHF, ", policy.name), area, image_in_EAX(area, bytes, image, wide));
        }
    for (const bool v86 : {false, true})
        for (const bool wide : {true, false}) {
            const Bytes& bytes = wide ? pushfw : pushf; // the prefix is the other way round
            ControlArea& area = v86 ? fresh_v86(place(bytes)) : fresh_real(place(bytes));
            area.guest.eflags |= IOPL3;
            set_interrupt_flag(area, policy, visible, physical);
            const u32 image = u32{always} | IOPL3 | (visible ? u32{IF} : 0);
            expect_exit(Name("5/visible IF: PUSHF in V86 and real mode, ", policy.name), area,
                        image_in_EAX(area, bytes, image, wide));
        }
}

// --- Pushed images, and the gates

const Bytes int_60{0xcd, 0x60}, undefined{0x0f, 0x0b};

void by_deliveries(const Policy& policy, u32 visible, u32 physical) {
    for (u32 ring : {0u, 3u})
        for (const bool trap : {false, true}) {
            ControlArea* area = &fresh_area(place(int_60), ring);
            set_interrupt_flag(*area, policy, visible, physical);
            give_software(*area, 0x60);
            guest_gate(0x60, present | (trap ? trap_gate32 : interrupt_gate32) | dpl(3));
            Wanted w = delivered(*area, {.vector = 0x60, .eip_advance = 2});
            if (trap) change_visible(w, *area, visible);
            expect_exit(Name(trap ? "5/INT through a trap gate leaves the visible IF, "
                                  : "5/INT through an interrupt gate clears the visible IF, ",
                             policy.name),
                        *area, w);
            area = &fresh_area(place(undefined), ring);
            set_interrupt_flag(*area, policy, visible, physical);
            give_event(*area, vector::UD);
            guest_gate(vector::UD, present | (trap ? trap_gate32 : interrupt_gate32));
            w = delivered(*area, {.vector = vector::UD, .more_flags = RF});
            if (trap) change_visible(w, *area, visible);
            expect_exit(Name(trap ? "5/an exception through a trap gate leaves the visible IF, "
                                  : "5/an exception through an interrupt gate clears the visible IF, ",
                             policy.name),
                        *area, w);
        }
    ControlArea* area = &fresh_real(place(int_60));
    set_interrupt_flag(*area, policy, visible, physical);
    give_software(*area, 0x60);
    expect_exit(Name("5/INT in real mode clears the visible IF, ", policy.name), *area,
                delivered(*area, {.vector = 0x60, .eip_advance = 2}));
    area = &fresh_v86(place(int_60));
    area->guest.eflags |= IOPL3;
    set_interrupt_flag(*area, policy, visible, physical);
    give_software(*area, 0x60);
    guest_gate(0x60, present | interrupt_gate32 | dpl(3));
    expect_exit(Name("5/INT in V86 mode clears the visible IF, ", policy.name), *area,
                delivered(*area, {.vector = 0x60, .eip_advance = 2}));
}

// Gates of 16 bits: their handlers are reached by a code segment whose base is the first one's address.
void by_gates_of_16_bits(const Policy& policy, u32 visible, u32 physical) {
    constexpr u32 slot = first_free_slot;
    for (const bool trap : {false, true}) {
        ControlArea& area = fresh_area(place(int_60));
        set_interrupt_flag(area, policy, visible, physical);
        area.guest.eflags |= u32{AC} | CF;
        give_software(area, 0x60);
        guest_gdt[slot] = descriptor(guest_handler(0), 0xffff, present | code_readable | 1, bits32);
        guest_idt[0x60] = gate(slot_selector(slot), 4 * 0x60, present | (trap ? trap_gate16 : interrupt_gate16));
        Wanted w = wanted(area, Reason::V32CALL, 3);
        w.frame_word_size = 2;
        w.frame_bytes = 6;
        w.frame[0] = area.guest.eip + 2; // 16 bits of it
        w.frame[1] = code_selector(0);
        w.frame[2] = always | CF | (visible ? u32{IF} : 0);
        w.guest.gpr[ESP] -= 6;
        set_segment(w.guest.segment[CS], slot_selector(slot), 0x49b, 0xffff, guest_handler(0));
        w.guest.eip = 4 * 0x60;
        if (!trap) change_visible(w, area, 0);
        expect_exit(Name("5/visible IF: the image of a gate of 16 bits, ", policy.name), area, w);
    }
}

// --- SYSENTER, SYSEXIT

void by_fast_system_calls(const Policy& policy, u32 visible, u32 physical) {
    for (u32 ring : {0u, 3u}) {
        ControlArea& area = fresh_area(place({0x0f, 0x34}), ring);
        set_interrupt_flag(area, policy, visible, physical);
        area.guest.sysenter_cs = code_selector(0);
        area.guest.sysenter_esp = guest_inner_stack_top();
        area.guest.sysenter_eip = guest_handler(0x77);
        Wanted w = wanted(area, Reason::V32CALL, 3);
        w.guest.cpl = 0;
        w.guest.eip = guest_handler(0x77);
        w.guest.gpr[ESP] = guest_inner_stack_top();
        set_segment(w.guest.segment[CS], code_selector(0), flat_code, 0xffffffff, 0);
        set_segment(w.guest.segment[SS], data_selector(0), flat_data, 0xffffffff, 0);
        change_visible(w, area, 0);
        expect_exit(Name("5/SYSENTER clears the visible IF without exit, ", policy.name), area, w);
    }
    ControlArea& area = fresh_area(place({0x0f, 0x35}));
    set_interrupt_flag(area, policy, visible, physical);
    area.guest.sysenter_cs = 0x100;
    area.guest.gpr[EDX] = guest_handler(0x78);
    area.guest.gpr[ECX] = guest_stack_top(3);
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.cpl = 3;
    w.guest.eip = guest_handler(0x78);
    w.guest.gpr[ESP] = guest_stack_top(3);
    set_segment(w.guest.segment[CS], 0x113, flat_code | dpl(3), 0xffffffff, 0);
    set_segment(w.guest.segment[SS], 0x11b, flat_data | dpl(3), 0xffffffff, 0);
    change_visible(w, area, visible);
    expect_exit(Name("5/SYSEXIT leaves the visible IF, ", policy.name), area, w);
}

// --- VME and PVI: CLI, STI, POPF and IRET of programs without IOPL act on VIF; that is no attempt

struct Virtual {
    const char* name;
    Bytes bytes;
    u32 from, to; // VIF
    u32 pops;     // bytes, of FLAGS with IF = `to`, ZF
};

const Virtual in_rings[] = {{"5/PVI: CLI acts on VIF, ", {0xfa}, 1, 0, 0},
                            {"5/PVI: STI acts on VIF, ", {0xfb}, 0, 1, 0}};
const Virtual in_v86[] = {
    {"5/VME: CLI acts on VIF, ", {0xfa}, 1, 0, 0},  {"5/VME: STI acts on VIF, ", {0xfb}, 0, 1, 0},
    {"5/VME: POPF acts on VIF, ", {0x9d}, 0, 1, 2}, {"5/VME: POPF acts on VIF, ", {0x9d}, 1, 0, 2},
    {"5/VME: IRET acts on VIF, ", {0xcf}, 0, 1, 6}, {"5/VME: IRET acts on VIF, ", {0xcf}, 1, 0, 6},
};

void acts_on_VIF(ControlArea& area, const Virtual& v, const Policy& policy, u32 visible, u32 physical) {
    set_interrupt_flag(area, policy, visible, physical);
    area.guest.eflags |= v.from ? u32{VIF} : 0;
    const u32 stack = area.guest.segment[SS].base + area.guest.gpr[ESP];
    const u32 flags = always | ZF | (v.to ? u32{IF} : 0);
    if (v.pops == 2) word_at(stack) = flags;
    if (v.pops == 6) {
        word_at(stack) = code_segment << 16 | 1; // the V32CALL behind it
        word_at(stack + 4) = flags;
    }
    Wanted w = ran(area, v.bytes);
    w.guest.eflags = (w.guest.eflags & ~VIF) | (v.to ? u32{VIF} : 0) | (v.pops ? u32{ZF} : 0);
    w.guest.gpr[ESP] += v.pops;
    expect_exit(Name(v.name, policy.name), area, w);
}

void virtual_flag(const Policy& policy, u32 visible, u32 physical) {
    for (const Virtual& v : in_rings) {
        ControlArea& area = fresh_area(place(v.bytes), 3);
        area.guest.cr4 |= PVI;
        acts_on_VIF(area, v, policy, visible, physical);
    }
    for (const Virtual& v : in_v86)
        for (u32 iopl = 0; iopl < 3; ++iopl) {
            ControlArea& area = fresh_v86(place(v.bytes));
            area.guest.cr4 |= VME;
            area.guest.eflags |= iopl << 12;
            acts_on_VIF(area, v, policy, visible, physical);
        }
    // PUSHF shows VIF in IF's place.
    ControlArea* area = &fresh_v86(place(pushf));
    area->guest.cr4 |= VME;
    set_interrupt_flag(*area, policy, visible, physical);
    area->guest.eflags |= visible ? 0 : u32{VIF};
    const u32 image = u32{always} | IOPL3 | (visible ? 0 : u32{IF});
    expect_exit(Name("5/VME: PUSHF shows VIF, ", policy.name), *area, image_in_EAX(*area, pushf, image, false));
    // With VIP set STI, POPF and IRET that would set VIF are refused.
    for (const bool v86 : {false, true}) {
        area = v86 ? &fresh_v86(place({0xfb})) : &fresh_area(place({0xfb}), 3);
        area->guest.cr4 |= u32{VME} | PVI;
        set_interrupt_flag(*area, policy, visible, physical);
        area->guest.eflags |= VIP;
        expect_exit(Name("5/VIF: STI with VIP set is the guest's #GP(0), ", policy.name), *area,
                    wanted_fault(*area, vector::GP, 1, 0));
    }
    for (const bool iret : {false, true}) {
        area = &fresh_v86(place(iret ? Bytes{0xcf} : Bytes{0x9d}));
        area->guest.cr4 |= VME;
        set_interrupt_flag(*area, policy, visible, physical);
        area->guest.eflags |= VIP;
        const u32 stack = stack_segment * 16 + segmented_esp;
        word_at(stack) = iret ? u32{code_segment} << 16 | 1 : u32{always} | IF;
        word_at(stack + 4) = u32{always} | IF;
        expect_exit(Name(iret ? "5/VIF: IRET with VIP set is the guest's #GP(0), "
                              : "5/VIF: POPF with VIP set is the guest's #GP(0), ",
                         policy.name),
                    *area, wanted_fault(*area, vector::GP, 1, 0));
    }
}

// With IOPL 3 VME and PVI are out of play: it is the visible IF again.
void no_virtual_flag() {
    for (const bool v86 : {false, true}) {
        ControlArea& area = v86 ? fresh_v86(place({0xfa})) : fresh_area(place({0xfa}), 3);
        area.guest.cr4 |= u32{VME} | PVI;
        area.guest.eflags |= u32{IOPL3} | VIF;
        area.guest.sif = 1;
        expect_exit("5/VME and PVI with IOPL 3: CLI is an attempt", area, wanted_attempt(area, if_CLI, 0, 1));
    }
    for (u32 ring : {1u, 2u}) {
        ControlArea& area = fresh_area(place({0xfb}), ring);
        area.guest.cr4 |= PVI;
        expect_exit("5/PVI is ring 3's alone: STI in rings 1 and 2 is the guest's #GP(0)", area,
                    wanted_fault(area, vector::GP, 1, 0));
    }
}

} // namespace

void v32_tests() {
    over_policies(by_PUSHF);
    over_policies(by_deliveries);
    over_policies(by_gates_of_16_bits);
    over_policies(by_fast_system_calls);
    over_policies(virtual_flag);
    no_virtual_flag();
}
