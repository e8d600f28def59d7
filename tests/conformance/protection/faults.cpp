// Each exception that an instruction raises: its vector, its error code, and exactly what is pushed.
// SDM volume 3, chapter 6, "Exception and Interrupt Reference"; EFLAGS.RF: section 17.3.1.1.
#include "harness.hpp"

using namespace conformance;

namespace {

[[gnu::naked]] void div_ecx() { asm("div %ecx; int $0x40"); }
[[gnu::naked]] void idiv_ecx() { asm("idiv %ecx; int $0x40"); }
[[gnu::naked]] void aam_0() { asm(".byte 0xd4, 0; int $0x40"); }
[[gnu::naked]] void int_3() { asm("int3; int $0x40"); }
[[gnu::naked]] void int_3_long() { asm(".byte 0xcd, 3; int $0x40"); }
[[gnu::naked]] void into() { asm("into; int $0x40"); }
[[gnu::naked]] void bound() { asm("bound %eax, (%ebx); int $0x40"); }
[[gnu::naked]] void ud2() { asm("ud2; int $0x40"); }
[[gnu::naked]] void lock_nop() { asm(".byte 0xf0, 0x90; int $0x40"); }
[[gnu::naked]] void lock_mov() { asm(".byte 0xf0; mov %eax, (%ebx); int $0x40"); }
[[gnu::naked]] void mov_cs() { asm(".byte 0x8e, 0xc8; int $0x40"); }
[[gnu::naked]] void mov_cr1() { asm(".byte 0x0f, 0x20, 0xc8; int $0x40"); }
[[gnu::naked]] void les_register() { asm(".byte 0xc4, 0xc0; int $0x40"); }
[[gnu::naked]] void lea_register() { asm(".byte 0x8d, 0xc0; int $0x40"); }
[[gnu::naked]] void long_instruction() { asm(".fill 15, 1, 0x3e; nop; int $0x40"); }
[[gnu::naked]] void fld1() { asm("fld1; int $0x40"); }
[[gnu::naked]] void fwait() { asm("fwait; int $0x40"); }
[[gnu::naked]] void hlt() { asm("hlt"); }
[[gnu::naked]] void cli() { asm("cli; int $0x40"); }
[[gnu::naked]] void sti() { asm("sti; int $0x40"); }
[[gnu::naked]] void lgdt() { asm("lgdt (%ebx); int $0x40"); }
[[gnu::naked]] void lidt() { asm("lidt (%ebx); int $0x40"); }
[[gnu::naked]] void lldt() { asm("lldt %ax; int $0x40"); }
[[gnu::naked]] void ltr() { asm("ltr %ax; int $0x40"); }
[[gnu::naked]] void lmsw() { asm("lmsw %ax; int $0x40"); }
[[gnu::naked]] void clts() { asm("clts; int $0x40"); }
[[gnu::naked]] void invd() { asm("invd; int $0x40"); }
[[gnu::naked]] void wbinvd() { asm("wbinvd; int $0x40"); }
[[gnu::naked]] void invlpg() { asm("invlpg (%ebx); int $0x40"); }
[[gnu::naked]] void mov_from_cr0() { asm("mov %cr0, %eax; int $0x40"); }
[[gnu::naked]] void mov_to_cr3() { asm("mov %eax, %cr3; int $0x40"); }
[[gnu::naked]] void mov_to_cr0() { asm("mov %eax, %cr0; int $0x40"); }
[[gnu::naked]] void mov_to_cr4() { asm("mov %eax, %cr4; int $0x40"); }
[[gnu::naked]] void mov_from_dr7() { asm("mov %dr7, %eax; int $0x40"); }
[[gnu::naked]] void rdmsr() { asm("rdmsr; int $0x40"); }
[[gnu::naked]] void wrmsr() { asm("wrmsr; int $0x40"); }
[[gnu::naked]] void rdtsc() { asm("rdtsc; int $0x40"); }
[[gnu::naked]] void in_al() { asm("in %dx, %al; int $0x40"); }
[[gnu::naked]] void in_ax() { asm("in %dx, %ax; int $0x40"); }
[[gnu::naked]] void outsb() { asm("outsb; int $0x40"); }
[[gnu::naked]] void int_60() { asm("int $0x60; int $0x40"); }
[[gnu::naked]] void sgdt() { asm("sgdt (%ebx); int $0x40"); }
[[gnu::naked]] void load_word() { asm("mov (%ebx), %eax; int $0x40"); }
[[gnu::naked]] void movaps() { asm("movaps (%ebx), %xmm0; int $0x40"); }
[[gnu::naked]] void sse_divide() { asm("divss %xmm1, %xmm0; int $0x40"); }

uint32_t scratch[16] __attribute__((aligned(64)));

Registers with(Registers r, uint32_t eax, uint32_t ecx = 0, uint32_t edx = 0) {
    r.eax = eax;
    r.ecx = ecx;
    r.edx = edx;
    r.ebx = address(scratch);
    return r;
}

// The same in ring 0 and ring 3.
void fault_everywhere(const char* name0, const char* name3, Code code, uint32_t vector, uint32_t eax = 0) {
    expect_fault(name0, with(in_ring(0, code), eax), vector);
    expect_fault(name3, with(in_ring(3, code), eax), vector);
}

void divide_errors() {
    fault_everywhere("DIV by 0, ring 0: #DE", "DIV by 0, ring 3: #DE", div_ecx, vector::DE);
    expect_fault("DIV with a quotient too big: #DE", with(in_ring(3, div_ecx), 0, 2, 2), vector::DE);
    expect_fault("IDIV of 80000000 by -1: #DE", with(in_ring(3, idiv_ecx), 0x80000000, 0xffffffff, 0xffffffff),
                 vector::DE);
    expect_fault("AAM 0: #DE", with(in_ring(3, aam_0), 5), vector::DE);
    const Event event = enter(with(in_ring(3, div_ecx), 0x1234, 0, 7));
    check("#DE leaves EAX and EDX", event.now.eax == 0x1234 && event.now.edx == 7);
}

void traps() {
    default_gate(vector::BP, 3);
    default_gate(vector::OF, 3);
    expect_trap("INT3, ring 0: #BP", in_ring(0, int_3), vector::BP, 1);
    expect_trap("INT3, ring 3: #BP", in_ring(3, int_3), vector::BP, 1);
    expect_trap("INT 3 (CD 03), ring 3", in_ring(3, int_3_long), vector::BP, 2);
    Registers r = in_ring(3, into);
    expect_done("INTO with OF=0 does nothing", r);
    r.eflags |= OF;
    expect_trap("INTO with OF=1: #OF", r, vector::OF, 1);
    default_gate(vector::BP);
    default_gate(vector::OF);
    // The IDT entry is meant: index * 8 + IDT(2); EXT=0, since the program asked for it.
    expect_fault("INT3 through a gate with DPL 0: #GP", in_ring(3, int_3), vector::GP, 3 * 8 + 2);
    expect_fault("INTO through a gate with DPL 0: #GP", r, vector::GP, 4 * 8 + 2);
    expect_fault("INT 60H through a gate with DPL 0: #GP", in_ring(3, int_60), vector::GP, 0x60 * 8 + 2);
    expect_trap("INT 60H from ring 0 may use that gate", in_ring(0, int_60), 0x60, 2);
    idt[0x60] &= ~(uint64_t{present} << 40);
    expect_fault("INT 60H through an absent gate: #NP", in_ring(0, int_60), vector::NP, 0x60 * 8 + 2);
    idt[0x60] = gate(code_selector(0), handler_of(0x60), present | call_gate32);
    expect_fault("INT 60H through a call gate: #GP", in_ring(0, int_60), vector::GP, 0x60 * 8 + 2);
    default_gate(0x60);
}

void bounds() {
    scratch[0] = 10;
    scratch[1] = 20;
    expect_done("BOUND inside", with(in_ring(3, bound), 20));
    expect_fault("BOUND above: #BR", with(in_ring(3, bound), 21), vector::BR);
    expect_fault("BOUND below, signed: #BR", with(in_ring(3, bound), 0xffffffff), vector::BR);
}

void invalid_opcodes() {
    fault_everywhere("UD2, ring 0: #UD", "UD2, ring 3: #UD", ud2, vector::UD);
    expect_fault("LOCK NOP: #UD", with(in_ring(3, lock_nop), 0), vector::UD);
    expect_fault("LOCK MOV: #UD", with(in_ring(3, lock_mov), 0), vector::UD);
    expect_fault("MOV CS, AX: #UD", with(in_ring(3, mov_cs), 8), vector::UD);
    expect_fault("MOV EAX, CR1, ring 0: #UD", with(in_ring(0, mov_cr1), 0), vector::UD);
    expect_fault("LES of a register: #UD", with(in_ring(3, les_register), 0), vector::UD);
    expect_fault("LEA of a register: #UD", with(in_ring(3, lea_register), 0), vector::UD);
    expect_fault("an instruction of 16 bytes: #GP(0)", with(in_ring(3, long_instruction), 0), vector::GP, 0);
}

void device_not_available() {
    const uint32_t old = cr0();
    constexpr uint32_t MP = 2, EM = 4, TS = 8;
    set_cr0((old & ~(MP | TS)) | EM);
    expect_fault("x87 with CR0.EM: #NM", in_ring(3, fld1), vector::NM);
    expect_done("FWAIT with CR0.EM alone", in_ring(3, fwait));
    set_cr0((old & ~(MP | EM)) | TS);
    expect_fault("x87 with CR0.TS: #NM", in_ring(3, fld1), vector::NM);
    expect_done("FWAIT with TS, without MP", in_ring(3, fwait));
    set_cr0((old & ~EM) | TS | MP);
    expect_fault("FWAIT with TS and MP: #NM", in_ring(3, fwait), vector::NM);
    set_cr0(old);
}

void privileged() {
    struct {
        const char* name;
        Code code;
    } const instructions[] = {
        {"HLT, ring 3: #GP(0)", hlt},
        {"CLI, ring 3, IOPL 0: #GP(0)", cli},
        {"STI, ring 3, IOPL 0: #GP(0)", sti},
        {"LGDT, ring 3: #GP(0)", lgdt},
        {"LIDT, ring 3: #GP(0)", lidt},
        {"LLDT, ring 3: #GP(0)", lldt},
        {"LTR, ring 3: #GP(0)", ltr},
        {"LMSW, ring 3: #GP(0)", lmsw},
        {"CLTS, ring 3: #GP(0)", clts},
        {"INVD, ring 3: #GP(0)", invd},
        {"WBINVD, ring 3: #GP(0)", wbinvd},
        {"INVLPG, ring 3: #GP(0)", invlpg},
        {"MOV EAX, CR0, ring 3: #GP(0)", mov_from_cr0},
        {"MOV CR3, EAX, ring 3: #GP(0)", mov_to_cr3},
        {"MOV EAX, DR7, ring 3: #GP(0)", mov_from_dr7},
        {"RDMSR, ring 3: #GP(0)", rdmsr},
        {"WRMSR, ring 3: #GP(0)", wrmsr},
        {"IN AL, DX, ring 3: #GP(0)", in_al},
        {"OUTSB, ring 3: #GP(0)", outsb},
    };
    for (const auto& instruction : instructions) {
        expect_fault(instruction.name, with(in_ring(3, instruction.code), 0), vector::GP, 0);
    }
    expect_fault("CLI, ring 1, IOPL 0: #GP(0)", in_ring(1, cli), vector::GP, 0);
    expect_done("SGDT, ring 3 is allowed", with(in_ring(3, sgdt), 0));
    Registers r = in_ring(3, cli);
    r.eflags |= IOPL3 | IF;
    const Event event = expect_done("CLI, ring 3, IOPL 3 is allowed", r);
    check("CLI, ring 3, IOPL 3 clears IF", (event.eflags & IF) == 0);
    const uint32_t old = cr4();
    set_cr4(old | 4);
    expect_fault("RDTSC, ring 3, CR4.TSD: #GP(0)", in_ring(3, rdtsc), vector::GP, 0);
    expect_done("RDTSC, ring 0, CR4.TSD", in_ring(0, rdtsc));
    set_cr4(old);
    expect_done("RDTSC, ring 3, no TSD", in_ring(3, rdtsc));
}

void control_registers() {
    expect_fault("CR0.PG without PE: #GP(0)", with(in_ring(0, mov_to_cr0), 0x80000000), vector::GP, 0);
    expect_fault("CR0.NW without CD: #GP(0)", with(in_ring(0, mov_to_cr0), 0x20000001), vector::GP, 0);
    expect_fault("a reserved bit of CR4: #GP(0)", with(in_ring(0, mov_to_cr4), 0x80000000), vector::GP, 0);
    expect_fault("RDMSR of no register: #GP(0)", with(in_ring(0, rdmsr), 0, 0x5a5a5a5a), vector::GP, 0);
}

void io_permissions() {
    tss.io_map_base = __builtin_offsetof(Tss32, io_map);
    for (uint8_t& byte : tss.io_map) byte = 0xff;
    tss.io_map[0x80 / 8] = 0xfe; // port 80H open, 81H not
    expect_done("IN AL from a port that the map opens", with(in_ring(3, in_al), 0, 0, 0x80));
    expect_fault("IN AL from the port beside it: #GP(0)", with(in_ring(3, in_al), 0, 0, 0x81), vector::GP, 0);
    expect_fault("IN AX needs both ports: #GP(0)", with(in_ring(3, in_ax), 0, 0, 0x80), vector::GP, 0);
    tss.io_map[0x80 / 8 - 1] = 0x7f;
    expect_done("IN AX over a byte of the map", with(in_ring(3, in_ax), 0, 0, 0x7f));
    Registers r = with(in_ring(3, in_al), 0, 0, 0x81);
    r.eflags |= IOPL3;
    expect_done("with IOPL 3 the map is not asked", r);
    // The map ends where the TSS's limit says: two bytes are always read.
    gdt[tss_selector / 8] =
        descriptor(address(&tss), __builtin_offsetof(Tss32, io_map) + 0x80 / 8, present | tss32_available, 0);
    load_tr(tss_selector);
    expect_fault("a port at the limit of the TSS: #GP(0)", with(in_ring(3, in_al), 0, 0, 0x80), vector::GP, 0);
    tss.io_map[0x78 / 8] = 0;
    expect_done("a port one byte before the limit", with(in_ring(3, in_al), 0, 0, 0x78));
    tss.io_map_base = sizeof tss;
    gdt[tss_selector / 8] = descriptor(address(&tss), sizeof tss - 1, present | tss32_available, 0);
    load_tr(tss_selector);
}

void alignment() {
    constexpr uint32_t AM = 1u << 18;
    const uint32_t old = cr0();
    set_cr0(old | AM);
    Registers r = in_ring(3, load_word);
    r.eflags |= AC;
    r.ebx = address(scratch) + 2;
    expect_fault("unaligned MOV, ring 3, AM and AC: #AC(0)", r, vector::AC, 0);
    r.ebx = address(scratch) + 4;
    expect_done("aligned MOV, AM and AC", r);
    r.ebx = address(scratch) + 1;
    r.eflags &= ~AC;
    expect_done("unaligned MOV without AC", r);
    Registers ring0 = in_ring(0, load_word);
    ring0.eflags |= AC;
    ring0.ebx = address(scratch) + 1;
    expect_done("unaligned MOV in ring 0, AM and AC", ring0);
    set_cr0(old);
    r.eflags |= AC;
    expect_done("unaligned MOV with AC, without AM", r);
}

void floating_point() {
    constexpr uint32_t NE = 0x20;
    const uint32_t old = cr0();
    set_cr0(old | NE);
    const uint16_t unmask_zero_divide = 0x037b;
    asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp" : : "m"(unmask_zero_divide)); // pending from here
    expect_fault("a pending x87 error at FWAIT: #MF", in_ring(3, fwait), vector::MF);
    expect_fault("a pending x87 error at FLD1: #MF", in_ring(3, fld1), vector::MF);
    asm volatile("fnclex; fninit");
    expect_done("FWAIT with nothing pending", in_ring(3, fwait));
    set_cr0(old);
}

void simd() {
    if (!(features() & has_SSE)) {
        skip("SSE exceptions", "no SSE");
        return;
    }
    constexpr uint32_t OSFXSR = 0x200, OSXMMEXCPT = 0x400, EM = 4, TS = 8;
    const uint32_t old4 = cr4(), old0 = cr0();
    set_cr4(old4 & ~OSFXSR);
    expect_fault("SSE without CR4.OSFXSR: #UD", with(in_ring(3, movaps), 0), vector::UD);
    set_cr4(old4 | OSFXSR | OSXMMEXCPT);
    set_cr0(old0 | EM);
    expect_fault("SSE with CR0.EM: #UD", with(in_ring(3, movaps), 0), vector::UD);
    set_cr0((old0 & ~EM) | TS);
    expect_fault("SSE with CR0.TS: #NM", with(in_ring(3, movaps), 0), vector::NM);
    set_cr0(old0 & ~(EM | TS));
    expect_done("MOVAPS, aligned", with(in_ring(3, movaps), 0));
    Registers r = with(in_ring(3, movaps), 0);
    r.ebx += 4;
    expect_fault("MOVAPS, unaligned: #GP(0)", r, vector::GP, 0);
    const uint32_t unmask_zero_divide = 0x1f80 & ~0x200u;
    asm volatile("ldmxcsr %0" : : "m"(unmask_zero_divide));
    const uint32_t one = 0x3f800000;
    asm volatile("movss %0, %%xmm0; xorps %%xmm1, %%xmm1" : : "m"(one));
    expect_fault("DIVSS by 0, unmasked: #XM", in_ring(3, sse_divide), vector::XM);
    set_cr4(old4 | OSFXSR);
    asm volatile("movss %0, %%xmm0; xorps %%xmm1, %%xmm1" : : "m"(one));
    expect_fault("the same without CR4.OSXMMEXCPT: #UD", in_ring(3, sse_divide), vector::UD);
    const uint32_t usual = 0x1f80;
    asm volatile("ldmxcsr %0" : : "m"(usual));
    set_cr4(old4);
    set_cr0(old0);
}

} // namespace

void conformance_tests() {
    divide_errors();
    traps();
    bounds();
    invalid_opcodes();
    device_not_available();
    privileged();
    io_permissions();
    alignment();
    floating_point();
    simd();
    control_registers();
}
