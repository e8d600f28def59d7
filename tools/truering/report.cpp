#include "tools/truering/report.hpp"

#include "cpu/paging.hpp"
#include "decoder/decoder.hpp"
#include "decoder/format.hpp"
#include "tools/truering/status.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace truering {

namespace {

std::string vector_name(u8 vector) {
    constexpr std::array names{"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9",  "#TS",
                               "#NP", "#SS", "#GP", "#PF", "15",  "#MF", "#AC", "#MC", "#XM", "#VT"};
    return vector < names.size() ? names[vector] : fmt::format("{:02X}", vector);
}

std::string fault_text(const Event& event) {
    std::string text = vector_name(event.vector);
    if (event.has_error_code) text += fmt::format(" (error {:04X})", event.error_code);
    if (event.vector == static_cast<u8>(Vector::PF)) text += fmt::format(" at {:08X}", event.cr2);
    return text;
}

std::string fault_chain_text(const FaultChain& chain) {
    if (chain.count == 0) return "";
    std::string text = fmt::format("faults: at {:04X}:{:08X} ", chain.cs, chain.eip);
    for (unsigned n = 0; n < chain.count; ++n) text += (n == 0 ? "" : ", then ") + fault_text(chain.event[n]);
    return text + "\n";
}

std::string mode_text(const Cpu& cpu) {
    const char* const side = cpu.in_v32() ? "guest in V32 mode, " : "";
    if (!cpu.protected_mode()) return fmt::format("{}real mode{}", side, cpu.paging() ? ", paging" : "");
    if (cpu.v86_mode()) return fmt::format("{}virtual-8086 mode", side);
    return fmt::format("{}protected mode, ring {}, {}-bit{}", side, cpu.cpl, cpu.segment[seg_CS].is_32bit() ? 32 : 16,
                       cpu.paging() ? ", paging" : "");
}

// Memory as the program sees it, without side effects; what is not there is left out.
std::vector<u8> peek(const Pc& pc, u32 linear, size_t count) {
    std::vector<u8> bytes;
    for (size_t n = 0; n < count; ++n) {
        u64 physical = linear + static_cast<u32>(n);
        if (pc.cpu.paging() && !translate_for_debugger(pc.cpu, linear + static_cast<u32>(n), physical)) break;
        u8 byte = 0;
        pc.memory.peek(Physical{physical & pc.cpu.a20_mask}, {&byte, 1});
        bytes.push_back(byte);
    }
    return bytes;
}

std::string code_text(const Pc& pc) {
    const Cpu& cpu = pc.cpu;
    constexpr unsigned lines = 3;
    std::string text;
    u32 eip = cpu.eip;
    for (unsigned n = 0; n < lines; ++n) {
        const std::vector<u8> bytes = peek(pc, cpu.segment[seg_CS].base + eip, max_instruction_length);
        const Decoded decoded = decode(bytes, cpu.code_size(), cpu.model.features);
        if (decoded.status == DecodeStatus::Truncated || decoded.instruction.length == 0) break;
        std::string hex;
        for (unsigned i = 0; i < decoded.instruction.length && i < bytes.size(); ++i)
            hex += fmt::format("{:02X}", bytes[i]);
        text += fmt::format("{} {:04X}:{:08X}  {:16} {}\n", n == 0 ? "=>" : "  ", cpu.segment[seg_CS].selector, eip,
                            hex, format(decoded.instruction, eip));
        eip += decoded.instruction.length;
    }
    return text;
}

std::string stack_text(const Pc& pc) {
    const Cpu& cpu = pc.cpu;
    const bool wide = cpu.segment[seg_SS].is_32bit();
    const size_t size = wide ? 4 : 2;
    constexpr size_t words = 8;
    const u32 offset = cpu.gpr[reg_ESP] & cpu.stack_mask();
    const std::vector<u8> bytes = peek(pc, cpu.segment[seg_SS].base + offset, words * size);
    std::string text = "stack";
    for (size_t at = 0; at + size <= bytes.size(); at += size)
        text += wide ? fmt::format(" {:08X}", field_32(bytes, at)) : fmt::format(" {:04X}", field_16(bytes, at));
    return text + "\n";
}

std::string last_words(Pc& pc, const TextWatch& watch) {
    constexpr size_t most = 12;
    std::string text;
    const auto add = [&](unsigned port, std::string_view name) {
        const std::vector<std::string> lines = watch.last_lines(port, most);
        if (lines.empty()) return false;
        text += fmt::format("last lines on {}:\n", name);
        for (const std::string& line : lines) text += "  | " + line + "\n";
        return true;
    };
    add(0, "COM1");
    if (!add(1, "COM2")) add(2, "the debug console");
    add(4, "the VMM's port E9H");
    if (const auto screen = pc.vga.text_screen(); screen && !screen->text().empty()) {
        text += "the screen:\n";
        std::string line;
        for (const char c : screen->text()) {
            if (c != '\n') {
                line += c;
                continue;
            }
            if (!line.empty()) text += "  | " + line + "\n";
            line.clear();
        }
    }
    return text;
}

} // namespace

