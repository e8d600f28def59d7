// Section 2: how the mode is reported and switched on: CPUID, the flag in CR4, the two MSRs, A20, INIT in root.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void rdmsr() { asm("rdmsr; int $0x40"); }
[[gnu::naked]] void wrmsr() { asm("wrmsr; int $0x40"); }
[[gnu::naked]] void mov_to_cr4() { asm("mov %eax, %cr4; int $0x40"); }
[[gnu::naked]] void rsm() { asm("rsm; int $0x40"); }
[[gnu::naked]] void cpuid() { asm("cpuid\n" CALL_VMM); }
[[gnu::naked]] void read_cr4() { asm("mov %cr4, %eax\n" CALL_VMM); }

Registers writing(u32 number, u64 value) {
    Registers r = in_ring(0, wrmsr);
    r.ecx = number;
    r.eax = static_cast<u32>(value);
    r.edx = static_cast<u32>(value >> 32);
    return r;
}

void enumeration() {
    check("2/CPUID.01H:EDX[20] reports the mode", features() >> V32_CPUID_EDX_BIT & 1);
    const u64 cap = read_msr(msr_V32_CAP);
    check_equal("2/V32_CAP[7:0]: revision 1", cap & 0xff, 1);
    check_equal("2/V32_CAP[23:8]: 4096 bytes", cap >> 8 & 0xffff, 4096);
    check_equal("2/V32_CAP[31:24]: 0", cap >> 24 & 0xff, 0);
    check_equal("2/V32_CAP[63:32]: the control bits that may be set", static_cast<u32>(cap >> 32), controls_all);
    expect_fault("2/V32_CAP is read-only", writing(msr_V32_CAP, cap), vector::GP, 0);
    for (const u32 ring : {1u, 3u}) {
        Registers r = in_ring(ring, rdmsr);
        r.ecx = msr_V32_CAP;
        expect_fault("2/RDMSR of V32_CAP needs CPL 0", r, vector::GP, 0);
    }
}

constexpr u32 end_of_RAM = 128 << 20;

void control_area_register(u64 at_reset) {
    check("2/V32_VCA: reset value 0", at_reset == 0);
    write_msr(msr_V32_VCA, scratch);
    check("2/V32_VCA reads back, disabled", read_msr(msr_V32_VCA) == scratch);
    write_msr(msr_V32_VCA, scratch | V32_VCA_ENABLE);
    check("2/V32_VCA reads back, enabled", read_msr(msr_V32_VCA) == (scratch | V32_VCA_ENABLE));
    for (u32 bit = 1; bit < 64; ++bit) {
        if (bit >= 12 && bit < 32) continue;
        for (const u32 enable : {0u, u32{V32_VCA_ENABLE}}) {
            expect_fault("2/V32_VCA: #GP for a reserved bit", writing(msr_V32_VCA, scratch | enable | u64{1} << bit),
                         vector::GP, 0);
            check("2/V32_VCA is unchanged by a refused write", read_msr(msr_V32_VCA) == (scratch | V32_VCA_ENABLE));
        }
    }
    for (const u32 page : {0xa0000u, 0xbf000u, 0xfee00000u, 0xfec00000u, end_of_RAM, 0x80000000u, 0xfff00000u}) {
        expect_fault("2/V32_VCA: #GP to enable a page that is not RAM", writing(msr_V32_VCA, page | V32_VCA_ENABLE),
                     vector::GP, 0);
        write_msr(msr_V32_VCA, page);
        check("2/V32_VCA: disabled, any page", read_msr(msr_V32_VCA) == page);
        write_msr(msr_V32_VCA, scratch | V32_VCA_ENABLE);
    }
    write_msr(msr_V32_VCA, (end_of_RAM - 4096) | V32_VCA_ENABLE);
    check("2/V32_VCA: the last page of RAM", read_msr(msr_V32_VCA) == ((end_of_RAM - 4096) | V32_VCA_ENABLE));
    write_msr(msr_V32_VCA, V32_VCA_ENABLE);
    check("2/V32_VCA: page 0", read_msr(msr_V32_VCA) == V32_VCA_ENABLE);
    write_msr(msr_V32_VCA, 0);
}

u32 read_configuration(u32 device, u32 offset) {
    u32 value = 0x80000000 | device << 11 | offset;
    u16 port = 0xcf8;
    asm volatile("outl %0, %1; mov $0xcfc, %1; inl %1, %0" : "+a"(value), "+d"(port));
    return value;
}

