#include "tests/random/comparison.hpp"

#include <cstring>
#include <fmt/format.h>

namespace truering::random_test {

namespace {

template <class T> std::string text_of(const T& value) {
    return fmt::format("{:0{}X}", static_cast<u64>(value), sizeof(T) * 2);
}
std::string text_of(const Float80& v) { return fmt::format("{:04X}:{:016X}", v.sign_exponent, v.significand); }
std::string text_of(const Packed128& v) { return fmt::format("{:016X}:{:016X}", v.get<u64>(1), v.get<u64>(0)); }

class Comparison {
  public:
    Comparison(const Machine& a, const Machine& b) : a_(a.cpu), b_(b.cpu) { field("chips", a.chip.seen, b.chip.seen); }

    Differences take() {
        integer();
        system();
        fpu_and_sse();
        return std::move(found_);
    }

  private:
    template <class T> void field(std::string_view name, const T& a, const T& b) {
        if (!(a == b)) found_.push_back({std::string(name), text_of(a), text_of(b)});
    }
    template <class T> void fields(const char* name, const T& a, const T& b) {
        if (std::equal(std::begin(a), std::end(a), std::begin(b))) return;
        for (std::size_t n = 0; n < std::size(a); ++n) field(fmt::format("{}{}", name, n), a[n], b[n]);
    }

    void integer() {
        constexpr const char* names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "no_register"};
        for (std::size_t n = 0; n < std::size(names); ++n) field(names[n], a_.gpr[n], b_.gpr[n]);
        field("eip", a_.eip, b_.eip);
        field("eflags", a_.eflags(), b_.eflags());
        field("instructions", a_.retired(), b_.retired());
    }
    void system() {
        for (unsigned n = 0; n < segment_count; ++n) {
            constexpr const char* names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
            const Segment &a = a_.segment[n], &b = b_.segment[n];
            if (std::memcmp(&a, &b, sizeof a) == 0) continue;
            field(names[n], a.selector, b.selector);
            field(std::string(names[n]) + ".attributes", a.attributes, b.attributes);
            field(std::string(names[n]) + ".base", a.base, b.base);
            field(std::string(names[n]) + ".limit", a.limit, b.limit);
        }
        field("cpl", a_.cpl, b_.cpl);
        field("gdtr.base", a_.gdtr.base, b_.gdtr.base), field("gdtr.limit", a_.gdtr.limit, b_.gdtr.limit);
        field("idtr.base", a_.idtr.base, b_.idtr.base), field("idtr.limit", a_.idtr.limit, b_.idtr.limit);
        field("cr0", a_.cr0, b_.cr0), field("cr2", a_.cr2, b_.cr2);
        field("cr3", a_.cr3, b_.cr3), field("cr4", a_.cr4, b_.cr4);
        fields("dr", a_.dr, b_.dr), field("dr6", a_.dr6, b_.dr6), field("dr7", a_.dr7, b_.dr7);
        field("tsc_offset", a_.tsc_offset, b_.tsc_offset);
        field("interruptibility", a_.interruptibility, b_.interruptibility);
        field("halted", a_.halted, b_.halted);
        field("pending_debug", a_.pending_debug, b_.pending_debug);
        field("attention", a_.attention, b_.attention);
        field("nmi_pending", a_.nmi_pending(), b_.nmi_pending());
        field("interrupt_line", a_.interrupt_line(), b_.interrupt_line());
        field("units_resident", a_.units_resident, b_.units_resident);
    }
    void fpu_and_sse() {
        fields("fpu.r", a_.fpu.physical, b_.fpu.physical);
        field("fpu.control_word", a_.fpu.control_word, b_.fpu.control_word);
        field("fpu.status_word", a_.fpu.status_word, b_.fpu.status_word);
        field("fpu.top", a_.fpu.top, b_.fpu.top), field("fpu.empty", a_.fpu.empty, b_.fpu.empty);
        field("fpu.last_opcode", a_.fpu.last_opcode, b_.fpu.last_opcode);
        field("fpu.fip", a_.fpu.fip, b_.fpu.fip), field("fpu.fcs", a_.fpu.fcs, b_.fpu.fcs);
        field("fpu.fdp", a_.fpu.fdp, b_.fpu.fdp), field("fpu.fds", a_.fpu.fds, b_.fpu.fds);
        fields("xmm", a_.sse.xmm, b_.sse.xmm);
        field("mxcsr", a_.sse.mxcsr, b_.sse.mxcsr);
    }

    const Cpu& a_;
    const Cpu& b_;
    Differences found_;
};

} // namespace

Differences differences_of_processors(const Machine& reference, const Machine& other) {
    return Comparison(reference, other).take();
}

Differences differences_of_memory(Machine& reference, Machine& other) {
    const std::span<u8> a = reference.memory.ram(), b = other.memory.ram();
    Differences found;
    if (std::memcmp(a.data(), b.data(), a.size()) == 0) return found;
    constexpr std::size_t shown_places = 8;
    for (std::size_t at = 0; at < a.size() && found.size() < shown_places; at += 4) {
        u32 words[2];
        std::memcpy(&words[0], &a[at], 4);
        std::memcpy(&words[1], &b[at], 4);
        if (words[0] != words[1])
            found.push_back({fmt::format("memory {:05X}", at), text_of(words[0]), text_of(words[1])});
    }
    return found;
}

} // namespace truering::random_test
