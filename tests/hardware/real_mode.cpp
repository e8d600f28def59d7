// The real-mode set: run from CS:IP until a HLT has retired.
#include "tests/hardware/runner.hpp"

#include "cpu/segmentation.hpp"

namespace truering {

namespace {

struct SegmentName {
    const char* name;
    SegmentIndex index;
};
constexpr SegmentName segments[] = {{"ES", seg_ES}, {"CS", seg_CS}, {"SS", seg_SS}, {"DS", seg_DS}};

struct RegisterName {
    const char* name;
    Gpr index;
};
constexpr RegisterName registers[] = {{"AX", reg_EAX}, {"CX", reg_ECX}, {"DX", reg_EDX}, {"BX", reg_EBX},
                                      {"SP", reg_ESP}, {"BP", reg_EBP}, {"SI", reg_ESI}, {"DI", reg_EDI}};

// A 286 in real mode keeps FLAGS bits 12 to 15 clear; later processors do not.
constexpr u32 compared_flags = 0x0FFF;
constexpr u64 instruction_limit = 200'000; // a REP of 65,535 iterations, and a handler

} // namespace

RealModeRunner::RealModeRunner() : machine_(*find_cpu_model("i486"), u64{16} << 20) {}

void RealModeRunner::load(const moo::Test& test) {
    Cpu& cpu = machine_.cpu;
    cpu.reset();
    for (const auto& [address, value] : test.initial.ram) machine_.memory.write({address}, value, 1);
    for (const SegmentName& s : segments)
        load_segment_real(cpu, s.index, static_cast<u16>(test.initial.registers.at(s.name)));
    for (const RegisterName& r : registers) cpu.gpr[r.index] = test.initial.registers.at(r.name);
    cpu.eip = test.initial.registers.at("IP");
    cpu.idtr = {0, 0x3FF};
    cpu.set_eflags(test.initial.registers.at("FLAGS"), compared_flags);
}

std::string RealModeRunner::compare(const moo::File& file, const moo::Test& test) {
    Cpu& cpu = machine_.cpu;
    Comparison c;
    const auto expected = [&](const char* name) {
        const auto changed = test.final.registers.find(name);
        return changed != test.final.registers.end() ? changed->second : test.initial.registers.at(name);
    };
    const u32 flag_mask = compared_flags & mask_of(file, test, "FLAGS");
    for (const RegisterName& r : registers) c.check(r.name, cpu.reg<u16>(r.index), expected(r.name), 0xFFFF);
    for (const SegmentName& s : segments) c.check(s.name, cpu.segment[s.index].selector, expected(s.name), 0xFFFF);
    c.check("IP", cpu.eip & 0xFFFF, expected("IP"), 0xFFFF);
    c.check("FLAGS", cpu.eflags(), expected("FLAGS"), flag_mask);
    // An exception's pushed FLAGS word has undefined flags too. (The data's address of it is that of the bus cycle: one
    // less than the word's if that is odd.)
    const u32 sp = test.initial.registers.at("SP");
    const u32 pushed = test.initial.registers.at("SS") * 16 + ((sp - 2) & 0xFFFF);
    for (const auto& [address, value] : test.final.ram) {
        u32 mask = 0xFF;
        if (test.exception && address == pushed) mask = flag_mask & 0xFF;
        if (test.exception && address == pushed + 1) mask = flag_mask >> 8;
        c.check("byte at " + hex(address), machine_.memory.read({address}, 1), value, mask);
    }
    return c.differences;
}

std::string RealModeRunner::run(const moo::File& file, const moo::Test& test) {
    load(test);
    const RunResult result = machine_.cpu.run(instruction_limit);
    const std::string differences =
        result.reason == StopReason::Halted ? compare(file, test) : std::string(" did not reach a HLT");
    for (const auto* ram : {&test.initial.ram, &test.final.ram})
        for (const auto& [address, value] : *ram) machine_.memory.write({address}, 0, 1);
    return differences;
}

} // namespace truering
