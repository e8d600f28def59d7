// A guest that probes its VMM: does Ringmaster show where it must not, and hide what it must? Says PASS or FAIL for
// each question on COM1, resets itself in every way it knows, and asks again in each of its lives. Ends by powering
// off.
//
// The life's number is kept where neither reset nor firmware touches it: in memory at 6 MiB.
#include "base/types.hpp"
#include "vmm/hypercall.h"

#include "tests/guests/probe/probe.hpp"

namespace {

using namespace probe;

constexpr u32 no_exception = ~0u, NMI = 2, UD = 6, GP = 13;

// ---- The memory map

struct Entry {
    u64 base, length;
    u32 type;
} __attribute__((packed));
static_assert(sizeof(Entry) == 20);

constexpr u32 map_most = 24;
constexpr u32 mebibyte = 1u << 20;

// Where a VMM may hide: reserved, between RAM and RAM.
Entry find_hidden(const Entry* map) {
    for (u32 n = 1; n + 1 < map_most; ++n) {
        const Entry& e = map[n];
        if (e.type == 2 && map[n - 1].type == 1 && map[n - 1].base + map[n - 1].length == e.base &&
            e.base >= mebibyte && map[n + 1].type == 1)
            return e;
    }
    return {};
}

u32 ram_from(const Entry* map, u32 base) {
    for (u32 n = 0; n < map_most; ++n)
        if (map[n].type == 1 && map[n].base <= base && base < map[n].base + map[n].length)
            return static_cast<u32>(map[n].base + map[n].length) - base;
    return 0;
}

u32 smaller(u32 a, u32 b) { return a < b ? a : b; }

bool same_map(const Entry* a, const Entry* b) {
    for (u32 n = 0; n < map_most; ++n)
        if (a[n].base != b[n].base || a[n].length != b[n].length || a[n].type != b[n].type) return false;
    return true;
}

void probe_map(const Entry& hidden) {
    const auto* const map = reinterpret_cast<const Entry*>(map_by_INT);
    check("a range of RAM is reserved", hidden.length >= 4 * mebibyte && hidden.length <= 16 * mebibyte);
    check("the map by a far call into the BIOS is the same",
          same_map(map, reinterpret_cast<const Entry*>(map_by_far_call)));
    check("the map by a handler in front of the BIOS is the same",
          same_map(map, reinterpret_cast<const Entry*>(map_by_chain)) && handler_calls != 0);
    constexpr u16 IF = 0x200;
    check("INT 15H leaves IF alone", (flags_with_IF & IF) != 0);
    check("a far call leaves IF alone", (flags_without_IF & IF) == 0);
    const u32 low = smaller(ram_from(map, mebibyte), 15 * mebibyte) / 1024;
    check("E801H counts as far as the range", size_low == low && size_high == ram_from(map, 16 * mebibyte) / 65536);
    check("88H counts as far as the range", size_88 == smaller(ram_from(map, mebibyte) / 1024, 0xFC00));
    check("other functions of INT 15H are the BIOS's", configuration >> 16 == 0xF000);
    check("other functions by a far call are the BIOS's", configuration == configuration_by_far_call);
}

// ---- The range itself

bool is_empty(u32 base, u32 size) {
    for (u32 at = base; at < base + size; at += 0x10000 + 4)
        if (*reinterpret_cast<volatile u32*>(at) != ~0u) return false;
    return true;
}

void scribble(u32 base, u32 size) {
    for (u32 at = base; at < base + size; at += 4096) *reinterpret_cast<volatile u32*>(at) = 0xDEAD'BEEF;
}

void probe_range(const char* name, const Entry& hidden) {
    const u32 base = static_cast<u32>(hidden.base), size = static_cast<u32>(hidden.length);
    bool empty = is_empty(base, size);
    if (empty) scribble(base, size); // a VMM that can be reached would not survive: it need not be tried
    empty = empty && is_empty(base, size);
    check(name, empty);
}

// ---- The processor

void probe_CPUID() {
    const Cpuid one = cpuid(1);
    check("CPUID does not tell of V32 mode", (one.edx & 1u << 20) == 0);
    check("CPUID does not tell of a hypervisor", (one.ecx & 1u << 31) == 0);
    const Cpuid name = cpuid(RINGMASTER_CPUID_LEAF);
    check("leaf 40000000H tells of Ringmaster", name.ebx == RINGMASTER_SIGNATURE_EBX &&
                                                    name.ecx == RINGMASTER_SIGNATURE_ECX &&
                                                    name.edx == RINGMASTER_SIGNATURE_EDX);
}

u32 with_operand(Code code, u32 value) {
    operand = value;
    return attempt(code);
}

void probe_secrets() {
    constexpr u32 secret[] = {0x3200, 0x3201};
    for (const u32 msr : secret) {
        check("RDMSR of V32 mode", with_operand(do_RDMSR, msr) == GP);
        check("WRMSR of V32 mode", with_operand(do_WRMSR, msr) == GP);
    }
    check("RDMSR of nothing", with_operand(do_RDMSR, 0x1234'5678) == GP);
    check("V32ENTER", attempt(do_V32ENTER) == UD);
}

void probe_control_registers() {
    const u32 cr0 = read_cr0(), cr4 = read_cr4();
    constexpr u32 PG = 1u << 31, CD = 1u << 30, NW = 1u << 29, TS = 8, PE = 1;
    check("CR0 shows no paging", (cr0 & (PG | PE)) == PE);
    check("CR4 shows nothing of V32 mode and of PAE", (cr4 & (1u << 15 | 1u << 5)) == 0);
    check("CR4[15]", with_operand(do_CR4, cr4 | 1u << 15) == GP);
    check("CR4[20]", with_operand(do_CR4, cr4 | 1u << 20) == GP);
    check("CR0.PG without PE", with_operand(do_CR0, (cr0 & ~PE) | PG) == GP);
    check("CR0.NW without CD", with_operand(do_CR0, (cr0 & ~CD) | NW) == GP);
    check("nothing of it has stayed", read_cr0() == cr0 && read_cr4() == cr4);
    check("CR0.TS", with_operand(do_CR0, cr0 | TS) == no_exception && (read_cr0() & TS) != 0);
    asm volatile("clts");
    check("CLTS", read_cr0() == cr0);
    u32 status = 0;
    asm volatile("smsw %0" : "=r"(status));
    check("SMSW", status == cr0);
    asm volatile("lmsw %w0" : : "r"(status | TS));
    check("LMSW", read_cr0() == (cr0 | TS));
    asm volatile("lmsw %w0" : : "r"(0));
    check("LMSW does not clear PE", (read_cr0() & (PE | TS)) == PE);
    check("SMSW in real mode",
          (machine_status & 0xFFFF) == (machine_status_in_memory & 0xFFFFu) && (machine_status & (PG | PE)) == 0);
    check("INVD and WBINVD", attempt(do_INVD) == no_exception && attempt(do_WBINVD) == no_exception);
}

void probe_time() {
    operand = 0x10;
    attempt(do_WRMSR);
    const u64 after = rdtsc();
    check("the time-stamp counter begins where it is told", after < 1'000'000);
    check("RDMSR of it agrees", with_operand(do_RDMSR, 0x10) == no_exception && rdtsc() > after);
}

// Is as after RESET in every life, and spoilt at each one's end.
void probe_APIC_base() {
    constexpr u32 APIC = 1u << 9;
    const bool on = (cpuid(1).edx & APIC) != 0;
    check("the local APIC is enabled", on);
    attempt(do_nested_NMI);
    check("an NMI waits for the end of another", nmi_count == 2 && nmi_count_inside == 1);
    check("an NMI arrives", attempt(do_NMI) == NMI);
    operand = 0x1B;
    if (attempt(do_WRMSR) == GP) return; // base 0, disabled; processors before the P6 do not have the register
    check("and can be disabled", (cpuid(1).edx & APIC) == 0);
}

void probe_calls() {
    u32 edx = 0;
    check("V32CALL: version", vmm_call(RINGMASTER_GET_VERSION, 0, &edx) == RINGMASTER_VERSION);
    check("V32CALL: no such call", vmm_call(0x524D'FFFF, 0, &edx) == RINGMASTER_NO_SUCH_CALL);
    constexpr u32 reason_CPUID = 8;
    const u32 before = vmm_call(RINGMASTER_COUNT_EXITS, reason_CPUID, &edx);
    const u32 all = edx;
    (void)cpuid(0);
    check("V32CALL: exits are counted", vmm_call(RINGMASTER_COUNT_EXITS, reason_CPUID, &edx) == before + 1);
    check("V32CALL: all exits are counted", edx == all + 2);
}

void probe_ports() {
    check("INS from a watched port", port_92_by_string[0] == port_92 && port_92_by_string[1] == port_92);
    const u8 status = in8(0x64);
    u8 by_string = 0;
    asm volatile("insb" : : "D"(&by_string), "d"(0x64) : "memory");
    check("INS from a watched port, 32 bits", by_string == status);
}

void probe_paging(const Entry& hidden) {
    map_all_to_itself(Format::Bits32);
    probe_range("with paging, the range is an empty socket", hidden);
    stop_paging();
    constexpr u32 PAE = 1u << 6;
    if ((cpuid(1).edx & PAE) == 0) return;
    map_all_to_itself(Format::PAE);
    probe_range("with PAE paging, the range is an empty socket", hidden);
    stop_paging();
}

// ---- Lives

u32& life() { return *reinterpret_cast<u32*>(6 * mebibyte); }
u32& life_check() { return *reinterpret_cast<u32*>(6 * mebibyte + 4); }

[[noreturn]] void next_life() {
    constexpr u32 sleeps_for_ever = 100'000'000;
    const u32 number = life()++;
    life_check() = ~life();
    switch (number) {
    case 1: out8(0x64, 0xFE); break;
    case 2: triple_fault(); break;
    case 3: out8(0x92, static_cast<u8>(in8(0x92) | 1)); break;
    case 4:
        out8(0xCF9, 2);
        out8(0xCF9, 6);
        break;
    case 5:
        out8(0x64, 0xD1);
        out8(0x60, 0xDE);
        break;
    default: power_off(); break;
    }
    for (u32 n = 0; n < sleeps_for_ever; ++n) asm volatile("pause");
    say("FAIL still in the same life\n");
    power_off();
}

} // namespace

extern "C" void probe_main() {
    load_idt();
    if (life_check() != ~life()) life() = 1;
    life_check() = ~life();
    say("Life ");
    say_number(life());
    say("\n");
    const Entry hidden = find_hidden(reinterpret_cast<const Entry*>(map_by_INT));
    probe_map(hidden);
    probe_range("the range is an empty socket", hidden);
    probe_CPUID();
    probe_secrets();
    probe_control_registers();
    probe_time();
    probe_calls();
    probe_ports();
    probe_paging(hidden);
    probe_devices(static_cast<u32>(hidden.base), static_cast<u32>(hidden.length));
    probe_APIC_base();
    next_life();
}