// The frame buffer of a display adapter is memory, but not RAM.
void frame_buffer_is_no_RAM() {
    for (u32 device = 0; device < 32; ++device) {
        if (read_configuration(device, 8) >> 24 != 3) continue; // class: display controller
        const u32 base = read_configuration(device, 0x10) & ~15u;
        if (!base) continue;
        expect_fault("2/V32_VCA: #GP to enable a frame buffer", writing(msr_V32_VCA, base | V32_VCA_ENABLE), vector::GP,
                     0);
        ControlArea& area = fresh_area(call);
        area.io_bitmap = base;
        expect_error("7.1/10 io_bitmap in a frame buffer", area, 10);
        return;
    }
    check("2/V32_VCA: there is a frame buffer to try", false);
}

// The area is where V32_VCA says, wherever that is.
void another_area() {
    ControlArea& area = fresh_area(call);
    auto& other = *reinterpret_cast<ControlArea*>(scratch);
    other = area;
    write_msr(msr_V32_VCA, scratch | V32_VCA_ENABLE);
    expect_exit("2/V32_VCA names the current control area", other, wanted(other, Reason::V32CALL, 3));
    check_equal("2/V32_VCA: the former area is left alone", area.exit.exit_reason, 0);
}

void the_flag() {
    fresh_area(call);
    check_equal("2/CR4.V32 is 0 in root", cr4() & CR4_V32, 0);
    Registers r = in_ring(0, mov_to_cr4);
    r.eax = cr4() | CR4_V32;
    const u32 was = cr4();
    expect_fault("2/MOV CR4 in root that would set CR4.V32: #GP", r, vector::GP, 0);
    check_equal("2/MOV CR4 refused changes nothing", cr4(), was);
    expect_entry("2/CR4.V32: a successful V32ENTER", fresh_area(call));
    check_equal("2/CR4.V32: an exit clears it", cr4() & CR4_V32, 0);
    expect_fault("2/RSM in root: #UD", in_ring(0, rsm), vector::UD);
    ControlArea* area = &fresh_area(rsm);
    expect_exit("2/RSM in V32 mode: #UD", *area, wanted_fault(*area, vector::UD, 2));
}

