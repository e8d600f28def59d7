// Ways between rings: interrupt, trap and call gates, far returns and IRET.
// SDM volume 3, sections 5.8 and 6.12; volume 2, CALL, RET, INT, IRET.
#include "harness.hpp"

using namespace conformance;

namespace {

[[gnu::naked]] void nothing() { asm("int $0x40"); }
[[gnu::naked]] void int_60() { asm("int $0x60; int $0x40"); }
[[gnu::naked]] void ud2() { asm("ud2; int $0x40"); }
[[gnu::naked]] void far_call() { asm("lcall *(%ebx); int $0x40"); }
[[gnu::naked]] void far_jump() { asm("ljmp *(%ebx); int $0x40"); }
[[gnu::naked]] void far_return() { asm("lret; int $0x40"); }
[[gnu::naked]] void far_return_8() { asm("lret $8; int $0x40"); }
[[gnu::naked]] void iret() { asm("iret; int $0x40"); }
[[gnu::naked]] void iretw() { asm("iretw; int $0x40"); }
[[gnu::naked]] void popf() { asm("popf; int $0x40"); }
[[gnu::naked]] void popfw() { asm("popfw; int $0x40"); }

constexpr uint32_t target_slot = first_free_slot, gate_slot = first_free_slot + 1, stack_slot = first_free_slot + 2;
constexpr uint16_t target = slot_selector(target_slot);
constexpr uint16_t gate3 = slot_selector(gate_slot, 3);

struct [[gnu::packed]] FarPointer {
    uint32_t offset;
    uint16_t selector;
} far_pointer;

const uint32_t* words(uint32_t place) { return reinterpret_cast<const uint32_t*>(place); }
const uint16_t* halves(uint32_t place) { return reinterpret_cast<const uint16_t*>(place); }

Registers through(uint32_t ring, Code code, uint16_t selector, uint32_t offset = 0) {
    far_pointer = {offset, selector};
    Registers r = in_ring(ring, code);
    r.ebx = address(&far_pointer);
    return r;
}

// Puts words on the stack of the ring and runs there.
template <typename... Words> Registers with_stack(uint32_t ring, Code code, Words... values) {
    Registers r = in_ring(ring, code);
    const uint32_t list[] = {static_cast<uint32_t>(values)...};
    r.esp -= sizeof list;
    auto* place = reinterpret_cast<uint32_t*>(r.esp);
    for (uint32_t value : list) *place++ = value;
    return r;
}

void flags_in_handlers() {
    Registers r = in_ring(3, int_60);
    r.eflags |= IF | IOPL3 | AC;
    idt[0x60] = gate(code_selector(0), handler_of(0x60), present | interrupt_gate32 | dpl(3));
    Event event = enter(r);
    check_equal("an interrupt gate clears IF, leaves IOPL and AC", event.now.eflags & ~status_flags,
                always | IOPL3 | AC);
    check_equal("an interrupt gate pushes IF as it was", event.eflags & ~status_flags, always | IOPL3 | AC | IF);
    idt[0x60] = gate(code_selector(0), handler_of(0x60), present | trap_gate32 | dpl(3));
    event = enter(r);
    check_equal("a trap gate leaves IF", event.now.eflags & ~status_flags, always | IOPL3 | AC | IF);
    r.eflags |= NT;
    event = enter(r);
    check("a trap gate clears NT and pushes it", !(event.now.eflags & NT) && (event.eflags & NT));
    check("SS:ESP of ring 0 come from the TSS", event.now.ss == tss.ss0 && event.now.esp == tss.esp0 - 20);
    check("DS, ES, FS, GS stay as they were",
          event.now.ds == r.ds && event.now.es == r.es && event.now.fs == r.fs && event.now.gs == r.gs);
    default_gate(0x60);
}

void gates16() {
    // A 16-bit gate has no upper half of the offset: a code segment whose base is the handler's address.
    gdt[target_slot] = descriptor(handler_of(0x60), 0xfffff, present | code_readable, bits32 | pages);
    idt[0x60] = gate(target, 0, present | interrupt_gate16 | dpl(3));
    Registers r = in_ring(0, int_60);
    r.eflags |= DF;
    Event event = enter(r);
    check_equal("16-bit gate, same ring: 6 bytes pushed", r.esp - event.now.esp, 6);
    const uint16_t* pushed = halves(event.now.esp);
    check("16-bit gate, same ring: IP, CS, FLAGS",
          pushed[0] == ((r.eip + 2) & 0xffff) && pushed[1] == r.cs && (pushed[2] & ~status_flags) == (always | DF));
    r = in_ring(3, int_60);
    event = enter(r);
    check_equal("16-bit gate, from ring 3: 10 bytes pushed", tss.esp0 - event.now.esp, 10);
    pushed = halves(event.now.esp);
    check("16-bit gate, from ring 3: SP and SS", pushed[3] == (r.esp & 0xffff) && pushed[4] == r.ss);
    gdt[target_slot] = descriptor(handler_of(vector::GP), 0xfffff, present | code_readable, bits32 | pages);
    default_gate(0x60);
    idt[vector::GP] = gate(target, 0, present | interrupt_gate16);
    event = enter(in_ring(3, int_60)); // DPL 0: #GP
    check_equal("16-bit gate with error code: 12 bytes pushed", tss.esp0 - event.now.esp, 12);
    check_equal("16-bit gate with error code: the code", halves(event.now.esp)[0], 0x60 * 8 + 2);
    default_gate(vector::GP);
}

void gates_to_other_rings() {
    idt[0x60] = gate(code_selector(1), address(nothing), present | interrupt_gate32 | dpl(3));
    Registers r = in_ring(3, int_60);
    Event event = enter(r);
    check("a gate from ring 3 to ring 1", event.vector == vector::done && event.cs == code_selector(1));
    check("its stack is SS1:ESP1", event.ss == tss.ss1 && event.esp == tss.esp1 - 20);
    const uint32_t* pushed = words(tss.esp1 - 20);
    check("and holds EIP, CS, EFLAGS, ESP, SS", pushed[0] == r.eip + 2 && pushed[1] == r.cs && pushed[2] == r.eflags &&
                                                    pushed[3] == r.esp && pushed[4] == r.ss);

    gdt[target_slot] = descriptor(0, 0xfffff, present | code_conforming, bits32 | pages);
    idt[0x60] = gate(target, address(nothing), present | interrupt_gate32 | dpl(3));
    event = enter(r);
    check("a gate to conforming code keeps CPL 3", event.vector == vector::done && event.cs == (target | 3u));
    check("and the stack", event.ss == r.ss && event.esp == r.esp - 12);

    idt[0x60] = gate(code_selector(3), address(nothing), present | interrupt_gate32 | dpl(3));
    expect_fault("a gate from ring 0 to ring 3: #GP(selector)", in_ring(0, int_60), vector::GP, code_selector(3) & ~3u);
}

void bad_targets() {
    constexpr uint32_t EXT = 1;
    const Registers r = in_ring(3, int_60);
    idt[0x60] = gate(0, 0x1000, present | interrupt_gate32 | dpl(3));
    expect_fault("INT through a gate with a null selector: #GP(0)", r, vector::GP, 0);
    idt[0x60] = gate(data_selector(0), 0x1000, present | interrupt_gate32 | dpl(3));
    expect_fault("INT through a gate to data: #GP(selector)", r, vector::GP, data_selector(0));
    idt[0x60] = gate(gdt_slots * 8, 0x1000, present | interrupt_gate32 | dpl(3));
    expect_fault("INT through a gate beyond the GDT: #GP(selector)", r, vector::GP, gdt_slots * 8);
    gdt[target_slot] = descriptor(0, 0xfffff, code_readable, bits32 | pages);
    idt[0x60] = gate(target, 0x1000, present | interrupt_gate32 | dpl(3));
    expect_fault("INT through a gate to absent code: #NP(selector)", r, vector::NP, target);
    gdt[target_slot] = descriptor(0, 0xff, present | code_readable, bits32);
    idt[0x60] = gate(target, 0x100, present | interrupt_gate32 | dpl(3));
    expect_fault("INT through a gate beyond the code's limit: #GP(0)", r, vector::GP, 0);
    idt[vector::UD] = gate(data_selector(0), 0x1000, present | interrupt_gate32);
    expect_fault("an exception through a bad gate: EXT=1", in_ring(3, ud2), vector::GP, data_selector(0) | EXT);
    idt[vector::UD] &= ~(uint64_t{present} << 40);
    expect_fault("an exception through an absent gate: #NP, IDT and EXT", in_ring(3, ud2), vector::NP,
                 vector::UD * 8 + 2 + EXT);
    default_gate(vector::UD);
}

void bad_inner_stacks() {
    const uint32_t ss1 = tss.ss1, esp1 = tss.esp1;
    const Registers r = in_ring(3, int_60);
    idt[0x60] = gate(code_selector(1), address(nothing), present | interrupt_gate32 | dpl(3));
    tss.ss1 = 0;
    expect_fault("inner SS null: #TS(0)", r, vector::TS, 0);
    tss.ss1 = data_selector(0);
    expect_fault("inner SS with the wrong RPL: #TS(SS)", r, vector::TS, data_selector(0));
    tss.ss1 = data_selector(0) | 1;
    expect_fault("inner SS with the wrong DPL: #TS(SS)", r, vector::TS, data_selector(0));
    tss.ss1 = code_selector(1);
    expect_fault("inner SS is code: #TS(SS)", r, vector::TS, code_selector(1) & ~3u);
    gdt[stack_slot] = descriptor(0, 0xfffff, data_writable | dpl(1), bits32 | pages);
    tss.ss1 = slot_selector(stack_slot, 1);
    expect_fault("inner SS absent: #SS(SS)", r, vector::SS, slot_selector(stack_slot));
    gdt[stack_slot] = descriptor(0, 0xff, present | data_writable | dpl(1), bits32);
    tss.esp1 = 0x200;
    expect_fault("inner ESP beyond the limit: #SS(SS)", r, vector::SS, slot_selector(stack_slot));
    tss.ss1 = ss1;
    tss.esp1 = esp1;
    gdt[tss_selector / 8] = descriptor(address(&tss), 12, present | tss32_available, 0);
    load_tr(tss_selector);
    expect_fault("inner SS beyond the TSS's limit: #TS(TSS)", r, vector::TS, tss_selector);
    gdt[tss_selector / 8] = descriptor(address(&tss), sizeof tss - 1, present | tss32_available, 0);
    load_tr(tss_selector);
    default_gate(0x60);
}

void call_gates() {
    gdt[gate_slot] = gate(code_selector(0), address(nothing), present | call_gate32 | dpl(3), 2);
    Registers r = through(3, far_call, gate3, 0xdeadbeef);
    r.esp -= 8;
    auto* parameters = reinterpret_cast<uint32_t*>(r.esp);
    parameters[0] = 0x11111111;
    parameters[1] = 0x22222222;
    Event event = enter(r);
    const uint32_t* stack = words(event.now.esp);
    check("a call gate to ring 0: CS of the gate, RPL = CPL",
          event.vector == vector::done && stack[1] == code_selector(0));
    stack += 3; // what INT 40H pushed
    check("it pushes EIP, CS", stack[0] == r.eip + 2 && stack[1] == r.cs);
    check("it copies two parameters", stack[2] == 0x11111111 && stack[3] == 0x22222222);
    check("it pushes ESP, SS of the caller", stack[4] == r.esp && stack[5] == r.ss);
    check("on SS0:ESP0", address(stack + 6) == tss.esp0);

    gdt[gate_slot] = gate(code_selector(0), address(nothing), present | call_gate32 | dpl(2), 0);
    expect_fault("a call gate with DPL < CPL: #GP(gate)", through(3, far_call, gate3), vector::GP, gate3 & ~3u);
    expect_fault("a call gate with DPL < RPL: #GP(gate)", through(2, far_call, gate3), vector::GP, gate3 & ~3u);
    gdt[gate_slot] = gate(code_selector(0), address(nothing), call_gate32 | dpl(3), 0);
    expect_fault("an absent call gate: #NP(gate)", through(3, far_call, gate3), vector::NP, gate3 & ~3u);
    gdt[gate_slot] = gate(0, address(nothing), present | call_gate32 | dpl(3), 0);
    expect_fault("a call gate to the null selector: #GP(0)", through(3, far_call, gate3), vector::GP, 0);
    gdt[gate_slot] = gate(data_selector(0), address(nothing), present | call_gate32 | dpl(3), 0);
    expect_fault("a call gate to data: #GP(selector)", through(3, far_call, gate3), vector::GP, data_selector(0));
    gdt[target_slot] = descriptor(0, 0xfffff, code_readable, bits32 | pages);
    gdt[gate_slot] = gate(target, address(nothing), present | call_gate32 | dpl(3), 0);
    expect_fault("a call gate to absent code: #NP(selector)", through(3, far_call, gate3), vector::NP, target);

    gdt[gate_slot] = gate(code_selector(0), address(nothing), present | call_gate32 | dpl(3), 0);
    expect_fault("JMP by a call gate to an inner ring: #GP(selector)", through(3, far_jump, gate3), vector::GP,
                 code_selector(0));
    gdt[gate_slot] = gate(code_selector(3), address(nothing), present | call_gate32 | dpl(3), 0);
    event = enter(through(3, far_jump, gate3));
    check("JMP by a call gate within the ring", event.vector == vector::done && event.cs == code_selector(3));
    gdt[target_slot] = descriptor(0, 0xfffff, present | code_conforming, bits32 | pages);
    gdt[gate_slot] = gate(target, address(nothing), present | call_gate32 | dpl(3), 0);
    r = through(3, far_call, gate3);
    event = enter(r);
    check("a call gate to conforming code keeps ring and stack", event.cs == (target | 3u) && event.esp == r.esp - 8);
}

void call_gates16() {
    gdt[target_slot] = descriptor(address(nothing), 0xfffff, present | code_readable, bits32 | pages);
    gdt[gate_slot] = gate(target, 0, present | call_gate16 | dpl(3), 3);
    Registers r = through(3, far_call, gate3);
    r.esp -= 6;
    auto* parameters = reinterpret_cast<uint16_t*>(r.esp);
    for (int i = 0; i < 3; ++i) parameters[i] = static_cast<uint16_t>(0x1111 * (i + 1));
    const Event event = enter(r);
    const uint16_t* stack = halves(event.now.esp + 12);
    check_equal("a 16-bit call gate with 3 words pushes 14 bytes", tss.esp0 - address(stack), 14);
    check("IP, CS, parameters, SP, SS as words", stack[0] == ((r.eip + 2) & 0xffff) && stack[1] == r.cs &&
                                                     stack[2] == 0x1111 && stack[4] == 0x3333 &&
                                                     stack[5] == (r.esp & 0xffff) && stack[6] == r.ss);
}

void far_returns() {
    const uint32_t outer = stack_top(3) - 64;
    Registers r = with_stack(0, far_return_8, address(nothing), code_selector(3), 1, 2, outer, data_selector(3));
    Event event = enter(r);
    check("RET 8 to ring 3",
          event.vector == vector::done && event.cs == code_selector(3) && event.ss == data_selector(3));
    // The INT's frame is ring 3's, on SS0:ESP0.
    check_equal("takes the parameters from the outer stack, too", words(tss.esp0 - 20)[3], outer + 8);
    check("makes DS, ES, FS, GS of ring 0 null",
          event.now.ds == 0 && event.now.es == 0 && event.now.fs == 0 && event.now.gs == 0);
    r = with_stack(0, far_return, address(nothing), code_selector(3), outer, data_selector(3));
    r.ds = data_selector(3);
    gdt[target_slot] = descriptor(0, 0xfffff, present | code_conforming, bits32 | pages);
    r.es = target; // conforming code with DPL 0 may stay
    event = enter(r);
    check("leaves what ring 3 may have", event.now.ds == data_selector(3) && event.now.es == target);

    expect_fault("RET to null: #GP(0)", with_stack(0, far_return, address(nothing), 0), vector::GP, 0);
    expect_fault("RET to an inner ring: #GP(CS)", with_stack(3, far_return, address(nothing), code_selector(0)),
                 vector::GP, code_selector(0));
    expect_fault("RET to data: #GP(CS)", with_stack(0, far_return, address(nothing), data_selector(0)), vector::GP,
                 data_selector(0));
    gdt[target_slot] = descriptor(0, 0xfffff, code_readable | dpl(3), bits32 | pages);
    expect_fault("RET to absent code: #NP(CS)",
                 with_stack(0, far_return, address(nothing), target | 3, outer, data_selector(3)), vector::NP, target);
    expect_fault("RET to ring 3 with SS null: #GP(0)",
                 with_stack(0, far_return, address(nothing), code_selector(3), outer, 0), vector::GP, 0);
    expect_fault("RET to ring 3 with SS of ring 0: #GP(SS)",
                 with_stack(0, far_return, address(nothing), code_selector(3), outer, data_selector(0)), vector::GP,
                 data_selector(0));
    gdt[stack_slot] = descriptor(0, 0xfffff, data_writable | dpl(3), bits32 | pages);
    expect_fault("RET to ring 3 with SS absent: #SS(SS)",
                 with_stack(0, far_return, address(nothing), code_selector(3), outer, slot_selector(stack_slot, 3)),
                 vector::SS, slot_selector(stack_slot));
    gdt[target_slot] = descriptor(0, 0xff, present | code_readable | dpl(3), bits32);
    expect_fault("RET beyond the limit of CS: #GP(0)",
                 with_stack(0, far_return, 0x100, target | 3, outer, data_selector(3)), vector::GP, 0);
}

void interrupt_returns() {
    constexpr uint32_t VM_bits = VM | VIF | VIP;
    const uint32_t outer = stack_top(3) - 64;
    Event event =
        enter(with_stack(3, iret, address(nothing), code_selector(3), always | IF | IOPL3 | VM_bits | AC | DF));
    check_equal("IRET in ring 3 changes neither IF, IOPL nor VM", event.eflags & ~status_flags, always | AC | DF);
    Registers r = with_stack(3, iret, address(nothing), code_selector(3), always);
    r.eflags |= IF | IOPL3;
    event = enter(r);
    check_equal("IRET in ring 3 with IOPL 3 changes IF", event.eflags & ~status_flags, always | IOPL3);
    event =
        enter(with_stack(0, iret, address(nothing), code_selector(3), always | IF | IOPL3, outer, data_selector(3)));
    check_equal("IRET in ring 0 sets IF and IOPL", event.eflags & ~status_flags, always | IF | IOPL3);
    check("IRET to ring 3 makes DS of ring 0 null", event.now.ds == 0);
    event = enter(with_stack(0, iretw, (address(nothing) & 0xffff) | code_selector(0) << 16, always));
    check("IRET of 16 bits cuts EIP", event.vector != vector::done || address(nothing) < 0x10000);
    expect_fault("IRET to null: #GP(0)", with_stack(0, iret, address(nothing), 0, always), vector::GP, 0);
    expect_fault("IRET to an inner ring: #GP(CS)", with_stack(3, iret, address(nothing), code_selector(0), always),
                 vector::GP, code_selector(0));
    expect_fault("IRET to ring 3 with SS of ring 0: #GP(SS)",
                 with_stack(0, iret, address(nothing), code_selector(3), always, outer, data_selector(0)), vector::GP,
                 data_selector(0));
    r = with_stack(3, iret, address(nothing), code_selector(3), always);
    r.eflags |= NT;
    tss.back_link = 0;
    expect_fault("IRET with NT and no task to go back to: #TS(0)", r, vector::TS, 0);
}

void flag_pops() {
    Event event = enter(with_stack(3, popf, always | IF | IOPL3 | VM | RF | AC | NT));
    check_equal("POPF in ring 3: IF, IOPL, VM, RF stay", event.eflags & ~status_flags, always | AC | NT);
    event = enter(with_stack(0, popf, always | IF | IOPL3 | VM | VIF | VIP));
    check_equal("POPF in ring 0: IF and IOPL change, VM, VIF, VIP do not", event.eflags & ~status_flags,
                always | IF | IOPL3);
    Registers r = with_stack(3, popf, always);
    r.eflags |= IF | IOPL3;
    event = enter(r);
    check_equal("POPF in ring 3 with IOPL 3: IF changes, IOPL does not", event.eflags & ~status_flags, always | IOPL3);
    r = with_stack(3, popfw, always | DF);
    r.eflags |= AC;
    event = enter(r);
    check_equal("POPF of 16 bits leaves the upper half", event.eflags & ~status_flags, always | AC | DF);
    event = enter(with_stack(3, popf, 0xffc0802a & ~TF));
    check_equal("POPF: reserved bits read as the manual says", event.eflags & 0xffc0802a, always);
}

} // namespace

void conformance_tests() {
    flags_in_handlers();
    gates16();
    gates_to_other_rings();
    bad_targets();
    bad_inner_stacks();
    call_gates();
    call_gates16();
    far_returns();
    interrupt_returns();
    flag_pops();
}
