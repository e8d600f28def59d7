#include "machine/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace truering {

namespace {

template <class T> std::string text_of(const T& value) {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
    return fmt::format("{:0{}X}", static_cast<u64>(value), sizeof(T) * 2);
}
std::string text_of(const Float80& value) {
    return fmt::format("{:04X}:{:016X}", value.sign_exponent, value.significand);
}
std::string text_of(const Packed128& value) {
    return fmt::format("{:016X}{:016X}", value.get<u64>(1), value.get<u64>(0));
}

class Comparison {
  public:
    Comparison(const Cpu& first, const Cpu& second) : a_(first), b_(second) {}

    Differences take() { return std::move(found_); }

    template <class T> void field(const char* name, const T& a, const T& b) {
        if (a == b) [[likely]]
            return;
        found_.push_back({name, text_of(a), text_of(b)});
    }
    // Several of a kind: `name` has a {} for the number.
    template <class T> void fields(const char* name, const T& a, const T& b) {
        if (std::equal(std::begin(a), std::end(a), std::begin(b))) [[likely]]
            return;
        for (size_t n = 0; n < std::size(a); ++n) field(fmt::format(fmt::runtime(name), n).c_str(), a[n], b[n]);
    }

    void compare() {
        integer();
        segments();
        system();
        fpu_and_sse();
        v32_mode();
        boundary();
    }

  private:
    void integer() {
        constexpr const char* names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "(no register)"};
        for (size_t n = 0; n < std::size(names); ++n) field(names[n], a_.gpr[n], b_.gpr[n]);
        field("eip", a_.eip, b_.eip);
        field("eflags", a_.eflags(), b_.eflags());
        field("cpl", a_.cpl, b_.cpl);
    }

    void segments() {
        constexpr const char* names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
        static_assert(std::size(names) == segment_count);
        for (size_t n = 0; n < segment_count; ++n) segment(names[n], a_.segment[n], b_.segment[n]);
        table("gdtr", a_.gdtr, b_.gdtr);
        table("idtr", a_.idtr, b_.idtr);
    }
    void segment(std::string name, const Segment& a, const Segment& b) {
        field(name.c_str(), a.selector, b.selector);
        field((name + ".attributes").c_str(), a.attributes, b.attributes);
        field((name + ".base").c_str(), a.base, b.base);
        field((name + ".limit").c_str(), a.limit, b.limit);
    }
    void table(std::string name, const DescriptorTable& a, const DescriptorTable& b) {
        field((name + ".base").c_str(), a.base, b.base);
        field((name + ".limit").c_str(), a.limit, b.limit);
    }

    void system() {
        field("cr0", a_.cr0, b_.cr0);
        field("cr2", a_.cr2, b_.cr2);
        field("cr3", a_.cr3, b_.cr3);
        field("cr4", a_.cr4, b_.cr4);
        fields("pdpte{}", a_.pdpte, b_.pdpte);
        fields("dr{}", a_.dr, b_.dr);
        field("dr6", a_.dr6, b_.dr6);
        field("dr7", a_.dr7, b_.dr7);
        field("sysenter_cs", a_.sysenter_cs, b_.sysenter_cs);
        field("sysenter_esp", a_.sysenter_esp, b_.sysenter_esp);
        field("sysenter_eip", a_.sysenter_eip, b_.sysenter_eip);
        field("efer", a_.efer, b_.efer);
        field("apic_base", a_.apic_base, b_.apic_base);
        field("pat", a_.pat, b_.pat);
        field("tsc_offset", a_.tsc_offset, b_.tsc_offset);
        field("microcode_update", a_.microcode_update, b_.microcode_update);
        field("mtrr_def_type", a_.mtrr.def_type, b_.mtrr.def_type);
        fields("mtrr_fixed{}", a_.mtrr.fixed, b_.mtrr.fixed);
        fields("mtrr_variable{}", a_.mtrr.variable, b_.mtrr.variable);
        field("a20_mask", a_.a20_mask, b_.a20_mask);
    }

    void fpu_and_sse() {
        fields("fpu.r{}", a_.fpu.physical, b_.fpu.physical);
        field("fpu.control_word", a_.fpu.control_word, b_.fpu.control_word);
        field("fpu.status_word", a_.fpu.status_word, b_.fpu.status_word);
        field("fpu.top", a_.fpu.top, b_.fpu.top);
        field("fpu.empty", a_.fpu.empty, b_.fpu.empty);
        field("fpu.last_opcode", a_.fpu.last_opcode, b_.fpu.last_opcode);
        field("fpu.fip", a_.fpu.fip, b_.fpu.fip);
        field("fpu.fdp", a_.fpu.fdp, b_.fpu.fdp);
        field("fpu.fcs", a_.fpu.fcs, b_.fpu.fcs);
        field("fpu.fds", a_.fpu.fds, b_.fpu.fds);
        fields("xmm{}", a_.sse.xmm, b_.sse.xmm);
        field("mxcsr", a_.sse.mxcsr, b_.sse.mxcsr);
    }

