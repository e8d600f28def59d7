// Debugging by the processor: single steps, breakpoints, RF, the shadows of MOV SS and STI.
// SDM volume 3, chapter 17, section 6.8.
#include "harness.hpp"

using namespace conformance;

namespace {

[[gnu::naked]] void nops() { asm("nop; nop; nop; int $0x40"); }
[[gnu::naked]] void popf_then_nops() { asm("popf; nop; nop; int $0x40"); }
[[gnu::naked]] void iret_then() { asm("iret"); }
[[gnu::naked]] void mov_ss_nop() { asm("mov %eax, %ss; nop; nop; int $0x40"); }
[[gnu::naked]] void pop_ss_nop() { asm("pop %ss; nop; nop; int $0x40"); }
[[gnu::naked]] void rep_stosb() { asm("rep stosb; nop; int $0x40"); }
[[gnu::naked]] void int_60() { asm("int $0x60; nop; int $0x40"); }
[[gnu::naked]] void jump() { asm("jmp 1f; nop; nop; 1: nop; int $0x40"); }
[[gnu::naked]] void icebp() { asm(".byte 0xf1; int $0x40"); }
[[gnu::naked]] void write_dword() { asm("movl %eax, (%ebx); nop; int $0x40"); }
[[gnu::naked]] void write_byte() { asm("movb %al, (%ebx); nop; int $0x40"); }
[[gnu::naked]] void read_dword() { asm("movl (%ebx), %eax; nop; int $0x40"); }
[[gnu::naked]] void write_two() { asm("movsl; nop; int $0x40"); }
[[gnu::naked]] void rep_movsl() { asm("rep movsl; nop; int $0x40"); }
[[gnu::naked]] void push_eax() { asm("push %eax; nop; int $0x40"); }
[[gnu::naked]] void out_dx() { asm("outb %al, %dx; nop; int $0x40"); }
[[gnu::naked]] void read_dr0() { asm("mov %dr0, %eax; nop; int $0x40"); }
[[gnu::naked]] void read_dr4() { asm("mov %dr4, %eax; nop; int $0x40"); }
[[gnu::naked]] void write_dr5() { asm("mov %eax, %dr5; nop; int $0x40"); }
[[gnu::naked]] void ud2() { asm("ud2; int $0x40"); }
[[gnu::naked]] void sti_nops() { asm("sti; nop; nop; nop; int $0x40"); }
[[gnu::naked]] void sti_cli() { asm("sti; cli; nop; int $0x40"); }
[[gnu::naked]] void sti_hlt() { asm("sti; hlt; nop; int $0x40"); }
[[gnu::naked]] void popf_nops() { asm("popf; nop; nop; int $0x40"); }
[[gnu::naked]] void sti_mov_ss() { asm("sti; mov %eax, %ss; nop; nop; int $0x40"); }

enum : uint32_t { B0 = 1, B1 = 2, B2 = 4, B3 = 8, BD = 0x2000, BS = 0x4000 };
enum : uint32_t { L0 = 1, G0 = 2, L1 = 4, GD = 0x2000 };
enum : uint32_t { on_execution = 0, on_write = 1, on_io = 2, on_access = 3 };
constexpr uint32_t condition(uint32_t number, uint32_t kind, uint32_t length) {
    return (kind | (length - 1) << 2) << (16 + 4 * number);
}
constexpr uint32_t DE = 8; // CR4
constexpr uint32_t dr6_ones = 0xffff0ff0;

uint32_t scratch[16] __attribute__((aligned(64)));

uint32_t dr6() {
    uint32_t value;
    asm volatile("mov %%dr6, %0" : "=r"(value));
    return value;
}
void clear_dr6() { asm volatile("mov %0, %%dr6" : : "r"(0)); }
uint32_t dr7() {
    uint32_t value;
    asm volatile("mov %%dr7, %0" : "=r"(value));
    return value;
}
void set_dr7(uint32_t value) { asm volatile("mov %0, %%dr7" : : "r"(value | 0x400)); }
void set_dr0(uint32_t value) { asm volatile("mov %0, %%dr0" : : "r"(value)); }
void set_dr1(uint32_t value) { asm volatile("mov %0, %%dr1" : : "r"(value)); }

template <typename... Words> Registers with_stack(uint32_t ring, Code code, Words... values) {
    Registers r = in_ring(ring, code);
    const uint32_t list[] = {static_cast<uint32_t>(values)...};
    r.esp -= sizeof list;
    auto* place = reinterpret_cast<uint32_t*>(r.esp);
    for (uint32_t value : list) *place++ = value;
    return r;
}

// #DB at `eip` with exactly these conditions in DR6.
Event expect_debug(const char* name, const Registers& r, uint32_t eip, uint32_t conditions) {
    clear_dr6();
    const Event event = enter(r);
    const bool right = event.vector == vector::DB && event.eip == eip && (dr6() & ~dr6_ones) == conditions &&
                       event.error_code == no_error_code;
    check(name, right);
    return event;
}

void single_steps() {
    for (uint32_t ring = 0; ring < 4; ring += 3) {
        Registers r = in_ring(ring, nops);
        r.eflags |= TF;
        const Event event =
            expect_debug(ring ? "TF, ring 3: a trap after one instruction" : "TF, ring 0: a trap after one instruction",
                         r, r.eip + 1, BS);
        check("TF is pushed, and clear in the handler", (event.eflags & TF) && !(event.now.eflags & TF));
    }
    expect_debug("POPF sets TF: a trap after the next instruction", with_stack(3, popf_then_nops, always | TF),
                 address(popf_then_nops) + 2, BS);
    expect_debug("IRET sets TF: a trap after the first instruction there",
                 with_stack(3, iret_then, address(nops), code_selector(3), always | TF), address(nops) + 1, BS);
    Registers r = with_stack(3, popf_then_nops, always);
    r.eflags |= TF;
    expect_debug("POPF clears TF: still a trap after it", r, r.eip + 1, BS);
    r = in_ring(3, jump);
    r.eflags |= TF;
    expect_debug("TF and JMP: EIP is the target", r, r.eip + 4, BS);
    r = in_ring(3, rep_stosb);
    r.eflags |= TF;
    r.edi = address(scratch);
    r.ecx = 3;
    Event event = expect_debug("TF and REP: a trap after each turn", r, r.eip, BS);
    check_equal("with ECX counted down", event.now.ecx, 2);
    r.ecx = 1;
    expect_debug("TF and the last turn: EIP behind it", r, r.eip + 2, BS);
    r = in_ring(3, int_60);
    default_gate(0x60, 3);
    r.eflags |= TF;
    clear_dr6();
    event = enter(r);
    check("TF and INT: the handler comes first, without a trap",
          event.vector == 0x60 && (event.eflags & TF) && !(dr6() & BS));
    r = in_ring(3, ud2);
    r.eflags |= TF;
    clear_dr6();
    event = enter(r);
    check("TF and a fault: the fault alone", event.vector == vector::UD && !(dr6() & BS));
    r = in_ring(0, mov_ss_nop);
    r.eax = data_selector(0);
    r.eflags |= TF;
    expect_debug("TF and MOV SS: the trap comes after the next instruction", r, r.eip + 3, BS);
    r = with_stack(0, pop_ss_nop, data_selector(0));
    r.eflags |= TF;
    expect_debug("TF and POP SS: likewise", r, r.eip + 2, BS);
    clear_dr6();
    expect_trap("INT1 (F1): a trap", in_ring(0, icebp), vector::DB, 1);
}

void code_breakpoints() {
    set_dr0(address(nops) + 1);
    set_dr7(L0 | condition(0, on_execution, 1));
    Registers r = in_ring(3, nops);
    expect_debug("a code breakpoint is a fault: EIP at it", r, r.eip + 1, B0);
    r.eip += 1;
    r.eflags |= RF;
    clear_dr6();
    check("RF=1 lets it pass once", enter(r).vector == vector::done);
    set_dr7(G0 | condition(0, on_execution, 1));
    r.eflags &= ~RF;
    expect_debug("G0 enables it, too", r, r.eip, B0);
    set_dr7(0);
    set_dr0(address(nops));
    set_dr7(L0);
    r = in_ring(3, nops);
    expect_debug("at the first instruction after IRET", r, r.eip, B0);
    set_dr0(address(ud2));
    set_dr7(L0);
    r = in_ring(3, ud2);
    expect_debug("before the instruction's own fault", r, r.eip, B0);
    r.eflags |= RF;
    clear_dr6();
    Event event = enter(r);
    check("with RF=1 the own fault comes, RF=1 in its image", event.vector == vector::UD && (event.eflags & RF));
    set_dr7(0);
    r = in_ring(3, nops);
    r.eflags |= RF;
    event = enter(r);
    check("RF is clear after an instruction", !(event.eflags & RF));
    clear_dr6();
    set_dr0(address(nops));
    set_dr7(0);
    check("a breakpoint that is not enabled does nothing", enter(in_ring(3, nops)).vector == vector::done);
}

void data_breakpoints() {
    set_dr1(address(scratch) + 4);
    set_dr7(L1 | condition(1, on_write, 4));
    auto at = [](Code code, uint32_t offset) {
        Registers r = in_ring(3, code);
        r.ebx = address(scratch) + offset;
        return r;
    };
    Registers r = at(write_dword, 4);
    r.eax = 0x5a5a5a5a;
    Event event = expect_debug("a write: a trap behind it", r, r.eip + 2, B1);
    check_equal("the write is done", scratch[1], 0x5a5a5a5a);
    check("RF is not set by a trap", !(event.eflags & RF));
    r = at(write_byte, 7);
    expect_debug("a byte inside the range", r, r.eip + 2, B1);
    r = at(write_dword, 1);
    expect_debug("an unaligned dword that reaches in", r, r.eip + 2, B1);
    check("a byte beside it: nothing", enter(at(write_byte, 8)).vector == vector::done);
    check("a read: nothing", enter(at(read_dword, 4)).vector == vector::done);
    set_dr7(L1 | condition(1, on_access, 4));
    r = at(read_dword, 4);
    expect_debug("a read with R/W=3", r, r.eip + 2, B1);
    set_dr7(L1 | condition(1, on_access, 1));
    check("length 1: the byte behind is outside", enter(at(write_byte, 5)).vector == vector::done);
    set_dr7(L1 | condition(1, on_write, 2));
    set_dr1(address(scratch) + 5); // the low bit is ignored: bytes 4 and 5
    r = at(write_byte, 4);
    expect_debug("length 2 is aligned by the processor", r, r.eip + 2, B1);
    set_dr7(L1 | condition(1, on_access, 4));
    set_dr1(address(scratch) + 4);
    r = in_ring(3, write_two);
    r.esi = address(scratch) + 4;
    r.edi = address(scratch) + 32;
    expect_debug("MOVS reads it", r, r.eip + 1, B1);
    r = in_ring(3, rep_movsl);
    r.esi = address(scratch);
    r.edi = address(scratch) + 32;
    r.ecx = 4;
    event = expect_debug("REP MOVS stops behind the turn that touches it", r, r.eip, B1);
    check_equal("2 of 4 turns left", event.now.ecx, 2);
    set_dr7(0);
    r = in_ring(3, push_eax);
    set_dr1(r.esp - 4);
    set_dr7(L1 | condition(1, on_write, 4));
    expect_debug("PUSH writes it", r, r.eip + 1, B1);
    r.eflags |= TF;
    expect_debug("together with TF", r, r.eip + 1, B1 | BS);
    set_dr7(0);
}

void io_breakpoints() {
    if (!(features() & has_DE)) {
        skip("I/O breakpoints", "no DE");
        return;
    }
    const uint32_t old = cr4();
    set_cr4(old | DE);
    set_dr1(0x80);
    set_dr7(L1 | condition(1, on_io, 1));
    Registers r = in_ring(0, out_dx);
    r.edx = 0x80;
    expect_debug("OUT to a port with CR4.DE: a trap behind it", r, r.eip + 1, B1);
    r.edx = 0x81;
    clear_dr6();
    check("another port: nothing", enter(r).vector == vector::done);
    set_dr7(0);
    expect_fault("MOV EAX, DR4 with CR4.DE: #UD", in_ring(0, read_dr4), vector::UD);
    expect_fault("MOV DR5, EAX with CR4.DE: #UD", in_ring(0, write_dr5), vector::UD);
    set_cr4(old & ~DE);
    clear_dr6();
    check_equal("without DE, DR4 is DR6", enter(in_ring(0, read_dr4)).now.eax, dr6());
    set_cr4(old);
}

// While GD is set, any MOV of a debug register in the harness itself would fault, too: nothing but enter() until
// then. (Whether #GP or #DB comes first in ring 3 is not specified.)
void general_detect() {
    const Registers ring0 = in_ring(0, read_dr0);
    clear_dr6();
    set_dr7(GD);
    const Event event = enter(ring0);
    check("MOV of a debug register with GD: a fault", event.vector == vector::DB && event.eip == ring0.eip);
    check_equal("DR6.BD", dr6() & ~dr6_ones, BD);
    check("GD is clear in the handler", !(dr7() & GD));
    check("DR7 reads bit 10 as 1", dr7() & 0x400);
    set_dr7(0);
}

// --- Interrupts: IRQ 0 of the PIT stands at the PIC, and IF decides
// ---------------------------------------------------

void outb(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
uint8_t inb(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

constexpr uint32_t irq0_vector = 0x50;

void raise_irq0() {
    outb(0x20, 0x11); // both PICs anew: vectors 50H and 58H, IRQ 0 alone unmasked
    outb(0xa0, 0x11);
    outb(0x21, irq0_vector);
    outb(0xa1, irq0_vector + 8);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, 0xfe);
    outb(0xa1, 0xff);
    outb(0x43, 0x30); // counter 0, mode 0: OUT rises at the end, and stays
    outb(0x40, 100);
    outb(0x40, 0);
    outb(0x20, 0x0a); // read IRR
    for (int patience = 10'000'000; patience && !(inb(0x20) & 1); --patience) {
    }
}

void expect_irq(const char* name, const Registers& r, uint32_t offset) {
    raise_irq0();
    const Event event = enter(r);
    check(name, event.vector == irq0_vector && event.eip == r.eip + offset && event.error_code == no_error_code);
    outb(0x20, 0x20);
}

void interrupt_shadows() {
    Registers r = in_ring(0, nops);
    r.eflags |= IF;
    expect_irq("IRET sets IF: the interrupt comes before the first instruction", r, 0);
    expect_irq("STI: after the next instruction", in_ring(0, sti_nops), 2);
    expect_irq("STI, HLT: HLT is left at once, EIP behind it", in_ring(0, sti_hlt), 2);
    raise_irq0();
    check("STI, CLI: no interrupt", enter(in_ring(0, sti_cli)).vector == vector::done);
    expect_irq("POPF sets IF: at once", with_stack(0, popf_nops, always | IF), 1);
    r = in_ring(0, mov_ss_nop);
    r.eax = data_selector(0);
    r.eflags |= IF;
    raise_irq0();
    // The interrupt comes before the MOV; so let the MOV stand behind STI.
    check("IF=1 at MOV SS: before it", enter(r).eip == r.eip);
    outb(0x20, 0x20);
    r = in_ring(0, sti_mov_ss);
    r.eax = data_selector(0);
    raise_irq0();
    const Event event = enter(r);
    check("STI, MOV SS: not between", event.vector == irq0_vector && event.eip >= r.eip + 3);
    outb(0x20, 0x20);
    outb(0x21, 0xff);
}

} // namespace

void conformance_tests() {
    single_steps();
    code_breakpoints();
    data_breakpoints();
    io_breakpoints();
    general_detect();
    interrupt_shadows();
}
