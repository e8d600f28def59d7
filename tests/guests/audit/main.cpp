// The audit: a kernel executes the 17 sensitive instructions of IA-32 that are not privileged, and looks whether each
// shows what a kernel expects.
//
// Without V32 mode a monitor in this image runs the kernel in ring 3, as a VMM by ring deprivileging would. What traps,
// the monitor could make good; what does not trap and shows something else than the kernel expects, it never learns of:
// a hole. With UMIP in the processor the monitor uses it. Under Ringmaster the kernel runs in ring 0, as it means to;
// then every instruction must be right, and the account tells which of them left V32 mode for that.
//
// One line an instruction, for machines; then a verdict. `nothing` and the controls (privileged instructions) show that
// the measure itself is right.
#include "tests/guests/audit/account.hpp"
#include "tests/guests/audit/cpuid.hpp"
#include "tests/guests/audit/output.hpp"
#include "tests/guests/audit/selectors.h"
#include "tests/guests/audit/tables.hpp"

extern "C" {
void enter_probe(void (*probe)(), truering::u32 cs, truering::u32 ss, truering::u32 eflags);
extern truering::u32 probe_result, probe_vector, probe_error_code;
#define PROBE(name) void probe_##name();
PROBE(nothing)
PROBE(SGDT)
PROBE(SIDT)
PROBE(SLDT) PROBE(STR) PROBE(SMSW) PROBE(PUSHF) PROBE(POPF) PROBE(LAR) PROBE(LSL) PROBE(VERR) PROBE(VERW) PROBE(POP)
    PROBE(PUSH) PROBE(MOV) PROBE(CALL) PROBE(JMP) PROBE(RET) PROBE(INT) PROBE(CLI) PROBE(LGDT) PROBE(MOV_CR0)
#undef PROBE
}

