// Section 3: the two instructions: encodings, prefixes, what comes before what, and where they are undefined.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

// Code under test is assembled here from bytes; the page behind is root's and the guest's to take away.
constexpr u32 code_page = scratch + 0x1000;

Code place(u32 at, std::initializer_list<u32> bytes) {
    u32 to = at;
    for (u32 byte : bytes) byte_at(to++) = static_cast<u8>(byte);
    byte_at(to) = 0xcd; // INT 40H: not reached
    byte_at(to + 1) = 0x40;
    return reinterpret_cast<Code>(at);
}

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void enter_v32() { asm(".byte 0x0f, 0x04, 0xc0; int $0x40"); }
[[gnu::naked]] void lock_enter() { asm(".byte 0xf0, 0x0f, 0x04, 0xc0; int $0x40"); }
[[gnu::naked]] void lock_call() { asm(".byte 0xf0, 0x0f, 0x04, 0xc1; int $0x40"); }

Registers root_v86(u32 at) {
    Registers r = in_ring(0, reinterpret_cast<Code>(0));
    r.cs = r.ss = r.ds = r.es = r.fs = r.gs = at >> 4;
    r.esp = 0xfff0;
    r.eflags = always | VM | IOPL3;
    return r;
}

constexpr u32 v86_code = 0x50000;

void in_root(const char* name, u32 third, bool lock) {
    Code code = lock ? place(code_page, {0xf0, 0x0f, 0x04, third}) : place(code_page, {0x0f, 0x04, third});
    for (u32 ring = 0; ring < 4; ++ring)
        if (ring || third != 0xc0 || lock) expect_fault(name, in_ring(ring, code), vector::UD);
    place(v86_code, {0x0f, 0x04, third});
    expect_fault(name, root_v86(v86_code), vector::UD);
}

void undefined_in_root() {
    fresh_area(call);
    in_root("3/V32ENTER in root: #UD in rings 1 to 3 and V86 mode", 0xc0, false);
    in_root("3/V32CALL in root: #UD", 0xc1, false);
    in_root("3/LOCK V32ENTER in root: #UD", 0xc0, true);
    in_root("3/LOCK V32CALL in root: #UD", 0xc1, true);

    set_cr0(cr0() & ~PG);
    expect_fault("3/V32ENTER in root with PG=0: #UD", in_ring(0, enter_v32), vector::UD);
    expect_fault("3/V32CALL in root with PG=0: #UD", in_ring(0, call), vector::UD);
    set_cr0(cr0() | PG);

    const u64 vca = read_msr(msr_V32_VCA);
    write_msr(msr_V32_VCA, vca & ~u64{V32_VCA_ENABLE});
    expect_fault("3/V32ENTER in root with V32_VCA.enable=0: #UD", in_ring(0, enter_v32), vector::UD);
    expect_fault("3/V32CALL in root with V32_VCA.enable=0: #UD", in_ring(0, call), vector::UD);
    write_msr(msr_V32_VCA, vca);
    expect_entry("3/V32ENTER in root with V32_VCA.enable=1: entry", fresh_area(call));
}

// --- Root in real mode: down from protected mode, the three bytes, and up again by #UD or INT 40H.

extern "C" {
extern const u8 v32_down[], v32_down_end[];
u32 v32_real_vector(); // copies nothing; v32_down stands at 8000H
}

asm(R"(
        .text
        .globl  v32_real_vector, v32_real_back
v32_real_vector:
        pusha
        mov     %esp, 1f
        sidt    2f
        mov     %cr0, %eax
        mov     %eax, 0x8ff0
        ljmp    $0x50, $0x8000
v32_real_back:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        mov     %eax, %ss
        mov     1f, %esp
        lidt    2f
        popa
        movzwl  0x8ff4, %eax
        ret
        .bss
1:      .skip   4
2:      .skip   8
        .text

        .code16
        .globl  v32_down, v32_down_end
v32_down:
        mov     $0x58, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     %cr0, %eax
        and     $0x7ffffffe, %eax
        mov     %eax, %cr0
        ljmp    $0, $(3f - v32_down + 0x8000)
3:      xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $0x7ff0, %sp
        lidtl   4f - v32_down + 0x8000
        ljmp    $0, $0x8f00
        .balign 8
4:      .word   0x3ff, 0, 0
        .balign 8
        .set    i, 0
        .rept   128
        .balign 8
        pushw   $i
        jmp     5f
        .set    i, i + 1
        .endr
5:      popw    %cs:0x8ff4
        lgdtl   %cs:0x8ff8
        mov     %cs:0x8ff0, %eax
        mov     %eax, %cr0
        ljmpl   $8, $v32_real_back
v32_down_end:
        .globl  v32_down_stubs
        .set    v32_down_stubs, 4b - v32_down + 8
        .code32
)");
extern "C" const u8 v32_down_stubs[];