// What the guest could look for: all of it is the VMM's to answer.
void invisible() {
    ControlArea* area = &fresh_area(cpuid);
    expect_exit("2/the guest cannot see the mode: CPUID exits", *area, wanted(*area, Reason::CPUID, 2));
    area = &fresh_area(read_cr4);
    Wanted w = wanted(*area, Reason::CR_ACCESS, 3);
    w.qualification = cr_MOV_from | 4;
    expect_exit("2/the guest cannot see the mode: MOV from CR4 exits", *area, w);
    check_equal("2/the guest's CR4 shows no V32", area->guest.cr4 & CR4_V32, 0);
    for (const u32 number : {msr_V32_CAP, msr_V32_VCA}) {
        area = &fresh_area(rdmsr);
        area->guest.gpr[ECX] = number;
        expect_exit("2/the guest cannot see the mode: RDMSR exits", *area, wanted(*area, Reason::MSR_READ, 2));
        area = &fresh_area(wrmsr);
        area->guest.gpr[ECX] = number;
        expect_exit("2/the guest cannot leave the mode: WRMSR exits", *area, wanted(*area, Reason::MSR_WRITE, 2));
        area = &fresh_area(rdmsr, 3);
        area->guest.gpr[ECX] = number;
        give_event(*area, vector::GP);
        expect_exit("2/the guest's ring 3 gets its own #GP for RDMSR", *area,
                    delivered(*area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
    }
}

// --- A20. The probe runs below 1 MiB with paging off, as the image itself lies at an odd MiB: gates A20 by both of its
// sources, reads there, opens the gate.

extern "C" {
extern const u8 v32_probe[], v32_probe_end[];
}
asm(R"(
        .globl  v32_probe, v32_probe_end
v32_probe:
        push    %ebx
        push    %esi
        mov     %cr0, %ecx
        mov     %ecx, %ebx
        and     $0x7fffffff, %ebx
        mov     %ebx, %cr0
        mov     $0xdd, %bl                      # output port of the 8042: A20 low
        call    9f
        in      $0x92, %al
        and     $0xfc, %al
        out     %al, $0x92
        mov     0x500000, %esi
        or      $2, %al
        out     %al, $0x92
        mov     $0xdf, %bl
        call    9f
        mov     %esi, %eax
        mov     %ecx, %cr0
        pop     %esi
        pop     %ebx
        ret
9:      in      $0x64, %al
        test    $2, %al
        jnz     9b
        mov     $0xd1, %al
        out     %al, $0x64
8:      in      $0x64, %al
        test    $2, %al
        jnz     8b
        mov     %bl, %al
        out     %al, $0x60
7:      in      $0x64, %al
        test    $2, %al
        jnz     7b
        ret
v32_probe_end:
)");

[[gnu::naked]] void read_odd_mib() { asm("mov 0x500000, %eax\n" CALL_VMM); }

// The stack of the probe is below 1 MiB, too: at an odd MiB it would be gone.
u32 probe() {
    constexpr u32 at = 0x8000, stack = 0x9000;
    for (const u8* p = v32_probe; p < v32_probe_end; ++p) byte_at(at + static_cast<u32>(p - v32_probe)) = *p;
    u32 seen;
    asm volatile("xchg %%esp, %2; call *%1; xchg %%esp, %2"
                 : "=&a"(seen)
                 : "r"(at), "S"(stack)
                 : "ecx", "edx", "memory", "cc");
    return seen;
}

void wait_8042() {
    while (in8(0x64) & 2) {
    }
}

void write_8042(u8 output_port) {
    wait_8042();
    out8(0x64, 0xd1);
    wait_8042();
    out8(0x60, output_port);
    wait_8042();
}

void a20() {
    word_at(0x400000) = 0x0;
    word_at(0x500000) = 0x20202020;
    write_msr(msr_V32_VCA, scratch);
    check_equal("2/A20M# masks bit 20 with V32_VCA.enable=0", probe(), 0);
    write_msr(msr_V32_VCA, scratch | V32_VCA_ENABLE);
    check_equal("2/A20M# is ignored with V32_VCA.enable=1", probe(), 0x20202020);

    ControlArea& area = fresh_area(read_odd_mib);
    const u8 port_92 = in8(0x92);
    write_8042(0xdd);
    out8(0x92, port_92 & 0xfc);
    Wanted w = wanted(area, Reason::V32CALL, 3); // root itself runs at an odd MiB
    w.guest.eip += 5;
    w.guest.gpr[EAX] = 0x20202020;
    expect_exit("2/A20M# is ignored in V32 mode", area, w);
    out8(0x92, static_cast<u8>((port_92 & 0xfe) | 2));
    write_8042(0xdf);
    write_msr(msr_V32_VCA, scratch);
    check_equal("2/A20M# masks again with V32_VCA.enable=0", probe(), 0);
}

// --- INIT in root: by way of the shutdown code 0AH the firmware jumps on through 40:67.

extern "C" {
extern const u8 v32_after_init[], v32_after_init_end[];
void v32_init();
}
asm(R"(
        .text
        .globl  v32_init, v32_init_back
v32_init:
        pusha
        pushf
        mov     %esp, 1f
        sidt    2f
        mov     %cr3, %eax
        mov     %eax, 3f
        mov     %cr4, %eax
        mov     %eax, 3f + 4
        mov     %cr0, %eax
        mov     %eax, 3f + 8
        in      $0x92, %al
        and     $0xfe, %al
        out     %al, $0x92
        or      $1, %al
        out     %al, $0x92
9:      jmp     9b
v32_init_back:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        mov     %eax, %ss
        mov     1f, %esp
        lidt    2f
        mov     3f + 4, %eax
        mov     %eax, %cr4
        mov     3f, %eax
        mov     %eax, %cr3
        mov     3f + 8, %eax
        mov     %eax, %cr0
        popf
        popa
        ret
        .bss
1:      .skip   4
2:      .skip   8
3:      .skip   12
        .text
        .code16
        .globl  v32_after_init, v32_after_init_end
v32_after_init:
        cli
        lgdtl   %cs:0x8ff8
        mov     $1, %eax
        mov     %eax, %cr0
        ljmpl   $8, $v32_init_back
v32_after_init_end:
        .code32
)");

void init_in_root() {
    write_msr(msr_V32_VCA, scratch | V32_VCA_ENABLE);
    for (const u8* p = v32_after_init; p < v32_after_init_end; ++p)
        byte_at(0x8000 + static_cast<u32>(p - v32_after_init)) = *p;
    word_at(0x8ff8) = (address(gdt) << 16) | (sizeof gdt - 1);
    word_at(0x8ffc) = address(gdt) >> 16;
    word_at(0x467) = 0x8000; // 0000:8000
    out8(0x70, 0x0f);
    out8(0x71, 0x0a);
    v32_init();
    load_tr(tss_selector);
    load_ldt(0);
    out8(0x70, 0x0f);
    out8(0x71, 0);
    check("2/INIT in root leaves V32_VCA alone", read_msr(msr_V32_VCA) == (scratch | V32_VCA_ENABLE));
    expect_entry("2/after INIT in root the mode is entered as before", fresh_area(call));
}

} // namespace

void v32_tests() {
    const u64 at_reset = read_msr(msr_V32_VCA);
    enumeration();
    control_area_register(at_reset);
    frame_buffer_is_no_RAM();
    another_area();
    the_flag();
    invisible();
    a20();
    init_in_root();
}