int status_of(const End& end, const Settings& settings) {
    switch (end.reason) {
    case EndReason::PowerOff: return exit_code(settings.until.empty() ? Status::Success : Status::Failed);
    case EndReason::DebugExit:
        if (settings.debug_exit_success == end.value) return exit_code(Status::Success);
        return debug_exit_status(end.value);
    case EndReason::TripleFault: return exit_code(Status::TripleFault);
    case EndReason::Reset: return exit_code(Status::Reset);
    case EndReason::Halted: return exit_code(Status::Halted);
    case EndReason::TimeLimit: return exit_code(Status::WallClockLimit);
    case EndReason::InstructionLimit: return exit_code(Status::InstructionLimit);
    case EndReason::Until: return exit_code(Status::Success);
    case EndReason::FailOn: return exit_code(Status::Failed);
    case EndReason::Signal: return signal_status(static_cast<int>(end.value));
    case EndReason::Quit: return exit_code(Status::Success);
    case EndReason::EnginesDiffer: return exit_code(Status::EnginesDiffer);
    }
    return exit_code(Status::EmulatorBug);
}

std::string reason_of(const End& end) {
    switch (end.reason) {
    case EndReason::PowerOff: return "the guest powered off";
    case EndReason::DebugExit: return fmt::format("the guest ended the run with value {} (debug exit)", end.value);
    case EndReason::TripleFault: return "triple fault";
    case EndReason::Reset: return "the guest reset the machine";
    case EndReason::Halted: return end.detail;
    case EndReason::TimeLimit: return "time limit";
    case EndReason::InstructionLimit: return "instruction limit";
    case EndReason::Until: return fmt::format("--until matched: {}", end.detail);
    case EndReason::FailOn: return fmt::format("--fail-on matched: {}", end.detail);
    case EndReason::Signal: return fmt::format("signal {}", end.value);
    case EndReason::Quit: return "quit";
    case EndReason::EnginesDiffer: return fmt::format("the engines differ: {}", end.detail);
    }
    return "?";
}

std::string registers_text(const Cpu& cpu) {
    const auto& r = cpu.gpr;
    const auto selector = [&](SegmentIndex index) { return cpu.segment[index].selector; };
    return fmt::format("eax {:08X} ebx {:08X} ecx {:08X} edx {:08X}  eflags {:08X}\n"
                       "esi {:08X} edi {:08X} ebp {:08X} esp {:08X}  cr0 {:08X} cr2 {:08X}\n"
                       "cs {:04X} ds {:04X} es {:04X} fs {:04X} gs {:04X} ss {:04X} tr {:04X} ldtr {:04X}  "
                       "cr3 {:08X} cr4 {:08X}\n"
                       "gdt {:08X}+{:04X}  idt {:08X}+{:04X}\n",
                       r[reg_EAX], r[reg_EBX], r[reg_ECX], r[reg_EDX], cpu.eflags(), r[reg_ESI], r[reg_EDI], r[reg_EBP],
                       r[reg_ESP], cpu.cr0, cpu.cr2, selector(seg_CS), selector(seg_DS), selector(seg_ES),
                       selector(seg_FS), selector(seg_GS), selector(seg_SS), selector(seg_TR), selector(seg_LDTR),
                       cpu.cr3, cpu.cr4, cpu.gdtr.base, cpu.gdtr.limit, cpu.idtr.base, cpu.idtr.limit);
}

std::string report_text(const End& end, Pc& pc, const TextWatch& watch) {
    const Cpu& cpu = pc.cpu;
    std::string text = fmt::format("at {:04X}:{:08X}, {}{}; {} instructions, {:.3f} s of the machine's time\n",
                                   cpu.segment[seg_CS].selector, cpu.eip, mode_text(cpu), cpu.halted ? ", halted" : "",
                                   cpu.retired(), static_cast<double>(pc.clock.now()) / 1e9);
    if (end.reason == EndReason::TripleFault) text += fault_chain_text(cpu.fault_chain());
    return text + registers_text(cpu) + stack_text(pc) + code_text(pc) + last_words(pc, watch);
}

} // namespace truering