namespace audit {

namespace {

constexpr u32 vector_GP = 13;
constexpr u32 is_GP = 0xFFFF'FFFF; // as a value
enum class Kind { Control, Sensitive };

struct Probe {
    const char* name;
    void (*code)();
    Kind kind;
    u32 kernel_eflags;      // as the kernel has left them
    u32 expected;           // in EAX
    u32 (*expected_base)(); // or this
    const char* meaning;    // of what it shows
};

constexpr Probe probes[] = {
    {"SGDT", probe_SGDT, Kind::Sensitive, 0, 0, kernel_gdt_base, "the GDT's base"},
    {"SIDT", probe_SIDT, Kind::Sensitive, 0, 0, kernel_idt_base, "the IDT's base"},
    {"SLDT", probe_SLDT, Kind::Sensitive, 0, KERNEL_LDT, nullptr, "the LDT's selector"},
    {"STR", probe_STR, Kind::Sensitive, 0, KERNEL_TSS, nullptr, "the TSS's selector"},
    {"SMSW", probe_SMSW, Kind::Sensitive, 0, kernel_CR0, nullptr, "CR0[15:0]"},
    {"PUSHF", probe_PUSHF, Kind::Sensitive, 0, 0, nullptr, "IF, which the kernel has cleared"},
    {"POPF", probe_POPF, Kind::Sensitive, EFLAGS_IF, 0, nullptr, "IF, just cleared by POPF"},
    {"LAR", probe_LAR, Kind::Sensitive, 0, private_rights, nullptr, "rights of a ring 0 segment"},
    {"LSL", probe_LSL, Kind::Sensitive, 0, private_limit, nullptr, "limit of a ring 0 segment"},
    {"VERR", probe_VERR, Kind::Sensitive, 0, 1, nullptr, "may a ring 0 segment be read?"},
    {"VERW", probe_VERW, Kind::Sensitive, 0, 1, nullptr, "may a ring 0 segment be written?"},
    {"POP", probe_POP, Kind::Sensitive, 0, is_GP, nullptr, "#GP for SS of ring 3; or SS"},
    {"PUSH", probe_PUSH, Kind::Sensitive, 0, KERNEL_CODE, nullptr, "CS"},
    {"MOV", probe_MOV, Kind::Sensitive, 0, KERNEL_DATA, nullptr, "SS"},
    {"CALL", probe_CALL, Kind::Sensitive, 0, KERNEL_CODE, nullptr, "CS that a far call pushes"},
    {"JMP", probe_JMP, Kind::Sensitive, 0, KERNEL_CODE, nullptr, "CS after a far jump"},
    {"RET", probe_RET, Kind::Sensitive, 0, 1, nullptr, "ring 3's stack after a far return?"},
    {"INT", probe_INT, Kind::Sensitive, 0, 1, nullptr, "the kernel's own handler?"},
    {"CLI", probe_CLI, Kind::Control, EFLAGS_IF, 0, nullptr, ""},
    {"LGDT", probe_LGDT, Kind::Control, 0, 0, nullptr, ""},
    {"MOV-CR0", probe_MOV_CR0, Kind::Control, 0, kernel_CR0, nullptr, ""},
};

u32 expected_of(const Probe& probe) { return probe.expected_base != nullptr ? probe.expected_base() : probe.expected; }

const char* setting;
u32 sensitive, trapped, wrong, exiting;

void say_value(u32 value) {
    if (value == is_GP)
        say("#GP     ");
    else
        say(Hex{value, 8});
}

void report(const Probe& probe, const char* outcome, u32 seen, u32 reason) {
    say("AUDIT ", Column{setting, 11}, Column{probe.name, 8}, Column{outcome, 6}, "sees ");
    say_value(seen);
    say(" expects ");
    say_value(expected_of(probe));
    if (reason != 0) say(" exit ", reason_name(reason));
    if (probe.kind == Kind::Sensitive) say(" ", probe.meaning);
    say("\r\n");
}

void count(const Probe& probe, u32& counter) {
    if (probe.kind == Kind::Sensitive) ++counter;
}

// What the kernel's own #GP is to a kernel in ring 0, is to the monitor a trap.
void run_deprivileged(const Probe& probe) {
    enter_probe(probe.code, KERNEL_CODE | RPL_USER, KERNEL_DATA | RPL_USER, EFLAGS_fixed | EFLAGS_IF);
    count(probe, sensitive);
    if (probe_vector == vector_GP) {
        count(probe, trapped);
        report(probe, "traps", is_GP, 0);
        return;
    }
    const bool right = probe_vector == VECTOR_DONE && probe_result == expected_of(probe);
    if (!right) count(probe, wrong);
    report(probe, right ? "right" : "WRONG", probe_vector == VECTOR_DONE ? probe_result : 0, 0);
}

void enter_in_ring_0(const Probe& probe) {
    enter_probe(probe.code, KERNEL_CODE, KERNEL_DATA, EFLAGS_fixed | probe.kernel_eflags);
    asm volatile("cli");
    if (probe_vector == vector_GP) probe_result = is_GP;
}

// The second run counts: in the first one the VMM may have had to fill its page tables.
void run_in_ring_0(const Probe& probe) {
    constexpr Probe nothing{"", probe_nothing, Kind::Control, 0, 0, nullptr, ""};
    for (u32 run = 0; run < 2; ++run) {
        Probe idle = nothing;
        idle.kernel_eflags = probe.kernel_eflags;
        const Exits idle_before = Exits::now();
        enter_in_ring_0(idle);
        const Exits idle_after = Exits::now();
        const Exits before = Exits::now();
        enter_in_ring_0(probe);
        const Exits after = Exits::now();
        if (run == 0) continue;
        const u32 reason = after.reason_since(before, idle_before, idle_after);
        const bool done = probe_vector == VECTOR_DONE || probe.expected == is_GP;
        const bool right = done && probe_result == expected_of(probe);
        count(probe, sensitive);
        if (!right) count(probe, wrong);
        if (reason != 0) count(probe, exiting);
        report(probe, right ? "right" : "WRONG", probe_result, reason);
    }
}

// CPUID leaf 7 says whether the processor has UMIP; CR4[11] turns it on.
bool use_umip() {
    constexpr u32 leaf_7_UMIP = 1 << 2, CR4_UMIP = 1 << 11;
    if (cpuid(0).eax < 7 || (cpuid(7).ecx & leaf_7_UMIP) == 0) return false;
    u32 cr4 = 0;
    asm volatile("mov %%cr4, %0; or %1, %0; mov %0, %%cr4" : "=&r"(cr4) : "i"(CR4_UMIP));
    return true;
}

void audit_ring_3() {
    setting = use_umip() ? "ring3+umip" : "ring3";
    say("The kernel runs in ring 3, where a monitor in ring 0 has put it.\r\n");
    load_monitor_tables();
    for (const Probe& probe : probes) run_deprivileged(probe);
    say("AUDIT-SUM ", setting, " sensitive ", sensitive, " trap ", trapped, " wrong ", wrong, "\r\n");
    say(wrong, " of ", sensitive,
        " sensitive instructions show the kernel something wrong, and no monitor can help it.\r\n");
}

void audit_ring_0() {
    setting = "ringmaster";
    say("The kernel runs in ring 0, as it means to, in V32 mode under Ringmaster.\r\n");
    for (const Probe& probe : probes) run_in_ring_0(probe);
    say("AUDIT-SUM ", setting, " sensitive ", sensitive, " trap 0 wrong ", wrong, " exits ", exiting, "\r\n");
    say(sensitive - wrong, " of ", sensitive, " sensitive instructions show what the kernel expects; ", exiting,
        " of them left V32 mode for that.\r\n");
}

} // namespace

extern "C" void audit_main() {
    start_output();
    load_kernel_tables();
    if (under_ringmaster())
        audit_ring_0();
    else
        audit_ring_3();
    power_off();
}

} // namespace audit
