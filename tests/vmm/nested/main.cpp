// The lower VMM's own world: tables, words, the loop.
#include "tests/vmm/nested/nested.hpp"

extern "C" {
extern const char arrived[], arrived_NMI[];
void nested_main();
[[noreturn]] void own_fault(truering::u32 word, truering::u32 next_word);
}

namespace nested {

alignas(4096) ControlArea upper_area, inner_area;
Visible visible;
Counters counters;

namespace {

alignas(8) u64 idt[256];
alignas(4096) u32 directory[1024]; // one to one, 4-MiB pages: the lower VMM's, and the upper's while it has no paging

void out8(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
u8 in8(u16 port) {
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void load_idt() {
    const auto gate_to = [](const char* code) {
        const auto handler = reinterpret_cast<u32>(code);
        return u64{(handler & 0xFFFF'0000) | 0x8E00} << 32 | 8u << 16 | (handler & 0xFFFF);
    };
    for (u64& gate : idt) gate = gate_to(arrived);
    idt[2] = gate_to(arrived_NMI);
    struct [[gnu::packed]] {
        u16 limit;
        u32 base;
    } const register_value{sizeof idt - 1, reinterpret_cast<u32>(idt)};
    asm volatile("lidt %0" : : "m"(register_value));
}

void start_paging() {
    constexpr u32 large_page = 4u << 20, present_writable_user_large = 0x87, PSE = 1u << 4, PG = 1u << 31;
    for (u32 n = 0; n < 1024; ++n) directory[n] = n * large_page | present_writable_user_large;
    asm volatile("mov %0, %%cr4\n\tmov %1, %%cr3\n\tmov %2, %%cr0"
                 :
                 : "r"(PSE), "r"(directory), "r"(PG | 0x31)
                 : "memory");
}

// By an NMI from the local APIC to itself (SDM volume 3A, 10.6.1).
void block_NMI() {
    constexpr u32 interrupt_command = 0xFEE0'0300, NMI_to_self = 0x4'4400;
    *reinterpret_cast<volatile u32*>(interrupt_command) = NMI_to_self;
}

} // namespace

u32 identity_directory() { return reinterpret_cast<u32>(directory); }

void say(const char* text) {
    for (; *text != 0; ++text) {
        while ((in8(0x3FD) & 0x20) == 0) {
        }
        out8(0x3F8, static_cast<u8>(*text));
    }
}

void say_decimal(u32 value) {
    if (value >= 10) say_decimal(value / 10);
    const char digit[] = {static_cast<char>('0' + value % 10), 0};
    say(digit);
}

void give_up(const char* why) {
    say("FAIL the lower VMM: ");
    say(why);
    say("\n");
    out8(0xF4, 1);
    for (;;) asm volatile("cli; hlt");
}

} // namespace nested

void own_fault(truering::u32 word, truering::u32 next_word) {
    nested::say_decimal(word);
    nested::say(" ");
    nested::say_decimal(next_word);
    nested::give_up(" on its stack: an exception of its own");
}

void nested_main() {
    using namespace nested;
    load_idt();
    start_paging();
    block_NMI();
    start_upper();
    for (;;) {
        show_registers();
        if (try_wrmsr(msr_V32_VCA, reinterpret_cast<u32>(&upper_area) | V32_VCA_ENABLE, 0) == 0) give_up("no V32 mode");
        if (enter_guest() == 0) give_up("the upper VMM's record is refused");
        handle_upper_exit();
    }
}
