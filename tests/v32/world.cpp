// The two worlds of a test: root's address space, and all that a guest needs, built anew for each check.
//
// Root maps one to one what the guest maps one to one, so a test reads the guest's memory in place. The guest's
// descriptors have their accessed bits set, so that a check of its tables finds them as they were built.
#include "tests/v32/harness.hpp"

extern "C" {
extern const proof::u8 v32_guest_handlers[];
}

namespace proof {

u64 guest_gdt[gdt_slots] __attribute__((aligned(8)));
u64 guest_idt[256] __attribute__((aligned(8)));
Tss32 guest_tss __attribute__((aligned(4096)));
u32 guest_directory[1024] __attribute__((aligned(4096)));
u32 root_directory[1024] __attribute__((aligned(4096)));

namespace {

constexpr u32 tables = scratch_end / 0x400000;
u32 guest_tables[tables][1024] __attribute__((aligned(4096)));
u32 root_tables[tables][1024] __attribute__((aligned(4096)));
u8 guest_stacks[4][4096] __attribute__((aligned(4096)));
u8 inner_stack[4096] __attribute__((aligned(4096)));
ControlArea the_area __attribute__((aligned(4096)));

constexpr u32 page_all = page_present | page_writable | page_user;

void map_one_to_one(u32 (&directory)[1024], u32 (&pages)[tables][1024]) {
    for (u32 i = 0; i < 1024; ++i) directory[i] = 0;
    for (u32 i = 0; i < tables; ++i) directory[i] = address(pages[i]) | page_all;
    for (u32 page = 0; page < tables * 1024; ++page) pages[page / 1024][page % 1024] = page << 12 | page_all;
}

void fill_tables() {
    for (u64& entry : guest_gdt) entry = 0;
    for (u32 ring = 0; ring < 4; ++ring) {
        guest_gdt[1 + 2 * ring] = descriptor(0, 0xfffff, present | code_readable | 1 | dpl(ring), bits32 | pages);
        guest_gdt[2 + 2 * ring] = descriptor(0, 0xfffff, present | data_writable | 1 | dpl(ring), bits32 | pages);
    }
    guest_gdt[tss_selector / 8] = descriptor(address(&guest_tss), sizeof guest_tss - 1, present | tss32_busy, 0);
    for (u32 i = 0; i < 256; ++i) guest_gate(i, present | interrupt_gate32);
    guest_tss = {};
    guest_tss.ss0 = data_selector(0);
    guest_tss.esp0 = guest_inner_stack_top();
    guest_tss.io_map_base = sizeof guest_tss; // no port is open
}

void fill_low_memory(Code code) {
    for (u32 i = 0; i < 256; ++i) {
        word_at(4 * i) = handler_segment << 16 | 4 * i;
        word_at(handler_segment * 16 + 4 * i) = 0x90c1040f;
    }
    const auto* from = reinterpret_cast<const u8*>(address(code));
    for (u32 i = 0; i < 64; ++i) byte_at(code_segment * 16 + i) = from[i];
}

void fill_state(StateRecord& guest) {
    for (u32 i = 0; i < 8; ++i) guest.gpr[i] = 0x1111'1111 * (i + 1);
    guest.eflags = always;
    guest.cr0 = PG | NE | ET | PE;
    guest.cr2 = 0x12345678;
    guest.cr3 = address(guest_directory);
    guest.dr6 = 0xffff0ff0;
    guest.dr7 = 0x400;
    set_segment(guest.segment[LDTR], 0, unusable, 0, 0);
    set_segment(guest.segment[TR], tss_selector, busy_tss, sizeof guest_tss - 1, address(&guest_tss));
    guest.gdtr = {sizeof guest_gdt - 1, address(guest_gdt)};
    guest.idtr = {sizeof guest_idt - 1, address(guest_idt)};
    guest.sysenter_cs = 0x1234;
    guest.sysenter_esp = 0x23456789;
    guest.sysenter_eip = 0x3456789a;
}

ControlArea& blank_area() {
    map_one_to_one(guest_directory, guest_tables);
    fill_tables();
    auto* words = reinterpret_cast<u32*>(&the_area);
    for (u32 i = 0; i < area_size / 4; ++i) words[i] = 0;
    the_area.revision = revision;
    the_area.instruction_error = 0x5a5a5a5a; // preserved by an entry that succeeds
    fill_state(the_area.guest);
    write_msr(msr_V32_VCA, address(&the_area) | V32_VCA_ENABLE);
    return the_area;
}

} // namespace

u32& word_at(u32 address) {
    asm("" : "+r"(address)); // GCC takes a constant address near 0 for a null pointer
    return *reinterpret_cast<u32*>(address);
}

u8& byte_at(u32 address) {
    asm("" : "+r"(address));
    return *reinterpret_cast<u8*>(address);
}

u32& guest_page(u32 linear) { return guest_tables[linear >> 22][linear >> 12 & 1023]; }
u32& root_page(u32 linear) { return root_tables[linear >> 22][linear >> 12 & 1023]; }
u32 guest_stack_top(u32 ring) { return address(guest_stacks[ring]) + sizeof guest_stacks[0] - 64; }
u32 guest_inner_stack_top() { return address(inner_stack) + sizeof inner_stack; }
u32 guest_handler(u32 vector) { return address(v32_guest_handlers) + 4 * vector; }

void guest_gate(u32 vector, u32 access) { guest_idt[vector] = gate(code_selector(0), guest_handler(vector), access); }

void set_segment(SegmentRecord& segment, u32 selector, u32 attributes, u32 limit, u32 base) {
    segment = {static_cast<u16>(selector), static_cast<u16>(attributes), limit, base};
}

ControlArea& fresh_area(Code code, u32 ring) {
    ControlArea& area = blank_area();
    StateRecord& guest = area.guest;
    for (u32 i = ES; i <= GS; ++i)
        set_segment(guest.segment[i], data_selector(ring), flat_data | dpl(ring), 0xffffffff, 0);
    set_segment(guest.segment[CS], code_selector(ring), flat_code | dpl(ring), 0xffffffff, 0);
    guest.cpl = ring;
    guest.eip = address(code);
    guest.gpr[ESP] = guest_stack_top(ring);
    return area;
}

namespace {

ControlArea& segmented(Code code, u32 attributes) {
    ControlArea& area = blank_area();
    fill_low_memory(code);
    StateRecord& guest = area.guest;
    for (u32 i = ES; i <= GS; ++i) set_segment(guest.segment[i], data_segment, attributes, 0xffff, data_segment * 16);
    set_segment(guest.segment[CS], code_segment, attributes, 0xffff, code_segment * 16);
    set_segment(guest.segment[SS], stack_segment, attributes, 0xffff, stack_segment * 16);
    guest.gpr[ESP] = segmented_esp;
    guest.eip = 0;
    return area;
}

} // namespace

ControlArea& fresh_v86(Code code) {
    ControlArea& area = segmented(code, v86_segment);
    area.guest.eflags = VM | always;
    area.guest.cpl = 3;
    return area;
}

ControlArea& fresh_real(Code code) {
    ControlArea& area = segmented(code, real_segment);
    area.guest.cr0 &= ~PE;
    area.guest.idtr = {0x3ff, 0};
    return area;
}

void give_event(ControlArea& area, u32 vector) {
    area.redirect_events[vector / 8] = static_cast<u8>(area.redirect_events[vector / 8] | 1u << vector % 8);
}

void take_event(ControlArea& area, u32 vector) {
    area.redirect_events[vector / 8] = static_cast<u8>(area.redirect_events[vector / 8] & ~(1u << vector % 8));
}

void give_all_events(ControlArea& area) {
    for (u8& byte : area.redirect_events) byte = 0xff;
}

void give_software(ControlArea& area, u32 vector) {
    area.redirect_software[vector / 8] = static_cast<u8>(area.redirect_software[vector / 8] | 1u << vector % 8);
}

u64 read_msr(u32 number) {
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number) : "memory");
    return u64{high} << 32 | low;
}

void write_msr(u32 number, u64 value) {
    asm volatile("wrmsr" : : "c"(number), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)) : "memory");
}

u64 time_stamp() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return u64{high} << 32 | low;
}

void out8(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }

u8 in8(u16 port) {
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void invalidate(u32 linear) { asm volatile("invlpg (%0)" : : "r"(linear) : "memory"); }

// Distinct values wherever root has a register that the guest has, too.
void set_up_root() {
    map_one_to_one(root_directory, root_tables);
    root_directory[0x3fb] = 0xfec00000 | page_large | page_present | page_writable; // I/O APIC and local APIC
    set_cr4(PSE);
    set_cr3(address(root_directory));
    set_cr0(PG | WP | NE | ET | PE);
    write_msr(0x174, 0x2222);
    write_msr(0x175, 0x33333333);
    write_msr(0x176, 0x44444444);
}

} // namespace proof

// An image for a processor without the mode says false.
[[gnu::weak]] bool v32_is_expected() { return true; }

void conformance_tests() {
    proof::set_up_root();
    if (v32_is_expected() && !(conformance::features() & 1u << V32_CPUID_EDX_BIT)) {
        conformance::check("2/CPUID reports V32 mode", false);
        return;
    }
    v32_tests();
}
