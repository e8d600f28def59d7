// Segments: what may be loaded, what may be touched, and what the looking-only instructions say.
// SDM volume 3, sections 3.4, 5.2 to 5.7, 5.10.
#include "harness.hpp"

using namespace conformance;

namespace {

[[gnu::naked]] void load_ds() { asm("mov %ax, %ds; int $0x40"); }
[[gnu::naked]] void load_ss() { asm("mov %ax, %ss; int $0x40"); }
[[gnu::naked]] void pop_es() { asm("pop %es; int $0x40"); }
[[gnu::naked]] void lgs() { asm("lgs (%ebx), %edx; int $0x40"); }
[[gnu::naked]] void read_fs_byte() { asm("movb %fs:(%ebx), %al; int $0x40"); }
[[gnu::naked]] void read_fs_dword() { asm("movl %fs:(%ebx), %eax; int $0x40"); }
[[gnu::naked]] void write_fs_byte() { asm("movb %al, %fs:(%ebx); int $0x40"); }
[[gnu::naked]] void read_ss_dword() { asm("movl %ss:(%ebx), %eax; int $0x40"); }
[[gnu::naked]] void push_eax() { asm("push %eax; int $0x40"); }
[[gnu::naked]] void read_null_fs_by_test() { asm("testb $0, %fs:(%ebx); int $0x40"); }
[[gnu::naked]] void lar() { asm("lar %eax, %ecx; int $0x40"); }
[[gnu::naked]] void lsl() { asm("lsl %eax, %ecx; int $0x40"); }
[[gnu::naked]] void verr() { asm("verr %ax; int $0x40"); }
[[gnu::naked]] void verw() { asm("verw %ax; int $0x40"); }
[[gnu::naked]] void arpl() { asm("arpl %cx, %ax; int $0x40"); }
[[gnu::naked]] void lldt() { asm("lldt %ax; int $0x40"); }
[[gnu::naked]] void ltr() { asm("ltr %ax; int $0x40"); }
[[gnu::naked]] void far_jump() { asm("ljmp *(%ebx); int $0x40"); }
[[gnu::naked]] void nothing() { asm("int $0x40"); }
[[gnu::naked]] void near_jump() { asm("jmp *%eax; int $0x40"); }

constexpr uint32_t slot = first_free_slot, slot2 = first_free_slot + 1;
constexpr uint16_t selector = slot_selector(slot);

uint8_t bytes_under_test[0x200] __attribute__((aligned(4096)));
uint64_t ldt[4] __attribute__((aligned(8)));

struct [[gnu::packed]] FarPointer {
    uint32_t offset;
    uint16_t selector;
} far_pointer;

Registers with_eax(uint32_t ring, Code code, uint32_t eax) {
    Registers r = in_ring(ring, code);
    r.eax = eax;
    return r;
}

void define(uint32_t base, uint32_t limit, uint32_t access, uint32_t size) {
    gdt[slot] = descriptor(base, limit, access, size);
}
void define_flat(uint32_t access) { define(0, 0xfffff, access, bits32 | pages); }

bool is_accessed() { return gdt[slot] >> 40 & 1; }

void loads() {
    define_flat(present | data_writable | dpl(3));
    Event event = expect_done("MOV DS, data of ring 3", with_eax(3, load_ds, selector | 3));
    check("is seen in DS", event.now.ds == (selector | 3u));
    check("sets the accessed bit", is_accessed());
    expect_done("MOV DS, null", with_eax(3, load_ds, 3));
    define_flat(data_writable | dpl(3));
    expect_fault("MOV DS, absent: #NP(selector)", with_eax(3, load_ds, selector | 3), vector::NP, selector);
    check("an absent segment is not marked accessed", !is_accessed());
    define_flat(present | data_writable | dpl(0));
    expect_fault("MOV DS, DPL < CPL: #GP(selector)", with_eax(3, load_ds, selector), vector::GP, selector);
    expect_fault("MOV DS, DPL < RPL: #GP(selector)", with_eax(0, load_ds, selector | 3), vector::GP, selector);
    define_flat(present | code_only | dpl(3));
    expect_fault("MOV DS, execute-only code: #GP(selector)", with_eax(3, load_ds, selector | 3), vector::GP, selector);
    define_flat(present | code_readable | dpl(3));
    expect_done("MOV DS, readable code", with_eax(3, load_ds, selector | 3));
    define_flat(present | code_conforming | dpl(0));
    expect_done("MOV DS, readable conforming code of ring 0, from ring 3", with_eax(3, load_ds, selector | 3));
    define(0, 0x67, present | tss32_available, 0);
    expect_fault("MOV DS, a TSS: #GP(selector)", with_eax(0, load_ds, selector), vector::GP, selector);
    expect_fault("MOV DS, beyond the GDT: #GP(selector)", with_eax(0, load_ds, gdt_slots * 8), vector::GP,
                 gdt_slots * 8);
    expect_fault("MOV DS, of an LDT that there is not: #GP(selector)", with_eax(0, load_ds, 4), vector::GP, 4);

    Registers r = in_ring(3, pop_es);
    r.esp -= 4;
    *reinterpret_cast<uint32_t*>(r.esp) = gdt_slots * 8 + 3;
    expect_fault("POP ES that faults leaves ESP", r, vector::GP, gdt_slots * 8);
    far_pointer = {0x12345678, gdt_slots * 8};
    r = in_ring(3, lgs);
    r.ebx = address(&far_pointer);
    r.edx = 99;
    event = expect_fault("LGS of a bad selector: #GP(selector)", r, vector::GP, gdt_slots * 8);
    check("LGS that faults leaves its register", event.now.edx == 99 && event.now.gs == r.gs);
}

void stack_loads() {
    expect_fault("MOV SS, null: #GP(0)", with_eax(0, load_ss, 0), vector::GP, 0);
    expect_fault("MOV SS, RPL not CPL: #GP(selector)", with_eax(0, load_ss, data_selector(0) | 3), vector::GP,
                 data_selector(0));
    expect_fault("MOV SS, DPL not CPL: #GP(selector)", with_eax(3, load_ss, data_selector(0) | 3), vector::GP,
                 data_selector(0));
    expect_fault("MOV SS, code: #GP(selector)", with_eax(0, load_ss, code_selector(0)), vector::GP, code_selector(0));
    define_flat(present | data_readonly);
    expect_fault("MOV SS, read-only data: #GP(selector)", with_eax(0, load_ss, selector), vector::GP, selector);
    define_flat(data_writable);
    expect_fault("MOV SS, absent: #SS(selector)", with_eax(0, load_ss, selector), vector::SS, selector);
}

void limits() {
    const uint32_t base = address(bytes_under_test);
    define(base, 0xff, present | data_writable | dpl(3), bits32);
    Registers r = in_ring(3, read_fs_byte);
    r.fs = selector | 3;
    r.ebx = 0xff;
    bytes_under_test[0xff] = 0x77;
    const Event event = expect_done("a byte at the limit", r);
    check("is read", (event.now.eax & 0xff) == 0x77);
    r.ebx = 0x100;
    expect_fault("a byte beyond the limit: #GP(0)", r, vector::GP, 0);
    r.eip = address(read_fs_dword);
    r.ebx = 0xfc;
    expect_done("a dword that ends at the limit", r);
    r.ebx = 0xfd;
    expect_fault("a dword over the limit: #GP(0)", r, vector::GP, 0);
    r.ebx = 0xffffffff;
    expect_fault("a dword that wraps: #GP(0)", r, vector::GP, 0);

    define(base, 0xff, present | data_down | dpl(3), bits32);
    r.eip = address(read_fs_byte);
    r.ebx = 0xff;
    expect_fault("expand-down: a byte at the limit: #GP(0)", r, vector::GP, 0);
    r.ebx = 0x100;
    expect_done("expand-down: the byte above the limit", r);
    r.eip = address(read_fs_dword);
    r.ebx = 0xfffffffd;
    expect_fault("expand-down, B=1: a dword over 4 GiB: #GP(0)", r, vector::GP, 0);
    define(base, 0xff, present | data_down | dpl(3), bits16);
    r.ebx = 0xfffc;
    expect_done("expand-down, B=0: the last dword", r);
    r.ebx = 0xfffd;
    expect_fault("expand-down, B=0: a dword over 64 KiB: #GP(0)", r, vector::GP, 0);
    define(0, 0, present | data_writable | dpl(3), bits32 | pages);
    r.ebx = 0xffc;
    expect_done("limit 0 in pages: the last dword of 4 KiB", r);
    r.ebx = 0xffd;
    expect_fault("limit 0 in pages: beyond 4 KiB: #GP(0)", r, vector::GP, 0);
}

void rights() {
    const uint32_t base = address(bytes_under_test);
    Registers r = in_ring(3, write_fs_byte);
    r.fs = selector | 3;
    define(base, 0xff, present | data_readonly | dpl(3), bits32);
    expect_fault("a write to read-only data: #GP(0)", r, vector::GP, 0);
    r.eip = address(read_null_fs_by_test);
    expect_done("a TEST of read-only data", r);
    define(base, 0xff, present | code_readable | dpl(3), bits32);
    r.eip = address(write_fs_byte);
    expect_fault("a write to code: #GP(0)", r, vector::GP, 0);
    r.fs = 0;
    r.eip = address(read_fs_byte);
    expect_fault("a read by a null selector: #GP(0)", r, vector::GP, 0);
    r.fs = 3;
    expect_fault("a read by a null selector with RPL 3: #GP(0)", r, vector::GP, 0);
}

void stacks() {
    gdt[slot2] = descriptor(address(bytes_under_test), 0xff, present | data_writable | dpl(3), bits32);
    const auto stack = slot_selector(slot2, 3);
    Registers r = in_ring(3, read_ss_dword);
    r.ss = stack;
    r.esp = 0x80;
    r.ebx = 0xfd;
    expect_fault("a read beyond the limit of SS: #SS(0)", r, vector::SS, 0);
    r.eip = address(push_eax);
    r.esp = 0x100;
    expect_done("PUSH at the top", r);
    r.esp = 0x101;
    expect_fault("PUSH over the limit: #SS(0)", r, vector::SS, 0);
    r.esp = 2;
    expect_fault("PUSH through 0: #SS(0)", r, vector::SS, 0);
    gdt[slot2] = descriptor(address(bytes_under_test), 0xffff, present | data_writable | dpl(3), bits16);
    r.eip = address(push_eax);
    r.esp = 0xabcd0010;
    r.eax = 0x600df00d;
    const Event event = expect_done("PUSH on a 16-bit stack", r);
    check_equal("counts in SP", event.esp & 0xffff, 0x000c); // IRET to a 16-bit stack has loaded SP alone
    check_equal("and writes below SP", *reinterpret_cast<uint32_t*>(bytes_under_test + 0xc), 0x600df00d);
}

void code_limits() {
    const uint32_t base = address(nothing);
    define(base, 0, present | code_readable | dpl(3), bits32); // one byte: INT 40H does not fit
    Registers r = in_ring(3, nothing);
    r.cs = selector | 3;
    r.eip = 0;
    expect_fault("an instruction over the limit of CS: #GP(0)", r, vector::GP, 0);
    define(address(near_jump), 0x10, present | code_readable | dpl(3), bits32);
    r.eax = 0x11;
    expect_fault("JMP beyond the limit of CS: #GP(0) at the JMP", r, vector::GP, 0);
}

void far_jumps() {
    auto jump = [](uint32_t ring, uint16_t to, uint32_t offset) {
        far_pointer = {offset, to};
        Registers r = in_ring(ring, far_jump);
        r.ebx = address(&far_pointer);
        return r;
    };
    define_flat(present | code_readable | dpl(3));
    Event event = enter(jump(3, selector, address(nothing)));
    check("JMP to code of the ring, RPL 0: CS.RPL = CPL", event.vector == vector::done && event.cs == (selector | 3u));
    expect_fault("JMP to code, DPL > CPL: #GP(selector)", jump(0, selector, address(nothing)), vector::GP, selector);
    define_flat(present | code_readable | dpl(0));
    expect_fault("JMP to code, DPL < CPL: #GP(selector)", jump(3, selector, address(nothing)), vector::GP, selector);
    define_flat(present | code_conforming | dpl(0));
    event = enter(jump(3, selector, address(nothing)));
    check("JMP to conforming code of ring 0: CPL stays 3", event.vector == vector::done && event.cs == (selector | 3u));
    define_flat(present | code_conforming | dpl(3));
    expect_fault("JMP to conforming code, DPL > CPL: #GP(selector)", jump(0, selector, address(nothing)), vector::GP,
                 selector);
    define_flat(code_readable | dpl(3));
    expect_fault("JMP to absent code: #NP(selector)", jump(3, selector | 3, address(nothing)), vector::NP, selector);
    expect_fault("JMP to null: #GP(0)", jump(3, 0, address(nothing)), vector::GP, 0);
    expect_fault("JMP to data: #GP(selector)", jump(3, data_selector(3), 0), vector::GP, data_selector(3) & ~3u);
    define(0, 0xff, present | code_readable | dpl(3), bits32);
    expect_fault("JMP beyond the limit of the new CS: #GP(0)", jump(3, selector | 3, 0x100), vector::GP, 0);
}

void looking_only() {
    auto zero_flag = [](Registers r) { return (enter(r).eflags & ZF) != 0; };
    define(0x1000, 0x54321, present | data_readonly | dpl(2), bits32 | pages);
    Registers r = with_eax(2, lar, selector | 2);
    Event event = enter(r);
    check("LAR: rights in place, ZF=1", (event.eflags & ZF) && (event.now.ecx & 0xf0ff00) == 0xc0d000);
    r.eip = address(lsl);
    event = enter(r);
    check("LSL: the limit in bytes, ZF=1", (event.eflags & ZF) && event.now.ecx == 0x54321fff);
    r = with_eax(3, lar, selector | 3);
    r.eflags |= ZF;
    r.ecx = 77;
    event = enter(r);
    check("LAR from an outer ring: ZF=0, register stays", !(event.eflags & ZF) && event.now.ecx == 77);
    check("VERR of readable data", zero_flag(with_eax(2, verr, selector | 2)));
    check("VERW of read-only data", !zero_flag(with_eax(2, verw, selector | 2)));
    check("VERR with RPL beyond DPL", !zero_flag(with_eax(2, verr, selector | 3)));
    check("VERR of null", !zero_flag(with_eax(0, verr, 0)));
    define_flat(present | code_only | dpl(3));
    check("VERR of execute-only code", !zero_flag(with_eax(3, verr, selector | 3)));
    define_flat(present | code_conforming | dpl(0));
    check("VERR of conforming code, from ring 3", zero_flag(with_eax(3, verr, selector | 3)));
    define(0, 0, present | interrupt_gate32, 0);
    check("LAR of an interrupt gate", !zero_flag(with_eax(0, lar, selector)));
    define(0, 0, present | call_gate32, 0);
    check("LAR of a call gate", zero_flag(with_eax(0, lar, selector)));
    check("LSL of a call gate", !zero_flag(with_eax(0, lsl, selector)));
    check("LAR of a busy TSS", zero_flag(with_eax(0, lar, tss_selector)));
    check("LSL of a busy TSS", zero_flag(with_eax(0, lsl, tss_selector)));
    r = with_eax(3, arpl, 0x1230);
    r.ecx = 0x0003;
    event = enter(r);
    check("ARPL raises RPL, ZF=1", (event.eflags & ZF) && (event.now.eax & 0xffff) == 0x1233);
    r.eax = 0x1233;
    r.ecx = 0x0001;
    event = enter(r);
    check("ARPL leaves a higher RPL, ZF=0", !(event.eflags & ZF) && (event.now.eax & 0xffff) == 0x1233);
}

void local_tables() {
    ldt[1] = descriptor(0, 0xfffff, present | data_writable | dpl(3), bits32 | pages);
    define(address(ldt), 15, present | ldt_type, 0);
    expect_done("LLDT", with_eax(0, lldt, selector));
    expect_done("MOV DS, from the LDT", with_eax(3, load_ds, 8 + 4 + 3));
    expect_fault("MOV DS, beyond the LDT: #GP(selector)", with_eax(3, load_ds, 16 + 4 + 3), vector::GP, 16 + 4);
    expect_fault("MOV DS, absent in the LDT: #NP or #GP of entry 0", with_eax(3, load_ds, 4 + 3), vector::GP, 4);
    expect_done("LLDT null", with_eax(0, lldt, 0));
    expect_fault("MOV DS, with LDTR null: #GP(selector)", with_eax(3, load_ds, 8 + 4 + 3), vector::GP, 8 + 4);
    expect_fault("LLDT of a TSS: #GP(selector)", with_eax(0, lldt, tss_selector), vector::GP, tss_selector);
    expect_fault("LLDT from an LDT: #GP(selector)", with_eax(0, lldt, 8 + 4), vector::GP, 8 + 4);
    define(address(ldt), 15, ldt_type, 0);
    expect_fault("LLDT absent: #NP(selector)", with_eax(0, lldt, selector), vector::NP, selector);
    expect_fault("LTR null: #GP(0)", with_eax(0, ltr, 0), vector::GP, 0);
    expect_fault("LTR of a busy TSS: #GP(selector)", with_eax(0, ltr, tss_selector), vector::GP, tss_selector);
    define(address(&tss), 0x67, tss32_available, 0);
    expect_fault("LTR of an absent TSS: #NP(selector)", with_eax(0, ltr, selector), vector::NP, selector);
}

} // namespace

void conformance_tests() {
    loads();
    stack_loads();
    limits();
    rights();
    stacks();
    code_limits();
    far_jumps();
    looking_only();
    local_tables();
}
