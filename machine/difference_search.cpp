#include "machine/difference_search.hpp"

#include "cpu/paging.hpp"
#include "decoder/decoder.hpp"
#include "decoder/format.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace truering {

namespace {

constexpr size_t looks_a_pass = 32; // at the memory
constexpr u64 shown_before = 40;    // instructions

// The instruction at CS:EIP, read without side effects.
std::string instruction_text(const Pc& pc) {
    const Cpu& cpu = pc.cpu;
    std::vector<u8> bytes;
    std::string hex;
    for (u32 n = 0; n < max_instruction_length; ++n) {
        const u32 linear = cpu.segment[seg_CS].base + cpu.eip + n;
        u64 physical = linear;
        if (cpu.paging() && !translate_for_debugger(cpu, linear, physical)) break;
        u8 byte = 0;
        pc.memory.peek(Physical{physical & cpu.a20_mask}, {&byte, 1});
        bytes.push_back(byte);
    }
    const Decoded decoded = decode(bytes, cpu.code_size(), cpu.model.features);
    const bool known = decoded.status != DecodeStatus::Truncated && decoded.instruction.length != 0;
    const size_t length = known ? std::min<size_t>(decoded.instruction.length, bytes.size()) : bytes.size();
    for (size_t n = 0; n < length; ++n) hex += fmt::format("{:02X}", bytes[n]);
    return fmt::format("{:04X}:{:08X}  {:22} {}", cpu.segment[seg_CS].selector, cpu.eip, hex,
                       known ? format(decoded.instruction, cpu.eip) : "(not readable)");
}

std::string general_registers(const Cpu& cpu) {
    constexpr const char* names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    std::string text;
    for (size_t n = 0; n < std::size(names); ++n) text += fmt::format("{} {:08X} ", names[n], cpu.gpr[n]);
    return text + fmt::format("eip {:08X} eflags {:08X}", cpu.eip, cpu.eflags());
}

std::string table_of(const Differences& found) {
    std::string text = fmt::format("  {:24} {:>34} {:>34}\n", "", "interpreter", "translator");
    for (const Difference& d : found) text += fmt::format("  {:24} {:>34} {:>34}\n", d.name, d.first, d.second);
    return text;
}

} // namespace

DifferenceSearch::Pair DifferenceSearch::both_behind(size_t steps) {
    Pair pair{make_(Engine::Interpreter), make_(Engine::Translator)};
    for (size_t n = 0; n < steps; ++n) go_on(pair, record_.steps[n]);
    return pair;
}

std::unique_ptr<Pc> DifferenceSearch::reference_behind(size_t steps) {
    std::unique_ptr<Pc> pc = make_(Engine::Interpreter);
    for (size_t n = 0; n < steps; ++n) record_.replay(*pc, record_.steps[n]);
    return pc;
}

void DifferenceSearch::go_on(Pair& pair, const LoopStep& step) const {
    record_.replay(*pair.interpreted, step);
    record_.replay(*pair.translated, step);
}

Differences DifferenceSearch::differences(Pair& pair) {
    Differences found = differences_of_processors(*pair.interpreted, *pair.translated);
    const Differences memory = differences_of_memory(*pair.interpreted, *pair.translated);
    found.insert(found.end(), memory.begin(), memory.end());
    return found;
}

bool DifferenceSearch::narrow_steps(size_t& equal, size_t& different) {
    Pair pair = both_behind(equal);
    const size_t interval = std::max<size_t>(1, (different - equal) / looks_a_pass);
    for (size_t n = equal; n < different; ++n) {
        go_on(pair, record_.steps[n]);
        const bool look = n + 1 == different || (n + 1 - equal) % interval == 0;
        const bool differ =
            look ? !differences(pair).empty() : !differences_of_processors(*pair.interpreted, *pair.translated).empty();
        if (differ) {
            different = n + 1;
            return true;
        }
        if (look) equal = n + 1;
    }
    return false;
}

Differences DifferenceSearch::cut(size_t step, u64 instructions) {
    Pair pair = both_behind(step);
    if (instructions != 0) go_on(pair, {LoopStep::Kind::Run, instructions});
    return differences(pair);
}

u64 DifferenceSearch::shortest(size_t step) {
    u64 equal = 0, different = record_.steps[step].value;
    while (different - equal > 1) {
        const u64 middle = equal + (different - equal) / 2;
        (cut(step, middle).empty() ? equal : different) = middle;
        progress_(fmt::format("between {} and {} instructions into that run", equal, different));
    }
    return different;
}

std::string DifferenceSearch::path(size_t step, u64 instructions) {
    const std::unique_ptr<Pc> pc = reference_behind(step);
    const u64 unseen = instructions > shown_before ? instructions - shown_before : 0;
    if (unseen != 0) record_.replay(*pc, {LoopStep::Kind::Run, unseen});
    const u64 end = pc->cpu.retired() + (instructions - unseen);
    std::string text;
    while (pc->cpu.retired() < end) {
        text += fmt::format("  {:12} {}\n", pc->cpu.retired(), instruction_text(*pc));
        if (pc->cpu.run(1).executed == 0) break;
    }
    return text + "behind them:\n  " + general_registers(pc->cpu) + "\n";
}

std::string DifferenceSearch::explain(size_t equal) {
    size_t different = record_.steps.size();
    while (different - equal > 1) {
        progress_(fmt::format("between steps {} and {} of the run", equal, different));
        if (!narrow_steps(equal, different)) return "The difference did not come again: the run is not repeatable.\n";
    }
    const size_t step = different - 1;
    const LoopStep& what = record_.steps[step];
    const u64 before = reference_behind(step)->cpu.retired();
    if (what.kind != LoopStep::Kind::Run) {
        Pair pair = both_behind(different);
        return fmt::format("Behind {} instructions, by a step of the machine itself:\n{}", before,
                           table_of(differences(pair)));
    }
    const u64 instructions = shortest(step);
    return fmt::format("The first difference is behind instruction {} ({} of a run of {} that began at {}):\n{}"
                       "The interpreter's way there:\n{}",
                       before + instructions, instructions, what.value, before, table_of(cut(step, instructions)),
                       path(step, instructions));
}

} // namespace truering
