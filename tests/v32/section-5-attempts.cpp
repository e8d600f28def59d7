// Section 5: CLI, STI and POPF. Every policy, ring, IOPL and value of the visible IF: an attempt modifies it, or exits
// with IF_MODIFY under TRAP; what a bare processor refuses is the guest's #GP; what does not touch IF is no attempt.
// IRET: section-5-returns.cpp. VIF: section-5-virtual.cpp.
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

constexpr u32 popped_flags = CF | PF | AF | ZF | SF | DF | OF | NT; // those that anybody may change

struct Instruction {
    const char* name;
    Bytes bytes;
    u32 kind;
    u32 wanted; // the IF that it asks for
    u32 pops;   // bytes, of POPF
};

const Instruction instructions[] = {
    {"5/CLI: ", {0xfa}, if_CLI, 0, 0},
    {"5/STI: ", {0xfb}, if_STI, 1, 0},
    {"5/POPF with IF=0: ", {0x9d}, if_POPF, 0, 4},
    {"5/POPF with IF=1: ", {0x9d}, if_POPF, 1, 4},
    {"5/POPF of 16 bits with IF=0: ", {0x66, 0x9d}, if_POPF, 0, 2},
    {"5/POPF of 16 bits with IF=1: ", {0x66, 0x9d}, if_POPF, 1, 2},
};

enum class Mode { protected_mode, v86, real };

struct Situation {
    Policy policy;
    Mode mode;
    u32 ring, iopl, visible, physical;
};

ControlArea& prepare(const Instruction& insn, const Situation& s) {
    // In V86 and real mode 16 bits are the default: the prefix makes 32 of it.
    const Bytes swapped = insn.pops == 4 ? Bytes{0x66, 0x9d} : insn.pops == 2 ? Bytes{0x9d} : insn.bytes;
    ControlArea& area = s.mode == Mode::v86    ? fresh_v86(place(swapped))
                        : s.mode == Mode::real ? fresh_real(place(swapped))
                                               : fresh_area(place(insn.bytes), s.ring);
    area.guest.eflags |= s.iopl << 12;
    set_interrupt_flag(area, s.policy, s.visible, s.physical);
    const u32 stack = area.guest.segment[SS].base + area.guest.gpr[ESP];
    word_at(stack) = popped_flags | (insn.wanted ? u32{IF} : 0) | s.iopl << 12;
    return area;
}

// What POPF does to the guest beside IF.
void pop(Wanted& w, const Instruction& insn) {
    if (!insn.pops) return;
    w.guest.gpr[ESP] += insn.pops;
    w.guest.eflags |= popped_flags;
}

u32 length_in(const Instruction& insn, Mode mode) {
    return insn.pops == 0 || mode == Mode::protected_mode ? insn.bytes.length : insn.pops == 4 ? 2 : 1;
}

void one(const Instruction& insn, const Situation& s) {
    ControlArea& area = prepare(insn, s);
    const u32 length = length_in(insn, s.mode);
    const bool may = s.mode == Mode::real || s.ring <= s.iopl; // V86 is ring 3
    const bool refused = !may && (insn.pops == 0 || s.mode == Mode::v86);
    const char* const policy = s.policy.name;
    if (refused) {
        expect_exit(Name(insn.name, policy, ", what fails is the guest's #GP(0)"), area,
                    wanted_fault(area, vector::GP, length, 0));
        return;
    }
    if (may && insn.wanted != s.visible && is_trap(area)) {
        Wanted w = wanted_attempt(area, insn.kind, insn.wanted, length);
        pop(w, insn);
        expect_exit(Name(insn.name, policy, ", an attempt: IF_MODIFY"), area, w);
        return;
    }
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip += length;
    pop(w, insn);
    if (may) change_visible(w, area, insn.wanted);
    if (insn.kind == if_STI && !s.visible) w.guest.interruptibility = by_STI;
    expect_exit(may ? Name(insn.name, policy, ", no exit") : Name(insn.name, policy, ", CPL>IOPL: no attempt"), area,
                w);
}

void all_of_them() {
    for (const Instruction& insn : instructions)
        for (const Policy& policy : policies)
            for (u32 visible : {0u, 1u})
                for (u32 physical : {0u, 1u}) {
                    for (u32 ring = 0; ring < 4; ++ring)
                        for (u32 iopl = 0; iopl < 4; ++iopl)
                            one(insn, {policy, Mode::protected_mode, ring, iopl, visible, physical});
                    for (u32 iopl = 0; iopl < 4; ++iopl) one(insn, {policy, Mode::v86, 3, iopl, visible, physical});
                    one(insn, {policy, Mode::real, 0, 0, visible, physical});
                }
}