void undefined_in_root_real_mode() {
    fresh_area(call);
    gdt[10] = descriptor(0, 0xffff, present | code_readable, 0);
    gdt[11] = descriptor(0, 0xffff, present | data_writable, 0);
    for (const u8* p = v32_down; p < v32_down_end; ++p) byte_at(0x8000 + static_cast<u32>(p - v32_down)) = *p;
    for (u32 i = 0; i < 128; ++i) word_at(4 * i) = 0x8000 + address(v32_down_stubs) + 8 * i;
    word_at(0x8ff8) = (address(gdt) << 16) | (sizeof gdt - 1);
    word_at(0x8ffc) = address(gdt) >> 16;
    place(0x8f00, {0x90});
    check_equal("3/real mode of root: a NOP", v32_real_vector(), 0x40);
    place(0x8f00, {0x0f, 0x04, 0xc0});
    check_equal("3/V32ENTER in root's real mode: #UD", v32_real_vector(), vector::UD);
    place(0x8f00, {0x0f, 0x04, 0xc1});
    check_equal("3/V32CALL in root's real mode: #UD", v32_real_vector(), vector::UD);
}

// --- Third bytes and prefixes

void other_third_bytes() {
    for (u32 third = 0; third < 256; ++third) {
        if (third == 0xc0 || third == 0xc1) continue;
        Code code = place(code_page, {0x0f, 0x04, third});
        expect_fault("3/0F 04 with another third byte in root: #UD", in_ring(0, code), vector::UD);
        ControlArea& area = fresh_area(code);
        expect_exit("3/0F 04 with another third byte in V32 mode: #UD", area, wanted_fault(area, vector::UD, 3));
    }
}

void prefixes() {
    for (u32 prefix : {0x66u, 0x67u, 0xf2u, 0xf3u, 0x26u, 0x2eu, 0x36u, 0x3eu, 0x64u, 0x65u}) {
        ControlArea* area = &fresh_area(place(code_page, {prefix, 0x0f, 0x04, 0xc1}));
        expect_exit("3/V32CALL: another prefix than LOCK is ignored", *area, wanted(*area, Reason::V32CALL, 4));
        area = &fresh_area(place(code_page, {prefix, 0x0f, 0x04, 0xc0}));
        expect_exit("3/V32ENTER in V32 mode: another prefix than LOCK is ignored", *area,
                    wanted(*area, Reason::V32ENTER, 4));
        area = &fresh_area(call);
        Registers vmm = vmm_registers();
        vmm.eip = address(place(code_page, {prefix, 0x0f, 0x04, 0xc0}));
        const Event event = run(*area, vmm);
        Check check("3/V32ENTER in root: another prefix than LOCK is ignored");
        check.equal("vector", event.vector, V32_VECTOR_VT);
        check.equal("EIP", event.eip, vmm.eip + 4);
        check.equal("saved EIP", area->vmm.eip, vmm.eip + 4);
    }
    ControlArea* area = &fresh_area(
        place(code_page, {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0f, 0x04, 0xc1}));
    expect_exit("3/V32CALL of 15 bytes", *area, wanted(*area, Reason::V32CALL, 15));
    area = &fresh_area(place(
        code_page, {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0f, 0x04, 0xc1}));
    run(*area);
    Check check("3/V32CALL of 16 bytes: #GP");
    check.equal("reason", area->exit.exit_reason, static_cast<u32>(Reason::EXCEPTION));
    check.equal("event", area->exit.event, exception_event(vector::GP));
    check.equal("error code", area->exit.event_error_code, 0);
}