    void v32_mode() {
        const V32State& a = a_.v32;
        const V32State& b = b_.v32;
        field("v32.vca", a.vca, b.vca);
        field("v32.controls", a.controls, b.controls);
        field("v32.io_bitmap", a.io_bitmap, b.io_bitmap);
        field("v32.tsc_offset", a.tsc_offset, b.tsc_offset);
        fields("v32.redirect_events[{}]", a.redirect_events, b.redirect_events);
        fields("v32.redirect_software[{}]", a.redirect_software, b.redirect_software);
        field("v32.physical_IF", a.physical_IF, b.physical_IF);
        field("v32.exit_count", a.exit_count, b.exit_count);
        record("v32.vmm", a.vmm, b.vmm);
        event("v32.injection", a.injection, b.injection);
        field("v32.step_due", a.step_due, b.step_due);
        field("v32.paging_at_exit", a.paging_at_exit, b.paging_at_exit);
        field("v32.attempt", a.attempt.made, b.attempt.made);
        if (!a.attempt.made || !b.attempt.made) return; // otherwise the rest is of no interest
        field("v32.attempt.IF_before", a.attempt.IF_before, b.attempt.IF_before);
        field("v32.attempt.instruction", a.attempt.instruction, b.attempt.instruction);
        field("v32.attempt.linear", a.attempt.linear, b.attempt.linear);
        field("v32.attempt.length", a.attempt.length, b.attempt.length);
    }
    void record(const char* name, const v32::StateRecord& a, const v32::StateRecord& b) {
        u32 words_a[sizeof a / sizeof(u32)], words_b[sizeof b / sizeof(u32)];
        std::memcpy(words_a, &a, sizeof a);
        std::memcpy(words_b, &b, sizeof b);
        fields(fmt::format("{}[{{}}]", name).c_str(), words_a, words_b);
    }

    void boundary() {
        field("interruptibility", a_.interruptibility, b_.interruptibility);
        field("halted", a_.halted, b_.halted);
        field("pending_debug", a_.pending_debug, b_.pending_debug);
        field("attention", a_.attention, b_.attention);
        field("nmi_pending", a_.nmi_pending(), b_.nmi_pending());
        field("interrupt_line", a_.interrupt_line(), b_.interrupt_line());
        event("pending_fault", a_.pending_fault, b_.pending_fault);
    }
    void event(std::string name, const std::optional<Event>& a, const std::optional<Event>& b) {
        if (!a && !b) return;
        field(name.c_str(), a.has_value(), b.has_value());
        if (!a || !b) return;
        field((name + ".vector").c_str(), a->vector, b->vector);
        field((name + ".type").c_str(), a->type, b->type);
        field((name + ".error_code").c_str(), a->error_code, b->error_code);
        field((name + ".cr2").c_str(), a->cr2, b->cr2);
        field((name + ".dr6").c_str(), a->dr6, b->dr6);
        field((name + ".instruction_length").c_str(), a->instruction_length, b->instruction_length);
    }

    const Cpu& a_;
    const Cpu& b_;
    Differences found_;
};

constexpr size_t shown_places = 8;

void compare_bytes(Differences& found, const char* name, std::span<const u8> a, std::span<const u8> b) {
    if (a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0) return;
    constexpr size_t line = 16;
    const auto hex = [](std::span<const u8> bytes) {
        std::string text;
        for (const u8 byte : bytes) text += fmt::format("{:02X}", byte);
        return text;
    };
    for (size_t at = 0; at + line <= a.size() && found.size() < shown_places; at += line) {
        if (std::memcmp(&a[at], &b[at], line) == 0) continue;
        found.push_back({fmt::format("{} {:08X}", name, at), hex(a.subspan(at, line)), hex(b.subspan(at, line))});
    }
}

} // namespace

Differences differences_of_processors(const Pc& first, const Pc& second) {
    Comparison comparison(first.cpu, second.cpu);
    comparison.field("instructions", first.cpu.retired(), second.cpu.retired());
    comparison.field("time", first.clock.now(), second.clock.now());
    comparison.compare();
    return comparison.take();
}

Differences differences_of_memory(Pc& first, Pc& second) {
    Differences found;
    compare_bytes(found, "memory", first.memory.ram(), second.memory.ram());
    compare_bytes(found, "video memory", first.vga.video_memory(), second.vga.video_memory());
    return found;
}

std::string in_short(const Differences& differences) {
    std::string text;
    for (const Difference& d : differences) {
        if (text.size() > 60) return text + ", ...";
        text += fmt::format("{}{} {} / {}", text.empty() ? "" : ", ", d.name, d.first, d.second);
    }
    return text;
}

} // namespace truering