// --- The guest's own handler has the #GP of a failing attempt

void failures_are_the_guests() {
    for (const Instruction& insn : instructions)
        for (const Policy& policy : policies) {
            if (insn.pops) continue;
            ControlArea& area = prepare(insn, {policy, Mode::protected_mode, 3, 0, 1, 0});
            give_event(area, vector::GP);
            expect_exit(Name(insn.name, policy.name, ", CPL>IOPL: the guest's own handler"), area,
                        delivered(area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
        }
    for (const Policy& policy : policies) {
        ControlArea* area = &prepare(instructions[2], {policy, Mode::v86, 3, 2, 1, 0});
        give_event(*area, vector::GP);
        expect_exit(Name("5/POPF in V86 mode, IOPL<3: ", policy.name, ", the guest's own handler"), *area,
                    delivered(*area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
        // A stack that is absent: POPF would fail on a bare processor, too.
        area = &prepare(instructions[2], {policy, Mode::protected_mode, 0, 0, 1, 0});
        area->guest.gpr[ESP] = scratch;
        guest_page(scratch) = 0;
        Wanted w = wanted_fault(*area, vector::PF, 1, 0);
        w.qualification_value = scratch;
        expect_exit(Name("5/POPF from an absent stack: ", policy.name, ", #PF"), *area, w);
        area = &prepare(instructions[2], {policy, Mode::protected_mode, 0, 0, 1, 0});
        area->guest.segment[SS].limit = area->guest.gpr[ESP] + 2;
        area->guest.segment[SS].attributes = 0x493;
        expect_exit(Name("5/POPF past the stack's limit: ", policy.name, ", #SS(0)"), *area,
                    wanted_fault(*area, vector::SS, 1, 0));
        area = &fresh_area(place({0xf0, 0xfa}), 3);
        set_interrupt_flag(*area, policy, 1, 0);
        expect_exit(Name("5/LOCK CLI: ", policy.name, ", #UD"), *area, wanted_fault(*area, vector::UD, 2));
    }
}

// --- Under TRAP: what the instruction has done beside IF

Wanted popped(ControlArea& area, u32 value) {
    word_at(area.guest.gpr[ESP]) = value;
    Wanted w = wanted_attempt(area, if_POPF, (value & IF) != 0, 1);
    w.guest.gpr[ESP] += 4;
    return w;
}

void other_effects() {
    constexpr u32 ID = 1u << 21;
    ControlArea* area = &prepare(instructions[2], {policies[0], Mode::protected_mode, 0, 0, 0, 1});
    Wanted w = popped(*area, IF | IOPL3 | AC | ID | NT | CF);
    w.guest.eflags |= IOPL3 | AC | ID | NT | CF;
    expect_exit("5/TRAP: POPF's other flags are done: IOPL, AC, ID", *area, w);

    area = &prepare(instructions[2], {policies[0], Mode::protected_mode, 3, 3, 1, 0});
    area->guest.eflags |= CF | DF | AC | ID;
    w = popped(*area, 0);
    w.guest.eflags &= ~(CF | DF | AC | ID);
    expect_exit("5/TRAP: POPF's other flags are done: cleared; IOPL is not ring 3's", *area, w);

    area = &prepare(instructions[2], {policies[0], Mode::protected_mode, 0, 0, 0, 0});
    w = popped(*area, u32{IF} | RF | VM | VIF | VIP);
    expect_exit("5/TRAP: POPF's RF, VM, VIF, VIP are ignored", *area, w);

    for (const u32 blocking : {u32{by_STI}, u32{by_MOV_SS}, u32{by_NMI}, u32{by_NMI | by_MOV_SS}}) {
        area = &prepare(instructions[0], {policies[0], Mode::protected_mode, 0, 0, 1, 0});
        area->guest.interruptibility = blocking;
        expect_exit("5/TRAP: CLI ends the blocking of the instruction before it", *area,
                    wanted_attempt(*area, if_CLI, 0, 1));
        area = &prepare(instructions[1], {policies[0], Mode::protected_mode, 0, 0, 0, 0});
        area->guest.interruptibility = blocking;
        expect_exit("5/TRAP: STI saves interruptibility[0]=1", *area, wanted_attempt(*area, if_STI, 1, 1));
    }
    area = &prepare(instructions[0], {policies[0], Mode::protected_mode, 0, 0, 1, 0});
    area->guest.eflags |= RF;
    expect_exit("5/TRAP: CLI completes: RF is 0", *area, wanted_attempt(*area, if_CLI, 0, 1));
    const Bytes long_cli{0x66, 0x67, 0x2e, 0xf3, 0xfa};
    area = &fresh_area(place(long_cli));
    area->guest.sif = 1;
    expect_exit("5/TRAP: CLI with prefixes: instruction_length of the one completed", *area,
                wanted_attempt(*area, if_CLI, 0, 5));
}

// TF's step of the instruction that completed stays pending.
void single_steps() {
    for (const Instruction& insn : instructions) {
        if (insn.pops) continue;
        ControlArea& area = prepare(insn, {policies[0], Mode::protected_mode, 0, 0, !insn.wanted, 0});
        area.guest.eflags |= TF;
        Wanted w = wanted_attempt(area, insn.kind, insn.wanted, 1);
        w.guest.pending_debug = 0x4000;
        expect_exit(Name(insn.name, "TRAP, TF's step stays pending"), area, w);
        area.guest.interruptibility = 0;
        w = wanted(area, Reason::EXCEPTION);
        w.event = exception_event(vector::DB);
        w.qualification_value = 0x4000;
        w.guest.pending_debug = 0;
        expect_exit(Name(insn.name, "TRAP, and comes after the next entry"), area, w);
    }
    ControlArea* area = &prepare(instructions[2], {policies[0], Mode::protected_mode, 0, 0, 0, 0});
    area->guest.eflags |= TF;
    Wanted w = popped(*area, IF);
    w.guest.eflags &= ~TF;
    w.guest.pending_debug = 0x4000;
    expect_exit("5/TRAP: POPF that clears TF: the step of POPF itself stays pending", *area, w);
    area = &prepare(instructions[2], {policies[0], Mode::protected_mode, 0, 0, 0, 0});
    w = popped(*area, u32{IF} | TF);
    w.guest.eflags |= TF;
    expect_exit("5/TRAP: POPF that sets TF: nothing is pending yet", *area, w);
    area = &prepare(instructions[2], {policies[0], Mode::protected_mode, 0, 0, 0, 0});
    area->controls |= STEP_EXIT;
    w = popped(*area, IF);
    expect_exit("5/TRAP: IF_MODIFY comes before STEP, which is over then", *area, w);
}

// POPF's operand meets a data breakpoint: the trap stays pending.
void data_breakpoint() {
    ControlArea& area = prepare(instructions[2], {policies[0], Mode::protected_mode, 0, 0, 0, 0});
    Wanted w = popped(area, IF);
    asm volatile("mov %0, %%dr1" : : "r"(area.guest.gpr[ESP]));
    area.guest.dr7 = w.guest.dr7 = 0x00f00408 | 0x400;
    w.guest.pending_debug = 2;
    expect_exit("5/TRAP: POPF's data breakpoint stays pending", area, w);
    asm volatile("mov %0, %%dr1" : : "r"(0));
}

// The VMM's answer: it sets `sif` and re-enters behind the instruction, the blocking by STI in force.
void answered() {
    ControlArea& area = fresh_area(place({0xfb, 0x90}));
    expect_exit("5/TRAP: STI exits", area, wanted_attempt(area, if_STI, 1, 1));
    area.guest.sif = 1;
    area.controls |= WINDOW_EXIT;
    Wanted w = wanted(area, Reason::IF_WINDOW);
    w.guest.eip += 1;
    w.guest.interruptibility = 0;
    expect_exit("5/TRAP: answered, the window opens one instruction later", area, w);
    area.controls &= ~WINDOW_EXIT;
    w = wanted(area, Reason::V32CALL, 3);
    expect_exit("5/TRAP: and the guest goes on", area, w);
}

// The VMM's own EFLAGS.IF plays no part.
void the_VMMs_flag() {
    for (const Policy& policy : policies)
        for (const u32 flag : {0u, u32{IF}}) {
            ControlArea& area = prepare(instructions[0], {policy, Mode::protected_mode, 0, 0, 1, 0});
            Registers vmm = vmm_registers();
            vmm.eflags |= flag;
            Wanted w = wanted_attempt(area, if_CLI, 0, 1);
            if (!is_trap(area)) {
                w = wanted(area, Reason::V32CALL, 3);
                w.guest.eip += 1;
                change_visible(w, area, 0);
            }
            expect_exit(Name("5/the VMM's IF plays no part: ", policy.name), area, w, vmm);
        }
}

} // namespace

void v32_tests() {
    all_of_them();
    failures_are_the_guests();
    other_effects();
    single_steps();
    data_breakpoint();
    answered();
    the_VMMs_flag();
}