void lock() {
    ControlArea* area = &fresh_area(lock_enter);
    expect_exit("3/LOCK V32ENTER in V32 mode: #UD", *area, wanted_fault(*area, vector::UD, 4));
    area = &fresh_area(lock_call);
    expect_exit("3/LOCK V32CALL in V32 mode: #UD", *area, wanted_fault(*area, vector::UD, 4));
}

// --- The third byte's own fetch

constexpr u32 next_page = scratch + 0x2000;

void third_byte_absent() {
    for (bool with_lock : {false, true}) {
        const u32 at = next_page - (with_lock ? 3 : 2);
        Code code = with_lock ? place(at, {0xf0, 0x0f, 0x04, 0xc1}) : place(at, {0x0f, 0x04, 0xc1});
        const char* name = with_lock ? "3/LOCK and the third byte's page absent: #PF comes first"
                                     : "3/the third byte's page absent: #PF comes first";
        for (u32 ring : {0u, 3u}) {
            ControlArea& area = fresh_area(code, ring);
            guest_page(next_page) = 0;
            Wanted w = wanted_fault(area, vector::PF, 0, ring ? u32{page_user} : 0);
            w.qualification_value = next_page;
            expect_exit(name, area, w);
        }
        root_page(next_page) &= ~u32{page_present};
        invalidate(next_page);
        const Event event = expect_fault(name, in_ring(3, code), vector::PF, page_user);
        static_cast<void>(event);
        expect_fault(name, in_ring(0, code), vector::PF, 0);
        check_equal(name, cr2(), next_page);
        root_page(next_page) |= page_present;
    }
    ControlArea& area = fresh_area(place(next_page - 2, {0x0f, 0x04, 0xc1}));
    area.guest.segment[CS].limit = next_page - 1;
    expect_exit("3/the third byte past CS's limit: #GP comes first", area, wanted_fault(area, vector::GP, 0, 0));
}

// --- In V32 mode

void in_the_mode() {
    for (u32 ring = 0; ring < 4; ++ring) {
        ControlArea* area = &fresh_area(call, ring);
        expect_exit("3/V32CALL exits at any CPL", *area, wanted(*area, Reason::V32CALL, 3));
        check_equal("3/V32CALL: the VMM looks at cpl", area->guest.cpl, ring);
        area = &fresh_area(enter_v32, ring);
        if (ring)
            expect_exit("3/V32ENTER in V32 mode, ring 1 to 3: #UD", *area, wanted_fault(*area, vector::UD, 3));
        else
            expect_exit("3/V32ENTER in V32 mode, ring 0: exits", *area, wanted(*area, Reason::V32ENTER, 3));
    }
    ControlArea* area = &fresh_v86(call);
    expect_exit("3/V32CALL exits in V86 mode", *area, wanted(*area, Reason::V32CALL, 3));
    area = &fresh_real(call);
    expect_exit("3/V32CALL exits in paged real mode", *area, wanted(*area, Reason::V32CALL, 3));
    area = &fresh_v86(enter_v32);
    expect_exit("3/V32ENTER in V32 mode, V86: #UD", *area, wanted_fault(*area, vector::UD, 3));
    area = &fresh_real(enter_v32);
    expect_exit("3/V32ENTER in V32 mode, PE=0: #UD", *area, wanted_fault(*area, vector::UD, 3));
    area = &fresh_area(enter_v32, 3);
    give_event(*area, vector::UD);
    expect_exit("3/V32ENTER's #UD is the guest's own", *area,
                delivered(*area, {.vector = vector::UD, .more_flags = RF}));
    area = &fresh_area(call);
    area->guest.cr0 |= TS | EM | MP;
    expect_exit("3/V32CALL does not depend on TS and EM", *area, wanted(*area, Reason::V32CALL, 3));
}

} // namespace

void v32_tests() {
    undefined_in_root();
    undefined_in_root_real_mode();
    other_third_bytes();
    prefixes();
    lock();
    third_byte_absent();
    in_the_mode();
}
