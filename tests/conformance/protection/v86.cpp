// Virtual-8086 mode: the way in and out, what depends on IOPL, and the extensions VME and PVI.
// SDM volume 3, chapter 20.
#include "harness.hpp"

using namespace conformance;

namespace {

// Sixteen-bit code stands between .code16 and .code32; it is copied to its segment before it runs.
[[gnu::naked]] void int_60() { asm(".code16; int $0x60; int $0x40; .code32"); }
[[gnu::naked]] void int3() { asm(".code16; int3; int $0x40; .code32"); }
[[gnu::naked]] void done() { asm(".code16; int $0x40; .code32"); }
[[gnu::naked]] void cli() { asm(".code16; cli; int $0x40; .code32"); }
[[gnu::naked]] void sti() { asm(".code16; sti; int $0x40; .code32"); }
[[gnu::naked]] void pushf16() { asm(".code16; pushfw; int $0x40; .code32"); }
[[gnu::naked]] void pushf32() { asm(".code16; pushfl; int $0x40; .code32"); }
[[gnu::naked]] void popf16() { asm(".code16; popfw; int $0x40; .code32"); }
[[gnu::naked]] void popf32() { asm(".code16; popfl; int $0x40; .code32"); }
[[gnu::naked]] void iret16() { asm(".code16; iretw; int $0x40; .code32"); }
[[gnu::naked]] void iret32() { asm(".code16; iretl; int $0x40; .code32"); }
[[gnu::naked]] void hlt() { asm(".code16; hlt; .code32"); }
[[gnu::naked]] void in_al() { asm(".code16; in %dx, %al; int $0x40; .code32"); }
[[gnu::naked]] void mov_cr0() { asm(".code16; mov %cr0, %eax; int $0x40; .code32"); }
[[gnu::naked]] void lgdt() { asm(".code16; lgdtl (0); int $0x40; .code32"); }
[[gnu::naked]] void clts() { asm(".code16; clts; int $0x40; .code32"); }
[[gnu::naked]] void smsw() { asm(".code16; smsw %ax; int $0x40; .code32"); }
[[gnu::naked]] void lldt() { asm(".code16; lldt %ax; int $0x40; .code32"); }
[[gnu::naked]] void ltr() { asm(".code16; ltr %ax; int $0x40; .code32"); }
[[gnu::naked]] void sldt() { asm(".code16; sldt %ax; int $0x40; .code32"); }
[[gnu::naked]] void str() { asm(".code16; str %ax; int $0x40; .code32"); }
[[gnu::naked]] void lar() { asm(".code16; lar %ax, %cx; int $0x40; .code32"); }
[[gnu::naked]] void lsl() { asm(".code16; lsl %ax, %cx; int $0x40; .code32"); }
[[gnu::naked]] void verr() { asm(".code16; verr %ax; int $0x40; .code32"); }
[[gnu::naked]] void arpl() { asm(".code16; .byte 0x63, 0xc0; int $0x40; .code32"); }
[[gnu::naked]] void div_cx() { asm(".code16; div %cx; int $0x40; .code32"); }
[[gnu::naked]] void load_segments() { asm(".code16; mov %ax, %ds; mov (2), %cx; int $0x40; .code32"); }
[[gnu::naked]] void read_bx() { asm(".code16; mov (%bx), %cx; int $0x40; .code32"); }
[[gnu::naked]] void read_bp() { asm(".code16; mov (%bp), %cx; int $0x40; .code32"); }
[[gnu::naked]] void read_ebx() { asm(".code16; movw (%ebx), %cx; int $0x40; .code32"); }
[[gnu::naked]] void far_jump() { asm(".code16; ljmp $0x5001, $0xfff0; .code32"); }
[[gnu::naked]] void push_ax() { asm(".code16; push %ax; int $0x40; .code32"); }
[[gnu::naked]] void cli32() { asm("cli; int $0x40"); }
[[gnu::naked]] void sti32() { asm("sti; int $0x40"); }
[[gnu::naked]] void pushf_flat() { asm("pushf; int $0x40"); }
[[gnu::naked]] void iret_flat() { asm("iret"); }

constexpr uint32_t code_segment = 0x5000, stack_segment = 0x6000, data_segment = 0x7000;
constexpr uint32_t VME = 1, PVI = 2;

uint8_t& byte_at(uint32_t linear) { return *reinterpret_cast<uint8_t*>(linear); }
uint16_t& half_at(uint32_t linear) {
    asm("" : "+r"(linear)); // low memory: GCC takes a constant address near 0 for a null pointer
    return *reinterpret_cast<uint16_t*>(linear);
}

Registers in_v86(Code code, uint32_t more_flags = 0) {
    const auto* from = reinterpret_cast<const uint8_t*>(address(code));
    for (uint32_t i = 0; i < 32; ++i) byte_at(code_segment * 16 + i) = from[i];
    Registers r{};
    r.cs = code_segment;
    r.ss = stack_segment;
    r.ds = data_segment;
    r.es = 0x1111;
    r.fs = 0x2222;
    r.gs = 0xffff;
    r.esp = 0x1000;
    r.eflags = always | VM | more_flags;
    return r;
}

template <typename... Words> Registers with_stack16(Code code, uint32_t flags, Words... values) {
    Registers r = in_v86(code, flags);
    const uint16_t list[] = {static_cast<uint16_t>(values)...};
    r.esp -= sizeof list;
    uint32_t place = stack_segment * 16 + r.esp;
    for (uint16_t value : list) {
        half_at(place) = value;
        place += 2;
    }
    return r;
}

void in_and_out() {
    default_gate(0x60, 3);
    Registers r = in_v86(int_60, IOPL3 | IF);
    r.eax = 0x12345678;
    Event event = expect_trap("INT 60H, IOPL 3, by the protected IDT", r, 0x60, 2);
    check_equal("9 words are pushed", event.pushed_bytes, 36);
    check("ES, DS, FS, GS are pushed",
          event.es == 0x1111 && event.ds == data_segment && event.fs == 0x2222 && event.gs == 0xffff);
    check("and null in the handler", event.now.es == 0 && event.now.ds == 0 && event.now.fs == 0 && event.now.gs == 0);
    check_equal("registers stay whole", event.now.eax, 0x12345678);
    half_at(0x43212) = 0xbeef;
    r = in_v86(load_segments, IOPL3);
    r.eax = 0x4321;
    event = enter(r);
    check_equal("a segment is its selector times 16", event.now.ecx & 0xffff, 0xbeef);
    r = in_v86(div_cx);
    r.ecx = 0;
    expect_fault("DIV by 0: #DE", r, vector::DE);
    byte_at(0x5fff0 + 0x10) = 0xcd; // 5001:FFF0 = 60000H
    byte_at(0x60001) = 0x40;
    event = enter(in_v86(far_jump, IOPL3));
    check("JMP far is as in real mode", event.vector == vector::done && event.cs == 0x5001 && event.eip == 0xfff2);
}

void depends_on_iopl() {
    expect_fault("CLI, IOPL 0: #GP(0)", in_v86(cli), vector::GP, 0);
    expect_fault("STI, IOPL 0: #GP(0)", in_v86(sti), vector::GP, 0);
    expect_fault("PUSHF, IOPL 0: #GP(0)", in_v86(pushf16), vector::GP, 0);
    expect_fault("POPF, IOPL 0: #GP(0)", in_v86(popf16), vector::GP, 0);
    expect_fault("IRET, IOPL 0: #GP(0)", in_v86(iret16), vector::GP, 0);
    expect_fault("INT 60H, IOPL 0: #GP(0)", in_v86(int_60), vector::GP, 0);
    expect_fault("INT3, IOPL 0, gate of DPL 0: #GP(IDT)", in_v86(int3), vector::GP, 3 * 8 + 2);
    default_gate(vector::BP, 3);
    expect_trap("INT3 does not depend on IOPL", in_v86(int3), vector::BP, 1);
    default_gate(vector::BP);
    Event event = enter(in_v86(cli, IOPL3 | IF));
    check_equal("CLI, IOPL 3", event.eflags & ~status_flags, always | VM | IOPL3);
    event = enter(in_v86(sti, IOPL3));
    check_equal("STI, IOPL 3", event.eflags & ~status_flags, always | VM | IOPL3 | IF);
    Registers r = in_v86(pushf16, IOPL3 | IF);
    enter(r);
    check_equal("PUSHF, IOPL 3", half_at(stack_segment * 16 + r.esp - 2) & ~status_flags, always | IOPL3 | IF);
    r = in_v86(pushf32, IOPL3 | AC);
    enter(r);
    check_equal("PUSHFD shows neither VM nor RF", half_at(stack_segment * 16 + r.esp - 2), AC >> 16);
    event = enter(with_stack16(popf16, IOPL3 | IF, DF));
    check_equal("POPF changes IF, not IOPL", event.eflags & ~status_flags, always | VM | IOPL3 | DF);
    event = enter(with_stack16(popf32, IOPL3, always, AC >> 16));
    check_equal("POPFD does not change VM", event.eflags & ~status_flags, always | VM | IOPL3 | AC);
    byte_at(0x50100) = 0xcd;
    byte_at(0x50101) = 0x40;
    event = enter(with_stack16(iret16, IOPL3 | AC, 0x100, code_segment, DF));
    check_equal("IRET, IOPL 3", event.eflags & ~status_flags, always | VM | IOPL3 | AC | DF);
    check("goes there", event.cs == code_segment && event.eip == 0x102);
    event = enter(with_stack16(iret32, IOPL3, 0x100, 0, code_segment, 0, IF, 0));
    check_equal("IRETD, IOPL 3, stays in the mode", event.eflags & ~status_flags, always | VM | IOPL3 | IF);
}

void forbidden() {
    struct {
        const char* name;
        Code code;
        uint32_t vector, error;
    } const list[] = {
        {"HLT: #GP(0)", hlt, vector::GP, 0},
        {"MOV EAX, CR0: #GP(0)", mov_cr0, vector::GP, 0},
        {"LGDT: #GP(0)", lgdt, vector::GP, 0},
        {"CLTS: #GP(0)", clts, vector::GP, 0},
        {"LLDT: #UD", lldt, vector::UD, no_error_code},
        {"LTR: #UD", ltr, vector::UD, no_error_code},
        {"SLDT: #UD", sldt, vector::UD, no_error_code},
        {"STR: #UD", str, vector::UD, no_error_code},
        {"LAR: #UD", lar, vector::UD, no_error_code},
        {"LSL: #UD", lsl, vector::UD, no_error_code},
        {"VERR: #UD", verr, vector::UD, no_error_code},
        {"ARPL: #UD", arpl, vector::UD, no_error_code},
    };
    for (const auto& item : list) expect_fault(item.name, in_v86(item.code, IOPL3), item.vector, item.error);
    expect_done("SMSW is allowed", in_v86(smsw, IOPL3));
    Registers r = in_v86(in_al, IOPL3);
    r.edx = 0x80;
    expect_fault("IN asks the I/O map even with IOPL 3: #GP(0)", r, vector::GP, 0);
    tss.io_map_base = __builtin_offsetof(Tss32, io_map);
    tss.io_map[0x80 / 8] = 0xfe;
    expect_done("IN from an open port", r);
    r.eflags &= ~IOPL3;
    const Event event = enter(r); // its INT 40H depends on IOPL
    check("IN from an open port, IOPL 0", event.vector == vector::GP && event.eip == 1);
    tss.io_map_base = sizeof tss;
    idt[0x60] = gate(code_selector(1), handler_of(0x60), present | interrupt_gate32 | dpl(3));
    expect_fault("a gate to ring 1: #GP(selector)", in_v86(int_60, IOPL3), vector::GP, code_selector(1) & ~3u);
    gdt[first_free_slot] = descriptor(0, 0xfffff, present | code_conforming, bits32 | pages);
    idt[0x60] = gate(slot_selector(first_free_slot), handler_of(0x60), present | interrupt_gate32 | dpl(3));
    expect_fault("a gate to conforming code: #GP(selector)", in_v86(int_60, IOPL3), vector::GP,
                 slot_selector(first_free_slot));
    default_gate(0x60, 3);
}

void limits() {
    Registers r = in_v86(read_bx, IOPL3);
    r.ebx = 0xffff;
    expect_fault("a word at FFFFH: #GP(0)", r, vector::GP, 0);
    r = in_v86(read_bp, IOPL3);
    r.ebp = 0xffff;
    expect_fault("a word at SS:FFFFH: #SS(0)", r, vector::SS, 0);
    r = in_v86(read_ebx, IOPL3);
    r.ebx = 0x10000;
    expect_fault("a 32-bit address beyond 64 KiB: #GP(0)", r, vector::GP, 0);
    r = in_v86(push_ax, IOPL3);
    r.esp = 0;
    half_at(stack_segment * 16 + 0xfffe) = 0;
    r.eax = 0x4242;
    const Event event = expect_done("PUSH with SP=0", r);
    check("wraps to FFFEH", (event.esp & 0xffff) == 0xfffe && half_at(stack_segment * 16 + 0xfffe) == 0x4242);
    r = in_v86(done, IOPL3);
    r.eip = 0xffff;
    byte_at(code_segment * 16 + 0xffff) = 0xb0; // MOV AL, imm8: its second byte is at 10000H
    expect_fault("code over FFFFH: #GP(0)", r, vector::GP, 0);
}

// The redirection bitmap: a clear bit sends INT n to the interrupt table of the 8086 program itself.
void redirected(uint32_t iopl, const char* name, const char* flags_name, const char* live_name, uint32_t before,
                uint32_t pushed, uint32_t after) {
    half_at(0x60 * 4) = 0x200;
    half_at(0x60 * 4 + 2) = code_segment;
    byte_at(code_segment * 16 + 0x200) = 0xf4; // HLT: #GP(0) tells that we are there
    Registers r = in_v86(int_60, iopl | before);
    const Event event = enter(r);
    const uint32_t stack = stack_segment * 16 + r.esp - 6;
    check(name, event.vector == vector::GP && event.cs == code_segment && event.eip == 0x200 && half_at(stack) == 2 &&
                    half_at(stack + 2) == code_segment);
    check_equal(flags_name, half_at(stack + 4) & ~status_flags, pushed);
    check_equal(live_name, event.eflags & ~status_flags, VM | RF | iopl | after);
}

void virtual_interrupts() {
    // Without CR4.VME nothing of this is there, with it CLI and STI mean VIF while IOPL is below 3.
    Event event = enter(in_v86(cli, VIF | IF));
    check_equal("CLI, IOPL 0: VIF=0, IF stays", event.eflags & ~status_flags, always | VM | IF | RF);
    check("and INT 40H follows", event.vector == vector::GP && event.eip == 1);
    event = enter(in_v86(sti, 0));
    check_equal("STI, IOPL 0: VIF=1", event.eflags & ~status_flags, always | VM | VIF | RF);
    expect_fault("STI with VIP=1: #GP(0)", in_v86(sti, VIP), vector::GP, 0);
    event = enter(in_v86(cli, VIP));
    check("CLI with VIP=1", event.eip == 1 && !(event.eflags & VIF));
    Registers r = in_v86(pushf16, VIF);
    enter(r);
    check_equal("PUSHF, IOPL 0: VIF as IF, IOPL as 3", half_at(stack_segment * 16 + r.esp - 2) & ~status_flags,
                always | IOPL3 | IF);
    expect_fault("PUSHFD, IOPL 0: #GP(0)", in_v86(pushf32), vector::GP, 0);
    expect_fault("POPFD, IOPL 0: #GP(0)", in_v86(popf32), vector::GP, 0);
    expect_fault("IRETD, IOPL 0: #GP(0)", in_v86(iret32), vector::GP, 0);
    event = enter(with_stack16(popf16, 0, IF | DF));
    check_equal("POPF, IOPL 0: IF goes to VIF", event.eflags & ~status_flags, always | VM | VIF | DF | RF);
    expect_fault("POPF with TF: #GP(0)", with_stack16(popf16, 0, TF), vector::GP, 0);
    expect_fault("POPF of IF with VIP: #GP(0)", with_stack16(popf16, VIP, IF), vector::GP, 0);
    event = enter(with_stack16(iret16, 0, 0x100, code_segment, IF));
    check_equal("IRET, IOPL 0: IF goes to VIF", event.eflags & ~status_flags, always | VM | VIF | RF);
}

void extensions() {
    if (!(features() & has_VME)) {
        skip("VME and PVI", "no VME");
        return;
    }
    const uint32_t old = cr4();
    const uint16_t old_offset = half_at(0x60 * 4), old_segment = half_at(0x60 * 4 + 2);
    set_cr4(old | VME);
    tss.io_map_base = __builtin_offsetof(Tss32, io_map);
    tss.redirection[vector::done / 8] = 1; // the end of a test is not redirected: #GP(0) with IOPL 0
    virtual_interrupts();
    redirected(IOPL3, "INT 60H, IOPL 3, bit clear: the program's own table", "FLAGS pushed as they are", "IF=0 there",
               IF, always | IOPL3 | IF, always);
    redirected(0, "INT 60H, IOPL 0, bit clear: the program's own table", "FLAGS pushed with VIF as IF, IOPL as 3",
               "VIF=0 there, IF stays", VIF | IF, always | IOPL3 | IF, always | IF);
    tss.redirection[0x60 / 8] = 1;
    expect_trap("INT 60H, IOPL 3, bit set: the protected IDT", in_v86(int_60, IOPL3), 0x60, 2);
    expect_fault("INT 60H, IOPL 0, bit set: #GP(0)", in_v86(int_60, 0), vector::GP, 0);
    tss.redirection[0x60 / 8] = 0;
    tss.io_map_base = sizeof tss;
    set_cr4(old | PVI);
    Event event = expect_done("PVI: CLI in ring 3, IOPL 0", [] {
        Registers r = in_ring(3, cli32);
        r.eflags |= VIF | IF;
        return r;
    }());
    check_equal("clears VIF, leaves IF", event.eflags & ~status_flags, always | IF);
    event = expect_done("PVI: STI in ring 3, IOPL 0", in_ring(3, sti32));
    check_equal("sets VIF", event.eflags & ~status_flags, always | VIF);
    Registers r = in_ring(3, sti32);
    r.eflags |= VIP;
    expect_fault("PVI: STI with VIP: #GP(0)", r, vector::GP, 0);
    r = in_ring(3, pushf_flat);
    r.eflags |= VIF;
    enter(r);
    check_equal("PVI: PUSHF shows IF itself", *reinterpret_cast<uint32_t*>(r.esp - 4) & IF, 0);
    set_cr4(old);
    tss.redirection[vector::done / 8] = 0;
    half_at(0x60 * 4) = old_offset;
    half_at(0x60 * 4 + 2) = old_segment;
}

void entry_by_iret() {
    // In ring 3 the bit VM of the popped EFLAGS means nothing.
    Registers r = in_ring(3, iret_flat);
    r.esp -= 12;
    auto* frame = reinterpret_cast<uint32_t*>(r.esp);
    frame[0] = address(cli32) + 1; // its INT 40H
    frame[1] = code_selector(3);
    frame[2] = always | VM;
    const Event event = enter(r);
    check("IRET in ring 3 does not enter the mode", event.vector == vector::done && !(event.eflags & VM));
}

} // namespace

void conformance_tests() {
    in_and_out();
    depends_on_iopl();
    forbidden();
    limits();
    entry_by_iret();
    extensions();
}
